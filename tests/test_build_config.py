"""Builds under unusual configurations: where mkdocs.yml, the docs and the pictures are."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from typing import TYPE_CHECKING

import pytest
from links import broken_links
from mkdocs.config.config_options import DocsDir
from sites import Site, fence, tree

if TYPE_CHECKING:
    from pathlib import Path

    from api_server import ImagesServer

FOX = r"a-fox-[0-9a-f]{12}\.png"
PAGE = "# Page\n\n" + fence("A fox", 'alt="A fox"')


def check(site: Site, api: ImagesServer, cache: Path, requests: int = 1) -> None:
    """Build twice: one picture is in the right folder, in the site, and not asked for again."""
    for _ in range(2):
        built = site.build(strict=True)
        assert broken_links(built.site_dir) == []
        assert len(api.posts) == requests
        assert len(list(cache.glob("a-fox-*.png"))) == 1
        assert len(list(cache.glob("a-fox-*.json"))) == 1


def test_cache_is_beside_the_inheriting_config(site: Site, api: ImagesServer) -> None:
    base_url = site.options.pop("base_url")
    site.write(
        {
            "base.yml": f"plugins:\n  genimage:\n    base_url: {base_url}\n    cache_dir: pics\n",
            "child/mkdocs.yml": "INHERIT: ../base.yml\nsite_name: Child\ntheme: mkdocs\n",
            "child/docs/index.md": PAGE,
        }
    )
    child = Site(site.root / "child")
    for _ in range(2):
        child.build(strict=True, keep_config=True)
    assert len(api.posts) == 1
    assert len(list((site.root / "child/pics").glob("*.png"))) == 1
    assert not (site.root / "pics").exists()


def test_config_in_a_folder_of_its_own(site: Site, api: ImagesServer) -> None:
    site.config_name = "ci/site.yml"
    site.config = {"docs_dir": "../docs", "site_dir": "../site"}
    site.write({"docs/index.md": PAGE})
    check(site, api, site.root / "ci/genimage")


def test_working_directory_does_not_matter(
    site: Site, api: ImagesServer, child_env: dict[str, str], tmp_path: Path
) -> None:
    site.write({"docs/index.md": PAGE})
    site.write_config()
    elsewhere = Site(tmp_path)
    elsewhere.write_config()
    elsewhere.run("-f", str(site.config_file), env=child_env).ended()
    assert len(site.cached(".png")) == 1
    assert not (tmp_path / "genimage").exists()


def test_docs_beside_the_config(
    site: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # MkDocs itself forbids it; plugins exist that allow it in this way.
    monkeypatch.setattr(DocsDir, "post_validation", lambda *_, **__: None)
    site.config = {"docs_dir": ".", "exclude_docs": "mkdocs.yml"}
    site.write({"index.md": PAGE})
    for _ in range(2):
        built = site.build(strict=True, site_dir=str(tmp_path / "out"))
        assert broken_links(built.site_dir) == []
        assert not (built.site_dir / "genimage").exists()
    assert len(api.posts) == len(site.cached(".png")) == 1


@pytest.mark.parametrize("folder", ["docs/genimage", "docs/img/deep", "docs/assets/genimage"])
def test_cache_inside_the_docs_is_not_published_twice(
    site: Site, api: ImagesServer, folder: str
) -> None:
    site.options["cache_dir"] = folder
    site.write({"docs/index.md": PAGE, "docs/img/own.svg": "<svg/>"})
    check(site, api, site.root / folder)
    published = [name for name in tree(site.root / "site") if "a-fox" in name]
    assert len(published) == 1
    assert re.fullmatch(f"assets/genimage/{FOX}", published[0])
    assert (site.root / "site/img/own.svg").exists()


@pytest.fixture
def linked(site: Site) -> Site:
    """The site by the way of a symbolic link."""
    if os.name == "nt":
        pytest.skip("making links takes a privilege there")
    site.root.mkdir()
    link = site.root.with_name("link")
    link.symlink_to(site.root, target_is_directory=True)
    return Site(link, site.config, site.options)


def test_messages_of_a_project_behind_a_link(linked: Site) -> None:
    linked.write({"docs/bad.md": fence("A fox", "size=huge")})
    linked.build(warns=["docs/bad.md:1: 'size' cannot be 'huge'."])


def test_cache_inside_the_docs_behind_a_link(linked: Site) -> None:
    linked.options["cache_dir"] = "docs/genimage"
    linked.write({"docs/index.md": PAGE})
    linked.build(strict=True)
    built = linked.build(strict=True)
    (name,) = [name for name in built.files() if "a-fox" in name]
    assert name.startswith("assets/genimage/")


def test_absolute_cache_dir(site: Site, api: ImagesServer, tmp_path: Path) -> None:
    folder = tmp_path / "else where" / "pictures"
    site.options["cache_dir"] = str(folder)
    site.write({"docs/index.md": PAGE})
    check(site, api, folder)
    assert not site.cache.exists()


@pytest.mark.parametrize("folder", ["pics", "a b/ünï", "/static/"])
def test_assets_dir(site: Site, api: ImagesServer, folder: str) -> None:
    site.options["assets_dir"] = folder
    site.write({"docs/index.md": PAGE, "docs/sub/page.md": PAGE})
    check(site, api, site.cache)
    published = site.root / "site" / folder.strip("/")
    picture, sheet = sorted(path.name for path in published.iterdir())
    assert re.fullmatch(FOX, picture)
    assert sheet == "genimage.css"


@pytest.mark.parametrize("bad", ["../out", "", "C:\\x", "a/../../b", ".", "./", "/"])
def test_assets_dir_is_a_folder_within_the_site(site: Site, api: ImagesServer, bad: str) -> None:
    check_no_assets_dir(site, api, bad)


@pytest.mark.parametrize("sign", '\\:#?%"<>')
def test_assets_dir_can_stand_in_addresses(site: Site, api: ImagesServer, sign: str) -> None:
    check_no_assets_dir(site, api, f"a{sign}b")


def check_no_assets_dir(site: Site, api: ImagesServer, bad: str) -> None:
    site.options["assets_dir"] = bad
    site.write({"docs/index.md": PAGE})
    message = (
        f"'assets_dir': is {bad!r}. Allowed: a folder inside the site, like 'assets/x', without any of "
        '\\ : # ? % " < >.'
    )
    site.build(fails=True, warns=[message])
    assert api.calls == []


@pytest.mark.parametrize("folder", ["docs", ".", "site/pictures", "site"])
def test_cache_dir_that_cannot_work(site: Site, api: ImagesServer, folder: str) -> None:
    site.options["cache_dir"] = folder
    site.write({"docs/index.md": PAGE})
    site.build(fails=True, warns=[f"genimage: 'cache_dir' is '{folder}', "])
    assert api.calls == []


def test_exclude_docs_does_not_exclude_the_pictures(site: Site, api: ImagesServer) -> None:
    site.config["exclude_docs"] = "assets/\na-*.png\ngenimage.css\n/genimage\n"
    site.write({"docs/index.md": PAGE, "docs/a-own.png": "x"})
    check(site, api, site.cache)
    built = tree(site.root / "site")
    assert "a-own.png" not in built
    assert "assets/genimage/genimage.css" in built


def test_drafts_and_hidden_pages(site: Site, api: ImagesServer) -> None:
    """A page that is not built asks for nothing; one that is only not in the nav does."""
    site.config |= {"draft_docs": "draft.md", "not_in_nav": "hidden.md"}
    site.config["nav"] = [{"Home": "index.md"}]
    site.write(
        {
            "docs/index.md": "# Home",
            "docs/draft.md": fence("A draft", "alt=x"),
            "docs/hidden.md": PAGE,
        }
    )
    check(site, api, site.cache)
    assert [call.fields["prompt"] for call in api.posts] == ["A fox"]


def test_repository_links(site: Site, api: ImagesServer) -> None:
    site.config |= {
        "repo_url": "https://repo.invalid/me/docs",
        "edit_uri": "edit/main/docs/",
        "site_url": "http://site.invalid/",
        "theme": "material",
    }
    site.config["theme"] = {"name": "material", "features": ["content.action.edit"]}
    site.write({"docs/index.md": PAGE, "docs/sub/page.md": PAGE})
    check(site, api, site.cache)
    html = (site.root / "site/sub/page/index.html").read_text()
    assert "https://repo.invalid/me/docs/edit/main/docs/sub/page.md" in html


def test_dirty_build(site: Site, api: ImagesServer) -> None:
    site.write({"docs/index.md": "# Home", "docs/a.md": PAGE, "docs/b.md": fence("A hen", "alt=x")})
    first = site.build(strict=True)
    pages = {name: (first.site_dir / name).stat().st_mtime_ns for name in first.files()}
    changed = site.root / "docs/b.md"
    changed.write_text(PAGE + fence("A crow", "alt=x"))
    future = first.site_dir.joinpath("b/index.html").stat().st_mtime + 5
    os.utime(changed, (future, future))

    second = site.build(dirty=True, warns=["A 'dirty' build is being performed"])

    assert {call.fields["prompt"] for call in api.posts} == {"A fox", "A hen", "A crow"}
    assert len(api.posts) == 3
    assert broken_links(second.site_dir) == []
    assert len(second.images("b/index.html")) == 2
    untouched = second.site_dir / "a/index.html"
    assert untouched.stat().st_mtime_ns == pages["a/index.html"]
    assert len(site.cached(".png")) == 3


def test_extension_that_is_listed_too(site: Site, api: ImagesServer) -> None:
    site.config["markdown_extensions"] = ["genimage", {"toc": {"permalink": True}}]
    site.write({"docs/index.md": PAGE})
    check(site, api, site.cache)
    html = (site.root / "site/index.html").read_text()
    assert html.count("<img") == 1
    assert "headerlink" in html


def test_front_matter_sets_options_of_a_page(site: Site, api: ImagesServer) -> None:
    site.options["defaults"] = {"quality": "low"}
    site.options["styles"] = {"ink": "Ink drawing. {prompt} On white."}
    site.write(
        {
            "docs/index.md": "---\ngenimage:\n  size: landscape\n  style: ink\n---\n" + PAGE,
            "docs/other.md": fence("A fox", "alt=x quality=high"),
        }
    )
    site.build(strict=True)
    asked = {call.fields["prompt"]: call.fields for call in api.posts}
    assert asked["Ink drawing. A fox On white."]["size"] == "1536x1024"
    assert asked["Ink drawing. A fox On white."]["quality"] == "low"
    assert "size" not in asked["A fox"]
    assert asked["A fox"]["quality"] == "high"


def test_input_pictures_are_sent_and_recognised(site: Site, api: ImagesServer) -> None:
    from pictures import picture

    data = picture("input", "64x64")
    site.write(
        {
            "docs/index.md": "# Home",
            "docs/sub/page.md": fence("prompt: In winter\nimage: ../img/in.png\nalt: x"),
            "docs/img/in.png": data,
        }
    )
    site.build(strict=True)
    (call,) = api.posts
    assert call.path == "/v1/images/edits"
    assert [part.data for part in call.files] == [data]
    # The same bytes by another name, and then other bytes.
    site.write({"docs/other.md": fence("prompt: In winter\nimage: img/copy.png\nalt: x")})
    site.write({"docs/img/copy.png": data})
    site.build(strict=True)
    assert len(api.posts) == 1
    site.write({"docs/img/copy.png": picture("another", "64x64")})
    site.build(strict=True)
    assert len(api.posts) == 2


def test_sidecar_tells_what_was_asked_and_no_more(site: Site, api: ImagesServer) -> None:
    site.write({"docs/index.md": fence("A fox", "alt=x size=512x512")})
    site.build(strict=True)
    (name,) = site.cached(".json")
    sidecar = json.loads((site.cache / name).read_text())
    assert sidecar["prompt"] == "A fox"
    assert sidecar["options"] == {"size": "512x512"}
    assert (sidecar["width"], sidecar["height"]) == (512, 512)
    assert sidecar["model"] == "gpt-image-2"
    assert sidecar["host"] == api.url.removeprefix("http://")
    assert re.fullmatch(r"req_\d+", sidecar["request_id"])


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("defaults", {"sise": "1x1"}, "there is no option 'sise'. Did you mean 'size'?"),
        ("defaults", {"prompt": "x"}, "'prompt' is for blocks only."),
        ("defaults", {"style": "ink"}, "'defaults: style: ink' names no style."),
        ("styles", {"ink": "no place"}, "style 'ink': needs {prompt}"),
        ("styles", ["ink"], "must be a mapping of names to styles"),
        ("concurrency", 0, "Allowed: a whole number of at least 1."),
        ("max_cost", -1, "Allowed: a number of at least 0."),
        ("max_images", 1.5, "Allowed: a whole number of at least 0."),
        ("timeout", "soon", "Allowed: a number of at least 1."),
        ("missing", "ignore", "Expected one of"),
        ("serve", "error", "Expected one of"),
        ("provider", "nobody", "there is no provider 'nobody'. Installed: openai, placeholder."),
        ("api_key", ["x"], "'api_key': is a list. Allowed: a text."),
        ("base_url", {"x": 1}, "'base_url': is a mapping. Allowed: a text."),
        ("model", True, "'model': is true or false. Allowed: a text."),
        ("cache_dir", dt.date(2026, 11, 22), "'cache_dir': is of the type date. Allowed: a text."),
    ],
)
def test_wrong_option_stops_the_build_with_a_message(
    site: Site, api: ImagesServer, option: str, value: object, message: str
) -> None:
    site.options[option] = value
    site.write({"docs/index.md": PAGE})
    built = site.build(fails=True, warns=[message])
    assert option in built.output
    assert api.calls == []


def test_unknown_option_is_told(site: Site, api: ImagesServer) -> None:
    site.options["max_image"] = 3
    site.write({"docs/index.md": PAGE})
    site.build(warns=["Unrecognised configuration name: max_image"])
