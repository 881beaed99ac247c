"""The search for credentials finds what it must, and real builds with awkward ones leave none behind."""

from __future__ import annotations

import base64
import html
import json
import logging
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from api_server import ImagesServer, Reply, closed_port, error_body
from credentials import MIN_FRAGMENT, search, watch
from hypothesis import given
from hypothesis import strategies as st
from sites import Run, Site, fence, process_environment

from mkdocs_genimage.providers import ProviderSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hypothesis.strategies import DataObject

KEY = "sk-test-Zq7vX2mK9wRb4TnYc8LhJd5sGf3PuE6a"
GATEWAY_KEY = "Hq3.Wz8~Tb5_Ny2-Kd7+Pv4/Xc9=Rm6"
QUOTED_KEY = "gw-\"Uf8'Jx3\\Qs6&Mt2<Vb9>Lw5%20Zk7"
NAME_KEY = "cg_Kd83hQz7Lm2Wx9Tb4Vn6Ry"
"""Such as could be the name of a member in JSON."""
SITE_KEYS = {"plain": KEY, "of a gateway": GATEWAY_KEY, "with quotes": QUOTED_KEY}
PAGE = "# Page\n\n" + fence("A fox", 'alt="A fox" size=64x48')


# --- the search -------------------------------------------------------------------------------


@pytest.mark.parametrize("key", SITE_KEYS.values(), ids=SITE_KEYS)
@pytest.mark.parametrize(
    "spell",
    [
        str,
        str.upper,
        str.lower,
        str.swapcase,
        repr,
        json.dumps,
        html.escape,
        quote,
        lambda key: quote(key, safe=""),
        lambda key: json.dumps({"headers": {"authorization": f"Bearer {key}"}}),
        lambda key: base64.b64encode(key.encode()).decode(),
        lambda key: base64.b64encode(f":{key}".encode()).decode(),
        lambda key: base64.urlsafe_b64encode(f"me:{key}@".encode()).decode(),
    ],
)
def test_each_spelling_is_found(key: str, spell: Callable[[str], str]) -> None:
    assert search([key], f"before {spell(key)} behind".lower().encode())


def test_a_credential_that_repeats_itself_is_found() -> None:
    assert search(["sk-test-" + "A" * 20], b"-aaaaaaaaaaa") == "-aaaaaaaaaaa"


@given(st.data())
def test_each_long_part_is_found(data: DataObject) -> None:
    key = data.draw(st.sampled_from([*SITE_KEYS.values(), "sk-test-" + "A" * 20, "twelve chars"]))
    start = data.draw(st.integers(0, len(key) - MIN_FRAGMENT))
    end = data.draw(st.integers(start + MIN_FRAGMENT, len(key)))
    before, behind = data.draw(st.tuples(*[st.text("sk-Zq7xA\n ", max_size=30)] * 2))
    text = before + key[start:end] + behind
    assert search([key], text.lower().encode())
    coded = base64.b64encode(text.encode())
    assert search([key], coded.lower())


@pytest.mark.parametrize(
    "text",
    [
        "",
        KEY[: MIN_FRAGMENT - 1],
        KEY[-MIN_FRAGMENT + 1 :],
        f"{KEY[:8]}********{KEY[-4:]}",
        KEY[::-1],
    ],
)
def test_short_parts_are_none(text: str) -> None:
    assert search([KEY], f" {text} ".lower().encode()) == ""


def test_an_alphabet_is_no_part() -> None:
    """It stands in many scripts, and in keys that are made up."""
    key = "sk-0123456789abcdefghijklmnopqrstuvwxyz"
    assert search([key], b"digits = '0123456789abcdefghijklmnopqrstuvwxyz'") == ""
    assert search([key], b"-0123456789abcdefghi") == "-0123456789abcdefghi"


# --- it fails a test ----------------------------------------------------------------------------

PLANTED = """
import json, logging, os, shutil, subprocess, sys, tempfile, urllib.request, warnings
from base64 import b64encode
from pathlib import Path
import pytest
from mkdocs_genimage.errors import ProviderError
from mkdocs_genimage.providers import ProviderSettings
from mkdocs_genimage.providers.endpoint import Endpoint, find_endpoint

KEY = "sk-planted-Bv6tQ9xKm2Wc7ZrYd4Hn8"

@pytest.fixture
def used():
    Endpoint("http://127.0.0.1/v1", "'base_url'", KEY)

def test_leak_in_a_log(used):
    logging.getLogger("a.b").warning("key %s", KEY)

def test_leak_in_a_log_of_its_own(used):
    logger = logging.Logger("alone", logging.DEBUG)
    logger.addHandler(logging.NullHandler())
    logger.debug("key %s", KEY)

def test_leak_in_an_exception_chain(used):
    try:
        try:
            raise ValueError(f"Illegal header value b'Bearer {KEY}'")
        except ValueError:
            raise RuntimeError("no request")
    except RuntimeError:
        logging.getLogger("a.b").warning("failed", exc_info=True)

def test_leak_in_an_error(used):
    ProviderError("bad", cure=f"Change {KEY}")

def test_leak_in_a_build_error(site):
    site.options["api_key"] = KEY
    site.write({"docs/index.md": "x", "hooks.py": f"def on_env(env, **_): raise OSError('{KEY}')"})
    site.config["hooks"] = ["hooks.py"]
    site.build(fails=True)

def test_leak_in_output(used):
    print(KEY)

def test_leak_in_output_that_is_read(used, capsys):
    print(KEY, file=sys.stderr)
    assert KEY in capsys.readouterr().err

def test_leak_in_a_warning(used):
    with pytest.warns(UserWarning):
        warnings.warn(f"key {KEY}")

def test_leak_in_output_of_a_child():
    code = "import os; print(os.environ['MY_KEY'])"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "MY_KEY": KEY}, stdout=-1)

def test_leak_in_output_of_a_child_with_address():
    address = f"http://docs:{KEY}@127.0.0.1/v1"
    code = "import os; print(os.environ['SITE_URL'])"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "SITE_URL": address}, stdout=-1)

def test_leak_in_a_page(used, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text(f"<p>{KEY[4:20]}</p>")

def test_leak_in_a_sidecar(used, tmp_path):
    (tmp_path / "a-fox.json").write_text(json.dumps({"usage": {"by": KEY.upper()}}))

def test_leak_in_a_ledger(used, tmp_path):
    (tmp_path / ".journal").mkdir()
    coded = b64encode(f"me:{KEY}".encode()).decode()
    (tmp_path / ".journal/ledger.jsonl").write_text(json.dumps({"header": f"Basic {coded}"}))

def test_leak_in_a_picture(used, tmp_path):
    (tmp_path / "a.png").write_bytes(bytes(range(256)) + KEY.encode() + bytes(99))

def test_leak_in_a_file_name(used, tmp_path):
    (tmp_path / f"{KEY}.png").touch()

def test_leak_in_a_copy_of_the_config(site):
    site.options["api_key"] = KEY
    site.write({"docs/index.md": "x"})
    site.build(strict=True)
    shutil.copy(site.config_file, site.root / "site")

def test_leak_in_a_config_that_was_changed(site):
    site.options["api_key"] = KEY
    site.write({"docs/index.md": "x"})
    site.build(strict=True)
    with site.config_file.open("a") as file:
        file.write("# changed")

def test_leak_in_a_folder_that_is_removed(used):
    with tempfile.TemporaryDirectory() as name:
        Path(name, "x").write_text(KEY)

def test_leak_of_a_key_that_a_server_got(api, tmp_path):
    headers = {"Authorization": f"Bearer {KEY}"}
    with pytest.raises(OSError):
        urllib.request.urlopen(urllib.request.Request(api.url, headers=headers))
    (tmp_path / "x").write_text(KEY)

def test_leak_of_a_password_that_a_server_got(api, tmp_path):
    headers = {"Authorization": "Basic " + b64encode(f"docs:{KEY}".encode()).decode()}
    with pytest.raises(OSError):
        urllib.request.urlopen(urllib.request.Request(api.url, headers=headers))
    (tmp_path / "x").write_text(KEY)

def test_leak_of_a_password_in_an_address(tmp_path):
    find_endpoint(ProviderSettings(base_url="http://docs:ge%20heim-7Qx@127.0.0.1/v1"))
    (tmp_path / "x").write_text("docs:ge heim-7Qx")

def test_leak_of_a_setting(tmp_path):
    ProviderSettings(api_key=KEY)
    (tmp_path / "x").write_text(KEY)

def test_leak_of_a_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\\n")
    find_endpoint(ProviderSettings(api_key="another"))
    (tmp_path / "x").write_text(KEY)

def test_fine_config_of_the_author(site):
    site.options["api_key"] = KEY
    site.write({"docs/index.md": "x"})
    site.build(strict=True)

def test_fine_text_that_was_never_a_key(tmp_path):
    print(KEY)
    (tmp_path / "x").write_text(KEY)

def test_fine_short_word(tmp_path):
    ProviderSettings(api_key="local")
    (tmp_path / "x").write_text("local")

def test_fine_key_of_the_test_before(tmp_path):
    (tmp_path / "x").write_text(KEY)

@pytest.mark.xfail(strict=True)
def test_fine_as_failure_is_expected(used, tmp_path):
    (tmp_path / "x").write_text(KEY)
    assert False
"""


OUTCOME = re.compile(r"^(PASSED|XFAIL|FAILED|ERROR) test_planted.py::(\w+)", re.MULTILINE)


def test_a_test_that_leaves_a_credential_fails(tmp_path: Path, child_env: dict[str, str]) -> None:
    """In a run of its own, with the fixtures and hooks of these tests."""
    (tmp_path / "test_planted.py").write_text(PLANTED)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "conftest", "test_planted.py"]
    search_path = [str(Path(__file__).parent), child_env["PYTHONPATH"]]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=process_environment({**child_env, "PYTHONPATH": os.pathsep.join(search_path)}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    names = set(re.findall(r"^def (test_\w+)", PLANTED, re.MULTILINE))
    ended = OUTCOME.findall(done.stdout)
    shown = {name for word, name in ended if word == "ERROR"}
    assert {name for word, name in ended if word in ("PASSED", "XFAIL")} == names, done.stdout
    assert shown == {name for name in names if name.startswith("test_leak_")}
    assert done.stdout.count("a credential of the test shows in") >= len(shown)
    assert len(shown) > 20


# --- builds with awkward credentials ------------------------------------------------------------


def outside_address(api: ImagesServer) -> str:
    """The server by an address that is not taken for this machine, so that it needs a key."""
    return api.base_url.replace("127.0.0.1", "0.0.0.0")


@pytest.fixture
def quick(site: Site) -> Site:
    site.use_bare_theme()
    site.write({"docs/index.md": PAGE})
    return site


CREDENTIALS: dict[str, tuple[str, str]] = {
    # name: (value of OPENAI_API_KEY, user info of the address)
    **{name: (key, "") for name, key in SITE_KEYS.items()},
    "within quotes": (f'"{KEY}"', ""),
    "with a line break": (f"{KEY}\r\n", ""),
    "in the address": ("", f"docs:{KEY}"),
    "in the address, of a gateway": ("", f"docs:{quote(GATEWAY_KEY, safe='')}"),
    "in the address, with quotes": ("", f"{quote(QUOTED_KEY, safe='')}:"),
    "in the address and beside it": (KEY, f"docs:{quote(GATEWAY_KEY, safe='')}"),
}


def given_to(call: Any) -> str:
    """The credential that came with a request, as it came."""
    return call.headers["authorization"].partition(" ")[2]


def echo(status: int, *, in_name: bool = False) -> Callable[[Any], Reply]:
    """An answer that repeats the credential."""
    return lambda call: Reply(
        status,
        error_body(f"Incorrect API key provided: {given_to(call)}.", "invalid_api_key"),
        headers={"x-request-id": given_to(call)} if in_name else {},
    )


ANSWERS: dict[str, tuple[Callable[[Any], Reply], str]] = {
    # name: (answer, the warning)
    "made": (lambda _: Reply(), ""),
    "refused, and repeated": (echo(401), "does not accept the"),
    "refused, and named by it": (echo(401, in_name=True), "does not accept the"),
    "wrong, and repeated": (echo(400), "refused the request"),
    "failed, and repeated as text": (
        lambda call: Reply(500, f"bad: {call.headers['authorization']}"),
        "may have been billed",
    ),
    "blocked by moderation, and repeated": (
        lambda call: Reply(400, error_body(f"No: {given_to(call)}", "moderation_blocked")),
        "moderation",
    ),
    "no picture, and repeated": (
        lambda call: Reply(body={"data": [], "echo": given_to(call)}),
        "holds no picture",
    ),
    "broken off": (lambda _: Reply(drop="body"), "broke off"),
}


PAIRS = {
    *((credential, answer) for credential in CREDENTIALS for answer in list(ANSWERS)[:3]),
    *((credential, answer) for credential in ("plain", "in the address") for answer in ANSWERS),
}


@pytest.mark.parametrize(("credential", "answer"), sorted(PAIRS))
def test_no_credential_is_left_by_a_build(
    quick: Site,
    api: ImagesServer,
    monkeypatch: pytest.MonkeyPatch,
    credential: str,
    answer: str,
) -> None:
    key, user_info = CREDENTIALS[credential]
    monkeypatch.setenv("OPENAI_API_KEY", key)
    address = outside_address(api)
    quick.options["base_url"] = address.replace("://", f"://{user_info}@") if user_info else address
    api.reply, warning = ANSWERS[answer]
    quick.build(level=logging.DEBUG, warns=[warning] if warning else [])
    assert len(api.posts) == 1
    assert given_to(api.posts[0]).strip() in watch.secrets
    assert watch.end() == []


VERBOSE = """
import logging, runpy, sys
logging.basicConfig(level=0, format="%(levelname)s %(name)s %(message)s")
sys.argv = ["mkdocs", "build", "-v"]
{patch}
runpy.run_module("mkdocs", run_name="__main__")
"""


def run_verbose(site: Site, env: Mapping[str, str], patch: str = "") -> Run:
    """`mkdocs build -v` as a process that shows each message of each logger, of any level."""
    site.write_config()
    done = subprocess.run(
        [sys.executable, "-c", VERBOSE.format(patch=textwrap.dedent(patch))],
        cwd=site.root,
        env=process_environment({**env, "OPENAI_LOG": "debug", "NO_PROXY": "*", "no_proxy": "*"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    return Run(done.returncode, done.stdout.decode("utf-8", "replace"))


@pytest.mark.parametrize(
    ("credential", "answer"),
    [("with quotes", "refused, and repeated"), ("in the address and beside it", "made")],
)
def test_debug_output_of_all_loggers_holds_no_credential(
    quick: Site, api: ImagesServer, child_env: dict[str, str], credential: str, answer: str
) -> None:
    key, user_info = CREDENTIALS[credential]
    address = outside_address(api)
    quick.options["base_url"] = address.replace("://", f"://{user_info}@") if user_info else address
    api.reply, warning = ANSWERS[answer]
    env = {**child_env, "OPENAI_API_KEY": key}
    run = run_verbose(quick, env)
    assert run.status == 0, run.output
    assert warning in run.output
    assert "DEBUG   -  Running `env` event from plugin 'genimage'" in run.output
    for logger in ("openai", "httpx", "httpcore"):
        assert re.search(rf"^(DEBUG|INFO) {logger}\S* ", run.output, re.MULTILINE), run.output
    assert len(api.posts) == 1
    assert watch.end() == []


RAISING = """
from mkdocs_genimage.providers.exchange import Exchange
def fail(self, *_):
    headers = {{**self._client.default_headers}}
    raise RuntimeError({text})
Exchange.{method} = fail
"""


@pytest.mark.parametrize("method", ["_exchange", "_read_answer"])
def test_unexpected_exception_shows_no_credential(
    quick: Site, api: ImagesServer, child_env: dict[str, str], method: str
) -> None:
    """`-v` shows its type and where it was raised, not its text."""
    quick.options["base_url"] = outside_address(api).replace("://", f"://docs:{KEY}@")
    env = {**child_env, "OPENAI_API_KEY": GATEWAY_KEY}
    run = run_verbose(quick, env, RAISING.format(method=method, text="'gone ' + 'wrong'"))
    assert "RuntimeError" in run.output
    assert "gone wrong" not in run.output
    assert method == "_exchange" or re.search(
        r"error of provider 'openai': RuntimeError \(.*openai\.py:\d+\)$", run.output, re.MULTILINE
    )
    assert watch.secrets >= {KEY, GATEWAY_KEY}
    assert watch.end() == []


def test_key_of_an_unset_variable(
    quick: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    """`api_key: !ENV NAME` without such a variable, while another key is in the environment."""
    quick.options |= {"base_url": outside_address(api), "api_key": "!ENV"}
    quick.write_config()
    config = quick.config_file.read_text().replace("'!ENV'", "!ENV NO_SUCH_NAME")
    assert "!ENV NO_SUCH_NAME" in config
    quick.write({"mkdocs.yml": config})
    env = {**child_env, "OPENAI_API_KEY": KEY}
    run = quick.run("-v", env=env, keep_config=True)
    run.ended(warns=["No API key is set: 'api_key' in mkdocs.yml is empty"])
    assert api.calls == []
    assert watch.secrets == {KEY}
    assert watch.end() == []


@pytest.mark.parametrize(
    "base_url",
    [
        "https://docs:{}@",
        "https://docs:{}@images.invalid:port/v1",
        "https://docs:{} @images.invalid/v1",
        "ftp://docs:{}@images.invalid/v1",
        "https://docs:{}@images.invalid/v1?version=1",
        "https://docs:{}@images.invalid/v1",
        "http://docs:{}@127.0.0.1:{port}/v1",
    ],
)
def test_credential_in_an_address_that_leads_nowhere(
    quick: Site, monkeypatch: pytest.MonkeyPatch, base_url: str
) -> None:
    monkeypatch.setattr("mkdocs_genimage.sending.Sender._pause", lambda *_: None)
    secret = quote(GATEWAY_KEY, safe="")
    quick.options["base_url"] = base_url.replace("{port}", str(closed_port())).format(secret)
    for one in (secret, GATEWAY_KEY):
        watch.add_secret(one)
    quick.build(level=logging.DEBUG, warns=["docs/index.md:3"])
    assert watch.end() == []


# --- what servers, proxies and mistakes bring back ----------------------------------------------


ADDRESS_PASSWORD = "Rw9zKd4vQx7mTb2nYc5hLj8gSf3pUe6aVo1i"


def said(text: str, status: int = 400) -> Callable[[str], Reply]:
    return lambda key: Reply(status, error_body(text.format(key=key, tail=key[8:])))


ECHOES: dict[str, tuple[str, Callable[[str], Reply]]] = {
    # name: (key, answer)
    "usage": (KEY, lambda key: Reply(extra={"usage": {"total_tokens": 9, "user": key}})),
    "name in usage": (
        NAME_KEY,
        lambda key: Reply(extra={"usage": {"total_tokens": 9, "by": {key: {"images": 1}}}}),
    ),
    "scheme of an address": (KEY, lambda key: Reply(body={"data": [{"url": f"{key}:x"}]})),
    "end of the key": (KEY, said("The key that ends in {tail} is unknown")),
    "upper case": (KEY, lambda key: Reply(400, error_body(f"Unknown key {key.upper()}"))),
    "in base64": (
        KEY,
        lambda key: Reply(400, error_body(base64.b64encode(key.encode()).decode())),
    ),
    "quoted for an address": (
        GATEWAY_KEY,
        lambda key: Reply(400, error_body(f"No such path: /x?key={quote(key, safe='')}")),
    ),
    "as JSON in a text": (QUOTED_KEY, lambda key: Reply(500, f"Error: {json.dumps(key)}")),
    "short, and cut off": (GATEWAY_KEY[:16], said(" " * 1185 + "{key}")),
}


ECHOES_OF_SUCCESS: dict[str, Any] = {"usage": {"total_tokens": 9}, "name in usage": None}
"""What of `usage` is stored."""


@pytest.mark.parametrize("case", ECHOES)
def test_no_echo_is_shown(
    quick: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    key, answer = ECHOES[case]
    monkeypatch.setenv("OPENAI_API_KEY", key)
    quick.options["base_url"] = outside_address(api)
    api.script(answer(key))
    built = quick.build(warns=["docs/index.md:3"] if case not in ECHOES_OF_SUCCESS else [])
    assert len(api.posts) == 1
    if case in ECHOES_OF_SUCCESS:
        sidecar = json.loads((quick.cache / quick.cached(".json")[0]).read_bytes())
        assert sidecar.get("usage") == ECHOES_OF_SUCCESS[case]
    else:
        assert "…" in built.output or case == "scheme of an address"
    assert watch.end() == []


@pytest.mark.parametrize("said", ["{0}", "{1}", "{2}{0}"])
def test_no_echo_of_a_password_is_shown(quick: Site, api: ImagesServer, said: str) -> None:
    """As it is, as the header has it, and where a long message is cut off."""
    password = ADDRESS_PASSWORD
    basic = base64.b64encode(f"docs:{password}".encode()).decode()
    quick.options["base_url"] = api.base_url.replace("://", f"://docs:{password}@")
    api.script(Reply(400, error_body(said.format(password, basic, " " * 1180))))
    quick.build(warns=["docs/index.md:3"])
    assert watch.end() == []


def test_credential_of_a_custom_header(
    quick: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Api-Key: {GATEWAY_KEY}")
    api.reply = lambda call: Reply(400, error_body(f"Bad key {call.headers['x-api-key']}"))
    quick.build(warns=["docs/index.md:3"])
    assert watch.end() == []


def test_a_proxys_password(quick: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = f"http://docs:{ADDRESS_PASSWORD}/7@127.0.0.1:{closed_port()}"
    monkeypatch.setenv("HTTP_PROXY", proxy)
    watch.add_secret(f"{ADDRESS_PASSWORD}/7")
    quick.options |= {"base_url": "http://images.invalid/v1", "api_key": "local"}
    built = quick.build(warns=["docs/index.md", "'api_key' is written in mkdocs.yml itself"])
    assert "cannot be set up (InvalidURL). Check the addresses in HTTP_PROXY" in built.output
    assert "Invalid port" not in built.output
    assert watch.end() == []


@pytest.mark.parametrize("text", ["{}", "{}, which is not known"])
def test_a_proxys_password_that_comes_back(
    quick: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """A proxy that refuses names who asked, as it is or as the header has it."""
    monkeypatch.setenv("HTTP_PROXY", f"http://docs:{quote(GATEWAY_KEY, safe='')}@proxy.invalid")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sent = base64.b64encode(f"docs:{GATEWAY_KEY}".encode()).decode()
    for one in (sent, GATEWAY_KEY):
        api.script(Reply(400, error_body(text.format(one))))
        quick.build(warns=["refused the request (HTTP 400): …"])
        assert watch.secrets >= {GATEWAY_KEY}
        assert watch.end() == []


def test_text_of_an_unexpected_exception(
    quick: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    quick.options["base_url"] = outside_address(api)
    patch = RAISING.format(method="_read_answer", text="str(self._client.auth_headers)")
    run = run_verbose(quick, {**child_env, "OPENAI_API_KEY": KEY}, patch)
    assert "RuntimeError" in run.output
    assert watch.end() == []


@pytest.mark.parametrize("key", [[KEY], {"name": KEY}])
def test_key_that_is_no_text(quick: Site, child_env: dict[str, str], key: Any) -> None:
    watch.add_secret(KEY)
    quick.options["api_key"] = key
    run = quick.run(env=child_env)
    kind = "a list" if isinstance(key, list) else "a mapping"
    run.ended(warns=[f"'api_key': is {kind}. Allowed: a text."], status=1)
    assert watch.end() == []


@pytest.mark.parametrize(
    "settings",
    [
        ProviderSettings(api_key=KEY),
        ProviderSettings(base_url=f"https://docs:{KEY}@images.invalid/v1"),
    ],
)
def test_settings_show_no_credential(settings: ProviderSettings) -> None:
    assert KEY not in repr(settings)
    assert KEY not in str(settings)


def test_verbose_build_with_another_option_that_is_wrong(
    quick: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    """MkDocs shows all of its options then, with plugins as mkdocs.yml has them."""
    quick.options |= {"api_key": KEY, "missing": "no-such-word"}
    run = quick.run("-v", env=child_env)
    assert run.status == 1
    assert "received: 'no-such-word'" in run.output
    assert "DEBUG   -  Config value 'plugins'" in run.output
    assert watch.end() == []


HOOK = """
def on_env(env, config, **_):
    print("printed:", config.plugins["genimage"].config)
    print(repr(config.plugins["genimage"].config))
"""


def test_options_that_a_hook_prints(
    quick: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    address = api.base_url.replace("://", f"://docs:{ADDRESS_PASSWORD}@")
    quick.options |= {"base_url": address, "api_key": "!ENV"}
    quick.config["hooks"] = ["hooks.py"]
    quick.write({"hooks.py": HOOK})
    quick.write_config()
    quick.write({"mkdocs.yml": quick.config_file.read_text().replace("'!ENV'", "!ENV MY_KEY")})
    run = quick.run(env={**child_env, "MY_KEY": KEY}, keep_config=True)
    run.ended()
    assert "printed: GenimageConfig({'enabled': True" in run.output
    assert "'base_url': '…'" in run.output
    assert "'api_key': '…'" in run.output
    assert watch.secrets >= {KEY, ADDRESS_PASSWORD}
    assert watch.end() == []
