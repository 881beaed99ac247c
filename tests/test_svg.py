"""SVG answers: measured, and taken only if nothing in them can run or load."""

import pytest
from api_server import ImagesServer, Reply
from hypothesis import given, settings
from hypothesis import strategies as st
from links import broken_links
from pictures import picture
from sites import Site, fence

from mkdocs_genimage.imaging import ImageError, ImageInfo, inspect
from mkdocs_genimage.svg import SvgError, measure_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '


def drawing(inner: str, attributes: str = 'width="64" height="48"') -> bytes:
    return f"{HEAD}{attributes}>{inner}</svg>".encode()


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="64" height="48"', (64, 48)),
        ('width="64px" height="48.4px"', (64, 48)),
        ('viewBox="0 0 200 100"', (200, 100)),
        ('viewBox="0,0,200,100" width="100%" height="100%"', (200, 100)),
        ('width="2em" height="1em"', (1024, 1024)),
        ('viewBox="a b c d"', (1024, 1024)),
        ('width="0" height="5"', (1024, 1024)),
        ("", (1024, 1024)),
    ],
)
def test_sizes(attributes: str, size: tuple[int, int]) -> None:
    assert measure_svg(drawing("", attributes)) == size


def test_inspect_takes_drawings() -> None:
    assert inspect(picture("a fox", "64x48", "svg")) == ImageInfo("svg", 64, 48)


@pytest.mark.parametrize(
    "inner",
    [
        '<use href="#a"/>',
        '<use xlink:href="#a"/>',
        '<image href="data:image/png;base64,AAAA"/>',
        '<rect fill="url(#a)" style="fill:url(#b)"/>',
        "<style>rect{fill:url(#a)}</style>",
        '<animate attributeName="x" values="1;2"/>',
        "<title>on top of the world</title>",
    ],
)
def test_harmless_drawings(inner: str) -> None:
    assert measure_svg(drawing(inner)) == (64, 48)


@pytest.mark.parametrize(
    "data",
    [
        drawing("<script>alert(1)</script>"),
        drawing("<SCRIPT/>"),
        drawing("<g><foreignObject/></g>"),
        drawing('<h:iframe xmlns:h="http://www.w3.org/1999/xhtml"/>'),
        drawing('<rect onclick="x()"/>'),
        drawing("", 'onload="x()"'),
        drawing('<a href="javascript:x()"/>'),
        drawing('<a xlink:href="https://example.com"/>'),
        drawing('<image href="https://example.com/a.png"/>'),
        drawing('<image href="data:image/svg+xml;base64,AAAA"/>'),
        drawing('<set attributeName="href" to="javascript:x()"/>'),
        drawing('<animate attributeName="xlink:href" values="javascript:x()"/>'),
        drawing('<rect style="fill:url(https://example.com/a)"/>'),
        drawing("<style>@import 'https://example.com/a.css'</style>"),
        drawing("<style>a{background:url( 'https://example.com/a' )}</style>"),
        b"<?xml version='1.0'?><?xml-stylesheet href='a.css'?>" + drawing(""),
        b"<!DOCTYPE svg [<!ENTITY a 'b'>]>" + drawing("&a;"),
        drawing("<g>")[:-3],
        b"<svg/>",
        b"<?xml version='1.0'?><html><svg/></html>",
        b"<svg" + b" " * 5_000_001,
    ],
    ids=range(21),
)
def test_drawings_that_are_not_taken(data: bytes) -> None:
    with pytest.raises(SvgError):
        measure_svg(data)
    with pytest.raises(ImageError):
        inspect(data)


@settings(max_examples=150, deadline=None, database=None)
@given(st.binary(max_size=200), st.integers(0, 60))
def test_any_bytes_are_measured_or_refused(noise: bytes, at: int) -> None:
    whole = drawing("<rect/>")
    for data in (noise, b"<svg" + noise, whole[:at] + noise + whole[at:]):
        try:
            width, height = measure_svg(data)
        except SvgError:
            continue
        assert width > 0
        assert height > 0


def test_drawing_in_a_site(site: Site, api: ImagesServer) -> None:
    site.use_bare_theme()
    site.options["model"] = "gpt-image-2.6-flare"
    site.write({"docs/index.md": fence("A fox", "alt=x output_format=svg size=64x48")})
    cold = site.build(strict=True)
    (name,) = site.cached(".svg")
    assert broken_links(cold.site_dir) == []
    assert cold.images("index.html")[0]["src"].endswith(name)
    files = cold.files()
    assert site.build(strict=True).files() == files
    assert len(api.posts) == 1


def test_drawing_with_a_script_is_never_published(site: Site, api: ImagesServer) -> None:
    site.use_bare_theme()
    api.reply = lambda call: Reply(data=drawing("<script>alert(1)</script>"))
    site.write({"docs/index.md": fence("A fox", "alt=x output_format=svg")})
    built = site.build(warns=["no usable picture: the drawing holds <script>, which is not taken"])
    assert "/placeholder-" in built.images("index.html")[0]["src"]
    assert site.cached(".svg") == []
