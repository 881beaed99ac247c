"""Real builds of real sites: what is in the pages and folders, and how often the server is asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from api_server import ImagesServer, Reply, error_body
from fence_cases import SETS, extension_set
from links import broken_links
from pictures import picture
from sites import Site, behind, differences, fence, holding, tree

if TYPE_CHECKING:
    from api_call import Call

THEMES = ("mkdocs", "readthedocs", "material")
ALT = 'alt="A fox"'
SECRET = "Quokka-42"
"""A word of prompts that must stand nowhere in a site."""


def prompt(name: str) -> str:
    """More than a file name holds, and then the word."""
    return f"A {name} beside a lake under the northern lights of a long winter night. {SECRET}."


def page(*names: str, header: str = ALT) -> str:
    """A page with a block for each name."""
    return "# Page\n\n" + "\n\n".join(fence(prompt(name), header) for name in names)


# --- What stands in the pages ---


@pytest.mark.parametrize("directory_urls", [True, False], ids=["folders", "files"])
@pytest.mark.parametrize("theme", THEMES)
def test_pictures_and_links_lead_to_files(
    site: Site, api: ImagesServer, theme: str, directory_urls: bool
) -> None:
    site.config = {"theme": theme, "use_directory_urls": directory_urls}
    site.before = ["search"]
    linked = "alt='See it' caption='See *it*' link=guide.md size=1024x1024 width=300"
    site.write(
        {
            "docs/index.md": page("badger"),
            "docs/guide.md": page("crane", "badger"),
            "docs/sub/index.md": page("dove"),
            "docs/sub/deep/page.md": page("elk"),
            "docs/sub/with space/ünïcode ☃.md": page("fox"),
            "docs/linked.md": fence(prompt("gnu"), linked + " #gnu .wide align=left"),
        }
    )

    built = site.build(strict=True)

    assert len(api.posts) == 6
    assert broken_links(built.site_dir) == []
    pages = [name for name in built.files() if name.endswith(".html")]
    found = {name: built.images(name) for name in pages if built.images(name)}
    assert sum(map(len, found.values())) == 7
    for images in found.values():
        for image in images:
            assert image["alt"] == "A fox" or image["alt"] == "See it"
            assert int(image["width"]) > 0
            assert int(image["height"]) > 0
            assert image["loading"] == "lazy"
            assert [name for name in image if name.startswith("data-")] == ["data-ai-generated"]
    assert holding(built.site_dir, SECRET) == []
    linked_page = "linked/index.html" if directory_urls else "linked.html"
    target = "../guide/" if directory_urls else "guide.html"
    assert target in [a.get("href") for a in built.tags(linked_page, "a")]
    # The check of links sees what is missing.
    picture = next(built.site_dir.glob("assets/genimage/a-dove-*.png"))
    picture.unlink()
    (broken,) = broken_links(built.site_dir)
    assert broken.endswith(f"/{picture.name}")
    assert [f["id"] for f in built.tags(linked_page, "figure")] == ["gnu"]


@pytest.mark.parametrize("theme", THEMES)
def test_stylesheet_comes_before_the_sites_own(site: Site, theme: str) -> None:
    site.config = {"theme": theme, "extra_css": ["own.css"]}
    site.write({"docs/index.md": page("fox"), "docs/own.css": "img {}", "docs/other.md": "# Other"})

    built = site.build(strict=True)

    for name in ("index.html", "other/index.html"):
        sheets = [
            link["href"] for link in built.tags(name, "link") if "css" in link.get("href", "")
        ]
        ours = [sheet for sheet in sheets if sheet.endswith("assets/genimage/genimage.css")]
        assert len(ours) == 1
        own = next(sheet for sheet in sheets if sheet.endswith("own.css"))
        assert sheets.index(ours[0]) + 1 == sheets.index(own)
    assert (built.site_dir / "assets/genimage/genimage.css").stat().st_size > 100


UNTOUCHED = {
    "docs/index.md": "# Title\n\nText \x01 and \x02genimage0\x03, \x01genimage0\x04.\n\n    code \x02\n",
    "docs/mention.md": "Write ```` ```genimage ```` or `genimage` to begin.\n\n* a\n* b\n",
    "docs/code.md": "```python\nprint('genimage')\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "docs/sub/genimage.md": "---\ntitle: genimage\n---\n\n# genimage\n\n\tindented\n\n[x](../index.md)\r\n",
    "docs/sub/pic.svg": "<svg/>",
}


@pytest.mark.parametrize("theme", THEMES)
def test_site_without_blocks_is_the_same_without_the_plugin(site: Site, theme: str) -> None:
    site.config = {"theme": theme, "markdown_extensions": ["admonition", "pymdownx.superfences"]}
    site.before = ["search"]
    site.write(UNTOUCHED)
    with_plugin = site.build(strict=True, site_dir=str(site.root / "with"))
    site.options = None
    without = site.build(strict=True, site_dir=str(site.root / "without"))
    assert len(without.files()) > 8
    assert differences(with_plugin.files(), without.files()) == []
    assert with_plugin.messages(20) == []  # silent, too
    assert not site.cache.exists()


def test_pages_without_blocks_are_the_same_beside_pages_with_them(site: Site) -> None:
    site.config = {"markdown_extensions": ["admonition", "pymdownx.superfences"]}
    site.write({**UNTOUCHED, "docs/blocks.md": page("fox")})
    with_plugin = site.build(strict=True, site_dir=str(site.root / "with"))
    site.options = None
    without = site.build(strict=True, site_dir=str(site.root / "without"))
    sheet = re.compile(r'\s*<link href="[./]*assets/genimage/genimage.css" rel="stylesheet">')
    for name in ("index.html", "mention/index.html", "code/index.html", "sub/genimage/index.html"):
        assert len(sheet.findall(with_plugin.read(name))) == 1
        assert sheet.sub("", with_plugin.read(name)) == sheet.sub("", without.read(name))


# --- Cold and warm builds ---

MIXED = {
    "docs/index.md": page("auto", header=ALT + " size=auto")
    + page("unset")
    + page("sized", header=ALT + " size=1536x1024 width=300")
    + page("half", header=ALT + " size=1536x1024 width=50% caption='*Half*'")
    + page("tall", header=ALT + " height=200"),
    "docs/formats.md": page("as webp", "as jpeg", "as gif", header=ALT + " output_format=png")
    + page("as png", header=ALT + " output_format=webp"),
    "docs/variants.md": page("many", header=ALT + " n=3 pick=2 size=auto")
    + page("grid", header=ALT + " n=3 pick=all caption=Three"),
    "docs/sub/again.md": page("auto", header="alt=Other size=auto") + page("as webp", "unset"),
    "docs/bad.md": page("forbidden", "forbidden", header=ALT + " size=1536x1024")
    + page("forbidden", header=ALT + " n=2 pick=all #bad"),
    "docs/code.md": page("unset") + "````\n" + page("unset") + "````\n",
}


def moody(call: Call) -> Reply | None:
    """Answers in other formats than asked, and refusals, as prompts say."""
    words = str(call.fields["prompt"])
    if "forbidden" in words:
        return Reply(status=400, body=error_body("No such thing.", "moderation_blocked"))
    form = re.search(r"as (\w+)", words)
    return Reply(format=form[1]) if form else None


@pytest.mark.parametrize("theme", THEMES)
def test_cold_and_warm_builds_are_byte_identical(site: Site, api: ImagesServer, theme: str) -> None:
    site.config = {"theme": theme}
    site.before = ["search"]
    site.write(MIXED)
    api.reply = moody
    api.latency = 0.02
    refused = ("refused by the moderation",)
    cold = site.build(warns=refused)
    before = cold.files()
    cache = tree(site.cache)
    asked = len(api.posts)
    assert asked == 14  # 12 that came, and the refused one with and without a size

    warm = site.build(warns=refused)

    assert differences(before, warm.files()) == []
    assert tree(site.cache) == cache
    assert len(api.posts) == asked, "not even what was refused is asked for again"
    assert broken_links(warm.site_dir) == []
    sizes = {
        image["src"].rsplit("/", 1)[1][:6]: (image["width"], image["height"])
        for name in ("index.html", "formats/index.html", "bad/index.html")
        for image in warm.images(name)
    }
    assert sizes["a-auto"] == ("1216", "832")
    assert sizes["a-size"] == ("300", "200")
    assert sizes["a-tall"] == ("292", "200")
    assert sizes["placeh"] == ("1024", "1024")  # the last one: n=2 without a size
    kinds = {image["src"].rsplit(".", 1)[1] for image in warm.images("formats/index.html")}
    assert kinds == {"webp", "jpg", "gif", "png"}
    assert "data-genimage" not in "".join(map(str, warm.files().values()))


def test_bytes_from_the_server_are_published_unchanged(site: Site, api: ImagesServer) -> None:
    data = picture("x", "64x48") + b"trailing provenance"
    api.script(Reply(data=data))
    site.write({"docs/index.md": page("fox")})
    built = site.build(strict=True)
    (name,) = [name for name in built.files() if name.endswith(".png") and "genimage" in name]
    assert built.files()[name] == data


def test_warm_build_asks_nothing_imports_nothing_touches_nothing(
    site: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    site.write(
        {
            "docs/index.md": page("fox", "elk") + fence("A hen", ALT + " n=2 pick=all"),
            "hook.py": "import sys\n"
            "def on_post_build(config):\n"
            "    print('MODULES', *sorted(m for m in sys.modules if '.' not in m))\n",
        }
    )
    site.build(strict=True)
    asked = len(api.posts)
    before = {path: path.stat().st_mtime_ns for path in [site.cache, *site.cache.iterdir()]}
    site.config["hooks"] = ["hook.py"]

    ended = site.run("--strict", env=child_env).ended()

    (line,) = [line for line in ended.output.splitlines() if line.startswith("MODULES")]
    modules = set(line.split())
    assert {"mkdocs_genimage", "markdown", "click"} <= modules
    assert modules.isdisjoint({"openai", "PIL", "httpx", "httpx2", "pydantic", "httpcore"})
    assert len(api.posts) == asked
    assert {path: path.stat().st_mtime_ns for path in [site.cache, *site.cache.iterdir()]} == before
    assert "4 images: 4 from the cache, 0 generated, 0 failed" in ended.output


# --- How often the server is asked ---


def test_one_picture_on_many_pages_is_one_request_and_one_file(
    site: Site, api: ImagesServer
) -> None:
    api.latency = 0.05
    pages = {f"docs/page{i}.md": page("fox", "fox") for i in range(20)}
    # Presentation and spelling make no other picture.
    pages["docs/other.md"] = fence(f"  {prompt('fox')}\r\n", "alt='Another' caption=C #x width=200")
    site.write(pages)
    built = site.build(strict=True)
    assert len(api.posts) == 1
    assert len(site.cached(".json")) == len(site.cached(".png")) == 1
    names = {
        image["src"].rsplit("/", 1)[1]
        for i in range(20)
        for image in built.images(f"page{i}/index.html")
    }
    assert names == set(site.cached(".png"))
    assert len(built.images("page7/index.html")) == 2
    assert len([name for name in built.files() if name.startswith("assets/genimage/a-")]) == 1
    assert built.summary == "1 image: 0 from the cache, 1 generated, 0 failed"


def test_requests_are_exact_and_as_many_at_once_as_allowed(site: Site, api: ImagesServer) -> None:
    api.latency = 0.15
    site.options |= {"max_images": 0, "concurrency": 5, "defaults": {"size": "256x256"}}
    names = [[f"fox{i} number{j}" for j in range(4)] for i in range(20)]
    site.write({f"docs/page{i}.md": page(*names[i]) for i in range(20)})
    built = site.build(strict=True)
    prompts = [call.fields["prompt"] for call in api.posts]
    assert sorted(prompts) == sorted(prompt(name) for group in names for name in group)
    assert api.max_in_flight == 5
    assert built.summary == "80 images: 0 from the cache, 80 generated, 0 failed"


def test_only_what_is_new_is_asked_for(site: Site, api: ImagesServer) -> None:
    site.write({"docs/index.md": page("fox", "elk")})
    site.build(strict=True)
    site.write({"docs/index.md": page("elk", "hen", "fox"), "docs/new.md": page("hen")})
    built = site.build(strict=True)
    assert [call.fields["prompt"] for call in api.posts[2:]] == [prompt("hen")]
    assert built.summary == "3 images: 2 from the cache, 1 generated, 0 failed"


def test_picking_another_variant_costs_nothing(site: Site, api: ImagesServer) -> None:
    site.write({"docs/index.md": page("fox", header=ALT + " n=3")})
    site.build(strict=True)
    for pick in ("2", "3", "all", "1"):
        site.write({"docs/index.md": page("fox", header=f"{ALT} n=3 pick={pick}")})
        built = site.build(strict=True)
        count = 3 if pick == "all" else 1
        assert len({image["src"] for image in built.images("index.html")}) == count
    assert [call.fields.get("n") for call in api.posts] == [3]
    site.write({"docs/index.md": page("fox", header=f"{ALT} n=4 pick=4")})
    site.build(strict=True)
    assert [call.fields.get("n") for call in api.posts] == [3, None]


# --- Where blocks stand ---

BLOCK = fence(prompt("fox"), ALT)


PLACES = {
    "list": f"1. a\n\n{behind('    ', BLOCK)}\n2. b\n",
    "quote": f"> quoted\n>\n{behind('> ', BLOCK)}",
    "admonition": f"!!! note\n\n{behind('    ', BLOCK)}",
    "tabs": f'=== "A"\n\n{behind("    ", BLOCK)}\n=== "B"\n\n{behind("    ", BLOCK)}',
    "table": f"| a | b |\n|---|---|\n| 1 | 2 |\n{BLOCK}| c |\n",
    "footnote": f"Text[^1].\n\n[^1]: Note\n\n{behind('    ', BLOCK)}",
    "definition": f"term\n:   meaning\n\n{behind('    ', BLOCK)}",
    "md_in_html": f"<div markdown>\n\n{BLOCK}\n</div>\n",
    "details": f"<details>\n<summary>More</summary>\n{BLOCK}</details>\n",
    "span": f'<table><tr><td markdown="span">\n{BLOCK}</td></tr></table>\n',
    "snippet": '--8<-- "fox.md"\n',
    "in a list from a snippet": '- a\n\n    --8<-- "fox.md"\n',
    "crlf": BLOCK.replace("\n", "\r\n"),
    "bom": "\ufeff# Title\n\n" + BLOCK,
}


@pytest.mark.parametrize("extensions", SETS)
def test_pictures_stand_wherever_a_block_does(
    site: Site, api: ImagesServer, extensions: str
) -> None:
    chosen = extension_set(extensions, site.root / "snippets")
    listed = [{name: chosen["extension_configs"].get(name, {})} for name in chosen["extensions"]]
    site.config = {"markdown_extensions": listed}
    site.write({"snippets/fox.md": BLOCK})
    site.write({"docs/index.md": "# Home"})
    site.write({f"docs/sub/{name}.md": text for name, text in PLACES.items()})
    built = site.build(strict=True)
    assert len(api.posts) == 1
    assert broken_links(built.site_dir) == []
    for name in PLACES:
        html = built.read(f"sub/{name}/index.html")
        images = built.images(f"sub/{name}/index.html")
        assert len(images) == (2 if name == "tabs" else 1), name
        assert {image["src"] for image in images} == {
            "../../" + "assets/genimage/" + site.cached(".png")[0]
        }
        assert not re.search("[\x01-\x04]|genimage[0-9]", html), name
        assert images[0]["width"] == "1216", name
    assert holding(built.site_dir, SECRET) == []


EXAMPLES = {
    "longer fence": f"````markdown\n{BLOCK}````\n",
    "tildes": f"~~~\n{BLOCK}~~~\n",
    "indented": "Text\n\n" + behind("    ", BLOCK),
    "pre": f"<pre>\n{BLOCK}</pre>\n",
    "comment": f"<!--\n{BLOCK}-->\n",
    "script": f"<script>\n{BLOCK}</script>\n",
}


@pytest.mark.parametrize("extensions", SETS)
def test_examples_and_comments_are_never_paid_for(
    site: Site, api: ImagesServer, extensions: str
) -> None:
    chosen = extension_set(extensions, site.root)
    listed = [{name: chosen["extension_configs"].get(name, {})} for name in chosen["extensions"]]
    site.config = {"markdown_extensions": listed}
    site.write({f"docs/{name}.md": text for name, text in EXAMPLES.items()})
    with_plugin = site.build(strict=True, site_dir=str(site.root / "with"))
    assert api.calls == []
    assert not site.cache.exists()
    site.options = None
    without = site.build(strict=True, site_dir=str(site.root / "without"))
    for name in EXAMPLES:
        text = with_plugin.read(f"{name}/index.html")
        sheet = re.compile(r'\s*<link href="[./]*assets/genimage/genimage.css" rel="stylesheet">')
        assert sheet.sub("", text) == without.read(f"{name}/index.html"), name
