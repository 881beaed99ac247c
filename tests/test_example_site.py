"""The example site: the first thing that a newcomer builds."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from links import broken_links
from mkdocs.utils.meta import get_data
from sites import Build, Run, Site, differences, read_tags, tree

from mkdocs_genimage.block import Block, parse_block
from mkdocs_genimage.fences import scan
from mkdocs_genimage.hero import FrontMatter

if TYPE_CHECKING:
    from api_server import ImagesServer

EXAMPLE = Path(__file__).parent.parent / "example_site"
SITE_URL = "https://wrenbox.example/"


@pytest.fixture
def example(tmp_path: Path) -> Site:
    """A copy of the example site."""
    root = tmp_path / "example"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("site", "genimage"))
    return Site(root)


def blocks(site: Site) -> list[Block]:
    """All blocks of the site, and the heroes that its pages show."""
    found = []
    for path in sorted((site.root / "docs").rglob("*.md")):
        text, meta = get_data(path.read_text(encoding="utf-8"))
        hero = FrontMatter.read(meta.get("genimage"))
        found += [hero.hero] if hero.hero and hero.show else []
        fences = scan(text.split("\n")).fences
        found += [parse_block(one.header, one.body) for one in fences]
    return found


def variants(block: Block) -> tuple[int, int]:
    """How many pictures a block has, and how many of them it shows, twins for dark mode included."""
    count = block.options.get("n", 1)
    shown = count if block.options.get("pick") == "all" else 1
    twins = shown if "dark" in block.options else 0
    return count + twins, shown + twins


def check_pages(built: Build, site: Site) -> None:
    """What holds for the example however its pictures are made."""
    assert broken_links(built.site_dir, SITE_URL) == []
    images = silent = 0
    for name, data in built.files().items():
        if not name.endswith(".html"):
            continue
        html = data.decode()
        for tag, attrs in read_tags(html):
            if tag == "img" and "assets/genimage/" in attrs["src"]:
                images += 1
                silent += attrs["alt"] == ""
                assert attrs["alt"] == attrs["alt"].strip()
                assert int(attrs["width"]) > 0
                assert int(attrs["height"]) > 0
                assert attrs["loading"] in ("lazy", "eager")
    assert images == sum(variants(block)[1] for block in blocks(site))
    assert silent == sum(bool(block.options.get("decorative")) for block in blocks(site))
    texts = {
        name: " ".join(data.decode("utf-8", "replace").split())
        for name, data in built.files().items()
        if name.endswith((".html", ".json", ".xml"))
    }
    for block in blocks(site):
        words = " ".join(block.prompt.split())
        told = [name for name, text in texts.items() if words[:60] in text]
        assert told == [], words


def test_offline_build_is_strict_and_complete(example: Site, child_env: dict[str, str]) -> None:
    ended = example.run("--strict", env=child_env, keep_config=True)
    ended.ended()
    assert "placeholder" in ended.output
    built = Build(example.root / "site", [])
    check_pages(built, example)
    assert not example.cache.exists()
    drawn = [name for name in built.files() if "/placeholder-" in name]
    assert "og:image" not in built.read("index.html")
    assert len(drawn) == sum(variants(block)[1] for block in blocks(example))


def test_limits_in_its_configuration_are_enough(example: Site) -> None:
    text = re.sub(r"!!python/name:\S+", "x", example.config_file.read_text(encoding="utf-8"))
    text = re.sub(r"!ENV (\[[^\]]*\])", r"\1", text)
    (options,) = [p["genimage"] for p in yaml.safe_load(text)["plugins"] if isinstance(p, dict)]
    count = sum(variants(block)[0] for block in blocks(example))
    assert options["max_images"] >= count
    assert f"This site has {count} pictures" in text


def test_it_shows_what_blocks_can_do(example: Site) -> None:
    options = [block.options for block in blocks(example)]
    assert any("mask" in one for one in options)
    assert any("dark" in one for one in options)
    assert any(str(path).startswith("#") for one in options for path in one.get("image", ()))
    assert any(isinstance(one.get("pick"), int) for one in options)
    assert any(one.get("pick") == "all" for one in options)
    assert {one.get("style") for one in options} == {None, "study", "none"}


def test_pictures_of_a_server(
    example: Site, api: ImagesServer, child_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {**child_env, "GENIMAGE_PROVIDER": "openai", "OPENAI_BASE_URL": api.base_url}
    run(example, env)
    count = len(blocks(example)) + sum("dark" in block.options for block in blocks(example))
    assert len(api.posts) == len({call.body for call in api.posts}) == count
    built = Build(example.root / "site", [])
    check_pages(built, example)
    before, cache = built.files(), tree(example.cache)
    assert len(example.cached()) == 2 * sum(variants(block)[0] for block in blocks(example))
    assert not [name for name in before if "/placeholder-" in name]
    assert '<meta property="og:image" content="https://wrenbox.example/' in built.read("index.html")
    assert all("srcset" in image for image in built.images("index.html"))

    run(example, env)

    assert len(api.posts) == count
    assert differences(before, built.files()) == []
    assert tree(example.cache) == cache


def run(site: Site, env: dict[str, str]) -> Run:
    return site.run("--strict", env=env, keep_config=True).ended()
