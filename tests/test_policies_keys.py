"""Keys and addresses of servers: which are used, what is said about them, and that no key is shown."""

from __future__ import annotations

import logging

import pytest
from api_server import ImagesServer, Reply, closed_port, error_body
from links import broken_links
from sites import Site, fence, holding

KEY = "sk-test-Zq7vX2mK9wRb4TnYc8LhJd5sGf3P"
PAGE = "# Page\n\n" + fence("A fox", 'alt="A fox" size=640x480')


def outside_address(api: ImagesServer) -> str:
    """The server by an address that is not taken for this machine, so that it needs a key."""
    return api.base_url.replace("127.0.0.1", "0.0.0.0")


@pytest.fixture
def quick(site: Site) -> Site:
    site.use_bare_theme()
    return site


def test_wrong_key_ends_the_requests(
    quick: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = quick
    api.key = "sk-right"
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    site.options["concurrency"] = 2
    site.write({"docs/index.md": "".join(fence(f"A fox {i}", "alt=x") for i in range(12))})
    built = site.build(level=logging.DEBUG, warns=["does not accept the API key in OPENAI_API_KEY"])
    assert 1 <= len(api.posts) <= 2, "one for each thread that was at work"
    assert len(built.images("index.html")) == 12
    assert broken_links(built.site_dir) == []
    assert KEY not in built.output
    assert KEY[8:24] not in built.output


def test_wrong_key_is_told_once(
    quick: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.key = "sk-right"
    api.latency = 0.2  # so that both are in flight
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    quick.options["concurrency"] = 2
    quick.write({"docs/index.md": "".join(fence(f"A fox {i}", "alt=x") for i in range(12))})
    built = quick.build(warns=["12 pictures are missing: 127.0.0.1:"])
    assert len(built.warnings) == 1


def test_unknown_host(quick: Site, api: ImagesServer) -> None:
    site = quick
    site.options |= {"base_url": "https://images.invalid/v1", "api_key": KEY}
    site.write({"docs/index.md": "".join(fence(f"A fox {i}", "alt=x") for i in range(3))})
    built = site.build(
        warns=[
            "'api_key' is written in mkdocs.yml itself",
            "3 pictures are missing: The host images.invalid is not known.",
        ]
    )
    assert len(built.images("index.html")) == 3
    assert KEY not in built.output


def test_server_that_is_not_there(quick: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site = quick
    site.options["base_url"] = f"http://127.0.0.1:{closed_port()}/v1"
    monkeypatch.setattr("mkdocs_genimage.sending.Sender._pause", lambda *_: None)
    site.write({"docs/index.md": PAGE})
    built = site.build(warns=["no connection to 127.0.0.1:"])
    assert "may have been billed" not in built.output
    assert "placeholder-" in built.images("index.html")[0]["src"]


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"OPENAI_API_KEY": ""}, "No API key is set."),
        ({"OPENAI_API_KEY": "  \n"}, "No API key is set."),
        (
            {"OPENAI_API_KEY": "sk-abc\ndef"},
            "The API key in OPENAI_API_KEY holds a blank, a line break",
        ),
        (
            {"OPENAI_API_KEY": "sk-abc def"},
            "The API key in OPENAI_API_KEY holds a blank, a line break",
        ),
        ({"OPENAI_API_KEY": "sk-àbc"}, "The API key in OPENAI_API_KEY holds a blank, a line break"),
    ],
)
def test_key_that_cannot_be_used(
    quick: Site,
    api: ImagesServer,
    child_env: dict[str, str],
    variables: dict[str, str],
    reason: str,
) -> None:
    site = quick
    site.options["base_url"] = outside_address(api)
    site.write({"docs/index.md": PAGE})
    ended = site.run(env={**child_env, **variables})
    ended.ended(warns=[f"1 picture is missing: {reason}"])
    assert api.calls == []
    assert "abc" not in ended.output


def test_broken_key_of_an_option_is_named_there(
    quick: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    quick.options["base_url"] = outside_address(api)
    quick.write({"docs/index.md": PAGE})
    quick.write_config()
    text = quick.config_file.read_text()
    quick.config_file.write_text(
        text.replace("  base_url:", "  api_key: !ENV MY_KEY\n    base_url:")
    )
    ended = quick.run(
        env={**child_env, "MY_KEY": "sk-abc\ndef", "OPENAI_API_KEY": KEY}, keep_config=True
    )
    ended.ended(
        warns=["1 picture is missing: The API key in 'api_key' holds a blank, a line break"]
    )


def test_key_with_a_newline_at_its_end_works(
    quick: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.key = KEY
    monkeypatch.setenv("OPENAI_API_KEY", KEY + "\n")
    quick.options["base_url"] = outside_address(api)
    quick.write({"docs/index.md": PAGE})
    quick.build(strict=True)
    assert [call.outcome for call in api.posts] == ["answered 200"]


def test_empty_variables_are_unset_ones(
    quick: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    """As CI systems leave them where a secret is not set."""
    quick.options["base_url"] = ""
    quick.write({"docs/index.md": PAGE})
    env = {**child_env, "OPENAI_BASE_URL": "", "OPENAI_API_KEY": "", "OPENAI_ORG_ID": ""}
    quick.options["validate"] = False  # the page's size is none of the official models'
    quick.run(env=env).ended(warns=["1 picture is missing: No API key is set."])
    env["OPENAI_BASE_URL"] = api.base_url + "/\n"
    quick.run("--strict", env=env).ended()
    (call,) = api.posts
    assert "openai-organization" not in call.headers


def test_written_key_gets_a_warning_and_one_from_the_environment_none(
    quick: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    api.key = KEY
    site = quick
    site.options |= {"base_url": outside_address(api), "api_key": KEY}
    site.write({"docs/index.md": PAGE})
    site.build(warns=["'api_key' is written in mkdocs.yml itself, where others can read it."])
    built = site.build(warns=["!ENV OPENAI_API_KEY"])
    assert KEY not in built.output
    assert len(api.posts) == 1
    site.write({"docs/index.md": PAGE + fence("A hen", "alt=x")})
    site.write_config()
    text = site.config_file.read_text()
    site.config_file.write_text(text.replace(KEY, '!ENV [MISSING, "MY_KEY", ""]'))
    env = {**child_env, "MY_KEY": KEY, "NO_PROXY": "*", "no_proxy": "*"}
    site.run(env=env, keep_config=True).ended()
    assert len(api.posts) == 2


@pytest.mark.parametrize("origin", ["environment", "option", "address"])
@pytest.mark.parametrize("outcome", ["made", "refused", "broken off", "mute"])
def test_the_key_is_nowhere(
    quick: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch, origin: str, outcome: str
) -> None:
    site = quick
    warns = []
    if origin == "environment":
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        site.options["base_url"] = outside_address(api)
    elif origin == "option":
        site.options |= {"api_key": KEY, "base_url": outside_address(api)}
        warns = ["'api_key' is written in mkdocs.yml itself"]
    else:
        site.options["base_url"] = outside_address(api).replace("://", f"://user:{KEY}@")
    said = f"Bad key {KEY} ({KEY[:12]}...), Bearer {KEY}"
    replies = {
        "refused": Reply(status=403, body=error_body(said)),
        "broken off": Reply(drop="body"),
        "mute": Reply(status=500, body=f"<html>{KEY}</html>"),
    }
    if outcome != "made":
        api.script(replies[outcome])
        warns.append("docs/index.md:3" if outcome != "refused" else "does not allow this request")
    site.write({"docs/index.md": PAGE})
    built = site.build(level=logging.DEBUG, warns=warns)
    assert len(api.posts) == 1
    assert KEY in str(api.posts[0].headers) or origin == "address"
    errors = [record.exc_info for record in built.records if record.exc_info]
    logged = built.output + "".join(map(logging.Formatter().formatException, errors))
    logged += "".join(repr(record.args) for record in built.records)
    site.config_file.unlink()  # where the author himself may have written it
    for hidden in (KEY, KEY[:12]):
        assert hidden not in logged
        assert holding(site.root, hidden) == []


def test_a_key_that_comes_back_as_a_requests_name_is_hidden(
    quick: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    api.script(Reply(status=400, body=error_body("No."), headers={"x-request-id": KEY}))
    quick.write({"docs/index.md": fence("A fox", "alt=x") + fence("A hen", "alt=x")})
    api.reply = lambda _: Reply(headers={"x-request-id": f"Bearer {KEY}"})
    built = quick.build(warns=["refused the request (HTTP 400)"])
    assert KEY not in built.output
    assert holding(quick.root, KEY) == []


def test_key_of_another_server_is_not_borrowed(
    quick: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    """`api_key: !ENV NAME` with NAME unset: the key of the environment is not for this server."""
    quick.options |= {"base_url": outside_address(api), "api_key": KEY}
    quick.write({"docs/index.md": PAGE})
    quick.write_config()
    text = quick.config_file.read_text()
    quick.config_file.write_text(text.replace(KEY, "!ENV GATEWAY_KEY"))
    env = {**child_env, "OPENAI_API_KEY": KEY, "NO_PROXY": "*", "no_proxy": "*"}
    told = "No API key is set: 'api_key' in mkdocs.yml is empty"
    quick.run(env=env, keep_config=True).ended(warns=[told])
    assert api.posts == []
    quick.run(env={**env, "GATEWAY_KEY": "another-key"}, keep_config=True).ended()
    assert api.posts[0].headers["authorization"] == "Bearer another-key"
