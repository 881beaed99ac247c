"""What was spent on a site's pictures, and when, from what is on disk.

Two records tell: the ledger has a line for each paid request of this machine, and each sidecar, which is
committed, has what its picture cost, whoever made it. A picture that is in both counts once.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from mkdocs_genimage.errors import Billed
from mkdocs_genimage.inventory import SIDECAR, Record, cache_files, records
from mkdocs_genimage.journal import Journal, is_lost
from mkdocs_genimage.pricing import MAX_PRICE
from mkdocs_genimage.request import KEY_CHARS_IN_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

By = Literal["month", "model", "page", "key"]
"""What costs can be grouped by."""

RECENT_DAYS = 30
SAME_REQUEST = timedelta(hours=1)
"""A picture is stored seconds after its request was answered; a sleeping machine may take longer."""
CLOCK_TOLERANCE = timedelta(days=1)
"""What is dated later than this from now was written by a clock that was wrong."""

_IN_FILE = re.compile(r"(?::\d+| \(from a snippet\))$")


@dataclass(frozen=True)
class Spending:
    """What one answered request has cost, or one picture that was made elsewhere.

    Attributes:
        time: when, in UTC; None where that is not known.
        key: of the request.
        name: of the picture's files, as far as it is known.
        model: that was asked; may be empty.
        host: that was asked; may be empty.
        page: the page's file, `docs/guide.md`; empty where it is not known.
        images: how many pictures it brought.
        cost: USD; None where it is not known.
    """

    time: datetime | None
    key: str
    name: str
    model: str
    host: str
    page: str
    images: int
    cost: Decimal | None


@dataclass(frozen=True)
class LostRequest:
    """A request that brought no picture and was billed, or may have been.

    Attributes:
        time: when, in UTC; None where that is not known.
        key: of the request.
        place: the block that asked for it.
        model: that was asked.
        host: that was asked.
        images: how many pictures were asked for.
        estimate: USD that it has cost at most; None where no price is known.
        outcome: what became of it.
        is_certain: whether it was billed for certain.
        request_id: the server's name for it; empty where it gave none.
    """

    time: datetime | None
    key: str
    place: str
    model: str
    host: str
    images: int
    estimate: Decimal | None
    outcome: str
    is_certain: bool = False
    request_id: str = ""


@dataclass
class Sum:
    """A sum of spendings.

    Attributes:
        images: pictures, those of unknown price included.
        cost: USD of those whose price is known.
        unknown: pictures of unknown price.
    """

    images: int = 0
    cost: Decimal = Decimal(0)
    unknown: int = 0

    def add(self, spending: Spending) -> None:
        """Count one more."""
        self.images += spending.images
        if spending.cost is None:
            self.unknown += spending.images
        else:
            self.cost += spending.cost


@dataclass
class Costs:
    """All that is known of what was spent.

    Attributes:
        spendings: oldest first; those without a date come first.
        lost: requests that brought nothing and may have been billed, oldest first.
        unreadable_lines: lines of the ledger that cannot be read.
        unreadable_sidecars: sidecars that cannot be read.
    """

    spendings: list[Spending] = field(default_factory=list)
    lost: list[LostRequest] = field(default_factory=list)
    unreadable_lines: int = 0
    unreadable_sidecars: int = 0

    def since(self, start: datetime) -> Costs:
        """Those from a time on. What has no date is left out."""
        return Costs(
            [one for one in self.spendings if one.time and one.time >= start],
            [one for one in self.lost if one.time and one.time >= start],
            self.unreadable_lines,
            self.unreadable_sidecars,
        )

    def recent(self, now: datetime) -> Sum:
        """What the last `RECENT_DAYS` days have cost."""
        first, last = now - timedelta(days=RECENT_DAYS), now + CLOCK_TOLERANCE
        return total(one for one in self.spendings if one.time and first <= one.time <= last)

    def from_the_future(self, now: datetime) -> int:
        """How many are dated later than today: a clock was wrong."""
        last = now + CLOCK_TOLERANCE
        return sum(one.time is not None and one.time > last for one in self.spendings)

    @property
    def undated(self) -> int:
        """How many have no date."""
        return sum(one.time is None for one in self.spendings)


def gather(folder: Path, pages: Callable[[], Mapping[tuple[str, int], str]] | None = None) -> Costs:
    """Read what was spent.

    Args:
        folder: the cache's.
        pages: gives the page of a picture, by its key and variant, for those that this machine did not
            ask for. Called only if there are any.
    """
    costs = Costs()
    journal = Journal(folder)
    lines, costs.unreadable_lines = journal.ledger()
    found = records(folder)
    files = [file for file in cache_files(folder) if file.ending == SIDECAR]
    costs.unreadable_sidecars = len(files) - len(found)
    by_variant = sorted(found, key=lambda record: record.variant, reverse=True)
    names = {record.key: record.path.stem for record in by_variant}
    made = [line for line in lines if not is_lost(line)]
    costs.spendings += [_of_line(line, names) for line in made]
    elsewhere = [record for record in _not_in(made, found) if not record.sidecar.get("adopted")]
    page_of = pages() if pages and elsewhere else {}
    for record in elsewhere:
        page = page_of.get((record.key, record.variant), "")
        costs.spendings.append(_of_sidecar(record, names[record.key], page))
    costs.lost += [_lost(line, _time(line.get("time"))) for line in lines if is_lost(line)]
    costs.lost += _never_ended(journal, made)
    costs.spendings.sort(key=lambda one: _sortable(one.time))
    costs.lost.sort(key=lambda one: _sortable(one.time))
    return costs


def grouped(costs: Costs, by: By) -> list[tuple[dict[str, str], Sum]]:
    """Sums by month, model, page or key, each with what names it.

    Months come in their order and one without a date last; the others by what they cost, dearest first.
    An empty name stands for what is not known.
    """
    sums: dict[tuple[str, ...], Sum] = defaultdict(Sum)
    labels = {"month": ("month",), "model": ("model", "host"), "page": ("page",)}
    names = labels.get(by, ("key", "name"))
    for one in costs.spendings:
        sums[tuple(_label(one, name) for name in names)].add(one)
    if by == "month":
        ordered = sorted(sums.items(), key=lambda item: item[0][0] or "~")
    else:
        ordered = sorted(sums.items(), key=lambda item: (-item[1].cost, item[0]))
    return [(dict(zip(names, at, strict=True)), found) for at, found in ordered]


def total(spendings: Iterable[Spending]) -> Sum:
    """The sum of all."""
    found = Sum()
    for one in spendings:
        found.add(one)
    return found


def page_of_place(place: str) -> str:
    """`docs/guide.md` out of `docs/guide.md:12` or `docs/guide.md (from a snippet)`."""
    return _IN_FILE.sub("", place)


def _label(one: Spending, name: str) -> str:
    if name == "month":
        return one.time.date().isoformat()[:7] if one.time else ""
    return str(getattr(one, name))


def _not_in(made: list[dict[str, Any]], found: list[Record]) -> Iterator[Record]:
    """The pictures that no line of the ledger is about."""
    lines: dict[str, list[tuple[dict[str, Any], datetime | None]]] = defaultdict(list)
    for line in made:
        lines[_text(line, "key")].append((line, _time(line.get("time"))))
    free = {id(line): _count(line) for line in made}
    seen: set[str] = set()
    for record in found:
        # Copies of one sidecar by other names are of one picture.
        facts = (record.sidecar.get("created"), record.sidecar.get("sha256"))
        identity = repr((record.key, record.variant, *facts))
        if identity in seen:
            continue
        seen.add(identity)
        for line, time in lines[record.key]:
            if free[id(line)] > 0 and _is_of(record.sidecar, line, time):
                free[id(line)] -= 1
                break
        else:
            yield record


def _is_of(sidecar: Mapping[str, Any], line: Mapping[str, Any], time: datetime | None) -> bool:
    """Whether a picture came of a request with the same key.

    Colleagues may have asked for the same one before they had each other's.
    """
    if sidecar.get("recovered"):  # by a later command, which knew only what was asked for
        return True
    if sidecar.get("request_id") or line.get("request_id"):
        return bool(sidecar.get("request_id") == line.get("request_id"))
    created = _time(sidecar.get("created"))
    return created is None or time is None or abs(created - time) <= SAME_REQUEST


def _of_line(line: Mapping[str, Any], names: Mapping[str, str]) -> Spending:
    key = _text(line, "key")
    return Spending(
        time=_time(line.get("time")),
        key=key,
        name=names.get(key, ""),
        model=_text(line, "model"),
        host=_text(line, "host"),
        page=page_of_place(_text(line, "place")),
        images=_count(line),
        cost=_dollars(line.get("cost")),
    )


def _of_sidecar(record: Record, name: str, page: str) -> Spending:
    return Spending(
        time=_time(record.sidecar.get("created")),
        key=record.key,
        name=name,
        model=_text(record.sidecar, "model"),
        host=_text(record.sidecar, "host"),
        page=page,
        images=1,
        cost=_dollars(record.sidecar.get("cost")),
    )


def _lost(facts: Mapping[str, Any], time: datetime | None, outcome: str = "") -> LostRequest:
    return LostRequest(
        time=time,
        key=_text(facts, "key"),
        place=_text(facts, "place"),
        model=_text(facts, "model"),
        host=_text(facts, "host"),
        images=_count(facts),
        estimate=_dollars(facts.get("estimate")),
        outcome=outcome or _text(facts, "outcome"),
        is_certain=facts.get("billed") == Billed.YES.value,
        request_id=_text(facts, "request_id"),
    )


def _never_ended(journal: Journal, made: list[dict[str, Any]]) -> Iterator[LostRequest]:
    """Requests of processes that were killed, or are at work."""
    answered: dict[str, list[datetime | None]] = defaultdict(list)
    for line in made:
        answered[_text(line, "key")].append(_time(line.get("time")))
    for key, facts in journal.unfinished().items():
        began = _time(facts.get("began"))
        if any(began is None or time is None or time >= began for time in answered[key]):
            continue  # the answer had come, and only its picture was not stored any more
        yield _lost(facts, began, "it was begun and has not ended.")


def _text(facts: Mapping[str, Any], name: str) -> str:
    """A text, on one line that a terminal can take; empty where there is none."""
    value = facts.get(name)
    if not isinstance(value, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())


def _count(facts: Mapping[str, Any]) -> int:
    value = facts.get("images")
    return value if type(value) is int and 0 < value < MAX_PRICE else 1


def _dollars(value: Any) -> Decimal | None:
    """USD as an exact number; None for anything else than a price.

    To a millionth of a dollar, as in sidecars: what is beyond comes of binary fractions.
    """
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= MAX_PRICE:
        return None
    return round(Decimal(str(value)), 6)


def _time(value: Any) -> datetime | None:
    """A time in UTC. One without a zone is taken for UTC."""
    if not isinstance(value, str):
        return None
    with contextlib.suppress(ValueError, OverflowError):
        time = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", value))
        time = time.replace(tzinfo=timezone.utc) if time.tzinfo is None else time
        return time.astimezone(timezone.utc)
    return None


def _sortable(time: datetime | None) -> datetime:
    return time or datetime.min.replace(tzinfo=timezone.utc)


def short_key(key: str) -> str:
    """As much of a key as stands in names of files."""
    return key[:KEY_CHARS_IN_NAME]
