"""Pictures made from pictures: files, and other blocks of the page, which are made first."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from pictures import picture
from PIL import Image
from readme_tables import README
from sites import Build, differences, fence

if TYPE_CHECKING:
    from api_call import Call
    from api_server import ImagesServer
    from sites import Site

EDITS = "/v1/images/edits"
GENERATIONS = "/v1/images/generations"
HERO = fence("A harbour at noon", '#hero size=64x48 alt="A harbour"')


@pytest.fixture
def site(site: Site) -> Site:
    site.use_bare_theme()
    return site


def edit(prompt: str, image: str, more: str = "") -> str:
    return fence(f"prompt: {prompt}\nimage: {image}\nsize: 64x48\nalt: x\n{more}".rstrip())


def write(site: Site, *blocks: str) -> None:
    site.write({"docs/index.md": "# T\n\n" + "\n".join(blocks)})


def prompts(api: ImagesServer) -> list[str]:
    return [call.fields["prompt"] for call in api.posts]


def call_of(api: ImagesServer, prompt: str) -> Call:
    (call,) = [call for call in api.posts if call.fields["prompt"] == prompt]
    return call


def stored(site: Site, start: str) -> bytes:
    """The picture in the cache whose name begins so."""
    (name,) = [n for n in site.cached() if n.startswith(start) and not n.endswith(".json")]
    return (site.cache / name).read_bytes()


def line_of(site: Site, text: str, page: str = "docs/index.md") -> int:
    """The line of a page's file that a text stands in."""
    lines = (site.root / page).read_text(encoding="utf-8").split("\n")
    (number,) = [number for number, line in enumerate(lines, 1) if text in line]
    return number


def warm(site: Site, api: ImagesServer, cold: Build) -> None:
    """One more build sends nothing and makes the same site."""
    before, asked = cold.files(), len(api.posts)
    again = site.build()
    assert len(api.posts) == asked
    assert differences(before, again.files()) == []


# --- Of files -----------------------------------------------------------------------------------


def test_fields_and_files_of_an_edit(site: Site, api: ImagesServer) -> None:
    png, jpeg = picture("a", "64x48"), picture("b", "32x32", "jpeg")
    webp, mask = picture("c", "32x32", "webp"), picture("m", "64x48", alpha=True)
    site.write(
        {"docs/a.png": png, "docs/b.jpg": jpeg, "docs/pics/c ü.webp": webp, "docs/m.png": mask}
    )
    write(
        site,
        fence(
            "prompt: |\n  A boat ä on\n  the water\nimage: [a.png, b.jpg, pics/c ü.webp]\nmask: m.png\n"
            "size: 64x48\nquality: low\nbackground: opaque\noutput_format: webp\n"
            "output_compression: 80\nn: 2\nalt: x\nextra: {user: docs, seed: 7}"
        ),
    )
    cold = site.build()
    (call,) = api.posts
    assert call.path == EDITS
    assert call.fields == {
        "prompt": "A boat ä on\nthe water",
        "model": "gpt-image-2",
        "size": "64x48",
        "quality": "low",
        "background": "opaque",
        "output_format": "webp",
        "output_compression": "80",
        "n": "2",
        "user": "docs",
        "seed": "7",
    }
    assert [(part.name, part.mime, part.data) for part in call.files] == [
        ("image[]", "image/png", png),
        ("image[]", "image/jpeg", jpeg),
        ("image[]", "image/webp", webp),
        ("mask", "image/png", mask),
    ]
    assert [part.filename for part in call.files][:2] == ["a.png", "b.jpg"]
    assert cold.summary.startswith("2 images: 0 from the cache, 2 generated, 0 failed")
    assert len(site.cached(".webp")) == 2
    warm(site, api, cold)


def test_sixteen_pictures(site: Site, api: ImagesServer) -> None:
    files = {f"docs/pics/{i:02}.png": picture(f"p{i}", "16x16") for i in range(17)}
    site.write(files)
    names = [name.removeprefix("docs/") for name in files]
    write(site, edit("A collage", f"[{', '.join(names[:16])}]"))
    cold = site.build()
    (call,) = api.posts
    assert [part.name for part in call.files] == ["image[]"] * 16
    assert [part.data for part in call.files] == list(files.values())[:16]
    warm(site, api, cold)
    write(site, edit("A collage", f"[{', '.join(names)}]"))
    site.build(warns=["docs/index.md:5: 'image' cannot be"])
    assert len(api.posts) == 1


def test_files_beside_the_page_come_before_docs_dir(site: Site, api: ImagesServer) -> None:
    near, far, only = (picture(word, "16x16") for word in ("near", "far", "only"))
    site.write(
        {
            "docs/guide/pic.png": near,
            "docs/pic.png": far,
            "docs/only.png": only,
            "docs/index.md": edit("One", "pic.png"),
            "docs/guide/a.md": edit("Two", "pic.png") + "\n" + edit("Three", "only.png"),
            "docs/guide/b.md": edit("Four", "../pic.png"),
        }
    )
    site.build()
    sent = {call.fields["prompt"]: call.files[0].data for call in api.posts}
    assert sent == {"One": far, "Two": near, "Three": only, "Four": far}


@pytest.mark.parametrize("path", ["gone.png", "../../outside.png", "words.png", "/etc/hostname"])
def test_files_that_cannot_be_used(site: Site, api: ImagesServer, path: str) -> None:
    site.write({"docs/words.png": b"not a picture", "../outside.png": picture("o", "16x16")})
    write(site, edit("A boat", path))
    line = line_of(site, "image:")
    built = site.build(warns=[f"docs/index.md:{line}: 'image': "])
    assert built.images("index.html") == []
    assert api.posts == []


def test_other_bytes_are_another_edit(site: Site, api: ImagesServer) -> None:
    site.write({"docs/a.png": picture("a", "16x16")})
    write(site, edit("A boat", "a.png"))
    site.build()
    site.write({"docs/renamed.png": picture("a", "16x16")})
    write(site, edit("A boat", "renamed.png"))
    site.build()
    assert len(api.posts) == 1, "a renamed file is the same picture"
    site.write({"docs/renamed.png": picture("b", "16x16")})
    site.build()
    assert len(api.posts) == 2


# --- Of other blocks ----------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("first", ["source", "edit"])
def test_source_is_made_first(site: Site, api: ImagesServer, concurrency: int, first: str) -> None:
    site.options = {**(site.options or {}), "concurrency": concurrency}
    api.latency = lambda call: 0.3 if call.path == GENERATIONS else 0.0
    blocks = [HERO, edit("At dusk", '"#hero"')]
    write(site, *(blocks if first == "source" else reversed(blocks)))
    cold = site.build()
    assert prompts(api) == ["A harbour at noon", "At dusk"]
    assert [call.path for call in api.posts] == [GENERATIONS, EDITS]
    assert api.max_in_flight == 1, "the edit waits until its source is there"
    (part,) = api.posts[1].files
    assert (part.name, part.mime) == ("image[]", "image/png")
    assert part.data == stored(site, "a-harbour-at-noon-")
    assert len(cold.images("index.html")) == 2
    warm(site, api, cold)


@pytest.mark.parametrize("concurrency", [1, 2, 8])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_chain_of_three(
    site: Site, api: ImagesServer, concurrency: int, order: tuple[int, ...]
) -> None:
    site.options = {**(site.options or {}), "concurrency": concurrency}
    blocks = [HERO, edit("At dusk", '"#hero"', "id: dusk"), edit("In snow", '"#dusk"')]
    write(site, *(blocks[i] for i in order))
    cold = site.build()
    assert prompts(api) == ["A harbour at noon", "At dusk", "In snow"]
    assert api.posts[1].files[0].data == stored(site, "a-harbour-at-noon-")
    assert api.posts[2].files[0].data == stored(site, "at-dusk-")
    assert cold.summary.startswith("3 images: 0 from the cache, 3 generated, 0 failed")
    warm(site, api, cold)


def test_many_edits_of_one_source(site: Site, api: ImagesServer) -> None:
    site.options = {**(site.options or {}), "concurrency": 8}
    write(site, HERO, *(edit(f"Hour {i}", '"#hero"') for i in range(10)))
    site.build()
    assert sorted(prompts(api)) == sorted(["A harbour at noon", *(f"Hour {i}" for i in range(10))])
    assert prompts(api)[0] == "A harbour at noon"
    assert {call.files[0].data for call in api.posts[1:]} == {stored(site, "a-harbour-at-noon-")}


def test_files_and_blocks_in_one_list(site: Site, api: ImagesServer) -> None:
    png = picture("a", "16x16")
    site.write({"docs/a.png": png})
    write(site, HERO, edit("Both", '[a.png, "#hero"]'))
    site.build()
    assert [part.data for part in call_of(api, "Both").files] == [
        png,
        stored(site, "a-harbour-at-noon-"),
    ]


def test_only_what_decides_the_source_makes_a_new_edit(site: Site, api: ImagesServer) -> None:
    def page(prompt: str, more: str) -> None:
        source = fence(f"prompt: {prompt}\nsize: 64x48\nid: hero\n{more}")
        write(site, source, edit("At dusk", '"#hero"'))

    page("A harbour", "alt: A harbour")
    site.build()
    page("A harbour", "alt: Another word\ncaption: Boats\nwidth: 50%\nclass: wide")
    site.build()
    assert len(api.posts) == 2
    page("A harbour in May", "alt: A harbour")
    site.build()
    assert prompts(api)[2:] == ["A harbour in May", "At dusk"]
    page("A harbour in May", "alt: A harbour\nquality: low")
    site.build()
    assert len(api.posts) == 6
    names = [name for name in site.cached(".png") if name.startswith("at-dusk-")]
    assert len(names) == 3, "each source has an edit of its own"


def test_only_the_edit_is_missing(site: Site, api: ImagesServer) -> None:
    write(site, HERO)
    site.build()
    write(site, HERO, edit("At dusk", '"#hero"'))
    site.build()
    assert prompts(api) == ["A harbour at noon", "At dusk"]
    assert api.posts[1].files[0].data == stored(site, "a-harbour-at-noon-")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(("pick", "variant"), [("1", 1), ("2", 2), ("3", 3), ("all", 1)])
def test_source_with_variants(
    site: Site, api: ImagesServer, order: tuple[int, ...], pick: str, variant: int
) -> None:
    source = fence(f"prompt: Boats\nsize: 64x48\nn: 3\npick: {pick}\nid: hero\nalt: x")
    blocks = [source, edit("At dusk", '"#hero"')]
    write(site, *(blocks[i] for i in order))
    cold = site.build()
    # The edit asks for the one variant that it needs, if it comes first.
    assert sum(int(call.fields.get("n", 1)) for call in api.posts if call.path == GENERATIONS) == 3
    (part,) = call_of(api, "At dusk").files
    name = next(n for n in site.cached(".png") if n.startswith("boats-") and n.count("-") == 1)
    if variant > 1:
        name = name.replace(".png", f"-{variant}.png")
    assert part.data == (site.cache / name).read_bytes()
    warm(site, api, cold)


def test_another_variant_is_another_edit(site: Site, api: ImagesServer) -> None:
    for pick in (1, 2, 1):
        write(
            site,
            fence(f"prompt: Boats\nsize: 64x48\nn: 2\npick: {pick}\nid: hero\nalt: x"),
            edit("At dusk", '"#hero"'),
        )
        site.build()
    assert prompts(api) == ["Boats", "At dusk", "At dusk"]
    assert api.posts[1].files[0].data != api.posts[2].files[0].data


def test_more_variants_of_the_source_leave_the_edit_alone(site: Site, api: ImagesServer) -> None:
    for count in (1, 3):
        source = fence(f"prompt: Boats\nsize: 64x48\nn: {count}\nid: hero\nalt: x")
        write(site, source, edit("At dusk", '"#hero"'))
        site.build()
    assert prompts(api) == ["Boats", "At dusk", "Boats"]
    assert api.posts[2].fields["n"] == 2


@pytest.mark.parametrize("header", ['image="#hero" alt=x', "image=#hero alt=x"])
def test_source_named_in_a_header(site: Site, api: ImagesServer, header: str) -> None:
    write(site, HERO, fence("At dusk", header))
    site.build()
    assert prompts(api) == ["A harbour at noon", "At dusk"]


def test_blocks_of_the_readme(site: Site, api: ImagesServer) -> None:
    text = README.read_text(encoding="utf-8")
    section = text[text.index("### Edits\n") : text.index("### For a whole page\n")]
    examples = re.findall(r"````markdown\n(.*?)````", section, re.DOTALL)
    assert len(examples) == 2
    mask = io.BytesIO()
    Image.linear_gradient("L").resize((64, 48)).save(mask, "PNG")
    site.write({"docs/plan.png": picture("plan", "64x48"), "docs/plan-mask.png": mask.getvalue()})
    write(site, *examples)
    cold = site.build()
    assert sorted(call.path for call in api.posts) == [EDITS, EDITS, GENERATIONS]
    assert {len(call.files) for call in api.posts if call.path == EDITS} == {1, 2}
    warm(site, api, cold)


def test_source_in_a_snippet(site: Site, api: ImagesServer) -> None:
    site.config["markdown_extensions"] = [
        "admonition",
        {"pymdownx.snippets": {"base_path": [str(site.root / "docs")]}},
    ]
    site.config["exclude_docs"] = "snippets/"
    site.write({"docs/snippets/hero.md": HERO})
    write(
        site,
        '--8<-- "snippets/hero.md"\n',
        '!!! note "N"\n\n'
        + "".join(f"    {line}\n" for line in edit("At dusk", '"#hero"').split("\n")),
    )
    cold = site.build()
    assert prompts(api) == ["A harbour at noon", "At dusk"]
    assert api.posts[1].files[0].data == stored(site, "a-harbour-at-noon-")
    warm(site, api, cold)


def test_ids_belong_to_their_page(site: Site, api: ImagesServer) -> None:
    site.write({"docs/a.md": fence("First", "#hero size=64x48 alt=x") + edit("Dusk", '"#hero"')})
    site.write({"docs/b.md": fence("Other", "#hero size=64x48 alt=x") + edit("Dusk", '"#hero"')})
    site.write({"docs/index.md": edit("Dusk", '"#hero"')})
    site.build(warns=["docs/index.md:3: 'image': no block of this page has the id '#hero'"])
    sent = {call.files[0].data for call in api.posts if call.path == EDITS}
    assert sent == {stored(site, "first-"), stored(site, "other-")}


def test_sidecar_of_an_edit(site: Site) -> None:
    write(site, HERO, edit("At dusk", '"#hero"'))
    site.build()
    sidecars: dict[str, Any] = {
        name: json.loads((site.cache / name).read_text(encoding="utf-8"))
        for name in site.cached(".json")
    }
    edited = next(car for name, car in sidecars.items() if name.startswith("at-dusk"))
    source = next(car for name, car in sidecars.items() if name.startswith("a-harbour"))
    assert edited["options"]["image"] == [f"#{source['key']}"]
    assert edited["usage"]["input_tokens_details"]["image_tokens"] == 1023
