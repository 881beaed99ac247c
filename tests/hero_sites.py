"""Small sites whose pages have a picture of their own, and what others find of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from api_server import Reply, error_body
from beside import SITE_URL, measure
from links import broken_links
from mkdocs.plugins import BasePlugin, event_priority
from sites import Build, Site, differences

if TYPE_CHECKING:
    from api_call import Call
    from api_server import ImagesServer

SECRET = "Quokka-42"
PROMPT = f"A fox beside a lake under the northern lights of a long winter night. {SECRET}."
THEME = """<!doctype html><html><head><title>{{ page.title }}</title>{{ config.extra.head }}</head><body>
<i id="meta">{{ page.meta.image }}</i>
<main>{{ page.content }}</main></body></html>
"""


def prepare(site: Site) -> Site:
    """A theme that shows what it finds, and small pictures."""
    site.use_bare_theme()
    site.write({"theme/main.html": THEME})
    site.config["site_url"] = SITE_URL
    # A model that no rule knows, as the known ones make no pictures this small.
    site.options |= {"model": "small-pictures", "defaults": {"size": "64x48"}}
    return site


def page(text: str = "# Title\n\nText\n", hero: str | None = None, **options: Any) -> str:
    """A page with a hero: as it is written in YAML, or by its options. Its line is the third."""
    if hero is None:
        given = {"prompt": PROMPT, "alt": "A fox", **options}
        hero = "".join(f"\n    {name}: {value}" for name, value in given.items())
    return f"---\ngenimage:\n  hero: {hero}\n---\n\n{text}"


LINE = "docs/index.md:3"


def write(site: Site, text: str) -> None:
    site.write({"docs/index.md": text})


def build_twice(site: Site, api: ImagesServer, **more: Any) -> Build:
    """Cold and warm are the same, and nothing leads nowhere."""
    before = site.build(**more).files()
    asked = len(api.posts)
    warm = site.build(**more)
    assert differences(before, warm.files()) == []
    assert len(api.posts) == asked
    assert broken_links(warm.site_dir) == []
    return warm


def meta_image(built: Build, name: str = "index.html") -> str:
    """What the theme found in `page.meta.image`."""
    match = re.search(r'<i id="meta">(.*?)</i>', built.read(name))
    assert match
    return match[1]


def social(built: Build, name: str = "index.html") -> dict[str, str]:
    """What a page's head tells social media."""
    tags = built.tags(name, "meta")
    found = {tag.get("property") or tag.get("name", ""): tag.get("content", "") for tag in tags}
    return {key: value for key, value in found.items() if key.startswith(("og:", "twitter:"))}


def check_social(built: Build, size: tuple[int, int] = (64, 48), name: str = "index.html") -> bytes:
    """A page has a picture for others, which is a JPEG of the right size. Returns it."""
    tags = social(built, name)
    path = meta_image(built, name)
    assert re.fullmatch(r"assets/genimage/[a-z0-9-]+-[0-9a-f]{12}(-\d+)?-social\.jpg", path)
    assert tags["og:image"] == SITE_URL + path
    assert tags["og:image:type"] == "image/jpeg"
    assert (int(tags["og:image:width"]), int(tags["og:image:height"])) == size
    assert tags["twitter:card"] == "summary_large_image"
    data = (built.site_dir / path).read_bytes()
    assert data.startswith(b"\xff\xd8\xff")
    assert measure(data) == size
    return data


def check_nothing(built: Build, name: str = "index.html") -> None:
    """Others are told of no picture."""
    assert meta_image(built, name) == ""
    assert social(built, name) == {}
    assert not [file for file in built.files() if "-social" in file]
    assert broken_links(built.site_dir) == []


def refuse(call: Call) -> Reply:
    return Reply(status=400, body=error_body("No.", "moderation_blocked"))


class MetaReader(BasePlugin):
    """Reads a page's front matter when its text is there, as plugins for macros and feeds do."""

    def __init__(self) -> None:
        self.found: dict[str, list[Any]] = {"early": [], "late": []}

    def on_page_markdown(self, text: str, *, page: Any, **_: Any) -> str:
        self.found["early"].append(page.meta.get("image"))
        return text.replace("{{ page.meta.image }}", str(page.meta.get("image")))

    @event_priority(-50)
    def on_env(self, env: Any, *, files: Any, **_: Any) -> None:
        self.found["late"] += [file.page.meta.get("image") for file in files.documentation_pages()]
