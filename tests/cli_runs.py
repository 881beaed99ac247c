"""The command line, called in this process and as a real one."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner
from mkdocs.config.defaults import MkDocsConfig

from mkdocs_genimage.cli import main

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sites import Site

SCHEMAS = Path(__file__).parent / "schemas"


@dataclass(frozen=True)
class Ran:
    """A finished command.

    status: exit code.
    output: what went to stdout.
    errors: what went to stderr.
    """

    status: int
    output: str
    errors: str

    def ended(self, status: int = 0) -> Ran:
        assert self.status == status, f"{self.output}\n{self.errors}"
        assert "Traceback" not in self.output + self.errors, self.errors
        return self

    def json(self, schema: str) -> Any:
        """The output as JSON, held by `schemas/<schema>.json`."""
        import jsonschema  # not where only builds are tested

        content = json.loads(self.output)
        rules = json.loads((SCHEMAS / f"{schema}.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(rules)
        jsonschema.Draft202012Validator(rules).validate(content)
        return content


def genimage(site: Site, *arguments: str, given: str = "") -> Ran:
    """`mkdocs-genimage -f mkdocs.yml ...` in this process. Writes the site's configuration first."""
    site.write_config()
    dict(MkDocsConfig._schema)["plugins"].plugin_cache.clear()  # type: ignore[attr-defined]
    logger = logging.getLogger("mkdocs")
    before = logger.handlers[:], logger.level, logger.propagate
    try:
        ran = CliRunner().invoke(main, ["-f", str(site.config_file), *arguments], input=given)
    finally:  # builds that follow are recorded at the root
        logger.handlers[:], _, logger.propagate = before
        logger.setLevel(before[1])
    if ran.exception and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return Ran(ran.exit_code, ran.stdout, ran.stderr)


def genimage_process(folder: Path, *arguments: str, env: Mapping[str, str], given: str = "") -> Ran:
    """The same as a process of its own, in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs_genimage", *arguments],
        cwd=folder,
        env={**os.environ, **env},
        input=given.encode(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    texts = [text.decode("utf-8", "replace") for text in (done.stdout, done.stderr)]
    return Ran(done.returncode, *texts)
