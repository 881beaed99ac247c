"""What commands have in common that are about one block, or that change a page's file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mkdocs_genimage.upkeep.targets import Target, TargetError, find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mkdocs_genimage.compose import Composed
    from mkdocs_genimage.upkeep.blocks import SiteBlock
    from mkdocs_genimage.upkeep.survey import Survey

target_argument: Callable[[Any], Any] = click.argument("target", metavar="KEY|PAGE:LINE")

_DIFF_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


class UnknownTargetError(click.ClickException):
    """Nothing goes by the name that was given, or several things do."""

    exit_code = 2


def find_target(survey: Survey, name: str) -> Target:
    """What a user means.

    Raises:
        UnknownTargetError: nothing or several things go by that name.
    """
    try:
        return find(survey, name)
    except TargetError as error:
        raise UnknownTargetError(str(error)) from None


def one_block(target: Target, name: str) -> tuple[SiteBlock, Composed]:
    """The block at a place, whole.

    Raises:
        UnknownTargetError: the name stands for several places, or for no block.
        click.ClickException: the block is wrong.
    """
    if not target.blocks:
        raise UnknownTargetError(f"'{name}' is a picture that no block shows.")
    if len(target.places) > 1:
        listed = "\n  ".join(target.places)
        raise UnknownTargetError(f"'{name}' is shown at several places. Which one?\n  {listed}")
    return target.blocks[0], composed(target.blocks[0])


def composed(block: SiteBlock) -> Composed:
    """What a block asks for.

    Raises:
        click.ClickException: the block is wrong.
    """
    if block.composed is None:
        raise click.ClickException("\n".join(block.problems) or f"{block.place}: it is wrong.")
    return block.composed


def print_diff(lines: Iterable[str]) -> None:
    """Print a unified diff, in colours on a terminal, byte for byte elsewhere."""
    for line in lines:
        text = line.rstrip("\r\n")
        bold = text.startswith(("--- ", "+++ "))
        colour = None if bold else _DIFF_COLOURS.get(text[:1])
        shown = click.style(text, fg=colour, bold=bold) if bold or colour else text
        click.echo(shown + line[len(text) :], nl=False)
