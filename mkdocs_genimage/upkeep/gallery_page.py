"""The HTML of a gallery.

Prompts and captions are text by strangers as far as this page is concerned: the template escapes all of it,
and the page's own policy lets nothing run but its own script.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from mkdocs_genimage.progress import dollars
from mkdocs_genimage.upkeep.gallery import FILTERS

if TYPE_CHECKING:
    from mkdocs_genimage.upkeep.gallery import Gallery

GENERATOR = "mkdocs-genimage gallery"
"""Says in the page's head what wrote it."""
TEMPLATES = Path(__file__).with_name("templates")
_LIST_ITEM = re.compile(r"(?:[-*+\u2022]|\d+[.)])\s")


def render(gallery: Gallery) -> str:
    """The page's HTML, in one piece: it loads nothing but the original pictures, when one is opened."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"dollars": dollars, "unwrapped": unwrapped}
    css, script = (
        (TEMPLATES / name).read_text(encoding="utf-8") for name in ("gallery.css", "gallery.js")
    )
    policy = "; ".join(
        (
            "default-src 'none'",
            # From file: there is no 'self'.
            "img-src 'self' data: file:",
            f"style-src {_hashed(css)}",
            f"script-src {_hashed(script)}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    # Not from a stranger: both are files of this package, and hold neither `</style` nor `</script`.
    own = {"css": Markup(css), "script": Markup(script)}  # noqa: S704
    return environment.get_template("gallery.html").render(
        gallery=gallery, names=FILTERS, policy=policy, generator=GENERATOR, **own
    )


def is_gallery(path: Path) -> bool:
    """Whether a file is an earlier gallery, which may be written over.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return f'name="generator" content="{GENERATOR}"'.encode() in file.read(4096)


def _hashed(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def unwrapped(text: str) -> str:
    """A prompt as it is read: what an author wrapped in an editor flows, paragraphs and lists stay."""
    lines: list[str] = []
    for line in (line.strip() for line in text.split("\n")):
        if line and lines and lines[-1] and not _LIST_ITEM.match(line):
            no_blank = _is_written_without_blanks(lines[-1][-1], line[0])
            lines[-1] += line if no_blank else f" {line}"
        else:
            lines.append(line)
    return "\n".join(lines).strip()


def _is_written_without_blanks(*signs: str) -> bool:
    """Chinese and Japanese are; Korean is as wide, and has blanks."""
    wide = all(east_asian_width(sign) in "WF" for sign in signs)
    return wide and not any("\uac00" <= sign <= "\ud7a3" for sign in signs)
