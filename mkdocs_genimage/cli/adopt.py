"""`mkdocs-genimage adopt`."""

from __future__ import annotations

from pathlib import Path

import click

from mkdocs_genimage.cli.common import UnknownTargetError, composed, find_target, target_argument
from mkdocs_genimage.cli.site import SiteContext, pass_site
from mkdocs_genimage.errors import GenimageError
from mkdocs_genimage.upkeep.targets import ChoiceError, TargetError, choose, choose_twin


@click.command()
@target_argument
@click.argument(
    "picture", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--variant",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Of a block with 'n: 2' or more: which one. Default: the one that is shown.",
)
@click.option(
    "--dark",
    is_flag=True,
    help="Of a block with 'dark': put it in the place of the one for dark mode.",
)
@pass_site
def command(
    site: SiteContext, *, target: str, picture: Path, variant: int | None, dark: bool
) -> None:
    """Put a picture of your own in a block's place: one that you drew, bought or edited.

    Copies FILE into the cache, unchanged; the picture that was there goes to the cache's .trash folder.
    Nothing is asked of a server. A change of the block's prompt or options asks for a new picture, as ever.
    The hero of a page is named by any line of its front matter.

    \b
    Examples:
      mkdocs-genimage adopt docs/page.md:12 ~/cat.png
      mkdocs-genimage adopt docs/page.md:12 ~/cat-at-night.png --dark
      mkdocs-genimage adopt '#hero' hero-retouched.webp --variant 2
    """
    survey = site.survey
    found = find_target(survey, target)
    for block in found.blocks:
        composed(block)
    try:
        request, chosen = (choose_twin if dark else choose)(found, target, variant)
    except TargetError as error:
        raise UnknownTargetError(str(error)) from None
    except ChoiceError as error:
        raise click.UsageError(str(error)) from None
    # Brings Pillow.
    from mkdocs_genimage.imaging import ImageError
    from mkdocs_genimage.upkeep.adoption import adopt, pair_remarks, shown_at, shown_trash

    try:
        adopted = adopt(survey.folder, request, chosen, picture)
    except ImageError as error:
        raise click.ClickException(f"{picture}: {error}.") from None
    except GenimageError as error:
        raise click.ClickException(str(error)) from None
    name = f"{survey.folder.name}/{adopted.image.path.name}"
    where = ", ".join(shown_at(survey, request)) or "no block"
    if adopted.is_new:
        click.echo(
            f"{name} is {picture.name} now: {adopted.info.format}, "
            f"{adopted.info.width}x{adopted.info.height}. Shown at {where}."
        )
        if adopted.retired:
            click.echo(
                f"What was there before is in {shown_trash(survey.folder, adopted.retired)}."
            )
    else:
        click.echo(f"{name} is that picture already. Nothing was changed.")
    for remark in (*adopted.remarks, *pair_remarks(survey, request, chosen, adopted)):
        click.echo(f"{click.style('Note:', fg='yellow')} {remark}", err=True)
