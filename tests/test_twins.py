"""Pictures with a second one for dark mode: requests, money, pages, and where one of the two is missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from api_server import Reply, error_body
from beside import fetch
from cli_runs import genimage
from links import broken_links
from pictures import picture
from sites import Build, Site, differences, fence

from mkdocs_genimage.deriving import can_write
from mkdocs_genimage.entries import EDITED

if TYPE_CHECKING:
    from api_call import Call
    from api_server import ImagesServer

EDITS = "/v1/images/edits"
GENERATIONS = "/v1/images/generations"
PAGE = "docs/index.md"

needs_avif = pytest.mark.skipif(bool(can_write("avif")), reason=can_write("avif"))


@pytest.fixture
def site(site: Site) -> Site:
    site.use_bare_theme()
    # A model that no rule knows, as the known ones make no pictures this small.
    site.options |= {"model": "small-pictures", "defaults": {"size": "64x48"}, "max_images": 0}
    return site


def block(prompt: str, dark: str = "At night", **more: Any) -> str:
    """A block whose options have a line each; that of `dark` is the third below its opening line."""
    options = {"prompt": prompt, "alt": prompt, "dark": dark, **more}
    return fence("\n".join(f"{name}: {value}" for name, value in options.items()))


DARK_LINE = 3


def write(site: Site, *blocks: str) -> None:
    site.write({PAGE: "# T\n\n" + "\n".join(blocks)})


def line_of(site: Site, text: str) -> int:
    lines = (site.root / PAGE).read_text(encoding="utf-8").split("\n")
    return next(number for number, line in enumerate(lines, 1) if text in line)


def prompts(api: ImagesServer) -> list[str]:
    return [call.fields["prompt"] for call in api.posts]


def shown(built: Build, page: str = "index.html") -> list[tuple[str, str]]:
    """Which picture stands where: `(light, a-fox)`, `(dark, dark-a-fox)`, `(, a-hen)`."""
    return [
        (
            re.sub(r"genimage-(light|dark)?(placeholder)?", r"\1", image.get("class", "")).strip(),
            re.sub(r"-[0-9a-f]{12}(-\d+)?\.\w+(#.*)?$", r"\1", image["src"].rpartition("/")[2]),
        )
        for image in built.images(page)
    ]


def build_twice(site: Site, api: ImagesServer, **more: Any) -> Build:
    before = site.build(**more).files()
    asked = len(api.posts)
    warm = site.build(**more)
    assert differences(before, warm.files()) == []
    assert len(api.posts) == asked
    assert broken_links(warm.site_dir) == []
    return warm


def refusing(*words: str) -> Any:
    """A server that refuses prompts with one of the words."""

    def reply(call: Call) -> Reply | None:
        if any(word in call.fields["prompt"] for word in words):
            return Reply(status=400, body=error_body("No.", "moderation_blocked"))
        return None

    return reply


# --- What is sent ---


def test_a_twin_is_an_edit_of_exactly_the_first_picture(site: Site, api: ImagesServer) -> None:
    site.options["styles"] = {"ink": "Ink. {prompt}"}
    write(site, block("A fox", style="ink", size="80x60", quality="low", output_format="webp"))
    built = build_twice(site, api)
    light, dark = api.posts
    assert light.path == GENERATIONS
    assert light.fields["prompt"] == "Ink. A fox"
    assert dark.path == EDITS
    # The first picture has the style already.
    assert dark.fields == {
        "prompt": "At night",
        "model": "small-pictures",
        "size": "80x60",
        "quality": "low",
        "output_format": "webp",
    }
    (part,) = dark.files
    (name,) = [name for name in site.cached(".webp") if not name.startswith("dark-")]
    assert part.data == (site.cache / name).read_bytes()
    assert part.name == "image[]"
    assert shown(built) == [("light", "a-fox"), ("dark", "dark-a-fox")]


def test_the_second_is_sent_after_the_first(site: Site, api: ImagesServer) -> None:
    api.latency = lambda call: 0.1 if call.path == GENERATIONS else 0.0
    write(site, *(block(f"Fox {i}") for i in range(5)))
    built = site.build(strict=True)
    assert len(api.posts) == 10
    answered: set[bytes] = set()
    for call in api.posts:
        if call.path == GENERATIONS:
            answered.add(picture(f"{call.fields['prompt']}#0", "64x48"))
        else:
            assert call.files[0].data in answered
    assert built.summary == "10 images: 0 from the cache, 10 generated, 0 failed"


def test_options_that_are_the_first_pictures_own(site: Site, api: ImagesServer) -> None:
    """What it is made from, how often and which one is shown is not the twin's affair."""
    site.write(
        {
            "docs/own.png": picture("own", "64x48"),
            "docs/mask.png": picture("m", "64x48", alpha=True),
        }
    )
    write(
        site,
        block(
            "A fox", image="own.png", mask="mask.png", mask_mode="alpha", n=2, pick=2,
            revision=3, input_fidelity="high", extra="{seed: 7}",
        ),
    )  # fmt: skip
    built = build_twice(site, api)
    light, dark = api.posts
    assert [part.name for part in light.files] == ["image[]", "mask"]
    assert light.fields["n"] == "2"
    second = picture("A fox#1", "64x48")
    assert [part.data for part in dark.files] == [second]
    assert "n" not in dark.fields
    assert dark.fields["seed"] == "7"
    assert dark.fields["input_fidelity"] == "high"
    assert shown(built) == [("light", "a-fox-2"), ("dark", "dark-a-fox")]


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({}, []),
        ({"alt": "B", "caption": "C", "width": "30", "id": "x", "link": "original"}, []),
        ({"dark": "At dusk"}, ["At dusk"]),
        ({"prompt": "A red fox"}, ["A red fox", "At night"]),
        ({"revision": "1"}, ["A fox", "At night"]),
        ({"quality": "low"}, ["A fox", "At night"]),
        ({"dark": "none"}, []),
        ({"pick": "1"}, []),
        ({"n": "2"}, ["A fox"]),
        ({"n": "2", "pick": "2"}, ["A fox", "At night"]),
    ],
    ids=str,
)
def test_what_is_asked_for_after_a_change(
    site: Site, api: ImagesServer, change: dict[str, str], asked: list[str]
) -> None:
    options = {"prompt": "A fox", "dark": "At night"}
    write(site, block(**options))
    site.build(strict=True)
    write(site, block(**{**options, **change}))
    build_twice(site, api, strict=True)
    assert prompts(api)[2:] == asked


def test_sizes_that_the_server_chooses(site: Site, api: ImagesServer) -> None:
    site.options |= {"widths": [16, 32], "formats": ["webp"]}
    api.auto_size = "70x50"
    api.reply = lambda call: Reply(size="48x40") if call.path == EDITS else None
    write(site, block("A fox", size="auto"))
    built = build_twice(site, api)
    light, dark = built.images("index.html")
    assert (light["width"], light["height"]) == ("70", "50")
    assert (dark["width"], dark["height"]) == ("48", "40")
    assert light["srcset"].endswith("-70w.webp 70w")
    assert dark["srcset"].endswith("-48w.webp 48w")


# --- Which blocks have one ---


def test_where_dark_may_stand(site: Site, api: ImagesServer) -> None:
    site.options["styles"] = {"ink": {"prompt": "Ink. {prompt}", "dark": "Inverted"}}
    site.write(
        {
            "docs/header.md": fence("One", 'alt=x dark="by moonlight"'),
            "docs/front.md": "---\ngenimage: {dark: At dawn}\n---\n\n"
            + fence("Two", "alt=x")
            + fence("Three", "alt=x dark=none"),
            "docs/style.md": fence("Four", "alt=x style=ink") + fence("Five", "alt=x"),
        }
    )
    built = build_twice(site, api)
    assert sorted(prompts(api)) == sorted(
        ["One", "by moonlight", "Two", "At dawn", "Three", "Ink. Four", "Inverted", "Five"]
    )
    assert shown(built, "front/index.html") == [
        ("light", "two"),
        ("dark", "dark-two"),
        ("", "three"),
    ]
    assert shown(built, "style/index.html") == [
        ("light", "four"),
        ("dark", "dark-four"),
        ("", "five"),
    ]


def test_a_default_and_a_block_without(site: Site, api: ImagesServer) -> None:
    site.options["defaults"] = {"size": "64x48", "dark": "At night"}
    write(site, fence("A fox", "alt=x"), fence("A hen", "alt=x dark=none"), block("An elk", "Dusk"))
    built = build_twice(site, api)
    assert sorted(prompts(api)) == ["A fox", "A hen", "An elk", "At night", "Dusk"]
    assert [place for place, _ in shown(built)] == ["light", "dark", "", "light", "dark"]


def test_two_blocks_with_one_picture_and_different_nights(site: Site, api: ImagesServer) -> None:
    write(site, block("A fox"), block("A fox", "At dusk"), block("A fox", "none"), block("A fox"))
    built = build_twice(site, api)
    assert prompts(api).count("A fox") == 1
    assert sorted(prompts(api)[1:]) == ["At dusk", "At night"]
    sources = [image["src"] for image in built.images("index.html")]
    assert len(sources) == 7
    assert len(set(sources)) == 3
    assert sources[0] == sources[2] == sources[4] == sources[5]
    assert sources[1] == sources[6] != sources[3]


def test_every_variant_has_a_twin_where_all_are_shown(site: Site, api: ImagesServer) -> None:
    write(site, block("A fox", n=3, pick="all", caption="Foxes"))
    built = build_twice(site, api)
    assert prompts(api) == ["A fox", "At night", "At night", "At night"]
    sent = [call.files[0].data for call in api.posts[1:]]
    assert sorted(sent) == sorted(picture(f"A fox#{i}", "64x48") for i in range(3))
    assert [place for place, _ in shown(built)] == ["light", "dark"] * 3
    names = [name for place, name in shown(built) if place == "light"]
    assert names == ["a-fox", "a-fox-2", "a-fox-3"]
    # Each stands beside the one that is made from it.
    by_bytes = {call.files[0].data: call for call in api.posts[1:]}
    images = built.images("index.html")
    answers = {picture(f"{call.fields['prompt']}#0", "64x48") for call in by_bytes.values()}
    assert {fetch(built, "index.html", image["src"]) for image in images[1::2]} == answers


def test_a_picture_that_is_an_edit_itself(site: Site, api: ImagesServer) -> None:
    site.write({"docs/own.png": picture("own", "64x48")})
    write(site, block("In snow", image="own.png"))
    built = build_twice(site, api)
    assert [call.path for call in api.posts] == [EDITS, EDITS]
    assert api.posts[1].files[0].data == picture("In snow#0", "64x48")
    assert all(image["data-ai-generated"] == "true" for image in built.images("index.html"))


def test_a_picture_that_is_made_from_a_block_with_a_twin(site: Site, api: ImagesServer) -> None:
    """It is made from the first, not from the one for dark mode."""
    write(site, block("A fox", id="fox"), block("In snow", "none", image='"#fox"'))
    built = build_twice(site, api)
    (snow,) = [call for call in api.posts if call.fields["prompt"] == "In snow"]
    assert [part.data for part in snow.files] == [picture("A fox#0", "64x48")]
    assert [place for place, _ in shown(built)] == ["light", "dark", ""]


def test_an_edit_of_a_block_with_a_twin_of_its_own(site: Site, api: ImagesServer) -> None:
    write(site, block("A fox", id="fox"), block("In snow", image='"#fox"'))
    build_twice(site, api)
    assert prompts(api).count("At night") == 2
    sent = {call.files[0].data for call in api.posts if call.fields["prompt"] == "At night"}
    assert sent == {picture("A fox#0", "64x48"), picture("In snow#0", "64x48")}


def test_a_picture_of_the_authors_own(site: Site, api: ImagesServer) -> None:
    mine = picture("mine", "64x48")
    site.write({"mine.png": mine})
    write(site, block("A fox"))
    genimage(site, "adopt", f"{PAGE}:3", str(site.root / "mine.png")).ended()
    built = build_twice(site, api)
    (call,) = api.posts
    assert call.files[0].data == mine
    light, dark = built.images("index.html")
    assert fetch(built, "index.html", light["src"]) == mine
    assert "data-ai-generated" not in light
    assert dark["data-ai-generated"] == "true"


def test_a_stale_picture_keeps_its_twin(site: Site, api: ImagesServer) -> None:
    write(site, block("A fox"))
    site.build(strict=True)
    site.options["model"] = "other-pictures"
    built = site.build(strict=True)
    assert len(api.posts) == 2
    assert any("2 of the pictures were made by another" in text for text in built.messages(20))
    write(site, block("A fox", "At dusk"))
    site.build(strict=True)
    (call,) = api.posts[2:]
    assert call.fields["model"] == "other-pictures"
    assert call.files[0].data == picture("A fox#0", "64x48")


def test_what_its_sidecar_says(site: Site, api: ImagesServer) -> None:
    site.options |= {"widths": [16], "formats": ["webp"]}
    write(site, block("A fox"))
    built = site.build(strict=True)
    kinds = {
        name.rpartition("/")[2].startswith("dark-"): EDITED.encode() in data
        for name, data in built.files().items()
        if name.endswith("-16w.webp")
    }
    # What is made from other pictures says so, also in its smaller files.
    assert kinds == {False: False, True: True}


# --- How they stand on a page ---


@pytest.mark.parametrize("formats", [["webp"], pytest.param(["avif", "webp"], marks=needs_avif)])
def test_captions_links_and_alt_texts(site: Site, api: ImagesServer, formats: list[str]) -> None:
    site.options |= {"widths": [16, 32], "formats": formats}
    write(
        site,
        block("A fox", caption="The *fox*", link="other.md", title="T", id="fox", width="30"),
        block("A hen", link="original", align="left"),
        fence("prompt: An elk\ndark: At night\ndecorative: true"),
        block("A gnu", loading="eager"),
    )
    site.write({"docs/other.md": "# Other"})
    built = build_twice(site, api)
    images = built.images("index.html")
    assert [place for place, _ in shown(built)] == ["light", "dark"] * 4
    for light, dark in zip(images[0::2], images[1::2], strict=True):
        for name in ("alt", "title", "width", "height"):
            assert light.get(name) == dark.get(name)
        assert (light["data-gallery"], dark["data-gallery"]) == ("light", "dark")
        # What is hidden is fetched otherwise, too.
        assert dark["loading"] == "lazy"
    assert images[6]["loading"] == "eager"
    assert images[4]["alt"] == ""
    links = [link["href"] for link in built.tags("index.html", "a")]
    originals = [image["src"] for image in images[2:4]]
    assert links == ["other/", *originals]
    html = built.read("index.html")
    assert html.count("<figcaption>") == 1
    assert html.count('id="fox"') == 1
    for source in built.tags("index.html", "source"):
        assert source["type"] == "image/avif"


@pytest.mark.parametrize("theme", ["material", "mkdocs", "readthedocs"])
def test_who_switches(site: Site, api: ImagesServer, theme: str) -> None:
    """Material does, by the end of an address; elsewhere the stylesheet does."""
    site.config["theme"] = theme
    write(site, block("A fox", link="original"))
    built = build_twice(site, api)
    light, dark = built.images("index.html")
    ends = [image["src"].partition("#")[2] for image in (light, dark)]
    assert ends == (["only-light", "only-dark"] if theme == "material" else ["", ""])
    hrefs = [link.get("href", "") for link in built.tags("index.html", "a")]
    pictures = [href for href in hrefs if "assets/genimage" in href]
    assert pictures == [image["src"].partition("#")[0] for image in (light, dark)]
    sheet = built.read("assets/genimage/genimage.css")
    assert "genimage-dark" in sheet
    assert "genimage-light" in sheet


def test_a_twin_on_many_pages_is_one(site: Site, api: ImagesServer) -> None:
    site.write({f"docs/p{i}.md": block("A fox", caption=f"C {i}") for i in range(10)})
    built = build_twice(site, api)
    assert prompts(api) == ["A fox", "At night"]
    assert [shown(built, f"p{i}/index.html")[1][0] for i in range(10)] == ["dark"] * 10


# --- Where one of the two is missing ---


def test_the_second_is_refused(site: Site, api: ImagesServer) -> None:
    site.options |= {"widths": [16], "formats": ["webp"]}
    api.reply = refusing("night")
    write(site, block("A fox"), block("A hen", "At dusk"))
    built = site.build(warns=["refused by the moderation"])
    (text,) = built.warnings
    assert text.startswith(f"{PAGE}:{3 + DARK_LINE}: no picture for dark mode: ")
    before = built.files()
    assert shown(built) == [
        ("light", "a-fox"),
        ("dark", "a-fox"),  # the first is better than none
        ("light", "a-hen"),
        ("dark", "dark-a-hen"),
    ]
    warm = site.build(warns=["refused by the moderation"])
    (text,) = warm.warnings
    assert text.startswith(f"{PAGE}:{3 + DARK_LINE}: ")
    assert "so it is not sent again" in text
    assert differences(before, warm.files()) == []
    assert len(api.posts) == 4
    assert broken_links(warm.site_dir) == []
    assert "placeholder-" not in warm.read("index.html")


def test_the_second_fails(site: Site, api: ImagesServer) -> None:
    api.reply = lambda call: (
        Reply(status=500, body=error_body("Oh")) if call.path == EDITS else None
    )
    write(site, block("A fox"))
    built = site.build(warns=["may have been billed"])
    (text,) = built.warnings
    assert text.startswith(f"{PAGE}:{3 + DARK_LINE}: no picture for dark mode: ")
    assert shown(built) == [("light", "a-fox"), ("dark", "a-fox")]
    api.reply = None
    built = build_twice(site, api, strict=True)
    assert prompts(api) == ["A fox", "At night", "At night"]
    assert shown(built) == [("light", "a-fox"), ("dark", "dark-a-fox")]


def test_the_first_is_refused(site: Site, api: ImagesServer) -> None:
    api.reply = refusing("fox")
    write(site, block("A fox"))
    built = site.build(warns=["refused by the moderation"])
    (text,) = built.warnings
    assert text.startswith(f"{PAGE}:3: no picture: ")
    assert prompts(api) == ["A fox"], "nothing is sent for the second"
    assert shown(built) == [("light", "placeholder-a-fox"), ("dark", "placeholder-dark-a-fox")]


def test_the_first_is_known_to_be_refused(site: Site, api: ImagesServer) -> None:
    api.reply = refusing("fox")
    write(site, block("A fox"))
    before = site.build(warns=["refused by the moderation"]).files()
    warm = site.build(warns=["so it is not sent again"])
    (text,) = warm.warnings
    assert text.startswith(f"{PAGE}:3: ")
    assert differences(before, warm.files()) == []
    assert prompts(api) == ["A fox"]


def test_a_limit_between_the_two(site: Site, api: ImagesServer) -> None:
    site.options["max_images"] = 1
    write(site, block("A fox"))
    built = site.build(warns=["'max_images: 1' is reached"])
    (text,) = built.warnings
    assert text.startswith("1 picture is missing: ")
    assert "'max_images: 2'" in text
    assert text.endswith(f"Blocks: {PAGE}:{3 + DARK_LINE}")
    assert prompts(api) == ["A fox"]
    assert shown(built) == [("light", "a-fox"), ("dark", "a-fox")]
    # What is made is kept: the next build comes further.
    build_twice(site, api, strict=True)
    assert prompts(api) == ["A fox", "At night"]


@pytest.mark.parametrize(
    "limit", [{"max_images": 1}, {"max_cost": 0.05, "pricing": {"per_image": 0.04}}]
)
def test_a_limit_before_the_two(site: Site, api: ImagesServer, limit: dict[str, Any]) -> None:
    """What it says would be enough is enough."""
    site.options |= {**limit, "concurrency": 1}
    write(site, fence("A hen", "alt=x"), block("A fox"))
    built = site.build(warns=["2 pictures are missing: "])
    (text,) = built.warnings
    match = re.search(r"'(max_\w+): ([\d.]+)'", text.partition("Set ")[2])
    assert match
    site.options[match[1]] = float(match[2]) if "." in match[2] else int(match[2])
    for path in site.cache.iterdir():
        if path.is_file():
            path.unlink()
    site.build(strict=True)


def test_money(site: Site, api: ImagesServer) -> None:
    """Both pictures are priced and count."""
    site.options |= {"pricing": {"per_image": 0.04}, "max_cost": 0.1, "concurrency": 1}
    write(site, block("A fox"), block("A hen"))
    built = site.build(warns=["'max_cost: 0.10' would be passed"])
    assert len(api.posts) == 2
    assert "$0.08 spent" in built.summary
    built = site.build(strict=True)
    assert len(api.posts) == 4
    assert "$0.08 spent" in built.summary


def test_estimate_of_a_plan(site: Site, api: ImagesServer) -> None:
    site.options["pricing"] = {"per_image": 0.04}
    write(site, block("A fox"), block("A hen", "none"))
    planned = genimage(site, "plan").ended()
    assert "$0.12" in planned.output
    assert api.calls == []


@pytest.mark.parametrize("policy", ["placeholder", "error"])
def test_placeholders_for_both(site: Site, api: ImagesServer, policy: str) -> None:
    site.options["missing"] = policy
    write(site, block("A fox"))
    if policy == "error":
        built = site.build(fails=True, warns=["'missing: error' is set"])
        for line in (3, 3 + DARK_LINE):
            assert f"{PAGE}:{line}: the picture is not in genimage/." in built.output
    else:
        built = site.build(strict=True)
        assert shown(built) == [("light", "placeholder-a-fox"), ("dark", "placeholder-dark-a-fox")]
        for image in built.images("index.html"):
            assert "genimage-placeholder" in image["class"]
    assert api.calls == []


@pytest.mark.parametrize("command", ["build", "serve"])
def test_a_placeholder_for_the_second(site: Site, api: ImagesServer, command: Any) -> None:
    write(site, block("A fox", "none"))
    site.build(strict=True)
    site.options["missing"] = "placeholder"
    write(site, block("A fox"))
    built = site.build(strict=True, command=command)
    assert shown(built) == [("light", "a-fox"), ("dark", "a-fox")]
    assert "1 shown as placeholder" in built.summary
    assert len(api.posts) == 1


def test_only_the_second_is_left(site: Site, api: ImagesServer) -> None:
    """The first was deleted and cannot be made again: its twin still is what it was."""
    write(site, block("A fox"))
    site.build(strict=True)
    for name in site.cached():
        if name.startswith("a-fox"):
            (site.cache / name).unlink()
    api.reply = refusing("fox")
    warns = ["refused by the moderation"]
    built = build_twice(site, api, warns=warns)
    assert shown(built) == [("light", "placeholder-a-fox"), ("dark", "dark-a-fox")]
    assert prompts(api)[2:] == ["A fox"]


# --- What cannot have one ---


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"server": "localai"}, "LocalAI cannot edit pictures."),
        ({"server": "google"}, "the Gemini API cannot edit pictures."),
    ],
)
def test_servers_that_edit_nothing(
    site: Site, api: ImagesServer, options: dict[str, str], reason: str
) -> None:
    site.options |= options
    write(site, block("A fox"))
    built = site.build(warns=[reason])
    (text,) = built.warnings
    assert text.startswith(f"{PAGE}:{3 + DARK_LINE}: 'dark' edits the first picture, which cannot")
    assert reason in text
    assert text.endswith("Remove 'dark', or set 'dark: none'.")
    assert [call.path for call in api.posts if call.path == EDITS] == []


@pytest.mark.parametrize("spread", ["block", "default"])
def test_the_first_is_shown_where_nothing_can_be_edited(
    site: Site, api: ImagesServer, spread: str
) -> None:
    site.options["server"] = "localai"
    if spread == "default":
        site.options["defaults"] = {"size": "64x48", "dark": "At night"}
        write(site, fence("A fox", "alt=x"))
    else:
        write(site, block("A fox"))
    built = build_twice(site, api, warns=["LocalAI cannot edit pictures."])
    assert [name for _, name in shown(built)] == ["a-fox"]
    assert prompts(api) == ["A fox"]


@pytest.mark.parametrize("form", ["gif", "svg"])
def test_formats_that_cannot_be_edited(site: Site, api: ImagesServer, form: str) -> None:
    write(site, block("A fox", output_format=form))
    built = site.build(warns=["'dark' edits the picture"])
    (text,) = built.warnings
    assert text.startswith(
        f"{PAGE}:{3 + DARK_LINE}: 'dark' edits the picture, which cannot be done"
    )
    assert f"'output_format: {form}'" in text
    assert api.calls == []


def test_formats_that_cannot_be_edited_against_a_default(site: Site, api: ImagesServer) -> None:
    site.options["defaults"] = {"size": "64x48", "dark": "At night"}
    write(site, fence("A fox", "alt=x output_format=gif"))
    built = build_twice(site, api, strict=True)
    assert shown(built) == [("", "a-fox")]


def test_what_is_wrong_with_the_second_is_told_at_its_line(site: Site, api: ImagesServer) -> None:
    write(site, block("A fox", '""'), block("A hen", "x" * 32_001))
    built = site.build(warns=["'dark' cannot be"])
    lines = [int(text.split(":")[1]) for text in built.warnings]
    assert lines == [3 + DARK_LINE, line_of(site, "prompt: A hen") - 1 + DARK_LINE]
    assert api.calls == []


def test_a_picture_without_alt_text_is_told_once(site: Site, api: ImagesServer) -> None:
    write(site, fence("A fox. And more.", "dark=night"))
    built = site.build(strict=True)
    assert len([text for text in built.messages(20) if "has no 'alt'" in text]) == 1
    assert [image["alt"] for image in built.images("index.html")] == ["A fox."] * 2
