#!/usr/bin/env python3
"""Measure what a page with four pictures of 1536x1024 weighs in a browser, with smaller files and without.

Makes a site in a temporary folder, runs an Images API on this machine, builds with `mkdocs build` in child
processes and opens the page in a headless Chromium, on a phone and on a desk. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import random
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from api_server import ImagesServer, Reply
from browser import FLAGS, PROGRAMS
from builds import build
from PIL import Image, ImageChops, ImageFilter
from playwright.sync_api import Browser, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api_call import Call

PICTURES = 4
SIZE = (1536, 1024)
VIEWS = ((390, 1), (390, 2), (390, 3), (1440, 1), (1440, 2))
"""CSS pixels of the window's width, and device pixels in each of them."""
SETTINGS: dict[str, str] = {
    "off": "",
    "widths": "      widths: [480, 960, 1440]\n",
    "webp": "      widths: [480, 960, 1440]\n      formats: [webp]\n",
    "avif": "      widths: [480, 960, 1440]\n      formats: [avif, webp]\n",
}
GOAL = 0.8
"""What `webp` is to save at a width of 390."""


@dataclass(frozen=True)
class Weight:
    """One page in one window: bytes of pictures as they went over the wire, and the files."""

    setting: str
    width: int
    scale: int
    image_bytes: int
    files: tuple[str, ...]


def painting(seed: int) -> bytes:
    """A PNG that compresses as painted pictures do: soft shapes, an uneven ground and a fine grain."""
    dice = random.Random(seed)
    ground = Image.merge("RGB", [_cloud(dice, 6, 110) for _ in range(3)])
    shapes = Image.merge("RGB", [_cloud(dice, 40, 90) for _ in range(3)])
    picture = Image.blend(ground, shapes, 0.5)
    grain = Image.merge("RGB", [_grain(dice) for _ in range(3)])
    picture = ImageChops.add(picture, grain, offset=-128)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _cloud(dice: random.Random, cells: int, spread: int) -> Image.Image:
    small = Image.new("L", (cells, cells * 2 // 3))
    count = small.width * small.height
    small.putdata([128 + dice.randint(-spread, spread) for _ in range(count)])
    return small.resize(SIZE, Image.Resampling.BICUBIC)


def _grain(dice: random.Random) -> Image.Image:
    noise = Image.frombytes("L", SIZE, dice.randbytes(SIZE[0] * SIZE[1]))
    return noise.filter(ImageFilter.GaussianBlur(0.7)).point(
        lambda level: 128 + (level - 128) // 10
    )


def write_site(folder: Path, base_url: str, setting: str) -> None:
    """A site of one page."""
    docs = folder / "docs"
    docs.mkdir(parents=True, exist_ok=True)
    blocks = "".join(
        f'```genimage size={SIZE[0]}x{SIZE[1]} alt="Picture {n}"\nPicture number {n}\n```\n\n'
        for n in range(PICTURES)
    )
    (docs / "index.md").write_text(f"# Pictures\n\n{blocks}", encoding="utf-8")
    (folder / "mkdocs.yml").write_text(
        "site_name: Weight\ntheme: {name: material, font: false}\nplugins:\n"
        f"  - genimage:\n      base_url: {base_url}\n{SETTINGS[setting]}",
        encoding="utf-8",
    )


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder over HTTP. Gives the address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def weigh(browser: Browser, url: str, setting: str, width: int, scale: int) -> Weight:
    """Open the page, scroll to its end, and count what its pictures took."""
    context = browser.new_context(
        viewport={"width": width, "height": 844}, device_scale_factor=scale
    )
    try:
        page = context.new_page()
        found: dict[str, int] = {}
        page.on(
            "requestfinished",
            lambda one: (
                found.update({one.url: one.sizes()["responseBodySize"]})
                if "/assets/genimage/" in one.url and not one.url.endswith(".css")
                else None
            ),
        )
        page.goto(url, wait_until="networkidle")
        for number in range(PICTURES):
            page.locator("img[alt^=Picture]").nth(number).scroll_into_view_if_needed()
        page.wait_for_function(
            "[...document.querySelectorAll('img[alt^=Picture]')].every((one) => one.complete)"
        )
        page.wait_for_load_state("networkidle")
        names = tuple(sorted(address.rpartition("/")[2] for address in found))
        return Weight(setting, width, scale, sum(found.values()), names)
    finally:
        context.close()


def measure(settings: list[str]) -> tuple[list[Weight], dict[str, float]]:
    """All views of all settings, and the seconds of the build that makes the smaller files."""
    import shutil

    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        sys.exit(f"No browser: none of {', '.join(PROGRAMS)} is on the PATH.")
    pictures = [painting(seed) for seed in range(PICTURES)]

    def reply(call: Call) -> Reply:
        return Reply(data=pictures[int(call.fields["prompt"].rpartition(" ")[2])])

    weights: list[Weight] = []
    seconds: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory() as temporary,
        ImagesServer(reply=reply) as api,
        sync_playwright() as playwright,
    ):
        folder = Path(temporary)
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        write_site(folder, api.base_url, "off")
        build(folder)  # the pictures are there from now on
        for setting in settings:
            write_site(folder, api.base_url, setting)
            first, second = build(folder), build(folder)
            seconds[setting] = first.wall - second.wall
            with served(folder / "site") as url:
                weights += [weigh(browser, url, setting, *view) for view in VIEWS]
        browser.close()
    return weights, seconds


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument(
        "--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS), metavar="NAME",
        help=f"of {', '.join(SETTINGS)}; 'off' is always measured",
    )  # fmt: skip
    options = arguments.parse_args()
    names = list(dict.fromkeys(["off", *options.settings]))
    weights, seconds = measure(names)
    if options.json:
        found: dict[str, Any] = {"weights": [asdict(one) for one in weights], "seconds": seconds}
        print(json.dumps(found))
        return
    by = {(one.setting, one.width, one.scale): one for one in weights}
    print(f"{PICTURES} pictures of {SIZE[0]}x{SIZE[1]}, kB over the wire:\n")
    print("| window | " + " | ".join(names) + " |")
    print("| --- |" + " ---: |" * len(names))
    for width, scale in VIEWS:
        before = by["off", width, scale].image_bytes
        cells = []
        for name in names:
            taken = by[name, width, scale].image_bytes
            less = f" (-{1 - taken / before:.0%})" if name != "off" else ""
            cells.append(f"{taken / 1000:,.0f}{less}")
        print(f"| {width} px, {scale}x | " + " | ".join(cells) + " |")
    made = ", ".join(f"{name} {seconds[name]:.1f} s" for name in names if name != "off")
    print(f"\nTo make the smaller files of {PICTURES} pictures: {made}.")
    if "webp" in names:
        least = min(
            1 - by["webp", width, scale].image_bytes / by["off", width, scale].image_bytes
            for width, scale in VIEWS
            if width == VIEWS[0][0]
        )
        verdict = "reached" if least >= GOAL else "NOT reached"
        print(
            f"With 'webp' at 390 px at least {least:.1%} less; the goal of {GOAL:.0%} is {verdict}."
        )


if __name__ == "__main__":
    main()
