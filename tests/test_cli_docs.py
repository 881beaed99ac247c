"""What docs/cli.md says is what the code does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from cli_runs import SCHEMAS, genimage_process
from help_texts import PAGE, WIDTH, texts, updated

from mkdocs_genimage.cli import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path


def test_help_texts_are_those_of_the_code() -> None:
    text = PAGE.read_text()
    assert updated(text) == text, "run `python tests/help_texts.py`"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_and_fits(name: str) -> None:
    text = texts()[f"<!-- help: {name} -->"]
    assert "Examples:\n" in text
    examples = text.partition("Examples:\n")[2].partition("\n\n")[0].splitlines()
    assert len(examples) >= 2
    assert all(line.startswith("    mkdocs-genimage ") for line in examples), examples
    assert max(map(len, text.splitlines())) <= WIDTH


def test_commands_that_report_have_json_and_a_schema() -> None:
    for name in COMMANDS:
        if "--json" in texts()[f"<!-- help: {name} -->"]:
            assert (SCHEMAS / f"{name}.json").exists(), name


def test_files_that_the_page_links_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE.read_text()):
        if "://" not in target:
            assert (PAGE.parent / target).exists(), target


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, tmp_path: Path, child_env: dict[str, str]) -> None:
    """The program asks for itself by its name, so it is called by that."""
    env = {**child_env, "_MKDOCS_GENIMAGE_COMPLETE": f"{shell}_source"}
    ran = genimage_process(tmp_path, env=env).ended()
    assert "_MKDOCS_GENIMAGE_COMPLETE" in ran.output
