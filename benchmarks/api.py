"""The tests' Images API as a process of its own, so that its work is not counted to the build.

Prints its base URL, then answers each line on its input with a line of JSON: what was asked for
since the line before. Ends with its input.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import struct
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from api_server import ImagesServer, Reply
from pictures import picture

if TYPE_CHECKING:
    from api_call import Call

NOISE_EVERY = 3
"""One row in so many is noise, which does not compress: 1.6 MB at 1536x1024 and 8.3 MB at 3840x2160.

Generated pictures of these sizes have files like that.
"""


def noisy_png(size: str) -> bytes:
    """A PNG of `size` (as "1536x1024") whose file is as large as a generated picture's."""
    width, height = map(int, size.split("x"))
    source = random.Random(1)
    rows = b"".join(
        b"\0" + (source.randbytes(3 * width) if row % NOISE_EVERY == 0 else bytes(3 * width))
        for row in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, required=True)
    parser.add_argument("--size", required=True)
    parser.add_argument("--deliver", choices=("b64", "url"), default="b64")
    parser.add_argument("--noise", action="store_true")
    options = parser.parse_args()
    data = noisy_png(options.size) if options.noise else picture("", options.size)
    # Encoded beforehand: on a machine with few cores the server's work would slow the build down.
    encoded = base64.b64encode(data).decode()

    def reply(_: Call) -> Reply:
        if options.deliver == "url":
            return Reply(deliver="url", data=data)
        return Reply(encoded=encoded, data=b"-")

    with ImagesServer(latency=options.latency, reply=reply) as server:
        print(server.base_url, flush=True)
        for _ in sys.stdin:
            print(
                json.dumps({"requests": len(server.posts), "in_flight": server.max_in_flight}),
                flush=True,
            )
            server.calls.clear()
            server.max_in_flight = 0


if __name__ == "__main__":
    main()
