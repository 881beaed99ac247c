"""The openai provider when things go wrong: what the author is told, what may have been billed,
what may be sent again, and that the key never shows."""

from __future__ import annotations

import email.utils
import time
from typing import TYPE_CHECKING, Any

import pytest
from api_server import ImagesServer, Reply, closed_port, error_body

from mkdocs_genimage.errors import Billed, ProviderError
from mkdocs_genimage.providers import ProviderSettings, failures
from mkdocs_genimage.providers.endpoint import find_endpoint
from mkdocs_genimage.providers.openai import OpenAIProvider, create
from mkdocs_genimage.providers.refusal import read_refusal, retry_after
from mkdocs_genimage.request import ImageRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "sk-test-Zq7vX2mK9wRb4TnYc8LhJd5sGf3P"
ASK = ImageRequest("a fox", {"size": "64x64", "quality": "low"}, model="gpt-image-2")


def provider(base_url: str, *, timeout: float = 20.0, key: str = KEY) -> OpenAIProvider:
    return create(ProviderSettings(base_url=base_url, api_key=key, timeout=timeout))


def fail(made: OpenAIProvider, ask: ImageRequest = ASK) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        made.generate(ask, 1)
    return caught.value


# --- answers with an error status -------------------------------------------------------------


def refused(status: int, message: str, code: str | None = None, **more: Any) -> Reply:
    return Reply(status=status, body=error_body(message, code, **more))


NO, MAYBE = Billed.NO, Billed.MAYBE
# What the server answers; words of the message; words of the cure; billed; fatal; retry_after.
REFUSALS: dict[str, tuple[Reply, str, str, Billed, bool, float | None]] = {
    "moderation": (
        refused(
            400,
            "Your request was rejected by the safety system. safety_violations=[violence].",
            "moderation_blocked",
            type="image_generation_user_error",
        ),
        "was refused by the moderation", "prompt", NO, False, None,
    ),
    "moderation, Azure": (
        refused(400, "The response was filtered", "content_policy_violation"),
        "was refused by the moderation", "prompt", NO, False, None,
    ),
    "moderation, Azure 403": (
        refused(403, "The resource is temporarily blocked"),
        "was refused by the moderation", "prompt", NO, False, None,
    ),
    "size": (
        refused(400, "Invalid size '1792x936'. Width and height must both be divisible by 16."),
        "divisible by 16", "'size'", NO, False, None,
    ),
    "quality": (
        refused(400, "The model 'gpt-image-2' does not support quality 'xhigh'"),
        "does not support", "'quality'", NO, False, None,
    ),
    "unknown parameter": (
        refused(400, "Unknown parameter: 'quality'.", "unknown_parameter", param="quality"),
        "Unknown parameter", "'quality'", NO, False, None,
    ),
    "prompt too long": (
        refused(400, "string too long", "string_above_max_length", param="prompt"),
        "string too long", "'prompt'", NO, False, None,
    ),
    "bare text": (
        Reply(status=400, body={"error": "out of memory"}), "out of memory", "options", NO, False, None,
    ),
    "list": (
        Reply(status=400, body=[{"error": {"code": 400, "message": "Unknown name"}}]),
        "Unknown name", "options", NO, False, None,
    ),
    "plain text": (Reply(status=400, body=b"bad request"), "bad request", "options", NO, False, None),
    "FastAPI": (
        Reply(status=422, body={"detail": [{"loc": ["body", "size"], "msg": "bad size"}]}),
        "size: bad size", "'size'", NO, False, None,
    ),
    "FastAPI text": (
        Reply(status=422, body={"detail": "no model is loaded"}),
        "no model is loaded", "options", NO, False, None,
    ),
    "billing limit": (
        refused(400, "Billing hard limit has been reached", "billing_hard_limit_reached"),
        "no credit left", "Add credit", NO, True, None,
    ),
    "no quota": (
        refused(429, "You exceeded your quota", "insufficient_quota", type="insufficient_quota"),
        "no credit left", "Add credit", NO, True, None,
    ),
    "no quota, code elsewhere": (
        refused(429, "quota", None, type="insufficient_quota"),
        "no credit left", "Add credit", NO, True, None,
    ),
    "no credit at a gateway": (
        refused(402, "Top up"), "no credit left.*Top up", "Add credit", NO, True, None,
    ),
    "wrong key": (
        refused(401, f"Incorrect API key provided: {KEY[:8]}***{KEY[-4:]}.", "invalid_api_key"),
        "does not accept the API key in 'api_key'", "'base_url'", NO, True, None,
    ),
    "proxy wants a password": (Reply(status=407, body=""), "proxy", "HTTPS_PROXY", NO, True, None),
    "not verified": (
        refused(403, "Your organization must be verified to use the model 'gpt-image-2'."),
        "verified organizations only", "Verify", NO, True, None,
    ),
    "forbidden": (refused(403, "Country not supported"), "Country not supported", "key", NO, True, None),
    "unknown model": (
        refused(404, "The model 'gpt-image-2' does not exist", "model_not_found"),
        "has no model 'gpt-image-2'", "shut down", NO, True, None,
    ),
    "unknown model, 400": (
        refused(400, "no such model", "model_not_found"), "has no model", "shut down", NO, True, None,
    ),
    "gone model": (refused(410, "This model was retired"), "has no model", "shut down", NO, True, None),
    "wrong path": (
        Reply(status=404, body="<html>nothing</html>"), "no Images API", "version", NO, True, None,
    ),
    "method not allowed": (Reply(status=405, body=""), "no Images API", "version", NO, True, None),
    "redirect": (
        Reply(status=307, body="", headers={"Location": "http://images.invalid/"}),
        "no Images API", "version", NO, True, None,
    ),
    "too large": (Reply(status=413, body="<html>413</html>"), "too large", "smaller", NO, False, None),
    "conflict": (refused(409, "locked"), "locked", "options", NO, False, None),
    "rate limit": (
        refused(429, "Rate limit exceeded for images per minute. Limit: 5/1min.", "rate_limit_exceeded"),
        "no more requests for the moment", "concurrency", NO, False, failures.RATE_LIMIT_PAUSE,
    ),
    "rate limit with a wait": (
        Reply(status=429, body="<html>slow</html>", headers={"Retry-After": "7"}),
        "no more requests", "later", NO, False, 7.0,
    ),
    "rate limit for good": (
        Reply(status=429, body=error_body("x"), headers={"x-should-retry": "false"}),
        "no more requests", "later", NO, False, None,
    ),
    "no allowance": (
        refused(429, "Rate limit exceeded for images per minute: Limit: 0/1min", "rate_limit_exceeded"),
        "allows this account no images", "tier", NO, True, None,
    ),
    "server timeout": (Reply(status=408, body=""), "HTTP 408", "later", MAYBE, False, None),
    "internal error": (refused(500, "oops", "server_error"), "HTTP 500.*oops", "later", MAYBE, False, None),
    "bad gateway": (
        Reply(status=502, body="<html>bad</html>"), "HTTP 502", "later", NO, False, failures.OUTAGE_PAUSE,
    ),
    "unavailable": (
        Reply(status=503, body="", headers={"retry-after-ms": "1500"}), "HTTP 503", "later", NO, False, 1.5,
    ),
    "gateway timeout": (Reply(status=504, body=""), "HTTP 504", "later", MAYBE, False, None),
    "Cloudflare": (Reply(status=524, body="<html>524</html>"), "HTTP 524", "later", MAYBE, False, None),
    "error as success": (
        Reply(body=error_body("Rejected", "moderation_blocked")),
        "by the moderation", "prompt", NO, False, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(api: ImagesServer, case: str) -> None:
    reply, message, cure, billed, fatal, wait = REFUSALS[case]
    api.script(reply)
    error = fail(provider(api.base_url))
    with pytest.raises(ProviderError, match=f"(?s){message}"):
        raise error
    assert cure in error.cure
    assert (error.billed, error.fatal, error.retry_after) == (billed, fatal, wait)
    assert error.request_id == "req_1"
    assert "<" not in str(error), "an HTML page is not shown"
    assert len(api.calls) == 1, "never sent twice"


@pytest.mark.parametrize("status", [502, 503])
def test_a_late_outage_may_have_been_billed(
    api: ImagesServer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(failures, "QUICK_SECONDS", 0.05)
    api.script(Reply(status=status, body="", latency=0.1))
    error = fail(provider(api.base_url))
    assert (error.billed, error.retry_after) == (MAYBE, None)


def test_own_words_for_a_wrong_key() -> None:
    with ImagesServer(key="sk-another") as server:
        error = fail(provider(server.base_url))
    assert "Incorrect" not in str(error)
    assert "***" not in str(error)


def test_a_local_server_that_does_want_a_key() -> None:
    with ImagesServer(key="sk-another") as server:
        error = fail(provider(server.base_url, key=""))
    assert "wants an API key" in error.message
    assert "OPENAI_API_KEY" in error.cure


@pytest.mark.parametrize("key", ["", KEY])
def test_a_refused_credential_of_the_address(key: str) -> None:
    """It is what is sent, with or without a key beside it."""
    with ImagesServer(key="sk-another") as server:
        error = fail(provider(server.base_url.replace("://", "://docs:geheim@"), key=key))
    assert error.message.endswith("does not accept the name and password in 'base_url'.")
    assert "API key" not in str(error)
    assert "%40" in error.cure
    assert error.fatal


@pytest.mark.parametrize(
    ("user_info", "key", "cure"),
    [
        ("", KEY, "Check what the API key in 'api_key' may do, and the model 'gpt-image-2'."),
        (
            "docs:geheim@",
            KEY,
            "Check what the name and password in 'base_url' may do, and the model ",
        ),
        ("", "", "Check the model 'gpt-image-2'."),
    ],
)
def test_what_may_not_be_done(api: ImagesServer, user_info: str, key: str, cure: str) -> None:
    api.script(refused(403, "no"))
    error = fail(provider(api.base_url.replace("://", f"://{user_info}"), key=key))
    assert error.cure.startswith(cure)


@pytest.mark.parametrize(
    ("base_url", "key", "hint"),
    [
        (
            "",
            "cg-0123456789",
            "CodeGateway keys work only with its base_url https://api.codegateway.dev/v1",
        ),
        ("https://api.openai.com/v1/", "sk-0123456789", "https://api.codegateway.dev/v1"),
        ("", "sk-proj-0123456789", ""),
        ("https://api.codegateway.dev/v1", "sk-proj-0123456789", "takes CodeGateway keys only"),
        ("https://images.invalid/v1", "cg-0123456789", ""),
    ],
)
def test_a_key_for_another_server(base_url: str, key: str, hint: str) -> None:
    endpoint = find_endpoint(ProviderSettings(base_url=base_url, api_key=key))
    refusal = read_refusal(
        endpoint, {"message": key}, status=401, headers={}, seconds=0, model="m", sent=()
    )
    cure = failures.explain_refusal(refusal).cure
    assert hint in cure
    assert ("CodeGateway" in cure) == bool(hint)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 9.0),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "3", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "3", "retry-after-ms": "soon"}, 3.0),
        ({"retry-after": "0"}, 9.0),
        ({"retry-after": "-5"}, 9.0),
        ({"retry-after": "nan"}, 9.0),
        ({"retry-after": "inf"}, 9.0),
        ({"retry-after": "soon"}, 9.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}, 9.0),
        ({"retry-after": "Sun, 99 Nov 1994 08:49:37 GMT"}, 9.0),
    ],
)
def test_retry_after(headers: Mapping[str, str], seconds: float) -> None:
    assert retry_after(headers, 9.0) == seconds


def test_retry_after_a_date() -> None:
    date = email.utils.formatdate(time.time() + 1000, usegmt=True)
    assert 900 < retry_after({"retry-after": date}, 9.0) <= 1000


def test_credentials_of_others_are_masked_too(api: ImagesServer) -> None:
    words = "sk-upstream12345 (Bearer abc.def-ghi) at https://relay:geheim@images.invalid/ "
    api.script(refused(400, f"{words}abc***xyz risk-free"))
    error = fail(provider(api.base_url))
    assert "sk-… (Bearer …) at https://images.invalid/ … risk-free" in error.message


def test_a_servers_words_are_short_and_on_one_line(api: ImagesServer) -> None:
    api.script(refused(400, "first\nsecond\x1b[31m " + "long " * 5000))
    error = fail(provider(api.base_url))
    assert "first second [31m long" in error.message
    assert error.message.isprintable()
    assert len(error.message) < 400


# --- no answer --------------------------------------------------------------------------------


def test_a_server_that_hangs(api: ImagesServer) -> None:
    api.script(Reply(hang=True))
    error = fail(provider(api.base_url, timeout=0.3))
    assert "did not answer within 0.3 seconds" in error.message
    assert "timeout" in error.cure
    assert (error.billed, error.fatal, error.retry_after) == (MAYBE, False, None)
    assert len(api.calls) == 1


def test_a_server_that_trickles_is_not_waited_for(api: ImagesServer) -> None:
    # Each byte comes well within the timeout, all of them would take 19 hours.
    api.script(Reply(trickle=0.1, size="256x256"))
    error = fail(provider(api.base_url, timeout=0.5))
    assert "within 0.5 seconds" in error.message
    assert error.billed is MAYBE
    assert api.calls[0].outcome in ("", "client went away"), "the server was not done"


def test_headers_that_trickle_are_not_waited_for(api: ImagesServer) -> None:
    # Nothing but another thread can end this: each read succeeds, and no byte reaches the caller.
    api.script(Reply(trickle_head=0.05))
    error = fail(provider(api.base_url, timeout=0.3))
    assert "within 0.3 seconds" in error.message
    assert error.billed is MAYBE


def test_a_call_that_was_given_up_ends_by_itself(api: ImagesServer) -> None:
    api.script(Reply(trickle=0.05, size="256x256"))
    fail(provider(api.base_url, timeout=0.3))
    deadline = time.monotonic() + 15
    while api.calls[0].outcome != "client went away":
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("drop", ["before", "headers", "body"])
def test_a_connection_that_breaks_off(api: ImagesServer, drop: str) -> None:
    api.script(Reply(drop=drop))
    error = fail(provider(api.base_url))
    assert "broke off" in error.message
    assert (error.billed, error.fatal, error.retry_after) == (MAYBE, False, None)
    assert len(api.calls) == 1


def test_an_error_whose_body_breaks_off(api: ImagesServer) -> None:
    api.script(Reply(status=500, body=error_body("x" * 1000), drop="body"))
    error = fail(provider(api.base_url))
    assert (error.billed, error.retry_after) == (MAYBE, None)


def test_nothing_listens() -> None:
    error = fail(provider(f"http://127.0.0.1:{closed_port()}/v1"))
    assert "no connection" in error.message
    assert "'base_url'" in error.cure
    assert (error.billed, error.fatal) == (NO, False)
    assert error.retry_after == failures.CONNECT_PAUSE


def test_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    error = fail(provider("https://images.invalid:8443/v1"))
    assert "images.invalid:8443 is not known" in error.message
    assert "'base_url'" in error.cure
    assert (error.billed, error.fatal, error.retry_after) == (NO, True, None)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://images.invalid/v1")
    assert "OPENAI_BASE_URL" in fail(provider("")).cure


def test_no_tls_at_the_other_end(api: ImagesServer) -> None:
    error = fail(provider(api.base_url.replace("http:", "https:")))
    assert "no secure connection" in error.message
    assert (error.billed, error.fatal) == (NO, True)


def test_a_dead_proxy(api: ImagesServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    error = fail(provider("https://images.invalid/v1"))
    assert (error.billed, error.retry_after) == (NO, failures.CONNECT_PAUSE)


def test_a_proxy_that_refuses(api: ImagesServer, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tests' server answers CONNECT with 501.
    monkeypatch.setenv("HTTPS_PROXY", f"http://name:geheim@{api.url.removeprefix('http://')}")
    error = fail(provider("https://images.invalid/v1"))
    assert "proxy" in error.message
    assert error.fatal
    assert "geheim" not in str(error)


def test_a_proxy_variable_that_makes_no_sense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://name:geheim@127.0.0.1")
    error = fail(provider("https://images.invalid/v1"))
    assert "cannot be set up" in error.message
    assert "proxy" in error.cure
    assert (error.billed, error.fatal) == (NO, True)
    assert "geheim" not in str(error)


@pytest.mark.parametrize(
    ("name", "value", "kind", "cure"),
    [
        ("HTTPS_PROXY", "http://name:gehe/im@127.0.0.1:1", "InvalidURL", "'/' as %2F"),
        ("HTTPS_PROXY", "http://name:gehe#im@127.0.0.1:1", "InvalidURL", "'#' as %23"),
        ("ALL_PROXY", "gopher://name:geheim@127.0.0.1", "ValueError", "ALL_PROXY"),
        ("SSL_CERT_FILE", "/no/such/geheim", "FileNotFoundError", "SSL_CERT_FILE"),
    ],
)
def test_an_environment_that_makes_no_client(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, kind: str, cure: str
) -> None:
    monkeypatch.setenv(name, value)
    error = fail(provider("https://images.invalid/v1"))
    assert error.message == f"the connection to images.invalid cannot be set up ({kind})."
    assert cure in error.cure
    assert "gehe" not in str(error)
    assert error.__context__ is None


def test_a_proxy_that_needs_a_package() -> None:
    endpoint = find_endpoint(ProviderSettings(base_url="https://images.invalid/v1", api_key=KEY))
    error = failures.explain_setup(ImportError("socksio"), endpoint)
    assert "pip install socksio" in error.cure


def test_a_header_that_cannot_be_sent(api: ImagesServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org\n1")
    error = fail(provider(api.base_url))
    assert "OPENAI_ORG_ID" in error.cure
    assert (error.billed, error.retry_after) == (NO, None)
    assert api.calls == []
