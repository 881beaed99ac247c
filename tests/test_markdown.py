"""The Markdown extension: where figures stand, what is left alone, and how often pictures are asked for.

The exact HTML of all cases is in `golden/fences/<extension set>.txt`. After a change that is meant to
show there, write these files anew and read the difference before committing it:

    UPDATE_GOLDEN=1 python -m pytest tests/test_markdown.py -k golden
"""

from __future__ import annotations

import html
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

import pytest
from fence_cases import CASES, COLUMN_0_ONLY, FENCE, SETS, SNIPPETS, extension_set, indent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown import Markdown
from markdown.treeprocessors import Treeprocessor

from mkdocs_genimage.fences import scan
from mkdocs_genimage.markdown import GenimageExtension, LatePostprocessor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown.extensions import Extension

    from mkdocs_genimage.fences import Fence

GOLDEN = Path(__file__).parent / "golden" / "fences"
UPDATE = "UPDATE_GOLDEN" in os.environ  # read now: a fixture clears the environment later
FIGURE = '<figure class="genimage">'


@dataclass
class Book:
    """A renderer that keeps account. It is its own document."""

    tag: str = "figure"
    caption: str = ""
    src: str = "x.png"
    figures: list[Fence] = field(default_factory=list)
    misses: list[tuple[str, int, str]] = field(default_factory=list)
    documents: list[list[Fence]] = field(default_factory=list)

    def prepare(self, lines: list[str], md: Markdown) -> list[str]:
        return lines

    def document(self, fences: Sequence[Fence], md: Markdown) -> Book:
        self.documents.append(list(fences))
        return self

    def figure(self, fence: Fence) -> Element:
        self.figures.append(fence)
        figure = Element(self.tag, {"class": "genimage"})
        SubElement(figure, "img", {"alt": f"{len(self.figures)}", "src": self.src})
        if self.caption:
            SubElement(figure, "figcaption").text = self.caption
        return figure

    def near_miss(self, line: str, index: int, advice: str) -> None:
        self.misses.append((line, index, advice))


class Probe(Treeprocessor):
    """Records the tags above each figure of the finished tree."""

    def __init__(self) -> None:
        super().__init__()
        self.chains: list[str] = []

    def run(self, root: Element) -> None:
        def walk(node: Element, above: list[str]) -> None:
            above = [*above, str(node.tag)]
            for child in node:
                if child.get("class") == "genimage":
                    self.chains.append("/".join(above))
                walk(child, above)

        walk(root, [])


class Relpath(Treeprocessor):
    """Rewrites links as MkDocs does, and fails as it does where there is none."""

    def run(self, root: Element) -> None:
        for element in root.iter():
            key = {"a": "href", "img": "src"}.get(str(element.tag))
            if key:
                url = element.get(key)
                assert url is not None
                element.set(key, self.path_to_url(url))

    def path_to_url(self, url: str) -> str:
        return url if url.startswith("#") else f"../{url}"


@pytest.fixture(scope="module")
def snippets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("snippets")
    for name, text in SNIPPETS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def markdown(name: str, folder: Path, *more: Extension, **options: Any) -> Markdown:
    """A Markdown object with one of the extension sets, and more extensions."""
    arguments = extension_set(name, folder)
    arguments["extensions"] += more
    return Markdown(**arguments, **options)


def shown(page: str) -> str:
    """The text that a page shows."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


def expectation(case: str, name: str) -> str:
    if case in COLUMN_0_ONLY and name in ("fenced_code", "codehilite"):
        return "text"
    return CASES[case][1]


matrix = pytest.mark.parametrize("name", SETS)
every_case = pytest.mark.parametrize("case", CASES)


@matrix
@every_case
@pytest.mark.parametrize("tag", ["figure", "p"])
def test_where_figures_stand(case: str, name: str, tag: str, snippets: Path) -> None:
    book, probe = Book(tag), Probe()
    md = markdown(name, snippets, GenimageExtension(book))
    md.treeprocessors.register(probe, "probe", -20)
    text = CASES[case][0]
    page = md.convert(text)

    assert not re.search(r"[\x01-\x04]|wzxhzdk|klzzwxh", page)
    expected = expectation(case, name)
    figures = page.count(f'<{tag} class="genimage">')
    assert len(book.figures) == figures
    if expected == "html":
        assert (figures, probe.chains) == (1, [])
    elif expected in {"code", "raw", "text", "none"}:
        assert (figures, probe.chains) == (0, [])
        if expected == "code":
            assert 'prompt: a <b>fox</b> & "friends" *x*' in shown(page)
            assert "<b>fox" not in page
        if expected == "raw":
            assert FENCE in page
    else:
        assert "|".join(probe.chains) == expected
        assert figures == len(probe.chains)
        assert "prompt" not in page
        assert "code" in case or "<pre" not in page


@pytest.mark.parametrize(
    ("case", "line"),
    [("ul item is fence", "- ```genimage"), ("deflist", ":   ```genimage")],
)
@matrix
def test_known_limit_is_text_and_reported(case: str, line: str, name: str, snippets: Path) -> None:
    book = Book()
    page = markdown(name, snippets, GenimageExtension(book)).convert(CASES[case][0])
    assert page == markdown(name, snippets).convert(CASES[case][0])
    assert [miss[0] for miss in book.misses] == [line]
    assert "list marker" in book.misses[0][2]


@pytest.mark.parametrize(
    "case",
    # Other extensions look for fences in raw HTML, too, and break it with what they make of them.
    [case for case in CASES if CASES[case][1] == "code" and "pre" not in case],
)
@matrix
def test_code_is_as_it_would_be_without_the_extension(case: str, name: str, snippets: Path) -> None:
    text = CASES[case][0]
    book = Book()
    page = markdown(name, snippets, GenimageExtension(book)).convert(text)
    assert page == markdown(name, snippets).convert(text)
    assert not book.misses


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case][1] == "raw"])
@matrix
def test_raw_text_is_as_the_author_wrote_it(case: str, name: str, snippets: Path) -> None:
    text = CASES[case][0]
    page = markdown(name, snippets, GenimageExtension(Book())).convert(text)
    assert page == markdown("no_fences", snippets).convert(text)


def test_blank_lines_in_raw_text(snippets: Path) -> None:
    text = "<!--\n> ```genimage\n> a cat  \n> \n> on books\n    \n>\t\n> ```\n-->"
    text += "\n\n<!--\n```genimage\n    \n\ta cat\n```\n-->"
    book = Book()
    page = markdown("superfences", snippets, GenimageExtension(book)).convert(text)
    assert len(book.documents[0]) == 2
    assert page == markdown("no_fences", snippets).convert(text)


# Exact HTML


def golden_is_current() -> bool:
    """Whether the installed versions are those that the golden files were written with, or newer."""
    return int(version("pymdown-extensions").split(".")[0]) >= 13 and tuple(
        int(part) for part in version("Markdown").split(".")[:2]
    ) >= (3, 11)


@pytest.mark.skipif(
    not golden_is_current(), reason="golden files need Markdown 3.11 and pymdown-extensions 13"
)
@matrix
def test_golden(name: str, snippets: Path) -> None:
    parts = []
    for case, (text, _) in CASES.items():
        page = markdown(name, snippets, GenimageExtension(Book())).convert(text)
        parts.append(f"######## {case}\n{page}\n")
    got = "".join(parts)
    path = GOLDEN / f"{name}.txt"
    if UPDATE:
        path.write_text(got, encoding="utf-8", newline="\n")
    assert got == path.read_text(encoding="utf-8")


# What is left alone


PLAIN_TEXTS = {
    "nothing": "# H\n\ntext\n",
    "the word": "A genimage block, `genimage`, ``` ```genimage ``` ```.\n",
    "another fence": "```python\nx\n```\n\n- a\n\n    ~~~\n    y\n    ~~~\n",
    "controls": "a \x01b\x04 \x02c\x03\n\n\x01genimage0\x04\n\n\x02genimage0\x03\n",
    "controls and code": "\x01genimage0\x04\n\n```\n\x01genimage0\x04\n```\n\n    \x01genimage0\x04\n",
    "carriage returns": "a\r\n\r\n```x\rgenimage\r\n```\r\n",
    "near misses": "```GenImage\nx\n```\n\n- ```genimage\n  x\n  ```\n\n```genimage\nx\n\ny\n",
}


@matrix
@pytest.mark.parametrize("text", PLAIN_TEXTS.values(), ids=PLAIN_TEXTS.keys())
def test_text_without_fences_is_untouched(text: str, name: str, snippets: Path) -> None:
    book = Book()
    assert markdown(name, snippets, GenimageExtension(book)).convert(text) == markdown(
        name, snippets
    ).convert(text)
    assert not book.figures


def test_near_misses_are_told_without_fences_too() -> None:
    book = Book()
    Markdown(extensions=[GenimageExtension(book)]).convert(PLAIN_TEXTS["near misses"])
    assert book.documents == [[]]
    assert [(line, index) for line, index, _ in book.misses] == [
        ("```GenImage", 0),
        ("- ```genimage", 4),
        ("```genimage", 8),
    ]


def test_document_begins_only_when_there_is_something() -> None:
    book = Book()
    Markdown(extensions=[GenimageExtension(book)]).convert("```python\nx\n```\ngenimage")
    assert book.documents == []


def test_prepared_lines_are_scanned() -> None:
    class Restoring(Book):
        def prepare(self, lines: list[str], md: Markdown) -> list[str]:
            assert lines == ["a", "![](x.png)"]
            assert md.tab_length == 4
            return [lines[0], *FENCE.split("\n")]

    book = Restoring()
    page = Markdown(extensions=[GenimageExtension(book)]).convert("a\n![](x.png)")
    assert page.startswith(f"<p>a</p>\n{FIGURE}")
    assert [fence.start for fence in book.documents[0]] == [1]


# Line ends, tabs


@matrix
@every_case
@pytest.mark.parametrize("newline", ["\r\n", "\r"], ids=["CRLF", "CR"])
def test_line_ends_make_no_difference(case: str, name: str, newline: str, snippets: Path) -> None:
    text = CASES[case][0]
    if "--8<--" in text and newline == "\r":
        newline = "\r\n"  # snippets knows no others
    pages = []
    for variant in (text, text.replace("\n", newline)):
        book = Book()
        pages.append(markdown(name, snippets, GenimageExtension(book)).convert(variant))
    assert pages[0] == pages[1]


@matrix
@pytest.mark.parametrize("tab_length", [2, 4, 8])
def test_tab_length(name: str, tab_length: int, snippets: Path) -> None:
    book, probe = Book(), Probe()
    md = markdown(name, snippets, GenimageExtension(book), tab_length=tab_length)
    md.treeprocessors.register(probe, "probe", -20)
    by_blanks = "- a\n\n" + indent(FENCE, " " * tab_length) + "\n\n- b\n"
    by_tabs = "\t- c\n\n" + indent(FENCE, "\t\t")
    code = "\n\ntext\n\n" + indent(FENCE, "\t")
    page = md.convert(by_blanks + by_tabs + code)
    assert probe.chains == ["div/ul/li", "div/ul/li/ul/li"]
    assert [fence.prefix for fence in book.documents[0]] == [" " * tab_length, "\t\t", "\t"]
    assert [fence.body for fence in book.documents[0]] == ["\n".join(FENCE.split("\n")[1:-1])] * 3
    assert shown(page).endswith(f"{FENCE}\n")


# State


def test_one_object_converts_many_texts() -> None:
    book = Book()
    md = Markdown(extensions=[GenimageExtension(book)])
    two = f"{FENCE}\n\ntext\n\n{FENCE}"
    assert md.convert(two).count("<img") == 2
    assert md.convert(FENCE).count("<img") == 1
    assert md.convert("\x01genimage0\x04") == "<p>\x01genimage0\x04</p>"
    assert md.reset().convert(f"<div>\n{FENCE}\n</div>").count('alt="4"') == 1
    # The same text again is another conversion, with figures of its own.
    assert md.convert(f"<div>\n{FENCE}\n</div>").count('alt="5"') == 1


def test_objects_that_share_an_extension_do_not_disturb_each_other() -> None:
    class Nesting(Book):
        def figure(self, fence: Fence) -> Element:
            if "inner" not in fence.body:
                other = Markdown(extensions=[extension])
                inner.append(
                    other.convert("```genimage\ninner 1\n```\n\n```genimage\ninner 2\n```")
                )
                other.reset()
            return super().figure(fence)

    inner: list[str] = []
    book = Nesting()
    extension = GenimageExtension(book)
    md = Markdown(extensions=[extension])
    page = md.convert("```genimage\none\n```\n\n<div>\n```genimage\ntwo\n```\n</div>")
    assert [fence.body for fence in book.figures] == [
        *("inner 1", "inner 2", "one", "inner 1", "inner 2", "two")
    ]
    assert re.findall(r'alt="(\d)"', page) == ["3", "6"]
    assert [re.findall(r'alt="(\d)"', text) for text in inner] == [["1", "2"], ["4", "5"]]


def test_marker_of_no_fence_is_left_alone() -> None:
    """What other extensions put between such characters is their own affair."""
    book = Book()
    md = Markdown(extensions=[GenimageExtension(book)])
    md.convert(FENCE)
    text = "<p>\x02genimage7\x03</p>\n<code>\x02genimage7\x03</code>"
    assert md.postprocessors[LatePostprocessor.NAME].run(text) == text
    assert len(book.figures) == 1


def test_without_the_processors_of_others() -> None:
    md = Markdown(extensions=[GenimageExtension(Book())])
    md.parser.blockprocessors.deregister("indent")
    md.postprocessors.deregister("raw_html")
    assert md.convert(f"  {indent(FENCE, '  ')[2:]}\ntext").endswith("<p>text</p>")
    late = md.postprocessors[LatePostprocessor.NAME]
    assert late.run("<p>\x01genimage0\x04</p>").count('<img alt="2"') == 1


def test_extension_registers_itself() -> None:
    """Extensions that build another Markdown object take along what is registered with this one."""
    extension = GenimageExtension(Book())
    md = Markdown(extensions=[extension])
    assert extension in md.registeredExtensions


# How often pictures are asked for


@matrix
@pytest.mark.parametrize(
    "text",
    [
        f"# A\n\n<div>\n{FENCE}\n</div>\n\n## B\n\n[TOC]\n\n### C\n",
        f'# A\n\n<h2 markdown="span">\n{FENCE}\n</h2>\n\n## B\n\n### C\n',
        f"# A\n\n{FENCE}\n\n## B\n\n### C\n",
    ],
    ids=["raw div", "in a heading", "in the text"],
)
def test_contents_ask_for_no_picture_again(text: str, name: str, snippets: Path) -> None:
    book = Book()
    page = markdown(name, snippets, GenimageExtension(book)).convert(text)
    assert page.count(FIGURE) == len(book.figures) == 1


# Figures in raw HTML


CAPTION = "*Emphasis*, <b>bold</b>, [link](page.md), `<code>`, 1 \\* 2, AT&T"
CAPTION_HTML = (
    '<figcaption><em>Emphasis</em>, <b>bold</b>, <a href="../page.md">link</a>, '
    "<code>&lt;code&gt;</code>, 1 * 2, AT&amp;T</figcaption>"
)


@matrix
@pytest.mark.parametrize("text", [FENCE, f"<div>\n{FENCE}\n</div>"], ids=["tree", "raw"])
def test_late_figures_are_like_others(text: str, name: str, snippets: Path) -> None:
    book = Book(caption=CAPTION)
    md = markdown(name, snippets, GenimageExtension(book))
    md.treeprocessors.register(Relpath(), "relpath", 0)
    page = md.convert(text)
    assert '<img alt="1" src="../x.png" />' in page
    assert CAPTION_HTML in page.replace("\n", "")


@pytest.mark.parametrize("text", [FENCE, f"<div>\n{FENCE}\n</div>"], ids=["tree", "raw"])
def test_entities_in_captions(text: str) -> None:
    """Python-Markdown puts them in with the very last postprocessor."""
    book = Book(caption="<me@example.org> &copy;")
    page = Markdown(extensions=[GenimageExtension(book)]).convert(text)
    link = '<a href="mailto:me@example.org">me@example.org</a>'
    assert f"<figcaption>{link} \N{COPYRIGHT SIGN}</figcaption>" in html.unescape(page)


def test_late_figure_without_host() -> None:
    page = Markdown(extensions=[GenimageExtension(Book())]).convert(f"<div>\n{FENCE}\n</div>")
    assert 'src="x.png"' in page


def test_late_figure_has_the_output_format() -> None:
    md = Markdown(extensions=[GenimageExtension(Book())], output_format="html")
    assert '<img alt="1" src="x.png"></figure>' in md.convert(f"<div>\n{FENCE}\n</div>")


def test_fence_in_an_attribute_does_not_break_the_tag() -> None:
    book = Book()
    md = Markdown(extensions=[GenimageExtension(book)])
    page = md.convert('<div title="\n```genimage\na > b\n```\n"></div>\n\n' + FENCE)
    assert page.startswith('<div title="\n```genimage\na &gt; b\n```\n"></div>')
    assert len(book.figures) == 1


def test_page_of_a_site(tmp_path: Path) -> None:
    """MkDocs resolves the link of a picture in raw HTML, and knows the figure's anchor."""
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File, Files
    from mkdocs.structure.pages import Page

    class Anchored(Book):
        def figure(self, fence: Fence) -> Element:
            figure = super().figure(fence)
            figure.set("id", f"hero-{len(self.figures)}")
            return figure

    config = MkDocsConfig(config_file_path=str(tmp_path / "mkdocs.yml"))
    config.load_dict({"site_name": "x", "docs_dir": str(tmp_path)})
    config.validate()
    config.markdown_extensions.append(GenimageExtension(Anchored(src="../assets/x.png")))
    file, asset = (
        File(name, src_dir=str(tmp_path), dest_dir=config.site_dir, use_directory_urls=True)
        for name in ("guide/p.md", "assets/x.png")
    )
    files = Files([file, asset])
    page = Page("P", file, config)
    page.markdown = f"# P\n\n<div>\n{FENCE}\n</div>\n\n{FENCE}"
    page.render(config, files)
    assert page.content is not None
    assert re.findall(r'src="(.*?)"', page.content) == ["../../assets/x.png"] * 2
    assert page.present_anchor_ids is not None
    assert {"hero-1", "hero-2"} <= page.present_anchor_ids


# Places that the cases do not have

IN_QUOTED_LIST = indent(FENCE, ">     ").replace("\n\n", "\n>\n")


@matrix
@pytest.mark.parametrize(
    ("text", "chains"),
    [
        ("  " + indent(FENCE, "  ")[2:] + "\n---\ntext", ["div"]),
        (
            "> 1. a\n>\n" + indent(FENCE, ">     ").replace("\n\n", "\n>\n") + "\n> 2. b",
            ["div/blockquote/ol/li"],
        ),
        ("- a\n    - b\n\n" + indent(FENCE, "        ") + "\n    more", ["div/ul/li/ul/li"]),
        ("- a\n    - b\n\n" + indent(FENCE, "        ") + "\n    - c", ["div/ul/li/ul/li"]),
        ("text\n" + FENCE + "\n" + FENCE + "\ntext\n" + FENCE, ["div"] * 3),
    ],
    ids=[
        "indented over a rule",
        "next item in a quote",
        "back in outer item",
        "next inner item",
        "many",
    ],
)
def test_where_more_figures_stand(text: str, chains: list[str], name: str, snippets: Path) -> None:
    book, probe = Book(), Probe()
    md = markdown(name, snippets, GenimageExtension(book))
    md.treeprocessors.register(probe, "probe", -20)
    page = md.convert(text)
    assert probe.chains == chains
    assert len(book.figures) == len(chains)
    assert not re.search("<h[1-6]|<pre", page)


def test_item_after_a_figure_is_an_item() -> None:
    page = Markdown(extensions=[GenimageExtension(Book())]).convert(
        f"> 1. a\n>\n{IN_QUOTED_LIST}\n> 2. b"
    )
    assert page.count("<li>") == 2
    assert page.count("<ol>") == 1


@matrix
def test_definition_does_not_take_a_figure_for_its_term(name: str, snippets: Path) -> None:
    book = Book("p")
    page = markdown(name, snippets, GenimageExtension(book)).convert(f"{FENCE}\n\n:   def\n")
    assert page.startswith('<p class="genimage"><img')
    assert "<dd>" in page


def test_way_back_from_a_footnote_is_not_in_the_figure() -> None:
    text = "x[^1]\n\n[^1]: note\n\n" + indent(FENCE, "    ")
    page = Markdown(extensions=["footnotes", GenimageExtension(Book("p"))]).convert(text)
    assert re.search(r'<p class="genimage"><img [^>]*></p>\n<p><a class="footnote-backref"', page)


@matrix
def test_ragged_code_is_one_block(name: str, snippets: Path) -> None:
    for outer in ("", "- a\n\n"):
        margin = "        " if outer else "    "
        code = indent(indent(FENCE, "  ") + "\ncode", margin)
        text = f"{outer or 'text'}\n\n{code}\n"
        page = markdown(name, snippets, GenimageExtension(Book())).convert(text)
        assert page == markdown(name, snippets).convert(text)


# Any text


# Without "///": the blocks of pymdown-extensions 13.1 never end on some of these, in any text.
FRAGMENTS = st.sampled_from(
    [
        *("```genimage", "````genimage", "~~~genimage", "``` { .genimage }", "```genimage a`b"),
        *(
            "```",
            "````",
            "~~~",
            "```python",
            "```GenImage",
            "    ```",
            "  ```genimage",
            "> ```genimage",
        ),
        *(
            "> ```",
            "- ```genimage",
            "    ```genimage",
            ">     ```genimage",
            ">     ```",
            "\t```genimage",
        ),
        *(
            "",
            "",
            "  ",
            ">",
            "text",
            "  text",
            "    text",
            "> text",
            ">> text",
            "- item",
            "1. item",
        ),
        *(
            "---",
            "| a |",
            "|---|",
            "!!! note",
            "[^1]: note",
            "x[^1]",
            "term",
            ":   def",
        ),
        *(
            "<div>",
            "</div>",
            "<div markdown>",
            "<!--",
            "-->",
            "<pre>",
            "</pre>",
            "<code>",
            "`",
            "# H",
        ),
        *(
            "\x01genimage0\x04",
            "\x02genimage0\x03",
            "\x01",
            "\x04",
            "\x02",
            "\x03",
            "text\r",
            "[TOC]",
        ),
        *(
            "{++",
            "++}",
            "<p markdown>",
            "</p>",
            "prompt: *x*",
            "a & b",
            "\tcode",
            '=== "tab"',
            "genimage",
        ),
    ]
)
TEXTS = st.lists(FRAGMENTS, max_size=25).map("\n".join)
slow = settings(
    deadline=None,
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@matrix
@slow
@given(text=TEXTS)
def test_any_text(name: str, snippets: Path, text: str) -> None:
    book, probe = Book(), Probe()
    md = markdown(name, snippets, GenimageExtension(book))
    md.treeprocessors.register(probe, "probe", -20)
    page = md.convert(text)
    assert page.count(FIGURE) == len(book.figures)
    if book.documents and book.documents[0]:
        assert not re.search(r"[\x01\x02]+(?:<[^>]*>)*genimage", page)
        assert max(Counter(map(id, book.figures)).values(), default=1) == 1
    else:
        assert page == markdown(name, snippets).convert(text)


@matrix
@slow
@given(text=TEXTS.map(lambda text: text.replace("genimage", "python")))
def test_any_text_of_others(name: str, snippets: Path, text: str) -> None:
    book = Book()
    page = markdown(name, snippets, GenimageExtension(book)).convert(text)
    assert page == markdown(name, snippets).convert(text)
    assert not book.figures


def test_scanner_and_extension_agree() -> None:
    """The fences that a document is given are those of the text itself."""
    text = f"a\n\n{FENCE}\n\n- b\n\n{indent(FENCE, '    ')}"
    book = Book()
    Markdown(extensions=[GenimageExtension(book)]).convert(text)
    assert book.documents == [scan(text.split("\n")).fences]
    assert book.figures == book.documents[0]
