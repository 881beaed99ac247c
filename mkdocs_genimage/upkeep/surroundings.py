"""The theme, plugins and extensions that stand beside the pictures of a site, and what needs care there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.upkeep.diagnosis import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mkdocs.config.defaults import MkDocsConfig

    from mkdocs_genimage.config import GenimageConfig

HARMLESS = (
    *("autorefs", "awesome-nav", "blog", "exclude", "gen-files", "glightbox", "group", "i18n"),
    *(
        "include-markdown",
        "info",
        "literate-nav",
        "macros",
        "markdown-exec",
        "meta",
        "mike",
        "minify",
    ),
    *(
        "git-revision-date-localized",
        "mkdocstrings",
        "offline",
        "print-site",
        "privacy",
        "projects",
    ),
    *("redirects", "rss", "search", "section-index", "social", "tags", "typeset"),
)
"""Plugins beside which real sites were built without a fault (2026-11)."""

_ATTR_LIST = {
    *("attr_list", "markdown.extensions.attr_list", "pymdownx.extra"),
    *("extra", "markdown.extensions.extra"),
}


def look(config: MkDocsConfig, options: GenimageConfig) -> list[Finding]:
    """Look over what a site has besides this plugin. Asks nobody and reads no page."""
    plugins: dict[str, Any] = {
        str(name).rpartition("/")[2]: plugin
        for name, plugin in config.plugins.items()
        if name not in config.hooks  # which MkDocs has among them
    }
    names = list(plugins)
    found = [*_optimize(plugins, options), *_plugins(names, config, options)]
    if not found:
        known = [name for name in names if name in HARMLESS]
        beside = f"; pictures are known to work beside {', '.join(known)}" if known else ""
        found.append(
            Finding("ok", "plugins", f"theme {config.theme.name or 'of its own'}{beside}.")
        )
    return [*found, *_folders(config, options), *_extensions(config)]


def _plugins(names: list[str], config: MkDocsConfig, options: GenimageConfig) -> Iterator[Finding]:
    about = "plugins"
    if "print-site" in names and names[-1] != "print-site":
        yield Finding(
            "problem",
            about,
            "print-site is not the last plugin, so its page lacks what later ones do.",
            "Move 'print-site' to the end of 'plugins:'.",
        )
    if "rss" in names and not config.site_url:
        yield Finding(
            "note",
            about,
            "without 'site_url', feeds of rss name pictures by addresses relative to the page, which most "
            "readers cannot follow.",
            "Set 'site_url'.",
        )
    if "mkdocs-jupyter" in names:
        yield Finding(
            "note",
            about,
            "blocks in notebooks stay code: mkdocs-jupyter turns them into pages by itself.",
            "Put blocks into Markdown pages.",
        )
    form = str(options.defaults.get("output_format", "png"))
    if form not in ("png", "jpeg", "webp") and {"social", "rss"} & {*names}:
        yield Finding(
            "note",
            about,
            f"previews of links and feeds (social, rss) show no {form}, which 'defaults' ask for.",
            "Set 'output_format: png', jpeg or webp for heroes, and for pictures that feeds are to show.",
        )


def _optimize(plugins: Mapping[str, Any], options: GenimageConfig) -> Iterator[Finding]:
    plugin = plugins.get("optimize")
    own = getattr(plugin, "config", {})
    if plugin is None or not (own.get("enabled", True) and own.get("optimize", True)):
        return
    if own.get("optimize_png", True) and shutil.which("pngquant") is None:
        yield Finding(
            "problem",
            "plugins",
            "optimize needs the program 'pngquant', which is not found: builds with png pictures fail.",
            "Install pngquant, or set 'optimize_png: false'.",
        )
    yield Finding(
        "note",
        "plugins",
        "optimize rewrites pictures in the built site, where they then do not tell their origin (C2PA).",
        f"To publish them as they came: 'optimize_exclude: [{options.assets_dir}/*]'.",
    )


def _folders(config: MkDocsConfig, options: GenimageConfig) -> Iterator[Finding]:
    cache = options.cache_folder(config)
    if cache.is_relative_to(Path(config.docs_dir)):
        yield Finding(
            "note",
            "cache",
            f"{cache} lies inside 'docs_dir': 'mkdocs serve' builds once more for each picture that comes.",
            "Move the folder beside mkdocs.yml, with Git, and set 'cache_dir' accordingly.",
        )
    watched = [Path(os.path.abspath(path)) for path in config.watch or ()]  # noqa: PTH100
    if any(cache.is_relative_to(path) for path in watched):
        yield Finding(
            "note",
            "cache",
            f"'watch:' holds {cache}: 'mkdocs serve' builds once more for each picture that comes.",
            "Take the folder out of 'watch:'.",
        )


def _extensions(config: MkDocsConfig) -> Iterator[Finding]:
    names = [str(name) for name in config.markdown_extensions]
    fences = config.mdx_configs.get("pymdownx.superfences", {}).get("custom_fences") or ()
    own = [one.get("name") for one in fences if isinstance(one, dict)]
    if "genimage" in own:
        yield Finding(
            "note",
            "extensions",
            "pymdownx.superfences has a custom fence 'genimage', which gets no block: the plugin is first.",
            "Take it out of 'custom_fences'.",
        )
    if not _ATTR_LIST & {*names}:
        yield Finding(
            "note",
            "extensions",
            "'attr_list' is off. Blocks do without; images that 'mkdocs-genimage eject' writes lose their "
            "dimensions and classes.",
            "Add 'attr_list' to 'markdown_extensions:' before you eject.",
        )
