"""An Images API on this machine, for tests, benchmarks and trials by hand.

It speaks `POST /v1/images/generations` and `/v1/images/edits` over real HTTP, answers with real
pictures, keeps what it was asked, and fails on demand:

    with ImagesServer() as server:
        server.script(Reply(status=503), Reply(drop="before"))   # then healthy again
        ... base_url=server.base_url ...
        assert server.calls[0].fields["prompt"] == "a fox"

By hand: `python tests/api_server.py --latency 0.5` prints its base URL and serves until Ctrl-C.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import socket
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from api_call import Call, read_multipart
from pictures import picture

if TYPE_CHECKING:
    from collections.abc import Callable

MIME = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "svg": "image/svg+xml",
}
HANG_LIMIT = 30.0
"""Seconds after which a request that hangs is dropped, so that no test waits for ever."""


@dataclass
class Reply:
    """How one request is answered. The default is a healthy answer with pictures.

    status: of the answer.
    body: what is sent instead of pictures: text and bytes as they are, anything else as JSON.
    headers: added to the answer, or put in place of its own.
    latency: seconds before the answer; None for the server's.
    deliver: how pictures travel: "b64", "data_url" or "url".
    url: the address of a picture; `{base}` is this server's, `{name}` the file's.
    format: the pictures' format in spite of the one asked for.
    count: pictures in spite of the number asked for.
    size: of the pictures in spite of the one asked for.
    data: the bytes of every picture: cut, no image, huge...
    encoded: base64 text of every picture, right or wrong.
    extra: members added to the answer, or put in place of its own.
    drop: end the connection "before" the answer, after its "headers", or half through the "body".
    trickle: seconds between the bytes of the body.
    trickle_head: seconds between the bytes of a header that never ends.
    hang: keep the connection open without a word until the server's `release` is set.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    latency: float | None = None
    deliver: str = "b64"
    url: str = "{base}/files/{name}"
    format: str = ""
    count: int | None = None
    size: str = ""
    data: bytes | None = None
    encoded: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    drop: str = ""
    trickle: float = 0.0
    trickle_head: float = 0.0
    hang: bool = False


def error_body(message: str, code: str | None = None, **more: Any) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return {"error": error | more}


class ImagesServer:
    """The server. Use it as a context manager.

    Args:
        latency: seconds before each answer, or a function of the call.
        key: the only API key that is taken; empty for any or none.
        auto_size: what `size: auto` and no size become.
        reply: decides about each call; None for a healthy answer. What `script` was given goes first.
        port: 0 for any free one.
    """

    def __init__(
        self,
        *,
        latency: float | Callable[[Call], float] = 0.0,
        key: str = "",
        auto_size: str = "1216x832",
        reply: Callable[[Call], Reply | None] | None = None,
        port: int = 0,
    ) -> None:
        self.latency = latency
        self.key = key
        self.auto_size = auto_size
        self.reply = reply
        self.calls: list[Call] = []
        self.in_flight = 0
        self.max_in_flight = 0
        self.release = threading.Event()
        self.pages: dict[str, Reply] = {}
        self._script: deque[Reply] = deque()
        self._lock = threading.Lock()
        self._http = _Listener(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> ImagesServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def posts(self) -> list[Call]:
        """The requests for pictures."""
        return [call for call in self.calls if call.method == "POST"]

    @property
    def gets(self) -> list[Call]:
        """The downloads."""
        return [call for call in self.calls if call.method == "GET"]

    def script(self, *replies: Reply) -> None:
        """Queue answers for the next requests for pictures, one each."""
        self._script.extend(replies)

    def publish(self, path: str, data: bytes, mime: str = "image/png") -> str:
        """Serve bytes at a path. Returns the address."""
        self.pages[path] = Reply(body=data, headers={"Content-Type": mime})
        return self.url + path

    # --- what the handlers use ---

    def arrived(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)
            call.number = len(self.calls)
            self.in_flight += call.method == "POST"
            self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def ends(self, call: Call, outcome: str) -> None:
        """To be called before the client can know, or a test would see the state from before."""
        with self._lock:
            self.in_flight -= call.method == "POST" and not call.outcome
            call.outcome = outcome

    def decide(self, call: Call) -> Reply:
        if call.method == "GET":
            missing = Reply(status=404, body=error_body(f"Unknown path {call.path}"))
            return self.pages.get(call.path, missing)
        if self.key and call.headers.get("authorization") != f"Bearer {self.key}":
            given = call.headers.get("authorization", "").removeprefix("Bearer ")
            message = f"Incorrect API key provided: {given[:8]}***{given[-4:]}."
            return Reply(status=401, body=error_body(message, "invalid_api_key"))
        if call.path not in ("/v1/images/generations", "/v1/images/edits"):
            return Reply(status=404, body=error_body(f"Invalid URL (POST {call.path})"))
        with self._lock:
            scripted = self._script.popleft() if self._script else None
        return scripted or (self.reply(call) if self.reply else None) or Reply()

    def pause(self, call: Call, reply: Reply) -> float:
        if reply.latency is not None or call.method == "GET":
            return reply.latency or 0.0
        return self.latency(call) if callable(self.latency) else self.latency

    def answer(self, call: Call, reply: Reply) -> dict[str, Any]:
        """A healthy answer, as OpenAI's. Pictures by address are published."""
        asked = call.fields
        form = reply.format or str(asked.get("output_format") or "png")
        size = reply.size or str(asked.get("size") or "auto")
        size = self.auto_size if size == "auto" else size
        count = int(asked.get("n") or 1) if reply.count is None else reply.count
        alpha = asked.get("background") == "transparent"
        items = [
            self._item(
                reply,
                reply.data or picture(f"{asked.get('prompt')}#{i}", size, form, alpha=alpha),
                form,
            )
            for i in range(count)
        ]
        text, image, out = (
            len(str(asked.get("prompt"))) // 4 + 6,
            1023 * len(call.files),
            196 * count,
        )
        return {
            "created": int(time.time()),
            "data": items,
            "background": asked.get("background") or "opaque",
            "output_format": form,
            "quality": asked.get("quality") or "medium",
            "size": size,
            "usage": {
                "input_tokens": text + image,
                "input_tokens_details": {"text_tokens": text, "image_tokens": image},
                "output_tokens": out,
                "output_tokens_details": {"image_tokens": out, "text_tokens": 0},
                "total_tokens": text + image + out,
            },
            "x_gateway": {"region": "test"},
            **reply.extra,
        }

    def _item(self, reply: Reply, data: bytes, form: str) -> dict[str, Any]:
        if reply.deliver == "url":
            name = f"{hashlib.sha256(data).hexdigest()[:16]}.{form}"
            self.publish(f"/files/{name}", data, MIME.get(form, "application/octet-stream"))
            return {"url": reply.url.format(base=self.url, name=name)}
        text = base64.b64encode(data).decode() if reply.encoded is None else reply.encoded
        head = f"data:{MIME.get(form)};base64," if reply.deliver == "data_url" else ""
        return {"b64_json": head + text, "revised_prompt": None}


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], images: ImagesServer) -> None:
        self.images = images
        self.open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def hang_up(self) -> None:
        """End the connections that clients keep open, so that their threads end."""
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        super().finish()

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        images = self.server.images
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, self.path, headers, body, at=time.monotonic())
        kind = headers.get("content-type", "")
        images.arrived(call)
        try:
            if kind.startswith("multipart/form-data"):
                read_multipart(call, kind)
            elif body:
                call.fields = json.loads(body)
            reply = images.decide(call)
            images.release.wait(images.pause(call, reply))
            self._answer(call, reply)
        except OSError:
            images.ends(call, "client went away")
            self.close_connection = True

    def _answer(self, call: Call, reply: Reply) -> None:
        images = self.server.images
        if reply.hang:
            images.release.wait(HANG_LIMIT)
        if reply.trickle_head:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Padding: ")
            while not images.release.wait(reply.trickle_head):
                self.wfile.write(b"x")
        if reply.hang or reply.trickle_head or reply.drop == "before":
            self._drop(call)
            return
        body, kind = self._body(call, reply)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "x-request-id": f"req_{call.number}",
            **reply.headers,
        }
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.drop:
            self.wfile.write(body[: len(body) // 2] if reply.drop == "body" else b"")
            self._drop(call)
            return
        if reply.trickle:
            for place in range(len(body)):
                self.wfile.write(body[place : place + 1])
                if images.release.wait(reply.trickle):
                    break
        images.ends(call, f"answered {reply.status}")
        if not reply.trickle:
            self.wfile.write(body)
        # A false length leaves the connection out of step.
        if reply.trickle or headers["Content-Length"] != str(len(body)):
            self.close_connection = True

    def _body(self, call: Call, reply: Reply) -> tuple[bytes, str]:
        content = self.server.images.answer(call, reply) if reply.body is None else reply.body
        if isinstance(content, bytes):
            return content, "application/octet-stream"
        if isinstance(content, str):
            return content.encode(), "text/html; charset=utf-8"
        return json.dumps(content).encode(), "application/json"

    def _drop(self, call: Call) -> None:
        self.server.images.ends(call, "dropped")
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def closed_port() -> int:
    """A port at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description="An Images API on this machine.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--key", default="", help="the only API key that is taken")
    parser.add_argument("--auto-size", default="1216x832")
    parser.add_argument("--deliver", choices=("b64", "data_url", "url"), default="b64")
    parser.add_argument("--verbose", action="store_true", help="print each request")
    options = parser.parse_args()
    healthy = Reply(deliver=options.deliver)

    def reply(call: Call) -> Reply:
        if options.verbose:
            print(call.path, json.dumps(call.fields), flush=True)
        return replace(healthy)

    server = ImagesServer(
        latency=options.latency,
        key=options.key,
        auto_size=options.auto_size,
        reply=reply,
        port=options.port,
    )
    with server, suppress(KeyboardInterrupt):
        print(server.base_url, flush=True)
        threading.Event().wait()
    print(f"{len(server.posts)} requests, {server.max_in_flight} at once at most")


if __name__ == "__main__":
    main()
