"""Hostile input: what authors write."""

from __future__ import annotations

import json

import markdown
import pytest
from fuzzing import (
    LONG_NUMBERS,
    figures,  # noqa: F401 - a fixture of all tests here
    fuzz,
    made_of,
    quiet,  # noqa: F401 - a fixture of all tests here
    tried,
)
from hypothesis import example, given
from hypothesis import strategies as st
from pictures import picture

from mkdocs_genimage.block import parse_block
from mkdocs_genimage.compose import Site, compose
from mkdocs_genimage.errors import BlockError
from mkdocs_genimage.fences import scan
from mkdocs_genimage.options import OPTIONS

HEADER = made_of(
    *("genimage", " ", " ", "{", "}", ".genimage ", "#hero", ".wide", '"', "'", "\\", "=", "`"),
    *(f"{name}=" for name in OPTIONS),
    *("1024x1024", "2", "all", '"a cat"', "'x'", "png", "a.png", "-1", "#", ".", *LONG_NUMBERS),
)
BODY = made_of(
    *(f"\n{name}: " for name in OPTIONS),
    *(f"{name}:\n  " for name in ("extra", "image", "class", "prompt")),
    *(
        "\n",
        "\n\n",
        "  ",
        "- ",
        ": ",
        "? ",
        "| ",
        "|\n  ",
        ">-\n  ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "#",
        " #",
    ),
    *(
        "&a ",
        "*a ",
        "!!int ",
        "!!python/object:os.system ",
        "<<: ",
        "%YAML 1.2\n",
        "---\n",
        "...\n",
    ),
    *("'", '"', "\\", "\\ud800", "\\U00110000", "\\x00", "~", "null", "yes", "16:9", "2024-01-01"),
    *(
        "A fox",
        "1024x1024",
        "landscape",
        "png",
        "2",
        "seed: ",
        "x",
        "a.png",
        "#hero",
        *LONG_NUMBERS,
    ),
    *("[" * 29, "[" * 40, "{a: " * 31, "- " * 500, "? " * 40, "a:\n" * 40),
    most=20,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("project")
    (folder / "a.png").write_bytes(picture("a", "8x6"))
    return Site("gpt-image-2", folder, folder, defaults={"quality": "low"})


@fuzz(30_000)
@given(header=st.one_of(st.just("genimage"), HEADER), body=BODY)
@example("genimage", "prompt: a\nextra:\n  seed: 0x" + "f" * 5000)
@example("genimage", 'prompt: "\\ud800"')
def test_block(site: Site, header: str, body: str) -> None:
    tried("blocks")
    lines = body.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    try:
        block = parse_block(header, body)
        composed = compose(block, site, {}, None)
    except BlockError as error:
        problems = error.problems
    else:
        problems = []
        assert all(0 <= line <= lines for line in block.lines.values())
        for name, value in block.options.items():
            assert isinstance(value, (str, int, tuple, dict))
            assert OPTIONS[name].read(value) == value, "the normal form of a value is itself"
        assert len(composed.request.key) == 64
        assert composed.request.stem.isascii()
        json.dumps(composed.request.options).encode()
        composed.request.prompt.encode()
    for problem in problems:
        assert 0 <= problem.line <= lines
        assert problem.message
        assert len(problem.message) < 3000
        assert "\n" not in problem.message


LINE = st.one_of(
    made_of(
        *(
            "```",
            "````",
            "~~~",
            "genimage",
            "{ .genimage",
            "}",
            " ",
            "    ",
            "> ",
            "- ",
            "1. ",
            ">",
            "`",
        ),
        *("GenImage", "python", "text", "#", "<div>", "<!--", "[^1]: ", "!!! note", "\t", "$", "*"),
        most=6,
    ),
    st.sampled_from(
        [
            "```genimage",
            "```",
            "~~~",
            "~~~genimage",
            "A fox",
            "prompt: A fox",
            "pick: all",
            "n: 2",
            "",
        ]
    ),
)
PREFIX = st.sampled_from(["", "", "    ", "> ", "  ", ">> ", "\t", "- ", ">     "])
PAGE = st.lists(st.tuples(PREFIX, st.lists(LINE, max_size=5)), max_size=5).map(
    lambda parts: "\n".join(prefix + line for prefix, lines in parts for line in lines)
)


@fuzz(15_000)
@given(page=PAGE, tab_length=st.sampled_from([4, 2, 8]))
def test_scan(page: str, tab_length: int) -> None:
    tried("scans")
    lines = page.split("\n")
    found = scan(lines, tab_length)
    behind = 0
    for fence in found.fences:
        assert behind <= fence.start < fence.end <= len(lines)
        behind = fence.end
        assert len(fence.source) == fence.end - fence.start
        assert fence.body == "\n".join(fence.source[1:-1])
        assert lines[fence.start].startswith(fence.prefix)
        assert "genimage" in fence.header
    for miss in found.near_misses:
        assert miss.line == lines[miss.index].rstrip("\r")
        assert miss.advice


NEIGHBOURS = ["tables", "admonition", "footnotes", "attr_list", "def_list", "md_in_html"]


@fuzz(10_000)
@given(
    pages=st.lists(PAGE, min_size=1, max_size=2),
    block=st.one_of(
        st.just(""), st.tuples(HEADER, BODY).map(lambda b: f"```genimage {b[0]}\n{b[1]}\n```")
    ),
    neighbours=st.sampled_from(
        [[], ["pymdownx.superfences"], ["fenced_code"], ["pymdownx.superfences", *NEIGHBOURS]]
    ),
)
def test_conversion(site: Site, pages: list[str], block: str, neighbours: list[str]) -> None:
    tried("conversions")
    text = f"\n\n{block}\n\n".join(pages)
    options = {
        "genimage": {"cache_dir": str(site.project_dir / "none"), "docs_dir": str(site.docs_dir)}
    }
    html = markdown.markdown(text, extensions=[*neighbours, "genimage"], extension_configs=options)
    assert "\x02" not in html, "a mark of Python-Markdown's was left in the page"
