"""What those hear of a picture who do not see it."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ALT_CHARS = 125
"""Screen readers read an alt text in one go; longer ones are hard to follow (WebAIM, 2024)."""


def alt_text(options: Mapping[str, Any]) -> tuple[str, str]:
    """The alt text of a block, and where it is from: `alt`, `decorative`, `prompt` or `caption`.

    A caption is read out anyhow. As an alt text it would be heard twice, so a picture has none where its
    caption says all that there is to say. One with a link needs words for that.
    """
    if options.get("decorative"):
        return "", "decorative"
    if options.get("alt"):
        return str(options["alt"]), "alt"
    sentence = first_sentence(str(options.get("prompt", "")))
    caption = plain_text(str(options.get("caption", "")))
    if caption and _letters(caption) == _letters(sentence) and not options.get("link"):
        return "", "caption"
    return sentence, "prompt"


def _letters(text: str) -> str:
    """A text as it is heard."""
    return "".join(filter(str.isalnum, text)).casefold()


def plain_text(markdown: str) -> str:
    """Inline Markdown without its markup."""
    text = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", markdown)
    # Every third piece is the inside of a code span, which is literal; before it stand its backticks.
    pieces = re.split(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)", text)
    pieces[0::3] = [_plain_piece(piece) for piece in pieces[0::3]]
    pieces[1::3] = [""] * len(pieces[1::3])
    return " ".join("".join(pieces).split())


def _plain_piece(text: str) -> str:
    text = re.sub(r"<(https?://[^\s>]+)>", r"\1", text)
    text = re.sub(r"</?[A-Za-z][^>]*>|\{[:.#][^}]*\}", "", text)
    text = re.sub(r"(?<!\\)(?:\*+|_+|~{2,}|={2,}|\^{2,})", _without_marks, text)
    return html.unescape(re.sub(r"\\([\\`*_{}\[\]()#+.!~-])", r"\1", text))


def _without_marks(match: re.Match[str]) -> str:
    """Marks of emphasis vanish; `2 * 3` and `snake_case` hold none."""
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    if not (before.strip() or after.strip()):
        return match[0]
    inside_word = (before.isalnum() or before == "_") and (after.isalnum() or after == "_")
    return match[0] if inside_word and match[0].startswith("_") else ""


def first_sentence(prompt: str) -> str:
    """The first sentence of a prompt, at most `MAX_ALT_CHARS` long, cut between words."""
    text = " ".join(prompt.split())
    end = re.search(r"[.!?](?=\s|$)|[\u3002\uff01\uff1f\u061f\u06d4\u0964]", text)
    if end:
        text = text[: end.end()]
    if len(text) > MAX_ALT_CHARS:
        head = text[: MAX_ALT_CHARS - 1]
        text = (head.rpartition(" ")[0] or head).rstrip(" ,;:") + "\N{HORIZONTAL ELLIPSIS}"
    return text
