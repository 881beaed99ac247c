"""Hostile input at every border: what authors write, what lies on disk, what servers send.

A result comes out, or one of the package's own exceptions: never another one, which would end a build
or lose a picture that is paid for. The long form (`python3 dev.py long`) tries far more inputs, and others
each time.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import importlib
import io
import json
import logging
import os
import shutil
import socket
import time
import traceback
from collections import Counter
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.request import HTTPHandler, HTTPSHandler

import markdown
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pictures import picture

from mkdocs_genimage import verified
from mkdocs_genimage.block import parse_block
from mkdocs_genimage.budget import Budget
from mkdocs_genimage.cache import Cache, Missing, StoredImage
from mkdocs_genimage.compose import Site, compose
from mkdocs_genimage.errors import BlockError, GenimageError, ProviderError
from mkdocs_genimage.fences import scan
from mkdocs_genimage.formats import sniff
from mkdocs_genimage.generator import Generator
from mkdocs_genimage.imaging import inspect
from mkdocs_genimage.journal import Journal
from mkdocs_genimage.options import OPTIONS
from mkdocs_genimage.places import Place, Source
from mkdocs_genimage.pricing import Pricing
from mkdocs_genimage.progress import Progress
from mkdocs_genimage.providers import ProviderSettings, fetch
from mkdocs_genimage.providers.openai import OpenAIProvider, create
from mkdocs_genimage.request import ImageRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = bool(os.environ.get("GENIMAGE_LONG"))
TRIED: Counter[str] = Counter()


def fuzz(count: int) -> settings:
    """Settings for so many inputs in the long form and a fortieth of them in the short one."""
    return settings(
        max_examples=count if LONG else count // 40,
        derandomize=not LONG,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


def tried(name: str) -> None:
    TRIED[name] += 1
    if TRIED[name] % 5_000 == 0:
        print(f"{TRIED[name]:,} {name}", flush=True)


@pytest.fixture(scope="module", autouse=True)
def figures() -> Iterator[None]:
    """Say in the end how many inputs were tried."""
    yield
    counts = ", ".join(f"{name} {count:,}" for name, count in TRIED.items())
    print(f"\n{TRIED.total():,} inputs: {counts}")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of warnings are of no use to anybody."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


# --- What hostile text is made of ---

ODD = (
    *(
        "\0",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\xa0",
        "\u2028",
        "\u202e",
        "\ufeff",
        "\ufffe",
        "\U0001f98a",
    ),
    *("\ud800", "\udfff", "e\u0301", "\r", "\r\n", "\t", "\x02", "\x03", "\x0b", "\x1c"),
)
LONG_NUMBERS = ("0x" + "f" * 5000, "9" * 5000, "1" + "0" * 400, "1.0e+999", "-.inf", ".nan", "0b_")


def made_of(*tokens: str, most: int = 12) -> st.SearchStrategy[str]:
    """Texts of some tokens in any order, with odd characters and any others between them."""
    token = st.one_of(
        st.sampled_from(tokens), st.sampled_from(tokens), st.sampled_from(ODD), st.text(max_size=6)
    )
    return st.lists(token, max_size=most).map("".join)


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "drop", "double", "put"]),
        st.integers(0, 1_000_000),
        st.integers(1, 40),
        st.binary(max_size=6),
    ),
    min_size=1,
    max_size=4,
)


def edited(data: bytes, edits: list[tuple[str, int, int, bytes]]) -> bytes:
    """Bytes after some damage."""
    for kind, place, length, new in edits:
        at = place % (len(data) + 1)
        part = data[at : at + length]
        if kind == "flip":
            data = data[:at] + bytes(byte ^ (1 << place % 8) for byte in part[:1]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "drop":
            data = data[:at] + data[at + length :]
        elif kind == "double":
            data = data[:at] + part + data[at:]
        else:
            data = data[:at] + new + data[at:]
    return data


DEPTHS = st.sampled_from([3, 60, 480, 900, 100_000])


def nested(depth: int, sign: str) -> bytes:
    return b"[" * depth + b"]" * depth if sign == "[" else b'{"a":' * depth + b"1" + b"}" * depth


def atoms(*words: str) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.sampled_from(
            [None, True, False, 0, -1, 1, 0.5, float("nan"), float("inf"), 10**400, ""]
        ),
        st.integers(),
        st.sampled_from([*words, *ODD]),
        st.text(max_size=12),
    )


@cache  # making a strategy takes longer than drawing from it
def values(*words: str) -> st.SearchStrategy[Any]:
    """Any JSON value."""
    return st.recursive(
        atoms(*words),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(words), inner, max_size=4)
        ),
        max_leaves=8,
    )


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every part of a JSON value stands."""
    found = [path]
    if isinstance(value, dict):
        found += [one for name, item in value.items() for one in paths(item, (*path, name))]
    elif isinstance(value, list):
        found += [one for i, item in enumerate(value) for one in paths(item, (*path, i))]
    return found


def replaced(value: Any, changes: list[tuple[int, Any]]) -> Any:
    """A JSON value with some of its parts replaced."""
    value = copy.deepcopy(value)
    for number, new in changes:
        places = paths(value)
        *front, last = ("root", *places[number % len(places)])
        holder: Any = {"root": value}
        root = holder
        for name in front:
            holder = holder[name]
        holder[last] = new
        value = root["root"]
    return value


def in_json(value: Any) -> bytes:
    return json.dumps(value).encode()


@cache
def changes(words: tuple[str, ...]) -> st.SearchStrategy[list[tuple[int, Any]]]:
    return st.lists(st.tuples(st.integers(0, 1000), values(*words)), max_size=3)


KIND = st.integers(0, 9)
GARBAGE = st.binary(max_size=60)
NESTED = st.builds(nested, DEPTHS, st.sampled_from("[{"))
TOO_MUCH = st.one_of(NESTED, st.sampled_from([b"9" * 5000, b"1e999", b'"\\ud800"']))
ENCODINGS = st.sampled_from(["utf-16", "utf-32", "utf-8-sig"])


@st.composite
def spoilt_json(draw: st.DrawFn, valid: Any, words: tuple[str, ...]) -> bytes:
    """A valid JSON text with other values, damaged bytes, or another text altogether."""
    kind = draw(KIND)
    if kind == 0:
        return draw(GARBAGE)
    if kind == 1:
        return draw(NESTED)
    if kind == 2:
        return in_json(draw(values(*words)))
    value = replaced(valid, draw(changes(words)))
    if kind == 3:  # what Python could not write itself: too deep, too long, half a character
        value = replaced(value, [(draw(KIND), "HERE")])
        return in_json(value).replace(b'"HERE"', draw(TOO_MUCH))
    if kind == 4:
        return edited(in_json(value), draw(EDITS))
    if kind == 5:
        return json.dumps(value).encode(draw(ENCODINGS))
    return in_json(value)


# --- What authors write ---

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


# --- What lies on disk ---

ASK = ImageRequest("A fox in snow", {"size": "8x6"}, subject="A fox", model="gpt-image-2")
PNG = picture("a fox", "8x6")
OTHER = picture("another", "8x6")
SIDECAR_WORDS = (
    *(
        "version",
        "key",
        "sha256",
        "bytes",
        "format",
        "width",
        "height",
        "variant",
        "png",
        "svg",
        "exe",
    ),
    *(ASK.key, hashlib.sha256(OTHER).hexdigest(), "../../etc/passwd", "8x6"),
)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 99\n"


def look_up(folder: Path) -> StoredImage | Missing:
    """Find the picture by a new command, and check what is said of it."""
    cache = Cache(folder)
    found = cache.find(ASK)
    cache.remember()
    if isinstance(found, StoredImage):
        data = found.path.read_bytes()
        assert type(found.width) is type(found.height) is int
        assert min(found.width, found.height) > 0
        if found.sidecar.get("recovered"):
            info = inspect(data)
            assert (info.width, info.height) == (found.width, found.height)
        elif "bytes" in found.sidecar:  # a part of it where the index vouches for both files
            assert len(data) == found.sidecar["bytes"]
        if "sha256" in found.sidecar:
            assert hashlib.sha256(data).hexdigest() == found.sidecar["sha256"]
            assert found.sidecar["key"] == ASK.key
    else:
        assert isinstance(found.reason, str)
        for edge in (found.width, found.height):
            assert edge is None or (type(edge) is int and edge > 0)
    return found


NAMES = st.one_of(
    st.sampled_from(
        [
            f"{ASK.stem}{end}"
            for end in (".json", ".jpg", ".svg", "-2.json", "", ".json.json", ".tmp")
        ]
        + [f"other-{ASK.key[:12]}{end}" for end in (".json", ".png", "-2.json")]
        + ["-.json", ".json", "-2.json", f"{ASK.key[:12]}.json", "a-b-c.json", "\udcff-\udcfe.json"]
    ),
    st.text(st.characters(exclude_characters="\0/"), min_size=1, max_size=20),
)


VALID = {
    "version": 1,
    "key": ASK.key,
    "variant": 1,
    "prompt": ASK.prompt,
    "options": {"size": "8x6"},
    "bytes": len(PNG),
    "sha256": hashlib.sha256(PNG).hexdigest(),
    "format": "png",
    "width": 8,
    "height": 6,
    "usage": {"total_tokens": 5},
}
CONTENTS = st.sampled_from([in_json(VALID), PNG, LFS, b"", None])
"""None is a folder in the place of the file."""


@fuzz(20_000)
@given(
    sidecar=spoilt_json(VALID, SIDECAR_WORDS),
    image=st.sampled_from([PNG, PNG, PNG, OTHER, LFS, b""]),
    damage=st.one_of(st.just([]), EDITS),
    others=st.dictionaries(st.one_of(NAMES, st.just(f"{ASK.stem}.png")), CONTENTS, max_size=1),
    gone=st.sampled_from(["", "", "", ".json", ".png"]),
)
def test_sidecar(
    tmp_path_factory: pytest.TempPathFactory,
    sidecar: bytes,
    image: bytes,
    damage: list[tuple[str, int, int, bytes]],
    others: dict[str, bytes | None],
    gone: str,
) -> None:
    tried("sidecars")
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    folder.mkdir()
    try:
        files: dict[str, bytes | None] = {
            f"{ASK.stem}.json": sidecar,
            f"{ASK.stem}.png": edited(image, damage),
            **others,
        }
        files.pop(ASK.stem + gone, None)
        for name, content in files.items():
            with suppress(OSError, ValueError):  # no name for a file here
                if content is None:
                    (folder / name).mkdir()
                else:
                    (folder / name).write_bytes(content)
        found = look_up(folder)
        if isinstance(found, StoredImage):
            assert found.path.parent == folder
    finally:
        shutil.rmtree(folder)


def index_of(folder: Path) -> Path:
    (path,) = [path for path in (folder / ".verified").iterdir() if path.name != ".gitignore"]
    return path


def always_worth(patch: pytest.MonkeyPatch) -> None:
    """Let the index be written however little work it spares."""
    thresholds = [name for name in vars(verified) if name.startswith("WORTH")]
    assert thresholds
    for name in thresholds:
        patch.setattr(verified, name, 0)


@pytest.fixture(scope="module")
def vouched(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, bytes]:
    """Folders with a stored picture, each with the index that vouched for it when it was new.

    In the second the picture was changed since, in the third its sidecar; length and time are the old ones.
    """
    found = {}
    for name in ("same", "picture", "sidecar"):
        folder = tmp_path_factory.mktemp(name)
        path = Cache(folder).put(ASK, 1, PNG, {"format": "png", "width": 8, "height": 6}).path
        with pytest.MonkeyPatch.context() as patch:
            always_worth(patch)
            patch.setattr(verified, "SETTLED_NS", -1)
            assert isinstance(look_up(folder), StoredImage)
        found[folder] = index_of(folder).read_bytes()
        assert ASK.stem.encode() in found[folder]
        time.sleep(0.1)  # coarse clocks of file systems tick at least each 0.01 s
        if name != "same":
            changed = path if name == "picture" else path.with_suffix(".json")
            status, data = changed.stat(), changed.read_bytes()
            if changed == path:
                changed.write_bytes(data[:-20] + bytes(4) + data[-16:])
            else:
                changed.write_bytes(data.replace(b'"width": 8', b'"width": 9'))
            os.utime(changed, ns=(status.st_atime_ns, status.st_mtime_ns))
            assert changed.read_bytes() != data
            assert changed.stat().st_size == status.st_size
    return found


@fuzz(5_000)
@given(
    damage=st.lists(st.one_of(st.just([]), EDITS), min_size=3, max_size=3),
    turn=st.integers(0, 2),
    garbage=st.one_of(st.none(), st.none(), GARBAGE, NESTED),
)
def test_verified_index(
    vouched: dict[Path, bytes],
    monkeypatch: pytest.MonkeyPatch,
    damage: list[list[tuple[str, int, int, bytes]]],
    turn: int,
    garbage: bytes | None,
) -> None:
    """Whatever the index says, and be it another folder's, what was changed since is read again."""
    tried("indexes")
    always_worth(monkeypatch)
    indexes = list(vouched.values())
    for number, folder in enumerate(vouched):
        index = edited(indexes[(number + turn) % 3], damage[number])
        index_of(folder).write_bytes(index if garbage is None else garbage)
    same, changed, edited_sidecar = map(look_up, vouched)
    assert isinstance(same, StoredImage)
    assert same.width == 8
    assert isinstance(changed, Missing)
    assert isinstance(edited_sidecar, StoredImage)
    assert edited_sidecar.width == 9


ENTRY = {"began": "2026-11-22T10:00:00+00:00", "key": ASK.key, "place": "docs/index.md:3"}


@fuzz(3_000)
@given(entry=spoilt_json(ENTRY, ("began", "place", "now", "images")))
def test_journal(tmp_path_factory: pytest.TempPathFactory, entry: bytes) -> None:
    tried("journal entries")
    folder = tmp_path_factory.getbasetemp() / "journal-of-fuzz"
    journal = Journal(folder, 5.0)
    with journal.hold("fox"):
        (folder / ".journal/fox.json").write_bytes(entry)
        before = journal.begin("fox", {"place": "docs/index.md:3"})
        assert before is None or isinstance(before, dict)
        assert journal.begin("fox", {})
        journal.end("fox")
        assert not (folder / ".journal/fox.json").exists()


REFUSAL = {
    "version": 1,
    "key": ASK.key,
    "prompt": ASK.prompt,
    "host": "127.0.0.1",
    "model": ASK.model,
    "request_id": "req_1",
    "created": "2026-11-22T10:00:00+00:00",
}


@fuzz(4_000)
@given(refusal=spoilt_json(REFUSAL, (*REFUSAL, ASK.key, "moderation", "low")))
def test_refusal_file(tmp_path_factory: pytest.TempPathFactory, refusal: bytes) -> None:
    tried("refusals")
    folder = tmp_path_factory.getbasetemp()
    path = folder / f"{ASK.stem}.refused.json"
    path.write_bytes(refusal)
    said = Cache(folder).refusal(ASK, "127.0.0.1")
    path.unlink()
    assert isinstance(said, str)
    if said:
        assert json.loads(refusal)["key"] == ASK.key
        assert "127.0.0.1" in said
    assert Cache(folder).refusal(ASK, "127.0.0.1") == ""


# --- What servers send ---

KEY = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"
BASE_URL = "http://127.0.0.1:8080/v1"
ANSWER_WORDS = (
    *(
        "data",
        "b64_json",
        "url",
        "usage",
        "error",
        "message",
        "code",
        "type",
        "param",
        "detail",
        "loc",
    ),
    *("msg", "insufficient_quota", "moderation_blocked", "model_not_found", "size", "limit: 0/1"),
    *(
        KEY,
        f"Bearer {KEY}",
        f"wrong key {KEY[:14]}*****wxyz",
        f"http://me:{KEY}@host/",
        KEY[:20] + "\n",
    ),
    *(
        "/files/a.png",
        "https://files.invalid/a.png",
        "http://127.0.0.1:8080/a\ud800",
        "https://[",
        "//",
    ),
    *(
        "data:image/png;base64,AAAA",
        base64.b64encode(PNG).decode(),
        "A" * 5000,
        "file:///etc/passwd",
    ),
)
USAGE = {"input_tokens": 9, "output_tokens": 196, "input_tokens_details": {"text_tokens": 9}}
GOOD = {
    "created": 1,
    "data": [{"b64_json": base64.b64encode(PNG).decode()}, {"url": "/files/fox.png"}],
    "usage": {**USAGE, "total_tokens": 205, "output_tokens_details": {"image_tokens": 196}},
}
BAD = {
    "error": {
        "message": f"Incorrect API key provided: {KEY}",
        "type": "invalid_request_error",
        "param": "size",
        "code": "invalid_api_key",
        "detail": [{"loc": ["body", "size"], "msg": "bad"}],
    }
}
PAGES = st.sampled_from(
    [
        b"",
        b"<!DOCTYPE html><title>Login</title>",
        b"upstream " + KEY.encode(),
        PNG,
        b"null",
        b"{}",
        b"[]",
    ]
)
STATUSES = st.one_of(
    st.sampled_from([200] * 8 + [201, 204, 206, 301, 304, 400, 401, 402, 403, 404, 407, 408, 409]),
    st.sampled_from([410, 413, 422, 429, 429, 451, 500, 502, 503, 504, 520, 524, 529]),
    st.integers(200, 999),
)
HEADERS = st.lists(
    st.one_of(
        st.tuples(st.just("content-type"), st.sampled_from(
            ["application/json", "text/html", "image/png", "text/event-stream", "", "a; charset=nope"])),
        st.tuples(st.just("content-encoding"), st.sampled_from(["gzip", "br", "deflate", "zstd", "nope"])),
        st.tuples(st.just("retry-after"), st.one_of(st.sampled_from(
            ["0", "1e9", "nan", "-1", "Wed, 21 Oct 2099 07:28:00 GMT", "Mon, 99 Foo 0 9:9 +99999999999"],
        ), st.text(max_size=12))),
        st.tuples(st.just("retry-after-ms"), st.sampled_from(["5", "inf", "", "x"])),
        st.tuples(st.just("x-request-id"), st.one_of(st.sampled_from(
            ["req_1", KEY, "x" * 500, "\x1b[2J", "a\tb"]), st.text(max_size=9))),
        st.tuples(st.just("x-should-retry"), st.sampled_from(["false", "true", ""])),
        st.tuples(st.just("location"), st.sampled_from(["/", "http://other.invalid/", "https://["])),
    ),
    max_size=4,
)  # fmt: skip
BODIES = st.one_of(
    spoilt_json(GOOD, ANSWER_WORDS), spoilt_json(BAD, ANSWER_WORDS), PAGES, st.just(in_json(GOOD))
)
FILE = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n%b" % (
    len(PNG),
    PNG,
)
MOVED = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n"
DOWNLOADS = st.one_of(
    st.just(FILE),
    st.builds(edited, st.just(FILE), EDITS),
    st.builds(lambda to: MOVED % to.encode("latin-1", "replace"), st.one_of(
        st.sampled_from(["/b.png", "http://other.invalid/", "file:///etc/passwd", "https://[", "", "\xff"]),
        st.text(max_size=12).filter(lambda text: "\n" not in text and "\r" not in text))),
    st.sampled_from([
        b"", b"HTTP/1.1 404 Not Found\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n" + PNG,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 99 x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + PNG, b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200,
        b"HTTP/1.1 200 OK\r\n\r\n<html>", b"\xff\xfe" * 40, b"HTTP/1.1 200 OK\r\n\r\n" + b"\0" * 99,
    ]),
    st.sampled_from([ConnectionResetError(), TimeoutError(), socket.gaierror(-2, "unknown"), OSError()]),
)  # fmt: skip


class Wire:
    """What stands in the place of the network: one answer of the API, and what downloads find."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 200, [("content-type", "application/json")], b""
        self.downloads: list[bytes | Exception] = []
        self.sent: list[bytes] = []

    def connect(self, *_: Any, **__: Any) -> _Socket:
        """For `socket.create_connection`: another answer each time, as long as there are some."""
        found = self.downloads.pop(0) if self.downloads else FILE
        if isinstance(found, Exception):
            raise found
        return _Socket(found, self.sent)


class _Socket:
    """As much of a socket as `http.client` uses; what it answers is there from the beginning."""

    def __init__(self, answer: bytes, sent: list[bytes]) -> None:
        self._answer = answer
        self.sendall = sent.append

    def makefile(self, *_: Any) -> io.BytesIO:
        return io.BytesIO(self._answer)

    def setsockopt(self, *_: Any) -> None: ...

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    """The real client of the real SDK, and the real downloads, without a network below them."""
    import openai

    made = openai.DefaultHttpxClient
    # Releases of the SDK differ in their HTTP client.
    http = importlib.import_module(made.__mro__[1].__module__.split(".")[0])
    wire = Wire()

    def answer(_: Any) -> Any:
        headers = [
            (name.encode(), value.encode("utf-8", "replace")) for name, value in wire.headers
        ]
        return http.Response(wire.status, headers=headers, stream=http.ByteStream(wire.body))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            openai,
            "DefaultHttpxClient",
            lambda **settings: made(transport=http.MockTransport(answer), **settings),
        )
        patch.setattr(socket, "create_connection", wire.connect)
        patch.setattr(HTTPSHandler, "https_open", HTTPHandler.http_open)
        patch.setattr(fetch, "DOWNLOAD_PAUSE", 0.0)
        yield wire


@pytest.fixture(scope="module")
def provider(wire: Wire) -> OpenAIProvider:
    return create(ProviderSettings(base_url=BASE_URL, api_key=KEY, timeout=30.0))


def shows_key(text: str) -> bool:
    """Whether a text repeats the key or the greater part of its beginning."""
    return KEY[:12] in text


def check_error(error: ProviderError) -> None:
    told = [str(error), error.message, error.cure, error.request_id or "", repr(error)]
    assert not any(map(shows_key, told))
    assert not shows_key("".join(traceback.format_exception(error)))
    assert error.message
    assert len(error.message) < 1000
    assert str(error).isprintable()
    wait = error.retry_after
    assert wait is None or wait >= 0


@fuzz(15_000)
@given(
    status=STATUSES,
    headers=HEADERS,
    body=BODIES,
    downloads=st.lists(DOWNLOADS, max_size=3),
    count=st.integers(1, 3),
)
@example(400, [], b'{"error":{"message":' + nested(600, "[") + b"}}", [], 1)
@example(400, [], b'{"error":{"message":{"loc":true}}}', [], 1)
@example(200, [], b'{"data":[{"url":"\\ud800"}]}', [], 1)
def test_answer(
    wire: Wire,
    provider: OpenAIProvider,
    status: int,
    headers: list[tuple[str, str]],
    body: bytes,
    downloads: list[bytes | Exception],
    count: int,
) -> None:
    tried("answers")
    wire.status, wire.headers, wire.body = status, headers, body
    wire.downloads, wire.sent = list(downloads), []
    try:
        answer = provider.generate(ASK, count)
    except ProviderError as error:
        check_error(error)
    else:
        assert 1 <= len(answer.images) <= count
        assert all(sniff(data) for data in answer.images)
        assert answer.usage is None or isinstance(answer.usage, dict)
        assert not shows_key(answer.request_id or "")
    assert not shows_key(repr(wire.sent)), "a download carries the key"


URLS = made_of(
    *(
        "http://127.0.0.1:8080/",
        "https://",
        "http://",
        "//",
        "/",
        ":",
        "@",
        "?",
        "#",
        "%",
        "%2f",
        "\\",
    ),
    *(
        "files.invalid",
        "[::1]",
        "[",
        "]",
        "..",
        "a.png",
        "65536",
        "443",
        " ",
        "ftp:",
        "data:image/png,",
    ),
    *("xn--", "\u2100", "\u3002", "\xdf", "a" * 70 + ".", "data:image/png;base64,", "AAAA", "="),
    most=6,
)


@fuzz(6_000)
@given(url=URLS, downloads=st.lists(DOWNLOADS, max_size=6))
@example("http://127.0.0.1:8080/\ud800", [])
@example("\0https://127.0.0.1:8080/", [])
def test_download(
    wire: Wire, provider: OpenAIProvider, url: str, downloads: list[bytes | Exception]
) -> None:
    tried("downloads")
    wire.status, wire.headers, wire.body = 200, [], in_json({"data": [{"url": url}]})
    wire.downloads, wire.sent = list(downloads), []
    try:
        (data,) = provider.generate(ASK, 1).images
        assert sniff(data)
    except ProviderError as error:
        check_error(error)
    for request in wire.sent:
        assert not shows_key(request.decode("latin-1"))
        assert b"authorization" not in request.lower()
        assert b"cookie" not in request.lower()


FENCE = scan(["```genimage", "A fox in snow", "```"]).fences[0]
PLACE = Place(Source("docs/index.md", lambda: "", [FENCE]), FENCE)
PRICES = Pricing.read({"text_in": 5, "image_in": 8, "image_out": 32})


@fuzz(2_000)
@given(
    body=st.one_of(
        spoilt_json(GOOD, ANSWER_WORDS), spoilt_json({"data": GOOD["data"]}, ANSWER_WORDS)
    ),
    count=st.integers(1, 2),
)
def test_stored(
    wire: Wire,
    provider: OpenAIProvider,
    tmp_path_factory: pytest.TempPathFactory,
    body: bytes,
    count: int,
) -> None:
    """From the answer to the files: what a picture is, is stored whole; the rest is told."""
    tried("stored")
    wire.status, wire.headers, wire.body, wire.downloads = 200, [], body, []
    folder = tmp_path_factory.getbasetemp() / "stored-by-fuzz"
    cache = Cache(folder)
    made = Generator(provider, cache, Budget(0, 0), Progress(), concurrency=1, pricing=PRICES)
    try:
        (job,) = made.order(ASK, tuple(range(1, count + 1)), PLACE)
        assert job.done.wait(60)
        made.stop()
        assert job.error is None or isinstance(job.error, GenimageError)
        assert "failed with" not in str(job.error), "an exception that nobody expected"
        assert job.error or len(job.images) == count
        for variant, image in job.images.items():
            assert Cache(folder).find(ASK, variant) == image
            assert inspect(image.path.read_bytes()).width == image.width
        assert not list(folder.glob(".journal/*.json"))
        for path in folder.rglob("*"):
            assert path.is_dir() or not shows_key(path.read_text("latin-1")), path
    finally:
        shutil.rmtree(folder, ignore_errors=True)
