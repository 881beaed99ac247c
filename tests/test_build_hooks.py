"""Builds together with other plugins and hooks, which read, replace, repeat and collect things."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import markdown
import pytest
from api_server import Reply, error_body
from links import broken_links
from mkdocs.commands.build import build as mkdocs_build
from mkdocs.plugins import BasePlugin, event_priority
from mkdocs.structure.files import Files
from sites import Site, behind, differences, fence, holding

if TYPE_CHECKING:
    from api_call import Call
    from api_server import ImagesServer

SECRET = "Quokka-42"


def block(name: str, header: str = 'alt="A [fox]"') -> str:
    prompt = f"A {name} beside a lake under the northern lights of a long winter night. {SECRET}."
    return fence(prompt, header)


LINK = re.compile(r"!\[(?P<alt>(?:[^\]\\]|\\.)*)\]\((?P<src>[^)]+)\)")


# --- Who reads a page's Markdown ---


class MarkdownReader(BasePlugin):
    """Keeps what other plugins (feeds, llms.txt, word counts) find in `page.markdown`."""

    def __init__(self) -> None:
        self.read: dict[tuple[str, str], str] = {}
        self.rendered: dict[str, str] = {}

    def _note(self, event: str, page: Any) -> None:
        self.read[event, page.file.src_uri] = page.markdown

    def on_page_content(self, html: str, *, page: Any, **_: Any) -> None:
        self._note("page_content", page)

    @event_priority(50)
    def on_env(self, env: Any, *, files: Files, **_: Any) -> None:
        for file in files.documentation_pages():
            self._note("env", file.page)

    def on_page_context(self, context: Any, *, page: Any, **_: Any) -> None:
        self._note("page_context", page)

    def on_post_page(self, output: str, *, page: Any, **_: Any) -> None:
        self._note("post_page", page)
        self.rendered[page.url] = markdown.markdown(page.markdown, extensions=["fenced_code"])


def test_readers_of_markdown_find_links_to_files_and_no_prompt(
    site: Site, api: ImagesServer
) -> None:
    def reply(call: Call) -> Reply | None:
        if "refused" in call.fields["prompt"]:
            return Reply(status=400, body=error_body("No.", "moderation_blocked"))
        return Reply(format="webp") if "webp" in call.fields["prompt"] else None

    api.reply = reply
    site.write(
        {
            "docs/index.md": "# Home\n\nText\n\n" + block("fox") + "\nMore\n",
            "docs/sub/page.md": "# Sub\r\n\r\n- item\r\n\r\n"
            + behind("    ", block("webp fox"), "\r\n")
            + "\r\n> quote\r\n"
            + behind("> ", block("refused fox"), "\r\n"),
            "docs/many.md": block("grid", "alt=x n=3 pick=all") + block("bad", "alt=x n=none"),
            "docs/literal.md": "````\n" + block("fox") + "````\n",
            "docs/plain.md": "# Plain\n\nText\n",
        }
    )
    probe = MarkdownReader()
    warns = ["refused by the moderation", "docs/many.md:4: 'n' cannot be 'none'."]
    for _ in range(2):  # cold and warm
        built = site.build(warns=warns, probes={"probe": probe})
        links = 0
        for (event, name), text in probe.read.items():
            if name == "literal.md":
                assert text == "````\n" + block("fox") + "````\n"
                continue
            assert SECRET not in text, (event, name)
            assert "genimage\n" not in text, (event, name)
            for match in LINK.finditer(text):
                links += 1
                folder = (built.site_dir / name).parent
                if event != "page_content":  # before that it is not known what comes
                    assert (folder / match["src"]).resolve().is_file(), (event, name, match[0])
        assert links == 4 * 6
        assert "![A \\[fox\\]](assets/genimage/" in probe.read["env", "index.md"]
        assert re.search(r"\n    !\[A .*\.webp\)\n", probe.read["env", "sub/page.md"])
        assert re.search(r"\n> !\[A .*/placeholder-.*\.svg\)\n", probe.read["env", "sub/page.md"])
        assert "*(picture not available)*" in probe.read["env", "many.md"]
        assert probe.read["env", "plain.md"] == "# Plain\n\nText\n"
        assert '<img alt="A [fox]" src="assets/genimage/' in probe.rendered[""]
        assert not any(SECRET in html for url, html in probe.rendered.items() if url != "literal/")


# --- Who replaces or removes files ---


class FilesReplacer(BasePlugin):
    """Returns a new collection, as exclude and translation plugins do."""

    @event_priority(150)
    def on_files(self, files: Files, **_: Any) -> Files:
        return Files(list(files))


class LateFilesReplacer(BasePlugin):
    @event_priority(-150)
    def on_files(self, files: Files, **_: Any) -> Files:
        class Other(Files):
            pass

        return Other([file for file in files if "away" not in file.src_uri])


@pytest.mark.parametrize("probe", [FilesReplacer, LateFilesReplacer])
def test_new_collection_of_files(site: Site, api: ImagesServer, probe: type[BasePlugin]) -> None:
    site.options["cache_dir"] = "docs/pictures"
    site.write({"docs/index.md": block("fox"), "docs/away.md": block("elk")})
    for _ in range(2):
        built = site.build(strict=True, probes={"probe": probe()})
        assert broken_links(built.site_dir) == []
        assert not (built.site_dir / "pictures").exists()
    assert len(api.posts) == (2 if probe is FilesReplacer else 1)


# --- Who changes the text ---


class Macros(BasePlugin):
    """Puts text in front and expands variables, as macro plugins do."""

    def on_page_markdown(self, text: str, **_: Any) -> str:
        return "Inserted\n\n" * 3 + text.replace("{{ animal }}", "red fox")


def test_prompts_are_taken_after_macros(site: Site, api: ImagesServer) -> None:
    site.write({"docs/index.md": "# Home\n\n" + block("{{ animal }}") + block("red fox")})
    built = site.build(strict=True, probes={"probe": Macros()})
    assert len(api.posts) == 1
    assert api.posts[0].fields["prompt"].startswith("A red fox beside")
    assert len(built.images("index.html")) == 2


# --- Who renders Markdown by other ways ---


class EarlyRenderer(BasePlugin):
    """Renders a text of its own before there is any page, with the site's extensions."""

    def __init__(self, event: str) -> None:
        self.event = event
        self.html = ""

    def _render(self, event: str, config: Any) -> None:
        if event == self.event:
            md = markdown.Markdown(
                extensions=config.markdown_extensions, extension_configs=config.mdx_configs
            )
            self.html = md.convert("# Some *text*")

    def on_pre_build(self, *, config: Any) -> None:
        self._render("pre_build", config)

    def on_nav(self, nav: Any, *, config: Any, **_: Any) -> None:
        self._render("nav", config)


@pytest.mark.parametrize("event", ["pre_build", "nav"])
def test_markdown_that_is_rendered_outside_of_any_page(
    site: Site, api: ImagesServer, event: str
) -> None:
    probe = EarlyRenderer(event)
    site.write({"docs/index.md": block("fox")})
    site.build(strict=True, probes={"probe": probe})
    assert probe.html == '<h1 id="some-text">Some <em>text</em></h1>'


class InnerRenderer(BasePlugin):
    """Renders a text within a page, as plugins for code output and API docs do."""

    def on_page_content(self, html: str, *, page: Any, config: Any, **_: Any) -> str:
        md = markdown.Markdown(
            extensions=config.markdown_extensions, extension_configs=config.mdx_configs
        )
        return html + md.convert(block("inner"))


def test_blocks_in_markdown_that_knows_no_page(site: Site, api: ImagesServer) -> None:
    site.write({"docs/index.md": "# Home", "docs/sub/page.md": block("fox")})
    for _ in range(2):
        built = site.build(strict=True, probes={"probe": InnerRenderer()})
        assert broken_links(built.site_dir) == []
        assert len(built.images("index.html")) == 1
        assert len(built.images("sub/page/index.html")) == 2
    assert len(api.posts) == 2
    assert holding(built.site_dir, SECRET) == []


class LateRenderer(BasePlugin):
    """Renders a text when files are copied already."""

    def on_post_page(self, output: str, *, config: Any, **_: Any) -> str:
        md = markdown.Markdown(
            extensions=config.markdown_extensions, extension_configs=config.mdx_configs
        )
        return output + md.convert(block("late"))


def test_block_that_comes_late(site: Site) -> None:
    site.write({"docs/index.md": "# Home"})
    built = site.build(probes={"probe": LateRenderer()}, warns=["index.md"])
    assert broken_links(built.site_dir) == []


class SecondRendering(BasePlugin):
    """Renders all pages once more, early or late."""

    def __init__(self, late: bool) -> None:
        self.late = late

    def on_page_content(self, html: str, *, page: Any, config: Any, files: Files) -> None:
        if not self.late:
            page.render(config, files)

    def on_env(self, env: Any, *, config: Any, files: Files) -> None:
        if self.late:
            for file in files.documentation_pages():
                file.page.render(config, files)


@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
def test_pages_that_are_rendered_twice(site: Site, api: ImagesServer, late: bool) -> None:
    site.write(
        {
            "docs/index.md": "# Home\n\n" + block("fox") + "Text\n\n" + block("fox", "alt=B #b"),
            "docs/sub/page.md": "- a\n\n" + behind("    ", block("elk")),
        }
    )
    built = [site.build(strict=True, probes={"probe": SecondRendering(late)}) for _ in range(2)]
    site.options |= {"enabled": True}
    files = built[-1].files()
    plain = site.build(strict=True)
    assert differences(files, plain.files()) == []
    assert broken_links(plain.site_dir) == []
    assert len(api.posts) == 2


class Collector(BasePlugin):
    """Collects the HTML of all pages and writes it as one, as plugins for printing do."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def on_pre_build(self, **_: Any) -> None:
        self.parts.clear()

    def on_page_content(self, html: str, **_: Any) -> None:
        self.parts.append(html)

    def on_post_build(self, *, config: Any) -> None:
        path = Path(config.site_dir, "print", "index.html")
        path.parent.mkdir()
        path.write_text("<title>All</title>" + "".join(self.parts), encoding="utf-8")


def test_collected_pages_are_the_same_in_a_cold_and_a_warm_build(
    site: Site, api: ImagesServer
) -> None:
    sized = "alt=x size=512x512"
    site.write({"docs/a.md": block("fox", sized), "docs/b.md": block("elk", sized)})
    site.write({"docs/index.md": "# Home"})
    cold = site.build(strict=True, probes={"probe": Collector()})
    assert broken_links(cold.site_dir) == []
    before = cold.files()
    warm = site.build(strict=True, probes={"probe": Collector()})
    assert differences(before, warm.files()) == []


def test_collected_pages_have_no_broken_pictures(site: Site, api: ImagesServer) -> None:
    api.reply = lambda _: Reply(format="webp")
    site.write({"docs/index.md": "# Home", "docs/a.md": block("fox", "alt=x size=512x512")})
    cold = site.build(strict=True, probes={"probe": Collector()})
    assert broken_links(cold.site_dir) == []


class Locales(BasePlugin):
    """Builds the site once more for each locale within the build, as translation plugins do."""

    def __init__(self) -> None:
        self.inside = False

    def on_post_build(self, *, config: Any) -> None:
        if self.inside:
            return
        self.inside = True
        outer = config.site_dir
        for locale in ("de", "fr"):
            config.site_dir = f"{outer}/{locale}"
            mkdocs_build(config)
        config.site_dir = outer
        self.inside = False


def test_builds_within_a_build_pay_once(site: Site, api: ImagesServer) -> None:
    site.options["max_images"] = 2
    site.config["extra_css"] = ["own.css"]
    site.write(
        {"docs/index.md": block("fox"), "docs/sub/page.md": block("elk"), "docs/own.css": ""}
    )
    for _ in range(2):
        built = site.build(strict=True, probes={"probe": Locales()})
        assert broken_links(built.site_dir) == []
        for locale in ("", "de/", "fr/"):
            assert len(built.images(f"{locale}sub/page/index.html")) == 1
            sheets = [
                link["href"]
                for link in built.tags(f"{locale}index.html", "link")
                if "genimage.css" in link["href"]
            ]
            assert sheets == ["assets/genimage/genimage.css"]
    assert len(api.posts) == 2
