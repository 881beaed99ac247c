"""`mkdocs-genimage plan`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from mkdocs_genimage import models
from mkdocs_genimage.cli.output import amount, json_option, print_json, print_table, state
from mkdocs_genimage.cli.site import SiteContext, pass_site
from mkdocs_genimage.pricing import Pricing
from mkdocs_genimage.upkeep.pruning import unclear
from mkdocs_genimage.upkeep.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mkdocs_genimage.upkeep.blocks import Role, SiteBlock, SiteImage
    from mkdocs_genimage.upkeep.survey import Survey


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
        print_rows(rows)
    for block in survey.blocks:
        for image in block.pictures:
            if image.reason:
                click.echo(f"{block.place}: {image.reason}")
    for problem in unclear(survey):
        click.echo(problem)
    click.echo(total_line(survey))
    policy = policy_note(survey)
    if policy:
        click.echo(policy)


def _rows(block: SiteBlock) -> list[tuple[str, ...]]:
    if block.composed is None:
        return [("bad", block.place, "", "", "", "", "", "")]
    return [
        row_of(
            image,
            block.place,
            block.role(image),
            _size(image),
            amount(image.price) if image.is_asked_for else "",
        )
        for image in block.pictures
    ]


def row_of(image: SiteImage, place: str, role: Role, size: str, price: str) -> tuple[str, ...]:
    """What the table of pictures says of one."""
    quality = str(image.request.options.get("quality", ""))
    return (image.state, place, role, image.name, size, quality, image.request.model, price)


def print_rows(rows: Sequence[tuple[str, ...]]) -> None:
    """Print the table of pictures, and a blank line."""
    columns = ["state", "block", "role", "picture", "size", "quality", "model", "price"]
    cells = [[state(row[0]), *row[1:]] for row in rows]
    role = columns.index("role")
    if not any(row[role] for row in cells):  # most sites have nothing to tell apart
        for line in (columns, *cells):
            del line[role]
    print_table(columns, cells, right=("price",))
    click.echo()


def _size(image: SiteImage) -> str:
    return f"{image.stored.width}x{image.stored.height}" if image.stored else asked_size(image)


def asked_size(image: SiteImage) -> str:
    """The size that a picture is asked for in; empty where nobody set one."""
    return str(image.request.options.get("size", ""))


def wanted(survey: Survey) -> list[SiteImage]:
    """The pictures that a build would ask for."""
    return [image for image in survey.images if image.is_asked_for]


def total(prices: Sequence[float | None]) -> tuple[float, int]:
    """USD that pictures will cost as far as prices are known, and how many have no known price."""
    return sum(price for price in prices if price is not None), prices.count(None)


def policy_note(survey: Survey) -> str:
    """What mkdocs.yml says about pictures that are not there, where a build makes none of them."""
    if not wanted(survey):
        return ""
    options = survey.options
    if not options.enabled:
        return "As 'enabled: false' is set, a build makes none of them; 'mkdocs-genimage generate' does."
    if options.missing != "generate":
        return (
            f"As 'missing: {options.missing}' is set, a build makes none of them; "
            "'mkdocs-genimage generate' does."
        )
    return ""


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
    cost, unknown = total([image.price for image in asked])
    if unknown == len(asked):
        return f"{text} A build asks for {len(asked)}; their price is not known here."
    more = f" and {unknown} of unknown price" if unknown else ""
    is_listed = survey.options.pricing == Pricing()
    source = f"prices of {models.PRICES_AS_OF}" if is_listed else "by 'pricing' in mkdocs.yml"
    return f"{text} A build asks for {len(asked)}: about {amount(cost)}{more} ({source})."


def as_data(survey: Survey) -> dict[str, Any]:
    """The plan for programs."""
    asked = wanted(survey)
    cost, unknown = total([image.price for image in asked])
    return {
        "blocks": [_block(block) for block in survey.blocks],
        "problems": unclear(survey),
        "images": len(survey.images),
        "asked_for": len(asked),
        "cost": round(cost, 6),
        "unknown_prices": unknown,
        "prices_as_of": models.PRICES_AS_OF,
    }


def _block(block: SiteBlock) -> dict[str, Any]:
    return {
        "place": block.place,
        "page": block.page,
        "hero": block.is_hero,
        "problems": list(block.problems),
        "images": [
            {
                "key": image.request.key,
                "name": image.name,
                "variant": image.variant,
                "role": block.role(image),
                "twin_of": block.twin_of(image),
                "state": image.state,
                "reason": image.reason,
                "size": _size(image),
                "quality": image.request.options.get("quality"),
                "model": image.request.model,
                "asked_for": image.is_asked_for,
                "price": image.price,
            }
            for image in block.pictures
        ],
    }
