from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

GUARD = Path(__file__).parent / "guard"
sys.path.insert(0, str(GUARD))

import credentials  # noqa: E402
import network_guard  # noqa: E402
from api_server import ImagesServer  # noqa: E402
from sites import Site  # noqa: E402

network_guard.install()
credentials.install()

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that leaves a credential somewhere fails, when all its fixtures have ended.

    A test that is marked as expected to fail does so by itself.
    """
    report = yield
    if call.when == "teardown":
        for name, content in report.sections:
            if " log " not in name:  # the watch sees the records themselves
                credentials.watch.add_text(name, content)
        leaks = credentials.watch.end()
        if leaks and report.passed and not item.get_closest_marker("xfail"):
            report.outcome = "failed"
            report.longrepr = "a credential of the test shows in\n  " + "\n  ".join(leaks)
    return report


@pytest.fixture(autouse=True)
def no_outside_connections() -> Iterator[None]:
    """A test that tries to leave this machine fails, even if the code under test hides the error.

    A test that means to try empties `network_guard.attempts` itself.
    """
    network_guard.attempts.clear()
    # Again for each test: the pytest-socket plugin, where it is installed, takes it away.
    network_guard.install()
    yield
    assert not network_guard.attempts, "the test tried to leave this machine"


@pytest.fixture(autouse=True)
def clean_env(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credential, address, option or proxy of the developer's machine reaches a test."""
    for name in list(os.environ):
        upper = name.upper()
        if upper.startswith(("OPENAI_", "GENIMAGE_")) or upper in PROXY_VARIABLES:
            monkeypatch.delenv(name)


@pytest.fixture
def child_env(
    clean_env: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The environment for child processes: Python ones are guarded, others meet a dead proxy."""
    log = tmp_path_factory.mktemp("guard") / "attempts.txt"
    search = [str(GUARD), *filter(None, [os.environ.get("PYTHONPATH")])]
    dead = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    yield {
        **os.environ,
        **dead,
        **{name.lower(): value for name, value in dead.items()},
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONPATH": os.pathsep.join(search),
        network_guard.LOG_VARIABLE: str(log),
    }
    assert not log.exists(), f"a child process tried to leave this machine: {log.read_text()}"


@pytest.fixture
def api() -> Iterator[ImagesServer]:
    """An Images API of its own for each test, without a key."""
    with ImagesServer() as server:
        yield server


@pytest.fixture
def site(tmp_path: Path, api: ImagesServer) -> Site:
    """A site without pages as yet, whose plugin asks `api`."""
    return Site(tmp_path / "project", options={"base_url": api.base_url})


@pytest.fixture
def bare(site: Site) -> Site:
    """The same with the smallest theme, and no limit of pictures."""
    site.use_bare_theme()
    site.options["max_images"] = 0
    return site
