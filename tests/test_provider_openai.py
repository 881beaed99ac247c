"""The openai provider over real HTTP with the real SDK: what is sent, and what answers become."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import pytest
from api_server import ImagesServer, Reply
from pictures import picture

from mkdocs_genimage.errors import Billed, ProviderError
from mkdocs_genimage.providers import Answer, ProviderSettings, fetch, load_provider
from mkdocs_genimage.providers.openai import OpenAIProvider, create
from mkdocs_genimage.request import ImageRequest, InputFile

KEY = "sk-test-Zq7vX2mK9wRb4TnYc8LhJd5sGf3P"
ASK = ImageRequest("a fox", {"size": "64x64"}, model="gpt-image-2")
PNG = picture("input", "32x32")


def provider(api: ImagesServer, *, timeout: float = 20.0, key: str = KEY) -> OpenAIProvider:
    return create(ProviderSettings(base_url=api.base_url, api_key=key, timeout=timeout))


def failure(
    api: ImagesServer, reply: Reply, ask: ImageRequest = ASK, count: int = 1
) -> ProviderError:
    """The error that one scripted reply leads to."""
    api.script(reply)
    with pytest.raises(ProviderError) as caught:
        provider(api).generate(ask, count)
    return caught.value


# --- what is sent -----------------------------------------------------------------------------


def test_only_what_was_set_is_sent(api: ImagesServer) -> None:
    provider(api).generate(ImageRequest("a fox", model="gpt-image-2"), 1)
    (call,) = api.calls
    assert (call.method, call.path) == ("POST", "/v1/images/generations")
    assert call.fields == {"prompt": "a fox", "model": "gpt-image-2"}
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert "openai-organization" not in call.headers
    assert "openai-project" not in call.headers


def test_without_a_model_the_server_chooses(api: ImagesServer) -> None:
    provider(api).generate(ImageRequest("a fox"), 1)
    assert api.calls[0].fields == {"prompt": "a fox"}


def test_every_option_is_sent_unchanged(api: ImagesServer) -> None:
    options = {
        "size": "64x32",
        "quality": "high",
        "background": "transparent",
        "output_format": "webp",
        "output_compression": 80,
        "input_fidelity": "high",
        "unheard_of": [1, {"a": None}],
        "model": "gpt-image-2",
        "revision": 3,
        "extra": {"seed": 7, "response_format": "b64_json"},
    }
    ask = ImageRequest("a fox\nat night, 夜", options, model="gpt-image-2", moderation="low")
    answer = provider(api).generate(ask, 3)
    assert api.calls[0].fields == {
        "prompt": "a fox\nat night, 夜",
        "model": "gpt-image-2",
        "n": 3,
        "size": "64x32",
        "quality": "high",
        "background": "transparent",
        "output_format": "webp",
        "output_compression": 80,
        "input_fidelity": "high",
        "unheard_of": [1, {"a": None}],
        "moderation": "low",
        "seed": 7,
        "response_format": "b64_json",
    }
    assert len(answer.images) == 3
    assert len(set(answer.images)) == 3


def test_the_blocks_moderation_beats_the_sites(api: ImagesServer) -> None:
    ask = ImageRequest("x", {"moderation": "auto", "size": "16x16"}, model="m", moderation="low")
    provider(api).generate(ask, 1)
    assert api.calls[0].fields["moderation"] == "auto"


def test_edit(api: ImagesServer) -> None:
    jpeg, webp = picture("b", "32x32", "jpeg"), picture("c", "32x32", "webp")
    mask = picture("mask", "32x32", alpha=True)
    ask = ImageRequest(
        "add a hat",
        {"size": "64x64", "output_compression": 80, "input_fidelity": "high", "extra": {"seed": 7}},
        images=(InputFile("a.png", PNG), InputFile("b.bin", jpeg), InputFile("c.webp", webp)),
        mask=InputFile("mask.png", mask),
        model="gpt-image-2",
        moderation="low",
    )
    answer = provider(api).generate(ask, 2)
    (call,) = api.calls
    assert call.path == "/v1/images/edits"
    assert call.headers["content-type"].startswith("multipart/form-data")
    assert call.fields == {
        "prompt": "add a hat",
        "model": "gpt-image-2",
        "n": "2",
        "size": "64x64",
        "output_compression": "80",
        "input_fidelity": "high",
        "moderation": "low",
        "seed": "7",
    }
    assert [(part.name, part.filename, part.mime) for part in call.files] == [
        ("image[]", "a.png", "image/png"),
        ("image[]", "b.bin", "image/jpeg"),
        ("image[]", "c.webp", "image/webp"),
        ("mask", "mask.png", "image/png"),
    ]
    assert [part.data for part in call.files] == [PNG, jpeg, webp, mask]
    assert len(answer.images) == 2


def test_one_input_picture_is_sent_as_a_list(api: ImagesServer) -> None:
    provider(api).generate(ImageRequest("x", images=(InputFile("a.png", PNG),), model="m"), 1)
    assert [part.name for part in api.calls[0].files] == ["image[]"]
    assert "n" not in api.calls[0].fields


def test_streaming_is_refused_before_it_costs(api: ImagesServer) -> None:
    with pytest.raises(ProviderError, match="stream") as caught:
        provider(api).generate(ImageRequest("x", {"extra": {"stream": True}}, model="m"), 1)
    assert caught.value.billed is Billed.NO
    assert api.calls == []


@pytest.mark.parametrize("extra", [{"seed": object()}, {"name": "\ud800"}, {"f": {1, 2}}])
def test_what_json_cannot_say_is_not_sent(api: ImagesServer, extra: dict[str, Any]) -> None:
    with pytest.raises(ProviderError, match="could not be written") as caught:
        provider(api).generate(ImageRequest("x", {"extra": extra}, model="m"), 1)
    assert caught.value.billed is Billed.NO
    assert api.calls == []


def test_one_provider_serves_many_threads(api: ImagesServer) -> None:
    many = provider(api)
    api.latency = 0.02

    def ask(number: int) -> Answer:
        return many.generate(ImageRequest(f"fox {number}", {"size": "16x16"}, model="m"), 1)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(64)))
    assert [a.images[0] for a in answers] == [picture(f"fox {i}#0", "16x16") for i in range(64)]
    assert len(api.calls) == 64
    assert api.max_in_flight > 1


def test_importing_and_creating_it_imports_no_sdk(child_env: dict[str, str]) -> None:
    code = (
        "import sys\n"
        "from mkdocs_genimage.providers import ProviderSettings\n"
        "import mkdocs_genimage.providers.openai as module\n"
        "module.create(ProviderSettings(api_key='sk-x')).unready()\n"
        "print([n for n in ('openai', 'httpx2', 'httpx', 'pydantic', 'PIL') if n in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=child_env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_is_the_installed_provider() -> None:
    loaded = load_provider("openai", ProviderSettings(base_url="https://images.invalid/v1"))
    assert (loaded.name, loaded.host, loaded.draft) == ("openai", "images.invalid", False)


# --- what comes back --------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "gif"])
def test_bytes_come_unchanged(api: ImagesServer, form: str) -> None:
    answer = provider(api).generate(
        ImageRequest("a fox", {"size": "64x64", "output_format": form}, model="m"), 1
    )
    assert answer.images == [picture("a fox#0", "64x64", form)]
    assert answer.request_id == "req_1"
    assert answer.usage == {
        "input_tokens": 7,
        "input_tokens_details": {"text_tokens": 7, "image_tokens": 0},
        "output_tokens": 196,
        "output_tokens_details": {"image_tokens": 196, "text_tokens": 0},
        "total_tokens": 203,
    }


def wrapped_base64() -> str:
    return base64.encodebytes(picture("x", "64x64")).decode()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(deliver="data_url"),
        Reply(deliver="url"),
        Reply(deliver="url", url="/files/{name}"),
        Reply(deliver="url", url="../files/{name}"),
        Reply(encoded=wrapped_base64()),
        Reply(encoded=wrapped_base64().rstrip("=\n")),
        Reply(format="jpeg"),
        Reply(extra={"created": "2026-11-22T00:00:00Z", "size": 5, "usage": "none"}),
        Reply(headers={"Content-Type": "text/plain"}),
        Reply(headers={"x-request-id": ""}),
    ],
    ids=lambda reply: next(
        f"{k}={v!r}"[:40] for k, v in vars(reply).items() if v != getattr(Reply(), k)
    ),
)
def test_other_ways_to_deliver(api: ImagesServer, reply: Reply) -> None:
    api.script(reply)
    (image,) = provider(api).generate(ASK, 1).images
    known = {picture("a fox#0", "64x64", reply.format or "png"), picture("x", "64x64")}
    assert image in known


def test_data_url_in_the_url_member(api: ImagesServer) -> None:
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    api.script(Reply(extra={"data": [{"b64_json": None, "url": url}]}))
    assert provider(api).generate(ASK, 1).images == [PNG]


def test_usage_that_is_no_object_is_dropped(api: ImagesServer) -> None:
    api.script(Reply(extra={"usage": [1]}))
    assert provider(api).generate(ASK, 1).usage is None


@pytest.mark.parametrize(
    ("usage", "kept"),
    [
        ({}, {}),
        ({"total_tokens": 9, "cost": 0.04, "zero": 0}, {"total_tokens": 9, "cost": 0.04, "zero": 0}),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 1}}}),
        ({"a": {"b": {"c": {"d": 1}}}, "e": 2}, {"e": 2}),
        ({"user": "sk-x", "n": 1, "on": True, "off": None, "list": [1], "of": {"x": "y"}}, {"n": 1}),
        ({"sk-x": 1, "a b": 1, "é": 1, "": 1, "a" * 41: 1, "a" * 40: 1, 5: 1}, {"a" * 40: 1}),
        ({"a": float("nan"), "b": float("inf"), "c": 10**15, "d": -(10**5000), "e": 1j}, {}),
        ({"a": Decimal("1.5"), "b": Fraction(1, 4), "c": Decimal("sNaN")}, {"a": 1.5, "b": 0.25}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ({f"n{i}": i for i in range(60)}, {f"n{i}": i for i in range(50)}),
        (None, None),
        ("sk-x", None),
        ([{"a": 1}], None),
    ],
)  # fmt: skip
def test_usage_is_numbers_only(usage: Any, kept: Any) -> None:
    """Of any provider: it is stored, and servers tell in it who asked."""
    assert Answer([PNG], usage=usage).usage == kept
    json.dumps(kept, allow_nan=False)


def test_fewer_pictures_than_asked_for_are_kept(api: ImagesServer) -> None:
    api.script(Reply(count=2))
    assert len(provider(api).generate(ASK, 4).images) == 2


def test_no_more_pictures_than_asked_for_are_kept(api: ImagesServer) -> None:
    api.script(Reply(count=3))
    assert provider(api).generate(ASK, 1).images == [picture("a fox#0", "64x64")]


def test_good_pictures_beside_bad_ones_are_kept(api: ImagesServer) -> None:
    good = {"b64_json": base64.b64encode(PNG).decode()}
    api.script(Reply(extra={"data": [{}, {"b64_json": "!"}, good, "text", None]}))
    assert provider(api).generate(ASK, 5).images == [PNG]


def text_image(text: str) -> Reply:
    return Reply(data=text.encode())


@pytest.mark.parametrize(
    ("reply", "message", "billed"),
    [
        (Reply(body="<!DOCTYPE html><title>Log in</title>"), "an HTML page", Billed.MAYBE),
        (Reply(body="\n <html></html>"), "an HTML page", Billed.MAYBE),
        (Reply(body="ok"), "no JSON object", Billed.MAYBE),
        (Reply(body=b""), "no JSON object", Billed.MAYBE),
        (Reply(body=b'{"data": ['), "no JSON object", Billed.MAYBE),
        (Reply(body=b"[" * 200_000), "no JSON object", Billed.MAYBE),
        (Reply(body=[1]), "no JSON object", Billed.MAYBE),
        (Reply(body={}), "holds no picture", Billed.MAYBE),
        (Reply(body={"data": None}), "holds no picture", Billed.MAYBE),
        (Reply(body={"data": []}), "holds no picture", Billed.MAYBE),
        (Reply(body={"data": {"b64_json": "AAAA"}}), "holds no picture", Billed.MAYBE),
        (Reply(extra={"data": []}), "holds no picture", Billed.YES),
        (Reply(body={"data": [{}]}), "neither base64 data nor an address", Billed.YES),
        (Reply(body={"data": [None]}), "neither base64 data nor an address", Billed.YES),
        (Reply(body={"data": [{"b64_json": 5, "url": 6}]}), "neither", Billed.YES),
        (
            Reply(body={"error": {"message": "it broke"}}),
            r"refused .*HTTP 200.*it broke",
            Billed.MAYBE,
        ),
        (Reply(body={"error": "it broke"}), "it broke", Billed.MAYBE),
        (Reply(encoded="not base64!"), "cannot be decoded", Billed.YES),
        (Reply(encoded="A"), "cannot be decoded", Billed.YES),
        (Reply(encoded="é"), "cannot be decoded", Billed.YES),
        (Reply(data=PNG[1:]), "unknown bytes", Billed.YES),
        (text_image("<html><body>gone"), "an HTML page", Billed.YES),
        (text_image('{"error": "gone"}'), "JSON", Billed.YES),
        (text_image("<Error><Code>AccessDenied"), "XML", Billed.YES),
        (text_image("Not found"), "text", Billed.YES),
        (Reply(data=b"\0\0\0\x1cftypavif\0\0"), "an AVIF", Billed.YES),
        (Reply(encoded="  "), "nothing", Billed.YES),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_a_success_status_proves_nothing(
    api: ImagesServer, reply: Reply, message: str, billed: Billed
) -> None:
    error = failure(api, reply)
    assert error.billed is billed
    assert error.retry_after is None
    assert error.request_id == "req_1"
    assert len(api.calls) == 1
    with pytest.raises(ProviderError, match=message):
        raise error


def test_a_page_for_browsers_stops_the_build(api: ImagesServer) -> None:
    error = failure(api, Reply(body="<html>Sign in to the hotel's network</html>"))
    assert error.fatal
    assert "base_url" in error.cure


def test_a_truncated_picture_is_left_to_the_decoder(api: ImagesServer) -> None:
    api.script(Reply(data=PNG[:200]))
    assert provider(api).generate(ASK, 1).images == [PNG[:200]]


@pytest.mark.parametrize("deliver", ["b64", "url"])
def test_a_picture_over_the_limit(
    api: ImagesServer, monkeypatch: pytest.MonkeyPatch, deliver: str
) -> None:
    monkeypatch.setattr(fetch, "MAX_IMAGE_BYTES", 1000)
    error = failure(api, Reply(data=b"\x89PNG\r\n\x1a\n" + bytes(2000), deliver=deliver))
    assert "larger than" in error.message
    assert error.billed is Billed.YES


def test_an_endless_answer_is_cut_off(api: ImagesServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mkdocs_genimage.providers.exchange.MAX_IMAGE_BYTES", 1000)
    error = failure(api, Reply(body=b'{"padding": "' + b"x" * 2_000_000 + b'"}'))
    assert "larger than" in error.message
    assert error.billed is Billed.MAYBE


def test_compressed_answers_are_read(api: ImagesServer) -> None:
    import gzip

    body = json.dumps({"data": [{"b64_json": base64.b64encode(PNG).decode()}]}).encode()
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    api.script(Reply(body=gzip.compress(body), headers=headers))
    assert provider(api).generate(ASK, 1).images == [PNG]


def test_the_limit_lets_the_largest_picture_through() -> None:
    raw_4k = 3840 * 2160 * 4
    assert raw_4k < fetch.MAX_IMAGE_BYTES


def test_pictures_are_real(api: ImagesServer) -> None:
    from PIL import Image

    (data,) = provider(api).generate(ASK, 1).images
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert image.size == (64, 64)
