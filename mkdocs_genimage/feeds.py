"""Feeds that other plugins wrote: with the pictures that came, at addresses that hold everywhere.

A plugin for feeds copies a page's text before its pictures are there, and leaves their URLs relative, which
readers of feeds resolve against nothing, the feed or the page.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from mkdocs_genimage.corrections import correct_images
from mkdocs_genimage.disk import files_below
from mkdocs_genimage.tags import LINKED_PICTURE, Tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mkdocs_genimage.corrections import Correction

FEED_PLUGINS = ("rss", "feed", "atom")
"""Words in the names of plugins that write feeds."""
_ENDINGS = (".xml", ".json", ".rss", ".atom")
_BEGINS = re.compile(rb"<(?:rss|feed|rdf:RDF)\b|https://jsonfeed\.org/version/")
_HEAD_BYTES = 2000
"""A feed says within these that it is one."""
_XML_TEXT = re.compile(
    r"(?P<start><(?P<name>(?:\w+:)?(?:description|encoded|summary|content))\b[^>]*(?<!/)>)"
    r"(?P<cdata><!\[CDATA\[)?(?P<text>.*?)(?P<end>(?(cdata)\]\]>)</(?P=name)>)",
    re.DOTALL,
)
_JSON_TEXT = re.compile(r'(?P<start>"content_html":\s*)(?P<text>"(?:[^"\\]|\\.)*")')
_TAG = re.compile(r"<(?:img|source|a)\b[^>]*>")
_URLS = re.compile(r"""\b(?:src|srcset|href)=(?:"[^"]*"|'[^']*')""")
_ENCLOSURE = re.compile(r'<enclosure\b[^>]*\burl="(?P<url>[^"]*)"[^>]*>')
_NO_LENGTH = re.compile(r' length="(?:None|0|)"')
"""What stands there for a file that was not found: a plugin looks for it beside the page's source."""


@dataclass(frozen=True)
class Feeds:
    """The RSS, Atom and JSON feeds of a built site.

    Attributes:
        site_dir: the site.
        site_url: its address, with a slash at its end; empty where it has none.
        folder: where its pictures are.
        corrections: what pages were put right by.
    """

    site_dir: Path
    site_url: str
    folder: str
    corrections: Sequence[Correction]

    def complete(self) -> None:
        """Put them right. A feed that is right is not written."""
        for path in self._find():
            text = path.read_bytes().decode("utf-8", "surrogateescape")
            completed = self.completed(text)
            if completed != text:
                path.write_bytes(completed.encode("utf-8", "surrogateescape"))

    def completed(self, text: str) -> str:
        """The text of a feed with right pictures."""
        if text.lstrip().startswith("{"):
            return _JSON_TEXT.sub(self._json, text)
        return _ENCLOSURE.sub(self._enclosure, _XML_TEXT.sub(self._xml, text))

    def _find(self) -> Iterator[Path]:
        for path in files_below(self.site_dir, *_ENDINGS):
            with path.open("rb") as opened:
                head = opened.read(_HEAD_BYTES)
            if _BEGINS.search(head):
                yield path

    @property
    def _start(self) -> str:
        """What the URLs of the site's pictures begin with."""
        return f"{self.site_url}{quote(self.folder)}/"

    @cached_property
    def _relative(self) -> re.Pattern[str]:
        return re.compile(rf'(?<=["\s,])(?:\.\.?/)*{re.escape(quote(self.folder))}/')

    def _html(self, content: str) -> str:
        content = LINKED_PICTURE.sub(_without_dark, correct_images(content, self.corrections))
        if self.site_url:
            content = _TAG.sub(lambda tag: _URLS.sub(self._whole, tag[0]), content)
        return content

    def _whole(self, attribute: re.Match[str]) -> str:
        return self._relative.sub(self._start, attribute[0])

    def _xml(self, match: re.Match[str]) -> str:
        # Where it is not escaped, it is XHTML as it stands.
        is_escaped = not match["cdata"] and "<" not in match["text"]
        content = html.unescape(match["text"]) if is_escaped else match["text"]
        completed = self._html(content)
        if completed == content:
            return match[0]
        if not is_escaped:
            return f"{match['start']}{match['cdata'] or ''}{completed}{match['end']}"
        # As MarkupSafe escapes, which templates use, so that nothing else changes.
        escaped = html.escape(completed).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
        return f"{match['start']}{escaped}{match['end']}"

    def _json(self, match: re.Match[str]) -> str:
        content = json.loads(match["text"])
        completed = self._html(content)
        return match[0] if completed == content else match["start"] + json.dumps(completed)

    def _enclosure(self, match: re.Match[str]) -> str:
        if not self.site_url or not match["url"].startswith(self._start):
            return match[0]
        path = self.site_dir / self.folder / unquote(match["url"].removeprefix(self._start))
        if not path.is_file():
            return match[0]
        return _NO_LENGTH.sub(f' length="{path.stat().st_size}"', match[0])


def _without_dark(match: re.Match[str]) -> str:
    """Readers of feeds have no stylesheet that would show one of two, so the light picture has to do."""
    is_dark = Tag(match["image"]).get("class").startswith("genimage-dark")
    return "" if is_dark else match[0]
