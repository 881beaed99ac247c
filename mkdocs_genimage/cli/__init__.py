"""`mkdocs-genimage`: what a build would cost, pictures made on purpose, checks for CI.

Each command has a module of its own, which is imported when the command is called.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.metadata import version
from typing import Any

import click

from mkdocs_genimage.cli.host import use_host

COMMANDS = {
    "plan": "what a build would ask for, and what that would cost",
    "generate": "make the pictures that are missing",
    "check": "for CI: fail if a picture is missing",
    "prune": "find pictures that no page uses any more",
    "why": "why a picture is asked for again",
    "pick": "show another variant",
    "adopt": "put a picture of your own in a block's place",
    "eject": "replace blocks by ordinary Markdown images",
    "gallery": "one page with all pictures, for review",
    "costs": "what was spent",
    "doctor": "what is set up, and what is wrong with it",
}
"""Name to what the list of commands says, in the order in which a site needs them."""

EXIT_CODES = """\
Exit codes: 0 all is well; 1 something was found or failed, as each command says; 2 wrong usage, or a site
that cannot be read; 130 ended by Ctrl-C.
"""


class _Commands(click.Group):
    """Commands by their names, imported when they are called."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. Ctrl-C ends it with the exit code that shells have for that."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(130)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        use_host(ctx.params.get("config_file"))
        module = import_module(f"{__name__}.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "-f",
    "--config-file",
    type=click.Path(exists=True, dir_okay=False),
    metavar="MKDOCS.YML",
    help="The site's mkdocs.yml. Default: the one in this folder.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show all that the site's build says.")
@click.version_option(version("mkdocs-genimage"), prog_name="mkdocs-genimage")
@click.pass_context
def main(ctx: click.Context, config_file: str | None, *, verbose: bool) -> None:
    """Look at, make and keep the pictures of genimage blocks."""
    from mkdocs_genimage.cli.site import SiteContext, listening

    if os.environ.get("NO_COLOR"):
        ctx.color = False  # https://no-color.org; rich heeds it by itself
    ctx.with_resource(listening(verbose=verbose))
    ctx.obj = SiteContext(config_file)
