"""Reading what a server says instead of sending a picture."""

from __future__ import annotations

import email.utils
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.errors import Billed, ProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mkdocs_genimage.providers.endpoint import Endpoint

MAX_DEPTH = 5
"""Lists within lists in which words are looked for."""

CREDIT_CODES = {
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
}


@dataclass(frozen=True)
class Refusal:
    """An answer without a picture, taken apart.

    Attributes:
        endpoint: who was asked.
        status: HTTP status.
        message: the server's own words, redacted; empty if there are none.
        code: `error.code`, lower case, or `error.type` where there is no code.
        param: `error.param`.
        headers: of the answer.
        seconds: between the request and the answer.
        model: the model asked for.
        sent: names of the options that were sent.
        is_edit: whether pictures were to be edited.
    """

    endpoint: Endpoint
    status: int
    message: str = ""
    code: str = ""
    param: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    model: str = ""
    sent: Sequence[str] = ()
    is_edit: bool = False

    @property
    def said(self) -> str:
        """The server's words as the end of a sentence."""
        return f": {self.message.rstrip('.')}." if self.message else "."

    def failure(
        self,
        message: str,
        cure: str = "",
        *,
        billed: Billed = Billed.NO,
        fatal: bool = False,
        retry_after: float | None = None,
        too_many: bool = False,
        no_edits: bool = False,
    ) -> ProviderError:
        """An error that carries the request's name."""
        return ProviderError(
            message,
            cure=cure,
            billed=billed,
            fatal=fatal,
            retry_after=retry_after,
            too_many=too_many,
            no_edits=no_edits,
            request_id=request_name(self.headers, self.endpoint),
        )


def read_refusal(
    endpoint: Endpoint,
    body: Any,
    *,
    status: int,
    headers: Mapping[str, str],
    seconds: float,
    model: str,
    sent: Sequence[str],
    is_edit: bool = False,
) -> Refusal:
    """Take apart an error body: OpenAI's, FastAPI's `detail`, a bare string, or HTML.

    Args:
        endpoint: who was asked.
        body: the JSON value, or its `error` member, or the text of the body.
        status: HTTP status.
        headers: of the answer.
        seconds: between the request and the answer.
        model: the model asked for.
        sent: names of the options that were sent.
        is_edit: whether pictures were to be edited.
    """
    if isinstance(body, list) and len(body) == 1:
        body = body[0]  # Gemini's compatible endpoint puts the object into a list.
    error = body.get("error", body) if isinstance(body, dict) else body
    code = param = ""
    if isinstance(error, dict):
        code = str(error.get("code") or error.get("type") or "").lower()
        param = str(error.get("param") or "")
        message = _words(error.get("message") or error.get("detail"))
        # Gateways put the code of insufficient credit into either.
        if str(error.get("type")).lower() in CREDIT_CODES:
            code = str(error["type"]).lower()
    else:
        message = "" if is_html(str(error or "")) else _words(error)
    return Refusal(
        endpoint,
        status,
        endpoint.redact(message),
        code,
        param,
        headers,
        seconds,
        model,
        sent,
        is_edit,
    )


def request_name(headers: Mapping[str, str], endpoint: Endpoint) -> str | None:
    """The server's name for a request, fit to be shown and stored."""
    return endpoint.redact(headers.get("x-request-id", ""))[:100] or None


def is_html(text: str) -> bool:
    """Whether a body is a page for browsers: of a proxy, a login, or a wrong address."""
    return (
        text.lstrip("\ufeff \t\r\n")[:14].lower().startswith(("<!doctype html", "<html", "<head"))
    )


def retry_after(headers: Mapping[str, str], default: float) -> float:
    """Seconds that a server asks to wait, or `default`."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds > 0:
            return seconds
    try:
        date = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
        return max(date.timestamp() - time.time(), default)
    except (TypeError, ValueError, OverflowError):
        return default


def _words(said: Any, depth: int = 0) -> str:
    """What an error body says, as text. FastAPI lists `{"loc": ["body", "size"], "msg": "..."}`."""
    if isinstance(said, list):
        said = said if depth < MAX_DEPTH else []
        return "; ".join(filter(None, (_words(part, depth + 1) for part in said)))
    if isinstance(said, dict):
        parts = said.get("loc")
        parts = parts if isinstance(parts, list) else []
        place = ".".join(str(part) for part in parts if part != "body")
        return ": ".join(filter(None, (place, str(said.get("msg") or said.get("message") or ""))))
    return said if isinstance(said, str) else ""
