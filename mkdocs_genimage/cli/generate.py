"""`mkdocs-genimage generate`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mkdocs_genimage.cli.common import UnknownTargetError
from mkdocs_genimage.cli.output import amount, json_option, print_json
from mkdocs_genimage.cli.plan import asked_size, print_rows, row_of, total
from mkdocs_genimage.cli.site import SiteContext, SiteError, pass_site, show_own_messages
from mkdocs_genimage.command import make_generator
from mkdocs_genimage.entries import Entry, Shown, requested_size
from mkdocs_genimage.errors import ConfigurationError, GenimageError
from mkdocs_genimage.report import report_failures, summarise
from mkdocs_genimage.upkeep.pruning import unclear
from mkdocs_genimage.upkeep.selection import passed_over, select
from mkdocs_genimage.upkeep.targets import TargetError
from mkdocs_genimage.upkeep.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mkdocs_genimage.generator import Generator
    from mkdocs_genimage.upkeep.blocks import SiteImage
    from mkdocs_genimage.upkeep.survey import Survey


@click.command()
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Only these: pages ('guide/*.md'), blocks (docs/page.md:12), keys, files of the cache. "
    "May be given again.",
)
@click.option(
    "--stale",
    is_flag=True,
    help="Make those anew that another model or server made, with their pictures for dark mode.",
)
@click.option("--retry-refused", is_flag=True, help="Ask once more for what moderation refused.")
@click.option(
    "--max-cost",
    type=click.FloatRange(0),
    metavar="USD",
    help="What this command may spend, in place of 'max_cost' of mkdocs.yml; 0 for no limit.",
)
@click.option(
    "--max-images",
    type=click.IntRange(0),
    metavar="N",
    help="How many pictures it may ask for, in place of 'max_images'; 0 for no limit.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
@json_option
@pass_site
def command(
    site: SiteContext,
    *,
    only: tuple[str, ...],
    stale: bool,
    retry_refused: bool,
    max_cost: float | None,
    max_images: int | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Make the pictures that are missing, in the order of the pages, without writing the site.

    On a terminal it says what they will cost and asks first. The limits of mkdocs.yml hold here, too. What a
    new picture replaces goes to the trash in the cache. Exit code 1 if pictures are missing in the end.

    \b
    Examples:
      mkdocs-genimage generate
      mkdocs-genimage generate --only 'guide/*' --max-cost 5
      mkdocs-genimage generate --only docs/index.md:12 --stale --yes
    """
    survey = site.survey
    try:
        images = select(survey, only, stale=stale, refused=retry_refused)
    except TargetError as error:
        raise UnknownTargetError(str(error)) from None
    left = passed_over(survey, only, images)
    problems = [*unclear(survey), *(f"{image.places[0]}: {image.reason}" for image in left)]
    for problem in problems:
        click.echo(problem, err=True)
    generator = _generator(survey, max_cost, max_images)
    if not images:
        _report([], problems, survey, generator, as_json=as_json)
        return
    _show_plan(images, survey, generator, to_stderr=as_json)
    is_seen = sys.stdout.isatty() and not as_json
    if not yes and sys.stdin.isatty() and (is_seen or sys.stderr.isatty()):
        click.confirm("Make them?", abort=True, err=not is_seen)
    show_own_messages()
    entries = make(images, generator)
    report_failures(entries, generator)
    _report(entries, problems, survey, generator, as_json=as_json)


def _generator(survey: Survey, max_cost: float | None, max_images: int | None) -> Generator:
    """What makes the pictures, with the limits of this command.

    Raises:
        SiteError: nothing can be made with the options of this site.
    """
    options = survey.options
    if max_cost is not None:
        options.max_cost = max_cost
    if max_images is not None:
        options.max_images = max_images
    try:
        generator = make_generator(options, survey.folder, ends_process=True)
    except ConfigurationError as error:
        raise SiteError(str(error)) from None
    if generator.provider.draft:
        raise SiteError(
            f"'provider: {options.provider}' makes nothing that is kept. Set another one in mkdocs.yml."
        )
    return generator


def make(images: Sequence[SiteImage], generator: Generator) -> list[Entry]:
    """Make pictures and wait for them.

    Args:
        images: what one is made from stands before it.
        generator: makes them.

    Returns:
        What came of each, in the same order.
    """
    wanted: dict[str, list[SiteImage]] = {}
    for image in images:
        wanted.setdefault(image.request.key, []).append(image)
    entries = []
    for group in wanted.values():
        request, place = group[0].request, group[0].places[0]
        # One request for the new and one for those that are made anew.
        for again in (False, True):
            part = [image for image in group if (image.stored is not None) is again]
            variants = tuple(image.variant for image in part)
            jobs = generator.order(request, variants, place, again=again) if part else []
            for image in part:
                job = next(job for job in jobs if image.variant in job.variants)
                shown = Shown(image.name, None, *requested_size(request))
                entry = Entry(request, image.variant, shown, "pending", job=job)
                entry.places += image.places
                entries.append(entry)
    try:
        generator.wait()
    finally:
        generator.stop()
    for entry in entries:
        entry.settle()
    return entries


def _show_plan(
    images: Sequence[SiteImage], survey: Survey, generator: Generator, *, to_stderr: bool
) -> None:
    """Say what will be asked for. With `--json`, people read stderr."""
    prices = [generator.estimate(image.request, 1) for image in images]
    cost, unknown = total(prices)
    if not to_stderr:
        print_rows(
            [
                row_of(image, str(image.places[0]), role, asked_size(image), amount(price))
                for image, price in zip(images, prices, strict=True)
                for role in [survey.roles.get((image.request.key, image.variant), "")]
            ]
        )
    about = f"about {amount(cost)}" if unknown < len(images) else "price not known here"
    more = f", {unknown} of unknown price" if 0 < unknown < len(images) else ""
    budget = generator.budget
    # Dollars limit what has a known price.
    binds = budget.max_cost and unknown < len(images)
    limits = [amount(budget.max_cost) if binds else ""]
    limits.append(counted(budget.max_images, "picture") if budget.max_images else "")
    limit = " and ".join(filter(None, limits)) or "none"
    click.echo(
        f"{counted(len(images), 'picture')} to make: {about}{more}. Limit: {limit}.", err=to_stderr
    )


def _report(
    entries: Sequence[Entry],
    problems: list[str],
    survey: Survey,
    generator: Generator,
    *,
    as_json: bool,
) -> None:
    failed = [entry for entry in entries if entry.state == "failed"]
    if as_json:
        print_json(
            {
                "images": [_as_data(entry, survey) for entry in entries],
                "spent": round(generator.budget.spent, 6),
                "problems": problems,
            }
        )
    elif entries:
        summarise(entries)
    else:
        click.echo(f"Nothing to make{'.' if problems else ': all pictures are there.'}")
    if failed or problems:
        raise SystemExit(1)


def _as_data(entry: Entry, survey: Survey) -> dict[str, Any]:
    error = entry.job.error if entry.job else None
    path = entry.shown.path
    return {
        "places": [str(place) for place in entry.places],
        "key": entry.request.key,
        "variant": entry.variant,
        "role": survey.roles.get((entry.request.key, entry.variant), ""),
        "state": entry.state,
        "file": path.relative_to(survey.project).as_posix() if path else None,
        "cost": entry.cost,
        "error": str(error) if isinstance(error, GenimageError) and not path else None,
    }
