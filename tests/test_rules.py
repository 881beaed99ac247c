from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkdocs_genimage.rules import (
    MODELS,
    WARN_DAYS,
    Objection,
    check,
    family,
    lifetime,
    nearest_size,
    objections,
)

FREE = (
    "gpt-image-2",
    "gpt-image-2.5-flare",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.6-flare",
    "gpt-image-2.6-sunburst",
)
FIXED = ("gpt-image-1.5", "gpt-image-1-mini", "chatgpt-image-latest")
GIF = FREE[3:]
LIVE = FREE + FIXED
THREE = {"1024x1024", "1536x1024", "1024x1536"}


def complaints(model: str, options: dict[str, Any], *, edit: bool = False) -> list[str]:
    return [option for option, _ in check(model, options, edit=edit)]


def allowed_free(width: int, height: int) -> bool:
    """OpenAI's published limits, written down once more."""
    return (
        not width % 16
        and not height % 16
        and 655_360 <= width * height <= 8_294_400
        and max(width, height) <= 3840
        and width <= 3 * height
        and height <= 3 * width
    )


def cured(options: dict[str, Any], found: Objection) -> dict[str, Any]:
    name, value = found.cure
    rest = {key: item for key, item in options.items() if key != name}
    return rest if value is None else {**rest, name: value}


# --- Sizes --------------------------------------------------------------------------------------

FREE_SIZES = [
    ("1024x1024", True),
    ("1536x864", True),
    ("1280x720", True),
    ("1024x640", True),  # 655,360 pixels: the floor
    ("1008x640", False),
    ("1088x608", True),
    ("1216x640", True),
    ("3840x2160", True),  # 8,294,400 pixels: the ceiling
    ("2880x2880", True),
    ("3840x2176", False),
    ("3856x1600", False),
    ("2400x800", True),  # 3:1
    ("2416x800", False),
    ("800x2400", True),
    ("800x2416", False),
    ("1920x1080", False),  # 1080 is no multiple of 16
    ("1200x630", False),
    ("512x512", False),
    ("auto", True),
]


@pytest.mark.parametrize("model", FREE)
@pytest.mark.parametrize(("size", "fine"), FREE_SIZES)
def test_free_size(model: str, size: str, fine: bool) -> None:
    assert complaints(model, {"size": size}) == ([] if fine else ["size"])


@pytest.mark.parametrize("model", FIXED)
@pytest.mark.parametrize("size", ["1024x1024", "1536x1024", "1024x1536", "auto"])
def test_fixed_size(model: str, size: str) -> None:
    assert complaints(model, {"size": size}) == []


@pytest.mark.parametrize("model", FIXED)
@pytest.mark.parametrize("size", ["1254x836", "1536x864", "512x512", "1920x1080"])
def test_size_that_is_not_one_of_three(model: str, size: str) -> None:
    assert complaints(model, {"size": size}) == ["size"]


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        ((1920, 1080), "1920x1088"),
        ((1080, 1920), "1088x1920"),
        ((1200, 630), "1216x640"),
        ((1300, 1300), "1312x1312"),  # up, although 1296 is nearer
        ((1280, 720), "1280x720"),
        ((640, 360), "1088x608"),
        ((100, 100), "816x816"),
        ((7680, 4320), "3840x2160"),
        ((3841, 2160), "3840x2160"),
        ((5000, 1000), "3840x1280"),
        ((1, 16384), "480x1440"),
    ],
)
def test_nearest_free_size(wanted: tuple[int, int], nearest: str) -> None:
    assert nearest_size(*wanted, "gpt-image-2") == nearest


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        ((1920, 1080), "1536x1024"),
        ((1080, 1920), "1024x1536"),
        ((512, 512), "1024x1024"),
        ((1000, 900), "1024x1024"),
        ((200, 260), "1024x1536"),  # the aspect ratio counts more than the size
        ((1536, 1024), "1536x1024"),
    ],
)
@pytest.mark.parametrize("model", FIXED)
def test_nearest_fixed_size(model: str, wanted: tuple[int, int], nearest: str) -> None:
    assert nearest_size(*wanted, model) == nearest


def test_nearest_size_of_an_unknown_model_is_the_one_wanted() -> None:
    assert nearest_size(1, 2, "flux-2") == nearest_size(1, 2, "dall-e-3") == "1x2"


EDGES = st.integers(1, 16_384)


@settings(deadline=None)
@given(EDGES, EDGES)
def test_nearest_free_size_is_allowed_and_keeps_the_orientation(width: int, height: int) -> None:
    across, down = map(int, nearest_size(width, height, "gpt-image-2.5-flare").split("x"))
    assert allowed_free(across, down)
    assert (across >= down) == (width >= height) or across == down
    if allowed_free(width, height):
        assert (across, down) == (width, height)
    assert complaints("gpt-image-2.5-flare", {"size": f"{across}x{down}"}) == []


@settings(deadline=None)
@given(EDGES, EDGES)
def test_free_size_is_refused_exactly_where_the_limits_say_so(width: int, height: int) -> None:
    refused = complaints("gpt-image-2", {"size": f"{width}x{height}"})
    assert refused == ([] if allowed_free(width, height) else ["size"])


@pytest.mark.parametrize(
    "wanted", [(640, 360), (333, 777), (9000, 700), (4000, 4000), (3840, 2170)]
)
def test_no_allowed_size_changes_the_edges_less(wanted: tuple[int, int]) -> None:
    def change(size: tuple[int, int]) -> float:
        ratios = [size[0] / wanted[0], size[1] / wanted[1]]
        return max(*ratios, *(1 / ratio for ratio in ratios))

    grid = range(16, 3841, 16)
    best = min(change((w, h)) for w in grid for h in grid if allowed_free(w, h))
    width, height = map(int, nearest_size(*wanted, "gpt-image-2").split("x"))
    assert change((width, height)) == best


# --- The other options, one fact each -----------------------------------------------------------

ALL_FIVE = ("low", "medium", "high", "xhigh", "max")
QUALITIES = {
    "gpt-image-2.6-flare": ALL_FIVE,
    "gpt-image-2.6-sunburst": ALL_FIVE,
    "gpt-image-2.5-flare": ALL_FIVE,
    "gpt-image-2.5-sunburst": ALL_FIVE,
    "gpt-image-2": ALL_FIVE[:3],
    "gpt-image-1.5": ALL_FIVE[:3],
    "gpt-image-1-mini": ALL_FIVE[:3],
    "chatgpt-image-latest": ALL_FIVE[:3],
}


@pytest.mark.parametrize("model", LIVE)
@pytest.mark.parametrize("quality", [*ALL_FIVE, "auto", "standard", "hd"])
def test_quality(model: str, quality: str) -> None:
    fine = quality in (*QUALITIES[model], "auto")
    assert complaints(model, {"quality": quality}) == ([] if fine else ["quality"])


@pytest.mark.parametrize(
    ("model", "quality", "instead"),
    [
        ("gpt-image-2", "xhigh", "high"),
        ("gpt-image-2", "max", "high"),
        ("gpt-image-2", "standard", "medium"),
        ("gpt-image-2.6-flare", "hd", "high"),
        ("gpt-image-1.5", "ultra", "auto"),
    ],
)
def test_nearest_quality(model: str, quality: str, instead: str) -> None:
    (found,) = objections(model, {"quality": quality}, edit=False)
    assert found.cure == ("quality", instead)


@pytest.mark.parametrize("model", LIVE)
@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "gif", "svg"])
def test_format(model: str, form: str) -> None:
    fine = form in ("png", "jpeg", "webp") or model in GIF
    assert complaints(model, {"output_format": form}) == ([] if fine else ["output_format"])


@pytest.mark.parametrize("model", LIVE)  # on gpt-image-2 in preview: it passes
@pytest.mark.parametrize("edit", [True, False])
@pytest.mark.parametrize("form", [None, "png", "webp"])
def test_transparent(model: str, edit: bool, form: str | None) -> None:
    options = {"background": "transparent"} | ({"output_format": form} if form else {})
    assert complaints(model, options, edit=edit) == []


@pytest.mark.parametrize(
    ("model", "form", "instead"),
    [
        ("gpt-image-2", "jpeg", "webp"),
        ("gpt-image-1.5", "jpeg", "webp"),
        ("gpt-image-2.6-flare", "gif", "png"),
        ("gpt-image-2.6-flare", "svg", "png"),
    ],
)
def test_format_that_is_never_transparent(model: str, form: str, instead: str) -> None:
    options = {"background": "transparent", "output_format": form}
    (found,) = objections(model, options, edit=False)
    assert (found.option, found.cure) == ("background", ("output_format", instead))
    assert complaints(model, {**options, "background": "opaque"}) == []


@pytest.mark.parametrize("model", LIVE)
def test_compression(model: str) -> None:
    for form in ("jpeg", "webp"):
        assert complaints(model, {"output_format": form, "output_compression": 80}) == []
    assert complaints(model, {"output_compression": 80}) == ["output_compression"]
    assert complaints(model, {"output_format": "png", "output_compression": 0}) == [
        "output_compression"
    ]


@pytest.mark.parametrize("form", ["gif", "svg"])
def test_no_compression_of_gif_and_svg(form: str) -> None:
    options = {"output_format": form, "output_compression": 80}
    assert complaints("gpt-image-2.6-flare", options) == ["output_compression"]


@pytest.mark.parametrize("model", LIVE)
@pytest.mark.parametrize(("n", "instead"), [(0, 1), (1, None), (10, None), (11, 10)])
def test_count(model: str, n: int, instead: int | None) -> None:
    found = objections(model, {"n": n}, edit=False)
    assert [one.cure for one in found] == ([("n", instead)] if instead else [])


def test_one_svg_at_a_time() -> None:
    assert complaints("gpt-image-2.6-sunburst", {"output_format": "svg", "n": 1}) == []
    (found,) = objections("gpt-image-2.6-sunburst", {"output_format": "svg", "n": 2}, edit=False)
    assert found.cure == ("n", 1)


@pytest.mark.parametrize(
    ("model", "value", "instead"),
    [
        ("gpt-image-1.5", "low", "fine"),
        ("gpt-image-1.5", "high", "fine"),
        ("gpt-image-1-mini", "low", "fine"),
        ("gpt-image-1-mini", "high", "low"),
        ("chatgpt-image-latest", "high", "fine"),  # not documented
        *[(model, value, None) for model in FREE for value in ("low", "high")],
    ],
)
def test_input_fidelity(model: str, value: str, instead: str | None) -> None:
    found = objections(model, {"input_fidelity": value}, edit=True)
    expected = [] if instead == "fine" else [("input_fidelity", instead)]
    assert [one.cure for one in found] == expected


@pytest.mark.parametrize("name", ["mask", "markup", "input_fidelity"])
@pytest.mark.parametrize("model", LIVE)
def test_what_only_edits_take(model: str, name: str) -> None:
    (found,) = objections(model, {name: "low"}, edit=False)
    assert found.cure == (name, None)


@pytest.mark.parametrize("model", LIVE)
def test_mask_of_an_edit(model: str) -> None:
    assert complaints(model, {"mask": "mask.png"}, edit=True) == []


def test_no_mask_for_a_gif() -> None:
    options = {"output_format": "gif", "mask": "mask.png"}
    assert complaints("gpt-image-2.6-flare", options, edit=True) == ["mask"]


@pytest.mark.parametrize("model", LIVE)
def test_markup(model: str) -> None:
    refused = [] if re.search(r"2\.[56]", model) else ["markup"]
    assert complaints(model, {"markup": "drawing.png"}, edit=True) == refused
    assert complaints(model, {"markup": "a.png", "mask": "b.png"}, edit=True) == ["markup"]


@pytest.mark.parametrize("model", LIVE)
@pytest.mark.parametrize("edit", [True, False])
def test_complexity(model: str, edit: bool) -> None:
    for value in ("low", "medium", "high"):
        assert complaints(model, {"complexity": value}, edit=edit) == []
    (high,) = objections(model, {"complexity": "max"}, edit=edit)
    (gone,) = objections(model, {"complexity": "auto"}, edit=edit)
    assert (high.cure, gone.cure) == (("complexity", "high"), ("complexity", None))


@pytest.mark.parametrize(("count", "instead"), [(1, 2), (2, None), (16, None), (17, 16)])
def test_frames(count: int, instead: int | None) -> None:
    options = {"output_format": "gif", "frame_count": count, "frame_duration_ms": 655_350}
    found = objections("gpt-image-2.6-flare", options, edit=False)
    assert [one.cure for one in found] == ([("frame_count", instead)] if instead else [])


@pytest.mark.parametrize("model", LIVE)
@pytest.mark.parametrize(
    ("name", "value", "form"),
    [("frame_count", 9, "gif"), ("frame_duration_ms", 200, "gif"), ("svg", {"model": "x"}, "svg")],
)
def test_option_of_one_format(model: str, name: str, value: Any, form: str) -> None:
    (found,) = objections(model, {name: value, "output_format": "png"}, edit=False)
    assert found.cure == (name, None)
    assert complaints(model, {name: value}) == [name]
    with_format = complaints(model, {name: value, "output_format": form})
    assert with_format == ([] if model in GIF else ["output_format", name])


@pytest.mark.parametrize("model", ["dall-e-3", "imagen-4.0-generate-001"])
def test_model_that_edits_nothing(model: str) -> None:
    assert complaints(model, {}, edit=True) == ["image"]
    assert complaints(model, {"size": "1792x1024", "quality": "hd"}) == []


@pytest.mark.parametrize("model", LIVE)
@pytest.mark.parametrize("edit", [True, False])
def test_what_is_never_refused(model: str, edit: bool) -> None:
    options = {
        "moderation": "low",
        "background": "opaque",
        "revision": 3,
        "seed": 1,
        "size": "auto",
    }
    assert complaints(model, options, edit=edit) == []


# --- Models -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("snapshot", "model"),
    [
        ("gpt-image-2-2026-04-21", "gpt-image-2"),
        ("gpt-image-2.5-flare-2026-09-08", "gpt-image-2.5-flare"),
        ("gpt-image-1.5-2025-12-16", "gpt-image-1.5"),
        ("gpt-image-2", "gpt-image-2"),
    ],
)
def test_snapshot_takes_what_its_model_takes(snapshot: str, model: str) -> None:
    assert family(snapshot) == model
    for options in ({"quality": "xhigh"}, {"size": "1536x864"}):
        assert complaints(snapshot, options) == complaints(model, options)
    assert f"'{snapshot}'" in check(snapshot, {"quality": "hd"}, edit=False)[0][1]


@pytest.mark.parametrize(
    "model", ["", "gpt-image-3", "gpt-image-2-mini", "GPT-IMAGE-2", "FLUX.1", "gemini-3-pro-image"]
)
def test_unknown_model_takes_everything(model: str) -> None:
    options = {"size": "7x9", "quality": "hd", "n": 99, "input_fidelity": "high", "markup": "a"}
    for edit in (True, False):
        assert check(model, options, edit=edit) == []
    assert lifetime(model, date(2030, 1, 1)) is None


SHUTDOWNS = [
    ("gpt-image-1.5", date(2026, 12, 1), "gpt-image-2.6-flare"),
    ("gpt-image-1.5-2025-12-16", date(2026, 12, 1), "gpt-image-2.6-flare"),
    ("gpt-image-1-mini", date(2026, 12, 1), "gpt-image-2.6-flare"),
    ("chatgpt-image-latest", date(2026, 12, 1), "gpt-image-2.6-flare"),
    ("gpt-image-1", date(2026, 10, 23), "gpt-image-2.5-flare"),
    ("dall-e-2", date(2026, 5, 12), "a GPT image model"),
    ("dall-e-3", date(2026, 5, 12), "a GPT image model"),
    ("imagen-4.0-generate-001", date(2026, 8, 17), "gemini-3.1-flash-image"),
    ("imagen-4.0-fast-generate-001", date(2026, 8, 17), "gemini-3.1-flash-image"),
    ("imagen-4.0-ultra-generate-001", date(2026, 8, 17), "gemini-3-pro-image"),
]


@pytest.mark.parametrize(("model", "day", "successor"), SHUTDOWNS)
def test_lifetime(model: str, day: date, successor: str) -> None:
    assert lifetime(model, day - timedelta(days=WARN_DAYS + 1)) is None
    before = f"{model} shuts down on {day.isoformat()}: use {successor}"
    for days in (0, 1, WARN_DAYS):
        assert (lifetime(model, day - timedelta(days=days)) or "").startswith(before)
    after = lifetime(model, day + timedelta(days=1)) or ""
    assert after.startswith(f"{model} was shut down on {day.isoformat()}: use {successor}")
    assert "\n" not in after


def test_the_warning_in_full() -> None:
    assert lifetime("gpt-image-1.5", date(2026, 11, 22)) == (
        "gpt-image-1.5 shuts down on 2026-12-01: use gpt-image-2.6-flare or -sunburst."
    )


@pytest.mark.parametrize("model", FREE)
def test_model_without_an_end(model: str) -> None:
    assert lifetime(model, date(2040, 1, 1)) is None


def test_every_model_is_in_one_of_the_tables_above() -> None:
    assert set(MODELS) == set(LIVE) | {model for model, _, _ in SHUTDOWNS if model == family(model)}


# --- Messages -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "options", "edit", "message"),
    [
        (
            "gpt-image-2",
            {"size": "1920x1080"},
            False,
            (
                "'size: 1920x1080' is refused by the model 'gpt-image-2'. Allowed: width and height in "
                "multiples of 16, an aspect ratio from 1:3 to 3:1, 655,360 to 8,294,400 pixels in all, "
                "no edge over 3840, or auto. Use 1920x1088."
            ),
        ),
        (
            "gpt-image-1.5",
            {"size": "1920x1080"},
            True,
            (
                "'size: 1920x1080' is refused by the model 'gpt-image-1.5'. Allowed: 1024x1024, "
                "1536x1024, 1024x1536, or auto. Use 1536x1024."
            ),
        ),
        (
            "gpt-image-2",
            {"quality": "xhigh"},
            False,
            (
                "'quality: xhigh' is refused by the model 'gpt-image-2'. Allowed: low, medium, high, "
                "auto. Use high."
            ),
        ),
        (
            "gpt-image-2",
            {"background": "transparent", "output_format": "jpeg"},
            False,
            (
                "'background: transparent' is refused by the model 'gpt-image-2'. Allowed: 'background: "
                "transparent' with png or webp pictures. Use 'output_format: webp'."
            ),
        ),
        (
            "gpt-image-2",
            {"frame_count": 4},
            False,
            (
                "'frame_count: 4' is refused by the model 'gpt-image-2'. Allowed: 'frame_count' with "
                "'output_format: gif', made by gpt-image-2.6-flare and gpt-image-2.6-sunburst. Remove "
                "'frame_count'."
            ),
        ),
        (
            "gpt-image-2",
            {"input_fidelity": "high"},
            True,
            (
                "'input_fidelity: high' is refused by the model 'gpt-image-2'. Allowed: no "
                "'input_fidelity', because it is always high. Remove 'input_fidelity'."
            ),
        ),
        (
            "gpt-image-2",
            {"svg": {"model": "x"}},
            False,
            (
                "'svg' is refused by the model 'gpt-image-2'. Allowed: 'svg' with 'output_format: svg', "
                "made by gpt-image-2.6-flare and gpt-image-2.6-sunburst. Remove 'svg'."
            ),
        ),
    ],
)
def test_message(model: str, options: dict[str, Any], edit: bool, message: str) -> None:
    assert [text for _, text in check(model, options, edit=edit)] == [message]


# --- Whatever the options are -------------------------------------------------------------------

WILD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**5000),
    st.floats(),
    st.text(max_size=80),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
SENSIBLE = {
    "size": st.builds("{}x{}".format, EDGES, EDGES) | st.just("auto"),
    "quality": st.sampled_from([*ALL_FIVE, "auto", "standard", "hd"]),
    "background": st.sampled_from(["transparent", "opaque", "auto"]),
    "output_format": st.sampled_from(["png", "jpeg", "webp", "gif", "svg"]),
    "output_compression": st.integers(0, 100),
    "n": st.integers(-1, 12),
    "mask": st.just("mask.png"),
    "markup": st.just("markup.png"),
    "image": st.just(("a.png",)),
    "input_fidelity": st.sampled_from(["high", "low"]),
    "moderation": st.sampled_from(["auto", "low"]),
    "complexity": st.sampled_from([*ALL_FIVE, "auto"]),
    "frame_count": st.integers(0, 20),
    "frame_duration_ms": st.integers(0, 10**6),
    "svg": st.just({"model": "x"}),
}
NAMES = st.sampled_from([*MODELS, "gpt-image-2-2026-04-21", "unknown"])


@settings(deadline=None)
@given(NAMES, st.fixed_dictionaries({}, optional=dict.fromkeys(SENSIBLE, WILD)), st.booleans())
def test_check_never_raises(model: str, options: dict[str, Any], edit: bool) -> None:
    for option, message in check(model, options, edit=edit):
        assert option in SENSIBLE
        assert f"'{option}" in message
        assert f"by the model '{model}'. Allowed: " in message
        assert message.endswith(".")
        assert "\n" not in message


@settings(deadline=None)
@given(NAMES, st.fixed_dictionaries({}, optional=SENSIBLE), st.booleans())
def test_every_cure_cures(model: str, options: dict[str, Any], edit: bool) -> None:
    for found in objections(model, options, edit=edit):
        name, value = found.cure
        advice = f"Remove '{name}'." if value is None else f"'{name}: {value}'."
        assert found.message.endswith((advice, f"Use {value}."))
        if name != "image":  # what is to be edited is no option of the body
            after = cured(options, found)
            assert found.option not in complaints(model, after, edit=edit)


@settings(deadline=None)
@given(st.sampled_from(LIVE), st.fixed_dictionaries({}, optional=SENSIBLE), st.booleans())
def test_cures_lead_to_a_request_without_objections(
    model: str, options: dict[str, Any], edit: bool
) -> None:
    for _ in range(20):
        found = objections(model, options, edit=edit)
        if not found:
            break
        options = cured(options, found[0])
    assert objections(model, options, edit=edit) == []
