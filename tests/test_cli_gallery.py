"""`mkdocs-genimage gallery`: where the page goes, what is in it, and that it is only a page."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from api_server import ImagesServer
from cli_runs import genimage, genimage_process
from click.testing import CliRunner
from gallery_site import make_harbour, refuse
from sites import Site, fence, read_tags

from mkdocs_genimage.cli import gallery as command_module
from mkdocs_genimage.cli import main
from mkdocs_genimage.upkeep.gallery_page import unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli_runs import Ran


def run(site: Site, *arguments: str) -> Ran:
    return genimage(site, "gallery", *arguments)


def html_of(site: Site) -> str:
    return (site.cache / ".gallery/gallery.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, ImagesServer]]:
    """A site with a picture in every state, its gallery, and who was asked for the pictures."""
    with ImagesServer(reply=refuse) as api:
        yield make_harbour(tmp_path_factory.mktemp("harbour"), api), api


@pytest.fixture(scope="module")
def html(harbour: tuple[Site, ImagesServer]) -> str:
    return html_of(harbour[0])


def cards(html: str) -> dict[str, str]:
    """The HTML of each block by its place."""
    found = {}
    for rest in html.split("<article")[1:]:
        card = rest.split("</article>")[0]
        place = card.split("<h3>")[1].split("</h3>")[0]
        found[place.split(">")[1].split("<")[0] if "<a" in place else place] = card
    return found


# Where it goes


def test_default_place_is_of_this_machine_alone(harbour: tuple[Site, ImagesServer]) -> None:
    site, api = harbour
    calls = len(api.calls)
    before = {path: path.read_bytes() for path in site.cache.iterdir() if path.is_file()}
    result = run(site)
    assert result.status == 0
    page = site.cache / ".gallery/gallery.html"
    assert str(page) in result.output
    assert "14 blocks on 2 pages" in result.output
    for part in ("1 stale", "1 missing", "1 damaged", "1 refused", "1 bad", "2 without alt text"):
        assert part in result.output
    assert (site.cache / ".gallery/.gitignore").read_text() == "*\n"
    assert len(api.calls) == calls
    assert before == {path: path.read_bytes() for path in site.cache.iterdir() if path.is_file()}


def test_no_build_publishes_it(site: Site) -> None:
    """Not even where the pictures lie among the docs."""
    site.use_bare_theme()
    assert site.options is not None
    site.options["cache_dir"] = "docs/pictures"
    site.write({"docs/index.md": fence("A gull")})
    site.build()
    assert run(site).status == 0
    assert (site.root / "docs/pictures/.gallery/gallery.html").is_file()
    assert not [name for name in site.build().files() if "gallery" in name]


@pytest.mark.parametrize(
    ("place", "part"),
    [
        ("docs/review.html", "would be published"),
        ("site/review.html", "would be published"),
        ("genimage/review.html", "folder of the pictures"),
        ("notes.html", "is no gallery"),
    ],
)
def test_places_that_are_refused(site: Site, place: str, part: str) -> None:
    site.use_bare_theme()
    site.write(
        {
            "docs/index.md": "# Nothing yet\n",
            "notes.html": "<p>mine",
            "site/x": "",
            "genimage/x": "",
        }
    )
    target = site.root / place
    before = target.read_bytes() if target.exists() else None
    result = run(site, "-o", str(target))
    assert result.status == 2
    assert part in result.errors
    assert "--force" in result.errors
    assert (target.read_bytes() if target.exists() else None) == before
    assert run(site, "-o", str(target), "--force").status == 0
    assert b"No page of this site has a genimage block yet." in target.read_bytes()


def test_an_earlier_gallery_is_written_over(site: Site) -> None:
    site.use_bare_theme()
    site.write({"docs/index.md": "# Nothing yet\n"})
    target = site.root / "a review.html"
    for _ in range(2):
        assert run(site, "-o", str(target)).status == 0
    assert not site.cache.exists(), "nothing is left behind where nothing was asked for"


def test_place_that_cannot_be_written(site: Site) -> None:
    site.use_bare_theme()
    site.write({"docs/index.md": "# Nothing yet\n", "genimage/.gallery": "in the way"})
    result = run(site)
    assert result.status == 2
    assert "cannot be written" in result.errors
    assert "--output" in result.errors
    result = run(site, "-o", str(site.root / "no/such/folder/x.html"))
    assert result.status == 2
    assert "No such file or directory" in result.errors


@pytest.mark.parametrize("there", [True, False])
def test_open(site: Site, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    opened: list[str] = []
    monkeypatch.setattr(command_module.webbrowser, "open", lambda url: opened.append(url) or there)
    site.use_bare_theme()
    site.write({"docs/index.md": "# Nothing yet\n"})
    result = run(site, "--open")
    assert result.status == 0
    assert opened == [(site.cache / ".gallery/gallery.html").as_uri()]
    assert ("no browser" in result.errors) != there


def test_sites_that_cannot_be_read(site: Site, tmp_path: Path) -> None:
    missing = CliRunner().invoke(main, ["-f", str(tmp_path / "none.yml"), "gallery"])
    assert missing.exit_code == 2
    site.write({"docs/index.md": b"# caf\xe9\n"})
    result = run(site)
    assert result.status == 2
    assert "cannot be built" in result.errors
    site.options = None
    assert "'genimage' under 'plugins:'" in run(site).errors


def test_json(harbour: tuple[Site, ImagesServer]) -> None:
    report = run(harbour[0], "--json").ended().json("gallery")
    assert report["states"] == {
        "cached": 9, "stale": 1, "missing": 1, "damaged": 1, "refused": 1, "bad": 1,
    }  # fmt: skip
    assert report["blocks"] == sum(report["states"].values())
    assert report["bytes"] == Path(report["output"]).stat().st_size
    # What was paid for is gone or not, the damaged one's price is not counted.
    assert report["paid"] == pytest.approx(0.04 * 13)


def test_as_a_process(site: Site, child_env: dict[str, str]) -> None:
    site.use_bare_theme()
    site.write({"docs/index.md": fence("A gull")})
    site.write_config()
    ran = genimage_process(site.root, "gallery", env=child_env).ended()
    start = "genimage/.gallery/gallery.html: 1 block on 1 page, 1 missing, 1 without alt text, "
    assert ran.output.replace("\\", "/").startswith(start)
    assert not ran.errors
    assert "\x1b" not in ran.output


def test_a_bar_on_a_terminal(
    harbour: tuple[Site, ImagesServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import datetime, timezone

    from mkdocs_genimage.upkeep.survey import load, survey

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    found = survey(load(str(harbour[0].config_file)))
    monkeypatch.setattr(sys, "stderr", terminal)
    command_module._gathered(found, harbour[0].root / "x.html", datetime.now(timezone.utc))
    assert "Making previews" in terminal.getvalue()
    assert "13/13" in terminal.getvalue()


# What is in it


def test_the_page_holds_all_that_it_shows(harbour: tuple[Site, ImagesServer], html: str) -> None:
    folder = harbour[0].cache / ".gallery"
    seen = 0
    for tag, attributes in read_tags(html):
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert tag not in ("iframe", "object", "embed", "form", "base")
        if tag == "img" and "src" in attributes:
            assert attributes["src"].startswith("data:image/")
            seen += 1
        elif tag == "a" and "href" in attributes:
            url = attributes["href"]
            if not url.startswith(("#", "https://harbour.example/docs/")):
                assert (folder / unquote(url)).is_file(), url
    assert seen == 13
    tags = [tag for tag, _ in read_tags(html)]
    assert tags.count("script") == tags.count("style") == 1


def test_the_policy_names_the_pages_own_script_and_styles(html: str) -> None:
    (policy,) = [
        attributes["content"]
        for tag, attributes in read_tags(html)
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        text = html.split(f"<{tag}>")[1].split(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_blocks(html: str) -> None:
    found = cards(html)
    assert len(found) == 14
    several = found["docs/index.md:3"]
    assert several.count('src="data:') == 4
    assert several.count("shown on the site") == 1
    for variant in (1, 3, 4):
        assert f'data-copy="mkdocs-genimage pick docs/index.md:3 {variant}"' in several
    assert "pick docs/index.md:3 2" not in several
    assert "$0.16 for 4" in several
    assert "size: 1024x1024" in several
    assert "The *old* light" in found["docs/index.md:7"]
    assert "Taken from the prompt" in found["docs/index.md:11"]
    assert "None: it is decorative." in found["docs/index.md:15"]
    states = {
        "Refused": ("refused", "not sent again", "data:image"),
        "Missing": ("missing", "A build asks for it, for about $0.04.", "data:image"),
        "To be damaged": ("damaged", "genimage/a-torn-map-", "data:image"),
    }
    for alt, (state, note, never) in states.items():
        (card,) = [card for card in found.values() if f">{alt}<" in card]
        assert f'class="badge {state}"' in card
        assert note in card
        assert never not in card
    (stale,) = [card for card in found.values() if ">Of last year<" in card]
    assert "Made by dall-e-3. Today&#39;s site would ask gpt-image-2." in stale
    assert "data:image" in stale
    (bad,) = [card for card in found.values() if "hihg" in card]
    assert 'data-filters="bad"' in bad
    assert "Did you mean &#39;high&#39;?" in bad
    assert 'href="https://harbour.example/docs/other/page/"' in html
    assert "Harbour &amp; <em>" not in html


def test_hostile_texts_are_texts(html: str) -> None:
    assert "<img src=x" not in html
    assert html.count("</script>") == html.count("<script>") == 1
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_commands_for_blocks_that_no_command_can_edit(site: Site) -> None:
    site.use_bare_theme()
    site.config_name = "other.yml"
    site.config["markdown_extensions"] = [
        {"pymdownx.snippets": {"base_path": [str(site.root / "parts")]}}
    ]
    body = "prompt: A gull\nn: 2"
    site.write(
        {
            "parts/gull.md": fence(f"{body}\nsize: 512x512"),
            "docs/index.md": '--8<-- "gull.md"\n',
            "docs/my page.md": "1. One\r\n\r\n" + fence(body, indent="    ").replace("\n", "\r\n"),
        }
    )
    site.build()
    result = run(site)
    assert result.status == 0, result.output
    found = cards(html_of(site))
    assert "data-copy" not in found["docs/index.md (from a snippet)"]
    command = "mkdocs-genimage -f other.yml pick &#39;docs/my page.md:3&#39; 2"
    assert f'data-copy="{command}"' in found["docs/my page.md:3"]


def test_a_picture_that_cannot_be_shown(site: Site) -> None:
    """Its sidecar vouches for bytes that are no picture."""
    site.use_bare_theme()
    site.write({"docs/index.md": fence("A gull") + "\n" + fence("A heron")})
    site.build()
    (path,) = site.cache.glob("a-gull-*.png")
    path.write_bytes(path.read_bytes()[:1000])
    sidecar = path.with_suffix(".json")
    facts = json.loads(sidecar.read_bytes())
    facts |= {"bytes": 1000, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    sidecar.write_text(json.dumps(facts))
    result = run(site)
    assert result.status == 1
    assert f"genimage/{path.name}: it cannot be" in result.errors
    found = cards(html_of(site))
    assert "There is no preview" in found["docs/index.md:1"]
    assert "data:image" in found["docs/index.md:5"]


def test_files_that_people_put_there(site: Site) -> None:
    """A large drawing is shown from its file; its sidecar names no model and no price."""
    site.use_bare_theme()
    site.write({"docs/index.md": fence("A gull", "size=300x200 output_format=svg")})
    site.build()
    (path,) = site.cache.glob("a-gull-*.svg")
    data = path.read_bytes().replace(b"</svg>", b"<!--" + b"x" * 300_000 + b"--></svg>")
    path.write_bytes(data)
    sidecar = path.with_suffix(".json")
    facts = json.loads(sidecar.read_bytes())
    facts |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "adopted": True}
    del facts["model"]
    sidecar.write_text(json.dumps(facts))
    assert run(site).status == 0
    (card,) = cards(html_of(site)).values()
    assert f'<img src="../{path.name}"' in card
    assert "by hand" in card
    assert "Model" not in card


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A gull\non a post", "A gull on a post"),
        ("A gull\n\nA post\nof wood", "A gull\n\nA post of wood"),
        ("Three:\n- a gull\n- a post\n  of wood\n1. end", "Three:\n- a gull\n- a post of wood\n1. end"),
        ("雨后的\n港口", "雨后的港口"),
        ("비 온 뒤\n항구", "비 온 뒤 항구"),
        ("", ""),
        ("\n\n  x  \n\n", "x"),
    ],
)  # fmt: skip
def test_prompts_flow(text: str, expected: str) -> None:
    assert unwrapped(text) == expected
