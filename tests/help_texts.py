"""The help texts in docs/cli.md, made from the code: `python tests/help_texts.py` writes them.

A test compares them with what stands there.
"""

from __future__ import annotations

import re
from pathlib import Path

import click

from mkdocs_genimage.cli import COMMANDS, main

PAGE = Path(__file__).parent.parent / "docs/cli.md"
WIDTH = 100


def help_text(command: click.Command, *names: str) -> str:
    settings = {**main.context_settings, "max_content_width": WIDTH, "terminal_width": WIDTH}
    parent = click.Context(main, info_name=names[0], **settings) if len(names) > 1 else None
    context = click.Context(command, info_name=names[-1], parent=parent, **settings)
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


def texts() -> dict[str, str]:
    """The line that begins a help text on the page to the text."""
    context = click.Context(main)
    found = {"<!-- help -->": help_text(main, "mkdocs-genimage")}
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command
        found[f"<!-- help: {name} -->"] = help_text(command, "mkdocs-genimage", name)
    return found


def updated(page: str) -> str:
    for mark, text in texts().items():
        page, count = re.subn(
            rf"({re.escape(mark)}\n).*?(<!-- end -->)",
            lambda match, text=text: f"{match[1]}\n```text\n{text}\n```\n\n{match[2]}",
            page,
            flags=re.DOTALL,
        )
        assert count == 1, mark
    return page


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text()))
