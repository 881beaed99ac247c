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
        yield browser
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
    errors: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    shift: float = 0.0

    def pictures(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate(PICTURES)
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
    page = context.new_page()
    seen = Visit(page)

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
    seen.moved = [f"{key}: {before[key]} -> {after[key]}" for key in before if before[key] != after[key]]
    seen.shift = page.evaluate("window.shifts.reduce((sum, value) => sum + value, 0)")
    yield seen
    context.close()


WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""

# All but the pictures: style sheets, fonts, and what scripts do to the page in two frames.
SETTLED = """
async () => {
  if (document.readyState === "loading")
    await new Promise((done) => addEventListener("DOMContentLoaded", done));
  const sheets = [...document.querySelectorAll('link[rel="stylesheet"]')];
  await Promise.all(sheets.map((sheet) => sheet.sheet || new Promise((done) => {
    sheet.addEventListener("load", done);
    sheet.addEventListener("error", done);
  })));
  await document.fonts.ready;
  for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
}
"""

# Where every element of the content is on the page, to the pixel.
PLACES = """
() => {
  const places = {};
  const all = document.querySelectorAll(".genimage, .genimage *, h1, h2, h3, p, li, pre, table, footer");
  [...all].forEach((element, number) => {
    const box = element.getBoundingClientRect();
    const name = `${number} ${element.tagName.toLowerCase()}.${element.className}`;
    places[name] = [box.left + scrollX, box.top + scrollY, box.width, box.height].map(Math.round).join(" ");
  });
  return places;
}
"""

# Lazy ones are asked for when they come near, so each is brought into view.
LOAD_PICTURES = """
async () => {
  for (const image of document.querySelectorAll(".genimage img")) {
    if (!image.getClientRects().length) continue;  // in a tab that is not open
    image.scrollIntoView();
    while (!image.complete) await new Promise((done) => setTimeout(done, 10));
    await image.decode().catch(() => {});
  }
  scrollTo(0, 0);
  for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
}
"""

PICTURES = """
() => [...document.querySelectorAll(".genimage img")].map((image) => {
  const box = image.getBoundingClientRect();
  const outer = image.closest(".genimage");
  const container = outer.parentElement;
  const style = getComputedStyle(container);
  const inner = container.getBoundingClientRect();
  return {
    name: decodeURIComponent(image.src.split("/").pop()),
    alt: image.alt,
    natural: [image.naturalWidth, image.naturalHeight],
    left: box.left, right: box.right, top: box.top + scrollY, bottom: box.bottom + scrollY,
    width: box.width, height: box.height,
    shown: image.getClientRects().length > 0,
    outer: outer.getBoundingClientRect().width,
    float: getComputedStyle(outer).float,
    container: [
      inner.left + parseFloat(style.paddingLeft) + parseFloat(style.borderLeftWidth),
      inner.right - parseFloat(style.paddingRight) - parseFloat(style.borderRightWidth),
    ],
  };
})
"""
