"""Builds beside plugins that change the Markdown of pages, bring blocks into it or render some of it.

Each plugin is listed once before ours and once after it: who comes first must not matter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from beside import (
    DOCS,
    REQUESTS,
    SECRET,
    alt,
    block,
    build_twice,
    check_social_image,
    fetch,
    hero,
    prompt,
    view,
    views,
)
from compatibility import beside
from sites import behind, differences, fence

if TYPE_CHECKING:
    from api_server import ImagesServer
    from sites import Site

both_sides = pytest.mark.parametrize("side", ["before", "after"])


def list_plugins(site: Site, side: str, *plugins: Any) -> None:
    """Put plugins on one side of ours, and the search, which shows prompts that leak."""
    site.before = ["search"]
    setattr(site, side, [*getattr(site, side), *plugins])


def asked_for(api: ImagesServer) -> list[str]:
    return sorted(str(call.fields["prompt"]) for call in api.posts)


# --- Plugins that change the text ---


MACROS = """
def define_env(env):
    @env.macro
    def portrait(name, header=""):
        lines = ["```genimage alt='A %s' %s" % (name, header), PROMPT % name, "```"]
        return "\\n".join(lines)
"""


@beside("macros", package="mkdocs-macros-plugin")
@both_sides
def test_macros(bare: Site, api: ImagesServer, side: str) -> None:
    pytest.importorskip("mkdocs_macros")
    list_plugins(bare, side, "macros")
    bare.config["extra"] = {"animal": "hen"}
    text = (
        "# Macros\n\n{% set bird = 'gull' %}\nThe {{ bird }}.\n\n"
        + block("{{ animal }}", "caption='The *{{ animal }}*'")
        + "\n{% for name in ['elk', 'gnu'] %}\n"
        + block("{{ name }}")
        + "\n{% endfor %}\n{% if animal == 'fox' %}\n"
        + block("never")
        + "\n{% endif %}\n{{ portrait(bird) }}\n\n- item\n\n"
        + "    {{ portrait('yak', '#yak') | indent(4) }}\n\n{% raw %}\n"
        + block("{{ raw }}").replace("alt='A {{ raw }}'", "alt='A raw one'")
        + "{% endraw %}\n"
    )
    macros = f"PROMPT = {prompt('%s')!r}\n{MACROS}"
    bare.write({**DOCS, "docs/macros.md": text, "main.py": macros})
    names = ["hen", "elk", "gnu", "gull", "yak"]
    shown = [*map(alt, names), "A raw one"]

    built = build_twice(
        bare,
        api,
        views={**views(bare), "macros/index.html": shown},
        requests=REQUESTS + len(shown),
    )

    asked = asked_for(api)
    assert {prompt(name) for name in names} < set(asked)
    # What is written as raw is for us as it stands.
    assert prompt("{{ raw }}") in asked
    assert "<figcaption>The <em>hen</em></figcaption>" in built.read("macros/index.html")
    assert "yak" in [p.get("id") for p in built.tags("macros/index.html", "p")]


@beside("include-markdown", package="mkdocs-include-markdown-plugin")
@both_sides
def test_include_markdown(bare: Site, api: ImagesServer, side: str) -> None:
    pytest.importorskip("mkdocs_include_markdown_plugin")
    list_plugins(bare, side, "include-markdown")
    bare.write(
        {
            **DOCS,
            "docs/including.md": "# Included\n\n{% include-markdown 'guide/page.md' heading-offset=1 %}\n\n"
            "1.  An item\n\n    {% include-markdown '../parts/hen.md' %}\n\n"
            "{% include '../parts/elk.txt' start='<!--from-->' end='<!--to-->' %}\n\n"
            + block("crane", "size=auto"),
            "parts/hen.md": block("hen", "caption='See [it](index.md)'"),
            "parts/elk.txt": block("never") + "<!--from-->\n" + block("elk") + "<!--to-->\n",
        }
    )
    shown = [*views(bare)["guide/page/index.html"], alt("hen"), alt("elk"), alt("crane")]

    built = build_twice(
        bare,
        api,
        views={**views(bare), "including/index.html": shown},
        requests=REQUESTS + 2,
    )

    assert '<figcaption>See <a href="../">it</a></figcaption>' in built.read("including/index.html")


@beside("pymdownx.snippets", package="pymdown-extensions", kind="extension")
@pytest.mark.parametrize("fences", ["fenced_code", "pymdownx.superfences"])
def test_snippets(bare: Site, api: ImagesServer, fences: str) -> None:
    list_plugins(bare, "after")
    snippets = {"base_path": [str(bare.root / "parts")], "check_paths": True}
    bare.config["markdown_extensions"] = [fences, "admonition", {"pymdownx.snippets": snippets}]
    bare.write(
        {
            **DOCS,
            "docs/deep/down/snippets.md": '# Snippets\n\n--8<-- "whole.md"\n\n- item\n\n'
            '    --8<-- "whole.md:elk"\n\n!!! note\n\n    --8<--\n    hen.md\n    --8<--\n\n'
            '```text\n--8<-- "example.md"\n```\n\n' + block("gnu"),
            "parts/whole.md": block("hen")
            + "\n<!-- --8<-- [start:elk] -->\n"
            # A link of a snippet is relative to the page that it goes into.
            + block("elk", "caption='The [page](../../guide/page.md)'")
            + "<!-- --8<-- [end:elk] -->\n",
            "parts/hen.md": block("hen", "width=100"),
            "parts/example.md": fence("An example", "alt=x", marks="~~~"),
        }
    )
    shown = [alt(name) for name in ("hen", "elk", "elk", "hen", "gnu")]

    built = build_twice(
        bare,
        api,
        views={**views(bare), "deep/down/snippets/index.html": shown},
        requests=REQUESTS + 3,
    )

    html = built.read("deep/down/snippets/index.html")
    assert html.count('<a href="../../../guide/page/">page</a></figcaption>') == 2
    assert "~~~genimage alt=x\nAn example\n~~~" in html


HOOKS = """
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File

PAGES = []


def on_files(files, config):
    PAGES.clear()
    made = File.generated(config, "made/by-hook.md", content="# Made\\n\\n" + BLOCKS["gnu"])
    made.edit_uri = None
    files.append(made)
    return files


def on_page_markdown(markdown, page, **_):
    return markdown.replace("%animal%", "hen").replace("<!-- here -->", BLOCKS["elk"])


@event_priority(-150)
def on_page_content(html, page, **_):
    PAGES.append(page)
    assert "SECRETPROMPT" not in page.markdown
    return html.replace("<h1", '<h1 class="hooked"')


def on_post_build(config):
    with open(config.site_dir + "/llms.txt", "w", encoding="utf-8") as file:
        file.write("\\n\\n".join(page.markdown for page in PAGES))
"""


def test_hooks(bare: Site, api: ImagesServer) -> None:
    list_plugins(bare, "after")
    bare.config["hooks"] = ["hooks.py"]
    hooks = f"BLOCKS = { {name: block(name) for name in ('gnu', 'elk')}!r}\n{HOOKS}"
    text = "# Hooked\n\n" + block("%animal%") + "\n- item\n\n<!-- here -->\n"
    bare.write({**DOCS, "docs/hooked.md": text, "hooks.py": hooks})

    built = build_twice(
        bare,
        api,
        views={
            **views(bare),
            "hooked/index.html": [alt("hen"), alt("elk")],
            "made/by-hook/index.html": [alt("gnu")],
        },
        requests=REQUESTS + 3,
    )

    assert '<h1 class="hooked" id="made"' in built.read("made/by-hook/index.html")
    # What others read in a page's Markdown are links to the pictures, from the page's folder.
    links = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", built.read("llms.txt"))
    assert {alt("gnu"), alt("hen"), alt("elk")} < {name for name, _ in links}
    for name, url in links:
        if name in (alt("gnu"), alt("hen"), alt("elk")):
            folder = "made/" if name == alt("gnu") else ""
            assert fetch(built, f"{folder}page.html", url), url


def test_without_attribute_lists(bare: Site, api: ImagesServer) -> None:
    """Nothing of ours takes the extension `attr_list`: with it and without it a page is the same."""
    list_plugins(bare, "after")
    text = (
        "# Attributes\n\n"
        + block("hen", "#hen .wide .round caption='A *hen*' align=left width=50%")
        + "\nText.\n\n"
        + fence(prompt("elk"), '{ .genimage #elk .wide alt="A elk" }').replace(
            "```genimage ", "```"
        )
        + "\n- item\n\n"
        + behind("    ", block("gnu", ".tall #gnu title='The gnu' link=index.md"))
    )
    bare.write({**DOCS, "docs/attributes.md": text})
    shown = {**views(bare), "attributes/index.html": [alt(name) for name in ("hen", "elk", "gnu")]}
    plain = build_twice(bare, api, views=shown, requests=REQUESTS + 3).files()
    bare.config["markdown_extensions"] = ["attr_list"]

    built = build_twice(bare, api, views=shown, requests=0)

    assert differences(plain, built.files()) == []
    html = built.read("attributes/index.html")
    assert "{" not in html
    for name in ("hen", "elk", "gnu"):
        assert html.count(f'id="{name}"') == 1
    assert len(re.findall(r'class="[^"]*\bwide\b', html)) == 2


# The fence of a hero is put into a page's text before snippets are. So it comes first, and MkDocs looks for
# a title in the first element only.
@pytest.mark.parametrize(
    ("plugin", "text"),
    [
        ("macros", "# {{ farm }}\n"),
        ("include-markdown", "{% include-markdown '../parts/title.md' %}\n"),
        ("snippets", '--8<-- "title.md"\n'),
    ],
    ids=["macros", "include-markdown", "snippets"],
)
def test_hero_below_a_title_that_comes_from_elsewhere(
    site: Site, api: ImagesServer, plugin: str, text: str
) -> None:
    if plugin == "snippets":
        paths = {"base_path": [str(site.root / "parts")]}
        site.config["markdown_extensions"] = [{"pymdownx.snippets": paths}]
    else:
        pytest.importorskip(f"mkdocs_{plugin.replace('-', '_')}{'_plugin' * (plugin[0] == 'i')}")
        list_plugins(site, "after", plugin)
    site.config["extra"] = {"farm": "The farm"}
    page = hero("gull", "    show: true") + text + "\nText.\n"
    site.write({**DOCS, "docs/farm.md": page, "parts/title.md": "# The farm\n"})

    built = build_twice(
        site,
        api,
        views={**views(site), "farm/index.html": [alt("gull")]},
        requests=REQUESTS + 1,
    )

    html = built.read("farm/index.html")
    assert "<title>The farm - Test site</title>" in html
    assert html.index("<h1") < html.index('src="../assets/genimage/a-gull')
    check_social_image(built, "farm/index.html")


# --- Plugins that render Markdown of their own ---


# The plugin's on_config puts a new list into `config.markdown_extensions`, and they keep the old one.
both_sides_of_renderers = pytest.mark.parametrize("side", ["before", "after"])

MODULE = f'''"""A module with pictures.

{block("hen", "caption='The *hen* of [home](index.md)'")}
"""


class Farm:
    """A farm.

{behind("    ", block("elk", f"#elk dark='At night. {SECRET}.'"))}
    """

    def feed(self, animal: str) -> int:
        """Feed one.

        - A list

{behind(" " * 12, block("gnu"))}
        Args:
            animal: Which one.

{behind(" " * 16, block("badger", "width=100"))}
        Returns:
            How much was left.
        """
        return len(animal)
'''


@beside("mkdocstrings", package="mkdocstrings")
@both_sides_of_renderers
@pytest.mark.parametrize("theme", ["material", "mkdocs"])
def test_mkdocstrings(site: Site, api: ImagesServer, side: str, theme: str) -> None:
    pytest.importorskip("mkdocstrings_handlers.python")
    # Source code is shown as it is written, docstrings and prompts included.
    options = {"show_root_heading": True, "show_source": False}
    handler = {"python": {"paths": ["src"], "options": options}}
    list_plugins(site, side, {"mkdocstrings": {"handlers": handler}})
    site.config["theme"] = theme
    module = MODULE.replace("(index.md)", "(../../index.md)")
    site.write(
        {
            **DOCS,
            "src/beside_farm.py": module,
            "docs/api/ref/farm.md": f"# API\n\n::: beside_farm\n\n{block('owl', 'n=2')}",
        }
    )
    shown = [alt(name) for name in ("hen", "elk", "elk", "gnu", "badger", "owl")]

    built = build_twice(
        site,
        api,
        views={**views(site), "api/ref/farm/index.html": shown},
        requests=REQUESTS + 4,
    )

    html = built.read("api/ref/farm/index.html")
    assert '<figcaption>The <em>hen</em> of <a href="../../../">home</a></figcaption>' in html
    assert 'id="beside_farm.Farm.feed"' in html


def example_code(name: str, header: str = "") -> str:
    """A program that prints a heading and a block, and holds no prompt as it is written."""
    lines = block(name, header).replace("```", "'''").replace(SECRET, "{word}").splitlines()
    return "\n".join(
        [
            '```python exec="on"',
            "word = 'SECRET' + 'PROMPT'",
            "print('## Printed\\n')",
            *(f'print(f"{line}".replace("\'\'\'", chr(96) * 3))' for line in lines),
            "```\n",
        ]
    )


@beside("markdown-exec", package="markdown-exec")
@both_sides_of_renderers
@pytest.mark.parametrize("directory_urls", [True, False], ids=["folders", "files"])
def test_markdown_exec(bare: Site, api: ImagesServer, side: str, directory_urls: bool) -> None:
    pytest.importorskip("markdown_exec")
    list_plugins(bare, side, "markdown-exec")
    bare.config["use_directory_urls"] = directory_urls
    bare.config["markdown_extensions"] = ["pymdownx.superfences", "admonition"]
    text = (
        "# Run\n\n"
        + example_code("hen")
        + "\n!!! note\n\n"
        + behind("    ", example_code("elk", f"dark='At night. {SECRET}.'"))
        + "\n"
        + block("crane", "size=auto")
    )
    bare.write({**DOCS, "docs/deep/run.md": text})
    page = view(bare, "deep/run.md")

    built = build_twice(
        bare,
        api,
        views={**views(bare), page: [alt(name) for name in ("hen", "elk", "elk", "crane")]},
        requests=REQUESTS + 3,
    )

    assert built.read(page).count("Printed</h2>") == 2


@beside("autorefs", package="mkdocs-autorefs")
@both_sides
def test_autorefs(bare: Site, api: ImagesServer, side: str) -> None:
    pytest.importorskip("mkdocs_autorefs")
    list_plugins(bare, side, {"autorefs": {"resolve_closest": True}})
    bare.config["markdown_extensions"] = ["attr_list"]
    bare.write(
        {
            **DOCS,
            "docs/one.md": "# One\n\nTo [Two][second-heading] and to [the picture][the-hen].\n\n"
            + block("elk", "caption='See [Second heading][] and [it][the-hen]'"),
            "docs/deep/two.md": "# Two\n\n## Second heading\n\n[](){#the-hen}\n\n"
            + block("hen", "#hen"),
        }
    )

    built = build_twice(
        bare,
        api,
        views={
            **views(bare),
            "one/index.html": [alt("elk")],
            "deep/two/index.html": [alt("hen")],
        },
        requests=REQUESTS + 2,
    )

    html = built.read("one/index.html")
    assert html.count('href="../deep/two/#second-heading"') == 2
    assert html.count('href="../deep/two/#the-hen"') == 2
