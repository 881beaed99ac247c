"""The HTML of a block, as nodes: figures, images, placeholders, errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        ticket: for a pending picture, the number under which it is corrected later.
    """

    src: str
    width: int
    height: int
    placeholder: bool = False
    ticket: int | None = None


def alt_text(options: Mapping[str, Any]) -> tuple[str, str]:
    """The alt text of a block, and where it is from: `alt`, `decorative`, `caption` or `prompt`."""
    if options.get("decorative"):
        return "", "decorative"
    if options.get("alt"):
        return str(options["alt"]), "alt"
    if options.get("caption"):
        return plain_text(str(options["caption"])), "caption"
    return first_sentence(str(options.get("prompt", ""))), "prompt"


def plain_text(markdown: str) -> str:
    """Inline Markdown without its markup."""
    text = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", markdown)
    text = re.sub(r"<[^>]+>|\{[:.#][^}]*\}", "", text)
    text = re.sub(r"(?<!\\)(\*\*|__|~~|==|\^\^|`+|\*|(?<!\w)_|_(?!\w))", "", text)
    return " ".join(re.sub(r"\\([\\`*_{}\[\]()#+.!~-])", r"\1", text).split())


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
            parent = SubElement(outer, "a", {"href": options["link"]})
        parent.append(_image(picture, options, alt))
    if caption:
        SubElement(outer, "figcaption").text = caption
    return outer


def _is_percent(options: Mapping[str, Any]) -> bool:
    return str(options.get("width", "")).endswith("%")


def _image(picture: Picture, options: Mapping[str, Any], alt: str) -> Element:
    width, height = display_size(options, picture.width, picture.height)
    image = Element("img")
    # Python-Markdown leaves what looks like an entity alone: "&copy;" in a text must not become a sign.
    if picture.placeholder:
        image.set("class", PLACEHOLDER)
    image.set("alt", alt.replace("&", "&amp;"))
    image.set("src", picture.src)
    if options.get("title"):
        image.set("title", options["title"].replace("&", "&amp;"))
    image.set("width", str(width))
    image.set("height", str(height))
    if _is_percent(options):
        image.set("style", "width:100%")  # of the outer element, which has the wanted share
    image.set("loading", options.get("loading", "lazy"))
    if options.get("loading") != "eager":
        image.set("decoding", "async")
    if picture.ticket is not None:
        image.set(TICKET, str(picture.ticket))
    return image


PLACEHOLDER = "genimage-placeholder"
TICKET = "data-genimage-pending"
"""Marks an image that is still being made. It is in no finished page."""

_TICKETED = re.compile(rf'<img\b[^>]*? {TICKET}="(\d+)"[^>]*>')


@dataclass(frozen=True)
class Correction:
    """What a pending image turned out to be.

    Attributes:
        expected: the file name that was put on the page.
        name: the file name that is right.
        width: its `width` attribute.
        height: its `height` attribute.
        placeholder: whether a placeholder stands in for it.
    """

    expected: str
    name: str
    width: int
    height: int
    placeholder: bool


def correct_images(html: str, corrections: Mapping[int, Correction]) -> str:
    """The HTML of a page with its pending images as they would have been, had all been known before.

    Args:
        html: the page's content.
        corrections: by ticket; a ticket without one is just taken away.
    """

    def corrected(match: re.Match[str]) -> str:
        tag, found = match[0], corrections.get(int(match[1]))
        # Attributes are in the order of the alphabet: "class" belongs where the ticket stands.
        mark = f' class="{PLACEHOLDER}"' if found and found.placeholder else ""
        tag = tag.replace(f' {TICKET}="{match[1]}"', mark)
        if found:
            tag = re.sub(r'\bwidth="\d+"', f'width="{found.width}"', tag, count=1)
            tag = re.sub(r'\bheight="\d+"', f'height="{found.height}"', tag, count=1)
        return tag

    html = _TICKETED.sub(corrected, html)
    for correction in corrections.values():
        if correction.name != correction.expected:
            html = html.replace(correction.expected, correction.name)
    return html


def error_figure(place: str) -> Element:
    """What stands on the page for a block that cannot be read. Never shows any of its text."""
    outer = Element("div", {"class": "genimage genimage-error", "role": "note"})
    SubElement(outer, "strong").text = "This picture cannot be shown."
    outer[0].tail = f" The build log says why, at {place}."
    return outer
