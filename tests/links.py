"""The URLs of a built site, wherever they stand, and those of them that lead nowhere.

Read are pages, drawings, stylesheets, feeds (RSS, Atom, JSON), site maps and search indexes. A URL of the
site's own has to lead to a file, and one with a fragment to an element with that id.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urljoin, urlsplit
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SITE_URL = "http://site.invalid/"


@dataclass(frozen=True)
class Link:
    """One URL as it is written.

    url: without white space around it.
    base: of the document, if it says one: `<base href>`.
    is_absolute: whether it has to be, as nobody knows what else it would be relative to.
    has_anchor: whether its fragment is the id of an element. `x.png#only-dark` is none.
    """

    url: str
    base: str = ""
    is_absolute: bool = False
    has_anchor: bool = False


# --- Texts to links ---

URL_ATTRIBUTES = frozenset(
    ("href", "src", "poster", "formaction", "data-src", "xlink:href", "longdesc")
)
"""Attributes that hold one URL on whatever element has them."""

OWN_URL_ATTRIBUTES = {
    "data": ("object",),
    "action": ("form",),
    "cite": ("blockquote", "q", "del", "ins"),
    "background": ("body", "table", "td", "th", "tr"),
    "manifest": ("html",),
}
"""Attributes that hold one URL on these elements only."""

SET_ATTRIBUTES = ("srcset", "imagesrcset", "data-srcset")

META_URL = re.compile(
    r"(og|twitter):(url|(image|video|audio|player)(:(url|src|secure_url|stream))?)", re.IGNORECASE
)
META_ITEM = frozenset(("image", "url", "contenturl", "thumbnailurl", "thumbnail", "logo"))

_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CSS_URL = re.compile(
    r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^"')\s]*))\s*\)|@import\s+(?:"([^"]*)"|'([^']*)')""",
    re.IGNORECASE,
)
_REFRESH = re.compile(r"""^\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?["']?(.*?)["']?\s*$""", re.IGNORECASE)


def srcset_urls(text: str) -> list[str]:
    """The URLs of a `srcset`, read as the HTML standard says: a URL may hold commas, not end with one."""
    found = []
    rest = text
    while rest := rest.lstrip(" \t\n\r\f,"):
        url, *more = rest.split(maxsplit=1)
        rest = more[0] if more else ""
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            # The descriptor goes on to the next comma that stands in no brackets.
            rest = re.sub(r"^(?:\([^)]*\)|[^,(])*", "", rest)
        found.append(url)
    return found


def css_urls(text: str) -> list[str]:
    """What a stylesheet or a `style` attribute fetches."""
    return [
        next(filter(None, match.groups()), "")
        for match in _CSS_URL.finditer(_CSS_COMMENT.sub("", text))
        if any(match.groups())
    ]


@dataclass
class Page:
    """What a page or a drawing holds: its links and the ids of its elements."""

    links: list[Link] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._base = ""
        self._is_style = False

    def _add(self, url: str, **more: bool) -> None:
        if url.strip():
            self.page.links.append(Link(url.strip(), self._base, **more))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_style = tag == "style"
        given = {name: value or "" for name, value in attrs}
        if given.get("id"):
            self.page.ids.add(given["id"])
        if tag == "a" and given.get("name"):
            self.page.ids.add(given["name"])
        if tag == "base" and "href" in given:
            self._base = self._base or given["href"]
            return
        for name, value in given.items():
            if name in URL_ATTRIBUTES or tag in OWN_URL_ATTRIBUTES.get(name, ()):
                self._add(value, has_anchor=tag in ("a", "area", "use"))
            elif name in SET_ATTRIBUTES:
                for url in srcset_urls(value):
                    self._add(url)
            elif name == "style":
                for url in css_urls(value):
                    self._add(url)
        if tag == "meta":
            self._meta(given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._is_style = False

    def _meta(self, given: dict[str, str]) -> None:
        content = given.get("content", "")
        if given.get("http-equiv", "").lower() == "refresh":
            match = _REFRESH.match(content)
            self._add(match[1] if match else "")
        elif any(META_URL.fullmatch(given.get(name, "")) for name in ("property", "name")):
            # Whoever reads these has left the page: they are resolved against nothing.
            self._add(content, is_absolute=True)
        elif given.get("itemprop", "").lower() in META_ITEM:
            self._add(content)

    def handle_endtag(self, tag: str) -> None:
        self._is_style = False

    def handle_data(self, data: str) -> None:
        if self._is_style:
            for url in css_urls(data):
                self._add(url)


def read_page(html: str) -> Page:
    """The links and ids of a page."""
    reader = _PageReader()
    reader.feed(html)
    reader.close()
    return reader.page


def urls(html: str) -> list[str]:
    """Everything in a page that a browser would fetch or follow."""
    return [link.url for link in read_page(html).links]


_XML_TEXTS = frozenset(("link", "guid", "url", "comments", "loc", "icon", "logo"))
"""Elements of feeds and site maps that hold a URL."""
_XML_HTML = frozenset(("description", "encoded", "summary", "content"))
"""Elements of feeds that hold HTML."""


def xml_links(root: ET.Element) -> Iterator[Link]:
    """The links of a feed or site map. Other XML has none."""
    if _local(root.tag) not in ("rss", "feed", "urlset", "sitemapindex", "RDF"):
        return
    for element in root.iter():
        name, text = _local(element.tag), (element.text or "").strip()
        given = {_local(key): value.strip() for key, value in element.attrib.items()}
        for attribute in ("href", "url", "src"):
            if given.get(attribute):
                yield Link(given[attribute], is_absolute=True)
        if name in _XML_TEXTS and text and given.get("isPermaLink") != "false":
            yield Link(text, is_absolute=True)
        elif name in _XML_HTML and text:
            yield from feed_links(text)


def feed_links(html: str) -> Iterator[Link]:
    """The links of HTML that stands in a feed. Readers of feeds do not agree on what is relative to what."""
    for url in urls(html):
        yield Link(url, is_absolute=True)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


_JSON_FEED_URLS = frozenset(
    ("url", "home_page_url", "feed_url", "image", "banner_image", "icon", "favicon", "external_url")
)


def json_feed_links(value: Any) -> Iterator[Link]:
    """The links of a JSON feed or of a part of it."""
    if isinstance(value, list):
        for item in value:
            yield from json_feed_links(item)
    if not isinstance(value, dict):
        return
    for name, part in value.items():
        if not isinstance(part, str):
            yield from json_feed_links(part)
        elif name in _JSON_FEED_URLS and part:
            yield Link(part, is_absolute=True)
        elif name == "content_html":
            yield from feed_links(part)


def json_links(name: str, text: str) -> Iterator[Link]:
    """The links of a JSON feed, or of a search index: `locations` from the folder of the site."""
    data = json.loads(text)
    if not isinstance(data, dict):
        return
    if str(data.get("version", "")).startswith("https://jsonfeed.org/"):
        yield from json_feed_links(data)
    elif isinstance(data.get("docs"), list):
        # Themes look it up in a folder `search` of the site (or of one language or version of it).
        base = "../" if posixpath.basename(posixpath.dirname(name)) == "search" else ""
        for entry in data["docs"]:
            yield Link(base + entry["location"] or "./", has_anchor=True)


# --- A site ---


class _SiteReader:
    """The files of a site; each is read once."""

    def __init__(self, site_dir: Path, site_url: str) -> None:
        self._site_dir = site_dir
        self._site_url = site_url
        self.names = sorted(
            path.relative_to(site_dir).as_posix()
            for path in site_dir.rglob("*")
            if path.is_file() and ".git" not in path.relative_to(site_dir).parts
        )
        self._known = set(self.names)
        self._pages: dict[str, Page] = {}

    def text(self, name: str) -> str:
        return (self._site_dir / name).read_text(encoding="utf-8")

    def page(self, name: str) -> Page:
        if name not in self._pages:
            self._pages[name] = read_page(self.text(name))
        return self._pages[name]

    def links(self, name: str) -> Iterable[Link]:
        ending = posixpath.splitext(name)[1].lower()
        if ending in (".html", ".htm", ".svg"):
            return self.page(name).links
        if ending == ".css":
            return [Link(url) for url in css_urls(self.text(name))]
        if ending == ".xml":
            return list(xml_links(ET.fromstring(self.text(name))))
        if ending == ".json":
            return list(json_links(name, self.text(name)))
        if (
            posixpath.basename(name) == "search_index.js"
        ):  # as a script, for pages that are read from disk
            return list(json_links(name, self.text(name).partition("=")[2].strip().rstrip(";")))
        return []

    def is_broken(self, name: str, link: Link) -> bool:
        parts = urlsplit(link.url)
        if not parts.scheme and not parts.netloc:
            if link.is_absolute:
                return True
            if not link.base and not parts.path.startswith("/") and self._leaves(name, parts.path):
                return True
        own = self._site_url + quote(name)
        target = urljoin(urljoin(own, link.base) if link.base else own, link.url)
        path, _, fragment = target.partition("#")
        path = path.partition("?")[0]
        if path.startswith(self._site_url):
            found = self._file(unquote(path[len(self._site_url) :]))
        elif path + "/" == self._site_url:
            found = self._file("")
        else:
            return False
        if found is None:
            return True
        return link.has_anchor and not self._has_anchor(found, fragment)

    def _leaves(self, name: str, path: str) -> bool:
        """Whether a relative path climbs out of the site. URLs of a host end at its root instead."""
        way = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(path)))
        return way == ".." or way.startswith("../")

    def _file(self, path: str) -> str | None:
        for name in (path, posixpath.join(path, "index.html")):
            if name in self._known:
                return name
        return None

    def _has_anchor(self, name: str, fragment: str) -> bool:
        # The standard gives `#` and `#top` to the top of a page.
        if not fragment or fragment == "top" or fragment.startswith(":~:"):
            return True
        if not name.endswith((".html", ".htm", ".svg")):
            return True
        ids = self.page(name).ids
        return fragment in ids or unquote(fragment) in ids


def broken_links(site_dir: Path, site_url: str = SITE_URL) -> list[str]:
    """`file: url` for each URL of the site's own that leads nowhere.

    Args:
        site_dir: the built site.
        site_url: as in mkdocs.yml, with a slash at its end. Absolute URLs that begin with it are the
            site's own. Others are taken for those of strangers, and nobody is asked for them.
    """
    reader = _SiteReader(site_dir, site_url)
    return [
        f"{name}: {link.url}"
        for name in reader.names
        for link in reader.links(name)
        if reader.is_broken(name, link)
    ]
