"""The HTML of a block, as nodes: figures, images, placeholders, errors."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_ALT_CHARS = 125
"""Screen readers read an alt text in one go; longer ones are hard to follow (WebAIM, 2024)."""


@dataclass(frozen=True)
class Picture:
    """One picture as a page shows it.

    Attributes:
        src: its URL as the page's Markdown would write it.
        width: pixels of the file.
        height: pixels of the file.
        placeholder: whether it only stands in for the image.
    """

    src: str
    width: int
    height: int
    placeholder: bool = False


def alt_text(options: Mapping[str, Any]) -> tuple[str, str]:
    """The alt text of a block, and where it is from: `alt`, `decorative`, `caption` or `prompt`."""
    if options.get("decorative"):
        return "", "decorative"
    if options.get("alt"):
        return str(options["alt"]), "alt"
    caption = plain_text(str(options.get("caption", "")))
    if caption:
        return caption, "caption"
    return first_sentence(str(options.get("prompt", ""))), "prompt"


def plain_text(markdown: str) -> str:
    """Inline Markdown without its markup."""
    text = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", markdown)
    # Every third piece is the inside of a code span, which is literal; before it stand its backticks.
    pieces = re.split(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)", text)
    pieces[0::3] = [_plain_piece(piece) for piece in pieces[0::3]]
    pieces[1::3] = [""] * len(pieces[1::3])
    return " ".join("".join(pieces).split())


def _plain_piece(text: str) -> str:
    text = re.sub(r"<(https?://[^\s>]+)>", r"\1", text)
    text = re.sub(r"</?[A-Za-z][^>]*>|\{[:.#][^}]*\}", "", text)
    text = re.sub(r"(?<!\\)(?:\*+|_+|~{2,}|={2,}|\^{2,})", _without_marks, text)
    return html.unescape(re.sub(r"\\([\\`*_{}\[\]()#+.!~-])", r"\1", text))


def _without_marks(match: re.Match[str]) -> str:
    """Marks of emphasis vanish; `2 * 3` and `snake_case` hold none."""
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    if not (before.strip() or after.strip()):
        return match[0]
    inside_word = (before.isalnum() or before == "_") and (after.isalnum() or after == "_")
    return match[0] if inside_word and match[0].startswith("_") else ""


def first_sentence(prompt: str) -> str:
    """The first sentence of a prompt, at most `MAX_ALT_CHARS` long, cut between words."""
    text = " ".join(prompt.split())
    end = re.search(r"[.!?](?=\s|$)|[\u3002\uff01\uff1f\u061f\u06d4\u0964]", text)
    if end:
        text = text[: end.end()]
    if len(text) > MAX_ALT_CHARS:
        head = text[: MAX_ALT_CHARS - 1]
        text = (head.rpartition(" ")[0] or head).rstrip(" ,;:") + "\N{HORIZONTAL ELLIPSIS}"
    return text


def display_size(options: Mapping[str, Any], width: int, height: int) -> tuple[int, int]:
    """`width` and `height` attributes for a file of the given pixels, keeping its shape."""
    wanted_width = str(options.get("width", ""))
    wanted_height = options.get("height")
    if wanted_width.isdigit():
        shown = int(wanted_width)
        return shown, wanted_height or max(1, round(shown * height / width))
    if wanted_height:
        return max(1, round(wanted_height * width / height)), wanted_height
    return width, height


def build_figure(pictures: Sequence[Picture], options: Mapping[str, Any]) -> Element:
    """The node for a block: `<figure>` with a caption, else `<p>`, as an ordinary image would stand.

    A `<figure>` without a caption would nest badly where authors already put one round the block.
    """
    caption = options.get("caption")
    classes = ["genimage"]
    if len(pictures) > 1:
        classes.append("genimage-grid")
    if options.get("align"):
        classes.append(f"genimage-{options['align']}")
    classes += [name for name in options.get("class", ()) if name not in classes]
    outer = Element("figure" if caption else "p", {"class": " ".join(classes)})
    if options.get("id"):
        outer.set("id", options["id"])
    if _is_percent(options):
        outer.set("style", f"width:{options['width']}")
    alt, _ = alt_text(options)
    for picture in pictures:
        parent = outer
        if options.get("link"):
            parent = SubElement(outer, "a", {"href": _literal(options["link"])})
        parent.append(_image(picture, options, alt))
    if caption:
        SubElement(outer, "figcaption").text = caption
    return outer


def _is_percent(options: Mapping[str, Any]) -> bool:
    return str(options.get("width", "")).endswith("%")


def _image(picture: Picture, options: Mapping[str, Any], alt: str) -> Element:
    width, height = display_size(options, picture.width, picture.height)
    image = Element("img")
    if picture.placeholder:
        image.set("class", PLACEHOLDER)
    image.set("alt", _literal(alt))
    image.set("src", picture.src)
    if options.get("title"):
        image.set("title", _literal(options["title"]))
    image.set("width", str(width))
    image.set("height", str(height))
    if _is_percent(options):
        image.set("style", "width:100%")  # of the outer element, which has the wanted share
    image.set("loading", options.get("loading", "lazy"))
    if options.get("loading") != "eager":
        image.set("decoding", "async")
    return image


def _literal(text: str) -> str:
    """A text for an attribute. Python-Markdown leaves what looks like an entity alone, which it is not."""
    return text.replace("&", "&amp;")


PLACEHOLDER = "genimage-placeholder"


@dataclass(frozen=True)
class Correction:
    """What an image that was still being made turned out to be.

    Attributes:
        expected: the file name that was put on the page.
        expected_size: the `width` and `height` attributes that were.
        name: the file name that is right.
        size: the right attributes.
        placeholder: whether a placeholder stands in for it.
    """

    expected: str
    expected_size: tuple[int, int]
    name: str
    size: tuple[int, int]
    placeholder: bool

    @property
    def is_as_expected(self) -> bool:
        """Whether there is nothing to put right."""
        return (self.name, self.size) == (self.expected, self.expected_size)


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
    names: dict[str, str] = {}
    found: dict[tuple[str, str, str], list[Correction]] = {}
    is_right = True
    for item in corrections:
        names[item.expected] = item.name
        width, height = map(str, item.expected_size)
        found.setdefault((item.expected, width, height), []).append(item)
        is_right &= (item.name, item.size) == (item.expected, item.expected_size)
    if is_right:
        return content
    # All names at once: a new one may hold an old one, which must not be replaced again.
    any_name = re.compile("|".join(map(re.escape, names)))

    def corrected(match: re.Match[str]) -> str:
        tag = match[0]
        name, width, height = any_name.search(tag), _WIDTH.search(tag), _HEIGHT.search(tag)
        if not (name and width and height):
            return tag
        items = found.get((name[0], width[1], height[1]))
        if items is None:
            return tag
        item = items.pop(0) if len(items) > 1 else items[0]
        tag = _WIDTH.sub(f' width="{item.size[0]}"', tag, count=1)
        tag = _HEIGHT.sub(f' height="{item.size[1]}"', tag, count=1)
        if item.placeholder:  # attributes are in the order of the alphabet
            tag = _ALT.sub(rf'\g<0> class="{PLACEHOLDER}"', tag, count=1)
        return tag

    content = _IMAGE.sub(corrected, content)
    return any_name.sub(lambda match: names[match[0]], content)


_IMAGE = re.compile(r"<img\b[^>]*>")
_WIDTH = re.compile(r' width="(\d+)"')
_HEIGHT = re.compile(r' height="(\d+)"')
_ALT = re.compile(r' alt="[^"]*"')


def error_figure(place: str) -> Element:
    """What stands on the page for a block that cannot be read. Never shows any of its text."""
    outer = Element("div", {"class": "genimage genimage-error", "role": "note"})
    SubElement(outer, "strong").text = "This picture cannot be shown."
    outer[0].tail = f" The build log says why, at {place}."
    return outer
