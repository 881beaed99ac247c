from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkdocs_genimage.errors import ConfigurationError
from mkdocs_genimage.servers import ASPECT_RATIOS, IMAGES_API, SERVERS, Adapted, find_server

HOSTS = [
    ("api.openai.com", "openai"),
    ("API.OpenAI.com", "openai"),
    ("api.openai.com.", "openai"),
    ("api.openai.com:8443", "openai"),
    ("my-docs.openai.azure.com", "azure"),
    ("my-docs.services.ai.azure.com", "azure"),
    ("api.codegateway.dev", "codegateway"),
    ("generativelanguage.googleapis.com", "google"),
    ("api.x.ai", "xai"),
    ("api.together.xyz", "together"),
    ("api.together.ai", "together"),
    ("api.deepinfra.com", "deepinfra"),
    ("", "plain"),
    ("localhost:8080", "plain"),
    ("[::1]:8080", "plain"),
    ("openai.azure.com", "plain"),
    ("evil-api.openai.com.example.org", "plain"),
    ("notapi.x.ai", "plain"),
    ("aiplatform.googleapis.com", "plain"),
]
FIELDS: dict[str, Any] = {
    "prompt": "a fox",
    "model": "m",
    "n": 2,
    "size": "1536x1024",
    "quality": "medium",
    "background": "opaque",
    "output_format": "jpeg",
    "output_compression": 80,
    "moderation": "low",
    "seed": 7,
}


def adapt(name: str, *, edit: bool = False, **fields: Any) -> Adapted:
    return find_server("", name).adapt(fields, edit=edit)


def left_out(adapted: Adapted) -> list[str]:
    return [option for option, _ in adapted.left_out]


# --- Which server -------------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "name"), HOSTS)
def test_find_by_host(host: str, name: str) -> None:
    assert find_server(host).name == name


@pytest.mark.parametrize("name", SERVERS)
def test_find_by_name(name: str) -> None:
    assert find_server("", name).name == name
    assert find_server("api.openai.com", f" {name.upper()} ").name == name


def test_the_names() -> None:
    assert set(SERVERS) == {
        "openai", "azure", "codegateway", "google", "xai", "together", "deepinfra", "localai",
        "stable-diffusion.cpp", "litellm", "vllm-omni", "plain",
    }  # fmt: skip


def test_unknown_name() -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_server("api.openai.com", "localia")
    assert str(caught.value) == (
        "there is no server 'localia'. Did you mean 'localai'? Allowed: openai, azure, codegateway, "
        "google, xai, together, deepinfra, localai, stable-diffusion.cpp, litellm, vllm-omni, plain."
    )


@pytest.mark.parametrize("name", SERVERS)
def test_edits(name: str) -> None:
    assert find_server("", name).has_edits == (name not in ("google", "xai", "together", "localai"))


@pytest.mark.parametrize("name", SERVERS)
def test_where_the_rules_of_models_hold(name: str) -> None:
    server = find_server("", name)
    assert server.rules_hold == (name == "openai")
    assert server.dates_hold == (name in ("openai", "codegateway", "google"))


# --- What is sent -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["openai", "azure", "codegateway", "deepinfra", "litellm", "plain"]
)
@pytest.mark.parametrize("edit", [True, False])
def test_servers_that_get_all_of_it(name: str, edit: bool) -> None:
    fields = {**FIELDS, "size": "auto", "quality": "auto", "mask": "a.png", "complexity": "low"}
    adapted = adapt(name, edit=edit, **fields)
    assert adapted == Adapted(body=fields)


@pytest.mark.parametrize(
    ("name", "edit", "body", "dropped"),
    [
        (
            "google",
            False,
            {"size": "1536x1024", "response_format": "b64_json"},
            ["quality", "background", "output_format", "output_compression", "moderation"],
        ),
        (
            "xai",
            False,
            {
                "aspect_ratio": "3:2",
                "resolution": "1k",
                "quality": "medium",
                "response_format": "b64_json",
            },
            ["background", "output_format", "output_compression", "moderation"],
        ),
        (
            "together",
            False,
            {"width": 1536, "height": 1024, "output_format": "jpeg", "response_format": "base64"},
            ["quality", "background", "output_compression", "moderation"],
        ),
        (
            "localai",
            False,
            {"size": "1536x1024", "quality": "medium", "response_format": "b64_json"},
            ["background", "output_format", "output_compression", "moderation"],
        ),
        (
            "stable-diffusion.cpp",
            False,
            {"size": "1536x1024", "output_format": "jpeg", "output_compression": 80},
            ["quality", "background", "moderation"],
        ),
        (
            "stable-diffusion.cpp",
            True,
            {"size": "1536x1024", "output_format": "jpeg", "output_compression": 80},
            ["quality", "background", "moderation"],
        ),
        (
            "vllm-omni",
            False,
            {"size": "1536x1024"},
            ["quality", "background", "output_format", "output_compression", "moderation"],
        ),
        (
            "vllm-omni",
            True,
            {
                "size": "1536x1024",
                "background": "opaque",
                "output_format": "jpeg",
                "output_compression": 80,
            },
            ["quality", "moderation"],
        ),
    ],
)
def test_body(name: str, edit: bool, body: dict[str, Any], dropped: list[str]) -> None:
    adapted = adapt(name, edit=edit, **FIELDS)
    always = {"prompt": "a fox", "model": "m", "n": 2, "seed": 7}
    assert adapted.body == {**always, **body}
    assert left_out(adapted) == dropped


@pytest.mark.parametrize("name", SERVERS)
def test_response_format(name: str) -> None:
    needed = {"google": "b64_json", "xai": "b64_json", "localai": "b64_json", "together": "base64"}
    assert adapt(name).body.get("response_format") == needed.get(name)
    own = adapt(name, response_format="url")
    if name in ("openai", "stable-diffusion.cpp"):
        assert left_out(own) == ["response_format"]
        assert not own.body
    else:
        assert own == Adapted(body={"response_format": "url"})


@pytest.mark.parametrize("name", SERVERS)
def test_automatic_size(name: str) -> None:
    adapted = adapt(name, size="auto")
    passes = name in ("openai", "azure", "codegateway", "deepinfra", "litellm", "plain")
    assert adapted.body.get("size") == ("auto" if passes else None)
    assert left_out(adapted) == ([] if passes else ["size"])


@pytest.mark.parametrize(
    ("size", "ratio", "resolution"),
    [
        ("1024x1024", "1:1", "1k"),
        ("512x512", "1:1", "1k"),
        ("1280x720", "16:9", "1k"),
        ("1536x1024", "3:2", "1.5k"),
        ("1024x1536", "2:3", "1.5k"),
        ("1792x1024", "16:9", "1.5k"),
        ("1920x1080", "16:9", "2k"),
        ("1080x1920", "9:16", "2k"),
        ("3840x1280", "20:9", "2k"),
        ("1000x3000", "9:20", "2k"),
        ("1300x1000", "4:3", "1.5k"),
        ("1000x1300", "3:4", "1.5k"),
        ("2000x1000", "2:1", "2k"),
        ("500x1000", "1:2", "1k"),
        ("1950x900", "19.5:9", "2k"),
        ("900x1950", "9:19.5", "2k"),
    ],
)
def test_ratio(size: str, ratio: str, resolution: str) -> None:
    adapted = adapt("xai", size=size, model="grok-imagine-image-2.0")
    assert adapted.body["aspect_ratio"] == ratio
    assert adapted.body["resolution"] == resolution
    assert adapted.changed == [
        (
            "size",
            (
                f"xAI makes no definite sizes; {size} is sent as 'aspect_ratio: {ratio}' and "
                f"'resolution: {resolution}'"
            ),
        )
    ]


@pytest.mark.parametrize(("size", "resolution"), [("1536x1024", "1k"), ("1600x900", "2k")])
@pytest.mark.parametrize("model", ["grok-imagine-image", None])
def test_older_models_have_no_middle_resolution(
    size: str, resolution: str, model: str | None
) -> None:
    fields = {"size": size} | ({"model": model} if model else {})
    assert adapt("xai", **fields).body["resolution"] == resolution


def test_all_thirteen_ratios() -> None:
    assert len(set(ASPECT_RATIOS)) == 13
    for ratio in ASPECT_RATIOS:
        across, down = (round(100 * float(part)) for part in ratio.split(":"))
        assert adapt("xai", size=f"{across}x{down}").body["aspect_ratio"] == ratio


@pytest.mark.parametrize(
    ("asked", "sent", "told"),
    [
        ("low", "low", None),
        ("medium", "medium", None),
        ("high", "medium", "xAI takes low and medium; high is sent as medium"),
        ("max", "medium", "xAI takes low and medium; max is sent as medium"),
        ("standard", "medium", "xAI takes low and medium; standard is sent as medium"),
        ("auto", None, "xAI has no 'auto': it chooses a quality where none is sent"),
        ("ultra", None, "xAI takes low and medium, not 'ultra'"),
        (3, None, "xAI takes low and medium, not '3'"),
    ],
)
def test_quality_of_a_server_with_two_tiers(asked: Any, sent: str | None, told: str | None) -> None:
    adapted = adapt("xai", quality=asked)
    assert adapted.body.get("quality") == sent
    assert [*adapted.changed, *adapted.left_out] == ([("quality", told)] if told else [])


@pytest.mark.parametrize(
    ("name", "edit", "formats"),
    [
        ("together", False, {"jpeg", "png"}),
        ("localai", False, {"png"}),
        ("stable-diffusion.cpp", False, {"png", "jpeg"}),
        ("stable-diffusion.cpp", True, {"png", "jpeg"}),
        ("vllm-omni", False, {"png"}),
        ("vllm-omni", True, {"png", "jpeg", "webp"}),
        ("plain", False, {"png", "jpeg", "webp", "gif"}),
        ("google", False, set()),
        ("xai", False, set()),
    ],
)
def test_formats(name: str, edit: bool, formats: set[str]) -> None:
    for form in ("png", "jpeg", "webp", "gif"):
        adapted = adapt(name, edit=edit, output_format=form)
        assert adapted.body.get("output_format") == (form if form in formats else None)
        assert left_out(adapted) == ([] if form in formats else ["output_format"])


@pytest.mark.parametrize("name", SERVERS)
def test_how_many_at_once(name: str) -> None:
    assert find_server("", name).max_n == (8 if name == "stable-diffusion.cpp" else 10)


def test_at_most_eight_at_once() -> None:
    assert adapt("stable-diffusion.cpp", n=8) == Adapted(body={"n": 8})
    more = adapt("stable-diffusion.cpp", n=10)
    assert more.body == {"n": 8}
    assert more.changed == [("n", "stable-diffusion.cpp makes at most 8 at once")]


@pytest.mark.parametrize("name", ["google", "xai", "together", "localai"])
def test_input_files_of_a_server_without_edits(name: str) -> None:
    adapted = adapt(name, edit=True, image="a.png", mask="b.png")
    assert left_out(adapted) == ["image", "mask"]
    assert all("edits no pictures that are sent along" in reason for _, reason in adapted.left_out)


def test_mask_that_a_server_does_not_know() -> None:
    adapted = adapt("vllm-omni", edit=True, image="a.png", mask="b.png")
    assert adapted.body == {"image": "a.png"}
    assert adapted.left_out == [("mask", "vLLM-Omni has no 'mask' in edits")]
    both = adapt("stable-diffusion.cpp", edit=True, image="a.png", mask="b.png")
    assert both == Adapted(body={"image": "a.png", "mask": "b.png"})


@pytest.mark.parametrize(
    ("name", "option", "value", "reason"),
    [
        ("google", "quality", "low", "the Gemini API has no 'quality'"),
        ("google", "user", "docs", "the Gemini API has no 'user'"),
        ("together", "user", "docs", "Together has no 'user'"),
        ("localai", "size", "auto", "LocalAI has no 'auto': it chooses a size where none is sent"),
        ("localai", "size", "big", "LocalAI takes WIDTHxHEIGHT, not 'big'"),
        ("together", "output_format", "webp", "Together makes jpeg and png pictures only"),
        (
            *("openai", "response_format", "b64_json"),
            "OpenAI sends base64 by itself, and takes no 'response_format'",
        ),
    ],
)
def test_reason(name: str, option: str, value: str, reason: str) -> None:
    assert adapt(name, **{option: value}).left_out == [(option, reason)]


@pytest.mark.parametrize(
    ("name", "own"),
    [("together", {"width": 700}), ("xai", {"aspect_ratio": "4:3"}), ("xai", {"resolution": "2k"})],
)
def test_a_servers_own_spelling_of_the_size_counts_more(name: str, own: dict[str, Any]) -> None:
    for fields in ({"size": "1024x1024", **own}, {**own, "size": "1024x1024"}):
        adapted = adapt(name, **fields)
        response_format = find_server("", name).response_format
        assert adapted.body == {**own, "response_format": response_format}
        assert left_out(adapted) == ["size"]
        assert adapted.changed == []


# --- Whatever is asked for ----------------------------------------------------------------------

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
    st.sampled_from(["auto", "low", "high", "hd", "png", "webp", "1024x1024", "16x9999"]),
)
OWN = ("seed", "steps", "aspect_ratio", "resolution", "width", "height", "negative_prompt")
RESPELLED = {"aspect_ratio", "resolution", "width", "height"}


@settings(deadline=None)
@given(
    st.sampled_from(sorted(SERVERS)),
    st.dictionaries(st.sampled_from([*sorted(IMAGES_API), *OWN]), VALUES),
    st.booleans(),
)
def test_nothing_is_invented_or_dropped_silently(
    name: str, fields: dict[str, Any], edit: bool
) -> None:
    before = dict(fields)
    adapted = find_server("", name).adapt(fields, edit=edit)
    assert fields == before
    told = left_out(adapted)
    assert len(told) == len(set(told))
    for option, value in fields.items():
        respelled = option == "size" and set(adapted.body) & RESPELLED - set(fields)
        assert bool(option in adapted.body or respelled) != (option in told)
        changed = option in [other for other, _ in adapted.changed]
        if option in adapted.body and not changed:
            assert adapted.body[option] == value
        if option not in IMAGES_API:
            assert adapted.body[option] == value
    added = set(adapted.body) - set(fields)
    assert added <= ({"response_format"} | (RESPELLED if "size" in fields else set()))
    for option, reason in [*adapted.left_out, *adapted.changed]:
        assert option in fields
        assert reason
        assert not reason.endswith(".")


@pytest.mark.parametrize(("name", "edit"), list(product(SERVERS, (True, False))))
def test_what_was_adapted_once_needs_no_more(name: str, edit: bool) -> None:
    once = find_server("", name).adapt(FIELDS, edit=edit)
    again = find_server("", name).adapt(once.body, edit=edit)
    assert again == Adapted(body=once.body)
