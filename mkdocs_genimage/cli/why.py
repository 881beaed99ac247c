"""`mkdocs-genimage why`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mkdocs_genimage.cli.common import find_target, target_argument
from mkdocs_genimage.cli.output import amount, json_option, print_json, print_table, state
from mkdocs_genimage.cli.site import SiteContext, pass_site
from mkdocs_genimage.upkeep.explanation import Explainer, made
from mkdocs_genimage.upkeep.survey import find_plugin
from mkdocs_genimage.upkeep.wording import as_sentence, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mkdocs_genimage.compose import Composed
    from mkdocs_genimage.inventory import Record
    from mkdocs_genimage.upkeep.blocks import SiteBlock, SiteImage
    from mkdocs_genimage.upkeep.explanation import Difference, Nearest, Part
    from mkdocs_genimage.upkeep.targets import Target

SHOWN_CHARS = 120
"""Of a value in a table; JSON has all of it."""
LOST = {
    "missing": "It is not in the cache.",
    "billed?": "It is not in the cache. An earlier build asked for it and may have been billed, but the "
    "picture was lost; look at your account with the provider.",
    "damaged": "The files in the cache cannot be used.",
    "elsewhere": "It was made, but it is not on this machine, so it is not asked for again.",
    "refused": "It is not in the cache, and is not asked for again.",
}


@click.command()
@target_argument
@json_option
@pass_site
def command(site: SiteContext, *, target: str, as_json: bool) -> None:
    """Say what makes a picture that one and no other, and what has changed since one was made.

    KEY is four or more digits of a key, or the name of a file in the cache. Changes no file.

    \b
    Examples:
      mkdocs-genimage why docs/page.md:12
      mkdocs-genimage why an-orange-cat-0123456789ab.png
      mkdocs-genimage why '#hero' --json
    """
    survey = site.survey
    found = find_target(survey, target)
    generator = find_plugin(survey.config).generator
    assert generator is not None
    report = Report(Explainer(survey, generator.provider), found)
    if as_json:
        print_json(report.as_data())
    else:
        report.show()
    if any(block.composed is None or block.problems for block in found.blocks):
        raise SystemExit(1)


class Report:
    """What is said of one target."""

    def __init__(self, explainer: Explainer, target: Target) -> None:
        self._explainer = explainer
        self._target = target
        self._asked = {(image.request.key, image.variant) for image in target.images}
        self._blocks: dict[object, SiteBlock] = {}
        for block in target.blocks:
            self._blocks.setdefault(self._identity(block), block)

    # For people

    def show(self) -> None:
        """Print it."""
        for number, block in enumerate(self._blocks.values()):
            if number:
                click.echo()
            self._show_block(block)
        if not self._target.blocks:
            self._show_loose()

    def _show_loose(self) -> None:
        """A picture that no block shows."""
        record = self._target.record
        for image in self._target.images:
            click.secho(image.name, bold=True)
            self._show_image(image)
            click.echo("  Another block is made from it; none shows it.")
        if not record:
            return
        click.secho(record.image.name, bold=True)
        click.echo(f"  No page uses it. {_made_text(record)}")
        click.echo(f"  prompt: {shortened(str(record.sidecar.get('prompt', '')), SHOWN_CHARS)}")
        near = self._explainer.nearest_block(record)
        if near:
            block, nearest = near
            click.echo(f"\nThe block that is most like it is {block.place}. It differs in:")
            _print_differences(nearest.differences)

    def _show_block(self, block: SiteBlock) -> None:
        places = ", ".join(self._places(block))
        composed = block.composed
        if composed is None:
            click.secho(places, bold=True)
            for problem in block.problems:
                click.echo(problem)
            return
        images, twins = self._images(block), self._twins(block)
        hero = "  hero of its page" if block.is_hero else ""
        stem = composed.request.stem if images or not twins else twins[0][1].name
        click.echo(f"{click.style(places, bold=True)}  {stem}{hero}")
        for problem in block.problems:
            click.echo(problem)
        if images or not twins:
            self._show_pictures(block, composed, images)
        for number, (twin, image) in enumerate(twins):
            if images or number:
                click.echo(f"\n{click.style('For dark mode', bold=True)}  {image.name}")
            self._show_pictures(block, composed, [image], twin)

    def _show_pictures(
        self,
        block: SiteBlock,
        composed: Composed,
        images: list[SiteImage],
        twin: Composed | None = None,
    ) -> None:
        """The variants of a block's picture, or one for dark mode."""
        for image in images:
            self._show_image(image)
        if twin:
            by = ", be it by 'pick'," if composed.count > 1 else ""
            click.echo(
                f"  It is an edit of the picture for light mode: another one there{by} asks for another "
                "one here."
            )
        click.echo("\nThe key is made of")
        _print_parts(self._explainer.parts(block, composed, twin))
        free = self._explainer.not_counted(block, composed)
        if free and not twin:
            follows = block.twins and any(part.option == "pick" for part in free)
            but = ", but for dark mode with 'pick'" if follows else ""
            click.echo(f"\nNo part of the key: a change of these asks for no other picture{but}")
            _print_parts(free)
        lacking = [image for image in images if image.stored is None]
        if lacking:
            nearest = self._explainer.nearest(block, composed, lacking[0].variant, twin)
            click.echo()
            self._show_nearest(nearest, lacking)

    def _show_image(self, image: SiteImage) -> None:
        number = f"variant {image.variant}: " if image.variant > 1 else ""
        click.echo(f"  {number}{state(image.state)}. {self._told(image)}")

    def _told(self, image: SiteImage) -> str:
        """Where a picture stands, and the cure."""
        if image.stored is None:
            reason = as_sentence(image.reason)
            if image.state == "refused":
                asked = ""
            elif image.is_asked_for:
                price = amount(image.price) if image.price is not None else "price not known"
                asked = f"A build asks for it ({price})."
            else:
                asked = "A build of this site does not ask for it."
            return " ".join(filter(None, (LOST.get(image.state, ""), reason, asked)))
        record = self._explainer.record(image.request.key, image.variant)
        text = f"It is there: {image.stored.path.name}."
        if record:
            text += f" {_made_text(record)}".rstrip()
            changed = [
                f"{one.option} {one.before or 'none'} -> {one.after or 'none'}"
                for one in self._explainer.stale(image.request, record)
            ]
            if image.state == "stale" and changed:
                text += f" Today another would make it ({', '.join(changed)}); it is still used."
        return text

    def _show_nearest(self, nearest: Nearest | None, lacking: list[SiteImage]) -> None:
        if nearest is None:
            is_made = any(image.state in ("damaged", "elsewhere") for image in lacking)
            if not is_made:
                click.echo(
                    "No picture in the cache is like it: nothing was changed, it is a new one."
                )
            return
        use = (
            f"shown at {', '.join(nearest.places)}"
            if nearest.places
            else "which no page uses any more"
        )
        click.echo(f"The nearest picture in the cache is {nearest.record.image.name}, {use}.")
        click.echo(f"{_made_text(nearest.record)} What differs:".strip())
        _print_differences(nearest.differences)
        if not nearest.places and any(image.is_asked_for for image in lacking):
            click.echo("Undo that, and the old picture is shown again without a request.")

    # For programs

    def as_data(self) -> dict[str, Any]:
        """All of it."""
        record = self._target.record
        near = self._explainer.nearest_block(record) if record else None
        return {
            "blocks": [self._block_data(block) for block in self._blocks.values()],
            "images": [self._image_data(image) for image in self._target.images],
            "unused": {
                "file": record.image.name,
                "key": record.key,
                "variant": record.variant,
                "prompt": str(record.sidecar.get("prompt", "")),
                "made": made(record.sidecar),
                "nearest_block": near[0].place if near else None,
                "differences": [_difference_data(d) for d in near[1].differences] if near else [],
            }
            if record
            else None,
        }

    def _block_data(self, block: SiteBlock) -> dict[str, Any]:
        composed = block.composed
        data: dict[str, Any] = {
            "places": self._places(block),
            "problems": list(block.problems),
            "hero": block.is_hero,
            "key": composed.request.key if composed else None,
            "name": composed.request.stem if composed else None,
            "parts": [],
            "not_counted": [],
            "nearest": None,
            "twins": [],
        }
        if composed:
            data |= self._key_data(block, composed, self._images(block))
            free = self._explainer.not_counted(block, composed)
            data["not_counted"] = [vars(part) for part in free]
            data["twins"] = [
                {
                    "key": twin.request.key,
                    "name": image.name,
                    "variant": block.twin_of(image),
                    **self._key_data(block, composed, [image], twin),
                }
                for twin, image in self._twins(block)
            ]
        return data

    def _key_data(
        self,
        block: SiteBlock,
        composed: Composed,
        images: list[SiteImage],
        twin: Composed | None = None,
    ) -> dict[str, Any]:
        """What a key is made of, and what is like it."""
        parts = self._explainer.parts(block, composed, twin)
        lacking = [image for image in images if image.stored is None]
        nearest = None
        if lacking:
            nearest = self._explainer.nearest(block, composed, lacking[0].variant, twin)
        return {
            "parts": [vars(part) for part in parts],
            "nearest": _nearest_data(nearest) if nearest else None,
        }

    def _image_data(self, image: SiteImage) -> dict[str, Any]:
        record = self._explainer.record(image.request.key, image.variant) if image.stored else None
        stale = (
            self._explainer.stale(image.request, record)
            if record and image.state == "stale"
            else ()
        )
        return {
            "key": image.request.key,
            "name": image.name,
            "variant": image.variant,
            "state": image.state,
            "reason": image.reason,
            "file": image.stored.path.name if image.stored else None,
            "made": made(record.sidecar) if record else None,
            "stale": [
                {"option": one.option, "before": one.before, "after": one.after} for one in stale
            ],
            "asked_for": image.is_asked_for,
            "price": image.price,
        }

    # Both

    def _places(self, block: SiteBlock) -> list[str]:
        """Where the blocks stand that show the same pictures as this one."""
        same = self._identity(block)
        return list(
            dict.fromkeys(
                other.place for other in self._target.blocks if self._identity(other) == same
            )
        )

    def _identity(self, block: SiteBlock) -> object:
        """The keys of a block's pictures, or its place if it is wrong."""
        return block.keys or block.place

    def _images(self, block: SiteBlock) -> list[SiteImage]:
        """The variants of a block that are asked about."""
        return [image for image in block.images if self._is_asked(image)]

    def _twins(self, block: SiteBlock) -> list[tuple[Composed, SiteImage]]:
        """Its pictures for dark mode that are asked about, each with what makes it."""
        made = {twin.request.key: twin for twin in block.composed.twins} if block.composed else {}
        return [
            (made[image.request.key], image)
            for image in block.twins.values()
            if self._is_asked(image)
        ]

    def _is_asked(self, image: SiteImage) -> bool:
        return (image.request.key, image.variant) in self._asked


def _print_parts(parts: Iterable[Part]) -> None:
    rows = [
        (f"  {part.option}", part.origin, part.place, shortened(part.value, SHOWN_CHARS))
        for part in parts
    ]
    print_table(("  what", "set by", "where", "value"), rows)


def _print_differences(differences: Iterable[Difference]) -> None:
    for one in differences:
        by = f" ({one.origin}, {one.place})" if one.origin else ""
        if one.words:
            if any(operation != "equal" for operation, _ in one.words):
                text = "".join(_marked(*word) for word in one.words)
                click.echo(f"  {one.option}{by}: {text}")
            else:
                click.echo(f"  {one.option}{by}: only blanks or line ends differ")
        else:
            click.echo(f"  {one.option}: {one.before or '?'} -> {one.after or '?'}{by}")


def _marked(operation: str, words: str) -> str:
    """Words as `git diff --word-diff` shows them."""
    if operation == "equal":
        return " ".join(words.split("\n"))
    text = " ".join(words.split())
    blank = words[len(words.rstrip()) :] and " "
    if operation == "delete":
        return click.style(f"[-{text}-]", fg="red") + blank
    return click.style(f"{{+{text}+}}", fg="green") + blank


def _made_text(record: Record) -> str:
    """When and by what a picture was made, as a sentence; empty if nothing is recorded."""
    facts = made(record.sidecar)
    day = f" on {str(facts['created'])[:10]}" if "created" in facts else ""
    if facts.get("adopted"):
        return f"Put there by hand{day}, from {facts.get('file', 'a file')}."
    by = f" by {facts['model']}" if "model" in facts else ""
    host = f" at {facts['host']}" if "host" in facts else ""
    cost = f" for {amount(facts['cost'])}" if "cost" in facts else ""
    return f"Made{day}{by}{host}{cost}." if day or by or host else ""


def _difference_data(one: Difference) -> dict[str, Any]:
    return {
        "option": one.option,
        "before": one.before,
        "after": one.after,
        "origin": one.origin,
        "place": one.place,
        "words": [{"operation": operation, "text": text} for operation, text in one.words],
    }


def _nearest_data(nearest: Nearest) -> dict[str, Any]:
    record = nearest.record
    made_facts: Mapping[str, Any] = made(record.sidecar)
    return {
        "file": record.image.name,
        "key": record.key,
        "variant": record.variant,
        "places": list(nearest.places),
        "made": made_facts,
        "differences": [_difference_data(one) for one in nearest.differences],
    }
