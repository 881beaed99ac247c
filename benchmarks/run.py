#!/usr/bin/env python3
"""Measure builds: cold, warm, and against the same site with ordinary images.

Makes a site in a temporary folder, runs an Images API on this machine that answers after a set time,
and builds with `python -m mkdocs build -q` in child processes. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from builds import Api, Cost, build, imported
from lookups import measure as measure_lookups
from site_maker import Shape, write_genimage_site, write_plain_site

HEAVY = ("openai", "PIL", "httpx", "httpx2", "pydantic", "filelock")
"""Packages that a warm build has no use for."""
BOUND_FACTOR, BOUND_SECONDS = 1.05, 1.0
"""A cold build is to take at most so many times the ideal, and so many seconds: the plugin's start."""
MEMORY_GOAL = 300
"""MB that a cold build may take over the plain one's peak."""


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = arguments.add_argument
    add("--pages", type=int, default=50, metavar="N", help="pages of the site (default: 50)")
    add("--blocks", type=int, default=4, metavar="N", help="blocks on each page (default: 4)")
    add(
        "--latency",
        type=float,
        default=0.5,
        metavar="S",
        help="seconds before the API answers (default: 0.5)",
    )
    add(
        "--concurrency",
        type=int,
        default=8,
        metavar="N",
        help="the plugin's option: requests in flight at most (default: 8)",
    )
    add(
        "--repeat",
        type=int,
        default=5,
        metavar="N",
        help="plain and warm builds, by turns; the table has medians (default: 5)",
    )
    add("--theme", default="mkdocs", metavar="NAME", help="theme of the site (default: mkdocs)")
    add(
        "--size",
        type=_size,
        default=Shape.size,
        metavar="WxH",
        help=f"pixels of every picture (default: {Shape.size})",
    )
    add(
        "--noise",
        action="store_true",
        help="picture files as large as generated ones, 1.6 MB at the default size and 8.3 MB at "
        "3840x2160; else they are small",
    )
    add(
        "--deliver",
        choices=("b64", "url"),
        default="b64",
        help="pictures come in the answer, or by a download from an address in it (default: b64)",
    )
    add("--no-alt", action="store_true", help="blocks without an alt text of their own")
    add(
        "--cache",
        type=int,
        default=10_000,
        metavar="N",
        help="also time look-ups in a cache of so many images; 0 to leave that out (default: 10000)",
    )
    add("--json", action="store_true", help="print JSON in place of the table")
    return arguments


def _size(text: str) -> str:
    """A size as the command line has it.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not re.fullmatch(r"[1-9]\d{0,4}x[1-9]\d{0,4}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not like 3840x2160")
    return text


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Build all there is to build."""
    shape = Shape(options.pages, options.blocks, options.theme, not options.no_alt, options.size)
    ours, plain_site = folder / "genimage", folder / "plain"
    server = Api(options.latency, size=options.size, deliver=options.deliver, noise=options.noise)
    with server as api:
        write_genimage_site(ours, shape, api.base_url, options.concurrency)
        _tell("cold build")
        cold = build(ours)
        requests, in_flight = api.report()
        write_plain_site(plain_site, shape, ours / "genimage")
        plain: list[Cost] = []
        warm: list[Cost] = []
        for turn in range(options.repeat + 1):
            # The first turn only fills the disk cache and writes bytecode.
            _tell(f"plain and warm builds, {turn} of {options.repeat}" if turn else "trial builds")
            # By turns, and the other one first each time: a machine gets slower and faster.
            for sites, site in ((plain, plain_site), (warm, ours))[:: 1 if turn % 2 else -1]:
                cost = build(site)
                if turn:
                    sites.append(cost)
        loaded = imported(ours, *HEAVY)
        warm_requests, _ = api.report()
    plain_wall = median(cost.wall for cost in plain)
    waiting = math.ceil(shape.images / options.concurrency) * options.latency
    ideal = max(plain_wall, waiting)
    bound = BOUND_FACTOR * ideal + BOUND_SECONDS
    result = {
        "images": shape.images,
        "picture_bytes": _picture_bytes(ours / "genimage"),
        "plain": _medians(plain),
        "cold": asdict(cold) | {"requests": requests, "in_flight": in_flight},
        "warm": _medians(warm) | {"requests": warm_requests, "imported": loaded},
        "ideal": ideal,
        "cold_bound": bound,
        "cold_within_bound": cold.wall <= bound,
        "cold_memory_over_plain": cold.memory - median(cost.memory for cost in plain),
        "cold_to_ideal": cold.wall / ideal,
        "cold_to_sum": cold.wall / (plain_wall + waiting),
        "warm_to_plain_wall": median(w.wall / p.wall for w, p in zip(warm, plain, strict=True)),
        "warm_to_plain_cpu": median(w.cpu / p.cpu for w, p in zip(warm, plain, strict=True)),
    }
    if options.cache:
        _tell(f"look-ups among {options.cache:,} images")
        result["lookups"] = measure_lookups(options.cache)
    return result


def _picture_bytes(cache: Path) -> int:
    """The size of the pictures' files; all are the same."""
    return max((path.stat().st_size for path in cache.glob("*.png")), default=0)


def _medians(costs: list[Cost]) -> dict[str, float]:
    return {
        name: median(getattr(cost, name) for cost in costs) for name in ("wall", "cpu", "memory")
    }


def table(result: dict[str, Any], options: argparse.Namespace) -> str:
    """The result for people, as a Markdown table."""
    head = (
        f"{options.pages} pages x {options.blocks} blocks, latency {options.latency:g} s, "
        f"concurrency {options.concurrency}, theme {options.theme}, pictures of "
        f"{options.size} and {result['picture_bytes'] / 1e6:.2g} MB by {options.deliver}, "
        f"medians of {options.repeat}"
    )
    lines = [
        head,
        "",
        "| build | wall s | CPU s | peak MB | requests | in flight |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in ("plain", "cold", "warm"):
        cost = result[name]
        counts = (cost.get("requests", "-"), cost.get("in_flight", "-"))
        lines.append(
            f"| {name} | {cost['wall']:.2f} | {cost['cpu']:.2f} | {cost['memory']:.0f} | "
            f"{counts[0]} | {counts[1]} |"
        )
    cold = (
        f"cold: {result['cold']['wall']:.1f} s, bound {result['cold_bound']:.1f} s "
        f"({BOUND_FACTOR:g} x ideal + {BOUND_SECONDS:g} s)"
    )
    memory = result["cold_memory_over_plain"]
    lines += [
        f"| ideal cold | {result['ideal']:.2f} | | | {result['images']} | {options.concurrency} |",
        "",
        f"{cold}: {'kept' if result['cold_within_bound'] else 'NOT kept'}",
        f"cold / ideal: {result['cold_to_ideal']:.2f}",
        f"cold / (waiting + plain): {result['cold_to_sum']:.2f}",
        f"peak memory over plain: {memory:.0f} MB (goal: at most {MEMORY_GOAL})",
        f"warm / plain, wall: {result['warm_to_plain_wall']:.3f}",
        f"warm / plain, CPU: {result['warm_to_plain_cpu']:.3f}",
        f"heavy imports of a warm build: {', '.join(result['warm']['imported']) or 'none'}",
    ]
    if lookups := result.get("lookups"):
        lines.append(
            f"one look-up among {options.cache:,} images, CPU: {lookups['hit']:.0f} us if it is "
            f"there, {lookups['miss']:.0f} us if not; {lookups['first_miss'] / 1000:.1f} ms for the "
            "first that is not"
        )
    return "\n".join(lines)


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what} ...", end="", file=sys.stderr, flush=True)


def main() -> None:
    options = parser().parse_args()
    folder = Path(tempfile.mkdtemp(prefix="genimage-bench-"))
    try:
        result = measure(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
    print(json.dumps(result, indent=2) if options.json else table(result, options))


if __name__ == "__main__":
    main()
