"""What pictures cost: prices in mkdocs.yml, limits, sidecars and what a build says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from api_server import Reply
from hypothesis import example, given
from hypothesis import strategies as st
from sites import fence

from mkdocs_genimage import models
from mkdocs_genimage.errors import OptionError
from mkdocs_genimage.pricing import Pricing
from mkdocs_genimage.request import ImageRequest

if TYPE_CHECKING:
    from api_server import ImagesServer
    from sites import Site

OFFICIAL = "api.openai.com"
GATEWAY = "images.example"
RATES = {"text_in": 5, "image_in": 8, "image_out": 30}
USAGE = {
    "input_tokens_details": {"text_tokens": 100, "image_tokens": 1000},
    "output_tokens_details": {"image_tokens": 200, "text_tokens": 10},
}


def asked(model: str = "gpt-image-2", **options: Any) -> ImageRequest:
    return ImageRequest("A fox", {"size": "1024x1024", "quality": "low", **options}, model=model)


# --- Reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({}, Pricing()),
        ({"per_image": 0.04}, Pricing(per_image=0.04)),
        ({"per_image": 0}, Pricing(per_image=0)),
        ({"multiplier": 1.5}, Pricing(multiplier=1.5)),
        (RATES, Pricing(rates=models.Rates(5, 8, 30))),
        ({**RATES, "text_out": 10}, Pricing(rates=models.Rates(5, 8, 30, 10))),
    ],
)
def test_forms(written: dict[str, Any], read: Pricing) -> None:
    assert Pricing.read(written) == read


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (0.04, "must be a mapping, not '0.04'. Allowed: {per_image: USD}"),
        ("cheap", "must be a mapping, not 'cheap'."),
        ([{"per_image": 1}], "must be a mapping"),
        ({"per_imge": 1}, "there is no 'per_imge'. Did you mean 'per_image'?"),
        ({7: 1}, "there is no '7'."),
        ({"per_image": -0.01}, "'per_image' is '-0.01'. Allowed: a number from 0 to 1,000,000"),
        ({"per_image": "0.04 USD"}, "'per_image' is '0.04 USD'."),
        ({"per_image": True}, "'per_image' is 'True'."),
        ({"per_image": None}, "'per_image' is empty."),
        ({"per_image": float("nan")}, "'per_image' is 'nan'."),
        ({"per_image": float("inf")}, "'per_image' is 'inf'."),
        ({"multiplier": 10**400}, "'multiplier' is '1000"),
        ({"text_in": 5}, "prices of tokens need all of text_in, image_in, image_out."),
        ({**RATES, "per_image": 1}, "says prices in more than one way."),
        ({"multiplier": 2, "per_image": 1}, "says prices in more than one way."),
        ({**RATES, "multiplier": 2}, "says prices in more than one way."),
    ],
)
def test_wrong_values(written: Any, told: str) -> None:
    with pytest.raises(OptionError) as caught:
        Pricing.read(written)
    assert told in str(caught.value)


PLAIN_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=3)
)


@given(
    st.one_of(
        PLAIN_VALUES,
        st.dictionaries(
            st.one_of(
                st.sampled_from(["per_image", "multiplier", *RATES, "text_out"]), PLAIN_VALUES
            ),
            PLAIN_VALUES,
            max_size=5,
        ),
    )
)
@example({"per_image": float("inf")})
@example({"multiplier": 1.7e308})
def test_anything_is_read_or_refused(written: Any) -> None:
    try:
        pricing = Pricing.read(written)
    except OptionError:
        return
    cost = pricing.estimate(asked(), 3, GATEWAY)
    assert cost is None or 0 <= cost < float("inf")
    paid = pricing.actual(asked(), 3, USAGE, GATEWAY)
    assert paid is None or 0 <= round(paid, 6) < float("inf")


# --- Reckoning ----------------------------------------------------------------------------------

LOW = 196 * 30 / 1e6
"""A picture of 1024x1024 at low quality by gpt-image-2: 196 tokens at 30 USD per million."""
USED = (100 * 5 + 1000 * 8 + 200 * 30) / 1e6


def test_list_prices_hold_at_their_own_server_only() -> None:
    assert Pricing().estimate(asked(), 2, OFFICIAL) == pytest.approx(2 * LOW)
    assert Pricing().actual(asked(), 2, USAGE, OFFICIAL) == pytest.approx(USED)
    for host in (GATEWAY, "", "api.openai.com.evil.example", "127.0.0.1:8000"):
        assert Pricing().estimate(asked(), 2, host) is None
        assert Pricing().actual(asked(), 2, USAGE, host) is None


@pytest.mark.parametrize("host", [OFFICIAL, GATEWAY, ""])
def test_per_image(host: str) -> None:
    pricing = Pricing.read({"per_image": 0.04})
    assert pricing.estimate(asked("anything"), 3, host) == pytest.approx(0.12)
    assert pricing.actual(asked("anything"), 3, None, host) == pytest.approx(0.12)
    assert pricing.actual(asked("gpt-image-2"), 1, USAGE, host) == pytest.approx(0.04)


@pytest.mark.parametrize("host", [OFFICIAL, GATEWAY])
def test_multiplier(host: str) -> None:
    pricing = Pricing.read({"multiplier": 1.5})
    assert pricing.estimate(asked(), 2, host) == pytest.approx(3 * LOW)
    assert pricing.actual(asked(), 2, USAGE, host) == pytest.approx(1.5 * USED)


def test_multiplier_of_a_price_that_nobody_knows() -> None:
    pricing = Pricing.read({"multiplier": 1.5})
    assert pricing.estimate(asked("FLUX.1"), 1, GATEWAY) is None
    assert pricing.actual(asked("FLUX.1"), 1, USAGE, GATEWAY) is None
    assert pricing.actual(asked(), 1, None, GATEWAY) is None


def test_rates() -> None:
    pricing = Pricing.read({"text_in": 10, "image_in": 16, "image_out": 60, "text_out": 20})
    assert pricing.estimate(asked(), 1, GATEWAY) == pytest.approx(2 * LOW)
    assert pricing.actual(asked(), 1, USAGE, GATEWAY) == pytest.approx(2 * USED + 10 * 20 / 1e6)
    # The tokens of an unknown model are not known before, but they are counted.
    assert pricing.estimate(asked("FLUX.1"), 1, GATEWAY) is None
    assert pricing.actual(asked("FLUX.1"), 1, USAGE, GATEWAY) == pytest.approx(
        2 * USED + 10 * 20 / 1e6
    )
    assert pricing.actual(asked(), 1, None, GATEWAY) is None


def test_free_of_charge_is_a_price() -> None:
    for free in ({"per_image": 0}, {"multiplier": 0}, dict.fromkeys(RATES, 0)):
        pricing = Pricing.read(free)
        assert pricing.estimate(asked(), 3, GATEWAY) == 0
        assert pricing.actual(asked(), 3, USAGE, GATEWAY) == 0


@given(
    st.sampled_from([*models.RATES, "FLUX.1"]),
    st.sampled_from(["auto", "", "1024x1024", "1536x1024", "1280x720", "huge"]),
    st.sampled_from(["auto", "", "low", "medium", "high", "xhigh", "hd"]),
    st.integers(1, 10),
)
def test_estimates_grow_with_the_number(model: str, size: str, quality: str, count: int) -> None:
    one = Pricing().estimate(asked(model, size=size, quality=quality), 1, OFFICIAL)
    many = Pricing().estimate(asked(model, size=size, quality=quality), count, OFFICIAL)
    assert (one is None) == (many is None)
    if one is not None and many is not None:
        assert one > 0
        assert many == pytest.approx(count * one)


# --- In a build ---------------------------------------------------------------------------------


@pytest.fixture
def site(site: Site) -> Site:
    site.use_bare_theme()
    site.options |= {"validate": False, "concurrency": 1}
    return site


def write(site: Site, count: int, more: str = "") -> None:
    blocks = [fence(f"Fox {i}", f"size=1024x1024 quality=low alt=x {more}") for i in range(count)]
    site.write({"docs/index.md": "\n".join(blocks)})


def costs(site: Site) -> list[float | None]:
    return [json.loads((site.cache / n).read_bytes()).get("cost") for n in site.cached(".json")]


def test_unknown_prices_are_counted_by_number_only(site: Site, api: ImagesServer) -> None:
    site.options |= {"max_cost": 0.01, "max_images": 3}
    write(site, 5)
    built = site.build(warns=["2 pictures are missing: 'max_images: 3' is reached"])
    assert len(api.posts) == 3
    assert costs(site) == [None] * 3
    assert "$" not in built.output


@pytest.mark.parametrize(
    ("pricing", "limit", "made"),
    [
        ({"multiplier": 1.0}, 3.5 * LOW, 3),
        ({"multiplier": 2.0}, 3.5 * LOW, 1),
        ({"multiplier": 0.0}, 0.001, 5),
        ({"per_image": 0.01}, 0.04, 4),
        ({"per_image": 0.05}, 0.04, 0),
        ({"text_in": 0, "image_in": 0, "image_out": 30}, 3.5 * LOW, 3),
        ({"per_image": 5}, 0, 5),
    ],
)
def test_max_cost(
    site: Site, api: ImagesServer, pricing: dict[str, Any], limit: float, made: int
) -> None:
    site.options |= {"pricing": pricing, "max_cost": limit}
    # As many tokens as the estimate expects, and nothing for the prompt.
    usage = {
        "input_tokens_details": {"text_tokens": 0, "image_tokens": 0},
        "output_tokens_details": {"image_tokens": 196},
    }
    api.reply = lambda call: Reply(extra={"usage": usage})
    write(site, 5)
    told = f"'max_cost: {limit:.2f}' would be passed"
    built = site.build(warns=[told] if made < 5 else [])
    assert len(api.posts) == made
    assert f"{made} generated" in built.summary
    if made < 5:
        (warning,) = built.warnings
        assert warning.startswith(f"{5 - made} pictures are missing: ") or made == 4
        assert all(f"docs/index.md:{1 + 4 * i}" in warning for i in range(made, 5))


def test_what_came_to_light_counts_for_the_next(site: Site, api: ImagesServer) -> None:
    """A server that uses more tokens than expected reaches the limit sooner."""
    usage = {
        "input_tokens_details": {"text_tokens": 0, "image_tokens": 0},
        "output_tokens_details": {"image_tokens": 196 * 10},
    }
    api.reply = lambda call: Reply(extra={"usage": usage})
    site.options |= {"pricing": {"multiplier": 1}, "max_cost": 12 * LOW}
    write(site, 5)
    site.build(warns=["would be passed"])
    assert len(api.posts) == 2
    assert costs(site) == [pytest.approx(10 * LOW)] * 2


def test_cost_in_sidecar_and_on_the_way(site: Site, api: ImagesServer) -> None:
    site.options["pricing"] = {"per_image": 0.04}
    write(site, 2, "n=3")
    built = site.build()
    assert costs(site) == [0.04] * 6
    lines = [m for m in built.messages(20) if re.match(r"image \d+ of 6 made: ", m)]
    assert len(lines) == 2
    assert [line.rpartition(", ")[2] for line in lines] == ["$0.12 so far", "$0.24 so far"]
    again = site.build()
    assert "$" not in again.output


def test_cost_by_the_tokens_of_the_answer(site: Site, api: ImagesServer) -> None:
    site.options["pricing"] = {"multiplier": 1.1}
    write(site, 1)
    built = site.build()
    (cost,) = costs(site)
    sidecar = json.loads((site.cache / site.cached(".json")[0]).read_bytes())
    text = sidecar["usage"]["input_tokens_details"]["text_tokens"]
    assert cost == pytest.approx(1.1 * (text * 5 + 196 * 30) / 1e6, abs=1e-6)
    assert re.search(r"\$0\.00\d+ so far", built.output)


def test_answer_without_tokens_keeps_the_estimate_for_the_limit(
    site: Site, api: ImagesServer
) -> None:
    api.reply = lambda call: Reply(extra={"usage": None})
    site.options |= {"pricing": {"multiplier": 1}, "max_cost": 2.5 * LOW}
    write(site, 4)
    site.build(warns=["would be passed"])
    assert len(api.posts) == 2
    assert costs(site) == [None] * 2


def test_prices_are_no_part_of_a_picture(site: Site, api: ImagesServer) -> None:
    write(site, 2)
    site.build()
    site.options["pricing"] = {"per_image": 9}
    site.build()
    assert len(api.posts) == 2


@pytest.mark.parametrize(
    ("pricing", "told"),
    [
        ({"per_imge": 1}, "Did you mean 'per_image'?"),
        ("much", "must be a mapping"),
        ({"per_image": float("inf")}, "Allowed: a number from 0 to 1,000,000"),
    ],
)
def test_wrong_prices_stop_the_build(
    site: Site, api: ImagesServer, pricing: Any, told: str
) -> None:
    site.options["pricing"] = pricing
    write(site, 1)
    built = site.build(fails=True, warns=["pricing"])
    assert told in f"{built.error} {built.output}"
    assert api.posts == []


def test_price_from_the_environment(
    site: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENIMAGE_PRICE", "0.25")
    write(site, 1)
    site.write_config()
    text = site.config_file.read_text(encoding="utf-8")
    line = "    pricing: {per_image: !ENV [GENIMAGE_PRICE, 1]}\n"
    text = text.replace("- genimage:\n", f"- genimage:\n{line}")
    assert "GENIMAGE_PRICE" in text
    site.config_file.write_text(text, encoding="utf-8")
    site.build(keep_config=True)
    assert costs(site) == [0.25]
