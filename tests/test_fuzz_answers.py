"""Hostile input: what servers send."""

from __future__ import annotations

import base64
import importlib
import io
import shutil
import socket
import traceback
from typing import TYPE_CHECKING, Any
from urllib.request import HTTPHandler, HTTPSHandler

import pytest
from fuzzing import (
    ASK,
    EDITS,
    PNG,
    edited,
    figures,  # noqa: F401 - a fixture of all tests here
    fuzz,
    in_json,
    made_of,
    nested,
    quiet,  # noqa: F401 - a fixture of all tests here
    spoilt_json,
    tried,
)
from hypothesis import example, given
from hypothesis import strategies as st

from mkdocs_genimage.budget import Budget
from mkdocs_genimage.cache import Cache
from mkdocs_genimage.errors import GenimageError, ProviderError
from mkdocs_genimage.fences import scan
from mkdocs_genimage.formats import sniff
from mkdocs_genimage.generator import Generator
from mkdocs_genimage.imaging import inspect
from mkdocs_genimage.places import Place, Source
from mkdocs_genimage.pricing import Pricing
from mkdocs_genimage.progress import Progress
from mkdocs_genimage.providers import ProviderSettings, fetch
from mkdocs_genimage.providers.openai import OpenAIProvider, create

if TYPE_CHECKING:
    from collections.abc import Iterator

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
