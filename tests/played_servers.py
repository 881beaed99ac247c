"""The servers that speak the Images API their own way, played: what each takes, refuses and answers."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from api_server import Reply, error_body
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Callable

    from api_call import Call

KEY = "test-key-of-this-server"
SDK_FIELDS = {"prompt", "model", "n"}


# --- The servers --------------------------------------------------------------------------------


def unknown_parameter(name: str) -> Reply:
    return Reply(400, error_body(f"Unknown parameter: '{name}'.", "unknown_parameter", param=name))


def google_error(message: str) -> dict[str, Any]:
    return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}


@dataclass(frozen=True)
class Played:
    """How one server behaves.

    takes: the fields that its route for new pictures takes.
    edits: those that its route for edits takes; None if there is no such route.
    ignores: whether it passes over fields that it does not know.
    unknown: its answer to a field that it does not know.
    check: looks at a request that has known fields only; an answer if something is wrong.
    reply: the healthy answer.
    refusal: an error in its shape.
    """

    takes: set[str]
    edits: set[str] | None = None
    ignores: bool = False
    unknown: Callable[[str], Reply] = unknown_parameter
    check: Callable[[Call], Reply | None] = lambda call: None
    reply: Callable[[Call], Reply] = lambda call: Reply()
    refusal: Any = field(default_factory=lambda: error_body("Too many cats", "invalid_value"))

    def __call__(self, call: Call) -> Reply:
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return Reply(401, error_body("No", "invalid_api_key"))
        edit = call.path.endswith("/edits")
        takes = self.edits if edit else self.takes
        if takes is None:
            return Reply(404, error_body("Not found"))
        if "cats" in call.fields["prompt"]:
            return Reply(400, self.refusal)
        given = {*call.fields, *(part.name.removesuffix("[]") for part in call.files)}
        for name in sorted(given - takes):
            if not self.ignores:
                return self.unknown(name)
        return self.check(call) or self.reply(call)


OPENAI_FIELDS = {
    *("prompt", "model", "n", "size", "quality", "background", "output_format"),
    *("output_compression", "moderation", "user"),
}
OPENAI_EDITS = {*OPENAI_FIELDS, "image", "mask"}


def official(call: Call) -> Reply | None:
    edges = re.fullmatch(r"(\d+)x(\d+)|auto", str(call.fields.get("size", "auto")))
    if not edges or any(int(edge) % 16 for edge in edges.groups("0")):
        return Reply(400, error_body(f"Invalid size '{call.fields['size']}'.", "invalid_value"))
    if call.fields.get("quality", "auto") not in ("low", "medium", "high", "auto"):
        return Reply(400, error_body("The model does not support this quality", param="quality"))
    for part in call.files:
        if part.mime not in ("image/png", "image/jpeg", "image/webp"):
            return Reply(400, error_body(f"unsupported mimetype ('{part.mime}')"))
        if part.name == "mask":
            with Image.open(io.BytesIO(part.data)) as mask:
                assert mask.mode == "RGBA"
                assert mask.getpixel((32, 24))[3] == 0  # type: ignore[index]
    return None


def xai_check(call: Call) -> Reply | None:
    ratios = {"1:1", "3:2", "2:3", "16:9", "9:16", "4:3", "3:4", "2:1"}
    asked = call.fields
    if asked.get("quality", "low") not in ("low", "medium"):
        return Reply(422, {"code": "invalid", "error": "quality: unknown variant"})
    if asked.get("aspect_ratio", "1:1") not in ratios:
        return Reply(422, {"code": "invalid", "error": "aspect_ratio: unknown variant"})
    if asked.get("resolution", "1k") not in ("1k", "1.5k", "2k"):
        return Reply(422, {"code": "invalid", "error": "resolution: unknown variant"})
    return None


def together_check(call: Call) -> Reply | None:
    asked = call.fields
    if asked.get("response_format", "url") not in ("base64", "url"):
        return Reply(
            400, error_body("response_format must be base64 or url", param="response_format")
        )
    if asked.get("output_format", "jpeg") not in ("jpeg", "png"):
        return Reply(400, error_body("output_format must be jpeg or png", param="output_format"))
    if any(not isinstance(asked.get(edge, 1), int) for edge in ("width", "height")):
        return Reply(400, error_body("width and height are whole numbers"))
    return None


def together_reply(call: Call) -> Reply:
    size = "{}x{}".format(call.fields.get("width", 512), call.fields.get("height", 512))
    form = call.fields.get("output_format", "jpeg")
    deliver = "b64" if call.fields.get("response_format") == "base64" else "url"
    return Reply(size=size, format=form, deliver=deliver)


def unless_b64_json(**more: Any) -> Callable[[Call], Reply]:
    """Pictures by address, unless the request asks for base64."""
    return lambda call: Reply(
        deliver="b64" if call.fields.get("response_format") == "b64_json" else "url", **more
    )


def localai_reply(call: Call) -> Reply:
    size = call.fields.get("size") or "512x512"
    size = size if "x" in size else "512x512"
    return unless_b64_json(size=size, format="png")(call)


def sd_cpp_check(call: Call) -> Reply | None:
    form = call.fields.get("output_format", "png")
    if form not in ("png", "jpeg"):
        return Reply(400, {"error": "invalid output_format, must be one of [png, jpeg]"})
    if not call.path.endswith("/edits"):
        return None
    if not [part for part in call.files if part.name == "image[]"]:
        return Reply(400, {"error": "at least one image[] required"})
    for part in call.files:
        if part.name == "mask":  # read as grey: what is white is painted anew
            with Image.open(io.BytesIO(part.data)) as mask:
                grey = mask.convert("L")
                if (grey.getpixel((32, 24)), grey.getpixel((1, 1))) != (255, 0):
                    return Reply(400, {"error": "nothing is white in the mask"})
    return None


def sd_cpp_reply(call: Call) -> Reply:
    size = call.fields.get("size") or "512x512"
    size = "512x512" if size == "auto" else size
    count = min(int(call.fields.get("n", 1)), 8)
    return Reply(size=size, count=count, extra={"created": "2026-11-22T10:00:00Z"})


PLAYED: dict[str, Played] = {
    "openai": Played(OPENAI_FIELDS, OPENAI_EDITS, check=official),
    "azure": Played(OPENAI_FIELDS, OPENAI_EDITS, check=official),
    "codegateway": Played(OPENAI_FIELDS, OPENAI_EDITS, check=official),
    "google": Played(
        {"prompt", "model", "n", "size", "response_format"},
        unknown=lambda name: Reply(
            400, [google_error(f'Invalid JSON payload received. Unknown name "{name}"')]
        ),
        reply=unless_b64_json(format="jpeg"),
        refusal=[google_error("Too many cats")],
    ),
    "xai": Played(
        {*SDK_FIELDS, "quality", "response_format", "aspect_ratio", "resolution", "user"},
        unknown=lambda name: Reply(400, {"code": "x", "error": f"Argument not supported: {name}"}),
        check=xai_check,
        reply=unless_b64_json(format="jpeg"),
        refusal={"code": "Client specified an invalid argument", "error": "Too many cats"},
    ),
    "together": Played(
        {*SDK_FIELDS, "width", "height", "steps", "seed", "response_format", "output_format"},
        check=together_check,
        reply=together_reply,
    ),
    "localai": Played(
        {*SDK_FIELDS, "size", "response_format", "quality", "step"},
        ignores=True,
        reply=localai_reply,
        refusal={"error": {"code": 500, "message": "Too many cats", "type": ""}},
    ),
    "stable-diffusion.cpp": Played(
        {*SDK_FIELDS, "size", "output_format", "output_compression"},
        {*SDK_FIELDS, "size", "output_format", "output_compression", "image", "mask"},
        ignores=True,
        check=sd_cpp_check,
        reply=sd_cpp_reply,
        refusal={"error": "Too many cats"},
    ),
    "litellm": Played(
        OPENAI_FIELDS,
        OPENAI_EDITS,
        ignores=True,
        refusal={
            "error": {"message": "litellm.BadRequestError: Too many cats", "type": None,
                      "param": None, "code": "400"}
        },
    ),
    "vllm-omni": Played(
        {*SDK_FIELDS, "size", "response_format", "output_format", "seed", "user"},
        {*SDK_FIELDS, "size", "image", "output_format", "output_compression", "background", "user"},
        ignores=True,
        refusal={"detail": [{"loc": ["body", "prompt"], "msg": "Too many cats"}]},
    ),
    "deepinfra": Played({*OPENAI_FIELDS, "response_format"}, OPENAI_EDITS, ignores=True),
    "plain": Played(
        {*OPENAI_FIELDS, "response_format", "seed"},
        {*OPENAI_EDITS, "response_format"},
        reply=unless_b64_json(),
    ),
}  # fmt: skip


def white_circle() -> bytes:
    mask = Image.new("L", (64, 48))
    ImageDraw.Draw(mask).ellipse((22, 14, 42, 34), fill=255)
    out = io.BytesIO()
    mask.save(out, "PNG")
    return out.getvalue()
