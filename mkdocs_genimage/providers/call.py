"""What goes over the wire for a request, before it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.errors import ProviderError
from mkdocs_genimage.formats import MIME_TYPES, sniff
from mkdocs_genimage.request import InputFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs_genimage.request import ImageRequest
    from mkdocs_genimage.servers import Server

# Options that are ours, or that travel by another way than the body.
_NOT_IN_BODY = (
    *("model", "revision", "extra", "prompt", "style", "n", "image", "mask", "mask_mode", "markup"),
)


@dataclass(frozen=True)
class Call:
    """One request, ready to be sent.

    Attributes:
        edit: whether pictures are edited.
        arguments: for the SDK's method.
        model: the model asked for.
        sent: names of the options in the body.
        count: pictures asked for.
    """

    edit: bool
    arguments: Mapping[str, Any]
    model: str
    sent: tuple[str, ...]
    count: int


def requested_fields(request: ImageRequest, count: int) -> dict[str, Any]:
    """What the author asks for, by the Images API's names; files without their bytes."""
    fields: dict[str, Any] = {"model": request.model} if request.model else {}
    if request.moderation:
        fields["moderation"] = request.moderation
    fields |= {name: value for name, value in request.options.items() if name not in _NOT_IN_BODY}
    fields |= request.options.get("extra") or {}
    if count > 1:
        fields["n"] = count
    if request.images:
        fields["image"] = True
        if request.mask:
            fields["mask"] = True
        if request.markup:
            fields["markup"] = True
    return fields


def prepare(request: ImageRequest, count: int, server: Server) -> Call:
    """The SDK's arguments for a request: only what was set is in them, spelled as the server wants it.

    Options go as extra fields of the body. On the wire that is the same as a named argument, and
    no version of the SDK has to know the option.

    Raises:
        ProviderError: it asks for something that cannot be read here.
    """
    edit = bool(request.images)
    body = server.adapt(requested_fields(request, count), edit=edit).body
    if body.get("stream"):
        raise ProviderError(
            "'stream' cannot be used: the answer is read as a whole.",
            cure="Remove 'stream' from 'extra'.",
        )
    arguments: dict[str, Any] = {"prompt": request.prompt}
    for name in ("model", "n"):
        if name in body:
            arguments[name] = body.pop(name)
    if body.pop("image", None):
        # A list even for one: some servers read only the field's list spelling, `image[]`.
        files = [image for image in request.images if isinstance(image, InputFile)]
        arguments["image"] = [_upload(file) for file in files]
    if body.pop("mask", None) and request.mask:
        arguments["mask"] = _upload(_spelled_mask(request.mask, server))
    if body.pop("markup", None) and request.markup:
        arguments["markup"] = _upload(request.markup)
    arguments["extra_body"] = body
    return Call(edit, arguments, request.model, tuple(body), count)


def _spelled_mask(mask: InputFile, server: Server) -> InputFile:
    """A mask, transparent where the picture is redrawn, as the server reads it."""
    if server.mask == "alpha":
        return mask
    from mkdocs_genimage.imaging import white_mask

    return InputFile(mask.name, white_mask(mask.data))


def _upload(file: InputFile) -> tuple[str, bytes, str]:
    """A file part with its media type, which the server checks."""
    mime = MIME_TYPES.get(sniff(file.data) or "", "application/octet-stream")
    return file.name, file.data, mime
