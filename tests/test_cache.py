"""The folder of images: nothing is lost, nothing damaged is served, nothing is paid for twice."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pictures import picture
from sites import LFS_POINTER

from mkdocs_genimage.cache import Cache, Missing, StoredImage, write_atomically
from mkdocs_genimage.errors import CacheError
from mkdocs_genimage.request import ImageRequest, InputFile

PROPERTY = settings(
    deadline=None,
    database=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
REQUEST = ImageRequest("A fox in snow", {"size": "8x6"}, subject="A fox")
PNG = picture("a fox", "8x6")
OTHER = picture("another", "8x6")
FACTS = {"format": "png", "width": 8, "height": 6}
MISSING_ALL = Missing()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "genimage"


@pytest.fixture
def stored(folder: Path) -> StoredImage:
    return Cache(folder).put(REQUEST, 1, PNG, FACTS)


def sidecar_of(image: StoredImage) -> Path:
    return image.path.with_suffix(".json")


def find(folder: Path, request: ImageRequest = REQUEST, variant: int = 1) -> StoredImage | Missing:
    """A look-up by a new command."""
    return Cache(folder).find(request, variant)


def found(folder: Path, request: ImageRequest = REQUEST, variant: int = 1) -> StoredImage:
    image = find(folder, request, variant)
    assert isinstance(image, StoredImage), image
    return image


def missing(folder: Path, request: ImageRequest = REQUEST) -> Missing:
    nothing = find(folder, request)
    assert isinstance(nothing, Missing)
    return nothing


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- Put and find -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "ending"), [("png", ".png"), ("jpeg", ".jpg"), ("webp", ".webp"), ("gif", ".gif")]
)
def test_round_trip(form: str, ending: str, folder: Path) -> None:
    data = picture("a fox", "8x6", form)
    cache = Cache(folder)
    image = cache.put(REQUEST, 1, data, {**FACTS, "format": form})
    assert image.path == folder / f"{REQUEST.stem}{ending}"
    assert image.path.read_bytes() == data
    assert names(folder) == sorted([f"{REQUEST.stem}{ending}", f"{REQUEST.stem}.json"])
    for again in (cache.find(REQUEST), found(folder)):
        assert again == image
        assert isinstance(again, StoredImage)
        assert (again.width, again.height) == (8, 6)


def test_sidecar(folder: Path) -> None:
    request = replace(
        REQUEST,
        prompt="Fl\u00e4chig. A fox in snow",
        options={"size": "8x6", "extra": {"b": 1, "a": 2}},
        images=(InputFile("cat.png", b"cat"),),
    )
    image = Cache(folder).put(request, 2, PNG, {**FACTS, "model": "m", "cost": 0.05})
    text = sidecar_of(image).read_bytes()
    assert json.loads(text) == image.sidecar
    assert image.sidecar == {
        "version": 1,
        "key": request.key,
        "key_version": 1,
        "variant": 2,
        "prompt": "Fl\u00e4chig. A fox in snow",
        "options": {
            "size": "8x6",
            "extra": {"b": 1, "a": 2},
            "image": [hashlib.sha256(b"cat").hexdigest()],
        },
        "bytes": len(PNG),
        "sha256": hashlib.sha256(PNG).hexdigest(),
        "format": "png",
        "width": 8,
        "height": 6,
        "model": "m",
        "cost": 0.05,
    }
    assert "Fl\u00e4chig".encode() in text
    assert text.endswith(b"}\n")
    lines = text.decode().splitlines()
    assert lines[1].startswith('  "bytes": ')


def test_sidecar_bytes_do_not_depend_on_order(tmp_path: Path) -> None:
    one = Cache(tmp_path / "1").put(
        replace(REQUEST, options={"size": "8x6", "quality": "low"}),
        1,
        PNG,
        {**FACTS, "a": {"x": 1, "y": 2}},
    )
    two = Cache(tmp_path / "2").put(
        replace(REQUEST, options={"quality": "low", "size": "8x6"}),
        1,
        PNG,
        {"a": {"y": 2, "x": 1}, "height": 6, "width": 8, "format": "png"},
    )
    assert sidecar_of(one).read_bytes() == sidecar_of(two).read_bytes()


def test_lone_surrogate_in_a_prompt(folder: Path) -> None:
    request = ImageRequest("\ud800 fox")
    Cache(folder).put(request, 1, PNG, FACTS)
    assert found(folder, request).width == 8


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_files_can_be_read_by_all(stored: StoredImage) -> None:
    for path in (stored.path, sidecar_of(stored)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_variants(folder: Path) -> None:
    cache = Cache(folder)
    for variant in (1, 2, 10):
        cache.put(REQUEST, variant, picture(str(variant), "8x6"), FACTS)
    for variant in (1, 2, 10):
        image = found(folder, variant=variant)
        assert image.path.read_bytes() == picture(str(variant), "8x6")
    assert find(folder, variant=3) == MISSING_ALL
    assert found(folder, variant=2).path.name == f"{REQUEST.stem}-2.png"


@pytest.mark.parametrize("variant", [1, 2])
def test_found_under_another_slug(variant: int, folder: Path) -> None:
    old = replace(REQUEST, subject="An earlier name of a fox")
    image = Cache(folder).put(old, variant, PNG, FACTS)
    assert old.stem != REQUEST.stem
    assert found(folder, variant=variant).path == image.path
    assert find(folder, variant=3 - variant) == MISSING_ALL
    Cache(folder).put(REQUEST, variant, OTHER, FACTS)
    assert found(folder, variant=variant).path.read_bytes() == OTHER


def test_found_under_another_slug_after_the_next_build(folder: Path) -> None:
    """`git pull` beside `serve` brought it."""
    cache = Cache(folder)
    assert cache.find(REQUEST) == MISSING_ALL
    Cache(folder).put(replace(REQUEST, subject="An earlier name of a fox"), 1, PNG, FACTS)
    cache.remember()
    assert isinstance(cache.find(REQUEST), StoredImage)


def test_of_several_other_slugs_always_the_same(folder: Path) -> None:
    slugs = ["Zebra", "Alpha", "Middle"]
    for slug in slugs:
        Cache(folder).put(replace(REQUEST, subject=slug), 1, PNG, FACTS)
    assert found(folder).path.name.startswith("zebra-")


def test_new_cache_object_is_not_needed_for_what_was_put(folder: Path) -> None:
    cache = Cache(folder)
    assert cache.find(REQUEST) == MISSING_ALL
    cache.put(REQUEST, 1, PNG, FACTS)
    assert isinstance(cache.find(REQUEST), StoredImage)


def test_look_up_of_a_whole_image_writes_nothing(stored: StoredImage, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    for path in before:
        path.chmod(0o444)
    found(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


# --- Damage -----------------------------------------------------------------------------------


def test_truncated_image(stored: StoredImage, folder: Path) -> None:
    stored.path.write_bytes(PNG[:-1])
    assert missing(folder) == Missing(
        f"genimage/{stored.path.name} is damaged: it has {len(PNG) - 1:,} bytes, its sidecar says "
        f"{len(PNG):,}. Restore it from Git.",
        width=8,
        height=6,
    )


@pytest.mark.parametrize("position", [0, 40, len(PNG) - 1])
def test_flipped_byte(position: int, stored: StoredImage, folder: Path) -> None:
    data = bytearray(PNG)
    data[position] ^= 1
    stored.path.write_bytes(data)
    nothing = missing(folder)
    assert nothing.reason == (
        f"genimage/{stored.path.name} is damaged: its bytes are not the ones that were stored. Restore "
        "it from Git."
    )
    assert (nothing.bought, nothing.width, nothing.height) == (False, 8, 6)


def test_image_is_gone(stored: StoredImage, folder: Path) -> None:
    stored.path.unlink()
    assert missing(folder) == Missing(
        f"genimage/{stored.path.name} is gone, only its sidecar is left. Restore it from Git.",
        width=8,
        height=6,
    )


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n",
    ],
    ids=lambda text: text[:12],
)
def test_torn_sidecar(text: bytes, stored: StoredImage, folder: Path) -> None:
    sidecar_of(stored).write_bytes(text)
    name = sidecar_of(stored).name
    assert missing(folder) == Missing(
        f"genimage/{name} is damaged. Restore it from Git, or delete it and the picture beside it."
    )


def test_sidecar_torn_anywhere(stored: StoredImage, folder: Path) -> None:
    text = sidecar_of(stored).read_bytes()
    for length in range(len(text) - 2):  # the last two bytes are a brace and a line feed
        sidecar_of(stored).write_bytes(text[:length])
        assert missing(folder).reason.endswith("delete it and the picture beside it.")


@pytest.mark.parametrize("name", ["key", "sha256", "format", "width", "height", "bytes", "variant"])
@pytest.mark.parametrize("value", [None, True, 1.5, -1, 0, [], {}, "8.0", "absent"], ids=str)
def test_edited_sidecar(name: str, value: Any, stored: StoredImage, folder: Path) -> None:
    edited = dict(stored.sidecar)
    if value == "absent":
        del edited[name]
    else:
        edited[name] = value
    sidecar_of(stored).write_text(json.dumps(edited))
    assert missing(folder).reason


@pytest.mark.parametrize(("name", "value"), [("version", "1"), ("version", True), ("prompt", 7)])
def test_edits_of_what_nobody_relies_on(
    name: str, value: Any, stored: StoredImage, folder: Path
) -> None:
    sidecar_of(stored).write_text(json.dumps({**stored.sidecar, name: value}))
    assert found(folder).path == stored.path


def test_renamed_pair(stored: StoredImage, folder: Path) -> None:
    other = ImageRequest("A hen")
    for path in (stored.path, sidecar_of(stored)):
        path.rename(folder / f"{other.stem}{path.suffix}")
    assert missing(folder, other).reason == (
        f"genimage/{other.stem}.json belongs to another image: it was edited or renamed. Restore it "
        "from Git, or delete it."
    )


def test_version_from_the_future(stored: StoredImage, folder: Path) -> None:
    sidecar_of(stored).write_text('{"version": 2}')
    assert missing(folder) == Missing(
        f"genimage/{REQUEST.stem}.json was written by a newer mkdocs-genimage: update the plugin.",
        bought=True,
    )


def test_pointers_of_git_lfs(stored: StoredImage, folder: Path) -> None:
    stored.path.write_bytes(LFS_POINTER)
    advice = "is a Git LFS pointer: run 'git lfs pull'"
    assert missing(folder) == Missing(
        f"genimage/{stored.path.name} {advice} to get the picture.", True, 8, 6
    )
    sidecar_of(stored).write_bytes(LFS_POINTER)
    assert missing(folder) == Missing(f"genimage/{REQUEST.stem}.json {advice}.", True)
    sidecar_of(stored).unlink()
    assert missing(folder) == Missing(
        f"genimage/{stored.path.name} {advice} to get the picture.", True
    )


@PROPERTY
@given(st.binary(max_size=300) | st.text().map(str.encode))
@example(b'{"version": 1e400}')
@example(b'{"version": ' + b"9" * 5000 + b"}")
@example(b"\xef\xbb\xbf{}")
def test_any_bytes_as_a_sidecar(folder: Path, text: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{REQUEST.stem}.png").write_bytes(PNG)
    (folder / f"{REQUEST.stem}.json").write_bytes(text)
    assert missing(folder).reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
FIELDS = sorted({"version", "key", "sha256", "format", "width", "height", "bytes", "variant"})


@PROPERTY
@given(st.dictionaries(st.sampled_from(FIELDS), JSON, min_size=1))
def test_any_edit_of_a_sidecar(folder: Path, edit: dict[str, Any]) -> None:
    image = Cache(folder).put(REQUEST, 1, PNG, FACTS)
    sidecar_of(image).write_text(json.dumps({**image.sidecar, **edit}))
    looked_up = find(folder)
    if isinstance(looked_up, StoredImage):
        assert looked_up.path.read_bytes() == PNG


# --- An image without its sidecar -------------------------------------------------------------


def test_image_without_a_sidecar_is_taken_over(stored: StoredImage, folder: Path) -> None:
    sidecar_of(stored).unlink()
    image = found(folder)
    assert image.path.read_bytes() == PNG
    assert json.loads(sidecar_of(stored).read_bytes()) == {**stored.sidecar, "recovered": True}
    assert found(folder) == image


@pytest.mark.parametrize("data", [PNG[:-1], PNG[:60], b"", b"<html>", picture("x", "8x6", "svg")])
def test_damaged_image_without_a_sidecar(data: bytes, stored: StoredImage, folder: Path) -> None:
    sidecar_of(stored).unlink()
    stored.path.write_bytes(data)
    reason = missing(folder).reason
    assert reason.startswith(f"genimage/{stored.path.name} has no sidecar, and the ")
    assert reason.endswith(" Delete it.")
    assert not sidecar_of(stored).exists()


def test_image_of_another_format_than_its_name_is_not_taken_over(
    stored: StoredImage, folder: Path
) -> None:
    sidecar_of(stored).unlink()
    stored.path.write_bytes(picture("x", "8x6", "jpeg"))
    assert missing(folder).reason.endswith(" has no sidecar, and the picture is jpeg. Delete it.")


def test_take_over_where_nothing_can_be_written(
    stored: StoredImage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidecar_of(stored).unlink()
    fail_replacing(monkeypatch, {1})
    image = found(folder)
    assert (image.path, image.width, image.height) == (stored.path, 8, 6)


# --- The folder -------------------------------------------------------------------------------


def test_no_folder(folder: Path) -> None:
    assert find(folder) == MISSING_ALL
    assert not folder.exists()
    Cache(folder).ensure_writable()
    assert names(folder) == []


def test_folder_is_a_file(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("x")
    assert find(folder) == MISSING_ALL
    cache = Cache(folder)
    with pytest.raises(CacheError, match=r"png cannot be written: File exists\.$"):
        cache.put(REQUEST, 1, PNG, FACTS)
    with pytest.raises(CacheError, match=r"^images cannot be stored in .*set 'cache_dir' to one"):
        cache.ensure_writable()


def test_folders_where_files_should_be(folder: Path) -> None:
    (folder / f"{REQUEST.stem}.json").mkdir(parents=True)
    assert missing(folder).reason.startswith(f"genimage/{REQUEST.stem}.json cannot be read: ")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do all")
def test_folder_that_cannot_be_written(stored: StoredImage, folder: Path) -> None:
    folder.chmod(0o500)
    try:
        assert found(folder).path == stored.path
        with pytest.raises(CacheError):
            Cache(folder).ensure_writable()
        folder.chmod(0)
        assert missing(folder).reason.endswith("Permission denied. Give yourself the right to.")
    finally:
        folder.chmod(0o700)


def test_leftovers_are_ignored(stored: StoredImage, folder: Path) -> None:
    other = ImageRequest("A hen")
    for name in (f".{other.stem}.json", f".{other.stem}.png.tmp", ".abc.tmp", f"{other.stem}.tmp"):
        (folder / name).write_bytes(PNG)
    for name in (".json", "notes.json", "README", f"x-{other.key[:12]}.txt"):
        (folder / name).write_text("{}")
    assert find(folder, other) == MISSING_ALL
    assert found(folder) == stored


# --- Refusals ---------------------------------------------------------------------------------

REFUSED = {"host": "images.example", "model": "m", "created": "2026-11-22T10:00:00+00:00"}
ASKED = replace(REQUEST, model="m")


def test_refusal_is_remembered(folder: Path) -> None:
    assert Cache(folder).refusal(ASKED, "images.example") == ""
    Cache(folder).put_refusal(ASKED, {**REFUSED, "request_id": "req_1"})
    (name,) = names(folder)
    assert Cache(folder).refusal(ASKED, "images.example") == (
        "the prompt was refused by the moderation of images.example (2026-11-22, request req_1), so it "
        f"is not sent again. Change it, or delete genimage/{name} to try once more."
    )
    (folder / name).unlink()
    assert Cache(folder).refusal(ASKED, "images.example") == ""


def test_refusal_is_of_one_server_model_and_request(folder: Path) -> None:
    Cache(folder).put_refusal(ASKED, REFUSED)
    assert Cache(folder).refusal(ASKED, "other.example") == ""
    assert Cache(folder).refusal(replace(ASKED, model="other"), "images.example") == ""
    assert Cache(folder).refusal(replace(ASKED, prompt="A hen"), "images.example") == ""


def test_refusal_is_no_image(folder: Path) -> None:
    Cache(folder).put_refusal(ASKED, REFUSED)
    assert find(folder) == find(folder, replace(REQUEST, subject="x")) == MISSING_ALL
    Cache(folder).put(REQUEST, 1, PNG, FACTS)
    assert found(folder, replace(REQUEST, subject="Another name")).path.read_bytes() == PNG


def test_refusal_where_nothing_can_be_written(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("x")
    with pytest.raises(CacheError):
        Cache(folder).put_refusal(ASKED, REFUSED)


@PROPERTY
@given(st.binary(max_size=50) | JSON.map(lambda value: json.dumps(value).encode()))
@example(b"[" * 100_000)
def test_any_bytes_as_a_refusal(folder: Path, text: bytes) -> None:
    cache = Cache(folder)
    cache.put_refusal(ASKED, REFUSED)
    (folder / names(folder)[0]).write_bytes(text)
    assert cache.refusal(ASKED, "images.example") == ""


# --- A write that is interrupted --------------------------------------------------------------


def fail_replacing(monkeypatch: pytest.MonkeyPatch, failing: set[int]) -> list[Path]:
    """Let the calls of these numbers fail; gives the targets of all."""
    targets: list[Path] = []
    real = Path.replace

    def replace_or_fail(self: Path, target: Path) -> Path:
        targets.append(Path(target))
        if len(targets) in failing:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace_or_fail)
    return targets


def test_image_is_written_before_its_sidecar(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = fail_replacing(monkeypatch, set())
    Cache(folder).put(REQUEST, 1, PNG, FACTS)
    assert [path.suffix for path in targets] == [".png", ".json"]


@pytest.mark.parametrize("failing", [1, 2])
def test_failing_write_of_a_new_image(
    failing: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_replacing(patch, {failing})
        with pytest.raises(CacheError, match=r"cannot be written: No space left on device\.$"):
            Cache(folder).put(REQUEST, 1, PNG, FACTS)
    assert not [name for name in names(folder) if name.endswith(".tmp")]
    if failing == 1:
        assert find(folder) == MISSING_ALL
    else:  # it is paid for, so it is kept
        assert found(folder).path.read_bytes() == PNG


@pytest.mark.parametrize("failing", [1, 2])
def test_failing_write_over_an_older_image(
    failing: int, stored: StoredImage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_replacing(patch, {failing})
        with pytest.raises(CacheError):
            Cache(folder).put(REQUEST, 1, OTHER, FACTS)
    image = found(folder)
    assert image.path.read_bytes() == {1: PNG, 2: OTHER}[failing]
    if failing == 1:
        assert image == stored


def test_failing_write_over_a_damaged_image(
    stored: StoredImage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image that was just paid for is found by the next build."""
    stored.path.write_bytes(PNG[:50])
    with monkeypatch.context() as patch:
        fail_replacing(patch, {2})
        with pytest.raises(CacheError):
            Cache(folder).put(REQUEST, 1, OTHER, FACTS)
    assert found(folder).path.read_bytes() == OTHER


def test_interrupt_leaves_no_temporary_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Cache(folder).put(REQUEST, 1, PNG, FACTS)
    assert names(folder) == []


@pytest.mark.skipif(os.name != "posix", reason="folders are synced on POSIX only")
def test_file_system_that_cannot_sync_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def files_only(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(22, "Invalid argument")
        real(handle)

    monkeypatch.setattr(os, "fsync", files_only)
    write_atomically(tmp_path / "a.txt", b"text")
    assert (tmp_path / "a.txt").read_bytes() == b"text"
