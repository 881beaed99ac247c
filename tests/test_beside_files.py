"""Builds beside plugins that add, replace and drop files, that make the navigation, and that build twice.

Each plugin is listed once before ours and once after it: who comes first must not matter.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from beside import (
    DOCS,
    FOLDER_ALTS,
    FOLDER_PAGE,
    REQUESTS,
    ROOT_ALTS,
    SECRET,
    alt,
    block,
    build_twice,
    check_site,
    check_social_image,
    hero,
    own_images,
    prepare,
    prompt,
    social_images,
    views,
)
from ci_runners import environment, run
from compatibility import Beside, beside
from links import broken_links
from mkdocs.config.config_options import DocsDir
from pictures import picture
from sites import BUILD_DATE, Build, Site, fence, holding, tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api_server import ImagesServer

BUILT_BESIDE = [Beside("mkdocs", package="mkdocs", kind="command")]

both_sides = pytest.mark.parametrize("side", ["before", "after"])

DATE = "2026-01-02T03:04:05+00:00"


def list_plugins(site: Site, side: str, *plugins: Any) -> None:
    """Put plugins on one side of ours, and the search, which shows prompts that leak."""
    site.before = ["search"]
    setattr(site, side, [*getattr(site, side), *plugins])


@pytest.fixture
def git(
    child_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The environment of a Git that knows nothing of the developer's; also that of this process."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    env = environment(child_env, tmp_path / "home")
    for who in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{who}_NAME": "A Writer", f"GIT_{who}_EMAIL": "writer@docs.invalid"}
        env[f"GIT_{who}_DATE"] = DATE
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", env["HOME"])
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return env


def commit(folder: Path, env: Mapping[str, str], *paths: str) -> None:
    """Commit files of a folder, which becomes a repository first if it is none."""
    if not (folder / ".git").exists():
        run(["git", "init", "--quiet", "-b", "main"], folder, env).ended()
    run(["git", "add", "--", *paths], folder, env).ended()
    run(["git", "commit", "--quiet", "-m", "Write"], folder, env).ended()


# --- Translations ---


def translated(structure: str, name: str, locale: str) -> str:
    """The file of a page in one language."""
    if structure == "folder":
        return f"docs/{locale}/{name}.md"
    return f"docs/{name}.{locale}.md"


LANGUAGES = [
    {"locale": "en", "name": "English", "default": True},
    {"locale": "de", "name": "Deutsch"},
]


@beside("i18n", package="mkdocs-static-i18n")
@both_sides
@pytest.mark.parametrize("theme", ["material", "mkdocs"])
@pytest.mark.parametrize("structure", ["folder", "suffix"])
def test_static_i18n(site: Site, api: ImagesServer, structure: str, theme: str, side: str) -> None:
    """Both languages share a picture, each with an alt text of its own, and have one of their own."""
    pytest.importorskip("mkdocs_static_i18n")
    site.config["theme"] = theme
    list_plugins(site, side, {"i18n": {"docs_structure": structure, "languages": LANGUAGES}})
    for locale, fox, page in (("en", "A fox", "See [it]"), ("de", "Ein Fuchs", "Siehe [es]")):
        shared = fence(prompt("fox"), f"alt='{fox}' caption='{page}(guide/page.md)'")
        own = fence(prompt(f"{locale} owl"), f"alt='{fox} II' n=2 pick=all")
        site.write(
            {
                translated(structure, "index", locale): hero("gull").replace(
                    "alt: A gull", f"alt: {fox}"
                )
                + f"# Home\n\n{shared}",
                translated(structure, "guide/page", locale): "# Page\n\n- item\n\n"
                + f"    {shared.strip()}\n".replace("\n", "\n    ").replace("guide/page", "page")
                + f"\n\n{own}",
            }
        )
    # Shown in German as well, as there is no translation.
    only = "docs/en/only.md" if structure == "folder" else "docs/only.md"
    site.write({only: f"# Only\n\n{block('gnu')}"})
    # Each language's owls are two pictures. The limit is for both languages together.
    site.options["max_images"] = 7

    built = build_twice(
        site,
        api,
        views={
            "index.html": ["A fox"],
            "guide/page/index.html": ["A fox", *["A fox II"] * 2],
            "only/index.html": [alt("gnu")],
            "de/index.html": ["Ein Fuchs"],
            "de/guide/page/index.html": ["Ein Fuchs", *["Ein Fuchs II"] * 2],
            "de/only/index.html": [alt("gnu")],
        },
        requests=5,
    )

    # One file for both languages, and none in the folder of one.
    pictures = [name for name in built.files() if "/a-fox-" in name]
    assert pictures
    assert all(name.startswith("assets/genimage/") for name in pictures)
    english = own_images(built, "index.html")[0]["src"]
    assert own_images(built, "de/index.html")[0]["src"] == f"../{english}"
    assert check_social_image(built, "index.html") == check_social_image(built, "de/index.html")
    for name, fox in (("index.html", "A fox"), ("de/index.html", "Ein Fuchs")):
        metas = {meta.get("property"): meta.get("content") for meta in built.tags(name, "meta")}
        assert metas["og:image:alt"] == fox


@beside("i18n", package="mkdocs-static-i18n")
def test_limit_holds_for_all_languages_together(bare: Site, api: ImagesServer) -> None:
    pytest.importorskip("mkdocs_static_i18n")
    bare.after = [{"i18n": {"docs_structure": "suffix", "languages": LANGUAGES}}]
    bare.write({f"docs/index.{locale}.md": block(f"{locale} fox") for locale in ("en", "de")})
    prepare(bare, api)
    bare.options["max_images"] = 1

    built = bare.build(warns=["'max_images: 1' is reached"])

    assert len(api.posts) == 1
    assert len(built.warnings) == 1
    assert "placeholder-" in own_images(built, "de/index.html")[0]["src"]
    assert broken_links(built.site_dir) == []


# --- Plugins that drop and add files ---


@beside("exclude", package="mkdocs-exclude")
@both_sides
def test_exclude(bare: Site, api: ImagesServer, side: str) -> None:
    pytest.importorskip("mkdocs_exclude")
    # None of these may take our files away, which are not among the docs.
    globs = ["*.tmp", "drafts/*", "assets/*", "*.png", "*.css", "*.webp"]
    list_plugins(bare, side, {"exclude": {"glob": globs, "regex": [".*genimage.*"]}})
    bare.write(
        {
            **DOCS,
            "docs/drafts/page.md": block("never"),
            "docs/own.png": picture("own", "8x8"),
            "docs/note.tmp": SECRET,
        }
    )

    built = build_twice(bare, api, views=views(bare), requests=REQUESTS)

    assert "own.png" not in built.files()
    assert not (built.site_dir / "drafts").exists()


GENERATOR = """
import mkdocs_gen_files

with mkdocs_gen_files.open("made/deep/page.md", "w") as page:
    page.write(HERO + "# Made\\n\\nTo [the owls](../../guide/page.md#owls).\\n\\n" + HEN)
mkdocs_gen_files.set_edit_path("made/deep/page.md", "generate.py")
# A page that is there already becomes a generated one, too.
with mkdocs_gen_files.open("guide/page.md", "a") as page:
    page.write("\\n\\n" + ELK)
with mkdocs_gen_files.open("nav.txt", "w") as other:
    other.write("no page")
"""


@beside("gen-files", package="mkdocs-gen-files")
@both_sides
def test_gen_files(site: Site, api: ImagesServer, side: str) -> None:
    pytest.importorskip("mkdocs_gen_files")
    list_plugins(site, side, {"gen-files": {"scripts": ["generate.py"]}})
    hen = block("hen", "caption='To [home](../../index.md)'")
    page = hero("gull", "    show: true")
    blocks = f"HERO = {page!r}\nHEN = {hen!r}\nELK = {block('elk')!r}\n"
    site.write({**DOCS, "generate.py": blocks + GENERATOR})

    built = build_twice(
        site,
        api,
        views={
            "index.html": ROOT_ALTS,
            "guide/page/index.html": [*FOLDER_ALTS, alt("elk")],
            "made/deep/page/index.html": [alt("gull"), alt("hen")],
        },
        requests=REQUESTS + 3,
    )

    check_social_image(built, "made/deep/page/index.html")
    html = built.read("made/deep/page/index.html")
    assert '<figcaption>To <a href="../../../">home</a></figcaption>' in html
    assert not (site.root / "docs/made").exists()


# Paths begin at the folder of the file that the page was read from, and not at the page's place in the docs.
@beside("gen-files", package="mkdocs-gen-files")
@both_sides
def test_input_pictures_of_generated_pages(bare: Site, api: ImagesServer, side: str) -> None:
    pytest.importorskip("mkdocs_gen_files")
    list_plugins(bare, side, {"gen-files": {"scripts": ["generate.py"]}})
    edit = block("elk", "image=sketch.png")
    sketch = "../../guide/sketch.png"
    page = hero("gull", f"    image: {sketch}")
    blocks = f"HERO = {page!r}\nHEN = {block('hen', f'image={sketch}')!r}\nELK = ''\n"
    bare.write(
        {
            "docs/index.md": "# Home\n",
            "docs/guide/page.md": f"# Page\n\n## Owls\n\n{edit}",
            "docs/guide/sketch.png": picture("sketch", "64x48"),
            "generate.py": blocks + GENERATOR,
        }
    )

    build_twice(
        bare,
        api,
        views={"guide/page/index.html": [alt("elk")], "made/deep/page/index.html": [alt("hen")]},
        requests=3,
    )

    assert [call.path for call in api.posts] == ["/v1/images/edits"] * 3


@beside("redirects", package="mkdocs-redirects")
@both_sides
@pytest.mark.parametrize("directory_urls", [True, False], ids=["folders", "files"])
def test_redirects(bare: Site, api: ImagesServer, side: str, directory_urls: bool) -> None:
    pytest.importorskip("mkdocs_redirects")
    bare.config["use_directory_urls"] = directory_urls
    maps = {"old.md": "guide/page.md", "older/page.md": "index.md#badger"}
    list_plugins(bare, side, {"redirects": {"redirect_maps": maps}})
    bare.write(DOCS)

    built = build_twice(bare, api, views=views(bare), requests=REQUESTS)

    old = "older/page/index.html" if directory_urls else "older/page.html"
    assert "#badger" in built.read(old)


# --- Plugins that make the navigation ---

SECTION = {
    "docs/guide/index.md": hero("gull", "    show: true")
    + f"# The guide\n\n{block('hen', 'caption=[on](page.md)')}"
}
SECTION_ALTS = [alt("gull"), alt("hen")]

AWESOME = {
    "docs/.nav.yml": "nav:\n  - guide\n  - Start: index.md\n",
    "docs/guide/.nav.yml": "title: The best guide\nnav:\n  - index.md\n  - '*'\n",
}
LITERATE = {
    "docs/SUMMARY.md": "- [The best guide](guide/)\n- [Start](index.md)\n",
    "docs/guide/SUMMARY.md": "- [All](index.md)\n- [Owls](page.md)\n",
}


@beside("awesome-nav", package="mkdocs-awesome-nav")
@beside("literate-nav", package="mkdocs-literate-nav")
@beside("section-index", package="mkdocs-section-index")
@beside("readthedocs", package="mkdocs", kind="theme")
@both_sides
@pytest.mark.parametrize("theme", ["material", "readthedocs"])
@pytest.mark.parametrize("navigation", ["awesome-nav", "literate-nav", "section-index"])
def test_navigation(site: Site, api: ImagesServer, navigation: str, theme: str, side: str) -> None:
    pytest.importorskip(f"mkdocs_{navigation.replace('-', '_')}")
    site.config["theme"] = theme
    if navigation == "section-index":
        site.config["nav"] = [
            {"The best guide": ["guide/index.md", "guide/page.md"]},
            {"Start": "index.md"},
        ]
    # The plugin reads its pages before MkDocs excludes them.
    site.config["exclude_docs"] = "SUMMARY.md"
    list_plugins(site, side, navigation)
    site.write({**DOCS, **SECTION, **(AWESOME if navigation == "awesome-nav" else LITERATE)})

    built = build_twice(
        site,
        api,
        views={**views(site), "guide/index.html": SECTION_ALTS},
        requests=REQUESTS + 2,
    )

    html = built.read("index.html")
    assert 0 < html.rindex("The best guide") < html.rindex("Start")
    check_social_image(built, "guide/index.html")


@beside("git-revision-date-localized", package="mkdocs-git-revision-date-localized-plugin")
@both_sides
def test_git_revision_date(site: Site, api: ImagesServer, side: str, git: dict[str, str]) -> None:
    pytest.importorskip("mkdocs_git_revision_date_localized_plugin")
    site.config["theme"] = "material"
    dates = {"enable_creation_date": True, "type": "iso_date"}
    list_plugins(site, side, {"git-revision-date-localized": dates})
    site.write(DOCS)
    commit(site.root, git, "docs")

    built = build_twice(site, api, views=views(site), requests=REQUESTS)

    for name in views(site):
        assert DATE[:10] in built.read(name)


# --- The harmless ones all together ---


@both_sides
@pytest.mark.parametrize("navigation", ["awesome-nav", "literate-nav"])
def test_all_together(
    site: Site, api: ImagesServer, navigation: str, side: str, git: dict[str, str]
) -> None:
    plugins: dict[str, Any] = {
        "gen-files": {"scripts": ["generate.py"]},
        "exclude": {"glob": ["*.tmp"]},
        navigation: {},
        "section-index": {},
        "tags": {},
        "macros": {},
        "include-markdown": {},
        "autorefs": {},
        "redirects": {"redirect_maps": {"old.md": "guide/page.md"}},
        # Generated pages get the time of the build, which two builds do not share.
        "git-revision-date-localized": {
            "type": "iso_date",
            "exclude": ["made/*", "guide/page.md"],
        },
    }
    modules = {
        "tags": "material",
        "autorefs": "mkdocs_autorefs",
        "git-revision-date-localized": "mkdocs_git_revision_date_localized_plugin",
        "include-markdown": "mkdocs_include_markdown_plugin",
    }
    for name in plugins:
        pytest.importorskip(modules.get(name, f"mkdocs_{name.replace('-', '_')}"))
    site.config |= {
        "theme": {"name": "material", "features": ["navigation.tabs", "navigation.indexes"]},
        "markdown_extensions": ["attr_list", "admonition", "pymdownx.superfences"],
        "extra": {"animal": "yak"},
        "exclude_docs": "SUMMARY.md",
    }
    list_plugins(site, side, *({name: options} for name, options in plugins.items()))
    tags = "---\ntags: [birds, lakes]\n"
    mixed = (
        hero("dodo").replace("---\n", tags, 1)
        + "# Mixed\n\nTo [the owls][owls].\n\n"
        + block("{{ animal }}", "caption='Beside [Owls][]'")
        + "\n!!! note\n\n    {% include-markdown '../../parts/gull.md' %}\n"
    )
    blocks = f"HERO = ''\nHEN = {block('hen')!r}\nELK = {block('elk')!r}\n"
    site.write(
        {
            **DOCS,
            **SECTION,
            **(AWESOME if navigation == "awesome-nav" else LITERATE),
            "docs/guide/mixed.md": mixed,
            "docs/tags.md": "# Tags\n\n<!-- material/tags -->\n",
            "docs/note.tmp": SECRET,
            "generate.py": blocks + GENERATOR,
            "parts/gull.md": block("gull"),
        }
    )
    commit(site.root, git, "docs")
    if navigation == "literate-nav":  # which lists fewer pages
        site.config["not_in_nav"] = "*"

    built = build_twice(
        site,
        api,
        views={
            "index.html": ROOT_ALTS,
            "guide/index.html": SECTION_ALTS,
            "guide/page/index.html": [*FOLDER_ALTS, alt("elk")],
            "guide/mixed/index.html": [alt("yak"), alt("gull")],
            "made/deep/page/index.html": [alt("hen")],
        },
        requests=REQUESTS + 5,
    )

    check_social_image(built, "guide/index.html")
    check_social_image(built, "guide/mixed/index.html")
    html = built.read("guide/mixed/index.html")
    assert html.count('href="../page/#owls"') >= 2
    assert DATE[:10] in html


# --- Versions ---


@beside("mike", package="mike", kind="command")
@pytest.mark.parametrize("aliases", ["symlink", "copy", "redirect"])
def test_mike(site: Site, api: ImagesServer, aliases: str, git: dict[str, str]) -> None:
    """Two versions are deployed, the newer one with an alias, as processes."""
    pytest.importorskip("mike")
    address = "http://site.invalid/docs/"
    site.config |= {"theme": "material", "site_url": address, "strict": True}
    list_plugins(site, "after", {"mike": {"alias_type": aliases}})
    hen = hero("hen") + "# Hen\n\n" + block("hen")
    site.write({**DOCS, "docs/hen.md": hen, ".gitignore": "/site/\n"})
    prepare(site, api)
    site.write_config()
    commit(site.root, git, ".")
    git |= {"SOURCE_DATE_EPOCH": BUILD_DATE}
    mike = [sys.executable, "-c", "from mike.driver import main; main()"]

    for version in ("1.0", "2.0"):
        deploy = [*mike, "deploy", "--update-aliases", version, "latest"]
        output = run(deploy, site.root, git).ended().output
        assert "WARNING" not in output
        assert len(api.posts) == REQUESTS + 1
    run([*mike, "set-default", "latest"], site.root, git).ended()
    # What is made from the pictures stays out of the repository.
    assert list(site.cache.glob(".derived/**/*.webp"))
    commit(site.root, git, ".")
    assert ".derived" not in run(["git", "ls-files"], site.root, git).ended().output

    branch = site.root.with_name("branch")
    run(["git", "worktree", "add", str(branch), "gh-pages"], site.root, git).ended()
    # A web server follows the links of folders; the checks of the tests do not.
    deployed = Path(shutil.copytree(branch, branch.with_name("deployed")))
    assert broken_links(deployed, address) == []
    assert holding(deployed, SECRET) == []
    for folder in ("1.0", "2.0", "latest"):
        whole = folder != "latest" or aliases != "redirect"
        version = Build(deployed / folder, [])
        for name, alts in {**views(site), "hen/index.html": [alt("hen")]}.items():
            assert [image["alt"] for image in own_images(version, name)] == alts * whole
        if whole:
            # The alias shows the pages of the newer version, as they are.
            home = f"{address}{folder.replace('latest', '2.0')}/"
            (social,) = social_images(version, "hen/index.html")
            assert social.startswith(f"{home}assets/genimage/a-hen-")
            assert (deployed / social.removeprefix(address)).is_file()
    versions = [tree(deployed / name / "assets/genimage") for name in ("1.0", "2.0")]
    assert versions[0] == versions[1]


# --- Unusual ways to build ---


def test_inherited_configuration(site: Site, api: ImagesServer) -> None:
    prepare(site, api)
    site.config["markdown_extensions"] = ["attr_list"]
    site.before = []
    site.config_name = "base/all.yml"
    site.config |= {"docs_dir": "not-there", "extra_css": ["own.css"]}
    site.write_config()
    text = site.config_file.read_text().replace(
        "plugins:\n- genimage:\n", "plugins:\n  genimage:\n"
    )
    site.config_file.write_text(text)
    child = Site(site.root / "sites/one", {"site_url": site.config["site_url"]})
    docs = {f"text/{name.removeprefix('docs/')}": content for name, content in DOCS.items()}
    mkdocs_yml = "INHERIT: ../../base/all.yml\nsite_name: One\ndocs_dir: text\n"
    more = "plugins:\n  search: {}\n  genimage:\n    cache_dir: kept\n"
    child.write({**docs, "text/own.css": "", "mkdocs.yml": mkdocs_yml + more})

    built = build_twice(child, api, views=views(child), requests=REQUESTS, keep_config=True)

    kept = [path.name for path in (child.root / "kept").glob("*.json")]
    assert len(kept) == REQUESTS + 1  # the other owl has a file of its own
    assert not (site.root / "base/kept").exists()
    assert not child.cache.exists()
    assert (built.site_dir / "search/search_index.json").is_file()


def test_docs_beside_the_configuration(
    site: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # MkDocs itself forbids it; plugins exist that allow it in this way.
    monkeypatch.setattr(DocsDir, "post_validation", lambda *_, **__: None)
    list_plugins(site, "after")
    site.config |= {"docs_dir": ".", "exclude_docs": "mkdocs.yml"}
    site.write({name.removeprefix("docs/"): content for name, content in DOCS.items()})

    built = build_twice(
        site, api, views=views(site), requests=REQUESTS, site_dir=str(tmp_path / "out")
    )

    # Nothing of the folder where pictures are kept is published from there.
    assert [name for name in built.files() if name.startswith("genimage/")] == []
    assert [name for name in built.files() if "/." in name] == []


def test_dirty_build(bare: Site, api: ImagesServer) -> None:
    """A dirty build renders what was changed, and leaves the pictures of the other pages."""
    list_plugins(bare, "after")
    bare.write({**DOCS, "docs/hero.md": hero("gull", "    show: true") + "# Hero\n"})
    shown = {**views(bare), "hero/index.html": [alt("gull")]}
    full = build_twice(bare, api, views=shown, requests=REQUESTS + 1)
    before = full.files()
    changed = bare.root / "docs/guide/page.md"
    changed.write_text(FOLDER_PAGE + "\n" + block("hen"))
    later = (full.site_dir / "guide/page/index.html").stat().st_mtime + 5
    os.utime(changed, (later, later))

    dirty = bare.build(dirty=True, warns=["A 'dirty' build is being performed"])

    assert len(api.posts) == REQUESTS + 2
    check_site(dirty, {**shown, "guide/page/index.html": [*FOLDER_ALTS, alt("hen")]})
    after = dirty.files()
    assert before["index.html"] == after["index.html"]
    assert {name for name in before if "genimage" in name} < set(after)
    assert dirty.warnings == []
