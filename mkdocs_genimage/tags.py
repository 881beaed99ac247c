"""Tags in finished HTML, found and changed as text, so that all else on a page stays as it is written."""

from __future__ import annotations

import re

_ATTRIBUTE = re.compile(
    r"""[\s/]*(?P<name>[^\s=<>/"']+)(?:\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s<>"']+)))?"""
)
_REST = (
    r"""(?:(?:\s[\s/]*|(?<=["']))[^\s=<>/"']+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s<>"']+))?)*"""
    r"""(?:\s[\s/]*|/)?>"""
)
"""Of a tag, behind its name. What other plugins have read and written anew may stand in quotes of either
kind or in none, and quoted values may hold the other kind, and `>`. What is no tag to the letter is none
here: a quotation mark that is never closed must not swallow a page."""
PICTURE = re.compile(
    rf"<picture\b{_REST}(?P<inside>(?:(?!<picture\b).)*?)</picture>|<img\b{_REST}", re.DOTALL
)
"""An image, with the `<picture>` round it, if it has one."""
IMAGE = re.compile(rf"<img\b{_REST}")
SOURCE = re.compile(rf"<source\b{_REST}")
LINKED_PICTURE = re.compile(
    rf"(?P<link><a\b{_REST})?(?P<picture><picture\b{_REST}(?:<source\b{_REST})*)?"
    rf"(?P<image><img\b{_REST})(?(picture)</picture>)(?(link)</a>)"
)
"""An image with what is round it alone."""
_TAG = re.compile(r"<(?P<name>\w+)(?P<attributes>.*?)(?P<end>\s*/?>)", re.DOTALL)


class Tag:
    """A tag that can be changed; what is not changed stays as it is written.

    Args:
        text: as one of the patterns found it.

    Attributes:
        end: how it ends, in XHTML or in HTML.
    """

    def __init__(self, text: str) -> None:
        match = _TAG.fullmatch(text)
        assert match is not None
        self._name = match["name"]
        self.end = match["end"]
        self._values: dict[str, str] = {}
        self._written: dict[str, str] = {}
        for one in _ATTRIBUTE.finditer(match["attributes"]):
            self._values[one["name"]] = one["double"] or one["single"] or one["bare"] or ""
            self._written[one["name"]] = one[0]

    def get(self, name: str) -> str:
        """A value; empty without one."""
        return self._values.get(name, "")

    def set(self, name: str, value: str, *, before: str = "", after: str = "") -> None:
        """Change an attribute, or add it next to another."""
        self._values[name] = value
        text = f' {name}="{value}"'
        if name in self._written:
            written = self._written[name]
            blanks = written[: len(written) - len(written.lstrip())]
            self._written[name] = blanks + text.lstrip()
            return
        old, self._written = self._written, {}
        for other, written in old.items():
            if other == before:
                self._written[name] = text
            self._written[other] = written
            if other == after:
                self._written[name] = text

    def drop(self, name: str) -> None:
        """Take an attribute away, if it is there."""
        self._values.pop(name, None)
        self._written.pop(name, None)

    def __str__(self) -> str:
        text = f"<{self._name}"
        for written in self._written.values():
            # Behind a quoted value that was taken away there may have been no blank.
            glued = not written[0].isspace() and text[-1] not in "\"'"
            text += f" {written}" if glued else written
        return text + self.end
