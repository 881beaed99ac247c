"""The pictures of an answer: decoded from base64, or fetched at once from the address they are at.

The download uses the standard library and sends no credential and no cookie.
"""

from __future__ import annotations

import base64
import binascii
import re
import tempfile
import time
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any, cast
from urllib.error import URLError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from mkdocs_genimage import workbench
from mkdocs_genimage.errors import Billed, ProviderError
from mkdocs_genimage.formats import sniff
from mkdocs_genimage.providers.endpoint import DEFAULT_PORTS

if TYPE_CHECKING:
    from io import FileIO
    from types import TracebackType
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
SPOOL_BYTES = 262_144
"""So much of an answer is collected before it is written to a temporary file."""
HEAD_BYTES = 100

_SCHEMES = ("blob", "data", "file", "ftp", "gs", "ipfs", "s3")
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


class Spool:
    """Bytes as they arrive: few in memory, more in an unnamed temporary file.

    Many answers may arrive at once, and none is needed before it is whole. Use it as a context manager.

    Attributes:
        size: how many bytes there are.
        head: the first of them, `HEAD_BYTES` or more where there are as many.
    """

    def __init__(self) -> None:
        self.size = 0
        self.head = b""
        self._file: FileIO | None = None
        self._unwritten = bytearray()
        self._limit: float = SPOOL_BYTES

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.close()

    def add(self, chunk: bytes) -> None:
        """Append bytes."""
        if self.size < HEAD_BYTES:
            self.head += chunk[:HEAD_BYTES]
        self.size += len(chunk)
        self._unwritten += chunk
        if len(self._unwritten) > self._limit:
            self._write()

    def read(self) -> bytes:
        """All bytes.

        Raises:
            OSError: the temporary file cannot be read.
        """
        if not self._file:
            return bytes(self._unwritten)
        self._write()
        self._file.seek(0)
        written = self._file.read()
        return written + self._unwritten if self._unwritten else written

    def _write(self) -> None:
        try:
            self._file = self._file or tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - `__exit__` closes it
            # A disk that is nearly full takes a part of it.
            del self._unwritten[: self._file.write(self._unwritten)]
        except OSError:
            # No room, or no folder for such files. What comes is paid for, so memory has to do.
            self._limit = float("inf")


def take(entry: Any) -> bytes | str:
    """The picture in one entry of an answer's `data` list, or the address that it is at.

    Args:
        entry: an object with `b64_json` or `url`. Base64 text is taken out of it, to be freed early.

    Raises:
        ProviderError: there is neither, or no picture.
    """
    entry = entry if isinstance(entry, dict) else {}
    encoded, url = entry.pop("b64_json", None), entry.get("url")
    if isinstance(encoded, str) and encoded:
        return _checked(_decode(encoded))
    if isinstance(url, str) and _DATA_URL.match(url):
        return _checked(_decode(url))
    if isinstance(url, str) and url:
        return url
    raise _lost("the answer holds neither base64 data nor an address of the picture.")


def _checked(data: bytes) -> bytes:
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


def download(url: str, base_url: str, deadline: float) -> bytes:
    """Fetch a picture that an answer names by its address.

    Allowed are https addresses, and addresses on the API's own host and port. Each redirect is held
    to the same rule. Addresses are not shown in messages: signed ones are credentials.

    Args:
        url: the address, absolute or relative to `base_url`.
        base_url: the API's address.
        deadline: point in `time.monotonic()` at which it ends.

    Raises:
        ProviderError: refused, not there, too large, too slow or no picture.
    """
    for attempt in range(DOWNLOAD_ATTEMPTS):
        try:
            data = _follow(_join(base_url + "/", url), base_url, deadline, MAX_IMAGE_BYTES)
            return _checked(data)
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
        # What is judged is what is asked for: other readers of addresses pass over blanks and control signs.
        url = _quoted(url)
        if refusal := _refusal(url, base_url):
            raise _lost(f"the picture was made but is not fetched: {refusal}.")
        # Some content networks refuse the default user agent of urllib.
        headers = {"User-Agent": "mkdocs-genimage", "Accept": "image/*"}
        request = Request(url, headers=headers)  # noqa: S310
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
    with Spool() as body:
        while (announced or 0) <= limit and body.size <= limit:
            # One read from the socket at a time: `read` would wait for a trickling server.
            chunk = response.read1(CHUNK_BYTES)
            if time.monotonic() > deadline:
                raise _TransientError("it did not come in time")
            if not chunk:
                break
            body.add(chunk)
        else:
            raise _lost(f"the picture was made but is larger than {limit:,} bytes.")
        if body.size < (announced or 0):
            raise _TransientError(f"{body.size:,} of {announced:,} bytes came")
        return workbench.unpacking.run(body.read)


def _join(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        pass
    raise _lost("the picture was made but is not fetched: its address cannot be read.")


def _quoted(url: str) -> str:
    try:
        return quote(url, safe="%/:=&?~#+!$,;'@()*[]")
    except ValueError:  # half a character, which JSON may hold
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
        # Nothing else of it: what a server sends may be anything, a key too.
        kind = f"of the kind '{target.scheme}:'" if target.scheme in _SCHEMES else "no web address"
        return f"its address is {kind}, allowed is https"
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
    encoded = text[head.end() :] if head else text
    data = _strict(encoded)
    if data is None:
        # Only now: white space is rare, and to look for it takes as long as to decode.
        encoded = "".join(encoded.split())
        data = _strict(encoded)
    if data is not None:
        return data
    if _decoded_bytes(encoded) > MAX_IMAGE_BYTES:
        raise _lost(f"the answer holds a picture larger than {MAX_IMAGE_MB} MB.")
    raise _lost("the answer holds base64 data that cannot be decoded.")


def _strict(encoded: str) -> bytes | None:
    """Bytes out of base64 text without white space, None if it is something else or too much."""
    if _decoded_bytes(encoded) > MAX_IMAGE_BYTES:
        return None
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _decoded_bytes(encoded: str) -> int:
    return len(encoded) * 3 // 4


def _lost(message: str) -> ProviderError:
    """An error for a picture that was made, hence paid for, but did not arrive."""
    return ProviderError(message, billed=Billed.YES)
