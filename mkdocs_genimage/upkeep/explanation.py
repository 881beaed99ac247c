"""Why a picture is the one it is: what its key is made of, and what differs from pictures made before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.changes import changes
from mkdocs_genimage.compose import NO_STYLE
from mkdocs_genimage.inventory import Record, records
from mkdocs_genimage.options import OPTIONS
from mkdocs_genimage.request import KEY_VERSION, BlockInput, variant_stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mkdocs_genimage.compose import Composed
    from mkdocs_genimage.providers import Provider
    from mkdocs_genimage.request import ImageRequest, InputFile
    from mkdocs_genimage.upkeep.survey import SiteBlock, Survey

ALIKE = 0.5
"""Share of words in common from which on one prompt may be an edit of the other."""
_RENDERER = ("model", "host", "provider")
# With the blanks behind them. In scripts without blanks between words each character is one.
_CJK = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_WORDS = re.compile(rf"(?:[{_CJK}]|[^\W{_CJK}]+|[^\w\s])\s*")
_MANY_WORDS = 1000
"""From so many on, a comparison passes over the most frequent words."""
_CONTEXT_WORDS = 8
"""Words that stay on either side of a difference of two prompts."""


@dataclass(frozen=True)
class Part:
    """One thing that enters a key, or that does not.

    Attributes:
        option: its name.
        value: as text.
        origin: who set it: `block`, `front matter`, `style 'brand'` or `defaults`; empty if nobody did.
        place: where that is written: `docs/page.md:12` or `mkdocs.yml`.
    """

    option: str
    value: str
    origin: str = ""
    place: str = ""


@dataclass(frozen=True)
class Difference:
    """One thing in which a request differs from a picture that was made before.

    Attributes:
        option: its name; `style` where only the text round the author's prompt differs.
        before: its value then, as text.
        after: its value now.
        origin: who set it now; empty if nobody did.
        place: where that is written.
        words: for texts, what was done to which words: `equal`, `delete` or `insert`, and the words.
    """

    option: str
    before: str
    after: str
    origin: str = ""
    place: str = ""
    words: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Nearest:
    """The picture in the cache that a request is most like.

    Attributes:
        record: the picture.
        differences: what is not the same.
        places: the blocks that show it; empty if no page uses it.
    """

    record: Record
    differences: tuple[Difference, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Explainer:
    """Explains the blocks of one site.

    Args:
        survey: of the site.
        provider: who makes its pictures today.
    """

    survey: Survey
    provider: Provider

    @cached_property
    def records(self) -> list[Record]:
        """All sidecars of the cache."""
        return records(self.survey.folder)

    def record(self, key: str, variant: int) -> Record | None:
        """The sidecar of a picture."""
        for record in self.records:
            if (record.key, record.variant) == (key, variant):
                return record
        return None

    def stale(self, request: ImageRequest, record: Record) -> tuple[Difference, ...]:
        """In what the renderer of today differs from the one that made a picture."""
        today = {"model": request.model, "host": self.provider.host, "provider": self.provider.name}
        return tuple(
            Difference(name, str(record.sidecar[name]), str(today[name]))
            for name in _RENDERER
            if record.sidecar.get(name, today[name]) != today[name]
        )

    # What the key is made of

    def parts(self, block: SiteBlock, composed: Composed) -> list[Part]:
        """What a block's key is made of."""
        request = composed.request
        found = [self._part(block, composed, "prompt", request.subject or request.prompt)]
        style = composed.options.get("style", NO_STYLE)
        if style != NO_STYLE:
            text = self.survey.options.styles[style].text
            found.append(self._part(block, composed, "style", f"{style}: {text}"))
        found += [
            self._part(block, composed, name, str(request.options[name]))
            for name in OPTIONS
            if name in request.options
        ]
        found += [
            self._part(block, composed, option, text) for option, text in _inputs(composed, request)
        ]
        return [*found, Part("key format", str(KEY_VERSION))]

    def not_counted(self, block: SiteBlock, composed: Composed) -> list[Part]:
        """What is set and has no part in the key."""
        request, config = composed.request, self._config_name
        found = []
        if request.model and "model" not in request.options:
            found.append(Part("model", request.model, "site", config))
        if self.provider.host:
            found.append(Part("server", self.provider.host, "site", config))
        if request.moderation and "moderation" not in request.options:
            found.append(Part("moderation", request.moderation, "site", config))
        shown = [n for n, option in OPTIONS.items() if option.kind == "presentation" or n == "n"]
        found += [
            self._part(block, composed, name, _plain(composed.options[name]))
            for name in shown
            if name in composed.options
        ]
        return found

    def _part(self, block: SiteBlock, composed: Composed, option: str, value: str) -> Part:
        return Part(option, value, *self._set_by(block, composed, option))

    def _set_by(self, block: SiteBlock, composed: Composed, option: str) -> tuple[str, str]:
        """Who set an option, and where that is written."""
        origin = composed.origin(option)
        if origin == "block":
            return origin, block.seen.place.at(composed.lines.get(option, 0))
        if origin == "front matter":
            return origin, block.seen.place.source.name
        return origin, self._config_name if origin else ""

    @property
    def _config_name(self) -> str:
        return Path(self.survey.config.config_file_path or "mkdocs.yml").name

    # What differs from pictures made before

    def nearest(self, block: SiteBlock, composed: Composed, variant: int = 1) -> Nearest | None:
        """The picture in the cache that a block's is most like, other than itself.

        That is one which no page uses, or which has the same prompt.
        """
        request = composed.request
        best: tuple[float, str, Record] | None = None
        matcher = _Alike(request.prompt)
        for record in self.records:
            is_used = (record.key, record.variant) in self.survey.used
            prompt = str(record.sidecar.get("prompt", ""))
            if record.key == request.key or (is_used and prompt != request.prompt):
                continue
            distance = _distance(request, record, matcher)
            if distance is None:
                continue
            distance += 0.1 * (record.variant != variant)
            # Of several that are equally near, the last one that was made.
            made = str(record.sidecar.get("created", ""))
            if best is None or distance < best[0] or (distance == best[0] and made > best[1]):
                best = distance, made, record
        if best is None:
            return None
        record = best[2]
        return Nearest(record, self.differences(block, composed, record), self._places(record))

    def nearest_block(self, record: Record) -> tuple[SiteBlock, Nearest] | None:
        """The block that is most like a picture which no page uses."""
        best: tuple[float, SiteBlock, Composed] | None = None
        for block in self.survey.blocks:
            if block.composed:
                request = block.composed.request
                distance = _distance(request, record, _Alike(request.prompt))
                if distance is not None and (best is None or distance < best[0]):
                    best = distance, block, block.composed
        if best is None:
            return None
        differences = self.differences(best[1], best[2], record)
        return best[1], Nearest(record, differences, ())

    def differences(
        self, block: SiteBlock, composed: Composed, record: Record
    ) -> tuple[Difference, ...]:
        """All in which a block's request differs from a picture that was made before."""
        request, then = composed.request, record.sidecar.get("options")
        then = then if isinstance(then, dict) else {}
        found: list[Difference] = []
        for change in changes(request, record.sidecar):
            by = self._set_by(block, composed, change.option)
            if change.option in ("prompt", "style"):
                before, after = str(record.sidecar.get("prompt", "")), request.prompt
                if change.option == "style":
                    before = before.replace(request.subject, "{prompt}")
                    after = after.replace(request.subject, "{prompt}")
                words = tuple(word_diff(before, after))
                found.append(Difference(change.option, before, after, *by, words))
            elif change.option in ("image", "mask", "markup"):
                pairs = _input_changes(change.option, then.get(change.option), composed, request)
                found += [Difference(change.option, *pair, *by) for pair in pairs]
            else:
                found.append(Difference(change.option, change.before, change.after, *by))
        return tuple(found)

    def _places(self, record: Record) -> tuple[str, ...]:
        return tuple(
            block.place
            for block in self.survey.blocks
            if block.composed and block.composed.request.key == record.key
        )


def word_diff(before: str, after: str) -> Iterator[tuple[str, str]]:
    """What was done to the words of a text: `equal`, `delete` or `insert`, and the words.

    Of long runs that are equal, only the ends are given, with an ellipsis between them. Blanks do not count.
    """
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    # In long texts the most frequent words are passed over, which keeps this fast.
    is_short = len(old) + len(new) <= _MANY_WORDS
    matcher = SequenceMatcher(
        None, [word.strip() for word in old], [word.strip() for word in new], autojunk=not is_short
    )
    operations = matcher.get_opcodes()
    for number, (operation, a, b, c, d) in enumerate(operations):
        if operation == "equal":
            head = 0 if number == 0 else _CONTEXT_WORDS
            tail = 0 if number == len(operations) - 1 else _CONTEXT_WORDS
            run = old[a:b]
            if len(run) > head + tail + 1:
                gap = ["\N{HORIZONTAL ELLIPSIS} "]
                run = [*run[:head], *gap, *run[len(run) - tail :]]
            yield "equal", "".join(run)
            continue
        if a < b:
            yield "delete", "".join(old[a:b])
        if c < d:
            yield "insert", "".join(new[c:d])


class _Alike:
    """How like one prompt is to others."""

    def __init__(self, prompt: str) -> None:
        # The second sequence is the one that is analysed once for all comparisons.
        words = _words(prompt)
        self._matcher = SequenceMatcher(None, b=words, autojunk=len(words) > _MANY_WORDS)

    def ratio(self, prompt: str) -> float:
        """From 0 to 1; 0 for what is less alike than `ALIKE`, which costs little to find out."""
        matcher = self._matcher
        matcher.set_seq1(_words(prompt))
        if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE:
            return 0.0
        ratio = matcher.ratio()
        return ratio if ratio >= ALIKE else 0.0


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in _WORDS.findall(text)]


def _distance(request: ImageRequest, record: Record, matcher: _Alike) -> float | None:
    """How far a picture is from a request: 1 for each option, less or more for another prompt.

    None if their prompts have little in common.
    """
    prompt = str(record.sidecar.get("prompt", ""))
    count = float(len(changes(request, record.sidecar)))
    if prompt == request.prompt or (request.subject and request.subject in prompt):
        return count
    ratio = matcher.ratio(prompt)
    return count + 4 * (1 - ratio) if ratio else None


def _inputs(composed: Composed, request: ImageRequest) -> Iterator[tuple[str, str]]:
    """The inputs of a request, with what of them enters the key."""
    for written, source in zip(composed.options.get("image", ()), request.images, strict=False):
        yield "image", _input(written, source)
    if request.mask:
        yield "mask", _input(composed.options["mask"], request.mask)
    if request.markup:
        yield "markup", _input(composed.options["markup"], request.markup)


def _input(written: str, source: InputFile | BlockInput) -> str:
    if isinstance(source, BlockInput):
        return f"{written} = {variant_stem(source.request.stem, source.variant)}"
    return f"{written} (sha256 {source.sha256[:12]})"


def _input_changes(
    option: str, then: Any, composed: Composed, request: ImageRequest
) -> Iterator[tuple[str, str]]:
    """Each input that is another one than before: what is known of it, and what it is now."""
    before = [str(one) for one in (then if isinstance(then, list) else [then] if then else [])]
    now: list[tuple[str, str]] = []
    if option == "image":
        identities = [source.identity for source in request.images]
        texts = [text for name, text in _inputs(composed, request) if name == option]
        now = list(zip(identities, texts, strict=False))
    else:
        source = request.mask if option == "mask" else request.markup
        if source:
            now = [(source.identity, _input(composed.options[option], source))]
    for index in range(max(len(before), len(now))):
        was = before[index] if index < len(before) else ""
        identity, text = now[index] if index < len(now) else ("", "unset")
        if was != identity:
            yield _hash(was), text


def _hash(identity: str) -> str:
    if not identity:
        return "unset"
    if identity.startswith("#"):
        return f"another block's picture {identity[1:13]}"
    return f"sha256 {identity[:12]}"


def _plain(value: Any) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def made(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """When and by whom a picture was made, as far as that is recorded."""
    names: Iterable[str] = ("created", *_RENDERER, "cost", "adopted", "recovered", "file")
    return {name: sidecar[name] for name in names if sidecar.get(name) not in (None, "")}
