"""The extension in plain Python-Markdown: it shows what is in a cache and never asks for anything."""

from __future__ import annotations

import base64
import logging
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import markdown
import pytest
from sites import Site, check_warnings, fence, read_tags, recorded, tree

from mkdocs_genimage.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from api_server import ImagesServer

TEXT = "# Title\n\n" + fence("A fox", 'alt="A *fox*" size=64x48 caption="See *it*"')


@pytest.fixture
def filled(site: Site, api: ImagesServer) -> Site:
    """A site with one picture in its cache."""
    site.use_bare_theme()
    site.write({"docs/index.md": TEXT})
    site.build(strict=True)
    api.calls.clear()
    return site


def convert(text: str, warns: Sequence[str] = (), **options: Any) -> str:
    with recorded(logging.INFO) as records:
        html = markdown.markdown(
            text, extensions=["genimage"], extension_configs={"genimage": options}
        )
    warnings = [record.getMessage() for record in records if record.levelno >= logging.WARNING]
    check_warnings("", warns, warnings)
    return html


def image(html: str) -> dict[str, str]:
    (found,) = [attrs for tag, attrs in read_tags(html) if tag == "img"]
    return found


def test_cached_picture(filled: Site, api: ImagesServer) -> None:
    before = tree(filled.root)
    html = convert(TEXT, cache_dir=str(filled.cache), url="/pictures/")
    (name,) = filled.cached(".png")
    shown = image(html)
    assert shown["src"] == f"/pictures/{name}"
    assert (shown["alt"], shown["width"], shown["height"]) == ("A *fox*", "64", "48")
    assert "<figcaption>See <em>it</em></figcaption>" in html
    assert api.calls == []
    assert tree(filled.root) == before


def test_it_shows_the_same_as_a_build(filled: Site) -> None:
    built = filled.build(strict=True)
    html = convert(TEXT, cache_dir=str(filled.cache), url="assets/genimage")
    figure = re.compile(r"<figure.*</figure>", re.DOTALL)
    found = figure.search(html)
    assert found
    assert found[0] in built.read("index.html")


def test_working_directory_is_where_the_cache_is(
    filled: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(filled.root)
    html = markdown.markdown(TEXT, extensions=["genimage"])
    assert image(html)["src"] == f"genimage/{filled.cached('.png')[0]}"


def test_missing_picture_is_a_placeholder_in_the_page(tmp_path: Path) -> None:
    cache = tmp_path / "no such folder"
    shown = image(convert(TEXT, cache_dir=str(cache)))
    head, _, data = shown["src"].partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(data).startswith(b"<svg")
    assert (shown["width"], shown["height"]) == ("64", "48")
    assert shown["class"] == "genimage-placeholder"
    assert not cache.exists()


def test_damaged_picture_is_told(filled: Site) -> None:
    (name,) = filled.cached(".png")
    path = filled.cache / name
    path.write_bytes(path.read_bytes()[:-1])
    html = convert(TEXT, warns=["is damaged"], cache_dir=str(filled.cache))
    assert image(html)["src"].startswith("data:image/svg+xml")


def test_nothing_heavy_is_imported(filled: Site, child_env: dict[str, str]) -> None:
    code = (
        "import sys, markdown; "
        "print(markdown.markdown(sys.argv[1], extensions=['genimage'], "
        "extension_configs={'genimage': {'cache_dir': sys.argv[2]}})); "
        "print(sorted({name.split('.')[0] for name in sys.modules}))"
    )
    arguments = [sys.executable, "-c", code, TEXT, str(filled.cache)]
    done = subprocess.run(arguments, env=child_env, capture_output=True, text=True, check=True)
    *html, modules = done.stdout.splitlines()
    assert "data:" not in "".join(html)
    for name in ("mkdocs", "openai", "PIL", "httpx", "httpx2", "jinja2"):
        assert f"'{name}'" not in modules


def test_bad_blocks_are_told_and_shown(tmp_path: Path) -> None:
    text = "Text\n\n" + fence("A secret fox", "size=huge") + "\n- ```genimage\n"
    with recorded(logging.INFO) as records:
        html = markdown.markdown(text, extensions=["genimage"])
    assert "This picture cannot be shown." in html
    assert "secret" not in html
    told = [record.getMessage() for record in records if record.levelno == logging.WARNING]
    assert [message.split("'")[0].strip() for message in told if "huge" in message] == [
        "genimage: line 3:"
    ]
    assert any("line 7: A fence cannot begin on the line of a list marker" in m for m in told)


def test_styles_and_defaults_are_part_of_the_key(site: Site, api: ImagesServer) -> None:
    site.use_bare_theme()
    shared = {"defaults": {"size": "square", "style": "ink"}, "styles": {"ink": "Ink: {prompt}"}}
    site.options |= shared
    text = fence("A fox", "alt=x")
    site.write({"docs/index.md": text})
    site.build(strict=True)
    assert "data:" not in image(convert(text, cache_dir=str(site.cache), **shared))["src"]
    assert "data:" in image(convert(text, cache_dir=str(site.cache)))["src"]


def test_variants_and_input_files(site: Site, api: ImagesServer) -> None:
    from pictures import picture

    site.use_bare_theme()
    text = fence("A fox", "alt=x n=2 pick=all") + fence("prompt: B\nimage: in.png\nalt: x")
    site.write({"docs/index.md": text, "docs/in.png": picture("in", "8x8")})
    site.build(strict=True)
    html = convert(text, cache_dir=str(site.cache), docs_dir=str(site.root / "docs"))
    assert html.count("<img") == 3
    assert "data:" not in html


def test_one_extension_object_serves_many_texts(filled: Site) -> None:
    md = markdown.Markdown(
        extensions=["genimage", "tables"],
        extension_configs={"genimage": {"cache_dir": str(filled.cache)}},
    )
    first = md.convert(TEXT)
    assert md.reset().convert("No block") == "<p>No block</p>"
    assert md.reset().convert(TEXT) == first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"provider": "openai"}, "there is no option 'provider'. Allowed: cache_dir, url"),
        ({"defaults": {"sise": "1x1"}}, "there is no option 'sise'. Did you mean 'size'?"),
        ({"defaults": ["size"]}, "must be a mapping of options"),
        ({"defaults": {"style": "ink"}}, "'defaults: style: ink' names"),
        ({"styles": {"ink": "no place"}}, "style 'ink': needs {prompt}"),
        ({"styles": ["ink"]}, "must be a mapping"),
        ({"styles": {"ink": None}}, "style 'ink': must be a text"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        convert(TEXT, **options)
