"""The HTML of a block, as nodes: figures, images, placeholders, errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol
from xml.etree.ElementTree import Element, SubElement

from markdown.util import AtomicString

from mkdocs_genimage.alt import alt_text
from mkdocs_genimage.light import Light, SourceSet
from mkdocs_genimage.options import LINK_TO_ORIGINAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PLACEHOLDER = "genimage-placeholder"
AI_GENERATED = "data-ai-generated"
"""The attribute of an image that a model made."""
NOT_SEARCHED = {"data-search-exclude": "data-search-exclude"}
"""For Material's search, which would join a label to the word after it."""
NAMED_SRCSET = "genimage-srcset"
"""A `srcset` of names only, until it is known where `src` leads. See `markdown.SourceFinisher`."""
BELOW_TITLE = "genimage-below-title"
"""Marks a figure that goes behind the page's title. See `markdown.TreeFinisher`."""
SCHEMA_TYPES = {
    "trainedAlgorithmicMedia": "TrainedAlgorithmicMediaDigitalSource",
    "compositeWithTrainedAlgorithmicMedia": "CompositeWithTrainedAlgorithmicMediaDigitalSource",
}
"""IPTC's codes to the members of schema.org's IPTCDigitalSourceEnumeration (schema.org 29, 2026-11)."""
DISCLOSED = "AI-generated"
SMALL_WIDTH = 200
"""CSS pixels: on a narrower picture a label of usual length takes up a tenth or more."""
SMALL_HEIGHT = 120
SMALL_PERCENT = 30
"""Percent of the text's width, likewise."""


@dataclass(frozen=True)
class Picture:
    """One picture as a page shows it.

    Attributes:
        src: its URL as the page's Markdown would write it.
        width: pixels of the file.
        height: pixels of the file.
        placeholder: whether it only stands in for the image.
        sources: the smaller files that a browser may choose instead.
        model: what made it; empty where that is not known.
        source_type: IPTC's code for how it came to be; empty for what no model made.
        twin: the picture that is shown in its place in dark mode.
    """

    src: str
    width: int
    height: int
    placeholder: bool = False
    sources: tuple[SourceSet, ...] = ()
    model: str = ""
    source_type: str = ""
    twin: Picture | None = None

    @property
    def with_twin(self) -> tuple[Picture, ...]:
        """It, and its twin if it has one."""
        return (self, self.twin) if self.twin else (self,)


class Origin(Protocol):
    """How a picture came to be. The attributes are those of `Picture`."""

    @property
    def placeholder(self) -> bool: ...  # noqa: D102

    @property
    def model(self) -> str: ...  # noqa: D102

    @property
    def source_type(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Look:
    """What mkdocs.yml says of all figures.

    Attributes:
        light: about smaller files.
        disclosure: how readers are told that a model made a picture.
        disclosure_text: the words for it, with `{model}`; empty for the usual ones.
        has_only_dark: whether the theme itself shows and hides what ends in `#only-light` or `#only-dark`,
            as Material does.
    """

    light: Light = field(default_factory=Light)
    disclosure: Literal["none", "label", "credit"] = "none"
    disclosure_text: str = ""
    has_only_dark: bool = False

    def words(self, pictures: Iterable[Origin]) -> str:
        """What readers are told of some pictures; empty if no model made them, or they are not told."""
        made = [one for one in pictures if one.source_type and not one.placeholder]
        if not made or self.disclosure == "none":
            return ""
        models = ", ".join(dict.fromkeys(one.model for one in made if one.model))
        if self.disclosure_text:
            return self.disclosure_text.replace("{model}", models)
        return f"{DISCLOSED}, {models}" if models and self.disclosure == "credit" else DISCLOSED


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


def build_figure(
    pictures: Sequence[Picture], options: Mapping[str, Any], look: Look | None = None
) -> Element:
    """The node for a block: `<figure>` with a caption, else `<p>`, as an ordinary image would stand.

    A `<figure>` without a caption would nest badly where authors already put one round the block.

    Args:
        pictures: what it shows, side by side.
        options: the block's, in normal form. `is_hero` says that it is the first thing that readers see.
        look: what holds for all figures.
    """
    look = look or Look()
    caption = options.get("caption")
    credit = ""
    if look.disclosure == "credit":
        credit = look.words(one for picture in pictures for one in picture.with_twin)
    outer = Element("figure" if caption or credit else "p")
    outer.set("class", " ".join(_classes(options, len(pictures))))
    if options.get("id"):
        outer.set("id", options["id"])
    if _is_percent(options):
        outer.set("style", f"width:{options['width']}")
    drawing = _Drawing(options, look, len(pictures))
    for picture in pictures:
        drawing.add(outer, picture)
    if caption or credit:
        figcaption = SubElement(outer, "figcaption")
        if caption:
            figcaption.text = f"{caption} " if credit else caption
        if credit:
            # The name of a model is no Markdown.
            SubElement(
                figcaption, "span", {"class": "genimage-credit", **NOT_SEARCHED}
            ).text = AtomicString(credit)
    return outer


def hero_options(options: Mapping[str, Any], *, sets_loading: bool) -> dict[str, Any]:
    """A block's options as they hold for what readers of its page see first.

    Args:
        options: all that hold.
        sets_loading: whether the block itself says how it is loaded. No default says so of what is
            seen first.
    """
    loading = options["loading"] if sets_loading else "eager"
    return {**options, "loading": loading, "is_hero": True}


def twin_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """A block's options as they hold for its picture for dark mode.

    That is always loaded late: what is hidden is fetched otherwise, too.
    """
    return {**options, "loading": "lazy", "is_hero": False}


def _is_percent(options: Mapping[str, Any]) -> bool:
    return str(options.get("width", "")).endswith("%")


def _classes(options: Mapping[str, Any], count: int) -> list[str]:
    """The classes of a block that shows so many pictures: what the stylesheet knows, then the author's."""
    classes = ["genimage"]
    if count > 1:
        classes.append("genimage-grid")
    if options.get("align"):
        classes.append(f"genimage-{options['align']}")
    if _is_small(options):
        classes.append("genimage-small")
    return classes + [name for name in options.get("class", ()) if name not in classes]


def _is_small(options: Mapping[str, Any]) -> bool:
    """Whether a block shows its picture so small that a label would leave little to see of it.

    What the file turns out to be does not count: a page must not change when its picture arrives.
    """
    width = str(options.get("width", ""))
    if not width:
        return bool(options.get("height", SMALL_HEIGHT) < SMALL_HEIGHT)
    return int(width[:-1]) < SMALL_PERCENT if width.endswith("%") else int(width) < SMALL_WIDTH


@dataclass(frozen=True)
class _Drawing:
    """Makes the nodes of one block's pictures."""

    options: Mapping[str, Any]
    look: Look
    columns: int

    def add(self, outer: Element, picture: Picture) -> None:
        """One picture, with its twin, its link and its label."""
        shown = picture.with_twin
        words = self.look.words(shown)
        parent = outer
        if self.columns > 1:
            # Keeps the place of a narrow picture, and makes one child of a pair.
            parent = SubElement(outer, "span", {"class": "genimage-cell"})
        if words:
            parent = SubElement(
                parent,
                "span",
                {
                    "class": "genimage-frame",
                    "itemscope": "itemscope",
                    "itemtype": "https://schema.org/ImageObject",
                },
            )
        link = self.options.get("link")
        holder = parent
        for one in shown:
            if link == LINK_TO_ORIGINAL:
                holder = SubElement(parent, "a", {"href": one.src})
            elif link and holder is parent:
                holder = SubElement(parent, "a", {"href": _literal(link)})
            scheme = ""
            if picture.twin:
                scheme = "light" if one is picture else "dark"
            own = twin_options(self.options) if scheme == "dark" else self.options
            self._append(holder, one, scheme, own, is_item=bool(words))
        if words:
            kind = SCHEMA_TYPES[next(one.source_type for one in shown if one.source_type)]
            # Not a <link>, which plugins that fetch what a page refers to would follow.
            SubElement(
                parent,
                "meta",
                {"itemprop": "digitalSourceType", "content": f"https://schema.org/{kind}"},
            )
            if self.look.disclosure == "label":
                label = SubElement(parent, "span", {"class": "genimage-label", **NOT_SEARCHED})
                label.text = AtomicString(words)

    def _append(
        self,
        parent: Element,
        picture: Picture,
        scheme: str,
        options: Mapping[str, Any],
        *,
        is_item: bool,
    ) -> None:
        """One file: an `<img>`, in a `<picture>` where a browser may choose the format."""
        width, height = display_size(options, picture.width, picture.height)
        sizes = self.look.light.sizes_of(options, width, self.columns)
        for source in picture.sources[:-1]:
            if parent.tag != "picture":
                parent = SubElement(parent, "picture")
            SubElement(
                parent,
                "source",
                {"type": source.mime_type, "sizes": sizes, NAMED_SRCSET: srcset(source)},
            )
        image = self._image(picture, scheme, options, width, height)
        if is_item:
            image.set("itemprop", "contentUrl")
        if picture.sources:
            image.set("sizes", sizes)
            image.set(NAMED_SRCSET, srcset(picture.sources[-1]))
        parent.append(image)

    def _image(
        self,
        picture: Picture,
        scheme: str,
        options: Mapping[str, Any],
        width: int,
        height: int,
    ) -> Element:
        image = Element("img")
        classes = [f"genimage-{scheme}"] if scheme else []
        if picture.placeholder:
            classes.append(PLACEHOLDER)
        if classes:
            image.set("class", " ".join(classes))
        image.set("alt", _literal(alt_text(options)[0]))
        image.set("src", picture.src)
        if scheme:
            if self.look.has_only_dark:
                image.set("src", f"{picture.src}#only-{scheme}")
            # A lightbox that goes from one to the next must not come to one that is hidden.
            image.set("data-gallery", scheme)
        if picture.source_type and not picture.placeholder:
            image.set(AI_GENERATED, "true")
        if options.get("title"):
            image.set("title", _literal(options["title"]))
        _set_size(image, options, width, height)
        _set_loading(image, options)
        return image


def _set_size(image: Element, options: Mapping[str, Any], width: int, height: int) -> None:
    image.set("width", str(width))
    image.set("height", str(height))
    if _is_percent(options):
        image.set("style", "width:100%")  # of the outer element, which has the wanted share
    elif options.get("width") and options.get("height"):
        # Also while it is not there, and when it is of another shape.
        image.set("style", f"aspect-ratio:{width}/{height}")


def _set_loading(image: Element, options: Mapping[str, Any]) -> None:
    loading = options.get("loading", "lazy")
    image.set("loading", loading)
    if loading != "eager":
        image.set("decoding", "async")
    if options.get("is_hero"):
        image.set("fetchpriority", "high")


def srcset(source: SourceSet, folder: str = "") -> str:
    """The attribute for a set of files.

    Args:
        source: the set.
        folder: what stands in front of the names.
    """
    return ", ".join(f"{folder}{one.name} {one.width}w" for one in source.candidates)


def _literal(text: str) -> str:
    """A text for an attribute. Python-Markdown leaves what looks like an entity alone, which it is not."""
    return text.replace("&", "&amp;")


def error_figure(place: str) -> Element:
    """What stands on the page for a block that cannot be read. Never shows any of its text."""
    attributes = {"class": "genimage genimage-error", "role": "note", "lang": "en", "dir": "ltr"}
    outer = Element("div", attributes)
    SubElement(outer, "strong").text = "This picture cannot be shown."
    outer[0].tail = f" The build log says why, at {place}."
    return outer
