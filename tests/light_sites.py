"""Small sites with smaller files: options, what a page offers, and what is kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from api_server import ImagesServer, Reply, error_body
from beside import SITE_URL, fetch, measure
from links import broken_links, srcset_urls
from sites import Build, Site, differences, fence, tree

from mkdocs_genimage.derived import FOLDER
from mkdocs_genimage.deriving import can_write

if TYPE_CHECKING:
    from api_call import Call

THEMES = ("mkdocs", "readthedocs", "material")
SECRET = "Quokka-42"

needs_avif = pytest.mark.skipif(bool(can_write("avif")), reason=can_write("avif"))
WEBP = pytest.param(["webp"], id="webp")
AVIF = pytest.param(["avif", "webp"], id="avif and webp", marks=needs_avif)
OWN = pytest.param([], id="own format")


def light(site: Site, **options: Any) -> Site:
    site.options = {
        **(site.options or {}),
        # A model that no rule knows, as the known ones make no pictures this small.
        "model": "small-pictures",
        "defaults": {"size": "64x48"},
        "widths": [16, 32],
        "formats": ["webp"],
        **options,
    }
    return site


def prompt(name: str) -> str:
    return f"A {name} beside a lake under the northern lights of a long winter night. {SECRET}."


def block(name: str, header: str = "") -> str:
    return fence(prompt(name), f"alt='A {name}' {header}".rstrip())


def derived(site: Site) -> dict[str, bytes]:
    """The smaller files that are kept."""
    folder = site.cache / FOLDER
    found = tree(folder) if folder.is_dir() else {}
    return {name: data for name, data in found.items() if not name.startswith(".")}


def published(built: Build) -> list[str]:
    """The files of the site that were made from pictures."""
    return sorted(name for name in built.files() if re.search(r"-(\d+w|social)\.\w+$", name))


def candidates(built: Build, page: str, tag: dict[str, str]) -> dict[int, bytes]:
    """The files that a tag offers, by the width that it tells of them."""
    urls = srcset_urls(tag["srcset"])
    widths = [int(one.split()[1].removesuffix("w")) for one in tag["srcset"].split(", ")]
    assert widths == sorted(set(widths))
    return {
        width: fetch(built, page, url, SITE_URL) for width, url in zip(widths, urls, strict=True)
    }


def check_offers(built: Build, page: str, image: dict[str, str], widths: list[int]) -> None:
    """An image offers files of these widths, all of which are what they are said to be."""
    assert sorted(candidates(built, page, image)) == widths, image
    whole = measure(fetch(built, page, image["src"]))
    for width, data in candidates(built, page, image).items():
        found = measure(data)
        assert found[0] == width
        assert abs(found[1] - width * whole[1] / whole[0]) <= 0.5


def sources(built: Build, page: str) -> list[dict[str, str]]:
    return [tag for tag in built.tags(page, "source") if "genimage" in tag.get("srcset", "")]


def build_twice(site: Site, api: ImagesServer, **more: Any) -> Build:
    """Cold and warm are the same, and nothing leads nowhere."""
    before = site.build(**more).files()
    asked, kept = len(api.posts), derived(site)
    warm = site.build(**more)
    assert differences(before, warm.files()) == []
    assert len(api.posts) == asked
    assert derived(site) == kept
    assert broken_links(warm.site_dir) == []
    return warm


def moody(call: Call) -> Reply | None:
    """Answers in other formats and sizes than asked, and refusals, as prompts say."""
    words = str(call.fields["prompt"])
    if "forbidden" in words:
        return Reply(status=400, body=error_body("No such thing.", "moderation_blocked"))
    form = re.search(r"as (\w+)", words)
    size = "12x9" if "tiny" in words else ""
    return Reply(format=form[1] if form else "", size=size)


def check_whole(built: Build, page: str = "index.html") -> None:
    """Every picture of a page is there, and every file that it offers is a picture."""
    images = built.images(page)
    assert images
    for image in images:
        measure(fetch(built, page, image["src"]))
        for url in srcset_urls(image.get("srcset", "")):
            measure(fetch(built, page, url))
    assert broken_links(built.site_dir) == []
