"""Lets no connection and no name look-up leave this machine.

The tests install it in their own process. `sitecustomize.py` beside this file installs it in
child processes that have this folder on PYTHONPATH.

Code under test may swallow the error, so each attempt is also recorded: in `attempts`, and in
the file that NETWORK_GUARD_LOG names.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path
from typing import Any

LOG_VARIABLE = "NETWORK_GUARD_LOG"

attempts: list[str] = []


class OutsideConnectionError(AssertionError):
    """A test tried to reach another machine."""


# Taken at import, so that a second `install` does not wrap the first.
_CONNECTS = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex")}
_LOOKUPS = {
    name: getattr(socket, name) for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex")
}


def install() -> None:
    """Guard every socket of this process from now on."""
    for name, connect in _CONNECTS.items():
        setattr(socket.socket, name, _guarded_connect(connect))
    for name, look_up in _LOOKUPS.items():
        setattr(socket, name, _guarded_lookup(look_up))


def is_local(host: Any) -> bool:
    """Whether a host as sockets take it is this machine. Empty and unspecified ones are."""
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _guarded_connect(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_local(address[0]):
            _refuse(f"connect to {address[0]}:{address[1]}")
        return connect(self, address)

    return guarded


def _guarded_lookup(look_up: Any) -> Any:
    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        # RFC 2606 keeps this domain for names that do not exist: tests of unknown hosts use it.
        if str(host).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if not is_local(host):
            _refuse(f"look up {host!r}")
        return look_up(host, *args, **kwargs)

    return guarded


def _refuse(what: str) -> None:
    attempts.append(what)
    if log := os.environ.get(LOG_VARIABLE):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(what + "\n")
    raise OutsideConnectionError(f"tests must not leave this machine, but: {what}")
