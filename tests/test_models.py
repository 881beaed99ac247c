from __future__ import annotations

import pytest

from mkdocs_genimage import models
from mkdocs_genimage.models import actual_cost, estimate

SIZES = ("1024x1024", "1536x1024", "1536x864", "1280x720", "2048x1152", "3840x2160")
# Output tokens and USD per image, one row per quality. They are published numbers,
# not computed ones; the USD are rounded to four digits.
TABLE = [
    (("gpt-image-2", "low"), (196, 158, 120, 106, 157, 371)),
    (("gpt-image-2.5-flare", "low"), (196, 158, 120, 106, 157, 371)),
    (("gpt-image-2.5-sunburst", "medium"), (439, 343, 280, 246, 367, 865)),
    (("gpt-image-2", "medium"), (1756, 1372, 1078, 947, 1413, 3336)),
    (("gpt-image-2.5-flare", "high"), (1756, 1372, 1078, 947, 1413, 3336)),
    (("gpt-image-2.5-sunburst", "xhigh"), (3122, 2459, 1917, 1683, 2511, 5930)),
    (("gpt-image-2", "high"), (7024, 5488, 4312, 3787, 5650, 13342)),
    (("gpt-image-2.5-sunburst", "max"), (7024, 5488, 4312, 3787, 5650, 13342)),
]
DOLLARS = {
    196: 0.0059, 158: 0.0047, 120: 0.0036, 106: 0.0032, 157: 0.0047, 371: 0.0111,
    439: 0.0132, 343: 0.0103, 280: 0.0084, 246: 0.0074, 367: 0.0110, 865: 0.0260,
    1756: 0.0527, 1372: 0.0412, 1078: 0.0323, 947: 0.0284, 1413: 0.0424, 3336: 0.1001,
    3122: 0.0937, 2459: 0.0738, 1917: 0.0575, 1683: 0.0505, 2511: 0.0753, 5930: 0.1779,
    7024: 0.2107, 5488: 0.1646, 4312: 0.1294, 3787: 0.1136, 5650: 0.1695, 13342: 0.4003,
}  # fmt: skip
CELLS = [
    (model, quality, size, tokens)
    for (model, quality), row in TABLE
    for size, tokens in zip(SIZES, row, strict=True)
]


@pytest.mark.parametrize(("model", "quality", "size", "tokens"), CELLS)
def test_any_size(model: str, quality: str, size: str, tokens: int) -> None:
    price = estimate(model, size, quality)
    assert price == pytest.approx(tokens * 30 / 1e6, rel=1e-12)
    assert price == pytest.approx(DOLLARS[tokens], abs=0.000051)


def test_portrait_costs_what_landscape_costs() -> None:
    assert estimate("gpt-image-2", "1024x1536", "high") == pytest.approx(5488 * 30 / 1e6)


@pytest.mark.parametrize(
    ("model", "quality", "square", "oblong"),
    [
        ("gpt-image-1-mini", "low", 0.005, 0.006),
        ("gpt-image-1-mini", "medium", 0.011, 0.015),
        ("gpt-image-1-mini", "high", 0.036, 0.052),
        ("gpt-image-1.5", "low", 0.009, 0.013),
        ("gpt-image-1.5", "medium", 0.034, 0.05),
        ("gpt-image-1.5", "high", 0.133, 0.20),
        ("chatgpt-image-latest", "high", 0.133, 0.20),
    ],
)
def test_three_sizes(model: str, quality: str, square: float, oblong: float) -> None:
    # The published prices are rounded to a cent or a tenth of one.
    assert estimate(model, "1024x1024", quality) == pytest.approx(square, abs=0.0005)
    for size in ("1536x1024", "1024x1536"):
        assert estimate(model, size, quality) == pytest.approx(oblong, abs=0.0015)


@pytest.mark.parametrize(
    ("size", "tokens"),
    [
        ("1024x1024", (272, 1056, 4160)),
        ("1024x1536", (408, 1584, 6240)),
        ("1536x1024", (400, 1568, 6208)),
    ],
)
def test_three_sizes_in_tokens(size: str, tokens: tuple[int, int, int]) -> None:
    for quality, count in zip(("low", "medium", "high"), tokens, strict=True):
        assert estimate("gpt-image-1.5", size, quality) == pytest.approx(count * 32 / 1e6)
        assert estimate("gpt-image-1", size, quality) == pytest.approx(count * 40 / 1e6)


@pytest.mark.parametrize(
    ("quality", "least", "most"),
    [
        ("low", 0.018, 0.024),
        ("medium", 0.04, 0.0531),
        ("high", 0.0526, 0.0527),
        ("max", 0.21, 0.211),
    ],
)
def test_2_6_is_an_upper_bound(quality: str, least: float, most: float) -> None:
    price = estimate("gpt-image-2.6-flare", "1024x1024", quality)
    assert price is not None
    assert least <= price <= most


@pytest.mark.parametrize("unset", ["auto", "", None])
def test_what_the_server_chooses_counts_as_the_dearest(unset: str | None) -> None:
    assert estimate("gpt-image-2", "1536x1024", unset) == pytest.approx(0.16464)
    assert estimate("gpt-image-2", unset, "low") == pytest.approx(0.00588)
    assert estimate("gpt-image-2.5-flare", unset, unset) == pytest.approx(0.21072)
    assert estimate("gpt-image-1.5", unset, unset) == pytest.approx(0.19968)
    assert estimate("gpt-image-1-mini", unset, unset) == pytest.approx(0.052)
    assert estimate("unheard-of", unset, unset) is None


def test_snapshot_costs_what_its_model_costs() -> None:
    assert estimate("gpt-image-2-2026-04-21", "1024x1024", "low") == pytest.approx(0.00588)
    assert estimate("gpt-image-2.5-flare-2026-09-08", "1024x1024", "max") == pytest.approx(0.21072)


@pytest.mark.parametrize(
    ("model", "size", "quality"),
    [
        ("flux", "1024x1024", "low"),
        ("", "1024x1024", "low"),
        ("openai/gpt-image-2", "1024x1024", "low"),
        ("gpt-image-2", "1024x1024", "xhigh"),
        ("gpt-image-2", "0x1024", "low"),
        ("gpt-image-2", "big", "low"),
        ("gpt-image-2", "1024x1024x1", "low"),
        ("gpt-image-1.5", "1280x720", "low"),
        ("gpt-image-1-mini", "1280x720", "low"),
    ],
)
def test_no_known_price(model: str, size: str, quality: str) -> None:
    assert estimate(model, size, quality) is None


def usage(text: int, image: int, out: int, text_out: int | None = None) -> dict[str, object]:
    counts: dict[str, object] = {
        "input_tokens": text + image,
        "input_tokens_details": {"text_tokens": text, "image_tokens": image},
        "output_tokens": out + (text_out or 0),
        "total_tokens": text + image + out + (text_out or 0),
    }
    if text_out is not None:
        counts["output_tokens_details"] = {"image_tokens": out, "text_tokens": text_out}
    return counts


@pytest.mark.parametrize(
    ("model", "rates"),
    [
        ("gpt-image-2.6-flare", (5, 8, 30, 0)),
        ("gpt-image-2.6-sunburst", (5, 8, 30, 0)),
        ("gpt-image-2.5-flare", (5, 8, 30, 0)),
        ("gpt-image-2.5-sunburst", (5, 8, 30, 0)),
        ("gpt-image-2", (5, 8, 30, 0)),
        ("gpt-image-2-2026-04-21", (5, 8, 30, 0)),
        ("gpt-image-1.5", (5, 8, 32, 10)),
        ("gpt-image-1.5-2025-12-16", (5, 8, 32, 10)),
        ("chatgpt-image-latest", (5, 8, 32, 10)),
        ("gpt-image-1-mini", (2, 2.5, 8, 0)),
        ("gpt-image-1", (5, 10, 40, 0)),
    ],
)
def test_actual_cost(model: str, rates: tuple[float, ...]) -> None:
    million = 1_000_000
    for place, rate in enumerate(rates):
        tokens = [0, 0, 0, 0]
        tokens[place] = million
        assert actual_cost(model, usage(*tokens)) == pytest.approx(rate)
    assert actual_cost(model, usage(1000, 2000, 3000)) == pytest.approx(
        (1000 * rates[0] + 2000 * rates[1] + 3000 * rates[2]) / million
    )


def test_actual_cost_of_an_edit() -> None:
    # 30 text tokens, one 1024x1024 reference of 1,023 tokens, a medium square picture.
    cost = actual_cost("gpt-image-2", usage(30, 1023, 1756))
    assert cost == pytest.approx(0.00015 + 0.008184 + 0.05268)


@pytest.mark.parametrize(
    "unusable",
    [
        None,
        {},
        {"total_tokens": 5},
        {"input_tokens": 5, "output_tokens": 196},
        {"input_tokens_details": "5", "output_tokens": 196},
        {"input_tokens_details": {"text_tokens": 5}, "output_tokens": 196},
        usage(5, 0, -1),
        {**usage(5, 0, 196), "output_tokens": True},
        {**usage(5, 0, 196), "output_tokens": "196"},
        {**usage(5, 0, 196), "output_tokens": 1.5},
    ],
)
def test_unusable_usage(unusable: dict[str, object] | None) -> None:
    assert actual_cost("gpt-image-2", unusable) is None


def test_unknown_model_has_no_cost() -> None:
    assert actual_cost("flux", usage(1, 0, 196)) is None


def test_every_model_with_a_rate_has_an_estimate() -> None:
    for model in models.RATES:
        assert estimate(model, "1024x1024", "low") is not None
