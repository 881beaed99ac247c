"""How each known server departs from OpenAI's Images API, as data, and requests put its way.

A server is known by its host, or by the name that the author gives it where it runs under
a host of its own. Everything else counts as `plain`: it is sent what the author wrote.

What a server does not take is left out and told, never dropped silently. Fields that are
not the Images API's own (`seed`, `steps`) are meant for one server, and always pass.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mkdocs_genimage.errors import ConfigurationError
from mkdocs_genimage.rules import OLD_QUALITIES, QUALITIES
from mkdocs_genimage.values import did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

# The parameters of the Images API (text of the `openai` package 3.54.0, 2026-11).
_BASIC = frozenset({"prompt", "model", "n", "size", "response_format", "user"})
_FILES = frozenset({"image", "mask", "markup"})
IMAGES_API = (
    _BASIC
    | _FILES
    | {"quality", "background", "output_format", "output_compression", "moderation", "style"}
    | {"input_fidelity", "complexity", "frame_count", "frame_duration_ms", "svg"}
    | {"stream", "partial_images", "safety_identifier"}
)

_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")


@dataclass(frozen=True)
class Route:
    """What one of a server's two routes, generations or edits, takes.

    Attributes:
        takes: which of the Images API's own parameters.
        formats: values of `output_format`; empty where all pass.
    """

    takes: frozenset[str] = IMAGES_API
    formats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Adapted:
    """A request body as one server wants it.

    Attributes:
        body: what to send.
        left_out: (option, reason) of each that is not sent.
        changed: (option, note) of each that is sent with another meaning than was asked for.
    """

    body: dict[str, Any] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    changed: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Server:
    """One server, or one kind of server.

    Attributes:
        name: what `server:` in mkdocs.yml takes.
        title: its name in messages.
        hosts: where it is found; with a dot in front, a suffix.
        generations: what its route for new pictures takes.
        edits: what its route for edits takes; None if there is none, or not as multipart.
        size: how it wants sizes: `as-is` with `auto`, in `pixels` without, as `sides`
            (width and height), or as a `ratio` (aspect_ratio and resolution).
        response_format: what to ask for where the author does not; empty for nothing.
        qualities: its tiers, cheapest first; empty where all pass.
        max_n: pictures in one request.
        mask: how a mask marks what is redrawn: `alpha` (transparent) or `white`.
        rules_hold: whether this is the official endpoint, so that `rules.check` holds.
        dates_hold: whether models end here when their makers end them, so that
            `rules.lifetime` holds.
    """

    name: str
    title: str
    hosts: tuple[str, ...] = ()
    generations: Route = field(default_factory=Route)
    edits: Route | None = field(default_factory=Route)
    size: Literal["as-is", "pixels", "sides", "ratio"] = "as-is"
    response_format: str = ""
    qualities: tuple[str, ...] = ()
    max_n: int = 10
    mask: Literal["alpha", "white"] = "alpha"
    rules_hold: bool = False
    dates_hold: bool = False

    @property
    def has_edits(self) -> bool:
        """Whether pictures can be edited here."""
        return self.edits is not None

    def adapt(self, fields: Mapping[str, Any], *, edit: bool) -> Adapted:
        """Spell a request the way this server wants it.

        Args:
            fields: the request body that the author asked for, by the Images API's names, in
                normal form. It should hold `model` and `n`: what is sent may depend on them. With
                `image` or `mask` in it, whatever their values, they are reported where they
                cannot be sent.
            edit: whether pictures are edited.

        Returns:
            Each field is in `body`, respelled if need be, or in `left_out`.
        """
        route = (edit and self.edits) or self.generations
        adapted = Adapted()
        for name, value in fields.items():
            if name in IMAGES_API - route.takes:
                reason = self._lacks(name, edit=edit)
            elif name == "size":
                reason = self._spell_size(value, fields, adapted)
            elif name == "quality" and self.qualities:
                reason = self._spell_quality(value, adapted)
            elif name == "output_format" and route.formats and value not in route.formats:
                reason = f"{self.title} makes {' and '.join(route.formats)} pictures only"
            elif name == "n" and isinstance(value, int) and value > self.max_n:
                adapted.body[name], reason = self.max_n, ""
                adapted.changed.append((name, f"{self.title} makes at most {self.max_n} at once"))
            else:
                adapted.body[name], reason = value, ""
            if reason:
                adapted.left_out.append((name, reason))
        if self.response_format:
            adapted.body.setdefault("response_format", self.response_format)
        return adapted

    def _lacks(self, name: str, *, edit: bool) -> str:
        """Why a parameter cannot be sent at all."""
        if name in _FILES and not self.edits:
            return f"{self.title} edits no pictures that are sent along"
        if name == "response_format":
            return f"{self.title} sends base64 by itself, and takes no 'response_format'"
        return f"{self.title} has no '{name}'{' in edits' if edit and self.edits else ''}"

    def _spell_size(self, value: Any, fields: Mapping[str, Any], adapted: Adapted) -> str:
        """Add the size to a body; why not, if it cannot be."""
        if self.size == "as-is":
            adapted.body["size"] = value
            return ""
        if value == "auto":
            return f"{self.title} has no 'auto': it chooses a size where none is sent"
        edges = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if edges is None:
            return f"{self.title} takes WIDTHxHEIGHT, not {shown(value)}"
        if self.size == "pixels":
            adapted.body["size"] = value
            return ""
        width, height = int(edges[1]), int(edges[2])
        spelled: dict[str, Any] = {"width": width, "height": height}
        if self.size == "ratio":
            spelled = _as_ratio(width, height, str(fields.get("model", "")))
        if own := [name for name in spelled if name in fields]:
            return f"'{own[0]}' is given, which {self.title} takes instead"
        adapted.body.update(spelled)
        if self.size == "ratio":
            sent = " and ".join(f"'{name}: {text}'" for name, text in spelled.items())
            adapted.changed.append(
                ("size", f"{self.title} makes no definite sizes; {value} is sent as {sent}")
            )
        return ""

    def _spell_quality(self, value: Any, adapted: Adapted) -> str:
        """Add the quality to a body, or the nearest tier below; why not, if it cannot be."""
        if value == "auto":
            return f"{self.title} has no 'auto': it chooses a quality where none is sent"
        wanted = OLD_QUALITIES.get(value, value) if isinstance(value, str) else None
        if wanted not in QUALITIES:
            return f"{self.title} takes {' and '.join(self.qualities)}, not {shown(value)}"
        upto = QUALITIES[: QUALITIES.index(wanted) + 1]
        sent = [tier for tier in self.qualities if tier in upto][-1]
        adapted.body["quality"] = sent
        if sent != value:
            note = f"{self.title} takes {' and '.join(self.qualities)}; {value} is sent as {sent}"
            adapted.changed.append(("quality", note))
        return ""


# --- The table ----------------------------------------------------------------------------------

# xai-sdk 1.21.0, `types/image.py` (2026-11).
ASPECT_RATIOS = (
    *("1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3", "2:1", "1:2"),
    *("20:9", "9:20", "19.5:9", "9:19.5"),
)
# Long edge in pixels that stands for each; what comes out is near it and depends on the ratio.
# xai-sdk 1.21.0 knows 1k and 2k. 1.5k is for 2.0 models (docs.aimlapi.com on
# grok-imagine-image-2.0, 2026-11), and others answer 422 to what they do not know.
RESOLUTIONS: Mapping[str, int] = {"1k": 1024, "1.5k": 1536, "2k": 2048}
_HAS_1_5K = re.compile(r"grok-imagine-image-2\.0")

_OPENAI = Route(IMAGES_API - {"response_format"})

SERVERS: Mapping[str, Server] = {
    server.name: server
    for server in (
        Server(
            # `400 Unknown parameter: 'response_format'` for every model since 2026-08-13
            # (Apache Camel, CAMEL-23967).
            "openai",
            "OpenAI",
            ("api.openai.com",),
            _OPENAI,
            _OPENAI,
            rules_hold=True,
            dates_hold=True,
        ),
        Server(
            # Same API at https://RESOURCE.openai.azure.com/openai/v1. Models retire on days of
            # Azure's own: gpt-image-1.5 on 2026-12-16 (litellm's price list, 2026-11).
            "azure",
            "Azure OpenAI",
            (".openai.azure.com", ".services.ai.azure.com"),
        ),
        Server(
            # Speaks like OpenAI as far as known, with limits of its own (2026-11): some gateways take
            # 4096x4096, so OpenAI's rules do not bind here.
            "codegateway",
            "CodeGateway",
            ("api.codegateway.dev",),
            dates_hold=True,
        ),
        Server(
            # /v1beta/openai/images/generations takes no more than this in any published program;
            # there is no route for edits (2026-11).
            "google",
            "the Gemini API",
            ("generativelanguage.googleapis.com",),
            generations=Route(_BASIC - {"user"}),
            edits=None,
            size="pixels",
            response_format="b64_json",
            dates_hold=True,
        ),
        Server(
            # `400 Argument not supported: size` (rikkahub/rikkahub issue 1602, 2026-07); quality
            # low or medium, n up to 10, URLs by default (xai-sdk 1.21.0). Edits are JSON only.
            "xai",
            "xAI",
            ("api.x.ai",),
            generations=Route(_BASIC | {"quality"}),
            edits=None,
            size="ratio",
            response_format="b64_json",
            qualities=("low", "medium"),
        ),
        Server(
            # `together` 3.1.1, `types/image_generate_params.py` (2026-11); its address is
            # api.together.ai, api.together.xyz the older one.
            "together",
            "Together",
            ("api.together.ai", "api.together.xyz"),
            generations=Route(_BASIC - {"user"} | {"output_format"}, ("jpeg", "png")),
            edits=None,
            size="sides",
            response_format="base64",
        ),
        Server(
            # Base64 always, size honoured, multipart edits (deepinfra.com model pages, 2026-11);
            # of the other parameters nothing is known, so they pass.
            "deepinfra",
            "DeepInfra",
            ("api.deepinfra.com",),
        ),
        Server(
            # core/http/endpoints/openai/image.go and core/http/routes/openai.go (2026): answers
            # with a URL unless told otherwise, makes 512x512 of a size without an x, always png;
            # has /images/inpainting but no /images/edits.
            "localai",
            "LocalAI",
            generations=Route(_BASIC | {"quality", "output_format"}, ("png",)),
            edits=None,
            size="pixels",
            response_format="b64_json",
        ),
        Server(
            # examples/server/main.cpp (2026): no webp, n clamped to 8, 512x512 for `auto`. Later
            # ones (routes_openai.cpp) do not clamp, and some make webp, though not of edits.
            # A mask is read as grey, white for what is redrawn.
            "stable-diffusion.cpp",
            "stable-diffusion.cpp",
            generations=Route(
                _BASIC - {"response_format", "user"} | {"output_format", "output_compression"},
                ("png", "jpeg"),
            ),
            edits=Route(
                _BASIC - {"response_format", "user"}
                | {"output_format", "output_compression", "image", "mask"},
                ("png", "jpeg"),
            ),
            size="pixels",
            max_n=8,
            mask="white",
        ),
        Server(
            # Forwards to many servers, and maps or drops what they do not take by itself
            # (litellm's source, 2026-11). Its names of models are its owner's.
            "litellm",
            "LiteLLM",
        ),
        Server(
            # docs/serving/image_generation_api.md and image_edit_api.md (2026-11): ignores what it
            # does not know without a word; base64 by default; new pictures are png; edits call the
            # mask `mask_image` and want it white where to edit.
            "vllm-omni",
            "vLLM-Omni",
            generations=Route(_BASIC | {"output_format"}, ("png",)),
            edits=Route(
                _BASIC | {"image", "output_format", "output_compression", "background"},
                ("png", "jpeg", "webp"),
            ),
            size="pixels",
        ),
        # Its models may be anything under a familiar name.
        Server("plain", "the server"),
    )
}
"""Every known server by its name."""

SHORT_NAMES = {"sd.cpp": "stable-diffusion.cpp", "vllm": "vllm-omni"}


def find_server(host: str, name: str = "") -> Server:
    """The server at a host, or the one that the author names.

    Args:
        host: as `Provider.host` spells it, with or without a port; may be empty.
        name: the author's word for it, which counts more than the host; may be empty.

    Raises:
        ConfigurationError: there is no server of that name.
    """
    wanted = name.strip().lower()
    wanted = SHORT_NAMES.get(wanted, wanted)
    if wanted and wanted not in SERVERS:
        raise ConfigurationError(
            f"there is no server {shown(name)}.{did_you_mean(wanted, SERVERS)} "
            f"Allowed: {', '.join(SERVERS)}."
        )
    if wanted:
        return SERVERS[wanted]
    bare = re.sub(r":\d*$", "", host.strip().lower()).rstrip(".")
    for server in SERVERS.values():
        for known in server.hosts:
            if bare == known or (known.startswith(".") and bare.endswith(known)):
                return server
    return SERVERS["plain"]


def _as_ratio(width: int, height: int, model: str) -> dict[str, Any]:
    """The nearest aspect ratio, and the resolution whose long edge is nearest."""

    def far(ratio: str) -> float:
        across, down = (float(part) for part in ratio.split(":"))
        return abs(math.log(width * down / (height * across)))

    known = [name for name in RESOLUTIONS if name != "1.5k" or _HAS_1_5K.search(model)]
    long_edge = max(width, height)
    return {
        "aspect_ratio": min(ASPECT_RATIOS, key=far),
        "resolution": min(known, key=lambda name: abs(RESOLUTIONS[name] - long_edge)),
    }
