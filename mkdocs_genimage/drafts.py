"""Placeholders: drawn anew by each command, never near the cache."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs_genimage.entries import Shown, source_type
from mkdocs_genimage.formats import EXTENSIONS, sniff
from mkdocs_genimage.request import variant_stem

if TYPE_CHECKING:
    from collections.abc import Callable

    from mkdocs_genimage.providers import Provider
    from mkdocs_genimage.request import ImageRequest


class Drafts:
    """A folder for placeholders.

    Args:
        load: gives the provider that draws them; called for the first one.
    """

    def __init__(self, load: Callable[[], Provider]) -> None:
        self._load = load

    @cached_property
    def _provider(self) -> Provider:
        return self._load()

    @cached_property
    def _folder(self) -> Path:
        folder = tempfile.mkdtemp(prefix="genimage-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def draw(self, request: ImageRequest, variant: int, count: int, size: tuple[int, int]) -> Shown:
        """The placeholder of one variant. Its name is never that of the image, so no cache keeps it.

        Args:
            request: what it stands for.
            variant: which of its variants.
            count: how many there are.
            size: pixels to show it at.
        """
        data = self._provider.generate(request, max(variant, count)).images[variant - 1]
        ending = EXTENSIONS[sniff(data) or "svg"]
        path = self._folder / f"placeholder-{variant_stem(request.stem, variant)}{ending}"
        if not path.exists():
            path.write_bytes(data)
        kind = source_type(request)
        return Shown(path.name, path, *size, placeholder=True, source_type=kind)
