"""Any options, at any model and server: a request that nothing speaks against, or a message with its place.

What is written is never dropped without a word.
"""

from __future__ import annotations

import json
import logging
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from api_server import ImagesServer
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from mkdocs.commands.build import build as mkdocs_build
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from pictures import picture
from played_servers import KEY, PLAYED, white_circle
from readme_tables import README
from sites import Build, fence, recorded
from sites import Site as BuiltSite

from mkdocs_genimage.block import parse_block
from mkdocs_genimage.compose import Site, Style, compose
from mkdocs_genimage.errors import BlockError, ProviderError
from mkdocs_genimage.options import GENERATION, SITE_WIDE, read_options
from mkdocs_genimage.providers import ProviderSettings
from mkdocs_genimage.providers.call import prepare
from mkdocs_genimage.providers.openai import OpenAIProvider
from mkdocs_genimage.rules import MODELS, check
from mkdocs_genimage.servers import SERVERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs_genimage.compose import Composed
    from mkdocs_genimage.errors import Problem
    from mkdocs_genimage.providers import Review
    from mkdocs_genimage.providers.call import Call

VALUES: dict[str, list[Any]] = {
    "size": [
        *("1024x1024", "1536x1024", "1920x1080", "100x100", "4000x1000", "landscape", "auto"),
        "1024 x 640",
    ],
    "quality": ["low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"],
    "background": ["transparent", "opaque", "auto"],
    "output_format": ["png", "jpg", "jpeg", "webp", "gif"],
    "output_compression": [0, 80, 100],
    "complexity": ["low", "high"],
    "frame_count": [2, 16],
    "frame_duration_ms": [10, 200],
    "n": [1, 2, 9, 10],
    "image": ["a.png", ["a.png", "b.jpg"]],
    "mask": ["m.png"],
    "mask_mode": ["auto", "alpha", "white"],
    "input_fidelity": ["high", "low"],
    "moderation": ["auto", "low"],
    "extra": [
        *({"seed": 7}, {"response_format": "url"}, {"width": 512}, {"user": "docs", "steps": 4}),
        *({"seed": 7}, {"partial_images": 2}, {"aspect_ratio": "1:1"}, {"stream": True}),
    ],
}
WRONG: list[tuple[str, Any]] = [
    ("size", "huge"),
    ("quality", "hihg"),
    ("n", 0),
    ("image", "gone.png"),
    ("sise", "1x1"),
    ("extra", {"quality": "high"}),
    ("output_compression", 101),
]
MASK = white_circle()
MODEL_NAMES = [*MODELS, "gpt-image-2-2026-04-21", "gpt-image-3", "FLUX.1", "grok-imagine-image-2.0"]


def options(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(VALUES[name]) for name in names}
    )


def tidy(values: dict[str, Any]) -> dict[str, Any]:
    """Without the options that do not go with the others: or most blocks would be wrong."""
    form = values.get("output_format", "png")
    drop = {"output_compression"} if form in ("png", "gif") else set()
    drop |= {"frame_count", "frame_duration_ms"} if form != "gif" else set()
    drop |= {"background"} if form not in ("png", "webp") else set()
    drop |= {"mask", "mask_mode", "input_fidelity"} if "image" not in values else set()
    drop |= {"mask_mode"} if "mask" not in values else set()
    return {name: value for name, value in values.items() if name not in drop}


SITE_NAMES = [name for name in VALUES if name in SITE_WIDE and name not in ("image", "mask")]
LAYER = st.one_of(options(SITE_NAMES).map(tidy), options(["size", "quality", "n", "extra"]))


@st.composite
def blocks(draw: st.DrawFn) -> dict[str, Any]:
    """What stands in a block: mostly right, sometimes with one thing that is wrong."""
    block = {"prompt": "A fox", **draw(options(list(VALUES)))}
    if draw(st.booleans()):  # options of edits are rarely there by themselves
        block.setdefault("image", "a.png")
    if draw(st.integers(0, 4)):
        block = tidy(block)
    if draw(st.integers(0, 3)) == 0:
        block |= {"revision": 2, "alt": "x", "width": "50%"}
    if draw(st.integers(0, 5)) == 0:
        block["model"] = draw(st.sampled_from(MODEL_NAMES))
    if draw(st.integers(0, 5)) == 0:
        name, value = draw(st.sampled_from(WRONG))
        block[name] = value
    return block


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    """A folder with pictures to edit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / "a.png").write_bytes(picture("a", "64x48"))
        (folder / "b.jpg").write_bytes(picture("b", "32x32", "jpeg"))
        (folder / "m.png").write_bytes(MASK)
        yield folder


@settings(
    max_examples=700, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    block=blocks(),
    page=LAYER,
    style=LAYER,
    defaults=LAYER,
    layers=st.sets(st.sampled_from(["page", "style", "defaults"]), max_size=2),
    server=st.sampled_from(list(SERVERS)),
    model=st.sampled_from(MODEL_NAMES),
    moderation=st.sampled_from(["", "low"]),
    validate=st.booleans(),
)
def test_any_options_at_any_server(
    project: Path,
    block: dict[str, Any],
    page: dict[str, Any],
    style: dict[str, Any],
    defaults: dict[str, Any],
    layers: set[str],
    server: str,
    model: str,
    moderation: str,
    validate: bool,
) -> None:
    body = yaml.safe_dump(block, sort_keys=False)
    last = body.count("\n") + 1
    site = Site(
        model=model,
        project_dir=project,
        docs_dir=project,
        moderation=moderation,
        defaults=read_options(defaults, SITE_WIDE)[0] if "defaults" in layers else {},
        styles={"flat": Style.read({"prompt": "Flat. {prompt}", **style})},
    )
    of_page = read_options(page, SITE_WIDE)[0] if "page" in layers else {}
    of_page |= {"style": "flat"} if "style" in layers else {}
    try:
        composed = compose(parse_block("", body), site, of_page, project)
    except BlockError as error:
        event("wrong block")
        check_problems(error.problems, last)
        return
    settings_ = ProviderSettings("http://127.0.0.1:9/v1", server=server, validate=validate)
    provider = OpenAIProvider(settings_)
    review = provider.review(composed.request, composed.count)
    own = {name for name in block if name in GENERATION}
    assert own <= {*composed.options}, "a block's own option was lost"
    if review.objections:
        event("objections")
        for name, message in review.objections:
            assert message.startswith("'") or name == "image"
            assert 0 <= composed.lines.get(name, 0) <= last
        assert validate or not SERVERS[server].has_edits
        return
    try:
        call = prepare(composed.request, composed.count, SERVERS[server])
    except ProviderError:  # told at the block's place when it would be sent
        assert composed.options["extra"] == {"stream": True}
        return
    event(f"sent, {'edit' if call.edit else 'new'}")
    check_request(call, composed, review, server, validate=validate)


def check_problems(problems: list[Problem], last: int) -> None:
    """What holds for the problems of a block with so many lines."""
    assert problems
    for problem in problems:
        assert 0 <= problem.line <= last
        assert problem.message.endswith((".", "?"))


def check_request(
    call: Call, composed: Composed, review: Review, server: str, *, validate: bool
) -> None:
    """What holds for a request that would be sent."""
    request, sent = composed.request, call.arguments
    on_wire = {**sent["extra_body"], **{k: v for k, v in sent.items() if k != "extra_body"}}
    told = {name for name, _ in review.remarks}
    assert on_wire["prompt"] == request.prompt
    assert on_wire["model"] == request.model
    assert call.edit == bool(request.images) == ("image" in sent)
    wanted = {**composed.options, **composed.options.get("extra", {})}
    if request.moderation:
        wanted["moderation"] = request.moderation
    for name, value in wanted.items():
        if name in ("prompt", "style", "revision", "model", "mask_mode", "extra"):
            continue  # the first is looked at above, the others are not for servers
        if name not in GENERATION and name not in composed.options.get("extra", {}):
            assert on_wire.get(name) != value, "how it is shown is nothing for a server"
        elif name == "image":
            assert [part[1] for part in sent["image"]] == [image.data for image in request.images]
        elif name == "mask":
            assert "mask" in sent or "mask" in told
        elif name == "n":
            assert on_wire.get("n", 1) == value or "n" in told
        elif name == "size" and SERVERS[server].size == "sides" and "size" not in told:
            assert f"{on_wire['width']}x{on_wire['height']}" == value
        else:
            assert on_wire.get(name) == value or name in told, (name, on_wire)
    for name, message in review.remarks:
        assert message.startswith(f"'{name}' is "), message
        if " is not sent: " in message:
            assert name not in on_wire
        elif name == "size":
            assert {"aspect_ratio", "resolution"} <= {*on_wire}
        else:
            assert name in on_wire
    unasked = {*on_wire} - {*wanted, "prompt", "model"}
    known = {"response_format", "width", "height", "aspect_ratio", "resolution"}
    assert unasked <= known, "nothing goes out that nobody set"
    json.dumps(sent["extra_body"])
    if SERVERS[server].rules_hold and validate:
        options = {name: value for name, value in on_wire.items() if name != "model"}
        assert check(request.model, options, edit=call.edit) == []


# --- Through a build ----------------------------------------------------------------------------

BUILD_SERVERS = ("openai", "google", "xai", "together", "stable-diffusion.cpp", "localai", "plain")


def build(site: BuiltSite) -> Build:
    """One build, whatever it warns about."""
    site.write_config()
    dict(MkDocsConfig._schema)["plugins"].plugin_cache.clear()  # type: ignore[attr-defined]
    with recorded(logging.INFO) as records:
        config = load_config(str(site.config_file))
        config.plugins.on_startup(command="build", dirty=False)
        mkdocs_build(config)
        config.plugins.on_shutdown()
    return Build(site.root / "site", records)


@settings(max_examples=25, deadline=None)
@given(block=blocks(), page=LAYER, server=st.sampled_from(BUILD_SERVERS), with_page=st.booleans())
def test_any_options_in_a_build(
    block: dict[str, Any], page: dict[str, Any], server: str, with_page: bool
) -> None:
    block.pop("model", None)
    with tempfile.TemporaryDirectory() as name, ImagesServer(reply=PLAYED[server]) as api:
        site = BuiltSite(Path(name).resolve() / "project")
        site.options = {"base_url": api.base_url, "server": server, "api_key": KEY}
        site.use_bare_theme()
        front = yaml.safe_dump({"genimage": page}) if with_page and page else ""
        front = f"---\n{front}---\n" if front else ""
        text = f"{front}# T\n\n{fence(yaml.safe_dump({**block, 'alt': 'x'}, sort_keys=False))}"
        first = text[: text.index("```genimage")].count("\n") + 1
        site.write(
            {
                "docs/index.md": text,
                "docs/a.png": picture("a", "64x48"),
                "docs/b.jpg": picture("b", "32x32", "jpeg"),
                "docs/m.png": MASK,
            }
        )
        built = build(site)
        outcomes = [call.outcome for call in api.posts]
        event(f"{server}: {outcomes or 'nothing sent'}")
        assert len(outcomes) <= 1
        assert [r for r in built.records if r.levelno >= logging.WARNING] == [
            r for r in built.records if r.getMessage().removeprefix("genimage: ") in built.warnings
        ]
        for warning in built.warnings:
            place = re.match(r"docs/index\.md:(\d+): ", warning)
            assert place, warning
            assert first <= int(place[1]) <= text.count("\n"), warning
        if outcomes == ["answered 200"]:
            assert len(built.images("index.html")) == 1
            assert site.cached(".json")
        else:
            assert built.warnings, "a picture is missing and nobody says why"
            assert site.cached() == []
        if "answered 400" in outcomes:
            # Only what nobody can know beforehand gets as far as the server.
            unforeseen = {"extra", "complexity"} & {*block, *page}
            assert server == "plain" or unforeseen, api.posts[0].fields


def test_rule_of_the_readme_and_the_way_round_it(tmp_path: Path) -> None:
    with ImagesServer() as api:
        site = BuiltSite(tmp_path / "project")
        site.options = {"base_url": api.base_url, "server": "openai"}
        site.use_bare_theme()
        page = "# T\n\n" + fence("prompt: A fox\nalt: x\nsize: 1920x1080")
        site.write({"docs/index.md": page})
        (warning,) = build(site).warnings
        line = page[: page.index("size:")].count("\n") + 1
        readme = README.read_text(encoding="utf-8")
        for part in re.findall(r"docs/guide.md:14: ('size: 1920x1080' .*?) \.\.\. (.*)", readme)[0]:
            assert part in warning
        assert warning.startswith(f"docs/index.md:{line}: 'size: 1920x1080' is refused")
        assert api.posts == []
        site.options["validate"] = False
        assert build(site).warnings == []
        assert api.posts[0].fields["size"] == "1920x1080"


@pytest.mark.parametrize("place", ["page", "style", "defaults"])
def test_option_from_elsewhere_is_told_at_the_block(tmp_path: Path, place: str) -> None:
    with ImagesServer() as api:
        site = BuiltSite(tmp_path / "project")
        site.options = {"base_url": api.base_url, "server": "openai"}
        site.use_bare_theme()
        head = "---\ngenimage: {quality: xhigh}\n---\n" if place == "page" else ""
        page = head + "# T\n\n" + fence("A fox", "alt=x")
        site.write({"docs/index.md": page})
        if place == "style":
            site.options["styles"] = {"s": {"prompt": "Flat. {prompt}", "quality": "xhigh"}}
            site.options["defaults"] = {"style": "s"}
        if place == "defaults":
            site.options["defaults"] = {"quality": "xhigh"}
        (warning,) = build(site).warnings
        line = page[: page.index("```")].count("\n") + 1
        assert warning.startswith(f"docs/index.md:{line}: 'quality: xhigh' is refused")
        assert warning.endswith("Use high.")
        assert api.posts == []
