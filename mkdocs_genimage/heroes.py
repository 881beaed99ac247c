"""The heroes of one build: found in front matter, made known to themes and plugins, told to other sites."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mkdocs_genimage.compose import compose
from mkdocs_genimage.errors import BlockError, Problem
from mkdocs_genimage.hero import no_blocks, social_tags, with_own_look
from mkdocs_genimage.light import UNSOCIAL, social_name
from mkdocs_genimage.log import log
from mkdocs_genimage.records import Hero, SeenBlock
from mkdocs_genimage.values import did_you_mean

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
        place = self._pages.front_matter(file, "hero:")
        if page.meta.get("image") and not front_matter.show:
            log.info("%s: the page has an 'image' of its own, so no hero is made for it.", place)
            return
        folder = self._pages.folder(file)
        try:
            block = with_own_look(front_matter.hero)
            composed = compose(block, self._pages.site, front_matter.options, folder, no_blocks)
            self._set(record, Hero(composed, place), page, files)
        except BlockError as error:
            self._pages.saw(SeenBlock(place, file, None, self._pages.bad_block(place, error)))
            return
        self._pages.saw(SeenBlock(place, file, composed))
        self._pages.tell_of_alt(place, composed.options)

    def take_block(self, record: PageRecord, hero: Hero, page: Page, files: Files) -> None:
        """A block that the page names as its hero has reached the page.

        Only then is it the page's: what stands in a comment or in code is an example, and not paid for.
        """
        if record.hero is None:
            self._set(record, hero, page, files)
        elif record.hero.picture != hero.picture:
            name = record.front_matter.block_id
            places = f"{record.hero.place}, {hero.place}"
            self._object(page, f"'#{name}' is the id of several blocks: {places}.")
            self._announced = [other for other in self._announced if other is not record]
            if record.social:
                self._retract(record, files)

    def see_block(self, record: PageRecord, page: Page) -> None:
        """A page was rendered. If it names a block as its hero, see that there was one."""
        name = record.front_matter.block_id
        if not name or record.hero or record.front_matter.wrong or record.has_bad_blocks:
            return  # a bad block may be it, and is told where it stands
        listed = ", ".join(f"#{other}" for other in dict.fromkeys(record.ids)) or "none"
        hint = did_you_mean(name, record.ids)
        message = f"no block of this page has the id '#{name}'.{hint} There are: {listed}."
        self._object(page, message)

    def _object(self, page: Page, message: str) -> None:
        """Tell what is wrong with a page's naming a block."""
        place = self._pages.front_matter(page.file, "hero:")
        self._pages.bad_block(place, BlockError([Problem(0, f"'hero': {message}")]))

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
