"""Pictures that Markdown files speak of without a page showing them: drafts, excluded pages, spare snippets.

A build sees none of these, and yet their authors will want their pictures again. So here the files are
read as they stand: without macros, and with every block in them, commented out or not.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.utils import is_markdown_file
from mkdocs.utils.meta import get_data

from mkdocs_genimage.block import parse_block
from mkdocs_genimage.compose import compose, twin_request
from mkdocs_genimage.errors import BlockError, OptionError
from mkdocs_genimage.fences import LANGUAGE, scan
from mkdocs_genimage.formats import EXTENSIONS
from mkdocs_genimage.hero import FrontMatter, FrontMatterPlace, no_blocks
from mkdocs_genimage.request import KEY_CHARS_IN_NAME, slugify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mkdocs_genimage.block import Block
    from mkdocs_genimage.compose import Composed, Site
    from mkdocs_genimage.fences import Fence
    from mkdocs_genimage.upkeep.survey import Survey

_OTHERS = {".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__"}
"""Folders that may lie among the docs where these fill the whole project, and hold none."""
_TEMPLATE = re.compile(r"\{\{|\{%")
"""Marks of Jinja: what stands there is read only after macros have filled it in."""
_NAMES = re.compile(
    rf"[a-z0-9-]+-[0-9a-f]{{{KEY_CHARS_IN_NAME}}}(?:-\d+)?"
    rf"(?:{'|'.join(map(re.escape, sorted(set(EXTENSIONS.values()))))})"
)


@dataclass
class Unseen:
    """What was found.

    Attributes:
        images: key and variant of each picture that a file has a block for, to the block's place.
        slugs: beginnings of prompts of blocks that cannot be completed outside of their page, to their place.
        names: files of the cache that a text names, to that text's file.
        doubts: what cannot be read at all, each with its place and cure.
    """

    images: dict[tuple[str, int], str] = field(default_factory=dict)
    slugs: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)


def look_through(survey: Survey) -> Unseen:
    """Read all Markdown files that have to do with a site, rendered or not.

    That is: below docs_dir, below the folders of snippets and those that `watch` names, and right beside
    mkdocs.yml.
    """
    found = Unseen()
    site = survey.options.site(survey.config)
    docs = Path(survey.config.docs_dir)
    for path in sorted(set(_files(survey))):
        name = _named(path, survey.project)
        try:
            data = path.read_bytes()
        except OSError as error:
            found.doubts.append(f"{name} cannot be read: {error.strerror or error}.")
            continue
        # As MkDocs reads pages: any line ends, which its front matter depends on.
        text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
        for mentioned in _NAMES.findall(text):
            found.names.setdefault(mentioned, name)
        if LANGUAGE not in text:
            continue
        is_rendered = path.is_relative_to(docs) and (
            path.relative_to(docs).as_posix() in survey.rendered
        )
        if "\ufffd" in text and not is_rendered and not _is_utf8(data):
            found.doubts.append(
                f"{name} is not UTF-8: its blocks cannot be read. Save it as UTF-8."
            )
            continue
        _Text(text, name, path.parent, site, found).read(is_rendered=is_rendered)
    return found


class _Text:
    """One file's blocks, each made whole as far as that goes without its page."""

    def __init__(self, text: str, name: str, folder: Path, site: Site, found: Unseen) -> None:
        # Not splitlines(): Markdown counts line feeds only.
        self._fences = scan(text.split("\n")).fences
        self._text = text
        self._name = name
        self._folder = folder
        self._site = site
        self._found = found
        _, meta = get_data(text)
        self._meta = meta.get(LANGUAGE)
        self._front_matter = FrontMatter.read(self._meta)
        self._blocks: dict[int, Block] = {}
        self._under_way: list[str] = []

    def read(self, *, is_rendered: bool) -> None:
        """Note what the file's blocks show."""
        for index, fence in enumerate(self._fences):
            try:
                self._blocks[index] = parse_block(fence.header, fence.body)
            except BlockError as error:
                # What a page that is rendered holds beside its blocks is an example.
                if not is_rendered and not _TEMPLATE.search("\n".join(fence.source)):
                    self._found.doubts += [
                        f"{self._place(fence, problem.line)}: {problem.message}"
                        for problem in error.problems
                    ]
        for index, block in self._blocks.items():
            self._note(block, self._place(self._fences[index]), self._find_block)
        said = self._meta.get("hero") if isinstance(self._meta, dict) else None
        if self._front_matter.hero:
            self._note(self._front_matter.hero, self._place_of_hero, no_blocks)
        elif isinstance(said, dict) and said.get("prompt"):  # one that cannot be read
            self._keep(str(said["prompt"]), self._place_of_hero)

    @property
    def _place_of_hero(self) -> str:
        return str(FrontMatterPlace.of(self._name, lambda: self._text))

    def _note(self, block: Block, place: str, find_block: Callable[[str], Composed]) -> None:
        """Note what one block shows."""
        try:
            if self._front_matter.has_wrong_options:
                raise BlockError([])
            composed = self._compose(block, find_block)
        except BlockError:
            self._keep(block.prompt, place)
            return
        for variant in range(1, composed.count + 1):
            self._found.images.setdefault((composed.request.key, variant), place)
            if composed.twins:
                twin = twin_request(composed, variant)
                self._found.images.setdefault((twin.key, 1), place)

    def _keep(self, prompt: str, place: str) -> None:
        """Note that pictures whose names begin like a prompt may be used."""
        # As `compose` names those for dark mode.
        for subject in (prompt, f"dark {prompt}"):
            self._found.slugs.setdefault(slugify(subject), place)

    def _compose(self, block: Block, find_block: Callable[[str], Composed]) -> Composed:
        options = self._front_matter.options
        return compose(block, self._site, options, self._folder, find_block)

    def _find_block(self, name: str) -> Composed:
        """The block with an id.

        Raises:
            OptionError: there is none, or it cannot be completed, or leads back to itself.
        """
        named = [block for block in self._blocks.values() if block.options.get("id") == name]
        if len(named) != 1 or name in self._under_way:
            raise OptionError(f"'#{name}' is no block here")
        self._under_way.append(name)
        try:
            return self._compose(named[0], self._find_block)
        except BlockError as error:
            raise OptionError(str(error)) from None
        finally:
            self._under_way.pop()

    def _place(self, fence: Fence, line: int = 0) -> str:
        return f"{self._name}:{fence.start + line + 1}"


def _files(survey: Survey) -> Iterator[Path]:
    config = survey.config
    own = {os.path.realpath(path) for path in (survey.folder, config.site_dir)}
    folders = [Path(config.docs_dir), *map(Path, config.get("watch") or ())]
    folders += _snippet_folders(config.mdx_configs.get("pymdownx.snippets") or {})
    for folder in folders:
        # The default of snippets is the working directory: all of a project would be too much.
        if folder == Path(config.docs_dir) or not survey.project.is_relative_to(folder.absolute()):
            yield from _markdown_below(folder.absolute(), own)
    for path in survey.project.glob("*"):
        if is_markdown_file(path.name) and path.is_file():
            yield path


def _snippet_folders(options: dict[str, object]) -> Iterable[Path]:
    base = options.get("base_path") or []
    paths = base if isinstance(base, (list, tuple)) else [base]
    return [Path(str(path)) for path in paths]


def _markdown_below(folder: Path, own: set[str]) -> Iterator[Path]:
    """Markdown files of a folder, behind links too, as MkDocs has it."""
    been: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in been or real in own:
            folders.clear()
            continue
        been.add(real)
        folders[:] = [name for name in folders if name not in _OTHERS]
        yield from (Path(parent, name) for name in names if is_markdown_file(name))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _named(path: Path, project: Path) -> str:
    """A file as messages name it: `docs/guide.md`, from the folder of mkdocs.yml."""
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)
