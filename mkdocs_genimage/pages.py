"""MkDocs' pages and files: where blocks stand, what is put in their place, what is corrected later."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, InclusionLevel

from mkdocs_genimage.document import HomelessDocument, PageDocument, PageRecord, SeenBlock
from mkdocs_genimage.fences import scan
from mkdocs_genimage.figure import Correction, correct_images, display_size
from mkdocs_genimage.log import log
from mkdocs_genimage.options import SITE_WIDE, read_options
from mkdocs_genimage.places import Place, Source, align

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown import Markdown
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

    from mkdocs_genimage.compose import Site
    from mkdocs_genimage.entries import Shown
    from mkdocs_genimage.errors import BlockError
    from mkdocs_genimage.fences import Fence
    from mkdocs_genimage.markdown import Document
    from mkdocs_genimage.resolver import Resolver

STYLESHEET = "genimage.css"


class Pages:
    """The renderer behind the Markdown extension for one build of a site.

    Args:
        site: what mkdocs.yml says that decides requests.
        resolver: finds the pictures.
        assets_dir: where they stand in the site.
        config: the site's configuration.
    """

    def __init__(
        self, site: Site, resolver: Resolver, assets_dir: str, config: MkDocsConfig
    ) -> None:
        self.site = site
        self.resolver = resolver
        self.seen: list[SeenBlock] | None = None
        """With a list here, each block is noted that is rendered."""
        self._assets_dir = assets_dir
        self._config = config
        self._records: dict[str, PageRecord] = {}
        self._current: tuple[File, Files] | None = None
        self._told: set[str] = set()
        self._bad_blocks: list[str] = []
        self._is_settled = False
        self._corrections: list[Correction] = []

    @property
    def converted(self) -> list[str]:
        """The pages with fences that have been rendered, whatever became of those, as MkDocs names them."""
        return list(self._records)

    # What MkDocs' events bring

    def begin_page(self, page: Page, files: Files) -> None:
        """A page is about to be rendered: the fallback for Markdown objects that do not say theirs."""
        self._current = (page.file, files)

    def end_page(self, page: Page) -> None:
        """A page was rendered: nobody who reads its Markdown from now on shall find a raw prompt."""
        record = self._records.get(page.file.src_uri)
        if record is None or not page.markdown:
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
        self._is_settled = True
        for record in self._records.values():
            if record.pending and record.page is not None:
                self._correct(record, record.page, files)
        if self._records:
            self._add_stylesheet(files)
        if self.resolver.policy == "error" and (missing or self._bad_blocks):
            listed = "\n  ".join([*self._bad_blocks, *missing])
            raise PluginError(
                f"genimage: 'missing: error' is set, and these pictures are missing:\n  {listed}"
            )

    def finish(self) -> None:
        """Correct what other plugins wrote from copies of pages that they took before `settle`.

        Only a build that made images has anything to correct.
        """
        if all(item.is_as_expected for item in self._corrections):
            return
        own = {record.page.file.abs_dest_path for record in self._records.values() if record.page}
        for path in Path(self._config.site_dir).rglob("*.html"):
            if str(path) in own:
                continue
            text = path.read_bytes().decode("utf-8", "surrogateescape")
            corrected = correct_images(text, self._corrections)
            if corrected != text:
                path.write_bytes(corrected.encode("utf-8", "surrogateescape"))

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
        source = Source(self._file_name(file), lambda: file.content_string, fences)
        document = PageDocument(self, record, file, files, source, is_inner)
        record.documents.append(document)
        return document

    # What documents ask

    def publish(self, shown: Shown, files: Files) -> str:
        """Make sure that a picture is among the site's files. Returns its path there."""
        uri = f"{self._assets_dir}/{shown.name}"
        if uri not in files.src_uris:
            # A file that is still being made is read from its folder only when the site is written.
            path = shown.path or self.resolver.cache_folder / shown.name
            file = self._file(uri, path)
            files.append(file)
            if self._is_settled:  # a view that is rendered after MkDocs has copied the files
                file.copy_file()
        return uri

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
            options, wrong = read_options(meta.get("genimage"), SITE_WIDE)
            record.options = options
            record.is_broken = bool(wrong)
            for _, message in wrong:
                text = f"{self._file_name(file)}:1: 'genimage' in the front matter: {message}"
                if self.tell(logging.WARNING, text):
                    self._bad_blocks.append(text)
        return record

    def _file_name(self, file: File) -> str:
        """A page's file as authors know it: `docs/guide.md`, from the folder of mkdocs.yml."""
        if not file.abs_src_path:
            return file.src_uri
        path = os.path.relpath(file.abs_src_path, self.site.project_dir)
        return file.src_uri if path.startswith("..") else path.replace(os.sep, "/")

    def _file(self, uri: str, path: Path) -> File:
        file = File.generated(
            self._config, uri, abs_src_path=str(path), inclusion=InclusionLevel.INCLUDED
        )
        file.generated_by = (
            "genimage"  # while a page renders, MkDocs does not know whose file it is
        )
        return file

    def _correct(self, record: PageRecord, page: Page, files: Files) -> None:
        corrections = []
        for pending in record.pending:
            shown = self.resolver.final(pending.composed.request, pending.variant)
            if shown.name != pending.name:
                wrong = files.get_file_from_path(f"{self._assets_dir}/{pending.name}")
                if wrong is not None:
                    files.remove(wrong)
            self.publish(shown, files)
            size = display_size(pending.composed.options, shown.width, shown.height)
            corrections.append(
                Correction(pending.name, pending.size, shown.name, size, shown.placeholder)
            )
        self._corrections += corrections
        page.content = correct_images(page.content or "", corrections)
        page.markdown = correct_images(page.markdown or "", corrections)
        record.links = {
            correct_images(link, corrections): sources for link, sources in record.links.items()
        }

    def _add_stylesheet(self, files: Files) -> None:
        uri = f"{self._assets_dir}/{STYLESHEET}"
        if files.get_file_from_path(uri) is None:
            files.append(self._file(uri, Path(__file__).with_name(STYLESHEET)))
        if uri not in self._config.extra_css:
            # First, so that every stylesheet of the site's own can override it.
            self._config.extra_css.insert(0, uri)
