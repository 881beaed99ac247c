"""The pictures of an answer: decoded from base64, or fetched at once from the address they are at.

The download uses the standard library and sends no credential and no cookie.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any, cast
from urllib.error import URLError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from mkdocs_genimage.errors import Billed, ProviderError
from mkdocs_genimage.formats import sniff
from mkdocs_genimage.providers.endpoint import DEFAULT_PORTS

if TYPE_CHECKING:
    from urllib.parse import SplitResult

MAX_IMAGE_MB = 60
MAX_IMAGE_BYTES = MAX_IMAGE_MB * 1024 * 1024
"""Largest picture taken: the largest size on offer, 3840x2160, has 33 MB raw in 8-bit RGBA."""

MAX_REDIRECTS = 5
DOWNLOAD_ATTEMPTS = 3
"""A picture that is paid for is worth asking for again; fetching it costs nothing."""
DOWNLOAD_PAUSE = 0.3
"""Seconds before the second attempt; the third waits twice as long."""
CHUNK_BYTES = 65536

_REDIRECTS = (301, 302, 303, 307, 308)
_DATA_URL = re.compile(r"data:image/[\w.+-]+(?:;[\w=.+-]+)*;base64,", re.IGNORECASE)


_BEGINNINGS = (
    ((b"<!doctype html", b"<html", b"<head", b"<body"), "an HTML page"),
    ((b"{", b"["), "JSON"),
    ((b"<",), "XML"),
)
_TEXT_BYTES = bytes([9, 10, 13, *range(32, 127), *range(128, 256)])


class _TransientError(Exception):
    """A download that may work at the next attempt."""


def picture(item: Any, base_url: str, deadline: float) -> bytes:
    """The bytes of one entry of an answer's `data` list, unchanged.

    Args:
        item: the entry: an object with `b64_json` or `url`.
        base_url: the API's address; a relative `url` is read against it.
        deadline: point in `time.monotonic()` at which a download ends.

    Raises:
        ProviderError: there is no picture in it, or it cannot be had.
    """
    entry = item if isinstance(item, dict) else {}
    encoded, url = entry.get("b64_json"), entry.get("url")
    if isinstance(encoded, str) and encoded:
        data = _decode(encoded)
    elif isinstance(url, str) and _DATA_URL.match(url):
        data = _decode(url)
    elif isinstance(url, str) and url:
        data = download(url, base_url, deadline, MAX_IMAGE_BYTES)
    else:
        raise _lost("the answer holds neither base64 data nor an address of the picture.")
    if sniff(data) is None:
        raise _lost(f"the answer holds {looks_like(data)} instead of a picture.")
    return data


def looks_like(data: bytes) -> str:
    """What bytes that are no picture seem to be, in words for a message."""
    if not data:
        return "nothing"
    if data[4:12] in (b"ftypavif", b"ftypheic"):
        return "an AVIF or HEIC picture"
    start = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for beginnings, name in _BEGINNINGS:
        if start.startswith(beginnings):
            return name
    return "text" if not start.translate(None, _TEXT_BYTES) else "unknown bytes"


def download(url: str, base_url: str, deadline: float, limit: int) -> bytes:
    """Fetch a picture that an answer names by its address.

    Allowed are https addresses, and addresses on the API's own host and port. Each redirect is held
    to the same rule. Addresses are not shown in messages: signed ones are credentials.

    Args:
        url: the address, absolute or relative to `base_url`.
        base_url: the API's address.
        deadline: point in `time.monotonic()` at which it ends.
        limit: bytes.

    Raises:
        ProviderError: refused, not there, too large or too slow.
    """
    for attempt in range(DOWNLOAD_ATTEMPTS):
        try:
            return _follow(_join(base_url + "/", url), base_url, deadline, limit)
        except _TransientError as error:
            reason = str(error)
        pause = DOWNLOAD_PAUSE * 2**attempt
        if attempt == DOWNLOAD_ATTEMPTS - 1 or time.monotonic() + pause >= deadline:
            break
        time.sleep(pause)
    raise _lost(f"the picture was made but could not be fetched: {reason}.")


def _follow(url: str, base_url: str, deadline: float, limit: int) -> bytes:
    """Fetch `url`, through at most `MAX_REDIRECTS` redirects."""
    # No handler for redirects, errors, files or other schemes: each hop comes back here.
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler()):
        opener.add_handler(handler)
    for _ in range(MAX_REDIRECTS + 1):
        if refusal := _refusal(url, base_url):
            raise _lost(f"the picture was made but is not fetched: {refusal}.")
        # Some content networks refuse the default user agent of urllib.
        headers = {"User-Agent": "mkdocs-genimage", "Accept": "image/*"}
        request = Request(quote(url, safe="%/:=&?~#+!$,;'@()*[]"), headers=headers)  # noqa: S310
        try:
            seconds = max(deadline - time.monotonic(), 0.001)
            with cast("HTTPResponse", opener.open(request, timeout=seconds)) as response:
                if response.status in _REDIRECTS and (target := response.headers["Location"]):
                    url = _join(url, target)
                    continue
                if response.status != 200:
                    raise _TransientError(f"its server answered HTTP {response.status}")
                return _read(response, deadline, limit)
        except URLError as error:
            raise _TransientError(f"no connection ({type(error.reason).__name__})") from None
        except (OSError, HTTPException, ValueError) as error:
            raise _TransientError(f"the connection broke off ({type(error).__name__})") from None
    raise _lost(f"the picture was made but its address redirects more than {MAX_REDIRECTS} times.")


def _read(response: HTTPResponse, deadline: float, limit: int) -> bytes:
    """The body, never more than `limit` bytes of it and never past the deadline."""
    announced = response.length
    data = bytearray()
    while (announced or 0) <= limit and len(data) <= limit:
        # One read from the socket at a time: `read` would wait for a trickling server.
        chunk = response.read1(CHUNK_BYTES)
        if time.monotonic() > deadline:
            raise _TransientError("it did not come in time")
        if not chunk:
            break
        data += chunk
    else:
        raise _lost(f"the picture was made but is larger than {limit:,} bytes.")
    if len(data) < (announced or 0):
        raise _TransientError(f"{len(data):,} of {announced:,} bytes came")
    return bytes(data)


def _join(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        pass
    raise _lost("the picture was made but is not fetched: its address cannot be read.")


def _refusal(url: str, base_url: str) -> str:
    """Why `url` must not be fetched; empty if it may."""
    try:
        target, api = urlsplit(url), urlsplit(base_url)
        same_server = _server(target) == _server(api)
    except ValueError:
        return "its address cannot be read"
    if target.scheme not in DEFAULT_PORTS:
        return f"its address is of the kind '{target.scheme[:20]}:', allowed is https"
    if not target.hostname:
        return "its address cannot be read"
    if "@" in target.netloc or "\\" in target.netloc:
        return "its address holds a user name"
    if target.scheme == "https" or same_server:
        return ""
    return "its address is http on another server than the API's, allowed is https"


def _server(parts: SplitResult) -> tuple[str | None, int | None]:
    return parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)


def _decode(text: str) -> bytes:
    """Bytes out of base64 text, which may have a data URL's head, line breaks, and no padding."""
    head = _DATA_URL.match(text)
    encoded = "".join(text[head.end() if head else 0 :].split())
    if len(encoded) * 3 // 4 > MAX_IMAGE_BYTES:
        raise _lost(f"the answer holds a picture larger than {MAX_IMAGE_MB} MB.")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        pass
    raise _lost("the answer holds base64 data that cannot be decoded.")


def _lost(message: str) -> ProviderError:
    """An error for a picture that was made, hence paid for, but did not arrive."""
    return ProviderError(message, billed=Billed.YES)
