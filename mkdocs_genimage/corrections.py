"""HTML that was written before its pictures were there, or that was moved: put right afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mkdocs_genimage.figure import AI_GENERATED, PLACEHOLDER, srcset
from mkdocs_genimage.light import AUTO
from mkdocs_genimage.request import KEY_CHARS_IN_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mkdocs_genimage.light import SourceSet


@dataclass(frozen=True)
class Rendering:
    """How a picture stands on a page.

    Attributes:
        name: its file name.
        size: its `width` and `height` attributes.
        sources: the smaller files that are offered.
        sizes: how wide it is shown, for these.
        is_placeholder: whether it only stands in for the image.
        is_generated: whether a model made it.
    """

    name: str
    size: tuple[int, int]
    sources: tuple[SourceSet, ...] = ()
    sizes: str = ""
    is_placeholder: bool = False
    is_generated: bool = True


@dataclass(frozen=True)
class Correction:
    """What an image that was still being made was taken for, and what it turned out to be."""

    expected: Rendering
    actual: Rendering

    @property
    def is_as_expected(self) -> bool:
        """Whether there is nothing to put right."""
        return self.expected == self.actual


_REST = r"(?:[^>\"]|\"[^\"]*\")*>"
"""Of a tag, behind its name. Values may hold a `>` after a plugin has read the page and written it anew."""
_PICTURE = re.compile(rf"<picture\b{_REST}(?P<inside>.*?)</picture>|<img\b{_REST}", re.DOTALL)
_SOURCE = re.compile(rf"<source\b{_REST}")
_IMAGE = re.compile(rf"<img\b{_REST}")
_OWN_STEM = re.compile(rf"-[0-9a-f]{{{KEY_CHARS_IN_NAME}}}(?:-\d+)?$")
_TAG = re.compile(r"<(?P<name>\w+)(?P<attributes>.*?)(?P<end>\s*/?>)", re.DOTALL)
_ATTRIBUTE = re.compile(
    r"""\s*(?P<name>[^\s=>/"']+)(?:=(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'>]+)))?"""
)


_FRAME = re.compile(
    r'<span class="genimage-frame"[^>]*>(?P<inside>(?:(?!<span|</span).)*?)'
    r'<meta\b[^>]*>(?:<span class="genimage-label"[^>]*>[^<]*</span>)?</span>',
    re.DOTALL,
)
_CREDIT = re.compile(r' ?<span class="genimage-credit"[^>]*>[^<]*</span>')
_FIGURE = re.compile(
    r'<figure(?P<attributes> class="genimage\b[^>]*)>(?P<inside>(?:(?!<figure|</figure).)*?)'
    r'<figcaption>(?P<caption>(?:(?!</figcaption).)*<span class="genimage-credit"[^>]*>[^<]*</span>)'
    r"</figcaption>(?P<end>\s*</figure>)",
    re.DOTALL,
)


def correct_images(content: str, corrections: Iterable[Correction]) -> str:
    """The HTML of a page as it would have been, had all its images been known before.

    Images are found by their file names, which hold the key, and by the size that was expected, as one
    image may stand on a page in several sizes. They have no other mark, because other plugins may have
    kept copies of the page by now.

    Args:
        content: the page's HTML.
        corrections: what to put right, in the order of the page, which tells those of one name and size
            apart.
    """
    corrections = list(corrections)
    names: dict[str, str] = {}
    found: dict[tuple[str, str, str], list[Correction]] = {}
    is_right = True
    for item in corrections:
        names[item.expected.name] = item.actual.name
        width, height = map(str, item.expected.size)
        found.setdefault((item.expected.name, width, height), []).append(item)
        is_right &= item.is_as_expected
    if is_right:
        return content
    # All names at once: a new one may hold an old one, which must not be replaced again.
    any_name = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, names))})")

    def corrected(match: re.Match[str]) -> str:
        image = _IMAGE.search(match[0])
        if image is None:
            return match[0]
        tag = _Tag(image[0])
        # A list of smaller files may hold the name as well, but does not say whose tag it is.
        src = tag.get("src")
        name = any_name.search(src)
        items = found.get((name[0], tag.get("width"), tag.get("height"))) if name else None
        if name is None or not items:
            return match[0]
        item = items.pop(0) if len(items) > 1 else items[0]
        folder = src.partition(name[0])[0]
        sizes = _sizes(tag, item)
        _correct_tag(tag, item, folder, sizes)
        inside = match["inside"]
        around = _SOURCE.sub("", inside) if inside else image[0]
        sources = "".join(
            f'<source sizes="{sizes}" srcset="{_srcset(source, item, folder)}" '
            f'type="{source.mime_type}"{tag.end}'
            for source in item.actual.sources[:-1]
        )
        whole = sources + around.replace(image[0], str(tag), 1)
        return f"<picture>{whole}</picture>" if sources else whole

    content = _PICTURE.sub(corrected, content)
    if not all(item.actual.is_generated for item in corrections):
        content = _FIGURE.sub(_without_credit, _FRAME.sub(_without_frame, content))
    return any_name.sub(lambda match: names[match[0]], content)


class _Tag:
    """A tag that can be changed; what is not changed stays as it is written.

    Attributes:
        end: how it ends, in XHTML or in HTML.
    """

    def __init__(self, text: str) -> None:
        match = _TAG.fullmatch(text)
        assert match is not None
        self._name = match["name"]
        self.end = match["end"]
        self._values: dict[str, str] = {}
        self._written: dict[str, str] = {}
        for one in _ATTRIBUTE.finditer(match["attributes"]):
            self._values[one["name"]] = one["double"] or one["single"] or one["bare"] or ""
            self._written[one["name"]] = one[0]

    def get(self, name: str) -> str:
        """A value; empty without one."""
        return self._values.get(name, "")

    def set(self, name: str, value: str, *, before: str = "", after: str = "") -> None:
        """Change an attribute, or add it next to another."""
        self._values[name] = value
        text = f' {name}="{value}"'
        if name in self._written:
            written = self._written[name]
            blanks = written[: len(written) - len(written.lstrip())]
            self._written[name] = blanks + text.lstrip()
            return
        old, self._written = self._written, {}
        for other, written in old.items():
            if other == before:
                self._written[name] = text
            self._written[other] = written
            if other == after:
                self._written[name] = text

    def drop(self, name: str) -> None:
        """Take an attribute away, if it is there."""
        self._values.pop(name, None)
        self._written.pop(name, None)

    def __str__(self) -> str:
        return f"<{self._name}{''.join(self._written.values())}{self.end}"


def _without_frame(match: re.Match[str]) -> str:
    """What is in a frame, if no model made it after all."""
    if AI_GENERATED in match["inside"]:
        return match[0]
    return match["inside"].replace(' itemprop="contentUrl"', "")


def _without_credit(match: re.Match[str]) -> str:
    """A figure without the line that names a model, if it shows nothing that one made."""
    if AI_GENERATED in match[0]:
        return match[0]
    caption = _CREDIT.sub("", match["caption"])
    if caption:
        whole = f"{match['inside']}<figcaption>{caption}</figcaption>{match['end']}"
        return f"<figure{match['attributes']}>{whole}"
    return f"<p{match['attributes']}>{match['inside']}</p>"


def _correct_tag(tag: _Tag, item: Correction, folder: str, sizes: str) -> None:
    """Give the tag of an image the right attributes; `src` is left, as all names are put right later."""
    actual = item.actual
    width, height = actual.size
    tag.set("width", str(width))
    tag.set("height", str(height))
    if actual.sources:  # attributes are in the order of the alphabet
        tag.set("sizes", sizes, before="src")
        tag.set("srcset", _srcset(actual.sources[-1], item, folder), after="src")
    else:
        tag.drop("sizes")
        tag.drop("srcset")
    if not actual.is_generated:
        tag.drop(AI_GENERATED)
    if actual.is_placeholder:
        tag.set("class", f"{tag.get('class')} {PLACEHOLDER}".strip(), after="alt")


def _sizes(tag: _Tag, item: Correction) -> str:
    """The attribute. What is loaded at once as a page's hero may be loaded late on a view."""
    written, sizes = tag.get("sizes"), item.actual.sizes.removeprefix(AUTO)
    is_late = written.startswith(AUTO) if written else tag.get("loading") == "lazy"
    return AUTO + sizes if is_late else sizes


def _srcset(source: SourceSet, item: Correction, folder: str) -> str:
    """The attribute, with the image itself under the name that was expected."""
    text = srcset(source, folder)
    return text.replace(folder + item.actual.name + " ", folder + item.expected.name + " ")


def gather_sources(content: str) -> str:
    """HTML in which the smaller files of each of our pictures lie where the picture does.

    Plugins that move a page's content elsewhere put `src` right, and do not know of `srcset`.
    """

    def gathered(match: re.Match[str]) -> str:
        image = _IMAGE.search(match[0])
        src = _Tag(image[0]).get("src") if image else ""
        folder, slash, name = src.partition("#")[0].rpartition("/")
        stem = name.rpartition(".")[0]
        if not _OWN_STEM.search(stem):
            return match[0]
        # Candidates have the name of the picture and their width.
        own = re.compile(rf"[^\s,]*?(?P<name>{re.escape(stem)}(?:-\d+w)?\.\w+ \d+w)")

        def moved(one: re.Match[str]) -> str:
            tag = _Tag(one[0])
            found = [own.fullmatch(candidate) for candidate in tag.get("srcset").split(", ")]
            if not all(found):
                return one[0]
            names = [folder + slash + candidate["name"] for candidate in found if candidate]
            tag.set("srcset", ", ".join(names))
            return str(tag)

        return _SOURCE.sub(moved, _IMAGE.sub(moved, match[0]))

    return _PICTURE.sub(gathered, content)
