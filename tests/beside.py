"""Builds beside other plugins: a small set of docs, a cold and a warm build of it, and what must hold.

    site.before = ["search", ...]
    site.write(DOCS)
    built = build_twice(site, api, views=views(site), requests=REQUESTS)

`DOCS` is a page at the root and one in a folder. A test that adds pages or blocks adds the views that show
them, and the requests.
"""

from __future__ import annotations

import importlib.util
import io
import posixpath
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from links import SITE_URL, broken_links, srcset_urls
from PIL import Image, features
from sites import Build, Site, differences, fence, holding, read_tags, tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api_server import ImagesServer


# Pillow before 11.3 warns of a feature that it has not heard of.
HAS_AVIF = "avif" in features.modules and features.check("avif")
needs_avif = pytest.mark.skipif(not HAS_AVIF, reason="this Pillow writes no AVIF")


def needs(*modules: str) -> pytest.MarkDecorator:
    """Skip a test, visibly, where a package of another plugin is not installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


SECRET = "SECRETPROMPT"
"""A word of all prompts, which must stand nowhere in a site."""

SIZE = (256, 192)
"""Pixels of the pictures: small, so that the builds are fast."""

READERS: dict[str, Any] = {"widths": [64, 128], "formats": ["webp"], "disclosure": "label"}
"""The plugin's options for what readers get, in all builds of this kind."""


def prompt(name: str) -> str:
    """The word comes after as much as a file name holds."""
    return f"A {name} beside a lake under the northern lights of a long winter night. {SECRET}."


def block(name: str, header: str = "") -> str:
    """A block whose picture is found by its alt text, `A <name>`."""
    return fence(prompt(name), f"alt='A {name}' {header}".rstrip())


def alt(name: str) -> str:
    """The alt text of a block of this module."""
    return f"A {name}"


def hero(name: str, *more: str) -> str:
    """Front matter with a hero, whose alt text is `A <name>`. Further lines of it may follow."""
    lines = ["genimage:", "  hero:", f"    prompt: {prompt(name)}", f"    alt: A {name}", *more]
    return "\n".join(["---", *lines, "---", ""])


def social_images(built: Build, name: str) -> list[str]:
    """What a page tells social media to show."""
    metas = built.tags(name, "meta")
    return [meta["content"] for meta in metas if meta.get("property") == "og:image"]


def check_social_image(built: Build, name: str, site_url: str = SITE_URL) -> str:
    """A page has one picture for social media: its hero's, as a JPEG of the site.

    Returns:
        Its URL.
    """
    (url,) = social_images(built, name)
    assert url.startswith(site_url + "assets/genimage/"), url
    data = fetch(built, name, url, site_url)
    assert data.startswith(b"\xff\xd8\xff"), url
    assert measure(data) == SIZE, url
    return url


ROOT_PAGE = f"""# Home

Before the *first* picture. See [the page](guide/page.md) and [its owls](guide/page.md#owls).

{block("badger", "caption='The *badger* of the house' #badger")}
Between.

{block("crane", "caption='A [crane](guide/page.md) of the lake' size=auto")}
After.
"""

FOLDER_PAGE = f"""# A page in a folder

Back [home](../index.md), to [the badger](../index.md#badger).

## Owls

{block("owl", "n=2 pick=all")}
## The rest

{block("finch", f"dark='The same scene at night. {SECRET}.' caption=Twins")}

{block("dove", "width=50%")}
- A list

  {block("badger", "width=200").replace(chr(10), chr(10) + "  ").rstrip()}

The end.
"""

DOCS: dict[str, str | bytes] = {"docs/index.md": ROOT_PAGE, "docs/guide/page.md": FOLDER_PAGE}
"""The standard docs."""

ROOT_ALTS = [alt("badger"), alt("crane")]
FOLDER_ALTS = [alt("owl"), alt("owl"), alt("finch"), alt("finch"), alt("dove"), alt("badger")]

REQUESTS = 6
"""What a cold build of `DOCS` sends: the badger is on two pages, both owls are one request, and the finch
of the night is made from that of the day."""


def view(site: Site, name: str) -> str:
    """The file of the site that a page becomes: `guide/page.md` becomes `guide/page/index.html`."""
    stem = name.removesuffix(".md")
    if posixpath.basename(stem) in ("index", "README"):
        return posixpath.join(posixpath.dirname(stem), "index.html")
    return stem + ("/index.html" if site.config.get("use_directory_urls", True) else ".html")


def views(site: Site) -> dict[str, list[str]]:
    """The views of `DOCS`: file of the site to the alt texts of its pictures, in order."""
    return {view(site, "index.md"): ROOT_ALTS, view(site, "guide/page.md"): FOLDER_ALTS}


def prepare(site: Site, api: ImagesServer) -> None:
    """Small pictures, an address for the site, and the options of `READERS`."""
    width, height = SIZE
    api.auto_size = f"{width}x{height}"
    # A model that no rule knows, as the known ones make no pictures this small.
    site.options = {
        "model": "small-pictures",
        "defaults": {"size": api.auto_size},
        **READERS,
        **(site.options or {}),
    }
    site.config.setdefault("site_url", SITE_URL)


def build_twice(
    site: Site,
    api: ImagesServer,
    *,
    views: Mapping[str, Sequence[str]],
    requests: int,
    warns: Sequence[str] = (),
    varies: Mapping[str, str] | None = None,
    broken: Mapping[str, str] | None = None,
    **settings: Any,
) -> Build:
    """Build cold, then warm, and check the site.

    Args:
        site: with its pages, its theme and the other plugins.
        api: what it asks.
        views: file of the site to the alt texts of the pictures that it shows, in order. No other page
            of the site shows any.
        requests: what the cold build sends.
        warns: a part of each warning of *others* that comes. With any, the build is not strict.
        varies: file that differs between two builds to the reason.
        broken: `file: url` that others break to the reason. Each has to be there.
        settings: as for `Site.build`.

    Returns:
        The warm build.
    """
    prepare(site, api)
    settings.setdefault("strict", not warns)
    asked = len(api.posts)
    cold = site.build(warns=warns, **settings)
    assert not cold.warnings, cold.warnings
    assert len(api.posts) - asked == requests, [call.fields.get("prompt") for call in api.posts]
    before = cold.files()
    kept = tree(site.cache)

    warm = site.build(warns=warns, **settings)

    assert not warm.warnings, warm.warnings
    assert len(api.posts) - asked == requests, "the warm build asked again"
    assert differences(tree(site.cache), kept) == [], "the warm build changed the cache"
    excused = dict(varies or {})
    found = [name for name in differences(before, warm.files()) if name not in excused]
    assert not found, f"not the same, cold and warm: {found}"
    check_site(warm, views, str(site.config["site_url"]), broken)
    return warm


def check_site(
    built: Build,
    views: Mapping[str, Sequence[str]],
    site_url: str = SITE_URL,
    broken: Mapping[str, str] | None = None,
) -> None:
    """Pictures on all views and on no other page, no broken URL, no word of a prompt."""
    shown = {
        name: [image["alt"] for image in own_images(built, name)]
        for name in built.files()
        if name.endswith(".html")
    }
    for name in sorted({*views, *(name for name, alts in shown.items() if alts)}):
        expected = list(views.get(name, ()))
        assert shown.get(name) == expected, f"{name}: {shown.get(name)}, not {expected}"
    for name in views:
        images = own_images(built, name)
        for image in images:
            check_image(built, name, image, site_url)
        if READERS:
            check_labels(built, name, images)
        for inside in re.findall(r"<picture\b.*?</picture>", built.read(name), re.DOTALL):
            tags = [tag for tag, _ in read_tags(inside)]
            assert tags == ["picture", *["source"] * (len(tags) - 2), "img"], f"{name}: {inside}"
    found = broken_links(built.site_dir, site_url)
    assert found == list(broken or {}), found
    for word in (SECRET, "data-genimage", "\x02genimage", "```genimage"):
        holders = holding(built.site_dir, word)
        assert not holders, f"{word} stands in {holders}"


def own_images(built: Build, name: str) -> list[dict[str, str]]:
    """The attributes of a page's generated pictures. Placeholders count, too."""
    return [
        attrs
        for tag, attrs in read_tags(built.read(name))
        if tag == "img" and "assets/genimage/" in attrs.get("src", "")
    ]


def check_image(built: Build, page: str, image: Mapping[str, str], site_url: str) -> None:
    """A picture's files are there, are pictures, and have the shape that the page tells."""
    data = fetch(built, page, image["src"], site_url)
    assert "placeholder-" not in image["src"], f"{page}: {image['src']}"
    width, height = measure(data)
    assert (width, height) == SIZE, f"{page}: {image['src']}"
    stated = int(image["width"]) / int(image["height"])
    assert abs(stated - width / height) < 0.02, f"{page}: {dict(image)}"
    widths = []
    for url in srcset_urls(image.get("srcset", "")):
        candidate = measure(fetch(built, page, url, site_url))
        assert abs(candidate[0] / candidate[1] - width / height) < 0.02, f"{page}: {url}"
        widths.append(candidate[0])
    if READERS:
        assert widths == [*READERS["widths"], width], f"{page}: {image['src']}: {widths}"


def check_labels(built: Build, page: str, images: Sequence[Mapping[str, str]]) -> None:
    """Each picture says what it is, and twins share a label."""
    assert all(image.get("data-ai-generated") == "true" for image in images), page
    labels = [
        attrs
        for tag, attrs in read_tags(built.read(page))
        if tag == "span" and "genimage-label" in attrs.get("class", "").split()
    ]
    shown = [image for image in images if "genimage-dark" not in image.get("class", "").split()]
    assert len(labels) == len(shown), f"{page}: {len(labels)} labels"


def fetch(built: Build, page: str, url: str, site_url: str = SITE_URL) -> bytes:
    """The bytes behind a URL of a page, which has to be one of the site's own."""
    target = urljoin(site_url + page, url)
    assert target.startswith(site_url), f"{page}: {url}"
    path = built.site_dir / unquote(urlsplit(target[len(site_url) :]).path)
    assert path.is_file(), f"{page}: {url}"
    return path.read_bytes()


def measure(data: bytes) -> tuple[int, int]:
    """Width and height of a picture, all of whose pixels can be read."""
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture.size
