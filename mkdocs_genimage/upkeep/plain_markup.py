"""A block as an author would write it without the plugin: a Markdown image, or HTML where it takes that."""

from __future__ import annotations

import html
import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from markdown import Markdown
from mkdocs.structure.files import File, get_files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from mkdocs_genimage.figure import alt_text, display_size, plain_text
from mkdocs_genimage.markdown import GenimageExtension

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

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
    "grid-template-columns": "repeat(auto-fit, minmax(min(12em, 100%), 1fr))",
    "gap": "1em",
    "place-items": "start center",
    "width": "auto",
}
_CAPTION = {
    "max-width": "34em",
    "margin": "0.6em auto 0",
    "font-size": "0.9em",
    "opacity": "0.85",
}
_CAPTION_BESIDE_TEXT = {"width": "0", "min-width": "100%"}
_CAPTION_OF_GRID = {"grid-column": "1 / -1", "margin": "0 auto"}
_CODE_INDENT = 4
"""Columns from which on a text is inside of something, or it would be code."""
_SPECIAL_IN_ALT = re.compile(r"[\\`\[\]]")
_SPECIAL_IN_TAG = str.maketrans({char: f"&#{ord(char)};" for char in "\\`[]{}"})
_ENTITY_LIKE = re.compile(r"&(?=#?\w+;)")
_SIMPLE_NAME = re.compile(r"[\w:-][\w:.-]*")


@dataclass(frozen=True)
class Copy:
    """A picture as it will lie among the docs.

    Attributes:
        uri: its path in docs_dir.
        width: pixels of the file.
        height: likewise.
    """

    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Img:
    """The attributes of an `<img>` that have to come out."""

    src: str
    alt: str
    title: str
    width: str
    height: str


@dataclass(frozen=True)
class Form:
    """One way to write a block.

    Attributes:
        lines: without prefix and line ends.
        images: what has to come out of them.
        prefix: what they stand behind.
        sign: a text of them that readers must not get to see; empty if there is none.
    """

    lines: tuple[str, ...]
    images: tuple[Img, ...]
    prefix: str = ""
    sign: str = ""


class Markup:
    """Writes blocks of one site as plain Markdown.

    Args:
        config: the site's.
    """

    def __init__(self, config: MkDocsConfig) -> None:
        self._config = config
        self._extensions: list[Any] = [
            extension
            for extension in config.markdown_extensions
            if extension != "genimage" and not isinstance(extension, GenimageExtension)
        ]
        self._files: Files | None = None
        md = self._markdown()
        self.has_attr_list = "attr_list" in md.treeprocessors
        """Whether an image in Markdown can have dimensions and classes."""
        self._has_md_in_html = "markdown_block" in md.parser.blockprocessors

    def _markdown(self) -> Markdown:
        return Markdown(extensions=self._extensions, extension_configs=self._config.mdx_configs)

    def render(self, text: str) -> str | None:
        """The HTML of a page; None if an extension cannot do without the rest of a build."""
        try:
            return self._markdown().convert(text)
        except Exception:  # extensions of others raise what they like
            return None

    def forms(
        self, file: File, prefix: str, options: Mapping[str, Any], copies: Sequence[Copy]
    ) -> list[Form]:
        """The ways to write a block, best first.

        Args:
            file: its page.
            prefix: what it stands behind.
            options: the block's.
            copies: what it shows.
        """
        is_inside = ">" in prefix or len(prefix.expandtabs()) >= _CODE_INDENT
        block = _Block(options, alt_text(options)[0], tuple(copies), is_inside)
        found = [self._in_markdown(file, block), self._in_html(file, block)]
        return [replace(form, prefix=prefix) for form in found if form]

    # Markdown

    def _in_markdown(self, file: File, block: _Block) -> Form | None:
        options = block.options
        outer = block.outer()
        sized = self.has_attr_list
        if not sized and (outer or options.get("width") or options.get("height")):
            return None
        if "caption" in options and not (sized and (block.is_inside or self._has_md_in_html)):
            return None
        if not all(_SIMPLE_NAME.fullmatch(name) for name in block.names()):
            return None
        folder = posixpath.dirname(file.src_uri) or "."
        texts, images = [], []
        for copy in block.copies:
            src = quote(posixpath.relpath(copy.uri, folder))
            texts.append(self._image_text(block, copy, src))
            width, height = block.size(copy) if sized else ("", "")
            title = str(options.get("title", ""))
            images.append(Img(src, block.alt, title, width, height))
        if "caption" not in options:
            if not outer:
                return Form(tuple(texts), tuple(images))
            last = f"{{: {_attributes(outer, short=True)} }}"
            return Form((*texts, last), tuple(images), sign=last.partition('"')[0])
        caption = " ".join(str(options["caption"]).split())
        attributes = _attributes(outer)
        if block.is_inside:
            # In lists and quotes HTML is passed on tag by tag, and what is between is Markdown.
            line = f"<figure {attributes}>{' '.join(texts)}{block.caption(caption)}</figure>"
            return Form((line,), tuple(images))
        lines = [f'<figure markdown="span" {attributes}>', *texts]
        lines += [block.caption(caption, ' markdown="span"'), "</figure>"]
        return Form(tuple(lines), tuple(images))

    def _image_text(self, block: _Block, copy: Copy, src: str) -> str:
        alt = _ENTITY_LIKE.sub("&amp;", _SPECIAL_IN_ALT.sub(r"\\\g<0>", block.alt))
        title = str(block.options.get("title", ""))
        sign = "'" if '"' in title else '"'
        text = f"![{alt}]({src} {sign}{title}{sign})" if title else f"![{alt}]({src})"
        if self.has_attr_list:
            text += f"{{ {_attributes(block.inner(copy))} }}"
        link = str(block.options.get("link", ""))
        if set(link) & set("()"):
            link = f"<{link}>"
        return f"[{text}]({link})" if link else text

    # HTML

    def _in_html(self, file: File, block: _Block) -> Form:
        options = block.options
        tags, images = [], []
        has_caption = "caption" in options
        for copy in block.copies:
            src = get_relative_url(quote(copy.uri), file.url)
            width, height = block.size(copy)
            title = str(options.get("title", ""))
            images.append(Img(src, block.alt, title, width, height))
            tag = {"alt": block.alt, "src": src} | ({"title": title} if title else {})
            # Without a figure the picture itself stands for the block.
            tag |= block.inner(copy) if has_caption else block.alone(copy)
            text = f"<img {_attributes(tag)}>"
            link = options.get("link")
            if link:
                text = f'<a href="{_escaped(self._resolved(str(link), file))}">{text}</a>'
            tags.append(text)
        if not has_caption:
            return Form(tuple(tags), tuple(images))
        caption = " ".join(str(options["caption"]).split())
        opening = f"<figure {_attributes(block.outer())}>"
        if block.is_inside:
            return Form(
                (f"{opening}{' '.join(tags)}{block.caption(caption)}</figure>",), tuple(images)
            )
        rendered = block.caption(self._caption(caption, file))
        return Form((opening, *tags, rendered, "</figure>"), tuple(images))

    def _resolved(self, link: str, file: File) -> str:
        """A link as the page's HTML has it."""
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
            return link
        folder = posixpath.dirname(file.src_uri)
        target = self._all_files.get_file_from_path(
            posixpath.normpath(posixpath.join(folder, parts.path))
        )
        if target is None:
            return link
        rest = link[len(parts.path) :]
        return target.url_relative_to(file) + rest

    @property
    def _all_files(self) -> Files:
        if self._files is None:
            self._files = get_files(self._config)
        return self._files

    def _caption(self, caption: str, file: File) -> str:
        """A caption's HTML, with links as the page has them."""
        text = File.generated(self._config, file.src_uri, content=caption)
        before = self._config.markdown_extensions
        try:
            self._config.markdown_extensions = self._extensions
            page = Page(None, text, self._config)
            page.markdown = caption
            page.render(self._config, self._all_files)
            content = page.content or ""
        except Exception:  # extensions of others raise what they like
            content = ""
        finally:
            self._config.markdown_extensions = before
        match = re.fullmatch(r"<p>(.*)</p>", content.strip(), re.DOTALL)
        return match[1] if match and "<p>" not in match[1] else html.escape(plain_text(caption))


@dataclass(frozen=True)
class _Block:
    """What is written of one block."""

    options: Mapping[str, Any]
    alt: str
    copies: tuple[Copy, ...]
    is_inside: bool

    def names(self) -> list[str]:
        """Its id and classes."""
        own = [str(self.options["id"])] if "id" in self.options else []
        return [*own, *self.options.get("class", ())]

    def size(self, copy: Copy) -> tuple[str, str]:
        """The `width` and `height` attributes of a picture."""
        width, height = display_size(self.options, copy.width, copy.height)
        return str(width), str(height)

    def inner(self, copy: Copy) -> dict[str, str]:
        """The attributes of a picture that stands in something, besides what Markdown has signs for."""
        # What is round it has the wanted share of the text.
        style = {"width": "100%", **_SHAPE} if self._is_percent else _SHAPE
        return self._picture(copy, style)

    def alone(self, copy: Copy) -> dict[str, str]:
        """The attributes of a picture that stands for the whole block."""
        align = self.options.get("align", "")
        style = {**_SHAPE, **_ALIGNED.get(align, {})}
        if align == "center":
            style |= {"display": "block"}
        if self._is_percent:
            style["width"] = self.options["width"]
        named = {name: value for name, value in self.outer().items() if name != "style"}
        if copy is not self.copies[0]:
            named.pop("id", None)
        return named | self._picture(copy, style)

    def _picture(self, copy: Copy, style: Mapping[str, str]) -> dict[str, str]:
        width, height = self.size(copy)
        loading = self.options.get("loading", "lazy")
        return {"width": width, "height": height, "style": _css(style), "loading": loading}

    def outer(self) -> dict[str, str]:
        """The attributes of what is round the pictures."""
        options = self.options
        style: dict[str, str] = dict(_FIGURE) if "caption" in options else {}
        style |= _ALIGNED.get(options.get("align", ""), {})
        if len(self.copies) > 1:
            style |= _GRID
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


def _attributes(values: Mapping[str, str], *, short: bool = False) -> str:
    """Attributes of a tag or of an attribute list, where ids and classes have short forms."""
    texts = []
    for name, value in values.items():
        if short and name == "id":
            texts.append(f"#{value}")
        elif short and name == "class":
            texts += [f".{one}" for one in value.split()]
        else:
            texts.append(f'{name}="{_escaped(value)}"')
    return " ".join(texts)


def _escaped(text: str) -> str:
    """A text for an attribute, of which no Markdown is taken for Markdown."""
    return html.escape(text).translate(_SPECIAL_IN_TAG)
