"""The README's table of what pictures were built beside is the tests'."""

from __future__ import annotations

from importlib import metadata

import pytest
from compatibility import (
    MARK,
    README,
    Outcome,
    Recorder,
    all_named,
    merged,
    only,
    read_results,
    table,
    updated,
)

from mkdocs_genimage.upkeep.surroundings import HARMLESS

pytest_plugins = ["pytester"]

RUN = "run `python3 dev.py compatibility`"


def test_results_are_those_of_the_tests() -> None:
    results = read_results()
    told = {(package, name) for package, entry in results.items() for name in entry["names"]}
    assert told == all_named(), RUN


def test_the_readme_has_the_results() -> None:
    text = README.read_text("utf-8")
    assert updated(text, read_results()) == text, RUN


@pytest.mark.xfail(reason="doctor also names 'info' and 'projects', which no test has", strict=True)
def test_what_doctor_calls_harmless_was_tested() -> None:
    entries = read_results().values()
    tested = {name.rpartition("/")[2] for entry in entries for name in entry["names"]}
    assert sorted({*HARMLESS} - tested) == []


# --- How the table is made ---

TESTS = """
import pytest
from compatibility import Beside, beside

BUILT_BESIDE = [Beside("mkdocs", package="mkdocs", kind="command")]

@beside("tags", package="mkdocs-material")
@beside("search", package="mkdocs-material", mind="Mind a | b.")
@pytest.mark.parametrize("number", [1, 2])
def test_good(number):
    pass

@beside("search", package="mkdocs-material")
@pytest.mark.xfail(reason="it is dark", strict=True)
def test_flaw():
    raise AssertionError

def test_of_the_module():
    pass
"""


def ran(pytester: pytest.Pytester, tests: str) -> Recorder:
    pytester.makepyfile(tests)
    recorder = Recorder()
    pytester.inline_run(plugins=[recorder])
    return recorder


def test_results_of_a_run(pytester: pytest.Pytester) -> None:
    recorder = ran(pytester, TESTS)
    assert recorder.problems() == []
    assert merged({}, recorder.outcomes) == {
        "mkdocs": {
            "version": metadata.version("mkdocs"),
            "names": {"mkdocs": {"kind": "command", "tests": 3, "mind": ""}},
        },
        "mkdocs-material": {
            "version": metadata.version("mkdocs-material"),
            "names": {
                "search": {
                    "kind": "plugin",
                    "tests": 2,
                    "mind": "Mind a \\| b. Not yet: it is dark.",
                },
                "tags": {"kind": "plugin", "tests": 2, "mind": ""},
            },
        },
    }


def test_only_these_tests_are_run(pytester: pytest.Pytester) -> None:
    recorder = ran(pytester, "def test_other():\n    raise AssertionError\n")
    assert recorder.outcomes == {}
    assert recorder.problems() == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("raise AssertionError", "failed in call"),
        ("pytest.skip('not here')", "skipped in call"),
        ("pytest.xfail('not yet')", "no test passed"),
    ],
)
def test_nothing_is_said_of_what_did_not_pass(
    pytester: pytest.Pytester, body: str, problem: str
) -> None:
    recorder = ran(
        pytester,
        "import pytest\n"
        "from compatibility import Beside\n"
        "BUILT_BESIDE = [Beside('x', package='mkdocs')]\n"
        f"def test_it():\n    {body}\n",
    )
    (told,) = recorder.problems()
    assert told.startswith("x (mkdocs): ")
    assert problem in told


def test_a_skipped_fixture_counts_too(pytester: pytest.Pytester) -> None:
    recorder = ran(
        pytester,
        "import pytest\n"
        "from compatibility import beside\n"
        "@pytest.fixture\n"
        "def git():\n    pytest.skip('there is no git')\n"
        "@beside('x', package='mkdocs')\n"
        "def test_it(git):\n    pass\n",
    )
    assert "skipped in setup" in recorder.problems()[0]


def test_results_of_several_runs_come_together() -> None:
    known = {
        "mkdocs": {"version": "1.0", "names": {"old": {}, "gone": {}}},
        "gone": {"version": "1.0", "names": {"it": {}}},
    }
    results = merged(known, {("mkdocs", "new"): Outcome("command", passed=3)})
    assert known["mkdocs"]["names"] == {"old": {}, "gone": {}}
    assert only(results, {("mkdocs", "old"), ("mkdocs", "new")}) == {
        "mkdocs": {
            "version": metadata.version("mkdocs"),
            "names": {"old": {}, "new": {"kind": "command", "tests": 3, "mind": ""}},
        }
    }


def test_table() -> None:
    facts = {"kind": "plugin", "tests": 1, "mind": ""}
    results = {
        "zoo": {"version": "1", "names": {"zoo": {**facts, "mind": "Mind it."}}},
        "ant": {
            "version": "2",
            "names": {"b": {**facts, "mind": "Dark."}, "t": {**facts, "kind": "theme"}, "a": facts},
        },
        "ape": {"version": "3", "names": {"ape": facts}},
    }
    rows = table(results).splitlines()
    assert rows[2:] == [
        "| ant | 2 | theme `t`, `a`, `b` | `b`: Dark. |",
        "| ape | 3 | `ape` |  |",
        "| zoo | 1 | `zoo` | Mind it. |",
    ]
    text = f"Before\n{MARK}\nold\n<!-- end -->\nAfter\n"
    assert updated(text, results) == text.replace("old", table(results))
