"""Builds that end before their time: what was paid for is kept, and nothing more is sent."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from api_server import ImagesServer, Reply
from mkdocs.plugins import BasePlugin
from sites import Run, Site, fence

from mkdocs_genimage.formats import EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import Popen

posix_only = pytest.mark.skipif(os.name == "nt", reason="signals are another matter there")

COUNT = 24
CONCURRENCY = 4


@pytest.fixture
def gallery(site: Site, api: ImagesServer) -> Site:
    """Twenty-four pictures on six pages, answered in 0.3 s each."""
    site.use_bare_theme()
    site.options["concurrency"] = CONCURRENCY
    for page in range(6):
        blocks = [fence(f"A fox {page} of {i}", "alt=x size=64x48") for i in range(COUNT // 6)]
        site.write({f"docs/page{page}.md": "\n".join(blocks)})
    api.latency = 0.3
    return site


def prompts(api: ImagesServer, outcome: str = "") -> list[str]:
    """What was asked for. A killed client may leave a request without its body."""
    calls = [call for call in api.posts if call.outcome.startswith(outcome) and call.fields]
    return [call.fields["prompt"] for call in calls]


def stored(site: Site) -> set[str]:
    """The prompts of the pictures in the cache, which is sound: each sidecar matches its picture."""
    found = set()
    for name in site.cached(".json"):
        sidecar = json.loads((site.cache / name).read_text(encoding="utf-8"))
        path = site.cache / (name.removesuffix(".json") + EXTENSIONS[sidecar["format"]])
        data = path.read_bytes()
        assert hashlib.sha256(data).hexdigest() == sidecar["sha256"], name
        assert len(data) == sidecar["bytes"], name
        found.add(sidecar["prompt"])
    return found


def arrived(site: Site) -> set[str]:
    """The digits of all that has arrived: pictures without a sidecar, too, and answers not yet unpacked."""
    raw = {path.stem for path in (site.cache / ".journal").glob("*.raw")}
    return raw | {name.removesuffix(".png").rpartition("-")[2] for name in site.cached(".png")}


def wait_until(condition: Callable[[], bool], process: Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)


def wait_for_the_last(api: ImagesServer) -> None:
    """Until the server has come to all that a killed client had sent, which may wait to be taken up."""
    seen = -1
    while seen != len(api.posts) or api.in_flight:
        seen = len(api.posts)
        time.sleep(0.5)


def finish(process: Popen[bytes], log: Path) -> Run:
    status = process.wait(60)
    return Run(status, log.read_text(encoding="utf-8", errors="replace"))


def rest_is_made(site: Site, api: ImagesServer, env: dict[str, str]) -> list[str]:
    """Build again: nothing that was kept is asked for. Returns what was asked for then."""
    kept, had = stored(site), arrived(site)
    wait_for_the_last(api)
    before = len(api.posts)
    site.run("--strict", env=env).ended()
    asked = [call.fields["prompt"] for call in api.posts[before:] if call.fields]
    assert kept.isdisjoint(asked)
    assert len(set(asked)) == len(asked) == COUNT - len(had)
    assert not list((site.cache / ".journal").glob("*.raw"))
    assert len(stored(site)) == COUNT
    return asked


# --- Killed ---


@posix_only
def test_killed_build_loses_only_what_was_in_flight(
    gallery: Site, api: ImagesServer, child_env: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log.txt"
    process = gallery.start("build", env=child_env, log=log)
    wait_until(lambda: len(stored(gallery)) >= 9, process, log)
    process.kill()
    process.wait(30)
    kept = stored(gallery)
    assert len(kept) <= len(gallery.cached(".png")), "pictures come before their sidecars"
    first = set(prompts(api))
    assert len(first) <= len(arrived(gallery)) + CONCURRENCY, "what has arrived is on disk"
    assert not [name for name in gallery.cached() if not name.endswith((".png", ".json", ".tmp"))]

    again = rest_is_made(gallery, api, child_env)

    assert len(first & set(again)) <= CONCURRENCY
    assert len(api.posts) <= COUNT + CONCURRENCY


@posix_only
def test_killed_while_a_page_is_rendered(
    gallery: Site, api: ImagesServer, child_env: dict[str, str], tmp_path: Path
) -> None:
    """Pictures are stored when they come, and not when the build comes to wait for them."""
    log = slow_hook(gallery, tmp_path)
    process = gallery.start("build", env=child_env, log=log)
    wait_until(lambda: len(stored(gallery)) >= 2, process, log)
    process.kill()
    process.wait(30)
    del gallery.config["hooks"]
    rest_is_made(gallery, api, child_env)


def slow_hook(site: Site, tmp_path: Path, *, after: float = 0.0) -> Path:
    """Let the third page take for ever to be rendered. Returns the log's path.

    Args:
        site: the site.
        tmp_path: the folder of the log.
        after: seconds that the hook takes when it is interrupted.
    """
    hook = (
        "import time\n"
        "def on_page_content(html, page, **_):\n"
        "    if page.file.src_uri == 'page2.md':\n"
        "        print('SLOW', flush=True)\n"
        "        try:\n"
        "            time.sleep(60)\n"
        "        finally:\n"
        "            print('TIDYING', flush=True)\n"
        f"            time.sleep({after})\n"
    )
    site.write({"hook.py": hook})
    site.config["hooks"] = ["hook.py"]
    return tmp_path / "log.txt"


# --- Interrupted ---


@posix_only
@pytest.mark.parametrize("moment", ["rendering", "waiting"])
def test_interrupt_keeps_what_is_in_flight_and_sends_nothing_more(
    gallery: Site, api: ImagesServer, child_env: dict[str, str], tmp_path: Path, moment: str
) -> None:
    """The server answers when the build has said that it waits, so the moment is always the same."""
    api.latency = lambda call: 0.1 if call.number <= CONCURRENCY else 60.0
    log = tmp_path / "log.txt"
    if moment == "rendering":
        slow_hook(gallery, tmp_path)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = gallery.start("build", env={**child_env, "TMPDIR": str(temporary)}, log=log)
    wait_until(lambda: len(prompts(api, "answered")) == api.in_flight == CONCURRENCY, process, log)
    process.send_signal(signal.SIGINT)
    wait_until(lambda: "in flight are paid for already" in log.read_text(), process, log)
    api.release.set()
    ended = finish(process, log)

    assert ended.status == 130, ended.output
    assert "Traceback" not in ended.output
    assert len(api.posts) == 2 * CONCURRENCY, "nothing is sent once the signal has arrived"
    assert api.in_flight == 0
    assert set(prompts(api)) == set(prompts(api, "answered 200")) == stored(gallery)
    assert list(temporary.iterdir()) == []
    gallery.config.pop("hooks", None)
    rest_is_made(gallery, api, child_env)


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_sent_while_others_tidy_up_after_an_interrupt(
    gallery: Site,
    api: ImagesServer,
    child_env: dict[str, str],
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    """Between the signal and the end of the process the requests in flight end, and make room."""
    api.latency = 60.0
    log = slow_hook(gallery, tmp_path, after=2.0)
    process = gallery.start("build", env=child_env, log=log)
    wait_until(lambda: "SLOW" in log.read_text() and api.in_flight == CONCURRENCY, process, log)
    process.send_signal(number)
    wait_until(lambda: "TIDYING" in log.read_text(), process, log)
    api.release.set()
    ended = finish(process, log)

    assert ended.status == 128 + number, ended.output
    assert len(api.posts) == CONCURRENCY
    assert set(prompts(api)) == set(prompts(api, "answered 200")) == stored(gallery)


@posix_only
def test_second_interrupt_ends_at_once(
    gallery: Site, api: ImagesServer, child_env: dict[str, str], tmp_path: Path
) -> None:
    api.reply = lambda _: Reply(hang=True)
    log = tmp_path / "log.txt"
    process = gallery.start("build", env=child_env, log=log)
    wait_until(lambda: api.in_flight == CONCURRENCY, process, log)
    process.send_signal(signal.SIGINT)
    wait_until(lambda: "in flight" in log.read_text(), process, log)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(10)  # the server would let them hang for half a minute
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(30)
    assert process.returncode == 130
    assert len(api.posts) == CONCURRENCY


@posix_only
def test_signal_handlers_are_put_back(gallery: Site) -> None:
    """Programs that build sites have ideas of their own about signals."""
    wanted = (signal.SIGTERM, signal.SIGINT)
    old = {number: signal.signal(number, signal.SIG_DFL) for number in wanted}
    try:
        gallery.build(strict=True)
        assert [signal.getsignal(number) for number in wanted] == [signal.SIG_DFL] * 2
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


# --- Failed by others ---


@pytest.mark.parametrize("event", ["page_content", "env", "post_page", "post_build"])
def test_failure_of_another_plugin(
    gallery: Site, api: ImagesServer, child_env: dict[str, str], event: str
) -> None:
    where = "if kwargs.get('page') is None or kwargs['page'].file.src_uri == 'page3.md':"
    gallery.write(
        {
            "hook.py": f"def on_{event}(*args, **kwargs):\n    {where}\n"
            "        raise RuntimeError('broken on purpose')\n"
        }
    )
    gallery.config["hooks"] = ["hook.py"]
    ended = gallery.run(env=child_env)
    assert ended.status == 1
    assert "broken on purpose" in ended.output
    assert api.in_flight == 0
    asked = prompts(api)
    assert set(prompts(api, "answered 200")) == set(asked) == stored(gallery)
    if event == "page_content":
        assert len(asked) <= 2 * CONCURRENCY, "the failure came long before the first answers"
    else:
        assert len(asked) == COUNT
    time.sleep(0.5)
    assert len(api.posts) == len(asked)
    gallery.config.pop("hooks")
    rest_is_made(gallery, api, child_env)


@pytest.mark.parametrize("event", ["on_page_content", "on_env"])
def test_failure_of_another_plugin_within_this_process(
    gallery: Site, api: ImagesServer, event: str
) -> None:
    """Programs that build sites go on after a failed build; so would requests that are waiting."""

    def fail(*_: Any, page: Any = None, **__: Any) -> None:
        if page is None or page.file.src_uri == "page3.md":
            raise RuntimeError("broken on purpose")

    probe = type("Probe", (BasePlugin,), {event: staticmethod(fail)})()
    gallery.build(
        fails=True, probes={"probe": probe}, warns=["broken on purpose"][: event != "on_env"]
    )
    asked = len(api.posts)
    time.sleep(0.8)
    assert len(api.posts) == asked
    assert set(prompts(api, "answered 200")) == stored(gallery)
    assert len(stored(gallery)) == asked


# --- Caches that cannot be written ---


def test_cache_below_a_file_sends_nothing(gallery: Site, api: ImagesServer) -> None:
    gallery.write({"taken": "a file"})
    gallery.options["cache_dir"] = "taken/genimage"
    built = gallery.build(
        warns=["24 pictures are missing: Images cannot be stored in", "Make the folder writable"]
    )
    assert api.calls == []
    assert len(built.warnings) == 1
    assert "'cache_dir'" in built.warnings[0]
    assert len(built.images("page0/index.html")) == 4


def test_cache_that_is_a_file_sends_nothing(gallery: Site, api: ImagesServer) -> None:
    gallery.write({"genimage": "a file"})
    gallery.build(warns=["24 pictures are missing: Images cannot be stored in"])
    assert api.calls == []


@posix_only
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_cache_that_is_read_only_sends_nothing(gallery: Site, api: ImagesServer) -> None:
    gallery.cache.mkdir()
    gallery.cache.chmod(0o555)
    try:
        gallery.build(warns=["24 pictures are missing: Images cannot be stored in"])
    finally:
        gallery.cache.chmod(0o755)
    assert api.calls == []


@posix_only
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_cache_that_is_read_only_is_enough_where_nothing_is_missing(
    gallery: Site, api: ImagesServer
) -> None:
    gallery.options["max_images"] = 0
    gallery.build(strict=True)
    gallery.cache.chmod(0o555)
    try:
        gallery.build(strict=True)
    finally:
        gallery.cache.chmod(0o755)
    assert len(api.posts) == COUNT


def test_disk_that_fills_up_ends_the_requests(
    gallery: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be stored is not asked for: after the first failure nothing more is sent."""
    real = os.replace
    from pathlib import Path as AnyPath

    def full(self: Any, target: Any) -> Any:
        if len(gallery.cached(".json")) >= 3:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(AnyPath, "replace", full)
    built = gallery.build(warns=["cannot be written: No space left on device"])
    assert len(api.posts) <= 3 + 2 * CONCURRENCY
    assert not [name for name in gallery.cached() if name.endswith(".tmp")]
    assert len(built.images("page5/index.html")) == 4


def test_waiting_requests_of_a_retry_end_with_the_build(
    gallery: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    """A server that asks to wait does not keep a failed build going."""
    api.reply = lambda _: Reply(status=429, headers={"Retry-After": "58"}, body={"error": {}})
    gallery.write(
        {
            "hook.py": "import time\n"
            "def on_page_content(html, page, **_):\n"
            "    if page.file.src_uri == 'page3.md':\n"
            "        time.sleep(2)\n"
            "        raise RuntimeError('broken on purpose')\n"
        }
    )
    gallery.config["hooks"] = ["hook.py"]
    begin = time.monotonic()
    ended = gallery.run(env=child_env)
    assert ended.status == 1
    assert "broken on purpose" in ended.output
    asked = len(api.posts)
    assert asked <= CONCURRENCY
    assert time.monotonic() - begin < 50, "it did not sit out the pause"
