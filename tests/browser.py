"""A headless Chromium and a server for built sites, for tests of what pages look like.

The server can hold pictures back, so that a test sees the page before and after they arrive.
"""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from page_scripts import LOAD_PICTURES, PICTURES, PLACES, SETTLED, WATCH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route

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


class PageServer:
    """Serves a folder on this machine. Use it as a context manager.

    pictures: while not set, requests for generated pictures wait.
    """

    def __init__(self, folder: Path) -> None:
        self.pictures = threading.Event()
        self.pictures.set()
        pictures = self.pictures

        class Handler(SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def __init__(self, *args: Any) -> None:
                super().__init__(*args, directory=str(folder))

            def do_GET(self) -> None:
                if "/assets/genimage/" in self.path and not self.path.endswith(".css"):
                    pictures.wait(PATIENCE_MS / 1000)
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
    moved: what changed its place when the pictures arrived.
    shift: the layout shift that the browser counted from then on.
    """

    page: Page
    size: tuple[int, int]
    errors: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    shift: float = 0.0

    @property
    def is_phone(self) -> bool:
        return self.size == PHONE

    def pictures(self) -> list[dict[str, Any]]:
        """What there is to know about each picture, in the order of the page."""
        found: list[dict[str, Any]] = self.page.evaluate(PICTURES)
        return found

    def picture(self, alt: str) -> dict[str, Any]:
        """The one picture with this alt text."""
        (found,) = [picture for picture in self.pictures() if picture["alt"] == alt]
        return found


@contextmanager
def visit(
    browser: Browser, server: PageServer, path: str, size: tuple[int, int], *, dark: bool = False
) -> Iterator[Visit]:
    """Open a page, let its pictures come only when all else is there, and wait for all of them."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",  # smooth scrolling would go on behind the measurements
        service_workers="block",
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

        context.route("**/*", guard)
        page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.add_init_script(WATCH)
        server.pictures.clear()
        page.goto(server.url + path, wait_until="domcontentloaded")
        page.evaluate(SETTLED)
        before = page.evaluate(PLACES)
        page.evaluate("window.shifts.length = 0")
        server.pictures.set()
        page.evaluate(LOAD_PICTURES)
        after = page.evaluate(PLACES)
        seen.moved = [
            f"{key}: {before[key]} -> {after[key]}" for key in before if before[key] != after[key]
        ]
        seen.shift = page.evaluate("window.shifts.reduce((sum, value) => sum + value, 0)")
        yield seen
    finally:
        context.close()
