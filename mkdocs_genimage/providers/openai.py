"""The provider for the OpenAI Images API and for every server that speaks it.

The `openai` package takes over half a second and 49 MB to import, so only the first
request imports it. It writes the requests; its retries and redirects are off, because
either could pay for a picture twice.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING

from mkdocs_genimage.errors import ProviderError
from mkdocs_genimage.log import log
from mkdocs_genimage.providers import Answer, Review
from mkdocs_genimage.providers.endpoint import find_endpoint

if TYPE_CHECKING:
    from openai import OpenAI

    from mkdocs_genimage.providers import ProviderSettings
    from mkdocs_genimage.request import ImageRequest
    from mkdocs_genimage.servers import Server

CONNECT_SECONDS = 10.0
"""A server that does not even take the connection by then is not asked for longer."""

NO_KEY = "none"
"""Sent where no key is needed: the SDK insists on one."""


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
        self._server_name = settings.server
        if settings.server:
            _ = self._server  # a wrong name is told at once
        self._aged: set[str] = set()
        self._client: OpenAI | None = None
        self._lock = threading.Lock()
        self.host = self._endpoint.host

    # A build whose pictures are all in the cache has no use for the tables of servers and rules.

    @cached_property
    def _server(self) -> Server:
        from mkdocs_genimage.servers import find_server

        return find_server(self._endpoint.host, self._server_name)

    def __repr__(self) -> str:
        return f"OpenAIProvider(host={self.host!r})"

    def unready(self) -> str:
        """Why no request can be sent, with the cure; empty if one can."""
        return self._endpoint.problem

    def prepare(self) -> None:
        """Import the SDK, and set up the connection. What goes wrong is told by the first request."""
        with suppress(ProviderError):
            self._connect()

    def review(self, request: ImageRequest, count: int) -> Review:
        """What the model or the server is known to refuse, and what the server takes otherwise."""
        from mkdocs_genimage.providers.call import requested_fields
        from mkdocs_genimage.rules import check

        edit = bool(request.images)
        fields = requested_fields(request, count)
        adapted = self._server.adapt(fields, edit=edit)
        objections: list[tuple[str, str]] = []
        if edit and not self._server.has_edits:  # nothing is left that could be sent all the same
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
        from mkdocs_genimage.providers.call import prepare
        from mkdocs_genimage.providers.exchange import Exchange

        call = prepare(request, count, self._server)
        client = self._connect()
        outcome = Exchange(client, self._endpoint, self._timeout, call).outcome()
        if isinstance(outcome, Answer):
            return outcome
        raise outcome

    def _mention_age(self, model: str) -> None:
        """Warn once about a model that is gone or soon will be, where that is known."""
        with self._lock:
            is_new = model not in self._aged
            self._aged.add(model)
        if is_new and self._server.dates_hold:
            from mkdocs_genimage.rules import lifetime

            warning = lifetime(model, datetime.now(timezone.utc).date())
            if warning:
                log.warning("%s", warning)

    def _connect(self) -> OpenAI:
        """The client, made by the first thread that needs it.

        Raises:
            ProviderError: the environment does not let it be made.
        """
        with self._lock:
            if self._client:
                return self._client
            try:
                self._client = self._make_client()
            except Exception as error:
                from mkdocs_genimage.providers.failures import explain_setup

                failure = explain_setup(error, self._endpoint)
            else:
                return self._client
            raise failure  # not above, where it would carry the other one along

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
