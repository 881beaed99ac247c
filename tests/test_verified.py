"""Files are hashed once and then known by their status; any doubt has them hashed again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    monkeypatch.setattr(verified, "WORTH_SECONDS", 1e-9)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "genimage"


@pytest.fixture
def image(folder: Path) -> StoredImage:
    return Cache(folder).put(REQUEST, 1, PNG, FACTS)


def index(folder: Path) -> Path:
    return folder / verified.FOLDER / "index"


def learn(folder: Path) -> None:
    """What a build does: look up, and remember at its end."""
    cache = Cache(folder)
    assert isinstance(cache.find(REQUEST), StoredImage)
    cache.remember()


def change_in_place(path: Path, old: bytes, new: bytes) -> None:
    """Replace bytes, and set size and time of change to what they were. The status's own time tells."""
    before = path.stat()
    data = path.read_bytes().replace(old, new)
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
    change_in_place(image.path, PNG[-20:], bytes(20))
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


@pytest.mark.usefixtures("any_size_is_worth_it")
@pytest.mark.parametrize("ending", [".png", ".json"])
def test_a_change_is_seen_by_the_next_command(
    folder: Path, image: StoredImage, ending: str
) -> None:
    learn(folder)
    path = image.path.with_suffix(ending)
    path.write_bytes(path.read_bytes()[:-2])
    missing = Cache(folder).find(REQUEST)
    assert isinstance(missing, Missing)
    assert f"{path.name} is damaged" in missing.reason


@pytest.mark.usefixtures("any_size_is_worth_it")
@pytest.mark.parametrize("ending", [".png", ".json"])
def test_a_file_that_is_gone_is_missed_by_the_next_command(
    folder: Path, image: StoredImage, ending: str
) -> None:
    learn(folder)
    path = image.path.with_suffix(ending)
    path.unlink()
    cache = Cache(folder)
    found = cache.find(REQUEST)
    if ending == ".png":
        assert isinstance(found, Missing)
        assert "is gone" in found.reason
    else:  # taken over, with a new sidecar
        assert isinstance(found, StoredImage)
        assert path.exists()


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the third time is that of creation")
def test_an_edit_of_a_sidecar_that_hides_is_seen(folder: Path, image: StoredImage) -> None:
    cache = Cache(folder)
    cache.find(REQUEST)
    change_in_place(image.path.with_suffix(".json"), b'"width": 8', b'"width": 9')
    found = cache.find(REQUEST)
    assert isinstance(found, StoredImage)
    assert found.width == 9


@pytest.mark.usefixtures("any_size_is_worth_it")
def test_what_is_recalled(folder: Path) -> None:
    """A look-up that reads nothing tells the same picture and who made it."""
    maker = {
        "provider": "openai",
        "host": "127.0.0.1",
        "model": "gpt-image-2",
        "adopted": True,
    }
    Cache(folder).put(REQUEST, 1, PNG, {**FACTS, **maker, "usage": {"total_tokens": 1}})
    learn(folder)
    read, recalled = Cache(folder), Cache(folder)
    index(folder).rename(folder / "index")
    first = read.find(REQUEST)
    (folder / "index").rename(index(folder))
    second = recalled.find(REQUEST)
    assert isinstance(first, StoredImage)
    assert isinstance(second, StoredImage)
    assert (first.path, first.width, first.height) == (second.path, second.width, second.height)
    for name in cache_module.RECALLED:
        assert second.sidecar.get(name) == first.sidecar.get(name)


@pytest.mark.usefixtures("any_size_is_worth_it")
def test_recalled_for_its_own_request_only(folder: Path, image: StoredImage) -> None:
    """Another request whose name begins alike, as keys are cut in names, does not get the picture."""
    learn(folder)
    twin = ImageRequest("Another", {"size": "8x6"})
    object.__setattr__(twin, "stem", image.path.stem)
    found = Cache(folder).find(twin)
    assert isinstance(found, Missing)
    assert "belongs to another image" in found.reason


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


@pytest.mark.parametrize(("images", "size"), [(200, 1), (1, 30_000_000)])
def test_written_where_it_spares_enough(tmp_path: Path, images: int, size: int) -> None:
    """What it spares is the time for many files, or that for many bytes."""
    path = tmp_path / "picture"
    path.touch()
    os.truncate(path, size)
    stat = path.stat()
    known = verified.Verified(tmp_path)
    for number in range(images - 1):
        known.note(f"image-{number}", stat, stat, {"format": "png"})
    known.save()
    assert not index(tmp_path).exists()
    known.note("last", stat, stat, {"format": "png"})
    known.save()
    assert index(tmp_path).exists()


def resealed(content: bytes) -> bytes:
    """A file as it would be, had the program written it with this content."""
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def entries(folder: Path) -> dict[str, Any]:
    """What is in the index."""
    images: dict[str, Any] = json.loads(index(folder).read_bytes().partition(b"\n")[2])["images"]
    return images


@pytest.mark.usefixtures("any_size_is_worth_it")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b'{"version": 2, "images": {}}',
        resealed(b""),
        resealed(b"{"),
        resealed(b'{"version": 1, "images": {}}'),
        resealed(b'{"version": 99, "files": []}'),
        resealed(b"[" * 100_000),
    ],
)
def test_a_damaged_index_is_no_index(
    folder: Path, image: StoredImage, hashed: list[str], content: bytes
) -> None:
    learn(folder)
    good = index(folder).read_bytes()
    index(folder).write_bytes(content)
    hashed.clear()
    learn(folder)
    assert hashed == [image.path.name]
    assert index(folder).read_bytes() == good


@pytest.mark.usefixtures("any_size_is_worth_it")
def test_an_edited_index_is_no_index(folder: Path, image: StoredImage, hashed: list[str]) -> None:
    learn(folder)
    good = index(folder).read_bytes()
    assert b'"width":8' in good
    index(folder).write_bytes(good.replace(b'"width":8', b'"width":9'))
    hashed.clear()
    found = Cache(folder).find(REQUEST)
    assert isinstance(found, StoredImage)
    assert found.width == 8
    assert hashed == [image.path.name]


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
    assert list(entries(folder)) == [kept.path.stem]


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
