"""The README's tables of options, made from the code: `python tests/readme_tables.py` writes them.

A test compares them with what stands in the README.
"""

import ast
import inspect
import re
from itertools import pairwise
from pathlib import Path

from mkdocs_genimage import config
from mkdocs_genimage.config import GenimageConfig
from mkdocs_genimage.options import OPTIONS

README = Path(__file__).parent.parent / "README.md"


def block_options(kind: str) -> str:
    rows = ["| option | what it is for | allowed |", "| --- | --- | --- |"]
    rows += [
        f"| `{option.name}` | {option.doc} | {option.allowed} |"
        for option in OPTIONS.values()
        if option.kind == kind
    ]
    return "\n".join(rows)


def config_options() -> str:
    defaults = {name: option.default for name, option in GenimageConfig._schema}
    rows = ["| option | default | what it is for |", "| --- | --- | --- |"]
    rows += [
        f"| `{name}` | {_shown(defaults[name])} | {doc} |" for name, doc in _config_docs().items()
    ]
    return "\n".join(rows)


def _config_docs() -> dict[str, str]:
    """Option to the text below it in the source, in the order of the source."""
    tree = ast.parse(inspect.getsource(config))
    body = next(
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == "GenimageConfig"
    )
    docs = {}
    for option, text in pairwise(body):
        if isinstance(option, ast.Assign) and isinstance(text, ast.Expr):
            assert isinstance(text.value, ast.Constant)
            docs[option.targets[0].id.rstrip("_")] = " ".join(text.value.value.split())
    return docs


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return (
        ""
        if default in ("", {})
        else f"`{default:g}`"
        if isinstance(default, float)
        else f"`{default}`"
    )


def tables() -> dict[str, str]:
    """The line that begins a table in the README to the table."""
    return {
        "<!-- options: generation -->": block_options("generation"),
        "<!-- options: presentation -->": block_options("presentation"),
        "<!-- config -->": config_options(),
    }


def updated(readme: str) -> str:
    for mark, table in tables().items():
        readme, count = re.subn(
            rf"({re.escape(mark)}\n).*?(<!-- end -->)",
            lambda match, table=table: f"{match[1]}{table}\n{match[2]}",
            readme,
            flags=re.DOTALL,
        )
        assert count == 1, mark
    return readme


if __name__ == "__main__":
    README.write_text(updated(README.read_text()))
