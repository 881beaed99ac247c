"""What images of this site cost: the list prices where they hold, else what mkdocs.yml says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mkdocs_genimage import models
from mkdocs_genimage.errors import OptionError
from mkdocs_genimage.values import did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs_genimage.request import ImageRequest

_FIELDS = ("per_image", "multiplier", "text_in", "image_in", "image_out", "text_out")
_NEEDED_RATES = ("text_in", "image_in", "image_out")

MAX_PRICE = 1_000_000
"""Above every known price and factor; finite, so that costs can be added up."""


@dataclass(frozen=True)
class Pricing:
    """Prices of one server. Without any field the list prices count, and only at the official endpoint.

    Attributes:
        per_image: USD for each image, whatever it is.
        rates: USD per million tokens, for answers that count their tokens.
        multiplier: what a gateway bills for each dollar of the list price.
    """

    per_image: float | None = None
    rates: models.Rates | None = None
    multiplier: float | None = None

    @classmethod
    def read(cls, value: Any) -> Pricing:
        """Read `pricing:` of mkdocs.yml.

        Raises:
            OptionError: it is none of the three forms.
        """
        if not isinstance(value, dict):
            raise OptionError(f"must be a mapping, not {shown(value)}. Allowed: {_allowed()}.")
        for name, number in value.items():
            if name not in _FIELDS:
                hint = did_you_mean(str(name), _FIELDS)
                raise OptionError(f"there is no '{name}'.{hint} Allowed: {_allowed()}.")
            # True is no price, and neither are infinity and "not a number".
            if type(number) not in (int, float) or not 0 <= number <= MAX_PRICE:
                raise OptionError(
                    f"'{name}' is {shown(number)}. Allowed: a number from 0 to {MAX_PRICE:,}."
                )
        tokens = {name: number for name, number in value.items() if name in _FIELDS[2:]}
        if tokens and not all(name in tokens for name in _NEEDED_RATES):
            raise OptionError(f"prices of tokens need all of {', '.join(_NEEDED_RATES)}.")
        if len(value) - len(tokens) + bool(tokens) > 1:
            raise OptionError(f"says prices in more than one way. Allowed: {_allowed()}.")
        return cls(
            value.get("per_image"),
            models.Rates(**tokens) if tokens else None,
            value.get("multiplier"),
        )

    def estimate(self, request: ImageRequest, count: int, host: str) -> float | None:
        """USD that images will cost at most; None where no price is known, never 0 instead.

        Args:
            request: what is asked for.
            count: how many images of it.
            host: the server's name.
        """
        if self.per_image is not None:
            return self.per_image * count
        factor = self._factor(host)
        if factor is None:
            return None
        size, quality = request.options.get("size"), request.options.get("quality")
        each = models.estimate(request.model, size, quality)
        if each is not None and self.rates:
            listed = models.rates(request.model)
            factor = self.rates.image_out / listed.image_out if listed else factor
        return None if each is None else each * count * factor

    def actual(
        self, request: ImageRequest, count: int, usage: Mapping[str, Any] | None, host: str
    ) -> float | None:
        """USD that an answered request has cost; None where that is not known.

        Args:
            request: what was asked for.
            count: how many images came.
            usage: the answer's counts of tokens.
            host: the server's name.
        """
        if self.per_image is not None:
            return self.per_image * count
        factor = self._factor(host)
        if factor is None:
            return None
        cost = models.actual_cost(request.model, usage, self.rates)
        return None if cost is None else cost * factor

    def _factor(self, host: str) -> float | None:
        """What the list price is multiplied with; None where it says nothing about this server."""
        if self.multiplier is not None:
            return self.multiplier
        return 1.0 if self.rates or host in models.OFFICIAL_HOSTS else None


def _allowed() -> str:
    return (
        "{per_image: USD}, {multiplier: FACTOR} of the list price, or USD per million tokens as "
        "{text_in: .., image_in: .., image_out: ..}"
    )
