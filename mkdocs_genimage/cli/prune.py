"""`mkdocs-genimage prune`."""

from __future__ import annotations

import sys
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from mkdocs_genimage import derived, trash
from mkdocs_genimage.cli.output import amount, json_option, print_json, print_table
from mkdocs_genimage.cli.site import SiteContext, SiteError, pass_site
from mkdocs_genimage.errors import CacheError, ConfigurationError
from mkdocs_genimage.upkeep import pruning
from mkdocs_genimage.upkeep.survey import load, survey
from mkdocs_genimage.upkeep.wording import counted, shortened, size_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mkdocs_genimage.upkeep.pruning import Pruning, Unused
    from mkdocs_genimage.upkeep.survey import Survey

PROMPT_CHARS = 50
"""So much of a prompt tells which one it is."""
_OTHER_COLUMNS = 70
"""So wide is the table of unused pictures without the names of files, with most of their prompts."""


also_option: Callable[[Any], Any] = click.option(
    "--also",
    type=click.Path(exists=True, dir_okay=False),
    multiple=True,
    metavar="MKDOCS.YML",
    help="Another site with the same cache, whose pictures count as used, too. May be repeated.",
)


@click.command()
@click.option("--delete", is_flag=True, help="Move them to the trash below the cache's folder.")
@click.option("--purge", is_flag=True, help="Delete them for good, and what is in the trash.")
@click.option("-y", "--yes", is_flag=True, help="With --purge: do not ask.")
@also_option
@json_option
@click.pass_context
@pass_site
def command(
    site: SiteContext,
    ctx: click.Context,
    *,
    delete: bool,
    purge: bool,
    yes: bool,
    also: tuple[str, ...],
    as_json: bool,
) -> None:
    """List pictures that no page uses any more. Deletes nothing unless told to.

    The whole site is looked at anew, in all languages. Pictures of drafts and other pages that the site does
    not show are kept. While a block cannot be read or a build is at work, nothing is listed or deleted.

    Smaller files that were made from pictures which are gone or unused are listed, too. --delete and --purge
    both delete these for good: a build makes those again that it needs.

    \b
    Examples:
      mkdocs-genimage prune
      mkdocs-genimage prune --delete
      mkdocs-genimage prune --also mkdocs.fr.yml
      mkdocs-genimage prune --purge --yes
    """
    if delete and purge:
        raise click.UsageError("--delete and --purge exclude each other.")
    if purge and not yes and (as_json or not _can_ask()):
        raise click.UsageError("--purge deletes for good: add --yes where nobody can be asked.")
    done = _Done(look(site, also))
    if not done.found.doubts and not as_json:
        _print_list(done.found)
    if purge and not yes:
        if not done.found.doubts and not _is_agreed(done.found):
            ctx.exit(1)
        # An answer may take its time.
        done.found.doubts = done.found.doubts or pruning.busy(done.found.folder)
    if not done.found.doubts:
        _remove(done, delete=delete, purge=purge)
    if as_json:
        print_json(done.data)
    elif done.found.doubts:
        _print_doubts(done.found)
    else:
        _print_end(done, is_listing=not (delete or purge))
    if done.found.doubts:
        ctx.exit(1)


def _remove(done: _Done, *, delete: bool, purge: bool) -> None:
    """Do what was asked for.

    Raises:
        click.ClickException: something cannot be moved or deleted.
    """
    found = done.found
    try:
        if delete and found.unused:
            done.trash = trash.retire(found.folder, found.files)
        if purge:
            done.purged = trash.delete(found.folder, found.files) + trash.purge(found.folder)
        if delete or purge:
            done.smaller = trash.delete(found.folder / derived.FOLDER, found.spare)
    except CacheError as error:
        raise click.ClickException(str(error)) from None


def _can_ask() -> bool:
    return sys.stdin.isatty()


class _Done:
    """What was found, and what was done about it."""

    def __init__(self, found: Pruning) -> None:
        self.found = found
        self.trash: Path | None = None
        self.purged: trash.Removed | None = None
        self.smaller = trash.Removed()
        """Smaller files that were deleted."""

    @property
    def data(self) -> dict[str, Any]:
        """For programs."""
        found = self.found
        return {
            "folder": str(found.folder),
            "unused": [_data(one) for one in found.unused],
            "bytes": found.bytes,
            "kept": [{"name": one.name, "reason": one.reason} for one in found.kept],
            "doubts": found.doubts,
            "moved_to": str(self.trash) if self.trash else None,
            "purged_files": self.purged.files if self.purged else 0,
            "purged_bytes": self.purged.bytes if self.purged else 0,
            "smaller_files": len(found.spare),
            "smaller_bytes": self.smaller.bytes or found.spare_bytes,
            "smaller_deleted": self.smaller.files,
        }


def look(site: SiteContext, also: tuple[str, ...]) -> Pruning:
    """What is of no use to the site and those with the same cache.

    Raises:
        SiteError: one of them cannot be built.
    """

    def surveys() -> list[Survey]:
        # One after the other: within one process they share the plugin.
        found = [site.survey]
        for path in also:
            try:
                found.append(survey(load(path)))
            except ConfigurationError as error:
                raise SiteError(f"--also {path}: {error}") from None
        return found

    try:
        return pruning.look(site.config, surveys)
    except ConfigurationError as error:
        raise SiteError(str(error)) from None


def _data(one: Unused) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "key": one.text("key") or None,
        "files": [path.name for path in one.files],
        "bytes": one.bytes,
        "prompt": one.text("prompt") or None,
        "created": one.text("created") or None,
        "model": one.text("model") or None,
        "cost": one.cost,
        "adopted": one.sidecar.get("adopted") is True,
        "earlier_of": one.earlier_of or None,
    }


def _print_doubts(found: Pruning) -> None:
    click.echo("Which pictures are unused cannot be told before this is put right:")
    for doubt in found.doubts:
        click.echo(f"  {doubt}")
    click.echo("Nothing was deleted.")


def _print_list(found: Pruning) -> None:
    """What is unused, and what is kept although no page shows it."""
    if found.unused:
        longest = max(len(one.file.name) for one in found.unused)
        is_narrow = sys.stdout.isatty() and get_terminal_size().columns < longest + _OTHER_COLUMNS
        rows = [_row(one, is_narrow=is_narrow) for one in found.unused]
        print_table(("file", "size", "made", "paid", "prompt"), rows, right=("size", "paid"))
        click.echo()
    earlier = [one.earlier_of for one in found.unused if one.earlier_of]
    if earlier:
        noun = "picture" if len(earlier) == 1 else "pictures"
        click.echo(
            f"{len(earlier)} of them: earlier {noun}, it seems, of blocks that have none now "
            f"({_listed(earlier)}). If that comes of a slip, undo it first: they are shown again."
        )
    for kept in found.kept:
        click.echo(f"kept: {kept.name}: {kept.reason}")
    click.echo(total_line(found))
    if found.spare:
        click.echo(
            f"{counted(len(found.spare), 'smaller file')} that no picture needs any more: "
            f"{size_text(found.spare_bytes)}."
        )


def _listed(places: list[str]) -> str:
    names = list(dict.fromkeys(places))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _row(one: Unused, *, is_narrow: bool) -> tuple[str, ...]:
    name = one.file.name
    if is_narrow:  # what the prompt tells, too, is left out
        name = "\N{HORIZONTAL ELLIPSIS}" + name.removeprefix(one.slug)
    paid = amount(one.cost)
    if one.kind == "refusal":
        paid = ""
    elif one.sidecar.get("adopted") is True:
        paid = "by hand"
    prompt = shortened(one.prompt, PROMPT_CHARS)
    return (name, size_text(one.bytes), one.text("created")[:10], paid, prompt)


def total_line(found: Pruning) -> str:
    """All in one line, as in "3 unused: 3.1 MB, $0.12 paid for."."""
    kinds = [one.kind for one in found.unused]
    nouns = {"picture": "picture", "refusal": "refusal", "remains": "sidecar without its picture"}
    parts = [
        counted(kinds.count(kind), f"unused {noun}")
        for kind, noun in nouns.items()
        if kind in kinds
    ]
    if not parts:
        return "No other file is unused." if found.kept else "Every picture in the cache is used."
    costs = [one.cost for one in found.unused if one.cost is not None]
    paid = f", {amount(sum(costs))} paid for" if costs else ""
    return f"{', '.join(parts)}: {size_text(found.bytes)}{paid}."


def _is_agreed(found: Pruning) -> bool:
    """Ask whether to delete for good, if there is anything to delete."""
    files, in_trash = len(found.files), trash.content(found.folder)
    if not files and not in_trash.files:
        return True
    question = f"Delete {counted(files, 'file')} for good"
    if in_trash.files:
        question += f", and the trash with {counted(in_trash.files, 'file')}"
    return click.confirm(f"{question}?")


def _print_end(done: _Done, *, is_listing: bool) -> None:
    found = done.found
    folder = found.folder.name
    if done.trash:
        click.echo(
            f"Moved {counted(len(found.files), 'file')} to {folder}/{trash.FOLDER}/{done.trash.name}. "
            f"To have them back, move them up into {folder}/ again; 'prune --purge' deletes them for good."
        )
    elif done.purged:
        click.echo(f"Deleted {counted(done.purged.files, 'file')}: {size_text(done.purged.bytes)}.")
    elif is_listing:
        in_trash = trash.content(found.folder)
        if found.unused:
            click.echo(
                "'prune --delete' moves them to the trash, 'prune --purge' deletes them for good."
            )
        if found.spare:
            who = (
                "Both delete the smaller files" if found.unused else "'prune --delete' deletes them"
            )
            click.echo(f"{who}: a build makes those again that it needs.")
        if in_trash.files:
            size = f"{counted(in_trash.files, 'file')}, {size_text(in_trash.bytes)}"
            click.echo(f"In the trash: {size}. 'prune --purge' empties it.")
    if done.smaller.files:
        count = counted(done.smaller.files, "smaller file")
        click.echo(f"Deleted {count}: {size_text(done.smaller.bytes)}.")
