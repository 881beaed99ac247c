"""What builds the site that a command is about: MkDocs, or its successor ProperDocs."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

PROPERDOCS_FILES = ("properdocs.yml", "properdocs.yaml")
"""What ProperDocs looks for before MkDocs' names (ProperDocs 1.6.7, 2026-11)."""

LOGGERS = ("mkdocs", "properdocs")
"""Under which what a build says is logged. Plugins may use either."""


def use_host(config_file: str | None) -> None:
    """Let `import mkdocs` mean what builds the site. To be called before the first such import.

    It is ProperDocs where the configuration has a name of ProperDocs', or where MkDocs is not installed.
    `properdocs.replacement` is what its own program imports to that end. Nothing else of it may be
    imported: in a build by MkDocs, these are other classes than those in use.

    Args:
        config_file: the path of mkdocs.yml; None for the one of the working directory.
    """
    if "mkdocs" in sys.modules or not _is_installed("properdocs"):
        return
    names = [Path(config_file)] if config_file else [Path(name) for name in PROPERDOCS_FILES]
    is_named = any(path.name in PROPERDOCS_FILES and path.exists() for path in names)
    if is_named or not _is_installed("mkdocs"):
        import_module("properdocs.replacement")


def _is_installed(package: str) -> bool:
    spec = find_spec(package)
    return spec is not None and spec.origin is not None  # a folder of that name has no origin
