"""The benchmark's command, run small: that it counts right. Times are for people to judge."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from browser import chromium

COMMAND = Path(__file__).parent.parent / "benchmarks/run.py"
SECONDS = 300
"""How long a run may take on a very slow machine; on others it takes a few."""

pytestmark = [
    pytest.mark.skipif(not COMMAND.exists(), reason="the source archive comes without benchmarks"),
    pytest.mark.skipif(sys.platform == "win32", reason="the benchmark measures with os.wait4"),
]

COSTS = {"wall", "cpu", "memory"}
SMALL = ["--pages", "2", "--blocks", "2", "--latency", "0.05", "--repeat", "1", "--cache", "50"]


def run(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(COMMAND), *arguments]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def numbers(value: Any) -> list[Any]:
    """All leaves of a result."""
    if isinstance(value, (dict, list)):
        children = value.values() if isinstance(value, dict) else value
        return [leaf for one in children for leaf in numbers(one)]
    return [value]


def test_the_json(child_env: dict[str, str]) -> None:
    done = run(child_env, *SMALL, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    plain, cold, warm = (result.pop(name) for name in ("plain", "cold", "warm"))
    assert set(plain) == COSTS
    assert set(cold) == {*COSTS, "requests", "in_flight"}
    assert set(warm) == {*COSTS, "requests", "imported"}
    assert result["images"] == cold["requests"] == 4
    assert warm["requests"] == 0
    assert warm.pop("imported") == [], "a warm build has no use for these"
    assert 1 <= cold["in_flight"] <= 4
    assert set(result.pop("lookups")) == {"hit", "miss", "first_miss"}
    assert result.pop("cold_within_bound") in (True, False)
    assert isinstance(result.pop("cold_memory_over_plain"), float)
    assert set(result) == {
        "images",
        "picture_bytes",
        "ideal",
        "cold_bound",
        "cold_to_ideal",
        "cold_to_sum",
        "warm_to_plain_wall",
        "warm_to_plain_cpu",
    }
    del warm["requests"]
    assert all(number > 0 for number in numbers([plain, cold, warm, result]))
    assert result["cold_bound"] == pytest.approx(1.05 * result["ideal"] + 1)


def test_a_size_of_its_own_by_download(child_env: dict[str, str]) -> None:
    options = ["--size", "320x240", "--noise", "--deliver", "url", "--pages", "1", "--cache", "0"]
    done = run(child_env, *SMALL, *options)
    assert (done.returncode, done.stderr) == (0, "")
    # Every third row is noise of three bytes each pixel: 76,800 bytes that do not compress.
    assert re.search(r"pictures of 320x240 and 0\.0[78]\d? MB by url", done.stdout)
    assert "| cold |" in done.stdout
    assert "peak memory over plain: " in done.stdout
    assert ", bound " in done.stdout
    assert "look-up" not in done.stdout


@pytest.mark.parametrize("size", ["4k", "1024", "0x10", "-1x3", "1024x1024x3"])
def test_a_size_that_is_none(child_env: dict[str, str], size: str) -> None:
    done = run(child_env, f"--size={size}")
    assert done.returncode == 2
    assert f"'{size}' is not like 3840x2160" in done.stderr


def test_page_weight(child_env: dict[str, str]) -> None:
    with chromium():  # skips where there is none
        pass
    command = [sys.executable, str(COMMAND.with_name("page_weight.py")), "--json"]
    done = subprocess.run(
        [*command, "--settings", "webp"],
        env=child_env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    weights = json.loads(done.stdout)["weights"]
    by = {(one["setting"], one["width"], one["scale"]): one for one in weights}
    for (setting, width, scale), one in by.items():
        assert len(one["files"]) == 4
        if setting == "off":
            assert all(name.endswith(".png") for name in one["files"])
        else:
            assert all(name.endswith("w.webp") for name in one["files"])
            assert one["image_bytes"] < 0.2 * by["off", width, scale]["image_bytes"]
