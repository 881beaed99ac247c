"""`mkdocs-genimage plan`, and what all commands share: the site, its pipeline, errors, exit codes."""

from __future__ import annotations

import json
import logging
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from api_server import Reply, error_body
from cli_runs import genimage, genimage_process
from sites import behind, fence, recorded

from mkdocs_genimage import models
from mkdocs_genimage.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

    from api_server import ImagesServer
    from sites import Site

BLOCK = "alt=x size=64x48"


def states(site: Site) -> dict[str, list[str]]:
    """Place to the states of its pictures."""
    content = genimage(site, "plan", "--json").ended().json("plan")
    return {block["place"]: [i["state"] for i in block["images"]] for block in content["blocks"]}


def test_nothing_is_asked_for_and_nothing_is_written(bare: Site, api: ImagesServer) -> None:
    bare.write({"docs/index.md": fence("A fox", BLOCK) + fence("A hen", "alt=x quality=hihg")})
    before = sorted(bare.root.rglob("*"))
    ran = genimage(bare, "plan").ended()
    assert api.calls == []
    assert set(bare.root.rglob("*")) - set(before) == {bare.config_file}
    lines = ran.output.splitlines()
    assert lines[0].split() == ["state", "block", "picture", "size", "quality", "model", "price"]
    assert lines[1].split()[:2] == ["missing", "docs/index.md:1"]
    assert lines[2].split() == ["bad", "docs/index.md:4"]
    assert lines[4].startswith("docs/index.md:4: 'quality' cannot be 'hihg'. Did you mean 'high'?")
    assert lines[-1] == (
        "2 pictures: 1 missing, 1 bad. A build asks for 1; their price is not known here."
    )
    assert "\x1b" not in ran.output


def test_prices_of_the_official_endpoint(
    bare: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "OFFICIAL_HOSTS", (api.url.removeprefix("http://"),))
    options = "alt=x size=1024x1024 quality=high"
    bare.write({"docs/index.md": fence("A fox", f"{options} n=3") + fence("A hen", options)})
    price = models.estimate("gpt-image-2", "1024x1024", "high")
    assert price
    content = genimage(bare, "plan", "--json").ended().json("plan")
    assert content["cost"] == pytest.approx(4 * price)
    assert content["unknown_prices"] == 0
    assert content["prices_as_of"] == models.PRICES_AS_OF
    ran = genimage(bare, "plan").ended()
    assert f"A build asks for 4: about ${4 * price:.2f} (prices of 2026-11-22)." in ran.output
    bare.options["pricing"] = {"per_image": 0.25}
    ran = genimage(bare, "plan").ended()
    assert "A build asks for 4: about $1.00 (by 'pricing' in mkdocs.yml)." in ran.output


def test_every_state(bare: Site, api: ImagesServer) -> None:
    names = ("cached", "damaged", "pointer", "refused", "lost", "stale", "new")
    pages = {name: fence(f"A fox {name}", BLOCK) for name in names if name != "new"}
    pages["stale"] = fence("A fox stale", f"{BLOCK} n=2 pick=2")

    def reply(call: Any) -> Reply | None:
        if "refused" in call.fields["prompt"]:
            return Reply(status=400, body=error_body("safety system", "moderation_blocked"))
        return Reply(status=500, latency=0) if "lost" in call.fields["prompt"] else None

    api.reply = reply
    bare.write({f"docs/{name}.md": text for name, text in pages.items()})
    bare.build(warns=["refused", "lost"])
    bare.write({"docs/new.md": fence("A fox new", BLOCK)})
    for name in bare.cached(".png"):
        if "damaged" in name:
            (bare.cache / name).write_bytes(b"?")
        if "pointer" in name:
            (bare.cache / name).write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    for name in bare.cached(".json"):
        if "stale" in name:
            sidecar = json.loads((bare.cache / name).read_text())
            (bare.cache / name).write_text(json.dumps({**sidecar, "model": "older"}))
    asked = len(api.calls)
    assert states(bare) == {
        "docs/cached.md:1": ["cached"],
        "docs/damaged.md:1": ["damaged"],
        "docs/pointer.md:1": ["elsewhere"],
        "docs/refused.md:1": ["refused"],
        "docs/lost.md:1": ["billed?"],
        "docs/stale.md:1": ["stale", "stale"],
        "docs/new.md:1": ["missing"],
    }
    assert len(api.calls) == asked
    ran = genimage(bare, "plan").ended()
    assert "A build asks for 3;" in ran.output
    assert "docs/pointer.md:1: genimage/a-fox-pointer-" in ran.output
    assert "run 'git lfs pull'" in ran.output
    assert "cached" not in ran.output.partition("\n\n")[0]
    assert "docs/cached.md:1" in genimage(bare, "plan", "--all").ended().output


def test_requests_of_a_killed_build_may_have_been_billed(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", BLOCK)})
    content = genimage(bare, "plan", "--json").json("plan")
    key = content["blocks"][0]["images"][0]["key"]
    Journal(bare.cache).begin(key[:12], {"key": key})
    assert states(bare) == {"docs/index.md:1": ["billed?"]}


def test_the_sites_own_pipeline_finds_the_blocks(bare: Site) -> None:
    """Macros, snippets, includes of hooks, and nothing of code examples and comments."""
    bare.config["markdown_extensions"] = [
        "pymdownx.superfences",
        {"pymdownx.snippets": {"base_path": [str(bare.root / "docs")]}},
    ]
    bare.config["hooks"] = ["hook.py"]
    bare.config["exclude_docs"] = "part.md"
    bare.write(
        {
            "hook.py": "def on_page_markdown(markdown, **_):\n"
            "    return markdown.replace('ANIMAL', 'crow')\n",
            "docs/part.md": fence("A fox in a snippet", BLOCK),
            "docs/index.md": '--8<-- "part.md"\n\n'
            "- item\n\n"
            + fence("A hen in a list", BLOCK, indent="    ")
            + "\n"
            + fence("An ANIMAL", BLOCK)
            + "\n"
            + behind("> ", fence("A quoted gnu", BLOCK))
            + "\n````markdown\n"
            + fence("An example", BLOCK)
            + "````\n"
            + "\n<!--\n"
            + fence("A comment", BLOCK)
            + "-->\n",
        }
    )
    content = genimage(bare, "plan", "--json").ended().json("plan")
    found = [(block["place"], block["images"][0]["name"]) for block in content["blocks"]]
    assert [(place, name.rpartition("-")[0]) for place, name in found] == [
        ("docs/index.md (from a snippet)", "a-fox-in-a-snippet"),
        ("docs/index.md:5", "a-hen-in-a-list"),
        ("docs/index.md:9", "an-crow"),
        ("docs/index.md:13", "a-quoted-gnu"),
    ]


def test_one_picture_on_many_pages_counts_once(bare: Site) -> None:
    bare.write({f"docs/{n}.md": fence("A fox", BLOCK) for n in range(5)})
    content = genimage(bare, "plan", "--json").ended().json("plan")
    assert (len(content["blocks"]), content["images"], content["asked_for"]) == (5, 1, 1)


@pytest.mark.parametrize(
    "options", [{"enabled": False}, {"missing": "placeholder"}, {"missing": "error"}]
)
def test_policies_do_not_change_the_plan(bare: Site, options: dict[str, Any]) -> None:
    bare.options |= options
    bare.write({"docs/index.md": fence("A fox", BLOCK)})
    assert states(bare) == {"docs/index.md:1": ["missing"]}
    ((name, value),) = options.items()
    assert genimage(bare, "plan").output.endswith(
        f"As '{name}: {str(value).lower()}' is set, a build makes none of them; "
        "'mkdocs-genimage generate' does.\n"
    )


def test_site_without_blocks(bare: Site) -> None:
    bare.write({"docs/index.md": "# Nothing\n"})
    assert genimage(bare, "plan").ended().output == "0 pictures: none. A build asks for nothing.\n"


# --- Wrong use --------------------------------------------------------------------------------


def test_site_without_the_plugin(bare: Site) -> None:
    bare.options = None
    bare.write({"docs/index.md": "# Nothing\n"})
    assert "has no 'genimage' under 'plugins:'" in genimage(bare, "plan").ended(2).errors


def test_site_that_cannot_be_built(bare: Site) -> None:
    bare.config["hooks"] = ["hook.py"]
    bare.write({"hook.py": "def on_env(*_, **__):\n    raise ValueError('no')\n"})
    bare.write({"docs/index.md": "# Nothing\n"})
    ran = genimage(bare, "plan").ended(2)
    assert "the site cannot be built: ValueError: no. 'mkdocs build' shows where." in ran.errors
    bare.config["hooks"] = ["leaves.py"]
    bare.write({"leaves.py": "def on_env(*_, **__):\n    raise SystemExit(3)\n"})
    ran = genimage(bare, "plan").ended(2)
    assert "the site cannot be built: a plugin or hook ended the build (3)." in ran.errors


def test_wrong_option_of_the_plugin(bare: Site) -> None:
    bare.options["max_cost"] = "much"
    bare.write({"docs/index.md": "# Nothing\n"})
    assert "max_cost" in genimage(bare, "plan").ended(2).errors


def test_as_a_process(bare: Site, child_env: dict[str, str], tmp_path: Path) -> None:
    bare.write({"docs/index.md": fence("A fox", BLOCK)})
    bare.write_config()
    ran = genimage_process(bare.root, "plan", env=child_env).ended()
    assert "missing" in ran.output
    assert ran.errors == ""
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = genimage_process(empty, "plan", env=child_env).ended(2)
    assert "mkdocs.yml" in ran.errors
    ran = genimage_process(bare.root, "pln", env=child_env).ended(2)
    assert "No such command 'pln'" in ran.errors


def test_what_other_plugins_print_does_not_spoil_json(
    bare: Site, child_env: dict[str, str]
) -> None:
    bare.config["hooks"] = ["hook.py"]
    bare.write(
        {
            "hook.py": "import logging\n"
            "def on_env(*_, **__):\n"
            "    print('printed')\n"
            "    logging.getLogger('mkdocs.plugins.other').warning('warned')\n",
            "docs/index.md": fence("A fox", BLOCK),
        }
    )
    bare.write_config()
    ran = genimage_process(bare.root, "plan", "--json", env=child_env).ended()
    ran.json("plan")
    assert "printed" in ran.errors
    assert "WARNING -  warned" in ran.errors


# --- Plan and build agree ---------------------------------------------------------------------

SITES = 200
WORDS = ("fox", "hen", "gnu", "crow")


def random_site(site: Site, random: Random) -> None:
    """Pages with blocks that are new, cached, alike, wrong, variants, edits, or only look like blocks."""
    pages = {}
    for page in range(random.randint(1, 3)):
        parts = []
        for number in range(random.randint(0, 4)):
            prompt = f"A {random.choice(WORDS)}{random.choice(('', ' at night'))}"
            header = random.choice(
                (BLOCK, f"{BLOCK} n=2", f"{BLOCK} n=3 pick=2", "alt=x", "alt=x quality=bad")
            )
            text = fence(prompt, f"{header} #b{number}")
            shape = random.randrange(6)
            if shape == 0:
                text = f"````\n{text}````\n"
            elif shape == 1:
                text = "- item\n\n" + fence(prompt, header, indent="    ")
            elif shape == 2 and number:
                text = fence(f"prompt: Again, {prompt}\nimage: '#b{number - 1}'", "alt=x")
            parts.append(text)
        pages[f"docs/p{page}.md"] = "\n".join(parts) or "# Empty\n"
    for old in site.root.glob("docs/*.md"):
        old.unlink()
    site.write({"docs/index.md": "# Home\n", **pages})


def test_plan_and_build_agree(bare: Site, api: ImagesServer) -> None:
    """What `plan` calls missing is exactly what the build after it asks for."""
    bare.options["defaults"] = {"size": "64x48"}
    for seed in range(SITES):
        random = Random(seed)
        random_site(bare, random)
        content = genimage(bare, "plan", "--json").ended().json("plan")
        images = [image for block in content["blocks"] for image in block["images"]]
        seen = {image["name"] for image in images if image["asked_for"]}
        assert len(seen) == content["asked_for"], seed
        before = set(bare.cached(".png"))
        calls = len(api.posts)
        with recorded(logging.WARNING):
            bare._build({}, "build", dirty=False, settings={"site_dir": str(bare.root / "site")})
        new = set(bare.cached(".png")) - before
        assert {f"{name}.png" for name in seen} == new, seed
        asked = sum(int(call.fields.get("n", 1)) for call in api.posts[calls:])
        assert asked == content["asked_for"], seed
        if random.random() < 0.5:  # the next site finds a part of what there was
            for name in bare.cached():
                if random.random() < 0.5:
                    (bare.cache / name).unlink(missing_ok=True)
