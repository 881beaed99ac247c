"""The attributes and styles that stand in for what the plugin's figures and its stylesheet do."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.figure import display_size, twin_options

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the plugin's stylesheet does, for one element.
_SHAPE = {"max-width": "100%", "height": "auto"}
_FIGURE = {
    "width": "fit-content",
    "max-width": "100%",
    "margin": "1.5em auto",
    "text-align": "center",
}
_ALIGNED: dict[str, dict[str, str]] = {
    "left": {"float": "left", "max-width": "50%", "margin": "0.3em 1.5em 1em 0"},
    "right": {"float": "right", "max-width": "50%", "margin": "0.3em 0 1em 1.5em"},
    "center": {"margin-left": "auto", "margin-right": "auto", "text-align": "center"},
}
_GRID = {
    "display": "grid",
    "grid-template-columns": "repeat(auto-fit, minmax(min(max(9em, 100% / {columns} - 1em), 100%), 1fr))",
    "gap": "1em",
    "place-items": "start center",
    "width": "auto",
}
_MAX_COLUMNS = 3
_CAPTION = {
    "max-width": "34em",
    "margin": "0.6em auto 0",
    "color": "color-mix(in srgb, currentColor 85%, transparent)",
    "font-size": "0.9em",
    "line-height": "1.5",
    "white-space": "normal",
    "text-wrap": "balance",
}
_CAPTION_BESIDE_TEXT = {"width": "0", "min-width": "max(100%, 6em)"}
_CAPTION_OF_GRID = {"grid-column": "1 / -1", "margin": "0 auto"}
_SPECIAL_IN_TAG = str.maketrans({char: f"&#{ord(char)};" for char in "\\`[]{}"})


@dataclass(frozen=True)
class Copy:
    """A picture as it will lie among the docs.

    Attributes:
        uri: its path in docs_dir.
        width: pixels of the file.
        height: likewise.
        twin: the one that is shown in its place in dark mode.
    """

    uri: str
    width: int
    height: int
    twin: Copy | None = None

    @property
    def pair(self) -> tuple[tuple[Copy, str], ...]:
        """It and its twin, each with the scheme that it is for; empty for one that is for both."""
        return ((self, "light"), (self.twin, "dark")) if self.twin else ((self, ""),)


@dataclass(frozen=True)
class Img:
    """The attributes of an `<img>` that have to come out."""

    src: str
    alt: str
    title: str = ""
    width: str = ""
    height: str = ""


@dataclass(frozen=True)
class BlockMarkup:
    """What is written of one block.

    Attributes:
        options: the block's; `is_hero` in them says that it is the first thing that readers see.
        alt: its alt text.
        copies: what it shows.
        is_inside: whether it is in a list, a quote or the like.
        has_gallery: whether a lightbox goes from one picture to the next.
    """

    options: Mapping[str, Any]
    alt: str
    copies: tuple[Copy, ...]
    is_inside: bool
    has_gallery: bool = False

    @property
    def title(self) -> str:
        """Its tooltip; empty without one."""
        return str(self.options.get("title", ""))

    def img(self, copy: Copy, src: str) -> Img:
        """What has to come out for a picture."""
        return Img(src, self.alt, self.title, *self.size(copy))

    def names(self) -> list[str]:
        """Its id and classes."""
        own = [str(self.options["id"])] if "id" in self.options else []
        return [*own, *self.options.get("class", ())]

    def size(self, copy: Copy) -> tuple[str, str]:
        """The `width` and `height` attributes of a picture."""
        width, height = display_size(self.options, copy.width, copy.height)
        return str(width), str(height)

    def inner(self, copy: Copy, scheme: str = "") -> dict[str, str]:
        """The attributes of a picture that stands in something, besides what Markdown has signs for.

        Args:
            copy: the picture.
            scheme: `light` or `dark` for one that a stylesheet shows and hides.
        """
        # What is round it has the wanted share of the text.
        style = {"width": "100%", **_SHAPE} if self._is_percent else _SHAPE
        return self._picture(copy, style, scheme)

    def alone(self, copy: Copy, scheme: str = "") -> dict[str, str]:
        """The attributes of a picture that stands for the whole block."""
        align = self.options.get("align", "")
        style = {**_SHAPE, **_ALIGNED.get(align, {})}
        if align == "center" and scheme:
            style = dict(_SHAPE)  # `display` of its own would show what is hidden: see `around`
        elif align == "center":
            style |= {"display": "block"}
        if self._is_percent:
            style["width"] = self.options["width"]
        named = {name: value for name, value in self.outer().items() if name != "style"}
        if copy is not self.copies[0]:
            named.pop("id", None)
        return named | self._picture(copy, style, scheme)

    def around(self, tags: str) -> str:
        """Pictures that stand for the whole block, of which a stylesheet hides all but one."""
        if self.options.get("align") != "center":
            return tags
        return f'<span style="display: block; text-align: center">{tags}</span>'

    def _picture(self, copy: Copy, style: Mapping[str, str], scheme: str) -> dict[str, str]:
        width, height = self.size(copy)
        options = twin_options(self.options) if scheme == "dark" else self.options
        if options.get("width") and options.get("height") and not self._is_percent:
            style = {**style, "aspect-ratio": f"{width}/{height}", "object-fit": "cover"}
        loading = options.get("loading", "lazy")
        found = {"width": width, "height": height, "style": _css(style), "loading": loading}
        if options.get("is_hero"):
            found["fetchpriority"] = "high"
        if scheme and self.has_gallery:
            found["data-gallery"] = scheme  # or it would come to one that is hidden
        return found

    def outer(self) -> dict[str, str]:
        """The attributes of what is round the pictures."""
        options = self.options
        style: dict[str, str] = dict(_FIGURE) if "caption" in options else {}
        style |= _ALIGNED.get(options.get("align", ""), {})
        if len(self.copies) > 1:
            columns = "2" if len(self.copies) == 4 else str(min(len(self.copies), _MAX_COLUMNS))
            style |= {name: value.replace("{columns}", columns) for name, value in _GRID.items()}
        if self._is_percent:
            style["width"] = options["width"]
        found = {}
        if "id" in options:
            found["id"] = options["id"]
        if options.get("class"):
            found["class"] = " ".join(options["class"])
        if style:
            found["style"] = _css(style)
        return found

    def caption(self, content: str, attribute: str = "") -> str:
        """The `<figcaption>`."""
        style = dict(_CAPTION)
        if self.options.get("align") in ("left", "right"):
            style |= _CAPTION_BESIDE_TEXT
        if len(self.copies) > 1:
            style |= _CAPTION_OF_GRID
        return f'<figcaption{attribute} style="{_css(style)}">{content}</figcaption>'

    @property
    def _is_percent(self) -> bool:
        return str(self.options.get("width", "")).endswith("%")


def _css(style: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in style.items())


def attributes(values: Mapping[str, str], *, short: bool = False) -> str:
    """Attributes of a tag or of an attribute list, where ids and classes have short forms."""
    texts = []
    for name, value in values.items():
        if short and name == "id":
            texts.append(f"#{value}")
        elif short and name == "class":
            texts += [f".{one}" for one in value.split()]
        else:
            texts.append(f'{name}="{escaped(value)}"')
    return " ".join(texts)


def escaped(text: str) -> str:
    """A text for an attribute, of which no Markdown is taken for Markdown."""
    return html.escape(text).translate(_SPECIAL_IN_TAG)
