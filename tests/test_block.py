"""From a fence's text to its options, or to what is wrong with it and where."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mkdocs_genimage import block
from mkdocs_genimage.block import parse_block
from mkdocs_genimage.errors import BlockError, Problem
from mkdocs_genimage.options import OPTIONS
from mkdocs_genimage.values import printable

PROPERTY = settings(deadline=None, database=None, max_examples=300)
LOADERS = [
    getattr(yaml, name) for name in ("CSafeLoader", "SafeLoader") if hasattr(yaml, name)
]  # a machine without libyaml has one


@pytest.fixture(params=LOADERS, autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers must agree on everything but their own words."""
    monkeypatch.setattr(block, "_Loader", request.param)


def problems(header: str, body: str) -> list[Problem]:
    with pytest.raises(BlockError) as caught:
        parse_block(header, body)
    return caught.value.problems


def lines(header: str, body: str) -> list[int]:
    return [problem.line for problem in problems(header, body)]


# --- A plain prompt ---------------------------------------------------------------------------

PROMPTS = [
    "A fox",
    "An orange cat,\nreading on a stack of books",
    "Logo: a fox",
    "Logo: a fox\nColours: teal, sand",
    "A scene. lighting: soft",
    "the cat: a study",
    "Über: a fox",
    "cat2: a fox",
    "12:30 at the station",
    "https://example.org/cat.png as a painting",
    "- a fox\n- a hen",
    "* a fox",
    "1. a fox",
    "{a fox}",
    "{prompt: a fox}",
    "[a fox]",
    "[prompt, size]",
    "# a heading, no comment",
    "# first\n# second",
    "--- a fox ---",
    "a fox\n---\na hen",
    "---\na fox",
    "*bold* fox",
    "&c. and a fox",
    "!important fox",
    "@home",
    "`code`",
    "%TAG fox",
    '"quoted" fox',
    '"unclosed fox',
    "'tis a fox",
    "> a fox",
    "| a fox",
    "a fox: size: huge",
    "A fox says: 'Hello: World'",
    "{{ macro }}",
    "a\tfox",
    "\ta fox",
    "null",
    "~",
    "yes",
    "2024-01-01",
    "1e3",
    "一只狐狸：在雪中",  # noqa: RUF001
    "ثعلب في الثلج؟",
    "fox \N{FOX FACE}\u2028on two lines",
    "[" * 5000,
    "{a: " * 5000,
    "- " * 5000 + "fox",
]


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda text: text[:30])
def test_plain_prompt(prompt: str) -> None:
    assert parse_block("genimage", prompt).options == {"prompt": prompt.strip()}


def test_prompt_has_its_line() -> None:
    assert parse_block("genimage", "\n\n A fox \n").lines == {"prompt": 1}
    assert parse_block("genimage", "A fox").prompt == "A fox"


@pytest.mark.parametrize("body", ["", " ", "\n\n", "\t\n", "\r\n", "\x00", "\x02\x03"])
def test_no_prompt(body: str) -> None:
    message = "the block has no prompt: write in its body what the picture shows."
    assert problems("genimage", body) == [Problem(0, message)]


def test_no_prompt_among_options() -> None:
    message = "the block has no prompt: write in its body what the picture shows."
    assert problems("genimage alt=x", "size: square") == [Problem(0, message)]
    assert lines("genimage", "size: huge\nn: 0") == [0, 1, 2]
    assert [problem.message[:20] for problem in problems("genimage size=huge", "")] == [
        "'size' cannot be 'hu",
        message[:20],
    ]


def test_longest_prompt() -> None:
    assert len(parse_block("genimage", "x" * 32_000).prompt) == 32_000
    for body in ("x" * 32_001, "prompt: " + "x" * 32_001, "a: b\n" * 6_401 + "A: c"):
        assert problems("genimage", body)[0].message.endswith(
            "Allowed: text, at most 32,000 characters."
        )


# --- Options in the body ----------------------------------------------------------------------


def test_mapping() -> None:
    read = parse_block(
        "genimage",
        "prompt: |\n  Clean app icon,\n  deep blue\nsize: 1024x1024\n\n# ours\nalt: The icon\n",
    )
    assert read.options == {
        "prompt": "Clean app icon,\ndeep blue",
        "size": "1024x1024",
        "alt": "The icon",
    }
    assert read.lines == {"prompt": 1, "size": 4, "alt": 7}


@pytest.mark.parametrize(
    "body",
    [
        "prompt: a fox\nsize: square",
        "  prompt: a fox\n  size: square",
        "---\nprompt: a fox\nsize: square",
        "# note\nprompt: a fox # note\nsize: square # note",
        "? prompt\n: a fox\nsize: square",
        '"prompt": "a fox"\n\'size\': square',
        "prompt: >\n  a\n  fox\nsize: square",
        "prompt: a\n  fox\nsize: square",
        "prompt: a fox\r\nsize: square\r\n",
        "prompt: a fox\rsize: square",
        "prompt: a \x00fox\nsize: square\x07",
    ],
)
def test_spellings_of_a_mapping(body: str) -> None:
    assert parse_block("genimage", body).options == {"prompt": "a fox", "size": "1024x1024"}


def test_word_and_colon_is_a_slip_or_a_prompt() -> None:
    (problem,) = problems("genimage", "\nlogo: a fox")
    assert problem.line == 2
    assert problem.message.startswith("there is no option 'logo'. Allowed: prompt, style, size, ")
    assert problem.message.endswith(
        ", pick. If 'logo:' begins the prompt, write 'prompt: |' and the prompt below it, indented."
    )
    assert parse_block("genimage", "prompt: |\n  logo: a fox").prompt == "logo: a fox"
    assert "Did you mean 'prompt'?" in problems("genimage", "promt: a fox")[0].message


@pytest.mark.parametrize(
    ("body", "unknown", "line"),
    [
        ("Size: square\nprompt: a fox", "Size", 1),
        ("prompt: a fox\nsise: square", "sise", 2),
        ("A fox: sitting\nsize: square", "A fox", 1),
        ("prompt: a fox\n<<: {a: b}", "<<", 2),
        ("[a, b]: c\nprompt: a fox", "[a, b]", 1),
        ("prompt: a fox\n? {a: b}\n: c", "{a: b}", 2),
        ("prompt: a fox\n2: b", "2", 2),
    ],
)
def test_option_among_other_keys(body: str, unknown: str, line: int) -> None:
    (problem,) = problems("genimage", body)
    assert problem.line == line
    assert problem.message.startswith(f"there is no option '{unknown}'.")


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("size: square\nprompt: a fox: red", 2),
        ("  size: square\n  prompt: a fox: red", 2),
        ("# note\n\nsize: square\nprompt: a fox: red", 4),
        ("---\nsize: square\nprompt: a fox: red", 3),
        ("Size: square\nprompt: a fox: red", 2),
        ("  Size: square\n  prompt: a fox: red", 2),
        ("A fox: sitting\nprompt: a fox: red", 2),
        ('"size": square\nprompt: a fox: red', 2),
        ("prompt: 'a fox\nsize: square", None),
        ("prompt: a fox\n  size: square", 2),
        ("prompt: a fox\n\tsize: square", 2),
        ("prompt: a fox\n---\nsize: square", 2),
        ("prompt: *bold*", 1),
        ("prompt: @home", 1),
        ("prompt: [Logo] a fox", 1),
        ("prompt: a fox\nextra: " + "[" * 5000, None),
        ("prompt: a fox\nextra: {a: " + "[" * 40 + "]" * 40 + "}", None),
        ("logo: a fox: red", 1),
    ],
)
def test_broken_options_are_no_prompt(body: str, line: int | None) -> None:
    (problem,) = problems("genimage", body)
    assert problem.message.startswith("the body looks like options but is not valid YAML: ")
    assert "Put quotes round a value" in problem.message
    assert 1 <= problem.line <= body.count("\n") + 1
    assert line in (None, problem.line)


@pytest.mark.parametrize("name", ["prompt", "alt", "caption", "title"])
def test_text_cut_short_by_a_comment(name: str) -> None:
    base = "" if name == "prompt" else "prompt: a fox\n"
    (problem,) = problems("genimage", f"{base}{name}: A logo in #00aabb and sand")
    assert problem.line == (1 if name == "prompt" else 2)
    assert problem.message == (
        f"'{name}' cannot be read: YAML takes the rest of the line from ' #' on for a comment. Put "
        "quotes round the value."
    )
    quoted = parse_block("genimage", f"{base}{name}: 'A logo in #00aabb' # note")
    assert quoted.options[name] == "A logo in #00aabb"
    assert parse_block("genimage", f"{base}{name}: C# logo").options[name] == "C# logo"


@pytest.mark.parametrize(
    ("body", "sign"),
    [
        ("prompt: &a fox", "&"),
        ("prompt: !important fox", "!"),
        ("prompt: !!str fox", "!"),
        ("prompt: fox\nextra: {a: !thing b}", "!"),
        ("prompt: fox\nextra: {a: !!python/object:os.system {}}", "!"),
        ("prompt: fox\nextra:\n  a: &x [1]\n  b: *x", "&"),
        ("prompt: fox\nextra: &x\n  a: *x", "&"),
    ],
)
def test_anchors_aliases_and_tags(body: str, sign: str) -> None:
    (problem,) = problems("genimage", body)
    assert problem.message.endswith(
        " cannot be read: YAML anchors, aliases and tags are not allowed here. Put quotes round a text "
        f"with '{sign}'."
    )


def test_aliases_between_options_and_of_the_whole() -> None:
    assert lines("genimage", "prompt: &a fox\nalt: *a") == [1, 2]
    assert lines("genimage", "--- &x\nprompt: *x") == [2]
    laughs = "\n".join(
        f"  {chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]" for i in range(20)
    )
    assert lines("genimage", f"prompt: fox\nextra:\n  a: &a [lol]\n{laughs}") == [2]


def test_key_twice_in_extra() -> None:
    (problem,) = problems("genimage", "prompt: fox\nextra: {a: 1, a: 2}")
    assert problem == Problem(2, "'extra' cannot be read: 'a' stands in it twice.")


# --- Options in the header --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "options"),
    [
        ("genimage", {}),
        ("  genimage  ", {}),
        ("{.genimage}", {}),
        ("{ .genimage }", {}),
        ("genimage {}", {}),
        ("genimage size=1536x1024 quality=high", {"size": "1536x1024", "quality": "high"}),
        ("genimage size = square", {"size": "1024x1024"}),
        ('genimage alt="A cat"', {"alt": "A cat"}),
        ("genimage alt='A \"cat\"'", {"alt": 'A "cat"'}),
        (r'genimage alt="A \"cat\" \\ \n"', {"alt": r'A "cat" \ n'}),
        ('genimage alt="a=b #c .d {e}"', {"alt": "a=b #c .d {e}"}),
        ("genimage alt=a=b", {"alt": "a=b"}),
        ("genimage #hero .wide .tall", {"id": "hero", "class": ("wide", "tall")}),
        (
            'genimage size=square #hero .wide alt="A cat"',
            {"size": "1024x1024", "id": "hero", "class": ("wide",), "alt": "A cat"},
        ),
        (
            '{ .genimage #hero .wide size="1536x1024" }',
            {"id": "hero", "class": ("wide",), "size": "1536x1024"},
        ),
        ("{#hero .genimage .wide}", {"id": "hero", "class": ("wide",)}),
        ("genimage {#hero .wide}", {"id": "hero", "class": ("wide",)}),
        ("genimage{#hero}", {"id": "hero"}),
        ("{ .genimage .genimage-x }", {"class": ("genimage-x",)}),
        ("genimage class='a b'", {"class": ("a", "b")}),
        ("genimage #日本", {"id": "日本"}),
        ("genimage\talt=a\u00a0title=b", {"alt": "a", "title": "b"}),
        ("genimage alt=\x02a\x03", {"alt": "a"}),
    ],
)
def test_header(header: str, options: dict[str, Any]) -> None:
    read = parse_block(header, "A fox")
    assert read.options == {"prompt": "A fox", **options}
    assert read.lines == {"prompt": 1, **dict.fromkeys(options, 0)}


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("genimage wide", "wide"),
        ("genimage size=square wide", "wide"),
        ("genimage A cat on a mat", "A"),
        ('genimage alt="A cat', 'alt="A'),
        ("genimage alt='A cat\"", "alt='A"),
        ('genimage alt="A"cat', 'alt="A"cat'),
        ('genimage alt=A"cat"', 'alt=A"cat"'),
        ("genimage size=", "size="),
        ("genimage size==a=", None),
        ("genimage =square", "=square"),
        ("genimage #", "#"),
        ("genimage .", "."),
        ("genimage {.a", "{.a"),
        ("genimage .a}", ".a}"),
        ("genimage 1size=a", "1size=a"),
        ("genimage " + "x" * 100, "x" * 40),
    ],
)
def test_header_that_cannot_be_read(header: str, token: str | None) -> None:
    (problem,) = problems(header, "A fox")
    assert problem.line == 0
    if token:
        assert problem.message == (
            f"the header cannot be read at '{token}': write key=value, key=\"some words\", #id or "
            ".class, with blanks between them."
        )


def test_header_problems() -> None:
    (problem,) = problems("genimage Size=square", "A fox")
    assert problem.message.startswith("there is no option 'Size'. Did you mean 'size'? Allowed: ")
    assert problems("genimage hl_lines='1 2'", "A fox")[0].line == 0
    assert problems("genimage #a'b", "A fox")[0].line == 0


# --- The same twice, and all at once ----------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "body", "line", "message"),
    [
        ("genimage size=square size=square", "A fox", 0, "'size' stands in the block twice"),
        ("genimage #a #b", "A fox", 0, "'id' stands in the block twice"),
        ("genimage #a id=b", "A fox", 0, "'id' stands in the block twice"),
        ("genimage .a class=b", "A fox", 0, "'class' stands in the block twice"),
        (
            "genimage",
            "prompt: a\nsize: square\nsize: square",
            3,
            "'size' stands in the block twice",
        ),
        (
            "genimage size=square",
            "prompt: a\nsize: square",
            2,
            "'size' stands in the header and body",
        ),
        ("genimage prompt=a", "A fox", 1, "'prompt' stands in the header and body"),
        (
            "genimage size=huge",
            "prompt: a\nsize: square",
            2,
            "'size' stands in the header and body",
        ),
    ],
)
def test_twice(header: str, body: str, line: int, message: str) -> None:
    assert problems(header, body)[-1] == Problem(line, f"{message}: remove one of the two.")


def test_all_problems_at_once_in_their_order() -> None:
    found = problems(
        "genimage quality=best #a #b wide",
        "alt:\nsize: 5\nprompt: &a fox\nsise: 1\nn: 99\nsize: square\ncaption: a #b\n",
    )
    assert [(problem.line, problem.message.split("'")[1]) for problem in found] == [
        (0, "quality"),
        (0, "id"),
        (0, "wide"),
        (1, "alt"),
        (2, "size"),
        (3, "prompt"),
        (4, "sise"),
        (5, "n"),
        (6, "size"),
        (7, "caption"),
    ]


def test_message_of_the_error_is_all_of_its_problems() -> None:
    with pytest.raises(BlockError, match=r"^'n' cannot be '0'.*; 'size' cannot be empty.*\.$"):
        parse_block("genimage n=0", "prompt: x\nsize:")


# --- Any text ---------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        *OPTIONS,
        *(
            "Size",
            "logo",
            "a fox",
            "square",
            "1:30",
            "yes",
            "~",
            "é",
            "\N{FOX FACE}",
            "\x02",
            "\ufeff",
        ),
        *(
            ": ",
            ":",
            "\n",
            "\n  ",
            " ",
            "\t",
            "\r\n",
            "- ",
            "? ",
            "---\n",
            "# ",
            " #a",
            "|",
            ">",
            "...",
        ),
        *(
            "&a ",
            "*a",
            "!x ",
            "!!int ",
            "<<: ",
            "{",
            "}",
            "[",
            "]",
            ",",
            '"',
            "'",
            "\\",
            "=",
            "#",
            ".",
        ),
        *("\u2028", "\x85", "%"),
    ]
)
TEXTS = st.text(max_size=200) | st.lists(PIECES, max_size=25).map("".join)


@PROPERTY
@given(header=TEXTS, body=TEXTS)
@example(header="genimage", body="prompt: x\nextra: {a: =, b: <<}")
@example(header="genimage", body="extra: {a: 9" + "9" * 5000 + "}\nprompt: x")
def test_any_text_is_a_block_or_a_block_error(header: str, body: str) -> None:
    try:
        read = parse_block("genimage " + header.replace("\n", " "), body)
    except BlockError as error:
        found = error.problems
    else:
        assert read.prompt.strip()
        assert set(read.options) == set(read.lines)
        return
    assert found
    assert all(0 <= problem.line <= len(body) + 1 and problem.message for problem in found)


@PROPERTY
@given(
    st.lists(
        st.tuples(st.sampled_from([*OPTIONS, "Logo", "logo", "a fox", '"size"', "[a]"]), TEXTS),
        min_size=1,
        max_size=4,
    )
)
def test_no_option_is_silently_taken_for_a_prompt(entries: list[tuple[str, str]]) -> None:
    """Lines of `key: value` with an option among the keys are read as options or refused."""
    flat = [(key, printable(re.sub(r"[\r\n\x85\u2028\u2029]", " ", text))) for key, text in entries]
    body = "\n".join(f"{key}: {text}" for key, text in flat)
    keys = {key.strip('"') for key, _ in flat}
    try:
        node = yaml.compose(body, Loader=yaml.SafeLoader)
        # A quotation mark can make one text of several lines.
        keys = {str(key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
    except yaml.YAMLError:
        pass
    if not keys & set(OPTIONS):
        return
    try:
        read = parse_block("genimage", body)
    except BlockError:
        return
    assert set(read.options) == keys


@PROPERTY
@given(st.text(max_size=300), st.sampled_from(sorted(OPTIONS)))
def test_any_prompt_can_be_written_in_quotes(text: str, name: str) -> None:
    """Python's JSON is YAML; a header takes the same text with two escapes."""
    if name not in ("prompt", "alt", "caption", "title"):
        name = "prompt"
    plain = " ".join(re.sub(r"[^ -~]", "", text).split()) or "x"
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    base = {} if name == "prompt" else {"prompt": "x"}
    body = "\n".join(f"{key}: {value}" for key, value in base.items())
    in_header = parse_block(f'genimage {name}="{escaped}"', body)
    in_body = parse_block("genimage", f'{body}\n{name}: "{escaped}"')
    assert in_header.options == in_body.options == {**base, name: plain}
