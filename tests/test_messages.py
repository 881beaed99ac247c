"""What authors read when a block is wrong: every message with its exact place, in one build.

The messages themselves are in `golden/messages.txt`. After a change that is meant to show there, write
the file anew and read the difference before committing it:

    UPDATE_GOLDEN=1 python -m pytest tests/test_messages.py
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mkdocs.plugins import BasePlugin
from sites import Site, behind, fence, holding

from mkdocs_genimage.options import OPTIONS, SITE_WIDE

if TYPE_CHECKING:
    from api_server import ImagesServer

GOLDEN = Path(__file__).parent / "golden" / "messages.txt"
UPDATE = "UPDATE_GOLDEN" in os.environ  # read now: a fixture clears the environment later
SECRET = "Quokka-42"


BAD = f"{SECRET} by a lake"
"""Each bad block has the word in it, to be seen nowhere in the site."""

PAGES: dict[str, str] = {
    "front-matter": f"---\ntitle: T\ndescription: D\n---\n\n# T\n\n{fence(BAD, 'size=huge')}",
    "front-matter-options": f"---\ngenimage:\n  qality: high\n  size: 1\n---\n\n{fence(BAD, 'alt=x')}",
    "front-matter-text": f"---\ngenimage: wide\n---\n\n{fence(BAD, 'alt=x')}",
    "list": "1.  One\n\n    Text\n\n" + behind("    ", fence(BAD, "quality=hihg")) + "\n2.  Two\n",
    "quote": "> Text\n>\n" + behind("> ", fence(f"prompt: {BAD}\nsise: 1x1")),
    "admonition": '!!! note "N"\n\n' + behind("    ", fence(f"alt: {BAD}")),
    "snippet": '# Snippet\n\n--8<-- "bad.md"\n',
    "snippet-and-own": f'--8<-- "bad.md"\n\n{fence(BAD, "n=12")}',
    "crlf": (f"# T\n\n{fence('A hen')}\n{fence(BAD, 'align=top')}").replace("\n", "\r\n"),
    "bom": "\ufeff# T\n\n" + fence(BAD, "loading=never"),
    "macro": "Text\n\n{{ three lines }}\n\n" + fence(f"{{{{ animal }}}}, {BAD}", "width=0"),
    "typing-error-in-body": fence(f"promt: {BAD}\nsize: 1024x1024"),
    "prompt-that-looks-like-options": fence(f"scene: {BAD}"),
    "yaml": fence(f"size: 1x1\nprompt: {BAD}: with: colons"),
    "yaml-tabs": fence(f"prompt: {BAD}\n\tsize: 1x1"),
    "yaml-alias": fence(f"prompt: &a {BAD}\nalt: *a"),
    "twice-in-header-and-body": fence(f"prompt: {BAD}\nsize: 1x1", "size=2x2"),
    "twice-in-body": fence(f"prompt: {BAD}\nsize: 1x1\nsize: 2x2"),
    "header-syntax": fence(BAD, "size:1x1"),
    "header-quote": fence(BAD, 'alt="not closed'),
    "header-braces": f"```{{ .genimage size }}\n{BAD}\n```\n",
    "unknown-style": fence(f"{BAD}\n", "style=bran"),
    "empty": fence(""),
    "only-options": fence(f"alt: {BAD}\nsize: 1x1\n"),
    "several-in-one": fence(f"prompt: {BAD}\nsize: big\nn: 0\nquality: best\ncolour: red"),
    "conflicts": fence(
        f"prompt: {BAD}\nbackground: transparent\noutput_format: jpeg\nmask: m.png\n"
        "decorative: true\nalt: x\npick: 3\nn: 2"
    ),
    "compression": fence(f"prompt: {BAD}\nalt: x\noutput_compression: 50"),
    "no-such-file": "\n\n" + fence(f"prompt: {BAD}\nalt: x\nimage: gone.png"),
    "file-outside": fence(f"prompt: {BAD}\nalt: x\nimage: ../../../../../etc/hostname"),
    "file-of-another-kind": fence(f"prompt: {BAD}\nalt: x\nimage: list.md"),
    "link": fence(f"prompt: {BAD}\nalt: x\nlink: javascript:alert(1)"),
    "extra": fence(f"prompt: {BAD}\nalt: x\nextra:\n  size: 1x1"),
    "same-twice": fence(BAD, "size=huge") + "\n" + fence(BAD, "size=huge"),
    # What looks like a block and is none.
    "word": f"# T\n\n```gen-image\n{BAD}\n```\n",
    "capitals": f"```GenImage\n{BAD}\n```\n",
    "list-marker": f"Text\n\n- ```genimage\n  {BAD}\n  ```\n",
    "not-closed": f"# T\n\n```genimage\n{BAD}\n",
    "closed-by-more": f"```genimage\n{BAD}\n````\n\nText\n",
    "sub/folder": "# T\n\n" + fence(BAD, "height=tall"),
}


class Macros(BasePlugin):
    def on_page_markdown(self, text: str, **_: Any) -> str:
        return text.replace("{{ three lines }}", "one\n\ntwo\n\nthree").replace(
            "{{ animal }}", "fox"
        )


@pytest.fixture
def bad_site(site: Site) -> Site:
    site.use_bare_theme()
    site.config["markdown_extensions"] = [
        "admonition",
        {"pymdownx.snippets": {"base_path": [str(site.root / "snippets")]}},
        "pymdownx.superfences",
    ]
    site.options["styles"] = {"brand": "Flat. {prompt}"}
    site.write({f"docs/{name}.md": text for name, text in PAGES.items()})
    site.write({"snippets/bad.md": fence(f"prompt: {BAD}\nalt: x\nquality: 11")})
    return site


def test_all_messages_of_a_site(bad_site: Site, api: ImagesServer) -> None:
    built = bad_site.build(warns=[""], probes={"macros": Macros()})
    found = built.messages(logging.WARNING)
    assert [r.getMessage() for r in built.records if r.levelno > logging.WARNING] == []
    assert len(found) == len([r for r in built.records if r.levelno == logging.WARNING])
    text = "".join(sorted(message + "\n" for message in found))
    # The names of all options are not the subject here.
    for words, options in (("options", OPTIONS), ("options of a page", [*SITE_WIDE, "hero"])):
        text = text.replace(f"Allowed: {', '.join(options)}.", f"Allowed: <all {words}>.")
    if UPDATE:
        GOLDEN.write_text(text, encoding="utf-8", newline="\n")
    assert text == GOLDEN.read_text(encoding="utf-8")
    assert [call.fields["prompt"] for call in api.posts] == ["A hen"], "the one good block"


def test_each_place_is_the_blocks_own(bad_site: Site) -> None:
    """Apart from the words, each message names the line where what is wrong really is."""
    built = bad_site.build(warns=[""], probes={"macros": Macros()})
    for message in built.warnings:
        place = re.match(r"docs/([\w/-]+)\.md(?::(\d+)| \(from a snippet\)): ", message)
        assert place, message
        if place[2] is None:
            assert place[1] in ("snippet", "snippet-and-own")
            continue
        lines = (bad_site.root / f"docs/{place[1]}.md").read_text("utf-8-sig").split("\n")
        line = lines[int(place[2]) - 1].strip()
        wrong = re.match(r"'(\w+)'", message[place.end() :])
        if wrong and wrong[1] != "genimage":
            assert wrong[1] in line or "genimage" in line, (message, line)
        assert line, message


def test_bad_blocks_are_visible_and_tell_nothing(bad_site: Site) -> None:
    built = bad_site.build(warns=[""], probes={"macros": Macros()})
    near_misses = ("word", "capitals", "list-marker", "not-closed", "closed-by-more")
    for name in PAGES:
        html = built.read(f"{name}/index.html")
        shown = html.count("This picture cannot be shown.")
        if name in near_misses:
            assert shown == 0, name
            assert SECRET in html, name  # it is text, as any fenced code
            continue
        assert SECRET not in html, name
        expected = {"snippet-and-own": 2, "same-twice": 2}
        assert shown == expected.get(name, 1), name
        assert html.count('role="note"') == shown, name
        assert f"at docs/{name}.md" in html, name
    told = [n for n in holding(built.site_dir, SECRET) if n.split("/")[0] not in near_misses]
    assert told == []


def test_near_misses_that_repeat_are_each_told(site: Site) -> None:
    site.use_bare_theme()
    item = "- ```genimage\n  A fox\n  ```\n\n"
    site.write({"docs/index.md": f"{item}Text\n\n{item}"})
    built = site.build(warns=["A fence cannot begin on the line of a list marker"])
    places = [message.split(": ")[0] for message in built.warnings]
    assert places == ["docs/index.md:1", "docs/index.md:7"]


def test_backticks_in_a_header_are_told(site: Site) -> None:
    site.use_bare_theme()
    text = fence("A fox", "caption='The `wren` command'")
    site.write({"docs/index.md": f"# Home\n\n```genimage x``` is inline code.\n\n{text}\nText\n"})
    site.build(warns=["docs/index.md:5: "])


def test_stray_end_is_told_where_it_is(site: Site) -> None:
    """An equal line above it ends another block."""
    site.use_bare_theme()
    text = "````text\ncode\n````\n\n```genimage\nA fox\n````\n\nText\n"
    site.write({"docs/index.md": text})
    site.build(warns=["docs/index.md:7: This line does not close the genimage block above it"])


@pytest.mark.parametrize("char", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_lines_are_counted_as_editors_count_them(site: Site, char: str) -> None:
    """Python breaks texts into lines at more characters than line feeds."""
    site.use_bare_theme()
    site.write({"docs/index.md": f"One{char}\n\nTwo {char} two\n\n" + fence("A fox", "size=huge")})
    site.build(warns=["docs/index.md:5: 'size' cannot be 'huge'."])


@pytest.mark.parametrize("char", ["\x0b", "\x0c", "\x85", "\u2028"])
def test_prompts_keep_their_words(site: Site, api: ImagesServer, char: str) -> None:
    site.use_bare_theme()
    site.write({"docs/index.md": fence(f"A fox{char}in snow", "alt=x")})
    site.build(strict=True)
    assert api.posts[0].fields["prompt"].split() == ["A", "fox", "in", "snow"]


def test_missing_alt_is_told_once_and_is_no_warning(site: Site) -> None:
    site.use_bare_theme()
    site.write({"docs/index.md": fence("A fox. More of it."), "docs/b.md": "\n" + fence("A hen?")})
    built = site.build(strict=True)
    told = [message for message in built.messages(logging.INFO) if "'alt'" in message]
    assert [message.split(": ")[0] for message in told] == ["docs/index.md:1", "docs/b.md:2"]
    assert built.images("index.html")[0]["alt"] == "A fox."


def test_messages_of_a_page_without_a_file(site: Site) -> None:
    """Plugins make pages that no file is behind."""
    from mkdocs.structure.files import File

    class Maker(BasePlugin):
        def on_files(self, files: Any, *, config: Any) -> None:
            content = "# Made\n\n" + fence("A fox", "size=huge")
            files.append(File.generated(config, "made.md", content=content))

    site.use_bare_theme()
    site.write({"docs/index.md": "# Home"})
    site.build(probes={"maker": Maker()}, warns=["made.md:3: 'size' cannot be 'huge'."])
