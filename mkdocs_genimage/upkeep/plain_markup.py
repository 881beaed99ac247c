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

from mkdocs_genimage.alt import alt_text, plain_text
from mkdocs_genimage.markdown import GenimageExtension
from mkdocs_genimage.options import LINK_TO_ORIGINAL
from mkdocs_genimage.upkeep.block_markup import BlockMarkup, Copy, Img, attributes, escaped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

_CODE_INDENT = 4
"""Columns from which on a text is inside of something, or it would be code."""
DARK = "(prefers-color-scheme: dark)"
_SPECIAL_IN_ALT = re.compile(r"[\\`\[\]]")
_ENTITY_LIKE = re.compile(r"&(?=#?\w+;)")
_SIMPLE_NAME = re.compile(r"[\w:-][\w:.-]*")


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


def _fragment(scheme: str) -> str:
    """What Material goes by, at the end of an address."""
    return f"#only-{scheme}" if scheme else ""


class Markup:
    """Writes blocks of one site as plain Markdown.

    Args:
        config: the site's.
        by_fragment: whether the theme shows one of two pictures by the end of its address, as Material does.
            Else the reader's system decides.
    """

    def __init__(self, config: MkDocsConfig, *, by_fragment: bool = False) -> None:
        self._config = config
        self._by_fragment = by_fragment
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
        has_gallery = "glightbox" in self._config.plugins
        block = BlockMarkup(options, alt_text(options)[0], tuple(copies), is_inside, has_gallery)
        found = [self._in_markdown(file, block), self._in_html(file, block)]
        return [replace(form, prefix=prefix) for form in found if form]

    # Markdown

    def _in_markdown(self, file: File, block: BlockMarkup) -> Form | None:
        options = block.options
        outer = block.outer()
        sized = self.has_attr_list
        if not sized and (outer or options.get("width") or options.get("height")):
            return None
        if "caption" in options and not (sized and (block.is_inside or self._has_md_in_html)):
            return None
        if not all(_SIMPLE_NAME.fullmatch(name) for name in block.names()):
            return None
        if not self._by_fragment and any(copy.twin for copy in block.copies):
            return None
        folder = posixpath.dirname(file.src_uri) or "."
        texts: list[str] = []
        images: list[Img] = []
        for copy in block.copies:
            pair = []
            for one, scheme in copy.pair:
                src = quote(posixpath.relpath(one.uri, folder)) + _fragment(scheme)
                pair.append(self._image_text(block, one, src, scheme))
                images.append(block.img(one, src) if sized else Img(src, block.alt, block.title))
            texts += self._linked(block, pair, quote(posixpath.relpath(copy.uri, folder)))
        if "caption" not in options:
            if not outer:
                return Form(tuple(texts), tuple(images))
            last = f"{{: {attributes(outer, short=True)} }}"
            return Form((*texts, last), tuple(images), sign=last.partition('"')[0])
        caption = " ".join(str(options["caption"]).split())
        if block.is_inside:
            # In lists and quotes HTML is passed on tag by tag, and what is between is Markdown.
            opening = f"<figure {attributes(outer)}>"
            line = f"{opening}{' '.join(texts)}{block.caption(caption)}</figure>"
            return Form((line,), tuple(images))
        lines = [f'<figure markdown="span" {attributes(outer)}>', *texts]
        lines += [block.caption(caption, ' markdown="span"'), "</figure>"]
        return Form(tuple(lines), tuple(images))

    def _image_text(self, block: BlockMarkup, copy: Copy, src: str, scheme: str) -> str:
        alt = _ENTITY_LIKE.sub("&amp;", _SPECIAL_IN_ALT.sub(r"\\\g<0>", block.alt))
        sign = "'" if '"' in block.title else '"'
        title = f" {sign}{block.title}{sign}" if block.title else ""
        text = f"![{alt}]({src}{title})"
        return (
            f"{text}{{ {attributes(block.inner(copy, scheme))} }}" if self.has_attr_list else text
        )

    def _linked(self, block: BlockMarkup, pair: list[str], original: str) -> list[str]:
        """The lines of a picture, or of two, with their link."""
        link = str(block.options.get("link", ""))
        if not link:
            return pair
        if link == LINK_TO_ORIGINAL:
            link = original
        if set(link) & set("()"):
            link = f"<{link}>"
        return [f"[{' '.join(pair)}]({link})"]

    # HTML

    def _in_html(self, file: File, block: BlockMarkup) -> Form:
        options = block.options
        tags: list[str] = []
        images: list[Img] = []
        has_caption = "caption" in options
        for copy in block.copies:
            original = get_relative_url(quote(copy.uri), file.url)
            text = self._tags(file, block, copy, images)
            link = str(options.get("link", ""))
            if link:
                target = original if link == LINK_TO_ORIGINAL else self._resolved(link, file)
                text = f'<a href="{escaped(target)}">{text}</a>'
            tags.append(text)
        if not has_caption:
            return Form(tuple(tags), tuple(images))
        caption = " ".join(str(options["caption"]).split())
        opening = f"<figure {attributes(block.outer())}>"
        if block.is_inside:
            return Form(
                (f"{opening}{' '.join(tags)}{block.caption(caption)}</figure>",), tuple(images)
            )
        rendered = block.caption(self._caption(caption, file))
        return Form((opening, *tags, rendered, "</figure>"), tuple(images))

    def _tags(self, file: File, block: BlockMarkup, copy: Copy, images: list[Img]) -> str:
        """The tags of one picture with its twin.

        Args:
            file: the page.
            block: whose picture it is.
            copy: the picture.
            images: takes what has to come out.
        """
        by_media = copy.twin is not None and not self._by_fragment
        tags = []
        for one, scheme in [(copy, "")] if by_media else copy.pair:
            src = get_relative_url(quote(one.uri), file.url) + _fragment(scheme)
            images.append(block.img(one, src))
            tag = {"alt": block.alt, "src": src} | ({"title": block.title} if block.title else {})
            # Without a figure the picture itself stands for the block.
            is_alone = "caption" not in block.options
            tag |= block.alone(one, scheme) if is_alone else block.inner(one, scheme)
            tags.append(f"<img {attributes(tag)}>")
        text = " ".join(tags)
        if copy.twin is None:
            return text
        if not by_media:
            return block.around(text) if "caption" not in block.options else text
        source = {"media": DARK, "srcset": get_relative_url(quote(copy.twin.uri), file.url)}
        width, height = block.size(copy.twin)
        if (width, height) != block.size(copy):
            source |= {"width": width, "height": height}
        images.append(
            Img(source["srcset"], "", "", source.get("width", ""), source.get("height", ""))
        )
        return f"<picture><source {attributes(source)}>{text}</picture>"

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
