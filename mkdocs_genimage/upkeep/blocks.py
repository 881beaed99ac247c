"""What a look at a site finds: its blocks and heroes, and what there is for each of their pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mkdocs_genimage.alt import alt_text
from mkdocs_genimage.hero import FrontMatter, FrontMatterPlace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs_genimage.cache import StoredImage
    from mkdocs_genimage.compose import Composed
    from mkdocs_genimage.places import Place
    from mkdocs_genimage.records import SeenBlock
    from mkdocs_genimage.request import ImageRequest

ImageState = Literal["cached", "stale", "missing", "damaged", "elsewhere", "refused", "billed?"]
"""What there is for one variant:

- cached: the image, as the site would ask for it today.
- stale: the image, made by another model or server than today's. It is used.
- missing: nothing.
- damaged: files that cannot be used; see `SiteImage.reason`.
- elsewhere: it was made, but is not here: a Git LFS pointer, or written by a newer version.
- refused: nothing, and it is not asked for, as the server's moderation refused it before.
- billed?: nothing, but an earlier request for it may have been billed.
"""

Role = Literal["", "light", "dark", "hero", "hero dark"]
"""Which picture of a block one is: of a block with a twin the one for light or for dark mode; the hero of a
page's front matter, or its twin."""


@dataclass(frozen=True)
class SiteImage:
    """One variant of one request, however many blocks show it.

    Attributes:
        request: what makes it.
        variant: from 1.
        state: what there is.
        reason: why it cannot be used or is not asked for; else empty.
        stored: the image, where it is there.
        price: USD that asking for it will cost; None where the price is not known or nothing will be asked.
        is_asked_for: whether `mkdocs build` would ask for it, if it may spend enough.
        places: the blocks that show it, or need it.
    """

    request: ImageRequest
    variant: int
    state: ImageState
    reason: str = ""
    stored: StoredImage | None = None
    price: float | None = None
    is_asked_for: bool = False
    places: tuple[Place, ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        """Its name in the cache, without ending."""
        return self.request.stem if self.variant == 1 else f"{self.request.stem}-{self.variant}"


@dataclass(frozen=True)
class SiteBlock:
    """A block of the site, or the hero of a page's front matter.

    Attributes:
        place: `docs/guide.md:12`, or `docs/guide.md (from a snippet)`.
        page: the page's file in docs_dir, as MkDocs names it: `guide.md`.
        url: the page in the site, relative to its root.
        title: the page's.
        seen: the block as the build saw it.
        images: all variants that it asks for; none if the block is wrong.
        twins: pictures for dark mode, each by the number of the variant that it is an edit of.
        is_hero: whether it is the picture of its whole page, be it one of the page's blocks.
    """

    place: str
    page: str
    url: str
    title: str
    seen: SeenBlock = field(repr=False)
    images: tuple[SiteImage, ...] = ()
    twins: Mapping[int, SiteImage] = field(default_factory=dict)
    is_hero: bool = False

    @property
    def pictures(self) -> tuple[SiteImage, ...]:
        """All that it is about: each variant, and then its twin."""
        pairs = [(image, self.twins.get(image.variant)) for image in self.images]
        return tuple(image for pair in pairs for image in pair if image)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of its pictures, those that cannot be made among them; none if the block is wrong."""
        own = [self.composed.request.key] if self.composed else []
        return (*own, *(twin.request.key for twin in self.wanted_twins.values()))

    @property
    def is_in_front_matter(self) -> bool:
        """Whether it is no block of the text."""
        return isinstance(self.seen.place, FrontMatterPlace)

    @property
    def front_matter(self) -> FrontMatter:
        """What its page's front matter says under `genimage`."""
        meta = getattr(self.seen.file.page, "meta", None) or {}
        return FrontMatter.read(meta.get("genimage"))

    @property
    def wanted_twins(self) -> dict[int, Composed]:
        """What its pictures for dark mode are made by, those that cannot be made among them.

        A hero that its page does not show has none, whatever its options say.
        """
        composed = self.composed
        if composed is None or (self.is_in_front_matter and not self.front_matter.show):
            return {}
        return dict(zip(composed.shown_variants, composed.twins, strict=False))

    @property
    def noun(self) -> str:
        """What messages call it."""
        return "hero" if self.is_in_front_matter else "block"

    @property
    def composed(self) -> Composed | None:
        """What it asks for; None if it is wrong."""
        return self.seen.composed

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with it, each with its place. If that is its twins alone, the rest is shown."""
        return self.seen.problems

    @property
    def alt(self) -> tuple[str, str]:
        """Its alt text, and where that is from: `alt`, `decorative`, `caption` or `prompt`."""
        return alt_text(self.composed.options) if self.composed else ("", "")

    def twin_of(self, image: SiteImage) -> int | None:
        """The variant that a picture of this block is the twin of; None if it is none."""
        key = image.request.key
        return next((n for n, twin in self.twins.items() if twin.request.key == key), None)

    def role(self, image: SiteImage) -> Role:
        """Which of its pictures one is, in a word; empty where there is nothing to tell apart."""
        if self.twin_of(image):
            return "hero dark" if self.is_in_front_matter else "dark"
        if self.is_in_front_matter:
            return "hero"
        return "light" if self.twins else ""
