"""`mkdocs serve` as a process: no money unless it is allowed, and no rebuild without a cause."""

from __future__ import annotations

import os
import re
import signal
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from api_server import ImagesServer, Reply, closed_port, error_body
from cli_runs import genimage_process
from sites import Site, fence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from subprocess import Popen

    from api_call import Call

QUIET_SECONDS = 2.0
"""MkDocs looks for changes twice a second, so a loop would show several times in this."""


@dataclass
class Server:
    """A running `mkdocs serve`."""

    site: Site
    process: Popen[bytes]
    log: Path
    url: str

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def builds(self) -> int:
        """How many builds were begun."""
        return self.output.count("Building documentation...")

    def wait_for_build(self, number: int) -> None:
        """Wait until so many builds are done. "Documentation built" is not repeated in a second."""
        deadline = time.monotonic() + 60
        while self.output.count("Reloading browsers") + 1 < number:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def wait_for_page(self) -> None:
        """Wait until pages are delivered and changes are watched for."""
        deadline = time.monotonic() + 60
        while "Serving on" not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def edit(self, name: str, text: str) -> None:
        """Change a page in one step, as a half-written one would be a change of its own."""
        new = self.site.root / "new.md"
        new.write_text(text, encoding="utf-8")
        new.replace(self.site.root / "docs" / name)

    def images(self, page: str = "") -> list[str]:
        with urllib.request.urlopen(self.url + page, timeout=20) as answer:
            html = answer.read().decode()
        return re.findall(r'<img [^>]*src="([^"]+)"', html)

    def fetch(self, page: str, image: str) -> bytes:
        with urllib.request.urlopen(f"{self.url}{page}{image}", timeout=20) as answer:
            return bytes(answer.read())


@contextmanager
def served(site: Site, env: dict[str, str], *options: str) -> Iterator[Server]:
    port = closed_port()
    log = site.root.with_name("serve.log")
    temporary = site.root.with_name("temporary")
    temporary.mkdir()
    env = {**env, "TMPDIR": str(temporary)}
    process = site.start("serve", *options, "--dev-addr", f"127.0.0.1:{port}", env=env, log=log)
    server = Server(site, process, log, f"http://127.0.0.1:{port}/")
    try:
        server.wait_for_page()
        yield server
        assert process.poll() is None, server.output
    finally:
        if os.name == "nt":
            process.terminate()
        else:
            process.send_signal(signal.SIGINT)  # so that it removes its temporary folders
        process.wait(30)
    if os.name != "nt":
        assert list(temporary.iterdir()) == [], "left behind"
        assert process.returncode == 0


@pytest.fixture
def pages(site: Site) -> Site:
    site.use_bare_theme()
    site.write(
        {
            "docs/index.md": "# Home\n",
            "docs/fox.md": "# Fox\n\n" + fence("A fox", "alt=x size=64x48"),
            "docs/hen.md": "# Hen\n\n" + fence("A hen", "alt=x size=64x48"),
        }
    )
    return site


def stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]}


def test_serve_pays_nothing(pages: Site, api: ImagesServer, child_env: dict[str, str]) -> None:
    with served(pages, child_env) as server:
        (image,) = server.images("fox/")
        assert "/placeholder-a-fox-" in image
        assert server.fetch("fox/", image).startswith(b"<svg")
        time.sleep(QUIET_SECONDS)
        assert server.builds == 1
        server.edit("hen.md", fence("Another hen", "alt=x"))
        server.wait_for_build(2)
        assert "/placeholder-another-hen-" in server.images("hen/")[0]
        time.sleep(QUIET_SECONDS)
        assert server.builds == 2
        assert "WARNING" not in server.output
    assert api.calls == []
    assert list(pages.cache.iterdir()) == []


def test_what_another_command_makes_is_shown(
    pages: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    pages.options["widths"] = [16]
    with served(pages, child_env) as server:
        assert "/placeholder-a-fox-" in server.images("fox/")[0]
        arguments = ("generate", "--only", "docs/fox.md", "--yes")
        genimage_process(pages.root, *arguments, env=child_env).ended()
        deadline = time.monotonic() + 60
        while "/placeholder-" in server.images("fox/")[0]:
            assert time.monotonic() < deadline, server.output
            time.sleep(0.1)
        assert "/placeholder-" in server.images("hen/")[0]
        # What builds write there themselves, below it, causes no more of them.
        time.sleep(QUIET_SECONDS)
        builds = server.builds
        assert builds <= 3, "one for the picture, or two with its sidecar"
        assert (pages.cache / ".derived").is_dir()
        time.sleep(QUIET_SECONDS)
        assert server.builds == builds
    assert len(api.posts) == 1


def test_serve_where_nothing_can_be_written(
    pages: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    pages.cache.write_text("a file where the folder would be")
    with served(pages, child_env) as server:
        assert "/placeholder-a-fox-" in server.images("fox/")[0]
        server.edit("hen.md", fence("Another hen", "alt=x"))
        server.wait_for_build(2)
    assert api.calls == []


def test_clean_serve_pays_nothing(
    pages: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    with served(pages, child_env, "--clean") as server:
        assert "/placeholder-a-fox-" in server.images("fox/")[0]
    assert api.calls == []


@pytest.mark.parametrize("cache_dir", ["genimage", "docs/genimage"])
def test_serve_that_may_generate_settles(
    pages: Site, api: ImagesServer, child_env: dict[str, str], cache_dir: str
) -> None:
    pages.options |= {"serve": "generate", "cache_dir": cache_dir}
    with served(pages, child_env) as server:
        assert "/placeholder-" not in server.images("fox/")[0]
        time.sleep(QUIET_SECONDS)
        builds = server.builds
        # A cache among the docs is watched, so what was put there may cause one more build.
        assert builds == 1 or (builds == 2 and cache_dir.startswith("docs"))
        server.wait_for_build(builds)
        assert len(api.posts) == 2
        before = stamps(pages.root / cache_dir)

        server.edit("index.md", "# Home\n\nMore text\n")
        server.wait_for_build(builds + 1)
        time.sleep(QUIET_SECONDS)
        assert server.builds == builds + 1
        assert len(api.posts) == 2
        assert stamps(pages.root / cache_dir) == before

        server.edit(
            "hen.md", fence("A hen", "alt=y size=64x48") + fence("A crow", "alt=x size=64x48")
        )
        server.wait_for_build(builds + 2)
        assert {call.fields["prompt"] for call in api.posts} == {"A fox", "A hen", "A crow"}
        assert len(server.images("hen/")) == 2
        assert "WARNING" not in server.output


def test_serve_asks_once_for_what_fails(
    pages: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    def reply(call: Call) -> Reply | None:
        if call.fields["prompt"] == "A fox":
            return Reply(status=400, body=error_body("No.", "moderation_blocked"))
        return None

    api.reply = reply
    pages.options["serve"] = "generate"
    with served(pages, child_env) as server:
        assert len(api.posts) == 2
        for number in (2, 3):
            server.edit("index.md", f"# Home\n\nEdit {number}\n")
            server.wait_for_build(number)
            assert "/placeholder-a-fox-" in server.images("fox/")[0]
            assert "/placeholder-" not in server.images("hen/")[0]
        assert len(api.posts) == 2
        # The writer sees at each build why it is not there.
        assert server.output.count("docs/fox.md:3: no picture: the request was refused") == 1
        assert server.output.count("docs/fox.md:3: the prompt was refused by the moderation") == 2
        # Another prompt is another picture.
        server.edit("fox.md", fence("A red fox", "alt=x"))
        server.wait_for_build(4)
        assert [call.fields["prompt"] for call in api.posts[2:]] == ["A red fox"]
        assert "/placeholder-" not in server.images("fox/")[0]


def test_serve_goes_on_after_a_failed_build(
    pages: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    """What was ordered by a build that failed comes with the next one."""
    pages.options["serve"] = "generate"
    pages.config["hooks"] = ["hook.py"]
    hook = (
        "from pathlib import Path\n"
        "def on_page_markdown(markdown, page, **_):\n"
        "    if page.file.src_uri == 'hen.md' and 'BREAK' in markdown:\n"
        "        raise ValueError('broken on purpose')\n"
    )
    pages.write({"hook.py": hook})
    with served(pages, child_env) as server:
        server.edit("hen.md", "BREAK")
        deadline = time.monotonic() + 60
        while "broken on purpose" not in server.output:
            assert time.monotonic() < deadline, server.output
            time.sleep(0.05)
        server.edit("hen.md", fence("A crow", "alt=x size=64x48"))
        server.wait_for_build(2)
        assert "/a-crow-" in server.images("hen/")[0]
        assert len(api.posts) == 3
