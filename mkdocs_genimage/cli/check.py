"""`mkdocs-genimage check`."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import click

from mkdocs_genimage.cli.output import json_option, state
from mkdocs_genimage.cli.prune import also_option, look
from mkdocs_genimage.cli.site import SiteContext, pass_site
from mkdocs_genimage.upkeep.checks import check, source_file
from mkdocs_genimage.upkeep.wording import counted, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mkdocs_genimage.upkeep.blocks import SiteBlock
    from mkdocs_genimage.upkeep.checks import Finding, Report

TITLE_CHARS = 60
"""Of a prompt in the name of a test case."""
Format = Literal["text", "json", "github", "junit"]

_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Where GitHub and GitLab say the repository is, from which they count paths, whatever the working folder."""
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even as a reference (section 2.2)."""
_COLOURS = {"elsewhere": "missing", "alt": "note", "unused": "note"}


@click.command()
@click.option("--alt", is_flag=True, help="Also fail where a block has no alt text of its own.")
@click.option("--unused", is_flag=True, help="Also fail where no page uses a picture any more.")
@click.option("--stale", is_flag=True, help="Also fail where another model made the picture.")
@also_option
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "github", "junit")),
    default="text",
    show_default=True,
    help="How to report: github marks the lines in pull requests, junit is XML for CI systems.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the report to a file, and one line of summary to the terminal.",
)
@json_option
@click.pass_context
@pass_site
def command(
    site: SiteContext,
    ctx: click.Context,
    *,
    alt: bool,
    unused: bool,
    stale: bool,
    also: tuple[str, ...],
    form: Format,
    output: Path | None,
    as_json: bool,
) -> None:
    """Fail if a picture is missing, damaged or refused, or a block cannot be read. For CI.

    Needs no key and asks no server. Changes nothing in the docs; only a picture that lost its sidecar gets a
    new one.

    \b
    Examples:
      mkdocs-genimage check
      mkdocs-genimage check --alt --unused
      mkdocs-genimage check --format github
      mkdocs-genimage check --format junit --output reports/genimage.xml
    """
    if as_json:
        given = ctx.get_parameter_source("form")
        if given is click.core.ParameterSource.COMMANDLINE and form != "json":
            raise click.UsageError(f"--json and --format {form} exclude each other.")
        form = "json"
    if also and not unused:
        raise click.UsageError("--also says which pictures are used: add --unused.")
    report = _check(site, alt=alt, unused=unused, stale=stale, also=also)
    text = {"text": as_text, "json": as_json_text, "github": as_github, "junit": as_junit}[form](
        report
    )
    if output:
        _write(output, click.unstyle(text))
        click.echo(f"{summary(report)} The report is in {output}.")
    else:
        click.echo(text)
    if report.findings:
        ctx.exit(1)


def _check(
    site: SiteContext, *, alt: bool, unused: bool, stale: bool, also: tuple[str, ...]
) -> Report:
    if not unused:
        return check(site.survey, alt=alt, stale=stale)
    found = look(site, also)
    return check(site.survey, alt=alt, stale=stale, pruning=found)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(
            f"{path} cannot be written: {error.strerror or error}.", param_hint="'--output'"
        ) from None


def summary(report: Report) -> str:
    """All in one line, as in "2 findings: 1 missing, 1 bad. The site has 22 pictures in 20 blocks."."""
    blocks = counted(len(report.blocks), "block")
    size = f"{counted(report.pictures, 'picture')} in {blocks}"
    if not report.findings:
        return f"All is well: {size}." if report.blocks else "All is well: the site has no blocks."
    kinds = ", ".join(f"{count} {kind}" for kind, count in report.counts.items())
    return f"{counted(len(report.findings), 'finding')}: {kinds}. The site has {size}."


def as_text(report: Report) -> str:
    """A line for each finding, its place first, so that editors and terminals can jump there."""
    findings = report.findings
    cures = Counter(finding.cure for finding in findings)
    lines = []
    for finding in findings:
        kind = state(_COLOURS.get(finding.kind, finding.kind), finding.kind)
        where = f"{finding.place}: " if finding.place else ""
        # What cures many is said once, below.
        text = finding.message if cures[finding.cure] == 1 else finding.what
        lines.append(f"{where}{kind}: {text}")
    shared = [cure for cure, count in cures.items() if cure and count > 1]
    return "\n".join([*lines, *shared, summary(report)])


def as_json_text(report: Report) -> str:
    """The report for programs."""
    findings = [
        {
            "kind": finding.kind,
            "place": finding.place,
            "file": _from_root(finding.path) if finding.path else None,
            "line": finding.line or None,
            "page": finding.page or None,
            "key": finding.key or None,
            "variants": list(finding.variants),
            "role": finding.role,
            "message": finding.message,
        }
        for finding in report.findings
    ]
    content = {
        "ok": not findings,
        "findings": findings,
        "counts": report.counts,
        "blocks": len(report.blocks),
        "images": report.pictures,
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def as_github(report: Report) -> str:
    """Workflow commands of GitHub Actions, which show findings beside the lines of a pull request."""
    lines = []
    for finding in report.findings:
        properties = {"file": _from_root(finding.path) if finding.path else ""}
        properties |= {"line": str(finding.line or ""), "title": f"genimage: {finding.kind}"}
        written = ",".join(
            f"{name}={_property(value)}" for name, value in properties.items() if value
        )
        place = f"{finding.place}: " if finding.place and not finding.path else ""
        lines.append(f"::error {written}::{_data(place + finding.message)}")
    return "\n".join([*lines, summary(report)])


def _data(text: str) -> str:
    # As in actions/toolkit, packages/core/src/command.ts (2026-11).
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_junit(report: Report) -> str:
    """JUnit's XML: a test case for each block, and one for each finding that belongs to none."""
    suites = Element("testsuites")
    suite = SubElement(suites, "testsuite", name="mkdocs-genimage check")
    failed = 0
    for block, findings in report.blocks:
        case = _case(suite, block.page, _title(block), source_file(block), findings)
        failed += len(case) > 0
    others = [one for one in report.findings if not _is_in(one, report.blocks)]
    for finding in others:
        _case(suite, finding.page or "genimage", finding.place, finding.path, [finding])
    numbers = {
        "tests": len(report.blocks) + len(others),
        "failures": failed + len(others),
        "errors": 0,
        "skipped": 0,
    }
    for element in (suites, suite):
        for name, number in numbers.items():
            element.set(name, str(number))
    indent(suites)
    declaration = '<?xml version="1.0" encoding="utf-8"?>\n'
    return declaration + tostring(suites, encoding="unicode")


def _case(
    suite: Element, page: str, name: str, path: Path | None, findings: list[Finding]
) -> Element:
    case = SubElement(suite, "testcase", classname=_xml(page), name=_xml(name or "genimage"))
    if path:
        case.set("file", _xml(_from_root(path)))
    if findings:
        # One, however many: that is all that most readers take.
        first = findings[0]
        if first.line:
            case.set("line", str(first.line))
        texts = [f"{one.place}: {one.kind}: {one.message}" for one in findings]
        failure = SubElement(case, "failure", type=first.kind, message=_xml(first.message))
        failure.text = _xml("\n".join(texts))
    return case


def _title(block: SiteBlock) -> str:
    """What a block is called: its place and the beginning of its prompt."""
    prompt = block.composed.request.subject if block.composed else ""
    return f"{block.place} {shortened(prompt, TITLE_CHARS)}".strip()


def _is_in(finding: Finding, blocks: Iterable[tuple[Any, list[Finding]]]) -> bool:
    return any(finding in findings for _, findings in blocks)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _from_root(path: Path) -> str:
    """A file as the outside finds it: from the repository's folder, else from the working one."""
    roots = [Path(os.environ[name]) for name in _ROOTS if os.environ.get(name)]
    for root in (*roots, Path.cwd()):
        folder = root.resolve()
        if path.resolve().is_relative_to(folder):
            return path.resolve().relative_to(folder).as_posix()
    return str(path)
