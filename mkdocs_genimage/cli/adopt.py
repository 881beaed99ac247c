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
    from collections.abc import Iterator

    from mkdocs_genimage.request import ImageRequest
    from mkdocs_genimage.upkeep.adoption import Adopted
    from mkdocs_genimage.upkeep.survey import Survey
    from mkdocs_genimage.upkeep.targets import Target

SAME_SHAPE = 0.01
"""So little may two pictures differ in their aspect ratio, as sizes are rounded to pixels."""


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
    request, chosen = _twin(found, target, variant) if dark else _choose(found, target, variant)
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
    where = _where(survey, request)
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
    remarks = [*adopted.remarks, *_differing_twin(survey, request, chosen, adopted)]
    for remark in remarks:
        click.echo(f"{click.style('Note:', fg='yellow')} {remark}", err=True)


def _where(survey: Survey, request: ImageRequest) -> str:
    """The blocks that show a picture, those that show it in dark mode marked."""
    places: dict[str, None] = {}
    for block in survey.blocks:
        if block.composed and block.composed.request.key == request.key:
            places[block.place] = None
        elif request.key in {twin.request.key for twin in block.wanted_twins.values()}:
            places[f"{block.place} in dark mode"] = None
    return ", ".join(places) or "no block"


def _differing_twin(
    survey: Survey, request: ImageRequest, variant: int, adopted: Adopted
) -> Iterator[str]:
    """In what the other one of a pair does not go together with a picture from now on."""
    folder = survey.folder.name
    told: set[str] = set()
    for block in survey.blocks:
        for number, twin in block.twins.items():
            light = next(image for image in block.images if image.variant == number)
            is_twin = twin.request.key == request.key
            is_light = (light.request.key, light.variant) == (request.key, variant)
            other = (light if is_twin else twin).stored
            if not (is_twin or is_light) or other is None or other.path.name in told:
                continue
            told.add(other.path.name)
            if is_light and adopted.is_new and not other.sidecar.get("adopted"):
                yield (
                    f"The one for dark mode, {folder}/{other.path.name}, was made from the picture before. "
                    "Adopt another one with --dark, or delete it and its .json to have it made anew."
                )
            ratio = other.width / other.height * adopted.info.height / adopted.info.width
            if abs(ratio - 1) > SAME_SHAPE:
                yield (
                    f"{folder}/{other.path.name} has another shape ({other.width}x{other.height}): the page "
                    "moves when a reader goes from light to dark."
                )


def _twin(found: Target, name: str, variant: int | None) -> tuple[ImageRequest, int]:
    """The request for the picture of a block for dark mode.

    Raises:
        click.ClickException: it is not clear which, or there is none.
    """
    if not found.blocks:
        raise UnknownTargetError(f"'{name}' is a picture that no block shows.")
    is_unseen = any(composed(block).twins for block in found.blocks)
    # Also one that the server cannot make.
    twins = [(n, one.request) for block in found.blocks for n, one in block.wanted_twins.items()]
    if not twins:
        block = found.blocks[0]
        cure = "Set 'show: true'" if is_unseen else "Set 'dark'"
        raise click.UsageError(
            f"{block.place} shows no picture for dark mode. {cure} for the {block.noun} first."
        )
    asked = {(image.request.key, image.variant) for image in found.images}
    named = [(n, request) for n, request in twins if (request.key, 1) in asked]
    # A light one that was named by its file stands for its twin.
    named = named or [(n, request) for n, request in twins if n in {number for _, number in asked}]
    chosen = {request.key: request for n, request in named if variant in (None, n)}
    if not chosen:
        raise click.UsageError(
            f"'{name}' does not show that variant, so no picture for dark mode is made from it."
        )
    if len(chosen) > 1:
        raise click.UsageError(f"'{name}' shows several variants. Say which one by --variant.")
    (request,) = chosen.values()
    return request, 1


def _choose(found: Target, name: str, variant: int | None) -> tuple[ImageRequest, int]:
    """The request and variant that a picture is for: not the one for dark mode, unless that was named.

    Raises:
        click.ClickException: that is not clear, or there is none.
    """
    blocks = [composed(block) for block in found.blocks]
    requests = {image.request.key: image.request for image in found.images}
    if len(requests) != 1:
        requests = {block.request.key: block.request for block in blocks}
    if len(requests) != 1:
        what = "a picture that no page uses" if not requests else "several pictures"
        raise UnknownTargetError(f"'{name}' is {what}. Name one block by its place.")
    (request,) = requests.values()
    own = [block for block in blocks if block.request.key == request.key]
    count = max((block.count for block in own), default=1)
    if variant is not None:
        if variant > count:
            raise click.UsageError(
                f"there is no variant {variant}: the block asks for {counted(count, 'picture')}."
            )
        return request, variant
    named = {image.variant for image in found.images if image.request.key == request.key}
    if len(named) == 1:
        return request, named.pop()
    shown = {number for block in own for number in block.shown_variants}
    if len(shown) != 1:
        raise click.UsageError(f"'{name}' shows several variants. Say which one by --variant.")
    return request, shown.pop()
