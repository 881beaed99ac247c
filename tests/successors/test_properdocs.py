"""Under ProperDocs, where MkDocs is not installed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import mkdocs
import pytest
from api_server import ImagesServer, Reply, error_body
from beside import DOCS, REQUESTS, SECRET, alt, check_site, prepare, view, views
from commands import (
    HERO,
    build,
    build_twice,
    built,
    check_hero,
    is_of_this_environment,
    run,
    serve_with,
    twins,
)
from compatibility import Beside
from sites import Site, fence
from test_serve import served

import mkdocs_genimage

if TYPE_CHECKING:
    from pathlib import Path

HOST = "properdocs"
PAGE = "# Home\n\n" + fence("A fox", "alt=x size=64x48")

BUILT_BESIDE = [Beside("properdocs", package="properdocs", kind="command")]


@pytest.fixture
def docs(site: Site) -> Site:
    """The standard docs, with the configuration file that ProperDocs looks for first."""
    site.config_name = "properdocs.yml"
    site.write(DOCS)
    return site


@pytest.fixture
def one_page(site: Site) -> Site:
    site.config_name = "properdocs.yml"
    site.write({"docs/index.md": PAGE})
    return site


def test_mkdocs_is_not_installed() -> None:
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("mkdocs")
    alone = subprocess.run(
        [sys.executable, "-c", "import mkdocs"], capture_output=True, check=False
    )
    assert b"ModuleNotFoundError" in alone.stderr
    assert mkdocs.__name__ == "properdocs"
    assert is_of_this_environment(mkdocs_genimage.__file__)


@pytest.mark.parametrize("directory_urls", [True, False], ids=["folders", "files"])
def test_pictures_are_made_once(
    docs: Site, api: ImagesServer, child_env: dict[str, str], directory_urls: bool
) -> None:
    docs.config = {"use_directory_urls": directory_urls}
    docs.before = ["search"]
    docs.write({"docs/hero.md": HERO})
    page, hero = view(docs, "guide/page.md"), view(docs, "hero.md")
    shown = {**views(docs), hero: [alt("heron")]}
    warm = build_twice(docs, api, HOST, views=shown, requests=REQUESTS + 1, env=child_env)
    index = warm.read("search/search_index.json")
    assert "badger" in index
    assert SECRET not in index
    check_hero(warm, hero)
    # The theme says which colours it has, and the stylesheet goes by that.
    assert twins(warm, page) == [("genimage-light", "light", ""), ("genimage-dark", "dark", "")]
    assert "data-bs-theme" in dict(warm.tags(page, "html")[0])
    assert '[data-bs-theme="dark"]' in warm.read("assets/genimage/genimage.css")


@pytest.mark.parametrize("config_name", ["properdocs.yml", "mkdocs.yml"])
def test_without_a_name_for_the_configuration(
    docs: Site, api: ImagesServer, child_env: dict[str, str], config_name: str
) -> None:
    docs.config_name = config_name
    docs.options = {"provider": "placeholder"}
    ran = run(docs, HOST, "build", "--strict", env=child_env).ended()
    # A hint of ProperDocs, which is no warning.
    assert ("should be renamed" in ran.output) == (config_name == "mkdocs.yml")
    placeholders = built(docs).images("guide/page/index.html")
    assert [image["src"][:34] for image in placeholders] == [
        "../../assets/genimage/placeholder-"
    ] * len(views(docs)["guide/page/index.html"])
    assert api.posts == []


def test_strict_builds_fail_for_a_picture_that_is_not_there(
    one_page: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    api.reply = lambda call: Reply(status=400, body=error_body("No.", "moderation_blocked"))
    refused = "genimage: docs/index.md:3: "
    build(one_page, HOST, env=child_env).ended(warns=[refused])
    strict = build(one_page, HOST, "--strict", env=child_env).ended(status=1, warns=[refused])
    assert "Aborted with 1 warnings in strict mode!" in strict.output


def test_a_wrong_option_is_told(one_page: Site, child_env: dict[str, str]) -> None:
    one_page.options = {"serve": "always"}
    ran = build(one_page, HOST, env=child_env)
    assert ran.status == 1
    assert "Plugin 'genimage' option 'serve'" in ran.output
    assert "Traceback" not in ran.output


def test_serve(
    one_page: Site, api: ImagesServer, child_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_with(HOST, monkeypatch)
    with served(one_page, child_env, "-f", one_page.config_name) as server:
        assert "placeholder-a-fox" in server.images()[0]
        before = server.builds
        server.edit("index.md", PAGE.replace("fox", "hen"))
        server.wait_for_build(before + 1)
        assert "placeholder-a-hen" in server.images()[0]
        assert server.builds == before + 1
    assert api.posts == []


def test_the_extension_by_itself_needs_neither(
    one_page: Site, api: ImagesServer, child_env: dict[str, str], tmp_path: Path
) -> None:
    build(one_page, HOST, env=child_env).ended()
    code = (
        "import json, markdown, sys\n"
        "text, cache, out = sys.argv[1:]\n"
        "html = markdown.markdown(text, extensions=['genimage'],"
        " extension_configs={'genimage': {'cache_dir': cache}})\n"
        "hosts = [name for name in sys.modules if name.split('.')[0] in ('mkdocs', 'properdocs')]\n"
        "open(out, 'w').write(json.dumps([html, hosts]))\n"
    )
    out = tmp_path / "out.json"
    subprocess.run(
        [sys.executable, "-c", code, PAGE, str(one_page.cache), str(out)], env=child_env, check=True
    )
    html, hosts = json.loads(out.read_text())
    assert "/genimage/a-fox-" in html
    assert hosts == []


@pytest.mark.parametrize("config_name", ["properdocs.yml", "mkdocs.yml"])
def test_pictures_by_commands(
    docs: Site, api: ImagesServer, child_env: dict[str, str], config_name: str
) -> None:
    def genimage(*arguments: str, status: int = 0) -> str:
        return run(docs, "mkdocs-genimage", *arguments, env=child_env).ended(status=status).output

    docs.config_name = config_name
    prepare(docs, api)
    plan = json.loads(genimage("plan", "--json"))
    assert plan["images"] == REQUESTS + 1  # one block asks for two
    assert "docs/guide/page.md:" in genimage("check", status=1)
    assert api.posts == []
    genimage("generate", "--yes")
    assert len(api.posts) == REQUESTS
    assert "missing" not in genimage("check")
    build(docs, HOST, "--strict", env=child_env).ended()
    check_site(built(docs), views(docs))

    assert f"{HOST} {metadata.version(HOST)}" in genimage("doctor", "--offline")
    assert "docs/index.md:5" in genimage("why", "docs/index.md:5")
    genimage("pick", "docs/guide/page.md:9", "1")
    assert "pick=1" in (docs.root / "docs/guide/page.md").read_text()
    genimage("gallery")
    assert "crane" in (docs.cache / ".gallery/gallery.html").read_text(encoding="utf-8")
    genimage("costs", "--by", "page")
    assert genimage("prune") == "Every picture in the cache is used.\n"
    genimage("eject", "--write")
    assert "```genimage" not in (docs.root / "docs/index.md").read_text()
    assert len(api.posts) == REQUESTS


def test_commands_show_warnings_of_the_build_once(docs: Site, child_env: dict[str, str]) -> None:
    docs.write({"docs/index.md": "# Home\n\n[Nowhere](nowhere.md)\n"})
    planned = run(docs, "mkdocs-genimage", "plan", env=child_env)
    (warning,) = [line for line in planned.output.splitlines() if "nowhere.md" in line]
    assert warning.startswith("WARNING -  Doc file 'index.md' contains a link 'nowhere.md'")


def test_doctor_tells_a_wrong_option(docs: Site, child_env: dict[str, str]) -> None:
    docs.options = {"serve": "always"}
    told = run(docs, "mkdocs-genimage", "doctor", "--offline", "--json", env=child_env)
    assert told.status == 2
    report = json.loads(told.output[told.output.index("{") :])
    assert "Plugin 'genimage' option 'serve'" in str(report["findings"])
