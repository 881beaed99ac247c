"""What the known models cost, as data.

Prices are OpenAI's list prices in US dollars. They hold for `OFFICIAL_HOSTS`
only: a gateway of the same model names sets its own. A model that is not here
has no known price, which is no fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PRICES_AS_OF = "2026-11-22"
"""The day on which the numbers below were last compared with their sources."""

OFFICIAL_HOSTS = frozenset({"api.openai.com"})
"""Hosts, as `Provider.host` spells them, at which these prices apply."""

TOKENS_PER_RATE = 1_000_000


@dataclass(frozen=True)
class Rates:
    """What tokens of one model cost, in USD per million.

    Attributes:
        text_in: tokens of the prompt.
        image_in: tokens of input pictures.
        image_out: tokens of the pictures made.
        text_out: tokens of text made on the way; 0 where they are not billed.
    """

    text_in: float
    image_in: float
    image_out: float
    text_out: float = 0.0


# developers.openai.com/api/docs/pricing and the model pages, 2026-11-22. Cached input is
# cheaper, but the API does not report how much of it there was: a cost is never too low.
_SECOND_GENERATION = Rates(text_in=5.00, image_in=8.00, image_out=30.00)
_FIRST_GENERATION = Rates(text_in=5.00, image_in=8.00, image_out=32.00, text_out=10.00)
RATES: Mapping[str, Rates] = {
    "gpt-image-2.6-sunburst": _SECOND_GENERATION,
    "gpt-image-2.6-flare": _SECOND_GENERATION,
    "gpt-image-2.5-sunburst": _SECOND_GENERATION,
    "gpt-image-2.5-flare": _SECOND_GENERATION,
    "gpt-image-2": _SECOND_GENERATION,
    "gpt-image-1.5": _FIRST_GENERATION,
    "chatgpt-image-latest": _FIRST_GENERATION,
    "gpt-image-1-mini": Rates(text_in=2.00, image_in=2.50, image_out=8.00),
    # Shut down on 2026-10-23; older sidecars still name it.
    "gpt-image-1": Rates(text_in=5.00, image_in=10.00, image_out=40.00),
}

# Models that take any size: "axis factor" of each quality in the token formula below.
# gpt-image-2: read from the calculator of OpenAI's image guide
# (community.openai.com/t/1382699, 2026-06-05). 2.5: fits all 120 published per-image prices.
_AXIS_2 = {"low": 16, "medium": 48, "high": 96}
_AXIS_2_5 = {"low": 16, "medium": 24, "high": 48, "xhigh": 64, "max": 96}
_AXIS: Mapping[str, Mapping[str, int]] = {
    "gpt-image-2": _AXIS_2,
    "gpt-image-2.5-sunburst": _AXIS_2_5,
    "gpt-image-2.5-flare": _AXIS_2_5,
    "gpt-image-2.6-sunburst": _AXIS_2_5,
    "gpt-image-2.6-flare": _AXIS_2_5,
}

# 2.6 is reported to use 3 to 4 times the tokens of 2.5 at low and medium and as many at the
# others (docs.laozhang.ai/gpt-image-2-6, 2026-11). No table is published: the upper end counts.
_MORE_TOKENS_2_6 = {"low": 4, "medium": 4}

STANDARD_SIZES = ("1024x1024", "1536x1024", "1024x1536")

# Models of three sizes: USD per image by size and quality. 1.5 and 1 are output tokens
# (community.openai.com/t/1371851) at their rate, which agrees with the prices OpenAI publishes
# to the cent; for mini it does not, so OpenAI's published prices stand (2026-11-22).
_FIXED_TOKENS = {
    "1024x1024": {"low": 272, "medium": 1056, "high": 4160},
    "1024x1536": {"low": 408, "medium": 1584, "high": 6240},
    "1536x1024": {"low": 400, "medium": 1568, "high": 6208},
}
_MINI_SQUARE = {"low": 0.005, "medium": 0.011, "high": 0.036}
_MINI_OBLONG = {"low": 0.006, "medium": 0.015, "high": 0.052}
_MINI_PRICES = {
    "1024x1024": _MINI_SQUARE,
    "1024x1536": _MINI_OBLONG,
    "1536x1024": _MINI_OBLONG,
}

_SNAPSHOT_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")


def rates(model: str) -> Rates | None:
    """The list prices of a model's tokens; None for an unknown model."""
    return RATES.get(_without_date(model))


def actual_cost(
    model: str, usage: Mapping[str, Any] | None, prices: Rates | None = None
) -> float | None:
    """What one answered request cost, from the tokens that the server counted.

    Args:
        model: the model that was asked; a dated snapshot costs what its model costs.
        usage: the `usage` object of the answer.
        prices: of tokens; None for the list prices of the model.

    Returns:
        US dollars; None for an unknown model or a usage without the counts needed.
    """
    prices = prices or rates(model)
    if prices is None or not usage:
        return None
    text_in = _count(usage, "input_tokens_details", "text_tokens")
    image_in = _count(usage, "input_tokens_details", "image_tokens")
    image_out = _count(usage, "output_tokens_details", "image_tokens")
    text_out = _count(usage, "output_tokens_details", "text_tokens")
    if image_out is None:
        # Older answers do not split the output: all of it counts as the dearer kind.
        image_out, text_out = _count(usage, "output_tokens"), 0
    if text_in is None or image_in is None or image_out is None:
        return None
    dollars = (
        text_in * prices.text_in
        + image_in * prices.image_in
        + image_out * prices.image_out
        + (text_out or 0) * prices.text_out
    )
    return dollars / TOKENS_PER_RATE


def estimate(model: str, size: str | None, quality: str | None) -> float | None:
    """What one image will cost at most, before it is asked for.

    Only the picture itself is counted. The prompt adds under one cent, an input picture
    of 1024x1024 about one cent.

    Args:
        model: the model's name, dated or not.
        size: `WIDTHxHEIGHT` in pixels. With `auto`, empty or None the server chooses: the dearest
            of the three standard sizes counts.
        quality: the quality's name. With `auto`, empty or None the server chooses: the dearest
            quality of the model counts.

    Returns:
        US dollars; None if the model, or this size or quality of it, has no known price.
    """
    model = _without_date(model)
    sizes = STANDARD_SIZES if size in (None, "", "auto") else (str(size),)
    prices = [_price(model, one, level) for one in sizes for level in _qualities(model, quality)]
    known = [price for price in prices if price is not None]
    return max(known) if known and len(known) == len(prices) else None


def image_tokens(width: int, height: int, axis: int) -> int:
    """Output tokens of a picture from a model that takes any size.

    Args:
        width: pixels.
        height: pixels.
        axis: the quality's axis factor: how many patches its long edge is divided into.
    """
    long_edge, short_edge = max(width, height), min(width, height)
    # Half rounds up, in integers: floats would miss a token here and there.
    short_axis = (2 * axis * short_edge + long_edge) // (2 * long_edge)
    return -(-axis * short_axis * (2_000_000 + width * height) // 4_000_000)


def _qualities(model: str, quality: str | None) -> tuple[str, ...]:
    """The quality asked for, or all the model has where the server chooses."""
    if quality not in (None, "", "auto"):
        return (str(quality),)
    return tuple(_AXIS.get(model, _FIXED_TOKENS["1024x1024"]))


def _price(model: str, size: str, quality: str) -> float | None:
    """USD for one image of a definite size and quality."""
    if model == "gpt-image-1-mini":
        return _MINI_PRICES.get(size, {}).get(quality)
    tokens: int | None
    if model in _AXIS:
        tokens = _any_size_tokens(model, size, quality)
    else:
        tokens = _FIXED_TOKENS.get(size, {}).get(quality)
    prices = rates(model)
    if tokens is None or prices is None:
        return None
    return tokens * prices.image_out / TOKENS_PER_RATE


def _any_size_tokens(model: str, size: str, quality: str) -> int | None:
    axis = _AXIS[model].get(quality)
    edges = _SIZE.fullmatch(size)
    if axis is None or edges is None:
        return None
    tokens = image_tokens(int(edges[1]), int(edges[2]), axis)
    return tokens * (_MORE_TOKENS_2_6.get(quality, 1) if "-2.6-" in model else 1)


def _without_date(model: str) -> str:
    return _SNAPSHOT_DATE.sub("", model)


def _count(usage: Mapping[str, Any], *path: str) -> int | None:
    """A token count somewhere in `usage`; None if it is no whole number from 0 up."""
    value: Any = usage
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if type(value) is int and value >= 0 else None
