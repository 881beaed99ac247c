"""The gallery in a real browser, opened as a file: on a phone and on a desk, by keyboard, on paper."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from api_server import ImagesServer
from browser import DESKTOP, PATIENCE_MS, PHONE, chromium
from gallery_site import COMPLAINTS, FOCUS, HOSTILE, make_harbour, refuse
from page_scripts import CONTRAST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

SIZES = {"phone": PHONE, "desktop": DESKTOP, "narrow": (320, 568)}
LINK = "a.frame"
PICTURES = 13
BLOCKS = 14

TEXTS = (
    ".summary, .kicker, .skip, fieldset span, fieldset b, h1, h2, h3, h4, dt, dd, .badge, .mark, figcaption, "
    ".problem, .empty p, .quiet, code, .copy, footer p, summary, .which, .at"
)


@dataclass
class Look:
    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def shown(self) -> list[str]:
        """The places of the blocks that are shown."""
        found: list[str] = self.page.evaluate(
            "[...document.querySelectorAll('.card:not([hidden]) h3')].map((h) => h.textContent)"
        )
        return found

    @property
    def is_open(self) -> bool:
        return bool(self.page.evaluate("document.querySelector('dialog').open"))

    @property
    def focus(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate(FOCUS)
        return found

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def too_wide(self) -> int:
        """CSS pixels by which the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@contextmanager
def opened(
    browser: Browser, path: Path, size: str = "desktop", *, dark: bool = False, **settings: Any
) -> Iterator[Look]:
    across, down = SIZES[size]
    context = browser.new_context(
        viewport={"width": across, "height": down},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        **settings,
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        look = Look(context.new_page())
        look.page.on("console", lambda m: look.errors.append(m.text))
        look.page.on("pageerror", lambda error: look.errors.append(str(error)))
        look.page.on("dialog", lambda dialog: (look.errors.append("alert"), dialog.dismiss()))
        look.page.on("request", lambda request: look.requests.append(request.url))
        look.page.goto(path.as_uri())
        yield look
    finally:
        context.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def gallery(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with ImagesServer(reply=refuse) as api:
        site = make_harbour(tmp_path_factory.mktemp("harbour"), api)
    return site.cache / ".gallery/gallery.html"


@pytest.fixture
def desk(browser: Browser, gallery: Path) -> Iterator[Look]:
    with opened(browser, gallery) as look:
        yield look
        assert not look.errors


@pytest.mark.parametrize(
    ("size", "dark"),
    [
        pytest.param(size, dark, id=f"{size}-{'dark' if dark else 'light'}")
        for size in SIZES
        for dark in ((False,) if size == "narrow" else (False, True))
    ],
)
def test_sound(browser: Browser, gallery: Path, size: str, dark: bool) -> None:
    with opened(browser, gallery, size, dark=dark) as look:
        page = look.page
        assert page.locator(LINK).count() == PICTURES
        loaded = "[...document.images].filter((i) => i.src && !i.naturalWidth).length"
        page.wait_for_function(f"!({loaded})")
        for state in ("cards", "overview", "large"):
            if state == "overview":
                page.get_by_label("Overview").check()
            elif state == "large":
                page.get_by_label("Overview").uncheck()
                page.locator(LINK).nth(1).click()
                assert look.is_open
                wide = "document.querySelector('dialog').scrollWidth - innerWidth"
                assert page.evaluate(wide) <= 0
            assert look.too_wide() <= 0, state
            assert page.evaluate(COMPLAINTS) == [], state
            weak = page.evaluate(
                f"(texts) => [...document.querySelectorAll(texts)].filter((e) => "
                f"e.checkVisibility() && ({CONTRAST})(e) < 4.5).map((e) => e.outerHTML)",
                TEXTS,
            )
            assert weak == [], state
        outside = [
            url
            for url in look.requests
            if not url.startswith(("data:", gallery.parent.parent.as_uri()))
        ]
        assert outside == []
        assert not look.errors


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_pictures_are_large_and_whole(browser: Browser, gallery: Path, size: str) -> None:
    with opened(browser, gallery, size) as look:
        boxes = look.page.evaluate(
            "[...document.querySelectorAll('.pictures:not(.several) a.frame img')].map((i) => "
            "[i.clientWidth, i.clientHeight, i.naturalWidth, i.naturalHeight])"
        )
        for across, down, natural_across, natural_down in boxes:
            assert across >= (340 if size == "phone" else 600)
            assert across / down == pytest.approx(natural_across / natural_down, rel=0.01)
        tops = look.page.evaluate(
            "[...document.querySelectorAll('.several .take')].map((t) => t.offsetTop)"
        )
        assert len(tops) == 4
        assert tops[0] == tops[1] < tops[2] == tops[3]


def test_by_keyboard(desk: Look) -> None:
    desk.press("Tab")
    assert desk.focus["name"] == "Skip to the pictures"
    desk.press("Enter", "Tab")
    assert "other" not in desk.focus["name"]
    names = [desk.page.locator(LINK).nth(n).get_attribute("aria-label") for n in range(PICTURES)]
    desk.page.locator(LINK).first.focus()
    for name in names[1:]:
        desk.press("ArrowRight")
        seen = desk.focus
        assert seen["name"] == name
        assert seen["ring"]
        assert seen["inside"]
        assert not seen["covered"], "WCAG 2.2, 2.4.11"
    desk.press("ArrowRight", "Home")
    assert desk.focus["name"] == names[0]
    desk.press("End", "ArrowLeft")
    assert desk.focus["name"] == names[-2]


def test_large_view_by_keyboard(desk: Look, gallery: Path) -> None:
    page = desk.page
    page.locator(LINK).first.focus()
    desk.press("Enter")
    assert desk.is_open
    assert desk.focus["ring"]
    dialog = page.get_by_role("dialog", name="docs/index.md:3")
    assert dialog.get_by_text("1 of 13").is_visible()
    image = dialog.locator(".stage img")
    for variant in (2, 3):
        desk.press("ArrowRight")
        assert dialog.locator(".which").inner_text().startswith(f"Variant {variant}")
    page.wait_for_function("document.querySelector('.stage img').src.startsWith('file:')")
    (third,) = gallery.parent.parent.glob("a-gull-*-3.png")
    assert image.get_attribute("src") == third.as_uri()
    assert image.evaluate("async (i) => { await i.decode(); return i.naturalWidth; }") == 1024
    assert dialog.get_by_role("link", name="Open the file").get_attribute("href") == third.as_uri()
    reached = set()
    for _ in range(12):  # the rest of the page is not reached from here
        desk.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('main') !== null"))
    assert reached == {False}
    desk.press("Escape")
    assert not desk.is_open
    assert desk.focus["name"] == "Enlarge variant 3: Four gulls"
    desk.press("Enter", "ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert dialog.count() == 0, "from the first it goes to the last"
    assert page.get_by_role("dialog").get_by_text("13 of 13").is_visible()


def test_large_view_by_mouse(browser: Browser, gallery: Path) -> None:
    with opened(browser, gallery, "phone") as look:
        look.page.get_by_role("link", name="Enlarge: A lighthouse").click()
        dialog = look.page.get_by_role("dialog")
        dialog.get_by_role("button", name="Next picture").click()
        assert dialog.get_by_role("heading", level=2).inner_text() == "docs/index.md:11"
        dialog.get_by_role("button", name="Previous picture").click()
        assert dialog.get_by_text("The *old* light").is_visible()
        # What had the focus goes away with the picture's words.
        dialog.locator("summary, h2 a").first.focus()
        look.press("ArrowRight", "ArrowRight")
        assert dialog.get_by_role("heading", level=2).inner_text() == "docs/index.md:15"
        dialog.get_by_role("button", name="Close").click()
        assert not look.is_open
        assert not look.errors


def test_a_copy_of_the_page_elsewhere(browser: Browser, gallery: Path, tmp_path: Path) -> None:
    """Shows its previews in the large view, too, and says so."""
    copy = tmp_path / "review.html"
    copy.write_bytes(gallery.read_bytes())
    with opened(browser, copy) as look:
        look.page.locator(LINK).first.click()
        look.page.get_by_text("the file is not in reach").wait_for()
        image = look.page.locator(".stage img")
        assert str(image.get_attribute("src")).startswith("data:")
        assert image.evaluate("(i) => i.clientWidth") > 600
        assert all("ERR_FILE_NOT_FOUND" in error for error in look.errors)


def test_filters(desk: Look) -> None:
    page = desk.page
    assert len(desk.shown) == BLOCKS
    for name, count in (("Ready", 9), ("Refused", 1), ("No alt text", 2), ("Variants", 1)):
        page.get_by_role("radio", name=f"{name} {count}").check(force=True)
        assert len(desk.shown) == count
        status = page.locator(".found").inner_text()
        assert status == f"{count} of {BLOCKS} blocks shown"
    page.get_by_role("radio", name="Variants 1").focus()
    desk.press("ArrowLeft")
    assert len(desk.shown) == 2, "the one before, by keyboard"


def test_search(desk: Look) -> None:
    page = desk.page
    desk.press("/")
    page.keyboard.type("GRAVEL tower")
    assert desk.shown == ["docs/index.md:11"]
    assert page.locator(".page:visible").count() == 1
    for words, place in (
        ("القط برتقالي", None),
        ("برتقالي", "docs/other/page.md:3"),
        ("港口苔", "docs/other/page.md:7"),
    ):
        page.get_by_role("searchbox").fill(words)
        assert desk.shown == ([place] if place else [])
    page.get_by_role("searchbox").fill("港口")
    assert len(desk.shown) == 4, "the page's title counts"
    page.get_by_role("searchbox").fill("[nothing(")
    assert desk.shown == []
    page.get_by_role("button", name="Show all").click()
    assert len(desk.shown) == BLOCKS
    assert page.get_by_role("searchbox").input_value() == ""


def test_hidden_pictures_are_left_out_of_the_large_view(desk: Look) -> None:
    desk.page.get_by_role("searchbox").fill("docs/other")
    desk.page.locator(f"{LINK}:visible").first.click()
    assert desk.page.get_by_text("1 of 4").is_visible()


@pytest.mark.parametrize("way", ["new", "old"])
def test_copy(browser: Browser, gallery: Path, way: str) -> None:
    with opened(browser, gallery) as look:
        page = look.page
        if way == "old":
            page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        variant = 3 if way == "new" else 4
        button = page.get_by_role("button", name=f"command that shows variant {variant}")
        button.click()
        page.get_by_text("Copied", exact=True).wait_for()
        assert page.locator("#said").inner_text() == f"Copied: {button.get_attribute('data-copy')}"
        page.get_by_role("searchbox").focus()
        look.press("Control+v")
        command = f"mkdocs-genimage pick docs/index.md:3 {variant}"
        assert page.get_by_role("searchbox").input_value() == command
        assert not look.errors


def test_hostile_texts(desk: Look) -> None:
    page = desk.page
    card = page.locator(".card", has_text="onerror=alert(1)").first
    assert card.locator(".prompt").first.text_content() == HOSTILE
    assert card.locator("img").count() == 1
    card.locator(LINK).click()
    assert page.locator("dialog .prompt").first.inner_text() == HOSTILE
    assert page.locator("dialog img").count() == 1
    assert page.title() == "Pictures of Test site"


def test_nothing_else_runs(browser: Browser, gallery: Path) -> None:
    """Even if something got past the template, the page's policy would stop it."""
    with opened(browser, gallery) as look:
        failed: list[str | None] = []
        look.page.on("requestfailed", lambda request: failed.append(request.failure))
        look.page.evaluate(
            """() => {
              document.body.insertAdjacentHTML("beforeend", "<img src='data:,' onerror='window.owned = 1'>");
              const script = document.createElement("script");
              script.textContent = "window.owned = 2";
              document.body.append(script);
              const image = new Image();
              image.src = "http://127.0.0.1:9/x.png";
            }"""
        )
        look.page.wait_for_timeout(100)
        assert look.page.evaluate("window.owned") is None
        assert any("script-src" in error for error in look.errors)
        assert any("img-src" in error for error in look.errors)
        assert failed == ["csp"]


def test_right_to_left(desk: Look) -> None:
    card = desk.page.locator(".card", has=desk.page.get_by_text("docs/other/page.md:3", exact=True))
    for part in (".prompt", ".alt"):
        assert card.locator(part).first.evaluate("(e) => getComputedStyle(e).direction") == "rtl"
    assert card.locator("h3").evaluate("(e) => getComputedStyle(e).direction") == "ltr"


def test_without_scripts(browser: Browser, gallery: Path) -> None:
    with opened(browser, gallery, java_script_enabled=False) as look:
        page = look.page
        assert page.locator(".card:visible").count() == BLOCKS
        assert page.locator(".tools, .copy").first.is_hidden()
        page.locator(LINK).first.click()
        page.wait_for_url("**/a-gull-*.png")


def test_on_paper(browser: Browser, gallery: Path) -> None:
    with opened(browser, gallery, dark=True) as look:
        page = look.page
        page.set_viewport_size({"width": 680, "height": 1009})
        page.emulate_media(media="print")
        assert look.too_wide() <= 0
        for hidden in (".tools", ".copy", "footer", "details"):
            assert page.locator(f"{hidden}:visible").count() == 0
        heights = page.evaluate(
            "[...document.querySelectorAll('.card')].map((c) => c.offsetHeight)"
        )
        assert len(heights) == BLOCKS
        assert max(heights) < 1009
        assert (
            page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        )
