"""Builds with a cache that is not as it was left, and with servers that do not answer as they should."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from api_server import ImagesServer, Reply, error_body
from sites import LFS_POINTER, Site, fence, tree

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "Quokka-42"
PROMPT = f"A fox beside a lake under the northern lights of a long winter night. {SECRET}."
PAGE = "# Page\n\n" + fence(PROMPT, 'alt="A fox" size=640x480')


@pytest.fixture
def quick(site: Site) -> Site:
    site.use_bare_theme()
    return site


def shown(site: Site) -> dict[str, str]:
    """The one picture of the page; the prompt is nowhere on it."""
    text = (site.root / "site/index.html").read_text(encoding="utf-8")
    assert SECRET not in text
    (image,) = re.findall(r"<img [^>]+>", text)
    return dict(re.findall(r'([a-z-]+)="([^"]*)"', image))


# --- Caches ---


def cached_fox(site: Site, suffix: str) -> Path:
    (name,) = site.cached(suffix)
    return site.cache / name


DAMAGES = {
    "cut short": (".png", lambda data: data[: len(data) // 2], "is damaged: it has"),
    "empty": (".png", lambda _: b"", "is damaged: it has 0 bytes"),
    "one byte": (".png", lambda data: data[:-40] + b"!" + data[-39:], "its bytes are not the ones"),
    "gone": (".png", None, "is gone, only its sidecar is left."),
    "torn sidecar": (".json", lambda data: data[:-20], "is damaged."),
    "empty sidecar": (".json", lambda _: b"", "is damaged."),
    "other sidecar": (
        ".json",
        lambda data: re.sub(rb'"key": "[^"]+"', b'"key": "' + b"0" * 64 + b'"', data),
        "belongs to another image",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("missing", ["generate", "placeholder", "error"])
def test_damaged_files_are_never_shown(
    quick: Site, api: ImagesServer, damage: str, missing: str
) -> None:
    suffix, spoil, message = DAMAGES[damage]
    site = quick
    site.write({"docs/index.md": PAGE})
    site.build(strict=True)
    good = cached_fox(site, ".png").read_bytes()
    path = cached_fox(site, suffix)
    if spoil:
        path.write_bytes(spoil(path.read_bytes()))
    else:
        path.unlink()
    site.options["missing"] = missing

    warns = [f"docs/index.md:3: genimage/{path.stem}", message]
    if missing == "error":
        site.build(fails=True, warns=[*warns, "'missing: error' is set"])
        assert len(api.posts) == 1
        return
    built = site.build(warns=warns)
    image = shown(site)
    if missing == "placeholder":
        assert len(api.posts) == 1
        assert "placeholder-" in image["src"]
        assert image["width"] == "640"
    else:
        assert len(api.posts) == 2
        published = built.site_dir / image["src"]
        assert published.read_bytes() == good
        site.build(strict=True)  # it is sound again
        assert len(api.posts) == 2


@pytest.mark.parametrize("suffixes", [(".png",), (".json",), (".png", ".json")], ids="+".join)
def test_lfs_pointers_are_not_paid_for_again(
    quick: Site, api: ImagesServer, suffixes: tuple[str, ...]
) -> None:
    site = quick
    site.write({"docs/index.md": PAGE})
    site.build(strict=True)
    for suffix in suffixes:
        cached_fox(site, suffix).write_bytes(LFS_POINTER)
    before = tree(site.cache)
    built = site.build(warns=["is a Git LFS pointer: run 'git lfs pull'"])
    assert len(api.posts) == 1
    assert tree(site.cache) == before
    image = shown(site)
    assert "placeholder-" in image["src"]
    assert (image["width"], image["height"]) == ("640", "480")
    assert len(built.warnings) == 1


def test_picture_without_its_sidecar_is_taken_over(quick: Site, api: ImagesServer) -> None:
    site = quick
    site.write({"docs/index.md": PAGE})
    site.build(strict=True)
    cached_fox(site, ".json").unlink()
    site.build(strict=True)
    assert len(api.posts) == 1
    assert "placeholder" not in shown(site)["src"]
    assert len(site.cached(".json")) == 1


def test_sidecar_of_a_newer_version_is_not_paid_for_again(quick: Site, api: ImagesServer) -> None:
    quick.write({"docs/index.md": PAGE})
    quick.build(strict=True)
    path = cached_fox(quick, ".json")
    sidecar = json.loads(path.read_text())
    path.write_text(json.dumps(sidecar | {"version": sidecar["version"] + 1}))
    quick.build(warns=["was written by a newer mkdocs-genimage: update the plugin."])
    assert len(api.posts) == 1
    assert "placeholder-" in shown(quick)["src"]


def test_only_the_variant_that_is_gone_is_made_again(quick: Site, api: ImagesServer) -> None:
    quick.write({"docs/index.md": fence("A fox", "alt=x n=3 pick=all")})
    first = quick.build(strict=True).images("index.html")
    (second,) = quick.cached("-2.png")
    (quick.cache / second).unlink()
    (quick.cache / second).with_suffix(".json").unlink()
    built = quick.build(strict=True)
    assert [call.fields.get("n") for call in api.posts] == [3, None]
    assert built.images("index.html") == first
    assert built.summary == "3 images: 2 from the cache, 1 generated, 0 failed"


def test_picture_is_found_under_another_name(quick: Site, api: ImagesServer) -> None:
    """The slug is for people: it may be changed, if the key stays."""
    quick.write({"docs/index.md": PAGE})
    quick.build(strict=True)
    for name in quick.cached():
        key = re.sub(r".*-", "", name)
        (quick.cache / name).rename(quick.cache / f"renamed-{key}")
    quick.build(strict=True)
    assert len(api.posts) == 1
    assert "/renamed-" in shown(quick)["src"]


def test_other_files_in_the_folder_do_no_harm(quick: Site, api: ImagesServer) -> None:
    quick.write(
        {
            "docs/index.md": PAGE,
            "genimage/README.md": "text",
            "genimage/notes.json": "[]",
            "genimage/-.json": "",
            "genimage/.hidden.json": "{",
            "genimage/sub/x-0123456789ab.png": b"x",
        }
    )
    for _ in range(2):
        quick.build(strict=True)
    assert len(api.posts) == 1


# --- Servers ---

TROUBLES = {
    # What the server does, how often it is asked in all, and what is told.
    "busy, then well": ([Reply(status=429, headers={"Retry-After": "0.01"})], 2, None),
    "down, then well": ([Reply(status=503, headers={"Retry-After": "0.01"})] * 2, 3, None),
    "failure": ([Reply(status=500, body=error_body("Oops."))], 1, "may have been billed"),
    "dropped": ([Reply(drop="before")], 1, "may have been billed"),
    "cut off": ([Reply(drop="body")], 1, "may have been billed"),
    "no credit": (
        [Reply(status=429, body=error_body("x", "insufficient_quota"))],
        1,
        "has no credit",
    ),
    "nothing": ([Reply(extra={"data": []})], 1, "holds no picture"),
    "not base64": ([Reply(encoded="***")], 1, "docs/index.md:3: no picture: "),
    "no picture": ([Reply(data=b"<html>no</html>")], 1, "docs/index.md:3: no picture: "),
    "half a picture": ([Reply(data=b"\x89PNG\r\n\x1a\n" + b"\0" * 90)], 1, "no picture: "),
    "web page": ([Reply(body="<!doctype html><title>Login</title>")], 1, "HTML page"),
    "moved": ([Reply(status=301, headers={"Location": "/"})], 1, "no Images API at the address"),
    "by address": ([Reply(deliver="url")], 1, None),
    "other size": ([Reply(size="320x240")], 1, None),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_answers_of_servers(
    quick: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    replies, asked, told = TROUBLES[trouble]
    monkeypatch.setattr("mkdocs_genimage.sending.Sender._pause", lambda *_: None)
    api.script(*replies)
    quick.write({"docs/index.md": PAGE})
    built = quick.build(warns=[told] if told else [])
    assert len(api.posts) == asked
    assert ("placeholder-" in shown(quick)["src"]) == bool(told)
    assert len(built.warnings) == bool(told)
    assert len(quick.cached(".png")) == (not told)
    assert not quick.cached(".tmp")
    width, height = ("320", "240") if trouble == "other size" else ("640", "480")
    assert (shown(quick)["width"], shown(quick)["height"]) == (width, height)
    before = built.files()
    again = quick.build(strict=True)
    assert "placeholder-" not in shown(quick)["src"]
    if not told:
        assert again.files() == before
        assert len(api.posts) == asked


def test_time_out_is_not_asked_again(quick: Site, api: ImagesServer) -> None:
    quick.options["timeout"] = 1
    api.script(Reply(hang=True))
    quick.write({"docs/index.md": PAGE})
    quick.build(warns=["did not answer within 1 seconds. This request may have been billed."])
    assert len(api.posts) == 1
    assert "placeholder-" in shown(quick)["src"]
    api.release.set()


# --- Other models and servers ---


def test_pictures_of_another_model_stay(quick: Site, api: ImagesServer) -> None:
    site = quick
    site.write({"docs/index.md": PAGE})
    site.build(strict=True)
    site.options["model"] = "another-model"
    built = site.build(strict=True)
    assert len(api.posts) == 1
    assert any("made by another model or server than today's" in m for m in built.messages(20))
