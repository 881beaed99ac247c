"""What readers see: built sites in a real browser, on a phone and on a desk."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import browser as browser_module
import pytest
import yaml
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
    middle,
    visit,
    width,
)
from page_scripts import BOXES, CONTRAST, FOCUSED, PLACEHOLDER_TEXTS
from sites import Site, behind, fence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from api_call import Call
    from playwright.sync_api import Browser

EXAMPLE = Path(__file__).parent.parent / "example_site"
SIZES = {"phone": PHONE, "desktop": DESKTOP}
EXTENSIONS = [
    "admonition",
    "attr_list",
    "md_in_html",
    "pymdownx.superfences",
    {"pymdownx.tabbed": {"alternate_style": True}},
    "def_list",
    "footnotes",
]
REFUSED = "Three rowing boats tied to the northern pier, one of them half under water"
MORE_TEXT = "The heron stands in the shallows for most of the morning, and nobody moves it. " * 9

PAGE = f"""
# Harbour

```genimage #top alt="Plain"
A harbour at dawn
```

```genimage size=1024x1024 width=300 alt="With a caption"
prompt: A lighthouse on a rock
caption: The lighthouse, *before* the storm of 1911, with a [link](#top), in a caption for two lines.
```

1. Fill the kettle.

    ```genimage alt="In a list"
    A copper kettle
    ```

!!! note "A note"

    ```genimage size=1024x1024 alt="In an admonition" caption="A letter"
    A folded letter
    ```

```genimage align=center width=300 alt="Centred"
A red buoy
```

```genimage align=center width=50% alt="Centred half"
A red buoy
```

## Floats

```genimage align=left width=300 alt="Left"
A heron
```

{MORE_TEXT}

```genimage align=right width=40% alt="Right" caption="A crab, in a caption longer than wide"
A crab
```

{MORE_TEXT}

```genimage align=left alt="Left without a width"
A gull
```

{MORE_TEXT}

## Widths

```genimage width=50% alt="Half"
A rope
```

```genimage width=300 alt="300"
A knot
```

```genimage width=50% alt="Half with a caption" caption="A net, half as wide as the text."
A net
```

```genimage size=1024x1536 caption="A tower" alt="Tall"
A tower
```

```genimage link="https://wiki.example/map" width=300 alt="Linked"
A map of the harbour
```

```genimage link="https://wiki.example/sea" width=50% caption="A sea" alt="Linked half"
A map of the sea
```

```genimage size=1024x1024 alt="Take"
prompt: Sails in three colours
n: 3
pick: all
caption: Three takes
```

```genimage alt="Refused"
{REFUSED}
```

```genimage quality=hihg
A picture with a mistake
```

```genimage background=transparent size=1024x1024 width=300 alt="Transparent"
An anchor
```

=== "One"

    ```genimage alt="In the open tab"
    An open tab
    ```

=== "Two"

    ```genimage alt="In the closed tab"
    A closed tab
    ```
"""

HERON = "size=512x512 align=left width=200"
SURROUNDINGS = f"""
# Surroundings

- A list

{fence("A heron", f'{HERON} alt="In a list"', indent="    ")}
    Short.

- Its end

Term
:   A definition

{fence("A heron", f'{HERON} alt="In a definition"', indent="    ")}
    Short.

> A quotation
>
{behind("> ", fence("A heron", f'{HERON} alt="In a quotation" caption="A heron"'))}>
> Short.

!!! note "A note"

{fence("A heron", f'{HERON} alt="In a note"', indent="    ")}
    Short.

A footnote.[^1]

[^1]:
    A footnote

{fence("A heron", 'size=512x512 width=100 caption="A heron"', indent="    ")}
## Followed by a heading

{fence("A heron", f'{HERON} alt="Before a heading"')}
Short.

## Below

{fence("A heron", f'{HERON} alt="Before a list"')}
Short.

- A list
- of two

## Followed by a note

{fence("A heron", f'{HERON} alt="Before a note"')}
Short.

!!! note "Beside"

    {MORE_TEXT}

## Followed by code

{fence("A heron", f'{HERON} alt="Before code"')}
Short.

```
code
```

## At the end of a note

!!! note "A picture"

    Text.

{fence("A heron", 'size=512x512 width=200 alt="Last"', indent="    ")}
!!! note "A figure"

    Text.

{fence("A heron", 'size=512x512 width=200 alt="Last figure" caption="A heron"', indent="    ")}
!!! note "An error"

    Text.

{fence("A mistake", "quality=hihg", indent="    ")}
## Rows

{fence("Two", 'size=512x512 n=2 pick=all alt="2"')}
{fence("Three", 'size=512x512 n=3 pick=all alt="3"')}
{fence("Four", 'size=512x512 n=4 pick=all alt="4" caption="Four"')}
{fence("Five", 'size=512x512 n=5 pick=all alt="5" caption="Five"')}
{fence("Two", 'size=512x512 n=2 pick=all alt="2 pairs" dark="at night"')}
{fence("Three", 'size=512x512 n=3 pick=all alt="3 pairs" dark="at night" link=original')}
{fence("Four", 'size=512x512 n=4 pick=all alt="4 pairs" dark="at night" link="page.md"')}
{fence("Five", 'size=512x512 n=5 pick=all alt="5 pairs" dark="at night" caption="Five"')}
{fence("Five", 'size=512x512 n=5 pick=all alt="5 narrow" width=150')}
{fence("Four", 'size=512x512 n=4 pick=all alt="4 on half" width=50%')}

## Shapes

{fence("A heron", 'size=512x512 alt="Cropped" width=300 height=100')}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def refuse(call: Call) -> Reply | None:
    if call.fields.get("prompt") != REFUSED:
        return None
    return Reply(status=400, body=error_body("Not this.", "moderation_blocked"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of pictures, made by the first build and found by the others."""
    return tmp_path_factory.mktemp("cache") / "genimage"


@pytest.fixture(scope="module")
def sites(
    browser: Browser, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], PageServer]]:
    """Gives the site with `PAGE` in a theme. Each is built once."""
    with ExitStack() as servers:

        @lru_cache
        def served(theme: str) -> PageServer:
            made = Site(
                tmp_path_factory.mktemp(theme),
                config={"theme": THEMES[theme], "markdown_extensions": EXTENSIONS},
                before=["search"],
            )
            made.write({"docs/index.md": "# Home\n", "docs/sub/page.md": PAGE})
            made.write({"docs/sub/surroundings.md": SURROUNDINGS})
            with ImagesServer(reply=refuse) as api:
                made.options = {
                    "base_url": api.base_url,
                    "api_key": "local",
                    "defaults": {"size": "1536x1024"},
                    "cache_dir": str(cache),
                }
                made.run(env=environment()).ended(warns=["'hihg'", "refused"])
            return servers.enter_context(PageServer(made.root / "site"))

        yield served


@pytest.fixture
def site(request: pytest.FixtureRequest, sites: Callable[[str], PageServer]) -> PageServer:
    return sites(request.param)


@pytest.fixture(scope="module")
def look(
    request: pytest.FixtureRequest, browser: Browser, sites: Callable[[str], PageServer]
) -> Iterator[Visit]:
    """`PAGE` in a theme and a window of one size, in light or dark."""
    theme, size, scheme = request.param
    with visit(browser, sites(theme), "sub/page/", SIZES[size], dark=scheme == "dark") as seen:
        yield seen


LOOKS = [
    (theme, size, scheme)
    for theme in THEMES
    for size in SIZES
    for scheme in (("light", "dark") if theme == "material" else ("light",))
]
in_all_looks = pytest.mark.parametrize("look", LOOKS, ids="-".join, indirect=True, scope="module")


@in_all_looks
def test_pictures_are_whole_and_keep_their_place(look: Visit) -> None:
    check_sound(look)
    assert len(look.pictures()) == 22


@in_all_looks
def test_widths(look: Visit) -> None:
    """A share is one of the text's width, and pixels are pixels where there is room."""
    for alt in ("Half", "Centred half", "Half with a caption", "Linked half"):
        picture = look.picture(alt)
        assert close(width(picture["box"]), width(picture["room"]) / 2), alt
    for alt in ("300", "Centred", "Linked"):
        assert close(width(look.picture(alt)["box"]), 300), alt
    plain = look.picture("Plain")
    assert close(width(plain["box"]), width(plain["room"]))
    for alt in ("Centred", "Centred half"):
        picture = look.picture(alt)
        assert close(middle(picture["box"]), middle(picture["room"])), alt


@in_all_looks
def test_text_stands_beside_floats_where_there_is_room(look: Visit) -> None:
    for alt in ("Left", "Right", "Left without a width"):
        picture = look.picture(alt)
        box, room, text = picture["box"], picture["room"], picture["next"]
        if look.is_phone:
            assert picture["float"] == "none", alt
            assert close(middle(box), middle(room)), alt
            assert text[1] >= box[3], alt
            continue
        side = alt.split()[0].lower()
        assert picture["float"] == side
        assert text[1] < box[3], f"{alt}: the text is below the picture"
        assert width(box) <= width(room) / 2, alt
        if side == "left":
            assert close(box[0], room[0])
            assert text[0] >= box[2] + 8, "text touches the picture"
        else:
            assert close(box[2], room[2])
            assert text[2] <= box[0] - 8, "text touches the picture"
            assert width(picture["caption"]) <= width(picture["outer"]) + 0.5
    if look.is_phone:  # one without a width of its own is as wide as the text
        picture = look.picture("Left without a width")
        assert close(width(picture["box"]), width(picture["room"]))


@in_all_looks
def test_takes_stand_side_by_side(look: Visit) -> None:
    takes = [picture for picture in look.pictures() if picture["alt"] == "Take"]
    assert len({picture["name"] for picture in takes}) == 3
    tops = {round(picture["box"][1]) for picture in takes}
    assert len(tops) == (3 if look.is_phone else 1)
    assert takes[0]["caption"][1] >= max(picture["box"][3] for picture in takes)


@in_all_looks
def test_captions_are_marked_up_and_readable(look: Visit) -> None:
    caption = look.page.locator("figcaption").first
    assert caption.locator("em").inner_text() == "before"
    assert caption.locator("a").get_attribute("href") == "#top"
    for number in range(look.page.locator("figcaption").count()):
        contrast = look.page.locator("figcaption").nth(number).evaluate(CONTRAST)
        assert contrast >= 4.5, "WCAG 2.2, 1.4.3"


@in_all_looks
def test_the_error_is_seen_where_the_picture_would_be(look: Visit) -> None:
    note = look.page.locator(".genimage-error")
    assert note.count() == 1
    note.scroll_into_view_if_needed()
    assert note.is_visible()
    assert "docs/sub/page.md:" in note.inner_text()
    assert "A picture with a mistake" not in look.page.locator("body").inner_text()
    assert note.evaluate(CONTRAST) >= 4.5


@in_all_looks
def test_the_placeholders_text_can_be_read(look: Visit) -> None:
    """With this machine's fonts: large enough, and within the picture."""
    (name,) = [p["name"] for p in look.pictures() if p["name"].startswith("placeholder-")]
    texts = look.page.evaluate(PLACEHOLDER_TEXTS, name)
    lines = [text for text in texts if text["text"] in REFUSED]
    assert " ".join(line["text"] for line in lines) == REFUSED
    assert all(line["size"] >= 11 for line in lines)
    assert all(text["inside"] for text in texts), texts


@in_all_looks
def test_links_are_reached_by_keyboard(look: Visit) -> None:
    """In the page's order, each with a ring round the whole picture."""
    look.page.locator(".genimage-error").evaluate("(note) => { note.tabIndex = -1; note.focus(); }")
    reached = []
    while len(reached) < 2:
        look.page.keyboard.press("Shift+Tab")
        reached.append(look.page.evaluate(FOCUSED))
    assert [(found["href"], found["alt"]) for found in reached] == [
        ("https://wiki.example/sea", "Linked half"),
        ("https://wiki.example/map", "Linked"),
    ]
    assert all(found["ring"] and found["slack"] < 2 for found in reached)


@pytest.mark.parametrize(
    "look",
    [("material", size, "light") for size in SIZES],
    ids="-".join,
    indirect=True,
    scope="module",
)
def test_a_closed_tab_shows_its_picture_when_opened(look: Visit) -> None:
    assert look.picture("In the open tab")["shown"]
    assert not look.picture("In the closed tab")["shown"]
    look.page.get_by_text("Two", exact=True).click()
    image = look.page.get_by_alt_text("In the closed tab")
    image.evaluate("async (image) => { image.scrollIntoView(); await image.decode(); }")
    opened = look.picture("In the closed tab")
    assert opened["natural"] == [1536, 1024]
    assert close(width(opened["box"]), width(opened["room"]))


# What stands round pictures


@pytest.fixture(scope="module")
def surroundings(
    request: pytest.FixtureRequest, browser: Browser, sites: Callable[[str], PageServer]
) -> Iterator[Visit]:
    """`SURROUNDINGS` in a theme and a window of one size, in light or dark."""
    theme, size, scheme = request.param
    path = "sub/surroundings/"
    with visit(browser, sites(theme), path, SIZES[size], dark=scheme == "dark") as seen:
        yield seen


in_all_surroundings = pytest.mark.parametrize(
    "surroundings", LOOKS, ids="-".join, indirect=True, scope="module"
)


def boxes(seen: Visit, selector: str) -> list[list[float]]:
    found: list[list[float]] = seen.page.evaluate(BOXES, selector)
    return found


@in_all_surroundings
def test_surroundings_are_sound(surroundings: Visit) -> None:
    check_sound(surroundings, cropped=("Cropped",))


@in_all_surroundings
def test_floats_end_where_what_they_stand_in_ends(surroundings: Visit) -> None:
    for alt in ("In a list", "In a definition", "In a quotation", "In a note"):
        picture = surroundings.picture(alt)
        assert picture["outer"][3] <= picture["room"][3] + 0.5, alt
        if not surroundings.is_phone:
            assert picture["next"][0] >= picture["box"][2] + 16, f"{alt}: the text touches it"


@in_all_surroundings
def test_what_follows_a_float_is_not_behind_it(surroundings: Visit) -> None:
    following = {
        "Before a heading": "#below",
        "Before a list": "#below ~ ul",
        "Before a note": "#followed-by-a-note ~ .admonition",
        "Before code": "#followed-by-code ~ :is(pre, .highlight)",
    }
    for alt, selector in following.items():
        box = surroundings.picture(alt)["box"]
        other = boxes(surroundings, selector)[0]
        is_below = other[1] >= box[3]
        assert is_below or other[0] >= box[2] + 8, alt
        assert is_below or alt != "Before a heading"


@in_all_surroundings
def test_no_surplus_at_the_end_of_a_note(surroundings: Visit) -> None:
    for alt in ("Last", "Last figure"):
        picture = surroundings.picture(alt)
        end = (picture["caption"] or picture["box"])[3]
        assert picture["room"][3] - end <= 15, alt
    (error,) = boxes(surroundings, ".genimage-error")
    (note,) = boxes(surroundings, ".admonition:has(.genimage-error)")
    assert note[3] - error[3] <= 18


@in_all_surroundings
def test_captions_in_pale_text_can_be_read(surroundings: Visit) -> None:
    captions = surroundings.page.locator(":is(blockquote, .footnote) figcaption")
    assert captions.count() == 2
    for number in range(captions.count()):
        assert captions.nth(number).evaluate(CONTRAST) >= 4.5, "WCAG 2.2, 1.4.3"


@in_all_surroundings
def test_rows_please_the_eye(surroundings: Visit) -> None:
    """Never one that is left over, and the last row in the middle."""
    if surroundings.is_phone:
        rows = {2: [2], 3: [1] * 3, 4: [2, 2], 5: [2, 2, 1]}
    else:
        is_wide = surroundings.page.locator(".col-md-9").count() > 0
        rows = {2: [2], 3: [3], 4: [4] if is_wide else [2, 2], 5: [3, 2]}
    shown = [one for one in surroundings.pictures() if one["shown"]]
    for count, expected in rows.items():
        for alt in (str(count), f"{count} pairs"):
            pictures = [one for one in shown if one["alt"] == alt]
            check_rows(pictures, expected)
            assert width(pictures[0]["box"]) >= 144, alt
    check_rows([one for one in shown if one["alt"] == "5 narrow"], [3, 2])
    half = [1] * 4 if surroundings.is_phone else [2, 2]
    check_rows([one for one in shown if one["alt"] == "4 on half"], half)


def check_rows(pictures: list[dict[str, Any]], expected: list[int]) -> None:
    rows: dict[int, list[list[float]]] = {}
    for picture in pictures:
        rows.setdefault(round(picture["box"][1]), []).append(picture["box"])
    assert [len(row) for row in rows.values()] == expected, pictures[0]["alt"]
    for row in rows.values():
        assert close((row[0][0] + row[-1][2]) / 2, middle(pictures[0]["outer"]))


@pytest.mark.parametrize("site", THEMES, indirect=True)
def test_surroundings_on_paper(browser: Browser, site: PageServer) -> None:
    """A heading goes with its picture, and what is cropped stays so. Chinese stands upright."""
    with visit(browser, site, "sub/surroundings/", DESKTOP) as seen:
        style = "(element, name) => getComputedStyle(element)[name]"
        seen.page.evaluate("document.documentElement.lang = 'zh'")
        caption = seen.page.locator("figcaption").first
        assert caption.evaluate(style, "fontStyle") == "normal"
        seen.page.emulate_media(media="print")
        heading = seen.page.locator("#below")
        assert heading.evaluate(style, "breakAfter") == "avoid"
        cropped = seen.page.get_by_alt_text("Cropped")
        assert cropped.evaluate(style, "objectFit") == "cover"


@pytest.mark.parametrize("site", THEMES, indirect=True)
def test_right_to_left(browser: Browser, site: PageServer) -> None:
    """`align` means sides of the page; what has none begins where lines begin."""
    with visit(browser, site, "sub/page/", DESKTOP) as seen:
        seen.page.evaluate("document.documentElement.dir = document.body.dir = 'rtl'")
        check_sound(seen)
        left, right = seen.picture("Left"), seen.picture("Right")
        assert close(left["box"][0], left["room"][0])
        assert close(right["box"][2], right["room"][2])
        half = seen.picture("Half")
        assert close(half["box"][2], half["room"][2])


@pytest.mark.parametrize("site", THEMES, indirect=True)
def test_on_paper(browser: Browser, site: PageServer) -> None:
    """No picture is higher than an A4 page on its side with margins of 15 mm, or distorted."""
    across, down = 1009, 680  # CSS pixels
    with visit(browser, site, "sub/page/", (across, down)) as seen:
        seen.page.emulate_media(media="print")
        pictures = seen.pictures()
        assert pictures
        for picture in pictures:
            content = picture["content"]
            assert content[3] - content[1] <= down, picture
            assert width(picture["box"]) <= width(picture["room"]) + 0.5, picture
        tall = seen.picture("Tall")["content"]
        assert close(width(tall) * 1.5, tall[3] - tall[1]), "the box is wider than the picture"
        # For browsers that cannot make it narrower.
        fits = seen.page.get_by_alt_text("Tall").evaluate("(i) => getComputedStyle(i).objectFit")
        assert fits == "contain"


@pytest.mark.parametrize("theme", THEMES)
def test_example_site(browser: Browser, cache: Path, tmp_path: Path, theme: str) -> None:
    """Its pages in each theme, with pictures: every other one on a phone in dark mode."""
    copy = tmp_path / "example_site"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("site", "genimage"))
    config = copy / "mkdocs.yml"
    text = config.read_text(encoding="utf-8")
    if theme != "material":
        own = yaml.safe_dump({"theme": THEMES[theme]})
        text = re.sub(r"^theme:\n(?: .*\n)+", own, text, flags=re.MULTILINE)
    text = text.replace("      model:", f"      cache_dir: {json.dumps(str(cache))}\n      model:")
    config.write_text(text, encoding="utf-8")
    with ImagesServer() as api:
        env = {"GENIMAGE_PROVIDER": "openai", "OPENAI_BASE_URL": api.base_url}
        Site(copy).run("--strict", env={**environment(), **env}, keep_config=True).ended()
    built = copy / "site"
    paths = [page.parent.relative_to(built).as_posix() for page in built.rglob("index.html")]
    assert len(paths) >= 9
    count = 0
    with PageServer(built) as server:
        for number, path in enumerate(sorted(paths)):
            on_phone = (number + len(theme)) % 2 == 0
            size = PHONE if on_phone else DESKTOP
            with visit(browser, server, f"{path}/", size, dark=on_phone) as seen:
                check_sound(seen)
                shown = {one["chosen"] for one in seen.pictures() if one["shown"]}
                assert shown <= set(seen.asked)
                if shown:
                    check_accessible(seen)
                count += len(shown)
    assert count >= 20


def test_requests_to_other_machines_are_stopped_and_told(browser: Browser, tmp_path: Path) -> None:
    page = (
        '<!doctype html><link rel="icon" href="data:,"><img src="http://elsewhere.invalid/x.png">'
    )
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    with PageServer(tmp_path) as server, visit(browser, server, "", PHONE) as seen:
        assert seen.errors[0] == "request to http://elsewhere.invalid/x.png"


@pytest.mark.parametrize("needed", [True, False])
def test_without_a_browser(monkeypatch: pytest.MonkeyPatch, needed: bool) -> None:
    """The tests above are skipped visibly; where a browser is needed they fail."""
    monkeypatch.setattr(browser_module.shutil, "which", lambda name: None)
    monkeypatch.setattr(browser_module, "_IS_NEEDED", needed)
    outcome = pytest.fail.Exception if needed else pytest.skip.Exception
    with pytest.raises(outcome, match="chromium"), chromium():
        pass
