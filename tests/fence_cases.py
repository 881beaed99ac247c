"""Markdown texts with genimage fences in every place, and where the picture must then stand.

`CASES` maps a name to a text and what is expected of it, under each of the extension sets of
`extension_sets`:

- tags, such as `div/ul/li`: the nodes above the figure, from Python-Markdown's root on;
  `div|div` for two figures;
- `html`: the figure stands in raw HTML;
- `code`: there is no figure, and the fence is shown literally, escaped;
- `raw`: there is no figure, and the fence is still in the source (comments, scripts);
- `text`: there is no figure, because Python-Markdown has no fences there: a known limit;
- `none`: there is no figure, because there is no genimage fence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FENCE = '```genimage\nsize: 1024x1024\n\nprompt: a <b>fox</b> & "friends" *x*\n```'


def indent(text: str, prefix: str) -> str:
    """Put a prefix before each line that is not empty."""
    return "\n".join(prefix + line if line else "" for line in text.split("\n"))


QUOTED = "\n".join(("> " + line).rstrip() for line in FENCE.split("\n"))

SNIPPETS = {"fox.md": FENCE + "\n", "prompt.txt": "a fox\n\nin snow\n"}
"""Files that some of the texts include."""

_REST = [
    "admonition",
    "attr_list",
    "def_list",
    "footnotes",
    "md_in_html",
    "abbr",
    "pymdownx.details",
    "pymdownx.tabbed",
    "pymdownx.snippets",
    "pymdownx.blocks.admonition",
    "pymdownx.blocks.tab",
]
_SETS = {
    "fenced_code": ["fenced_code"],
    "codehilite": ["fenced_code", "codehilite"],
    "superfences": ["pymdownx.highlight", "pymdownx.superfences"],
    "preserve_tabs": ["pymdownx.highlight", "pymdownx.superfences", "pymdownx.critic"],
    "no_fences": [],
}
SETS = ["fenced_code", "codehilite", "superfences", "preserve_tabs"]


def extension_set(name: str, snippets: Path) -> dict[str, Any]:
    """The arguments of a Markdown object: one of `SETS`, or `no_fences` for comparison.

    Args:
        name: the set.
        snippets: a folder that holds `SNIPPETS`.
    """
    configs: dict[str, Any] = {
        "pymdownx.snippets": {"base_path": [str(snippets)]},
        "pymdownx.tabbed": {"alternate_style": True},
        # A guess would differ from one version of Pygments to the next.
        "codehilite": {"guess_lang": False},
    }
    if name == "preserve_tabs":
        configs["pymdownx.superfences"] = {"preserve_tabs": True}
    return {
        "extensions": ["tables", "toc", *_SETS[name], *_REST],
        "extension_configs": configs,
    }


COLUMN_0_ONLY = {"longer fence in list", "longer fence in quote"}
"""Expected as `text` under fenced_code, which knows no fences behind a prefix."""

CASES: dict[str, tuple[str, str]] = {
    "top": (FENCE, "div"),
    "top, text glued before+after": ("before\n" + FENCE + "\nafter", "div"),
    "top, 2-space indent": (indent(FENCE, "  "), "div"),
    "top, 4-space after para (lazy)": ("para\n" + indent(FENCE, "    "), "div"),
    "after heading": ("# H\n" + FENCE + "\ntext", "div"),
    "before ---": (FENCE + "\n---\ntext", "div"),
    "after table glued": ("| a | b |\n|---|---|\n| 1 | 2 |\n" + FENCE, "div"),
    "ul tight, 4sp glued": ("- item\n" + indent(FENCE, "    ") + "\n- item2", "div/ul/li"),
    "ul tight, 2sp glued": ("- item\n" + indent(FENCE, "  ") + "\n- item2", "div/ul/li"),
    "ol tight, 3sp glued": ("1. item\n" + indent(FENCE, "   ") + "\n2. item2", "div/ol/li"),
    "ul loose, 4sp": ("- item\n\n" + indent(FENCE, "    ") + "\n\n- item2", "div/ul/li"),
    "ul loose, 2sp": ("- item\n\n" + indent(FENCE, "  ") + "\n\n- item2", "div"),
    "ul tight, col0 glued": ("- item\n" + FENCE + "\n- item2", "div"),
    "ul item is fence": ("- " + indent(FENCE, "  ")[2:] + "\n- item2", "text"),
    "ul nested, 8sp": (
        "- item\n    - sub\n\n" + indent(FENCE, "        ") + "\n\n    - sub2",
        "div/ul/li/ul/li",
    ),
    "ul nested tight, 8sp": (
        "- item\n    - sub\n" + indent(FENCE, "        ") + "\n    - sub2",
        "div/ul/li/ul/li",
    ),
    "ul 2nd item loose glued": (
        "- a\n\n- b\n" + indent(FENCE, "    ") + "\n    more\n\n- c",
        "div/ul/li",
    ),
    "ul text,fence,text": (
        "- item\n\n" + indent(FENCE, "    ") + "\n\n    after\n\n- item2",
        "div/ul/li",
    ),
    "admonition": ("!!! note\n" + indent(FENCE, "    "), "div/div"),
    "admonition text": (
        "!!! note\n    txt\n\n" + indent(FENCE, "    ") + "\n\n    more",
        "div/div",
    ),
    "admonition glued": ("!!! note\n    txt\n" + indent(FENCE, "    ") + "\n    more", "div/div"),
    "details": ("??? note\n    txt\n\n" + indent(FENCE, "    "), "div/details"),
    "tabs": ('=== "A"\n' + indent(FENCE, "    ") + '\n\n=== "B"\n    txt', "div/div/div/div"),
    "tabs in list": (
        '- item\n\n    === "A"\n' + indent(FENCE, "        ") + '\n\n    === "B"\n        txt',
        "div/ul/li/div/div/div",
    ),
    "blocks ///": ("/// note | T\n" + FENCE + "\n///", "div/div"),
    "blocks /// tab": ("/// tab | T\ntxt\n\n" + FENCE + "\n///", "div/div/div"),
    "quote": (QUOTED, "div/blockquote"),
    "quote glued": ("> text\n" + QUOTED + "\n> more", "div/blockquote"),
    "quote then col0 fence": ("> text\n" + FENCE, "div"),
    "quote in quote": (
        "\n".join("> " + line for line in QUOTED.split("\n")),
        "div/blockquote/blockquote",
    ),
    "quote in list": ("- item\n\n" + indent(QUOTED, "    "), "div/ul/li/blockquote"),
    "list in quote": (
        "> - item\n>\n" + "\n".join((">     " + line).rstrip() for line in FENCE.split("\n")),
        "div/blockquote/ul/li",
    ),
    "deflist": ("term\n:   " + indent(FENCE, "    ")[4:], "text"),
    "deflist text": ("term\n:   def\n\n" + indent(FENCE, "    "), "div/dl/dd"),
    "deflist glued": ("term\n:   def\n" + indent(FENCE, "    "), "div/dl/dd"),
    "footnote": ("x[^1]\n\n[^1]: note\n\n" + indent(FENCE, "    "), "div/div/ol/li"),
    "footnote glued": ("x[^1]\n\n[^1]: note\n" + indent(FENCE, "    "), "div/div/ol/li"),
    "footnote starts": ("x[^1]\n\n[^1]:\n" + indent(FENCE, "    "), "div/div/ol/li"),
    "md_in_html": ("<div markdown>\n" + FENCE + "\n</div>", "div/div"),
    "md_in_html blank lines": ("<div markdown>\n\n" + FENCE + "\n\n</div>", "div/div"),
    "md_in_html span (td)": (
        '<table><tr><td markdown="span">\n' + FENCE + "\n</td></tr></table>",
        "html",
    ),
    "md_in_html p": ("<p markdown>\n" + FENCE + "\n</p>", "html"),
    "raw div": ("<div>\n" + FENCE + "\n</div>", "html"),
    "raw pre": ("<pre>\n" + FENCE + "\n</pre>", "code"),
    "comment": ("<!--\n" + FENCE + "\n-->", "raw"),
    "comment in md_in_html": ("<div markdown>\n<!--\n" + FENCE + "\n-->\n</div>", "raw"),
    "longer fence": ("````markdown\n" + FENCE + "\n````", "code"),
    "tilde fence": ("~~~\n" + FENCE + "\n~~~", "code"),
    "longer fence in list": (
        "- item\n\n" + indent("````markdown\n" + FENCE + "\n````", "    "),
        "code",
    ),
    "longer fence in quote": (
        "\n".join(
            ("> " + line).rstrip() for line in ("````markdown\n" + FENCE + "\n````").split("\n")
        ),
        "code",
    ),
    "indented code": ("para\n\n" + indent(FENCE, "    ") + "\n\npara", "code"),
    "indented code, more lines": (
        "para\n\n    code 1\n" + indent(FENCE, "    ") + "\n    code 2\n\npara",
        "code",
    ),
    "indented code, deeper": (
        "para\n\n    code 1\n" + indent(FENCE, "      ") + "\n    code 2\n\npara",
        "code",
    ),
    "indented code in list": ("- item\n\n" + indent(FENCE, "        ") + "\n\n- b", "code"),
    "indented code with quote": ("para\n\n" + indent(QUOTED, "    "), "code"),
    "indented code in footnote": ("x[^1]\n\n[^1]: note\n\n" + indent(FENCE, "        "), "code"),
    "unclosed longer fence before": ("````text\nfoo\n\n" + FENCE, "div"),
    "md_in_html div span": ('<div markdown="span">\n' + FENCE + "\n</div>", "html"),
    "md_in_html div > raw div": (
        "<div markdown>\n\n<div>\n" + FENCE + "\n</div>\n\n</div>",
        "html",
    ),
    "md_in_html div > pre": ("<div markdown>\n\n<pre>\n" + FENCE + "\n</pre>\n\n</div>", "code"),
    "unrecognised header then fence": ("````py {a}{b} !!\n" + FENCE + "\n````", "none"),
    "inline comment": ("text <!-- x\n" + FENCE + "\n--> more", "div"),
    "ol restart check": (
        "1. a\n\n" + indent(FENCE, "    ") + "\n\n2. b\n\n" + indent(FENCE, "    ") + "\n\n3. c",
        "div/ol/li|div/ol/li",
    ),
    "loose li text, col0 glued": ("- item\n\n    txt\n" + FENCE, "div"),
    "sublist then outer-indent glued": (
        "- item\n\n    - sub\n" + indent(FENCE, "    ") + "\n\n- b",
        "div/ul/li",
    ),
    "sublist tight then outer glued": (
        "- item\n    - sub\n" + indent(FENCE, "    ") + "\n- b",
        "div/ul/li",
    ),
    "table glued in admonition": (
        "!!! note\n\n" + indent("| a | b |\n|---|---|\n| 1 | 2 |\n" + FENCE, "    "),
        "div/div",
    ),
    "--- glued in admonition": ("!!! note\n\n" + indent(FENCE + "\n---", "    "), "div/div"),
    "table glued in quote": (
        "\n".join("> " + line for line in ["| a | b |", "|---|---|", "| 1 | 2 |"]) + "\n" + QUOTED,
        "div/blockquote",
    ),
    "deflist col0 glued": ("term\n:   def\n" + FENCE, "div"),
    "admonition then col0 glued": ("!!! note\n    txt\n" + FENCE, "div"),
    "code then col0 glued": ("para\n\n    code\n" + FENCE, "div"),
    "footnote then col0 glued": ("x[^1]\n\n[^1]: note\n" + FENCE, "div"),
    "heading inside li then fence": ("- # H\n" + indent(FENCE, "    ") + "\n- b", "div/ul/li"),
    "li text after fence glued, loose": (
        "- a\n\n- b\n\n" + indent(FENCE + "\nmore", "    "),
        "div/ul/li",
    ),
    "ol loose, next item glued": ("1. a\n\n" + indent(FENCE, "    ") + "\n2. b\n3. c", "div/ol/li"),
    "ul loose, next item glued": ("- a\n\n" + indent(FENCE, "    ") + "\n- b", "div/ul/li"),
    "admonition then text glued": ("!!! note\n\n" + indent(FENCE, "    ") + "\ntext", "div/div"),
    "indented code then text glued": ("p\n\n" + indent(FENCE, "    ") + "\ntext", "code"),
    "details raw html": ("<details>\n    <summary>s</summary>\n" + FENCE + "\n</details>", "html"),
    "figure markdown=span": (
        '<figure markdown="span">\n' + FENCE + "\n<figcaption>c</figcaption>\n</figure>",
        "html",
    ),
    "grid cards": (
        '<div class="grid cards" markdown>\n\n-   text\n\n'
        + indent(FENCE, "    ")
        + "\n\n-   other\n\n</div>",
        "div/div/ul/li",
    ),
    "script": ("<script>\n" + FENCE + "\n</script>", "raw"),
    "unclosed genimage": ("```genimage\nfoo\n\ntext", "none"),
    "snippet": ('--8<-- "fox.md"', "div"),
    "snippet in list": ('- item\n\n    --8<-- "fox.md"', "div/ul/li"),
    "snippet in fence body": ('```genimage\n--8<-- "prompt.txt"\n```', "div"),
    "snippet in longer fence": ('````markdown\n--8<-- "fox.md"\n````', "code"),
    "attr list header": ('``` { .genimage size="1x1" }\nfoo\n```', "div"),
    "tilde genimage": ("~~~genimage\nfoo\n~~~", "div"),
    "tab-indented in list": ("- item\n\n" + indent(FENCE, "\t"), "div/ul/li"),
    "forged marker": ("\x02genimage0\x03 \x01genimage0\x04\n\n" + FENCE, "div"),
    "two in a row glued": (FENCE + "\n" + FENCE, "div|div"),
    "attr_list after": (FENCE + "\n{: .x }", "div"),
    "abbr def after": (FENCE + "\n\n*[fox]: animal", "div"),
    "inline code mention": ("Use ```` ```genimage ```` fences\n\n" + FENCE, "div"),
    "inline triple": ("```genimage foo```\n\ntext", "none"),
    "critic-like prompt": ("```genimage\na {++b++} c\n```", "div"),
}
