"""Small copies of pictures: small, like their pictures, and nothing that a browser cannot show."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

from PIL import Image

from mkdocs_genimage.upkeep.previews import HEIGHT, WIDTH, Preview, make_previews

if TYPE_CHECKING:
    from pathlib import Path


def opened(preview: Preview | str) -> Image.Image:
    assert isinstance(preview, Preview), preview
    return Image.open(io.BytesIO(base64.b64decode(preview.url.partition(",")[2])))


def made(folder: Path, name: str, picture: Image.Image, **settings: Any) -> Path:
    path = folder / name
    picture.save(path, **settings)
    return path


def test_previews_are_small(tmp_path: Path) -> None:
    noise = Image.effect_noise((1600, 1200), 60).convert("RGB")
    wide = made(tmp_path, "wide.png", noise)
    tall = made(tmp_path, "tall.png", noise.resize((300, 3000)))
    done: list[int] = []
    found = make_previews([wide, tall, wide], lambda: done.append(1))
    assert len(done) == len(found) == 2
    assert opened(found[wide]).size == (WIDTH, 480)
    assert opened(found[tall]).size == (128, HEIGHT)
    for path, preview in found.items():
        assert opened(preview).format == "WEBP"
        assert len(opened(preview).fp.getvalue()) < path.stat().st_size / 5  # type: ignore[union-attr]


def test_small_files_are_taken_as_they_are(tmp_path: Path) -> None:
    small = made(tmp_path, "small.jpg", Image.new("RGB", (320, 200), "red"))
    drawing = tmp_path / "drawing.svg"
    drawing.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="2000" height="1000"/>')
    frames = [Image.new("P", (900, 900), colour) for colour in range(3)]
    moving = made(tmp_path, "moving.gif", frames[0], save_all=True, append_images=frames[1:])
    for path, preview in make_previews([small, drawing, moving]).items():
        assert isinstance(preview, Preview)
        assert base64.b64decode(preview.url.partition(",")[2]) == path.read_bytes()


def test_previews_look_like_their_pictures(tmp_path: Path) -> None:
    size = (1300, 700)
    see_through = Image.new("RGBA", size, (255, 0, 0, 128))
    turned = Image.new("RGB", size, "blue")
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    grey = Image.new("I;16", size, 0x8000)
    paths = {
        "see-through": made(tmp_path, "a.png", see_through),
        "opaque": made(tmp_path, "b.png", see_through.convert("RGB").convert("RGBA")),
        "turned": made(tmp_path, "c.jpg", turned, exif=exif, quality=100),
        "ink": made(tmp_path, "d.jpg", Image.new("CMYK", (3000, 2000), (0, 255, 255, 0))),
        "grey": made(tmp_path, "e.png", grey),
    }
    # Larger than what is taken as it is.
    previews = {name: make_previews([path])[path] for name, path in paths.items()}
    looks = {name: opened(preview) for name, preview in previews.items()}
    assert looks["see-through"].mode == "RGBA"
    assert abs(looks["see-through"].getpixel((5, 5))[3] - 128) < 3  # type: ignore[index]
    assert [p.see_through for p in previews.values() if isinstance(p, Preview)] == [
        True, False, False, False, False,
    ]  # fmt: skip
    assert looks["turned"].size == (WIDTH, 1189)
    red, green, _ = looks["ink"].convert("RGB").getpixel((5, 5))  # type: ignore[misc]
    assert red > 200 > 100 > green
    assert abs(looks["grey"].convert("L").getpixel((5, 5)) - 128) < 4  # type: ignore[operator]


def test_files_without_a_preview_are_told(tmp_path: Path) -> None:
    gone = tmp_path / "gone.png"
    text = tmp_path / "text.png"
    text.write_text("no picture")
    found = make_previews([gone, text])
    assert found[gone] == "it cannot be read: No such file or directory"
    assert found[text] == "it cannot be shown: the bytes are no picture"


def test_large_drawings_are_shown_from_their_files(tmp_path: Path) -> None:
    large = tmp_path / "large.svg"
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200">'
    large.write_text(f"{head}<!--{'x' * 300_000}--></svg>")
    assert make_previews([large]) == {large: Preview("", 300, 200, see_through=True)}
