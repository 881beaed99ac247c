"""What pictures were built beside: a table in the README, made from the results of tests.

Tests say it, as often as they build beside several things, and modules for all of their tests:

    BUILT_BESIDE = [Beside("materialx", package="mkdocs-materialx", kind="theme")]

    @beside("glightbox", package="mkdocs-glightbox")
    @beside("print-site", package="mkdocs-print-site-plugin", mind="It must be the last plugin.")
    def test_both(...): ...

`python3 dev.py compatibility` runs these tests through this module, in each environment: it keeps in
`compatibility.json` what passed with which version, and writes the table from that. What a test expects to
fail stands there, too. Another test compares tests, results and table.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Mapping

    F = TypeVar("F", bound=Callable[..., Any])
    Results = dict[str, Any]
    """Package to `{"version": ..., "names": {name: {"kind": ..., "tests": ..., "mind": ...}}}`."""

TESTS = Path(__file__).parent
README = TESTS.parent / "README.md"
RESULTS = TESTS / "compatibility.json"
MARK = "<!-- compatibility -->"

KINDS = {
    "command": "built by `{}`",
    "theme": "theme `{}`",
    "plugin": "`{}`",
    "extension": "extension `{}`",
}
"""What it may be to how the table has it, in the table's order."""


@dataclass(frozen=True)
class Beside:
    """What a test builds beside.

    name: as mkdocs.yml has it, or the command.
    package: as it is installed.
    kind: one of `KINDS`.
    mind: a sentence for readers, where there is something to mind.
    """

    name: str
    package: str
    kind: str = "plugin"
    mind: str = ""


@dataclass
class Outcome:
    """How the tests beside one thing ended.

    kind: one of `KINDS`.
    minds: what its tests say.
    passed: how many tests did.
    flaws: why tests are expected to fail.
    untold: tests that failed or were skipped. Nothing can be said then.
    """

    kind: str
    minds: list[str] = field(default_factory=list)
    passed: int = 0
    flaws: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)

    def add(self, report: pytest.TestReport) -> None:
        if report.skipped and hasattr(report, "wasxfail"):
            if report.wasxfail not in self.flaws:
                self.flaws.append(report.wasxfail)
        elif not report.passed:
            self.untold.append(f"{report.nodeid}: {report.outcome} in {report.when}")
        elif report.when == "call":
            self.passed += 1

    @property
    def mind(self) -> str:
        flaws = [f"Not yet: {flaw.rstrip('.')}." for flaw in self.flaws]
        return " ".join([*self.minds, *flaws]).replace("|", "\\|")


def beside(name: str, **more: str) -> Callable[[F], F]:
    """A decorator for tests; the arguments are those of `Beside`."""
    one = Beside(name, **more)
    assert one.kind in KINDS, one

    def decorate(test: F) -> F:
        test.beside = [one, *getattr(test, "beside", [])]
        return test

    return decorate


def said_of(item: pytest.Item) -> tuple[list[Beside], list[Beside]]:
    """What a test builds beside, as itself and as its module say; nothing for the others."""
    assert isinstance(item, pytest.Function)
    return getattr(item.function, "beside", []), getattr(item.module, "BUILT_BESIDE", [])


def all_of(item: pytest.Item) -> list[Beside]:
    own, common = said_of(item)
    return [*own, *common]


class Recorder:
    """A plugin of pytest that keeps to these tests, and notes how they end."""

    def __init__(self) -> None:
        self.outcomes: dict[tuple[str, str], Outcome] = {}

    def of(self, one: Beside) -> Outcome:
        return self.outcomes.setdefault((one.package, one.name), Outcome(one.kind))

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        config.hook.pytest_deselected(items=[item for item in items if not all_of(item)])
        items[:] = [item for item in items if all_of(item)]
        for one in (one for item in items for one in all_of(item)):
            outcome = self.of(one)
            assert outcome.kind == one.kind, one
            if one.mind and one.mind not in outcome.minds:
                outcome.minds.append(one.mind)

    # Around that of conftest.py, which may let a test fail in the end.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        own, common = said_of(item)
        # A flaw beside one plugin is none of all that the module's tests have in common.
        is_flaw = report.skipped and hasattr(report, "wasxfail")
        for one in (own or common) if is_flaw else [*own, *common]:
            self.of(one).add(report)
        return report

    def problems(self) -> list[str]:
        """Why nothing can be said of something."""
        return [
            f"{name} ({package}): {'; '.join(outcome.untold) or 'no test passed'}"
            for (package, name), outcome in self.outcomes.items()
            if outcome.untold or not outcome.passed
        ]


def modules() -> list[Path]:
    """The modules that have such tests."""
    found = [*TESTS.glob("test_*.py"), *TESTS.glob("successors/test_*.py")]
    return [
        path for path in sorted(found) if "from compatibility import" in path.read_text("utf-8")
    ]


def all_named() -> set[tuple[str, str]]:
    """Package and name of all that tests name. Collects them in a process of its own; runs none."""
    command = [sys.executable, __file__, "--list"]
    done = subprocess.run(command, cwd=TESTS.parent, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return {(package, name) for package, name in json.loads(done.stdout)}


# --- The results ---


def merged(known: Results, outcomes: Mapping[tuple[str, str], Outcome]) -> Results:
    """The results of before, with those of a run in their places."""
    results = {package: {**entry, "names": {**entry["names"]}} for package, entry in known.items()}
    for (package, name), outcome in outcomes.items():
        entry = results.setdefault(package, {"names": {}})
        entry["version"] = metadata.version(package)
        facts = {"kind": outcome.kind, "tests": outcome.passed, "mind": outcome.mind}
        entry["names"][name] = facts
    return results


def only(results: Results, names: Collection[tuple[str, str]]) -> Results:
    """The results without those that no test names any more."""
    kept = {
        package: {
            **entry,
            "names": {n: v for n, v in entry["names"].items() if (package, n) in names},
        }
        for package, entry in results.items()
    }
    return {package: entry for package, entry in kept.items() if entry["names"]}


def read_results() -> Results:
    return json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}


def table(results: Results) -> str:
    """The README's table."""
    order = [*KINDS]
    rows = []
    for package, entry in results.items():
        names = sorted((order.index(facts["kind"]), name) for name, facts in entry["names"].items())
        shown = ", ".join(KINDS[order[kind]].format(name) for kind, name in names)
        minds = [(name, entry["names"][name]["mind"]) for _, name in names]
        told = [f"`{name}`: {mind}" if names[1:] else mind for name, mind in minds if mind]
        row = f"| {package} | {entry['version']} | {shown} | {' '.join(told)} |"
        rows.append((names[0][0], package.lower(), row))
    head = ["| package | version | tested | to mind |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *(row for _, _, row in sorted(rows))])


def updated(readme: str, results: Results) -> str:
    """The README with its table written anew."""
    text, count = re.subn(
        rf"({re.escape(MARK)}\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}{table(results)}\n{match[2]}",
        readme,
        flags=re.DOTALL,
    )
    assert count == 1, MARK
    return text


def write(results: Results) -> None:
    text = json.dumps(results, indent=2, sort_keys=True, ensure_ascii=False)
    RESULTS.write_text(text + "\n", "utf-8")
    README.write_text(updated(README.read_text("utf-8"), results), "utf-8")


def main(arguments: list[str]) -> None:
    """Run all these tests but those of successors, or what the arguments name; keep the results."""
    recorder = Recorder()
    if arguments == ["--list"]:
        with contextlib.redirect_stdout(sys.stderr):
            status = pytest.main(["--collect-only", "-q", *map(str, modules())], [recorder])
        print(json.dumps([*recorder.outcomes]))
        sys.exit(int(status))
    files = [str(path) for path in modules() if path.parent == TESTS]
    status = pytest.main(["-q", *(arguments or files)], [recorder])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        sys.exit(int(status))
    if problems := recorder.problems():
        sys.exit("\n".join(["Nothing is written:", *problems]))
    results = merged(read_results(), recorder.outcomes)
    # Which names there are is known only where all modules can be imported.
    write(results if arguments else only(results, all_named()))


if __name__ == "__main__":
    main(sys.argv[1:])
