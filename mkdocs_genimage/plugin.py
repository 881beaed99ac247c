"""The MkDocs plugin: events in, calls out. The work is done in the other rooms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority

from mkdocs_genimage.budget import Budget
from mkdocs_genimage.cache import Cache
from mkdocs_genimage.config import GenimageConfig
from mkdocs_genimage.errors import ConfigurationError
from mkdocs_genimage.generator import Generator
from mkdocs_genimage.log import log
from mkdocs_genimage.markdown import GenimageExtension
from mkdocs_genimage.pages import Pages
from mkdocs_genimage.progress import Progress
from mkdocs_genimage.providers import ProviderSettings, load_provider
from mkdocs_genimage.resolver import Drafts, Policy, Resolver

if TYPE_CHECKING:
    from jinja2 import Environment
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page


class GenimagePlugin(BasePlugin[GenimageConfig]):
    """Turns genimage blocks into pictures.

    One object serves a whole command: `serve` builds with it again and again, translations build
    within each other. So what may be spent is counted here, and everything else anew for each build.
    """

    def __init__(self) -> None:
        self._command: Literal["build", "gh-deploy", "serve"] = "build"
        self._generator: Generator | None = None
        self._generator_options: tuple[Any, ...] = ()
        self._drafts: Drafts | None = None
        self._pages: Pages | None = None

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Remember the command. Defining this also makes MkDocs keep the object between builds."""
        self._command = command

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Set up one build."""
        problem = self.config.problem(config)
        if problem:
            raise PluginError(f"genimage: {problem}")
        try:
            generator = self._command_generator(config)
            self._drafts = self._drafts or Drafts(load_provider("placeholder", ProviderSettings()))
        except ConfigurationError as error:
            raise PluginError(f"genimage: {error}") from None
        drafts = Drafts(generator.provider) if generator.provider.draft else self._drafts
        resolver = Resolver(generator.cache, generator, drafts, self._policy())
        self._pages = Pages(self.config.site(config), resolver, self.config.assets_dir, config)
        config.markdown_extensions = [
            extension
            for extension in config.markdown_extensions
            if extension != "genimage" and not isinstance(extension, GenimageExtension)
        ]
        config.markdown_extensions.append(GenimageExtension(self._pages))
        return config

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Keep the cache itself out of the site, where it lies among the docs."""
        folder = self.config.cache_folder(config)
        if folder.is_relative_to(Path(config.docs_dir)):
            for file in list(files):
                if file.abs_src_path and Path(file.abs_src_path).is_relative_to(folder):
                    files.remove(file)
        return files

    @event_priority(-100)
    def on_page_markdown(
        self,
        markdown: str,
        *,
        page: Page,
        config: MkDocsConfig,
        files: Files,
    ) -> None:
        """Note whose Markdown is rendered next."""
        if self._pages:
            self._pages.begin_page(page, files)

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

    def on_build_error(self, *, error: Exception) -> None:
        """Send nothing more for a build that failed. What is in flight is kept."""
        if self._generator:
            self._generator.cancel()

    def _policy(self) -> Policy:
        if not self.config.enabled:
            return "off"
        policy: Policy = self.config.serve if self._command == "serve" else self.config.missing  # type: ignore[assignment]
        return policy

    def _command_generator(self, config: MkDocsConfig) -> Generator:
        """The generator of this command; a new one only if its options were edited during `serve`.

        Raises:
            ConfigurationError: the provider does not exist.
        """
        options = (
            self.config.provider,
            self.config.base_url,
            self.config.api_key,
            self.config.timeout,
            self.config.max_cost,
            self.config.max_images,
            self.config.concurrency,
            self.config.cache_folder(config),
        )
        if self._generator is None or options != self._generator_options:
            settings = ProviderSettings(
                self.config.base_url, self.config.api_key, float(self.config.timeout)
            )
            self._generator = Generator(
                load_provider(self.config.provider, settings),
                Cache(self.config.cache_folder(config)),
                Budget(self.config.max_cost, int(self.config.max_images)),
                Progress(),
                concurrency=int(self.config.concurrency),
            )
            self._generator_options = options
            if self.config.has_literal_key():
                log.warning(
                    "'api_key' is written in mkdocs.yml itself, where others can read it. Put it into "
                    "the environment and write 'api_key: !ENV OPENAI_API_KEY'."
                )
        return self._generator
