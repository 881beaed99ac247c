"""What is set up on a site and on this machine, and what is wrong with it. Asks no server."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from typing import TYPE_CHECKING, Literal

from mkdocs_genimage.command import make_provider
from mkdocs_genimage.errors import ConfigurationError
from mkdocs_genimage.progress import dollars
from mkdocs_genimage.providers import ProviderSettings
from mkdocs_genimage.providers.endpoint import find_endpoint, is_loopback, split_address
from mkdocs_genimage.request import ImageRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig

    from mkdocs_genimage.config import GenimageConfig
    from mkdocs_genimage.providers.endpoint import Endpoint

Status = Literal["ok", "note", "problem"]

DISTRIBUTION = "mkdocs-genimage"
PACKAGES = ("mkdocs", "properdocs", "Markdown", "openai", "Pillow")
PACKAGES_IF_THERE = ("pymdown-extensions", "mkdocs-material", "mkdocs-materialx")
"""Themes and extensions that pages with pictures depend on."""

SHORTEST_KEY = 8
"""A shorter word is no key but what a server on this machine is told; many variables may hold it."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        status: how it is.
        about: what it is about, in a word or two.
        what: one sentence, or a few.
        cure: what to do; empty where there is nothing to do.
    """

    status: Status
    about: str
    what: str
    cure: str = ""


def versions() -> dict[str, str]:
    """What is installed: names to versions; `missing` for what should be there."""
    found = {DISTRIBUTION: _version(DISTRIBUTION), "Python": platform.python_version()}
    for name in PACKAGES + PACKAGES_IF_THERE:
        version = _version(name)
        is_needed = name in PACKAGES and name not in ("mkdocs", "properdocs")
        if version or is_needed:
            found[name] = version or "missing"
    return found


def requirements() -> list[Finding]:
    """What is installed in a version that does not do."""
    found = []
    with suppress(ImportError, metadata.PackageNotFoundError):
        from packaging.requirements import InvalidRequirement, Requirement

        for text in metadata.requires(DISTRIBUTION) or ():
            with suppress(InvalidRequirement):
                need = Requirement(text)
                if need.marker and not need.marker.evaluate({"extra": ""}):
                    continue
                version = _version(need.name)
                if need.name == "mkdocs" and not version and _version("properdocs"):
                    continue  # it brings the same modules
                if not version or not need.specifier.contains(version, prereleases=True):
                    found.append(
                        Finding(
                            "problem",
                            "versions",
                            f"{need.name} {version or 'is missing'}: {DISTRIBUTION} needs "
                            f"{need.name}{need.specifier}.",
                            f'Install it: pip install "{need.name}{need.specifier}".',
                        )
                    )
    return found


def endpoint_of(options: GenimageConfig) -> Endpoint:
    """Where requests go, and with which key."""
    return find_endpoint(
        ProviderSettings(
            base_url=options.base_url, api_key=options.api_key, has_own_key=options.has_own_key
        )
    )


def setup(config: MkDocsConfig, options: GenimageConfig) -> list[Finding]:
    """What mkdocs.yml and the environment say, and what does not go together."""
    found = [_overview(config, options)]
    if problem := options.problem(config):
        found.append(_halved("problem", "mkdocs.yml", problem))
    found += _switches(options)
    if options.provider == "openai":
        endpoint = endpoint_of(options)
        found += _key(options, endpoint)
        found += _model(options, endpoint)
    found += _provider(options)
    found += _limits(options)
    return found


def _overview(config: MkDocsConfig, options: GenimageConfig) -> Finding:
    asked = f", model {options.model}" if options.provider != "placeholder" else ""
    if options.provider == "openai" and (host := endpoint_of(options).host):
        asked += f" at {host}"
    return Finding(
        "ok",
        "mkdocs.yml",
        f"{config.config_file_path}: provider {options.provider}{asked}; missing: {options.missing}; "
        f"serve: {options.serve}.",
    )


def _switches(options: GenimageConfig) -> Iterator[Finding]:
    about = "mkdocs.yml"
    if not options.enabled:
        yield Finding(
            "note",
            about,
            "'enabled: false': every block shows a placeholder, also where its picture is in the cache.",
            "Take it out, or set it from the environment: enabled: !ENV [GENIMAGE_ENABLED, true].",
        )
    if options.serve == "generate":
        yield Finding(
            "note",
            about,
            "'serve: generate': 'mkdocs serve' asks, and pays, for each version of a prompt that is saved.",
            "Write prompts with 'serve: placeholder'.",
        )
    if not options.validate_:
        yield Finding("note", about, "'validate: off': also what a model refuses is sent.")
    if options.has_literal_key():
        yield Finding(
            "problem",
            "key",
            "'api_key' is written in mkdocs.yml itself, where others can read it.",
            "Revoke that key, put a new one into the environment and write 'api_key: !ENV OPENAI_API_KEY'.",
        )
    address = split_address(options.base_url)
    user_info = address.netloc.rpartition("@")[0] if address else ""
    if user_info and not any(user_info in value for value in os.environ.values()):
        yield Finding(
            "problem",
            "key",
            "'base_url' in mkdocs.yml holds a name or password, where others can read it.",
            "Put the address into the environment and write 'base_url: !ENV OPENAI_BASE_URL'.",
        )


def _provider(options: GenimageConfig) -> Iterator[Finding]:
    try:
        provider = make_provider(options)
        if provider.draft:
            yield Finding(
                "ok",
                "server",
                f"provider '{options.provider}' draws placeholders on this machine and sends nothing.",
            )
        elif options.provider != "openai" and (problem := provider.unready()):
            yield _halved("problem", "server", problem)
    except ConfigurationError as error:
        yield Finding(
            "problem",
            "mkdocs.yml",
            str(error),
            "Check 'provider' and 'server', or install the package that has it.",
        )
    except Exception as error:
        # It is somebody else's, and its words may be anything.
        yield Finding(
            "problem",
            "server",
            f"provider '{options.provider}' cannot be used: it failed with {type(error).__name__}.",
            "Update or reinstall its package.",
        )


def _key(options: GenimageConfig, endpoint: Endpoint) -> Iterator[Finding]:
    about, host = "key", endpoint.host
    parts = split_address(endpoint.base_url)
    is_local = parts is not None and is_loopback(parts)
    if endpoint.problem and (endpoint.api_key or not parts):
        yield _halved("problem", about if parts else "server", endpoint.problem)
    elif endpoint.problem:
        yield _no_key(options, endpoint)
    elif endpoint.user_info:
        yield Finding(
            "ok",
            about,
            f"{host} is sent the name and password that {endpoint.base_url_from} holds.",
        )
    elif not endpoint.api_key:
        yield Finding(
            "ok", about, "no API key is set; a server on this machine is asked without one."
        )
    else:
        yield Finding("ok", about, f"an API key is set, from {_origin(endpoint)}.")
    has_secret = endpoint.api_key or endpoint.user_info
    if has_secret and parts and parts.scheme == "http" and not is_local:
        yield Finding(
            "note",
            about,
            f"requests to {host} are not encrypted, so others on the way can read the key.",
            f"Use https in {endpoint.base_url_from}, if the server has it.",
        )
    if endpoint.api_key_from == "OPENAI_API_KEY" and endpoint.api_key and not is_local:
        from mkdocs_genimage.models import OFFICIAL_HOSTS

        if host not in OFFICIAL_HOSTS and endpoint.base_url_from == "'base_url'":
            yield Finding(
                "note",
                about,
                f"the key in OPENAI_API_KEY is sent to {host}.",
                "If it is another server's, set 'api_key: !ENV YOUR_VARIABLE' in mkdocs.yml.",
            )


def _no_key(options: GenimageConfig, endpoint: Endpoint) -> Finding:
    about = "key"
    if not options.enabled or "generate" not in (options.missing, options.serve):
        return Finding("ok", about, "no API key is set, and builds of this site need none.")
    if _is_ci():
        return Finding(
            "note",
            about,
            "no API key is set here, in CI, and 'missing: generate': a picture that was not committed "
            "becomes a warning and a placeholder; with --strict, the build fails.",
            "Give the job a key, or say what is meant: 'missing: error' or 'missing: placeholder'.",
        )
    return _halved("problem", about, endpoint.problem)


def _is_ci() -> bool:
    return os.environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")


def _origin(endpoint: Endpoint) -> str:
    """Where a key is from. It is never named itself."""
    if endpoint.api_key_from != "'api_key'":
        return f"the environment variable {endpoint.api_key_from}"
    names = sorted(name for name, value in os.environ.items() if value.strip() == endpoint.api_key)
    if names and len(endpoint.api_key) >= SHORTEST_KEY:
        return f"the environment variable {' or '.join(names)}, by 'api_key' in mkdocs.yml"
    return "'api_key' in mkdocs.yml"


def _model(options: GenimageConfig, endpoint: Endpoint) -> Iterator[Finding]:
    from mkdocs_genimage import rules
    from mkdocs_genimage.servers import find_server

    try:
        server = find_server(endpoint.host, options.server)
    except ConfigurationError:
        return  # told where the provider is made
    today = datetime.now(timezone.utc).date()
    warning = rules.lifetime(options.model, today) if server.dates_hold else None
    if warning:
        known = rules.MODELS[rules.family(options.model)]
        is_gone = known.shutdown is not None and known.shutdown < today
        what, _, cure = warning.partition(": use ")
        yield Finding(
            "problem" if is_gone else "note",
            "model",
            f"{what}. Pictures that are made stay as they are.",
            f"Set 'model' in mkdocs.yml to {cure}",
        )


def _limits(options: GenimageConfig) -> Iterator[Finding]:
    endpoint = endpoint_of(options)
    host = endpoint.host if options.provider == "openai" else ""
    parts = split_address(endpoint.base_url)
    is_free = options.provider == "placeholder" or (parts is not None and is_loopback(parts))
    is_priced = (
        options.pricing.estimate(ImageRequest("x", model=options.model), 1, host) is not None
    )
    binding = [
        *([f"spend {dollars(options.max_cost)}"] if options.max_cost and is_priced else []),
        *([f"ask for {options.max_images:g} pictures"] if options.max_images else []),
    ]
    if binding:
        yield Finding("ok", "limits", f"one command may {' and '.join(binding)}.")
    elif is_free:
        yield Finding(
            "ok",
            "limits",
            "nothing limits one command; servers on this machine are free of charge.",
        )
    elif not options.max_cost:
        yield Finding(
            "note",
            "limits",
            "'max_cost: 0' and 'max_images: 0': nothing limits what one command spends.",
            "Set one of them.",
        )
    else:
        yield Finding(
            "note",
            "limits",
            "'max_images: 0', and no price of this model and server is known, so 'max_cost' cannot bind: "
            "nothing limits what one command spends.",
            "Set 'max_images', or say with 'pricing' what pictures cost.",
        )


def _halved(status: Status, about: str, text: str) -> Finding:
    """A message that ends with its cure."""
    what, end, cure = text.partition(". ")
    return Finding(status, about, what + ("." if end else ""), cure or "Correct it in mkdocs.yml.")


def _version(name: str) -> str:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(name)
    return ""
