"""What a server's moderation refused is remembered, so that no build asks for it again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from api_server import ImagesServer, Reply, error_body
from sites import fence, holding

if TYPE_CHECKING:
    from collections.abc import Callable

    from api_call import Call
    from sites import Build, Site

WORDS = "Your request was rejected by the safety system. safety_violations=[violence]"
KEY = "sk-test-Zq7vX2mK9wRb4TnYc8LhJd5sGf3P"
AGAIN = "so it is not sent again"


def refused(
    code: str | None = "moderation_blocked", status: int = 400, words: str = WORDS
) -> Reply:
    return Reply(status, error_body(words, code))


def refuse_wolves(call: Call) -> Reply | None:
    return refused() if "wolf" in call.fields["prompt"] else None


@pytest.fixture
def site(site: Site, api: ImagesServer) -> Site:
    site.use_bare_theme()
    api.reply = refuse_wolves
    write(site)
    return site


def write(site: Site, prompt: str = "A wolf", more: str = "") -> None:
    """A page whose block begins in line 5."""
    body = f"prompt: {prompt}\nsize: 64x48\n{more or 'alt: x'}"
    site.write({"docs/index.md": f"# T\n\nText\n\n{fence(body)}"})


def refusal_file(site: Site) -> str:
    (name,) = site.cached(".refused.json")
    return name


def host(api: ImagesServer) -> str:
    return api.url.removeprefix("http://")


def begin(site: Site, api: ImagesServer) -> Build:
    """The first build, whose one request is refused."""
    built = site.build(warns=["refused by the moderation"])
    assert len(api.posts) == 1
    return built


def asks_again(site: Site, api: ImagesServer, warns: str = "") -> bool:
    """Whether one more build sends a request. Without one, it says why."""
    before = len(api.posts)
    built = site.build(warns=[warns or "moderation"])
    assert len(built.warnings) == 1
    return len(api.posts) > before


# --- It is remembered ---------------------------------------------------------------------------


def test_what_the_author_reads(site: Site, api: ImagesServer) -> None:
    cold = begin(site, api)
    (warning,) = cold.warnings
    assert warning == (
        f"docs/index.md:5: no picture: the request was refused by the moderation of {host(api)}: "
        f"{WORDS} (request req_1). Change the prompt or the input pictures."
    )
    (image,) = cold.images("index.html")
    assert "/placeholder-a-wolf-" in image["src"]

    warm = site.build(warns=[AGAIN])

    assert len(api.posts) == 1
    (warning,) = warm.warnings
    day = json.loads((site.cache / refusal_file(site)).read_bytes())["created"][:10]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", day)
    assert warning == (
        f"docs/index.md:5: the prompt was refused by the moderation of {host(api)} ({day}, request "
        f"req_1), so it is not sent again. Change it, or delete genimage/{refusal_file(site)} to try "
        "once more."
    )
    assert warm.images("index.html") == cold.images("index.html")


def test_what_is_kept(site: Site, api: ImagesServer) -> None:
    site.options["moderation"] = "auto"
    begin(site, api)
    name = refusal_file(site)
    kept = json.loads((site.cache / name).read_text(encoding="utf-8"))
    assert re.fullmatch(r"a-wolf-[0-9a-f]{12}\.refused\.json", name)
    assert kept["key"].startswith(name.split("-")[2].partition(".")[0])
    assert {field: kept[field] for field in ("prompt", "host", "model", "request_id")} == {
        "prompt": "A wolf",
        "host": host(api),
        "model": "gpt-image-2",
        "request_id": "req_1",
    }
    assert "safety_violations" in kept["reason"]
    assert not [one for one in site.cached() if one.endswith((".png", ".jpg", ".webp"))]


def test_strict_builds_fail_on_both(site: Site, api: ImagesServer) -> None:
    site.build(warns=["moderation"], fails=True, strict=True)
    site.build(warns=[AGAIN], fails=True, strict=True)
    assert len(api.posts) == 1


def test_other_processes_and_serve_do_not_ask(
    site: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    begin(site, api)
    site.run(env=child_env).ended(warns=[AGAIN])
    site.options["serve"] = "generate"
    site.build(command="serve", warns=[AGAIN])
    assert len(api.posts) == 1


def test_what_serve_was_refused_a_build_does_not_ask_for(site: Site, api: ImagesServer) -> None:
    site.options["serve"] = "generate"
    site.build(command="serve", warns=["refused by the moderation"])
    assert not asks_again(site, api)


@pytest.mark.parametrize(
    "settings", [{"missing": "placeholder"}, {"enabled": False}, {"provider": "placeholder"}]
)
def test_builds_that_ask_for_nothing_say_nothing(
    site: Site, api: ImagesServer, settings: dict[str, Any]
) -> None:
    begin(site, api)
    site.options |= settings
    site.build()
    assert len(api.posts) == 1


def test_the_others_come(site: Site, api: ImagesServer) -> None:
    words = ["fox", "wolf", "hen", "wolf at night", "crow"]
    blocks = [fence(f"A {word}", "size=64x48 alt=x") for word in words]
    site.write({"docs/index.md": "\n".join(blocks)})
    cold = site.build(warns=["docs/index.md:5: no picture", "docs/index.md:13: no picture"])
    assert "3 generated, 2 failed" in cold.summary
    assert len(site.cached(".refused.json")) == 2
    warm = site.build(warns=[f"docs/index.md:{line}: the prompt was" for line in (5, 13)])
    assert len(api.posts) == 5
    assert len(warm.images("index.html")) == 5


def test_one_block_on_two_pages_is_asked_once(site: Site, api: ImagesServer) -> None:
    site.write({"docs/other.md": (site.root / "docs/index.md").read_text(encoding="utf-8")})
    cold = begin(site, api)
    assert "docs/index.md:5, docs/other.md:5: no picture" in cold.output
    assert not asks_again(site, api)


# --- When it is asked again ---------------------------------------------------------------------


def set_option(name: str, value: Any) -> Callable[[Site], None]:
    return lambda site: site.options.__setitem__(name, value) if site.options is not None else None


CHANGES: dict[str, Callable[[Site], None]] = {
    "prompt": lambda site: write(site, "A grey wolf"),
    "option": lambda site: write(site, more="alt: x\nquality: low"),
    "revision": lambda site: write(site, more="alt: x\nrevision: 2"),
    "moderation of the block": lambda site: write(site, more="alt: x\nmoderation: low"),
    "model of the block": lambda site: write(site, more="alt: x\nmodel: other"),
    "model of the site": set_option("model", "other"),
    "style": set_option("defaults", {"style": "none", "quality": "low"}),
    "file deleted": lambda site: (site.cache / refusal_file(site)).unlink(),
}
SAME: dict[str, Callable[[Site], None]] = {
    "nothing": lambda site: None,
    "caption": lambda site: write(site, more="alt: y\ncaption: Z\nwidth: 50%"),
    "line": lambda site: site.write(
        {"docs/index.md": "\n\n" + (site.root / "docs/index.md").read_text(encoding="utf-8")}
    ),
    "limits": set_option("max_images", 99),
    "prices": set_option("pricing", {"per_image": 0.01}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changes_that_ask_again(site: Site, api: ImagesServer, change: str) -> None:
    begin(site, api)
    CHANGES[change](site)
    assert asks_again(site, api), change
    assert not asks_again(site, api), "the new refusal is remembered, too"


@pytest.mark.parametrize("change", SAME)
def test_changes_that_do_not(site: Site, api: ImagesServer, change: str) -> None:
    begin(site, api)
    SAME[change](site)
    assert not asks_again(site, api), change


def test_another_moderation_level_of_the_site_asks_again(site: Site, api: ImagesServer) -> None:
    begin(site, api)
    site.options["moderation"] = "low"
    assert asks_again(site, api)


def test_another_server_is_asked(site: Site, api: ImagesServer) -> None:
    begin(site, api)
    with ImagesServer() as other:
        site.options["base_url"] = other.base_url
        built = site.build()
        assert len(other.posts) == 1
        assert built.summary.startswith("1 image: 0 from the cache, 1 generated")
    # Now that the picture is there, what the first server thought of it does not matter.
    site.options["base_url"] = api.base_url
    again = site.build()
    assert again.summary.startswith("1 image: 1 from the cache")
    assert len(api.posts) == 1


def test_a_milder_server_gets_another_chance(site: Site, api: ImagesServer) -> None:
    begin(site, api)
    api.reply = None
    assert not asks_again(site, api), "nothing tells that it has changed its mind"
    (site.cache / refusal_file(site)).unlink()
    built = site.build()
    assert built.summary.startswith("1 image: 0 from the cache, 1 generated")
    site.build()
    assert len(api.posts) == 2
    assert site.cached(".refused.json") == []


def test_more_variants_of_a_picture_that_is_there(site: Site, api: ImagesServer) -> None:
    api.reply = None
    site.build()
    api.reply = refuse_wolves
    write(site, more="alt: x\nn: 3\npick: all")
    site.build(warns=["refused by the moderation"])
    built = site.build(warns=[AGAIN])
    assert len(api.posts) == 2
    assert len(built.images("index.html")) == 3
    assert len([img for img in built.images("index.html") if "placeholder-" in img["src"]]) == 2


# --- What counts as one -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        refused(),
        refused("content_policy_violation"),
        refused("content_filter"),
        refused(None),
        refused(None, 403, "Resource temporarily blocked because of a policy"),
        Reply(200, error_body(WORDS, "moderation_blocked")),
    ],
)
def test_refusals_of_all_kinds_are_remembered(site: Site, api: ImagesServer, reply: Reply) -> None:
    api.reply = lambda call: reply
    begin(site, api)
    assert not asks_again(site, api, AGAIN)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, error_body("Invalid size", "invalid_value", param="size")),
        Reply(401, error_body("Bad key", "invalid_api_key")),
        Reply(402, error_body("No credit")),
        Reply(403, error_body("Your organization must be verified to use the model")),
        Reply(404, error_body("No such model", "model_not_found")),
        Reply(429, error_body("You exceeded your quota", "insufficient_quota")),
        Reply(500, error_body("Oh")),
        Reply(body="<html>login</html>"),
        Reply(drop="before"),
    ],
)
def test_other_failures_are_not(site: Site, api: ImagesServer, reply: Reply) -> None:
    api.script(reply)
    api.reply = None
    first = site.build(warns=[": "])
    assert len(first.warnings) == 1
    assert site.cached(".refused.json") == []
    site.build()
    assert len(api.posts) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"key": 7}',
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n",
    ],
)
def test_damaged_file(site: Site, api: ImagesServer, content: bytes) -> None:
    begin(site, api)
    path = site.cache / refusal_file(site)
    whole = json.loads(path.read_bytes())
    path.write_bytes(content)
    assert asks_again(site, api)
    mended = json.loads(path.read_bytes())
    assert mended["key"] == whole["key"]
    assert mended["request_id"] == "req_2"
    assert not asks_again(site, api)


@pytest.mark.parametrize("field", ["key", "host", "model"])
def test_file_of_something_else(site: Site, api: ImagesServer, field: str) -> None:
    begin(site, api)
    path = site.cache / refusal_file(site)
    path.write_text(json.dumps({**json.loads(path.read_bytes()), field: "other"}))
    assert asks_again(site, api)


@pytest.mark.parametrize("lost", ["created", "request_id", "reason", "version"])
def test_file_with_less_in_it(site: Site, api: ImagesServer, lost: str) -> None:
    begin(site, api)
    path = site.cache / refusal_file(site)
    kept = json.loads(path.read_bytes())
    del kept[lost]
    path.write_text(json.dumps(kept))
    assert not asks_again(site, api, AGAIN)


# --- Money and secrets --------------------------------------------------------------------------


def test_refusals_do_not_use_up_the_limits(site: Site, api: ImagesServer) -> None:
    site.options |= {"max_images": 1, "max_cost": 0.05, "pricing": {"per_image": 0.05}}
    site.options["concurrency"] = 1
    site.write(
        {"docs/index.md": fence("A wolf", "alt=x size=64x48") + fence("A fox", "alt=x size=64x48")}
    )
    built = site.build(warns=["refused by the moderation"])
    assert "1 generated, 1 failed" in built.summary
    assert len(api.posts) == 2
    assert "$0.05 so far" in built.output


def test_edit_of_what_was_refused(site: Site, api: ImagesServer) -> None:
    site.write(
        {
            "docs/index.md": fence("A wolf", "#wolf size=64x48 alt=x")
            + fence('prompt: In snow\nimage: "#wolf"\nalt: x')
        }
    )
    for told in ("docs/index.md:1: no picture", "docs/index.md:1: the prompt was refused"):
        site.build(warns=[told, "docs/index.md:4: no picture: the picture of '#wolf'"])
        assert len(api.posts) == 1
    assert len(site.cached(".refused.json")) == 1, "the edit itself was not refused"


def test_refused_edit(site: Site, api: ImagesServer) -> None:
    site.write(
        {
            "docs/index.md": fence("A fox", "#fox size=64x48 alt=x")
            + fence('prompt: As a wolf\nimage: "#fox"\nalt: x')
        }
    )
    site.build(warns=["docs/index.md:4: no picture: the request was refused by the moderation"])
    site.build(warns=["docs/index.md:4: the prompt was refused"])
    assert [call.path for call in api.posts] == ["/v1/images/generations", "/v1/images/edits"]


def test_no_key_is_kept(site: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    words = f"{WORDS} Bearer {KEY}"
    api.reply = lambda call: Reply(
        400, error_body(words, "moderation_blocked"), headers={"x-request-id": KEY}
    )
    begin(site, api)
    site.build(warns=[AGAIN])
    assert holding(site.root, KEY) == []
    assert holding(site.root, KEY[:16]) == []
