"""The tests' own server and guard: what they promise, other tests build on."""

from __future__ import annotations

import http.client
import io
import json
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import network_guard
import pytest
from api_server import ImagesServer, Reply, error_body
from pictures import picture
from PIL import Image


def post(server: ImagesServer, body: Any, path: str = "/v1/images/generations") -> Any:
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(server.url.rpartition(":")[2]), timeout=5
    )
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "gif"])
@pytest.mark.parametrize("alpha", [False, True])
def test_pictures_are_real_and_belong_to_their_prompt(form: str, alpha: bool) -> None:
    data = picture("a fox", "320x208", form, alpha=alpha)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert (image.format, image.size) == (form.upper(), (320, 208))
        if form in ("png", "webp"):
            assert image.mode == ("RGBA" if alpha else "RGB")
            corner = image.convert("RGBA").getpixel((0, 0))
            assert isinstance(corner, tuple)
            assert corner[3] == (0 if alpha else 255)
    assert picture("a fox", "320x208", form, alpha=alpha) == data
    assert picture("a cat", "320x208", form, alpha=alpha) != data


def test_answer_holds_what_was_asked_for(api: ImagesServer) -> None:
    asked = {"prompt": "x", "n": 2, "size": "64x32", "output_format": "webp"}
    status, answer = post(api, asked)
    assert status == 200
    assert len(answer["data"]) == 2
    assert (answer["size"], answer["output_format"]) == ("64x32", "webp")
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert api.calls[0].fields == asked
    assert api.calls[0].headers["content-type"] == "application/json"
    assert api.calls[0].outcome == "answered 200"


def test_auto_size_is_the_servers_choice() -> None:
    with ImagesServer(auto_size="48x16") as server:
        assert post(server, {"prompt": "x"})[1]["size"] == "48x16"
        assert post(server, {"prompt": "x", "size": "auto"})[1]["size"] == "48x16"


def test_script_then_healthy(api: ImagesServer) -> None:
    api.script(
        Reply(status=429, body=error_body("slow down", "rate_limit_exceeded")), Reply(drop="before")
    )
    assert post(api, {"prompt": "x"}) == (429, error_body("slow down", "rate_limit_exceeded"))
    with pytest.raises(http.client.RemoteDisconnected):
        post(api, {"prompt": "x"})
    assert post(api, {"prompt": "x", "size": "16x16"})[0] == 200
    assert [call.outcome for call in api.posts] == ["answered 429", "dropped", "answered 200"]


def test_counts_requests_in_flight(api: ImagesServer) -> None:
    together = threading.Barrier(3)

    def wait_for_all(call: object) -> Reply:
        together.wait(10)
        return Reply(size="16x16")

    api.reply = wait_for_all
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: post(api, {"prompt": str(number)}), range(3)))
    assert api.max_in_flight == 3
    assert api.in_flight == 0


def test_wrong_key_is_echoed_as_openai_does() -> None:
    with ImagesServer(key="sk-right") as server:
        status, answer = post(server, {"prompt": "x"})
    assert status == 401
    assert answer["error"]["code"] == "invalid_api_key"


def test_runs_as_a_script(child_env: dict[str, str]) -> None:
    script = Path(__file__).parent / "api_server.py"
    command = [sys.executable, str(script), "--auto-size", "16x16"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=child_env) as process:
        try:
            assert process.stdout
            base_url = process.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", base_url)
            request = urllib.request.Request(
                f"{base_url}/images/generations",
                json.dumps({"prompt": "x"}).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=10) as response:
                assert json.load(response)["size"] == "16x16"
        finally:
            process.terminate()


def test_guard_lets_nothing_out() -> None:
    # 192.0.2.0/24 and .example are reserved for documentation (RFC 5737, RFC 2606).
    with socket.socket() as plain, pytest.raises(network_guard.OutsideConnectionError):
        plain.connect(("192.0.2.1", 80))
    with pytest.raises(network_guard.OutsideConnectionError):
        socket.create_connection(("docs.example", 80))
    with pytest.raises(network_guard.OutsideConnectionError):
        urllib.request.urlopen("http://docs.example/")
    assert network_guard.attempts[:2] == ["connect to 192.0.2.1:80", "look up 'docs.example'"]
    network_guard.attempts.clear()
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("nowhere.invalid", 443)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "", None, b"localhost"]
)
def test_guard_knows_this_machine(host: Any) -> None:
    assert network_guard.is_local(host)


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "docs.example", "127.0.0.1.docs.example", "2001:db8::1"]
)
def test_guard_knows_others(host: str) -> None:
    assert not network_guard.is_local(host)


def test_guard_reaches_child_processes(child_env: dict[str, str]) -> None:
    code = (
        "import socket\n"
        "try: socket.create_connection(('docs.example', 80))\n"
        "except AssertionError as error: print(error)"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, env=child_env, capture_output=True, text=True, check=True)
    assert "must not leave this machine" in done.stdout
    log = Path(child_env[network_guard.LOG_VARIABLE])
    assert log.read_text() == "look up 'docs.example'\n"
    log.unlink()
