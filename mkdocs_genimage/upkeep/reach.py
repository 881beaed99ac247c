"""Whether a site's server can be reached, takes the key and has the model: one request, free of charge."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from mkdocs_genimage.errors import ProviderError
from mkdocs_genimage.providers.endpoint import host_and_port, split_address
from mkdocs_genimage.providers.failures import explain_connection, explain_refusal
from mkdocs_genimage.providers.refusal import is_html, read_refusal
from mkdocs_genimage.servers import find_server
from mkdocs_genimage.upkeep.diagnosis import Finding
from mkdocs_genimage.values import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs_genimage.providers.endpoint import Endpoint

SECONDS = 10.0
"""Of wall clock, for all of it."""
MAX_BYTES = 4_000_000
"""The lists of large gateways have a few hundred kilobytes (2026-11)."""
PAGE = "models"
_NO_LIST = (404, 405, 410, 501)
_ABOUT = "server"


@dataclass(frozen=True)
class Reply:
    """What the server said.

    Attributes:
        status: HTTP status.
        headers: of the answer.
        body: its text.
        seconds: between the request and the answer.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: str = field(repr=False)
    seconds: float

    @property
    def content(self) -> Any:
        """The body's JSON value; None if it is none."""
        with suppress(ValueError, RecursionError):
            return json.loads(self.body)
        return None


def look(endpoint: Endpoint, model: str, *, server: str = "", seconds: float = SECONDS) -> Finding:
    """Ask a server for its list of models, as requests for pictures would reach it.

    Args:
        endpoint: the server, and the key for it. Nothing may be wrong with it (`Endpoint.problem`).
        model: what the site asks for.
        server: the kind of server, where mkdocs.yml names it.
        seconds: of wall clock.
    """
    outcome = _ask(endpoint, seconds)
    host, origin = endpoint.host, endpoint.base_url_from
    if isinstance(outcome, ProviderError):
        return Finding("problem", _ABOUT, outcome.message, outcome.cure)
    if outcome.status == 200:
        return _listed(outcome, endpoint, model, server)
    if outcome.status // 100 == 3:
        return _redirected(outcome, endpoint)
    if outcome.status in _NO_LIST:
        return Finding(
            "ok",
            _ABOUT,
            f"{host} answers (HTTP {outcome.status}). It has no list of models, so neither the key nor the "
            "model could be checked.",
        )
    said = read_refusal(
        endpoint,
        outcome.content or outcome.body[:1000],
        status=outcome.status,
        headers=outcome.headers,
        seconds=outcome.seconds,
        model=model,
        sent=(),
    )
    # Keys may be restricted to some of the API, and then say so (OpenAI, 2026).
    if "missing scopes" in said.message.lower() or outcome.status == 403:
        return Finding(
            "note",
            _ABOUT,
            f"{host} answers, but the key may not list models (HTTP {outcome.status}){said.said}",
            "That is no fault if the key may make pictures.",
        )
    if outcome.status in (401, 402, 407):
        refusal = explain_refusal(said)
        return Finding("problem", _ABOUT, refusal.message, refusal.cure)
    status = "note" if outcome.status == 429 or outcome.status >= 500 else "problem"
    return Finding(
        status,  # type: ignore[arg-type]
        _ABOUT,
        f"{host} answers HTTP {outcome.status} to the question for its models{said.said}",
        "Try again later." if status == "note" else f"Check the address in {origin}.",
    )


def _listed(reply: Reply, endpoint: Endpoint, model: str, server: str) -> Finding:
    host, origin = endpoint.host, endpoint.base_url_from
    names = _names(reply.content)
    if names is None:
        what = "an HTML page" if is_html(reply.body) else "something else"
        return Finding(
            "problem" if is_html(reply.body) else "note",
            _ABOUT,
            f"{host} answers with {what} where an API has its list of models.",
            f"Check the address in {origin}: it ends with the version, as in https://api.openai.com/v1.",
        )
    asked = f"{host} answers and takes the key" if endpoint.api_key else f"{host} answers"
    if model in names:
        return Finding("ok", _ABOUT, f"{asked}. It has the model '{model}'.")
    # Azure's names of deployments and routers' names for models stand in no list.
    is_complete = find_server(host, server).rules_hold
    hint = did_you_mean(model, sorted(names))
    return Finding(
        "problem" if is_complete else "note",
        _ABOUT,
        f"{asked}. The model '{model}' is not among the {len(names)} that it lists.{hint}",
        "Check 'model' in mkdocs.yml: it may be misspelt, shut down, or not open to this key.",
    )


def _names(content: Any) -> set[str] | None:
    """The models of a list; None if it is no such list. Some servers leave out what is around it."""
    entries = content.get("data", content.get("models")) if isinstance(content, dict) else content
    if not isinstance(entries, list):
        return None
    ids = [entry.get("id") if isinstance(entry, dict) else entry for entry in entries]
    names = {name for name in ids if isinstance(name, str)}
    # Gemini's endpoint lists `models/gemini-...` and takes both.
    return names | {name.removeprefix("models/") for name in names}


def _redirected(reply: Reply, endpoint: Endpoint) -> Finding:
    parts = None
    with suppress(ValueError):
        target = urljoin(f"{endpoint.base_url}/{PAGE}", reply.headers.get("location", ""))
        parts = split_address(target.partition("?")[0])
    where = f" to {parts.scheme}://{host_and_port(parts)}" if parts else ""
    return Finding(
        "problem",
        _ABOUT,
        f"{endpoint.host} redirects{where} (HTTP {reply.status}). Redirects are not followed: key and prompt "
        "would be.",
        f"Write the address that it leads to into {endpoint.base_url_from}.",
    )


def _ask(endpoint: Endpoint, seconds: float) -> Reply | ProviderError:
    """Send the request, and wait for the answer no longer than told.

    The HTTP client's own time limit is for each read, so a trickling server could go on for ever.
    """
    outcomes: SimpleQueue[Reply | ProviderError] = SimpleQueue()

    def work() -> None:
        try:
            outcomes.put(_get(endpoint, seconds))
        except Exception as error:
            outcomes.put(_failed(error, endpoint, seconds))

    threading.Thread(target=work, name="genimage-models", daemon=True).start()
    try:
        return outcomes.get(timeout=seconds)
    except Empty:
        return _too_slow(endpoint, seconds)


def _get(endpoint: Endpoint, seconds: float) -> Reply:
    import openai

    started = time.monotonic()
    # The SDK's own client: proxies and certificates are found as for requests for pictures.
    with (
        openai.DefaultHttpxClient(follow_redirects=False, timeout=seconds) as client,
        client.stream("GET", f"{endpoint.base_url}/{PAGE}", headers=_headers(endpoint)) as response,
    ):
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_BYTES:
                break
        text = body.decode("utf-8", "replace")
        return Reply(response.status_code, response.headers, text, time.monotonic() - started)


def _headers(endpoint: Endpoint) -> dict[str, str]:
    """As the SDK sends them with requests for pictures."""
    headers = {"Accept": "application/json", "Connection": "close"}
    if endpoint.user_info:
        headers["Authorization"] = f"Basic {endpoint.basic}"
    elif endpoint.api_key:
        headers["Authorization"] = f"Bearer {endpoint.api_key}"
    for variable, name in (
        ("OPENAI_ORG_ID", "OpenAI-Organization"),
        ("OPENAI_PROJECT_ID", "OpenAI-Project"),
    ):
        if value := os.environ.get(variable, "").strip():
            headers[name] = value
    return headers


def _failed(error: Exception, endpoint: Endpoint, seconds: float) -> ProviderError:
    """What became of the request. Nothing of the exception is shown: it may hold a header."""
    if isinstance(error, ImportError):
        return ProviderError(
            f"the 'openai' package cannot be imported ({type(error).__name__}): no picture can be made.",
            cure="Install it again: pip install --force-reinstall openai.",
        )
    failure = explain_connection(error, endpoint, seconds)
    if "Timeout" in type(error).__name__ and "did not answer" in failure.message:
        return _too_slow(endpoint, seconds)
    return failure


def _too_slow(endpoint: Endpoint, seconds: float) -> ProviderError:
    return ProviderError(
        f"{endpoint.host} did not answer within {seconds:g} seconds.",
        cure=f"Check the network, and the address in {endpoint.base_url_from}.",
    )
