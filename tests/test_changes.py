"""Mass changes are called by name: which edit makes many images be asked for anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sites import fence

from mkdocs_genimage import models
from mkdocs_genimage.changes import Change, changes, nearest
from mkdocs_genimage.inventory import Record, records
from mkdocs_genimage.request import ImageRequest, InputFile

if TYPE_CHECKING:
    from pathlib import Path

    from api_server import ImagesServer
    from sites import Build, Site


def told(build: Build) -> list[str]:
    return [m for m in build.messages(20) if "asked for anew" in m]


@pytest.fixture
def made(site: Site, api: ImagesServer) -> Site:
    """Six pictures in the cache."""
    site.use_bare_theme()
    site.options |= {"defaults": {"quality": "medium", "size": "64x48"}, "validate": False}
    blocks = [fence(f"A fox, number {i}", "alt=x") for i in range(5)]
    blocks.append(fence("A hen", "alt=x quality=low"))
    site.write({"docs/index.md": "\n".join(blocks)})
    assert told(site.build(strict=True)) == []
    return site


def test_a_changed_default_is_named_with_its_price(
    made: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "OFFICIAL_HOSTS", (api.url.removeprefix("http://"),))
    made.options["defaults"] = {"quality": "high", "size": "64x48"}
    price = models.estimate("gpt-image-2", "64x48", "high")
    assert price
    made.options["max_cost"] = 0
    assert told(made.build(strict=True)) == [
        (
            f"5 of 6 images are asked for anew because `quality` went from medium to high (about "
            f"${5 * price:.2f}). The old ones stay in the cache: undo the change and they are shown again."
        )
    ]
    assert len(api.posts) == 11
    # Undone, all are there again.
    made.options["defaults"] = {"quality": "medium", "size": "64x48"}
    assert told(made.build(strict=True)) == []
    assert len(api.posts) == 11


def test_price_that_is_not_known(made: Site) -> None:
    made.options["defaults"] = {"quality": "medium", "size": "64x48", "background": "opaque"}
    (message,) = told(made.build(strict=True))
    assert message.startswith(
        "6 of 6 images are asked for anew because `background` went from unset to opaque (price not known)."
    )


def test_two_options_and_a_style(made: Site) -> None:
    made.options["defaults"] = {"style": "brand", "quality": "high", "size": "80x48"}
    made.options["styles"] = {"brand": "Flat. {prompt}"}
    messages = told(made.build(strict=True))
    assert [m.partition(" (")[0] for m in messages] == [
        (
            "5 of 6 images are asked for anew because `style` changed and `quality` went from medium to high "
            "and `size` went from 64x48 to 80x48"
        )
    ]


def test_new_blocks_and_few_changes_are_not_worth_a_word(made: Site) -> None:
    text = made.root.joinpath("docs/index.md").read_text()
    text = text.replace(
        "```genimage alt=x\nA fox, number 1", "```genimage alt=x n=1 revision=2\nA fox, number 1"
    )
    more = "\n".join(fence(f"A new crow {i}", "alt=x") for i in range(5))
    made.write({"docs/index.md": text + more})
    assert told(made.build(strict=True)) == []


def test_pictures_that_are_still_shown_are_no_predecessors(made: Site) -> None:
    """The same prompts again on another page, larger: nothing was changed, something was added."""
    blocks = [fence(f"A fox, number {i}", "alt=x size=80x64") for i in range(5)]
    made.write({"docs/more.md": "\n".join(blocks)})
    assert told(made.build(strict=True)) == []


def test_files_are_not_shown_as_hashes() -> None:
    before = ImageRequest("fox", {"size": "8x8"}, images=(InputFile("a.png", b"1"),))
    after = ImageRequest("fox", {"size": "8x8"}, images=(InputFile("a.png", b"2"),))
    sidecar: dict[str, Any] = {
        "prompt": "fox",
        "options": {k: v for k, v in before.identity.items() if k not in ("prompt", "version")},
    }
    assert changes(before, sidecar) == ()
    (change,) = changes(after, sidecar)
    assert (change, str(change)) == (Change("image", "", ""), "`image` changed")


def test_nearest_is_the_one_with_the_fewest_changes(made: Site) -> None:
    request = ImageRequest(
        "A fox, number 1", {"quality": "high", "size": "64x48"}, subject="A fox, number 1"
    )
    found = nearest(request, records(made.cache))
    assert found
    assert found[0].sidecar["prompt"] == "A fox, number 1"
    assert [str(change) for change in found[1]] == ["`quality` went from medium to high"]
    assert nearest(request, []) is None


@pytest.mark.parametrize("options", [None, [], "x", {"quality": ["x"]}])
def test_odd_sidecars(options: Any, tmp_path: Path) -> None:
    record = Record(tmp_path, tmp_path, {"prompt": 3, "options": options})
    assert changes(ImageRequest("fox"), record.sidecar)
