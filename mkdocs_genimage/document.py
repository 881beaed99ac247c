"""One conversion of a page's text: from its fences to the nodes that take their place."""

from __future__ import annotations

import contextlib
import logging
import posixpath
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mkdocs.utils import get_relative_url

from mkdocs_genimage.alt import alt_text
from mkdocs_genimage.block import Block, parse_block
from mkdocs_genimage.compose import Composed, compose
from mkdocs_genimage.errors import BlockError, OptionError, Problem
from mkdocs_genimage.figure import (
    BELOW_TITLE,
    Picture,
    build_figure,
    error_figure,
    hero_options,
    twin_options,
)
from mkdocs_genimage.hero import HEADER
from mkdocs_genimage.log import log
from mkdocs_genimage.places import Place, Source
from mkdocs_genimage.records import Pending, SeenBlock, Slot
from mkdocs_genimage.values import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from mkdocs.structure.files import File, Files

    from mkdocs_genimage.entries import Shown
    from mkdocs_genimage.fences import Fence
    from mkdocs_genimage.pages import Pages
    from mkdocs_genimage.records import PageRecord

UNAVAILABLE = "*(picture not available)*"
"""What other readers of a page's Markdown find for a block that cannot be read."""


class PageDocument:
    """One conversion of one page's text, or of a part of it."""

    def __init__(
        self,
        pages: Pages,
        record: PageRecord,
        file: File,
        files: Files,
        source: Source,
        is_inner: bool,
    ) -> None:
        self._pages = pages
        self._record = record
        self._file = file
        self._files = files
        self._source = source
        self._is_inner = is_inner
        self.fences = source.fences
        self._near_misses: dict[tuple[str, str], int] = {}
        self.links: dict[int, str] = {}
        """Index of a fence that reached the page to the Markdown link that stands for it."""

    def figure(self, fence: Fence) -> Element:
        """The node for a fence."""
        hero = self._record.shown_hero if fence.header == HEADER and not fence.body else None
        place = hero.place if hero else Place(self._source, fence)
        index = next(i for i, other in enumerate(self.fences) if other is fence)
        try:
            composed = hero.composed if hero else self._compose(fence)
            found = self._pages.resolve(composed, place)
        except BlockError as error:
            problems = self._pages.bad_block(place, error)
            self._pages.saw(SeenBlock(place, self._file, None, problems))
            self._record.has_bad_blocks = True
            self.links[index] = UNAVAILABLE
            # Without a problem of its own, the front matter is to blame, where that is told.
            return error_figure(
                str(place) if error.problems else str(self._pages.front_matter(self._file))
            )
        twins, problems = self._twins(composed, place)
        if not hero:  # which was seen before
            self._pages.saw(SeenBlock(place, self._file, composed, problems))
        options = composed.options
        alt = alt_text(options)[0]
        if not hero:  # of which it was told before
            self._pages.tell_of_alt(place, options)
        if self._record.is_seen_first(composed, is_shown_hero=hero is not None):
            options = hero_options(options, sets_loading=composed.origin("loading") == "block")
            if not hero:
                self._pages.take_hero(self._record, composed, place, self._file, self._files)
        if "id" in options:
            self._record.ids.append(options["id"])
        pictures = self._pictures(composed, found, twins, options, index)
        escaped = alt.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
        self.links[index] = " ".join(f"![{escaped}]({picture.src})" for picture in pictures)
        node = build_figure(pictures, options, self._pages.look)
        if hero:
            node.set(BELOW_TITLE, "")
        return node

    def _twins(self, composed: Composed, place: Place) -> tuple[list[Shown], tuple[str, ...]]:
        """The pictures for dark mode; none, and why, where they would be refused: the others are shown."""
        place = replace(place, line=composed.lines.get("dark", 0))
        try:
            return [self._pages.resolve(one, place)[0] for one in composed.twins], ()
        except BlockError as error:
            # What is said of 'image' is true, but the author has written none.
            reason = error.problems[0].message.partition(". ")[0].rstrip(".")
            message = (
                f"'dark' edits the first picture, which cannot be done: {reason}. Remove 'dark', or set "
                "'dark: none'."
            )
            problem = Problem(composed.lines.get("dark", 0), message)
            return [], self._pages.bad_block(place, BlockError([problem]))

    def _pictures(
        self,
        composed: Composed,
        found: Sequence[Shown],
        twins: Sequence[Shown],
        options: Mapping[str, Any],
        fence: int,
    ) -> list[Picture]:
        """The pictures of a block, side by side.

        Args:
            composed: what makes them.
            found: their files.
            twins: those for dark mode; none without.
            options: the block's.
            fence: the number of its fence.
        """
        look = partial(self._picture, fence=fence, columns=len(found))
        pictures = []
        company: list[Slot] = []
        for number, shown in enumerate(found):
            if self._pages.look.disclosure == "label":
                company = []  # each has a label of its own
            own = Slot((composed.request, composed.shown_variants[number]), None, shown)
            picture = look(own, options, company)
            if twins:
                dark = Slot((composed.twins[number].request, 1), own.wanted, twins[number])
                if dark.shown.placeholder and not shown.placeholder:
                    dark = own
                twin = look(dark, twin_options(options), company)
                picture = replace(picture, twin=twin)
            pictures.append(picture)
        return pictures

    def _picture(
        self,
        slot: Slot,
        options: Mapping[str, Any],
        company: list[Slot],
        *,
        fence: int,
        columns: int,
    ) -> Picture:
        """A file as the page shows it, from now on among the site's files.

        Args:
            slot: which picture it is, and its file, as far as that is known.
            options: its block's.
            company: takes the place, with those that share a label or a credit.
            fence: the number of its fence.
            columns: pictures that stand beside each other there.
        """
        company.append(slot)
        shown = slot.shown
        if shown.path is None:
            rendering = self._pages.rendering(options, shown, columns)
            self._record.pending.append(Pending(slot, company, options, columns, rendering, fence))
        uri = self._pages.publish(shown, self._files)
        return Picture(
            self._url(uri),
            shown.width,
            shown.height,
            shown.placeholder,
            self._pages.source_sets(shown),
            shown.model,
            shown.source_type,
        )

    def _compose(self, fence: Fence) -> Composed:
        """A fence made whole.

        Raises:
            BlockError: it cannot be. Without a problem in it, the page's front matter is to blame.
        """
        if self._record.front_matter.has_wrong_options:
            raise BlockError([])
        block = parse_block(fence.header, fence.body)
        site, options = self._pages.site, self._record.front_matter.options
        return compose(block, site, options, self._folder, self._find_block)

    @cached_property
    def _folder(self) -> Path | None:
        """Where the page's file is, if it has one."""
        return self._pages.folder(self._file)

    def _find_block(self, name: str) -> Composed:
        """The block of this text with an id, for one that is made from its picture.

        Raises:
            OptionError: there is none, or several, or it leads back here, or it is wrong itself.
        """
        blocks = self._ids.get(name, [])
        if len(blocks) != 1:
            places = ", ".join(str(Place(self._source, fence)) for fence in blocks)
            if blocks:
                raise OptionError(f"'#{name}' is the id of several blocks: {places}.")
            hint = did_you_mean(name, self._ids)
            known = ", ".join(f"#{known}" for known in self._ids) or "none"
            raise OptionError(
                f"no block of this page has the id '#{name}'.{hint} There are: {known}."
            )
        fence = blocks[0]
        loop = self._loop(fence)
        if loop:
            ways = " -> ".join(str(Place(self._source, other)) for other in loop)
            raise OptionError(f"'#{name}' leads back to itself: {ways}.")
        try:
            return self._compose(fence)
        except BlockError:
            place = Place(self._source, fence)
            raise OptionError(f"the block '#{name}' at {place} is wrong itself.") from None

    def _loop(self, start: Fence) -> list[Fence]:
        """The way from a block through those whose pictures it is made from back to itself, if there is."""
        ways = [[start]]
        seen: set[int] = set()
        while ways:
            way = ways.pop()
            for name in self._sources.get(id(way[-1]), ()):
                for fence in self._ids.get(name, [])[:1]:
                    if fence is start:
                        return [*way, fence]
                    if id(fence) not in seen:
                        seen.add(id(fence))
                        ways.append([*way, fence])
        return []

    @cached_property
    def _ids(self) -> dict[str, list[Fence]]:
        """The ids of the text's blocks, in order."""
        ids: dict[str, list[Fence]] = {}
        for fence, block in self._blocks:
            if "id" in block.options:
                ids.setdefault(block.options["id"], []).append(fence)
        return ids

    @cached_property
    def _sources(self) -> dict[int, list[str]]:
        """`id()` of a fence to the ids of the blocks whose pictures it is made from."""
        return {
            id(fence): [path[1:] for path in block.options.get("image", ()) if path[:1] == "#"]
            for fence, block in self._blocks
        }

    @cached_property
    def _blocks(self) -> list[tuple[Fence, Block]]:
        """All blocks of the text that can be read."""
        blocks = []
        for fence in self.fences:
            with contextlib.suppress(BlockError):
                blocks.append((fence, parse_block(fence.header, fence.body)))
        return blocks

    def near_miss(self, line: str, index: int, advice: str) -> None:
        """Warn about a line that looks like a genimage fence and is none."""
        alike = (line.strip(), advice)
        count = self._near_misses.get(alike, 0)
        self._near_misses[alike] = count + 1
        place = self._source.near_miss(line, advice, count)
        self._pages.tell(logging.WARNING, f"{place}: {advice}")

    def _url(self, uri: str) -> str:
        """The URL of a file as Markdown writes it: relative to the page's source.

        Markdown objects of other plugins may resolve no links; they get the finished one.
        """
        if self._is_inner:
            return get_relative_url(quote(uri), self._file.url)
        folder, _, name = uri.rpartition("/")
        return quote(_way(posixpath.dirname(self._file.src_uri), folder) + name)


@lru_cache(maxsize=64)
def _way(start: str, folder: str) -> str:
    """What stands in front of the names of a folder's files, seen from another folder.

    All pictures are in one folder, and pages in few.
    """
    way = posixpath.relpath(folder or ".", start or ".")
    return "" if way == "." else f"{way}/"


class HomelessDocument:
    """A conversion that belongs to no page, so there is nothing that a picture could be relative to."""

    def figure(self, fence: Fence) -> Element:
        """A note in the block's place."""
        log.warning(
            "a genimage block is rendered outside of any page, by another plugin: %s. Move it to a page.",
            fence.source[0],
        )
        return error_figure("a text outside of any page")

    def near_miss(self, line: str, index: int, advice: str) -> None:
        """Nobody could tell where it stands."""
