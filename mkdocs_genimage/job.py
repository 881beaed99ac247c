"""One request under way."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mkdocs_genimage.errors import GenimageError

if TYPE_CHECKING:
    from mkdocs_genimage.cache import StoredImage
    from mkdocs_genimage.places import Place
    from mkdocs_genimage.request import ImageRequest


class StoppedError(GenimageError):
    """The build ended before this image was asked for."""

    def __init__(self) -> None:
        super().__init__("the build ended before this image was asked for")


class BehindError(GenimageError):
    """What this image is made from comes later, so this one goes behind it."""

    def __init__(self) -> None:
        super().__init__("what this image is made from was not asked for yet")


@dataclass(eq=False)
class Job:
    """One request under way.

    Attributes:
        request: what is asked for.
        variants: which of its variants, from 1.
        place: the first block that wants it.
        again: whether images that are there are made anew; the old ones go to the trash.
        reserved: images that the limit has room for, and that are not asked for yet.
        is_cancelled: whether it is not to be sent any more.
        sent: whether its request went out at least once.
        images: what has come and been stored, by variant.
        made_elsewhere: variants that another process made meanwhile.
        error: why something is missing.
        done: set when nothing more will come.
    """

    request: ImageRequest
    variants: tuple[int, ...]
    place: Place
    again: bool = False
    reserved: int = 0
    is_cancelled: bool = False
    sent: bool = False
    images: dict[int, StoredImage] = field(default_factory=dict)
    made_elsewhere: set[int] = field(default_factory=set)
    error: GenimageError | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def is_lost(self, variant: int) -> bool:
        """Whether an image that had come is not there any more."""
        image = self.images.get(variant)
        return image is not None and not image.path.exists()
