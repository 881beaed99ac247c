"""What one build knows of each picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mkdocs_genimage.cache import Missing, StoredImage
from mkdocs_genimage.formats import EXTENSIONS
from mkdocs_genimage.request import variant_stem

if TYPE_CHECKING:
    from pathlib import Path

    from mkdocs_genimage.job import Job
    from mkdocs_genimage.places import Place
    from mkdocs_genimage.request import ImageRequest

State = Literal["cached", "wanted", "pending", "generated", "failed", "placeholder"]
"""In the cache; would be asked for; is asked for; came; did not come; not asked for, whatever the reason."""

GENERATED = "trainedAlgorithmicMedia"
EDITED = "compositeWithTrainedAlgorithmicMedia"
"""IPTC's codes for what a model made, and for what it made from pictures that were there
(cv.iptc.org/newscodes/digitalsourcetype, 2026-11)."""

ASSUMED_SIZE = (1024, 1024)
"""Pixels of a picture until it is there, where the author leaves its size to the server."""


@dataclass(frozen=True)
class Shown:
    """A file that a page shows, or is expected to.

    Attributes:
        name: file name in the site.
        path: the file on disk; None while it is being made.
        width: pixels.
        height: pixels.
        placeholder: whether it only stands in for the image.
        sha256: of its bytes; empty where they are not known yet.
        model: what made it; empty where that is not known.
        source_type: `GENERATED`, `EDITED`, or empty for what no model made; of a placeholder, what it stands
            in for.
    """

    name: str
    path: Path | None
    width: int
    height: int
    placeholder: bool = False
    sha256: str = ""
    model: str = ""
    source_type: str = ""

    @classmethod
    def stored(cls, image: StoredImage, request: ImageRequest) -> Shown:
        """A picture that is there."""
        facts = image.sidecar
        return cls(
            image.path.name,
            image.path,
            image.width,
            image.height,
            sha256=facts.get("sha256", ""),
            model=facts.get("model", ""),
            source_type="" if facts.get("adopted") else source_type(request),
        )

    @classmethod
    def expected(cls, request: ImageRequest, variant: int) -> Shown:
        """A picture that is being made, if it turns out as it was asked for."""
        ending = EXTENSIONS[request.options.get("output_format", "png")]
        name = variant_stem(request.stem, variant) + ending
        size = requested_size(request)
        return cls(name, None, *size, model=request.model, source_type=source_type(request))


@dataclass
class Entry:
    """One variant of one request, however many blocks show it.

    Attributes:
        request: what makes it.
        variant: which of its variants, from 1.
        shown: the file that pages show.
        state: where it stands.
        found: what is in the cache.
        refusal: why it is not asked for again, although it is missing; else empty.
        stale: whether another renderer than today's made it.
        places: the blocks that show it.
        job: what makes it.
        cost: USD that it has cost this build, where that is known.
    """

    request: ImageRequest
    variant: int
    shown: Shown
    state: State
    found: StoredImage | Missing = field(default_factory=Missing)
    refusal: str = ""
    stale: bool = False
    places: list[Place] = field(default_factory=list)
    job: Job | None = None
    cost: float | None = None

    def settle(self) -> bool:
        """Take over what its job brought, once that is done. Returns whether the image is there."""
        image = self.job.images.get(self.variant) if self.job else None
        if self.job is None or image is None:
            self.state = "failed"
            return False
        is_ours = self.variant not in self.job.made_elsewhere
        self.state = "generated" if is_ours else "cached"
        self.cost = image.sidecar.get("cost") if is_ours else None
        self.shown = Shown.stored(image, self.request)
        return True


def source_type(request: ImageRequest) -> str:
    """What kind of thing a request makes, as IPTC names it."""
    return EDITED if request.images else GENERATED


def requested_size(request: ImageRequest) -> tuple[int, int]:
    """The pixels that a request asks for; `ASSUMED_SIZE` where it leaves them to the server."""
    width, _, height = str(request.options.get("size", "")).partition("x")
    return (int(width), int(height)) if width.isdigit() and height.isdigit() else ASSUMED_SIZE
