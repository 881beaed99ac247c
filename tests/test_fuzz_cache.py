"""Hostile input: what lies on disk."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from fuzzing import (
    ASK,
    EDITS,
    GARBAGE,
    NESTED,
    PNG,
    edited,
    figures,  # noqa: F401 - a fixture of all tests here
    fuzz,
    in_json,
    quiet,  # noqa: F401 - a fixture of all tests here
    spoilt_json,
    tried,
)
from hypothesis import given
from hypothesis import strategies as st
from pictures import picture
from sites import LFS_POINTER

from mkdocs_genimage import verified
from mkdocs_genimage.cache import Cache, Missing, StoredImage
from mkdocs_genimage.imaging import inspect
from mkdocs_genimage.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

OTHER = picture("another", "8x6")
SIDECAR_WORDS = (
    *(
        "version",
        "key",
        "sha256",
        "bytes",
        "format",
        "width",
        "height",
        "variant",
        "png",
        "svg",
        "exe",
    ),
    *(ASK.key, hashlib.sha256(OTHER).hexdigest(), "../../etc/passwd", "8x6"),
)


def look_up(folder: Path) -> StoredImage | Missing:
    """Find the picture by a new command, and check what is said of it."""
    cache = Cache(folder)
    found = cache.find(ASK)
    cache.remember()
    if isinstance(found, StoredImage):
        data = found.path.read_bytes()
        assert type(found.width) is type(found.height) is int
        assert min(found.width, found.height) > 0
        if found.sidecar.get("recovered"):
            info = inspect(data)
            assert (info.width, info.height) == (found.width, found.height)
        elif "bytes" in found.sidecar:  # a part of it where the index vouches for both files
            assert len(data) == found.sidecar["bytes"]
        if "sha256" in found.sidecar:
            assert hashlib.sha256(data).hexdigest() == found.sidecar["sha256"]
            assert found.sidecar["key"] == ASK.key
    else:
        assert isinstance(found.reason, str)
        for edge in (found.width, found.height):
            assert edge is None or (type(edge) is int and edge > 0)
    return found


NAMES = st.one_of(
    st.sampled_from(
        [
            f"{ASK.stem}{end}"
            for end in (".json", ".jpg", ".svg", "-2.json", "", ".json.json", ".tmp")
        ]
        + [f"other-{ASK.key[:12]}{end}" for end in (".json", ".png", "-2.json")]
        + ["-.json", ".json", "-2.json", f"{ASK.key[:12]}.json", "a-b-c.json", "\udcff-\udcfe.json"]
    ),
    st.text(st.characters(exclude_characters="\0/"), min_size=1, max_size=20),
)


VALID = {
    "version": 1,
    "key": ASK.key,
    "variant": 1,
    "prompt": ASK.prompt,
    "options": {"size": "8x6"},
    "bytes": len(PNG),
    "sha256": hashlib.sha256(PNG).hexdigest(),
    "format": "png",
    "width": 8,
    "height": 6,
    "usage": {"total_tokens": 5},
}
CONTENTS = st.sampled_from([in_json(VALID), PNG, LFS_POINTER, b"", None])
"""None is a folder in the place of the file."""


@fuzz(20_000)
@given(
    sidecar=spoilt_json(VALID, SIDECAR_WORDS),
    image=st.sampled_from([PNG, PNG, PNG, OTHER, LFS_POINTER, b""]),
    damage=st.one_of(st.just([]), EDITS),
    others=st.dictionaries(st.one_of(NAMES, st.just(f"{ASK.stem}.png")), CONTENTS, max_size=1),
    gone=st.sampled_from(["", "", "", ".json", ".png"]),
)
def test_sidecar(
    tmp_path_factory: pytest.TempPathFactory,
    sidecar: bytes,
    image: bytes,
    damage: list[tuple[str, int, int, bytes]],
    others: dict[str, bytes | None],
    gone: str,
) -> None:
    tried("sidecars")
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    folder.mkdir()
    try:
        files: dict[str, bytes | None] = {
            f"{ASK.stem}.json": sidecar,
            f"{ASK.stem}.png": edited(image, damage),
            **others,
        }
        files.pop(ASK.stem + gone, None)
        for name, content in files.items():
            with suppress(OSError, ValueError):  # no name for a file here
                if content is None:
                    (folder / name).mkdir()
                else:
                    (folder / name).write_bytes(content)
        found = look_up(folder)
        if isinstance(found, StoredImage):
            assert found.path.parent == folder
    finally:
        shutil.rmtree(folder)


def index_of(folder: Path) -> Path:
    (path,) = [path for path in (folder / ".verified").iterdir() if path.name != ".gitignore"]
    return path


def always_worth(patch: pytest.MonkeyPatch) -> None:
    """Let the index be written however little work it spares."""
    thresholds = [name for name in vars(verified) if name.startswith("WORTH")]
    assert thresholds
    for name in thresholds:
        patch.setattr(verified, name, 0)


@pytest.fixture(scope="module")
def vouched(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, bytes]:
    """Folders with a stored picture, each with the index that vouched for it when it was new.

    In the second the picture was changed since, in the third its sidecar; length and time are the old ones.
    """
    found = {}
    for name in ("same", "picture", "sidecar"):
        folder = tmp_path_factory.mktemp(name)
        path = Cache(folder).put(ASK, 1, PNG, {"format": "png", "width": 8, "height": 6}).path
        with pytest.MonkeyPatch.context() as patch:
            always_worth(patch)
            patch.setattr(verified, "SETTLED_NS", -1)
            assert isinstance(look_up(folder), StoredImage)
        found[folder] = index_of(folder).read_bytes()
        assert ASK.stem.encode() in found[folder]
        time.sleep(0.1)  # coarse clocks of file systems tick at least each 0.01 s
        if name != "same":
            changed = path if name == "picture" else path.with_suffix(".json")
            status, data = changed.stat(), changed.read_bytes()
            if changed == path:
                changed.write_bytes(data[:-20] + bytes(4) + data[-16:])
            else:
                changed.write_bytes(data.replace(b'"width": 8', b'"width": 9'))
            os.utime(changed, ns=(status.st_atime_ns, status.st_mtime_ns))
            assert changed.read_bytes() != data
            assert changed.stat().st_size == status.st_size
    return found


@fuzz(5_000)
@given(
    damage=st.lists(st.one_of(st.just([]), EDITS), min_size=3, max_size=3),
    turn=st.integers(0, 2),
    garbage=st.one_of(st.none(), st.none(), GARBAGE, NESTED),
)
def test_verified_index(
    vouched: dict[Path, bytes],
    monkeypatch: pytest.MonkeyPatch,
    damage: list[list[tuple[str, int, int, bytes]]],
    turn: int,
    garbage: bytes | None,
) -> None:
    """Whatever the index says, and be it another folder's, what was changed since is read again."""
    tried("indexes")
    always_worth(monkeypatch)
    indexes = list(vouched.values())
    for number, folder in enumerate(vouched):
        index = edited(indexes[(number + turn) % 3], damage[number])
        index_of(folder).write_bytes(index if garbage is None else garbage)
    same, changed, edited_sidecar = map(look_up, vouched)
    assert isinstance(same, StoredImage)
    assert same.width == 8
    assert isinstance(changed, Missing)
    assert isinstance(edited_sidecar, StoredImage)
    assert edited_sidecar.width == 9


ENTRY = {"began": "2026-11-22T10:00:00+00:00", "key": ASK.key, "place": "docs/index.md:3"}


@fuzz(3_000)
@given(entry=spoilt_json(ENTRY, ("began", "place", "now", "images")))
def test_journal(tmp_path_factory: pytest.TempPathFactory, entry: bytes) -> None:
    tried("journal entries")
    folder = tmp_path_factory.getbasetemp() / "journal-of-fuzz"
    journal = Journal(folder, 5.0)
    with journal.hold("fox"):
        (folder / ".journal/fox.json").write_bytes(entry)
        before = journal.begin("fox", {"place": "docs/index.md:3"})
        assert before is None or isinstance(before, dict)
        assert journal.begin("fox", {})
        journal.end("fox")
        assert not (folder / ".journal/fox.json").exists()


REFUSAL = {
    "version": 1,
    "key": ASK.key,
    "prompt": ASK.prompt,
    "host": "127.0.0.1",
    "model": ASK.model,
    "request_id": "req_1",
    "created": "2026-11-22T10:00:00+00:00",
}


@fuzz(4_000)
@given(refusal=spoilt_json(REFUSAL, (*REFUSAL, ASK.key, "moderation", "low")))
def test_refusal_file(tmp_path_factory: pytest.TempPathFactory, refusal: bytes) -> None:
    tried("refusals")
    folder = tmp_path_factory.getbasetemp()
    path = folder / f"{ASK.stem}.refused.json"
    path.write_bytes(refusal)
    said = Cache(folder).refusal(ASK, "127.0.0.1")
    path.unlink()
    assert isinstance(said, str)
    if said:
        assert json.loads(refusal)["key"] == ASK.key
        assert "127.0.0.1" in said
    assert Cache(folder).refusal(ASK, "127.0.0.1") == ""
