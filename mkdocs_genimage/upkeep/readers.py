"""Whether readers will get what mkdocs.yml promises them: smaller files, pictures for dark mode, heroes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from mkdocs.structure.files import get_files
from mkdocs.utils.meta import get_data

from mkdocs_genimage.command import make_provider
from mkdocs_genimage.options import has_twin
from mkdocs_genimage.request import ImageRequest, InputFile
from mkdocs_genimage.upkeep.dark_mode import switch
from mkdocs_genimage.upkeep.diagnosis import Finding
from mkdocs_genimage.upkeep.wording import as_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig

    from mkdocs_genimage.config import GenimageConfig

NAMED = 3
"""So many pages are named; the others are counted."""
_CAN_BE_SMALLER = ("png", "jpeg", "webp")


def look(config: MkDocsConfig, options: GenimageConfig) -> list[Finding]:
    """Look over what readers are to get. Asks nobody, and reads no more of pages than front matter."""
    return [
        *_smaller_files(config, options),
        *_dark(config, options),
        *_heroes(config),
    ]


def _smaller_files(config: MkDocsConfig, options: GenimageConfig) -> Iterator[Finding]:
    about = "smaller files"
    if not (options.enabled and (options.widths or options.formats)):
        return
    own = str(options.defaults.get("output_format", "png"))
    if own not in _CAN_BE_SMALLER and not options.styles:
        yield Finding(
            "note",
            about,
            f"'defaults' ask for {own}, of which no smaller files are made.",
            "Take 'widths' and 'formats' out, or ask for png, jpeg or webp.",
        )
        return
    with contextlib.suppress(ImportError):  # told among the versions
        from mkdocs_genimage.deriving import can_write

        for form in options.formats or (own,):
            if reason := can_write(form):
                what, _, cure = reason.partition(". ")
                yield Finding(
                    "problem",
                    about,
                    f"{as_sentence(what)}, so pages show the pictures themselves.",
                    f"{cure}.",
                )
    if len(options.formats) > 1 and "glightbox" in config.plugins:
        yield Finding(
            "note",
            about,
            f"beside glightbox, which does not go together with several formats, smaller files are "
            f"{options.formats[-1]} only.",
            f"Write 'formats: [{options.formats[-1]}]'.",
        )


def _dark(config: MkDocsConfig, options: GenimageConfig) -> Iterator[Finding]:
    about = "dark mode"
    places = ["defaults"] if has_twin(options.defaults) else []
    places += [
        f"styles: {name}" for name, style in options.styles.items() if has_twin(style.options)
    ]
    if not places:
        return
    where = " and ".join(f"'{place}'" for place in places)
    if reason := _no_edits(options):
        yield Finding(
            "problem",
            about,
            f"{where}: 'dark' is an edit of the picture for light mode. {reason}",
            "Take 'dark' out there, or set a model or server that edits.",
        )
    if (seen := switch(config, options)) in ("light", "dark"):
        other = "dark" if seen == "light" else "light"
        auto = ", or set 'color_mode: auto' of the theme" if config.theme.name == "mkdocs" else ""
        yield Finding(
            "note",
            about,
            f"{where}: 'dark' makes pictures for dark mode, and the theme '{config.theme.name}', as it is "
            f"set up, has no {other} mode.",
            f"Take 'dark' out there{auto}.",
        )


def _no_edits(options: GenimageConfig) -> str:
    """Why the server edits no pictures with the site's model; empty if it may."""
    # What is wrong with a provider is told elsewhere, and one of somebody else's may raise anything.
    with contextlib.suppress(Exception):
        provider = make_provider(options)
        edit = ImageRequest("x", images=(InputFile("x.png", b""),), model=options.model)
        if not provider.draft and provider.review(edit, 1).objections:
            host = f" at {provider.host}" if provider.host else ""
            return f"{options.model}{host} edits none."
    return ""


def _heroes(config: MkDocsConfig) -> Iterator[Finding]:
    if config.site_url:
        return
    names = []
    for file in get_files(config).documentation_pages():
        with contextlib.suppress(OSError, ValueError):
            text = file.content_string
            meta = get_data(text)[1] if "hero" in text else {}
            said = meta.get("genimage")
            # What the author chose for the page is told by the theme, if at all.
            if isinstance(said, dict) and said.get("hero") and not meta.get("image"):
                names.append(file.src_uri)
    if names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield Finding(
            "note",
            "heroes",
            f"{', '.join(names[:NAMED])}{more}: social media take absolute addresses only, and there is no "
            "'site_url', so these pages do not tell them of their heroes.",
            "Set 'site_url'.",
        )
