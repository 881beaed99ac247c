"""What a build does about pictures that are not there: pages, requests, messages, exit status."""

from __future__ import annotations

import itertools
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from api_server import ImagesServer, Reply, error_body
from links import broken_links
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from sites import Site, fence

from mkdocs_genimage import models

if TYPE_CHECKING:
    from api_call import Call

KEY = "sk-test-0123456789abcdefghijklmnopqrstuvwxyz"
SECRET = "Quokka-42"
PROMPT = f"A fox beside a lake under the northern lights of a long winter night. {SECRET}."
PAGE = "# Page\n\n" + fence(PROMPT, 'alt="A fox" size=640x480')


def outside_address(api: ImagesServer) -> str:
    """The server by an address that is not taken for this machine, so that it needs a key."""
    return api.base_url.replace("127.0.0.1", "0.0.0.0")


@pytest.fixture
def quick(site: Site) -> Site:
    site.use_bare_theme()
    return site


def shown(site: Site, page: str = "index.html") -> dict[str, str]:
    """The one picture of a page; the prompt is nowhere but in placeholders."""
    text = (site.root / "site" / page).read_text(encoding="utf-8")
    assert SECRET not in text
    assert "genimage\n" not in text
    (image,) = re.findall(r"<img [^>]+>", text)
    return dict(re.findall(r'([a-z-]+)="([^"]*)"', image))


# --- The matrix ---

COMMANDS = [("build", "generate"), ("build", "placeholder"), ("build", "error")]
COMMANDS += [("serve", "generate"), ("serve", "placeholder")]
MATRIX = list(
    itertools.product(
        COMMANDS, (True, False), ("openai", "placeholder"), (True, False), (True, False)
    )
)


def case_name(case: Any) -> str:
    (command, policy), enabled, provider, key, cached = case
    words = [command, policy, "" if enabled else "off", provider]
    words += ["key" if key else "keyless", "cached" if cached else "missing"]
    return "-".join(filter(None, words))


@pytest.mark.parametrize("case", MATRIX, ids=case_name)
def test_matrix(quick: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch, case: Any) -> None:
    (command, policy), enabled, provider, key, cached = case
    site = quick
    site.write({"docs/index.md": PAGE})
    if cached:
        site.build(strict=True)
        api.calls.clear()
    api.key = KEY
    if key:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
    site.options = {"base_url": outside_address(api), "enabled": enabled, "provider": provider}
    # The option for the other command says the opposite.
    if command == "build":
        site.options |= {"missing": policy, "serve": "generate"}
    else:
        site.options |= {"missing": "error", "serve": policy}

    makes = enabled and not cached and policy == "generate" and provider == "openai"
    told = (
        ["no API key is set. Set the environment variable OPENAI_API_KEY"]
        if makes and not key
        else []
    )
    stops = enabled and not cached and policy == "error"
    if stops:
        told = ["docs/index.md:3: the picture is not in genimage/."]
    picture = enabled and (cached or (makes and key))

    if told and not stops:
        lenient = site.build(command=command, warns=told_as_written(told))
        assert len(lenient.warnings) == 1
    strict = site.build(command=command, strict=True, fails=bool(told), warns=told_as_written(told))

    assert len(api.posts) == (1 if makes and key else 0)
    if stops:
        assert not (strict.site_dir / "index.html").exists()
        assert "genimage: 'missing: error' is set" in strict.output
        return
    image = shown(site)
    name = image["src"].rsplit("/", 1)[1]
    assert name.startswith("placeholder-") == (not picture)
    assert (image["width"], image["height"]) == ("640", "480")
    assert image["alt"] == "A fox"
    assert ("genimage-placeholder" in image.get("class", "")) == (not picture)
    assert (strict.site_dir / image["src"]).is_file()
    assert len(site.cached(".png")) == (1 if cached or picture else 0)
    if not told:
        assert strict.warnings == []
    else:
        assert len(strict.warnings) == 1


def told_as_written(messages: list[str]) -> list[str]:
    """Messages as the log has them: with a capital letter where a sentence begins."""
    return [message.replace("no API key", "No API key") for message in messages]


@pytest.mark.parametrize("status", [0, 1], ids=["lenient", "strict"])
def test_exit_status(site: Site, api: ImagesServer, child_env: dict[str, str], status: int) -> None:
    site.use_bare_theme()
    site.options["base_url"] = outside_address(api)
    site.write({"docs/index.md": PAGE})
    ended = site.run(*["--strict"][:status], env=child_env)
    ended.ended(status=status, warns=["1 picture is missing: No API key is set."])
    assert api.calls == []
    site.options["missing"] = "error"
    site.run(env=child_env).ended(status=1, warns=["'missing: error' is set"])


# --- missing: error ---


def test_error_lists_each_missing_picture_and_each_bad_block(
    quick: Site, api: ImagesServer
) -> None:
    site = quick
    site.write({"docs/ok.md": PAGE})
    site.build(strict=True)
    site.options["missing"] = "error"
    site.write(
        {
            "docs/a.md": "---\ntitle: A\n---\n\n" + fence("A hen", "alt=x") + "\n" + PAGE,
            "docs/sub/b.md": fence("A hen", "alt=y")
            + fence("A hen", "size=1")
            + fence("An elk", "alt=x n=2"),
            "docs/meta.md": "---\ngenimage: {sise: 1x1}\n---\n\n" + PAGE,
        }
    )
    built = site.build(
        fails=True,
        warns=[
            "docs/sub/b.md:4: 'size' cannot be '1'.",
            "docs/meta.md:2: 'genimage' in the front matter: there is no option 'sise'.",
            "'missing: error' is set",
        ],
    )
    (error,) = built.messages(logging.ERROR)
    listed = [line.strip() for line in error.splitlines()[1:]]
    missing = ": the picture is not in genimage/."
    places = {line.removesuffix(missing) for line in listed if line.endswith(missing)}
    assert places == {"docs/a.md:5", "docs/sub/b.md:1", "docs/sub/b.md:7"}
    assert len(listed) == len(set(listed)) == 5
    assert len(api.posts) == 1


def test_error_lists_a_block_with_variants_once(quick: Site) -> None:
    quick.options["missing"] = "error"
    quick.write({"docs/index.md": fence("A fox", "alt=x n=3 pick=all")})
    built = quick.build(fails=True, warns=["'missing: error' is set"])
    assert built.output.count("docs/index.md:1") == 1


# --- Limits ---


def test_max_images(quick: Site, api: ImagesServer) -> None:
    site = quick
    site.options["max_images"] = 3
    blocks = [fence(f"A fox number {i}", "alt=x") for i in range(5)]
    site.write({"docs/index.md": "\n".join(blocks)})
    built = site.build(warns=["2 pictures are missing: 'max_images: 3' is reached."])
    assert len(api.posts) == len(site.cached(".png")) == 3
    assert built.summary == "5 images: 0 from the cache, 3 generated, 2 failed"
    assert len(built.images("index.html")) == 5
    assert broken_links(built.site_dir) == []
    (message,) = built.warnings
    assert len(re.findall(r"docs/index\.md:\d+", message)) == 2
    # "Build again: what is made is kept."
    built = site.build(strict=True)
    assert len(api.posts) == 5
    assert built.summary == "5 images: 3 from the cache, 2 generated, 0 failed"


def test_max_images_counts_variants(quick: Site, api: ImagesServer) -> None:
    quick.options["max_images"] = 3
    quick.write({"docs/index.md": fence("A fox", "alt=x n=3") + fence("A hen", "alt=x n=2")})
    built = quick.build(warns=["'max_images: 3' is reached."])
    assert [call.fields["prompt"] for call in api.posts] == ["A fox"]
    (message,) = built.warnings
    assert message == (
        "2 pictures are missing: 'max_images: 3' is reached. They have no known price. Set "
        "'max_images: 5' in mkdocs.yml, or build again: what is made is kept. Blocks: docs/index.md:4"
    )


def test_max_images_holds_for_all_rebuilds_of_serve(quick: Site, api: ImagesServer) -> None:
    """Two builds by one plugin, as `mkdocs serve` has them, share one budget."""
    site = quick
    site.options |= {"serve": "generate", "max_images": 2}
    site.write_config()
    dict(MkDocsConfig._schema)["plugins"].plugin_cache.clear()  # type: ignore[attr-defined]
    for number, text in enumerate(("one", "two", "three", "four")):
        site.write({"docs/index.md": fence(f"A fox {text}", "alt=x")})
        config = load_config(str(site.config_file), site_dir=str(site.root / "site"))
        if number == 0:
            config.plugins.on_startup(command="serve", dirty=False)
        build(config, serve_url="http://127.0.0.1:8000/")
    config.plugins.on_shutdown()
    assert len(api.posts) == 2


def test_max_cost_at_the_official_endpoint(
    quick: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prices are known for the official host only, so this machine is taken for it here."""
    monkeypatch.setattr(models, "OFFICIAL_HOSTS", (api.url.removeprefix("http://"),))
    price = models.estimate("gpt-image-2", "1024x1024", "high")
    assert price is not None
    site = quick
    site.options |= {"max_cost": price * 2.5, "concurrency": 1}
    options = "alt=x size=1024x1024 quality=high"
    site.write({"docs/index.md": "".join(fence(f"A fox {i}", options) for i in range(5))})
    # Answers that tell no cost count as estimated.
    api.reply = lambda _: Reply(extra={"usage": None})
    built = site.build(warns=["3 pictures are missing: 'max_cost: ", "would be passed."])
    assert len(api.posts) == len(site.cached(".png")) == 2
    assert built.summary == "5 images: 0 from the cache, 2 generated, 3 failed"
    # Answers that tell how cheap they were leave room for more.
    api.reply = None
    site.build(strict=True)
    assert len(api.posts) == 5


def test_one_failed_picture_leaves_the_others(quick: Site, api: ImagesServer) -> None:
    def reply(call: Call) -> Reply | None:
        if "gnu" in call.fields["prompt"]:
            body = error_body(
                "Your request was rejected by the safety system.", "moderation_blocked"
            )
            return Reply(status=400, body=body)
        return None

    api.reply = reply
    names = ("fox", "gnu", "hen")
    quick.write({"docs/index.md": "".join(fence(f"A {n}", "alt=x size=64x48") for n in names)})
    built = quick.build(
        warns=[
            "docs/index.md:4: no picture: the request was refused by the moderation of 127.0.0.1"
        ]
    )
    sources = [image["src"] for image in built.images("index.html")]
    assert ["placeholder-" in source for source in sources] == [False, True, False]
    assert all(
        (image["width"], image["height"]) == ("64", "48") for image in built.images("index.html")
    )
    assert built.summary == "3 images: 0 from the cache, 2 generated, 1 failed"


def test_second_command_of_a_process(quick: Site, api: ImagesServer) -> None:
    """Test-suites and programs around MkDocs build again and again; each time is a new budget."""
    quick.options["max_images"] = 1
    quick.write({"docs/index.md": fence("A fox", "alt=x")})
    quick.build(strict=True)
    quick.write({"docs/index.md": fence("A hen", "alt=x")})
    built = quick.build(strict=True, keep_plugins=True)
    assert [call.fields["prompt"] for call in api.posts] == ["A fox", "A hen"]
    assert "placeholder" not in built.images("index.html")[0]["src"]
    quick.options["provider"] = "placeholder"
    quick.write({"docs/index.md": fence("A crow", "alt=x")})
    for _ in range(2):  # a new folder for placeholders, too
        built = quick.build(strict=True, keep_plugins=True)
        assert (built.site_dir / built.images("index.html")[0]["src"]).is_file()
