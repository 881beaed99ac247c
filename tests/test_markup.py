"""A drawing over the picture that is edited."""

import pytest
from api_server import ImagesServer
from pictures import picture
from sites import Site

PAGE = """# Home

```genimage
prompt: Move the fox to where the arrow points
alt: A fox
image: fox.png
markup: arrow.png
```
"""


@pytest.fixture
def page(site: Site) -> Site:
    site.use_bare_theme()
    site.write({"docs/index.md": PAGE})
    (site.root / "docs/fox.png").write_bytes(picture("fox", "64x48", "png"))
    (site.root / "docs/arrow.png").write_bytes(picture("arrow", "64x48", "png"))
    return site


def test_markup_goes_as_a_file(page: Site, api: ImagesServer) -> None:
    page.options["model"] = "gpt-image-2.5-flare"
    page.build(strict=True)
    (call,) = api.posts
    assert call.path.endswith("/images/edits")
    sent = {part.name: (part.filename, part.mime) for part in call.files}
    assert sent["markup"] == ("arrow.png", "image/png")
    page.build(strict=True)
    assert len(api.posts) == 1
    (page.root / "docs/arrow.png").write_bytes(picture("another arrow", "64x48", "png"))
    page.build(strict=True)
    assert len(api.posts) == 2, "another markup is another picture"


def test_markup_of_other_dimensions_is_not_sent(page: Site, api: ImagesServer) -> None:
    (page.root / "docs/arrow.png").write_bytes(picture("arrow", "32x48", "png"))
    page.build(warns=["docs/index.md:3: no picture: the markup has 32x48 pixels"])
    assert api.posts == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("image: fox.png\n", "docs/index.md:6: 'markup' needs an 'image' that it is drawn over."),
        ("arrow.png", "docs/index.md:7: 'markup': the file 'x.png' is no png picture."),
        ("markup: arrow.png", "docs/index.md:8: 'markup' and 'mask' exclude each other"),
    ],
)
def test_markup_that_cannot_be(page: Site, api: ImagesServer, wrong: str, message: str) -> None:
    new = {"arrow.png": "x.png", "markup: arrow.png": "mask: arrow.png\nmarkup: arrow.png"}
    page.write({"docs/index.md": PAGE.replace(wrong, new.get(wrong, ""))})
    (page.root / "docs/x.png").write_bytes(b"text")
    page.build(warns=[message])
    assert api.posts == []
