"""Taking credentials out of what a server says, in whatever spelling it repeats them."""

from __future__ import annotations

import base64
import html
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

RUN_CHARS = 8
"""So many characters of a secret in a row are hidden, and shorter secrets are none.

With fewer, words would be hidden: servers of this machine take `local` or `none` as a key. What can be
left of a key is then no more than servers show of one that they mask themselves.
"""

MIN_PASSWORD_CHARS = 4
"""A password is chosen by people, hence may be short: such a one is hidden where it stands alone."""

SHOWN_CHARS = 300
"""How much of a server's own words a message repeats."""

READ_CHARS = 4000
"""How much of them is read. More than is shown, as blanks and secrets do not count there."""

UNSURE_CHARS = 256
"""Before a cut, as much as fewer than `RUN_CHARS` characters take when they are escaped twice:
`&#x000041;` with each character as `%26` makes 30 for one."""

LEVELS = 2
"""How often escapes are undone: a JSON text may stand in an address."""

_ESCAPE = re.compile(
    r"(?:%[0-9a-f]{2})+"
    r"|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\[\"'\\/]"
    r"|&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});",
    re.IGNORECASE,
)

# What ends a word around a secret. The rest of the word goes with it: base64 has a part of a
# character in the next one, and an escape may be of an unknown kind.
_STOPS = " \t\r\n\"'`,;:=&?/()[]{}<>"
_REST_OF_WORD = re.compile(f"[^{re.escape(_STOPS)}]*=*")

# Credentials of others. A key in OpenAI's spelling; a bearer token; what servers leave of a key that
# they mask themselves; the credential in front of a host.
_PATTERNS = (
    (re.compile(r"\bsk-[^\s'\",;)]+"), "sk-…"),
    (re.compile(r"\bBearer\s+[^\s'\",;)]+", re.IGNORECASE), "Bearer …"),
    # From the beginning of a word only: from each of its characters takes quadratic time.
    (re.compile(r"(?<![^\s'\"])[^\s'\"]*\*{3,}[^\s'\",;)]*"), "…"),
    (re.compile(r"://[^\s/@]*@"), "://"),
)


class Redactor:
    """Knows the secrets of a server and hides them in texts.

    Hidden is each run of `RUN_CHARS` or more characters of a secret, with the word around it: in any
    case, plain, as URLs, JSON, HTML and Python escape it, and in base64.

    Args:
        secrets: keys, tokens, `name:password`. Those shorter than `RUN_CHARS` are left out.
        password: one that is hidden even if it is shorter than that.
    """

    def __init__(self, secrets: Iterable[str], password: str = "") -> None:
        every = {secret for secret in secrets if len(secret) >= RUN_CHARS}
        self._runs = frozenset(run for secret in every for run in _runs(secret))
        is_short = MIN_PASSWORD_CHARS <= len(password) < RUN_CHARS
        self._password = (
            re.compile(rf"(?<!\w){re.escape(password)}(?!\w)", re.IGNORECASE) if is_short else None
        )

    def line(self, text: str) -> str:
        """`text` as one line of at most `SHOWN_CHARS` characters, without any credential."""
        hidden = self.hide(text[:READ_CHARS])
        for pattern, mask in _PATTERNS:
            hidden = pattern.sub(mask, hidden)
        is_cut = len(text) > READ_CHARS
        if is_cut:
            # What the cut went through was not known for a secret.
            hidden = " ".join(hidden[:-UNSURE_CHARS].split()[:-1])
        line = " ".join("".join(c if c.isprintable() else " " for c in hidden).split())
        if len(line) > SHOWN_CHARS or is_cut:
            return line[: SHOWN_CHARS - 1].rstrip("…") + "…"
        return line

    def hide(self, text: str) -> str:
        """`text` with `…` for each secret."""
        marks = self._marks(text)
        parts = []
        end = 0
        for run in re.finditer(rb"\x01+", marks):
            start, stop = run.span()
            if stop <= end:
                continue
            if text[start] not in _STOPS:
                while start > end and text[start - 1] not in _STOPS:
                    start -= 1
            rest = None if text[stop - 1] in _STOPS else _REST_OF_WORD.match(text, stop)
            parts += [text[end:start], "…"]
            end = rest.end() if rest else stop
        return "".join([*parts, text[end:]])

    def finds(self, text: str) -> bool:
        """Whether a secret is in a text."""
        return any(self._marks(text))

    def _marks(self, text: str) -> bytearray:
        """For each character of a text, whether it belongs to a secret."""
        marks = bytearray(len(text))
        for reading, starts, ends in _readings(text):
            lowered = _lower(reading)
            found = [
                (at, at + RUN_CHARS)
                for at in range(len(lowered) - RUN_CHARS + 1)
                if lowered[at : at + RUN_CHARS] in self._runs
            ]
            if self._password:
                found += [match.span() for match in self._password.finditer(reading)]
            for start, end in found:
                first, last = starts[start], ends[end - 1]
                marks[first:last] = b"\x01" * (last - first)
        return marks


def _runs(secret: str) -> Iterator[str]:
    """All runs of `RUN_CHARS` characters of a secret and of its base64 text, in lower case."""
    for reading, _, _ in _readings(secret):
        texts = {reading, reading.replace(" ", "+")}
        data = reading.encode("utf-8", "surrogatepass")
        for shift in range(3):  # how many bytes stand in front of it, modulo 3
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                coded = encode(bytes(shift) + data).decode()
                # Only characters that hold nothing of what is in front or behind.
                texts.add(coded[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6])
        for text in texts:
            lowered = _lower(text)
            for at in range(len(lowered) - RUN_CHARS + 1):
                yield lowered[at : at + RUN_CHARS]


def _readings(text: str) -> Iterator[tuple[str, Sequence[int], Sequence[int]]]:
    """A text as it is, and with its escapes undone once and again.

    Yields:
        The text, and where each of its characters begins and ends in the text as it is.
    """
    starts: Sequence[int] = range(len(text))
    ends: Sequence[int] = range(1, len(text) + 1)
    yield text, starts, ends
    for _ in range(LEVELS):
        parts: list[str] = []
        new_starts: list[int] = []
        new_ends: list[int] = []
        done = 0
        for escape in _ESCAPE.finditer(text):
            start, end = escape.span()
            plain = _unescape(escape[0])
            parts += [text[done:start], plain]
            new_starts += [*starts[done:start], *[starts[start]] * len(plain)]
            new_ends += [*ends[done:start], *[ends[end - 1]] * len(plain)]
            done = end
        if not done:
            return
        text = "".join([*parts, text[done:]])
        starts = [*new_starts, *starts[done:]]
        ends = [*new_ends, *ends[done:]]
        yield text, starts, ends


def _unescape(escape: str) -> str:
    if escape[0] == "%":
        return unquote(escape, errors="replace")
    if escape[0] == "&":
        return html.unescape(escape)
    mark, digits = escape[1], escape[2:]
    return chr(int(digits, 16)) if digits else mark


def _lower(text: str) -> str:
    """A text of the same length that is equal for all cases of it.

    By way of upper case, which brings letters such as the micro sign together with their like.
    """
    lowered = text.upper().lower()
    if len(lowered) == len(text):
        return lowered
    both = ((one, one.upper().lower()) for one in text)
    return "".join(lowered if len(lowered) == 1 else one for one, lowered in both)
