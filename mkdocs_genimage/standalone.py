"""The Markdown extension without MkDocs: shows what is in the cache, never makes anything.

    markdown.markdown(text, extensions=["genimage"], extension_configs={"genimage": {...}})

Options: `cache_dir` (default `genimage`), `url` (what stands in front of file names; default the
cache_dir), `styles` and `defaults` as in mkdocs.yml, `docs_dir` (for the paths of `image` and `mask`;
default `.`). A picture that is not in the cache shows as a placeholder within the page itself. Pictures for
dark mode are left out, as the stylesheet that switches them comes with MkDocs only.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mkdocs_genimage.block import parse_block
from mkdocs_genimage.cache import Cache, StoredImage
from mkdocs_genimage.compose import Site, compose, read_styles
from mkdocs_genimage.entries import Shown, requested_size
from mkdocs_genimage.errors import BlockError, ConfigurationError, OptionError
from mkdocs_genimage.figure import Picture, build_figure, error_figure
from mkdocs_genimage.formats import MIME_TYPES, sniff
from mkdocs_genimage.log import log
from mkdocs_genimage.markdown import GenimageExtension
from mkdocs_genimage.options import SITE_WIDE, read_options
from mkdocs_genimage.places import Place, Source
from mkdocs_genimage.providers import ProviderSettings, load_provider

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from markdown import Markdown

    from mkdocs_genimage.fences import Fence
    from mkdocs_genimage.request import ImageRequest


class CachedPictures:
    """A renderer that only reads the cache.

    Args:
        site: styles, defaults and folders.
        cache: where to look.
        url: what stands in front of a file name.
    """

    def __init__(self, site: Site, cache: Cache, url: str) -> None:
        self.site = site
        self.cache = cache
        self._url = url
        self._drafts = load_provider("placeholder", ProviderSettings())

    def prepare(self, lines: list[str], md: Markdown) -> list[str]:
        """Nothing to put back: nothing was taken."""
        return lines

    def document(self, fences: Sequence[Fence], md: Markdown) -> _Document:
        """Begin one conversion."""
        return _Document(self, fences)

    def picture(self, request: ImageRequest, variant: int) -> Picture:
        """A cached image, or a placeholder as a data URL."""
        found = self.cache.find(request, variant)
        if isinstance(found, StoredImage):
            shown = Shown.stored(found, request)
            src = self._url + quote(shown.name)
            return Picture(src, shown.width, shown.height, source_type=shown.source_type)
        if found.reason:
            log.warning("%s", found.reason)
        data = self._drafts.generate(request, variant).images[variant - 1]
        url = f"data:{MIME_TYPES[sniff(data) or 'svg']};base64,{base64.b64encode(data).decode()}"
        return Picture(url, *requested_size(request), placeholder=True)


class _Document:
    def __init__(self, pictures: CachedPictures, fences: Sequence[Fence]) -> None:
        self._pictures = pictures
        self._source = Source("text", lambda: "", fences)

    def figure(self, fence: Fence) -> Element:
        place = Place(self._source, fence)
        try:
            block = parse_block(fence.header, fence.body)
            composed = compose(block, self._pictures.site, {}, None)
        except BlockError as error:
            for problem in error.problems:
                log.warning("line %d: %s", fence.start + problem.line + 1, problem.message)
            return error_figure(f"line {place.fence.start + 1}")
        pictures = [
            self._pictures.picture(composed.request, variant) for variant in composed.shown_variants
        ]
        return build_figure(pictures, composed.options)

    def near_miss(self, line: str, index: int, advice: str) -> None:
        log.warning("line %d: %s", index + 1, advice)


def makeExtension(**options: Any) -> GenimageExtension:  # noqa: N802
    """What Python-Markdown calls for `genimage`.

    Raises:
        ConfigurationError: an option does not exist or has a wrong value.
    """
    known = ("cache_dir", "url", "styles", "defaults", "docs_dir")
    for name in options:
        if name not in known:
            raise ConfigurationError(f"there is no option '{name}'. Allowed: {', '.join(known)}.")
    defaults, wrong = read_options(options.get("defaults"), SITE_WIDE)
    if wrong:
        raise ConfigurationError(" ".join(message for _, message in wrong))
    try:
        styles = read_styles(options.get("styles") or {})
    except OptionError as error:
        raise ConfigurationError(f"'styles': {error}") from None
    folder = Path(options.get("cache_dir", "genimage"))
    docs = Path(options.get("docs_dir", "."))
    site = Site(
        model="",
        project_dir=docs,
        docs_dir=docs,
        defaults=defaults,
        styles=styles,
    )
    if site.problem():
        raise ConfigurationError(site.problem())
    url = str(options.get("url", folder.as_posix())).rstrip("/") + "/"
    return GenimageExtension(CachedPictures(site, Cache(folder), url))
