"""Builds with smaller files: what is offered, what is made and kept, and what happens where it cannot be."""

from __future__ import annotations

import logging
import re
import shutil
import struct
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import markdown
import pytest
from api_server import Reply, error_body
from beside import SITE_URL, fetch, measure
from cli_runs import genimage
from links import broken_links, srcset_urls
from mkdocs.plugins import BasePlugin, event_priority
from pictures import picture
from sites import Build, Site, behind, differences, fence, holding, tree

from mkdocs_genimage.derived import FOLDER
from mkdocs_genimage.deriving import can_write
from mkdocs_genimage.light import CONTENT_WIDTHS

if TYPE_CHECKING:
    from api_call import Call
    from api_server import ImagesServer

THEMES = ("mkdocs", "readthedocs", "material")
SECRET = "Quokka-42"

needs_avif = pytest.mark.skipif(bool(can_write("avif")), reason=can_write("avif"))
WEBP = pytest.param(["webp"], id="webp")
AVIF = pytest.param(["avif", "webp"], id="avif and webp", marks=needs_avif)
OWN = pytest.param([], id="own format")


def light(site: Site, **options: Any) -> Site:
    site.options = {
        **(site.options or {}),
        # A model that no rule knows, as the known ones make no pictures this small.
        "model": "small-pictures",
        "defaults": {"size": "64x48"},
        "widths": [16, 32],
        "formats": ["webp"],
        **options,
    }
    return site


@pytest.fixture
def bare(bare: Site) -> Site:
    return light(bare)


def prompt(name: str) -> str:
    return f"A {name} beside a lake under the northern lights of a long winter night. {SECRET}."


def block(name: str, header: str = "") -> str:
    return fence(prompt(name), f"alt='A {name}' {header}".rstrip())


def derived(site: Site) -> dict[str, bytes]:
    """The smaller files that are kept."""
    folder = site.cache / FOLDER
    found = tree(folder) if folder.is_dir() else {}
    return {name: data for name, data in found.items() if not name.startswith(".")}


def published(built: Build) -> list[str]:
    """The files of the site that were made from pictures."""
    return sorted(name for name in built.files() if re.search(r"-(\d+w|social)\.\w+$", name))


def candidates(built: Build, page: str, tag: dict[str, str]) -> dict[int, bytes]:
    """The files that a tag offers, by the width that it tells of them."""
    urls = srcset_urls(tag["srcset"])
    widths = [int(one.split()[1].removesuffix("w")) for one in tag["srcset"].split(", ")]
    assert widths == sorted(set(widths))
    return {
        width: fetch(built, page, url, SITE_URL) for width, url in zip(widths, urls, strict=True)
    }


def check_offers(built: Build, page: str, image: dict[str, str], widths: list[int]) -> None:
    """An image offers files of these widths, all of which are what they are said to be."""
    assert sorted(candidates(built, page, image)) == widths, image
    whole = measure(fetch(built, page, image["src"]))
    for width, data in candidates(built, page, image).items():
        found = measure(data)
        assert found[0] == width
        assert abs(found[1] - width * whole[1] / whole[0]) <= 0.5


def sources(built: Build, page: str) -> list[dict[str, str]]:
    return [tag for tag in built.tags(page, "source") if "genimage" in tag.get("srcset", "")]


def build_twice(site: Site, api: ImagesServer, **more: Any) -> Build:
    """Cold and warm are the same, and nothing leads nowhere."""
    before = site.build(**more).files()
    asked, kept = len(api.posts), derived(site)
    warm = site.build(**more)
    assert differences(before, warm.files()) == []
    assert len(api.posts) == asked
    assert derived(site) == kept
    assert broken_links(warm.site_dir) == []
    return warm


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
        assert image["sizes"].endswith(f" 100vw, {round(room / 3)}px")
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


def moody(call: Call) -> Reply | None:
    """Answers in other formats and sizes than asked, and refusals, as prompts say."""
    words = str(call.fields["prompt"])
    if "forbidden" in words:
        return Reply(status=400, body=error_body("No such thing.", "moderation_blocked"))
    form = re.search(r"as (\w+)", words)
    size = "12x9" if "tiny" in words else ""
    return Reply(format=form[1] if form else "", size=size)


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


# --- What is kept ---


def test_warm_build_imports_no_pillow_and_touches_no_file(
    bare: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    light(bare, disclosure="label")
    bare.write(
        {
            "docs/index.md": "---\ngenimage:\n  hero: {prompt: A hero, show: true}\n---\n\n# H\n\n"
            + block("fox", "dark=night")
            + block("hen", "n=2 pick=all"),
            "hook.py": "import sys\n"
            "def on_post_build(config):\n"
            "    print('MODULES', *sorted(m for m in sys.modules if '.' not in m))\n",
        }
    )
    cold = bare.build().files()
    paths = [bare.cache, bare.cache / FOLDER, *bare.cache.rglob("*")]
    before = {path: path.stat().st_mtime_ns for path in paths}
    asked = len(api.posts)
    bare.config["hooks"] = ["hook.py"]

    ended = bare.run("--strict", env=child_env).ended()

    (line,) = [line for line in ended.output.splitlines() if line.startswith("MODULES")]
    modules = set(line.split())
    assert {"mkdocs_genimage", "markdown"} <= modules
    assert modules.isdisjoint({"openai", "PIL", "httpx", "pydantic"})
    assert len(api.posts) == asked
    paths = [bare.cache, bare.cache / FOLDER, *bare.cache.rglob("*")]
    assert {path: path.stat().st_mtime_ns for path in paths} == before
    assert differences(cold, tree(bare.root / "site")) == []


def test_clean_checkout_makes_the_same_files_again(bare: Site, api: ImagesServer) -> None:
    bare.write({"docs/index.md": block("fox") + block("elk", "n=2 pick=all")})
    before = build_twice(bare, api).files()
    kept, asked = derived(bare), len(api.posts)
    assert (bare.cache / FOLDER / ".gitignore").read_text(encoding="utf-8").strip() == "*"
    shutil.rmtree(bare.cache / FOLDER)  # Git does not keep it
    again = bare.build()
    assert differences(before, again.files()) == []
    assert derived(bare) == kept
    assert len(api.posts) == asked


def test_only_what_is_new_is_made(bare: Site, api: ImagesServer) -> None:
    bare.write({"docs/index.md": block("fox")})
    bare.build()
    folder = bare.cache / FOLDER
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    light(bare, widths=[16, 24, 32])
    bare.write({"docs/index.md": block("fox") + block("elk")})
    build_twice(bare, api)
    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert {name: after.get(name) for name in before} == before
    new = after.keys() - before.keys()
    assert sum("-24w" in name for name in new) == 2
    assert len(new) == 5
    # What is not wanted any more is left for `prune`, and is not published.
    light(bare, widths=[16], formats=[])
    built = build_twice(bare, api)
    assert {name.rsplit(".", 1)[1] for name in published(built)} == {"png"}
    assert before.keys() <= derived(bare).keys() | {".gitignore"}


def test_a_file_that_is_deleted_is_made_again(bare: Site, api: ImagesServer) -> None:
    bare.write({"docs/index.md": block("fox")})
    before = build_twice(bare, api).files()
    kept = derived(bare)
    for name in kept:
        (bare.cache / FOLDER / name).unlink()
        assert differences(before, bare.build().files()) == []
        assert derived(bare) == kept


@pytest.mark.xfail(strict=True, reason="what is there is taken to be whole")
@pytest.mark.parametrize("damage", ["empty", "cut"])
def test_a_damaged_file_is_made_again(bare: Site, api: ImagesServer, damage: str) -> None:
    bare.write({"docs/index.md": block("fox")})
    before = build_twice(bare, api).files()
    for name, data in derived(bare).items():
        path = bare.cache / FOLDER / name
        path.write_bytes(b"" if damage == "empty" else data[:-5])
    assert differences(before, bare.build().files()) == []


def test_a_picture_that_is_made_anew_has_new_smaller_files(bare: Site, api: ImagesServer) -> None:
    bare.write({"docs/index.md": block("fox")})
    built = build_twice(bare, api)
    old, names = built.files(), published(built)
    bare.write({"mine.png": picture("mine", "64x48")})
    genimage(bare, "adopt", "docs/index.md:1", str(bare.root / "mine.png")).ended()
    new = build_twice(bare, api)
    assert published(new) == names, "they are called as before"
    assert all(new.files()[name] != old[name] for name in names)
    assert all(b"trainedAlgorithmicMedia" not in new.files()[name] for name in names)


# --- Where they cannot be made ---


def check_whole(built: Build, page: str = "index.html") -> None:
    """Every picture of a page is there, and every file that it offers is a picture."""
    images = built.images(page)
    assert images
    for image in images:
        measure(fetch(built, page, image["src"]))
        for url in srcset_urls(image.get("srcset", "")):
            measure(fetch(built, page, url))
    assert broken_links(built.site_dir) == []


@pytest.fixture
def blocked(bare: Site) -> Site:
    """A site whose folder for smaller files cannot be made: a file is in its place."""
    bare.write({f"genimage/{FOLDER}": "in the way"})
    return bare


def test_a_folder_that_cannot_be_written(blocked: Site, api: ImagesServer) -> None:
    blocked.write({"docs/index.md": block("fox") + block("elk")})
    for _ in range(2):
        built = blocked.build(strict=True)
        told = [text for text in built.messages(logging.INFO) if "cannot be written" in text]
        assert len(told) == 1
        check_offers(built, "index.html", built.images("index.html")[0], [16, 32, 64])
    assert len(api.posts) == 2


def test_no_folder_can_be_written(
    blocked: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hero = "---\ngenimage:\n  hero: {prompt: A hero}\n---\n\n# H\n\n"
    blocked.config["site_url"] = SITE_URL
    blocked.write({"docs/index.md": hero + block("fox") + block("elk")})
    light(blocked, widths=[], formats=[])
    blocked.build()
    light(blocked)
    monkeypatch.setattr(tempfile, "tempdir", str(blocked.root / "nowhere"))
    built = blocked.build(warns=["a-fox-beside", "an-elk-beside".replace("an-", "a-"), "a-hero-"])
    assert len(built.warnings) == 3, "one for each picture"
    for text in built.warnings:
        assert "cannot be written" in text
    check_whole(built)
    # What is told to other sites is not the wrong thing.
    assert "social" not in built.read("index.html")
    assert "og:image" not in built.read("index.html")
    monkeypatch.undo()
    assert broken_links(blocked.build(strict=True).site_dir) == []


def test_a_format_that_pillow_cannot_write(
    bare: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mkdocs_genimage import deriving

    light(bare, formats=["avif", "webp"])
    bare.write({"docs/index.md": block("fox")})
    monkeypatch.setattr(
        deriving, "can_write", lambda form: "no AVIF here" if form == "avif" else ""
    )
    for _ in range(2):
        built = bare.build(warns=["no AVIF here"])
        (text,) = built.warnings
        assert re.search(r"genimage/a-fox-[\w-]+\.png: ", text)
        check_whole(built)
        (image,) = built.images("index.html")
        check_offers(built, "index.html", image, [16, 32, 64])
    monkeypatch.undo()
    assert api.posts[1:] == []


# --- Policies and commands ---


@pytest.mark.parametrize("policy", ["placeholder", "generate"])
def test_serve(bare: Site, api: ImagesServer, policy: str) -> None:
    light(bare, serve=policy)
    bare.write({"docs/index.md": block("fox")})
    built = bare.build(command="serve")
    (image,) = built.images("index.html")
    if policy == "placeholder":
        assert "srcset" not in image
        assert derived(bare) == {}
        bare.build()
        # What is there is shown, with all that belongs to it.
        built = bare.build(command="serve")
        (image,) = built.images("index.html")
    check_offers(built, "index.html", image, [16, 32, 64])
    assert len(api.posts) == 1


@pytest.mark.parametrize(
    "options", [{"enabled": False}, {"provider": "placeholder"}, {"missing": "placeholder"}]
)
def test_builds_that_make_no_pictures(
    bare: Site, api: ImagesServer, options: dict[str, Any]
) -> None:
    light(bare, **options)
    bare.write({"docs/index.md": block("fox")})
    built = bare.build(strict=True)
    (image,) = built.images("index.html")
    assert not {"srcset", "sizes"} & image.keys()
    assert published(built) == []
    assert not bare.cache.exists()


@pytest.mark.parametrize("command", [["plan"], ["check"], ["costs"], ["why", "docs/index.md:8"]])
def test_commands_make_nothing_smaller(bare: Site, api: ImagesServer, command: list[str]) -> None:
    hero = "---\ngenimage:\n  hero: {prompt: A hero}\n---\n\n# H\n\n"
    bare.write({"docs/index.md": hero + block("fox")})
    bare.build()
    shutil.rmtree(bare.cache / FOLDER)
    genimage(bare, *command).ended()
    assert derived(bare) == {}


def test_dirty_build(bare: Site, api: ImagesServer) -> None:
    bare.write({"docs/index.md": block("fox"), "docs/other.md": block("elk")})
    bare.build()
    other = bare.root / "site/other/index.html"
    before = other.read_bytes()
    bare.write({"docs/index.md": block("fox", "width=20") + block("hen")})
    built = bare.build(dirty=True, warns=["A 'dirty' build"])
    check_whole(built)
    assert other.read_bytes() == before
    check_whole(built, "other/index.html")


# --- Where blocks stand ---

PLACES = {
    "list": f"1. a\n\n{behind('    ', block('fox'))}\n2. b\n",
    "quote": f"> quoted\n>\n{behind('> ', block('fox'))}",
    "admonition": f"!!! note\n\n{behind('    ', block('fox'))}",
    "tabs": f'=== "A"\n\n{behind("    ", block("fox"))}\n=== "B"\n\n{behind("    ", block("fox"))}',
    "table": f"| a | b |\n|---|---|\n| 1 | 2 |\n{block('fox')}| c |\n",
    "footnote": f"Text[^1].\n\n[^1]: Note\n\n{behind('    ', block('fox'))}",
    "definition": f"term\n:   meaning\n\n{behind('    ', block('fox'))}",
    "md_in_html": f"<div markdown>\n\n{block('fox')}\n</div>\n",
    "raw html": f"<details>\n<summary>More</summary>\n{block('fox')}</details>\n",
    "raw table": f"<table><tr><td>\n{block('fox')}</td></tr></table>\n",
    "span": f'<table><tr><td markdown="span">\n{block("fox")}</td></tr></table>\n',
    "snippet": '--8<-- "fox.md"\n',
    "snippet in a list": '- a\n\n    --8<-- "fox.md"\n',
}
EXTENSIONS: list[Any] = [
    "admonition", "attr_list", "def_list", "footnotes", "md_in_html", "tables", "toc",
    "pymdownx.superfences", {"pymdownx.tabbed": {"alternate_style": True}},
]  # fmt: skip


@pytest.mark.parametrize("directory_urls", [True, False], ids=["folders", "files"])
@pytest.mark.parametrize("formats", [WEBP, AVIF])
def test_smaller_files_wherever_a_block_stands(
    bare: Site, api: ImagesServer, formats: list[str], directory_urls: bool
) -> None:
    light(bare, formats=formats, disclosure="label")
    snippets = {"pymdownx.snippets": {"base_path": [str(bare.root / "snippets")]}}
    bare.config["markdown_extensions"] = [*EXTENSIONS, snippets]
    bare.config["use_directory_urls"] = directory_urls
    bare.write({"snippets/fox.md": block("fox"), "docs/index.md": block("fox")})
    bare.write({f"docs/sub/{name}.md": text for name, text in PLACES.items()})
    built = build_twice(bare, api)
    assert len(api.posts) == 1
    for name in PLACES:
        page = f"sub/{name}/index.html" if directory_urls else f"sub/{name}.html"
        images = built.images(page)
        assert len(images) == (2 if name == "tabs" else 1), name
        tags = sources(built, page)
        assert len(tags) == (len(formats) - 1) * len(images), name
        for image in [*images, *tags]:
            check_offers(built, page, {"src": images[0]["src"], **image}, [16, 32, 64])
    assert holding(built.site_dir, "genimage-srcset") == []
    assert holding(built.site_dir, SECRET) == []


EXAMPLES = {
    "longer fence": f"````markdown\n{block('fox')}````\n",
    "indented": "Text\n\n" + behind("    ", block("fox")),
    "comment": f"<!--\n{block('fox')}-->\n",
    "html": '<img src="assets/genimage/x.png" genimage-srcset="x-480w.png 480w">\n',
    "source": '`<source sizes="a" srcset="b" type="image/webp"></source>`\n',
    "picture": '<picture><source srcset="../a.webp" type="image/webp"><img src="../a.png"></picture>\n',
}


def test_what_is_no_block_stays_as_it_is(bare: Site, api: ImagesServer) -> None:
    bare.write({f"docs/{name}.md": text for name, text in EXAMPLES.items()})
    bare.write({"docs/a.png": b"x", "docs/a.webp": b"x"})
    with_plugin = bare.build(site_dir=str(bare.root / "with"))
    bare.options = None
    without = bare.build(site_dir=str(bare.root / "without"))
    sheet = re.compile(r'\s*<link rel="stylesheet" href="[./]*assets/genimage/genimage.css">')
    for name in EXAMPLES:
        page = f"{name}/index.html"
        text, plain = (sheet.sub("", built.read(page)).split() for built in (with_plugin, without))
        assert text == plain, name
    assert api.calls == []


@pytest.mark.parametrize("formats", [WEBP, AVIF])
def test_blog(site: Site, api: ImagesServer, formats: list[str]) -> None:
    light(site, formats=formats)
    site.config = {
        "theme": "material",
        "site_url": SITE_URL,
        "markdown_extensions": ["pymdownx.superfences", "toc"],
    }
    site.before = ["search", {"blog": {"pagination_per_page": 2}}]
    api.reply = moody
    api.auto_size = "70x50"

    def post(day: int, name: str) -> str:
        return (
            f"---\ndate: 2025-0{day}-01\ncategories: [Red]\n---\n\n# Post {day}\n\nHello\n\n"
            + block(name, "size=auto")
            + "\n<details>\n"
            + block(f"{name} in HTML", f"width=20 dark={'none' if 'for' in name else 'night'}")
            + "</details>\n\n<!-- more -->\n\n"
            + block(f"late {name}")
        )

    site.write({"docs/index.md": "# Home", "docs/blog/index.md": "# Blog"})
    names = ["fox", "forbidden", "as gif"]
    site.write({f"docs/blog/posts/{i}.md": post(i, name) for i, name in enumerate(names, 1)})
    built = build_twice(site, api, warns=["refused by the moderation"])
    views = {
        "blog/index.html": ["as gif", "forbidden"],
        "blog/page/2/index.html": ["fox"],
        "blog/archive/2025/index.html": ["as gif", "forbidden"],
        "blog/category/red/index.html": ["as gif", "forbidden"],
        "blog/2025/01/01/post-1/index.html": ["fox"],
    }
    for page, animals in views.items():
        images = built.images(page)
        for animal in animals:
            (plain,) = [image for image in images if image["alt"] == f"A {animal}"]
            html = [image for image in images if image["alt"] == f"A {animal} in HTML"]
            assert len(html) == (1 if animal == "forbidden" else 2)
            if animal == "fox":
                check_offers(built, page, plain, [16, 32, 70])
            else:
                assert "srcset" not in plain
            for image in html:
                is_whole = "placeholder-" not in image["src"] and ".gif" not in image["src"]
                assert ("srcset" in image) == is_whole, page


class InnerRenderer(BasePlugin):
    """Renders a text within a page, as plugins for code output and API docs do."""

    def __init__(self, text: str) -> None:
        self.text = text

    def on_page_content(self, html: str, *, page: Any, config: Any, **_: Any) -> str:
        md = markdown.Markdown(
            extensions=config.markdown_extensions, extension_configs=config.mdx_configs
        )
        return html + md.convert(self.text)


@pytest.mark.parametrize("formats", [WEBP, AVIF])
def test_markdown_that_knows_no_page(bare: Site, api: ImagesServer, formats: list[str]) -> None:
    light(bare, formats=formats)
    api.auto_size = "70x50"
    text = block("inner", "size=auto dark=night") + f"<div>\n{block('raw')}</div>\n"
    bare.write({"docs/index.md": "# Home", "docs/sub/page.md": block("fox")})
    built = build_twice(bare, api, probes={"probe": InnerRenderer(text)})
    for page, count in (("index.html", 3), ("sub/page/index.html", 4)):
        images = built.images(page)
        assert len(images) == count
        widths = {"A inner": [16, 32, 70], "A raw": [16, 32, 64], "A fox": [16, 32, 64]}
        for image in images:
            check_offers(built, page, image, widths[image["alt"]])


# --- Pages that end up elsewhere ---


class Collector(BasePlugin):
    """Puts all pages into one, and puts their links and pictures right, as plugins for printing do."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.parts: list[str] = []

    def on_pre_build(self, **_: Any) -> None:
        self.parts.clear()

    @event_priority(-50)
    def on_page_content(self, html: str, **_: Any) -> None:
        self.parts.append(html)

    def _all(self, depth: int) -> str:
        new = "../" * depth + self.folder + "/"
        whole = "<title>All</title>" + "".join(self.parts)
        return re.sub(rf' src="[./]*{re.escape(self.folder)}/', f' src="{new}', whole)

    def on_post_page(self, output: str, *, page: Any, **_: Any) -> str:
        return self._all(2) if "all" in page.file.src_uri else output

    def on_post_build(self, *, config: Any) -> None:
        path = Path(config.site_dir, "deep/er/print", "index.html")
        path.parent.mkdir(parents=True)
        path.write_text(self._all(3), encoding="utf-8")


@pytest.mark.parametrize(
    "folder",
    [
        "assets/genimage",
        pytest.param(
            "my pictures",
            marks=pytest.mark.xfail(strict=True, reason="compared without its %20"),
        ),
    ],
)
@pytest.mark.parametrize("formats", [WEBP, AVIF])
def test_pages_that_are_put_into_one(
    bare: Site, api: ImagesServer, formats: list[str], folder: str
) -> None:
    light(bare, formats=formats, assets_dir=folder)
    api.auto_size = "70x50"
    bare.write(
        {
            "docs/index.md": block("fox", "size=auto"),
            "docs/a/b/c/deep.md": block("elk", "dark=night"),
            "docs/print/all.md": "# All",
        }
    )
    quoted = folder.replace(" ", "%20")
    built = build_twice(bare, api, probes={"probe": Collector(quoted)})
    for page in ("print/all/index.html", "deep/er/print/index.html"):
        tags = [tag for tag in built.tags(page, "img") if "alt" in tag]
        assert len(tags) == 3, page
        assert len(built.tags(page, "source")) == 3 * (len(formats) - 1)
        for tag in tags:
            check_offers(built, page, tag, [16, 32, 70 if "fox" in tag["alt"] else 64])


class SecondRendering(BasePlugin):
    """Renders all pages once more, when their pictures are there."""

    def on_env(self, env: Any, *, config: Any, files: Any) -> None:
        for file in files.documentation_pages():
            file.page.render(config, files)


def test_pages_that_are_rendered_once_more(bare: Site, api: ImagesServer) -> None:
    api.auto_size = "70x50"
    bare.write({"docs/index.md": block("fox", "size=auto dark=night"), "docs/b.md": block("elk")})
    built = build_twice(bare, api, probes={"probe": SecondRendering()})
    for image in built.images("index.html"):
        check_offers(built, "index.html", image, [16, 32, 70])


class LateRenderer(BasePlugin):
    """Renders a text when files are copied already."""

    def on_post_page(self, output: str, *, config: Any, **_: Any) -> str:
        md = markdown.Markdown(
            extensions=config.markdown_extensions, extension_configs=config.mdx_configs
        )
        return output + md.convert(block("fox"))


def test_a_picture_that_is_wanted_when_files_are_copied(bare: Site, api: ImagesServer) -> None:
    bare.write({"docs/index.md": block("fox")})
    light(bare, widths=[], formats=[])
    bare.build()
    bare.write({"docs/index.md": "# No block"})
    light(bare)
    built = bare.build(probes={"probe": LateRenderer()})
    (image,) = built.images("index.html")
    check_offers(built, "index.html", image, [16, 32, 64])
    assert broken_links(built.site_dir) == []


# --- Options that cannot be ---


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
        ("formats", ["jpeg"], "'formats': is ['jpeg']. Allowed: a list of webp and avif"),
        ("formats", "web", "like [webp]."),
        ("formats", [1], "Allowed: a list of webp and avif"),
        ("formats", [["webp"]], "Allowed: a list of webp and avif"),
        ("formats", {"webp": 80}, "Allowed: a list of webp and avif"),
        (
            "sizes",
            '100vw" onload="x',
            "'sizes': is '100vw\" onload=\"x'. Allowed: what HTML's 'sizes'",
        ),
        ("sizes", ["100vw"], "'sizes': is a list. Allowed: a text."),
        ("disclosure", "badge", "'disclosure': Expected one of"),
        ("disclosure", True, "'disclosure': Expected one of"),
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
