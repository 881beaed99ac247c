"""`mkdocs-genimage check`: what it finds, how it reports that, and how it ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from api_server import Reply, error_body
from cli_runs import genimage, genimage_process
from sites import LFS_POINTER, Site, behind, fence, tree

from mkdocs_genimage.cli.check import _data, _property, _xml

if TYPE_CHECKING:
    from pathlib import Path

    from api_server import ImagesServer

CAT = fence("An orange cat", 'alt="A cat"')
DOG = fence("A dog: 100%, brown\nin the rain", 'alt="A dog"')
NO_FOLDER = (
    "There is no folder genimage/ at all. Run 'mkdocs-genimage generate' and commit the folder, or see why "
    "it did not get here."
)


@pytest.fixture
def site(site: Site) -> Site:
    site.use_bare_theme()
    return site


def findings(site: Site, *options: str, status: int = 1) -> list[tuple[str, str, str]]:
    """Kind, place and message of all."""
    content = genimage(site, "check", "--json", *options).ended(status).json("check")
    assert content["ok"] is (status == 0)
    assert sum(content["counts"].values()) == len(content["findings"])
    return [(one["kind"], one["place"], one["message"]) for one in content["findings"]]


def kinds(site: Site, *options: str) -> list[str]:
    """`bad docs/index.md:3` for each finding."""
    found = genimage(site, "check", "--json", *options).json("check")["findings"]
    return [f"{one['kind']} {one['place']}" for one in found]


def image(site: Site, beginning: str) -> Path:
    (path,) = site.cache.glob(f"{beginning}-????????????.png")
    return path


def test_a_sound_site_needs_no_key_no_network_and_no_pillow(
    site: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    site.write({"docs/index.md": f"# Page\n\n{CAT}\n{DOG}"})
    site.build()
    before, calls = tree(site.root), len(api.calls)
    site.options = {"base_url": "https://images.invalid/v1", "model": "another"}
    site.write_config()
    code = (
        "import sys\nfrom mkdocs_genimage.cli import main\n"
        "try:\n    main(['check'])\nfinally:\n"
        "    print([n for n in ('PIL', 'openai', 'httpx', 'rich') if n in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=site.root, env=child_env, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == "All is well: 2 pictures in 2 blocks.\n"
    assert done.stderr.decode().splitlines() == ["[]"]
    assert len(api.calls) == calls
    after = tree(site.root)
    assert {n: after[n] for n in after if n != "mkdocs.yml"} == {
        n: before[n] for n in before if n != "mkdocs.yml"
    }


def test_a_real_process_piped(site: Site, child_env: dict[str, str]) -> None:
    site.write({"docs/index.md": f"# Page\n\n{CAT}"})
    site.write_config()
    ran = genimage_process(site.root, "check", env=child_env).ended(1)
    assert ran.output.splitlines() == [
        f'docs/index.md:3: missing: there is no picture of "An orange cat". {NO_FOLDER}',
        "1 finding: 1 missing. The site has 1 picture in 1 block.",
    ]
    assert ran.errors == ""


def test_each_kind_with_its_place_and_cure(site: Site, api: ImagesServer) -> None:
    names = ["whole", "gone", "cut", "lfs", "edited", "newer"]
    api.reply = lambda call: (
        Reply(status=400, body=error_body("No.", "moderation_blocked"))
        if "refused" in call.fields["prompt"]
        else None
    )
    blocks = {name: fence(f"{name} picture", "alt=A") for name in [*names, "refused"]}
    site.write({"docs/index.md": "\n".join(blocks.values())})
    site.build(warns=["refused by the moderation"])
    for path in site.cache.glob("gone-picture-*"):
        path.unlink()
    cut = image(site, "cut-picture")
    cut.write_bytes(cut.read_bytes()[:-1])
    image(site, "lfs-picture").write_bytes(LFS_POINTER)
    edited = image(site, "edited-picture")
    edited.write_bytes(edited.read_bytes()[:-1] + b"?")
    newer = image(site, "newer-picture").with_suffix(".json")
    newer.write_text(newer.read_text().replace('"version": 1', '"version": 99'))
    bad = fence("prompt: A fox\nsise: 1024x1024") + "\n" + fence("A fox", "quality=best")
    site.write(
        {"docs/index.md": "\n".join(blocks.values()) + "\n" + bad + "\n```gen-image\nA\n```\n"}
    )
    found = findings(site)
    assert [f"{kind} {place}" for kind, place, _ in found] == [
        "missing docs/index.md:5",
        "damaged docs/index.md:9",
        "elsewhere docs/index.md:13",
        "damaged docs/index.md:17",
        "elsewhere docs/index.md:21",
        "refused docs/index.md:25",
        "bad docs/index.md:31",  # the line of the option
        "bad docs/index.md:34",
        "bad docs/index.md:38",
    ]
    cures = [
        "generate",
        "Restore",
        "git lfs pull",
        "Restore",
        "update",
        "delete",
        "size",
        "Allowed",
    ]
    for (_, _, message), cure in zip(found, [*cures, "genimage"], strict=True):
        assert cure in message


def test_variants_are_told_together(site: Site) -> None:
    site.write({"docs/index.md": fence("A cat", "n=3 alt=A")})
    site.build()
    for path in site.cache.glob("a-cat-*-[23].*"):
        path.unlink()
    site.write({"docs/again.md": "Text\n\n" + fence("A cat", "n=3 alt=A pick=3")})
    both = "variants 2, 3 of 3: there is no picture of"
    found = findings(site)
    assert [(place, message[: len(both)]) for _, place, message in found] == [
        ("docs/index.md:1", both),
        ("docs/again.md:3", both),
    ]


def test_alt(site: Site) -> None:
    texts = [
        fence("No alt"),
        fence("A", "alt=B"),
        fence("B", "decorative=true"),
        fence("C", 'caption="Say"'),
        fence("prompt: By the prompt alone\ncaption: '<b></b>'"),
        fence("Say the same", "caption='*Say* the same.'"),
    ]
    site.write({"docs/index.md": "\n".join(texts)})
    site.build()
    genimage(site, "check").ended(0)
    assert kinds(site, "--alt") == [f"alt docs/index.md:{line}" for line in (1, 13, 17)]
    assert "decorative: true" in findings(site, "--alt")[0][2]


def test_stale(site: Site) -> None:
    site.write({"docs/index.md": CAT})
    site.build()
    site.options = {**(site.options or {}), "model": "another-model"}
    genimage(site, "check").ended(0)
    ((kind, place, message),) = findings(site, "--stale")
    assert (kind, place) == ("stale", "docs/index.md:1")
    assert "gpt-image-2 at 127.0.0.1" in message
    assert "generate --stale" in message


def test_unused(site: Site) -> None:
    site.write({"docs/index.md": f"{CAT}\n{DOG}"})
    site.build()
    site.write({"docs/index.md": CAT})
    genimage(site, "check").ended(0)
    ((kind, place, message),) = findings(site, "--unused")
    assert kind == "unused"
    assert place == f"genimage/{image(site, 'a-dog-100-brown-in-the-rain').name}"
    assert "no page uses" in message
    assert "prune" in message
    # What keeps `prune` from telling is a finding, once.
    site.write({"docs/index.md": CAT + "\n" + fence("A fox", "quality=best")})
    assert kinds(site, "--unused") == ["bad docs/index.md:5"]
    site.write({"docs/index.md": CAT, "mkdocs.fr.yml": "INHERIT: mkdocs.yml\n"})
    ((kind, _, message),) = findings(site, "--unused")
    assert kind == "unused"
    assert "another site with the same cache" in message
    other = str(site.root / "mkdocs.fr.yml")
    ((kind, place, _),) = findings(site, "--unused", "--also", other)
    assert (kind, place[:14]) == ("unused", "genimage/a-dog")


def test_blocks_in_all_sorts_of_places(site: Site) -> None:
    site.config["markdown_extensions"] = [{"pymdownx.snippets": {"base_path": [str(site.root)]}}]
    crlf = "# R\r\n\r\n" + DOG.replace("\n", "\r\n")
    site.write(
        {
            "docs/index.md": "---\ntitle: T\n---\n\n1.  One\n\n"
            + behind("    ", CAT)
            + "\n> Quote\n>\n"
            + behind("> ", fence("A {{ animal }}", "alt=H")),
            "docs/crlf.md": crlf,
            "docs/snip.md": '# S\n\n--8<-- "parts/fox.md"\n',
            "docs/zh.md": "# 中文\n\n" + fence("雨中的橘猫", "alt=猫") + "\n" + fence("雨中的橘猫"),
            "parts/fox.md": fence("A fox", "alt=F"),
            "hooks.py": "def on_page_markdown(markdown, **_):\n"
            "    return markdown.replace('{{ animal }}', 'heron')\n",
        }
    )
    site.config["hooks"] = ["hooks.py"]
    found = genimage(site, "check", "--json").ended(1).json("check")["findings"]
    assert {(one["place"], one["line"]) for one in found} == {
        ("docs/index.md:7", 7),
        ("docs/index.md:13", 13),
        ("docs/crlf.md:3", 3),
        ("docs/snip.md (from a snippet)", None),
        ("docs/zh.md:3", 3),
        ("docs/zh.md:7", 7),
    }
    assert any("heron" in one["message"] for one in found)
    assert any("雨中的橘猫" in one["message"] for one in found)
    site.build()
    genimage(site, "check").ended(0)


def test_front_matter_and_blocks_outside_of_pages(site: Site) -> None:
    site.write(
        {
            "docs/index.md": f"---\ngenimage:\n  size: huge\n---\n\n{CAT}",
            "hooks.py": "import markdown\n"
            "def on_post_build(config):\n"
            "    ext = [e for e in config.markdown_extensions if not isinstance(e, str)]\n"
            "    markdown.markdown('```genimage\\nA fox\\n```', extensions=ext)\n",
        }
    )
    found = findings(site)
    assert [(kind, place) for kind, place, _ in found] == [
        ("bad", "docs/index.md:6"),
        ("bad", "docs/index.md:2"),
    ]
    assert "front matter" in found[0][2]
    assert "'size'" in found[1][2] or "huge" in found[1][2]


def test_homeless_block(site: Site) -> None:
    site.write(
        {
            "docs/index.md": "# Page\n",
            "hooks.py": "import markdown\n"
            "def on_files(files, config):\n"
            "    ext = [e for e in config.markdown_extensions if not isinstance(e, str)]\n"
            "    markdown.markdown('```genimage\\nA fox\\n```', extensions=ext)\n",
        }
    )
    site.config["hooks"] = ["hooks.py"]
    ((kind, place, message),) = findings(site)
    assert (kind, place) == ("bad", "")
    assert "outside of any page" in message
    cases = ET.fromstring(genimage(site, "check", "--format", "junit").output).iter("testcase")
    assert [case.find("failure") is not None for case in cases] == [True]


def test_warnings_of_others_are_no_findings(site: Site) -> None:
    site.config["hooks"] = ["hooks.py"]
    site.write(
        {
            "docs/index.md": "# Page\n\n[broken](nowhere.md)\n",
            "hooks.py": "import logging\n"
            "def on_pre_build(config):\n"
            "    logging.getLogger('mkdocs.plugins.other').warning('docs/index.md:3: a genimage of mine')\n",
        }
    )
    ran = genimage(site, "check").ended(0)
    assert ran.output == "All is well: the site has no blocks.\n"
    assert "a genimage of mine" in ran.errors


@pytest.mark.parametrize("change", [{"provider": "placeholder"}, {"enabled": False}])
def test_pictures_count_where_placeholders_are_shown(site: Site, change: dict[str, Any]) -> None:
    site.write({"docs/index.md": CAT})
    site.build()
    options = site.options
    site.options = {**(options or {}), **change}
    genimage(site, "check").ended(0)
    image(site, "an-orange-cat").unlink()
    assert kinds(site) == ["damaged docs/index.md:1"]


def test_a_provider_that_makes_nothing_is_told(site: Site) -> None:
    site.write({"docs/index.md": CAT})
    site.options = {**(site.options or {}), "provider": "placeholder"}
    ran = genimage(site, "check").ended(1)
    assert "'provider: placeholder' makes nothing that is kept." in ran.output
    assert "mkdocs-genimage generate" not in ran.output


def test_github_annotations(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    site.config_name = "manual/mkdocs.yml"
    site.config["theme"]["custom_dir"] = "../theme"
    name = "docs/a,b%.md"
    site.write({f"manual/{name}": f"# Page\n\n{DOG}", "manual/docs/index.md": "# Home\n"})
    monkeypatch.chdir(site.root)
    lines = genimage(site, "check", "--format", "github").ended(1).output.splitlines()
    command = re.compile(r"::error (?P<properties>[^:]*)::(?P<message>.*)")
    match = command.fullmatch(lines[0])
    assert match
    assert match["properties"] == ("file=manual/docs/a%2Cb%25.md,line=3,title=genimage%3A missing")
    assert '"A dog: 100%25, brown in the rain"' in match["message"]
    assert not lines[1].startswith("::")
    # A step with a working directory of its own: GitHub counts from the workspace all the same.
    monkeypatch.chdir(site.root / "manual")
    assert "::error file=docs/a" in genimage(site, "check", "--format", "github").output
    monkeypatch.setenv("GITHUB_WORKSPACE", str(site.root))
    assert "::error file=manual/docs/a" in genimage(site, "check", "--format", "github").output


def test_escapes_of_workflow_commands_and_xml() -> None:
    assert _data("50%\r\n::x,y") == "50%25%0D%0A::x,y"
    assert _property("a:b,c%\n") == "a%3Ab%2Cc%25%0A"
    text = "".join(map(chr, [*range(0x60), 0xD800, 0xFFFE, 0x1F98A]))
    parsed = ET.fromstring(f"<a>{_xml(text).replace('&', '&amp;').replace('<', '&lt;')}</a>")
    assert "\U0001f98a" in (parsed.text or "")
    assert parsed.text
    assert parsed.text.count("\ufffd") == 31


def test_junit(site: Site) -> None:
    hostile = fence('A <b>"cat"</b> & ]]> dog', "alt=A")
    site.write({"docs/index.md": f"{CAT}\n{hostile}\n```genimages\nA\n```\n"})
    site.build(warns=["This is not a genimage block", ""])
    image(site, "a-b-cat-b-dog").unlink()
    text = genimage(site, "check", "--alt", "--format", "junit").ended(1).output
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    (suite,) = root
    cases = suite.findall("testcase")
    failures = [case.find("failure") for case in cases]
    assert [one is not None for one in failures] == [False, True, True]
    for element in (root, suite):
        numbers = {name: element.get(name) for name in ("tests", "failures", "errors", "skipped")}
        assert numbers == {"tests": "3", "failures": "2", "errors": "0", "skipped": "0"}
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == 3
    assert cases[1].get("name") == 'docs/index.md:5 A <b>"cat"</b> & ]]> dog'
    assert cases[1].get("line") == "5"
    assert failures[1] is not None
    assert failures[1].get("type") == "damaged"
    assert (failures[1].text or "").startswith("docs/index.md:5: damaged: genimage/a-b-cat")


def test_output_file(site: Site, tmp_path: Path) -> None:
    site.write({"docs/index.md": CAT})
    report = tmp_path / "reports" / "deep" / "genimage.xml"
    ran = genimage(site, "check", "--format", "junit", "--output", str(report)).ended(1)
    assert ran.output == (
        f"1 finding: 1 missing. The site has 1 picture in 1 block. The report is in {report}.\n"
    )
    assert ET.parse(report).getroot().tag == "testsuites"
    text = tmp_path / "plain.txt"
    genimage(site, "check", "-o", str(text)).ended(1)
    assert "docs/index.md:1: missing: " in text.read_text(encoding="utf-8")
    data = tmp_path / "report.json"
    genimage(site, "check", "--json", "-o", str(data)).ended(1)
    assert json.loads(data.read_text(encoding="utf-8"))["ok"] is False
    blocked = report / "below-a-file.xml"
    ran = genimage(site, "check", "-o", str(blocked)).ended(2)
    assert "cannot be written" in ran.errors


def test_what_cures_many_is_said_once(site: Site) -> None:
    site.write({"docs/index.md": f"{CAT}\n{DOG}"})
    lines = genimage(site, "check").ended(1).output.splitlines()
    assert lines == [
        'docs/index.md:1: missing: there is no picture of "An orange cat".',
        'docs/index.md:5: missing: there is no picture of "A dog: 100%, brown in the rain".',
        NO_FOLDER,
        "2 findings: 2 missing. The site has 2 pictures in 2 blocks.",
    ]


def test_wrong_usage(site: Site, tmp_path: Path, child_env: dict[str, str]) -> None:
    site.write({"docs/index.md": CAT})
    for options in (["--frmat", "x"], ["--format", "xml"], ["--json", "--format", "junit"]):
        assert "Error" in genimage(site, "check", *options).ended(2).errors
    genimage(site, "check", "--json", "--format", "json").ended(1).json("check")
    other = str(site.config_file)
    assert "add --unused" in genimage(site, "check", "--also", other).ended(2).errors
    broken = tmp_path / "broken.yml"
    broken.write_text("site_name: T\ndocs_dir: nowhere\n", encoding="utf-8")
    ran = genimage(site, "check", "--unused", "--also", str(broken)).ended(2)
    assert f"Error: --also {broken}: " in ran.errors
    site.options = None
    assert "plugins" in genimage(site, "check").ended(2).errors
    site.options = {}
    site.write({"docs/index.md": b"# Caf\xe9\n"})
    assert "index.md" in genimage(site, "check").ended(2).errors
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "mkdocs.yml" in genimage_process(empty, "check", env=child_env).ended(2).errors
