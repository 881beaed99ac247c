"""Smaller files between builds: what is kept and made again, and what happens where none can be made."""

from __future__ import annotations

import io
import logging
import re
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from beside import SITE_URL, fetch, measure
from cli_runs import genimage
from light_sites import (
    AVIF,
    OWN,
    WEBP,
    block,
    build_twice,
    candidates,
    check_offers,
    check_whole,
    derived,
    light,
    published,
)
from links import broken_links
from pictures import picture
from PIL import Image
from sites import Site, differences, tree

from mkdocs_genimage.derived import FOLDER
from mkdocs_genimage.light import SOCIAL_WIDTH

if TYPE_CHECKING:
    from api_server import ImagesServer


@pytest.fixture
def bare(bare: Site) -> Site:
    return light(bare)


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


def turned() -> bytes:
    """A picture of 64x32 pixels that says that it is to be shown turned, as phones take them."""
    exif = Image.Exif()
    exif[0x112] = 6
    out = io.BytesIO()
    Image.new("RGB", (64, 32), "teal").save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_a_picture_that_is_shown_turned(bare: Site, api: ImagesServer) -> None:
    bare.write({"docs/index.md": block("fox", "size=auto"), "mine.jpg": turned()})
    genimage(bare, "adopt", "docs/index.md:1", str(bare.root / "mine.jpg")).ended()
    built = build_twice(bare, api)
    (image,) = built.images("index.html")
    assert (image["width"], image["height"]) == ("32", "64")
    offers = candidates(built, "index.html", image)
    assert [measure(data)[0] for data in offers.values()] == list(offers)


@pytest.mark.parametrize("formats", [WEBP, AVIF, OWN])
@pytest.mark.parametrize(
    "before",
    [
        "<!-- todo: use <picture> here -->",
        '<picture><source srcset="own.webp"><img src="own.png" alt="a">',
        "<img alt='5\" of snow' src='own.png'>",
        "<p>6\" of snow <img src=own.png alt=it's></p>",
    ],
    ids=["comment", "unclosed", "quotes", "no quotes"],
)
def test_what_authors_write_before_pictures(
    bare: Site, api: ImagesServer, formats: list[str], before: str
) -> None:
    """Also where a picture turns out otherwise than expected."""
    light(bare, formats=formats)
    own = {f"docs/own.{form}": picture("own", "9x9", form) for form in ("png", "webp")}
    text = f"# T\n\n{before}\n\n{block('fox', 'size=auto')}\n7\" of text, it's **bold**\n\n"
    bare.write({"docs/index.md": text + block("elk", "dark=night"), **own})
    built = build_twice(bare, api)
    html = built.read("index.html")
    assert before in html
    assert "<p>7\" of text, it's <strong>bold</strong></p>" in html
    check_whole(built)
    # As a build that knows all its pictures writes a page without it.
    bare.write({"docs/index.md": text.replace(before, "") + block("elk", "dark=night")})
    figures = [
        found.split('<p class="genimage">')[1:] for found in (html, bare.build().read("index.html"))
    ]
    assert figures[0] == figures[1]


@pytest.mark.parametrize("folder", ["docs/pictures", "docs/assets/genimage"])
def test_a_cache_among_the_docs(bare: Site, api: ImagesServer, folder: str) -> None:
    light(bare, cache_dir=folder)
    bare.write({"docs/index.md": block("fox")})
    before = bare.build(strict=True).files()
    asked = len(api.posts)
    built = bare.build(strict=True)
    assert differences(before, built.files()) == []
    assert len(api.posts) == asked
    made = [name for name in built.files() if name.endswith(".webp")]
    assert len(made) == 3
    assert all(name.startswith("assets/genimage/a-fox-") for name in made)


# --- Where they cannot be made ---


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


@pytest.fixture
def unwritable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Pillow that can write nothing."""
    from mkdocs_genimage import deriving

    monkeypatch.setattr(deriving, "can_write", lambda form: f"no {form} here")


def test_equal_pictures_of_which_no_smaller_files_can_be_made(
    bare: Site, api: ImagesServer, unwritable: None
) -> None:
    """Their smaller files are the same, under two names."""
    data = picture("mine", "64x48")
    bare.write({"docs/index.md": block("fox") + block("elk"), "mine.png": data})
    for line in (1, 5):
        genimage(bare, "adopt", f"docs/index.md:{line}", str(bare.root / "mine.png")).ended()
    for _ in range(2):
        built = bare.build(warns=["genimage/a-fox-", "genimage/a-elk-"])
        assert len(built.warnings) == 2
        assert all("no webp here" in text for text in built.warnings)
        check_whole(built)
        assert len(published(built)) == 6
        assert {built.files()[name] for name in published(built)} == {data}
    assert api.calls == []


def test_a_hero_of_which_no_smaller_files_can_be_made(
    bare: Site, api: ImagesServer, unwritable: None
) -> None:
    """Of one width, the smaller file is the one for other sites, too."""
    bare.config["site_url"] = SITE_URL
    light(bare, widths=[SOCIAL_WIDTH], formats=[])
    hero = "{prompt: A hero, show: true, size: 1536x1024, output_format: jpeg}"
    bare.write({"docs/index.md": f"---\ngenimage:\n  hero: {hero}\n---\n\n# H\n"})
    for _ in range(2):
        built = bare.build(warns=["no jpeg here"])
        assert len(built.warnings) == 1
        check_whole(built)
        (image,) = built.images("index.html")
        (name,) = published(built)
        assert built.files()[name] == fetch(built, "index.html", image["src"])
        assert "og:image" not in built.read("index.html")
    assert len(api.posts) == 1


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
