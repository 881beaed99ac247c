"""What the README says is what the code does."""

import re
from pathlib import Path

import pytest
from readme_tables import README, updated

from mkdocs_genimage.config import GenimageConfig

ROOT = Path(__file__).parent.parent


def test_tables_are_those_of_the_code():
    text = README.read_text()
    assert updated(text) == text, "run `python tests/readme_tables.py`"


def test_every_option_of_mkdocs_yml_is_documented():
    text = README.read_text()
    for name, _ in GenimageConfig._schema:
        assert f"| `{name}` |" in text


def test_files_that_the_readme_links_are_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_lowest_versions_are_the_lower_bounds():
    text = (ROOT / "pyproject.toml").read_text()
    needed = text[text.index("dependencies = [") : text.index("[project.entry-points")]
    bounds = dict(re.findall(r'"([\w-]+)>=([\d.]+)', needed))
    assert len(bounds) >= 5
    lowest = dict(
        line.split("==") for line in (ROOT / "tests/lowest.txt").read_text().split() if "==" in line
    )
    for name, bound in bounds.items():
        assert lowest[name] == bound


@pytest.mark.parametrize("command", ["python3 dev.py example", "python3 dev.py test"])
def test_set_up_commands_stand_in_the_readme(command):
    assert f"\n{command}\n" in README.read_text()
