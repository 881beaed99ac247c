"""The exceptions of this package: one small tree under `GenimageError`.

A message says what is wrong, what is allowed and what to do. The place
(`docs/page.md:12`) is put in front by whoever knows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class GenimageError(Exception):
    """Base of everything this package raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a block.

    Attributes:
        line: 0-based line within the fence: 0 is the opening line.
        message: what is wrong, what is allowed, what to do; without a place.
    """

    line: int
    message: str


class BlockError(GenimageError):
    """A fence that cannot become a picture. Holds every problem found in it, not just the first."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems))


class OptionError(GenimageError):
    """A value that an option does not take."""


class ObjectionError(GenimageError):
    """A request that is known to be refused, so it was not sent.

    Attributes:
        objections: (option, message) of everything that is wrong.
    """

    def __init__(self, objections: list[tuple[str, str]]) -> None:
        self.objections = objections
        super().__init__(" ".join(message for _, message in objections))


class CacheError(GenimageError):
    """The cache folder cannot be read or written."""


class ConfigurationError(GenimageError):
    """What mkdocs.yml says cannot work, for example a provider that is not installed."""


class Billed(Enum):
    """Whether a failed request may have cost something."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"


class ProviderError(GenimageError):
    """A request for an image that brought none.

    Attributes:
        message: what happened, in words for the author; holds no credential.
        cure: what to do about it; may be empty.
        billed: whether the request may have been paid for.
        fatal: whether every later request would fail in the same way (bad key,
            no credit, unknown host, model gone), so that none should be sent.
        retry_after: seconds after which it is safe and sensible to send the same
            request again; None where it must not be sent again by itself.
        too_many: whether the server wants fewer requests at once.
        request_id: the server's name for the request, where it gave one.
        refused: whether the server's moderation refused the request, so that sending it again is no use.
        no_edits: whether every later edit would fail in the same way, as `fatal` says of all requests.
    """

    def __init__(
        self,
        message: str,
        *,
        cure: str = "",
        billed: Billed = Billed.NO,
        fatal: bool = False,
        retry_after: float | None = None,
        too_many: bool = False,
        request_id: str | None = None,
        refused: bool = False,
        no_edits: bool = False,
    ) -> None:
        self.message = message
        self.cure = cure
        self.billed = billed
        self.fatal = fatal
        self.retry_after = retry_after
        self.too_many = too_many
        self.request_id = request_id
        self.refused = refused
        self.no_edits = no_edits
        super().__init__(message)

    def __str__(self) -> str:
        paid = {
            Billed.NO: "",
            Billed.MAYBE: " This request may have been billed.",
            Billed.YES: " This request was billed.",
        }[self.billed]
        name = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.message.rstrip('.')}{name}.{paid}{' ' + self.cure if self.cure else ''}"
