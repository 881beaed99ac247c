"""`mkdocs-genimage pick`."""

from __future__ import annotations

import click

from mkdocs_genimage.cli.common import find_target, one_block, print_diff, target_argument
from mkdocs_genimage.cli.site import SiteContext, pass_site
from mkdocs_genimage.upkeep.source_edits import SourceError, source_of, with_pick
from mkdocs_genimage.upkeep.wording import counted

ALL = "all"


def _read_variant(value: str) -> str:
    """A variant's number, or `all`.

    Raises:
        click.BadParameter: it is neither.
    """
    text = value.strip().lower()
    if text == ALL:
        return ALL
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise click.BadParameter(f"{value!r} is neither a number from 1 on nor '{ALL}'.")
    return str(int(text))


@click.command()
@target_argument
@click.argument("variant", metavar="NUMBER|all")
@pass_site
def command(site: SiteContext, *, target: str, variant: str) -> None:
    """Show another variant of a block with 'n: 2' or more. Costs nothing, unless the block has 'dark'.

    Writes 'pick' into the block in the page's Markdown, and changes nothing else there. The picture for dark
    mode is an edit of the variant that is shown: for another one, the next build asks for a new one.

    \b
    Examples:
      mkdocs-genimage pick docs/page.md:12 2
      mkdocs-genimage pick '#hero' all
    """
    variant = _read_variant(variant)
    survey = site.survey
    found = find_target(survey, target)
    block, composed = one_block(found, target)
    if found.images and all(block.twin_of(image) for image in found.images):
        raise click.UsageError(
            f"'{target}' is for dark mode, and follows the variant that is shown in light mode. Pick that: "
            f"mkdocs-genimage pick {block.place} {variant}"
        )
    if variant != ALL and int(variant) > composed.count:
        raise click.UsageError(
            f"{block.place}: there is no variant {variant}: the block asks for "
            f"{counted(composed.count, 'picture')}. Set 'n: {variant}' there to have more made."
        )
    is_only = composed.count == 1 and "pick" not in composed.options
    if is_only or str(composed.options.get("pick", 1)) == variant:
        click.echo(f"{block.place} shows {_named(variant)} already. Nothing was changed.")
        return
    if block.is_in_front_matter:
        raise click.ClickException(
            f"{block.place}: the hero is in the page's front matter, which 'pick' does not change. "
            f"Write 'pick: {variant}' below 'hero:' there by hand."
        )
    try:
        source, fence = source_of(block, survey)
        lines = with_pick(source, fence, variant)
        changes = list(source.diff(lines, block.seen.place.source.name))
        source.write(lines)
    except SourceError as error:
        text = str(error)
        raise click.ClickException(
            text if text.startswith(block.place) else f"{block.place}: {text}"
        ) from None
    print_diff(changes)
    click.echo(f"{block.place} shows {_named(variant)} now.")
    variants = range(1, composed.count + 1) if variant == ALL else [int(variant)]
    if missing := survey.missing(block, variants):
        them = "it" if len(missing) == 1 else "them"
        click.echo(
            f"Not there yet: {', '.join(missing)}. The next build asks for {them}.", err=True
        )


def _named(variant: str) -> str:
    return "all variants" if variant == ALL else f"variant {variant}"
