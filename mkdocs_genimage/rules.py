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
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

from mkdocs_genimage.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WARN_DAYS = 60  # before its shutdown a model is warned about

QUALITIES = ("low", "medium", "high", "xhigh", "max")
"""Tiers of the GPT image models, cheapest first (SDK). Every model also takes `auto`."""

OLD_QUALITIES = {"standard": "medium", "hd": "high"}  # SDK: of DALL-E; and what is closest
COMPLEXITIES = ("low", "medium", "high")  # SDK; which models take it is not documented
COMPRESSIBLE = ("jpeg", "webp")  # SDK: `output_compression` is for these only
CAN_BE_TRANSPARENT = ("png", "webp")  # SDK; on gpt-image-2 it is in preview and so passes
FRAMES = range(2, 17)  # SDK: `frame_count`
NEEDED_FORMAT = {"frame_count": "gif", "frame_duration_ms": "gif", "svg": "svg"}  # SDK

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
            width % self.step == height % self.step == 0
            and max(width, height) <= min(self.edge, self.ratio * min(width, height))
            and self.least <= width * height <= self.most
        )

    def nearest(self, width: int, height: int) -> tuple[int, int]:
        """The size to ask for instead of one that is refused.

        First choice is rounding up, because a larger picture can be cut down to the size wanted.
        Where that is not allowed, it is the size whose edges change least, relative to what they
        were; among equals the one that keeps the aspect ratio best.
        """
        wanted, up = (width, height), (0, self.step)
        across, down = (-(-edge // self.step) * self.step for edge in wanted)
        rounded = [
            (across + i, down + j) for i in up for j in up if self.allow(across + i, down + j)
        ]
        return min(
            rounded or self._candidates(width, height),
            key=lambda size: (_stretch(size, wanted), _skew(size, wanted)),
        )

    def _candidates(self, width: int, height: int) -> Iterator[tuple[int, int]]:
        """For each possible width the two possible heights that come closest to the aspect ratio."""
        for across in range(self.step, self.edge + 1, self.step):
            lowest = -(-max(-(-self.least // across), -(-across // self.ratio)) // self.step)
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
        markup: whether a drawing may guide an edit; None where sources disagree.
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


# Multiples and ratio: SDK, `size`. Pixels and edge: OpenAI's image guide; the floor of 655,360
# was tried on the live API (openclaw/openclaw PR 118476, 2026).
_FREE = FreeSizes(step=16, ratio=3, least=655_360, most=8_294_400, edge=3840)
# SDK, `size`. That others are refused and not rounded: pollinations/pollinations issue 5037.
_THREE = FixedSizes(((1024, 1024), (1536, 1024), (1024, 1536)))
_RASTER = ("png", "jpeg", "webp")

# SDK and model pages. From gpt-image-2 on `input_fidelity` is to be left out: it is always
# high. `xhigh` is refused in so many words (lobehub/lobehub PR 19342).
_GPT_2 = Model(_FREE, QUALITIES[:3], _RASTER, input_fidelity=(), max_n=10, markup=False, edits=True)
# SDK: two more tiers. It says that 2.5 takes `markup`; others say that 2.6 brought it.
_GPT_2_5 = replace(_GPT_2, qualities=QUALITIES, markup=None)
# gif and svg need an access of their own (SDK), which some have. Sizes and tiers are those of
# 2.5 (apidog.com and docs.laozhang.ai on gpt-image-2.6, 2026-11).
_GPT_2_6 = replace(_GPT_2_5, formats=(*_RASTER, "gif", "svg"))
# SDK and model pages; the day: deprecations.
_GPT_1_5 = replace(
    _GPT_2,
    sizes=_THREE,
    input_fidelity=("low", "high"),
    shutdown=date(2026, 12, 1),
    successor="gpt-image-2.6-flare or -sunburst",
)
# SDK, `model`; what these took no longer matters.
_GPT_1 = Model(shutdown=date(2026, 10, 23), successor="gpt-image-2.5-flare or -sunburst")
_DALL_E = Model(shutdown=date(2026, 5, 12), successor="a GPT image model, such as gpt-image-2")
# The day: ai.google.dev, changelog. The successors:
# firebase.google.com/docs/ai-logic/imagen-models-migration.
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
    "dall-e-3": replace(_DALL_E, edits=False),  # the image guide of 2025: dall-e-2 only
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
        cure: the one option to change and its new value; None stands for leaving it out.
    """

    option: str
    message: str
    cure: tuple[str, Any]


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
        (option, message) of each; empty for an unknown model. An option may be in it twice.
    """
    return [(found.option, found.message) for found in objections(model, options, edit=edit)]


def objections(model: str, options: Mapping[str, Any], *, edit: bool) -> list[Objection]:
    """As `check`, with the cure of each as a value."""
    rules = MODELS.get(family(model))
    if rules is None:
        return []
    looks = (_size, _quality, _format, _count, _preview, _edit if edit else _generation)
    return [
        Objection(
            option,
            f"{_written(option, options.get(option))} is refused by the model '{model}'. "
            f"Allowed: {allowed}. {_advice(option, *cure)}",
            cure,
        )
        for option, allowed, cure in chain.from_iterable(look(rules, options) for look in looks)
    ]


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
    if rules and rules.sizes and not rules.sizes.allow(width, height):
        width, height = rules.sizes.nearest(width, height)
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
    day = rules.shutdown if rules else None
    if rules is None or day is None or (day - today).days > WARN_DAYS:
        return None
    verb = "was shut down" if day < today else "shuts down"
    return f"{model} {verb} on {day.isoformat()}: use {rules.successor}."


_Options: TypeAlias = "Mapping[str, Any]"
# Of each finding the option, the end of the sentence "Allowed: ...", and the cure.
_Findings: TypeAlias = "Iterator[tuple[str, str, tuple[str, Any]]]"


def _size(rules: Model, options: _Options) -> _Findings:
    value = options.get("size")
    edges = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if rules.sizes and edges and not rules.sizes.allow(int(edges[1]), int(edges[2])):
        width, height = rules.sizes.nearest(int(edges[1]), int(edges[2]))
        yield "size", f"{rules.sizes.words}, or auto", ("size", f"{width}x{height}")


def _quality(rules: Model, options: _Options) -> _Findings:
    tiers, value = rules.qualities, options.get("quality")
    if tiers and isinstance(value, str) and value not in (*tiers, "auto"):
        wanted = OLD_QUALITIES.get(value, value)
        # The nearest tier below: one above could cost more than the author means to spend.
        lower = [tier for tier in tiers if wanted in QUALITIES[QUALITIES.index(tier) :]]
        yield "quality", f"{', '.join(tiers)}, auto", ("quality", lower[-1] if lower else "auto")


def _format(rules: Model, options: _Options) -> _Findings:
    if rules.formats is None:
        return
    value, form = options.get("output_format"), _form(rules, options)
    if isinstance(value, str) and value not in rules.formats:
        yield "output_format", ", ".join(rules.formats), ("output_format", form)
    if options.get("background") == "transparent" and form not in CAN_BE_TRANSPARENT:
        allowed = f"'background: transparent' with {' or '.join(CAN_BE_TRANSPARENT)} pictures"
        # webp is what comes closest to jpeg.
        yield "background", allowed, ("output_format", "webp" if form == "jpeg" else "png")
    if "output_compression" in options and form not in COMPRESSIBLE:
        allowed = f"'output_compression' with {' or '.join(COMPRESSIBLE)} pictures"
        yield "output_compression", allowed, ("output_compression", None)
    for name, needed in NEEDED_FORMAT.items():
        if name in options and form != needed:
            makers = [model for model in MODELS if needed in (MODELS[model].formats or ())]
            allowed = f"'{name}' with 'output_format: {needed}', made by {' and '.join(makers)}"
            yield name, allowed, (name, None)


def _count(rules: Model, options: _Options) -> _Findings:
    count = options.get("n")
    if rules.max_n is None or not isinstance(count, int):
        return
    if _form(rules, options) == "svg" and count != 1:  # SDK, `svg`
        yield "n", "1 with 'output_format: svg'", ("n", 1)
    elif not 1 <= count <= rules.max_n:
        yield "n", f"1 to {rules.max_n}", ("n", max(1, min(count, rules.max_n)))


def _preview(rules: Model, options: _Options) -> _Findings:
    frames, complexity = options.get("frame_count"), options.get("complexity")
    if _form(rules, options) == "gif" and isinstance(frames, int) and frames not in FRAMES:
        nearest = FRAMES[0] if frames < FRAMES[0] else FRAMES[-1]
        yield "frame_count", f"{FRAMES[0]} to {FRAMES[-1]}", ("frame_count", nearest)
    if rules.formats and isinstance(complexity, str) and complexity not in COMPLEXITIES:
        cure = COMPLEXITIES[-1] if complexity in QUALITIES else None
        yield "complexity", ", ".join(COMPLEXITIES), ("complexity", cure)


def _generation(rules: Model, options: _Options) -> _Findings:
    for name in ("mask", "markup", "input_fidelity"):
        if name in options and rules.edits is not None:
            yield name, f"'{name}' with an 'image' to edit", (name, None)


def _edit(rules: Model, options: _Options) -> _Findings:
    if rules.edits is False:
        yield "image", "no 'image', because the model edits no pictures", ("image", None)
    known, fidelity = rules.input_fidelity, options.get("input_fidelity")
    if known is not None and fidelity is not None and fidelity not in known:
        allowed = ", ".join(known) or "no 'input_fidelity', because it is always high"
        yield "input_fidelity", allowed, ("input_fidelity", known[0] if known else None)
    if "markup" in options and rules.markup is False:
        yield "markup", "'markup' with gpt-image-2.5 and newer models", ("markup", None)
    elif {"markup", "mask"} <= set(options) and rules.formats:  # SDK, `markup`
        yield "markup", "either 'markup' or 'mask'", ("markup", None)
    if "mask" in options and _form(rules, options) == "gif":  # SDK, `frame_count`
        yield "mask", "'mask' with every 'output_format' but gif", ("mask", None)


def _form(rules: Model, options: _Options) -> str:
    """The format that counts for other options: png where none is set, or one that is refused."""
    form = options.get("output_format")
    return form if isinstance(form, str) and form in (rules.formats or ()) else "png"


def _written(option: str, value: Any) -> str:
    """An option as it stands in a block. Files, mappings and endless numbers are not repeated."""
    if (value and isinstance(value, str)) or (type(value) is int and abs(value) < 10**9):
        return f"'{option}: {shown(value)[1:-1]}'"
    return f"'{option}'"


def _advice(option: str, name: str, value: Any) -> str:
    """A cure in words."""
    if value is None:
        return f"Remove '{name}'."
    return f"Use {value}." if name == option else f"Use '{name}: {value}'."


def _skew(size: tuple[int, int], wanted: tuple[int, int]) -> float:
    """How far the aspect ratios of two sizes are apart: 1 where they are the same."""
    ratio = size[0] * wanted[1] / (size[1] * wanted[0])
    return max(ratio, 1 / ratio)


def _stretch(size: tuple[int, int], wanted: tuple[int, int]) -> float:
    """How much the edge that changes more has to change: 1 where the sizes are the same."""
    across, down = size[0] / wanted[0], size[1] / wanted[1]
    return max(across, 1 / across, down, 1 / down)
