"""What a page with all pictures of a site shows, so that they are looked at before they are published."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from mkdocs_genimage.entries import requested_size
from mkdocs_genimage.options import GENERATION
from mkdocs_genimage.progress import dollars
from mkdocs_genimage.upkeep.previews import Preview, make_previews
from mkdocs_genimage.upkeep.wording import as_sentence, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from mkdocs_genimage.cache import StoredImage
    from mkdocs_genimage.compose import Composed
    from mkdocs_genimage.upkeep.blocks import SiteBlock, SiteImage
    from mkdocs_genimage.upkeep.survey import Survey

FILTERS = {
    "cached": "Ready",
    "stale": "Stale",
    "missing": "Missing",
    "damaged": "Damaged",
    "elsewhere": "Elsewhere",
    "refused": "Refused",
    "billed?": "Billed?",
    "bad": "Wrong block",
    "no-alt": "No alt text",
    "variants": "Variants",
    "dark": "Dark mode",
    "hero": "Heroes",
}
"""By what cards can be filtered, and how that is called on the page."""
_ABOUT_BLOCKS = ("no-alt", "variants", "dark", "hero")
"""The filters that say nothing of a picture's state."""

_NOT_OPTIONS = ("prompt", "style", "n", "dark")


@dataclass(frozen=True)
class Take:
    """One variant, or its twin for dark mode, as the page shows it.

    Attributes:
        variant: from 1.
        scheme: `light` or `dark` where it has a twin or is one; else empty.
        state: as the survey says.
        is_shown: whether the site shows it.
        note: what is to be said about its state; else empty.
        href: its file, relative to the page; empty where there is none.
        preview: what is put into the page; None where there is nothing to see.
        width: pixels of the file, or those that are asked for.
        height: likewise.
        command: what makes the site show it; empty where it does, or where no command can.
        facts: what its sidecar says.
        bytes: of the file.
    """

    variant: int
    state: str
    is_shown: bool
    note: str = ""
    href: str = ""
    preview: Preview | None = None
    width: int = 0
    height: int = 0
    command: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    bytes: int = 0
    scheme: str = ""


@dataclass(frozen=True)
class Card:
    """One block as the page shows it.

    Attributes:
        block: what was found.
        takes: its variants, each before its twin.
        source: the page's source file, relative to the gallery; empty where it has none.
    """

    block: SiteBlock
    takes: tuple[Take, ...]
    source: str = ""

    @property
    def has_no_alt(self) -> bool:
        """Whether nobody has written a text for those who do not see the picture."""
        return self.block.composed is not None and self.block.alt[1] == "prompt"

    @property
    def states(self) -> list[str]:
        """The states of its pictures, each once, and whether the block itself is wrong."""
        found = list(dict.fromkeys(take.state for take in self.takes))
        return [*found, *(["bad"] if self.block.problems or not found else [])]

    @property
    def filters(self) -> list[str]:
        """Which of `FILTERS` let it through."""
        extra = {
            "no-alt": self.has_no_alt,
            "variants": self.has_variants,
            "dark": bool(self.block.twins),
            "hero": self.block.is_hero,
        }
        return [*self.states, *(name for name, holds in extra.items() if holds)]

    @property
    def has_variants(self) -> bool:
        """Whether there is more to choose from than one picture with its twin."""
        return len(self.block.images) > 1

    def name_of(self, take: Take) -> str:
        """What tells one picture from the others: `Variant 2`, `Dark`, `Variant 2, dark`."""
        if not self.has_variants:
            return take.scheme.capitalize()
        return f"Variant {take.variant}" + (", dark" if take.scheme == "dark" else "")

    @property
    def dark(self) -> str:
        """What the author wrote for dark mode; empty where there is no such picture."""
        composed = self.block.composed
        return str(composed.options["dark"]) if composed and self.block.twins else ""

    @property
    def prompt(self) -> str:
        """What the author wrote."""
        return str(self.block.composed.options["prompt"]) if self.block.composed else ""

    @property
    def full_prompt(self) -> str:
        """The prompt with its style; empty where that is the same."""
        composed = self.block.composed
        if composed is None or composed.request.prompt == composed.request.subject:
            return ""
        return composed.request.prompt

    @property
    def caption(self) -> str:
        """Its caption; empty without one."""
        composed = self.block.composed
        return str(composed.options.get("caption", "")) if composed else ""

    @cached_property
    def facts(self) -> list[tuple[str, str]]:
        """What else is known, each with its name."""
        composed = self.block.composed
        if composed is None:
            return []
        sidecars = [take.facts for take in self.takes if take.facts]
        models = [str(facts["model"]) for facts in sidecars if facts.get("model")]
        days = [str(facts["created"])[:10] for facts in sidecars if facts.get("created")]
        if any(facts.get("adopted") for facts in sidecars):
            days.append("by hand")
        found = {
            "Style": str(composed.options.get("style", "")),
            "Options": _options_text(composed),
            "Model": _joined(models) or ("" if sidecars else composed.request.model),
            "Made": _joined(days),
            "Paid": _paid(sidecars),
            "File": _file_text([take for take in self.takes if take.href]),
        }
        return [(name, text) for name, text in found.items() if text]


@dataclass(frozen=True)
class Section:
    """A page of the site with its blocks.

    Attributes:
        title: the page's.
        url: its address on the web; empty where the site has none.
        cards: its blocks.
    """

    title: str
    url: str
    cards: list[Card]


@dataclass(frozen=True)
class Gallery:
    """The whole page.

    Attributes:
        title: the site's.
        made: when the site was looked at.
        sections: the pages that have blocks.
        spent: USD that the pictures have cost, as far as that is recorded.
        problems: what is wrong with files that should be shown, each with its name.
    """

    title: str
    made: datetime
    sections: list[Section]
    spent: float
    problems: list[str]

    @property
    def cards(self) -> list[Card]:
        """All blocks."""
        return [card for section in self.sections for card in section.cards]

    @property
    def counts(self) -> dict[str, int]:
        """How many cards each of `FILTERS` lets through; those without any are left out."""
        counts = Counter(name for card in self.cards for name in card.filters)
        return {name: counts[name] for name in FILTERS if counts[name]}

    @property
    def states(self) -> dict[str, int]:
        """How many cards have a picture in each state; in words of the survey, and `bad`."""
        return {name: n for name, n in self.counts.items() if name not in _ABOUT_BLOCKS}

    @property
    def filters(self) -> list[tuple[str, str, int]]:
        """Name, text and number of cards of each filter."""
        return [(name, FILTERS[name], count) for name, count in self.counts.items()]


def pictures(survey: Survey) -> list[Path]:
    """The files that the page shows, each once."""
    images = [image for block in survey.blocks for image in block.pictures]
    return list(dict.fromkeys(image.stored.path for image in images if image.stored))


def make_gallery(
    survey: Survey, output: Path, made: datetime, finished: Callable[[], None] = lambda: None
) -> Gallery:
    """Gather what the page shows.

    Args:
        survey: the site.
        output: the file that the page will be, for links from there.
        made: when the site was looked at.
        finished: called for each picture that is done.
    """
    previews = make_previews(pictures(survey), finished)
    maker = _Maker(survey, output.parent, previews)
    sections: dict[str, Section] = {}
    for block in survey.blocks:
        if block.page not in sections:
            sections[block.page] = Section(block.title, _web_address(survey, block), [])
        sections[block.page].cards.append(maker.card(block))
    problems = [f"{path.name}: {found}" for path, found in previews.items() if type(found) is str]
    return Gallery(
        survey.config.site_name, made, [*sections.values()], maker.spent, sorted(problems)
    )


@dataclass
class _Maker:
    survey: Survey
    folder: Path
    previews: Mapping[Path, Preview | str]
    sidecars: dict[Path, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def spent(self) -> float:
        return sum(_cost(facts) or 0.0 for facts in self.sidecars.values())

    def card(self, block: SiteBlock) -> Card:
        composed = block.composed
        takes: tuple[Take, ...] = ()
        if composed:
            takes = tuple(self._take(block, composed, image) for image in block.pictures)
        path = block.seen.file.abs_src_path
        source = self._href(Path(path)) if path and Path(path).is_file() else ""
        return Card(block, takes, source)

    def _take(self, block: SiteBlock, composed: Composed, image: SiteImage) -> Take:
        of = block.twin_of(image)
        variant = of or image.variant
        is_shown = variant in composed.shown_variants
        scheme = "dark" if of else "light" if variant in block.twins else ""
        take = Take(variant, image.state, is_shown, scheme=scheme)
        if image.stored is None:
            width, height = requested_size(composed.request)
            return replace(take, note=_note(image, {}), width=width, height=height)
        path = image.stored.path
        facts = self._facts(image.stored)
        note = _note(image, facts)
        preview = self.previews.get(path)
        if isinstance(preview, str):
            note = " ".join(filter(None, (note, f"There is no preview: {preview}.")))
            preview = None
        take = replace(take, note=note, facts=facts)
        with contextlib.suppress(OSError):
            return replace(
                take,
                href=self._href(path),
                preview=preview,
                width=image.stored.width,
                height=image.stored.height,
                command="" if is_shown else self._pick(block, variant),
                bytes=path.stat().st_size,
            )
        return take

    def _facts(self, stored: StoredImage) -> Mapping[str, Any]:
        """All of a picture's sidecar; the survey may have recalled a part of it only."""
        if stored.path not in self.sidecars:
            facts: Any = None
            with contextlib.suppress(OSError, ValueError, RecursionError):
                facts = json.loads(stored.path.with_suffix(".json").read_bytes())
            self.sidecars[stored.path] = facts if isinstance(facts, dict) else stored.sidecar
        return self.sidecars[stored.path]

    def _href(self, path: Path) -> str:
        """A file as the page links to it."""
        try:
            relative = os.path.relpath(path, self.folder)
        except ValueError:  # on another drive
            return path.as_uri()
        return quote(relative.replace(os.sep, "/"))

    def _pick(self, block: SiteBlock, variant: int) -> str:
        """The command that shows another variant; empty for a block that has no line of its own."""
        if block.is_in_front_matter or not block.place.rpartition(":")[2].isdigit():
            return ""
        config = Path(self.survey.config.config_file_path or "mkdocs.yml").name
        other = () if config == "mkdocs.yml" else ("-f", config)
        return shlex.join(("mkdocs-genimage", *other, "pick", block.place, str(variant)))


def _web_address(survey: Survey, block: SiteBlock) -> str:
    site_url = str(survey.config.site_url or "")
    if urlsplit(site_url).scheme not in ("http", "https"):
        return ""
    return urljoin(site_url, block.url)


def _note(image: SiteImage, facts: Mapping[str, Any]) -> str:
    """What is to be said about an image's state."""
    if image.state == "stale":
        before = str(facts.get("model") or "another model")
        if before == image.request.model:
            before += f" at {facts.get('host') or 'another server'}"
        today = image.request.model or "another model"
        return f"Made by {before}. Today's site would ask {today}. It is still used."
    notes = [as_sentence(image.reason)]
    if image.state == "billed?":
        notes.append("Nothing is here, but an earlier request for it may have been billed.")
    elif image.state == "missing":
        notes.append("Not made yet.")
    if image.is_asked_for:
        price = f", for about {dollars(image.price)}" if image.price is not None else ""
        again = "" if image.state == "missing" else " again"
        notes.append(f"A build asks for it{again}{price}.")
    return " ".join(filter(None, notes))


def _options_text(composed: Composed) -> str:
    options = composed.options
    shown = [name for name in GENERATION if name in options and name not in _NOT_OPTIONS]
    return _joined(f"{name}: {_value(options[name])}" for name in shown)


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " + ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _cost(facts: Mapping[str, Any]) -> float | None:
    cost = facts.get("cost")
    is_number = isinstance(cost, (int, float)) and not isinstance(cost, bool)
    return float(cost) if is_number else None  # type: ignore[arg-type]


def _paid(sidecars: Iterable[Mapping[str, Any]]) -> str:
    costs = [cost for facts in sidecars if (cost := _cost(facts)) is not None]
    if not costs:
        return ""
    return dollars(sum(costs)) + (f" for {len(costs)}" if len(costs) > 1 else "")


def _file_text(takes: Sequence[Take]) -> str:
    if not takes:
        return ""
    size = sum(take.bytes for take in takes)
    pixels = _joined(f"{take.width} \N{MULTIPLICATION SIGN} {take.height}" for take in takes)
    return f"{pixels}, {size_text(size)}" + (f" for {len(takes)}" if len(takes) > 1 else "")


def _joined(texts: Iterable[str]) -> str:
    return " \N{MIDDLE DOT} ".join(dict.fromkeys(texts))
