"""The pictures among a site's files: as they came, smaller ones made from them, and the stylesheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, InclusionLevel

from mkdocs_genimage.derived import DerivedFiles, Recipe
from mkdocs_genimage.disk import sha256_of
from mkdocs_genimage.light import social_name, social_size
from mkdocs_genimage.log import log

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

    from mkdocs_genimage.entries import Shown
    from mkdocs_genimage.light import Light, SourceSet

STYLESHEET = "genimage.css"


class Assets:
    """What one build publishes.

    Args:
        config: the site's configuration.
        folder: where it stands in the site.
        cache_folder: where a picture that is still being made will lie.
        light: which smaller files there are to be.
    """

    def __init__(self, config: MkDocsConfig, folder: str, cache_folder: Path, light: Light) -> None:
        self.folder = folder
        self._config = config
        self._cache_folder = cache_folder
        self._light = light
        self._derived = DerivedFiles(cache_folder)
        self._made_from: dict[Path, list[tuple[File, Path]]] = {}
        self.failed: set[str] = set()
        """The paths in the site of smaller files that could not be made."""
        self._is_settled = False
        self._late: list[File] = []
        """Files of a view that is rendered after MkDocs has copied the site's files."""

    def source_sets(self, shown: Shown) -> tuple[SourceSet, ...]:
        """The smaller files that pages offer for a picture."""
        return () if shown.placeholder else self._light.source_sets(shown.name, shown.width)

    def publish(self, shown: Shown, files: Files) -> str:
        """Make sure that a picture is among the site's files, with its smaller ones.

        Returns:
            Its path in the site.
        """
        # A file that is still being made is read from its folder only when the site is written.
        path = shown.path or self._cache_folder / shown.name
        uri = self._add(shown.name, path, files)
        if shown.path is not None:
            for source in self.source_sets(shown):
                for one in source.candidates:
                    if one.form:
                        recipe = Recipe(one.width, one.form, shown.source_type)
                        self._derive(shown, one.name, recipe, files)
        if self._late:
            self._finish_derived()
            for file in self._late:
                file.copy_file()
            self._late.clear()
        return uri

    def publish_social(self, shown: Shown, files: Files) -> None:
        """Make sure that there is a JPEG of a picture, for those that take nothing else."""
        if shown.path is not None:
            recipe = Recipe(social_size(shown.width, shown.height)[0], "jpeg", shown.source_type)
            self._derive(shown, social_name(shown.name), recipe, files)

    def withdraw(self, uri: str, files: Files) -> None:
        """Take a file back that did not come to be."""
        file = files.get_file_from_path(uri)
        if file is not None:
            files.remove(file)

    def settle(self) -> None:
        """Wait for the smaller files. Where one cannot be made, the picture itself takes its place."""
        self._finish_derived()
        self._is_settled = True

    def publish_stylesheet(self, files: Files) -> None:
        """The stylesheet, before all of the site's own, so that these can override it."""
        uri = self._add(STYLESHEET, Path(__file__).with_name(STYLESHEET), files)
        if uri not in self._config.extra_css:
            self._config.extra_css.insert(0, uri)

    def _derive(self, shown: Shown, name: str, recipe: Recipe, files: Files) -> None:
        uri = f"{self.folder}/{name}"
        if uri in files.src_uris:
            return
        assert shown.path is not None
        sha256 = shown.sha256
        if not sha256:
            with shown.path.open("rb", buffering=0) as opened:
                sha256 = sha256_of(opened)
        path = self._derived.want(shown.path, sha256, recipe)
        self._add(name, path, files)
        self._made_from.setdefault(path, []).append((files.src_uris[uri], shown.path))

    def _finish_derived(self) -> None:
        failed = self._derived.finish()
        told: set[tuple[Path, str]] = set()
        for path, reason in failed.items():
            for file, original in self._made_from[path]:
                file.abs_src_path = str(original)
                self.failed.add(file.src_uri)
                if (original, reason) in told:
                    continue
                told.add((original, reason))
                log.warning(
                    "%s/%s: no smaller files can be made from it: %s. The picture itself is used.",
                    original.parent.name,
                    original.name,
                    reason,
                )

    def _add(self, name: str, path: Path, files: Files) -> str:
        uri = f"{self.folder}/{name}"
        if uri not in files.src_uris:
            file = File.generated(
                self._config, uri, abs_src_path=str(path), inclusion=InclusionLevel.INCLUDED
            )
            # While a page renders, MkDocs does not know whose file it is.
            file.generated_by = "genimage"
            files.append(file)
            if self._is_settled:
                self._late.append(file)
        return uri
