"""Several builds at once, and builds that were killed: each image is paid for once, or named."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from api_server import ImagesServer
from sites import Site, fence

from mkdocs_genimage.journal import Journal

COUNT = 20


def text(count: int = COUNT) -> str:
    return "# Home\n\n" + "\n".join(
        fence(f"Fox number {number}", "alt=x size=64x48") for number in range(count)
    )


@pytest.fixture
def gallery(site: Site) -> Site:
    site.use_bare_theme()
    site.options |= {"max_images": 0, "concurrency": 4}
    site.write({"docs/index.md": text()})
    site.write_config()
    return site


def start(site: Site, env: dict[str, str], number: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "mkdocs", "build", "-d", str(site.root / f"site{number}")],
        cwd=site.root,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_simultaneous_builds_pay_once(
    gallery: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    api.latency = 0.2
    builds = [start(gallery, child_env, number) for number in range(8)]
    outputs = [build.communicate(timeout=120)[0] for build in builds]
    assert [build.returncode for build in builds] == [0] * 8, outputs
    assert len(api.posts) == COUNT
    pages = {(gallery.root / f"site{number}/index.html").read_text() for number in range(8)}
    assert len(pages) == 1
    assert "placeholder" not in pages.pop()
    assert not list((gallery.cache / ".journal").glob("*.lock"))


def test_killed_build_is_named_by_the_next(
    gallery: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    api.latency = 1.5
    build = start(gallery, child_env, 0)
    entries = gallery.cache / ".journal"
    deadline = time.monotonic() + 60
    while len(list(entries.glob("*.json"))) < 4 or len(api.calls) < 4:
        assert time.monotonic() < deadline
        assert build.poll() is None
        time.sleep(0.02)
    build.kill()
    build.communicate()
    in_flight = len(list(entries.glob("*.json")))
    assert 1 <= in_flight <= 4
    api.latency = 0
    built = gallery.build(strict=True)
    named = [line for line in built.messages(20) if "may have been billed" in line]
    assert len(named) == in_flight
    assert all("docs/index.md:" in line for line in named)
    assert not list(entries.glob("*.json"))
    assert len(api.posts) <= COUNT + in_flight
    assert "may have been billed" not in gallery.build(strict=True).output


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
def test_sigterm_keeps_what_is_in_flight(
    gallery: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    api.latency = 1.0
    build = start(gallery, child_env, 0)
    deadline = time.monotonic() + 60
    while len(api.calls) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    build.send_signal(signal.SIGTERM)
    output = build.communicate(timeout=60)[0]
    assert build.returncode == 128 + signal.SIGTERM
    assert "paid for already" in output
    assert len(api.posts) == 4
    assert len(gallery.cached(".png")) == len(gallery.cached(".json")) == 4


def test_ledger_has_a_line_for_each_paid_request(gallery: Site, api: ImagesServer) -> None:
    gallery.options["pricing"] = {"per_image": 0.05}
    gallery.write({"docs/index.md": text(3)})
    built = gallery.build(strict=True)
    assert "3 images: 0 from the cache, 3 generated, 0 failed, $0.15 spent" in built.output
    lines = (gallery.cache / ".journal/ledger.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert sorted(entry["place"] for entry in entries) == [
        "docs/index.md:11",
        "docs/index.md:3",
        "docs/index.md:7",
    ]
    for entry in entries:
        assert (entry["outcome"], entry["cost"], entry["images"]) == ("made", 0.05, 1)
        assert entry["request_id"]
        assert entry["usage"]
    again = gallery.build(strict=True)
    assert "spent" not in again.output
    assert len((gallery.cache / ".journal/ledger.jsonl").read_text().splitlines()) == 3


def test_git_ignores_the_journal(gallery: Site, api: ImagesServer) -> None:
    gallery.write({"docs/index.md": text(1)})
    gallery.build(strict=True)
    assert (gallery.cache / ".journal/.gitignore").read_text() == "*\n"


def test_many_writers_of_one_ledger(tmp_path) -> None:
    script = (
        "import sys; from pathlib import Path; from mkdocs_genimage.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]), 1)\n"
        "for number in range(200): journal.record({'number': number, 'text': 'x' * 300})\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    lines = (tmp_path / ".journal/ledger.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["number"] for line in lines) == sorted(list(range(200)) * 4)


def test_lock_of_a_dead_process_does_not_block(tmp_path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from mkdocs_genimage.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]), 1)\n"
        "with journal.hold('fox'):\n"
        "    print('held', flush=True); os.kill(os.getpid(), 9)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert child.stdout == "held\n"
    with Journal(tmp_path, 0.5).hold("fox"):
        pass
