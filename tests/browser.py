"""A headless Chromium and a server for built sites, for tests of what pages look like.

The server can hold pictures back, so that a test sees the page before and after they arrive.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
from page_scripts import (
    AXE,
    LOAD_PICTURES,
    MATERIAL_IS_DARK,
    PICTURES,
    PLACES,
    READ_TO_THE_END,
    SETTLED,
    SHIFTS,
    WATCH,
    WITHIN_VIEW,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, BrowserContext, Page, Request, Route

NEED_VARIABLE = "GENIMAGE_TESTS_NEED_BROWSER"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = (390, 844)
DESKTOP = (1440, 900)
PATIENCE_MS = 20_000
PICTURE_FOLDER = "/assets/genimage/"

# Nothing is fetched from elsewhere: no fonts, no highlighting from another server.
THEMES: dict[str, dict[str, Any]] = {
    "mkdocs": {"name": "mkdocs", "highlightjs": False},
    "readthedocs": {"name": "readthedocs", "highlightjs": False},
    "material": {
        "name": "material",
        "font": False,
        "palette": [
            {"media": "(prefers-color-scheme: light)", "scheme": "default"},
            {"media": "(prefers-color-scheme: dark)", "scheme": "slate"},
        ],
    },
}

# Read when the test session begins: the tests' own environment is emptied of such variables.
_IS_NEEDED = os.environ.get(NEED_VARIABLE) == "1"


@contextmanager
def chromium() -> Iterator[Browser]:
    """An installed Chromium; skips, or fails where one is needed, if there is none."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        message = f"no browser: none of {', '.join(PROGRAMS)} is on the PATH"
        if _IS_NEEDED:
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def picture_name(url: str) -> str:
    """The file name in the URL of a generated picture; empty for any other URL."""
    path = urlsplit(url).path
    return unquote(path.rpartition("/")[2]) if PICTURE_FOLDER in path and ".css" not in path else ""


class PageServer:
    """Serves a folder on this machine. Use it as a context manager.

    pictures: while not set, requests for generated pictures wait.
    delay: seconds that each of them takes at least.
    """

    def __init__(self, folder: Path) -> None:
        self.pictures = threading.Event()
        self.pictures.set()
        self.delay = 0.0
        server = self

        class Handler(SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def __init__(self, *args: Any) -> None:
                super().__init__(*args, directory=str(folder))

            def do_GET(self) -> None:
                if picture_name(self.path):
                    server.pictures.wait(PATIENCE_MS / 1000)
                    time.sleep(server.delay)
                try:
                    super().do_GET()
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/"

    def __enter__(self) -> PageServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.pictures.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@dataclass
class Visit:
    """One open page and what went wrong on it.

    errors: of the console and of scripts, and requests to other machines.
    asked: the pictures that were asked for, in order.
    asked_at_once: those of them that were before anybody scrolled.
    priority: the browser's own word for how soon a picture was wanted, by its name.
    moved: what changed its place when the pictures arrived.
    shift: the layout shift that the browser counted.
    shifted: what it counted it for.
    """

    page: Page
    size: tuple[int, int]
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    asked_at_once: list[str] = field(default_factory=list)
    priority: dict[str, str] = field(default_factory=dict)
    moved: list[str] = field(default_factory=list)
    shift: float = 0.0
    shifted: list[str] = field(default_factory=list)

    @property
    def is_phone(self) -> bool:
        return self.size == PHONE

    def pictures(self) -> list[dict[str, Any]]:
        """What there is to know about each picture, in the order of the page."""
        found: list[dict[str, Any]] = self.page.evaluate(PICTURES)
        return found

    def picture(self, alt: str) -> dict[str, Any]:
        """The one picture with this alt text that is shown, or that there is."""
        found = [picture for picture in self.pictures() if picture["alt"] == alt]
        (picture,) = [one for one in found if one["shown"]] or found
        return picture

    def count_shifts(self) -> None:
        """Ask the browser which layout shifts there were."""
        shifts = self.page.evaluate(SHIFTS)
        self.shift = sum(value for value, _ in shifts)
        self.shifted = [f"{value:.4f} {what}" for value, what in shifts]


@contextmanager
def visit(
    browser: Browser,
    server: PageServer,
    path: str,
    size: tuple[int, int],
    *,
    dark: bool = False,
    **context: Any,
) -> Iterator[Visit]:
    """Open a page, let its pictures come only when all else is there, and wait for all of them.

    Args:
        browser: the browser.
        server: has the page.
        path: the page's.
        size: of the window.
        dark: what the reader's system prefers.
        context: goes to the browser's context, as `forced_colors` does.
    """
    with _opened(browser, size, dark, context) as seen:
        page = seen.page
        server.pictures.clear()
        page.goto(server.url + path, wait_until="domcontentloaded")
        page.evaluate(SETTLED)
        before = page.evaluate(PLACES)
        page.evaluate("window.shifts.length = 0")
        server.pictures.set()
        page.evaluate(LOAD_PICTURES)
        after = page.evaluate(PLACES)
        seen.moved = [
            f"{key}: {before[key]} -> {after[key]}"
            for key in before
            # A smaller file has whole pixels, so its shape is a trace different.
            if any(abs(old - new) > 0.5 for old, new in zip(before[key], after[key], strict=True))
        ]
        seen.count_shifts()
        yield seen


@contextmanager
def reading(
    browser: Browser,
    server: PageServer,
    path: str,
    size: tuple[int, int],
    *,
    dark: bool = False,
    **context: Any,
) -> Iterator[Visit]:
    """Open a page as a reader does, who scrolls to its end while the pictures come late.

    Args:
        browser: the browser.
        server: has the page.
        path: the page's.
        size: of the window.
        dark: what the reader's system prefers.
        context: goes to the browser's context, as `device_scale_factor` does.
    """
    with _opened(browser, size, dark, context) as seen:
        page = seen.page
        server.delay = 0.1
        server.pictures.clear()
        try:
            page.goto(server.url + path, wait_until="domcontentloaded")
            page.evaluate(SETTLED)
            # What a theme's own fonts and scripts move is its own affair.
            page.evaluate("window.shifts.length = 0")
            server.pictures.set()
            page.evaluate(WITHIN_VIEW)
            seen.asked_at_once = list(seen.asked)
            page.evaluate(READ_TO_THE_END)
        finally:
            server.pictures.set()
            server.delay = 0.0
        seen.count_shifts()
        yield seen


@contextmanager
def _opened(
    browser: Browser, size: tuple[int, int], dark: bool, options: dict[str, Any]
) -> Iterator[Visit]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",  # smooth scrolling would go on behind the measurements
        service_workers="block",
        **options,
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        page = context.new_page()
        seen = Visit(page, size)

        def guard(route: Route) -> None:
            if urlsplit(route.request.url).hostname == "127.0.0.1":
                route.continue_()
            else:
                seen.errors.append(f"request to {route.request.url}")
                route.abort()

        def note(request: Request) -> None:
            name = picture_name(request.url)
            if name:
                seen.asked.append(name)

        context.route("**/*", guard)
        page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("request", note)
        page.add_init_script(WATCH)
        if dark:
            page.add_init_script(MATERIAL_IS_DARK)
        _note_priorities(context, seen)
        yield seen
    finally:
        context.close()


def _note_priorities(context: BrowserContext, seen: Visit) -> None:
    session = context.new_cdp_session(seen.page)

    def note(event: dict[str, Any]) -> None:
        name = picture_name(event["request"]["url"])
        if name:
            seen.priority.setdefault(name, event["request"]["initialPriority"])

    session.on("Network.requestWillBeSent", note)
    session.send("Network.enable")


def environment() -> dict[str, str]:
    """For builds: nothing that would change what mkdocs.yml says."""
    dropped = ("OPENAI_", "GENIMAGE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {
        name: value for name, value in os.environ.items() if not name.upper().startswith(dropped)
    }


def close(left: float, right: float, tolerance: float = 1.0) -> bool:
    return abs(left - right) <= tolerance


def width(box: list[float]) -> float:
    return box[2] - box[0]


def middle(box: list[float]) -> float:
    return (box[0] + box[2]) / 2


def check_sound(seen: Visit, cropped: Sequence[str] = ()) -> None:
    """What holds for every page of every site.

    Args:
        seen: the page.
        cropped: alt texts of pictures that have a shape of their own there.
    """
    assert not seen.errors
    assert not seen.moved, f"{seen.page.url}: pictures moved {seen.moved}"
    assert seen.shift == 0, seen.shifted
    for picture in seen.pictures():
        if not picture["shown"]:
            continue
        box, content, room = picture["box"], picture["content"], picture["room"]
        across, down = picture["natural"]
        assert across > 0, f"not loaded: {picture}"
        shape = width(content) / (content[3] - content[1])
        tolerance = 0.01 + 0.5 / min(across, down)  # They are whole pixels.
        is_whole = close(shape, across / down, tolerance * across / down)
        assert is_whole or picture["alt"] in cropped, f"distorted: {picture}"
        assert width(box) >= 40, f"too small to see: {picture}"
        assert box[0] >= room[0] - 0.5, f"sticks out: {picture}"
        assert box[2] <= room[2] + 0.5, f"sticks out: {picture}"
        if picture["caption"]:
            assert picture["caption"][1] >= box[3] - 1, f"caption beside or above: {picture}"
            assert close(middle(picture["caption"]), middle(picture["outer"]))
            if picture["alone"]:
                assert close(middle(picture["caption"]), middle(box)), picture
    wide = seen.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "the page is wider than the window"


def check_accessible(seen: Visit) -> None:
    """No rule of axe-core is broken in a figure."""
    import axe_playwright_python

    if not seen.page.evaluate("typeof axe === 'object'"):
        script = Path(axe_playwright_python.__file__).with_name("axe.min.js")
        seen.page.evaluate(script.read_text(encoding="utf-8"))
    result = seen.page.evaluate(AXE)
    assert result["passes"] > 0
    assert result["violations"] == [], seen.page.url
