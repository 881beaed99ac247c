"""What an image that is missing has to do with those that are there: mostly, one option was changed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.inventory import SIDECAR, Record, cache_files, read_record
from mkdocs_genimage.log import log
from mkdocs_genimage.progress import dollars
from mkdocs_genimage.request import slugify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from mkdocs_genimage.entries import Entry
    from mkdocs_genimage.request import ImageRequest

MASS = 3
"""From so many on, images that are asked for anew by one and the same change are told as such."""
UNSET = "unset"
"""Stands for an option that nobody set."""
_FILES = ("image", "mask", "markup")
"""Options whose values are hashes, which tell nobody anything."""


@dataclass(frozen=True)
class Change:
    """One option that differs between a request and an image that was made before.

    Attributes:
        option: its name; `style` where only the text round the author's prompt differs.
        before: its value then, as text; empty where it is too long to be shown or has no text.
        after: its value now.
    """

    option: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"`{self.option}`" + (
            f" went from {self.before} to {self.after}" if self.before else " changed"
        )


def changes(request: ImageRequest, sidecar: Mapping[str, Any]) -> tuple[Change, ...]:
    """All that differs between a request and the image of a sidecar, but for the model's own doing."""
    then = sidecar.get("options")
    then = then if isinstance(then, dict) else {}
    now = {k: v for k, v in request.identity.items() if k not in ("prompt", "version")}
    found = []
    if sidecar.get("prompt") != request.prompt:
        is_style = request.subject and request.subject in str(sidecar.get("prompt", ""))
        found.append(Change("style" if is_style else "prompt", "", ""))
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name):
            values = (_text(then.get(name)), _text(now.get(name)))
            is_file = name in _FILES
            found.append(Change(name, *(("", "") if is_file else values)))
    return tuple(found)


def nearest(
    request: ImageRequest, candidates: Iterable[Record]
) -> tuple[Record, tuple[Change, ...]] | None:
    """The image that differs least from a request, and in what; None if there are no candidates."""
    best: tuple[Record, tuple[Change, ...]] | None = None
    for record in candidates:
        found = changes(request, record.sidecar)
        if best is None or len(found) < len(best[1]):
            best = record, found
    return best


def report_changes(
    ordered: Sequence[Entry],
    entries: Mapping[tuple[str, int], Entry],
    folder: Path,
    estimate: Callable[[ImageRequest, int], float | None],
) -> None:
    """Call mass changes by name: many images that are asked for anew because of one edit.

    Args:
        ordered: the images that are asked for.
        entries: all images of the site, by key and variant.
        folder: the cache's.
        estimate: USD that images of a request cost; None where no price is known.
    """
    if len(ordered) < MASS:
        return
    unused = _unused({slugify(_subject(e.request)) for e in ordered}, entries, folder)
    groups: dict[tuple[Change, ...], list[Entry]] = defaultdict(list)
    for entry in ordered:
        candidates = unused.get(slugify(_subject(entry.request)), ())
        found = nearest(entry.request, [one for one in candidates if one.variant == entry.variant])
        if found and found[1]:
            groups[found[1]].append(entry)
    for group, concerned in groups.items():
        if len(concerned) >= MASS:
            log.info("%s", _told(group, concerned, len(entries), estimate))


def _told(
    group: tuple[Change, ...],
    concerned: Sequence[Entry],
    total: int,
    estimate: Callable[[ImageRequest, int], float | None],
) -> str:
    jobs = {id(entry.job): entry.job for entry in concerned if entry.job}.values()
    prices = [estimate(job.request, len(job.variants)) for job in jobs]
    known = [price for price in prices if price is not None]
    cost = f"about {dollars(sum(known))}" if len(known) == len(prices) else "price not known"
    why = " and ".join(map(str, group))
    return (
        f"{len(concerned)} of {total} images are asked for anew because {why} ({cost}). "
        "The old ones stay in the cache: undo the change and they are shown again."
    )


def _unused(
    slugs: set[str], entries: Mapping[tuple[str, int], Entry], folder: Path
) -> dict[str, list[Record]]:
    """Images that no page shows any more, by slug, for some slugs only."""
    found: dict[str, list[Record]] = defaultdict(list)
    for file in cache_files(folder):
        if file.ending == SIDECAR and file.slug in slugs:
            record = read_record(file)
            if record and (record.key, record.variant) not in entries:
                found[file.slug].append(record)
    return found


def _subject(request: ImageRequest) -> str:
    return request.subject or request.prompt


def _text(value: Any) -> str:
    """An option's value as a message shows it."""
    return UNSET if value is None else str(value)[:60]
