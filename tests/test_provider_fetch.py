"""Pictures that an answer names by their address: which are fetched, how, and what goes wrong."""

from __future__ import annotations

import base64
import errno
import io
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from api_server import ImagesServer, Reply
from pictures import picture

from mkdocs_genimage.errors import Billed, ProviderError
from mkdocs_genimage.providers import ProviderSettings, fetch
from mkdocs_genimage.providers.fetch import SPOOL_BYTES, Spool
from mkdocs_genimage.providers.openai import OpenAIProvider, create
from mkdocs_genimage.request import ImageRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "sk-test-0123456789abcdefghijklmnop"
ASK = ImageRequest("a fox", {"size": "64x64"}, model="gpt-image-2")
PNG = picture("input", "32x32")


def provider(api: ImagesServer, *, timeout: float = 20.0) -> OpenAIProvider:
    return create(ProviderSettings(base_url=api.base_url, api_key=KEY, timeout=timeout))


def failure(api: ImagesServer, reply: Reply) -> ProviderError:
    """The error that one scripted reply leads to."""
    api.script(reply)
    with pytest.raises(ProviderError) as caught:
        provider(api).generate(ASK, 1)
    return caught.value


def at(url: str) -> Reply:
    """An answer whose picture is at `url`."""
    return Reply(body={"data": [{"url": url}]})


def test_a_download_carries_no_credential(
    api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    api.script(Reply(deliver="url", headers={"Set-Cookie": "session=1; Path=/"}))
    provider(api).generate(ASK, 1)
    post, get = api.calls
    assert post.headers["openai-organization"] == "org-secret"
    assert set(get.headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}
    assert KEY not in str(get.headers)


def test_an_address_relative_to_the_base_url(api: ImagesServer) -> None:
    api.publish("/v1/files/x.png", PNG)
    api.script(at("files/x.png"), at("../v1/files/x.png"))
    made = create(ProviderSettings(base_url=f"{api.base_url}/", api_key=KEY))
    assert [made.generate(ASK, 1).images for _ in range(2)] == [[PNG], [PNG]]


def test_redirects_on_the_same_server(api: ImagesServer) -> None:
    final = api.publish("/files/x.png", PNG)
    api.pages["/one"] = Reply(status=302, body="", headers={"Location": "/two"})
    api.pages["/two"] = Reply(status=307, body="", headers={"Location": final})
    api.script(at("/one"))
    assert provider(api).generate(ASK, 1).images == [PNG]
    assert [call.path for call in api.gets] == ["/one", "/two", "/files/x.png"]


def test_five_redirects_are_followed_and_six_are_not(api: ImagesServer) -> None:
    for number in range(6):
        location = {"Location": f"/hop{number + 1}"}
        api.pages[f"/hop{number}"] = Reply(status=301, body="", headers=location)
    api.publish("/hop6", PNG)
    api.script(at("/hop1"))
    assert provider(api).generate(ASK, 1).images == [PNG]
    assert "redirects more than 5 times" in failure(api, at("/hop0")).message


def other(api: ImagesServer) -> str:
    return api.url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (lambda api: "file:///etc/passwd", "'file:'"),
        (lambda api: "ftp://127.0.0.1/x.png", "'ftp:'"),
        (lambda api: "data:text/html;base64,AAAA", "'data:'"),
        (lambda api: "data:image/png,AAAA", "'data:'"),
        (lambda api: "http://images.invalid/x.png", "http on another server"),
        (lambda api: "//images.invalid/x.png", "http on another server"),
        (lambda api: other(api) + "/files/x.png", "http on another server"),
        (lambda api: "http://127.0.0.1/x.png", "http on another server"),
        (lambda api: "http://user:pw@127.0.0.1/x.png", "user name"),
        (lambda api: "https://user@images.invalid/x.png", "user name"),
        (lambda api: "https://:80/x.png", "cannot be read"),
        (lambda api: "http://127.0.0.1:99999/", "cannot be read"),
        (lambda api: "http://[::1/", "cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("redirected", [False, True])
def test_addresses_that_are_not_fetched(
    api: ImagesServer, url: Callable[[ImagesServer], str], reason: str, redirected: bool
) -> None:
    api.publish("/files/x.png", PNG)
    api.pages["/away"] = Reply(status=302, body="", headers={"Location": url(api)})
    error = failure(api, at("/away" if redirected else url(api)))
    assert reason in error.message
    assert error.billed is Billed.YES
    assert [call.path for call in api.gets] == ["/away"] * redirected


def test_https_elsewhere_is_fetched(api: ImagesServer, monkeypatch: pytest.MonkeyPatch) -> None:
    # The name does not exist, so the attempt itself is the proof.
    monkeypatch.setattr(fetch, "DOWNLOAD_PAUSE", 0.001)
    error = failure(api, at("https://images.invalid/x.png?signature=secret"))
    assert "no connection (gaierror)" in error.message
    assert "secret" not in str(error)


def test_a_failed_download_is_tried_again(
    api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "DOWNLOAD_PAUSE", 0.001)
    api.script(Reply(deliver="url"))
    good = Reply(body=PNG)
    answers = iter([Reply(status=503, body="busy"), Reply(body=PNG, drop="body"), good])

    class Pages(dict[str, Reply]):
        def get(self, path: str, default: Any = None) -> Reply:
            return next(answers)

    api.pages = Pages()
    assert provider(api).generate(ASK, 1).images == [PNG]
    assert (len(api.posts), len(api.gets)) == (1, 3)


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (Reply(status=404, body="gone"), "HTTP 404"),
        (Reply(status=302, body=""), "HTTP 302"),
        (Reply(body=PNG, drop="before"), "broke off"),
        (Reply(body=PNG, drop="headers"), f"0 of {len(PNG)} bytes came"),
        (
            Reply(body=PNG, headers={"Content-Length": str(len(PNG) + 9)}),
            f"of {len(PNG) + 9} bytes",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_downloads_that_stay_broken(
    api: ImagesServer, monkeypatch: pytest.MonkeyPatch, page: Reply, reason: str
) -> None:
    monkeypatch.setattr(fetch, "DOWNLOAD_PAUSE", 0.001)
    api.pages["/x.png"] = page
    error = failure(api, at("/x.png"))
    assert reason in error.message
    assert error.billed is Billed.YES
    assert error.request_id == "req_1"
    assert (len(api.posts), len(api.gets)) == (1, 3)


def test_an_announced_size_over_the_limit_is_not_read(
    api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "MAX_IMAGE_BYTES", 10_000)
    api.pages["/x.png"] = Reply(body=PNG, headers={"Content-Length": "10001"}, trickle=5)
    assert "larger than" in failure(api, at("/x.png")).message


def test_a_download_that_trickles_ends_with_the_timeout(api: ImagesServer) -> None:
    api.pages["/x.png"] = Reply(body=PNG, trickle=0.1)
    api.script(at("/x.png"))
    with pytest.raises(ProviderError) as caught:
        provider(api, timeout=0.5).generate(ASK, 1)
    assert caught.value.billed is not Billed.NO
    assert api.gets[0].outcome in ("", "client went away"), "the server was not done"


def test_downloads_of_several_pictures(api: ImagesServer) -> None:
    api.script(Reply(deliver="url"))
    images = provider(api).generate(ASK, 3).images
    assert images == [picture(f"a fox#{number}", "64x64") for number in range(3)]
    assert len(api.gets) == 3


CHUNKS = [bytes([number]) * 50_000 for number in range(20)]
WHOLE = b"".join(CHUNKS)


def collected() -> tuple[bytes, bytes]:
    """What a spool holds after all chunks, and the head of it."""
    with Spool() as spool:
        for chunk in CHUNKS:
            spool.add(chunk)
        assert spool.size == len(WHOLE) > 3 * SPOOL_BYTES
        assert spool.read() == spool.read()
        return spool.read(), spool.head


class Disk(io.FileIO):
    """A file on a disk with room for a few bytes, as `write` sees it."""

    room = 0

    def __init__(self, path: str) -> None:
        super().__init__(path, "w+")
        self.left = self.room

    def write(self, data: Any) -> int:
        if not self.left:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = super().write(data[: self.left])
        self.left -= count
        return count


@pytest.mark.parametrize("room", [None, 0, 1, 70_000, 300_000, 600_000])
def test_a_large_answer_survives_a_full_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, room: int | None
) -> None:
    """`None`: there is not even a folder for temporary files."""

    def make(buffering: int) -> Disk:
        assert buffering == 0
        if room is None:
            raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")
        return Disk(str(tmp_path / "spool"))

    monkeypatch.setattr(Disk, "room", room)
    monkeypatch.setattr(tempfile, "TemporaryFile", make)
    assert collected() == (WHOLE, CHUNKS[0][:100])


def test_a_large_answer_waits_on_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[Any] = []

    def make(buffering: int) -> Any:
        made.append(real(buffering=buffering, dir=tmp_path))
        return made[-1]

    real = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", make)
    assert collected() == (WHOLE, CHUNKS[0][:100])
    assert len(made) == 1
    assert made[0].closed
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_a_small_answer_needs_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tempfile, "TemporaryFile")
    with Spool() as spool:
        assert (spool.read(), spool.head) == (b"", b"")
        for letter in b"a fox":
            spool.add(bytes([letter]))
        assert (spool.read(), spool.head, spool.size) == (b"a fox", b"a fox", 5)


@pytest.mark.parametrize("deliver", ["b64", "data_url", "url"])
def test_large_pictures_come_unchanged(
    api: ImagesServer, deliver: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folders: list[Path] = []

    def make(buffering: int) -> Any:
        folders.append(tmp_path)
        return real(buffering=buffering)

    real = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", make)
    # What stands behind the end of a picture belongs to the file all the same.
    large = PNG + bytes(range(256)) * 8000
    api.script(Reply(deliver=deliver, data=large))
    assert provider(api).generate(ASK, 2).images == [large, large]
    assert len(folders) == (2 if deliver == "url" else 1)


@pytest.mark.parametrize("separator", ["\n", "\r\n", " ", "\t", "\u2028"])
@pytest.mark.parametrize("head", ["", "data:image/png;base64,"])
def test_white_space_in_base64(api: ImagesServer, separator: str, head: str) -> None:
    text = base64.b64encode(PNG).decode()
    lines = separator.join(text[place : place + 76] for place in range(0, len(text), 76))
    for encoded in (lines, lines.rstrip("="), lines + separator):
        api.script(Reply(encoded=head + encoded, data=b"-"))
        assert provider(api).generate(ASK, 1).images == [PNG]


@pytest.mark.parametrize("wrap", [False, True])
def test_the_limit_counts_bytes_and_no_white_space(
    api: ImagesServer, monkeypatch: pytest.MonkeyPatch, wrap: bool
) -> None:
    limit = len(PNG)
    separator = "\n" * wrap
    for data, comes in ((PNG, True), (PNG + b"123", False)):
        monkeypatch.setattr(fetch, "MAX_IMAGE_BYTES", limit)
        text = base64.b64encode(data).decode().rstrip("=")
        encoded = separator.join(text)
        if comes:
            api.script(Reply(encoded=encoded, data=b"-"))
            assert provider(api).generate(ASK, 1).images == [data]
        else:
            assert "larger than 60 MB" in failure(api, Reply(encoded=encoded, data=b"-")).message
