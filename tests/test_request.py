"""What identifies an image. A change of a golden vector makes every image of every site a new one."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkdocs_genimage.options import GENERATION
from mkdocs_genimage.request import (
    KEY_VERSION,
    BlockInput,
    ImageRequest,
    InputFile,
    normalise_prompt,
    slugify,
    variant_stem,
)

PROPERTY = settings(deadline=None, database=None, max_examples=200)
VECTORS = json.loads(Path(__file__).with_name("golden").joinpath("keys.json").read_text("utf-8"))


def request_of(written: dict[str, Any]) -> ImageRequest:
    def file(text: str) -> InputFile:
        return InputFile("any name.png", text.encode())

    def picture(image: Any) -> InputFile | BlockInput:
        if isinstance(image, str):
            return file(image)
        return BlockInput("#any-id", ImageRequest(image["prompt"]), image["variant"])

    return ImageRequest(
        prompt=written["prompt"],
        options=written["options"],
        images=tuple(picture(image) for image in written.get("images", ())),
        mask=file(written["mask"]) if "mask" in written else None,
        subject=written.get("subject", ""),
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_golden_vectors(vector: dict[str, Any]) -> None:
    request = request_of(vector["request"])
    assert json.loads(vector["canonical"]) == request.identity
    assert hashlib.sha256(vector["canonical"].encode()).hexdigest() == vector["key"]
    assert request.key == vector["key"]
    assert request.stem == vector["stem"]


def test_golden_vectors_are_many_and_of_this_version() -> None:
    assert len({vector["key"] for vector in VECTORS}) == len(VECTORS) >= 15
    assert {json.loads(vector["canonical"])["version"] for vector in VECTORS} == {KEY_VERSION}


BASE = ImageRequest(prompt="A fox", options={"size": "1024x1024"}, model="m", moderation="auto")


@pytest.mark.parametrize(
    "change",
    [
        {"model": "other"},
        {"moderation": "low"},
        {"subject": "Another name"},
        {"options": dict(BASE.options)},
    ],
    ids=str,
)
def test_renderer_and_name_are_not_in_the_key(change: dict[str, Any]) -> None:
    assert replace(BASE, **change).key == BASE.key


VALUES: dict[str, list[Any]] = {
    "size": ["1024x1536", "auto"],
    "quality": ["low", "high"],
    "background": ["opaque", "transparent"],
    "output_format": ["png", "webp"],
    "output_compression": [0, 80],
    "complexity": ["low", "high"],
    "frame_count": [2, 3],
    "frame_duration_ms": [10, 20],
    "mask_mode": ["auto", "white"],
    "input_fidelity": ["low", "high"],
    "moderation": ["auto", "low"],
    "model": ["m", "other"],
    "revision": [0, 1],
    "extra": [{"seed": 1}, {"seed": 2}, {"seed": "1"}, {"seed": [1]}, {"seed": True}, {"a": 1}],
}


def test_every_option_that_is_hashed_is_tried() -> None:
    others = {"prompt", "style", "n", "image", "mask", "markup", "dark"}
    assert set(VALUES) == set(GENERATION) - others


@pytest.mark.parametrize("name", VALUES)
def test_each_option_is_in_the_key(name: str) -> None:
    rest = {key: value for key, value in BASE.options.items() if key != name}
    keys = [replace(BASE, options=rest).key]
    keys += [replace(BASE, options={**rest, name: value}).key for value in VALUES[name]]
    assert len(set(keys)) == len(keys)


def test_inputs_are_in_the_key_by_their_bytes_and_order() -> None:
    one, two = InputFile("1.png", b"one"), InputFile("2.png", b"two")
    requests = [
        BASE,
        replace(BASE, images=(one,)),
        replace(BASE, images=(two,)),
        replace(BASE, images=(one, two)),
        replace(BASE, images=(two, one)),
        replace(BASE, images=(one,), mask=one),
        replace(BASE, images=(one,), mask=two),
        replace(BASE, images=(one,), markup=one),
        replace(BASE, images=(one,), markup=two),
    ]
    assert len({request.key for request in requests}) == len(requests)
    renamed = replace(BASE, images=(InputFile("other name.png", b"one"),))
    assert renamed.key == requests[1].key
    assert "one" not in repr(one)
    assert one.sha256 == hashlib.sha256(b"one").hexdigest()


@PROPERTY
@given(st.data())
def test_key_does_not_depend_on_the_order_of_mappings(data: st.DataObject) -> None:
    chosen = {name: data.draw(st.sampled_from(values)) for name, values in VALUES.items()}
    chosen["extra"] = {"a": {"x": 1, "y": 2}, "b": [1], "c": "é"}
    names = data.draw(st.permutations(sorted(chosen)))
    extra = {key: chosen["extra"][key] for key in data.draw(st.permutations("abc"))}
    shuffled = {name: chosen[name] for name in names} | {"extra": extra}
    assert ImageRequest("x", shuffled).key == ImageRequest("x", chosen).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Caf\u00e9", "Cafe\u0301"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\nb"),
        ("  a\n\n", "a"),
        ("\u212b", "\u00c5"),
    ],
)
def test_prompts_that_are_the_same(one: str, other: str) -> None:
    assert normalise_prompt(one) == normalise_prompt(other)


@pytest.mark.parametrize(
    ("one", "other"), [("a b", "a  b"), ("A", "a"), ("a\nb", "a b"), ("\ufb01", "fi"), ("a.", "a")]
)
def test_prompts_that_are_not_the_same(one: str, other: str) -> None:
    keys = {ImageRequest(normalise_prompt(text)).key for text in (one, other)}
    assert len(keys) == 2


@PROPERTY
@given(st.text())
def test_normal_form_of_a_prompt(text: str) -> None:
    normal = normalise_prompt(text)
    assert normalise_prompt(normal) == normal
    assert "\r" not in normal
    assert normal == normal.strip()
    assert unicodedata.is_normalized("NFC", normal)


# --- File names -------------------------------------------------------------------------------

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@PROPERTY
@given(st.text() | st.text("aB-_ /\\.é", max_size=120))
def test_slug_is_a_harmless_name(text: str) -> None:
    slug = slugify(text)
    assert SLUG.fullmatch(slug)
    assert len(slug) <= 48
    assert slugify(slug) == slug


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("An orange cat, reading!", "an-orange-cat-reading"),
        ("Crème brûlée à la carte", "creme-brulee-a-la-carte"),
        ("一只橙色的猫", "image"),
        ("Кот", "image"),
        ("", "image"),
        ("-- --", "image"),
        ("../../etc/passwd", "etc-passwd"),
        ("ﬁne ½", "fine-12"),
        ("x" * 49, "x" * 48),
        ("a" * 24 + " " + "b" * 23 + " c", "a" * 24 + "-" + "b" * 23),
        ("a" * 24 + " " + "b" * 24 + " c", "a" * 24),
        ("word " * 2_000, "word-word-word-word-word-word-word-word-word"),
        ("\0" * 1000 + "late words", "image"),
    ],
    ids=lambda text: text[:30],
)
def test_slug(text: str, slug: str) -> None:
    assert slugify(text) == slug


@pytest.mark.parametrize("prompt", ["x " * 5_000, "一" * 10_000, "\N{FOX FACE}" * 10_000])
def test_stem_of_a_long_prompt(prompt: str) -> None:
    request = ImageRequest(normalise_prompt(prompt))
    assert re.fullmatch(r"[a-z0-9-]{1,48}-[0-9a-f]{12}", request.stem)
    assert request.stem.endswith(request.key[:12])


def test_stem_is_named_after_the_subject() -> None:
    request = ImageRequest("Flat vector. A fox.", subject="A fox")
    assert request.stem == f"a-fox-{request.key[:12]}"
    assert ImageRequest("Flat vector.").stem.startswith("flat-vector-")


@pytest.mark.parametrize("name", ["CON", "nul", "Aux.", "COM1", "lpt9 ", "PRN:"])
def test_device_names_of_windows_are_no_stems(name: str) -> None:
    reserved = {"con", "prn", "aux", "nul"} | {f"{x}{i}" for x in ("com", "lpt") for i in range(10)}
    stem = ImageRequest(name).stem
    assert PureWindowsPath(f"{stem}.png").stem.lower() not in reserved


def test_variants_share_the_stem() -> None:
    assert [variant_stem("a-fox-0123", number) for number in (1, 2, 10)] == [
        "a-fox-0123",
        "a-fox-0123-2",
        "a-fox-0123-10",
    ]


def test_lone_surrogates_have_a_key() -> None:
    """A JSON escape in `extra` can bring one."""
    assert len(ImageRequest("x", {"extra": {"a": "\ud800"}}).key) == 64
