"""`mkdocs-genimage adopt`."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from api_server import Reply, error_body
from cli_runs import genimage, genimage_process
from filelock import FileLock
from pictures import picture
from sites import fence

from mkdocs_genimage.upkeep import adoption

if TYPE_CHECKING:
    from pathlib import Path

    from api_server import ImagesServer
    from sites import Site

SIZE = "size=64x48 alt=x"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A picture that somebody drew."""
    path = tmp_path / "My fox, 3rd try.png"
    path.write_bytes(picture("drawn by hand", "64x48", "png"))
    return path


def sidecar(site: Site, number: int = 0) -> Any:
    return json.loads((site.cache / site.cached(".json")[number]).read_bytes())


def shown(site: Site) -> bytes:
    """The bytes of the first picture of the built site, after a build that asks for nothing."""
    build = site.build()
    assert build.summary == "1 image: 1 from the cache, 0 generated, 0 failed"
    return (site.root / "site" / build.images("index.html")[0]["src"]).read_bytes()


def trash(site: Site) -> list[str]:
    folder = site.cache / ".trash"
    return sorted(path.name for path in folder.glob("*/*")) if folder.is_dir() else []


def test_in_place_of_a_missing_picture(bare: Site, api: ImagesServer, own: Path) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE)})
    ran = genimage(bare, "adopt", "docs/index.md:2", str(own)).ended()
    name = bare.cached(".png")[0]
    assert ran.output == (
        f"genimage/{name} is My fox, 3rd try.png now: png, 64x48. Shown at docs/index.md:1.\n"
    )
    assert ran.errors == ""
    assert shown(bare) == own.read_bytes()
    facts = sidecar(bare)
    assert facts["adopted"] is True
    assert facts["file"] == "My fox, 3rd try.png"
    assert (facts["width"], facts["height"], facts["format"]) == (64, 48, "png")
    assert facts["created"][:2] == "20"
    assert facts["sha256"] == hashlib.sha256(own.read_bytes()).hexdigest()
    assert not {"model", "host", "provider", "cost", "usage", "request_id"} & set(facts)
    assert api.calls == []
    assert trash(bare) == []


def test_it_never_counts_as_stale(bare: Site, own: Path) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE)})
    genimage(bare, "adopt", "docs/index.md:1", str(own)).ended()
    bare.options |= {"model": "another-model", "base_url": "http://127.0.0.1:9/v1"}
    assert not [text for text in bare.build().output.splitlines() if "another model" in text]
    block = genimage(bare, "plan", "--json").json("plan")["blocks"][0]
    assert [image["state"] for image in block["images"]] == ["cached"]


def test_what_was_there_goes_to_the_trash(bare: Site, api: ImagesServer, own: Path) -> None:
    bare.write({"docs/index.md": fence("A fox", f"{SIZE} output_format=webp")})
    bare.build()
    before = {name: (bare.cache / name).read_bytes() for name in bare.cached()}
    asked = len(api.calls)
    ran = genimage(bare, "adopt", "docs/index.md:1", str(own)).ended()
    assert "What was there before is in genimage/.trash/20" in ran.output
    assert "asks for webp, and the picture is png" in ran.errors
    assert trash(bare) == sorted(before)
    for path in (bare.cache / ".trash").glob("*/*"):
        assert path.read_bytes() == before[path.name]
    assert [name.rpartition(".")[2] for name in bare.cached()] == ["json", "png"]
    assert shown(bare) == own.read_bytes()
    ran = genimage(bare, "adopt", "docs/index.md:1", str(own)).ended()
    assert "is that picture already. Nothing was changed." in ran.output
    assert trash(bare) == sorted(before)
    assert len(api.calls) == asked


def test_a_file_of_the_cache_that_was_edited_in_place(bare: Site, own: Path) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE)})
    bare.build()
    path = bare.cache / bare.cached(".png")[0]
    path.write_bytes(own.read_bytes())
    genimage(bare, "adopt", path.name, str(path)).ended()
    assert shown(bare) == own.read_bytes()
    assert trash(bare) == sorted([path.name, path.stem + ".json"])


def test_a_refused_prompt(bare: Site, api: ImagesServer, own: Path) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE)})
    api.script(Reply(status=400, body=error_body("safety system", "moderation_blocked")))
    bare.build(warns=["refused"])
    genimage(bare, "adopt", "docs/index.md:1", str(own)).ended()
    assert shown(bare) == own.read_bytes()


def test_variants(bare: Site, own: Path) -> None:
    bare.write(
        {
            "docs/index.md": fence("A fox", f"{SIZE} n=3 pick=2")
            + fence("A hen", f"{SIZE} n=2 pick=all")
        }
    )
    genimage(bare, "adopt", "docs/index.md:1", str(own)).ended()
    assert bare.cached(".png")[0].endswith("-2.png")
    genimage(bare, "adopt", "docs/index.md:1", str(own), "--variant", "3").ended()
    assert len(bare.cached(".png")) == 2
    ran = genimage(bare, "adopt", "docs/index.md:1", str(own), "--variant", "4").ended(2)
    assert "there is no variant 4: the block asks for 3 pictures" in ran.errors
    ran = genimage(bare, "adopt", "docs/index.md:4", str(own)).ended(2)
    assert "--variant" in ran.errors
    genimage(bare, "adopt", "docs/index.md:4", str(own), "--variant", "0").ended(2)
    genimage(bare, "adopt", "docs/index.md:4", str(own), "--variant", "1").ended()
    assert [sidecar(bare, number)["variant"] for number in range(3)] == [2, 3, 1]


def test_another_size_is_told_and_shown_as_it_is(bare: Site, tmp_path: Path) -> None:
    drawn = tmp_path / "wide.jpg"
    drawn.write_bytes(picture("wide", "128x32", "jpeg"))
    bare.write({"docs/index.md": fence("A fox", SIZE)})
    ran = genimage(bare, "adopt", "docs/index.md:1", str(drawn)).ended()
    assert "The block asks for 64x48, and the picture is 128x32." in ran.errors
    image = bare.build().images("index.html")[0]
    assert (image["width"], image["height"]) == ("128", "32")
    assert image["src"].endswith(".jpg")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "are no PNG"),
        (b"just a text", "are no PNG"),
        (picture("x", "64x48", "png")[:-40], "damaged or incomplete"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", ""),
    ],
)
def test_what_is_no_picture(bare: Site, tmp_path: Path, data: bytes, told: str) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE)})
    bare.build()
    before = {name: (bare.cache / name).read_bytes() for name in bare.cached()}
    drawn = tmp_path / "drawn.png"
    drawn.write_bytes(data)
    ran = genimage(bare, "adopt", "docs/index.md:1", str(drawn)).ended(1)
    assert str(drawn) in ran.errors
    assert told in ran.errors
    assert {name: (bare.cache / name).read_bytes() for name in bare.cached()} == before
    assert trash(bare) == []


def test_wrong_usage(bare: Site, own: Path, tmp_path: Path) -> None:
    bare.write({"docs/index.md": fence("A fox", f"{SIZE} quality=hihg") + fence("A fox", SIZE)})
    genimage(bare, "adopt", "docs/index.md:4", str(tmp_path / "none.png")).ended(2)
    genimage(bare, "adopt", "docs/index.md:4", str(tmp_path)).ended(2)
    genimage(bare, "adopt", "docs/index.md:9", str(own)).ended(2)
    ran = genimage(bare, "adopt", "docs/index.md:1", str(own)).ended(1)
    assert "'quality' cannot be 'hihg'" in ran.errors
    bare.build(warns=["hihg"])
    name = bare.cached(".png")[0]
    bare.write({"docs/index.md": fence("A hen", SIZE)})
    ran = genimage(bare, "adopt", name, str(own)).ended(2)
    assert "a picture that no page uses" in ran.errors
    assert trash(bare) == []


def test_a_build_at_work_is_waited_for_and_not_disturbed(
    bare: Site, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adoption, "PATIENCE", 0.05)
    bare.write({"docs/index.md": fence("A fox", SIZE)})
    key = genimage(bare, "plan", "--json").json("plan")["blocks"][0]["images"][0]["key"]
    (bare.cache / ".journal").mkdir(parents=True)
    with FileLock(bare.cache / f".journal/{key[:12]}.lock"):
        ran = genimage(bare, "adopt", "docs/index.md:1", str(own)).ended(1)
    assert "another build is at work on this picture" in ran.errors
    assert bare.cached() == []


def test_a_cache_that_cannot_be_written(bare: Site, own: Path) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE), "genimage": "a file"})
    ran = genimage(bare, "adopt", "docs/index.md:1", str(own)).ended(1)
    assert "images cannot be stored" in ran.errors


def test_in_a_snippet_and_in_chinese(bare: Site, own: Path) -> None:
    """The cache is what changes, so it is no matter where the block is written."""
    bare.config["markdown_extensions"] = [
        {"pymdownx.snippets": {"base_path": [str(bare.root / "parts")]}}
    ]
    bare.write({"parts/fox.md": fence("一只狐狸", SIZE), "docs/index.md": '--8<-- "fox.md"\n'})
    genimage(bare, "adopt", "parts/fox.md:2", str(own)).ended()
    assert shown(bare) == own.read_bytes()


def test_as_a_process(bare: Site, own: Path, api: ImagesServer, child_env: dict[str, str]) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE)})
    bare.write_config()
    ran = genimage_process(bare.root, "adopt", "docs/index.md:1", str(own), env=child_env).ended()
    assert ran.output.startswith("genimage/a-fox-")
    assert ran.errors == ""
    assert api.calls == []
