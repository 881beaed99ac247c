"""What lives as long as a command: who makes pictures, where they go, what may be spent."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mkdocs_genimage.budget import Budget
from mkdocs_genimage.cache import Cache
from mkdocs_genimage.drafts import Drafts
from mkdocs_genimage.generator import Generator
from mkdocs_genimage.progress import Progress
from mkdocs_genimage.providers import ProviderSettings, load_provider

if TYPE_CHECKING:
    from pathlib import Path

    from mkdocs_genimage.config import GenimageConfig
    from mkdocs_genimage.providers import Provider

PATIENCE = 30.0
"""Seconds more than `timeout` to wait for another process that is at work on the same image."""


def make_provider(options: GenimageConfig) -> Provider:
    """Who makes pictures, as mkdocs.yml says.

    Raises:
        ConfigurationError: there is no such provider.
    """
    settings = ProviderSettings(
        base_url=options.base_url,
        api_key=options.api_key,
        has_own_key=options.has_own_key,
        timeout=float(options.timeout),
        server=options.server,
        validate=options.validate_,
    )
    return load_provider(options.provider, settings)


def make_generator(
    options: GenimageConfig, folder: Path, *, ends_process: bool = False
) -> Generator:
    """What makes pictures and keeps them, as mkdocs.yml says.

    Args:
        options: of the plugin.
        folder: the cache's.
        ends_process: whether an interrupt is to end the process.

    Raises:
        ConfigurationError: there is no such provider.
    """
    return Generator(
        make_provider(options),
        Cache(folder),
        Budget(options.max_cost, int(options.max_images)),
        Progress(),
        concurrency=int(options.concurrency),
        pricing=options.pricing,
        patience=options.timeout + PATIENCE,
        ends_process=ends_process,
    )


def make_drafts(provider: Provider) -> Drafts:
    """Who draws placeholders: the site's provider, if that is all that it does."""
    if provider.draft:
        return Drafts(lambda: provider)
    return Drafts(partial(load_provider, "placeholder", ProviderSettings()))
