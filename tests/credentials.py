"""A search after every test for the credentials that it used, in all that it left behind.

What counts as one is collected while a test runs, so no test has to name its keys:

- what `ProviderSettings`, `Endpoint` and the options of a `Site` are given, user info of addresses
  included;
- what reaches a server of the tests in a header for credentials;
- environment variables that are set for the test or for a child process, if their names speak of
  a key, token, secret or password, or if their values are addresses with user info.

It is searched for in

- what is logged by any logger, with tracebacks and the exceptions that led to them;
- standard output, standard error and warnings, and what `communicate` reads from a child process;
- each `ProviderError` and what ends a `Site.build`, as text, `repr` and with its traceback; the
  `repr` of settings, endpoints and providers;
- names and contents of all files in the test's temporary folders, but not in a file that still
  has exactly what `Site.write` put there: a key in mkdocs.yml is the author's own.

A credential is found in any case, as it is, as JSON, Python, HTML and URLs spell it, and in base64,
and so is each part of it with 12 or more characters. One with fewer than 8 is not searched for:
servers on this machine take any word.
"""

from __future__ import annotations

import base64
import binascii
import functools
import html
import json
import logging
import os
import re
import stat
import subprocess
import tempfile
import traceback
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote

import pytest
from api_call import Call
from sites import Build, Site

from mkdocs_genimage.errors import ProviderError
from mkdocs_genimage.providers import ProviderSettings
from mkdocs_genimage.providers.endpoint import Endpoint
from mkdocs_genimage.providers.openai import OpenAIProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MIN_SECRET = 8
"""Characters. Shorter ones are words like `local` and `none`."""

MIN_FRAGMENT = 12
"""Characters of a credential that count as a leak of it."""

MIN_FRAGMENT_BASE64 = MIN_FRAGMENT * 8 // 6 - 1
"""Of so many bytes, at least so many base64 characters are whole."""

ORDINARY = b"0123456789abcdefghijklmnopqrstuvwxyz0123456789"
"""Pieces of it stand in scripts of themes. They are no sign of a credential that has them too."""

SECRET_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
SECRET_HEADERS = ("authorization", "proxy-authorization", "api-key", "x-api-key")
USER_INFO = re.compile(r"://([^\s/@]+)@")

ANSWER_HEADERS = re.compile(r"receive_response_headers\.complete |HTTP Response: |request_id: ")
HTTP_CLIENTS = ("openai", "httpx", "httpcore")
"""Their debug messages hold the headers of an answer, whatever a server puts there."""


@dataclass(frozen=True)
class Spelling:
    """One way to write a credential: lower case, and the length from which a part of it counts."""

    text: bytes
    least: int

    def find(self, lowered: bytes) -> bytes:
        """The longest part of it in a text that is in lower case; empty if there is none."""
        return max(self._parts(lowered), key=len, default=b"")

    def _parts(self, lowered: bytes) -> Iterator[bytes]:
        text = self.text
        least = min(self.least, len(text))
        # Each part of `least` characters holds one of these pieces whole.
        step = len(text) if least == len(text) else (least + 1) // 2
        for start in range(0, len(text) - step + 1, step):
            place = lowered.find(text[start : start + step])
            while place >= 0:
                left, right = 0, step
                while (
                    left < min(start, place) and text[start - left - 1] == lowered[place - left - 1]
                ):
                    left += 1
                while text[start + right : start + right + 1] == lowered[
                    place + right : place + right + 1
                ] and start + right < len(text):
                    right += 1
                part = text[start - left : start + right]
                if part == text or (len(part) >= least and part not in ORDINARY):
                    yield part
                # Not behind it: a credential may repeat itself.
                place = lowered.find(text[start : start + step], place + 1)


@functools.cache
def spellings(secret: str) -> tuple[Spelling, ...]:
    """How a credential could be written."""
    plain = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        html.escape(secret),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
    }
    found = {Spelling(text.encode().lower(), MIN_FRAGMENT) for text in plain}
    data = secret.encode()
    for shift in range(3):  # by what stands in front of it
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            coded = encode(bytes(shift) + data)[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
            found.add(Spelling(coded.lower(), MIN_FRAGMENT_BASE64))
    return tuple(sorted(found, key=lambda one: one.text))


def search(secrets: Iterable[str], lowered: bytes) -> str:
    """The longest part of any of the credentials in a text that is in lower case; empty if none."""
    every = {one for secret in secrets for one in spellings(secret)}
    return max((one.find(lowered) for one in every), key=len, default=b"").decode()


class Watch:
    """What one test used and left behind; `end` begins anew."""

    def __init__(self) -> None:
        self._environment = dict(os.environ)
        self._clean: dict[frozenset[str], set[tuple[int, int]]] = {}
        self._reset()

    def _reset(self) -> None:
        self.secrets: set[str] = set()
        self._texts: list[tuple[str, str]] = []
        self._folders: list[Path] = []
        self._written: dict[str, bytes] = {}
        self._leaks: list[str] = []

    def end(self) -> list[str]:
        """`place: what of a credential shows there` for each place; empty if none shows."""
        try:
            if self.secrets:
                self._search_texts()
                for folder in self._folders:
                    self._search_folder(folder)
            return sorted(set(self._leaks))
        finally:
            self._reset()

    # --- what is a credential ---

    def add_secret(self, text: str) -> None:
        """Search for a text, and for its parts where a blank or a line break is in it."""
        text = text.encode("utf-8", "replace").decode()  # variables may hold bytes that are no text
        self.secrets.update(one for one in (text.strip(), *text.split()) if len(one) >= MIN_SECRET)

    def add_user_info(self, text: str) -> None:
        """Search for `name:password`, and for each of them alone."""
        for one in {text, unquote(text)}:
            for part in (one, *one.split(":", 1)):
                self.add_secret(part)

    def add_header(self, value: str) -> None:
        """Search for the credential of an `Authorization` header."""
        scheme, _, rest = value.partition(" ")
        self.add_secret(rest or scheme)
        if scheme.lower() == "basic":
            with suppress(binascii.Error, ValueError):
                self.add_user_info(base64.b64decode(rest, validate=True).decode())

    def add_environment(self, variables: Mapping[str, str]) -> None:
        """Search for the credentials in variables that were set since the tests began."""
        for name, value in variables.items():
            if self._environment.get(name) == value:
                continue  # of the developer's machine: none of our business, and never to be shown
            if SECRET_NAMES.search(name):
                self.add_secret(value)
            for user_info in USER_INFO.findall(value):
                self.add_user_info(user_info)

    # --- what it could show in ---

    def add_text(self, place: str, text: str | bytes | None) -> None:
        """Search a text when the test is over."""
        if text:
            decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
            self._texts.append((place, decoded))

    def add_record(self, record: logging.LogRecord) -> None:
        """Search a log record. It is formatted here, as its arguments may change."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError):
            text = f"{record.msg!r} {record.args!r}"
        of_client = record.levelno == logging.DEBUG and record.name.startswith(HTTP_CLIENTS)
        if of_client and ANSWER_HEADERS.match(text):
            return
        if record.exc_info and record.exc_info[1]:
            text += "\n" + whole(record.exc_info[1])
        self.add_text(f"log of {record.name}", f"{text}\n{record.stack_info or ''}")

    def add_folder(self, folder: Path) -> None:
        """Search all files below a folder when the test is over."""
        self._folders.append(folder)

    def add_written(self, site: Site, files: Mapping[str, str | bytes]) -> None:
        """Files that are the test's own, as long as nothing else is in them."""
        for name, content in files.items():
            path = os.path.normpath(site.root / name)
            self._written[path] = content if isinstance(content, bytes) else content.encode()

    def search_now(self, folder: Path) -> None:
        """Search a folder that is about to be removed."""
        if self.secrets:
            self._search_folder(folder)

    def _search_texts(self) -> None:
        # Nearly always nothing is found, so all are searched at once.
        together = "\n".join(text for _, text in self._texts)
        if self._find(together.encode("utf-8", "replace")):
            for place, text in self._texts:
                if part := self._find(text.encode("utf-8", "replace")):
                    self._leaks.append(f"{place}: {part!r}")

    def _search_folder(self, folder: Path) -> None:
        for root, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(root, name)  # noqa: PTH118 - many files, so no objects
                place = os.path.relpath(path, folder)
                if part := self._find(place.encode("utf-8", "surrogateescape")):
                    self._leaks.append(f"name of the file {place}: {part!r}")
                with suppress(OSError):  # gone, or not ours to read
                    if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
                        continue
                    data = Path(path).read_bytes()
                    if data != self._written.get(path) and (part := self._find(data)):
                        self._leaks.append(f"file {place}: {part!r}")

    def _find(self, data: bytes) -> str:
        # Sites have the same files of their theme again and again.
        clean = self._clean.setdefault(frozenset(self.secrets), set())
        mark = (len(data), hash(data))
        if mark in clean:
            return ""
        part = search(self.secrets, data.lower())
        if not part:
            clean.add(mark)
        return part


watch = Watch()
"""Of the test that runs."""


def whole(error: BaseException) -> str:
    """An exception with its traceback and all that led to it."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


# --- where a Watch gets it all from -----------------------------------------------------------------


def install() -> None:
    """Let the watch see what the tests of this process do from now on."""

    def see_settings(settings: ProviderSettings, *_: Any) -> None:
        watch.add_text("repr of ProviderSettings", repr(settings))
        watch.add_secret(settings.api_key)
        for user_info in USER_INFO.findall(settings.base_url):
            watch.add_user_info(user_info)

    def see_endpoint(endpoint: Endpoint, *_: Any) -> None:
        watch.add_secret(endpoint.api_key)
        watch.add_user_info(endpoint.user_info)
        watch.add_environment(os.environ)
        watch.add_text("repr of an Endpoint", f"{endpoint!r} {endpoint.host} {endpoint.problem}")

    def see_options(site: Site) -> None:
        """The build may be a child process, and the key may reach no server."""
        options = site.options or {}
        if isinstance(key := options.get("api_key"), str):
            watch.add_secret(key)
        for user_info in USER_INFO.findall(str(options.get("base_url", ""))):
            watch.add_user_info(user_info)

    def see_provider(provider: OpenAIProvider, *_: Any) -> None:
        watch.add_text("repr of an OpenAIProvider", f"{provider!r} {vars(provider)!r}")

    def see_call(call: Call, *_: Any) -> None:
        for name in SECRET_HEADERS:
            watch.add_header(call.headers.get(name, ""))

    def see_child(_child: Any, _result: Any, options: Mapping[str, Any]) -> None:
        watch.add_environment(options.get("env") or os.environ)

    def see_child_output(_child: Any, result: tuple[Any, Any], _options: Any) -> None:
        for text in result:
            watch.add_text("output of a child process", text)

    def see_output(_fixture: Any, result: Any, _options: Any) -> None:
        for text in result:
            watch.add_text("output", text)

    def see_error(error: ProviderError, *_: Any) -> None:
        watch.add_text("ProviderError", f"{error} {error!r} {vars(error)!r}")

    def see_build(build: Build, *_: Any) -> None:
        if build.error is not None:
            watch.add_text("error of a build", whole(build.error))

    def see_warning(warning: warnings.WarningMessage, *_: Any) -> None:
        watch.add_text("warning", str(warning.message))

    def see_temporary_folder(_factory: Any, result: Path, _options: Any) -> None:
        watch.add_folder(result)

    _after(ProviderSettings, "__init__", see_settings)
    _after(Endpoint, "__init__", see_endpoint)
    _after(OpenAIProvider, "__init__", see_provider)
    _after(Call, "__init__", see_call)
    _after(subprocess.Popen, "__init__", see_child)
    _after(subprocess.Popen, "communicate", see_child_output)
    _after(pytest.CaptureFixture, "readouterr", see_output)
    _after(ProviderError, "__init__", see_error)
    _after(Build, "__init__", see_build)
    _after(warnings.WarningMessage, "__init__", see_warning)
    _after(pytest.TempPathFactory, "mktemp", see_temporary_folder)
    _before(logging.Logger, "handle", lambda _logger, record: watch.add_record(record))
    _before(Site, "write", watch.add_written)
    _before(Site, "write_config", see_options)
    _before(
        tempfile.TemporaryDirectory,
        "cleanup",
        lambda folder: watch.search_now(Path(os.fsdecode(folder.name))),
    )


def _after(kind: type, name: str, see: Callable[[Any, Any, Mapping[str, Any]], None]) -> None:
    """Have `see` called with the object, the result and the named arguments of each call."""
    original = getattr(kind, name)

    @functools.wraps(original)
    def method(self: Any, *args: Any, **options: Any) -> Any:
        result = original(self, *args, **options)
        see(self, result, options)
        return result

    setattr(kind, name, method)


def _before(kind: type, name: str, see: Callable[..., None]) -> None:
    """Have `see` called with the object and the arguments of each call."""
    original = getattr(kind, name)

    @functools.wraps(original)
    def method(self: Any, *args: Any, **options: Any) -> Any:
        see(self, *args, **options)
        return original(self, *args, **options)

    setattr(kind, name, method)
