"""The provider for the OpenAI Images API and for every server that speaks it.

The `openai` package takes over half a second and 49 MB to import, so only the first
request imports it. It writes the requests; its retries and redirects are off, because
either could pay for a picture twice.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.errors import Billed, ProviderError
from mkdocs_genimage.formats import MIME_TYPES, sniff
from mkdocs_genimage.log import log
from mkdocs_genimage.providers import Answer, Review
from mkdocs_genimage.providers.endpoint import find_endpoint
from mkdocs_genimage.providers.failures import explain_connection, explain_refusal, timed_out
from mkdocs_genimage.providers.fetch import MAX_IMAGE_BYTES, picture
from mkdocs_genimage.providers.refusal import is_html, read_refusal, request_name
from mkdocs_genimage.request import InputFile
from mkdocs_genimage.rules import check, lifetime
from mkdocs_genimage.servers import Server, find_server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai import OpenAI

    from mkdocs_genimage.providers import ProviderSettings
    from mkdocs_genimage.request import ImageRequest

CONNECT_SECONDS = 10.0
"""A server that does not even take the connection by then is not asked for longer."""

NO_KEY = "none"
"""Sent where no key is needed: the SDK insists on one."""

# Options that are ours, or that travel by another way than the body.
_NOT_IN_BODY = (
    *("model", "revision", "extra", "prompt", "style", "n", "image", "mask", "mask_mode"),
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


@dataclass(frozen=True)
class Response:
    """An answer with a success status, as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


def create(settings: ProviderSettings) -> OpenAIProvider:
    """The provider for `provider: openai`. Sends nothing and imports nothing yet."""
    return OpenAIProvider(settings)


class OpenAIProvider:
    """Asks an Images API for pictures. One object and one client serve all threads."""

    name = "openai"
    draft = False

    def __init__(self, settings: ProviderSettings) -> None:
        self._endpoint = find_endpoint(settings)
        self._timeout = settings.timeout
        self._validate = settings.validate
        self._server = find_server(self._endpoint.host, settings.server)
        self._aged: set[str] = set()
        self._client: OpenAI | None = None
        self._lock = threading.Lock()
        self.host = self._endpoint.host

    def __repr__(self) -> str:
        return f"OpenAIProvider(host={self.host!r})"

    def unready(self) -> str:
        """Why no request can be sent, with the cure; empty if one can."""
        return self._endpoint.problem

    def review(self, request: ImageRequest, count: int) -> Review:
        """What the model or the server is known to refuse, and what the server takes otherwise."""
        edit = bool(request.images)
        fields = requested_fields(request, count)
        adapted = self._server.adapt(fields, edit=edit)
        objections: list[tuple[str, str]] = []
        if self._validate and edit and not self._server.has_edits:
            objections.append(("image", f"{self._server.title} cannot edit pictures."))
        elif self._validate and self._server.rules_hold:
            options = {name: value for name, value in fields.items() if name != "model"}
            objections += check(request.model, options, edit=edit)
        remarks = [(name, f"'{name}' is not sent: {reason}.") for name, reason in adapted.left_out]
        remarks += [
            (name, f"'{name}' is sent otherwise: {note}.") for name, note in adapted.changed
        ]
        return Review(objections, [remark for remark in remarks if remark[0] != "image"])

    def generate(self, request: ImageRequest, count: int) -> Answer:
        """Ask for `count` pictures of `request`, in one call that is sent at most once.

        It ends within the settings' timeout, downloads included. A call that is given up goes on
        in a thread of its own until the server or the SDK ends it; it may have been billed.

        Raises:
            ProviderError: nothing usable came back.
        """
        if problem := self.unready():
            raise ProviderError(problem, fatal=True)
        self._mention_age(request.model)
        call = prepare(request, count, self._server)
        client = self._connect()
        outcome = self._within_timeout(client, call)
        if isinstance(outcome, Answer):
            return outcome
        raise outcome

    def _mention_age(self, model: str) -> None:
        """Warn once about a model that is gone or soon will be, where that is known."""
        with self._lock:
            is_new = model not in self._aged
            self._aged.add(model)
        if is_new and self._server.dates_hold:
            warning = lifetime(model, datetime.now(timezone.utc).date())
            if warning:
                log.warning("%s", warning)

    def _connect(self) -> OpenAI:
        """The client, made by the first thread that needs it.

        Raises:
            ProviderError: the environment does not let it be made.
        """
        with self._lock:
            if self._client is None:
                problem = ""
                try:
                    self._client = self._make_client()
                except Exception as error:
                    # Proxies, certificates, SOCKS without its package: all of the environment.
                    problem = f"({type(error).__name__}) {self._endpoint.redact(str(error))}"
                if self._client is None:
                    raise ProviderError(
                        f"the connection to {self.host} cannot be set up {problem}".rstrip(".")
                        + ".",
                        cure="Check the proxy and certificate variables of the environment.",
                        fatal=True,
                    )
            return self._client

    def _make_client(self) -> OpenAI:
        import openai

        endpoint = self._endpoint
        # A new connection for each request: one that was kept open and died meanwhile looks like
        # a picture that was paid for and lost.
        headers = {"Connection": "close"}
        if endpoint.user_info:
            # As a header and not in the address, which HTTP clients log.
            headers["Authorization"] = f"Basic {endpoint.basic}"
        client = openai.OpenAI(
            api_key=endpoint.api_key or NO_KEY,
            base_url=endpoint.base_url,
            max_retries=0,
            timeout=openai.Timeout(self._timeout, connect=min(CONNECT_SECONDS, self._timeout)),
            default_headers=headers,
            http_client=openai.DefaultHttpxClient(follow_redirects=False),
        )
        # The SDK reads both from the environment, and sends a header for an empty one.
        client.organization = (client.organization or "").strip() or None
        client.project = (client.project or "").strip() or None
        return client

    def _within_timeout(self, client: OpenAI, call: Call) -> Answer | BaseException:
        """What came of a call, or that it took too long.

        The SDK's timeout is for each read from the socket, so a trickling server could go on for
        ever. Only waiting for another thread really ends.
        """
        outcomes: SimpleQueue[Answer | BaseException] = SimpleQueue()
        deadline = time.monotonic() + self._timeout

        def work() -> None:
            try:
                outcomes.put(self._send(client, call, deadline))
            except BaseException as error:
                # What led to it may hold the key: a refused header is repeated in its exception.
                error.__cause__ = error.__context__ = None
                outcomes.put(error.with_traceback(None))

        # A daemon, so that a call that was given up does not keep the interpreter from ending.
        threading.Thread(target=work, name="genimage-request", daemon=True).start()
        try:
            return outcomes.get(timeout=self._timeout)
        except Empty:
            return timed_out(self._endpoint, self._timeout)

    def _send(self, client: OpenAI, call: Call, deadline: float) -> Answer:
        import openai

        started = time.monotonic()
        try:
            response = self._exchange(client, call, deadline)
        except ProviderError:
            raise
        except openai.APIStatusError as error:
            status, headers = error.status_code, error.response.headers
            response = Response(status, headers, b"", time.monotonic() - started)
            raise self._refused(response, error.body, call) from None
        except Exception as error:
            raise explain_connection(error, self._endpoint, self._timeout) from None
        return self._read_answer(response, call, deadline)

    def _exchange(self, client: OpenAI, call: Call, deadline: float) -> Response:
        """Send the request and read the answer, bounded in size and time."""
        images = client.images.with_streaming_response
        method: Any = images.edit if call.edit else images.generate
        # Base64 takes a third more; the rest of an answer is short.
        limit = call.count * MAX_IMAGE_BYTES * 4 // 3 + 1_000_000
        body = bytearray()
        started = time.monotonic()
        with method(**call.arguments) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > limit:
                    raise ProviderError(
                        f"the answer of {self.host} is larger than {limit:,} bytes.",
                        billed=Billed.MAYBE,
                        request_id=request_name(response.headers, self._endpoint),
                    )
                if time.monotonic() > deadline:
                    raise timed_out(self._endpoint, self._timeout)
            seconds = time.monotonic() - started
            return Response(response.status_code, response.headers, bytes(body), seconds)

    def _read_answer(self, response: Response, call: Call, deadline: float) -> Answer:
        """The pictures of an answer. A success status proves nothing, so all is checked.

        Raises:
            ProviderError: there is none in it.
        """
        name = request_name(response.headers, self._endpoint)
        payload = self._parse(response)
        items = payload.get("data")
        usage = payload.get("usage")
        usage = usage if isinstance(usage, dict) else None
        if not isinstance(items, list) or not items:
            if payload.get("error"):
                raise self._refused(response, payload, call)
            raise ProviderError(
                f"the answer of {self.host} holds no picture.",
                billed=Billed.YES if usage else Billed.MAYBE,
                request_id=name,
            )
        taken = [self._picture(item, deadline) for item in items[: call.count]]
        pictures = [one for one in taken if isinstance(one, bytes)]
        for one in taken:
            if isinstance(one, ProviderError) and not pictures:
                one.request_id = name
                raise one
        return Answer(pictures, name, usage)

    def _picture(self, item: Any, deadline: float) -> bytes | ProviderError:
        """One picture or what is wrong with it: the others of the answer are paid for as well."""
        try:
            return picture(item, self._endpoint.base_url, deadline)
        except ProviderError as error:
            return error

    def _refused(self, response: Response, body: Any, call: Call) -> ProviderError:
        refusal = read_refusal(
            self._endpoint,
            body,
            status=response.status,
            headers=response.headers,
            seconds=response.seconds,
            model=call.model,
            sent=call.sent,
        )
        return explain_refusal(refusal)

    def _parse(self, response: Response) -> dict[str, Any]:
        """The JSON object of an answer.

        Raises:
            ProviderError: it is something else.
        """
        name = request_name(response.headers, self._endpoint)
        if is_html(response.body[:100].decode("utf-8", "replace")):
            raise ProviderError(
                f"{self.host} answered with an HTML page instead of a picture.",
                cure=f"Check the address in {self._endpoint.base_url_from}, which ends with the "
                "version as in https://api.openai.com/v1, and whether a proxy or a login page is "
                "in between.",
                billed=Billed.MAYBE,
                fatal=True,
                request_id=name,
            )
        payload: Any = None
        with suppress(ValueError, RecursionError):
            payload = json.loads(response.body)
        if isinstance(payload, dict):
            return payload
        raise ProviderError(
            f"the answer of {self.host} cannot be read: it is no JSON object.",
            billed=Billed.MAYBE,
            request_id=name,
        )


def requested_fields(request: ImageRequest, count: int) -> dict[str, Any]:
    """What the author asks for, by the Images API's names; `image` and `mask` without their bytes."""
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
        arguments["mask"] = _upload(request.mask)
    arguments["extra_body"] = body
    return Call(edit, arguments, request.model, tuple(body), count)


def _upload(file: InputFile) -> tuple[str, bytes, str]:
    """A file part with its media type, which the server checks."""
    mime = MIME_TYPES.get(sniff(file.data) or "", "application/octet-stream")
    return file.name, file.data, mime
