"""Each known server, played by the tests' own, set up as the README says."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from api_server import Reply
from pictures import picture
from PIL import Image
from played_servers import KEY, PLAYED, white_circle
from readme_tables import README
from sites import differences, fence

from mkdocs_genimage.providers.endpoint import host_and_port, split_address
from mkdocs_genimage.servers import find_server

if TYPE_CHECKING:
    from api_server import ImagesServer
    from sites import Build, Site

# --- The README's recipes -----------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    pass


def _variable(_: yaml.Loader, node: yaml.ScalarNode) -> str:
    return f"the value of {node.value}"


_Loader.add_constructor("!ENV", _variable)


def recipes() -> dict[str, dict[str, Any]]:
    """The title of each recipe to the plugin's options in it."""
    text = README.read_text(encoding="utf-8")
    section = text[text.index("## Providers\n") : text.index("## In CI\n")]
    found = re.findall(r"\*\*([^*]+)\*\*[^*]*?\n```yaml\n(.*?)```", section, re.DOTALL)
    read = {}
    for title, body in found:
        (entry,) = yaml.load(body, _Loader)
        read[title] = entry["genimage"]
    return read


RECIPES = recipes()
PAGE = {
    "plain": "prompt: A fox\nalt: x",
    "size": "prompt: A wide harbour\nsize: 1536x1024\nquality: high\nalt: x",
    "icon": "prompt: An icon\nbackground: transparent\noutput_format: png\nalt: x",
    "jpeg": "prompt: A photo\noutput_format: jpeg\noutput_compression: 80\nalt: x",
    "webp": "prompt: A leaf\noutput_format: webp\nsize: 1024x1024\nmoderation: low\nalt: x",
    "two": "prompt: Two takes\nn: 2\npick: 2\nsize: auto\nquality: auto\nalt: x",
    "edit": "prompt: A hat\nimage: base.png\nmask: mask.png\nalt: x",
}


def server_of(recipe: dict[str, Any]) -> str:
    """The name of the server that a recipe is for."""
    address = split_address(recipe.get("base_url", "https://api.openai.com/v1"))
    assert address
    return find_server(host_and_port(address), recipe.get("server", "")).name


def write(site: Site) -> dict[str, int]:
    """A page with one block of each kind. Returns the line of each."""
    site.use_bare_theme()
    text, lines = "# T\n", {}
    for name, body in PAGE.items():
        lines[name] = text.count("\n") + 2
        text += "\n" + fence(body)
    site.write(
        {
            "docs/index.md": text,
            "docs/base.png": picture("base", "64x48"),
            "docs/mask.png": white_circle(),
        }
    )
    return lines


def test_recipes_are_those_of_the_known_servers() -> None:
    titles = {title: server_of(recipe) for title, recipe in RECIPES.items()}
    assert titles == {
        "OpenAI": "openai",
        "Azure OpenAI": "azure",
        "CodeGateway": "codegateway",
        "Google Gemini": "google",
        "xAI": "xai",
        "Together": "together",
        "LocalAI": "localai",
        "stable-diffusion.cpp": "stable-diffusion.cpp",
        "LiteLLM": "litellm",
        "Any other server that speaks the Images API": "plain",
    }
    for recipe in RECIPES.values():
        assert "value of" in recipe.get("api_key", "the value of"), "no key stands in the README"


RECIPES_AND_MORE = {
    **RECIPES,
    "vLLM-Omni": {"server": "vllm-omni", "model": "Qwen/Qwen-Image"},
    "DeepInfra": {"server": "deepinfra", "model": "black-forest-labs/FLUX-1-dev"},
}


@pytest.mark.parametrize("title", RECIPES_AND_MORE)
def test_recipe(title: str, site: Site, api: ImagesServer) -> None:
    recipe = RECIPES_AND_MORE[title]
    name = server_of(recipe)
    played = PLAYED[name]
    api.reply = played
    site.options = {**recipe, "server": recipe.get("server") or name}
    site.options |= {"base_url": api.base_url, "api_key": KEY}
    lines = write(site)
    place = f"docs/index.md:{lines['edit'] + 2}"
    no_edits = [f"{place}: {find_server('', name).title} cannot edit pictures."]

    cold = site.build(warns=no_edits if played.edits is None else [])

    assert [call.outcome for call in api.posts] == ["answered 200"] * len(api.posts)
    wanted = 6 + (played.edits is not None)
    assert len(api.posts) == wanted
    assert api.gets == [], "pictures come as base64 without a second request"
    assert {call.fields["model"] for call in api.posts} == {recipe["model"]}
    told = "\n".join(cold.messages(20) + cold.warnings)
    for block, body in PAGE.items():
        if block != "edit" or played.edits is not None:
            check_block(api, cold, block, yaml.safe_load(body), lines[block], told)
    assert len(cold.images("index.html")) == wanted

    before = cold.files()
    again = site.build(warns=no_edits if played.edits is None else [])
    assert len(api.posts) == wanted
    assert differences(before, again.files()) == []


def check_block(
    api: ImagesServer, built: Build, block: str, options: dict[str, Any], line: int, told: str
) -> None:
    """Every option of a block is on the wire, respelled, or named at its place."""
    (call,) = [one for one in api.posts if one.fields["prompt"] == options["prompt"]]
    files = {part.name.removesuffix("[]") for part in call.files}
    for name, value in options.items():
        if name in ("prompt", "alt", "pick"):
            continue
        on_wire = name in files or str(call.fields.get(name)) == str(value)
        sides = {"width": int(value.split("x")[0]), "height": int(value.split("x")[1])} if (
            name == "size" and "x" in value
        ) else None  # fmt: skip
        respelled = sides is not None and sides.items() <= call.fields.items()
        named = re.search(rf"docs/index\.md:\d+: '{name}' is (not sent|sent otherwise): ", told)
        mine = re.search(rf"docs/index\.md:{line}: '{name}' is ", told)
        assert on_wire or respelled or (named and mine), (block, name, call.fields, told)
    count = int(call.fields.get("n", 1))
    assert count == options.get("n", 1)


@pytest.mark.parametrize("name", PLAYED)
def test_its_words_about_a_refusal_reach_the_author(
    name: str, site: Site, api: ImagesServer
) -> None:
    api.reply = PLAYED[name]
    site.options = {"server": name, "base_url": api.base_url, "api_key": KEY, "model": "m"}
    site.use_bare_theme()
    site.write({"docs/index.md": f"# T\n\nText\n\n{fence('Ten cats', 'alt=x')}"})
    built = site.build(warns=["Too many cats"])
    (warning,) = built.warnings
    assert warning.startswith("docs/index.md:5: no picture: 127.0.0.1")
    assert "refused the request (HTTP 400)" in warning
    assert "req_1" in warning
    assert "billed" not in warning
    assert len(api.posts) == 1


@pytest.mark.parametrize("name", ["google", "xai", "together"])
def test_a_field_of_another_server_is_told_by_the_server(
    name: str, site: Site, api: ImagesServer
) -> None:
    """What is in `extra` always goes out; the server's complaint leads to it."""
    api.reply = PLAYED[name]
    site.options = {"server": name, "base_url": api.base_url, "api_key": KEY, "model": "m"}
    site.use_bare_theme()
    site.write({"docs/index.md": fence("prompt: A fox\nalt: x\nextra: {guidance: 3}")})
    site.build(warns=["Change or remove 'guidance'."])
    assert api.posts[0].fields["guidance"] == 3


@pytest.mark.parametrize("name", ["localai", "xai", "google"])
def test_pictures_by_address_from_a_server_that_is_not_named(
    name: str, site: Site, api: ImagesServer
) -> None:
    """Without its profile a server answers with addresses, and these work as well."""
    api.reply = PLAYED[name]
    site.options = {"base_url": api.base_url, "api_key": KEY, "model": "m"}
    site.use_bare_theme()
    site.write({"docs/index.md": fence("A fox", "alt=x")})
    cold = site.build()
    assert len(api.gets) == 1
    assert "authorization" not in api.gets[0].headers
    (image,) = cold.images("index.html")
    assert image["src"].endswith(".png" if name == "localai" else ".jpg")
    assert not image["src"].endswith("placeholder")
    site.build()
    assert (len(api.posts), len(api.gets)) == (1, 1)


def test_jpeg_although_png_was_asked(site: Site, api: ImagesServer) -> None:
    api.reply = lambda call: Reply(format="jpeg")
    site.options = {"base_url": api.base_url}
    site.use_bare_theme()
    site.write({"docs/index.md": fence("A fox", "output_format=png size=64x48 alt=x")})
    cold = site.build()
    (image,) = cold.images("index.html")
    assert image["src"].endswith(".jpg")
    assert [name.rpartition(".")[2] for name in site.cached()] == ["jpg", "json"]
    warm = site.build()
    assert differences(cold.files(), warm.files()) == []
    assert len(api.posts) == 1


@pytest.mark.parametrize("name", [name for name, played in PLAYED.items() if played.edits is None])
def test_edit_where_there_is_none_is_never_sent(name: str, site: Site, api: ImagesServer) -> None:
    site.options = {"server": name, "base_url": api.base_url, "model": "m", "validate": False}
    site.use_bare_theme()
    site.write(
        {
            "docs/base.png": picture("base", "64x48"),
            "docs/index.md": fence("prompt: A hat\nimage: base.png\nalt: x"),
        }
    )
    title = find_server("", name).title
    site.build(warns=[f"docs/index.md:3: {title} cannot edit pictures."])
    assert api.posts == []


@pytest.mark.parametrize(
    ("name", "form", "mode", "centre"),
    [
        ("stable-diffusion.cpp", "L", "L", 255),
        ("openai", "L", "RGBA", 0),
        ("plain", "L", "RGBA", 0),
    ],
)
def test_mask_is_spelled_for_the_server(
    name: str, form: str, mode: str, centre: int, site: Site, api: ImagesServer
) -> None:
    site.options = {"server": name, "base_url": api.base_url, "model": "m"}
    site.use_bare_theme()
    site.write(
        {
            "docs/base.png": picture("base", "64x48"),
            "docs/mask.png": white_circle(),
            "docs/index.md": fence(PAGE["edit"]),
        }
    )
    site.build()
    (part,) = [part for part in api.posts[0].files if part.name == "mask"]
    with Image.open(io.BytesIO(part.data)) as mask:
        assert (mask.mode, mask.size) == (mode, (64, 48))
        last = mask.getchannel(mask.getbands()[-1])
        assert (last.getpixel((32, 24)), last.getpixel((1, 1))) == (centre, 255 - centre)


def test_names_of_servers_in_the_readme(site: Site) -> None:
    """The README lists each name that `server:` takes."""
    text = README.read_text(encoding="utf-8")
    (listed,) = re.findall(r"set `server:`\. It takes (.*?), which\s", text, re.DOTALL)
    names = re.findall(r"`([^`]+)`", listed)
    assert {find_server("", name).name for name in names} == set(PLAYED)
    assert len(names) == len(PLAYED)
