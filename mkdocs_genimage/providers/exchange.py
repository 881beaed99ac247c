"""One request and its answer: sent once, bounded in time and size, and believed only after a look.

Imported by the first request; a build that finds all its images does without.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from inspect import signature
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from mkdocs_genimage import workbench
from mkdocs_genimage.errors import Billed, ProviderError
from mkdocs_genimage.providers import Answer, counts_only
from mkdocs_genimage.providers.failures import explain_connection, explain_refusal, timed_out
from mkdocs_genimage.providers.fetch import MAX_IMAGE_BYTES, Spool, download, take
from mkdocs_genimage.providers.refusal import is_html, read_refusal, request_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai import OpenAI

    from mkdocs_genimage.providers.call import Call
    from mkdocs_genimage.providers.endpoint import Endpoint


@dataclass(frozen=True)
class Response:
    """What an answer says beside its body, and how long it took."""

    status: int
    headers: Mapping[str, str]
    seconds: float


class Exchange:
    """One call of the Images API.

    Args:
        client: the SDK's.
        endpoint: where it goes; says what of it may be shown.
        timeout: seconds of wall clock, downloads included.
        call: what is sent.
    """

    def __init__(self, client: OpenAI, endpoint: Endpoint, timeout: float, call: Call) -> None:
        self._client = client
        self._endpoint = endpoint
        self._timeout = timeout
        self._call = call

    def outcome(self) -> Answer | BaseException:
        """What came of a call, or that it took too long.

        The SDK's timeout is for each read from the socket, so a trickling server could go on for
        ever. Only waiting for another thread really ends.
        """
        outcomes: SimpleQueue[Answer | BaseException] = SimpleQueue()
        deadline = time.monotonic() + self._timeout

        def work() -> None:
            try:
                outcomes.put(self._send(deadline))
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

    def _send(self, deadline: float) -> Answer:
        import openai

        started = time.monotonic()
        with Spool() as body:
            try:
                response = self._exchange(body, deadline)
            except ProviderError:
                raise
            except openai.APIStatusError as error:
                status, headers = error.status_code, error.response.headers
                response = Response(status, headers, time.monotonic() - started)
                raise self._refused(response, error.body) from None
            except Exception as error:
                raise explain_connection(error, self._endpoint, self._timeout) from None
            return self._read_answer(response, body, deadline)

    def _exchange(self, body: Spool, deadline: float) -> Response:
        """Send the request and read the answer into `body`, bounded in size and time."""
        images = self._client.images.with_streaming_response
        method: Any = images.edit if self._call.edit else images.generate
        if "markup" in self._call.arguments and "markup" not in signature(method).parameters:
            raise ProviderError(
                "the installed 'openai' package is too old for 'markup'.",
                cure="Update it: pip install --upgrade openai.",
            )
        # Base64 takes a third more; the rest of an answer is short.
        limit = self._call.count * MAX_IMAGE_BYTES * 4 // 3 + 1_000_000
        started = time.monotonic()
        with method(**self._call.arguments) as response:
            for chunk in response.iter_bytes():
                body.add(chunk)
                if body.size > limit:
                    raise ProviderError(
                        f"the answer of {self._endpoint.host} is larger than {limit:,} bytes.",
                        billed=Billed.MAYBE,
                        request_id=request_name(response.headers, self._endpoint),
                    )
                if time.monotonic() > deadline:
                    raise timed_out(self._endpoint, self._timeout)
            seconds = time.monotonic() - started
            return Response(response.status_code, response.headers, seconds)

    def _read_answer(self, response: Response, body: Spool, deadline: float) -> Answer:
        """The pictures of an answer. A success status proves nothing, so all is checked.

        Raises:
            ProviderError: there is none in it.
        """
        name = request_name(response.headers, self._endpoint)
        entries, usage = workbench.unpacking.run(lambda: self._unpack(response, body))
        taken = [self._fetched(entry, deadline) for entry in entries]
        pictures = [one for one in taken if isinstance(one, bytes)]
        for one in taken:
            if isinstance(one, ProviderError) and not pictures:
                one.request_id = name
                raise one
        return Answer(pictures, name, usage)

    def _unpack(
        self, response: Response, body: Spool
    ) -> tuple[list[bytes | str | ProviderError], dict[str, Any] | None]:
        """What an answer holds, base64 decoded: pictures or their addresses, and its `usage`.

        Raises:
            ProviderError: there is nothing in it.
        """
        name = request_name(response.headers, self._endpoint)
        payload = self._parse(response, body)
        items = payload.get("data")
        usage = counts_only(payload.get("usage"))
        if usage and self._endpoint.redactor.finds(json.dumps(usage)):
            usage = None  # gateways count by key
        if not isinstance(items, list) or not items:
            if payload.get("error"):
                raise self._refused(response, payload)
            raise ProviderError(
                f"the answer of {self._endpoint.host} holds no picture.",
                billed=Billed.YES if usage else Billed.MAYBE,
                request_id=name,
            )
        return [_taken(item) for item in items[: self._call.count]], usage

    def _fetched(
        self, entry: bytes | str | ProviderError, deadline: float
    ) -> bytes | ProviderError:
        """An entry, downloaded if it is an address; or what is wrong with it."""
        if not isinstance(entry, str):
            return entry
        try:
            return download(entry, self._endpoint.base_url, deadline)
        except ProviderError as error:
            return error

    def _refused(self, response: Response, body: Any) -> ProviderError:
        refusal = read_refusal(
            self._endpoint,
            body,
            status=response.status,
            headers=response.headers,
            seconds=response.seconds,
            model=self._call.model,
            sent=self._call.sent,
            is_edit=self._call.edit,
        )
        return explain_refusal(refusal)

    def _parse(self, response: Response, body: Spool) -> dict[str, Any]:
        """The JSON object of an answer.

        Raises:
            ProviderError: it is something else.
        """
        name = request_name(response.headers, self._endpoint)
        if is_html(body.head.decode("utf-8", "replace")):
            raise ProviderError(
                f"{self._endpoint.host} answered with an HTML page instead of a picture.",
                cure=f"Check the address in {self._endpoint.base_url_from}, which ends with the "
                "version as in https://api.openai.com/v1, and whether a proxy or a login page is "
                "in between.",
                billed=Billed.MAYBE,
                fatal=True,
                request_id=name,
            )
        payload: Any = None
        with suppress(ValueError, RecursionError):
            # Without a name for the bytes, so that they are freed once they are text.
            payload = json.loads(body.read())
        if isinstance(payload, dict):
            return payload
        raise ProviderError(
            f"the answer of {self._endpoint.host} cannot be read: it is no JSON object.",
            billed=Billed.MAYBE,
            request_id=name,
        )


def _taken(item: Any) -> bytes | str | ProviderError:
    """One entry or what is wrong with it: the others of the answer are paid for as well."""
    try:
        return take(item)
    except ProviderError as error:
        return error
