"""The folder of images that is committed with the docs: look up, check, put.

An image is two files: the bytes as they came, and a JSON sidecar that is written after
them. No image is served whose bytes are not the ones its sidecar vouches for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.disk import remove_torn, sha256_of, write_atomically
from mkdocs_genimage.errors import CacheError
from mkdocs_genimage.formats import EXTENSIONS, LFS_POINTER
from mkdocs_genimage.request import KEY_CHARS_IN_NAME, KEY_VERSION, ImageRequest, variant_stem
from mkdocs_genimage.verified import Verified

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SIDECAR_VERSION = 1
MADE_FROM = "made_from"
"""The member of a sidecar with the SHA-256 of each picture of another block that an edit was made from."""
RECALLED = (
    "key",
    "sha256",
    "format",
    "width",
    "height",
    "provider",
    "host",
    "model",
    "adopted",
    MADE_FROM,
)
"""What of a sidecar is known without reading it, as long as the image's files do not change."""
_LFS_POINTER_MAX_BYTES = 1024
"""By its specification a Git LFS pointer file is smaller than this."""


@dataclass(frozen=True)
class StoredImage:
    """An image in the cache whose bytes have been checked.

    Attributes:
        path: the file.
        width: pixels, read from the bytes when they arrived.
        height: pixels.
        sidecar: what is recorded about it; only `RECALLED` of it where the image was looked up before.
    """

    path: Path
    width: int
    height: int
    sidecar: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Missing:
    """There is no usable image.

    Attributes:
        reason: what is wrong with the files that are there, and the cure; empty if there are none.
        bought: the image exists elsewhere (in Git LFS, or written by a newer version), so that
            asking for it again would pay for it twice.
        width: pixels where the sidecar still tells, else None.
        height: likewise.
    """

    reason: str = ""
    bought: bool = False
    width: int | None = None
    height: int | None = None


class Cache:
    """Images on disk, found by the key of their request.

    Args:
        folder: where they are kept; made when the first image is put.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stems: dict[str, str] | None = None
        self._verified = Verified(folder)

    def find(self, request: ImageRequest, variant: int = 1) -> StoredImage | Missing:
        """Look up one variant of a request.

        Files are read and hashed unless that was done before and their status is still the same, so a
        damaged one is never served.
        """
        stem = variant_stem(request.stem, variant)
        found = self._find(stem, request.key)
        if found is None and (other := self._other_stem(request.key, variant)):
            stem = other
            found = self._find(stem, request.key)
        return found or self._adopt(stem, request, variant) or Missing()

    def _find(self, stem: str, key: str) -> StoredImage | Missing | None:
        """Look up what goes by a stem; None if there is no sidecar."""
        known = self._verified.recall(stem)
        if known is not None and known["key"] == key:
            path = self.folder / (stem + EXTENSIONS[known["format"]])
            return StoredImage(path, known["width"], known["height"], known)
        file = self.folder / f"{stem}.json"
        try:
            with file.open("rb", buffering=0) as opened:
                status = os.fstat(opened.fileno())
                text = opened.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            return self._unreadable(file.name, error)
        sidecar = self._read_sidecar(text, self._name(file.name))
        if isinstance(sidecar, Missing):
            return sidecar
        if sidecar["key"] != key:
            return Missing(
                f"{self._name(file.name)} belongs to another image: it was edited or renamed. "
                "Restore it from Git, or delete it."
            )
        return self._checked(stem, sidecar, status)

    def put(
        self, request: ImageRequest, variant: int, data: bytes, facts: Mapping[str, Any]
    ) -> StoredImage:
        """Store an image and its sidecar; on return both are on disk.

        Args:
            request: what was asked for.
            variant: which of its variants this is, from 1.
            data: the bytes as they came; stored unchanged.
            facts: what else is known; needs `format`, `width` and `height`.

        Raises:
            CacheError: the folder cannot be written.
        """
        stem = variant_stem(request.stem, variant)
        path = self.folder / f"{stem}{EXTENSIONS[facts['format']]}"
        sidecar = {
            "version": SIDECAR_VERSION,
            "key": request.key,
            "key_version": KEY_VERSION,
            "variant": variant,
            "prompt": request.prompt,
            "options": {
                name: value
                for name, value in request.identity.items()
                if name not in ("prompt", "version")
            },
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            **facts,
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # The image first: a sidecar never vouches for bytes that are not there yet. An image whose
            # sidecar was lost in between is taken over by `find`.
            write_atomically(path, data, sync_folder=False)
            # An older sidecar would call these bytes damaged, should the new one not get written.
            (self.folder / f"{stem}.json").unlink(missing_ok=True)
            write_atomically(self.folder / f"{stem}.json", _as_json(sidecar))
        except OSError as error:
            raise CacheError(f"{path} cannot be written: {error.strerror or error}.") from error
        return StoredImage(path, facts["width"], facts["height"], sidecar)

    def put_refusal(self, request: ImageRequest, facts: Mapping[str, Any]) -> None:
        """Remember that a request was refused by moderation, so that it is not sent again.

        Args:
            request: what was asked for.
            facts: by whom and why; needs `host` and `model`.

        Raises:
            CacheError: the folder cannot be written.
        """
        refusal = {
            "version": SIDECAR_VERSION,
            "key": request.key,
            "key_version": KEY_VERSION,
            "prompt": request.prompt,
            **facts,
        }
        path = self._refusal_path(request)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, _as_json(refusal))
        except OSError as error:
            raise CacheError(f"{path} cannot be written: {error.strerror or error}.") from error

    def refusal(self, request: ImageRequest, host: str) -> str:
        """Why a request need not be sent to a server again, with the cure; empty if it may be.

        Args:
            request: what would be asked for.
            host: the server; another one, or another model or level of moderation, may judge otherwise.
        """
        path = self._refusal_path(request)
        try:
            refusal = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return ""
        asked = {"key": request.key, "host": host, "model": request.model}
        asked["moderation"] = request.moderation
        if not isinstance(refusal, dict) or any(refusal.get(k, "") != v for k, v in asked.items()):
            return ""
        day = str(refusal.get("created", ""))[:10]
        name = f", request {refusal['request_id']}" if refusal.get("request_id") else ""
        return (
            f"the prompt was refused by the moderation of {host} ({day}{name}), so it is not sent again. "
            f"Change it, or delete {self._name(path.name)} to try once more."
        )

    def forget_refusal(self, request: ImageRequest) -> None:
        """The image came after all."""
        with contextlib.suppress(OSError):
            self._refusal_path(request).unlink()

    def _refusal_path(self, request: ImageRequest) -> Path:
        return self.folder / f"{request.stem}.refused.json"

    def ensure_writable(self) -> None:
        """Make sure that an image can be stored, before one is paid for.

        Raises:
            CacheError: it cannot; says why and what to do.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
            remove_torn(self.folder)
        except OSError as error:
            raise CacheError(
                f"images cannot be stored in {self.folder} ({error.strerror or error}), so none is "
                "asked for. Make the folder writable, or set 'cache_dir' to one that is."
            ) from error

    def remember(self) -> None:
        """Keep for the next command which files were found whole by this one."""
        self._stems = None  # files may come between two builds of `serve`
        self._verified.save()

    def _read_sidecar(self, text: bytes, name: str) -> dict[str, Any] | Missing:
        if _is_lfs_pointer(text):
            return Missing(f"{name} is a Git LFS pointer: run 'git lfs pull'.", bought=True)
        try:
            sidecar = json.loads(text)
        except (ValueError, RecursionError):
            sidecar = None
        if isinstance(sidecar, dict):
            version = sidecar.get("version")
            if isinstance(version, int) and version > SIDECAR_VERSION:
                return Missing(
                    f"{name} was written by a newer mkdocs-genimage: update the plugin.",
                    bought=True,
                )
            if _is_whole(sidecar):
                return sidecar
        return Missing(
            f"{name} is damaged. Restore it from Git, or delete it and the picture beside it."
        )

    def _checked(
        self, stem: str, sidecar: dict[str, Any], sidecar_status: os.stat_result
    ) -> StoredImage | Missing:
        path = self.folder / f"{stem}{EXTENSIONS[sidecar['format']]}"
        name = self._name(path.name)
        size = {"width": sidecar["width"], "height": sidecar["height"]}
        try:
            with path.open("rb", buffering=0) as file:
                status = os.fstat(file.fileno())
                length = status.st_size
                if length != sidecar["bytes"]:
                    head = file.read(_LFS_POINTER_MAX_BYTES)
                    if _is_lfs_pointer(head):
                        return Missing(
                            f"{name} is a Git LFS pointer: run 'git lfs pull' to get the picture.",
                            bought=True,
                            **size,
                        )
                    return Missing(
                        f"{name} is damaged: it has {length:,} bytes, its sidecar says "
                        f"{sidecar['bytes']:,}. Restore it from Git.",
                        **size,
                    )
                sha256 = sha256_of(file)
        except FileNotFoundError:
            return Missing(
                f"{name} is gone, only its sidecar is left. Restore it from Git.", **size
            )
        except OSError as error:
            return replace(self._unreadable(path.name, error), **size)
        if sha256 != sidecar["sha256"]:
            return Missing(
                f"{name} is damaged: its bytes are not the ones that were stored. Restore it from Git.",
                **size,
            )
        facts = {name: sidecar[name] for name in RECALLED if name in sidecar}
        self._verified.note(stem, sidecar_status, status, facts)
        return StoredImage(path, sidecar["width"], sidecar["height"], sidecar)

    def _unreadable(self, file_name: str, error: OSError) -> Missing:
        """A file that is there is not paid for again, whatever keeps it from being read."""
        text = f"{self._name(file_name)} cannot be read: {error.strerror or error}."
        if isinstance(error, PermissionError):
            text += " Give yourself the right to."
        return Missing(text, bought=not isinstance(error, IsADirectoryError))

    def _other_stem(self, key: str, variant: int) -> str | None:
        """A stem with this key and another slug, as a style or an earlier version may have left it."""
        stems = self._stems
        if stems is None:
            stems = {}
            with contextlib.suppress(OSError):
                for name in sorted(entry.name for entry in self.folder.iterdir()):
                    stem, dot, ending = name.rpartition(".")
                    if dot and ending == "json" and not stem.startswith("."):
                        stems[_tail(stem)] = stem
            self._stems = stems  # whole: other threads look into it
        return stems.get(variant_stem(key[:KEY_CHARS_IN_NAME], variant))

    def _adopt(
        self, stem: str, request: ImageRequest, variant: int
    ) -> StoredImage | Missing | None:
        """Take over an image without a sidecar: a build was killed between the two writes.

        Its name holds the key, and names are given only to whole files, so it is the image.
        """
        for ending in EXTENSIONS.values():
            path = self.folder / f"{stem}{ending}"
            try:
                data = path.read_bytes()
            except OSError:
                continue
            if _is_lfs_pointer(data[:_LFS_POINTER_MAX_BYTES]):
                return Missing(
                    f"{self._name(path.name)} is a Git LFS pointer: run 'git lfs pull' to get the "
                    "picture.",
                    bought=True,
                )
            from mkdocs_genimage.imaging import ImageError, inspect

            try:
                info = inspect(data)
            except ImageError as error:
                return Missing(f"{self._name(path.name)} has no sidecar, and {error}. Delete it.")
            facts = {
                "format": info.format,
                "width": info.width,
                "height": info.height,
                "recovered": True,
            }
            if EXTENSIONS[info.format] != ending:
                return Missing(
                    f"{self._name(path.name)} has no sidecar, and the picture is {info.format}. Delete it."
                )
            remove_torn(self.folder)
            try:
                return self.put(request, variant, data, facts)
            except CacheError:
                return StoredImage(path, info.width, info.height, facts)
        return None

    def _name(self, file_name: str) -> str:
        """A file of the cache as messages name it."""
        return f"{self.folder.name}/{file_name}"


def _as_json(content: Mapping[str, Any]) -> bytes:
    """A JSON file that differs between two writings only where its content does."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, default=str) + "\n"
    return text.encode("utf-8", "replace")


def _is_lfs_pointer(head: bytes) -> bool:
    return head.startswith(LFS_POINTER)


def _is_whole(sidecar: dict[str, Any]) -> bool:
    """Whether every field that is relied on is there and of its type."""
    numbers = ("width", "height", "bytes", "variant")
    texts = ("key", "sha256", "format")
    return (
        all(isinstance(sidecar.get(name), str) for name in texts)
        and all(type(sidecar.get(name)) is int and sidecar[name] > 0 for name in numbers)
        and sidecar["format"] in EXTENSIONS
    )


def _tail(stem: str) -> str:
    """What follows the slug: the key's digits and perhaps a variant's number."""
    front, _, last = stem.rpartition("-")
    if len(last) == KEY_CHARS_IN_NAME:
        return last
    return f"{front.rpartition('-')[2]}-{last}"
