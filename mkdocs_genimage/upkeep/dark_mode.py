"""How a site's pages go from light to dark, for those that leave the plugin and its stylesheet."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

    from mkdocs_genimage.config import GenimageConfig

Switch = Literal["fragment", "media", "light", "dark", "other"]
"""How a page shows one of two pictures:

- fragment: the theme's own stylesheet goes by `#only-light` and `#only-dark` at the end of an address.
- media: by what the reader's system asks for.
- light, dark: never but the one.
- other: by something that plain images know nothing of.
"""

_VARIABLES = "--genimage-"
"""The site's own stylesheets may set these, and so tell the plugin's how to switch."""


def switch(config: MkDocsConfig, options: GenimageConfig) -> Switch:
    """How the pages of a site show one of two pictures, as the plugin's stylesheet has it.

    The settings are those of the themes of MkDocs 1.6.1 and of Material 9.8 (2026-11).
    """
    if _sets_variables(config):
        return "other"
    if options.look(config).has_only_dark:
        return "fragment"
    if config.theme.name == "readthedocs":
        return "light"
    if config.theme.name != "mkdocs":
        return "media"
    mode = config.theme.get("color_mode", "light")
    if config.theme.get("user_color_mode_toggle"):
        return "other"
    return "media" if mode == "auto" else "dark" if mode == "dark" else "light"


def _sets_variables(config: MkDocsConfig) -> bool:
    folders = [Path(config.docs_dir)]
    if config.theme.custom_dir:
        folders.append(Path(config.theme.custom_dir))
    for name in map(str, config.extra_css):
        for folder in folders:
            with contextlib.suppress(OSError, ValueError):
                if _VARIABLES in (folder / name).read_text(encoding="utf-8", errors="replace"):
                    return True
    return False
