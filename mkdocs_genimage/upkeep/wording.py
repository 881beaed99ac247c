"""Numbers, sizes, paths and prompts as messages show them."""

from __future__ import annotations

from pathlib import Path


def counted(number: int, noun: str) -> str:
    """`1 picture`, `2 pictures`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def size_text(count: int) -> str:
    """Bytes as people read them: 1 MB is a million bytes, as most systems show it."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e3:,.0f} kB" if count < 999_500 else f"{count / 1e6:,.1f} MB"


def shortened(text: str, limit: int) -> str:
    """A text in one line of at most `limit` characters; an ellipsis stands for what is left out."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"


def as_sentence(text: str) -> str:
    """A reason as a sentence of its own. What begins with a file's name is left as it is."""
    return text[0].upper() + text[1:] if text.partition(" ")[0].isalpha() else text


def from_here(path: Path) -> str:
    """A path as one types it in the working directory."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
