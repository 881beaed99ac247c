"""The heroes of one build: found in front matter, made known to themes and plugins, told to other sites."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mkdocs_genimage.compose import compose
from mkdocs_genimage.document import PageDocument
from mkdocs_genimage.errors import BlockError, OptionError, Problem
from mkdocs_genimage.fences import scan
from mkdocs_genimage.hero import FrontMatterPlace, no_blocks, social_tags, with_hero
from mkdocs_genimage.light import UNSOCIAL, social_name
from mkdocs_genimage.log import log
from mkdocs_genimage.places import Source
from mkdocs_genimage.records import Hero, SeenBlock

if TYPE_CHECKING:
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

    from mkdocs_genimage.assets import Assets
    from mkdocs_genimage.entries import Shown
    from mkdocs_genimage.pages import Pages
    from mkdocs_genimage.records import PageRecord


class Heroes:
    """The pictures of whole pages.

    Args:
        pages: the build's pages.
        assets: the pictures among the site's files.
    """

    def __init__(self, pages: Pages, assets: Assets) -> None:
        self._pages = pages
        self._assets = assets
        self._announced: list[PageRecord] = []

    def announce(self, record: PageRecord, page: Page, files: Files) -> None:
        """A page was read. If its front matter describes a hero, everybody finds it from now on."""
        front_matter, file = record.front_matter, page.file
        if front_matter.hero is None or front_matter.wrong:
            return
        place = FrontMatterPlace.of(self._pages.file_name(file), lambda: file.content_string)
        if page.meta.get("image") and not front_matter.show:
            log.info("%s: the page has an 'image' of its own, so no hero is made for it.", place)
            return
        folder = self._pages.folder(file)
        try:
            composed = compose(
                front_matter.hero, self._pages.site, front_matter.options, folder, no_blocks
            )
            self._set(record, Hero(composed, place), page, files)
        except BlockError as error:
            self._pages.saw(SeenBlock(place, file, None, self._pages.bad_block(place, error)))
            return
        self._pages.saw(SeenBlock(place, file, composed))
        self._pages.tell_of_alt(place, composed.options)

    def place(self, record: PageRecord, page: Page, markdown: str, files: Files) -> str:
        """A page's text is complete. If it has a block that is to be its hero, that is found here.

        Returns:
            The text, with a fence for the hero if that is to be seen.
        """
        if record.front_matter.wrong:
            return markdown
        if record.front_matter.block_id:
            self._take_block(record, page, markdown, files)
        return with_hero(markdown) if record.hero and record.front_matter.show else markdown

    def _take_block(self, record: PageRecord, page: Page, markdown: str, files: Files) -> None:
        file = page.file
        fences = scan(markdown.split("\n")).fences
        source = Source(self._pages.file_name(file), lambda: file.content_string, fences)
        document = PageDocument(self._pages, record, file, files, source, is_inner=False)
        try:
            self._set(record, document.hero(record.front_matter.block_id), page, files)
        except OptionError as error:
            if document.has_bad_blocks:
                return  # which may be it, and are told where they stand
            problem = Problem(0, f"'hero': {error}")
            place = FrontMatterPlace.of(source.name, source.read)
            self._pages.bad_block(place, BlockError([problem]))
        except BlockError:
            pass  # The block itself tells what is wrong with it.

    def _set(self, record: PageRecord, hero: Hero, page: Page, files: Files) -> None:
        """Make a page's hero known.

        Raises:
            BlockError: it would be refused.
        """
        shown = self._pages.resolve(hero.composed, hero.place)[0]
        record.hero = hero
        record.page = page
        # What the author chose for the page stays.
        if page.meta.get("image") in (None, "", self._uri(shown)):
            self._announced.append(record)
            # One that is being made may turn out to be of another format: until then, what is expected holds.
            if self._is_for_others(record, shown, is_final=shown.path is not None):
                self._announce(record, shown, files)

    def _uri(self, shown: Shown) -> str:
        return f"{self._assets.folder}/{social_name(shown.name)}"

    def _announce(self, record: PageRecord, shown: Shown, files: Files) -> None:
        assert record.page is not None
        record.social = record.page.meta["image"] = self._uri(shown)
        self._assets.publish_social(shown, files)

    def _is_for_others(self, record: PageRecord, shown: Shown, *, is_final: bool) -> bool:
        """Whether other sites can be given a picture. They take no drawings, and no animations."""
        if shown.placeholder or self._pages.resolver.policy == "plan":
            return False
        if not shown.name.endswith(UNSOCIAL):
            return True
        if record.hero and is_final:
            form = shown.name.rpartition(".")[2]
            self._pages.tell(
                logging.WARNING,
                f"{record.hero.place}: the page's picture is a {form}, which other sites do not show. "
                "Set 'output_format: png', jpeg or webp there.",
            )
        return False

    def publish(self, files: Files) -> None:
        """The pictures are there: see that what was announced is, too."""
        for record in self._announced:
            assert record.hero is not None
            shown = self._pages.resolver.final(*record.hero.picture)
            if self._is_for_others(record, shown, is_final=True):
                self._announce(record, shown, files)
            elif record.social:
                self._retract(record, files)

    def settle(self, files: Files) -> None:
        """The smaller files are there: take back what could not be made."""
        for record in self._announced:
            if record.social in self._assets.failed:
                self._retract(record, files)

    def _retract(self, record: PageRecord, files: Files) -> None:
        assert record.page is not None
        self._assets.withdraw(record.social, files)
        record.page.meta.pop("image", None)
        record.social = ""

    def tell_others(self, record: PageRecord, output: str, site_url: str) -> str:
        """A finished page with what tells other sites of its hero."""
        if not (record.social and record.hero):
            return output
        image = self._pages.resolver.final(*record.hero.picture)
        return social_tags(output, site_url, record.social, image, record.hero.composed)
