"""The openai provider's settings, and that no credential ever shows."""

from __future__ import annotations

import gc
import logging
import traceback
from contextlib import suppress

import pytest
from api_server import ImagesServer, Reply, error_body

from mkdocs_genimage.errors import ProviderError
from mkdocs_genimage.providers import ProviderSettings
from mkdocs_genimage.providers.openai import OpenAIProvider, create
from mkdocs_genimage.request import ImageRequest

KEY = "sk-test-Zq7vX2mK9wRb4TnYc8LhJd5sGf3P"
ASK = ImageRequest("a fox", {"size": "64x64"}, model="gpt-image-2")


def provider(base_url: str, *, timeout: float = 20.0, key: str = KEY) -> OpenAIProvider:
    return create(ProviderSettings(base_url=base_url, api_key=key, timeout=timeout))


def fail(made: OpenAIProvider) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        made.generate(ASK, 1)
    return caught.value


def refused(status: int, message: str, code: str | None = None) -> Reply:
    return Reply(status=status, body=error_body(message, code))


# --- settings and environment -----------------------------------------------------------------


def test_empty_variables_count_as_unset(api: ImagesServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, " ")
    made = create(ProviderSettings(base_url=" ", api_key="\t\n"))
    assert made.host == "api.openai.com"
    assert "no API key is set" in made.unready()
    provider(api.base_url).generate(ASK, 1)
    assert not [
        name for name in api.calls[0].headers if name in ("openai-organization", "openai-project")
    ]


def test_variables_are_used_and_stripped(
    api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f" {api.base_url}/ \n")
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1\n")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    create(ProviderSettings()).generate(ASK, 1)
    headers = api.calls[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "proj-1")


def test_settings_beat_the_environment(api: ImagesServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://images.invalid/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    provider(api.base_url).generate(ASK, 1)
    assert api.calls[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", ["", "dummy"])
def test_servers_on_this_machine_need_no_key(api: ImagesServer, key: str) -> None:
    made = provider(api.base_url, key=key)
    assert made.unready() == ""
    made.generate(ASK, 1)
    assert api.calls[0].headers["authorization"] == f"Bearer {key or 'none'}"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "127.3.2.1", "localhost:11434", "[::1]:8080", "a.localhost"]
)
def test_hosts_of_this_machine(host: str) -> None:
    made = create(ProviderSettings(base_url=f"http://{host}/v1"))
    assert (made.unready(), made.host) == ("", host)


@pytest.mark.parametrize(
    "host", ["api.openai.com", "10.0.0.1", "localhost.images.invalid", "0.0.0.0"]
)
def test_other_hosts_need_a_key(host: str) -> None:
    made = create(ProviderSettings(base_url=f"https://{host}/v1"))
    reason = made.unready()
    for words in ("OPENAI_API_KEY", "api_key: !ENV", "missing: placeholder"):
        assert words in reason
    with pytest.raises(ProviderError, match="no API key") as caught:
        made.generate(ASK, 1)
    assert caught.value.fatal


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("", "api.openai.com"),
        ("https://API.OpenAI.com:443/v1/", "api.openai.com"),
        ("HTTP://images.invalid:80/v1", "images.invalid"),
        ("https://images.invalid:80/v1", "images.invalid:80"),
        ("https://name:geheim@images.invalid:8443/v1", "images.invalid:8443"),
    ],
)
def test_host(base_url: str, host: str) -> None:
    assert provider(base_url).host == host


@pytest.mark.parametrize(
    "base_url",
    [
        "api.openai.com/v1", "ftp://images.invalid/v1", "https://", "https:///v1", "https://x:port/v1",
        "https://x:99999/v1", "https://x:0/v1", "https://[::1/v1", "https://a b.invalid/v1",
        "https://images.invalid/v1\nX: y", "https://images.invalid/v1?version=1",
        "https://images.invalid/v1#x", "https://good.invalid\\@images.invalid/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("variable", [False, True])
def test_an_address_that_is_none(
    base_url: str, variable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
    made = provider("" if variable else base_url)
    assert "is no http(s) address with a host" in made.unready()
    assert ("OPENAI_BASE_URL" if variable else "'base_url'") in made.unready()
    assert made.host == ""
    assert "no http(s) address" in fail(made).message


@pytest.mark.parametrize(
    "key",
    [
        "sk-first\nsk-second",
        "sk-a b",
        "sk-ä",
        "sk-“quoted”",
        "sk-a\x00b",
        "sk-a\x7f",
        "sk-a\r\nX: y",
        "sk\u00a0x",
    ],
)
@pytest.mark.parametrize("variable", [False, True])
def test_a_key_that_cannot_be_one(
    key: str, variable: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if variable and "\0" not in key:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    variable = variable and "\0" not in key
    made = provider("https://images.invalid/v1", key="" if variable else key)
    reason = made.unready()
    assert "blank, a line break" in reason
    assert ("OPENAI_API_KEY" if variable else "'api_key'") in reason
    assert key not in reason + str(fail(made)) + repr(made) + caplog.text


def test_a_credential_in_the_address(api: ImagesServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = provider(api.base_url.replace("http://", "http://docs:ge%20heim@"), key="")
    made.generate(ASK, 1)
    # base64 of "docs:ge heim"
    assert api.calls[0].headers["authorization"] == "Basic ZG9jczpnZSBoZWlt"
    api.script(refused(400, "no docs:ge heim, no Basic ZG9jczpnZSBoZWlt, http://docs:ge%20heim@x/"))
    error = fail(made)
    for secret in ("heim", "ZG9jczpnZSBoZWlt"):
        assert secret not in str(error) + made.host + repr(made) + made.unready() + caplog.text


def test_a_credential_in_the_address_makes_a_key_needless() -> None:
    assert provider("https://docs:geheim@images.invalid/v1", key="").unready() == ""


# --- the key never shows ----------------------------------------------------------------------


LEAKS = {
    "echoed": refused(400, f"Authorization: Bearer {KEY} is bad, key={KEY}"),
    "echoed in part": refused(400, f"key {KEY[:12]}********{KEY[-4:]} and {KEY[:10]}..."),
    "echoed as text": Reply(status=500, body=f"your key was {KEY}".encode()),
    "in the request id": Reply(status=500, body="", headers={"x-request-id": KEY}),
    "wrong key": refused(401, f"Incorrect API key provided: {KEY}", "invalid_api_key"),
    "in a success": Reply(body={"error": {"message": KEY}}),
    "in an address": Reply(body={"data": [{"url": f"http://images.invalid/{KEY}"}]}),
    "dropped": Reply(drop="before"),
    "cut": Reply(drop="body"),
    "slow": Reply(hang=True),
    "healthy": Reply(),
}


@pytest.mark.parametrize("case", LEAKS)
def test_the_key_never_shows(
    api: ImagesServer,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    case: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    made = provider(api.base_url, timeout=0.5 if case == "slow" else 20.0)
    api.script(LEAKS[case])
    shown = [repr(made), str(vars(made)), made.unready()]
    if case == "healthy":
        shown.append(repr(made.generate(ASK, 1)))
    else:
        error = fail(made)
        assert error.__cause__ is None
        assert error.__context__ is None
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown += [str(error), repr(error), str(vars(error)), "".join(report.format())]
        shown += traceback.format_exception(error)
    # The HTTP client's own debug log holds the headers of answers, whatever a server puts there.
    shown += [*capfd.readouterr()] + [caplog.text] * (case != "in the request id")
    text = "\n".join(shown)
    assert ASK.prompt in text or case == "healthy", "the report holds what it is searched in"
    for secret in (KEY, KEY[:10], KEY[-10:]):
        assert secret not in text


def test_the_key_never_shows_where_the_client_cannot_send_it(
    api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The HTTP client repeats a header that it refuses, here one that holds a secret."""
    monkeypatch.setenv("OPENAI_ORG_ID", f"{KEY}\nx")
    error = fail(provider(api.base_url))
    assert KEY not in "".join(traceback.format_exception(error))
    assert error.__context__ is None


def test_nothing_is_left_open(api: ImagesServer) -> None:
    """Unclosed sockets are ResourceWarnings, which fail the tests."""
    for reply in (Reply(), Reply(status=500, body=""), Reply(drop="body"), Reply(deliver="url")):
        api.script(reply)
        with suppress(ProviderError):
            provider(api.base_url).generate(ASK, 1)
    gc.collect()
