"""Where requests go and with which credential, and what of it may be shown."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from mkdocs_genimage.providers.redaction import Redactor

if TYPE_CHECKING:
    from mkdocs_genimage.providers import ProviderSettings

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_PORTS = {"http": 80, "https": 443}

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(frozen=True)
class Endpoint:
    """One server and the credential for it.

    Attributes:
        base_url: its address with the version path, without credential and ending slash.
        base_url_from: the option or variable that sets it, for messages.
        api_key: the credential; empty if none is set.
        api_key_from: the option or variable that holds it.
        user_info: `name:password` out of the address; empty if there is none.
        problem: why no request can be sent, with the cure; empty if one can.
        other_secrets: what else goes with a request and is nobody's business.
    """

    base_url: str
    base_url_from: str
    api_key: str = field(repr=False)
    api_key_from: str = ""
    user_info: str = field(default="", repr=False)
    problem: str = ""
    other_secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def host(self) -> str:
        """Host name, with the port unless it is the scheme's own; empty if the address has none."""
        parts = split_address(self.base_url)
        return host_and_port(parts) if parts else ""

    @property
    def basic(self) -> str:
        """What an `Authorization: Basic` header says for the address's credential; may be empty."""
        return base64.b64encode(self.user_info.encode()).decode()

    @property
    def credential(self) -> str:
        """What is sent as a credential and where it is from, in words; empty if none is sent."""
        if self.user_info:  # as the header that a key would be sent in
            return f"name and password in {self.base_url_from}"
        return f"API key in {self.api_key_from}" if self.api_key else ""

    @cached_property
    def redactor(self) -> Redactor:
        """Hides all that is a secret of this endpoint."""
        password = self.user_info.partition(":")[2]
        return Redactor((self.api_key, self.user_info, *self.other_secrets), password)

    def redact(self, text: str) -> str:
        """`text` as one short line without any credential."""
        return self.redactor.line(text)


def find_endpoint(settings: ProviderSettings) -> Endpoint:
    """The endpoint that the settings name, or else the environment, or else OpenAI's.

    Empty and blank values count as unset: that is what an unset secret is in most CI systems.
    """
    base_url, base_url_from = _first(settings.base_url, "base_url", "OPENAI_BASE_URL")
    api_key, api_key_from = _first(settings.api_key, "api_key", "OPENAI_API_KEY")
    if settings.has_own_key:
        api_key, api_key_from = settings.api_key.strip(), "'api_key'"
    if not base_url:
        base_url, base_url_from = DEFAULT_BASE_URL, "'base_url'"
    parts = split_address(base_url)
    if parts is None:
        problem = (
            f"{base_url_from} is no http(s) address with a host. "
            f"Write it like {DEFAULT_BASE_URL}, without a query."
        )
        return Endpoint("", base_url_from, api_key, api_key_from, problem=problem)
    user_info, _, _ = parts.netloc.rpartition("@")
    return Endpoint(
        base_url=_without_user_info(parts).geturl().rstrip("/"),
        base_url_from=base_url_from,
        api_key=api_key,
        api_key_from=api_key_from,
        user_info=unquote(user_info),
        problem=_key_problem(api_key, api_key_from, optional=bool(user_info) or is_loopback(parts)),
        other_secrets=_secrets_of_environment(),
    )


def split_address(url: str) -> SplitResult | None:
    """The parts of an http(s) address with a host and no query; None if it is none."""
    if not re.fullmatch(r"[^\s\x00-\x20\x7f\\]+", url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    usable = parts.scheme in DEFAULT_PORTS and parts.hostname and port != 0
    return parts if usable and not parts.query and not parts.fragment else None


def host_and_port(parts: SplitResult) -> str:
    """`host`, or `host:port` where the port is not the scheme's own."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    own = parts.port in (None, DEFAULT_PORTS.get(parts.scheme))
    return host if own else f"{host}:{parts.port}"


def is_loopback(parts: SplitResult) -> bool:
    """Whether the address is this machine, where servers need no key."""
    host = parts.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _first(option: str, name: str, variable: str) -> tuple[str, str]:
    """The first that is set of an option and an environment variable, stripped, and its name."""
    value = option.strip()
    return (value, f"'{name}'") if value else (os.environ.get(variable, "").strip(), variable)


def _secrets_of_environment() -> tuple[str, ...]:
    """What variables add to requests: headers that the SDK sends along, credentials for proxies."""
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    found = [line.partition(":")[2].strip() for line in lines]
    names = (*PROXY_VARIABLES, *map(str.lower, PROXY_VARIABLES))
    before_hosts = (os.environ.get(name, "").rpartition("@")[0] for name in names)
    found += [re.sub(r"^\w+://", "", text) for text in before_hosts]
    return tuple(dict.fromkeys(filter(None, found)))


def _without_user_info(parts: SplitResult) -> SplitResult:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2])


def _key_problem(key: str, origin: str, *, optional: bool) -> str:
    """What is wrong with a key; the key itself is never named."""
    if not key and optional:
        return ""
    if not key and origin == "'api_key'":
        return (
            "no API key is set: 'api_key' in mkdocs.yml is empty, as the environment variable that it "
            "names is not set. Set that one, or 'missing: placeholder' to build without new images."
        )
    if not key:
        return (
            "no API key is set. Set the environment variable OPENAI_API_KEY, or "
            "'api_key: !ENV YOUR_VARIABLE' in mkdocs.yml, or 'missing: placeholder' to build "
            "without new images."
        )
    if all("!" <= char <= "~" for char in key):
        return ""
    return (
        f"the API key in {origin} holds a blank, a line break or a character that is not ASCII. "
        "Copy the key again, without quotes and without anything around it."
    )
