"""`mkdocs-genimage eject`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mkdocs_genimage.cli.common import print_diff
from mkdocs_genimage.cli.output import json_option, print_json, state
from mkdocs_genimage.cli.site import SiteContext, pass_site
from mkdocs_genimage.upkeep.ejection import Plan, plan, read_folder, select
from mkdocs_genimage.upkeep.replacements import EjectError
from mkdocs_genimage.upkeep.wording import counted

if TYPE_CHECKING:
    from mkdocs_genimage.upkeep.survey import Survey


@click.command()
@click.argument("pages", nargs=-1, metavar="[PAGES]...")
@click.option("--write", is_flag=True, help="Do it. Without this, only show what would be done.")
@click.option(
    "--assets",
    metavar="FOLDER",
    default="assets/images",
    show_default=True,
    help="Where the pictures go, below docs_dir.",
)
@json_option
@pass_site
def command(
    site: SiteContext, *, pages: tuple[str, ...], write: bool, assets: str, as_json: bool
) -> None:
    """Replace blocks by plain Markdown images, so that the site needs this plugin no more.

    Shows what would change; with --write, changes the pages and copies the pictures to where the docs are.
    A hero in front matter becomes the page's 'image'. PAGES are files, folders or patterns such as
    'guides/*.md'; without any, all pages. The cache stays.

    \b
    Examples:
      mkdocs-genimage eject
      mkdocs-genimage eject docs/about.md 'guides/*' --write
    """
    survey = site.survey
    try:
        folder = read_folder(assets, survey)
        blocks = select(survey, pages)
    except EjectError as error:
        raise click.UsageError(str(error)) from None
    try:
        result = plan(survey, blocks, folder)
        diffs = {change.name: change.diff for change in result.changes}
        if write:
            result.write()
    except EjectError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json(_as_data(result, diffs, survey, written=write))
    else:
        _show(result, diffs, written=write)
    if result.left:
        raise SystemExit(1)


def _show(result: Plan, diffs: dict[str, list[str]], *, written: bool) -> None:
    if not written:
        for diff in diffs.values():
            print_diff(diff)
    blocks = sum(change.blocks for change in result.changes)
    done = (
        f"{counted(blocks, 'block')} on {counted(len(result.changes), 'page')}, "
        f"{counted(len(result.pictures) + len(result.social), 'picture')}"
    )
    for reason, places in _notes(result).items():
        click.echo(f"{state('note')}: {', '.join(places)}: {reason}", err=True)
    for left in result.left:
        click.echo(f"{state('problem', 'left')}: {left.place}: {left.reason}", err=True)
    if not blocks:
        click.echo("There is no block to replace." if not result.left else "Nothing is replaced.")
        return
    if not result.has_attr_list:
        click.echo(
            f"{state('note')}: without 'attr_list' under 'markdown_extensions:', plain images have no "
            "dimensions, and all others become HTML.",
            err=True,
        )
    if not written:
        click.echo(f"{done}: nothing was written. Add --write to do it.", err=True)
        return
    click.echo(f"Replaced {done} copied.")
    for change in result.changes:
        click.echo(f"  {change.name}: {counted(change.blocks, 'block')}")
    if not result.left:
        click.echo(
            "When all pages are done, take 'genimage' out of mkdocs.yml, and out of front matter."
        )


def _as_data(
    result: Plan, diffs: dict[str, list[str]], survey: Survey, *, written: bool
) -> dict[str, Any]:
    return {
        "written": written,
        "pages": [
            {"file": change.name, "blocks": change.blocks, "diff": "".join(diffs[change.name])}
            for change in result.changes
        ],
        "pictures": [
            {"from": f"{survey.folder.name}/{path.name}", "to": uri}
            for uri, path in [
                *result.pictures.items(),
                *((uri, one.path) for uri, one in result.social.items()),
            ]
        ],
        "notes": [{"place": note.place, "reason": note.reason} for note in result.notes],
        "left": [{"place": left.place, "reason": left.reason} for left in result.left],
    }


def _notes(result: Plan) -> dict[str, list[str]]:
    """What is not as it was, and where."""
    found: dict[str, list[str]] = {}
    for note in result.notes:
        places = found.setdefault(note.reason, [])
        if note.place not in places:
            places.append(note.place)
    return found
