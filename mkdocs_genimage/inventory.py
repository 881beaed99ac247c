"""All that lies in the cache's folder, for those who look at more than one image at a time."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.formats import EXTENSIONS
from mkdocs_genimage.request import KEY_CHARS_IN_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SIDECAR = ".json"
REFUSAL = ".refused.json"
ENDINGS = (*EXTENSIONS.values(), SIDECAR, REFUSAL)

_NAME = re.compile(
    rf"(?P<slug>.+)-(?P<digits>[0-9a-f]{{{KEY_CHARS_IN_NAME}}})(?:-(?P<variant>\d+))?"
    rf"(?P<ending>{'|'.join(map(re.escape, ENDINGS))})"
)


@dataclass(frozen=True)
class CacheFile:
    """A file of the cache, by what its name says.

    Attributes:
        path: the file.
        slug: the beginning of its prompt.
        digits: the beginning of its key.
        variant: which of the variants, from 1.
        ending: one of `ENDINGS`.
    """

    path: Path
    slug: str
    digits: str
    variant: int
    ending: str


@dataclass(frozen=True)
class Record:
    """A sidecar that can be read, and the picture it vouches for, which may be gone.

    Attributes:
        path: the sidecar.
        image: the picture's file.
        sidecar: what is recorded.
    """

    path: Path
    image: Path
    sidecar: Mapping[str, Any] = field(repr=False)

    @property
    def key(self) -> str:
        """The key of its request."""
        return str(self.sidecar["key"])

    @property
    def variant(self) -> int:
        """Which of the variants, from 1."""
        return int(self.sidecar["variant"])


def cache_files(folder: Path) -> list[CacheFile]:
    """The plugin's files in the cache's folder, by name. What has another name is not the plugin's."""
    found = []
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        return []
    for name in names:
        if match := _NAME.fullmatch(name):
            variant = int(match["variant"] or 1)
            found.append(
                CacheFile(folder / name, match["slug"], match["digits"], variant, match["ending"])
            )
    return found


def read_record(file: CacheFile) -> Record | None:
    """What a sidecar says; None if it cannot be read, which is told where its picture is looked up."""
    sidecar: Any = None
    with contextlib.suppress(OSError, ValueError, RecursionError):
        sidecar = json.loads(file.path.read_bytes())
    if not isinstance(sidecar, dict) or sidecar.get("format") not in EXTENSIONS:
        return None
    if not isinstance(sidecar.get("key"), str) or type(sidecar.get("variant")) is not int:
        return None
    image = file.path.with_name(file.path.stem + EXTENSIONS[sidecar["format"]])
    return Record(file.path, image, sidecar)


def records(folder: Path) -> list[Record]:
    """All sidecars of a folder that can be read, by name."""
    found = (read_record(file) for file in cache_files(folder) if file.ending == SIDECAR)
    return [record for record in found if record]
