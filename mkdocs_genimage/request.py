"""What identifies an image: the request, its canonical form, its key and its file names.

The key decides whether an image is paid for again, so what is here changes only
with `KEY_VERSION`, and golden vectors in the tests pin it.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_VERSION = 1
"""Version of the canonical form. A change here makes every image a new one."""

KEY_CHARS_IN_NAME = 12
"""Hex digits of the key in a file name: 48 bits, one clash in 10,000 images with odds of 1 to 5 million."""

SLUG_CHARS = 48

_WORD = re.compile(r"[a-z0-9]+")
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def normalise_prompt(text: str) -> str:
    """The prompt as it is hashed and sent: NFC, line feeds only, no blank space at either end."""
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").strip()


def slugify(text: str) -> str:
    """At most 48 ASCII characters of `text` for the front of a file name; `image` if none is left.

    Only a-z, 0-9 and single inner hyphens come out, so no prompt can steer a path.
    """
    ascii_text = unicodedata.normalize("NFKD", text[:1000]).encode("ascii", "ignore").decode()
    words = "-".join(_WORD.findall(ascii_text.lower()))
    if len(words) > SLUG_CHARS:
        words = words[: SLUG_CHARS + 1].rpartition("-")[0] or words[:SLUG_CHARS]
    return words or "image"


@dataclass(frozen=True)
class InputFile:
    """A picture that goes along with a request: an image to edit, or a mask.

    Attributes:
        name: the file's name, as the server is told it.
        data: its bytes.
    """

    name: str
    data: bytes = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """Hex SHA-256 of the bytes: what enters the key, so a renamed file is the same input."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def identity(self) -> str:
        """What enters the key."""
        return self.sha256


TWIN_OF = "the picture for light mode"
"""What the picture for dark mode is made from."""


@dataclass(frozen=True)
class BlockInput:
    """Another block's picture that goes along with a request; it has to be made first.

    Attributes:
        name: the block's id as the author wrote it: `#hero`; `TWIN_OF` for the block's own first picture.
        request: what makes that picture.
        variant: which of its variants.
    """

    name: str
    request: ImageRequest
    variant: int = 1

    @property
    def words(self) -> str:
        """What it is called in a message."""
        return f"the picture of '{self.name}'" if self.name != TWIN_OF else self.name

    @property
    def identity(self) -> str:
        """What enters the key: another source is another edit, even before either is made."""
        return f"#{variant_stem(self.request.key, self.variant)}"


@dataclass(frozen=True)
class ImageRequest:
    """Everything that decides the pixels of one image, and what it is called.

    Attributes:
        prompt: the normalised prompt with its style applied.
        options: generation options that the author set, by their API names, with
            plain JSON values. Never holds `prompt`, `style`, `n` or files.
        images: pictures to edit, in order.
        mask: the mask of the first picture.
        markup: a drawing over the first picture.
        subject: the prompt without its style; names the file, does not enter the key.
        model: the model to ask: the author's own choice (then also in `options`) or the site's.
        moderation: the site's moderation level; part of the renderer, not of the key.
    """

    prompt: str
    options: Mapping[str, Any] = field(default_factory=dict)
    images: tuple[InputFile | BlockInput, ...] = ()
    mask: InputFile | None = None
    markup: InputFile | None = None
    subject: str = ""
    model: str = ""
    moderation: str = ""

    @cached_property
    def identity(self) -> dict[str, Any]:
        """The mapping that is hashed. Only what the author set is in it."""
        identity: dict[str, Any] = {"version": KEY_VERSION, "prompt": self.prompt, **self.options}
        if self.images:
            identity["image"] = [image.identity for image in self.images]
        if self.mask:
            identity["mask"] = self.mask.identity
        if self.markup:
            identity["markup"] = self.markup.identity
        return identity

    @cached_property
    def key(self) -> str:
        """Hex SHA-256 of the canonical JSON of `identity`: sorted keys, no blanks, UTF-8."""
        text = _CANONICAL.encode(self.identity)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def twin_of(self) -> BlockInput | None:
        """The picture for light mode, of one for dark mode."""
        first = self.images[0] if self.images else None
        return first if isinstance(first, BlockInput) and first.name == TWIN_OF else None

    @cached_property
    def stem(self) -> str:
        """File name without variant and ending: `an-orange-cat-0123456789ab`."""
        return f"{slugify(self.subject or self.prompt)}-{self.key[:KEY_CHARS_IN_NAME]}"


def variant_stem(stem: str, variant: int) -> str:
    """The stem of one variant. The first has no number, so that `n: 1` and `n: 4` share it."""
    return stem if variant == 1 else f"{stem}-{variant}"
