"""Builds killed at any moment: the next build pays again only for what was in flight, and says so.

The long form (`python3 dev.py long`) kills at many more moments. It draws them from a seed, which stands
in the name of each test; `GENIMAGE_SEED` brings the same ones again, as far as a machine repeats itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import pytest
from pictures import picture
from sites import Build, Site, differences, fence

from mkdocs_genimage.request import KEY_CHARS_IN_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from api_server import ImagesServer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

LONG = bool(os.environ.get("GENIMAGE_LONG"))
SEED = os.environ.get("GENIMAGE_SEED") or (secrets.token_hex(4) if LONG else "short")
MOMENTS = 50 if LONG else 4
CONCURRENCY = 8
LATENCY = (0.1, 0.2)
START = 1.5
"""About as many seconds pass before the first request: imports, most of all."""
SIZE = "160x120"


@dataclass
class Gallery:
    """A site with pictures on several pages, of which each prompt's place is known."""

    site: Site
    api: ImagesServer
    places: dict[str, str] = field(default_factory=dict)

    def write(self, pages: int, blocks: int) -> None:
        self.site.use_bare_theme()
        for page in range(pages):
            lines = [f"# Page {page}", ""]
            for block in range(blocks):
                prompt = f"A fox {page} of {block}"
                self.places[prompt] = f"docs/page{page}.md:{len(lines) + 1}"
                lines += fence(prompt, f"alt=x size={SIZE}").splitlines()
                lines.append("")
            self.site.write({f"docs/page{page}.md": "\n".join(lines)})

    def asked(self) -> list[str]:
        """The prompts of all whole requests. A killed client may have sent half of one."""
        return [call.fields["prompt"] for call in self.api.posts if call.fields]

    def answered(self) -> int:
        return sum(call.outcome.startswith("answered") for call in self.api.posts)

    def settle(self) -> None:
        """Wait until the server has done with a killed client."""
        quiet, deadline = 0, time.monotonic() + 30
        while quiet < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
            is_busy = any(call.fields and not call.outcome for call in self.api.posts)
            quiet = 0 if is_busy else quiet + 1

    def pictures(self) -> set[str]:
        """Stems of the pictures in the cache, with a sidecar or without."""
        names = self.site.cached(".png")
        return {name.removesuffix(".png") for name in names if not name.startswith(".")}

    def entries(self) -> set[str]:
        """Names of the requests that the journal calls under way. One may be half written."""
        found = set()
        for path in (self.site.cache / ".journal").glob("*.json"):
            try:
                json.loads(path.read_bytes())
            except ValueError:
                continue
            found.add(path.stem)
        return found

    def saved(self) -> dict[str, bytes]:
        """The answers in the journal that were not stored yet. One without its name may be half written."""
        return {
            path.name: path.read_bytes() for path in (self.site.cache / ".journal").glob("*.raw")
        }

    def stored(self) -> dict[str, str]:
        """Prompt to stem of each picture, after a look at every file."""
        found = {}
        for name in self.site.cached(".json"):
            stem = name.removesuffix(".json")
            sidecar = json.loads((self.site.cache / name).read_bytes())
            data = (self.site.cache / f"{stem}.png").read_bytes()
            assert hashlib.sha256(data).hexdigest() == sidecar["sha256"], name
            assert len(data) == sidecar["bytes"], name
            assert data == picture(f"{sidecar['prompt']}#0", SIZE), "not what the server sent"
            assert sidecar["key"].startswith(stem[-KEY_CHARS_IN_NAME:])
            found[sidecar["prompt"]] = stem
        return found


@pytest.fixture
def gallery(site: Site, api: ImagesServer) -> Gallery:
    return Gallery(site, api)


def check_next_builds(gallery: Gallery, most_lost: int) -> str:
    """Build to the end after a kill, and once more.

    Args:
        gallery: the site, after the kill.
        most_lost: how many pictures may be asked for a second time.

    Returns:
        What was found, as a line to print.
    """
    first = gallery.asked()
    assert len(set(first)) == len(first), "one build asked twice"
    kept, entries, saved = gallery.pictures(), gallery.entries(), gallery.saved()
    # The next build comes later. A file that is being written this very moment is somebody's.
    for path in gallery.site.cache.rglob("*.tmp"):
        os.utime(path, (time.time() - 86_400,) * 2)
    gallery.api.latency = 0.01

    built = gallery.site.build(strict=True)

    again = gallery.asked()[len(first) :]
    stems = gallery.stored()
    assert stems.keys() == gallery.places.keys()
    rescued = {prompt for prompt, stem in stems.items() if is_whole(prompt, stem, saved)}
    missing = [p for p in gallery.places if stems[p] not in kept and p not in rescued]
    assert sorted(again) == sorted(missing), "what was there is asked for, or a picture twice"
    twice = set(first) & set(again)
    assert len(twice) <= most_lost
    begun = {prompt for prompt in again if stems[prompt][-KEY_CHARS_IN_NAME:] in entries}
    assert named(built) == {gallery.places[prompt] for prompt in begun}
    assert twice <= begun, "a request that may have been paid for is not named"
    assert len(begun) <= most_lost
    check_is_whole(gallery, built)

    third = gallery.site.build(strict=True)

    assert len(gallery.asked()) == len(first) + len(again), "the third build sent a request"
    assert named(third) == set()
    assert differences(built.files(), third.files()) == []
    check_is_whole(gallery, third)
    rescues = len([prompt for prompt in rescued if stems[prompt] not in kept])
    return (
        f"{len(first)} asked, {len(kept)} kept, {rescues} rescued, {len(twice)} asked again, "
        f"{len(begun)} named"
    )


def is_whole(prompt: str, stem: str, saved: dict[str, bytes]) -> bool:
    """Whether the answer to a prompt was saved to its last byte."""
    data = picture(f"{prompt}#0", SIZE)
    return any(stem[-KEY_CHARS_IN_NAME:] in name and data == kept for name, kept in saved.items())


def named(built: Build) -> set[str]:
    """The places of which a build says that an earlier one asked for their picture."""
    pattern = re.compile(
        r"(docs/\S+:\d+): an earlier build asked for this picture .*may have been billed"
    )
    return {found[1] for text in built.messages(20) if (found := pattern.match(text))}


def check_is_whole(gallery: Gallery, built: Build) -> None:
    """Every picture is in the cache and on its page, and nothing else lies about."""
    cache = gallery.site.cache
    stems = gallery.stored()
    assert gallery.site.cached() == sorted(
        f"{s}{e}" for s in stems.values() for e in (".png", ".json")
    )
    assert [*cache.rglob("*.tmp"), *cache.glob(".journal/*.json")] == []
    assert gallery.saved() == {}
    shown = set()
    for page in {place.split("/")[1].split(".")[0] for place in gallery.places.values()}:
        for image in built.images(f"{page}/index.html"):
            path = (built.site_dir / page / image["src"]).resolve()
            shown.add(path.stem)
            assert path.read_bytes() == (cache / path.name).read_bytes()
    assert shown == set(stems.values())


# --- At a moment of chance ---


@dataclass(frozen=True)
class Moment:
    """When a build is killed: so many answers after its start, and so many seconds after that."""

    answers: int
    seconds: float

    @classmethod
    def draw(cls, number: int, pictures: int) -> Moment:
        """The moments of all numbers are spread over the whole build.

        A tenth of them lies before the first request and a tenth behind the last answer. Half of the
        others come right after an answer, while that is being stored.
        """
        chance = Random(f"{SEED}/{number}")
        share = (number + chance.random()) / MOMENTS
        if share < 0.1:
            return cls(0, chance.uniform(0, START))
        if share > 0.9:
            return cls(pictures, chance.uniform(0, 0.3))
        place = 1 + int((share - 0.1) / 0.8 * (pictures - 1))
        return cls(place, chance.uniform(0, chance.choice([0.02, LATENCY[1]])))


@pytest.mark.parametrize("number", range(MOMENTS), ids=lambda number: f"{SEED}-{number}")
def test_kill_at_any_moment(
    number: int, gallery: Gallery, child_env: dict[str, str], tmp_path: Path
) -> None:
    gallery.write(pages=8, blocks=5)
    gallery.site.options |= {"concurrency": CONCURRENCY}
    chance = Random(f"{SEED}/{number}/latency")
    gallery.api.latency = lambda _: chance.uniform(*LATENCY)
    moment = Moment.draw(number, len(gallery.places))
    log = tmp_path / "log.txt"

    process = gallery.site.start("build", env=child_env, log=log)
    deadline = time.monotonic() + 120
    while gallery.answered() < moment.answers and process.poll() is None:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.001)
    time.sleep(moment.seconds)
    process.kill()
    status = process.wait(30)
    assert status in (0, -9), log.read_text()
    gallery.settle()

    assert gallery.api.max_in_flight <= CONCURRENCY
    # The pictures that are asked for, and as many whose answers are being stored.
    found = check_next_builds(gallery, most_lost=2 * CONCURRENCY if status else 0)
    print(f"killed {moment.seconds:.3f} s after answer {moment.answers}: {found}", end=" ")


# --- At an exact point ---

HOOK = """
import os, re, signal, sys

POINT, NUMBER, CACHE = {point!r}, {number!r}, {cache!r}
seen = 0

def watch(event, arguments):
    global seen
    if event not in ("open", "os.rename", "os.remove", "os.mkdir", "os.chmod"):
        return
    path = str(arguments[1] if event == "os.rename" else arguments[0])
    if path.startswith(CACHE) and re.search(POINT, f"{{event}} {{path}}"):
        seen += 1
        if seen == NUMBER:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
"""
"""Kills its process where that is about to do something in the cache's folder for the nth time."""


def kill_at(gallery: Gallery, env: dict[str, str], point: str, number: int) -> int:
    """Build until something is done in the cache. Returns the exit status."""
    cache = os.fspath(gallery.site.cache)
    gallery.site.write({"hook.py": HOOK.format(point=point, number=number, cache=cache)})
    gallery.site.config["hooks"] = ["hook.py"]
    ended = gallery.site.run(env=env)
    assert ended.status in (0, -9), ended.output
    del gallery.site.config["hooks"]
    gallery.settle()
    return ended.status


def torn(gallery: Gallery) -> list[str]:
    return [name for name in gallery.site.cached(".tmp") if name.startswith(".")]


def without_sidecar(gallery: Gallery) -> set[str]:
    return gallery.pictures() - {n.removesuffix(".json") for n in gallery.site.cached(".json")}


def stored_and_open(gallery: Gallery) -> set[str]:
    return {stem[-KEY_CHARS_IN_NAME:] for stem in gallery.pictures()} & gallery.entries()


@pytest.mark.parametrize(
    ("point", "number", "state"),
    [
        (r"os.rename .*/a-fox-[^/]*\.png", 2, torn),
        (r"os.rename .*/a-fox-[^/]*\.json", 2, without_sidecar),
        (r"os.remove .*/\.journal/\w+\.json", 2, stored_and_open),
    ],
    ids=["picture not in place", "no sidecar", "journal not ended"],
)
def test_kill_at_a_known_point(
    point: str,
    number: int,
    state: Callable[[Gallery], Collection[str]],
    gallery: Gallery,
    child_env: dict[str, str],
) -> None:
    """What a kill between two writes leaves behind; few moments of chance meet that."""
    gallery.write(pages=1, blocks=3)
    gallery.site.options |= {"concurrency": 1}
    assert kill_at(gallery, child_env, point, number) == -9
    assert state(gallery)
    check_next_builds(gallery, most_lost=2)


@pytest.mark.skipif(not LONG, reason="part of the long form")
def test_kill_at_every_point(tmp_path: Path, api: ImagesServer, child_env: dict[str, str]) -> None:
    """Before each file of the cache that is opened, renamed or removed, one after another."""
    number, status = 0, -9
    while status:
        number += 1
        folder = tmp_path / str(number)
        api.calls.clear()
        gallery = Gallery(Site(folder, options={"base_url": api.base_url, "concurrency": 1}), api)
        gallery.write(pages=1, blocks=3)
        status = kill_at(gallery, child_env, "", number)
        found = check_next_builds(gallery, most_lost=2 if status else 0)
        print(f"\npoint {number}: {found}", end=" ")
        shutil.rmtree(folder)
    assert number > 30, "three pictures with their sidecars, locks and entries"
