"""HTML that was written before its pictures were there, or that was moved: put right afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mkdocs_genimage.figure import AI_GENERATED, PLACEHOLDER, srcset

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
        placeholder: whether it only stands in for the image.
    """

    name: str
    size: tuple[int, int]
    sources: tuple[SourceSet, ...] = ()
    sizes: str = ""
    placeholder: bool = False


@dataclass(frozen=True)
class Correction:
    """What an image that was still being made was taken for, and what it turned out to be."""

    expected: Rendering
    actual: Rendering

    @property
    def is_as_expected(self) -> bool:
        """Whether there is nothing to put right."""
        return self.expected == self.actual


_PICTURE = re.compile(r"<picture\b[^>]*>(?P<inside>.*?)</picture>|<img\b[^>]*>", re.DOTALL)
_SOURCE = re.compile(r"<source\b[^>]*>")
_IMAGE = re.compile(r"<img\b[^>]*>")
_SRC = re.compile(r' src="([^"]*)"')
_SRCSET = re.compile(r' srcset="([^"]*)"')
_SIZES = re.compile(r' sizes="[^"]*"')
_WIDTH = re.compile(r' width="(\d+)"')
_HEIGHT = re.compile(r' height="(\d+)"')
_ALT = re.compile(r' alt="[^"]*"')
_CLASS = re.compile(r' class="([^"]*)"')
_AI_GENERATED = re.compile(rf' {AI_GENERATED}(?:="[^"]*")?')
_CANDIDATE = re.compile(r"[^\s,]*/(?P<name>[^\s,/]+ \d+w)")


_FRAME = re.compile(
    r'<span class="genimage-frame"[^>]*>(?P<inside>(?:(?!<span|</span).)*?)'
    r'<meta\b[^>]*>(?:<span class="genimage-label">[^<]*</span>)?</span>',
    re.DOTALL,
)
_CREDIT = re.compile(r' ?<span class="genimage-credit">[^<]*</span>')
_FIGURE = re.compile(
    r'<figure(?P<attributes> class="genimage\b[^>]*)>(?P<inside>(?:(?!<figure|</figure).)*?)'
    r'<figcaption>(?P<caption>(?:(?!</figcaption).)*<span class="genimage-credit">[^<]*</span>)'
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
    any_name = re.compile("|".join(map(re.escape, names)))

    def corrected(match: re.Match[str]) -> str:
        image = _IMAGE.search(match[0])
        tag = image[0] if image else ""
        # A list of smaller files may hold the name as well, but does not say whose tag it is.
        src = _SRC.search(tag)
        name = any_name.search(src[1]) if src else None
        width, height = _WIDTH.search(tag), _HEIGHT.search(tag)
        if not (src and name and width and height):
            return match[0]
        items = found.get((name[0], width[1], height[1]))
        if items is None:
            return match[0]
        item = items.pop(0) if len(items) > 1 else items[0]
        folder = src[1].partition(name[0])[0]
        inside = match["inside"]
        around = _SOURCE.sub("", inside) if inside else tag
        image_tag = _corrected_tag(tag, item, folder)
        end = " />" if tag.endswith("/>") else ">"  # XHTML, or HTML again after a lightbox
        sources = "".join(
            f'<source sizes="{item.actual.sizes}" srcset="{_srcset(source, item, folder)}" '
            f'type="{source.mime_type}"{end}'
            for source in item.actual.sources[:-1]
        )
        whole = sources + around.replace(tag, image_tag, 1)
        return f"<picture>{whole}</picture>" if sources else whole

    content = _PICTURE.sub(corrected, content)
    if any(item.actual.placeholder for item in corrections):
        content = _FIGURE.sub(_without_credit, _FRAME.sub(_without_frame, content))
    return any_name.sub(lambda match: names[match[0]], content)


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


def _corrected_tag(tag: str, item: Correction, folder: str) -> str:
    """The tag of an image with the right attributes; `src` is left, as all names are put right later."""
    actual = item.actual
    tag = _WIDTH.sub(f' width="{actual.size[0]}"', tag, count=1)
    tag = _HEIGHT.sub(f' height="{actual.size[1]}"', tag, count=1)
    if actual.sources:
        names = f' srcset="{_srcset(actual.sources[-1], item, folder)}"'
        sizes = f' sizes="{actual.sizes}"'
        if item.expected.sources:
            tag = _SIZES.sub(lambda _: sizes, _SRCSET.sub(lambda _: names, tag, count=1), count=1)
        else:  # attributes are in the order of the alphabet
            tag = _SRC.sub(lambda match: f"{sizes}{match[0]}{names}", tag, count=1)
    elif item.expected.sources:
        tag = _SIZES.sub("", _SRCSET.sub("", tag, count=1), count=1)
    if actual.placeholder:
        tag = _AI_GENERATED.sub("", tag, count=1)
        if _CLASS.search(tag):
            tag = _CLASS.sub(rf' class="\g<1> {PLACEHOLDER}"', tag, count=1)
        else:
            tag = _ALT.sub(rf'\g<0> class="{PLACEHOLDER}"', tag, count=1)
    return tag


def _srcset(source: SourceSet, item: Correction, folder: str) -> str:
    """The attribute, with the image itself under the name that was expected."""
    text = srcset(source, folder)
    return text.replace(folder + item.actual.name + " ", folder + item.expected.name + " ")


def gather_sources(content: str, folder: str) -> str:
    """HTML in which the smaller files of each picture lie where the picture does.

    Plugins that move a page's content elsewhere put `src` right, and do not know of `srcset`.

    Args:
        content: HTML.
        folder: where the site's pictures are.
    """

    def gathered(match: re.Match[str]) -> str:
        image = _IMAGE.search(match[0])
        src = _SRC.search(image[0]) if image else None
        if src is None or f"{folder}/" not in src[1]:
            return match[0]
        front = src[1].partition("#")[0].rpartition("/")[0]

        def moved(attribute: re.Match[str]) -> str:
            names = _CANDIDATE.sub(lambda one: f"{front}/{one['name']}", attribute[1])
            return f' srcset="{names}"'

        return _SRCSET.sub(moved, match[0])

    return _PICTURE.sub(gathered, content)
