"""`mkdocs-genimage doctor`: each thing that can be wrong is found, and no credential is shown."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from api_server import ImagesServer, Reply, closed_port, error_body
from cli_runs import genimage, genimage_process
from filelock import FileLock
from mkdocs.plugins import BasePlugin
from PIL import Image
from sites import LFS_POINTER, Site, fence, tree

from mkdocs_genimage import deriving, rules
from mkdocs_genimage.journal import Journal
from mkdocs_genimage.providers import ProviderSettings
from mkdocs_genimage.providers.endpoint import find_endpoint
from mkdocs_genimage.upkeep import diagnosis, reach, soundness, surroundings
from mkdocs_genimage.upkeep.survey import find_plugin, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BLOCK = "alt=x size=64x48"
KEY = "sk-doctor-Quokka0123456789abcdefghijkl"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def bare(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Site:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    site.use_bare_theme()
    site.config["markdown_extensions"] = ["attr_list"]
    site.write({"docs/index.md": fence("A fox", BLOCK) + fence("A hen", f"{BLOCK} n=2")})
    return site


def serves(api: ImagesServer, *names: str, **reply: Any) -> None:
    """Have the server answer the question for its models."""
    body = {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
    api.pages["/v1/models"] = Reply(**{"body": body, **reply})


def look(site: Site, *options: str, status: int = 0) -> list[dict[str, Any]]:
    """What is not simply well."""
    content = genimage(site, "doctor", "--json", *options).ended(status).json("doctor")
    found = [one for one in content["findings"] if one["status"] != "ok"]
    assert content["problems"] == sum(one["status"] == "problem" for one in found)
    assert content["notes"] == len(found) - content["problems"]
    assert content["ok"] is (status == 0) is (content["problems"] == 0)
    assert all(one["cure"] for one in found if one["status"] == "problem")
    return found


def only(site: Site, *options: str, status: int = 0) -> tuple[str, str, str]:
    """The one thing that is not well: its status, what it is about, and all that is said."""
    (one,) = look(site, *options, status=status)
    return one["status"], one["about"], f"{one['what']} {one['cure'] or ''}".rstrip()


def well(site: Site, about: str, *options: str) -> str:
    """What is said of a thing with which all is well."""
    content = genimage(site, "doctor", "--json", *options).ended().json("doctor")
    (one,) = [one for one in content["findings"] if one["about"] == about]
    assert one["status"] == "ok"
    return str(one["what"])


def test_all_is_well(bare: Site, api: ImagesServer) -> None:
    bare.build()
    serves(api, "gpt-image-2")
    before, asked = tree(bare.root), len(api.calls)
    ran = genimage(bare, "doctor").ended()
    host = api.url.removeprefix("http://")
    lines = ran.output.splitlines()
    assert lines[0].startswith("mkdocs-genimage ")
    assert ", Pillow " in lines[0]
    size = sum(len(data) for name, data in before.items() if name.startswith("genimage/a-")) / 1e3
    assert lines[2] == (
        f"ok       mkdocs.yml: {bare.config_file}: provider openai, model gpt-image-2 at {host}; "
        "missing: generate; serve: placeholder."
    )
    assert lines[3:] == [
        "ok       key: no API key is set; a server on this machine is asked without one.",
        "ok       limits: one command may ask for 50 pictures.",
        f"ok       server: {host} answers. It has the model 'gpt-image-2'.",
        f"ok       cache: {bare.cache}: 3 pictures, {size:,.0f} kB; all are whole.",
        "ok       plugins: theme of its own.",
        "",
        "All is well.",
    ]
    assert [(call.method, call.path) for call in api.calls[asked:]] == [("GET", "/v1/models")]
    assert "authorization" not in api.calls[-1].headers
    assert tree(bare.root) == before
    genimage(bare, "doctor", "--offline").ended()
    assert len(api.calls) == asked + 1


# --- The server -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "status", "said"),
    [
        ({"status": 401, "body": error_body(f"Incorrect key: {KEY}")}, "problem", "not accept the"),
        ({"status": 401, "body": error_body("Missing scopes: api.model.read")}, "note", "no fault"),
        ({"status": 403, "body": error_body(f"Not you, {KEY[:12]}***")}, "note", "HTTP 403"),
        ({"status": 402, "body": {}}, "problem", "no credit left"),
        ({"status": 400, "body": error_body(f"Bad header Bearer {KEY}")}, "problem", "HTTP 400"),
        ({"status": 429, "body": {}}, "note", "Try again later"),
        ({"status": 503, "body": f"<html>{KEY}"}, "note", "HTTP 503"),
        ({"status": 301, "headers": {"Location": f"https://u:{KEY}@b.test/"}}, "problem", "b.test"),
        ({"status": 308, "headers": {"Location": "//["}}, "problem", "redirects (HTTP 308)"),
        ({"body": f"<!doctype html>{KEY}"}, "problem", "ends with the version"),
        ({"body": b"\xff\xfe" + KEY.encode()}, "note", "something else"),
        ({"body": {"data": 7, "key": KEY}}, "note", "something else"),
        ({"body": {"data": [{"id": "gpt-image-3"}, 3, {"id": 4}]}}, "note", "Did you mean"),
        ({"drop": "headers"}, "problem", "broke off"),
        ({"drop": "before"}, "problem", "broke off"),
    ],
)
def test_answers_of_servers(
    bare: Site,
    api: ImagesServer,
    monkeypatch: pytest.MonkeyPatch,
    reply: dict[str, Any],
    status: str,
    said: str,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    serves(api, **reply)
    found = only(bare, status=int(status == "problem"))
    assert found[:2] == (status, "server")
    assert said in found[2]
    (call,) = api.calls
    assert call.headers["authorization"] == f"Bearer {KEY}"


def test_servers_without_a_list_are_fine(bare: Site, api: ImagesServer) -> None:
    assert "(HTTP 404). It has no list of models" in well(bare, "server")
    serves(api, body=[{"id": "models/gpt-image-2"}])
    assert well(bare, "server").endswith("It has the model 'gpt-image-2'.")


def test_a_model_that_is_not_listed(bare: Site, api: ImagesServer) -> None:
    serves(api, "gpt-image-2", "other")
    bare.options["model"] = "gpt-imgae-2"
    found = only(bare)
    assert found[:2] == ("note", "server")
    assert found[2] == (
        f"{api.url[7:]} answers. The model 'gpt-imgae-2' is not among the 2 that it lists. Did you mean "
        "'gpt-image-2'? Check 'model' in mkdocs.yml: it may be misspelt, shut down, or not open to this "
        "key."
    )
    bare.options["server"] = "openai"  # whose list is complete
    assert only(bare, status=1)[:2] == ("problem", "server")


def test_keys_go_nowhere_else(
    bare: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    with ImagesServer() as other:
        serves(api, status=307, headers={"Location": f"{other.base_url}/models"})
        assert f"redirects to {other.url} (HTTP 307)" in only(bare, status=1)[2]
        assert other.calls == []
    assert api.calls[0].headers["openai-organization"] == "org-1"
    # An empty one in mkdocs.yml is no reason to take the one of the environment.
    bare.options["api_key"] = ""
    serves(api, "gpt-image-2")
    assert look(bare) == []
    assert "authorization" not in api.calls[-1].headers
    bare.options |= {"base_url": api.base_url.replace("//", f"//owl:{KEY}@")}
    (found,) = look(bare, status=1)
    assert "'base_url' in mkdocs.yml holds a name or password" in found["what"]
    assert api.calls[-1].headers["authorization"].startswith("Basic ")
    monkeypatch.setenv("OPENAI_BASE_URL", str(bare.options.pop("base_url")))
    assert look(bare) == []
    assert "name and password that OPENAI_BASE_URL holds" in well(bare, "key")


@pytest.mark.parametrize(
    "reply", [Reply(hang=True), Reply(trickle=0.05, body="x" * 5000), Reply(trickle_head=0.02)]
)
def test_servers_that_do_not_come_to_an_end(api: ImagesServer, reply: Reply) -> None:
    api.pages["/v1/models"] = reply
    endpoint = find_endpoint(ProviderSettings(base_url=api.base_url))
    found = reach.look(endpoint, "m", seconds=0.4)
    assert (found.status, found.about) == ("problem", "server")
    assert found.what == f"{api.url[7:]} did not answer within 0.4 seconds."


def test_a_list_without_end(api: ImagesServer) -> None:
    api.pages["/v1/models"] = Reply(body=b"[" + b" " * (reach.MAX_BYTES + 10))
    found = reach.look(find_endpoint(ProviderSettings(base_url=api.base_url)), "m")
    assert found.status == "note"


def test_a_server_that_is_not_there(bare: Site) -> None:
    bare.options["base_url"] = f"http://127.0.0.1:{closed_port()}/v1"
    status, about, text = only(bare, status=1)
    assert (status, about) == ("problem", "server")
    assert "no connection to 127.0.0.1:" in text
    assert "Check that the server runs, and the address in 'base_url'." in text


# --- Key, model, limits, options --------------------------------------------------------------


def test_where_the_key_is_from(bare: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    bare.options["base_url"] = "https://images.invalid/v1"
    found = only(bare, "--offline", status=1)
    assert found[:2] == ("problem", "key")
    assert found[2].startswith("no API key is set. Set the environment variable OPENAI_API_KEY")
    monkeypatch.setenv("CI", "true")
    assert only(bare, "--offline")[2].startswith("no API key is set here, in CI, and 'missing: gen")
    monkeypatch.setenv("CI", "false")
    bare.options["missing"] = "error"
    assert "builds of this site need none" in well(bare, "key", "--offline")
    bare.options["missing"] = "generate"
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    status, about, text = only(bare, "--offline")
    assert (status, about) == ("note", "key")
    assert text.startswith("the key in OPENAI_API_KEY is sent to images.invalid.")
    monkeypatch.setenv("FOREST_KEY", f"{KEY}forest")
    bare.options["api_key"] = f"{KEY}forest"
    assert well(bare, "key", "--offline") == (
        "an API key is set, from the environment variable FOREST_KEY, by 'api_key' in mkdocs.yml."
    )
    bare.options["base_url"] = "http://images.invalid/v1"
    assert "are not encrypted" in only(bare, "--offline")[2]
    monkeypatch.setenv("FOREST_KEY", f"{KEY} forest")
    bare.options |= {"api_key": f"{KEY} forest", "base_url": "https://images.invalid/v1"}
    status, about, text = only(bare, "--offline", status=1)
    assert (status, about) == ("problem", "key")
    assert "holds a blank" in text


def test_keys_in_mkdocs_yml(bare: Site, api: ImagesServer) -> None:
    bare.options |= {"api_key": "local-word-for-it"}
    serves(api, "gpt-image-2")
    assert well(bare, "key") == "an API key is set, from 'api_key' in mkdocs.yml."
    bare.options |= {"base_url": "https://images.invalid/v1", "api_key": KEY}
    status, about, text = only(bare, "--offline", status=1)
    assert (status, about) == ("problem", "key")
    assert "write 'api_key: !ENV OPENAI_API_KEY'" in text


def test_an_address_that_is_none(bare: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    bare.options["base_url"] = f"images.example?key={KEY}"
    status, about, text = only(bare, status=1)
    assert (status, about) == ("problem", "server")
    assert text.startswith("'base_url' is no http(s) address with a host. Write it like https://")


def test_models_that_end(bare: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    bare.options |= {"base_url": "https://api.openai.com/v1", "model": "gpt-image-1-2025-04-15"}
    status, about, text = only(bare, "--offline", status=1)
    assert (status, about) == ("problem", "model")
    assert text.startswith("gpt-image-1-2025-04-15 was shut down on 2026-10-23. Pictures that")
    assert text.endswith("Set 'model' in mkdocs.yml to gpt-image-2.5-flare or -sunburst.")
    soon = rules.Model(shutdown=date(9998, 1, 1), successor="b")
    monkeypatch.setattr(rules, "MODELS", {"a": soon})
    monkeypatch.setattr(rules, "WARN_DAYS", 10**7)
    bare.options["model"] = "a"
    assert only(bare, "--offline")[:2] == ("note", "model")


def test_limits(bare: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    bare.options = {"max_cost": 0, "max_images": 0}
    assert only(bare, "--offline")[:2] == ("note", "limits")
    bare.options = {"max_images": 0}
    assert well(bare, "limits", "--offline") == "one command may spend $2.00."
    bare.options |= {"model": "unheard-of"}
    assert "'max_cost' cannot bind" in only(bare, "--offline")[2]
    bare.options |= {"pricing": {"per_image": 0.1}}
    assert look(bare, "--offline") == []
    bare.options = {"max_cost": 0, "max_images": 0, "provider": "placeholder"}
    assert "free of charge" in well(bare, "limits")
    assert "draws placeholders on this machine" in well(bare, "server")


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        ({"enabled": False}, "note", "every block shows a placeholder"),
        ({"serve": "generate"}, "note", "for each version of a prompt that is saved"),
        ({"validate": False}, "note", "also what a model refuses"),
        ({"provider": "unheard-of"}, "problem", "there is no provider 'unheard-of'"),
        ({"server": "opnai"}, "problem", "Did you mean 'openai'?"),
        ({"cache_dir": "site/x"}, "problem", "inside the built site"),
        ({"cache_dir": "."}, "problem", "holds the docs"),
        ({"cache_dir": "docs/genimage"}, "note", "lies inside 'docs_dir'"),
        ({"cache_dir": "docs/index.md"}, "problem", "is no folder"),
    ],
)
def test_options(bare: Site, options: dict[str, Any], status: str, said: str) -> None:
    bare.options |= options
    found = look(bare, status=int(status == "problem"))
    assert [one["status"] for one in found if said in one["what"]] == [status]
    assert {one["status"] for one in found if said not in one["what"]} <= {"note"}


def test_a_provider_that_fails(bare: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(_options: object) -> None:
        raise RuntimeError(KEY)

    monkeypatch.setattr(diagnosis, "make_provider", make)
    bare.options["provider"] = "theirs"
    assert "it failed with RuntimeError" in only(bare, status=1)[2]


# --- The cache --------------------------------------------------------------------------------


def damage(site: Site) -> dict[str, Callable[[], object]]:
    (fox,) = site.cache.glob("a-fox-*.png")
    sidecar = fox.with_suffix(".json")
    content = json.loads(sidecar.read_text())

    def write(**facts: Any) -> Callable[[], object]:
        return lambda: sidecar.write_text(json.dumps({**content, **facts}))

    return {
        "problem: is gone": fox.unlink,
        "problem: damaged": lambda: fox.write_bytes(fox.read_bytes()[:-1] + b"?"),
        "problem: damaged: the": lambda: fox.write_bytes(b""),
        "problem: pointers": lambda: fox.write_bytes(LFS_POINTER),
        "problem: LFS pointers": lambda: sidecar.write_bytes(LFS_POINTER),
        "problem: cannot be read": lambda: sidecar.write_bytes(b"{"),
        "problem: that cannot be read": write(sha256=None),
        "problem: a sidecar that cannot": write(bytes="many"),
        "problem: newer": write(version=99),
        "problem: renamed": write(key="0" * 64),
        "problem: edited by hand": write(variant=2),
        "note: without a sidecar": sidecar.unlink,
    }


@pytest.mark.parametrize("number", range(12))
def test_files_of_the_cache(bare: Site, api: ImagesServer, number: int) -> None:
    bare.build()
    calls = len(api.posts)
    said, act = list(damage(bare).items())[number]
    status, _, words = said.partition(": ")
    act()
    before = tree(bare.cache)
    found = only(bare, "--offline", status=int(status == "problem"))
    assert found[:2] == (status, "cache")
    assert found[2].startswith("genimage/a-fox-")
    assert words in found[2]
    assert tree(bare.cache) == before
    assert len(api.posts) == calls


def test_many_files_are_counted(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", f"{BLOCK} n=7")})
    bare.build()
    for path in bare.cache.glob("*.png"):
        path.write_bytes(LFS_POINTER)
    text = only(bare, "--offline", status=1)[2]
    assert " and 3 more: only Git LFS pointers" in text


def test_what_killed_builds_left(bare: Site) -> None:
    bare.build()
    (fox,) = bare.cache.glob("a-fox-*.png")
    journal = Journal(bare.cache)
    key = "ab" * 32
    facts = {"key": key, "place": "docs/index.md:1", "estimate": 0.05}
    journal.begin(key[:12], facts)
    journal.keep(key[:12], fox.read_bytes())
    (bare.cache / ".abc.tmp").write_bytes(b"half")
    found = look(bare, "--offline")
    assert [(one["status"], one["about"]) for one in found] == [
        ("note", "journal"),
        ("note", "journal"),
        ("note", "cache"),
    ]
    assert found[0]["what"].startswith("docs/index.md:1: a build was ended while it waited")
    assert "about $0.05). The request may have been billed." in found[0]["what"]
    assert "answered and paid for" in found[1]["what"]
    with FileLock(bare.cache / f".journal/{key[:12]}.lock"):
        assert only(bare, "--offline")[2] == "A build is at work here: 1 now."


def test_the_trash_is_told(bare: Site) -> None:
    bare.build()
    bare.write({"docs/index.md": fence("A hen", f"{BLOCK} n=2")})
    genimage(bare, "prune", "--delete").ended()
    text = well(bare, "cache", "--offline")
    assert ": 2 pictures, " in text
    assert " more are in its trash: 'mkdocs-genimage prune --purge' empties it." in text


def test_a_folder_that_cannot_be_written(bare: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is not there yet" in well(bare, "cache", "--offline")

    def refuse(**_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(soundness.tempfile, "TemporaryFile", refuse)
    status, about, text = only(bare, "--offline", status=1)
    assert (status, about) == ("problem", "cache")
    assert f"{bare.root} cannot be written: Permission denied." in text
    bare.options["missing"] = "placeholder"
    assert only(bare, "--offline")[0] == "note"
    assert not bare.cache.exists()


# --- Git --------------------------------------------------------------------------------------


def git(site: Site, *arguments: str) -> None:
    name = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *name, *arguments], cwd=site.root, check=True, capture_output=True)


@needs_git
def test_git_keeps_the_pictures(bare: Site) -> None:
    bare.config_name = "sub folder/mkdocs.yml"
    bare.config["docs_dir"] = "../docs"
    bare.config["theme"] = {"name": None, "custom_dir": "../theme"}
    git(bare, "init", "-q")
    bare.write({".gitignore": "/sub folder/site/\n"})
    assert look(bare, "--offline") == []
    bare.build()
    text = only(bare, "--offline")[2]
    assert text.startswith(f"6 files of {bare.cache} changed and not committed.")
    git(bare, "add", ".")
    git(bare, "commit", "-qm", "all")
    assert well(bare, "git", "--offline") == f"{bare.cache} is committed."
    index = (bare.root / ".git/index").read_bytes()
    os.utime(next(bare.cache.glob("*.png")), (1, 1))  # git would note that its content is the same
    assert "is committed" in well(bare, "git", "--offline")
    for rule in ("genimage/", "*.png", "sub*", "!*\n*.json"):
        bare.write({".gitignore": f"/sub folder/site/\n{rule}\n"})
        status, about, text = only(bare, "--offline", status=1)
        assert (status, about) == ("problem", "git")
        assert f".gitignore:{3 if chr(10) in rule else 2}: {rule.split()[-1]}" in text
        assert "on this machine only" in text
    bare.write({".gitignore": "*.png\n!**/genimage/*.png\n/sub folder/site/\n"})
    assert look(bare, "--offline") == []
    assert (bare.root / ".git/index").read_bytes() == index
    bare.options["cache_dir"] = str(bare.root.parent / "elsewhere")
    assert look(bare, "--offline") == []


def test_without_git(bare: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(bare.root))
    assert look(bare, "--offline") == []


# --- What stands beside -----------------------------------------------------------------------


def use(site: Site, *plugins: Any) -> list[str]:
    """What is told of plugins, read as MkDocs reads them."""
    site.after = list(plugins)
    content = genimage(site, "doctor", "--offline", "--json").json("doctor")
    return [
        f"{one['status']}: {one['what']}"
        for one in content["findings"]
        if one["about"] == "plugins"
    ]


REAL = {
    "autorefs": "mkdocs_autorefs",
    "awesome-nav": "mkdocs_awesome_nav",
    "exclude": "mkdocs_exclude",
    "gen-files": "mkdocs_gen_files",
    "git-revision-date-localized": "mkdocs_git_revision_date_localized_plugin",
    "glightbox": "mkdocs_glightbox",
    "i18n": "mkdocs_static_i18n",
    "include-markdown": "mkdocs_include_markdown_plugin",
    "literate-nav": "mkdocs_literate_nav",
    "macros": "mkdocs_macros",
    "markdown-exec": "markdown_exec",
    "mike": "mike",
    "minify": "mkdocs_minify_plugin",
    "mkdocstrings": "mkdocstrings",
    "redirects": "mkdocs_redirects",
    "section-index": "mkdocs_section_index",
}
"""Plugins beside which there is nothing to mind, each with what is installed with it."""
SETTINGS = {
    "exclude": {"glob": ["*.tmp"]},
    "i18n": {"languages": [{"locale": "en", "name": "English", "default": True}]},
    "gen-files": {"scripts": ["gen.py"]},
}


@pytest.mark.parametrize("name", REAL)
def test_plugins_that_need_no_care(bare: Site, name: str) -> None:
    pytest.importorskip(REAL[name])
    bare.write({"gen.py": ""})
    entry = {name: SETTINGS[name]} if name in SETTINGS else name
    assert use(bare, entry) == [
        f"ok: theme of its own; pictures are known to work beside {name}.",
    ]


def test_print_site(bare: Site) -> None:
    """It says itself where it wants to stand; hooks, which MkDocs has among the plugins, do not count."""
    pytest.importorskip("mkdocs_print_site_plugin")
    bare.config["theme"] = {"name": "mkdocs", "highlightjs": False}
    bare.config["hooks"] = ["hook.py"]
    bare.write({"hook.py": "def on_config(config): pass\n"})
    assert use(bare, "search", "print-site") == [
        "ok: theme mkdocs; pictures are known to work beside search, print-site."
    ]
    bare.build()
    (found,) = use(bare, "print-site", "search")
    assert found.startswith("problem: print-site is not the last plugin")
    bare.build(warns=["'print-site' should be defined as the *last* plugin"])


def test_rss(bare: Site) -> None:
    pytest.importorskip("mkdocs_rss_plugin")
    bare.config["site_url"] = "https://fox.example/"
    well = "ok: theme of its own; pictures are known to work beside rss."
    rss = {"rss": {"use_git": False}}
    assert use(bare, rss) == [well]
    del bare.config["site_url"]
    (found,) = use(bare, rss)
    assert found.startswith("note: without 'site_url', feeds of rss name pictures by addresses rel")
    bare.config["site_url"] = "https://fox.example/"
    bare.options["defaults"] = {"output_format": "webp"}
    assert use(bare, rss) == [well]
    bare.options["defaults"] = {"output_format": "svg"}
    (found,) = use(bare, rss)
    assert "(social, rss) show no svg" in found


def test_plugins_that_are_not_installed_here(bare: Site) -> None:
    """By their names alone, as they cannot be read."""
    bare.write_config()
    config = load(str(bare.config_file))
    config.plugins["mkdocs-jupyter"] = BasePlugin()
    config.plugins["unheard-of"] = BasePlugin()
    (found,) = surroundings.look(config, find_plugin(config).config)
    assert (found.status, found.what[:24]) == ("note", "blocks in notebooks stay")


def test_names_of_plugins_of_themes(bare: Site) -> None:
    assert use(bare) == ["ok: theme of its own."]
    bare.config["theme"] = {"name": "material", "font": False}
    assert use(bare, "material/search", "material/meta") == [
        "ok: theme material; pictures are known to work beside search, meta."
    ]


# --- What readers get -------------------------------------------------------------------------


def test_smaller_files_that_cannot_be_made(bare: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Image.Image.save

    def save(image: Any, fp: Any, format: str | None = None, **more: Any) -> None:  # noqa: A002
        if format in ("AVIF", "WEBP"):
            raise OSError("encoder not available")
        real(image, fp, format, **more)

    bare.options |= {"widths": [320], "formats": ["avif", "webp"]}
    assert "smaller files" not in {one["about"] for one in look(bare, "--offline")}
    monkeypatch.setattr(Image.Image, "save", save)
    # Which is found out but once.
    monkeypatch.setattr(deriving, "can_write", deriving.can_write.__wrapped__)
    found = look(bare, "--offline", status=1)
    assert [(one["status"], one["about"]) for one in found] == [("problem", "smaller files")] * 2
    assert "cannot write AVIF, so pages show the pictures themselves." in found[0]["what"]
    assert "or take avif out of 'formats'" in found[0]["cure"]
    assert "cannot write WEBP" in found[1]["what"]
    # Without `formats`, smaller files are as the pictures are.
    del bare.options["formats"]
    assert look(bare, "--offline") == []
    bare.options["defaults"] = {"output_format": "webp"}
    assert "cannot write WEBP" in only(bare, "--offline", status=1)[2]
    bare.options["defaults"] = {"output_format": "gif"}
    assert "'defaults' ask for gif, of which no smaller files" in only(bare, "--offline")[2]
    bare.options["enabled"] = False
    assert all(one["about"] != "smaller files" for one in look(bare, "--offline"))


def test_formats_beside_a_lightbox(bare: Site) -> None:
    pytest.importorskip("mkdocs_glightbox")
    bare.options["formats"] = ["webp"]
    bare.after = ["glightbox"]
    assert look(bare, "--offline") == []
    bare.options["formats"] = ["avif", "webp"]
    status, about, said = only(bare, "--offline")
    assert (status, about) == ("note", "smaller files")
    assert "smaller files are webp only. Write 'formats: [webp]'." in said


def test_dark_with_a_server_that_cannot_edit(bare: Site) -> None:
    bare.options["defaults"] = {"dark": "at night"}
    assert look(bare, "--offline") == []
    bare.options["server"] = "localai"
    status, about, said = only(bare, "--offline", status=1)
    assert (status, about) == ("problem", "dark mode")
    assert said.startswith(
        "'defaults': 'dark' is an edit of the picture for light mode. gpt-image-2 at 127"
    )
    assert "edits none. Take 'dark' out there" in said
    bare.options["defaults"] = {"dark": "none"}
    assert look(bare, "--offline") == []
    bare.options["styles"] = {"brand": {"prompt": "{prompt}", "dark": "at night"}}
    assert "'styles: brand': 'dark' is an edit" in only(bare, "--offline", status=1)[2]
    bare.options["provider"] = "placeholder"
    assert look(bare, "--offline") == []


def test_dark_with_a_model_that_cannot_edit(
    bare: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.options |= {"defaults": {"dark": "at night"}, "server": "openai", "model": "dall-e-3"}
    found = [one for one in look(bare, "--offline", status=1) if one["about"] == "dark mode"]
    assert "dall-e-3 at 127.0.0.1" in found[0]["what"]


@pytest.mark.parametrize(
    ("theme", "said"),
    [
        ({"name": "mkdocs"}, "has no dark mode. Take 'dark' out there, or set 'color_mode: auto'"),
        ({"name": "mkdocs", "color_mode": "dark"}, "has no light mode."),
        ({"name": "mkdocs", "color_mode": "auto"}, ""),
        ({"name": "mkdocs", "user_color_mode_toggle": True}, ""),
        ({"name": "readthedocs"}, "has no dark mode. Take 'dark' out there."),
        ({"name": "material", "font": False}, ""),
    ],
)
def test_dark_with_a_theme_that_is_not(bare: Site, theme: dict[str, Any], said: str) -> None:
    bare.config["theme"] = theme
    bare.options["defaults"] = {"dark": "at night"}
    if said:
        status, about, text = only(bare, "--offline")
        assert (status, about) == ("note", "dark mode")
        assert said in text
    else:
        assert look(bare, "--offline") == []


def test_heroes_without_an_address(bare: Site) -> None:
    hero = "---\ngenimage:\n  hero: {prompt: A fox, alt: x}\n---\n# A\n"
    bare.write({f"docs/{name}.md": hero for name in "abcde"})
    bare.write({"docs/x.md": "---\nhero: x\n---\n", "docs/_y.md": hero, "docs/z.md": b"hero \xff"})
    bare.config["exclude_docs"] = "_y.md\n"
    status, about, said = only(bare, "--offline")
    assert (status, about) == ("note", "heroes")
    assert said.startswith("a.md, b.md, c.md and 2 more: social media take absolute addresses only")
    assert said.endswith("Set 'site_url'.")
    # One with a picture of its author's choice tells nobody of its hero anyway.
    own = {f"docs/{name}.md": hero.replace("---\n", "---\nimage: own.png\n", 1) for name in "bcde"}
    bare.write(own)
    said = only(bare, "--offline")[2]
    assert said.startswith("a.md: social media take absolute addresses only")
    bare.write({"docs/a.md": "# A\n"})
    assert look(bare, "--offline") == []
    bare.write({f"docs/{name}.md": hero for name in "abcde"})
    bare.config["site_url"] = "https://fox.example/"
    assert look(bare, "--offline") == []


def test_optimize(bare: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Material's own, as it is installed."""
    bare.config["theme"] = "material"
    bare.after = [{"optimize": {}}]
    monkeypatch.setenv("PATH", str(tmp_path))
    found = look(bare, "--offline", status=1)
    assert [one["status"] for one in found] == ["problem", "note"]
    assert "'pngquant', which is not found" in found[0]["what"]
    assert found[1]["cure"].endswith("'optimize_exclude: [assets/genimage/*]'.")
    program = tmp_path / ("pngquant.exe" if os.name == "nt" else "pngquant")
    program.write_bytes(b"")
    program.chmod(0o755)
    assert only(bare, "--offline")[0] == "note"
    bare.after = [{"optimize": {"enabled": False}}, "privacy", "offline"]
    assert "known to work beside privacy, offline" in well(bare, "plugins", "--offline")


def test_extensions_and_folders(bare: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    fences = [{"name": "genimage", "class": "x"}]
    bare.config["markdown_extensions"] = [{"pymdownx.superfences": {"custom_fences": fences}}]
    bare.config["watch"] = [str(bare.root)]
    found = look(bare, "--offline")
    assert [one["about"] for one in found] == ["cache", "extensions", "extensions"]
    assert "'watch:' holds" in found[0]["what"]
    assert "custom fence 'genimage'" in found[1]["what"]
    assert "'attr_list' is off" in found[2]["what"]
    bare.config["markdown_extensions"] = ["extra"]
    bare.config["watch"] = [str(bare.root / "docs")]
    assert look(bare, "--offline") == []


# --- Versions, wrong use, and as a process ----------------------------------------------------


def test_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert diagnosis.requirements() == []
    installed = {"openai": "1.99.0", "mkdocs": "", "properdocs": "1.6.7", "pillow": ""}
    real = diagnosis._version
    monkeypatch.setattr(diagnosis, "_version", lambda name: installed.get(name, real(name)))
    assert [one.what for one in diagnosis.requirements()] == [
        "openai 1.99.0: mkdocs-genimage needs openai>=2.0.0.",
        "pillow is missing: mkdocs-genimage needs pillow>=11.0.0.",
    ]
    assert "mkdocs" not in diagnosis.versions()
    assert diagnosis.versions()["properdocs"] == "1.6.7"


def test_sites_that_cannot_be_read(bare: Site, tmp_path: Path, child_env: dict[str, str]) -> None:
    bare.options["max_cost"] = "much"
    (found,) = look(bare, status=2)
    assert found["about"] == "mkdocs.yml"
    assert "max_cost" in found["what"]
    assert "Aborted" in found["what"]
    bare.options = None
    assert "has no 'genimage'" in look(bare, status=2)[0]["what"]
    assert "No such option" in genimage(bare, "doctor", "--fix").ended(2).errors
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = genimage_process(empty, "doctor", env=child_env).ended(2)
    assert "problem  mkdocs.yml: Config file 'mkdocs.yml' does not exist." in ran.output
    assert ran.output.endswith("1 problem, 0 notes.\n")


def test_as_a_process(bare: Site, api: ImagesServer, child_env: dict[str, str]) -> None:
    serves(api, status=401, body=error_body(f"Incorrect API key provided: {KEY}"))
    bare.write_config()
    ran = genimage_process(bare.root, "doctor", env={**child_env, "OPENAI_API_KEY": KEY}).ended(1)
    assert "does not accept the API key in OPENAI_API_KEY." in ran.output
    assert "\x1b" not in ran.output
    assert ran.errors == ""
    assert KEY not in ran.output
    ran = genimage_process(
        bare.root, "-v", "doctor", "--json", env={**child_env, "OPENAI_API_KEY": KEY}
    )
    assert ran.ended(1).json("doctor")["problems"] == 1
