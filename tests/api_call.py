"""A request as the tests' API server got it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Part:
    """One file of a multipart request."""

    name: str
    filename: str
    mime: str
    data: bytes


@dataclass
class Call:
    """One request as it arrived, and what became of it.

    `number` counts from 1. `fields` is the JSON object, or the text fields of a multipart body.
    `at` is a point in `time.monotonic()`. `outcome` is "answered 200", "dropped" or
    "client went away", and empty as long as none of these is true.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    fields: dict[str, Any] = field(default_factory=dict)
    files: list[Part] = field(default_factory=list)
    number: int = 0
    at: float = 0.0
    outcome: str = ""


def read_multipart(call: Call, kind: str) -> None:
    """Take a multipart body apart into `call.fields` and `call.files`."""
    boundary = re.search(r'boundary="?([^";]+)', kind)
    assert boundary, kind
    for block in call.body.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, data = block.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        data = data.removesuffix(b"\r\n")
        name = re.search(rb'[ ;]name="([^"]*)"', head)
        filename = re.search(rb'filename="([^"]*)"', head)
        mime = re.search(rb"(?i)content-type: *([^\r\n]+)", head)
        assert name, head
        if filename:
            mime_text = mime[1].decode() if mime else ""
            call.files.append(Part(name[1].decode(), filename[1].decode(), mime_text, data))
        else:
            call.fields[name[1].decode()] = data.decode()
