"""`mkdocs-genimage costs`."""

from __future__ import annotations

import csv
import io
import sys
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, get_args

import click

from mkdocs_genimage.cli.output import json_option, print_json, print_table
from mkdocs_genimage.cli.site import SiteContext, SiteError, pass_site
from mkdocs_genimage.errors import ConfigurationError
from mkdocs_genimage.upkeep import costs as spent
from mkdocs_genimage.upkeep.costs import By, Costs, LostRequest, Sum
from mkdocs_genimage.upkeep.survey import find_plugin
from mkdocs_genimage.upkeep.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

BAR_CHARS = 24
UNKNOWN = {
    "month": "no date",
    "model": "no model",
    "page": "no page",
    "host": "",
    "key": "no key",
    "name": "",
}
"""What a table shows where a name is not known."""
LISTED = 20
"""So many requests are named one by one; `--json` has all."""


@click.command()
@click.option(
    "--by",
    type=click.Choice(get_args(By)),
    default="month",
    show_default=True,
    help="Group by it. For page, the whole site may have to be looked at, which takes as long as a build.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m"]),
    metavar="DATE",
    help="Count from this day or month on, as in 2026-11-01 or 2026-11. Days are in UTC.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for spreadsheets.")
@json_option
@pass_site
def command(
    site: SiteContext, *, by: By, since: datetime | None, as_csv: bool, as_json: bool
) -> None:
    """Say what was spent on pictures. Changes no file and asks no server.

    Counts the requests of this machine, by its ledger in the cache's .journal folder, and the pictures that
    others made, by their sidecars. Pictures that others made and that are gone since are not known here. All
    dates are in UTC.

    \b
    Examples:
      mkdocs-genimage costs
      mkdocs-genimage costs --by page --since 2026-11-01
      mkdocs-genimage costs --by key --csv > pictures.csv
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other.")
    report = _Report(_gather(site, by), by, since)
    if as_json:
        print_json(report.data)
    elif as_csv:
        click.echo(report.csv, nl=False)
        for note in report.notes:  # beside the file that this is probably sent to
            click.echo(note, err=True)
    else:
        _print(report)


def _gather(site: SiteContext, by: By) -> Costs:
    def pages() -> dict[tuple[str, int], str]:
        found: dict[tuple[str, int], str] = {}
        for block in site.survey.blocks:  # variants that no page shows belong to their block, too
            for image in block.pictures:
                at = (image.request.key, image.variant)
                found.setdefault(at, spent.page_of_place(block.place))
        return found

    try:
        folder = find_plugin(site.config).config.cache_folder(site.config)
    except ConfigurationError as error:
        raise SiteError(str(error)) from None
    return spent.gather(folder, pages if by == "page" else None)


class _Report:
    """What is printed, in one way or another."""

    def __init__(self, everything: Costs, by: By, since: datetime | None) -> None:
        self.by = by
        self.start = since.replace(tzinfo=timezone.utc) if since else None
        self.costs = everything.since(self.start) if self.start else everything
        self.everything = everything
        self.now = datetime.now(timezone.utc)
        self.rows = spent.grouped(self.costs, by)
        self.total = spent.total(self.costs.spendings)
        self.recent = everything.recent(self.now)

    @property
    def data(self) -> dict[str, Any]:
        """For programs."""
        estimate, unknown = _estimates(self.costs.lost)
        return {
            "by": self.by,
            "since": self.start.date().isoformat() if self.start else None,
            "rows": [
                {**{name: label or None for name, label in labels.items()}, **_data(found)}
                for labels, found in self.rows
            ],
            "total": _data(self.total),
            "last_30_days": _data(self.recent),
            "possibly_billed": [_lost_data(one) for one in self.costs.lost],
            "possibly_billed_estimate": float(estimate),
            "possibly_billed_unknown": unknown,
            "without_date": self.everything.undated,
            "from_the_future": self.everything.from_the_future(self.now),
            "unreadable_ledger_lines": self.costs.unreadable_lines,
            "unreadable_sidecars": self.costs.unreadable_sidecars,
        }

    @property
    def csv(self) -> str:
        """For spreadsheets: the rows without the totals."""
        text = io.StringIO()
        names = {"model": ("model", "host"), "key": ("key", "name")}.get(self.by, (self.by,))
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*names, "pictures", "usd", "of_unknown_price"])
        for labels, found in self.rows:
            writer.writerow([*labels.values(), found.images, f"{found.cost:f}", found.unknown])
        return text.getvalue()

    @property
    def notes(self) -> list[str]:
        """What the sums do not tell."""
        return [*self._doubts(), *self._gaps()]

    def _doubts(self) -> list[str]:
        lost = self.costs.lost
        if not lost:
            return []
        estimate, unknown = _estimates(lost)
        amount = f"up to about {_dollars(estimate, 2)}" if unknown < len(lost) else "price unknown"
        if 0 < unknown < len(lost):
            amount += f", {unknown} of unknown price"
        requests = counted(len(lost), "request")
        found = [f"{requests} without a picture, possibly billed ({amount}). Not in the sums:"]
        found += [f"  {_lost_line(one)}" for one in lost[-LISTED:]]
        if len(lost) > LISTED:
            found.append(f"  and {len(lost) - LISTED} before these; --json has all.")
        return found

    def _gaps(self) -> list[str]:
        found = []
        if self.total.unknown:
            count = counted(self.total.unknown, "picture")
            found.append(
                f"The price of {count} is not known, so the sums are without. 'pricing:' in mkdocs.yml "
                "says what further ones cost."
            )
        if self.start and self.everything.undated:
            found.append(f"Left out, as they have no date: {self.everything.undated}.")
        if future := self.everything.from_the_future(self.now):
            found.append(f"Dated in the future, as a clock was wrong: {future}.")
        if lines := self.costs.unreadable_lines:
            found.append(f"{counted(lines, 'line')} of the ledger cannot be read: left out.")
        if sidecars := self.costs.unreadable_sidecars:
            found.append(
                f"{counted(sidecars, 'sidecar')} cannot be read: left out. 'mkdocs-genimage doctor' says "
                "what is wrong."
            )
        return found


def _print(report: _Report) -> None:
    if report.rows:
        _print_rows(report)
        click.echo()
    elif report.start:
        click.echo(f"Nothing was spent since {report.start.date()}, as far as is known here.")
    else:
        click.echo("Nothing was spent, as far as is known here.")
    if report.everything.spendings:
        click.echo(f"Last {spent.RECENT_DAYS} days: {_in_words(report.recent)}.")
    for note in report.notes:
        click.echo(note)
    if report.rows:
        click.echo("Dates are in UTC.")


def _in_words(found: Sum) -> str:
    """`$1.20 for 12 pictures`."""
    pictures = counted(found.images, "picture")
    if found.images and found.unknown == found.images:
        return f"{pictures} of unknown price"
    without = f", {found.unknown} of them of unknown price" if found.unknown else ""
    return f"{_dollars(found.cost, _decimals([found.cost]))} for {pictures}{without}"


def _print_rows(report: _Report) -> None:
    sums = [found for _, found in report.rows]
    decimals = _decimals([found.cost for found in sums])
    names = list(report.rows[0][0])
    dearest = max((found.cost for found in sums), default=Decimal(0))
    has_bars = report.by != "key" and dearest > 0 and len(sums) > 1 and _can_draw()
    has_unknown = report.total.unknown > 0
    rows = []
    for labels, found in report.rows:
        first = [label or UNKNOWN[name] for name, label in labels.items()]
        if report.by == "key" and labels["key"]:
            first[0] = spent.short_key(labels["key"])
        rows.append([*first, *_figures(found, decimals, has_unknown=has_unknown)])
        if has_bars:
            rows[-1].append("█" * round(BAR_CHARS * found.cost / dearest))
    blank = [""] * (len(names) - 1)
    rows.append(["total", *blank, *_figures(report.total, decimals, has_unknown=has_unknown)])
    if has_bars:
        rows[-1].append("")
    figures = ["pictures", *(["unknown price"] if has_unknown else []), "cost"]
    bars = [""] if has_bars else []
    print_table([*names, *figures, *bars], rows, right=figures, short=("name", "page"))


def _figures(found: Sum, decimals: int, *, has_unknown: bool) -> list[str]:
    is_known = found.unknown < found.images
    cost = _dollars(found.cost, decimals) if is_known else "?"
    unknown = [str(found.unknown) if found.unknown else ""] if has_unknown else []
    return [str(found.images), *unknown, cost]


def _can_draw() -> bool:
    """Whether this is a terminal that can show a bar."""
    return sys.stdout.isatty() and "utf" in (sys.stdout.encoding or "").lower()


def _decimals(costs: Sequence[Decimal]) -> int:
    """Digits after the point, the same for a whole column: more where a cent is too coarse."""
    return 4 if any(0 < cost < Decimal("0.01") for cost in costs) else 2


def _dollars(cost: Decimal, decimals: int) -> str:
    return f"${cost:,.{decimals}f}"


def _estimates(lost: Sequence[LostRequest]) -> tuple[Decimal, int]:
    """USD that requests have cost at most, and how many have no known price."""
    known = [one.estimate for one in lost if one.estimate is not None]
    return sum(known, Decimal(0)), len(lost) - len(known)


def _lost_line(one: LostRequest) -> str:
    time = one.time.strftime("%Y-%m-%d %H:%M") if one.time else "no date"
    cost = "price unknown" if one.estimate is None else f"about {_dollars(one.estimate, 2)}"
    name = f" (request {one.request_id})" if one.request_id else ""
    paid = " It was billed." if one.is_certain else ""
    outcome = one.outcome.rstrip(".") or "no reason is known"
    place = one.place or spent.short_key(one.key) or "no place"
    return f"{place}: {time}, {cost}: {outcome}{name}.{paid}"


def _data(found: Sum) -> dict[str, Any]:
    return {"images": found.images, "cost": float(found.cost), "unknown_prices": found.unknown}


def _lost_data(one: LostRequest) -> dict[str, Any]:
    return {
        "time": one.time.isoformat() if one.time else None,
        "key": one.key or None,
        "place": one.place or None,
        "host": one.host or None,
        "model": one.model or None,
        "images": one.images,
        "estimate": None if one.estimate is None else float(one.estimate),
        "outcome": one.outcome,
        "billed": "yes" if one.is_certain else "maybe",
        "request_id": one.request_id or None,
    }
