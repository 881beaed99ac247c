"""What a build says about its pictures in the end: failures, limits, stale ones, the summary."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mkdocs_genimage.budget import BudgetReachedError
from mkdocs_genimage.cache import MADE_FROM, StoredImage
from mkdocs_genimage.errors import Billed, GenimageError, ProviderError
from mkdocs_genimage.log import log
from mkdocs_genimage.progress import dollars
from mkdocs_genimage.request import BlockInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mkdocs_genimage.entries import Entry
    from mkdocs_genimage.generator import Generator
    from mkdocs_genimage.job import Job
    from mkdocs_genimage.places import Place


def report_failures(entries: Iterable[Entry], generator: Generator) -> None:
    """One warning for each reason that concerns all, one for each other image."""
    shared: dict[str, list[Entry]] = {}
    left: list[Entry] = []
    told: set[int] = set()
    entries = list(entries)
    causes = {(one.request.key, one.variant) for one in entries if one.shown.placeholder}
    for entry in entries:
        if entry.state != "failed":
            continue
        if entry.job is None or id(entry.job) in told:
            continue
        told.add(id(entry.job))
        error = entry.job.error or GenimageError("it did not come")
        if isinstance(error, BudgetReachedError):
            left.append(entry)
        elif isinstance(error, ProviderError) and not (error.fatal or error.no_edits):
            light = entry.request.twin_of
            if light and (light.request.key, light.variant) in causes:
                continue  # one cause, one block, one message
            what = "no picture for dark mode" if light else "no picture"
            log.warning("%s: %s: %s", listed(entry.places), what, error)
        else:
            # Several requests may have been in flight: each has a name, the reason is one.
            reason = (
                f"{error.message} {error.cure}" if isinstance(error, ProviderError) else str(error)
            )
            shared.setdefault(reason.strip(), []).append(entry)
    for reason, concerned in shared.items():
        text = f"{_sentence(reason)}{_billed(concerned)}"
        jobs = [entry.job for entry in concerned if entry.job]
        _report_missing(sum(len(job.variants) - len(job.images) for job in jobs), text, concerned)
    if left:
        jobs = [entry.job for entry in left if entry.job]
        count = sum(len(job.variants) for job in jobs)
        every = {id(e.job): e.job for e in entries if e.job and e.state == "failed"}
        cure = _cure(jobs, count, list(every.values()), generator)
        _report_missing(count, f"{jobs[0].error}. {cure}", left)


def _report_missing(count: int, reason: str, entries: Sequence[Entry]) -> None:
    places = listed(place for entry in entries for place in entry.places)
    noun = "picture is" if count == 1 else "pictures are"
    log.warning("%d %s missing: %s Blocks: %s", count, noun, reason, places)


def _billed(entries: Sequence[Entry]) -> str:
    """Which of some failed requests may have cost something; empty if none."""
    # One that stopped the others is the error of all of them.
    errors = {id(e.job.error): e.job.error for e in entries if e.job}.values()
    paid = [e for e in errors if isinstance(e, ProviderError) and e.billed is not Billed.NO]
    if not paid:
        return ""
    names = ", ".join(error.request_id for error in paid if error.request_id)
    count = f"{len(paid)} request{'' if len(paid) == 1 else 's'}"
    return f" {count} may have been billed{f' ({names})' if names else ''}."


def _cure(jobs: Sequence[Job], count: int, again: Sequence[Job], generator: Generator) -> str:
    """What the images that a limit left out would cost, and how to allow them.

    Args:
        jobs: those that it left out.
        count: their images.
        again: these and those that failed, which the next build asks for as well.
        generator: knows prices and limits.
    """
    budget = generator.budget
    prices = [generator.estimate(job.request, len(job.variants)) for job in jobs]
    known = [price for price in prices if price is not None]
    cost = f"would cost about {dollars(sum(known))}"
    if not known:
        cost = "have no known price"
    elif len(known) < len(prices):
        cost += f", and {len(prices) - len(known)} of them have no known price"
    wanted = []
    left = [(job.request, len(job.variants) - len(job.images)) for job in again]
    needed = budget.spent + sum(generator.estimate(*one) or 0.0 for one in left)
    if budget.max_cost and needed > budget.max_cost:
        # To the next cent above.
        wanted.append(f"'max_cost: {math.ceil(round(needed * 100, 6)) / 100:.2f}'")
    if budget.max_images and budget.images + count > budget.max_images:
        wanted.append(f"'max_images: {budget.images + sum(number for _, number in left)}'")
    ways = [f"Set {' and '.join(wanted)} in mkdocs.yml"] if wanted else []
    if budget.images or not wanted:  # else the next build would come no further
        ways.append("or build again: what is made is kept" if ways else "Build again")
    return f"They {cost}. {', '.join(ways)}."


def report_stale(entries: Iterable[Entry]) -> None:
    """Say how many pictures another renderer than today's made."""
    count = sum(entry.stale for entry in entries)
    if count:
        log.info(
            "%d of the pictures %s made by another model or server than today's; %s still used.",
            count,
            *(("was", "it is") if count == 1 else ("were", "they are")),
        )


def report_outdated(entries: Mapping[tuple[str, int], Entry]) -> None:
    """Name the edits whose first picture is another one today: it was made anew, or adopted."""
    for entry in entries.values():
        if not (entry.request.images and isinstance(entry.found, StoredImage)):
            continue
        sources = [image for image in entry.request.images if isinstance(image, BlockInput)]
        known = entry.found.sidecar.get(MADE_FROM, ())
        for source, sha256 in zip(sources, known, strict=False):
            first = entries.get((source.request.key, source.variant))
            if first is None or first.shown.sha256 in ("", sha256):
                continue
            path = entry.found.path
            log.info(
                "%s: %s/%s was made when %s was another one. It is still used; "
                "delete it and its .json to have it made anew.",
                listed(entry.places),
                path.parent.name,
                path.name,
                source.words,
            )
            break


def summarise(entries: Iterable[Entry]) -> None:
    """One line about all pictures of a build; none where there are no pictures."""
    all_entries = list(entries)
    states = [entry.state for entry in all_entries]
    if not states:
        return
    text = (
        f"{len(states)} image{'' if len(states) == 1 else 's'}: "
        f"{states.count('cached')} from the cache, {states.count('generated')} generated, "
        f"{states.count('failed')} failed"
    )
    costs = [entry.cost for entry in all_entries if entry.cost is not None]
    if costs:
        text += f", {dollars(sum(costs))} spent"
    billed = possibly_billed(all_entries)
    if billed:
        text += f", {billed} failed request{'' if billed == 1 else 's'} possibly billed"
    placeholders = states.count("placeholder")
    if placeholders:
        text += f", {placeholders} shown as placeholder{'' if placeholders == 1 else 's'}"
    log.info("%s", text)


def possibly_billed(entries: Iterable[Entry]) -> int:
    """Failed requests that may have cost something."""
    # One that stopped the others is the error of all of them.
    errors = {id(entry.job.error): entry.job.error for entry in entries if entry.job}.values()
    return sum(isinstance(e, ProviderError) and e.billed is not Billed.NO for e in errors)


def missing_lines(entries: Iterable[Entry], folder: str) -> list[str]:
    """A line with its place for each block without its image in the cache's folder."""
    lines = (
        f"{place}: the picture is not in {folder}/."
        for entry in entries
        if entry.state != "cached"
        for place in entry.places
    )
    return list(dict.fromkeys(lines))


def listed(places: Iterable[Place], most: int = 20) -> str:
    """Places in one line."""
    names = list(dict.fromkeys(str(place) for place in places))
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
