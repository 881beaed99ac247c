"""Why a picture is the one it is: what its key is made of, and what differs from pictures made before."""

from __future__ import annotations

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
from mkdocs_genimage.upkeep.words import Alike, word_diff

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mkdocs_genimage.compose import Composed
    from mkdocs_genimage.providers import Provider
    from mkdocs_genimage.request import ImageRequest, InputFile
    from mkdocs_genimage.upkeep.blocks import SiteBlock
    from mkdocs_genimage.upkeep.survey import Survey

_RENDERER = ("model", "host", "provider")


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

    def parts(
        self, block: SiteBlock, composed: Composed, twin: Composed | None = None
    ) -> list[Part]:
        """What a key is made of.

        Args:
            block: the block.
            composed: what it asks for.
            twin: its picture for dark mode, if it is about that one.
        """
        request = twin.request if twin else composed.request
        prompt = request.prompt if twin else request.subject or request.prompt
        found = [self._part(block, composed, _prompt_option(twin), prompt, twin)]
        style = composed.options.get("style", NO_STYLE)
        if style != NO_STYLE and not twin:  # which has what it is an edit of
            text = self.survey.options.styles[style].text
            found.append(self._part(block, composed, "style", f"{style}: {text}"))
        found += [
            self._part(block, composed, name, str(request.options[name]), twin)
            for name in OPTIONS
            if name in request.options
        ]
        found += [
            self._part(block, composed, option, text, twin)
            for option, text in _inputs(composed, request)
        ]
        return [*found, Part("key format", str(KEY_VERSION))]

    def not_counted(self, block: SiteBlock, composed: Composed) -> list[Part]:
        """What is set and has no part in the keys of a block's pictures."""
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
            if name in composed.options and name != "class"
        ]
        # These add up.
        found += [
            Part("class", _plain(options["class"]), *self._place(block, composed, "class", origin))
            for origin, options in composed.layers
            if "class" in options
        ]
        return found

    def _part(
        self,
        block: SiteBlock,
        composed: Composed,
        option: str,
        value: str,
        twin: Composed | None = None,
    ) -> Part:
        return Part(option, value, *self._set_by(block, composed, option, twin))

    def _set_by(
        self, block: SiteBlock, composed: Composed, option: str, twin: Composed | None = None
    ) -> tuple[str, str]:
        """Who set an option, and where that is written."""
        if twin and option != "dark" and option not in twin.options:
            return "", ""  # such as `image`, which the block may have for its own picture
        return self._place(block, composed, option, composed.origin(option))

    def _place(
        self, block: SiteBlock, composed: Composed, option: str, origin: str
    ) -> tuple[str, str]:
        """Who set an option, as it is told, and where that is written."""
        if origin == "block":
            return block.noun, block.seen.place.at(composed.lines.get(option, 0))
        if origin == "front matter":
            return origin, block.seen.place.source.name
        return origin, self._config_name if origin else ""

    @property
    def _config_name(self) -> str:
        return Path(self.survey.config.config_file_path or "mkdocs.yml").name

    # What differs from pictures made before

    def nearest(
        self,
        block: SiteBlock,
        composed: Composed,
        variant: int = 1,
        twin: Composed | None = None,
    ) -> Nearest | None:
        """The picture in the cache that one is most like, other than itself.

        That is one which no page uses, or which has the same prompt. (Those for dark mode may all have that.)

        Args:
            block: the block.
            composed: what it asks for.
            variant: which of its pictures it is about.
            twin: the picture for dark mode, if it is about that one.
        """
        request = twin.request if twin else composed.request
        best: tuple[float, str, Record] | None = None
        matcher = Alike(request.prompt)
        for record in self.records:
            is_used = (record.key, record.variant) in self.survey.used
            prompt = str(record.sidecar.get("prompt", ""))
            if record.key == request.key or (is_used and (twin or prompt != request.prompt)):
                continue
            distance = _distance(request, record, matcher)
            if distance is None:
                continue
            distance += 0.1 * (record.variant != variant)
            if twin:  # whose prompts tell little of what they show
                stem = record.path.stem
                distance += 1 - SequenceMatcher(None, stem, request.stem, autojunk=False).ratio()
            # Of several that are equally near, the last one that was made.
            made = str(record.sidecar.get("created", ""))
            if best is None or distance < best[0] or (distance == best[0] and made > best[1]):
                best = distance, made, record
        if best is None:
            return None
        record = best[2]
        differences = self.differences(block, composed, record, twin)
        return Nearest(record, differences, self._places(record))

    def nearest_block(self, record: Record) -> tuple[SiteBlock, Nearest] | None:
        """The block that is most like a picture which no page uses."""
        best: tuple[float, SiteBlock, Composed, Composed | None] | None = None
        for block in self.survey.blocks:
            if block.composed:
                for twin in (None, *(block.composed.twins if block.twins else ())):
                    request = twin.request if twin else block.composed.request
                    distance = _distance(request, record, Alike(request.prompt))
                    if distance is not None and (best is None or distance < best[0]):
                        best = distance, block, block.composed, twin
        if best is None:
            return None
        differences = self.differences(best[1], best[2], record, best[3])
        return best[1], Nearest(record, differences, ())

    def differences(
        self, block: SiteBlock, composed: Composed, record: Record, twin: Composed | None = None
    ) -> tuple[Difference, ...]:
        """All in which a request differs from a picture that was made before."""
        request, then = (twin or composed).request, record.sidecar.get("options")
        then = then if isinstance(then, dict) else {}
        found: list[Difference] = []
        for change in changes(request, record.sidecar):
            is_prompt = change.option == "prompt"
            option = _prompt_option(twin) if is_prompt else change.option
            by = self._set_by(block, composed, option, twin)
            if change.option in ("prompt", "style"):
                before, after = str(record.sidecar.get("prompt", "")), request.prompt
                if change.option == "style":
                    before = before.replace(request.subject, "{prompt}")
                    after = after.replace(request.subject, "{prompt}")
                words = tuple(word_diff(before, after))
                found.append(Difference(option, before, after, *by, words))
            elif change.option in ("image", "mask", "markup"):
                pairs = _input_changes(change.option, then.get(change.option), composed, request)
                found += [Difference(change.option, *pair, *by) for pair in pairs]
            else:
                found.append(Difference(change.option, change.before, change.after, *by))
        return tuple(found)

    def _places(self, record: Record) -> tuple[str, ...]:
        return tuple(block.place for block in self.survey.blocks if record.key in block.keys)


def _prompt_option(twin: Composed | None) -> str:
    """The option that holds the prompt of a block's picture, or of its twin."""
    return "dark" if twin else "prompt"


def _distance(request: ImageRequest, record: Record, matcher: Alike) -> float | None:
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
    paths = composed.options.get("image", ())
    for number, source in enumerate(request.images):
        # A picture for dark mode is made from one that no option names.
        is_own = isinstance(source, BlockInput) or number >= len(paths)
        yield "image", _input(source.name if is_own else paths[number], source)
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
        return f"another picture {identity[1:13]}"
    return f"sha256 {identity[:12]}"


def _plain(value: Any) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def made(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """When and by whom a picture was made, as far as that is recorded."""
    names: Iterable[str] = ("created", *_RENDERER, "cost", "adopted", "recovered", "file")
    return {name: sidecar[name] for name in names if sidecar.get(name) not in (None, "")}
