"""How numbers, sizes, paths and prompts are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from mkdocs_genimage.upkeep.wording import as_sentence, counted, from_here, shortened, size_text


def test_counted() -> None:
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (53_400, "53 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (1_250_000_000, "1,250.0 MB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert size_text(count) == text


def test_shortened() -> None:
    assert shortened("A fox\n in   snow", 13) == "A fox in snow"
    assert shortened("A fox in snow", 12) == "A fox in sn\N{HORIZONTAL ELLIPSIS}"


def test_sentences() -> None:
    assert as_sentence("it was refused.") == "It was refused."
    assert as_sentence("genimage/a.png is damaged.") == "genimage/a.png is damaged."
    assert as_sentence("") == ""


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert from_here(Path.cwd() / "docs/a.md") == str(Path("docs/a.md"))
    assert from_here(Path.cwd().parent / "a.md") == str(Path.cwd().parent / "a.md")
