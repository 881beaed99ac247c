"""The package's logger. Its name puts it under MkDocs' own, so `--strict` counts its warnings."""

from __future__ import annotations

import logging
import traceback
from collections import deque
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


SHOWN_FRAMES = 5


def where_raised(error: BaseException) -> str:
    """What exceptions there are and where they come from, the first to be raised at the end.

    Not their texts: an exception of the HTTP client may repeat a header, hence a key.
    """
    chain: list[str] = []
    one: BaseException | None = error
    while one is not None and len(chain) < SHOWN_FRAMES:
        frames = deque(traceback.walk_tb(one.__traceback__), SHOWN_FRAMES)
        places = ", ".join(f"{frame.f_code.co_filename}:{line}" for frame, line in frames)
        chain.append(f"{type(one).__name__} ({places})" if places else type(one).__name__)
        one = one.__cause__ or one.__context__
    return " because of ".join(chain)


log = _Prefixed(logging.getLogger("mkdocs.plugins.genimage"), {})
