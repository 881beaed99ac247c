"""What takes the place of one block, or of a page's hero, on a site that leaves the plugin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.entries import Shown
from mkdocs_genimage.errors import GenimageError
from mkdocs_genimage.figure import hero_options
from mkdocs_genimage.light import UNSOCIAL, social_name, social_size
from mkdocs_genimage.options import LINK_TO_ORIGINAL
from mkdocs_genimage.upkeep.block_markup import Copy
from mkdocs_genimage.upkeep.dark_mode import switch
from mkdocs_genimage.upkeep.front_matter import below_title, replace_hero
from mkdocs_genimage.upkeep.plain_markup import Form, Markup
from mkdocs_genimage.upkeep.source_edits import SourceError, SourceFile, page_file, source_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mkdocs_genimage.cache import StoredImage
    from mkdocs_genimage.compose import Composed
    from mkdocs_genimage.fences import Fence
    from mkdocs_genimage.upkeep.blocks import SiteBlock, SiteImage
    from mkdocs_genimage.upkeep.survey import Survey

ITEM_INDENT = 4
"""Blanks in front of what belongs to an item of a list, in Python-Markdown."""

_OTHER_SWITCH = (
    "pages of this site go from light to dark in a way that plain images know nothing of. Take 'dark' out of "
    "the block, or write both images and CSS for them by hand."
)
_TWO_ORIGINALS = (
    "'link: original' leads to another file in dark mode, which a plain link cannot. Take 'link' or 'dark' "
    "out of the block first."
)
_LIGHTBOX = (
    "the image for dark mode would need a <picture>, which glightbox does not show. Take 'dark' out of the "
    "block first."
)
_UNSEEN = "readers never see its picture for {} mode with this theme: that one is left behind."
_TAGS = (
    "the page's 'image' is for themes and plugins. The tags in its head that tell social media of it were "
    "the plugin's own: have your theme write them."
)


class EjectError(GenimageError):
    """What was asked for cannot be done; the message says why and what to do."""


@dataclass(frozen=True)
class Social:
    """A picture for other sites, which take JPEG only.

    Attributes:
        path: the file in the cache that it is made from.
        width: pixels.
        source_type: IPTC's code for how that came to be; empty for what no model made.
    """

    path: Path
    width: int
    source_type: str

    def make(self) -> bytes:
        """Its bytes.

        Raises:
            EjectError: it cannot be made.
            OSError: the file cannot be read.
        """
        # Brings Pillow.
        from mkdocs_genimage.derived import Recipe
        from mkdocs_genimage.deriving import Picture
        from mkdocs_genimage.imaging import ImageError

        try:
            recipe = Recipe(self.width, "jpeg", self.source_type)
            return Picture(self.path.read_bytes()).make(recipe)
        except ImageError as error:
            raise EjectError(f"{self.path.name}: {error}.") from None


@dataclass
class Found:
    """A block of a page's file, or its hero, that can be replaced.

    Attributes:
        block: what was found.
        forms: the ways to write it; none for a hero that its page does not show.
        pictures: path in docs_dir to the file in the cache.
        also: what else is to be changed in the file with it.
        social: path in docs_dir to the picture for other sites.
        notes: what is not as it was.
    """

    block: SiteBlock
    forms: list[Form] = field(default_factory=list)
    pictures: dict[str, Path] = field(default_factory=dict)
    also: dict[Fence, list[str]] = field(default_factory=dict)
    social: dict[str, Social] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Writer:
    """Finds what takes the place of a site's blocks.

    Args:
        survey: of the site.
        folder: where the pictures go, below docs_dir.
    """

    def __init__(self, survey: Survey, folder: str) -> None:
        self._survey = survey
        self._folder = folder
        self._switch = switch(survey.config, survey.options)
        self.markup = Markup(survey.config, by_fragment=self._switch == "fragment")

    def source_of(self, block: SiteBlock) -> tuple[SourceFile, Fence]:
        """The file in which a block is written, and the lines whose place is taken.

        Raises:
            SourceError: it is not written in a file of docs_dir, at least not as it is on the page.
        """
        if not block.is_in_front_matter:
            return source_of(block, self._survey)
        source = SourceFile(page_file(block, self._survey))
        at = below_title(source)
        return source, source.span(at, at)

    def found(self, block: SiteBlock, source: SourceFile, fence: Fence) -> Found:
        """A block with the ways to write it.

        Raises:
            SourceError: it is wrong, or its picture is not there, or nothing does what it did.
        """
        if block.composed is None:
            raise SourceError(f"the {block.noun} is wrong, see 'mkdocs-genimage plan'.")
        found = Found(block)
        if not block.is_in_front_matter:
            self._write(found, block.composed, _prefixes(source, fence))
        elif block.front_matter.show:
            self._write(found, block.composed, [""])
        if block.is_hero:
            self._take_hero(found, block.composed, source)
        return found

    def _write(self, found: Found, composed: Composed, prefixes: Sequence[str]) -> None:
        """Add the ways to write a block's pictures."""
        block = found.block
        copies = [self._copy(found, variant) for variant in composed.shown_variants]
        options: Mapping[str, Any] = composed.options
        if any(copy.twin for copy in copies):
            if options.get("link") == LINK_TO_ORIGINAL:
                raise SourceError(_TWO_ORIGINALS)
            if self._switch == "media" and "glightbox" in self._survey.config.plugins:
                raise SourceError(_LIGHTBOX)
        if block.is_hero:
            options = hero_options(options, sets_loading=composed.origin("loading") == "block")
        found.forms += [
            form
            for prefix in prefixes
            for form in self.markup.forms(block.seen.file, prefix, options, copies)
        ]

    def _copy(self, found: Found, variant: int) -> Copy:
        """A variant with its twin as they will lie among the docs.

        Raises:
            SourceError: one of them is not there, or plain images cannot be switched.
        """
        block = found.block
        images = {image.variant: image for image in block.images}
        light = _stored(images.get(variant), "its picture")
        twin = block.twins.get(variant)
        if twin is None:
            return self._copied(found, light)
        dark = _stored(twin, "its picture for dark mode")
        if self._switch == "other":
            raise SourceError(_OTHER_SWITCH)
        if self._switch in ("light", "dark"):
            unseen = "dark" if self._switch == "light" else "light"
            found.notes.append(_UNSEEN.format(unseen))
            return self._copied(found, light if self._switch == "light" else dark)
        return self._copied(found, light, self._copied(found, dark))

    def _copied(self, found: Found, image: StoredImage, twin: Copy | None = None) -> Copy:
        uri = f"{self._folder}/{image.path.name}"
        found.pictures[uri] = image.path
        return Copy(uri, image.width, image.height, twin)

    def _take_hero(self, found: Found, composed: Composed, source: SourceFile) -> None:
        """Add what becomes of the front matter that makes it the page's hero."""
        first = composed.shown_variants[0]
        image = next((image for image in found.block.images if image.variant == first), None)
        stored = _stored(image, "its picture")
        uri = ""
        if not stored.path.name.endswith(UNSOCIAL):
            uri = f"{self._folder}/{social_name(stored.path.name)}"
        edits = replace_hero(source, uri)
        found.also = {
            source.span(edit.start, edit.end): [
                line + source.end_of(source.span(0, 0)) for line in edit.lines
            ]
            for edit in edits
        }
        if uri and any(edit.lines for edit in edits):
            shown = Shown.stored(stored, composed.request)
            width, _ = social_size(shown.width, shown.height)
            found.social[uri] = Social(stored.path, width, shown.source_type)
            config = self._survey.config
            if config.site_url and not any(str(name).endswith("social") for name in config.plugins):
                found.notes.append(_TAGS)


def _stored(image: SiteImage | None, what: str) -> StoredImage:
    """A picture that is there.

    Raises:
        SourceError: it is not.
    """
    if image is None or image.stored is None:
        raise SourceError(f"{what} is not there ({image.state if image else 'missing'}).")
    return image.stored


def _prefixes(source: SourceFile, fence: Fence) -> list[str]:
    """What a block's lines may stand behind, best first.

    A fence right below a text is part of an item however little it is indented, and no code however much;
    a paragraph of its own, which takes its place, has to be indented as its surroundings are.
    """
    prefix = fence.prefix
    above = source.lines[fence.start - 1].strip("> \t\r\n") if fence.start else ""
    if not above or ">" in prefix or not prefix:
        return [prefix]
    return [prefix, ""] if len(prefix.expandtabs()) >= ITEM_INDENT else [" " * ITEM_INDENT, prefix]
