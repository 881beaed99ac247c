"""What one look-up costs in a cache with many images."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from mkdocs_genimage.cache import Cache, Missing, StoredImage
from mkdocs_genimage.request import ImageRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE_BYTES = 20_000
"""Small, so that the look-up is measured and not the hash; `--noise` builds show the hash."""
SAMPLE = 2_000


def measure(images: int) -> dict[str, float]:
    """Microseconds of CPU time for one look-up in a cache of `images` images.

    Returns:
        `hit`: found and checked. `miss`: not there. `first_miss`: the first one, which reads the folder.
    """
    with tempfile.TemporaryDirectory(prefix="genimage-bench-") as name:
        folder = Path(name)
        requests = _fill(folder, images)
        sample = Random(1).sample(requests, min(SAMPLE, images))
        cache = Cache(folder)
        hit = _each(cache, sample, StoredImage)
        absent = [_request(images + number) for number in range(SAMPLE)]
        first = _each(cache, absent[:1], Missing)
        miss = _each(cache, absent[1:], Missing)
    return {"hit": hit, "miss": miss, "first_miss": first}


def _request(number: int) -> ImageRequest:
    request = ImageRequest(f"Picture {number} of a harbour at dawn", {"size": "1536x1024"})
    # The key is worked out once and kept; it belongs to the page, not to the look-up.
    assert request.stem
    return request


def _fill(folder: Path, images: int) -> list[ImageRequest]:
    requests = [_request(number) for number in range(images)]
    cache = Cache(folder)
    facts = {"format": "png", "width": 1536, "height": 1024, "model": "gpt-image-2"}
    flush, os.fsync = os.fsync, lambda _: None  # a power cut would do no harm here
    try:
        for number, request in enumerate(requests):
            cache.put(request, 1, Random(number).randbytes(FILE_BYTES), facts)
    finally:
        os.fsync = flush
    return requests


def _each(
    cache: Cache, requests: Sequence[ImageRequest], expected: type[StoredImage | Missing]
) -> float:
    started = time.process_time()
    found = [cache.find(request) for request in requests]
    spent = time.process_time() - started
    assert all(isinstance(one, expected) for one in found)
    return 1e6 * spent / len(requests)
