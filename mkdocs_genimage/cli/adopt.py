"""`mkdocs-genimage adopt`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mkdocs_genimage.cli.common import UnknownTargetError, composed, find_target, target_argument
from mkdocs_genimage.cli.site import SiteContext, pass_site
from mkdocs_genimage.errors import GenimageError
from mkdocs_genimage.upkeep.wording import counted

if TYPE_CHECKING:
    from mkdocs_genimage.request import ImageRequest
    from mkdocs_genimage.upkeep.targets import Target


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
@pass_site
def command(site: SiteContext, *, target: str, picture: Path, variant: int | None) -> None:
    """Put a picture of your own in a block's place: one that you drew, bought or edited.

    Copies FILE into the cache, unchanged; the picture that was there goes to the cache's .trash folder.
    Nothing is asked of a server. A change of the block's prompt or options asks for a new picture, as ever.

    \b
    Examples:
      mkdocs-genimage adopt docs/page.md:12 ~/cat.png
      mkdocs-genimage adopt '#hero' hero-retouched.webp --variant 2
    """
    survey = site.survey
    found = find_target(survey, target)
    request, chosen = _choose(found, target, variant)
    # Brings Pillow.
    from mkdocs_genimage.imaging import ImageError
    from mkdocs_genimage.upkeep.adoption import adopt, shown_trash

    try:
        adopted = adopt(survey.folder, request, chosen, picture)
    except ImageError as error:
        raise click.ClickException(f"{picture}: {error}.") from None
    except GenimageError as error:
        raise click.ClickException(str(error)) from None
    name = f"{survey.folder.name}/{adopted.image.path.name}"
    where = ", ".join(found.places) or "no block"
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
    for remark in adopted.remarks:
        click.echo(f"{click.style('Note:', fg='yellow')} {remark}", err=True)


def _choose(found: Target, name: str, variant: int | None) -> tuple[ImageRequest, int]:
    """The request and variant that a picture is for.

    Raises:
        click.ClickException: that is not clear, or there is none.
    """
    blocks = [composed(block) for block in found.blocks]
    requests = {image.request.key: image.request for image in found.images}
    requests |= {block.request.key: block.request for block in blocks}
    if len(requests) != 1:
        what = "a picture that no page uses" if not requests else "several pictures"
        raise UnknownTargetError(f"'{name}' is {what}. Name one block by its place.")
    (request,) = requests.values()
    count = max((block.count for block in blocks), default=1)
    if variant is not None:
        if variant > count:
            raise click.UsageError(
                f"there is no variant {variant}: the block asks for {counted(count, 'picture')}."
            )
        return request, variant
    named = {image.variant for image in found.images}
    if len(named) == 1:
        return request, named.pop()
    shown = {number for block in blocks for number in block.shown_variants}
    if len(shown) != 1:
        raise click.UsageError(f"'{name}' shows several variants. Say which one by --variant.")
    return request, shown.pop()
