"""The package's logger. Its name puts it under MkDocs' own, so `--strict` counts its warnings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter


class _Prefixed(_Adapter):
    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        return f"genimage: {msg}", kwargs


log = _Prefixed(logging.getLogger("mkdocs.plugins.genimage"), {})
