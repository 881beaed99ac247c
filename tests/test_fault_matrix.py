"""Builds in which one thing goes wrong: each fault at each position, with each transport of pictures.

Real builds, the real SDK and a real HTTP server. What is counted at the server has to agree with what
is stored, what is told and what the ledger says: no picture is paid for twice or without a word.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import json
import logging
import os
import re
import socket
import sys
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from api_server import Reply
from faults import (
    BLOCKS,
    BY_NAME,
    KEY,
    POSITIONS,
    SIZE,
    Case,
    Fault,
    FaultServer,
    cases,
    made_larger,
    sound_picture,
)
from sites import Build, Site, fence, holding, tree

from mkdocs_genimage.errors import Billed
from mkdocs_genimage.formats import EXTENSIONS
from mkdocs_genimage.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api_call import Call

posix_only = pytest.mark.skipif(os.name == "nt", reason="limits and modes are another matter there")
PROMPTS = [f"A fox at lake number {number}" for number in range(BLOCKS)]
PAGES = ("index", "guide/first")
BLOCKS_OF_PAGE = BLOCKS // len(PAGES)
SECRET = KEY[8:]
MAYBE_WORDS, YES_WORDS = "may have been billed", "was billed"


@pytest.fixture
def lakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Six pictures on two pages, a key, and no pauses between attempts."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("RATE_LIMIT_PAUSE", "OUTAGE_PAUSE", "CONNECT_PAUSE"):
        monkeypatch.setattr(f"mkdocs_genimage.providers.failures.{name}", 0.01)
    monkeypatch.setattr("mkdocs_genimage.providers.fetch.DOWNLOAD_PAUSE", 0.001)
    monkeypatch.setattr("mkdocs_genimage.sending.Sender._pause", lambda *_: None)
    return lake_site(tmp_path / "project")


def lake_site(root: Path) -> Site:
    site = Site(root, options={"timeout": 20})
    site.use_bare_theme()
    blocks = [fence(prompt, f"size={SIZE} alt=x") for prompt in PROMPTS]
    for number, page in enumerate(PAGES):
        own = blocks[number * BLOCKS_OF_PAGE :][:BLOCKS_OF_PAGE]
        text = "\n\nBetween them.\n\n".join(own)
        site.write({f"docs/{page}.md": f"# Page {number}\n\n{text}"})
    return site


@contextmanager
def listening(server: FaultServer) -> Iterator[None]:
    """Tell the server when the build's output says that a picture failed."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if " failed: " in record.getMessage():
                server.told.set()

    ear = Ear(logging.INFO)
    logging.getLogger().addHandler(ear)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(ear)


def place(site: Site, prompt: str) -> str:
    """`docs/page.md:LINE` of a prompt's block, read from the files."""
    for page in PAGES:
        lines = (site.root / f"docs/{page}.md").read_text().split("\n")
        if prompt in lines:
            return f"docs/{page}.md:{lines.index(prompt)}"  # the fence is the line before, from 1
    raise AssertionError(prompt)


def asked(server: FaultServer, since: int = 0) -> Counter[str]:
    """How often each prompt arrived."""
    return Counter(call.fields["prompt"] for call in server.posts[since:])


def stored(site: Site) -> dict[str, bytes]:
    """The pictures in the cache by prompt. Each is whole, and nothing else is there."""
    found: dict[str, bytes] = {}
    known = set(site.cached(".refused.json"))
    for name in set(site.cached(".json")) - known:
        sidecar = json.loads((site.cache / name).read_text(encoding="utf-8"))
        path = site.cache / (name.removesuffix(".json") + EXTENSIONS[sidecar["format"]])
        data = path.read_bytes()
        assert hashlib.sha256(data).hexdigest() == sidecar["sha256"]
        found[sidecar["prompt"]] = data
        known |= {name, path.name}
    assert set(site.cached()) == known, "no remains"
    return found


def shown(built: Build) -> dict[str, bytes]:
    """The files that the pages show, by prompt; placeholders as nothing."""
    found: dict[str, bytes] = {}
    for number, page in enumerate(PAGES):
        name = "index.html" if page == "index" else f"{page}/index.html"
        images = built.images(name)
        assert len(images) == BLOCKS_OF_PAGE, "each block has its picture or a placeholder"
        for prompt, image in zip(PROMPTS[number * BLOCKS_OF_PAGE :], images, strict=False):
            path = (built.site_dir / name).parent / image["src"]
            data = path.resolve().read_bytes()
            assert data, "the file of each picture is there"
            if "placeholder-" not in image["src"]:
                found[prompt] = data
    return found


def ledger(site: Site) -> list[dict[str, Any]]:
    path = site.cache / ".journal/ledger.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def under_way(site: Site) -> list[str]:
    """Requests that the journal still takes for being under way."""
    return [path.name for path in (site.cache / ".journal").glob("*.json")]


def nothing_else_is_lost(site: Site, built: Build, kept: set[str]) -> None:
    """The pictures of these prompts are stored and shown as they came, and no others."""
    assert stored(site) == {prompt: sound_picture(prompt) for prompt in kept}
    assert shown(built) == stored(site)
    assert under_way(site) == []


def key_is_nowhere(site: Site, built: Build) -> None:
    """Nor is the part of it that is no prefix. The SDK's own debug messages are not shown by MkDocs."""
    texts = [r.getMessage() for r in built.records if r.name.startswith("mkdocs") or r.levelno > 10]
    assert not [text for text in texts if SECRET in text]
    assert holding(site.root, SECRET) == []


def all_is_well_afterwards(site: Site, server: FaultServer, gone: set[str]) -> None:
    """A build with a healthy server asks for what is missing, once, and is complete then."""
    before = len(server.posts)
    healed = site.build(strict=True, level=logging.DEBUG)
    assert asked(server, before) == dict.fromkeys(gone, 1)
    nothing_else_is_lost(site, healed, set(PROMPTS))
    key_is_nowhere(site, healed)


def build_with(site: Site, warns: list[str], *, strict: bool) -> Build:
    built = site.build(
        strict=strict, fails=strict and bool(warns), warns=warns, level=logging.DEBUG
    )
    if built.error:
        assert built.error.exit_code == 1, "it is not another failure"
    return built


@pytest.mark.parametrize("case", cases(), ids=str)
def test_fault(lakes: Site, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    fault, index = case.fault, POSITIONS[case.position]
    for name, value in fault.patches.items():
        monkeypatch.setattr(f"mkdocs_genimage.{name}", value)
    with FaultServer(fault, index, case.transport, case.concurrency) as server, listening(server):
        lakes.options |= {"base_url": server.base_url, "concurrency": case.concurrency}
        lakes.options |= fault.options
        warns = [] if fault.is_overcome else [": "]
        built = build_with(lakes, warns, strict=case.position == "middle")

        # Sent: each prompt once, but for what is safe; nothing after a fatal fault.
        sent = asked(server)
        if not fault.fatal:
            assert set(sent) == set(PROMPTS)
        else:
            in_flight = {server.order[server.partner]} if server.partner >= 0 else set()
            assert set(sent) == {*server.order[: index + 1], *in_flight}
        assert sent.pop(server.faulty) == fault.sends
        assert set(sent.values()) <= {1}

        # Kept: all that came.
        kept = set(sent) | ({server.faulty} if fault.is_overcome else set())
        gone = set(PROMPTS) - kept
        nothing_else_is_lost(lakes, built, kept)

        # Told: one message with the places of what is missing.
        assert len(built.warnings) == (not fault.is_overcome)
        for warning in built.warnings:
            assert re.search(fault.says, warning)
            told = {prompt for prompt in PROMPTS if names(warning, place(lakes, prompt))}
            assert told == gone
            if not fault.fatal:
                assert words_about_money(warning) in allowed_words(fault.billed)

        # Billed: each picture that the server may have counted has its line.
        places = Counter(line["place"] for line in ledger(lakes))
        paid = kept | ({server.faulty} if fault.billed is not Billed.NO else set())
        assert places == {place(lakes, prompt): 1 for prompt in paid}
        key_is_nowhere(lakes, built)

        server.heal()
        lakes.options["timeout"] = 20
        if fault.remembered:
            (path,) = lakes.cache.glob("*.refused.json")
            before = len(server.posts)
            lakes.build(warns=[f"{place(lakes, server.faulty)}: the prompt was refused by"])
            assert len(server.posts) == before
            path.unlink()
        all_is_well_afterwards(lakes, server, gone)


def names(warning: str, where: str) -> bool:
    return re.search(rf"{re.escape(where)}(?!\d)", warning) is not None


def words_about_money(warning: str) -> str:
    return next((words for words in (MAYBE_WORDS, YES_WORDS) if words in warning), "")


def allowed_words(billed: Billed) -> tuple[str, ...]:
    if billed is Billed.NO:
        return ("",)
    return (MAYBE_WORDS,) if billed is Billed.MAYBE else (MAYBE_WORDS, YES_WORDS)


# --- What the matrix does not say of fatal faults ----------------------------------------------------


@pytest.mark.parametrize("name", ["401", "HTML page"])
def test_every_request_meets_a_fatal_fault(lakes: Site, name: str) -> None:
    """A wrong key, or a login page in front of everything: only what was sent at once is lost."""
    fault = BY_NAME[name]
    with FaultServer() as server:
        server.reply = lambda call: fault.reply(server, call)
        server.latency = 0.2
        lakes.options |= {"base_url": server.base_url, "concurrency": 2}
        (warning,) = build_with(lakes, [fault.says], strict=False).warnings
        assert len(asked(server)) == len(server.posts) == 2
        assert all(names(warning, place(lakes, prompt)) for prompt in PROMPTS)
        assert len(ledger(lakes)) == (0 if fault.billed is Billed.NO else 2)
        assert words_about_money(warning) in allowed_words(fault.billed)


@pytest.mark.parametrize("concurrency", [1, 2])
def test_nothing_slips_through_after_a_fatal_fault(
    lakes: Site, monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    """Not even where the thread that met it is held up by the system right after its turn."""
    end = Turns.end

    def held_up(turns: Turns[Any]) -> None:
        end(turns)
        time.sleep(0.1)

    monkeypatch.setattr(Turns, "end", held_up)
    fault = BY_NAME["401"]
    with FaultServer(fault, POSITIONS["first"], "b64", concurrency) as server, listening(server):
        lakes.options |= {"base_url": server.base_url, "concurrency": concurrency}
        build_with(lakes, [fault.says], strict=False)
        assert len(server.posts) == concurrency


@pytest.mark.parametrize("position", POSITIONS)
def test_server_that_goes_away(lakes: Site, position: str) -> None:
    """Nothing listens any more: no request is sent, so there is nothing to pay for."""
    index = POSITIONS[position]
    with FaultServer(position=index) as server:
        lakes.options |= {"base_url": server.base_url, "concurrency": 1}
        server.at_fault = server.leave
        if not index:
            server.leave()
        built = build_with(lakes, ["no connection to 127.0.0.1:"], strict=position == "middle")
        kept = set(server.order)
        assert asked(server) == dict.fromkeys(kept, 1)
        assert len(kept) == index
    nothing_else_is_lost(lakes, built, kept)
    gone = set(PROMPTS) - kept
    assert len(built.warnings) == len(gone)
    for prompt in gone:
        (warning,) = (one for one in built.warnings if names(one, place(lakes, prompt)))
        assert words_about_money(warning) == ""
    assert len(ledger(lakes)) == index
    with FaultServer() as server:
        lakes.options["base_url"] = server.base_url
        all_is_well_afterwards(lakes, server, gone)


@pytest.mark.parametrize("position", POSITIONS)
def test_host_name_that_is_not_known(
    lakes: Site, monkeypatch: pytest.MonkeyPatch, position: str
) -> None:
    """From the beginning, or from some moment on: the network is gone, and nothing more is tried."""
    index = POSITIONS[position]
    lookups: list[str] = []

    def unknown(host: Any, *_: Any, **__: Any) -> Any:
        lookups.append(str(host))
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with FaultServer(position=index) as server, monkeypatch.context() as patch:
        server.at_fault = lambda: patch.setattr(socket, "getaddrinfo", unknown)
        address = server.base_url.replace("127.0.0.1", "localhost")
        lakes.options |= {"base_url": address if index else "http://images.invalid/v1"}
        lakes.options["concurrency"] = 1
        built = build_with(lakes, ["is not known. Check the network"], strict=position == "middle")
        assert asked(server) == dict.fromkeys(server.order, 1)
        assert len(server.order) == index
        assert len(lookups) == (1 if index else 0)
        kept = set(server.order)
    nothing_else_is_lost(lakes, built, kept)
    gone = set(PROMPTS) - kept
    (warning,) = built.warnings
    assert {prompt for prompt in PROMPTS if names(warning, place(lakes, prompt))} == gone
    assert words_about_money(warning) == ""
    with FaultServer() as server:
        lakes.options["base_url"] = server.base_url
        all_is_well_afterwards(lakes, server, gone)


# --- Exit codes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["500 at once", "401", "half a PNG", "502 at once", "moderation"])
def test_exit_code(lakes: Site, child_env: dict[str, str], name: str) -> None:
    fault = BY_NAME[name]
    with FaultServer(fault, POSITIONS["middle"]) as server:
        lakes.options |= {"base_url": server.base_url, "concurrency": 1}
        env = {**child_env, "OPENAI_API_KEY": KEY}
        kept: dict[str, bytes] = {}
        if not fault.is_overcome:
            first = lakes.run(env=env).ended(warns=[fault.says], status=0)
            assert SECRET not in first.output
            kept = stored(lakes)
        again = lakes.run("--strict", env=env)
        assert again.status == (0 if fault.is_overcome else 1), again.output
        assert "Traceback" not in again.output
        assert SECRET not in again.output
        assert stored(lakes).items() >= kept.items()
        server.heal()
        for path in lakes.cache.glob("*.refused.json"):
            path.unlink()
        all_is_well_afterwards(lakes, server, set(PROMPTS) - set(stored(lakes)))


# --- The machine -------------------------------------------------------------------------------------

LIMIT_BYTES = 20_000
LIMIT_HOOK = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({LIMIT_BYTES}, {LIMIT_BYTES}))
"""


def full_disk(site: Site, env: dict[str, str], position: str) -> str:
    """A build whose system takes no picture of more than `LIMIT_BYTES`. Returns the warning."""
    index = POSITIONS[position]
    large = Fault("large", made_larger(LIMIT_BYTES), "", Billed.YES)
    with FaultServer(large, index) as server:
        site.options |= {"base_url": server.base_url, "concurrency": 1}
        site.write({"hook.py": LIMIT_HOOK})
        site.config["hooks"] = ["hook.py"]
        ended = site.run(*["--strict"] * (position == "middle"), env={**env, "OPENAI_API_KEY": KEY})
        del site.config["hooks"]
        assert ended.status == (1 if position == "middle" else 0), ended.output
        assert "Traceback" not in ended.output
        (warning,) = (line for line in ended.output.splitlines() if line.startswith("WARNING"))
        sent = asked(server)
        assert set(sent.values()) == {1}
        kept = set(sent) - {server.faulty}
        assert stored(site) == {prompt: sound_picture(prompt) for prompt in kept}
        assert under_way(site) == []
        places = {line["place"] for line in ledger(site)}
        assert places == {place(site, prompt) for prompt in sent}
        gone = set(PROMPTS) - kept
        assert {prompt for prompt in PROMPTS if names(warning, place(site, prompt))} == gone
        server.heal()
        all_is_well_afterwards(site, server, gone)
    return warning


@posix_only
@pytest.mark.parametrize("position", POSITIONS)
def test_picture_that_the_disk_does_not_take(
    lakes: Site, child_env: dict[str, str], position: str
) -> None:
    warning = full_disk(lakes, child_env, position)
    assert "cannot be written: File too large" in warning


@posix_only
def test_picture_that_is_lost_is_told_as_such(lakes: Site, child_env: dict[str, str]) -> None:
    """The next build asks for it again, so it is paid for twice."""
    warning = full_disk(lakes, child_env, "first")
    assert "is kept" not in warning
    assert words_about_money(warning) in allowed_words(Billed.YES)


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("concurrency", [1, 2])
def test_picture_that_cannot_be_put_in_its_place(
    lakes: Site, monkeypatch: pytest.MonkeyPatch, position: str, concurrency: int
) -> None:
    """It is kept aside, so that the next build need not ask for it; nothing more is sent."""
    index = POSITIONS[position]
    fault = Fault("stored", lambda *_: Reply(), "", Billed.YES, fatal=True)
    with FaultServer(fault, index, "b64", concurrency) as server, listening(server):
        lakes.options |= {"base_url": server.base_url, "concurrency": concurrency}
        replace = type(lakes.root).replace

        def full(path: Path, target: Path) -> Path:
            if index < len(server.order) and slug(server.faulty) in target.name:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return replace(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(type(lakes.root), "replace", full)
            built = build_with(lakes, ["cannot be written: "], strict=position == "middle")
        sent = asked(server)
        assert set(sent.values()) == {1}
        assert len(sent) <= index + 1 + concurrency
        kept = set(sent) - {server.faulty}
        nothing_else_is_lost(lakes, built, kept)
        assert len(ledger(lakes)) == len(sent)
        server.heal()
        all_is_well_afterwards(lakes, server, set(PROMPTS) - set(sent))


def slug(prompt: str) -> str:
    return prompt.lower().replace(" ", "-")


@pytest.mark.parametrize("path", ["genimage", "genimage/.journal"])
def test_file_in_place_of_a_folder(lakes: Site, path: str) -> None:
    """Where it cannot be noted that a request is under way, none is sent."""
    lakes.write({path: "a file"})
    with FaultServer() as server:
        lakes.options["base_url"] = server.base_url
        built = build_with(lakes, ["pictures are missing: "], strict=True)
        assert server.posts == []
        assert shown(built) == {}
        (lakes.root / path).unlink()
        all_is_well_afterwards(lakes, server, set(PROMPTS))


def test_ledger_that_cannot_be_written(lakes: Site) -> None:
    """What is paid for is kept even so."""
    (lakes.cache / ".journal/ledger.jsonl").mkdir(parents=True)
    with FaultServer() as server:
        lakes.options["base_url"] = server.base_url
        built = lakes.build(strict=True)
        nothing_else_is_lost(lakes, built, set(PROMPTS))


@posix_only
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_cache_that_becomes_read_only(lakes: Site) -> None:
    lakes.cache.mkdir()
    with FaultServer(position=POSITIONS["middle"]) as server:
        lakes.options |= {"base_url": server.base_url, "concurrency": 1}
        server.at_fault = lambda: lakes.cache.chmod(0o555)
        try:
            built = lakes.build(warns=["cannot be written: Permission denied"])
        finally:
            lakes.cache.chmod(0o755)
        assert len(built.warnings) == 1
        assert len(server.posts) <= POSITIONS["middle"] + 1
        kept = set(stored(lakes))
        assert len(kept) >= 1
        all_is_well_afterwards(lakes, server, set(PROMPTS) - kept)


@pytest.mark.parametrize("days", [-365, 365])
def test_clock_that_jumps(lakes: Site, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    real, real_ns, real_datetime = time.time, time.time_ns, dt.datetime
    offset = [0]

    class Shifted(real_datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return real_datetime.now(tz) + dt.timedelta(seconds=offset[0])

    with FaultServer(BY_NAME["503 at once"], POSITIONS["middle"]) as server:
        lakes.options |= {"base_url": server.base_url, "concurrency": 1}
        monkeypatch.setattr(time, "time", lambda: real() + offset[0])
        monkeypatch.setattr(time, "time_ns", lambda: real_ns() + offset[0] * 1_000_000_000)
        for name, room in list(sys.modules.items()):
            if name.startswith("mkdocs_genimage") and hasattr(room, "datetime"):
                monkeypatch.setattr(room, "datetime", Shifted)
        reply = server.reply

        def jump(call: Call) -> Reply | None:
            offset[0] = days * 86_400 if len(server.order) >= 2 else 0
            return reply(call)

        server.reply = jump
        built = build_with(lakes, [], strict=True)
        nothing_else_is_lost(lakes, built, set(PROMPTS))
        assert len({line["time"][:4] for line in ledger(lakes)}) == 2, "the clock did jump"
        assert set(asked(server).values()) == {1, BY_NAME["503 at once"].sends}
        before = len(server.posts)
        offset[0] = 0
        lakes.build(strict=True)
        assert len(server.posts) == before


# --- Prompts that try to be something else ------------------------------------------------------------

STEERING = {
    "up": "../../x",
    "absolute": "/etc/passwd",
    "backslashes": "..\\..\\x",
    "drive": "C:\\Windows\\x",
    "escaped": "%2e%2e%2f%2e%2e%2fx",
    "device": "CON",
    "device with an ending": "aux.txt",
    "dots": "...",
    "option": "-rf --help",
    "hidden": ".journal",
    "picture": "x.refused.json",
    "emoji": "🦊🌲🌙",
    "right to left": "\u202egnp.exe",
    "letters of others": "Füchse и 狐狸",
    "long": "lake " * 2000,
    "one long word": "x" * 10_000,
    "nul": "a fox\x00../../x",
}


@pytest.mark.parametrize("name", STEERING)
def test_prompts_do_not_steer_paths(lakes: Site, name: str) -> None:
    prompt = STEERING[name]
    lakes.write(
        {"docs/index.md": fence(prompt, f"size={SIZE} alt=x"), "docs/guide/first.md": "# -"}
    )
    before = set(tree(lakes.root.parent))
    with FaultServer() as server:
        lakes.options["base_url"] = server.base_url
        lakes.build(strict=True)
        ((sent, count),) = asked(server).items()
        assert count == 1
        assert sent == prompt.strip().replace("\0", "")
        assert stored(lakes) == {sent: sound_picture(sent)}
        new = set(tree(lakes.root.parent)) - before
        project = lakes.root.name
        assert all(
            one.startswith((f"{project}/genimage/", f"{project}/site/", f"{project}/mkdocs.yml"))
            for one in new
        )
        for file in lakes.cached():
            assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,47}-[0-9a-f]{12}\.(png|json)", file)
        lakes.build(strict=True)
        assert len(server.posts) == 1
