"""Child processes and what they cost: builds by `mkdocs build`, and the API server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

HERE = Path(__file__).resolve().parent
BYTES_PER_RSS = 1 if sys.platform == "darwin" else 1024
"""`ru_maxrss` is in KiB on Linux and in bytes on macOS (getrusage(2))."""


@dataclass(frozen=True)
class Cost:
    """What one process cost.

    Attributes:
        wall: seconds.
        cpu: seconds, user and system.
        memory: peak resident set in MB (a million bytes).
    """

    wall: float
    cpu: float
    memory: float


def build(site: Path) -> Cost:
    """Build a site with `python -m mkdocs build -q`.

    Raises:
        SystemExit: it failed.
    """
    command = [sys.executable, "-m", "mkdocs", "build", "-q"]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=site, env=_environment())
    # Popen.wait would reap the process without telling what it used.
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"The build of {site.name} failed.")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(wall, cpu, usage.ru_maxrss * BYTES_PER_RSS / 1e6)


def imported(site: Path, *packages: str) -> list[str]:
    """Build a site and say which of some packages were imported for it."""
    command = [sys.executable, "-X", "importtime", "-m", "mkdocs", "build", "-q"]
    done = subprocess.run(
        command, cwd=site, env=_environment(), check=True, capture_output=True, text=True
    )
    names = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    return [package for package in packages if package in names]


def _environment() -> dict[str, str]:
    """The environment, without what would change the builds."""
    # PYTHONDONTWRITEBYTECODE, for one, would have the sources compiled by each build.
    dropped = ("OPENAI_", "GENIMAGE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "PYTHONDONT")
    kept = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(dropped)
    }
    return {**kept, "NO_MKDOCS_2_WARNING": "1"}  # Material's advertisement, at each build


class Api:
    """The API server as a process. Use it as a context manager.

    Args:
        latency: seconds before each answer.
        size: pixels of its pictures, as "1536x1024".
        deliver: how they travel: "b64" in the answer, or "url" for a download.
        noise: whether their files are as large as real ones.
    """

    def __init__(self, latency: float, *, size: str, deliver: str, noise: bool) -> None:
        command = [sys.executable, str(HERE / "api.py"), "--latency", str(latency)]
        command += ["--size", size, "--deliver", deliver]
        self._process = subprocess.Popen(
            command + ["--noise"] * noise, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.base_url = self._line()

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The end of its input ends it.
        self._process.communicate()

    def report(self) -> tuple[int, int]:
        """Requests since the last report, and how many were in flight at once."""
        assert self._process.stdin
        self._process.stdin.write("report\n")
        self._process.stdin.flush()
        answer = json.loads(self._line())
        return answer["requests"], answer["in_flight"]

    def _line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline().strip()
        if not line:
            sys.exit("The API server ended.")
        return line
