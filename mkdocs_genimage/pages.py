"""MkDocs' pages and files: where blocks stand, what is put in their place, what is corrected later."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.exceptions import PluginError

from mkdocs_genimage.alt import alt_text
from mkdocs_genimage.assets import Assets
from mkdocs_genimage.corrections import Correction, Rendering, correct_images, gather_sources
from mkdocs_genimage.disk import files_below
from mkdocs_genimage.document import HomelessDocument, PageDocument
from mkdocs_genimage.errors import BlockError, ObjectionError, Problem
from mkdocs_genimage.feeds import FEED_PLUGINS, Feeds
from mkdocs_genimage.fences import scan
from mkdocs_genimage.figure import display_size
from mkdocs_genimage.hero import FrontMatter, FrontMatterPlace, with_hero
from mkdocs_genimage.heroes import Heroes
from mkdocs_genimage.light import Light
from mkdocs_genimage.log import log
from mkdocs_genimage.places import Place, Source, align
from mkdocs_genimage.records import Hero, PageRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markdown import Markdown
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File, Files
    from mkdocs.structure.pages import Page

    from mkdocs_genimage.compose import Composed, Site
    from mkdocs_genimage.conversion import Document
    from mkdocs_genimage.entries import Shown
    from mkdocs_genimage.fences import Fence
    from mkdocs_genimage.figure import Look
    from mkdocs_genimage.light import SourceSet
    from mkdocs_genimage.records import SeenBlock, Slot, Written
    from mkdocs_genimage.resolver import Resolver


class Pages:
    """The renderer behind the Markdown extension for one build of a site.

    Args:
        site: what mkdocs.yml says that decides requests.
        resolver: finds the pictures.
        look: what it says of all figures.
        assets_dir: where they stand in the site.
        config: the site's configuration.
        written: what it has in common with the build within which it is.
    """

    def __init__(
        self,
        site: Site,
        resolver: Resolver,
        look: Look,
        assets_dir: str,
        config: MkDocsConfig,
        written: Written,
    ) -> None:
        self.site = site
        self.resolver = resolver
        if resolver.policy in ("plan", "off"):  # nothing is published, or only placeholders
            look = replace(look, light=Light())
        self.look = look
        self.seen: list[SeenBlock] | None = None
        """With a list here, each block is noted that is rendered."""
        self._assets = Assets(config, assets_dir, resolver.cache_folder, look.light)
        self._heroes = Heroes(self, self._assets)
        self._config = config
        self._records: dict[str, PageRecord] = {}
        self._current: tuple[File, Files] | None = None
        self._told: set[str] = set()
        self._bad_blocks: list[str] = []
        self.written = written

    @property
    def converted(self) -> list[str]:
        """The rendered pages with fences or a hero, whatever became of those, as MkDocs names them."""
        return list(self._records)

    # What MkDocs' events bring

    def announce(self, page: Page, files: Files) -> None:
        """A page was read. If its front matter has a hero, everybody finds it from now on."""
        if "genimage" in page.meta:
            self._heroes.announce(self._record(page.file), page, files)

    def begin_page(self, page: Page, markdown: str, files: Files) -> str:
        """A page is about to be rendered.

        Returns:
            Its Markdown, with a fence for its hero if that is to be seen.
        """
        # The fallback for Markdown objects that do not say their page.
        self._current = (page.file, files)
        record = self._records.get(page.file.src_uri)
        return with_hero(markdown) if record and record.shown_hero else markdown

    def end_page(self, page: Page) -> None:
        """A page was rendered: nobody who reads its Markdown from now on shall find a raw prompt."""
        record = self._records.get(page.file.src_uri)
        if record is None:
            return
        self._heroes.see_block(record, page)
        if not page.markdown:
            return
        record.page = page
        lines = page.markdown.split("\n")
        fences = scan(lines).fences
        links: dict[int, str] = {}
        for document in record.documents:
            for mine, other in align(fences, document.fences).items():
                if other in document.links:
                    links.setdefault(mine, document.links[other])
        for index in sorted(links, reverse=True):
            fence = fences[index]
            link = fence.prefix + links[index]
            record.links.setdefault(link, []).insert(0, lines[fence.start : fence.end])
            lines[fence.start : fence.end] = [link]
        page.markdown = "\n".join(lines)

    def settle(self, files: Files) -> None:
        """Wait for the pictures, then put right on each page what turned out otherwise than expected.

        Raises:
            PluginError: pictures are missing or blocks are bad, and the policy is `error`.
        """
        missing = self.resolver.settle()
        self.written.finished.update(
            f.abs_dest_path for f in files if not f.is_documentation_page()
        )
        for record in self._records.values():
            if record.pending and record.page is not None:
                self._correct(record, record.page, files)
        self._heroes.publish(files)
        self._assets.settle()
        self._heroes.settle(files)
        if any(record.documents for record in self._records.values()):
            self._assets.publish_stylesheet(files)
        if self.resolver.policy == "error" and (missing or self._bad_blocks):
            listed = "\n  ".join([*self._bad_blocks, *missing])
            raise PluginError(
                f"genimage: 'missing: error' is set, and these pictures are missing:\n  {listed}"
            )

    def finish_output(self, output: str, page: Page) -> str:
        """A page's HTML is finished.

        Returns:
            It, with the tags for its hero. Smaller files lie where their pictures do, also where another
            plugin has put a page into this one.
        """
        self.written.finished.add(page.file.abs_dest_path)
        record = self._records.get(page.file.src_uri)
        if record:
            self.written.own.add(page.file.abs_dest_path)
            output = self._heroes.tell_others(record, output, self._config.site_url or "")
        return self._gathered(output)

    @property
    def _has_light(self) -> bool:
        return bool(self.look.light.widths or self.look.light.formats)

    def _gathered(self, output: str) -> str:
        return gather_sources(output) if self._has_light and " srcset=" in output else output

    def finish(self) -> None:
        """Put right what other plugins wrote from copies of pages that they took.

        Only a build that made images has anything to correct in pages that MkDocs wrote itself.
        """
        self._complete_feeds()
        is_right = all(item.is_as_expected for item in self.written.corrections)
        if is_right and not self._has_light:
            return
        # Copies for machines (`llms.txt`) are Markdown, which offers no smaller files.
        endings = (".html",) if is_right else (".html", ".md", ".txt")
        for path in files_below(Path(self._config.site_dir), *endings):
            if str(path) in (self.written.finished if is_right else self.written.own):
                continue
            text = path.read_bytes().decode("utf-8", "surrogateescape")
            corrected = correct_images(text, self.written.corrections)
            if path.suffix == ".html":
                corrected = self._gathered(corrected)
            if corrected != text:
                path.write_bytes(corrected.encode("utf-8", "surrogateescape"))

    def _complete_feeds(self) -> None:
        config = self._config
        # Looking for feeds takes a look at each file of the site.
        if self._records and any(word in name for name in config.plugins for word in FEED_PLUGINS):
            site_url, folder = config.site_url or "", self._assets.folder
            Feeds(Path(config.site_dir), site_url, folder, self.written.corrections).complete()

    # What the Markdown extension asks

    def prepare(self, lines: list[str], md: Markdown) -> list[str]:
        """Put fences back where `end_page` left links: a blog's views render a page once more."""
        context = self._context(md)
        record = self._records.get(context[0].src_uri) if context else None
        if record is None or not record.links:
            return lines
        waiting = {link: list(sources) for link, sources in record.links.items()}
        restored: list[str] = []
        for line in lines:
            sources = waiting.get(line)
            restored.extend(sources.pop(0) if sources else [line])
        return restored

    def document(self, fences: Sequence[Fence], md: Markdown) -> Document:
        """Begin one conversion of a text that has fences."""
        context = self._context(md)
        if context is None:
            return HomelessDocument()
        file, files, is_inner = context
        record = self._record(file)
        source = Source(self.file_name(file), lambda: file.content_string, fences)
        document = PageDocument(self, record, file, files, source, is_inner)
        record.documents.append(document)
        return document

    # What documents ask

    def resolve(self, composed: Composed, place: Place) -> list[Shown]:
        """The files that a block shows.

        Raises:
            BlockError: it asks for something that is known to be refused.
        """
        try:
            return self.resolver.resolve(composed, place)
        except ObjectionError as error:
            raise BlockError(
                [
                    Problem(composed.lines.get(option, 0), message)
                    for option, message in error.objections
                ]
            ) from None

    def take_hero(
        self, record: PageRecord, composed: Composed, place: Place, file: File, files: Files
    ) -> None:
        """A block came up that its page names as its hero."""
        if file.page is not None:
            self._heroes.take_block(record, Hero(composed, place), file.page, files)

    def publish(self, shown: Shown, files: Files) -> str:
        """Make sure that a picture is among the site's files. Returns its path there."""
        return self._assets.publish(shown, files)

    def rendering(self, options: Mapping[str, Any], shown: Shown, columns: int) -> Rendering:
        """How a picture stands on a page.

        Args:
            options: its block's.
            shown: the picture.
            columns: how many stand beside each other there.
        """
        size = display_size(options, shown.width, shown.height)
        sources = self.source_sets(shown)
        sizes = self.look.light.sizes_of(options, size[0], columns) if sources else ""
        is_generated = bool(shown.source_type) and not shown.placeholder
        return Rendering(shown.name, size, sources, sizes, shown.placeholder, is_generated)

    def source_sets(self, shown: Shown) -> tuple[SourceSet, ...]:
        """The smaller files that a page offers for a picture."""
        return self._assets.source_sets(shown)

    def tell_of_alt(self, place: Place, options: Mapping[str, Any]) -> None:
        """Say where a prompt stands in for an alt text."""
        # To tell the place, the page's file is read and scanned once more.
        if alt_text(options)[1] == "prompt" and log.isEnabledFor(logging.INFO):
            self.tell(
                logging.INFO,
                f"{place}: the block has no 'alt': the prompt's first sentence stands in for it.",
            )

    def bad_block(self, place: Place, error: BlockError) -> tuple[str, ...]:
        """Tell each problem of a block, once however often its page is rendered.

        Returns:
            The messages.
        """
        messages = [f"{place.at(problem.line)}: {problem.message}" for problem in error.problems]
        for message in messages:
            if self.tell(logging.WARNING, message):
                self._bad_blocks.append(message)
        return tuple(messages)

    def file_name(self, file: File) -> str:
        """A page's file as authors know it: `docs/guide.md`, from the folder of mkdocs.yml."""
        if not file.abs_src_path:
            return file.src_uri
        path = os.path.relpath(file.abs_src_path, self.site.project_dir)
        return file.src_uri if path.startswith("..") else path.replace(os.sep, "/")

    def front_matter(self, file: File, word: str = "genimage:") -> FrontMatterPlace:
        """The place in a page's front matter where a line begins with a word."""
        return FrontMatterPlace.of(self.file_name(file), lambda: file.content_string, word)

    def folder(self, file: File) -> Path | None:
        """Where a page's file is, or would be if a plugin had not made the page; None without either."""
        if file.generated_by:
            return Path(self._config.docs_dir, file.src_uri).parent
        return Path(file.abs_src_path).parent if file.abs_src_path else None

    def saw(self, block: SeenBlock) -> None:
        """A block was rendered."""
        if self.seen is not None:
            self.seen.append(block)

    def tell(self, level: int, message: str) -> bool:
        """Log a message unless this build has logged it before. Returns whether it was new."""
        if message in self._told:
            return False
        self._told.add(message)
        log.log(level, "%s", message)
        return True

    # Inner workings

    def _context(self, md: Markdown) -> tuple[File, Files, bool] | None:
        """The page's file and the site's files, and whether `md` resolves no links by itself.

        None before the first page.

        Other plugins replace the site's files and render pages again, so what MkDocs (or a blog)
        registered with this very Markdown object is right; nothing that was kept is.
        """
        if "relpath" in md.treeprocessors:
            relpath: Any = md.treeprocessors["relpath"]
            return relpath.file, relpath.files, False
        return (*self._current, True) if self._current else None

    def _record(self, file: File) -> PageRecord:
        record = self._records.get(file.src_uri)
        if record is None:
            record = self._records[file.src_uri] = PageRecord(file.page)
            meta = getattr(file.page, "meta", None) or {}
            record.front_matter = FrontMatter.read(meta.get("genimage"))
            for message in record.front_matter.wrong:
                word = "hero:" if message.startswith("'hero'") else "genimage:"
                text = f"{self.front_matter(file, word)}: 'genimage' in the front matter: {message}"
                if self.tell(logging.WARNING, text):
                    self._bad_blocks.append(text)
        return record

    def _correct(self, record: PageRecord, page: Page, files: Files) -> None:
        corrections = []
        for pending in sorted(record.pending, key=lambda one: one.fence):
            expected, shown = pending.rendering, self._final(pending.slot)
            if shown.name != expected.name:
                self._assets.withdraw(f"{self._assets.folder}/{expected.name}", files)
            self._assets.publish(shown, files)
            actual = self.rendering(pending.options, shown, pending.columns)
            if self.look.disclosure != "none":
                before, after = [
                    self.look.words(pictures)
                    for pictures in (
                        [slot.shown for slot in pending.company],
                        [self._final(slot) for slot in pending.company],
                    )
                ]
                expected, actual = replace(expected, words=before), replace(actual, words=after)
            corrections.append(Correction(expected, actual))
        self.written.corrections += corrections
        page.content = correct_images(page.content or "", corrections)
        page.markdown = correct_images(page.markdown or "", corrections)
        record.links = {
            correct_images(link, corrections): sources for link, sources in record.links.items()
        }

    def _final(self, slot: Slot) -> Shown:
        """What is in a place, after all pictures have come."""
        shown = self.resolver.final(*slot.wanted)
        if shown.placeholder and slot.instead:
            other = self.resolver.final(*slot.instead)
            return shown if other.placeholder else other
        return shown
