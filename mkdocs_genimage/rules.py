"""What each known model is known to refuse, and until when it exists, as data.

A request that will be refused is better stopped before it is sent, with the value that
works. Only what is known to be refused is here: where sources disagree or say nothing,
and for every model that is not in the table, all passes and the server decides.

Sources, all as of 2026-11-22: "SDK" is the text of the `openai` package 3.54.0, which is
generated from OpenAI's API description; "model pages" and "deprecations" are those of
developers.openai.com/api/docs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

WARN_DAYS = 60
"""How long before its shutdown a model is warned about."""

QUALITIES = ("low", "medium", "high", "xhigh", "max")
"""Tiers of the GPT image models, cheapest first (SDK). Every model also takes `auto`."""

_OLD_QUALITIES = {"standard": "medium", "hd": "high"}
"""Words of the retired DALL-E models (SDK), and the tier that comes closest."""

COMPLEXITIES = ("low", "medium", "high")  # SDK; which models take it is not documented
COMPRESSIBLE = ("jpeg", "webp")  # SDK: `output_compression` is for these only
CAN_BE_TRANSPARENT = ("png", "webp")  # SDK; on gpt-image-2 it is in preview and so passes
FRAMES = range(2, 17)  # SDK: `frame_count` of a gif

_SNAPSHOT_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")


@dataclass(frozen=True)
class FixedSizes:
    """Sizes of a model that makes only these, as (width, height) in pixels."""

    sizes: tuple[tuple[int, int], ...]

    @property
    def words(self) -> str:
        """The sizes, as the end of the sentence "Allowed: ..."."""
        return ", ".join(f"{width}x{height}" for width, height in self.sizes)

    def allow(self, width: int, height: int) -> bool:
        """Whether a picture of this size can be asked for."""
        return (width, height) in self.sizes

    def nearest(self, width: int, height: int) -> tuple[int, int]:
        """The size with the most similar aspect ratio, and of those the most similar one."""
        wanted = (width, height)
        return min(self.sizes, key=lambda size: (_skew(size, wanted), _stretch(size, wanted)))


@dataclass(frozen=True)
class FreeSizes:
    """Limits of a model that makes any size within them.

    Attributes:
        step: both edges are multiples of it, in pixels.
        ratio: how many times the short edge the long edge may be.
        least: pixels in all, at least.
        most: pixels in all, at most.
        edge: pixels of an edge, at most.
    """

    step: int
    ratio: int
    least: int
    most: int
    edge: int

    @property
    def words(self) -> str:
        """The limits, as the end of the sentence "Allowed: ..."."""
        return (
            f"width and height in multiples of {self.step}, an aspect ratio from 1:{self.ratio} to "
            f"{self.ratio}:1, {self.least:,} to {self.most:,} pixels in all, no edge over {self.edge}"
        )

    def allow(self, width: int, height: int) -> bool:
        """Whether a picture of this size can be asked for."""
        return (
            width % self.step == 0
            and height % self.step == 0
            and max(width, height) <= min(self.edge, self.ratio * min(width, height))
            and self.least <= width * height <= self.most
        )

    def nearest(self, width: int, height: int) -> tuple[int, int]:
        """The size to ask for instead of one that is refused.

        First choice is rounding up, because a larger picture can be cut down to the size wanted.
        Where that is not allowed, it is the size whose edges change least, relative to what they
        were; among equals the one that keeps the aspect ratio best.
        """
        wanted = (width, height)

        def change(size: tuple[int, int]) -> tuple[float, float]:
            return _stretch(size, wanted), _skew(size, wanted)

        rounded = [
            (across, down)
            for across in self._above(width)
            for down in self._above(height)
            if self.allow(across, down)
        ]
        return min(rounded or self._candidates(width, height), key=change)

    def _above(self, edge: int) -> tuple[int, int]:
        """The next two multiples of the step from `edge` up."""
        first = -(-edge // self.step) * self.step
        return first, first + self.step

    def _candidates(self, width: int, height: int) -> Iterator[tuple[int, int]]:
        """For each width that is possible the two heights that come closest to the aspect ratio."""
        for across in range(self.step, self.edge + 1, self.step):
            lowest = -(-max(self.least // across, -(-across // self.ratio)) // self.step)
            highest = min(self.most // across, self.ratio * across, self.edge) // self.step
            ideal = across * height // width // self.step
            for steps in (ideal, ideal + 1):
                down = max(lowest, min(highest, steps)) * self.step
                if self.allow(across, down):
                    yield across, down


@dataclass(frozen=True)
class Model:
    """What is known of one model. None stands for "not known", and then everything passes.

    Attributes:
        sizes: besides `auto`.
        qualities: besides `auto`, cheapest first.
        formats: values of `output_format`.
        input_fidelity: its values; none if it must be left out.
        max_n: pictures in one request.
        markup: whether an edit may be guided by a drawing; None where sources disagree.
        edits: False for models that make pictures but do not change any.
        shutdown: the day on which the maker of the model switches it off.
        successor: what the maker recommends instead, as the end of the sentence "use ...".
    """

    sizes: FixedSizes | FreeSizes | None = None
    qualities: tuple[str, ...] | None = None
    formats: tuple[str, ...] | None = None
    input_fidelity: tuple[str, ...] | None = None
    max_n: int | None = None
    markup: bool | None = None
    edits: bool | None = None
    shutdown: date | None = None
    successor: str = ""


# SDK (`size`); limits of pixels and edges: openai.com image guide as quoted in
# openclaw/openclaw PR 118476, which tried the floor of 655,360 on the live API (2026-10).
_FREE = FreeSizes(step=16, ratio=3, least=655_360, most=8_294_400, edge=3840)
# SDK; that others are refused and not rounded: pollinations/pollinations issue 5037.
_THREE = FixedSizes(((1024, 1024), (1536, 1024), (1024, 1536)))
_RASTER = ("png", "jpeg", "webp")

# SDK and model pages. `input_fidelity` is to be left out from gpt-image-2 on: always high.
# `xhigh` is refused in so many words (lobehub/lobehub PR 19342).
_GPT_2 = Model(
    sizes=_FREE,
    qualities=QUALITIES[:3],
    formats=_RASTER,
    input_fidelity=(),
    max_n=10,
    markup=False,
    edits=True,
)
# SDK: two more tiers. Of `markup` the SDK says that 2.5 takes it, others that 2.6 brought it.
_GPT_2_5 = replace(_GPT_2, qualities=QUALITIES, markup=None)
# gif and svg are in preview and need access (SDK), so they pass. Sizes and tiers as for 2.5
# (apidog.com and docs.laozhang.ai on gpt-image-2.6, 2026-11).
_GPT_2_6 = replace(_GPT_2_5, formats=(*_RASTER, "gif", "svg"))
# SDK and model pages; the shutdown: deprecations, 2026-11.
_GPT_1_5 = Model(
    sizes=_THREE,
    qualities=QUALITIES[:3],
    formats=_RASTER,
    input_fidelity=("low", "high"),
    max_n=10,
    markup=False,
    edits=True,
    shutdown=date(2026, 12, 1),
    successor="gpt-image-2.6-flare or gpt-image-2.6-sunburst",
)
# SDK, `model`.
_GPT_1 = Model(
    shutdown=date(2026, 10, 23), successor="gpt-image-2.5-flare or gpt-image-2.5-sunburst"
)
_DALL_E = Model(shutdown=date(2026, 5, 12), successor="a GPT image model, such as gpt-image-2")
# ai.google.dev changelog (the day); firebase.google.com/docs/ai-logic/imagen-models-migration
# (the successors), 2026-11.
_IMAGEN_4 = Model(edits=False, shutdown=date(2026, 8, 17), successor="gemini-3.1-flash-image")

MODELS: Mapping[str, Model] = {
    "gpt-image-2.6-flare": _GPT_2_6,
    "gpt-image-2.6-sunburst": _GPT_2_6,
    "gpt-image-2.5-flare": _GPT_2_5,
    "gpt-image-2.5-sunburst": _GPT_2_5,
    "gpt-image-2": _GPT_2,
    "gpt-image-1.5": _GPT_1_5,
    "gpt-image-1-mini": replace(_GPT_1_5, input_fidelity=("low",)),  # SDK
    "chatgpt-image-latest": replace(_GPT_1_5, input_fidelity=None),
    "gpt-image-1": _GPT_1,
    "dall-e-2": _DALL_E,
    "dall-e-3": replace(_DALL_E, edits=False),
    "imagen-4.0-generate-001": _IMAGEN_4,
    "imagen-4.0-fast-generate-001": _IMAGEN_4,
    "imagen-4.0-ultra-generate-001": replace(_IMAGEN_4, successor="gemini-3-pro-image"),
}


@dataclass(frozen=True)
class Objection:
    """One thing about a request that its model is known to refuse.

    Attributes:
        option: which option is at fault.
        message: option, value, model, what is allowed and the nearest that works.
        cure: the option values that would make it acceptable; None stands for leaving the option out.
    """

    option: str
    message: str
    cure: Mapping[str, Any] = field(default_factory=dict)


def family(model: str) -> str:
    """The model without the date of a snapshot: a snapshot takes what its model takes."""
    return _SNAPSHOT_DATE.sub("", model)


def check(model: str, options: Mapping[str, Any], *, edit: bool) -> list[tuple[str, str]]:
    """Everything about a request that its model is known to refuse.

    Args:
        model: the model's name, dated or not.
        options: the options that were set, by their API names, in normal form.
        edit: whether pictures are edited.

    Returns:
        (option, message) for each; empty for an unknown model. An option may be in it twice.
    """
    return [(found.option, found.message) for found in objections(model, options, edit=edit)]


def objections(model: str, options: Mapping[str, Any], *, edit: bool) -> list[Objection]:
    """As `check`, with the cure of each as values."""
    rules = MODELS.get(family(model))
    if rules is None:
        return []
    request = _Request(model, rules, options, edit)
    return [found for look in _CHECKS for found in look(request)]


def nearest_size(width: int, height: int, model: str) -> str:
    """The size to ask a model for, as `WIDTHxHEIGHT`.

    Args:
        width: wanted, in pixels, at least 1.
        height: wanted, in pixels, at least 1.
        model: the model's name, dated or not.

    Returns:
        The wanted size if the model takes it or is not known, else the nearest that it takes.
    """
    rules = MODELS.get(family(model))
    sizes = rules.sizes if rules else None
    if sizes and not sizes.allow(width, height):
        width, height = sizes.nearest(width, height)
    return f"{width}x{height}"


def lifetime(model: str, today: date) -> str | None:
    """A warning for a model that is gone or soon will be.

    The dates are those of the models' makers. Others that offer a model may keep it longer.

    Args:
        model: the model's name, dated or not.
        today: the day to judge from.

    Returns:
        One line with the day and the successor; None if there is nothing to warn of.
    """
    rules = MODELS.get(family(model))
    if rules is None or rules.shutdown is None:
        return None
    days = (rules.shutdown - today).days
    if days > WARN_DAYS:
        return None
    verb = "was shut down" if days < 0 else "shuts down"
    return f"{model} {verb} on {rules.shutdown.isoformat()}: use {rules.successor}."


@dataclass(frozen=True)
class _Request:
    model: str
    rules: Model
    options: Mapping[str, Any]
    edit: bool

    @property
    def format(self) -> str:
        """The format that counts for the other options: one that is refused gives way to png."""
        form = self.options.get("output_format")
        return form if isinstance(form, str) and form in (self.rules.formats or ()) else "png"

    def refuse(self, option: str, allowed: str, cure: Mapping[str, Any]) -> Objection:
        """The objection to the value that an option has."""
        written = _written(option, self.options.get(option))
        return Objection(
            option,
            f"{written} is refused by the model '{self.model}'. Allowed: {allowed}. "
            f"{_advice(option, cure)}",
            cure,
        )


def _size(request: _Request) -> Iterator[Objection]:
    sizes, value = request.rules.sizes, request.options.get("size")
    edges = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if sizes is None or edges is None:
        return
    width, height = int(edges[1]), int(edges[2])
    if not sizes.allow(width, height):
        cure = {"size": nearest_size(width, height, request.model)}
        yield request.refuse("size", f"{sizes.words}, or auto", cure)


def _quality(request: _Request) -> Iterator[Objection]:
    tiers, value = request.rules.qualities, request.options.get("quality")
    if tiers is None or not isinstance(value, str) or value in (*tiers, "auto"):
        return
    word = _OLD_QUALITIES.get(value, value)
    # The nearest tier below: one above could cost more than the author meant to spend.
    lower = [tier for tier in tiers if word in QUALITIES[QUALITIES.index(tier) :]]
    cure = {"quality": lower[-1] if lower else "auto"}
    yield request.refuse("quality", f"{', '.join(tiers)}, auto", cure)


def _output_format(request: _Request) -> Iterator[Objection]:
    formats, value = request.rules.formats, request.options.get("output_format")
    if formats is not None and isinstance(value, str) and value not in formats:
        yield request.refuse("output_format", ", ".join(formats), {"output_format": "png"})


def _background(request: _Request) -> Iterator[Objection]:
    if request.rules.formats is None or request.options.get("background") != "transparent":
        return
    if request.format not in CAN_BE_TRANSPARENT:
        allowed = f"'background: transparent' with {' or '.join(CAN_BE_TRANSPARENT)} pictures"
        # webp is what comes closest to jpeg.
        other = "webp" if request.format == "jpeg" else "png"
        yield request.refuse("background", allowed, {"output_format": other})


def _compression(request: _Request) -> Iterator[Objection]:
    if request.rules.formats is None or "output_compression" not in request.options:
        return
    if request.format not in COMPRESSIBLE:
        allowed = f"'output_compression' with {' or '.join(COMPRESSIBLE)} pictures"
        yield request.refuse("output_compression", allowed, {"output_compression": None})


def _count(request: _Request) -> Iterator[Objection]:
    most, count = request.rules.max_n, request.options.get("n")
    if most is None or not isinstance(count, int):
        return
    if request.format == "svg" and count != 1:  # SDK, `svg`
        yield request.refuse("n", "1 with 'output_format: svg'", {"n": 1})
    elif not 1 <= count <= most:
        yield request.refuse("n", f"1 to {most}", {"n": max(1, min(count, most))})


def _only_for(form: str, *names: str) -> Callable[[_Request], Iterator[Objection]]:
    """Options that need one format, and have to go with another one."""

    def look(request: _Request) -> Iterator[Objection]:
        formats = request.rules.formats
        for name in names:
            if formats is None or name not in request.options or request.format == form:
                continue
            makers = [model for model, rules in MODELS.items() if form in (rules.formats or ())]
            allowed = f"'{name}' with 'output_format: {form}'"
            if form not in formats:
                allowed += f", which {' and '.join(makers)} make"
            yield request.refuse(name, allowed, {name: None})

    return look


def _frames(request: _Request) -> Iterator[Objection]:
    count = request.options.get("frame_count")
    if request.format == "gif" and isinstance(count, int) and count not in FRAMES:
        least, most = FRAMES[0], FRAMES[-1]
        cure = {"frame_count": max(least, min(count, most))}
        yield request.refuse("frame_count", f"{least} to {most}", cure)


def _complexity(request: _Request) -> Iterator[Objection]:
    value = request.options.get("complexity")
    if request.rules.formats is None or not isinstance(value, str) or value in COMPLEXITIES:
        return
    cure = {"complexity": "high" if value in QUALITIES else None}
    yield request.refuse("complexity", ", ".join(COMPLEXITIES), cure)


def _edits(request: _Request) -> Iterator[Objection]:
    if request.edit and request.rules.edits is False:
        allowed = "a prompt without 'image', because this model edits no pictures"
        yield request.refuse("image", allowed, {"image": None})
    if request.edit or request.rules.edits is None:
        return
    for name in ("mask", "markup", "input_fidelity"):
        if name in request.options:
            yield request.refuse(name, f"'{name}' with an 'image' to edit", {name: None})


def _input_fidelity(request: _Request) -> Iterator[Objection]:
    values, value = request.rules.input_fidelity, request.options.get("input_fidelity")
    if not request.edit or values is None or value is None or value in values:
        return
    if not values:
        allowed = "no 'input_fidelity', because it is always high"
        yield request.refuse("input_fidelity", allowed, {"input_fidelity": None})
    else:
        yield request.refuse("input_fidelity", ", ".join(values), {"input_fidelity": values[0]})


def _overlays(request: _Request) -> Iterator[Objection]:
    if not request.edit:
        return
    if "markup" in request.options and request.rules.markup is False:
        allowed = "'markup' with gpt-image-2.5 and newer models"
        yield request.refuse("markup", allowed, {"markup": None})
    elif "markup" in request.options and "mask" in request.options and request.rules.formats:
        yield request.refuse("markup", "'markup' or 'mask', not both", {"markup": None})  # SDK
    if "mask" in request.options and request.format == "gif":  # SDK, `frame_count`
        allowed = "'mask' with any 'output_format' but gif"
        yield request.refuse("mask", allowed, {"mask": None})


_CHECKS: Iterable[Callable[[_Request], Iterator[Objection]]] = (
    _size,
    _quality,
    _output_format,
    _background,
    _compression,
    _count,
    _only_for("gif", "frame_count", "frame_duration_ms"),
    _frames,
    _only_for("svg", "svg"),
    _complexity,
    _edits,
    _input_fidelity,
    _overlays,
)


def _written(option: str, value: Any) -> str:
    """An option as it stands in a block. Files and mappings are not repeated."""
    if isinstance(value, (str, int, float)):
        try:
            text = " ".join(str(value).split())
        except ValueError:  # Python writes no number of over 4,300 digits
            text = str(inf)
        return f"'{option}: {text if len(text) <= 60 else text[:57] + '...'}'"
    return f"'{option}'"


def _advice(option: str, cure: Mapping[str, Any]) -> str:
    """A cure in words."""
    words = []
    for name, value in cure.items():
        if value is None:
            words.append(f"Remove '{name}'.")
        else:
            words.append(f"Use {value}." if name == option else f"Use '{name}: {value}'.")
    return " ".join(words)


def _skew(size: tuple[int, int], wanted: tuple[int, int]) -> float:
    """How far the aspect ratios of two sizes are apart: 1 where they are the same."""
    ratio = size[0] * wanted[1] / (size[1] * wanted[0])
    return max(ratio, 1 / ratio)


def _stretch(size: tuple[int, int], wanted: tuple[int, int]) -> float:
    """How much the edge that changes more has to change: 1 where the sizes are the same."""
    across, down = size[0] / wanted[0], size[1] / wanted[1]
    return max(across, 1 / across, down, 1 / down)
