"""Builds with smaller files: what pages offer, and that a cold build is as a warm one."""

from __future__ import annotations

import logging
import struct
import tempfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from api_server import ImagesServer, Reply, error_body
from beside import SITE_URL, fetch
from hypothesis import given, settings
from hypothesis import strategies as st
from light_sites import (
    AVIF,
    OWN,
    SECRET,
    THEMES,
    WEBP,
    block,
    build_twice,
    candidates,
    check_offers,
    derived,
    light,
    moody,
    needs_avif,
    published,
    sources,
)
from links import srcset_urls
from pictures import picture
from sites import Site, behind, fence, holding

from mkdocs_genimage.config import GenimageConfig
from mkdocs_genimage.derived import FOLDER
from mkdocs_genimage.light import CONTENT_WIDTHS


@pytest.fixture
def bare(bare: Site) -> Site:
    return light(bare)


# --- What is offered ---


def with_manifest(data: bytes) -> bytes:
    """A PNG with a chunk as C2PA manifests stand in."""
    chunk = b"caBX" + b"\x00\x00\x00\x1ejumb manifest of the maker"
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:33] + chunk + data[33:]


@pytest.mark.parametrize("formats", [OWN, WEBP, AVIF])
def test_pictures_themselves_are_published_unchanged(
    bare: Site, api: ImagesServer, formats: list[str]
) -> None:
    light(bare, formats=formats)
    signed = with_manifest(picture("signed", "64x48"))
    api.reply = lambda call: Reply(data=signed) if "fox" in call.fields["prompt"] else None
    bare.write(
        {"docs/index.md": block("fox") + block("elk", "output_format=jpeg") + block("hen", "n=2")}
    )
    built = build_twice(bare, api)
    for image in built.images("index.html"):
        name = image["src"].rsplit("/", 1)[1]
        data = fetch(built, "index.html", image["src"])
        assert data == (bare.cache / name).read_bytes()
        if "fox" in name:
            assert data == signed
            # What vouches for the picture's bytes does not vouch for others.
            made = candidates(built, "index.html", image).items()
            assert all(b"caBX" not in smaller for width, smaller in made if width < 64)


@pytest.mark.parametrize(
    ("formats", "types", "endings"),
    [
        pytest.param([], [], [("-16w.png", "-32w.png", ".png")], id="own format"),
        pytest.param(["webp"], [], [("-16w.webp", "-32w.webp", "-64w.webp")], id="webp"),
        pytest.param(
            ["avif", "webp"],
            ["image/avif"],
            [("-16w.avif", "-32w.avif", "-64w.avif"), ("-16w.webp", "-32w.webp", "-64w.webp")],
            id="avif and webp",
            marks=needs_avif,
        ),
    ],
)
def test_formats(
    bare: Site,
    api: ImagesServer,
    formats: list[str],
    types: list[str],
    endings: list[tuple[str, ...]],
) -> None:
    light(bare, formats=formats, widths=[32, 16, 64, 65, 1000])
    bare.write({"docs/sub/page.md": block("fox"), "docs/index.md": "# Home"})
    built = build_twice(bare, api)
    page = "sub/page/index.html"
    (image,) = built.images(page)
    tags = sources(built, page)
    assert [tag["type"] for tag in tags] == types
    stem = image["src"].removesuffix(".png")
    assert [srcset_urls(tag["srcset"]) for tag in [*tags, image]] == [
        [stem + ending for ending in group] for group in endings
    ]
    for tag in [*tags, image]:
        check_offers(built, page, {**tag, "src": image["src"]}, [16, 32, 64])
        assert tag["sizes"] == image["sizes"]
    assert (image["width"], image["height"]) == ("64", "48")
    assert len(tags) == len(built.tags(page, "picture"))
    made = {name.rsplit("/", 1)[1] for name in published(built)}
    assert made == {
        url.rsplit("/", 1)[1]
        for group in endings
        for url in (stem + ending for ending in group)
        if url != image["src"]
    }


SHOWN: dict[str, tuple[str, dict[str, str], str]] = {
    # Options to attributes, and the value of `sizes` behind what is only for late pictures.
    "plain": ("", {"width": "64", "height": "48"}, "(max-width: 64px) 100vw, 64px"),
    "pixels": ("width=20", {"width": "20", "height": "15"}, "(max-width: 20px) 100vw, 20px"),
    "height": ("height=24", {"width": "32", "height": "24"}, "(max-width: 32px) 100vw, 32px"),
    "wide": ("width=3000", {"width": "3000", "height": "2250"}, "(max-width: {room}px) 100vw, {room}px"),
    "percent": ("width=50%", {"width": "64", "height": "48"}, "(max-width: {room}px) 50vw, {half}px"),
    "left": ("align=left", {"width": "64"}, "(max-width: 36em) 100vw, 64px"),
    "right": ("align=right width=900", {"width": "900"}, "(max-width: 36em) 100vw, {half}px"),
    "center": ("align=center", {"width": "64"}, "(max-width: 64px) 100vw, 64px"),
    "linked": ("link=original", {"width": "64"}, "(max-width: 64px) 100vw, 64px"),
    "captioned": ("caption=C", {"width": "64"}, "(max-width: 64px) 100vw, 64px"),
    "decorated": ("title=T .wide #id", {"width": "64"}, "(max-width: 64px) 100vw, 64px"),
}  # fmt: skip


@pytest.mark.parametrize("theme", THEMES)
def test_sizes_and_dimensions(site: Site, api: ImagesServer, theme: str) -> None:
    site.config["theme"] = theme
    room = CONTENT_WIDTHS[theme]
    light(site)
    site.write(
        {
            "docs/index.md": "\n".join(block(name, shown[0]) for name, shown in SHOWN.items()),
            "docs/eager.md": block("plain", "loading=eager"),
            "docs/grid.md": block("grid", "n=3 pick=all width=600"),
            "docs/two.md": block("two", "n=2 pick=all"),
        }
    )
    built = build_twice(site, api)
    images = {image["alt"].removeprefix("A "): image for image in built.images("index.html")}
    assert images.keys() == SHOWN.keys()
    for name, (_, attributes, sizes) in SHOWN.items():
        image = images[name]
        assert {key: image[key] for key in attributes} == attributes, name
        expected = sizes.format(room=room, half=round(room / 2))
        assert image["sizes"] == f"auto, {expected}", name
        assert image["loading"] == "lazy"
        assert srcset_urls(image["srcset"])[-1] == image["src"].replace(".png", "-64w.webp"), name
    check_offers(built, "index.html", images["plain"], [16, 32, 64])
    (eager,) = built.images("eager/index.html")
    assert eager["loading"] == "eager"
    assert eager["sizes"] == "(max-width: 64px) 100vw, 64px"
    grid = built.images("grid/index.html")
    assert len(grid) == 3
    for image in grid:
        check_offers(built, "grid/index.html", image, [16, 32, 64])
        assert image["sizes"].endswith(f" 50vw, {-(-(room + 16) // 3) - 16}px")
    assert built.images("two/index.html")[0]["sizes"].endswith(", 64px")


def test_sizes_of_the_site(bare: Site, api: ImagesServer) -> None:
    light(bare, sizes="(max-width: 600px) 90vw, 540px")
    bare.write({"docs/index.md": block("fox", "width=50%") + block("elk", "loading=eager")})
    built = build_twice(bare, api)
    fox, elk = built.images("index.html")
    assert fox["sizes"] == "auto, (max-width: 600px) 90vw, 540px"
    assert elk["sizes"] == "(max-width: 600px) 90vw, 540px"


def test_nothing_changes_without_the_options(bare: Site, api: ImagesServer) -> None:
    light(bare, widths=[], formats=[])
    bare.write({"docs/index.md": block("fox")})
    built = build_twice(bare, api)
    (image,) = built.images("index.html")
    assert not {"srcset", "sizes"} & image.keys()
    assert derived(bare) == {}
    assert published(built) == []
    assert not (bare.cache / FOLDER).exists()


@pytest.mark.parametrize("formats", [OWN, WEBP, AVIF])
def test_what_has_no_smaller_files(bare: Site, api: ImagesServer, formats: list[str]) -> None:
    """Animations, drawings and placeholders. They have dimensions all the same."""
    light(bare, formats=formats)
    refused = Reply(status=400, body=error_body("No.", "moderation_blocked"))
    api.reply = lambda call: refused if "forbidden" in call.fields["prompt"] else None
    text = block("wave", "output_format=gif") + block("icon", "output_format=svg")
    bare.write({"docs/index.md": text + block("forbidden")})
    built = build_twice(bare, api, warns=["refused by the moderation"])
    images = built.images("index.html")
    assert [image["src"].rsplit(".", 1)[1] for image in images] == ["gif", "svg", "svg"]
    for image in images:
        assert not {"srcset", "sizes"} & image.keys(), image
        assert (image["width"], image["height"]) == ("64", "48")
    assert published(built) == []
    assert derived(bare) == {}


def test_widths_above_the_pictures_are_left_out(bare: Site, api: ImagesServer) -> None:
    light(bare, widths=[48, 64, 96, 640], formats=[])
    bare.write(
        {
            "docs/index.md": block("small")
            + block("large", "size=128x96")
            + block("tiny", "size=32x24")
        }
    )
    built = build_twice(bare, api)
    small, large, tiny = built.images("index.html")
    check_offers(built, "index.html", small, [48, 64])
    check_offers(built, "index.html", large, [48, 64, 96, 128])
    assert "srcset" not in tiny


def test_one_picture_in_many_places_is_made_smaller_once(bare: Site, api: ImagesServer) -> None:
    pages = {f"docs/p{i}.md": block("fox", f"width={i + 10}") + block("fox") for i in range(12)}
    bare.write({**pages, "docs/a/b/c.md": block("fox", "width=50% align=left")})
    built = build_twice(bare, api)
    assert len(api.posts) == 1
    assert len(derived(bare)) == len(published(built)) == 3
    sets = {
        url.rsplit("/", 1)[1]
        for name in built.files()
        if name.endswith(".html")
        for image in built.images(name)
        for url in srcset_urls(image["srcset"])
    }
    assert len(sets) == 3
    assert len({image["sizes"] for image in built.images("p3/index.html")}) == 2


# --- What comes otherwise than it was asked for ---

MIXED = {
    "docs/index.md": block("auto", "size=auto")
    + block("sized", "size=80x60 width=30")
    + block("half", "size=auto width=50% caption='*Half*'")
    + block("tall", "size=auto height=20")
    + block("linked", "size=auto link=original"),
    "docs/formats.md": block("as webp")
    + block("as jpeg")
    + block("as gif")
    + block("as svg")
    + block("as png", "output_format=webp"),
    "docs/variants.md": block("many", "n=3 pick=2 size=auto") + block("grid", "n=3 pick=all"),
    "docs/sub/again.md": block("auto", "size=auto width=20") + block("as webp", "width=40"),
    "docs/bad.md": block("forbidden") + block("forbidden", "width=20"),
    "docs/twins.md": block("day", "size=auto dark='as jpeg'") + block("eve", "dark=forbidden"),
    "docs/hero.md": "---\ngenimage:\n  hero:\n    prompt: as webp hero\n    show: true\n---\n\n# H\n",
    "docs/wide.md": block("tiny", "size=auto width=500"),
}


@pytest.mark.parametrize("disclosure", ["none", "label", "credit"])
@pytest.mark.parametrize("formats", [OWN, WEBP, AVIF])
def test_cold_and_warm_builds_are_byte_identical(
    bare: Site, api: ImagesServer, formats: list[str], disclosure: str
) -> None:
    light(bare, formats=formats, disclosure=disclosure)
    check_mixed(bare, api)


@pytest.mark.parametrize("theme", THEMES)
def test_cold_and_warm_builds_in_real_themes(site: Site, api: ImagesServer, theme: str) -> None:
    site.config = {"theme": theme, "site_url": SITE_URL}
    site.before = ["search"]
    light(site, disclosure="label")
    check_mixed(site, api)


def check_mixed(site: Site, api: ImagesServer) -> None:
    site.write(MIXED)
    api.reply = moody
    api.auto_size = "70x50"
    built = build_twice(site, api, warns=["refused by the moderation"])
    shown = {
        image["alt"].removeprefix("A "): image
        for name in ("index.html", "formats/index.html", "wide/index.html")
        for image in built.images(name)
    }
    check_offers(built, "index.html", shown["auto"], [16, 32, 70])
    assert "srcset" not in shown["as gif"]
    assert "srcset" not in shown["as svg"]
    assert (shown["auto"]["width"], shown["auto"]["height"]) == ("70", "50")
    assert (shown["tall"]["width"], shown["tall"]["height"]) == ("28", "20")
    assert [name for name in holding(built.site_dir, SECRET) if "/placeholder-" not in name] == []
    for word in ("genimage-srcset", "\x02genimage"):
        assert holding(built.site_dir, word) == []


WORDS = ["fox", "hen", "as webp", "as jpeg", "as gif", "forbidden", "tiny", "half"]
SOME_BLOCK = st.fixed_dictionaries(
    {"prompt": st.sampled_from(WORDS), "alt": st.just("x")},
    optional={
        "size": st.sampled_from(["auto", "64x48", "40x40"]),
        "dark": st.sampled_from(["night", "as png", "forbidden", "tiny", "none"]),
        "n": st.integers(1, 3),
        "pick": st.sampled_from([1, "all"]),
        "output_format": st.sampled_from(["png", "webp", "jpeg"]),
        "width": st.sampled_from(["20", "64", "50%"]),
        "height": st.just(48),
        "link": st.sampled_from(["original", "https://example.org/"]),
        "caption": st.just("'A *caption*'"),
        "loading": st.sampled_from(["eager", "lazy"]),
        "decorative": st.just("false"),
    },
).filter(lambda options: not ("height" in options and options.get("width") == "50%"))
SOME_PAGE = st.tuples(
    st.lists(SOME_BLOCK, max_size=3),
    # An animation is no hero, which is told.
    st.none() | SOME_BLOCK.filter(lambda options: options["prompt"] != "as gif"),
    st.sampled_from(["{}", "- item\n\n{}", "<div>\n{}</div>\n", "> {}"]),
)
SOME_OPTIONS = st.fixed_dictionaries(
    {"formats": st.sampled_from([[], ["webp"]]), "widths": st.sampled_from([[], [16, 32, 70]])},
    optional={
        "disclosure": st.sampled_from(["label", "credit"]),
        "sizes": st.just("50vw"),
    },
)


def written(options: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in options.items())


def page_of(blocks: list[dict[str, Any]], hero: dict[str, Any] | None, around: str) -> str:
    """A page with blocks in some place, and with a hero."""
    front = ""
    if hero:
        given = {**hero, "show": "true"}
        front = "---\ngenimage:\n  hero:\n" + behind("    ", written(given)) + "---\n\n"
    prefix = {"- ": "  ", "> ": "> "}.get(around[:2], "")
    texts = [behind(prefix, fence(written(block))).removeprefix(prefix) for block in blocks]
    if around.startswith("- "):
        texts = ["  " + text for text in texts]
    return front + "# T\n\n" + "\n\n".join(around.format(text) for text in texts)


@settings(deadline=None, database=None, max_examples=25)
@given(st.lists(SOME_PAGE, min_size=1, max_size=2), SOME_OPTIONS)
def test_any_site_is_the_same_cold_and_warm(pages: list[Any], options: dict[str, Any]) -> None:
    texts = [page_of(*page) for page in pages]
    warns = ["refused by the moderation"] if "forbidden" in "".join(texts) else []
    with tempfile.TemporaryDirectory() as folder, ImagesServer(auto_size="70x50") as api:
        site = Site(Path(folder) / "project", options={"base_url": api.base_url})
        site.use_bare_theme()
        site.config["site_url"] = SITE_URL
        light(site, max_images=0, **options)
        api.reply = moody
        site.write({"docs/index.md": texts[0]})
        site.write({f"docs/sub/p{number}.md": text for number, text in enumerate(texts[1:])})
        build_twice(site, api, warns=warns)


# --- Options that cannot be ---


@pytest.mark.parametrize(
    ("written", "made"),
    [
        (["webp"], ("webp",)),
        ("webp", ("webp",)),
        (["WebP", "webp"], ("webp",)),
        # Never an avif that a browser without it would be given.
        (["avif"], ("avif", "webp")),
        (["webp", "avif"], ("avif", "webp")),
        ([], ()),
    ],
)
def test_formats(written: Any, made: tuple[str, ...]) -> None:
    config = GenimageConfig()
    config.load_dict({"formats": written})
    assert config.validate() == ([], [])
    assert config.formats == made


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("widths", [480, "960"], "'widths': is [480, '960']. Allowed: a list of whole numbers"),
        ("widths", [15], "from 16 to 10,000, like [480, 960, 1440]."),
        ("widths", [10_001], "from 16 to 10,000"),
        ("widths", [480.0], "a list of whole numbers"),
        ("widths", [True], "a list of whole numbers"),
        ("widths", {"small": 480}, "a list of whole numbers"),
        ("widths", "480w", "a list of whole numbers"),
        ("widths", [[480]], "a list of whole numbers"),
        ("formats", ["jpeg"], "'formats': is ['jpeg']. Allowed: a list of webp, avif or both"),
        ("formats", "web", "like [webp]."),
        ("formats", [1], "Allowed: a list of webp, avif or both"),
        ("formats", [["webp"]], "Allowed: a list of webp, avif or both"),
        ("formats", {"webp": 80}, "Allowed: a list of webp, avif or both"),
        (
            "sizes",
            '100vw" onload="x',
            "'sizes': is '100vw\" onload=\"x'. Allowed: what HTML's 'sizes'",
        ),
        ("sizes", ["100vw"], "'sizes': is a list. Allowed: a text."),
        ("disclosure", "badge", "Allowed: none, label, credit"),
        (
            "disclosure_text",
            "by {modell}",
            "has {modell} in it. Allowed: a text, with or without {model}",
        ),
        ("sizes", "nonsense", "Allowed: what HTML's 'sizes' takes"),
        ("sizes", 3, "Allowed: what HTML's 'sizes' takes"),
        ("sizes", "(max-width: 700px) 100vw", "Allowed: what HTML's 'sizes' takes"),
        ("sizes", "50%", "Allowed: what HTML's 'sizes' takes"),
        ("styles", {"none": "{prompt}"}, "no style can be called 'none'"),
        ("disclosure", True, "Allowed: none, label, credit"),
        ("disclosure_text", ["x"], "'disclosure_text': is a list. Allowed: a text."),
    ],
)
def test_wrong_options_have_one_clear_message(
    bare: Site, api: ImagesServer, option: str, value: Any, message: str
) -> None:
    light(bare, **{option: value})
    bare.write({"docs/index.md": block("fox")})
    built = bare.build(fails=True, warns=[message])
    errors = [record for record in built.records if record.levelno >= logging.WARNING]
    assert len(errors) == 1
    assert api.calls == []


@pytest.mark.parametrize(
    ("options", "widths", "types"),
    [
        ({"widths": 32}, [32, 64], []),
        ({"widths": [32, 16, 32]}, [16, 32, 64], []),
        ({"widths": None, "formats": None}, [], []),
        ({"widths": [], "formats": "WebP"}, [64], []),
        ({"widths": [16], "formats": [".webp", "webp"]}, [16, 64], []),
        ({"widths": [], "formats": ["webp"], "sizes": None}, [64], []),
    ],
)
def test_ways_to_write_options(
    bare: Site, api: ImagesServer, options: dict[str, Any], widths: list[int], types: list[str]
) -> None:
    light(bare, **options)
    bare.write({"docs/index.md": block("fox")})
    built = bare.build(strict=True)
    (image,) = built.images("index.html")
    if widths:
        check_offers(built, "index.html", image, widths)
    else:
        assert "srcset" not in image
    assert [tag["type"] for tag in sources(built, "index.html")] == types
