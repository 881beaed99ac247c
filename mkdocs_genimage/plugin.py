"""The MkDocs plugin: events in, calls out. The work is done in the other rooms."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority

from mkdocs_genimage.command import make_drafts, make_generator
from mkdocs_genimage.config import GenimageConfig
from mkdocs_genimage.errors import ConfigurationError
from mkdocs_genimage.log import log
from mkdocs_genimage.markdown import GenimageExtension
from mkdocs_genimage.pages import Pages
from mkdocs_genimage.records import Written
from mkdocs_genimage.resolver import Policy, Resolver

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.livereload import LiveReloadServer
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

    from mkdocs_genimage.drafts import Drafts
    from mkdocs_genimage.generator import Generator


class GenimagePlugin(BasePlugin[GenimageConfig]):
    """Turns genimage blocks into pictures.

    One object serves a whole command: `serve` builds with it again and again, translations build
    within each other. So what may be spent is counted here, and everything else anew for each build.
    """

    def __init__(self) -> None:
        self._command: Literal["build", "gh-deploy", "serve"] = "build"
        self.generator: Generator | None = None
        """What makes pictures; there from the first build on."""
        self._decisive: tuple[Any, ...] = ()
        self._drafts: Drafts | None = None
        self._builds: list[Pages] = []
        """The build that is under way, behind those within which it is."""
        self.survey: list[Pages] | None = None
        """Takes what each build has found. With a list here nothing is made: only looked up."""

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Remember the command. Defining this also makes MkDocs keep the object between builds."""
        self._command = command
        self.generator = None
        self._builds.clear()

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Set up one build."""
        problem = self.config.problem(config)
        if problem:
            raise PluginError(f"genimage: {problem}")
        try:
            self._prepare_command(config)
        except ConfigurationError as error:
            raise PluginError(f"genimage: {error}") from None
        assert self.generator is not None
        assert self._drafts is not None
        resolver = Resolver(self.generator.cache, self.generator, self._drafts, self._policy())
        pages = Pages(
            self.config.site(config),
            resolver,
            self.config.look(config),
            self.config.assets_dir,
            config,
            self._builds[-1].written if self._builds else Written(),
        )
        self._builds.append(pages)
        # The same list: other plugins hold on to it, to render Markdown of their own.
        config.markdown_extensions[:] = [
            extension
            for extension in config.markdown_extensions
            if extension != "genimage" and not isinstance(extension, GenimageExtension)
        ]
        if self.survey is not None:
            pages.seen = []
            self.survey.append(pages)
        # MkDocs' type says names only; Python-Markdown takes objects as well.
        extensions: list[Any] = config.markdown_extensions
        extensions.append(GenimageExtension(pages))
        return config

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Keep the cache itself out of the site, where it lies among the docs."""
        folder = self.config.cache_folder(config)
        if folder.is_relative_to(Path(config.docs_dir)):
            for file in list(files):
                if file.abs_src_path and Path(file.abs_src_path).is_relative_to(folder):
                    files.remove(file)
        return files

    @event_priority(45)  # below the meta plugin (50), which completes front matter
    def _announce_page(
        self,
        markdown: str,
        *,
        page: Page,
        config: MkDocsConfig,
        files: Files,
    ) -> None:
        """Let everybody know the page's hero."""
        if self._pages:
            self._pages.announce(page, files)

    @event_priority(-100)
    def _begin_page(
        self,
        markdown: str,
        *,
        page: Page,
        config: MkDocsConfig,
        files: Files,
    ) -> str:
        """Note whose Markdown is rendered next."""
        return self._pages.begin_page(page, markdown, files) if self._pages else markdown

    on_page_markdown = CombinedEvent(_announce_page, _begin_page)

    @event_priority(100)
    def on_page_content(
        self,
        html: str,
        *,
        page: Page,
        config: MkDocsConfig,
        files: Files,
    ) -> None:
        """Take the prompts out of the page's Markdown before anybody else reads it."""
        if self._pages:
            self._pages.end_page(page)

    @event_priority(100)
    def on_env(self, env: Environment, *, config: MkDocsConfig, files: Files) -> None:
        """Wait for the pictures before anybody copies files or renders views."""
        if self._pages:
            self._pages.settle(files)

    @event_priority(-100)
    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> str:
        """Complete the page's HTML."""
        return self._pages.finish_output(output, page) if self._pages else output

    # Below the i18n plugin (-100), which builds the other languages here, within this build.
    @event_priority(-110)
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Correct what others wrote from copies of pages."""
        if self._builds:
            self._builds.pop().finish()

    def on_serve(
        self, server: LiveReloadServer, *, config: MkDocsConfig, builder: Callable[..., Any]
    ) -> None:
        """Show pictures that another command makes as they come."""
        if self._policy() in ("generate", "off"):
            return  # each that is made here would cause one more build, or none is shown
        folder = self.config.cache_folder(config)
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)  # what is not there cannot be watched
            server.watch(str(folder), recursive=False)

    def on_shutdown(self) -> None:
        """The command ends, by itself or by an interrupt: keep what is in flight, send nothing more."""
        if self.generator:
            self.generator.stop()

    def on_build_error(self, *, error: Exception) -> None:
        """Send nothing more for a build that failed. What is in flight is kept."""
        self._builds.clear()
        if self.generator:
            self.generator.cancel()

    @property
    def _pages(self) -> Pages | None:
        return self._builds[-1] if self._builds else None

    def _policy(self) -> Policy:
        if self.survey is not None:
            return "plan"
        if not self.config.enabled:
            return "off"
        policy: Policy = self.config.serve if self._is_serving() else self.config.missing  # type: ignore[assignment]
        return policy

    def _is_serving(self) -> bool:
        """Whether this is `mkdocs serve`, which calls itself `build` when it is given `--clean`."""
        context = click.get_current_context(silent=True)
        return self._command == "serve" or (context is not None and context.info_name == "serve")

    def _is_command_line(self) -> bool:
        """Whether MkDocs was called as a program, and not by somebody's code."""
        return click.get_current_context(silent=True) is not None

    def _prepare_command(self, config: MkDocsConfig) -> None:
        """What lives as long as the command; made anew only if its options were edited in `serve`.

        Raises:
            ConfigurationError: the provider does not exist.
        """
        options = self.config
        folder = options.cache_folder(config)
        decisive = (
            options.provider,
            options.base_url,
            options.server,
            options.validate_,
            options.api_key,
            options.timeout,
            options.max_cost,
            options.max_images,
            options.concurrency,
            options.pricing,
            folder,
        )
        if self.generator and decisive == self._decisive:
            return
        if self.generator:
            self.generator.stop()
            self.generator = None
        self.generator = make_generator(
            options, folder, ends_process=self._is_command_line() and not self._is_serving()
        )
        self._decisive = decisive
        self._drafts = make_drafts(self.generator.provider)
        if options.has_literal_key():
            log.warning(
                "'api_key' is written in mkdocs.yml itself, where others can read it. Put it into the "
                "environment and write 'api_key: !ENV OPENAI_API_KEY'."
            )
