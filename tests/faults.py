"""What can go wrong with one request for a picture, as data, and a server on which it goes wrong.

Each `Fault` says how the request fares, what the author must be told, and what it may have cost. The
`FaultServer` is a healthy Images API except for one prompt: the first, the middle or the last that it
is asked for.
"""

from __future__ import annotations

import struct
import threading
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from api_server import ImagesServer, Reply, error_body
from pictures import picture

from mkdocs_genimage.errors import Billed
from mkdocs_genimage.sending import MAX_RETRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api_call import Call

BLOCKS = 6
SIZE = "64x48"
POSITIONS = {"first": 0, "middle": 2, "last": BLOCKS - 1}
TRANSPORTS = ("b64", "url")
KEY = "sk-test-Quokka0123456789abcdefghijklmnop"
HELD_SECONDS = 10.0
"""For how long at most one request waits for what becomes of another."""

NO, MAYBE, YES = Billed.NO, Billed.MAYBE, Billed.YES


def sound_picture(prompt: str) -> bytes:
    """What a healthy `FaultServer` sends for a prompt."""
    return picture(f"{prompt}#0", SIZE)


class FaultServer(ImagesServer):
    """An Images API that fails for one prompt.

    Args:
        fault: what goes wrong; None for a healthy server.
        position: which of the prompts meets it, from 0, in the order in which they arrive.
        deliver: how pictures travel: "b64" or "url".
        concurrency: requests at once. With 2, a request that meets a fatal fault has another one in
            flight beside it, which is answered only after the client has told the failure (`told`).
    """

    def __init__(
        self,
        fault: Fault | None = None,
        position: int = 0,
        deliver: str = "b64",
        concurrency: int = 1,
    ) -> None:
        super().__init__(reply=self._choose)
        self.fault = fault
        self.position = position
        self.deliver = deliver
        self.partner = -1
        if fault and fault.fatal and concurrency > 1:
            self.partner = position + 1 if position + 1 < BLOCKS else position - 1
        self.told = threading.Event()
        self.order: list[str] = []
        self.met = 0
        self.at_fault: Callable[[], object] | None = None
        """Called where there is no `fault`, once, before the answer to the prompt before the position."""
        self._arrival = threading.Condition()

    @property
    def faulty(self) -> str:
        """The prompt that meets the fault."""
        return self.order[self.position]

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self.fault = None

    def leave(self) -> None:
        """Stop listening: connections that exist go on, new ones are refused."""
        self._http.shutdown()
        self._http.server_close()

    def _choose(self, call: Call) -> Reply:
        prompt = call.fields["prompt"]
        with self._arrival:
            if prompt not in self.order:
                self.order.append(prompt)
            self._arrival.notify_all()
            index = self.order.index(prompt)
            fault = self.fault
            is_fault = fault is not None and index == self.position
            self.met += is_fault
            if self.at_fault and not fault and index == self.position - 1:
                self.at_fault()
                self.at_fault = None
            if fault is None or (is_fault and self.met > (fault.times or self.met)):
                return Reply(deliver=self.deliver)
            if is_fault and self.partner >= 0:
                self._arrival.wait_for(lambda: len(self.order) > self.partner, HELD_SECONDS)
        if is_fault:
            return fault.reply(self, call)
        if fault.fatal and (index == self.partner or index > self.position):
            self.told.wait(HELD_SECONDS)
        return Reply(deliver=self.deliver)


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong with a request.

    name: of the fault.
    reply: how the server answers a request that meets it.
    says: a pattern for words of the warning; empty where the picture comes in the end.
    billed: whether the server may have counted a picture for such a request.
    fatal: whether every later request would fail, too, so that none is sent.
    sends: how often the prompt is sent in one build. More than once is safe only where nothing is billed.
    times: how many requests meet it; None for all.
    transports: in which of them it can happen, where the pictures have to do with it.
    options: the plugin's options it needs.
    patches: values of the package it needs, by their names in it.
    remembered: whether the next build does not ask for the picture, either.
    """

    name: str
    reply: Callable[[FaultServer, Call], Reply]
    says: str
    billed: Billed
    fatal: bool = False
    sends: int = 1
    times: int | None = None
    transports: tuple[str, ...] = TRANSPORTS
    options: Mapping[str, Any] = field(default_factory=dict)
    patches: Mapping[str, Any] = field(default_factory=dict)
    remembered: bool = False

    @property
    def is_overcome(self) -> bool:
        return not self.says


# --- How the server answers -------------------------------------------------------------------------


def always(reply: Reply) -> Callable[[FaultServer, Call], Reply]:
    return lambda _server, _call: reply


def refused(status: int, message: str, code: str = "", **more: Any) -> Callable[..., Reply]:
    """An error in OpenAI's shape. It repeats the key, as careless gateways do."""

    def reply(_server: FaultServer, call: Call) -> Reply:
        key = call.headers["authorization"]
        body = error_body(f"{message} (sent with {key})", code or None)
        headers = {"x-request-id": f"req_{call.number}_{key.split()[-1]}"}
        return Reply(status=status, body=body, headers=headers, **more)

    return reply


def made(data: bytes | Callable[[], bytes]) -> Callable[[FaultServer, Call], Reply]:
    """These bytes are sent as the picture."""

    def reply(server: FaultServer, _call: Call) -> Reply:
        content = data() if callable(data) else data
        return Reply(deliver=server.deliver, data=content)

    return reply


def made_larger(count: int) -> Callable[[FaultServer, Call], Reply]:
    """A sound picture with a comment of so many bytes."""

    def reply(_server: FaultServer, call: Call) -> Reply:
        plain = sound_picture(call.fields["prompt"])
        comment = _png_chunk(b"tEXt", b"Comment\0" + b"x" * count)
        return Reply(data=plain[:-12] + comment + plain[-12:])

    return reply


def busy(status: int, wait: str = "") -> Callable[[FaultServer, Call], Reply]:
    headers = {"Retry-After": wait} if wait else {}
    return always(Reply(status=status, body=error_body("busy"), headers=headers))


def busy_then(reply: Callable[[FaultServer, Call], Reply]) -> Callable[[FaultServer, Call], Reply]:
    return lambda server, call: (busy(429) if server.met == 1 else reply)(server, call)


def moved(target: str, status: int = 302) -> Reply:
    return Reply(status=status, body="", headers={"Location": target})


def located(url: str, page: Reply | None = None) -> Callable[[FaultServer, Call], Reply]:
    """The picture is at an address of which `{base}` is this server's, where `page` is what is found.

    Without `page` the picture itself is there.
    """

    def reply(server: FaultServer, call: Call) -> Reply:
        sound = Reply(body=sound_picture(call.fields["prompt"]))
        address = url.format(
            base=server.url, elsewhere=server.url.replace("127.0.0.1", "localhost")
        )
        server.pages["/fault"] = page or sound
        return Reply(body={"data": [{"url": address}], "usage": {"output_tokens": 196}})

    return reply


def cut_download(server: FaultServer, call: Call) -> Reply:
    server.pages["/fault"] = Reply(body=sound_picture(call.fields["prompt"]), drop="body")
    return Reply(body={"data": [{"url": f"{server.url}/fault"}]})


# --- Bytes that are no usable picture ----------------------------------------------------------------


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    """A sound PNG file of 100,000 x 100,000 pixels, as far as its header goes."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _png_chunk(b"IHDR", header)
        + _png_chunk(b"IDAT", zlib.compress(bytes(300_001)))
        + _png_chunk(b"IEND", b"")
    )


@lru_cache
def huge_picture() -> bytes:
    """A PNG file of a little more than 60 MB."""
    return sound_picture("huge") + bytes(61 * 1024 * 1024)


@lru_cache
def huge_answer() -> bytes:
    return b'{"data": [{"b64_json": "' + b"A" * 86_000_000


HALF = sound_picture("half")[:-40]
AVIF = b"\x00\x00\x00\x20ftypavif\x00\x00\x00\x00avifmif1miaf" + bytes(200)
LOGIN = "<!doctype html><title>Log in</title><form><input name=password></form>"
CUT_JSON = b'{"created": 1, "data": [{"b64_json": "iVBORw0KGgo'

SHORT = {"timeout": 1}
LATE = 0.2
SOON_LATE = {"providers.failures.QUICK_SECONDS": LATE / 2}
SHORT_WAIT = {"sending.MAX_RETRY_WAIT": LATE}
LATE_WORDS = "within 1 second|could not be fetched"
MODERATED = ("Rejected", "moderation_blocked")
EACH_AGAIN = MAX_RETRIES + 1

# --- The table --------------------------------------------------------------------------------------

# Answers that look like a success.
FALSE_SUCCESSES = (
    Fault("HTML page", always(Reply(body=LOGIN)), "HTML page", MAYBE, fatal=True),
    Fault("error as success", refused(200, "Out of memory"), "Out of memory", MAYBE),
    Fault("empty data", always(Reply(body={"created": 1, "data": []})), "no picture", MAYBE),
    Fault("null data", always(Reply(body={"data": None, "usage": {"output_tokens": 9}})), "no picture", YES),
    Fault("no data", always(Reply(body={"created": 1})), "no picture", MAYBE),
    Fault("nothing at all", always(Reply(body=b"")), "cannot be read", MAYBE),
    Fault("a list", always(Reply(body=[1])), "cannot be read", MAYBE),
    Fault("items of no use", always(Reply(body={"data": [None]})), "neither base64 data nor", YES),
    Fault("bad base64", always(Reply(encoded="%%%%")), "cannot be decoded", YES),
    Fault("JSON cut off", always(Reply(body=CUT_JSON)), "cannot be read", MAYBE),
    Fault("answer over the cap", lambda *_: Reply(body=huge_answer()), "larger than", MAYBE),
)  # fmt: skip

# Answers whose picture is none, inline or at its address.
BAD_PICTURES = (
    Fault("half a PNG", made(HALF), "damaged or incomplete", YES),
    Fault("text", made(b"Sorry, no picture today.\n"), "text instead of a picture", YES),
    Fault("HTML as picture", made(LOGIN.encode()), "HTML page instead of a picture", YES),
    Fault("PDF", made(b"%PDF-1.7\n\x00\x01" + bytes(99)), "instead of a picture", YES),
    Fault("AVIF", made(AVIF), "an AVIF or HEIC picture instead", YES),
    Fault("bomb", made(bomb), "more pixels than", YES),
    Fault("picture over the cap", made(huge_picture), "larger than", YES),
)  # fmt: skip

# Answers that do not come.
SILENCES = (
    Fault("hangs", always(Reply(hang=True)), "within 1 second", MAYBE, options=SHORT),
    Fault("trickles", always(Reply(trickle=0.05)), "within 1 second", MAYBE, options=SHORT),
    Fault("header trickles", always(Reply(trickle_head=0.05)), "within 1 second", MAYBE, options=SHORT),
    Fault("dropped after reading", always(Reply(drop="before")), "broke off", MAYBE),
    Fault("dropped after the headers", always(Reply(drop="headers")), "broke off", MAYBE),
    Fault("dropped in the body", always(Reply(drop="body")), "broke off", MAYBE),
)  # fmt: skip

# Answers that say no.
REFUSALS = (
    Fault("400", refused(400, "Invalid size"), "Invalid size", NO),
    Fault("401", refused(401, "Wrong", "invalid_api_key"), "not accept the API key", NO, fatal=True),
    Fault("402", refused(402, "Top up"), "no credit left", NO, fatal=True),
    Fault("403", refused(403, "Not in your country"), "Not in your country", NO, fatal=True),
    Fault("404 model", refused(404, "No", "model_not_found"), "has no model", NO, fatal=True),
    Fault("404 path", refused(404, "Nothing here"), "no Images API", NO, fatal=True),
    Fault("307", always(moved("/v2", 307)), "no Images API", NO, fatal=True),
    Fault("408", refused(408, "Too slow"), "HTTP 408", MAYBE),
    Fault("409", refused(409, "Locked"), "Locked", NO),
    Fault("413", always(Reply(status=413, body=LOGIN)), "too large", NO),
    Fault("422", always(Reply(status=422, body={"detail": "no model"})), "no model", NO),
    Fault("no quota", refused(429, "Quota", "insufficient_quota"), "no credit left", NO, fatal=True),
    Fault("moderation", refused(400, *MODERATED), "refused by the moderation", NO, remembered=True),
    Fault("moderation, 200", refused(200, *MODERATED), "by the moderation", NO, remembered=True),
    Fault("500 at once", refused(500, "Oops"), "HTTP 500", MAYBE),
    Fault("500 late", refused(500, "Oops", latency=LATE), "HTTP 500", MAYBE),
    Fault("502 late", refused(502, "Gone", latency=LATE), "HTTP 502", MAYBE, patches=SOON_LATE),
    Fault("503 late", refused(503, "Gone", latency=LATE), "HTTP 503", MAYBE, patches=SOON_LATE),
    Fault("504", refused(504, "Gateway"), "HTTP 504", MAYBE),
    Fault("524", always(Reply(status=524, body="<html>A timeout occurred")), "HTTP 524", MAYBE),
)  # fmt: skip

# Refusals that are known to cost nothing, so that the same request is sent again.
REPEATS = (
    Fault("429, Retry-After 0", busy(429, wait="0"), "", NO, times=2, sends=3),
    Fault("429, Retry-After 1", busy(429, wait="1"), "", NO, times=1, sends=2),
    Fault("429 for long", busy(429, wait="3600"), "no more requests", NO, fatal=True),
    Fault("429 for ever", busy(429), "takes no more requests", NO, sends=EACH_AGAIN),
    Fault("502 at once", busy(502), "", NO, times=1, sends=2),
    Fault("503 at once", busy(503), "", NO, times=MAX_RETRIES, sends=EACH_AGAIN),
    Fault("503 for ever", busy(503), "HTTP 503", NO, sends=EACH_AGAIN),
    Fault("429, then 500", busy_then(refused(500, "Oops")), "HTTP 500", MAYBE, sends=2),
)  # fmt: skip

# Pictures that are made, and cannot be had at their address.
DOWNLOADS = tuple(
    Fault(name, reply, says, YES, transports=("url",), options=options)
    for name, reply, says, options in (
        ("404 at the address", located("{base}/nowhere"), "HTTP 404", {}),
        (
            "HTML at the address",
            located("{base}/fault", Reply(body=LOGIN)),
            "HTML page instead",
            {},
        ),
        ("address of a file", located("file:///etc/passwd"), "'file:'", {}),
        ("redirect to a file", located("{base}/fault", moved("file:///etc/passwd")), "'file:'", {}),
        ("http on another host", located("{elsewhere}/fault"), "http on another server", {}),
        ("endless redirect", located("{base}/fault", moved("/fault")), "redirects more than", {}),
        ("download cut off", cut_download, "bytes came", {}),
        ("download hangs", located("{base}/fault", Reply(hang=True)), LATE_WORDS, SHORT),
    )
)


@dataclass(frozen=True)
class Case:
    """One build: a fault, the prompt that meets it, how pictures travel, and requests at once."""

    fault: Fault
    position: str
    transport: str
    concurrency: int

    def __str__(self) -> str:
        return f"{self.fault.name}-{self.position}-{self.transport}-{self.concurrency}"


def cases() -> list[Case]:
    """Each fault at each position; with each transport where the pictures have to do with it.

    A fault of the request itself meets the transports in turn, to save time.
    """
    found = []
    for number, position in enumerate(POSITIONS):
        for fault in (*BAD_PICTURES, *DOWNLOADS):
            for transport in fault.transports:
                concurrency = 2 - (number + TRANSPORTS.index(transport)) % 2
                found.append(Case(fault, position, transport, concurrency))
        found += [
            Case(fault, position, TRANSPORTS[number % 2], 2 - number % 2)
            for fault in (*FALSE_SUCCESSES, *SILENCES, *REFUSALS, *REPEATS)
        ]
    return found


BY_NAME = {case.fault.name: case.fault for case in cases()}
