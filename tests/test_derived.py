"""The store of smaller files: what it has, what it makes, and what becomes of it when things go wrong."""

from __future__ import annotations

import contextlib
import errno
import gc
import hashlib
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from pictures import picture
from PIL import Image

from mkdocs_genimage import derived, deriving
from mkdocs_genimage.derived import (
    ENDINGS,
    DerivedFiles,
    Recipe,
    file_name,
    made_files,
    spare_files,
)
from mkdocs_genimage.disk import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRAINED = "trainedAlgorithmicMedia"
SMALL = Recipe(24, "webp", TRAINED)
SMALLER = Recipe(12, "webp", TRAINED)
SECONDS = 30
"""How long a test waits for what should come at once."""


def source(folder: Path, prompt: str, form: str = "png", size: str = "48x32") -> tuple[Path, str]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{prompt.replace(' ', '-')}.{form}"
    path.write_bytes(picture(prompt, size, form))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "genimage"


def names(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / ".derived").iterdir())


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "genimage-deriving"]


@contextlib.contextmanager
def cpus(count: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: count)
        yield


# What is made


def test_files_are_made_once_and_found_ever_after(cache: Path) -> None:
    path, sha256 = source(cache, "A cat")
    before = path.read_bytes()
    files = DerivedFiles(cache)
    assert not (cache / ".derived").exists()
    wanted = [files.want(path, sha256, recipe) for recipe in (SMALL, SMALLER, SMALL)]
    assert wanted[0] == wanted[2] != wanted[1]
    assert all(each.parent == cache / ".derived" for each in wanted)
    assert files.finish() == {}
    assert [each.read_bytes() for each in wanted[:2]] == [
        deriving.Picture(before).make(recipe) for recipe in (SMALL, SMALLER)
    ]
    assert names(cache) == sorted([".gitignore", *(each.name for each in wanted[:2])])
    assert (cache / ".derived/.gitignore").read_text() == "*\n"
    assert path.read_bytes() == before
    if os.name == "posix":
        assert wanted[0].stat().st_mode & 0o777 == 0o644

    again = DerivedFiles(cache)
    path.unlink()  # nobody looks at it
    assert [again.want(path, sha256, recipe) for recipe in (SMALL, SMALLER)] == wanted[:2]
    assert again.finish() == {}
    assert not again._wanted


def test_a_name_tells_the_picture_and_how_the_file_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = [
        Recipe(width, form, source_type)
        for width in (1, 480, 3840)
        for form in ENDINGS
        for source_type in ("", TRAINED, "compositeWithTrainedAlgorithmicMedia")
    ]
    shas = [hashlib.sha256(data).hexdigest() for data in (b"a", b"b")]
    made = {file_name(sha, recipe) for sha in shas for recipe in recipes}
    monkeypatch.setattr(derived, "VERSION", derived.VERSION + 1)
    later = {file_name(sha, recipe) for sha in shas for recipe in recipes}
    monkeypatch.undo()
    assert len(made | later) == 2 * len(shas) * len(recipes)
    assert max(map(len, made)) < 80
    assert len({name.lower() for name in made}) == len(made)

    # A clean-up knows them again, and no others.
    own = tmp_path / ".derived"
    own.mkdir()
    foreign = [".gitignore", ".x1y2.tmp", "photo.webp", f"{shas[0][:24]}.webp", f"{shas[0]}.json"]
    for name in [*made, *later, *foreign]:
        (own / name).touch()
    files = made_files(tmp_path)
    assert {path.name for path in files} == made | later
    assert files == sorted(files)
    assert {path.name for path in spare_files(files, shas)} == set()
    assert {path.name for path in spare_files(files, shas[:1])} == {
        file_name(shas[1], recipe) for recipe in recipes
    }
    assert {path.name for path in spare_files(files, [])} == made
    monkeypatch.setattr(derived, "VERSION", derived.VERSION + 1)
    assert {path.name for path in spare_files(files, shas)} == made
    assert made_files(tmp_path / "nowhere") == []


def test_another_version_makes_files_anew(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, sha256 = source(cache, "A cat")
    first = DerivedFiles(cache)
    earlier = first.want(path, sha256, SMALL)
    assert first.finish() == {}
    monkeypatch.setattr(derived, "VERSION", derived.VERSION + 1)
    second = DerivedFiles(cache)
    later = second.want(path, sha256, SMALL)
    assert second.finish() == {}
    assert earlier != later
    assert earlier.read_bytes() == later.read_bytes()


def test_a_changed_picture_has_other_files(cache: Path) -> None:
    path, sha256 = source(cache, "A cat")
    first = DerivedFiles(cache)
    earlier = first.want(path, sha256, SMALL)
    assert first.finish() == {}
    path.write_bytes(picture("Another cat", "48x32"))
    second = DerivedFiles(cache)
    later = second.want(path, hashlib.sha256(path.read_bytes()).hexdigest(), SMALL)
    assert second.finish() == {}
    assert earlier != later
    assert earlier.read_bytes() != later.read_bytes()


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_pictures_are_only_read(cache: Path, form: str) -> None:
    path, sha256 = source(cache, "A cat", form)
    before, status = path.read_bytes(), path.stat()
    path.chmod(0o444)
    files = DerivedFiles(cache)
    for recipe in (SMALL, Recipe(48, "webp", ""), Recipe(30, "jpeg", TRAINED)):
        files.want(path, sha256, recipe)
    assert files.finish() == {}
    assert path.read_bytes() == before
    assert path.stat().st_mtime_ns == status.st_mtime_ns


# What it costs


def test_a_build_that_finds_all_reads_one_listing_and_nothing_else(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [source(cache, f"A cat {number}") for number in range(5)]
    files = DerivedFiles(cache)
    expected = [files.want(*each, SMALL) for each in pictures]
    assert files.finish() == {}
    for path, _ in pictures:
        path.unlink()
    listed: list[Any] = []
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listed.append(path) or listdir(path))

    def fail(*_: Any, **__: Any) -> Any:
        raise AssertionError("looked at a file")

    for name in ("stat", "lstat", "open", "mkdir"):
        monkeypatch.setattr(os, name, fail)
    monkeypatch.setattr(threading, "Thread", fail)
    again = DerivedFiles(cache)
    found = [again.want(*each, SMALL) for each in pictures]
    assert again.finish() == {}
    monkeypatch.undo()
    assert found == expected
    assert listed == [cache / ".derived"]


def test_what_was_made_meanwhile_is_seen_by_the_next_build(cache: Path) -> None:
    path, sha256 = source(cache, "A cat")
    first, second = DerivedFiles(cache), DerivedFiles(cache)
    other = Recipe(48, "webp", "")
    first.want(path, sha256, other)
    first.finish()
    second.want(path, sha256, other)  # reads the listing
    made = first.want(path, sha256, SMALL)
    first.finish()
    inode = made.stat().st_ino
    assert second.want(path, sha256, SMALL) == made  # it is not in that listing
    assert second.finish() == {}
    assert made.stat().st_ino == inode
    third = DerivedFiles(cache)
    assert third.want(path, sha256, SMALL) == made
    assert not third._wanted


def test_nothing_heavy_is_imported_without_need(cache: Path) -> None:
    path, sha256 = source(cache, "A cat")
    code = f"""
import sys
from pathlib import Path
from mkdocs_genimage.derived import DerivedFiles, Recipe
files = DerivedFiles(Path({str(cache)!r}))
path = files.want(Path({str(path)!r}), {sha256!r}, Recipe(24, "webp", "trainedAlgorithmicMedia"))
assert files.finish() == {{}}
assert path.exists()
print([m for m in ("PIL", "mkdocs", "click", "rich", "asyncio") if m in sys.modules])
"""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()
        for _ in range(2)
    ]
    assert outputs == ["['PIL']", "[]"]


def test_a_picture_is_decoded_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = [source(cache, f"A cat {number}") for number in range(3)]
    decoded: list[bytes] = []
    begun, late = threading.Event(), threading.Event()

    class Slow(deriving.Picture):
        def __init__(self, data: bytes) -> None:
            decoded.append(data)
            super().__init__(data)

        def make(self, recipe: Recipe) -> bytes:
            begun.set()
            assert late.wait(SECONDS)
            return super().make(recipe)

    monkeypatch.setattr(deriving, "Picture", Slow)
    with cpus(1, monkeypatch):
        files = DerivedFiles(cache)
        for each in pictures:
            files.want(*each, SMALL)
        assert begun.wait(SECONDS)
        # Wanted while the first picture is being worked on, and the others wait.
        for each in pictures:
            files.want(*each, SMALLER)
        late.set()
        assert files.finish() == {}
    assert sorted(decoded) == sorted(path.read_bytes() for path, _ in pictures)
    assert len(made_files(cache)) == 6


@pytest.mark.parametrize("count", [1, 3, 64])
def test_as_many_pictures_at_once_as_there_are_processors(
    cache: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    most = min(count, derived.MAX_THREADS)
    gate = threading.Barrier(most)
    all_wanted = threading.Event()
    seen: set[int] = set()

    class Slow(deriving.Picture):
        def make(self, recipe: Recipe) -> bytes:
            # Until then a thread that runs out of work ends, and the next order starts another one.
            assert all_wanted.wait(SECONDS)
            seen.add(threading.get_ident())
            gate.wait(SECONDS)  # fails unless so many come together
            return super().make(recipe)

    monkeypatch.setattr(deriving, "Picture", Slow)
    with cpus(count, monkeypatch):
        files = DerivedFiles(cache)
        for number in range(2 * most):
            files.want(*source(cache, f"A cat {number}"), SMALL)
        assert len(threads()) == most
        assert all(thread.daemon for thread in threads())
        all_wanted.set()
        assert files.finish() == {}
    assert len(seen) == most
    for thread in threads():
        thread.join(SECONDS)
    assert not threads()


def test_large_pictures_take_turns(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = ["48x32", "48x32", "60x60", "48x32", "10x10", "48x32"]
    monkeypatch.setattr(derived, "MAX_PIXELS_AT_ONCE", 48 * 32 * 2)
    lock = threading.Lock()
    working: list[int] = []
    most: list[int] = []

    class Counted(deriving.Picture):
        def make(self, recipe: Recipe) -> bytes:
            pixels = self._file.width * self._file.height
            with lock:
                working.append(pixels)
                most.append(sum(working) if len(working) > 1 else 0)
            time.sleep(0.01)
            result = super().make(recipe)
            with lock:
                working.remove(pixels)
            return result

    monkeypatch.setattr(deriving, "Picture", Counted)
    with cpus(8, monkeypatch):
        for again in range(3):
            files = DerivedFiles(cache)
            for number, size in enumerate(sizes):
                path = source(cache, f"A cat {again} {number}", size=size)
                files.want(*path, SMALL)
                files.want(*path, SMALLER)
            assert files.finish() == {}
            for thread in threads():
                thread.join(SECONDS)
            assert (files._pixels, files._threads) == (0, 0)
    assert max(most) <= derived.MAX_PIXELS_AT_ONCE
    assert len(made_files(cache)) == 3 * 12


def test_work_is_done_where_the_system_gives_no_thread(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    files = DerivedFiles(cache)
    wanted = [files.want(*source(cache, f"A cat {number}"), SMALL) for number in range(3)]
    assert files.finish() == {}
    assert all(path.exists() for path in wanted)
    assert files.want(*source(cache, "A dog"), SMALL)
    assert files.finish() == {}


# What goes wrong


def test_what_cannot_be_made_is_told_and_spoils_nothing_else(cache: Path) -> None:
    good = source(cache, "A cat")
    bad = cache / "bad.png"
    bad.write_bytes(picture("A dog", "48x32")[:200])
    changed, earlier_sha256 = source(cache, "A heron")
    changed.write_bytes(picture("A stork", "48x32"))
    gone, gone_sha256 = source(cache, "A fox")
    gone.unlink()
    files = DerivedFiles(cache)
    bad_sha256 = hashlib.sha256(bad.read_bytes()).hexdigest()
    failing = {
        files.want(bad, bad_sha256, SMALL): "the picture is damaged or incomplete: ",
        files.want(bad, bad_sha256, SMALLER): "the picture is damaged or incomplete: ",
        files.want(changed, earlier_sha256, SMALL): "A-heron.png was changed while the site was",
        files.want(gone, gone_sha256, SMALL): "A-fox.png cannot be read: No such file",
    }
    path = files.want(*good, SMALL)
    failed = files.finish()
    assert failed.keys() == failing.keys()
    for each, reason in failing.items():
        assert failed[each].startswith(reason)
        assert not failed[each].endswith(".")
        assert not each.exists()
    assert path.exists()
    # Told once for each time it is wanted, and not tried again.
    assert files.finish() == {}
    files.want(gone, gone_sha256, SMALL)
    assert list(files.finish().values()) == ["A-fox.png cannot be read: No such file or directory"]
    assert files.finish() == {}
    assert not [name for name in names(cache) if name.endswith(".tmp")]


def test_a_size_that_cannot_be_written_spoils_no_other(cache: Path) -> None:
    cache.mkdir()
    path = cache / "tall.png"
    Image.new("L", (10, 17_000)).save(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    files = DerivedFiles(cache)
    whole, half = (files.want(path, sha256, Recipe(width, "webp", "")) for width in (10, 5))
    assert list(files.finish()) == [whole]
    assert half.exists()


def test_an_error_nobody_thought_of_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: deriving.Picture, recipe: Recipe) -> bytes:
        raise LookupError("surprise")

    monkeypatch.setattr(deriving.Picture, "make", fail)
    files = DerivedFiles(cache)
    path = files.want(*source(cache, "A cat"), SMALL)
    assert files.finish() == {path: "LookupError: surprise"}


def test_a_pillow_that_cannot_be_imported(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mkdocs_genimage.deriving", None)  # type: ignore[arg-type]
    files = DerivedFiles(cache)
    files.want(*source(cache, "A cat"), SMALL)
    (reason,) = files.finish().values()
    assert reason.startswith("ModuleNotFoundError: ")


def folder_in_the_way(cache: Path) -> None:
    cache.mkdir(exist_ok=True)
    (cache / ".derived").write_text("no folder")


def test_a_folder_that_cannot_be_written_gives_way_to_a_temporary_one(
    cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder_in_the_way(cache)
    files = DerivedFiles(cache)
    each = source(cache, "A cat")
    with caplog.at_level(logging.INFO):
        paths = [files.want(*each, recipe) for recipe in (SMALL, SMALLER)]
    assert files.finish() == {}
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert re.search(r"\.derived cannot be written \(.+\): each build makes the", record.message)
    assert len({path.parent for path in paths}) == 1
    assert cache not in paths[0].parents
    assert all(path.exists() for path in paths)
    for thread in threads():
        thread.join(SECONDS)
    del files
    gc.collect()
    assert not paths[0].parent.exists()


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="needs folders that refuse to be written"
)
def test_a_read_only_cache(cache: Path) -> None:
    each = source(cache, "A cat")
    cache.chmod(0o555)
    try:
        files = DerivedFiles(cache)
        path = files.want(*each, SMALL)
        assert files.finish() == {}
        assert path.exists()
    finally:
        cache.chmod(0o755)


def test_no_folder_at_all(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_in_the_way(cache)

    def fail(**_: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(derived.tempfile, "mkdtemp", fail)
    files = DerivedFiles(cache)
    path = files.want(*source(cache, "A cat"), SMALL)
    (reason,) = files.finish().values()
    assert reason.startswith(f"{cache / '.derived'} cannot be written: ")
    assert not path.exists()


def test_a_disk_that_runs_full(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    ordered = threading.Event()

    def write(path: Path, data: bytes, **options: Any) -> None:
        if path.parent == cache / ".derived" and path.name.startswith(dog[1][:24]):
            assert ordered.wait(SECONDS)
            raise OSError(errno.ENOSPC, "No space left on device")
        write_atomically(path, data, **options)

    monkeypatch.setattr(derived, "write_atomically", write)
    cat, dog, owl = (source(cache, name) for name in ("A cat", "A dog", "An owl"))
    files = DerivedFiles(cache)
    kept = files.want(*cat, SMALL)
    lost = [files.want(*dog, recipe) for recipe in (SMALL, SMALLER)]
    ordered.set()
    assert files.finish() == dict.fromkeys(
        lost, f"{cache / '.derived'} cannot be written: No space left on device"
    )
    # What comes after that lies elsewhere.
    elsewhere = files.want(*owl, SMALL)
    assert files.finish() == {}
    assert kept.exists()
    assert elsewhere.exists()
    assert elsewhere.parent != cache / ".derived"
    assert len(caplog.records) == 1


def test_a_file_that_another_process_wrote_first(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows nobody can replace a file that is being read."""

    def write(path: Path, data: bytes, **options: Any) -> None:
        path.write_bytes(data)
        raise PermissionError(errno.EACCES, "Access is denied")

    monkeypatch.setattr(derived, "write_atomically", write)
    files = DerivedFiles(cache)
    path = files.want(*source(cache, "A cat"), SMALL)
    assert files.finish() == {}
    assert path.exists()


WORK = """
import sys, time
from pathlib import Path
from mkdocs_genimage import deriving
from mkdocs_genimage.derived import DerivedFiles, Recipe
import hashlib

def say(word):  # as one piece: threads speak at the same time
    sys.stdout.write(word + "\\n")
    sys.stdout.flush()

if {seconds}:
    make = deriving.Picture.make
    def slow(self, recipe):
        data = make(self, recipe)
        say("made")
        time.sleep({seconds})
        return data
    deriving.Picture.make = slow
cache = Path(sys.argv[1])
files = DerivedFiles(cache)
paths = []
for path in sorted(cache.glob("*.png")):
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    for width in (40, 30, 20, 10):
        paths.append(files.want(path, sha256, Recipe(width, "webp", "")))
say("waiting")
failed = files.finish()
print(len(failed), sum(path.exists() for path in paths), flush=True)
"""


def start(cache: Path, seconds: float = 0, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORK.format(seconds=seconds), str(cache)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_several_processes_at_once(cache: Path) -> None:
    for number in range(6):
        source(cache, f"A cat {number}")
    ran = [start(cache) for _ in range(3)]
    for process in ran:
        output, errors = process.communicate(timeout=2 * SECONDS)
        assert errors == ""
        assert output.splitlines()[-1] == "0 24"
    assert len(made_files(cache)) == 24
    assert len(names(cache)) == 25
    for path in made_files(cache):
        Image.open(path).load()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_killed_process_leaves_nothing_half(cache: Path) -> None:
    for number in range(40):
        source(cache, f"A cat {number}", size="400x300")
    for _ in range(4):
        process = start(cache)
        while not made_files(cache) and process.poll() is None:
            time.sleep(0.002)
        process.kill()
        process.communicate(timeout=SECONDS)
        for path in made_files(cache):
            Image.open(path).load()
    torn = cache / ".derived/.left.tmp"
    torn.write_bytes(b"half")
    os.utime(torn, (0, 0))
    process = start(cache)
    assert process.communicate(timeout=2 * SECONDS)[0].splitlines()[-1] == "0 160"
    assert not torn.exists()
    for path in made_files(cache):
        Image.open(path).load()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_ends_at_once(cache: Path) -> None:
    for number in range(20):
        source(cache, f"A cat {number}")
    # What is being made would take longer than this test waits.
    process = start(cache, seconds=10 * SECONDS)
    try:
        assert process.stdout
        seen: set[str] = set()
        while not seen >= {"waiting", "made"}:
            line = process.stdout.readline()
            assert line, process.communicate()
            seen.add(line.strip())
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert "KeyboardInterrupt" in errors
    assert process.returncode != 0


def test_an_interrupted_wait_begins_nothing_more(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, late = threading.Event(), threading.Event()
    made: list[Recipe] = []

    class Slow(deriving.Picture):
        def make(self, recipe: Recipe) -> bytes:
            made.append(recipe)
            begun.set()
            assert late.wait(SECONDS)
            return super().make(recipe)

    def interrupt(self: Any, done: int, wanted: int) -> None:
        assert begun.wait(SECONDS)
        raise KeyboardInterrupt

    monkeypatch.setattr(deriving, "Picture", Slow)
    monkeypatch.setattr(derived._Display, "show", interrupt)
    with cpus(1, monkeypatch):
        files = DerivedFiles(cache)
        for number in range(5):
            each = source(cache, f"A cat {number}")
            files.want(*each, SMALL)
            files.want(*each, SMALLER)
        with pytest.raises(KeyboardInterrupt):
            files.finish()
        late.set()
        for thread in threads():
            thread.join(SECONDS)
    assert len(made) == 1
    assert not threads()


# What a person sees


def test_a_long_wait_is_told_in_lines(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(derived, "_TICK_SECONDS", 0.01)
    may_end = threading.Event()

    class Slow(deriving.Picture):
        def make(self, recipe: Recipe) -> bytes:
            assert may_end.wait(SECONDS)
            return super().make(recipe)

    info = derived.log.info

    def told(*arguments: Any) -> None:
        info(*arguments)
        may_end.set()

    monkeypatch.setattr(deriving, "Picture", Slow)
    monkeypatch.setattr(derived.log, "info", told)
    monkeypatch.setattr(derived, "_PATIENCE_SECONDS", 0.0)
    each = source(cache, "A cat")
    files = DerivedFiles(cache)
    for recipe in (SMALL, SMALLER):
        files.want(*each, recipe)
    assert files.finish() == {}
    assert caplog.messages == ["genimage: smaller files: 0 of 2 made"]


def test_a_short_wait_is_not_worth_a_word(
    cache: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "mkdocs")
    files = DerivedFiles(cache)
    files.want(*source(cache, "A cat"), SMALL)
    assert files.finish() == {}
    assert caplog.messages == []
    assert capsys.readouterr().err == ""


def test_a_bar_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(derived, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with contextlib.closing(derived._Display()) as display:
        for done in (0, 3, 8):
            display.show(done, 8)
    shown = capsys.readouterr().err
    assert "Making smaller files" in shown
    assert "8/8" in shown
