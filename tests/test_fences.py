"""The fence scanner: what is a genimage fence, what nearly is one, and what it costs to find out."""

from __future__ import annotations

import html
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown import Markdown
from pygments.lexers import get_all_lexers

from mkdocs_genimage import fences
from mkdocs_genimage.fences import Fence, NearMiss, scan

if TYPE_CHECKING:
    from types import FrameType


def found(text: str, tab_length: int = 4) -> list[Fence]:
    return scan(text.split("\n"), tab_length).fences


def missed(text: str) -> list[tuple[int, str]]:
    return [(miss.index, miss.line) for miss in scan(text.split("\n")).near_misses]


def test_what_a_fence_holds() -> None:
    text = "text\n\n  ```genimage size=1536x1024 \n  a cat\n\n    on books \n  ``` \nmore"
    assert found(text) == [
        Fence(
            header="genimage size=1536x1024",
            body="a cat\n\n  on books ",
            source=("```genimage size=1536x1024 ", "a cat", "", "  on books ", "``` "),
            prefix="  ",
            start=2,
            end=7,
        )
    ]


@pytest.mark.parametrize(
    "header",
    [
        "genimage",
        " genimage",
        "genimage size=1x1 #hero .wide",
        "genimage ===, what?",
        "genimage {#hero}",
        "genimage{#hero}",
        "{.genimage}",
        " { .genimage #hero }",
        "{ #hero .genimage .wide }",
        '{ title=".python" .genimage }',
        "{ .genimage",
        '{ .genimage alt="never closed }',
    ],
)
@pytest.mark.parametrize("run", ["```", "~~~", "`````"])
def test_headers_that_are_ours(run: str, header: str) -> None:
    text = f"{run}{header}\na cat\n{run}"
    assert [(fence.header, fence.body) for fence in found(text)] == [(header.strip(), "a cat")]
    assert missed(text) == []


@pytest.mark.parametrize(
    "header",
    [
        "",
        "python",
        "text genimage",
        "{ .python .genimage }",
        "{ title=genimage }",
        "mermaid",
        "image",
    ],
)
def test_headers_of_others(header: str) -> None:
    text = f"```{header}\ngenimage\n```"
    assert found(text) == []
    assert missed(text) == []


def test_backtick_in_the_header() -> None:
    assert found("```genimage a`b\nx\n```") == []
    assert [fence.header for fence in found("~~~genimage a`b\nx\n~~~")] == ["genimage a`b"]


@pytest.mark.parametrize(
    "text",
    [
        "````markdown\n```genimage\nx\n```\n````",
        "~~~\n```genimage\nx\n```\n~~~",
        "```\n````genimage\nx\n````\n```",
        "````py {a}{b} !!\n```genimage\nx\n```\n````",
        "- a\n\n    ````\n    ```genimage\n    x\n    ```\n    ````",
        "> ````\n> ```genimage\n> x\n> ```\n> ````",
        "```\n~~~genimage\nx\n```\n~~~",
    ],
)
def test_inside_other_fences(text: str) -> None:
    assert found(text) == []
    assert missed(text) == []


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("```python\n\n```genimage\nx\n```", []),
        ("````python\n\n```genimage\nx\n```", [2]),
        ("  ```python\ntext\n```genimage\nx\n```", [2]),
        ("> ```python\n> x\n\ntext\n\n```genimage\nx\n```", [5]),
        ("    ```genimage\n    x\n  ```\n", []),
        ("```genimage\nx\n  ```\n```\n", [0]),
        ("```genimage\nx\n````\n```\n", [0]),
        ("```genimage\nx\n~~~\n```\n", [0]),
        ("```genimage\n```genimage\nx\n```", [0]),
        ("```genimage\nx\n```\n```genimage\ny\n```", [0, 3]),
        ("  ```genimage\ntext\n  ```genimage\n  x\n  ```", [2]),
    ],
)
def test_where_fences_end(text: str, starts: list[int]) -> None:
    assert [fence.start for fence in found(text)] == starts


@pytest.mark.parametrize(
    "prefix", ["", "  ", "    ", "> ", ">", "> > ", "    > ", ">     ", " >> "]
)
def test_prefixes(prefix: str) -> None:
    lines = ["```genimage", "a cat", "", "  on books", "```"]
    tight = [(prefix + line).rstrip() for line in lines]
    for text in (tight, [prefix + line for line in lines]):
        (fence,) = scan(["above", *text, "below"]).fences
        assert fence.prefix == prefix
        assert fence.body == "a cat\n\n  on books"
        assert fence.source == tuple(lines)
        assert (fence.start, fence.end) == (1, 6)


@pytest.mark.parametrize(
    "text",
    [
        "    ```genimage\n  a cat\n    ```",
        "> ```genimage\na cat\n> ```",
        "> ```genimage\n>> a cat\n> ```",
        "  ```genimage\n> a cat\n  ```",
        "> > ```genimage\n> > a cat\n\n>   b\n> > ```",
    ],
    ids=["less indented", "lazy", "deeper quote", "quote", "outer quote behind a blank line"],
)
def test_prefix_that_breaks_off(text: str) -> None:
    assert found(text) == []
    assert [index for index, _ in missed(text)] == [0]


def test_quote_marks_may_be_left_out() -> None:
    (fence,) = found("> > ```genimage\n>   a cat\n    on books\n\n> > and\n>   more\n> > ```")
    assert fence.body == "a cat\non books\n\nand\nmore"


def test_tabs_and_carriage_returns() -> None:
    text = "\t```genimage\r\n\ta cat\r\n\t\ton books\r\n\r\n    ```\r"
    (fence,) = found(text)
    assert fence.prefix == "\t"
    assert fence.header == "genimage"
    assert fence.body == "a cat\n    on books\n"
    assert found(text, tab_length=8) == []
    (fence,) = found(text.replace("    ```", "  ```"), tab_length=2)
    assert fence.body == "a cat\n  on books\n"


def test_lines_may_be_any_sequence() -> None:
    assert len(scan(("```genimage", "x", "```")).fences) == 1


# Near misses


@pytest.mark.parametrize(
    "word",
    [
        *("GenImage", "Genimage", "GENIMAGE", "genimages", "gen-image", "gen_image", "genimg"),
        *("genimge", "geniamge", "genimage:", "genimage,size=1x1", "genimage#hero", ".genimage"),
        *("{genimage}", "{ GenImage }", "{ .genimages }", "{.genimage.wide}", "{ .gen-image #a }"),
    ],
)
def test_misspelt(word: str) -> None:
    text = f"text\n\n```{word}\na cat\n```"
    scanned = scan(text.split("\n"))
    assert scanned.fences == []
    (miss,) = scanned.near_misses
    assert (miss.index, miss.line) == (2, f"```{word}")
    assert miss.advice == 'This is not a genimage block. Did you mean "```genimage"?'


def test_no_language_is_a_misspelling() -> None:
    """Neither what Pygments knows nor what sites commonly define as custom fences."""
    names = [alias for lexer in get_all_lexers() for alias in lexer[1]]
    names += [
        "mermaid",
        "math",
        "image",
        "images",
        "imagine",
        "diagram",
        "kroki",
        "plantuml",
        "gif",
    ]
    names += ["generate", "generic", "imagegen", "engine", "exec", "gemini", "page", "merge-image"]
    assert len(names) > 500
    lines = [line for name in names for line in (f"```{name}", "genimage", "```")]
    assert scan(lines) == fences.Scan([], [])


@pytest.mark.parametrize(
    ("text", "index", "advice"),
    [
        ("```genimage\na cat\n````\n\ntext", 2, 'Write "```".'),
        ("````genimage\na cat\n```\n\ntext", 2, 'Write "````".'),
        ("> ```genimage\n> a cat\n> `````\n\ntext", 2, 'Write "```".'),
        ("```genimage\na cat\n````\n\n```python\nx\n```", 2, 'Write "```".'),
        ("```genimage\na cat\n\ntext", 0, 'a line "```" behind the same'),
        ("~~~genimage\na cat\n```\n\ntext", 0, 'a line "~~~" behind the same'),
        ("    ```genimage\n    a cat\n\ntext\n", 0, 'a line "```" behind the same'),
        ("```genimage\na cat\n\n````markdown\nx\n````", 0, 'a line "```" behind the same'),
        ("- ```genimage\n  a cat\n  ```", 0, "list marker"),
        ("* ```genimage\n  a cat\n  ```", 0, "list marker"),
        ("1. ```genimage\n   a cat\n   ```", 0, "list marker"),
        ("10) ~~~genimage\n   a cat\n   ~~~", 0, "list marker"),
        ("term\n:   ```genimage\n    a cat\n    ```", 1, "list marker"),
        ("x[^1]\n\n[^1]: ```genimage\n    a cat\n    ```", 2, "list marker"),
        ("- [ ] ``` { .genimage }\n  a cat\n  ```", 0, "list marker"),
        ("> - * ```genimage\n>   a cat\n>   ```", 0, "list marker"),
        ("    - > ```genimage #hero\n    a cat", 0, "list marker"),
    ],
)
def test_near_misses(text: str, index: int, advice: str) -> None:
    lines = text.split("\n")
    (miss,) = scan(lines).near_misses
    assert (miss.index, miss.line) == (index, lines[index])
    assert advice in miss.advice


@pytest.mark.parametrize(
    "text",
    [
        "- ```genimage``` is the fence",
        "- ```python\n  genimage\n  ```",
        "Write ```genimage",
        "-```genimage",
        "```python\n- ```genimage\nx\n```GenImage\n```",
        "````\n```genimage\nx\n````",
        "````genimage\nshow ``` this\n```\n````",
        "```python\nnever closed\n\ngenimage",
    ],
)
def test_no_near_miss(text: str) -> None:
    assert missed(text) == []


def test_scanning_goes_on_behind_a_near_miss() -> None:
    text = (
        "```GenImage\na\n```\n\n- ```genimage\n  b\n\n```genimage\nc\n```\n\n  ```genimage\n  d\n"
    )
    assert [fence.body for fence in found(text)] == ["c"]
    assert [index for index, _ in missed(text)] == [0, 4, 11]


def test_near_miss_keeps_the_line_as_written() -> None:
    (miss,) = scan(["\t```GenImage\r", "\tx\r", "\t```\r"]).near_misses
    assert miss == NearMiss(0, "\t```GenImage", miss.advice)


# Costs


def operations(lines: list[str]) -> int:
    """How many lines of the scanner are executed for a text."""
    count = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        if frame.f_code.co_filename != fences.__file__:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        scan(lines)
    finally:
        sys.settrace(before)
    return count


UNCLOSED = {
    "ours": ["```genimage"],
    "others": ["```python", "genimage"],
    "runs": ["```genimage", "````genimage", "~~~python", "~~~~~"],
    "prefixes": ["```genimage", "  ```genimage", "> ```genimage", "    > ```python", "> > ```"],
    "closed too late": ["  ```genimage", "  ````", "  > ```python"],
    "broken off": ["> ```genimage", "> text", "", "text"],
    "list markers": ["- ```genimage", "1. - > * ```genimage"],
    "misspelt": ["```GenImage", "text"],
}


@pytest.mark.parametrize("lines", UNCLOSED.values(), ids=UNCLOSED.keys())
def test_many_openings_are_linear(lines: list[str]) -> None:
    """20,000 lines cost four times as much as 5,000, not sixteen times."""
    small, large = (operations((lines * size)[:size]) for size in (5_000, 20_000))
    assert large < 4.5 * small
    assert large < 100 * 20_000


def test_large_pages_are_linear() -> None:
    nested = ["text", "", "````markdown", "```genimage", "x", "```", "````", "", "- a", ""]
    nested += ["    ```genimage", "    a cat", "", "    on books", "    ```", "", "text"]
    sizes = [nested * 150, nested * 600]
    assert len(sizes[1]) > 10_000
    small, large = map(operations, sizes)
    assert large < 4.5 * small
    assert large < 30 * len(sizes[1])
    assert len(scan(sizes[1]).fences) == 600


@pytest.mark.parametrize(
    "line",
    ["A sentence of a page.", "```python", "    code", "- `generate` an image", "> ~~~ text"],
)
def test_pages_without_the_word_are_not_scanned(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fences, "_Scanner", None)
    assert scan([line] * 100) == fences.Scan([], [])
    with pytest.raises(TypeError):
        scan([line, "GenImage"])


def test_long_lines_do_not_backtrack() -> None:
    """Lines on which a careless expression would never end."""
    for line in (
        "-   " * 5_000 + "```genimage",
        "> " * 20_000 + "genimage",
        "`" * 50_000 + "genimage`",
        "```" + " " * 50_000 + "genimage",
        "```{" + " \"'" * 20_000 + "genimage",
        "- " * 20_000 + "genimage ```",
        "1" * 20_000 + " ```genimage",
    ):
        scan([line] * 3)


# Agreement with those who would show the fences as code

LINES = st.sampled_from(
    [
        *("```genimage", "```python", "```", "````genimage", "````", "~~~genimage", "~~~", "~~~~"),
        *(
            "``` genimage",
            "text",
            "",
            "  ```",
            "   ",
            "```genimage a`b",
            "``` ",
            "> ```",
            "genimage",
        ),
    ]
)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.lists(LINES, max_size=20))
def test_same_fences_as_fenced_code(lines: list[str]) -> None:
    class Stash(list[str]):
        def store(self, code: str) -> str:
            self.append(code)
            return f"stashed {len(self)}"

    md = Markdown(extensions=["fenced_code"])
    stash: Any = Stash()
    md.htmlStash = stash
    # NormalizeWhitespace comes before fenced_code, and does this.
    normal = [line if line.strip() else "" for line in lines]
    md.preprocessors["fenced_code_block"].run([*normal, ""])
    theirs = [code for code in stash if 'class="language-genimage"' in code]
    # fenced_code knows no fences behind a prefix.
    ours = [fence.body for fence in scan(normal).fences if not fence.prefix]
    assert [
        html.unescape(code.partition('genimage">')[2].removesuffix("</code></pre>")).removesuffix(
            "\n"
        )
        for code in theirs
    ] == ours


PREFIXES = ["", "  ", "    ", "> ", "> > ", "    > ", ">     "]
CLOSED_FENCES = st.tuples(
    st.sampled_from(PREFIXES),
    st.sampled_from(["```", "````", "~~~"]),
    st.sampled_from(["genimage", "genimage", "python"]),
    st.lists(st.sampled_from(["a cat", "", "  on books", "``````", "~~~~~~genimage"]), max_size=4),
    st.sampled_from([[], [""], ["text"], ["", "text", ""], ["> text", ""]]),
)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.lists(CLOSED_FENCES, max_size=6))
def test_same_fences_as_superfences(
    parts: list[tuple[str, str, str, list[str], list[str]]],
) -> None:
    theirs: list[str] = []

    def record(source: str, *args: Any, **kwargs: Any) -> str:
        theirs.append(source)
        return ""

    lines: list[str] = []
    for prefix, run, language, body, below in parts:
        lines += [prefix + line if line else "" for line in (run + language, *body, run)] + below
    custom = {"name": "genimage", "class": "genimage", "format": record}
    md = Markdown(
        extensions=["pymdownx.superfences"],
        extension_configs={"pymdownx.superfences": {"custom_fences": [custom]}},
    )
    md.preprocessors["fenced_code_block"].run(lines)
    assert theirs == [fence.body for fence in scan(lines).fences]


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    st.lists(
        st.tuples(st.sampled_from([*PREFIXES, "\t", "- ", "1. "]), LINES).map("".join), max_size=30
    ),
    st.sampled_from([1, 2, 4, 8]),
)
def test_fences_are_parts_of_the_text(lines: list[str], tab_length: int) -> None:
    scanned = scan(lines, tab_length)
    done = 0
    for fence in scanned.fences:
        assert done <= fence.start < fence.end - 1 < len(lines)
        done = fence.end
        assert lines[fence.start].startswith(fence.prefix)
        assert lines[fence.start][len(fence.prefix) :].rstrip() == fence.source[0].rstrip()
        assert fence.source[0].lstrip("`~").strip() == fence.header
        assert fence.header.startswith("genimage")
        assert len(fence.source) == fence.end - fence.start
        assert fence.body == "\n".join(fence.source[1:-1])
        run = fence.source[-1].strip()
        assert set(run) in ({"`"}, {"~"})
        assert fence.source[0].startswith(run)
        # It is found again where it stands alone.
        (alone,) = scan(lines[fence.start : fence.end], tab_length).fences
        assert alone.source == fence.source
    inside = {n for fence in scanned.fences for n in range(fence.start, fence.end)}
    for miss in scanned.near_misses:
        assert miss.line == lines[miss.index]
        assert miss.index not in inside or set(miss.line.strip("> \t")) <= {"`", "~", " "}
    assert scan([line + "\r" for line in lines], tab_length) == scanned
