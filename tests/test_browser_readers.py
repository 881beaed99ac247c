"""What readers get, in a real browser: light pages, dark mode, labels, and what is read out."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from contextlib import ExitStack
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pytest
from api_server import ImagesServer, Reply, error_body
from browser import (
    DESKTOP,
    PHONE,
    THEMES,
    PageServer,
    Visit,
    check_accessible,
    check_sound,
    chromium,
    close,
    environment,
    reading,
    visit,
    width,
)
from page_scripts import CONTRAST, FOCUSED, UNDER_LABELS
from PIL import Image, ImageDraw
from sites import Site, fence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from api_call import Call
    from playwright.sync_api import Browser

REFUSED = "A boat that nobody may draw"
TEXT = "The heron stands in the shallows for most of the morning, and nobody moves it. " * 9

PAGE = f"""
# Harbour

{fence("A harbour at dawn", 'alt="Wide" caption="The harbour, before the storm"')}

{fence("A copper kettle", 'alt="Linked" width=300 link="https://wiki.example/kettle"')}

{fence("A rope", 'alt="Half" width=50%')}

{fence("A copper kettle", "decorative=true width=300")}

{TEXT}

## Twins

{fence("A harbour at noon", 'alt="Twin" dark="the same at night"')}

{fence("A harbour at noon", 'alt="Twin original" dark="the same at night" width=300 link=original')}

{fence("A harbour at noon", 'alt="Twin linked" dark="the same at night" width=300 link="a.md"')}

{TEXT}

{fence("A crab", 'alt="Beside" align=right width=40% caption="A crab, longer than wide" link=original')}

{TEXT}

{TEXT}

{fence("Sails", 'alt="Take" n=3 pick=all caption="Three takes"')}

{fence("A white egret", 'alt="White" width=300')}

{fence(REFUSED, 'alt="Refused" width=300 caption="Never drawn"')}

{fence("A mistake", "quality=hihg")}

{TEXT}

{TEXT}

{TEXT}

{TEXT}

{fence("A lighthouse", 'alt="Last"')}
"""
ALTS = ["Wide", "Linked", "Half", "", "Twin", "Twin original", "Twin linked", "Beside"]
ALTS += ["Take"] * 3 + ["White", "Refused", "Last"]
"""Of the pictures that readers see, in order. The fourth is only an ornament."""
LINKS = [
    ("https://wiki.example/kettle", "Linked"),
    ("{twin}", "Twin original"),
    ("../../a/", "Twin linked"),
    ("a-crab", "Beside"),
]
"""What the keyboard stops at: parts of the addresses, and the alt texts."""

SMALL_PAGE = f"""
# Small

{fence("A buoy", 'alt="Tiny" width=48 caption="A buoy"')}

{fence("A buoy", 'alt="Beside" width=120 align=right link=original')}

{TEXT}

{fence("A buoy", 'alt="Share" width=10%')}

{fence("A buoy", 'alt="Small takes" width=100 n=4 pick=all')}

{fence("A buoy", 'alt="Takes" width=200 n=4 pick=all')}

{fence("A buoy", 'alt="Takes on half" width=50% n=3 pick=all dark="at night"')}

<div style="width: 94px" markdown="1">
{fence("A buoy", 'alt="In a narrow place"')}
</div>
"""

HERO_PAGE = f"""---
genimage:
  hero:
    prompt: A wide bay
    alt: The bay
    dark: the same at night
    show: true
---
# Bay

{TEXT}
"""
CAPTION = (
    "A buoy in the fog, which rings when there is a swell, and is longer than its picture is wide"
)
CREDITS_PAGE = f"""
# Credits

{fence("A buoy", f'alt="Captioned" caption="{CAPTION}" width=300')}

{fence("A buoy", 'alt="Alone" width=300')}

{fence("A net", 'alt="Twin" width=300 dark="the same at night" link=original')}

{fence("A buoy", 'alt="Half" width=50% align=left')}

{TEXT}

{fence("A buoy", 'alt="Cropped" width=300 height=100')}

{fence("Gulls", 'alt="Take" n=2 pick=all')}

{fence("Gulls", 'alt="Pair" n=2 pick=all dark="the same at night" link=original')}

{fence("Gulls in a row", 'alt="Three" n=3 pick=all')}

{fence(REFUSED, 'alt="Refused" width=300')}
"""


@lru_cache
def photo(prompt: str, size: str) -> bytes:
    """A picture like a photograph: a soft sky with grain, hills, and nothing that a PNG makes small."""
    digest = hashlib.sha256(prompt.encode()).digest()
    across, down = (int(edge) for edge in size.split("x"))
    low, high = (tuple(60 + part // 2 for part in digest[start : start + 3]) for start in (0, 3))
    if "white" in prompt:
        low = high = (255, 255, 255)
    if "night" in prompt:
        low, high = (tuple(part // 5 for part in colour) for colour in (low, high))
    sky = Image.linear_gradient("L").resize((across, down))
    image = Image.composite(Image.new("RGB", sky.size, low), Image.new("RGB", sky.size, high), sky)
    if "white" not in prompt:
        grain = Image.effect_noise((across // 4, down // 4), 60).resize(sky.size)
        image = Image.blend(image, Image.merge("RGB", [grain] * 3), 0.18)
        draw = ImageDraw.Draw(image)
        for number in range(3):
            top = [down * (0.5 + number / 7 - digest[6 + number + i] / 2000) for i in range(3)]
            points = [(0, top[0]), (across / 2, top[1]), (across, top[2])]
            shade = tuple(part * (3 - number) // 4 for part in low)
            draw.polygon([(0, down), *points, (across, down)], fill=shade)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def answer(call: Call) -> Reply:
    prompt = str(call.fields["prompt"])
    if prompt == REFUSED:
        return Reply(status=400, body=error_body("Not this.", "moderation_blocked"))
    return Reply(data=photo(prompt, str(call.fields["size"])))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of pictures and smaller files, made by the first build and found by the others."""
    return tmp_path_factory.mktemp("cache") / "genimage"


def build(site: Site, cache: Path, warns: Sequence[str] = (), **options: Any) -> Path:
    with ImagesServer(reply=answer) as api:
        site.options = {
            "base_url": api.base_url,
            "api_key": "local",
            "cache_dir": str(cache),
            **options,
        }
        site.run(env=environment()).ended(warns=["refused", *warns])
    return site.root / "site"


@pytest.fixture(scope="module")
def sites(
    browser: Browser, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], PageServer]]:
    """Gives the site in a theme. Each is built once."""
    with ExitStack() as servers:

        @lru_cache
        def served(theme: str) -> PageServer:
            made = Site(
                tmp_path_factory.mktemp(theme),
                config={
                    "theme": SWITCHED[theme],
                    "markdown_extensions": ["attr_list", "md_in_html"],
                },
                before=["search"],
            )
            made.write({"docs/index.md": "# Home\n", "docs/sub/a.md": "# A\n"})
            made.write({"docs/sub/page.md": PAGE, "docs/sub/hero.md": HERO_PAGE})
            made.write({"docs/sub/small.md": SMALL_PAGE})
            made.write({"theme/main.html": MKDOCS_TEMPLATE})
            built = build(
                made,
                cache,
                warns=["'hihg'"],
                defaults={"size": "1536x1024"},
                widths=[480, 960],
                formats=["webp"],
                disclosure="label",
            )
            return servers.enter_context(PageServer(built))

        yield served


@pytest.fixture
def site(request: pytest.FixtureRequest, sites: Callable[[str], PageServer]) -> PageServer:
    return sites(request.param)


SWITCHED = {
    **THEMES,
    "mkdocs": {
        **THEMES["mkdocs"],
        "color_mode": "auto",
        "user_color_mode_toggle": True,
        "custom_dir": "theme",
    },
    "material": {
        **THEMES["material"],
        "palette": [
            {**palette, "toggle": {"icon": "material/brightness-7", "name": f"Switch {number}"}}
            for number, palette in enumerate(THEMES["material"]["palette"])
        ],
    },
}
"""The themes, with what their readers can switch by."""
MKDOCS_TEMPLATE = """{% extends "base.html" %}
{% block extrahead %}<style id="hljs-light"></style><style id="hljs-dark"></style>{% endblock %}
"""
"""The mkdocs theme's switch fails without the styles of a highlighter, which another server has."""

LOOKS: dict[str, tuple[tuple[int, int], int, bool]] = {
    "phone": (PHONE, 1, False),
    "phone-2x-dark": (PHONE, 2, True),
    "phone-3x": (PHONE, 3, False),
    "desktop": (DESKTOP, 1, False),
    "desktop-dark": (DESKTOP, 1, True),
}


@pytest.fixture(scope="module")
def look(
    request: pytest.FixtureRequest, browser: Browser, sites: Callable[[str], PageServer]
) -> Iterator[Visit]:
    """The page in a theme, read to its end."""
    theme, name = request.param
    size, scale, dark = LOOKS[name]
    with reading(
        browser, sites(theme), "sub/page/", size, dark=dark, device_scale_factor=scale
    ) as seen:
        yield seen


def in_looks(*names: str) -> pytest.MarkDecorator:
    """In all themes, and some of `LOOKS`."""
    cases = [(theme, name) for theme in THEMES for name in names]
    return pytest.mark.parametrize("look", cases, ids="-".join, indirect=True, scope="module")


in_all_themes = pytest.mark.parametrize("site", THEMES, indirect=True)


def is_dark(seen: Visit) -> bool:
    """Whether the page itself is dark."""
    (red, green, blue) = seen.page.evaluate(
        """() => {
          for (let at = document.querySelector(".genimage"); at; at = at.parentElement) {
            const [r, g, b, a] = getComputedStyle(at).backgroundColor.match(/[\\d.]+/g).map(Number);
            if (a !== 0) return [r, g, b];
          }
          return [255, 255, 255];
        }"""
    )
    return bool(red + green + blue < 3 * 128)


def twins(seen: Visit, *alts: str) -> list[bool]:
    """For each pair of twins whether the dark one is shown. There is always one of them."""
    alts = alts or ("Twin", "Twin original", "Twin linked")
    found = [one for one in seen.pictures() if one["alt"] in alts]
    pairs = list(zip(found[0::2], found[1::2], strict=True))
    for light, dark in pairs:
        assert dark["name"].startswith("dark-"), dark["name"]
        assert not light["name"].startswith("dark-"), light["name"]
        assert light["shown"] != dark["shown"], (light, dark)
    return [dark["shown"] for _, dark in pairs]


# Light pages


@in_looks(*LOOKS)
def test_nothing_moves_while_a_page_is_read(look: Visit) -> None:
    """Cumulative Layout Shift as the browser itself counts it, with pictures that come late."""
    assert look.errors == []
    assert look.shifted == []
    check_sound(look)
    shown = [picture["alt"] for picture in look.pictures() if picture["shown"]]
    assert shown == ALTS


@in_looks(*LOOKS)
def test_only_what_is_shown_is_fetched_and_late(look: Visit) -> None:
    check_fetched(look)
    assert not [name for name, count in Counter(look.asked).items() if count > 1]
    last = look.picture("Last")["chosen"]
    assert last not in look.asked_at_once
    assert look.picture("Wide")["chosen"] in look.asked_at_once


def check_fetched(seen: Visit) -> None:
    """Of each picture that is shown one file, and nothing else."""
    shown = {picture["chosen"] for picture in seen.pictures() if picture["shown"]}
    assert set(seen.asked) == shown


@in_looks(*LOOKS)
def test_the_file_fits_the_screen(look: Visit) -> None:
    """Enough pixels, and no larger file than that takes.

    On dense screens Chromium takes the nearer of two files, by the mean of their ratios.
    """
    scale = look.page.evaluate("devicePixelRatio")
    for picture in look.pictures():
        if not picture["shown"] or picture["alt"] == "Refused":
            continue
        assert picture["candidates"] == [480, 960, 1536], picture
        chosen = int(picture["chosen"].rpartition("-")[2].removesuffix("w.webp"))
        needed = width(picture["content"]) * scale
        least = needed if scale == 1 else needed / 2**0.5
        assert chosen >= min(least, 1536), picture
        smaller = [one for one in picture["candidates"] if one < chosen]
        assert all(one < needed for one in smaller), f"{needed} needed: {picture}"


@in_looks("phone", "desktop")
def test_browsers_that_do_not_look_at_the_page_know_its_width(look: Visit) -> None:
    """`sizes` without its `auto`: at most a fifth too small or a third too large."""
    for picture in look.pictures():
        if picture["shown"] and picture["candidates"]:
            ratio = picture["expected"] / width(picture["content"])
            assert 0.8 <= ratio <= 1.34, f"{ratio}: {picture}"


@in_looks("phone", "desktop")
def test_pictures_share_the_room(look: Visit) -> None:
    check_columns(look, "Take", 3)


@in_all_themes
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_hero_comes_first(browser: Browser, site: PageServer, dark: bool) -> None:
    with reading(browser, site, "sub/hero/", PHONE, dark=dark) as seen:
        assert seen.errors == []
        assert seen.shifted == []
        light, night = seen.pictures()
        assert light["shown"] != night["shown"]
        shown = night if night["shown"] else light
        assert shown["chosen"] in seen.asked_at_once
        # What is not loaded late is fetched before the browser knows that the page is dark.
        stem = light["name"].partition("#")[0].rpartition(".")[0]
        others = [name for name in seen.asked if name != shown["chosen"]]
        assert [name for name in others if not name.startswith(f"{stem}-")] == []
        assert seen.page.locator("h1 + .genimage").count() == 1
        if shown is light:
            assert seen.priority[light["chosen"]] == "High"
            image = seen.page.locator("img.genimage-light")
            assert image.get_attribute("loading") == "eager"
            assert image.get_attribute("fetchpriority") == "high"


# Twins


@in_looks(*LOOKS)
def test_the_twin_is_the_one_for_the_page(look: Visit) -> None:
    assert set(twins(look)) == {is_dark(look)}
    wants_dark = look.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    has_dark = look.page.locator(".wy-body-for-nav").count() == 0
    assert is_dark(look) == (wants_dark and has_dark)


@pytest.mark.parametrize("site", ["mkdocs", "material"], indirect=True)
def test_readers_switch(browser: Browser, site: PageServer) -> None:
    """By the theme's own switch, whatever their system prefers; on paper it is the light one."""
    with visit(browser, site, "sub/page/", DESKTOP) as seen:
        page = seen.page
        is_material = page.locator("[data-md-color-scheme]").count() > 0
        if is_material:
            page.locator("label[title='Switch 0']").click()
        else:
            page.locator("#theme-menu").click()
            page.locator("[data-bs-theme-value=dark]").click()
        assert set(twins(seen)) == {True}
        assert is_dark(seen)
        page.wait_for_function(
            "[...document.querySelectorAll('.genimage-dark')].slice(0, 1).every((i) => i.complete)"
        )
        assert [one for one in seen.asked if one.startswith("dark-")]
        page.emulate_media(media="print")
        assert set(twins(seen)) == {False}
        page.emulate_media(media="screen", color_scheme="dark")
        if is_material:
            # A scheme of the site's own, which need not be a dark one. The theme's script may still be at
            # work on what the system prefers now, and set another.
            page.wait_for_timeout(500)
            page.evaluate("document.body.dataset.mdColorScheme = 'brand'")
            assert set(twins(seen)) == {False}
        else:
            page.evaluate("document.documentElement.dataset.bsTheme = 'light'")
            assert set(twins(seen)) == {False}
        page.evaluate(
            """() => {
              document.body.style.setProperty("--genimage-light", "none");
              document.body.style.setProperty("--genimage-dark", "inline-block");
            }"""
        )
        assert set(twins(seen)) == {True}, "a site can say by itself which one it is"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_in_other_themes_the_system_decides(
    browser: Browser, cache: Path, tmp_path: Path, dark: bool
) -> None:
    made = Site(tmp_path)
    made.use_bare_theme()
    made.write({"docs/index.md": CREDITS_PAGE})
    built = build(made, cache, defaults={"size": "640x640"})
    with PageServer(built) as server, reading(browser, server, "", PHONE, dark=dark) as seen:
        assert set(twins(seen, "Twin", "Pair")) == {dark}
        check_fetched(seen)


# Labels


@in_looks("phone", "desktop-dark")
def test_labels_are_small_and_on_their_pictures(look: Visit) -> None:
    labels = look.page.evaluate(UNDER_LABELS)
    assert [label["alt"] for label in labels] == [alt for alt in ALTS if alt != "Refused"]
    for label in labels:
        picture, box = label["picture"], label["box"]
        assert label["text"] == "AI-generated"
        assert label["size"] >= 12
        assert box[0] > picture[0], label
        assert picture[1] < box[1], label
        assert picture[2] - 16 <= box[2] <= picture[2], label
        assert picture[3] - 16 <= box[3] <= picture[3], label
        assert width(box) <= 100, label
        assert box[3] - box[1] <= 24, label
        assert label["under"] == ("A" if label["linked"] else "SPAN"), "it takes clicks"


@in_looks("phone", "desktop-dark")
def test_labels_can_be_read_on_any_picture(look: Visit) -> None:
    for alt in ("White", "Last"):
        label = look.page.locator(".genimage-frame").filter(has=look.page.get_by_alt_text(alt))
        shot = label.locator(".genimage-label").screenshot()
        assert contrast(shot) >= 4.5, "WCAG 2.2, 1.4.3"


def contrast(shot: bytes) -> float:
    """Between the ground of a text, which is most of its box, and what is farthest from it."""
    with Image.open(io.BytesIO(shot)) as image:
        found = image.convert("RGB").getcolors(image.width * image.height) or []
    ground = luminance(max(found)[1])
    ink = max((luminance(pixel) for _, pixel in found), key=lambda one: abs(one - ground))
    low, high = sorted((ground, ink))
    return (high + 0.05) / (low + 0.05)


def luminance(pixel: tuple[int, ...]) -> float:
    """As WCAG 2.2 defines it."""
    parts = [part / 255 for part in pixel]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@in_all_themes
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_labels_of_small_pictures(
    browser: Browser, site: PageServer, size: tuple[int, int]
) -> None:
    """They stand below them, and are whole, as all labels are."""
    below = ("Tiny", "Beside", "Share", "Small takes")
    with visit(browser, site, "sub/small/", size) as seen:
        seen.page.evaluate("scrollTo(0, 0)")
        check_sound(seen)
        labels = seen.page.evaluate(UNDER_LABELS)
        assert len(labels) == 3 + 4 + 4 + 3 + 1
        for label in labels:
            picture, box = label["picture"], label["box"]
            assert label["size"] >= 12
            assert label["whole"], label
            assert box[0] >= 0, label
            assert box[2] <= size[0], label
            assert width(box) <= 120, label
            if label["alt"] in below:
                assert box[1] >= picture[3], label
                assert box[3] - box[1] <= 40, label
            else:
                assert picture[0] <= box[0] < box[2] <= picture[2], label
                assert picture[1] <= box[1] < box[3] <= picture[3], label
        label = seen.page.locator(".genimage-small .genimage-label").first
        assert label.evaluate(CONTRAST) >= 4.5
        beside = seen.picture("Beside")
        assert beside["float"] == "right"
        assert close(beside["box"][2], beside["room"][2])
        assert beside["next"][1] < beside["box"][3], "the text is below the picture"
        assert width(seen.picture("Beside")["box"]) == 120
        takes = [one for one in seen.pictures() if one["alt"] == "Takes on half" and one["shown"]]
        assert all(width(one["box"]) >= 96 for one in takes)


@in_all_themes
def test_labels_in_other_ways_to_read(browser: Browser, site: PageServer) -> None:
    """Right to left, on paper, and with the reader's own colours."""
    with visit(browser, site, "sub/page/", DESKTOP) as seen:
        page = seen.page
        label = page.locator(".genimage-label").first
        style = "(label, name) => getComputedStyle(label)[name]"
        page.emulate_media(media="print")
        assert label.evaluate(style, "printColorAdjust") == "exact", "white on nothing"
        page.emulate_media(media="screen", forced_colors="active")
        assert label.evaluate(style, "borderTopStyle") == "solid"
        assert contrast(label.screenshot()) >= 4.5
        page.emulate_media(forced_colors="none")
        page.evaluate("document.documentElement.dir = document.body.dir = 'rtl'")
        check_sound(seen)
        for one in page.evaluate(UNDER_LABELS):
            assert one["picture"][0] <= one["box"][0] <= one["picture"][0] + 16, one
        beside = seen.picture("Beside")
        assert close(beside["box"][2], beside["room"][2]), "align means a side of the page"


# Keyboards and screen readers


@in_looks("phone", "desktop-dark")
def test_the_keyboard_stops_at_what_is_shown(look: Visit) -> None:
    """In the page's order, each with a ring round the whole picture."""
    look.page.locator("h1").first.evaluate("(title) => { title.tabIndex = -1; title.focus(); }")
    reached: list[dict[str, Any]] = []
    for _ in range(3 * len(LINKS)):  # on short pages it begins again
        look.page.keyboard.press("Tab")
        found = look.page.evaluate(FOCUSED)
        if found and found not in reached:
            reached.append(found)
    twin = "dark-" if is_dark(look) else "a-harbour-at-noon"
    assert [found["alt"] for found in reached] == [alt for _, alt in LINKS]
    for found, (address, _) in zip(reached, LINKS, strict=True):
        assert address.replace("{twin}", twin).removeprefix("../../") in found["href"]
        assert found["ring"], found
        assert found["slack"] < 2, found


@in_looks("phone", "desktop-dark")
def test_pictures_are_read_out_once(look: Visit) -> None:
    """By their alt texts, with their labels; what a caption says, no picture repeats."""
    heard = read_out(look)
    images = [name for role, name in heard if role == "image" and name]
    assert [name for name in images if name in ALTS] == [alt for alt in ALTS if alt]
    figures = [place for place, (role, _) in enumerate(heard) if role == "figure"]
    captions = ["The harbour, before the storm", "A crab, longer than wide"]
    captions += ["Three takes", "Never drawn"]
    assert len(figures) == len(captions)
    for place, caption in zip(figures, captions, strict=True):
        inside = [name for role, name in heard[place:] if role in ("image", "StaticText")]
        assert inside[0] in ALTS
        assert inside.index(caption) <= 6, inside
    assert not set(images) & set(captions)
    texts = [name for role, name in heard if role == "StaticText"]
    assert texts.count("AI-generated") == len(ALTS) - 1
    for caption in captions:
        assert texts.count(caption) == 1


def read_out(seen: Visit) -> list[tuple[str, str]]:
    """Role and name of all that Chromium tells to screen readers, in the page's order."""
    session = seen.page.context.new_cdp_session(seen.page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    by_id = {node["nodeId"]: node for node in nodes}
    found: list[tuple[str, str]] = []

    def walk(node: dict[str, Any]) -> None:
        if not node["ignored"]:
            found.append((node["role"]["value"], node.get("name", {}).get("value", "")))
        for child in node.get("childIds", ()):
            if child in by_id:
                walk(by_id[child])

    walk(nodes[0])
    return found


@in_looks("phone", "desktop-dark")
def test_axe_finds_nothing(look: Visit) -> None:
    check_accessible(look)


# Credits, and several formats


@pytest.fixture(scope="module")
def in_formats(
    browser: Browser, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], PageServer]]:
    """Gives a page with pictures in several formats, by how readers are told of the model."""
    pytest.importorskip("PIL._avif", reason="this Pillow cannot write AVIF")
    with ExitStack() as servers:

        @lru_cache
        def served(disclosure: str) -> PageServer:
            made = Site(tmp_path_factory.mktemp(disclosure), config={"theme": THEMES["material"]})
            made.write({"docs/index.md": CREDITS_PAGE})
            built = build(
                made,
                cache,
                defaults={"size": "640x640"},
                widths=[320],
                formats=["avif", "webp"],
                disclosure=disclosure,
                disclosure_text="Made by {model}",
            )
            return servers.enter_context(PageServer(built))

        yield served


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_credits_and_formats(
    browser: Browser, in_formats: Callable[[str], PageServer], dark: bool
) -> None:
    size = PHONE if dark else DESKTOP
    with reading(browser, in_formats("credit"), "", size, dark=dark) as seen:
        assert seen.errors == []
        assert seen.shifted == []
        check_sound(seen, cropped=("Cropped",))
        cropped = seen.page.get_by_alt_text("Cropped")
        assert cropped.evaluate("(image) => getComputedStyle(image).objectFit") == "cover"
        box = seen.picture("Cropped")["content"]
        assert close(width(box) / (box[3] - box[1]), 3, 0.01)
        assert set(twins(seen, "Twin", "Pair")) == {dark}
        check_fetched(seen)
        shown = [picture for picture in seen.pictures() if picture["shown"]]
        drawn = [picture for picture in shown if picture["alt"] != "Refused"]
        assert {picture["chosen"].rpartition("-")[2] for picture in drawn} <= {
            "320w.avif",
            "640w.avif",
        }
        lines = seen.page.locator(".genimage-credit")
        assert lines.all_inner_texts() == ["Made by gpt-image-2"] * 8
        caption = seen.page.get_by_text(CAPTION)
        sizes = [
            float(one.evaluate("(text) => parseFloat(getComputedStyle(text).fontSize)"))
            for one in (lines.first, caption)
        ]
        assert 10 <= sizes[0] < sizes[1]
        for number in range(lines.count()):
            assert lines.nth(number).evaluate(CONTRAST) >= 4.5
        check_columns(seen, "Take", 2)
        check_columns(seen, "Pair", 2)
        check_columns(seen, "Three", 3)
        check_accessible(seen)


@pytest.mark.parametrize("disclosure", ["none", "label"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_formats_take_no_room(
    browser: Browser,
    in_formats: Callable[[str], PageServer],
    disclosure: str,
    size: tuple[int, int],
) -> None:
    """What names the files of a picture is no part of a grid."""
    with reading(browser, in_formats(disclosure), "", size) as seen:
        check_sound(seen, cropped=("Cropped",))
        check_columns(seen, "Take", 2)
        check_columns(seen, "Pair", 2)
        check_columns(seen, "Three", 3)
        labels = seen.page.evaluate(UNDER_LABELS)
        assert len(labels) == (12 if disclosure == "label" else 0)
        for label in labels:
            picture, box = label["picture"], label["box"]
            assert picture[0] <= box[0] < box[2] <= picture[2], label
            assert picture[1] <= box[1] < box[3] <= picture[3], label


def check_columns(seen: Visit, alt: str, count: int) -> None:
    """So many pictures share the room, or on a phone two, and more stand one below the other."""
    pictures = [one for one in seen.pictures() if one["alt"] == alt and one["shown"]]
    tops = {round(picture["box"][1]) for picture in pictures}
    assert len(pictures) == count
    if seen.is_phone and count > 2:
        assert len(tops) == count
        return
    assert len(tops) == 1
    room = width(pictures[0]["room"])
    assert close(pictures[-1]["box"][2] - pictures[0]["box"][0], room), "an empty column"
