"""`mkdocs-genimage prune`, and the trash: what is deleted, and all that must never be."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from api_server import Reply, error_body
from cli_runs import genimage, genimage_process
from filelock import FileLock
from sites import Site, behind, fence, tree

from mkdocs_genimage import trash
from mkdocs_genimage.derived import DerivedFiles, Recipe
from mkdocs_genimage.errors import CacheError
from mkdocs_genimage.upkeep.pruning import Pruning, Unused

if TYPE_CHECKING:
    from collections.abc import Callable

    from api_server import ImagesServer

CAT = fence("An orange cat")
DOG = fence("A brown dog")
OLD = fence("An old owl")


@pytest.fixture
def site(site: Site) -> Site:
    site.use_bare_theme()
    return site


def names(found: list[dict[str, Any]]) -> list[str]:
    """The names without the key's digits."""
    return [re.sub(r"-[0-9a-f]{12}", "", one["name"]) for one in found]


def unused(site: Site, *options: str) -> list[str]:
    content = genimage(site, "prune", "--json", *options).ended(0).json("prune")
    assert content["doubts"] == []
    return names(content["unused"])


def kept(site: Site) -> list[tuple[str, str]]:
    """What stays although no page shows it, and why. Nothing else is unused."""
    content = genimage(site, "prune", "--json").ended(0).json("prune")
    assert content["unused"] == []
    return [
        (name, one["reason"])
        for name, one in zip(names(content["kept"]), content["kept"], strict=True)
    ]


def doubts(site: Site, *options: str) -> list[str]:
    """Why nothing can be said. Nothing is deleted then, whatever is asked for."""
    before = tree(site.cache)
    found = genimage(site, "prune", "--json", *options).ended(1).json("prune")
    assert found["unused"] == []
    for action in (["--delete"], ["--purge", "--yes"]):
        ran = genimage(site, "prune", *action, *options).ended(1)
        assert ran.output.endswith("Nothing was deleted.\n")
        for doubt in found["doubts"]:
            assert doubt in ran.output
    assert tree(site.cache) == before
    doubts: list[str] = found["doubts"]
    return doubts


def late(site: Site) -> Callable[..., Pruning]:
    """What `prune` found, as from before a build began."""
    paths = tuple(sorted(site.cache.glob("an-old-owl-*")))
    found = Pruning(site.cache, [Unused(paths[0].stem, paths, 2, "picture")])
    return lambda *_: found


def build_then(site: Site, files: dict[str, str | bytes], *gone: str) -> None:
    """Build a site with three pictures, then change it."""
    site.write({"docs/index.md": f"# Page\n\n{CAT}\n{DOG}\n{OLD}"})
    site.build()
    site.write({"docs/index.md": f"# Page\n\n{CAT}\n{DOG}", **files})
    for name in gone:
        (site.root / name).unlink()


def test_lists_then_moves_then_empties(site: Site, api: ImagesServer) -> None:
    build_then(site, {})
    before = tree(site.cache)
    ran = genimage(site, "prune").ended(0)
    lines = ran.output.splitlines()
    assert lines[0].split() == ["file", "size", "made", "paid", "prompt"]
    assert re.match(
        r"an-old-owl-[0-9a-f]{12}\.png +\d+ kB +\d{4}-\d\d-\d\d +\? +An old owl$", lines[1]
    )
    assert lines[-2].startswith("1 unused picture: ")
    assert "--delete" in lines[-1]
    assert tree(site.cache) == before

    ran = genimage(site, "prune", "--delete").ended(0)
    assert "Moved 2 files to genimage/.trash/" in ran.output
    (batch,) = [path for path in (site.cache / ".trash").iterdir() if path.is_dir()]
    moved = {path.name: path.read_bytes() for path in batch.iterdir()}
    assert moved == {name: data for name, data in before.items() if name.startswith("an-old-owl")}
    assert (site.cache / ".trash" / ".gitignore").read_text() == "*\n"
    after = {name: data for name, data in tree(site.cache).items() if not name.startswith(".trash")}
    assert after == {name: data for name, data in before.items() if name not in moved}

    ran = genimage(site, "prune").ended(0)
    assert ran.output.splitlines()[0] == "Every picture in the cache is used."
    assert "In the trash: 2 files" in ran.output
    # What was moved back is shown again, and nothing is paid for.
    for path in batch.iterdir():
        path.rename(site.cache / path.name)
    calls = len(api.posts)
    site.write({"docs/index.md": f"# Page\n\n{CAT}\n{DOG}\n{OLD}"})
    site.build()
    assert len(api.posts) == calls
    site.write({"docs/index.md": CAT})
    assert unused(site) == ["a-brown-dog", "an-old-owl"]
    content = genimage(site, "prune", "--json", "--delete").ended(0).json("prune")
    assert Path(content["moved_to"]).parent == site.cache / ".trash"
    content = genimage(site, "prune", "--json", "--purge", "--yes").ended(0).json("prune")
    assert content["purged_files"] == 4
    assert not (site.cache / ".trash").exists()
    assert len(site.cached()) == 2
    genimage(site, "check").ended(0)


def test_purge_deletes_for_good_and_asks_first(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    build_then(site, {})
    before = tree(site.cache)
    assert "--yes" in genimage(site, "prune", "--purge", given="y\n").ended(2).errors
    assert tree(site.cache) == before
    monkeypatch.setattr("mkdocs_genimage.cli.prune._can_ask", lambda: True)
    ran = genimage(site, "prune", "--purge", given="n\n").ended(1)
    assert "Delete 2 files for good?" in ran.output
    assert tree(site.cache) == before
    # A build that began while the question stood there.
    (site.cache / ".journal").mkdir(exist_ok=True)
    with FileLock(site.cache / ".journal" / "a-fox-0123456789ab.lock"):
        monkeypatch.setattr("mkdocs_genimage.cli.prune.look", late(site))
        ran = genimage(site, "prune", "--purge", given="y\n").ended(1)
        monkeypatch.undo()
    assert "Nothing was deleted." in ran.output
    assert tree(site.cache).items() >= before.items()
    monkeypatch.setattr("mkdocs_genimage.cli.prune._can_ask", lambda: True)
    ran = genimage(site, "prune", "--purge", given="y\n").ended(0)
    assert "Deleted 2 files: " in ran.output
    assert not list(site.cache.glob("an-old-owl*"))
    assert not (site.cache / ".trash").exists()
    assert "Deleted 0 files" in genimage(site, "prune", "--purge").ended(0).output


def test_a_real_process(site: Site, child_env: dict[str, str]) -> None:
    build_then(site, {})
    site.write_config()
    content = genimage_process(site.root, "prune", "--json", env=child_env).ended(0).json("prune")
    assert names(content["unused"]) == ["an-old-owl"]
    assert content["unused"][0]["prompt"] == "An old owl"
    assert content["unused"][0]["model"] == "gpt-image-2"
    site.write({"docs/index.md": fence("A fox", "quality=best")})
    ran = genimage_process(site.root, "prune", "--delete", env=child_env).ended(1)
    assert "docs/index.md:1: " in ran.output
    assert ran.errors == ""


def test_variants_sources_and_refusals(site: Site, api: ImagesServer) -> None:
    api.reply = lambda call: (
        Reply(status=400, body=error_body("No.", "moderation_blocked"))
        if "refused" in call.fields["prompt"]
        else None
    )
    refused = [fence("A refused elk"), fence("A refused gnu")]
    hero = fence("A hero", "#hero n=3 pick=2")
    hidden = f"<!--\n{hero}\n-->\n\n"  # never shown itself, and another is made from it
    edit = fence("At night", "image=#hero")
    site.write({"docs/index.md": "\n".join([hidden, edit, fence("A pair", "n=3"), *refused])})
    site.build(warns=["refused by the moderation", "refused by the moderation"])
    assert unused(site) == []
    site.write({"docs/index.md": "\n".join([hidden, edit, fence("A pair", "n=2"), refused[0]])})
    content = genimage(site, "prune", "--json").ended(0).json("prune")
    assert [one["kind"] for one in content["unused"]] == ["picture", "refusal"]
    assert [len(one["files"]) for one in content["unused"]] == [2, 1]
    assert names(content["unused"]) == ["a-pair-3", "a-refused-gnu"]
    genimage(site, "prune", "--delete").ended(0)
    assert list(site.cache.glob("a-refused-elk-*.refused.json"))
    assert list(site.cache.glob("a-hero-*-2.png"))
    assert not list(site.cache.glob("a-refused-gnu*"))
    calls = len(api.posts)
    site.build(warns=["refused by the moderation"])
    assert len(api.posts) == calls


def test_foreign_files_are_never_touched(site: Site) -> None:
    build_then(site, {})
    (picture,) = site.cache.glob("an-old-owl*.png")
    foreign: dict[str, str | bytes] = {
        "genimage/README.md": "notes",
        "genimage/photo.png": b"mine",
        "genimage/Photo-0123456789ab.png": b"mine",
        "genimage/photo--x-0123456789ab.png": b"mine",
        "genimage/photo-0123456789ab-1.png": b"mine",
        "genimage/photo-0123456789ab-02.png": b"mine",
        "genimage/photo-0123456789ab.tiff": b"mine",
        "genimage/photo-0123456789ab.png/inner.txt": b"mine",
        "genimage/sub/photo-0123456789ab.png": b"mine",
        "genimage/.hidden-0123456789ab.png": b"mine",
    }
    site.write(foreign)
    # By its name the plugin's own: an image whose sidecar was lost.
    site.write({"genimage/lost-0123456789ab.png": picture.read_bytes()})
    site.write({"genimage/left-0123456789ab.json": b"{"})
    content = genimage(site, "prune", "--json").ended(0).json("prune")
    assert names(content["unused"]) == ["an-old-owl", "left", "lost"]
    assert [one["kind"] for one in content["unused"]] == ["picture", "remains", "picture"]
    genimage(site, "prune", "--purge", "--yes").ended(0)
    for name, data in foreign.items():
        assert (site.root / name).read_bytes() == (
            data if isinstance(data, bytes) else data.encode()
        )
    left = {path.name for path in site.cache.iterdir() if path.name.endswith(("png", "json"))}
    assert {name.rpartition("-")[0] for name in left if name.startswith(("an-", "a-"))} == {
        "an-orange-cat",
        "a-brown-dog",
    }


def test_used_pictures_by_other_names(site: Site) -> None:
    build_then(site, {})
    (cat,) = site.cache.glob("an-orange-cat-*.png")
    cat.with_suffix(".json").unlink()  # its sidecar was lost: it is used all the same
    for path in site.cache.glob("a-brown-dog-*"):  # from before its style was changed
        path.rename(path.with_name(path.name.replace("a-brown-dog", "dog-drawn")))
    (owl,) = site.cache.glob("an-old-owl-*.json")
    owl.write_text(owl.read_text().replace('"key_version": 1', '"key_version": 2'))
    assert kept(site) == [("an-old-owl", "it was written by another version of mkdocs-genimage.")]
    owl.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    assert "Git LFS" in kept(site)[0][1]


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        (fence("A fox", "quality=best"), "docs/index.md:3: "),
        ("```gen-image\nA fox\n```\n", "docs/index.md:3: This is not a genimage block."),
        ("```genimage\nA fox\n", "docs/index.md:3: This genimage block is not closed."),
        (fence("A fox", "image=#nobody"), "docs/index.md:3: 'image'"),
    ],
    ids=["option", "name", "open", "source"],
)
def test_a_bad_block_keeps_all(site: Site, text: str, doubt: str) -> None:
    build_then(site, {})
    site.write({"docs/index.md": f"# Page\n\n{text}"})
    (found,) = doubts(site)
    assert found.startswith(doubt)


def test_bad_front_matter_and_homeless_blocks_keep_all(site: Site) -> None:
    build_then(site, {"docs/two.md": f"---\ngenimage: [x]\n---\n{OLD}"})
    assert any("front matter" in doubt for doubt in doubts(site))
    site.config["hooks"] = ["hooks.py"]
    site.write(
        {
            "docs/two.md": "# Two\n",
            "hooks.py": "import markdown\n"
            "def on_files(files, config):\n"
            "    ext = [e for e in config.markdown_extensions if not isinstance(e, str)]\n"
            "    markdown.markdown('```genimage\\nAn old owl\\n```', extensions=ext)\n",
        }
    )
    (found,) = doubts(site)
    assert "outside of any page" in found


def test_a_site_that_cannot_be_built_keeps_all(site: Site) -> None:
    build_then(site, {"docs/two.md": b"# Caf\xe9\n"})
    before = tree(site.cache)
    for options in ([], ["--delete"], ["--purge", "--yes"]):
        assert "two.md" in genimage(site, "prune", *options).ended(2).errors
    assert tree(site.cache) == before


def test_a_build_at_work_keeps_all(site: Site) -> None:
    build_then(site, {})
    journal = site.cache / ".journal"
    journal.mkdir(exist_ok=True)
    (journal / "left-by-a-dead-process.lock").write_bytes(b"")
    assert unused(site) == ["an-old-owl"]
    with FileLock(journal / "a-fox-0123456789ab.lock"):
        (found,) = doubts(site)
    assert "a-fox-0123456789ab" in found
    assert unused(site) == ["an-old-owl"]


def test_a_picture_made_meanwhile_is_not_looked_at(site: Site) -> None:
    build_then(
        site,
        {
            "hooks.py": "import pathlib\n"
            "def on_post_build(config):\n"
            "    here = pathlib.Path(config.config_file_path).parent / 'genimage'\n"
            "    (here / 'new-0123456789ab.png').write_bytes(b'x')\n"
        },
    )
    site.config["hooks"] = ["hooks.py"]
    assert unused(site) == ["an-old-owl"]
    assert (site.cache / "new-0123456789ab.png").exists()
    assert unused(site) == ["an-old-owl", "new"]


HIDDEN = {
    "draft": ({"draft_docs": "drafts/"}, "docs/drafts/old.md", 3),
    "excluded": ({"exclude_docs": "old.md"}, "docs/old.md", 3),
    "dot": ({}, "docs/.old/old.md", 3),
    "snippet": (
        {"markdown_extensions": [{"pymdownx.snippets": {"base_path": "parts"}}]},
        "parts/old.md",
        3,
    ),
    "watched": ({"watch": ["parts"]}, "parts/deep/old.md", 3),
}


@pytest.mark.parametrize("how", HIDDEN)
def test_pages_that_are_not_shown_keep_their_pictures(
    site: Site, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, name, line = HIDDEN[how]
    monkeypatch.chdir(tree_root(site))
    site.config |= config
    site.write({name: f"# Old\n\n{OLD}\n{fence('A pair', 'n=2')}"})
    build_then(site, {})
    assert kept(site) == [
        ("an-old-owl", f"{name}:{line} has its block, which the site does not show.")
    ]
    ran = genimage(site, "prune", "--delete").ended(0)
    assert f"kept: an-old-owl-{digits(site)}: {name}:3 has its block" in ran.output
    assert "No other file is unused." in ran.output


def tree_root(site: Site) -> Path:
    (site.root / "parts").mkdir(parents=True, exist_ok=True)
    return site.root


def digits(site: Site) -> str:
    (path,) = site.cache.glob("an-old-owl-*.png")
    return path.stem[-12:]


def test_hidden_pages_are_read_as_their_pages_would_be(site: Site) -> None:
    site.options = {**(site.options or {}), "styles": {"ink": "{prompt}, in ink"}}
    site.config["exclude_docs"] = "old/"
    text = (
        "---\r\ngenimage: {style: ink}\r\n---\r\n"
        + behind("> ", OLD, "\r\n")
        + "\r\n"
        + fence("A hero", "#hero").replace("\n", "\r\n")
        + fence("At night", "image=#hero").replace("\n", "\r\n")
    )
    site.write({"docs/old.md": text, "docs/index.md": CAT})
    site.build()
    site.write({"docs/index.md": CAT})
    (site.root / "docs/old.md").unlink()
    assert unused(site) == ["a-hero", "an-old-owl", "at-night"]
    site.write({"docs/old/old.md": "\N{BYTE ORDER MARK}" + text})
    assert [name for name, _ in kept(site)] == ["a-hero", "an-old-owl", "at-night"]
    # A block that needs its page to be whole: all that begins like it stays.
    site.write({"docs/old/old.md": fence("At night", "image=#hero")})
    content = genimage(site, "prune", "--json").ended(0).json("prune")
    assert names(content["unused"]) == ["a-hero", "an-old-owl"]
    assert "docs/old/old.md:1" in content["kept"][0]["reason"]
    # What cannot be read at all may be anything.
    site.write({"docs/old/old.md": "Text\n\n" + fence("prompt: An old owl\nsise: big")})
    assert doubts(site)[0].startswith("docs/old/old.md:5: ")
    site.write({"docs/old/old.md": b"Caf\xe9\n\n" + OLD.encode()})
    assert "not UTF-8" in doubts(site)[0]
    # A template, which some page fills in; and an example on a page that is shown.
    site.write(
        {
            "docs/old/old.md": fence("prompt: An owl\nsise: {{ x }}"),
            "docs/index.md": CAT + "\n\n" + behind("    ", fence("A fox", "quality=best")),
        }
    )
    assert unused(site) == ["a-hero", "an-old-owl", "at-night"]


def test_a_file_that_a_text_names_stays(site: Site) -> None:
    build_then(site, {})
    (owl,) = site.cache.glob("an-old-owl-*.png")
    site.write({"README.md": f"![](genimage/{owl.name})\n"})
    assert kept(site) == [("an-old-owl", "README.md names its file.")]
    (site.root / "README.md").unlink()
    site.write(
        {"docs/index.md": f"{CAT}\n{DOG}\n" + fence("At dawn", f"image=../genimage/{owl.name}")}
    )
    assert [name for name, _ in kept(site)] == ["an-old-owl"]


@pytest.mark.parametrize("change", [{"provider": "placeholder"}, {"enabled": False}])
def test_sites_that_show_placeholders_lose_nothing(site: Site, change: dict[str, Any]) -> None:
    site.write({"docs/index.md": fence("A hero", "#hero n=2") + fence("At night", "image=#hero")})
    site.build()
    site.options = {**(site.options or {}), **change}
    assert unused(site) == []


def test_after_a_dirty_build_all_pages_count(site: Site) -> None:
    site.write({"docs/index.md": CAT, "docs/two.md": DOG})
    site.build()
    later = (site.root / "docs/two.md").stat().st_mtime + 100
    os.utime(site.root / "docs/two.md", (later, later))
    dirty = site.build(dirty=True, warns=["dirty"])
    assert dirty.summary.startswith("1 image: 1 from the cache")  # it saw one page of two
    assert unused(site) == []
    genimage(site, "prune", "--delete").ended(0)
    assert not (site.cache / ".trash").exists()
    assert len(site.cached(".png")) == 2


def test_macros_and_translations_count(site: Site) -> None:
    site.config["hooks"] = ["hooks.py"]
    site.write(
        {
            "docs/index.md": fence("A {{ animal }}"),
            "docs/zh.md": "# 中文\n\n" + fence("雨中的橘猫"),
            "hooks.py": "def on_page_markdown(markdown, **_):\n"
            "    return markdown.replace('{{ animal }}', 'heron')\n",
        }
    )
    site.build()
    assert unused(site) == []
    del site.config["hooks"]
    site.write({"docs/zh.md": "# 中文\n"})
    content = genimage(site, "prune", "--json").ended(0).json("prune")
    assert names(content["unused"]) == ["a-heron", "image"]
    assert [one["prompt"] for one in content["unused"]] == ["A heron", "雨中的橘猫"]


def test_static_i18n(site: Site) -> None:
    pytest.importorskip("mkdocs_static_i18n")
    languages = [
        {"locale": "en", "name": "English", "default": True, "build": True},
        {"locale": "fr", "name": "Français", "build": True},
    ]
    site.before = [{"i18n": {"docs_structure": "suffix", "languages": languages}}]
    site.config["theme"] = "mkdocs"
    site.write({"docs/index.md": CAT, "docs/index.fr.md": DOG, "docs/two.md": OLD})
    site.build()
    assert unused(site) == []
    languages[1]["build"] = False
    assert [name for name, _ in kept(site)] == ["a-brown-dog"]
    (site.root / "docs/index.fr.md").unlink()
    assert unused(site) == ["a-brown-dog"]


def test_other_sites_with_the_same_cache(site: Site) -> None:
    build_then(site, {"fr/index.md": OLD})
    inherited = "INHERIT: mkdocs.yml\ndocs_dir: fr\nsite_dir: site-fr\n"
    site.write({"mkdocs.fr.yml": inherited, "compose.yml": "services: {genimage: {}}\n"})
    (found,) = doubts(site)
    other = str(site.root / "mkdocs.fr.yml")
    assert f"--also {other}" in found
    assert unused(site, "--also", other) == []
    site.write({"fr/index.md": "# Rien\n"})
    assert unused(site, "--also", other) == ["an-old-owl"]
    site.write({"fr/index.md": fence("A fox", "quality=best")})
    assert doubts(site, "--also", other)[0].startswith("fr/index.md:1: ")
    site.write({"fr/index.md": "# Rien\n"})
    own = "site_name: Other\ndocs_dir: fr\nplugins: [genimage: {cache_dir: %s}]\n"
    for folder, is_ours in [("elsewhere", False), ("./genimage/", True), ("!ENV [X, y]", True)]:
        site.write({"mkdocs.fr.yml": own % folder})
        content = genimage(site, "prune", "--json").json("prune")
        assert bool(content["doubts"]) is is_ours
        assert unused(site, "--also", other) == ["an-old-owl"]
    Path(other).unlink()
    site.write({"fr/mkdocs.yml": own % "genimage"})
    assert unused(site) == ["an-old-owl"]
    site.write({"fr/mkdocs.yml": own % "'../genimage'"})
    (found,) = doubts(site)
    assert f"--also {site.root / 'fr' / 'mkdocs.yml'}" in found


def test_earlier_pictures_of_changed_blocks_are_pointed_out(site: Site) -> None:
    site.write({"docs/index.md": f"{CAT}\n{DOG}"})
    site.build()
    site.options = {**(site.options or {}), "defaults": {"style": "ink"}}
    site.options["styles"] = {"ink": "Ink drawing. {prompt} On paper."}
    ran = genimage(site, "prune").ended(0)
    assert "2 of them: earlier pictures, it seems, of blocks that have none now" in ran.output
    assert "docs/index.md:5, docs/index.md:1" in ran.output
    assert "undo it first" in ran.output
    site.build()
    assert "undo" not in genimage(site, "prune").ended(0).output
    site.options["styles"] = {"ink": "Drawing in ink. {prompt}"}
    found = genimage(site, "prune", "--json").ended(0).json("prune")["unused"]
    assert found[0]["prompt"] == "A brown dog"
    assert "A brown dog On paper." in genimage(site, "prune").ended(0).output


def test_wrong_usage(site: Site, tmp_path: Path) -> None:
    site.write({"docs/index.md": CAT})
    for options in (["--delete", "--purge"], ["--keep"], ["--also", "nowhere.yml"], ["--purge"]):
        assert "Error" in genimage(site, "prune", *options).ended(2).errors
    assert unused(site) == []  # no cache as yet
    assert not site.cache.exists()
    genimage(site, "prune", "--purge", "--yes").ended(0)
    assert not site.cache.exists()
    site.options = None
    assert "plugins" in genimage(site, "prune").ended(2).errors


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="needs folders that refuse to be written"
)
def test_a_folder_that_cannot_be_written(site: Site) -> None:
    build_then(site, {})
    site.cache.chmod(0o555)
    try:
        assert "cannot be moved" in genimage(site, "prune", "--delete").ended(1).errors
    finally:
        site.cache.chmod(0o755)


# Smaller files


def make_smaller(site: Site, *widths: int) -> dict[str, Path]:
    """Make smaller files of all pictures in the cache, as a build does; the picture's name to the first."""
    files = DerivedFiles(site.cache)
    made = {}
    for path in sorted(site.cache.glob("*.png")):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        paths = [files.want(path, sha256, Recipe(width, "webp", "")) for width in widths]
        made[path.stem.rpartition("-")[0]] = paths[0]
    assert files.finish() == {}
    return made


def test_smaller_files_go_with_their_pictures(site: Site) -> None:
    build_then(site, {})
    made = make_smaller(site, 16, 8)
    assert len(made) == 3
    own = site.cache / ".derived"
    foreign = {".gitignore", "notes.txt", "0" * 24 + "-v99-16w.webp"}
    for name in foreign - {".gitignore"}:
        (own / name).write_text("mine")
    earlier = own / made["an-orange-cat"].name.replace("-v1-", "-v0-")
    earlier.write_text("old")
    before = tree(site.cache)
    spare = [earlier, *own.glob(f"{made['an-old-owl'].name[:24]}-*")]
    size = sum(path.stat().st_size for path in spare)
    ran = genimage(site, "prune").ended(0)
    lines = ran.output.splitlines()
    assert lines[-4].startswith("1 unused picture: ")
    assert lines[-3] == f"3 smaller files that no picture needs any more: {size} B."
    assert lines[-1] == "Both delete the smaller files: a build makes those again that it needs."
    content = genimage(site, "prune", "--json").ended(0).json("prune")
    assert (content["smaller_files"], content["smaller_bytes"]) == (3, size)
    assert content["smaller_deleted"] == 0
    assert tree(site.cache) == before

    ran = genimage(site, "prune", "--delete").ended(0)
    assert "Moved 2 files to genimage/.trash/" in ran.output
    assert ran.output.splitlines()[-1] == f"Deleted 3 smaller files: {size} B."
    left = {path.name for path in own.iterdir()}
    kept = [made["an-orange-cat"], made["a-brown-dog"]]
    assert left == foreign | {
        path.name for one in kept for path in own.glob(f"{one.name[:24]}-v1*")
    }
    assert len(left) == len(foreign) + 4
    assert genimage(site, "prune").ended(0).output.startswith("Every picture in the cache is used.")

    # A picture that was deleted by hand: nothing else is to be done then.
    (dog,) = site.cache.glob("a-brown-dog-*.png")
    dog.unlink()
    ran = genimage(site, "prune").ended(0)
    assert ran.output.splitlines()[-3].startswith(
        "2 smaller files that no picture needs any more: "
    )
    assert ran.output.splitlines()[-2].startswith("'prune --delete' deletes them: ")
    content = genimage(site, "prune", "--json", "--delete").ended(0).json("prune")
    assert (content["smaller_files"], content["smaller_deleted"]) == (2, 2)
    assert content["smaller_bytes"] > 0
    assert content["moved_to"] is None
    assert len(list(own.iterdir())) == len(foreign) + 2


def test_smaller_files_of_pictures_that_stay(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    build_then(site, {"README.md": "an-old-owl"})
    make_smaller(site, 16)
    (owl,) = site.cache.glob("an-old-owl-*.png")
    site.write({"README.md": f"![](genimage/{owl.name})\n"})  # unused, and kept
    owl.with_suffix(".json").unlink()  # it was lost
    assert genimage(site, "prune", "--json").ended(0).json("prune")["smaller_files"] == 0
    # Of a picture that cannot be read nobody knows which they are.
    (dog,) = site.cache.glob("a-brown-dog-*.png")
    dog.unlink()
    assert genimage(site, "prune", "--json").ended(0).json("prune")["smaller_files"] == 1

    def fail(file: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mkdocs_genimage.upkeep.pruning.sha256_of", fail)
    assert genimage(site, "prune", "--json").ended(0).json("prune")["smaller_files"] == 0


def test_doubts_keep_smaller_files(site: Site) -> None:
    build_then(site, {})
    make_smaller(site, 16)
    site.write({"docs/index.md": f"# Page\n\n{fence('A fox', 'quality=best')}"})
    assert doubts(site)
    assert len(list((site.cache / ".derived").glob("*.webp"))) == 3


def test_smaller_files_made_meanwhile_are_not_looked_at(site: Site) -> None:
    name = "0" * 24 + "-v1-16w.webp"
    build_then(
        site,
        {
            "hooks.py": "import pathlib\n"
            "def on_post_build(config):\n"
            "    here = pathlib.Path(config.config_file_path).parent / 'genimage/.derived'\n"
            f"    (here / {name!r}).write_bytes(b'x')\n"
        },
    )
    make_smaller(site, 16)
    site.config["hooks"] = ["hooks.py"]
    genimage(site, "prune", "--delete").ended(0)
    assert (site.cache / ".derived" / name).exists()
    assert genimage(site, "prune", "--json").ended(0).json("prune")["smaller_files"] == 1


def test_purge_deletes_smaller_files_without_a_question(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_then(site, {})
    make_smaller(site, 16)
    monkeypatch.setattr("mkdocs_genimage.cli.prune._can_ask", lambda: True)
    ran = genimage(site, "prune", "--purge", given="n\n").ended(1)
    assert "Delete 2 files for good?" in ran.output
    assert len(list((site.cache / ".derived").glob("*.webp"))) == 3
    genimage(site, "prune", "--purge", given="y\n").ended(0)
    assert len(list((site.cache / ".derived").glob("*.webp"))) == 2
    (dog,) = site.cache.glob("a-brown-dog-*.png")
    dog.unlink()
    ran = genimage(site, "prune", "--purge").ended(0)
    assert ran.output.splitlines()[-1].startswith("Deleted 1 smaller file: ")


# The trash itself


def cache_of(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(name)
    return [folder / name for name in names]


def test_retire_never_overwrites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    first = trash.retire(cache, cache_of(cache, "a.png", "a.json"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ", first.name)

    class Frozen(trash.datetime):  # type: ignore[name-defined,misc]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return trash.datetime(2026, 1, 2, 3, 4, 5, tzinfo=tz)

    monkeypatch.setattr(trash, "datetime", Frozen)
    folders = [trash.retire(cache, cache_of(cache, "a.png")) for _ in range(3)]
    assert [folder.name for folder in folders] == [
        "2026-01-02T03-04-05Z",
        "2026-01-02T03-04-05Z-2",
        "2026-01-02T03-04-05Z-3",
    ]
    assert trash.content(cache) == trash.Removed(5, 4 * 5 + 6)
    assert trash.purge(cache) == trash.Removed(5, 4 * 5 + 6)
    assert trash.purge(cache) == trash.Removed()
    assert list(cache.iterdir()) == []


def test_retire_moves_sidecars_first_and_passes_over_what_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    paths = cache_of(cache, "a.png", "a.json", "b.png", "b.json")
    paths[2].unlink()
    order = []
    rename = Path.rename

    def note(self: Path, target: Path) -> Path:
        order.append(self.name)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", note)
    batch = trash.retire(cache, [*paths, paths[0]])
    assert order == ["a.json", "b.json", "a.png", "b.png"]
    assert sorted(path.name for path in batch.iterdir()) == ["a.json", "a.png", "b.json"]
    assert not trash.retire(cache, paths).exists()
    assert not trash.retire(cache, []).exists()


def test_a_move_that_fails_says_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    paths = cache_of(cache, "a.png", "b.png")

    def fail(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(CacheError, match=r"a\.png cannot be moved .*Permission denied"):
        trash.retire(cache, paths)
    assert all(path.exists() for path in paths)
    assert [path.name for path in (cache / ".trash").iterdir()] == [".gitignore"]


def test_only_files_of_the_cache_are_taken(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache_of(cache, "a.png", ".hidden")
    (outside,) = cache_of(tmp_path, "b.png")
    (cache / "folder.png").mkdir()
    for path in (outside, cache / ".hidden", cache / "folder.png", cache / "sub" / "c.png"):
        for function in (trash.retire, trash.delete):
            with pytest.raises(ValueError, match="no file of"):
                function(cache, [cache / "a.png", path])
    assert (cache / "a.png").exists()
    assert outside.exists()
    assert not (cache / ".trash").exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    cache, other = tmp_path / "cache", tmp_path / "other"
    (mine,) = cache_of(other, "mine.png")
    cache_of(cache)
    try:
        (cache / "a.png").symlink_to(mine)
        (cache / ".trash").symlink_to(other, target_is_directory=True)
    except OSError:
        pytest.skip("no links here")
    with pytest.raises(CacheError, match="is a link"):
        trash.purge(cache)
    assert trash.content(cache) == trash.Removed()
    (cache / ".trash").unlink()
    assert trash.delete(cache, [cache / "a.png"]).files == 1
    (cache / "b.png").symlink_to(mine)
    batch = trash.retire(cache, [cache / "b.png"])
    (batch / "folder").symlink_to(other, target_is_directory=True)
    trash.purge(cache)
    assert mine.read_text() == "mine.png"
