"""`mkdocs-genimage doctor`."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

import click

from mkdocs_genimage.cli.host import LOGGERS
from mkdocs_genimage.cli.output import json_option, print_json, state
from mkdocs_genimage.cli.site import SiteContext, SiteError, pass_site
from mkdocs_genimage.config import project_folder
from mkdocs_genimage.errors import ConfigurationError
from mkdocs_genimage.upkeep import diagnosis
from mkdocs_genimage.upkeep.diagnosis import Finding
from mkdocs_genimage.upkeep.survey import find_plugin, heard
from mkdocs_genimage.upkeep.wording import counted

if TYPE_CHECKING:
    from mkdocs_genimage.config import GenimageConfig

STATE_CHARS = len("problem")
_UNREADABLE = "Go to the folder of mkdocs.yml or name it with -f, and correct there what is wrong."


@click.command()
@click.option("--offline", is_flag=True, help="Do not ask the server.")
@json_option
@click.pass_context
@pass_site
def command(site: SiteContext, ctx: click.Context, *, offline: bool, as_json: bool) -> None:
    """Say what is set up for pictures, what is wrong with it and what to do. Changes no file.

    Asks the server one question, for its list of models, which costs nothing; --offline leaves it out. No
    key is ever shown. Blocks are not looked at: that is what check is for.

    \b
    Examples:
      mkdocs-genimage doctor
      mkdocs-genimage doctor --offline --json
    """
    findings = diagnosis.requirements()
    path: str | None = None
    is_readable = True
    try:
        # What is wrong with mkdocs.yml is only logged; the error that follows counts it.
        mkdocs, properdocs = (logging.getLogger(name) for name in LOGGERS)
        with heard(mkdocs, logging.ERROR) as errors, heard(properdocs, logging.ERROR) as others:
            path = site.config.config_file_path
            options = find_plugin(site.config).config
    except (SiteError, ConfigurationError) as error:
        is_readable = False
        text = error.message if isinstance(error, SiteError) else str(error)
        findings.append(
            Finding(
                "problem",
                "mkdocs.yml",
                " ".join(" ".join([*errors, *others, text]).split()),
                _UNREADABLE,
            )
        )
    else:
        findings += _look(site, options, offline=offline)
    problems = sum(finding.status == "problem" for finding in findings)
    notes = sum(finding.status == "note" for finding in findings)
    versions = diagnosis.versions()
    if as_json:
        print_json(_data(versions, path, findings, problems, notes))
    else:
        click.echo(", ".join(f"{name} {version}" for name, version in versions.items()))
        click.echo()
        _print(findings)
        click.echo()
        click.echo(_total(problems, notes))
    if problems:
        ctx.exit(1 if is_readable else 2)


def _look(site: SiteContext, options: GenimageConfig, *, offline: bool) -> list[Finding]:
    from mkdocs_genimage.upkeep import readers, soundness, surroundings

    config = site.config
    found = diagnosis.setup(config, options)
    endpoint = diagnosis.endpoint_of(options)
    if options.provider == "openai" and not endpoint.problem and not offline:
        from mkdocs_genimage.upkeep import reach

        with contextlib.suppress(ConfigurationError):  # `setup` tells it
            found.append(reach.look(endpoint, options.model, server=options.server))
    found += soundness.look(
        options.cache_folder(config),
        project_folder(config),
        must_be_writable="generate" in (options.missing, options.serve),
    )
    found += surroundings.look(config, options)
    return [*found, *readers.look(config, options)]


def _print(findings: list[Finding]) -> None:
    indent = " " * (STATE_CHARS + 2)
    for finding in findings:
        word = state(finding.status, f"{finding.status:<{STATE_CHARS}}")
        click.echo(f"{word}  {finding.about}: {finding.what}")
        if finding.cure:
            click.echo(f"{indent}{finding.cure}")


def _total(problems: int, notes: int) -> str:
    if not problems and not notes:
        return "All is well."
    return f"{counted(problems, 'problem')}, {counted(notes, 'note')}."


def _data(
    versions: dict[str, str], path: str | None, findings: list[Finding], problems: int, notes: int
) -> dict[str, Any]:
    return {
        "ok": problems == 0,
        "versions": versions,
        "config_file": path,
        "findings": [
            {
                "status": finding.status,
                "about": finding.about,
                "what": finding.what,
                "cure": finding.cure or None,
            }
            for finding in findings
        ],
        "problems": problems,
        "notes": notes,
    }
