"""What commands have in common on the way out: tables and colours for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console
    from rich.table import Table

STYLES = {
    "cached": "green",
    "stale": "cyan",
    "missing": "yellow",
    "damaged": "red",
    "elsewhere": "magenta",
    "refused": "red",
    "billed?": "red",
    "bad": "red",
    "ok": "green",
    "problem": "red",
    "note": "yellow",
}
"""Colour of a word that says how something is."""

COLUMN_MARGIN = 3
"""Between two columns of a table on a terminal; one less round all of them."""
SHORTEST = 4
"""So much of a text that is cut off still helps."""

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for programs."
)


def print_json(content: Any) -> None:
    """Print a report for programs."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))


def state(word: str, shown: str = "") -> str:
    """A word that says how something is, in its colour where colours are shown."""
    return click.style(shown or word, fg=STYLES.get(word))


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[str] = (),
    short: Sequence[str] = ("picture", "prompt"),
) -> None:
    """Print a table: as wide as the terminal, or plain columns that are never cut off.

    Args:
        columns: names.
        rows: a text for each column; may hold colours of `state`.
        right: the columns of numbers.
        short: columns whose texts are cut off on a narrow terminal, so that the others stay whole.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    is_terminal = sys.stdout.isatty()
    console = Console(soft_wrap=not is_terminal, highlight=False)
    table = Table(box=SIMPLE_HEAD if is_terminal else None, pad_edge=False)
    for name in columns:
        table.add_column(
            name,
            justify="right" if name in right else "left",
            overflow="fold",
            no_wrap=name not in short,
        )
    for row in rows:
        cells = [Text.from_ansi(cell) for cell in row]
        for name, cell in zip(columns, cells, strict=True):
            if name in short:
                cell.no_wrap, cell.overflow = True, "ellipsis"
        table.add_row(*cells)
    if is_terminal and _fits(table, console, short):
        console.print(table)
        return
    table.box = None
    wide = Console(width=10_000, highlight=False, color_system="auto" if is_terminal else None)
    with wide.capture() as captured:
        wide.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _fits(table: Table, console: Console, short: Sequence[str]) -> bool:
    """Whether all columns but the short ones can be shown whole."""
    from rich.cells import cell_len

    widths = [
        SHORTEST
        if column.header in short
        else max(cell_len(str(cell)) for cell in (column.header, *column.cells))
        for column in table.columns
    ]
    return sum(widths) + COLUMN_MARGIN * len(widths) - 1 <= console.width


def amount(cost: float | None) -> str:
    """USD in a table; `?` where it is not known."""
    from mkdocs_genimage.progress import dollars

    return "?" if cost is None else dollars(cost)
