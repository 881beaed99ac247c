"""Providers: who makes the pictures, behind one small protocol.

A third-party provider is a package with an entry point in the group
`mkdocs_genimage.providers`; its name is what `provider:` in mkdocs.yml takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from itertools import islice
from numbers import Integral, Number
from typing import TYPE_CHECKING, Any, Protocol, cast

from mkdocs_genimage.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mkdocs_genimage.request import ImageRequest

ENTRY_POINT_GROUP = "mkdocs_genimage.providers"
BUILT_IN = {
    "openai": "mkdocs_genimage.providers.openai",
    "placeholder": "mkdocs_genimage.providers.placeholder",
}

MAX_COUNTS = 50
"""Entries of a mapping in an answer's `usage`; OpenAI sends up to five (API reference, 2026-11)."""
MAX_COUNT_LEVELS = 3
"""Mappings within each other; OpenAI sends two."""
MAX_COUNT = 10**15
_COUNT_NAME = re.compile(r"[A-Za-z_]\w{0,39}", re.ASCII)


@dataclass(frozen=True)
class ProviderSettings:
    """What a provider is told about the site. Empty strings mean "not set".

    Attributes:
        base_url: the API's address, version path included; may hold a name and password.
        api_key: the credential; never shown, logged or stored.
        has_own_key: whether mkdocs.yml says where the key is. If that is empty, no other one may be sent to
            a server that it is not for.
        timeout: seconds of wall clock for one request.
        server: the kind of server, where its address does not tell.
        validate: whether to object to what a known model is known to refuse.
    """

    base_url: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    has_own_key: bool = False
    timeout: float = 300.0
    server: str = ""
    validate: bool = True


@dataclass(frozen=True)
class Answer:
    """What came back for one request.

    Attributes:
        images: the raw bytes of each image, unchanged, in the server's order; at least one.
        request_id: the server's name for the request.
        usage: the counts that the server reported: mappings of names to numbers or to such mappings.
            Whatever else is given is left out, as it is stored with the picture: servers repeat there
            who asked.
    """

    images: Sequence[bytes] = field(repr=False)
    request_id: str | None = None
    usage: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "usage", counts_only(self.usage))


def counts_only(usage: Any, levels: int = MAX_COUNT_LEVELS) -> dict[str, Any] | None:
    """The numbers in what a server says about usage, as plain JSON.

    Args:
        usage: anything; of a mapping, entries with short names that hold a number or such a mapping.
        levels: of mappings.

    Returns:
        None if it is no mapping.
    """
    if not isinstance(usage, Mapping) or not levels:
        return None
    counts: dict[str, Any] = {}
    for name, value in islice(usage.items(), MAX_COUNTS):
        if isinstance(name, str) and _COUNT_NAME.fullmatch(name):
            count = counts_only(value, levels - 1) or _number(value)
            if count is not None:
                counts[name] = count
    return counts


def _number(value: Any) -> int | float | None:
    """A number as JSON has it; None for anything else."""
    if not isinstance(value, Number) or isinstance(value, (bool, complex)):
        return None
    with suppress(TypeError, ValueError, OverflowError):
        number = int(value) if isinstance(value, Integral) else float(cast("Any", value))
        return number if abs(number) < MAX_COUNT else None  # what is no number, is not below it
    return None


@dataclass(frozen=True)
class Review:
    """What a provider knows about a request beforehand.

    Attributes:
        objections: (option, message) of what would be refused; with any, nothing is sent.
        remarks: (option, message) of what will be done otherwise than asked.
    """

    objections: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)


class Provider(Protocol):
    """Makes images. One object serves all threads of a build."""

    name: str
    """What sidecars record: `openai`."""
    host: str
    """The server's host name for sidecars and messages, without path or credential; empty if none."""
    draft: bool
    """True for providers that draw at once, locally and free of charge. What they draw is shown but never
    kept as the block's image."""

    def unready(self) -> str:
        """Why no request can be sent (for example: no API key), with the cure; empty if one can."""

    def prepare(self) -> None:
        """Load what the first request needs. Called once, before it, and never if nothing is asked for."""

    def review(self, request: ImageRequest, count: int) -> Review:
        """What is known about a request before it is sent."""

    def generate(self, request: ImageRequest, count: int) -> Answer:
        """Ask for `count` images of `request`, in one call that is sent at most once.

        Raises:
            ProviderError: nothing usable came back.
        """


def load_provider(name: str, settings: ProviderSettings) -> Provider:
    """The provider called `name` in mkdocs.yml.

    Raises:
        ConfigurationError: no installed package offers one of that name.
    """
    if name in BUILT_IN:  # without reading the metadata of all installed packages
        return cast("Provider", import_module(BUILT_IN[name]).create(settings))
    found = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if name not in found:
        raise ConfigurationError(
            f"there is no provider '{name}'. Installed: {', '.join(sorted(found)) or 'none'}."
        )
    create = cast("Callable[[ProviderSettings], Provider]", found[name].load())
    return create(settings)
