"""A look at a whole site: every block as a build comes across it, and what there is for it.

The site's own pipeline finds the blocks, so macros, snippets and translations are seen as a build sees
them. What it writes goes to a temporary folder; nothing is asked for.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import tempfile
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import MkDocsException

from mkdocs_genimage.cache import Cache, StoredImage
from mkdocs_genimage.compose import twin_request
from mkdocs_genimage.config import project_folder
from mkdocs_genimage.errors import ConfigurationError
from mkdocs_genimage.hero import FrontMatter, FrontMatterPlace
from mkdocs_genimage.journal import Journal, is_lost
from mkdocs_genimage.log import log
from mkdocs_genimage.plugin import GenimagePlugin
from mkdocs_genimage.request import BlockInput
from mkdocs_genimage.upkeep.blocks import SiteBlock, SiteImage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File

    from mkdocs_genimage.compose import Composed
    from mkdocs_genimage.config import GenimageConfig
    from mkdocs_genimage.entries import Entry
    from mkdocs_genimage.generator import Generator
    from mkdocs_genimage.pages import Pages
    from mkdocs_genimage.places import Place
    from mkdocs_genimage.records import SeenBlock
    from mkdocs_genimage.upkeep.blocks import ImageState, Role


@dataclass
class Survey:
    """What was found.

    Attributes:
        config: MkDocs', with `site_dir` as mkdocs.yml has it.
        options: the plugin's.
        folder: the cache's.
        blocks: in the order of the pages; a block that several locales or views show stands here once.
        images: each variant once, in the order of the pages.
        warnings: all that the plugin warned of, each once: also what never became a block.
        rendered: the pages' files with anything like a block in them, as MkDocs names them.
    """

    config: MkDocsConfig
    options: GenimageConfig
    folder: Path
    blocks: list[SiteBlock]
    images: list[SiteImage]
    warnings: list[str] = field(default_factory=list)
    rendered: frozenset[str] = frozenset()

    @cached_property
    def project(self) -> Path:
        """The folder of mkdocs.yml."""
        return project_folder(self.config)

    @cached_property
    def journal(self) -> Journal:
        """The cache's."""
        return Journal(self.folder)

    @property
    def problems(self) -> list[str]:
        """What is wrong with blocks, each once, with its place."""
        return list(dict.fromkeys(text for block in self.blocks for text in block.problems))

    @cached_property
    def roles(self) -> dict[tuple[str, int], Role]:
        """Key and variant of each image to its role in the first block that has it."""
        found: dict[tuple[str, int], Role] = {}
        for block in self.blocks:
            for image in block.pictures:
                found.setdefault((image.request.key, image.variant), block.role(image))
        return found

    @cached_property
    def used(self) -> set[tuple[str, int]]:
        """Key and variant of each image that the site has use for, be it to make another from."""
        used: set[tuple[str, int]] = set()
        waiting = [(image.request, image.variant) for image in self.images]
        while waiting:
            request, variant = waiting.pop()
            used.add((request.key, variant))
            waiting += [(i.request, i.variant) for i in request.images if isinstance(i, BlockInput)]
        for block in self.blocks:
            if block.composed and block.twins:
                # Those of variants that are not shown stay as these do: picking one again costs nothing.
                variants = range(1, block.composed.count + 1)
                used |= {(twin_request(block.composed, v).key, 1) for v in variants}
        return used

    def missing(self, block: SiteBlock, variants: Collection[int]) -> list[str]:
        """What a page would still have to get to show some variants of a block.

        Args:
            block: one of the site's, which need not show those now.
            variants: which, from 1.

        Returns:
            Names of pictures that are not in the cache: the variants, then their twins.
        """
        shown = [image for image in block.images if image.variant in variants]
        names = [image.name for image in shown if image.stored is None]
        if block.composed and block.twins:
            cache = Cache(self.folder)
            twins = [twin_request(block.composed, variant) for variant in variants]
            names += [t.stem for t in twins if not isinstance(cache.find(t), StoredImage)]
        return names


def find_plugin(config: MkDocsConfig) -> GenimagePlugin:
    """The site's genimage plugin.

    Raises:
        ConfigurationError: it has none.
    """
    for plugin in config.plugins.values():
        if isinstance(plugin, GenimagePlugin):
            return plugin
    raise ConfigurationError(
        f"{config.config_file_path} has no 'genimage' under 'plugins:'. Add it there."
    )


def load(config_file: str | None) -> MkDocsConfig:
    """Read mkdocs.yml.

    Args:
        config_file: its path; by default, the one of the working directory.

    Raises:
        ConfigurationError: it is not there, or wrong.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return load_config(config_file)
    except MkDocsException as error:
        raise ConfigurationError(str(error) or "mkdocs.yml cannot be used.") from None


def survey(config: MkDocsConfig) -> Survey:
    """Run the site's pipeline and gather its blocks.

    Raises:
        ConfigurationError: the site cannot be built, or has no genimage plugin.
    """
    plugin = find_plugin(config)
    plugin.survey = []
    site_dir = config.site_dir
    with tempfile.TemporaryDirectory(prefix="genimage-site-") as temporary:
        config.site_dir = str(Path(temporary).resolve() / "site")
        try:
            with (
                contextlib.redirect_stdout(sys.stderr),
                heard(log.logger, logging.WARNING) as warnings,
            ):
                config.plugins.on_startup(command="build", dirty=False)
                try:
                    build(config)
                finally:
                    config.plugins.on_shutdown()
        except MkDocsException as error:
            raise ConfigurationError(f"the site cannot be built: {error}") from None
        except SystemExit as error:
            raise ConfigurationError(
                f"the site cannot be built: a plugin or hook ended the build ({error.code})."
            ) from None
        except Exception as error:
            raise ConfigurationError(
                f"the site cannot be built: {type(error).__name__}: {error}. 'mkdocs build' shows where."
            ) from error
        finally:
            config.site_dir = site_dir
    builds, plugin.survey = plugin.survey, None
    images = _images(builds, plugin)
    folder_of_cache = plugin.config.cache_folder(config)
    return Survey(
        config,
        plugin.config,
        folder_of_cache,
        _blocks(builds, images),
        [*images.values()],
        list(dict.fromkeys(text.removeprefix("genimage: ") for text in warnings)),
        frozenset(uri for pages in builds for uri in pages.converted),
    )


@contextlib.contextmanager
def heard(logger: logging.Logger, level: int) -> Iterator[list[str]]:
    """Gather what a logger says, from a level on."""
    messages: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    ear = Ear(level)
    logger.addHandler(ear)
    try:
        yield messages
    finally:
        logger.removeHandler(ear)


def _images(builds: list[Pages], plugin: GenimagePlugin) -> dict[tuple[str, int], SiteImage]:
    generator = plugin.generator
    assert generator is not None
    possibly_billed = _possibly_billed(Journal(generator.cache.folder))
    places: dict[str, list[Place]] = {}
    found: dict[tuple[str, int], SiteImage] = {}
    for pages in builds:
        for seen in pages.seen or ():
            if seen.composed:
                for one in (seen.composed, *seen.composed.twins):
                    places.setdefault(one.request.key, []).append(seen.place)
        for at, entry in pages.resolver.entries.items():
            if at not in found:
                # A variant that no block shows stands where its block does.
                own = places.get(at[0], [])
                # A twin's is the line of `dark`.
                where = [replace(place, line=0) for place in entry.places]
                # Its own blocks come before those that need it to make another from.
                where = sorted(where, key=lambda place: place not in own) or own
                found[at] = _image(entry, tuple(where), generator, possibly_billed)
    return found


def _possibly_billed(journal: Journal) -> set[str]:
    """Keys of requests whose answer was lost."""
    lost: set[str] = set()
    for line in journal.ledger()[0]:
        # The last word on each key counts.
        (lost.add if is_lost(line) else lost.discard)(str(line.get("key")))
    return lost | set(journal.unfinished())


def _image(
    entry: Entry, places: tuple[Place, ...], generator: Generator, possibly_billed: set[str]
) -> SiteImage:
    request, variant, found = entry.request, entry.variant, entry.found
    if isinstance(found, StoredImage):
        kind: ImageState = "stale" if entry.stale else "cached"
        return SiteImage(request, variant, kind, stored=found, places=places)
    is_wanted = entry.state == "wanted"
    price = generator.estimate(request, 1) if is_wanted else None
    state: ImageState = "missing"
    if found.bought:
        state = "elsewhere"
    elif entry.refusal:
        state = "refused"
    elif found.reason:
        state = "damaged"
    elif request.key in possibly_billed:
        state = "billed?"
    reason = entry.refusal or found.reason
    return SiteImage(
        request, variant, state, reason, price=price, is_asked_for=is_wanted, places=places
    )


def _blocks(builds: list[Pages], images: dict[tuple[str, int], SiteImage]) -> list[SiteBlock]:
    found: dict[tuple[str, ...], SiteBlock] = {}
    for pages in builds:
        for seen in pages.seen or ():
            block = _block(seen, images)
            # Several blocks of one snippet have the same place.
            found.setdefault((block.place, *(block.keys or block.problems)), block)
    return list(found.values())


def _block(seen: SeenBlock, images: dict[tuple[str, int], SiteImage]) -> SiteBlock:
    composed, file = seen.composed, seen.file
    title = str(file.page.title) if file.page and file.page.title else file.name
    is_hero = isinstance(seen.place, FrontMatterPlace) or _is_hero(composed, file)
    block = SiteBlock(str(seen.place), file.src_uri, file.url, title, seen, is_hero=is_hero)
    if composed is None:
        return block
    keys = [(composed.request.key, n + 1) for n in range(composed.count)]
    twins = {
        variant: images[twin.request.key, 1]
        for variant, twin in block.wanted_twins.items()
        if (twin.request.key, 1) in images
    }
    return replace(block, images=tuple(images[key] for key in keys if key in images), twins=twins)


def _is_hero(composed: Composed | None, file: File) -> bool:
    """Whether a page's front matter names a block of it as its hero."""
    block_id = composed.options.get("id") if composed else None
    meta = getattr(file.page, "meta", None) or {}
    return bool(block_id) and FrontMatter.read(meta.get("genimage")).block_id == block_id
