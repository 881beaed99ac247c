"""HTML that was written before its pictures were there, or that was moved: put right afterwards."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mkdocs_genimage.figure import AI_GENERATED, PLACEHOLDER, srcset
from mkdocs_genimage.light import AUTO
from mkdocs_genimage.request import KEY_CHARS_IN_NAME
from mkdocs_genimage.tags import IMAGE, PICTURE, SOURCE, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
        words: what its label or its block's credit says of that.
    """

    name: str
    size: tuple[int, int]
    sources: tuple[SourceSet, ...] = ()
    sizes: str = ""
    is_placeholder: bool = False
    is_generated: bool = True
    words: str = ""


@dataclass(frozen=True)
class Correction:
    """What an image that was still being made was taken for, and what it turned out to be."""

    expected: Rendering
    actual: Rendering

    @property
    def is_as_expected(self) -> bool:
        """Whether there is nothing to put right."""
        return self.expected == self.actual


_OWN_STEM = re.compile(rf"-[0-9a-f]{{{KEY_CHARS_IN_NAME}}}(?:-\d+)?$")
_LABEL = r"<span class=[\"']?genimage-label\b[^>]*>[^<]*</span>"
_CREDIT = r"<span class=[\"']?genimage-credit\b[^>]*>[^<]*</span>"
_FRAME = re.compile(
    r"<span class=[\"']?genimage-frame\b[^>]*>(?P<inside>(?:(?!<span|</span).)*?)"
    rf"<meta\b[^>]*>(?:{_LABEL})?</span>",
    re.DOTALL,
)
_FIGURE = re.compile(
    r"<figure(?P<attributes> class=[\"']?genimage\b[^>]*)>(?P<inside>(?:(?!<figure|</figure).)*?)"
    rf"<figcaption>(?P<caption>(?:(?!</figcaption).)*{_CREDIT})</figcaption>(?P<end>\s*</figure>)",
    re.DOTALL,
)
_ITEM_MARK = re.compile(r" itemprop=([\"']?)contentUrl\1")
_CREDIT_AND_BLANK = re.compile(rf" ?{_CREDIT}")
_WORDS = re.compile(r"(?<=>)(?P<words>[^<]*)(?=</span>(?:</span>|</figcaption>\s*</figure>)$)")


class _Found:
    """Corrections by what stands on a page.

    Images are found by their file names, which hold the key, and by the size that was expected, as one
    image may stand on a page in several sizes. They have no other mark, because other plugins may have
    kept copies of the page by now.
    """

    def __init__(self, corrections: Sequence[Correction]) -> None:
        self._exact: dict[tuple[str, ...], list[Correction]] = {}
        self._alike: dict[tuple[str, ...], list[Correction]] = {}
        for item in corrections:
            expected = item.expected
            key = (expected.name, *map(str, expected.size))
            self._alike.setdefault(key, []).append(item)
            sizes = expected.sizes.removeprefix(AUTO)
            self._exact.setdefault((*key, sizes), []).append(item)
        # All names at once: a new one may hold an old one, which must not be replaced again.
        names = {item.expected.name: item.actual.name for item in corrections}
        self._names = names
        self._any_name = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, names))})")

    def name(self, src: str) -> str:
        """The name of one of the images, if a URL leads to it; else empty."""
        found = self._any_name.search(src)
        return found[0] if found else ""

    def look_up(self, tag: Tag) -> list[Correction]:
        """What may hold for the tag of an image, in the order of the page."""
        key = (self.name(tag.get("src")), tag.get("width"), tag.get("height"))
        sizes = tag.get("sizes").removeprefix(AUTO)
        return self._exact.get((*key, sizes)) or self._alike.get(key, [])

    def take(self, tag: Tag) -> Correction | None:
        """What holds for the tag of an image, and for no other if there are several like it."""
        items = self.look_up(tag)
        if not items:
            return None
        return items.pop(0) if len(items) > 1 else items[0]

    def rename(self, content: str) -> str:
        """A text with the names that files have now."""
        return self._any_name.sub(lambda match: self._names[match[0]], content)


def correct_images(content: str, corrections: Iterable[Correction]) -> str:
    """The HTML of a page as it would have been, had all its images been known before.

    Args:
        content: the page's HTML.
        corrections: what to put right, in the order of the page, which tells those of one name and size
            apart.
    """
    corrections = list(corrections)
    if all(item.is_as_expected for item in corrections):
        return content
    found = _Found(corrections)

    def corrected(match: re.Match[str]) -> str:
        image = IMAGE.search(match[0])
        if image is None:
            return match[0]
        tag = Tag(image[0])
        item = found.take(tag)
        if item is None:
            return match[0]
        src = tag.get("src")
        folder = src.partition(found.name(src))[0]
        sizes = _sizes(tag, item)
        _correct_tag(tag, item, folder, sizes)
        inside = match["inside"]
        around = SOURCE.sub("", inside) if inside else image[0]
        sources = "".join(
            f'<source sizes="{sizes}" srcset="{_srcset(source, item, folder)}" '
            f'type="{source.mime_type}"{tag.end}'
            for source in item.actual.sources[:-1]
        )
        whole = sources + around.replace(image[0], str(tag), 1)
        return f"<picture>{whole}</picture>" if sources else whole

    if any(item.expected.words != item.actual.words for item in corrections):
        reword = partial(_reworded, found=found)
        content = _FIGURE.sub(reword, _FRAME.sub(reword, content))
    content = PICTURE.sub(corrected, content)
    if not all(item.actual.is_generated for item in corrections):
        content = _FIGURE.sub(_without_credit, _FRAME.sub(_without_frame, content))
    return found.rename(content)


def _reworded(match: re.Match[str], found: _Found) -> str:
    """A frame or a figure whose words are true of the pictures that came."""
    written = _WORDS.search(match[0])
    if written is None:
        return match[0]
    words = html.unescape(written["words"])
    for image in IMAGE.finditer(match[0]):
        for item in found.look_up(Tag(image[0])):
            if item.expected.words == words and item.actual.words:
                start, end = written.span("words")
                text = html.escape(item.actual.words, quote=False)
                return match[0][:start] + text + match[0][end:]
    return match[0]


def _without_frame(match: re.Match[str]) -> str:
    """What is in a frame, if no model made it after all."""
    if AI_GENERATED in match["inside"]:
        return match[0]
    return _ITEM_MARK.sub("", match["inside"])


def _without_credit(match: re.Match[str]) -> str:
    """A figure without the line that names a model, if it shows nothing that one made."""
    if AI_GENERATED in match[0]:
        return match[0]
    caption = _CREDIT_AND_BLANK.sub("", match["caption"])
    if caption:
        whole = f"{match['inside']}<figcaption>{caption}</figcaption>{match['end']}"
        return f"<figure{match['attributes']}>{whole}"
    return f"<p{match['attributes']}>{match['inside']}</p>"


def _correct_tag(tag: Tag, item: Correction, folder: str, sizes: str) -> None:
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


def _sizes(tag: Tag, item: Correction) -> str:
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
        image = IMAGE.search(match[0])
        src = Tag(image[0]).get("src") if image else ""
        folder, slash, name = src.partition("#")[0].rpartition("/")
        stem = name.rpartition(".")[0]
        if not _OWN_STEM.search(stem):
            return match[0]
        # Candidates have the name of the picture and their width.
        own = re.compile(rf"[^\s,]*?(?P<name>{re.escape(stem)}(?:-\d+w)?\.\w+ \d+w)")

        def moved(one: re.Match[str]) -> str:
            tag = Tag(one[0])
            found = [own.fullmatch(candidate) for candidate in tag.get("srcset").split(", ")]
            if not all(found):
                return one[0]
            names = [folder + slash + candidate["name"] for candidate in found if candidate]
            tag.set("srcset", ", ".join(names))
            return str(tag)

        return SOURCE.sub(moved, IMAGE.sub(moved, match[0]))

    return PICTURE.sub(gathered, content)
