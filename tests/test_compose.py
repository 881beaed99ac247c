"""How a block, its page, its style and the site come together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from pictures import picture

from mkdocs_genimage import compose as compose_module
from mkdocs_genimage.block import parse_block
from mkdocs_genimage.compose import Composed, Site, Style, compose
from mkdocs_genimage.errors import BlockError, OptionError, Problem
from mkdocs_genimage.options import OPTIONS, PAGE_WIDE, SITE_WIDE, Option, read_options
from mkdocs_genimage.request import TWIN_OF, BlockInput, InputFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PNG = picture("input", "8x8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project" / "docs" / "guide").mkdir(parents=True)
    return tmp_path / "project"


def whole(
    body: str,
    project: Path,
    *,
    header: str = "",
    page: dict[str, Any] | None = None,
    defaults: dict[str, Any] | None = None,
    styles: dict[str, Any] | None = None,
    page_dir: Path | None = None,
    model: str = "site-model",
    moderation: str = "",
) -> Composed:
    site = Site(
        model=model,
        project_dir=project,
        docs_dir=project / "docs",
        moderation=moderation,
        defaults=read(defaults),
        styles={name: Style.read(value) for name, value in (styles or {}).items()},
    )
    return compose(parse_block(f"genimage {header}", body), site, read(page, PAGE_WIDE), page_dir)


def read(values: dict[str, Any] | None, known: Mapping[str, Option] = SITE_WIDE) -> dict[str, Any]:
    options, wrong = read_options(values, known)
    assert not wrong
    return options


def problems(body: str, project: Path, **more: Any) -> list[Problem]:
    with pytest.raises(BlockError) as caught:
        whole(body, project, **more)
    return caught.value.problems


# --- Precedence -------------------------------------------------------------------------------

# Four values of each option, from the block down to the defaults, and what must stand beside them.
LAYERS: dict[str, list[Any]] = {
    "size": ["1x1", "2x2", "3x3", "4x4"],
    "quality": ["low", "medium", "high", "max"],
    "background": ["auto", "opaque", "transparent", "auto"],
    "output_format": ["png", "jpeg", "webp", "gif"],
    "output_compression": [1, 2, 3, 4],
    "complexity": ["low", "medium", "high", "low"],
    "frame_count": [2, 3, 4, 5],
    "frame_duration_ms": [20, 30, 40, 50],
    "n": [1, 2, 3, 4],
    "image": ["a.png", "b.png", "c.png", "d.png"],
    "mask": ["a.png", "b.png", "c.png", "d.png"],
    "markup": ["a.png", "b.png", "c.png", "d.png"],
    "mask_mode": ["white", "alpha", "auto", "white"],
    "input_fidelity": ["high", "low", "high", "low"],
    "moderation": ["low", "auto", "low", "auto"],
    "dark": ["night", "dusk", "none", "dawn"],
    "extra": [{"seed": 1}, {"seed": 2}, {"seed": 3}, {"seed": 4}],
    "width": ["10", "20%", "30", "40%"],
    "align": ["left", "right", "center", "left"],
    "link": ["original", "a.md", "original", "https://a.example/"],
    "loading": ["eager", "lazy", "eager", "lazy"],
}
BESIDE = {
    "output_compression": {"output_format": "webp"},
    "frame_count": {"output_format": "gif"},
    "frame_duration_ms": {"output_format": "gif"},
    "mask": {"image": "a.png"},
    "markup": {"image": "a.png"},
    "mask_mode": {"image": "a.png", "mask": "a.png"},
    "input_fidelity": {"image": "a.png"},
}


def test_every_option_has_layers() -> None:
    assert set(LAYERS) == set(SITE_WIDE) - {"style", "class"}


@pytest.mark.parametrize("strongest", range(4))
@pytest.mark.parametrize("name", LAYERS)
def test_precedence(name: str, strongest: int, project: Path) -> None:
    for index, letter in enumerate("abcd"):
        (project / "docs" / f"{letter}.png").write_bytes(picture(letter, f"{index + 1}x1"))
    values = [{} if i < strongest else {name: LAYERS[name][i]} for i in range(4)]
    beside = "".join(f"{key}: {value}\n" for key, value in BESIDE.get(name, {}).items())
    composed = whole(
        "prompt: x\nstyle: s\n" + beside + "".join(f"{k}: {v}\n" for k, v in values[0].items()),
        project,
        page=values[1],
        styles={"s": values[2]},
        defaults=values[3],
    )
    expected = OPTIONS[name].read(LAYERS[name][strongest])
    request = composed.request
    assert composed.options[name] == expected
    if name == "n":
        assert composed.count == expected
        assert "n" not in request.options
    elif name == "image":
        assert [file.name for file in request.images] == list(expected)
    elif name == "mask":
        assert request.mask is not None
        assert request.mask.name == expected
    elif name == "markup":
        assert request.markup is not None
        assert request.markup.name == expected
    elif name == "dark":
        assert "dark" not in request.options
        assert [twin.request.prompt for twin in composed.twins] == [expected] * (expected != "none")
    elif OPTIONS[name].kind == "presentation":
        assert request.key == whole("x", project).request.key
    else:
        assert request.options[name] == expected
        assert set(request.options) == {name, *BESIDE.get(name, {})} - {"image", "mask"}


def test_style_of_the_block_then_the_page_then_the_site(project: Path) -> None:
    styles = {name: f"{name}: {{prompt}}" for name in "abc"}
    layers = {"styles": styles, "defaults": {"style": "c"}}
    assert whole("x", project, **layers).request.prompt == "c: x"
    layers["page"] = {"style": "b"}
    assert whole("x", project, **layers).request.prompt == "b: x"
    assert whole("x", project, header="style=a", **layers).request.prompt == "a: x"
    assert whole("x", project, header="style=none", **layers).request.prompt == "x"
    layers["page"] = {"style": "none"}
    assert whole("x", project, **layers).request.prompt == "x"
    assert whole("x", project, header="style=c", **layers).request.prompt == "c: x"


def test_what_nobody_set_is_neither_sent_nor_hashed(project: Path) -> None:
    composed = whole("A fox", project)
    assert composed.request.options == {}
    assert composed.request.identity == {"version": 1, "prompt": "A fox"}
    assert composed.count == 1
    assert composed.shown_variants == (1,)


def test_presentation_is_not_in_the_request(project: Path) -> None:
    header = (
        "alt=a caption=c title=t id=i class=k width=5 height=6 align=left link=l loading=eager "
        "pick=2 n=3"
    )
    composed = whole("A fox", project, header=header)
    assert composed.request == whole("A fox", project).request
    assert composed.options["caption"] == "c"


LOOK = {"width": "300", "align": "right", "link": "original", "loading": "eager"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", LOOK),
        ("width=auto", {**LOOK, "width": None}),
        ("align=none link=none", {**LOOK, "align": None, "link": None}),
        ("align=None width=AUTO link=NONE", {"loading": "eager"}),
        ("height=90", {**LOOK, "width": None, "height": 90}),
        ("height=90 width=70", {**LOOK, "width": "70", "height": 90}),
    ],
)
def test_block_takes_back_how_pictures_stand(
    header: str, expected: dict[str, Any], project: Path
) -> None:
    styles = {"s": {**LOOK, "align": "left"}}
    for layers in (
        {"defaults": LOOK},
        {"page": LOOK, "defaults": {"width": "7", "align": "center"}},
        {"page": {"align": "right", "style": "s"}, "styles": styles},
    ):
        composed = whole("A fox", project, header=header, **layers)
        look = {name: value for name, value in composed.options.items() if name in expected}
        assert look == {name: value for name, value in expected.items() if value is not None}
        assert not set(composed.options) & ({*LOOK, "height"} - set(expected))


def test_classes_of_all_layers(project: Path) -> None:
    composed = whole(
        "x",
        project,
        header="style=s class='shadow own'",
        styles={"s": {"class": "flat wide"}},
        defaults={"class": "shadow"},
        page={"class": "wide"},
    )
    assert composed.options["class"] == ("shadow", "flat", "wide", "own")
    assert composed.request == whole("x", project).request


def test_renderer_of_the_site_and_of_the_block(project: Path) -> None:
    plain = whole("x", project, moderation="auto").request
    assert (plain.model, plain.moderation, dict(plain.options)) == ("site-model", "auto", {})
    own = whole("x", project, header="model=m moderation=low", moderation="auto").request
    assert (own.model, own.moderation) == ("m", "low")
    assert own.options == {"model": "m", "moderation": "low"}


def test_extra_and_revision_go_into_the_request(project: Path) -> None:
    request = whole("prompt: x\nrevision: 2\nextra: {seed: 7}", project).request
    assert request.options == {"revision": 2, "extra": {"seed": 7}}


# --- Styles -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "prompt", "result"),
    [
        ("Flat vector. {prompt}", "A fox", "Flat vector. A fox"),
        ("{prompt} / {prompt}", "A fox", "A fox / A fox"),
        (
            "Flat. {prompt}",
            "A {prompt} and {braces} %s {0}",
            "Flat. A {prompt} and {braces} %s {0}",
        ),
        ("{teal} {prompt} {{x}}", "A fox", "{teal} A fox {{x}}"),
        ("\n {prompt}\r\nFlat \n", "Cafe\u0301", "Caf\u00e9\nFlat"),
    ],
)
def test_text_of_a_style(text: str, prompt: str, result: str, project: Path) -> None:
    request = whole(prompt, project, header="style=s", styles={"s": text}).request
    assert request.prompt == result
    assert request.subject == prompt.replace("e\u0301", "\u00e9")
    assert request.key == whole(result, project).request.key


def test_unknown_style(project: Path) -> None:
    more: dict[str, Any] = {"styles": {"brand": "{prompt}", "photo": "{prompt}"}}
    assert problems("prompt: x\nstyle: brnd", project, **more) == [
        Problem(
            2,
            "there is no style 'brnd'. Did you mean 'brand'? Allowed: brand, photo, none. Styles are "
            "written in mkdocs.yml under 'styles:'.",
        )
    ]
    (problem,) = problems("x", project, page={"style": "None"}, **more)
    assert problem.line == 0
    assert "'None'. Did you mean 'none'?" in problem.message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (7, "must be a text with {prompt}, or a mapping of options, not '7'."),
        (None, "must be a text with {prompt}, or a mapping of options, not empty."),
        (["{prompt}"], "must be a text with {prompt}, or a mapping"),
        ("Flat vector", "needs {prompt} where the block's prompt goes; it is 'Flat vector'."),
        ({"prompt": 7}, "needs {prompt} where the block's prompt goes; it is '7'."),
        ({"size": "huge", "style": "b"}, "'size' cannot be 'huge'."),
        ({"style": "b"}, "'style' is for blocks only."),
        ({"alt": "b"}, "'alt' is for blocks only."),
        ({"link": "a.md"}, "'link' cannot be 'a.md'. Allowed: a URL with http, https or mailto,"),
        ({"link": "/a/"}, "'link' cannot be '/a/'."),
        ({"model": "b"}, "'model' is for blocks only."),
    ],
)
def test_bad_style(value: Any, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        Style.read(value)
    assert str(caught.value).startswith(message)


def test_style_with_options() -> None:
    style = Style.read({"prompt": "Flat {prompt}", "size": "square", "output_format": "jpg"})
    assert style == Style("Flat {prompt}", {"size": "1024x1024", "output_format": "jpeg"})
    assert Style.read({}) == Style()


def test_prompt_with_its_style_is_too_long(project: Path) -> None:
    more: dict[str, Any] = {"styles": {"s": "1234567890{prompt}"}, "header": "style=s"}
    assert len(whole("x" * 31_990, project, **more).request.prompt) == 32_000
    assert problems("x" * 31_991, project, **more) == [
        Problem(
            1, "the prompt has 32,001 characters together with its style. Allowed: at most 32,000."
        )
    ]


# --- What does not go together ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "defaults", "lines"),
    [
        ("prompt: x\nbackground: transparent\noutput_format: jpeg", {}, [2]),
        ("prompt: x\noutput_format: jpeg", {"background": "transparent"}, [0]),
        ("prompt: x\noutput_compression: 80", {}, [2]),
        ("prompt: x\noutput_compression: 80", {"output_format": "png"}, [2]),
        ("prompt: x\noutput_format: png\noutput_compression: 80", {"output_format": "jpeg"}, [3]),
        ("prompt: x\nmask: m.png\npick: 3\nn: 2\nalt: a\ndecorative: yes", {}, [2, 2, 3, 6]),
        ("prompt: x\ninput_fidelity: high", {}, [2]),
        ("prompt: x\npick: 2", {}, [2]),
        ("x", {"output_compression": 80}, [0]),
    ],
)
def test_conflicts(body: str, defaults: dict[str, Any], lines: list[int], project: Path) -> None:
    found = problems(body, project, defaults=defaults)
    assert [problem.line for problem in found] == lines


def test_defaults_that_do_not_apply_are_no_conflict(project: Path) -> None:
    site = {"output_format": "jpeg", "output_compression": 80}
    site |= {"input_fidelity": "high", "mask_mode": "white"}
    request = whole("prompt: x\noutput_format: png", project, defaults=site).request
    assert request.options == {"output_format": "png"}
    assert whole("x", project, defaults=site).request.options == {
        "output_format": "jpeg",
        "output_compression": 80,
    }
    gif = {"output_format": "gif", "frame_count": 4, "frame_duration_ms": 100}
    assert whole("x", project, defaults=gif).request.options == gif
    still = whole("prompt: x\noutput_format: png", project, defaults=gif).request
    assert still.options == {"output_format": "png"}
    (project / "docs" / "a.png").write_bytes(PNG)
    edit = whole("prompt: x\nimage: a.png\noutput_format: webp", project, defaults=site).request
    assert edit.options == {
        "output_format": "webp",
        "output_compression": 80,
        "input_fidelity": "high",
    }


@pytest.mark.parametrize(
    ("header", "count", "shown"),
    [
        ("", 1, (1,)),
        ("n=3", 3, (1,)),
        ("n=3 pick=3", 3, (3,)),
        ("n=3 pick=all", 3, (1, 2, 3)),
        ("pick=all", 1, (1,)),
    ],
)
def test_variants(header: str, count: int, shown: tuple[int, ...], project: Path) -> None:
    composed = whole("x", project, header=header)
    assert composed.count == count
    assert composed.shown_variants == shown
    assert composed.request.key == whole("x", project).request.key


# --- Twins ------------------------------------------------------------------------------------


def test_no_twin_without_dark(project: Path) -> None:
    plain = whole("x", project)
    assert plain.twins == ()
    assert whole("prompt: x\ndark: none", project).twins == ()
    assert whole("prompt: x\ndark: none", project, defaults={"dark": "night"}).twins == ()
    # It is another picture, not another take of the first.
    assert whole("prompt: x\ndark: night", project).request.key == plain.request.key


def test_a_twin_is_an_edit_of_the_first(project: Path) -> None:
    (project / "docs" / "a.png").write_bytes(PNG)
    body = (
        "prompt: A fox\nstyle: ink\nsize: 64x48\nquality: low\noutput_format: webp\n"
        "output_compression: 80\nbackground: opaque\nimage: a.png\nmask: a.png\nmask_mode: white\n"
        "input_fidelity: high\nmoderation: low\nmodel: painter\nrevision: 3\nn: 2\npick: 2\n"
        "extra: {seed: 7}\nalt: x\ncaption: C\ndark: ' At night\r\n '"
    )
    light = whole(body, project, styles={"ink": "Ink. {prompt}"})
    (dark,) = light.twins
    assert dark.request.images == (BlockInput(TWIN_OF, light.request, 2),)
    assert dark.request.twin_of == dark.request.images[0]
    assert light.request.twin_of is None
    assert dark.request.prompt == "At night"
    assert dark.request.options == {
        "size": "64x48",
        "quality": "low",
        "output_format": "webp",
        "output_compression": 80,
        "background": "opaque",
        "input_fidelity": "high",
        "moderation": "low",
        "model": "painter",
        "extra": {"seed": 7},
    }
    assert (dark.request.mask, dark.request.markup) == (None, None)
    assert (dark.request.model, dark.request.moderation) == ("painter", "low")
    assert dark.request.stem.startswith("dark-a-fox-")
    assert (dark.count, dark.shown_variants) == (1, (1,))
    assert dark.twins == ()
    assert dark.options["alt"] == "x"
    assert not {"n", "pick", "image", "mask", "dark", "revision"} & dark.options.keys()
    # Whatever is wrong with it is told where the author asked for it.
    assert set(dark.lines.values()) == {light.lines["dark"]}
    assert light.lines["dark"] == body.count("\n", 0, body.index("dark:")) + 1


@pytest.mark.parametrize(
    ("change", "is_another"),
    [
        ("alt: y", False),
        ("width: 50%", False),
        ("moderation: auto", True),
        ("quality: low", True),
        ("revision: 1", True),
        ("n: 2", False),
        ("n: 2\npick: 2", True),
        ("model: painter", True),
    ],
)
def test_key_of_a_twin(change: str, is_another: bool, project: Path) -> None:
    """It follows the first picture, however that changes."""
    (before,) = whole("prompt: x\ndark: night", project).twins
    (after,) = whole(f"prompt: x\ndark: night\n{change}", project).twins
    assert (before.request.key != after.request.key) == is_another
    assert before.request.key != whole("prompt: x\ndark: dusk", project).twins[0].request.key
    site = whole("prompt: x\ndark: night", project, model="another").twins[0]
    assert site.request.key == before.request.key, "the site's model is no part of it"


def test_each_shown_variant_has_a_twin_of_its_own(project: Path) -> None:
    light = whole("prompt: x\ndark: night\nn: 3\npick: all", project)
    assert [twin.request.images[0].variant for twin in light.twins] == [1, 2, 3]  # type: ignore[union-attr]
    assert len({twin.request.key for twin in light.twins}) == 3


@pytest.mark.parametrize("form", ["gif", "svg"])
def test_formats_without_a_twin(form: str, project: Path) -> None:
    (problem,) = problems(f"prompt: x\ndark: night\noutput_format: {form}", project)
    assert problem.line == 2
    assert "'dark: none'" in problem.message
    # A default is no obstacle.
    assert (
        whole(f"output_format: {form}\nprompt: x", project, defaults={"dark": "night"}).twins == ()
    )


def test_fidelity_of_a_twin(project: Path) -> None:
    light = whole("prompt: x\ndark: night", project, defaults={"input_fidelity": "high"})
    assert "input_fidelity" not in light.request.options
    assert light.twins[0].request.options["input_fidelity"] == "high"
    plain = whole("prompt: x\ndark: night", project)
    assert light.request.key == plain.request.key
    assert light.twins[0].request.key != plain.twins[0].request.key
    (problem,) = problems("prompt: x\ninput_fidelity: high", project)
    assert "needs an 'image'" in problem.message


def test_a_twin_takes_over_the_origin_of_options(project: Path) -> None:
    light = whole("prompt: x\nquality: low", project, defaults={"dark": "night", "size": "1x1"})
    (dark,) = light.twins
    assert light.origin("dark") == "defaults"
    assert dark.origin("size") == "defaults"
    assert dark.origin("quality") == "block"


# --- Input files ------------------------------------------------------------------------------


def test_input_beside_the_page_comes_before_docs_dir(project: Path) -> None:
    docs, guide = project / "docs", project / "docs" / "guide"
    (docs / "a.png").write_bytes(picture("docs", "8x8"))
    one = whole("prompt: x\nimage: a.png", project, page_dir=guide).request
    (guide / "a.png").write_bytes(picture("guide", "8x8"))
    other = whole("prompt: x\nimage: a.png", project, page_dir=guide).request
    assert one.images[0].data == picture("docs", "8x8")
    assert other.images[0].data == picture("guide", "8x8")
    assert whole("prompt: x\nimage: a.png", project).request.key == one.key
    for path in ("guide/a.png", "./guide/../guide/a.png", str(guide / "a.png")):
        assert whole(f"prompt: x\nimage: {path}", project).request.key == other.key
    assert whole("prompt: x\nimage: ../a.png", project, page_dir=guide).request.key == one.key


def test_inputs_in_order_with_a_mask(project: Path) -> None:
    for name, form in (("a.png", "png"), ("b.jpg", "jpeg"), ("c.webp", "webp")):
        (project / name).write_bytes(picture(name, "8x8", form))
    body = "prompt: x\nimage: [../c.webp, ../a.png, ../b.jpg]\nmask: ../a.png"
    request = whole(body, project).request
    assert [file.name for file in request.images] == ["c.webp", "a.png", "b.jpg"]
    assert request.mask is not None
    assert request.mask.name == "a.png"
    assert request.options == {}


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("image", None, "there is no file 'in.png' beside the page or in docs/."),
        ("image", b"", "the file 'in.png' is no png or jpeg or webp picture."),
        ("image", b"<svg/>", "the file 'in.png' is no png or jpeg or webp picture."),
        (
            "image",
            picture("x", "8x8", "gif"),
            "the file 'in.png' is no png or jpeg or webp picture.",
        ),
        ("mask", picture("x", "8x8", "jpeg"), "the file 'in.png' is no png picture."),
        (
            "mask",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "the file 'in.png' is a Git LFS pointer: run 'git lfs pull' to get it.",
        ),
    ],
)
def test_unusable_input(name: str, data: bytes | None, message: str, project: Path) -> None:
    (project / "docs" / "ok.png").write_bytes(PNG)
    if data is not None:
        (project / "docs" / "in.png").write_bytes(data)
    other = "image: ok.png\n" if name == "mask" else ""
    (problem,) = problems(f"prompt: x\n{other}{name}: in.png", project)
    assert problem == Problem(3 if other else 2, f"'{name}': {message}")


@pytest.mark.parametrize("name", ["image", "mask", "markup"])
def test_input_that_is_too_large(name: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def limit(size: int) -> None:
        monkeypatch.setattr(compose_module, "MAX_INPUT_BYTES", size)
        monkeypatch.setattr(compose_module, "_OVERLAYS", {"mask": size, "markup": size})

    (project / "docs" / "a.png").write_bytes(PNG)
    (project / "docs" / "b.png").write_bytes(PNG + b"\0" * 1500)
    limit(len(PNG) + 1500)
    other = "image: a.png\n" if name != "image" else ""
    (problem,) = problems(f"prompt: x\n{other}{name}: b.png", project)
    size = len(PNG) + 1500
    assert problem.message == (
        f"'{name}': the file 'b.png' has {size:,} bytes. Allowed: less than {size:,}."
    )
    limit(len(PNG) + 1501)
    assert whole(f"prompt: x\n{other}{name}: b.png", project)


def test_no_file_outside_of_the_project_is_read(project: Path) -> None:
    secret = project.parent / "secret.png"
    secret.write_bytes(PNG)
    try:
        (project / "docs" / "link.png").symlink_to(secret)
        (project / "docs" / "folder").symlink_to(project.parent)
    except OSError:
        links = []  # Windows without the right to make links
    else:
        links = ["link.png", "folder/secret.png"]
    for path in ("../../secret.png", str(secret), *links):
        (problem,) = problems(f"prompt: x\nimage: '{path}'", project)
        assert problem.line == 2
        assert problem.message.endswith(" lies outside of the project.")


def test_docs_dir_outside_of_the_project_is_fine(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.png").write_bytes(PNG)
    site = Site("m", tmp_path / "project", tmp_path / "docs")
    composed = compose(parse_block("genimage", "prompt: x\nimage: a.png"), site, {}, None)
    assert composed.request.images[0].data == PNG


def test_paths_that_the_system_cannot_take(project: Path) -> None:
    (problem,) = problems("prompt: x\nimage: " + "A very long prompt " * 20, project)
    assert problem.line == 2
    assert problem.message.startswith("'image': the file 'A very long prompt A very")


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links")
def test_loop_of_links(project: Path) -> None:
    (project / "docs" / "a.png").symlink_to("b.png")
    (project / "docs" / "b.png").symlink_to("a.png")
    (problem,) = problems("prompt: x\nimage: a.png", project)
    assert problem.message.startswith("'image': ")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_unreadable_input(project: Path) -> None:
    path = project / "docs" / "a.png"
    path.write_bytes(PNG)
    path.chmod(0)
    (problem,) = problems("prompt: x\nimage: a.png", project)
    assert problem.message.startswith("'image': the file 'a.png' cannot be read: ")


def test_a_folder_is_no_input(project: Path) -> None:
    (problem,) = problems("prompt: x\nimage: guide", project)
    assert problem.message.startswith("'image': there is no file 'guide'")


def test_picture_of_another_block(project: Path) -> None:
    (project / "docs" / "a.png").write_bytes(PNG)
    site = Site("m", project, project / "docs")
    sources = {
        "hero": whole("A fox", project, header="n=2 pick=2"),
        "all": whole("A hen", project, header="n=2 pick=all"),
    }

    def find_block(name: str) -> Composed:
        try:
            return sources[name]
        except KeyError:
            raise OptionError(f"there is no block '#{name}'.") from None

    block = parse_block("genimage", "prompt: x\nimage: ['#hero', a.png, '#all']")
    hero, file, hen = compose(block, site, {}, None, find_block).request.images
    assert hero == BlockInput("#hero", sources["hero"].request, 2)
    assert hen == BlockInput("#all", sources["all"].request, 1)
    assert isinstance(file, InputFile)
    with pytest.raises(BlockError) as caught:
        compose(parse_block("genimage", "prompt: x\nimage: '#her'"), site, {}, None, find_block)
    assert caught.value.problems == [Problem(2, "'image': there is no block '#her'.")]
    (problem,) = problems("prompt: x\nimage: '#hero'", project)
    assert problem.message == "'image': other blocks' pictures can be used in MkDocs only."


def test_all_bad_inputs_are_told(project: Path) -> None:
    found = problems("prompt: x\nimage: [a.png, b.png]\nmask: c.png\npick: 2", project)
    assert [problem.line for problem in found] == [2, 2, 3, 4]
