"""Files are hashed once and then known by their status; any doubt has them hashed again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pictures import picture
from sites import Site, fence

from mkdocs_genimage import cache as cache_module
from mkdocs_genimage import verified
from mkdocs_genimage.cache import Cache, Missing, StoredImage
from mkdocs_genimage.disk import sha256_of
from mkdocs_genimage.request import ImageRequest

if TYPE_CHECKING:
    from io import FileIO

    from api_server import ImagesServer

REQUEST = ImageRequest("A fox in snow", {"size": "8x6"}, subject="A fox")
PNG = picture("a fox", "8x6")
FACTS = {"format": "png", "width": 8, "height": 6}


@pytest.fixture(autouse=True)
def an_hour_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that were just written count as old."""
    now = time.time_ns
    monkeypatch.setattr(verified.time, "time_ns", lambda: now() + 3_600_000_000_000)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose bytes were hashed."""
    names: list[str] = []

    def counting(file: FileIO) -> str:
        names.append(Path(file.name).name)
        return sha256_of(file)

    monkeypatch.setattr(cache_module, "sha256_of", counting)
    return names


@pytest.fixture
def any_size_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verified, "WORTH_BYTES", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "genimage"


@pytest.fixture
def image(folder: Path) -> StoredImage:
    return Cache(folder).put(REQUEST, 1, PNG, FACTS)


def index(folder: Path) -> Path:
    return folder / verified.FOLDER / "index.json"


def learn(folder: Path) -> None:
    """What a build does: look up, and remember at its end."""
    cache = Cache(folder)
    assert isinstance(cache.find(REQUEST), StoredImage)
    cache.remember()


def change_in_place(path: Path) -> None:
    """Flip a byte, and set size and time of change to what they were. The status's own time tells."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    while path.stat().st_ctime_ns == before.st_ctime_ns:
        path.write_bytes(data)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 300_000])
def test_hash_of_a_file(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(size))
    with path.open("rb", buffering=0) as file:
        assert sha256_of(file) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_second_look_up_reads_no_bytes(
    folder: Path, image: StoredImage, hashed: list[str]
) -> None:
    cache = Cache(folder)
    for _ in range(3):
        assert isinstance(cache.find(REQUEST), StoredImage)
    assert hashed == [image.path.name]


def test_a_young_file_is_hashed_each_time(
    folder: Path, image: StoredImage, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status = image.path.stat()
    young = max(status.st_mtime_ns, status.st_ctime_ns) + 1_900_000_000
    monkeypatch.setattr(verified.time, "time_ns", lambda: young)
    cache = Cache(folder)
    cache.find(REQUEST)
    cache.find(REQUEST)
    assert len(hashed) == 2


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the third time is that of creation")
def test_a_change_that_hides_is_seen(folder: Path, image: StoredImage) -> None:
    cache = Cache(folder)
    assert isinstance(cache.find(REQUEST), StoredImage)
    change_in_place(image.path)
    missing = cache.find(REQUEST)
    assert isinstance(missing, Missing)
    assert "is damaged: its bytes" in missing.reason


def test_another_file_of_the_same_name_is_hashed(
    folder: Path, image: StoredImage, hashed: list[str], tmp_path: Path
) -> None:
    cache = Cache(folder)
    cache.find(REQUEST)
    copy = tmp_path / "copy"
    copy.write_bytes(PNG)
    os.utime(copy, ns=(image.path.stat().st_atime_ns, image.path.stat().st_mtime_ns))
    copy.replace(image.path)
    assert isinstance(cache.find(REQUEST), StoredImage)
    assert len(hashed) == 2


def test_an_edited_sidecar_is_not_believed(folder: Path, image: StoredImage) -> None:
    cache = Cache(folder)
    cache.find(REQUEST)
    path = image.path.with_suffix(".json")
    path.write_text(path.read_text().replace(hashlib.sha256(PNG).hexdigest(), "0" * 64))
    assert isinstance(cache.find(REQUEST), Missing)


@pytest.mark.usefixtures("any_size_is_worth_it")
def test_the_next_command_reads_no_bytes(
    folder: Path, image: StoredImage, hashed: list[str]
) -> None:
    learn(folder)
    written = index(folder).stat().st_mtime_ns
    learn(folder)
    assert hashed == [image.path.name]
    assert index(folder).stat().st_mtime_ns == written, "written again though nothing was learnt"
    assert (folder / verified.FOLDER / ".gitignore").read_text() == "*\n"


def test_nothing_is_written_where_it_spares_little(
    folder: Path, image: StoredImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(folder)
    assert not index(folder).exists()
    monkeypatch.setattr(verified, "WORTH_BYTES", len(PNG) + 1)
    learn(folder)
    assert not index(folder).exists()
    monkeypatch.setattr(verified, "WORTH_BYTES", len(PNG))
    learn(folder)
    assert index(folder).exists()


@pytest.mark.usefixtures("any_size_is_worth_it")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"version": 2, "files": {}}',
        b'{"version": 1}',
        b'{"version": 1, "files": []}',
        b"[" * 100_000,
        pytest.param(None, id="an entry of another kind"),
    ],
)
def test_a_damaged_index_is_no_index(
    folder: Path, image: StoredImage, hashed: list[str], content: bytes | None
) -> None:
    learn(folder)
    good = index(folder).read_bytes()
    if content is None:
        content = json.dumps({"version": 1, "files": {image.path.name: {"a": 1}}}).encode()
    index(folder).write_bytes(content)
    hashed.clear()
    learn(folder)
    assert hashed == [image.path.name]
    assert index(folder).read_bytes() == good


@pytest.mark.usefixtures("any_size_is_worth_it")
def test_files_that_are_gone_are_forgotten(folder: Path, image: StoredImage) -> None:
    learn(folder)
    image.path.unlink()
    image.path.with_suffix(".json").unlink()
    other = ImageRequest("Another", {"size": "8x6"})
    cache = Cache(folder)
    kept = cache.put(other, 1, PNG, FACTS)
    cache.find(other)
    cache.remember()
    assert list(json.loads(index(folder).read_bytes())["files"]) == [kept.path.name]


@pytest.mark.usefixtures("any_size_is_worth_it", "image")
def test_a_folder_that_cannot_be_written_stops_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("read-only file system")

    monkeypatch.setattr(verified, "write_atomically", refuse)
    learn(folder)
    assert not index(folder).exists()


@pytest.mark.usefixtures("any_size_is_worth_it")
def test_builds_remember(
    api: ImagesServer, tmp_path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first build after a picture was made hashes it, the second does not."""
    options = {"base_url": api.base_url, "api_key": "local", "defaults": {"size": "1024x1024"}}
    site = Site(tmp_path, options=options)
    site.use_bare_theme()
    site.write({"docs/index.md": fence("a fox", 'alt="A fox"')})
    site.build()
    assert not hashed
    site.build()
    assert len(hashed) == 1
    site.build()
    assert len(hashed) == 1
    assert len(api.posts) == 1
