"""`mkdocs-genimage plan`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from mkdocs_genimage import models
from mkdocs_genimage.cli.output import amount, counted, json_option, print_json, print_table, state
from mkdocs_genimage.cli.site import SiteContext, pass_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mkdocs_genimage.upkeep.survey import SiteBlock, SiteImage, Survey


@click.command()
@click.option("--all", "show_all", is_flag=True, help="List pictures that are there, too.")
@json_option
@pass_site
def command(site: SiteContext, *, show_all: bool, as_json: bool) -> None:
    """Say what `mkdocs build` would ask for, and what that would cost. Nothing is spent.

    The site's own pipeline finds the blocks, so that macros, snippets and translations count as in a build.

    \b
    Examples:
      mkdocs-genimage plan
      mkdocs-genimage -f docs/mkdocs.yml plan --json
    """
    survey = site.survey
    if as_json:
        print_json(as_data(survey))
    else:
        print_plan(survey, show_all=show_all)


def print_plan(survey: Survey, *, show_all: bool = False) -> None:
    """Print the plan for people: what is not simply there, and the totals."""
    rows = [
        row
        for block in survey.blocks
        for row in _rows(block)
        if show_all or row[0] not in ("cached", "stale")
    ]
    if rows:
        print_table(
            ("state", "block", "picture", "size", "quality", "model", "price"),
            [(state(row[0]), *row[1:]) for row in rows],
            right=("price",),
        )
        click.echo()
    for block in survey.blocks:
        for image in block.images:
            if image.reason:
                click.echo(f"{block.place}: {image.reason}")
        for problem in block.problems:
            click.echo(problem)
    click.echo(total_line(survey))


def _rows(block: SiteBlock) -> list[tuple[str, ...]]:
    if block.composed is None:
        return [("bad", block.place, "", "", "", "", "")]
    options = block.composed.options
    return [
        (
            image.state,
            block.place,
            image.name,
            _size(image, options.get("size", "")),
            str(options.get("quality", "")),
            image.request.model,
            amount(image.price) if image.is_asked_for else "",
        )
        for image in block.images
    ]


def _size(image: SiteImage, asked: str) -> str:
    return f"{image.stored.width}x{image.stored.height}" if image.stored else str(asked)


def wanted(survey: Survey) -> list[SiteImage]:
    """The pictures that a build would ask for."""
    return [image for image in survey.images if image.is_asked_for]


def total(images: Sequence[SiteImage]) -> tuple[float, int]:
    """USD that pictures will cost as far as prices are known, and how many have no known price."""
    prices = [image.price for image in images]
    return sum(price for price in prices if price is not None), prices.count(None)


def total_line(survey: Survey) -> str:
    """All in one line, as in "22 pictures: 20 cached, 2 missing. A build asks for 2: about $0.11."."""
    counts = Counter(image.state for image in survey.images)
    bad = sum(block.composed is None for block in survey.blocks)
    parts = [f"{count} {name}" for name, count in counts.items()]
    if bad:
        parts.append(f"{bad} bad")
    text = f"{counted(len(survey.images) + bad, 'picture')}: {', '.join(parts) or 'none'}."
    asked = wanted(survey)
    if not asked:
        return f"{text} A build asks for nothing."
    cost, unknown = total(asked)
    if unknown == len(asked):
        return f"{text} A build asks for {len(asked)}; their price is not known here."
    more = f" and {unknown} of unknown price" if unknown else ""
    return (
        f"{text} A build asks for {len(asked)}: about {amount(cost)}{more} "
        f"(prices of {models.PRICES_AS_OF})."
    )


def as_data(survey: Survey) -> dict[str, Any]:
    """The plan for programs."""
    asked = wanted(survey)
    cost, unknown = total(asked)
    return {
        "blocks": [_block(block) for block in survey.blocks],
        "images": len(survey.images),
        "asked_for": len(asked),
        "cost": round(cost, 6),
        "unknown_prices": unknown,
        "prices_as_of": models.PRICES_AS_OF,
    }


def _block(block: SiteBlock) -> dict[str, Any]:
    options = block.composed.options if block.composed else {}
    return {
        "place": block.place,
        "page": block.page,
        "problems": list(block.problems),
        "images": [
            {
                "key": image.request.key,
                "name": image.name,
                "variant": image.variant,
                "state": image.state,
                "reason": image.reason,
                "size": _size(image, options.get("size", "")),
                "quality": options.get("quality"),
                "model": image.request.model,
                "asked_for": image.is_asked_for,
                "price": image.price,
            }
            for image in block.images
        ],
    }
