"""Other sites that may use the same cache: what one of them shows no more, another one may show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs_genimage.upkeep.wording import from_here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mkdocs_genimage.upkeep.survey import Survey

# YAML is not read here: another site's may name tags and plugins that are not known to this one.
_INHERIT = re.compile(r"^INHERIT\s*:\s*['\"]?([^'\"#\n]+)", re.MULTILINE)
_CACHE_DIR = re.compile(r"\bcache_dir['\"]?\s*:\s*['\"]?([^'\"#,}\n]+)")
_SITE = re.compile(r"^(?:site_name|INHERIT|plugins)\s*:", re.MULTILINE)


def other_sites(surveys: Sequence[Survey]) -> list[str]:
    """Configurations near a site's own that seem to use its cache, each told as a doubt with its cure.

    Args:
        surveys: of the sites that are known; the one that the cache belongs to first.
    """
    first = surveys[0]
    ours: set[Path] = set()
    for survey in surveys:
        ours |= _lineage(Path(survey.config.config_file_path or "mkdocs.yml")).keys()
    doubts = []
    folder = first.folder.resolve()
    for near in dict.fromkeys((first.project.resolve(), folder.parent)):
        for path in sorted([*near.glob("*.y*ml"), *near.glob("*/*docs*.y*ml")]):
            if path.resolve() not in ours and _seems_to_use(folder, path):
                name = from_here(path)
                doubts.append(
                    f"{name} seems to be another site with the same cache. Name it, so that its "
                    f"pictures count as used, too: --also {name}"
                )
    return doubts


def _seems_to_use(folder: Path, path: Path) -> bool:
    """Whether a configuration's site may have its pictures in a folder."""
    texts = _lineage(path)
    if not _SITE.search(_text(path)) or not any("genimage" in text for text in texts.values()):
        return False
    said = next(
        (match[1].strip() for text in texts.values() if (match := _CACHE_DIR.search(text))), ""
    )
    if said.startswith("!"):  # known to its own environment only
        return path.parent.resolve() == folder.parent
    return (path.parent / (said or "genimage")).resolve() == folder


def _lineage(path: Path) -> dict[Path, str]:
    """A configuration file and those that it inherits from, with their texts."""
    found: dict[Path, str] = {}
    path = path.resolve()
    while path not in found:
        found[path] = _text(path)
        parent = _INHERIT.search(found[path])
        if parent:
            path = (path.parent / parent[1].strip()).resolve()
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
