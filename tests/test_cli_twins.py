"""The commands know both pictures of a block with `dark`, and the hero of a page's front matter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from api_server import Reply, error_body
from browser import chromium
from cli_runs import genimage
from gallery_site import COMPLAINTS
from page_scripts import CONTRAST
from pictures import picture
from sites import Site, fence, tree

from mkdocs_genimage.upkeep.survey import load, survey
from mkdocs_genimage.upkeep.unseen import look_through

if TYPE_CHECKING:
    from pathlib import Path

    from api_call import Call
    from api_server import ImagesServer

SIZE = "size=64x48"
NIGHT = "the same at night"
HEAD = """---
title: Harbour
genimage:
  size: 64x48
  hero:
    prompt: A harbour
    alt: The harbour
---
# Harbour

"""
"""Front matter of 8 lines, with its hero in line 5. The text begins in line 11."""
SHOWN = HEAD.replace("alt: The harbour\n", "alt: The harbour\n    show: true\n")
FOX = f"```genimage n=2\nprompt: A fox\nalt: Fox\ndark: {NIGHT}\n```\n"
HEN = fence("A hen", f"{SIZE} alt=Hen")

ROLES = {
    ("docs/index.md:5", "a-harbour"): "hero",
    ("docs/index.md:11", "a-fox"): "light",
    ("docs/index.md:11", "dark-a-fox"): "dark",
    ("docs/b.md:1", "a-hen"): "",
}


@pytest.fixture
def harbour(bare: Site) -> Site:
    """A hero that its page does not show, a block of two variants with a twin, and a plain one."""
    bare.options["pricing"] = {"per_image": 0.25}
    bare.write({"docs/index.md": HEAD + FOX, "docs/b.md": HEN})
    return bare


def slug(name: str) -> str:
    """The beginning of a file's name: `a-fox` of `a-fox-0123456789ab-2.png`."""
    head, _, tail = name.rpartition("-")
    return head if len(tail.partition(".")[0]) == 12 else head.rpartition("-")[0]


def file_of(site: Site, start: str) -> Path:
    """The one picture in the cache whose name begins with that."""
    (name,) = [name for name in site.cached(".png") if name.startswith(start)]
    return site.cache / name


def prompts(api: ImagesServer) -> list[str]:
    return sorted(str(call.fields["prompt"]) for call in api.posts)


def edits(api: ImagesServer) -> list[Call]:
    return [call for call in api.posts if call.path.endswith("/edits")]


def as_by(site: Site, file: Path, model: str) -> None:
    """Have a picture be made by another model."""
    sidecar = file.with_suffix(".json")
    sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), "model": model}))


# --- plan, generate, check, costs -------------------------------------------------------------


def test_plan(harbour: Site, api: ImagesServer) -> None:
    content = genimage(harbour, "plan", "--json").ended().json("plan")
    assert [block["hero"] for block in content["blocks"]] == [True, False, False]
    found = {
        (block["place"], slug(image["name"])): image["role"]
        for block in content["blocks"]
        for image in block["images"]
    }
    assert found == ROLES
    fox = content["blocks"][1]["images"]
    assert [(i["role"], i["variant"], i["twin_of"]) for i in fox] == [
        ("light", 1, None),
        ("dark", 1, 1),
        ("light", 2, None),
    ]
    assert all(i["asked_for"] and i["price"] == 0.25 for i in fox)
    assert (content["images"], content["asked_for"], content["cost"]) == (5, 5, 1.25)
    lines = genimage(harbour, "plan").ended().output.splitlines()
    assert lines[0].split()[:4] == ["state", "block", "role", "picture"]
    assert [tuple(line.split()[1:3]) for line in lines[1:5]] == [
        ("docs/index.md:5", "hero"),
        ("docs/index.md:11", "light"),
        ("docs/index.md:11", "dark"),
        ("docs/index.md:11", "light"),
    ]
    assert lines[-1].startswith("5 pictures: 5 missing. A build asks for 5: about $1.25")
    assert api.calls == []


def test_sites_without_any_have_no_column_for_it(bare: Site) -> None:
    bare.write({"docs/index.md": HEN})
    assert "role" not in genimage(bare, "plan").ended().output


def test_the_hero_that_a_page_shows_has_a_twin(harbour: Site, api: ImagesServer) -> None:
    """One that only feeds and social media show has none, whatever the defaults say."""
    harbour.options["defaults"] = {"dark": NIGHT}
    harbour.write({"docs/index.md": HEAD, "docs/b.md": "# B\n"})
    (block,) = genimage(harbour, "plan", "--json").ended().json("plan")["blocks"]
    assert [image["role"] for image in block["images"]] == ["hero"]
    harbour.write({"docs/index.md": SHOWN})
    (block,) = genimage(harbour, "plan", "--json").ended().json("plan")["blocks"]
    assert [image["role"] for image in block["images"]] == ["hero", "hero dark"]
    genimage(harbour, "generate", "--yes").ended()
    assert prompts(api) == ["A harbour", NIGHT]
    assert genimage(harbour, "check").ended().output == "All is well: 2 pictures in 1 block.\n"


def test_the_hero_that_no_page_shows_has_not_the_twin_of_a_block_like_it(harbour: Site) -> None:
    harbour.options["defaults"] = {"dark": NIGHT}
    harbour.write({"docs/index.md": HEAD, "docs/b.md": fence("A harbour", f"{SIZE} alt=x")})
    blocks = genimage(harbour, "plan", "--json").ended().json("plan")["blocks"]
    assert {b["place"]: [i["role"] for i in b["images"]] for b in blocks} == {
        "docs/index.md:5": ["hero"],
        "docs/b.md:1": ["light", "dark"],
    }
    dark = next(i["name"] for b in blocks for i in b["images"] if i["role"] == "dark")
    found = genimage(harbour, "why", dark, "--json").ended().json("why")["blocks"]
    assert [block["places"] for block in found] == [["docs/b.md:1"]]


def test_blocks_of_one_place_that_differ_in_dark_alone(harbour: Site) -> None:
    """Also where neither of their twins can be made."""
    night, dawn = (f"```genimage {SIZE} alt=x dark='{word}'\nA fox\n```\n" for word in ("a", "b"))
    harbour.write({"docs/index.md": '# A\n\n--8<-- "two.md"\n', "two.md": f"{night}\n{dawn}"})
    harbour.config["markdown_extensions"] = [
        {"pymdownx.snippets": {"base_path": [str(harbour.root)]}}
    ]
    for server in ("", "localai"):
        if server:
            harbour.options["server"] = server
        blocks = genimage(harbour, "plan", "--json").ended().json("plan")["blocks"]
        own = [block for block in blocks if block["page"] == "index.md"]
        assert [len(block["images"]) for block in own] == ([1, 1] if server else [2, 2])


def test_a_block_that_is_the_hero_is_told_once(harbour: Site) -> None:
    text = f'---\ngenimage:\n  hero: "#cat"\n---\n{fence("A cat", f"{SIZE} alt=x #cat")}'
    harbour.write({"docs/index.md": text + FOX})
    blocks = genimage(harbour, "plan", "--json").ended().json("plan")["blocks"]
    assert [(b["place"], b["hero"]) for b in blocks if b["page"] == "index.md"] == [
        ("docs/index.md:5", True),
        ("docs/index.md:8", False),
    ]
    assert [i["role"] for i in blocks[0]["images"]] == [""]


def test_generate(harbour: Site, api: ImagesServer) -> None:
    ran = genimage(harbour, "generate", "--json").ended().json("generate")
    assert {slug(image["file"].rpartition("/")[2]): image["role"] for image in ran["images"]} == {
        name: role for (_, name), role in ROLES.items()
    }
    assert {place for image in ran["images"] for place in image["places"]} == {
        place for place, _ in ROLES
    }
    assert ran["spent"] == 1.25
    assert prompts(api) == ["A fox", "A harbour", "A hen", NIGHT]
    (edit,) = edits(api)
    (light,) = [name for name in harbour.cached(".png") if name.startswith("a-fox-")][1:]
    assert [file.data for file in edit.files] == [(harbour.cache / light).read_bytes()]
    built = harbour.build(strict=True)
    assert built.summary == "4 images: 4 from the cache, 0 generated, 0 failed"
    assert len(api.posts) == 4
    ran = genimage(harbour, "generate").ended()
    assert ran.output == "Nothing to make: all pictures are there.\n"


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("docs/index.md:13", ["A fox", NIGHT]),
        ("docs/index.md:7", ["A harbour"]),
        ("docs/index.md:1", ["A harbour"]),
        ("docs/index.md:8", ["A harbour"]),
        ("index.md", ["A fox", "A harbour", NIGHT]),
        ("dark-a-fox", ["A fox", NIGHT]),  # what it is made from comes first
        ("b*", ["A hen"]),
    ],
)
def test_generate_some(harbour: Site, api: ImagesServer, name: str, asked: list[str]) -> None:
    if name == "dark-a-fox":
        blocks = genimage(harbour, "plan", "--json").json("plan")["blocks"]
        name = next(i["name"] for i in blocks[1]["images"] if i["role"] == "dark") + ".png"
    genimage(harbour, "generate", "--yes", "--only", name).ended()
    assert prompts(api) == asked


def test_lines_that_are_no_block(harbour: Site) -> None:
    for line in (9, 10):
        ran = genimage(harbour, "why", f"docs/index.md:{line}").ended(2)
        assert f"there is no block at docs/index.md:{line}" in ran.errors
        assert "docs/index.md:5  a-harbour-" in ran.errors
        assert "(hero, missing)" in ran.errors
    assert "several blocks" in genimage(harbour, "why", "docs/index.md").ended(2).errors


def test_a_hero_of_another_file(harbour: Site) -> None:
    """As Material's plugin `meta` brings it: its place is no line of the page."""
    hook = """
def on_page_markdown(markdown, page, config, files):
    if page.file.src_uri == 'b.md':
        page.meta['genimage'] = {'hero': {'prompt': 'A tower', 'alt': 'x', 'size': '64x48'}}
on_page_markdown.mkdocs_priority = 60
"""
    harbour.write({"hook.py": hook})
    harbour.config["hooks"] = ["hook.py"]
    blocks = genimage(harbour, "plan", "--json").ended().json("plan")["blocks"]
    assert [b["hero"] for b in blocks if b["place"] == "docs/b.md:1"] == [True, False]
    assert "A hen" in genimage(harbour, "why", "docs/b.md:1").ended().output
    harbour.write({"docs/b.md": "# B\n"})
    assert "A tower" in genimage(harbour, "why", "docs/b.md:1").ended().output


def test_made_anew_a_picture_takes_its_twin_along(harbour: Site, api: ImagesServer) -> None:
    genimage(harbour, "generate", "--yes").ended()
    light = next(path for path in harbour.cache.glob("a-fox-*.png") if not path.stem.endswith("-2"))
    as_by(harbour, light, "an-older-model")
    states = {
        image["role"]: image["state"]
        for image in genimage(harbour, "plan", "--json").json("plan")["blocks"][1]["images"][:2]
    }
    assert states == {"light": "stale", "dark": "cached"}
    assert "dark-a-fox" not in genimage(harbour, "plan").ended().output
    asked = len(api.posts)
    api.reply = lambda call: Reply(data=picture(f"new {call.path}", "64x48"))
    ran = genimage(harbour, "generate", "--stale", "--yes").ended()
    assert [line.split()[2] for line in ran.output.splitlines()[1:3]] == ["light", "dark"]
    assert [call.path.rpartition("/")[2] for call in api.posts[asked:]] == ["generations", "edits"]
    assert [file.data for file in api.posts[-1].files] == [light.read_bytes()]
    assert file_of(harbour, "dark-").read_bytes() == picture("new /v1/images/edits", "64x48")


def test_a_twin_alone_is_made_anew(harbour: Site, api: ImagesServer) -> None:
    genimage(harbour, "generate", "--yes").ended()
    as_by(harbour, file_of(harbour, "dark-"), "an-older-model")
    asked = len(api.posts)
    genimage(harbour, "generate", "--stale", "--yes", "--only", "docs/index.md:11").ended()
    assert [call.fields["prompt"] for call in api.posts[asked:]] == [NIGHT]


def test_check(harbour: Site, api: ImagesServer) -> None:
    content = genimage(harbour, "check", "--json").ended(1).json("check")
    found = [
        (one["place"], one["line"], one["role"], one["variants"]) for one in content["findings"]
    ]
    assert found == [
        ("docs/index.md:5", 5, "hero", [1]),
        ("docs/index.md:11", 11, "light", [1, 2]),
        ("docs/index.md:11", 11, "dark", [1]),
        ("docs/b.md:1", 1, "", [1]),
    ]
    assert (content["blocks"], content["images"]) == (3, 5)
    lines = genimage(harbour, "check").ended(1).output.splitlines()
    assert lines[0] == 'docs/index.md:5: missing: there is no picture of "A harbour".'
    assert lines[2].startswith("docs/index.md:11: missing: dark, variant 1 of 2: there is no pic")
    github = genimage(harbour, "check", "--format", "github").ended(1).output
    assert "docs/index.md,line=5,title=genimage%3A missing" in github
    junit = ET.fromstring(genimage(harbour, "check", "--format", "junit").ended(1).output)
    assert [case.get("name") for case in junit.iter("testcase")] == [
        "docs/index.md:5 A harbour",
        "docs/index.md:11 A fox",
        "docs/b.md:1 A hen",
    ]
    genimage(harbour, "generate", "--yes").ended()
    genimage(harbour, "check", "--unused", "--stale", "--alt").ended()


def test_check_tells_which_of_the_two_it_is(harbour: Site, api: ImagesServer) -> None:
    def refuse(call: Call) -> Reply | None:
        blocked = error_body("safety system", "moderation_blocked")
        return Reply(status=400, body=blocked) if call.path.endswith("/edits") else None

    api.reply = refuse
    genimage(harbour, "generate", "--yes").ended(1)
    (finding,) = genimage(harbour, "check", "--json").ended(1).json("check")["findings"]
    assert (finding["kind"], finding["role"]) == ("refused", "dark")
    assert finding["message"].startswith("dark, variant 1 of 2: the prompt was refused")
    file = next(path for path in harbour.cache.glob("a-fox-*.png") if path.stem.endswith("-2"))
    file.write_bytes(b"?")
    kinds = {
        (one["kind"], one["role"], *one["variants"])
        for one in genimage(harbour, "check", "--json").ended(1).json("check")["findings"]
    }
    assert kinds == {("refused", "dark", 1), ("damaged", "light", 2)}
    api.reply = None
    genimage(harbour, "generate", "--yes", "--retry-refused").ended()
    genimage(harbour, "check").ended()


def test_check_wants_alt_texts_of_heroes(harbour: Site) -> None:
    harbour.write({"docs/index.md": HEAD.replace("    alt: The harbour\n", "")})
    genimage(harbour, "generate", "--yes").ended()
    (finding,) = genimage(harbour, "check", "--alt", "--json").ended(1).json("check")["findings"]
    assert (finding["kind"], finding["place"]) == ("alt", "docs/index.md:5")
    assert finding["message"].startswith("the hero has no alt text")


def test_wrong_heroes_and_twins(harbour: Site, api: ImagesServer) -> None:
    """Each is told where it stands, and nothing is asked for in its place."""
    texts = {
        "hero-option": "---\ngenimage:\n  hero: {prompt: A tower, colour: red}\n---\n" + HEN,
        "hero-id": "---\ngenimage:\n  hero: '#nobody'\n---\n" + HEN,
        "hero-file": "---\ngenimage:\n  hero: {prompt: A tower, image: gone.png}\n---\n# A\n",
        "dark-gif": fence("A bee", f"{SIZE} alt=x output_format=gif dark=night"),
    }
    harbour.write({f"docs/{name}.md": text for name, text in texts.items()})
    harbour.write({"docs/index.md": "# A\n", "docs/b.md": "# B\n"})
    content = genimage(harbour, "plan", "--json").ended().json("plan")
    problems = "\n".join(content["problems"])
    for name, line, said in (
        ("hero-option", 3, "colour"),
        ("hero-id", 3, "no block of this page has the id '#nobody'"),
        ("hero-file", 3, "gone.png"),
        ("dark-gif", 1, "'dark' edits the picture"),
    ):
        told = [text for text in content["problems"] if text.startswith(f"docs/{name}.md:{line}: ")]
        assert said in "".join(told), problems
    found = genimage(harbour, "check", "--json").ended(1).json("check")["findings"]
    bad = {one["place"] for one in found if one["kind"] == "bad"}
    assert {"docs/hero-option.md:3", "docs/hero-id.md:3", "docs/hero-file.md:3"} <= bad
    ran = genimage(harbour, "generate", "--yes").ended(1)
    assert prompts(api) == ["A hen"]
    assert "docs/dark-gif.md:1: 'dark'" in ran.errors


def test_a_server_that_cannot_edit(harbour: Site, api: ImagesServer, own: Path) -> None:
    """Pages show the first picture, and every command says why there is no other."""
    harbour.options["server"] = "localai"
    ran = genimage(harbour, "generate", "--yes").ended(1)
    assert prompts(api) == ["A fox", "A harbour", "A hen"]
    said = "'dark' edits the first picture, which cannot be done: LocalAI cannot edit pictures."
    assert f"docs/index.md:14: {said}" in ran.errors
    assert said in genimage(harbour, "plan").ended().output
    (finding,) = genimage(harbour, "check", "--json").ended(1).json("check")["findings"]
    assert (finding["kind"], finding["line"]) == ("bad", 14)
    assert finding["message"].startswith(said)
    content = genimage(harbour, "why", "docs/index.md:11", "--json").ended(1).json("why")
    assert said in content["blocks"][0]["problems"][0]
    assert content["blocks"][0]["twins"] == []
    assert said in genimage(harbour, "why", "docs/index.md:11").ended(1).output
    assert genimage(harbour, "gallery", "--json").ended().json("gallery")["states"] == {
        "cached": 3,
        "bad": 1,
    }
    # Nobody knows what such a block shows tomorrow.
    assert "doubts" in str(genimage(harbour, "prune", "--json").ended(1).json("prune"))
    assert "Not there yet" not in genimage(harbour, "pick", "docs/index.md:11", "2").ended().errors
    # One of the author's own needs no server.
    genimage(harbour, "adopt", "docs/index.md:11", str(own), "--dark").ended()
    images = genimage(harbour, "plan", "--json").ended().json("plan")["blocks"][1]["images"]
    assert [(i["role"], i["state"]) for i in images if i["twin_of"]] == [("dark", "cached")]
    genimage(harbour, "check").ended()


def test_costs(harbour: Site, tmp_path: Path) -> None:
    genimage(harbour, "generate", "--yes").ended()
    rows = genimage(harbour, "costs", "--by", "page", "--json").ended().json("costs")["rows"]
    found = {row["page"]: (row["images"], row["cost"]) for row in rows}
    assert found == {"docs/index.md": (4, 1.0), "docs/b.md": (1, 0.25)}
    # Without the ledger, as on a colleague's machine, the site tells whose they are.
    (harbour.cache / ".journal/ledger.jsonl").unlink()
    rows = genimage(harbour, "costs", "--by", "page", "--json").ended().json("costs")["rows"]
    assert {row["page"]: (row["images"], row["cost"]) for row in rows} == found


# --- why --------------------------------------------------------------------------------------


def test_why_a_twin(harbour: Site, api: ImagesServer) -> None:
    harbour.options |= {
        "defaults": {"dark": "by moonlight", "quality": "low", "style": "flat"},
        "styles": {"flat": {"prompt": "Flat. {prompt}", "background": "opaque"}},
    }
    harbour.write({"docs/b.md": HEN})
    (block,) = genimage(harbour, "why", "docs/b.md:1", "--json").ended().json("why")["blocks"]
    (twin,) = block["twins"]
    light = block["name"]
    assert {p["option"]: (p["value"], p["origin"], p["place"]) for p in twin["parts"]} == {
        "dark": ("by moonlight", "defaults", "mkdocs.yml"),
        "size": ("64x48", "block", "docs/b.md:1"),
        "quality": ("low", "defaults", "mkdocs.yml"),
        "background": ("opaque", "style 'flat'", "mkdocs.yml"),
        "image": (f"the picture for light mode = {light}", "", ""),
        "key format": ("1", "", ""),
    }
    assert {p["option"] for p in block["parts"]} >= {"prompt", "style"}
    assert (twin["variant"], block["hero"]) == (1, False)
    text = genimage(harbour, "why", "docs/b.md:1").ended().output
    assert f"For dark mode  {twin['name']}\n" in text
    assert text.index("For dark mode") < text.index("It is an edit of the picture for light mode")
    alone = genimage(harbour, "why", twin["name"]).ended().output
    assert alone.startswith(f"docs/b.md:1  {twin['name']}\n")
    assert "A hen" not in alone
    assert alone.count("The key is made of") == 1


def test_why_a_twin_has_the_own_image_of_its_block_not(bare: Site) -> None:
    text = fence("A hen", f"{SIZE} alt=x image=plan.png dark=night revision=3")
    bare.write({"docs/index.md": text, "docs/plan.png": picture("plan", "64x48")})
    (block,) = genimage(bare, "why", "docs/index.md:1", "--json").ended().json("why")["blocks"]
    (twin,) = block["twins"]
    parts = {p["option"]: (p["value"], p["origin"]) for p in twin["parts"]}
    assert parts["image"] == (f"the picture for light mode = {block['name']}", "")
    assert "revision" not in parts


def test_why_a_twin_is_asked_for_again(harbour: Site) -> None:
    genimage(harbour, "generate", "--yes").ended()
    before = file_of(harbour, "dark-")
    harbour.write({"docs/index.md": HEAD + FOX.replace("A fox", "A red fox")})
    (block,) = genimage(harbour, "why", "docs/index.md:11", "--json").ended().json("why")["blocks"]
    (twin,) = block["twins"]
    assert twin["nearest"]["file"] == before.name
    (difference,) = twin["nearest"]["differences"]
    assert difference["option"] == "image"
    assert difference["after"] == f"the picture for light mode = {block['name']}"
    assert difference["origin"] == ""
    # Another word for the night.
    harbour.write({"docs/index.md": HEAD + FOX.replace(NIGHT, "the same at midnight")})
    (block,) = genimage(harbour, "why", "docs/index.md:11", "--json").ended().json("why")["blocks"]
    (difference,) = block["twins"][0]["nearest"]["differences"]
    assert (difference["option"], difference["place"]) == ("dark", "docs/index.md:14")
    assert ("insert", "midnight") in {(w["operation"], w["text"]) for w in difference["words"]}
    assert block["nearest"] is None
    unused = genimage(harbour, "why", before.name).ended().output
    assert "No page uses it." in unused
    assert "The block that is most like it is docs/index.md:11." in unused
    assert "dark (block, docs/index.md:14)" in unused


def test_why_is_not_led_astray_by_other_twins(bare: Site) -> None:
    """With one `dark` for all, a new twin is like all others but for what it is made from."""
    bare.options["defaults"] = {"dark": NIGHT}
    bare.write({"docs/index.md": fence("A fox", f"{SIZE} alt=x")})
    bare.build()
    bare.write({"docs/new.md": fence("A hen", f"{SIZE} alt=x")})
    (block,) = genimage(bare, "why", "docs/new.md:1", "--json").ended().json("why")["blocks"]
    assert block["twins"][0]["nearest"] is None


def test_why_with_pick(harbour: Site) -> None:
    harbour.write({"docs/index.md": FOX.replace("n=2", "n=3 pick=2")})
    text = genimage(harbour, "why", "docs/index.md:1").ended().output
    assert "another one there, be it by 'pick', asks for another one here." in text
    assert "asks for no other picture, but for dark mode with 'pick'" in text
    assert "the picture for light mode = a-fox-" in text
    harbour.write({"docs/index.md": FOX.replace("n=2", "n=2 pick=all")})
    (block,) = genimage(harbour, "why", "docs/index.md:1", "--json").ended().json("why")["blocks"]
    assert [twin["variant"] for twin in block["twins"]] == [1, 2]


def test_why_a_hero(harbour: Site) -> None:
    harbour.options["defaults"] = {"quality": "low"}
    content = genimage(harbour, "why", "docs/index.md:3", "--json").ended().json("why")
    (block,) = content["blocks"]
    assert block["hero"]
    assert {p["option"]: (p["value"], p["origin"], p["place"]) for p in block["parts"]} == {
        "prompt": ("A harbour", "hero", "docs/index.md:5"),
        "size": ("64x48", "front matter", "docs/index.md"),
        "quality": ("low", "defaults", "mkdocs.yml"),
        "key format": ("1", "", ""),
    }
    text = genimage(harbour, "why", "docs/index.md:3").ended().output
    assert text.startswith(f"docs/index.md:5  {block['name']}  hero of its page\n")


# --- pick, adopt ------------------------------------------------------------------------------


def test_pick_with_a_twin(harbour: Site, api: ImagesServer) -> None:
    harbour.build()
    asked = len(api.posts)
    ran = genimage(harbour, "pick", "docs/index.md:12", "2").ended()
    assert "+```genimage n=2 pick=2" in ran.output
    assert "docs/index.md:11 shows variant 2 now." in ran.output
    (name,) = [word.rstrip(".") for word in ran.errors.split() if word.startswith("dark-a-fox-")]
    assert f"Not there yet: {name}. The next build asks for it." in ran.errors
    built = harbour.build()
    assert [call.path for call in api.posts[asked:]] == ["/v1/images/edits"]
    second = next(path for path in harbour.cache.glob("a-fox-*.png") if path.stem.endswith("-2"))
    assert [file.data for file in api.posts[-1].files] == [second.read_bytes()]
    assert built.images("index.html")[1]["src"].endswith(f"/{name}.png")
    ran = genimage(harbour, "pick", "docs/index.md:12", "1").ended()
    assert "Not there yet" not in ran.errors
    ran = genimage(harbour, "pick", "docs/index.md:12", "all").ended()
    assert "Not there yet" not in ran.errors
    assert harbour.build().summary.startswith("6 images: 6 from the cache")


def test_pick_all_names_what_is_not_there(harbour: Site) -> None:
    """Those for light mode first. What comes then goes by these very names."""
    ran = genimage(harbour, "pick", "docs/index.md:12", "all").ended()
    (line,) = [text for text in ran.errors.splitlines() if text.startswith("Not there yet: ")]
    names = line.removeprefix("Not there yet: ").partition(". ")[0].split(", ")
    assert line.endswith("The next build asks for them.")
    assert [slug(name) for name in names] == ["a-fox", "a-fox", "dark-a-fox", "dark-a-fox"]
    harbour.build()
    made = {name.partition(".")[0] for name in harbour.cached(".png") if "fox" in name}
    assert made == set(names)


def test_pick_changes_no_front_matter(harbour: Site) -> None:
    text = HEAD.replace("prompt: A harbour", "prompt: A harbour\n    n: 2") + FOX
    harbour.write({"docs/index.md": text})
    ran = genimage(harbour, "pick", "docs/index.md:5", "2").ended(1)
    assert "docs/index.md:5: the hero is in the page's front matter" in ran.errors
    assert "Write 'pick: 2' below 'hero:' there by hand." in ran.errors
    assert (harbour.root / "docs/index.md").read_text() == text


def test_pick_by_the_name_of_a_twin(harbour: Site) -> None:
    harbour.build()
    text = (harbour.root / "docs/index.md").read_text()
    ran = genimage(harbour, "pick", file_of(harbour, "dark-").name, "2").ended(2)
    assert "is for dark mode, and follows the variant" in ran.errors
    assert "mkdocs-genimage pick docs/index.md:11 2" in ran.errors
    assert (harbour.root / "docs/index.md").read_text() == text


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.png"
    path.write_bytes(picture("drawn by hand", "64x48"))
    return path


def test_adopt(harbour: Site, api: ImagesServer, own: Path) -> None:
    harbour.build()
    asked = len(api.posts)
    before = {path.name: path.read_bytes() for path in harbour.cache.glob("*.png")}

    def changed() -> list[str]:
        now = {path.name: path.read_bytes() for path in harbour.cache.glob("*.png")}
        found = [slug(name) for name, data in now.items() if data != before[name]]
        before.update(now)
        return found

    ran = genimage(harbour, "adopt", "docs/index.md:12", str(own)).ended()
    assert changed() == ["a-fox"]
    assert ran.output.splitlines()[0].endswith("Shown at docs/index.md:11.")
    assert "The one for dark mode, genimage/dark-a-fox-" in ran.errors
    assert "was made from the picture before" in ran.errors
    ran = genimage(harbour, "adopt", "docs/index.md:12", str(own), "--dark").ended()
    assert changed() == ["dark-a-fox"]
    assert ran.output.splitlines()[0].endswith("Shown at docs/index.md:11 in dark mode.")
    assert ran.errors == ""
    ran = genimage(harbour, "adopt", "docs/index.md:3", str(own)).ended()
    assert changed() == ["a-harbour"]
    assert ran.output.splitlines()[0].endswith("Shown at docs/index.md:5.")
    # The one for dark mode is somebody's own by now, and is left to them.
    own.write_bytes(picture("another", "64x64"))
    ran = genimage(harbour, "adopt", "docs/index.md:12", str(own)).ended()
    assert changed() == ["a-fox"]
    assert "was made from the picture before" not in ran.errors
    assert "has another shape (64x48)" in ran.errors
    dark = file_of(harbour, "dark-").name
    genimage(harbour, "adopt", dark, str(own)).ended()
    assert changed() == ["dark-a-fox"]
    assert harbour.build().summary.startswith("4 images: 4 from the cache")
    assert len(api.posts) == asked


def test_adopt_a_twin_of_several(harbour: Site, own: Path) -> None:
    harbour.write({"docs/index.md": FOX.replace("n=2", "n=3 pick=all")})
    ran = genimage(harbour, "adopt", "docs/index.md:1", str(own), "--dark").ended(2)
    assert "shows several variants. Say which one by --variant." in ran.errors
    genimage(harbour, "adopt", "docs/index.md:1", str(own), "--dark", "--variant", "2").ended()
    images = genimage(harbour, "plan", "--json").json("plan")["blocks"][0]["images"]
    assert [(i["twin_of"], i["state"]) for i in images if i["twin_of"]] == [
        (1, "missing"),
        (2, "cached"),
        (3, "missing"),
    ]
    light = next(i["name"] for i in images if i["variant"] == 3)
    genimage(harbour, "adopt", f"{light}.png", str(own), "--dark").ended()
    images = genimage(harbour, "plan", "--json").json("plan")["blocks"][0]["images"]
    assert [i["twin_of"] for i in images if i["state"] == "cached"] == [2, 3]


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("docs/b.md:1", (), "docs/b.md:1 shows no picture for dark mode. Set 'dark' for the block"),
        ("docs/index.md:5", (), "docs/index.md:5 shows no picture for dark mode. Set 'dark' for"),
        ("docs/index.md:11", ("--variant", "2"), "does not show that variant"),
    ],
)
def test_adopt_no_twin(
    harbour: Site, own: Path, name: str, more: tuple[str, ...], said: str
) -> None:
    ran = genimage(harbour, "adopt", name, str(own), "--dark", *more).ended(2)
    assert said in ran.errors
    assert harbour.cached() == []


def test_adopt_the_twin_of_a_hero(harbour: Site, own: Path) -> None:
    harbour.options["defaults"] = {"dark": NIGHT}
    ran = genimage(harbour, "adopt", "docs/index.md:5", str(own), "--dark").ended(2)
    assert "Set 'show: true' for the hero first." in ran.errors
    harbour.write({"docs/index.md": SHOWN})
    ran = genimage(harbour, "adopt", "docs/index.md:5", str(own), "--dark").ended()
    assert "dark-a-harbour-" in ran.output
    assert "Shown at docs/index.md:5 in dark mode." in ran.output


# --- prune ------------------------------------------------------------------------------------


def test_what_pages_show_is_used(harbour: Site) -> None:
    harbour.build()
    found = survey(load(str(harbour.config_file)))
    used = {key[:12] for key, _ in found.used}
    assert used >= {name.split(".")[0].removesuffix("-2")[-12:] for name in harbour.cached(".png")}
    ran = genimage(harbour, "prune", "--json").ended().json("prune")
    assert ran["unused"] == []
    # What is not asked for any more is told.
    head = "---\ngenimage:\n  size: 64x48\n---\n"
    harbour.write({"docs/index.md": head + FOX.replace(f"dark: {NIGHT}\n", "")})
    ran = genimage(harbour, "prune", "--json").ended().json("prune")
    assert sorted(slug(one["name"]) for one in ran["unused"]) == ["a-harbour", "dark-a-fox"]


@pytest.mark.parametrize("hidden", [False, True])
def test_twins_of_variants_that_are_not_shown_are_used(harbour: Site, hidden: bool) -> None:
    """To pick one again must not cost its second picture anew."""
    block = f"prompt: A fox\nn: 2\npick: {{}}\ndark: {NIGHT}\nsize: 64x48"
    for pick in (1, 2):
        harbour.write({"docs/index.md": fence(block.format(pick), "alt=x")})
        harbour.build()
    if hidden:
        harbour.config["exclude_docs"] = "index.md\n"
        harbour.write({"docs/other.md": "# Other\n"})
    assert len(harbour.cached(".png")) == 5  # with the hen of another page
    ran = genimage(harbour, "prune", "--json").ended().json("prune")
    assert ran["unused"] == []


def test_what_drafts_have_is_kept(harbour: Site) -> None:
    harbour.options["styles"] = {"flat": {"prompt": "Flat. {prompt}", "dark": "moonlit"}}
    owl = fence("An owl", f"{SIZE} alt=x style=flat")
    harbour.write({"docs/index.md": SHOWN + FOX, "docs/b.md": owl})
    harbour.build()
    names = {slug(name) for name in harbour.cached(".png")}
    assert names == {"a-harbour", "a-fox", "dark-a-fox", "an-owl", "dark-an-owl"}
    harbour.config["exclude_docs"] = "index.md\nb.md\n"
    harbour.write({"docs/other.md": "# Other\n"})
    ran = genimage(harbour, "prune", "--json").ended().json("prune")
    assert ran["unused"] == []
    places = {slug(one["name"]): one["reason"].partition(" ")[0] for one in ran["kept"]}
    assert places == {
        "a-harbour": "docs/index.md:5",
        "a-fox": "docs/index.md:12",
        "dark-a-fox": "docs/index.md:12",
        "an-owl": "docs/b.md:1",
        "dark-an-owl": "docs/b.md:1",
    }


def test_what_cannot_be_read_in_drafts_is_kept(harbour: Site) -> None:
    """Also where the whole of a draft's front matter is wrong: names tell what may be its own."""
    harbour.write({"docs/index.md": SHOWN + FOX})
    harbour.build()
    wrong = SHOWN.replace("size: 64x48", "size: huge") + FOX
    harbour.write({"docs/index.md": wrong, "docs/other.md": "# Other\n"})
    harbour.config["exclude_docs"] = "index.md\n"
    harbour.write_config()
    found = look_through(survey(load(str(harbour.config_file))))
    assert {"a-fox", "dark-a-fox", "a-harbour", "dark-a-harbour"} <= set(found.slugs)
    assert found.slugs["a-harbour"] == "docs/index.md:5"
    ran = genimage(harbour, "prune", "--json").ended().json("prune")
    assert ran["unused"] == []


# --- gallery ----------------------------------------------------------------------------------


def test_gallery(harbour: Site) -> None:
    harbour.build()
    before = tree(harbour.root / "docs")
    content = genimage(harbour, "gallery", "--json").ended().json("gallery")
    assert (content["blocks"], content["paid"], content["states"]) == (3, 1.25, {"cached": 3})
    page = (harbour.cache / ".gallery/gallery.html").read_text()
    cards = page.split("<article ")[1:]
    assert [card.count('<figure class="take') for card in cards] == [1, 3, 1]
    (fox,) = [card for card in cards if "A fox" in card]
    takes = [part.partition('"')[0] for part in fox.split('<figure class="')[1:]]
    assert takes == ["take shown light", "take shown dark", "take"]
    names = [part.partition('"')[0] for part in fox.split('data-name="')[1:]]
    assert names == ["Variant 1", "Variant 1, dark", "Variant 2"]
    assert f'<dd lang="" dir="auto" class="prompt">{NIGHT}</dd>' in fox
    assert 'data-filters="cached variants dark"' in fox
    assert fox.count("pick docs/index.md:11 ") == fox.count("pick docs/index.md:11 2") > 0
    assert "$0.75 for 3" in fox
    (hero,) = [card for card in cards if "A harbour" in card]
    assert "Hero of its page" in hero
    assert 'data-filters="cached hero"' in hero
    assert f"dark: {NIGHT}" not in fox  # it is no option among others
    assert tree(harbour.root / "docs") == before


def test_gallery_of_one_pair(bare: Site, api: ImagesServer) -> None:
    text = HEAD.replace("    alt: The harbour\n", "    alt: x\n    n: 2\n") + fence(
        "A fox", f"dark='{NIGHT}' alt=Fox"
    )
    bare.write({"docs/index.md": text})
    api.reply = lambda call: Reply(status=500) if call.path.endswith("/edits") else None
    bare.build(warns=["500"])
    genimage(bare, "gallery").ended()
    page = (bare.cache / ".gallery/gallery.html").read_text()
    (hero, fox) = page.split("<article ")[1:]
    assert 'aria-label="Enlarge light: Fox"' in fox
    assert '<figcaption data-name="Dark">Dark<span class="badge billed">' in fox
    assert "shown on the site" not in fox
    # Commands change no front matter.
    assert "mkdocs-genimage pick" not in hero
    assert 'data-filters="cached billed? dark"' in fox


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_gallery_in_a_browser(harbour: Site, *, dark: bool) -> None:
    """Each one of a pair is seen on the ground that it is made for, however the gallery itself is seen."""
    options = "size=64x48 background=transparent alt=Owl"
    harbour.write({"docs/b.md": fence("An owl", f"{options} dark='{NIGHT}'")})
    harbour.build()
    genimage(harbour, "gallery").ended()
    with chromium() as browser:
        context = browser.new_context(color_scheme="dark" if dark else "light")
        page = context.new_page()
        page.goto((harbour.cache / ".gallery/gallery.html").as_uri())
        assert page.evaluate(COMPLAINTS) == []
        weak = (
            "() => [...document.querySelectorAll('figcaption, .badge, dd, dt, h3, .mark')]"
            f".filter((e) => e.checkVisibility() && ({CONTRAST})(e) < 4.5).map((e) => e.outerHTML)"
        )
        assert page.evaluate(weak) == []
        captions = page.locator("figcaption").all_inner_texts()
        assert [" ".join(text.split()) for text in captions] == [
            "1 shown on the site",
            "1, dark shown on the site",
            "2",
            "Light",
            "Dark",
        ]
        grounds = page.evaluate(
            "[...document.querySelectorAll('.twins .take .frame')].map((e) => {"
            " const style = getComputedStyle(e.querySelector('img'));"
            " return style.backgroundImage.includes('rgb(20, 22, 24)') ? 'dark' : 'light'; })"
        )
        assert grounds[-2:] == ["light", "dark"]
        outlines = page.evaluate(
            "[...document.querySelectorAll('.take .frame')].map((e) => getComputedStyle(e).outlineStyle)"
        )
        assert outlines == ["none", "solid", "solid", "none", "none", "none"]
        page.locator(".twins .dark a.frame").click()
        assert page.locator("dialog .which").inner_text() == "Dark"
        assert "dark" in (page.locator("dialog .stage").get_attribute("class") or "")
        page.keyboard.press("ArrowLeft")
        assert page.locator("dialog .which").inner_text() == "Light"
        page.keyboard.press("Escape")
        page.get_by_role("radio", name="Heroes 1").check()
        assert page.locator(".card:not([hidden]) h3").all_inner_texts() == ["docs/index.md:5"]
        page.get_by_role("radio", name="Dark mode 2").check()
        assert page.locator(".card:not([hidden])").count() == 2
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        context.close()
