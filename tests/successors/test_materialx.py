"""Under the theme MaterialX, which MkDocs and ProperDocs build both where both are installed."""

from __future__ import annotations

import gzip
from importlib import metadata
from typing import TYPE_CHECKING

import pytest
from beside import DOCS, REQUESTS, SECRET, alt, block, view, views
from commands import HERO, build, build_twice, check_hero, is_of_this_environment, run, twins
from compatibility import Beside, beside
from sites import Build, Site, fence

import mkdocs_genimage

if TYPE_CHECKING:
    from api_server import ImagesServer

PACKAGE = "mkdocs-materialx"

BUILT_BESIDE = [Beside("materialx", package=PACKAGE, kind="theme")]

pytestmark = pytest.mark.parametrize("host", ["mkdocs", "properdocs"])


def theme(*, directory_urls: bool = True) -> dict[str, object]:
    return {
        "theme": {"name": "materialx", "palette": [{"scheme": "default"}, {"scheme": "slate"}]},
        "use_directory_urls": directory_urls,
        "markdown_extensions": ["attr_list", "pymdownx.superfences", "toc"],
    }


def unpacked(warm: Build) -> dict[str, bytes]:
    """The texts that the search of this theme reads, which are packed in the site."""
    found = {
        name: gzip.decompress(data)
        for name, data in warm.files().items()
        if name.endswith((".pf_fragment", ".pf_index", ".pf_meta"))
    }
    assert found
    return found


HOOK = """
import logging
import mkdocs

def on_pre_build(config):
    (base,) = [c for c in type(config.plugins["genimage"]).__mro__ if c.__name__ == "BasePlugin"]
    text = f"built by {mkdocs.__name__}, with {base.__module__}"
    logging.getLogger("mkdocs.plugins.hook").warning(text)
"""


@pytest.fixture
def one_page(site: Site) -> Site:
    """A site that tells what builds it."""
    site.config = {**theme(), "hooks": ["hook.py"]}
    site.options = {"provider": "placeholder"}
    page = "# Home\n\n" + fence("A fox", "alt=x size=64x48")
    site.write({"docs/index.md": page, "hook.py": HOOK})
    return site


@beside("materialx/search", package=PACKAGE)
@pytest.mark.parametrize(
    ("provider", "directory_urls"), [("pagefind", True), ("lunr", False)], ids=["folders", "files"]
)
def test_pictures_and_search(
    site: Site,
    api: ImagesServer,
    child_env: dict[str, str],
    host: str,
    provider: str,
    directory_urls: bool,
) -> None:
    site.config = theme(directory_urls=directory_urls)
    site.before = [{"materialx/search": {"provider": provider}}]
    site.write({**DOCS, "docs/hero.md": HERO})
    page, hero = view(site, "guide/page.md"), view(site, "hero.md")
    shown = {**views(site), hero: [alt("heron")]}
    warm = build_twice(site, api, host, views=shown, requests=REQUESTS + 1, env=child_env)
    check_hero(warm, hero)
    both = [("genimage-light", "light", "only-light"), ("genimage-dark", "dark", "only-dark")]
    assert twins(warm, page) == both
    # The theme hides one of them by that.
    styles = "".join(warm.read(name) for name in warm.files() if name.endswith(".css"))
    assert "#only-dark" in styles.replace(warm.read("assets/genimage/genimage.css"), "")
    if provider == "lunr":
        index = warm.read("search/search_index.json")
        assert "badger" in index
        assert SECRET not in index
        return
    texts = unpacked(warm)
    assert any(b"badger" in text for text in texts.values())
    assert [name for name, text in texts.items() if SECRET.encode() in text] == []


def post(day: int, category: str, name: str) -> str:
    teaser = block(name, f"caption='The *{name}*'")
    head = f"---\ndate: 2025-0{day}-01\ncategories: [{category}]\n---\n\n# Post {name}\n\nHello\n\n"
    return f"{head}{teaser}\n<!-- more -->\n\n{block(f'late {name}')}"


@beside("materialx/blog", package=PACKAGE)
@beside("materialx/meta", package=PACKAGE)
@beside("materialx/tags", package=PACKAGE)
@pytest.mark.parametrize("directory_urls", [True, False], ids=["folders", "files"])
def test_blog(
    site: Site, api: ImagesServer, child_env: dict[str, str], host: str, directory_urls: bool
) -> None:
    """Excerpts are rendered once more, on the views of the blog."""
    site.config = theme(directory_urls=directory_urls)
    site.before = [
        "materialx/search",
        {"materialx/blog": {"pagination_per_page": 1}},
        "materialx/tags",
        "materialx/meta",
    ]
    site.write(
        {
            "docs/index.md": "# Home\n",
            "docs/blog/index.md": "# Blog\n\n" + block("view"),
            "docs/blog/posts/fox.md": post(1, "Red", "fox"),
            "docs/blog/posts/2025/elk.md": post(2, "Red", "elk"),
        }
    )
    ending = "/index.html" if directory_urls else ".html"
    pages = {
        "blog/index.html": [alt("view"), alt("elk")],
        "blog/page/2/index.html": [alt("fox")],
        f"blog/archive/2025{ending}": [alt("elk")],
        f"blog/archive/2025/page/2{ending}": [alt("fox")],
        f"blog/category/red{ending}": [alt("elk")],
        f"blog/category/red/page/2{ending}": [alt("fox")],
        f"blog/2025/01/01/post-fox{ending}": [alt("fox"), alt("late fox")],
        f"blog/2025/02/01/post-elk{ending}": [alt("elk"), alt("late elk")],
    }
    warm = build_twice(site, api, host, views=pages, requests=5, env=child_env)
    assert "<figcaption>The <em>fox</em></figcaption>" in warm.read(
        f"blog/category/red/page/2{ending}"
    )


def test_both_are_installed(one_page: Site, child_env: dict[str, str], host: str) -> None:
    """The plugin gets the classes of the program that builds."""
    assert metadata.version("mkdocs")
    assert metadata.version("properdocs")
    assert is_of_this_environment(mkdocs_genimage.__file__)
    told = build(one_page, host, env=child_env).ended(warns=["built by"])
    assert f"built by {host}, with {host}.plugins" in told.output


def test_commands_use_what_the_configuration_is_named_after(
    one_page: Site, child_env: dict[str, str], host: str
) -> None:
    one_page.config_name = f"{host}.yml"
    for arguments in (["plan"], ["-f", one_page.config_name, "plan"]):
        told = run(one_page, "mkdocs-genimage", *arguments, env=child_env).ended(warns=["built by"])
        assert f"WARNING -  built by {host}" in told.output
        assert "1 picture: 1 missing." in told.output
