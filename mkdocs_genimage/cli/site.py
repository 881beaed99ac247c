"""What commands have in common on the way in: the site, and what its build says."""

from __future__ import annotations

import contextlib
import logging
import sys
from functools import cached_property
from typing import TYPE_CHECKING

import click

from mkdocs_genimage.cli.host import LOGGERS
from mkdocs_genimage.errors import ConfigurationError
from mkdocs_genimage.upkeep.survey import Survey, load, survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig

OWN_LOGGER = "mkdocs.plugins.genimage"


class SiteError(click.ClickException):
    """A site that cannot be used as it is."""

    exit_code = 2


class SiteContext:
    """The site that a command is about. Commands get it with `@click.pass_obj`.

    Args:
        config_file: the path of mkdocs.yml; None for the one of the working directory.
    """

    def __init__(self, config_file: str | None) -> None:
        self._config_file = config_file

    @cached_property
    def config(self) -> MkDocsConfig:
        """MkDocs' configuration.

        Raises:
            SiteError: it is not there, or wrong.
        """
        try:
            return load(self._config_file)
        except ConfigurationError as error:
            raise SiteError(str(error)) from None

    @cached_property
    def survey(self) -> Survey:
        """All blocks of the site. Takes as long as a build.

        Raises:
            SiteError: the site cannot be built.
        """
        try:
            return survey(self.config)
        except ConfigurationError as error:
            raise SiteError(str(error)) from None


pass_site = click.make_pass_decorator(SiteContext)


class _Lines(logging.StreamHandler):  # type: ignore[type-arg]
    """Shows log records on stderr, as MkDocs does."""

    def __init__(self, *, verbose: bool) -> None:
        super().__init__(sys.stderr)
        self._verbose = verbose
        self.shows_own = False
        self.setFormatter(logging.Formatter("%(levelname)-7s -  %(message)s"))

    def filter(self, record: logging.LogRecord) -> bool:
        # What the plugin says of blocks is what the commands report, each in its own way.
        if record.name == OWN_LOGGER:
            return self._verbose or self.shows_own
        return self._verbose or record.levelno >= logging.WARNING


@contextlib.contextmanager
def listening(*, verbose: bool) -> Iterator[None]:
    """Show what a build says: warnings of others, or all."""
    handler = _Lines(verbose=verbose)
    before = {logger: logger.level for logger in map(logging.getLogger, LOGGERS)}
    for logger in before:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO if verbose else logging.WARNING)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.removeHandler(handler)
            logger.setLevel(level)


def show_own_messages() -> None:
    """Show from now on what the plugin says: pictures are being made."""
    logger = logging.getLogger("mkdocs")
    logger.setLevel(logging.INFO)
    for handler in logger.handlers:
        if isinstance(handler, _Lines):
            handler.shows_own = True
