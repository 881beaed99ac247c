"""What a failed request means for the author: what happened, what to do, what it may have cost.

The rule for sending a request again: only where the server cannot have made a picture.
The Images API knows no idempotency key, so anything else may be paid for twice.
"""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING

from mkdocs_genimage.errors import Billed, ProviderError
from mkdocs_genimage.models import OFFICIAL_HOSTS
from mkdocs_genimage.providers.refusal import CREDIT_CODES, retry_after

if TYPE_CHECKING:
    from collections.abc import Callable

    from mkdocs_genimage.providers.endpoint import Endpoint
    from mkdocs_genimage.providers.refusal import Refusal

RATE_LIMIT_PAUSE = 15.0
"""Seconds to wait where a server does not say: OpenAI counts images per minute."""
OUTAGE_PAUSE = 2.0
CONNECT_PAUSE = 1.0
QUICK_SECONDS = 5.0
"""A 502 or 503 that comes faster than any picture was made is a refusal, not a lost picture."""

CODEGATEWAY_HOST = "api.codegateway.dev"
CODEGATEWAY_BASE_URL = f"https://{CODEGATEWAY_HOST}/v1"
OPENAI_KEY_PREFIXES = ("sk-proj-", "sk-svcacct-", "sk-admin-")

_MODERATION_CODES = {"moderation_blocked", "content_policy_violation", "content_filter"}
_MODEL_CODES = {"model_not_found", "deploymentnotfound"}
_NO_ALLOWANCE = re.compile(r"limit:?\s*0\s*/")
_INPUT_FIELDS = ("prompt", "model", "n", "image", "mask")


def explain_refusal(refusal: Refusal) -> ProviderError:
    """The error for an answer without a picture."""
    explanations: tuple[Callable[[Refusal], ProviderError | None], ...] = (
        _moderation,
        _no_credit,
        _refused_key,
        _not_allowed,
        _nothing_there,
        _too_many_requests,
        _server_trouble,
    )
    for explain in explanations:
        if failure := explain(refusal):
            return failure
    return _bad_request(refusal)


def explain_connection(error: BaseException, endpoint: Endpoint, timeout: float) -> ProviderError:
    """The error for a request without an answer.

    Nothing of the exception itself is shown: a header that cannot be sent is repeated in its text.

    Args:
        error: what the HTTP client raised.
        endpoint: who was asked.
        timeout: seconds that one request may take.
    """
    chain = _causes(error)
    names = {type(one).__name__ for one in chain}
    if failure := _not_connected(chain, names, endpoint):
        return failure
    if "LocalProtocolError" in names or isinstance(error, (TypeError, ValueError, RuntimeError)):
        return ProviderError(
            f"the request to {endpoint.host} could not be written down ({type(error).__name__}).",
            cure="Check the options of the block and 'extra' for values that JSON does not have, "
            "and OPENAI_CUSTOM_HEADERS, OPENAI_ORG_ID and OPENAI_PROJECT_ID for line breaks.",
        )
    if any("Timeout" in name for name in names):
        return timed_out(endpoint, timeout)
    return ProviderError(
        f"the connection to {endpoint.host} broke off before the answer was complete.",
        cure="Build again when the network is stable.",
        billed=Billed.MAYBE,
    )


def explain_setup(error: BaseException, endpoint: Endpoint) -> ProviderError:
    """The error where the HTTP client cannot even be made, which is for reasons of the environment.

    Nothing of the exception itself is shown: it may repeat a part of a proxy's password.
    """
    if isinstance(error, ImportError):
        cure = "A SOCKS proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY needs: pip install socksio."
    elif isinstance(error, OSError):
        cure = "Check the certificate files in SSL_CERT_FILE and SSL_CERT_DIR."
    else:
        cure = (
            "Check the addresses in HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY. In a proxy's "
            "password, write '/' as %2F, '#' as %23, '?' as %3F and '@' as %40."
        )
    return ProviderError(
        f"the connection to {endpoint.host} cannot be set up ({type(error).__name__}).",
        cure=cure,
        fatal=True,
    )


def _not_connected(
    chain: list[BaseException], names: set[str], endpoint: Endpoint
) -> ProviderError | None:
    """The error where no connection came about, so that nothing was sent."""
    host, origin = endpoint.host, endpoint.base_url_from
    if "ProxyError" in names:
        return ProviderError(
            f"the proxy in front of {host} refused the connection.",
            cure="Check HTTPS_PROXY, ALL_PROXY and NO_PROXY.",
            fatal=True,
        )
    if any(isinstance(one, socket.gaierror) for one in chain):
        return ProviderError(
            f"the host {host} is not known.",
            cure=f"Check the network and the address in {origin}.",
            fatal=True,
        )
    # Classes of the HTTP client by their names: older releases of the SDK use another client.
    if "ConnectError" in names and any(isinstance(one, ssl.SSLError) for one in chain):
        return ProviderError(
            f"no secure connection to {host} could be made: its certificate is not trusted, or it "
            "does not speak TLS.",
            cure=f"Check the address in {origin}; for a certificate of your own, set SSL_CERT_FILE.",
            fatal=True,
        )
    if names & {"ConnectError", "ConnectTimeout", "PoolTimeout"}:
        return ProviderError(
            f"no connection to {host} could be made.",
            cure=f"Check that the server runs, and the address in {origin}.",
            retry_after=CONNECT_PAUSE,
        )
    return None


def timed_out(endpoint: Endpoint, timeout: float) -> ProviderError:
    """The error for a request that took longer than `timeout` seconds."""
    return ProviderError(
        f"{endpoint.host} did not answer within {timeout:g} seconds.",
        cure="Raise 'timeout', or choose a smaller size or a lower quality.",
        billed=Billed.MAYBE,
    )


def _moderation(refusal: Refusal) -> ProviderError | None:
    words = refusal.message.lower()
    if not (
        refusal.code in _MODERATION_CODES
        or "safety_violations=" in words
        or "safety system" in words
        or (refusal.status == 403 and "temporarily blocked" in words)
    ):
        return None
    failure = refusal.failure(
        f"the request was refused by the moderation of {refusal.endpoint.host}{refusal.said}",
        "Change the prompt or the input pictures.",
    )
    failure.refused = True
    return failure


def _no_credit(refusal: Refusal) -> ProviderError | None:
    if refusal.status != 402 and refusal.code not in CREDIT_CODES:
        return None
    return refusal.failure(
        f"the account at {refusal.endpoint.host} has no credit left or has reached its spending "
        f"limit{refusal.said}",
        "Add credit or raise the limit there, then build again.",
        fatal=True,
    )


def _refused_key(refusal: Refusal) -> ProviderError | None:
    """401 in own words: the server's repeat a part of the key."""
    if refusal.status == 407:
        return refusal.failure(
            f"the proxy in front of {refusal.endpoint.host} wants a name and password.",
            "Check HTTPS_PROXY and ALL_PROXY.",
            fatal=True,
        )
    if refusal.status != 401:
        return None
    endpoint = refusal.endpoint
    if not endpoint.credential:
        return refusal.failure(
            f"{endpoint.host} wants an API key, and none is set.",
            f"Set {endpoint.api_key_from}.",
            fatal=True,
        )
    return refusal.failure(
        f"{endpoint.host} does not accept the {endpoint.credential}.",
        (
            "Check them. In an address, write ':' as %3A, '/' as %2F and '@' as %40 there."
            if endpoint.user_info
            else "Check that it is complete, still valid, and meant for the address in "
            f"{endpoint.base_url_from}.{_mixed_up(endpoint)}"
        ),
        fatal=True,
    )


def _mixed_up(endpoint: Endpoint) -> str:
    """A hint where the key may belong to another server."""
    if endpoint.host == CODEGATEWAY_HOST:
        return (
            f" {CODEGATEWAY_HOST} takes CodeGateway keys only; an OpenAI key works only with "
            "OpenAI's own address."
        )
    if endpoint.host in OFFICIAL_HOSTS and not endpoint.api_key.startswith(OPENAI_KEY_PREFIXES):
        return f" CodeGateway keys work only with its base_url {CODEGATEWAY_BASE_URL}."
    return ""


def _not_allowed(refusal: Refusal) -> ProviderError | None:
    if refusal.status != 403:
        return None
    if "must be verified" in refusal.message.lower():
        return refusal.failure(
            f"{refusal.endpoint.host} gives the model '{refusal.model}' to verified organizations "
            "only.",
            "Verify the organization in its settings there, or choose another model.",
            fatal=True,
        )
    credential = refusal.endpoint.credential
    may = f"what the {credential} may do, and " if credential else ""
    return refusal.failure(
        f"{refusal.endpoint.host} does not allow this request (HTTP 403){refusal.said}",
        f"Check {may}the model '{refusal.model}'.",
        fatal=True,
    )


def _nothing_there(refusal: Refusal) -> ProviderError | None:
    """A model or an address that does not exist. Redirects are not followed: a prompt would be."""
    endpoint = refusal.endpoint
    has_no_model = refusal.code in _MODEL_CODES
    if refusal.is_edit and not has_no_model and refusal.status in (404, 405, 410, 501):
        # Many servers make new pictures only, which the others are.
        return refusal.failure(
            f"{endpoint.host} edits no pictures (HTTP {refusal.status} at /images/edits){refusal.said}",
            "A block with 'image' or 'dark' is an edit: remove these, or choose a server that edits. If "
            f"this one does, check the address in {endpoint.base_url_from}.",
            no_edits=True,
        )
    if has_no_model or (refusal.status in (404, 410) and "model" in refusal.message.lower()):
        return refusal.failure(
            f"{endpoint.host} has no model '{refusal.model}'{refusal.said}",
            "Check its name: it may be misspelt, shut down, or not open to this key.",
            fatal=True,
        )
    if refusal.status in (404, 405, 410) or refusal.status // 100 == 3:
        return refusal.failure(
            f"there is no Images API at the address in {endpoint.base_url_from} "
            f"(host {endpoint.host}, HTTP {refusal.status}){refusal.said}",
            "The address ends with the version and nothing behind it, as in https://api.openai.com/v1.",
            fatal=True,
        )
    return None


def _too_many_requests(refusal: Refusal) -> ProviderError | None:
    if refusal.status != 429:
        return None
    host = refusal.endpoint.host
    if _NO_ALLOWANCE.search(refusal.message.lower()):
        return refusal.failure(
            f"{host} allows this account no images of the model '{refusal.model}'{refusal.said}",
            "Raise the account's usage tier there, or choose another model.",
            fatal=True,
        )
    final = refusal.headers.get("x-should-retry") == "false"
    return refusal.failure(
        f"{host} takes no more requests for the moment{refusal.said}",
        "Lower 'concurrency' or build again later.",
        retry_after=None if final else retry_after(refusal.headers, RATE_LIMIT_PAUSE),
        too_many=True,
    )


def _server_trouble(refusal: Refusal) -> ProviderError | None:
    status, host = refusal.status, refusal.endpoint.host
    if status < 500 and status != 408:
        return None
    if status in (502, 503) and refusal.seconds < QUICK_SECONDS:
        return refusal.failure(
            f"{host} is not available (HTTP {status}){refusal.said}",
            "Build again later.",
            retry_after=retry_after(refusal.headers, OUTAGE_PAUSE),
        )
    return refusal.failure(
        f"{host} failed after {refusal.seconds:.0f} seconds (HTTP {status}){refusal.said}",
        "Build again later.",
        billed=Billed.MAYBE,
    )


def _bad_request(refusal: Refusal) -> ProviderError:
    """The rest: what this one request says wrong."""
    host, status = refusal.endpoint.host, refusal.status
    if status == 413:
        return refusal.failure(
            f"the request is too large for {host} (HTTP 413){refusal.said}",
            "Use smaller input pictures; OpenAI takes less than 50 MB each and a mask below 4 MB.",
        )
    named = [name for name in (*refusal.sent, *_INPUT_FIELDS) if name == refusal.param]
    named += [n for n in refusal.sent if re.search(rf"\b{re.escape(n)}\b", refusal.message)]
    return refusal.failure(
        f"{host} refused the request (HTTP {status}){refusal.said}",
        f"Change or remove '{named[0]}'." if named else "Check the options of the block.",
        # An error that comes as success has not gone the usual way.
        billed=Billed.NO if status >= 400 else Billed.MAYBE,
    )


def _causes(error: BaseException | None) -> list[BaseException]:
    """An exception and what led to it."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain
