"""`mkdocs-genimage pick`, and the edits of an author's Markdown that it makes."""

from __future__ import annotations

import contextlib
import difflib
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli_runs import genimage, genimage_process
from fence_cases import CASES
from hypothesis import given, settings
from hypothesis import strategies as st
from sites import behind, fence

from mkdocs_genimage.block import parse_block
from mkdocs_genimage.errors import BlockError
from mkdocs_genimage.upkeep.source_edits import SourceError, SourceFile, with_pick

if TYPE_CHECKING:
    from api_server import ImagesServer
    from sites import Site

SIZE = "size=64x48 alt=x"


def edited(path: Path, text: str, pick: str = "2", number: int = 0) -> str:
    """A text in which a fence's pick was changed, and which then reads so."""
    path.write_bytes(text.encode())
    source = SourceFile(path)
    source.write(with_pick(source, source.fences[number], pick))
    after = SourceFile(path)
    assert len(after.fences) == len(source.fences)
    for index, (old, new) in enumerate(zip(source.fences, after.fences, strict=True)):
        before, now = (parse_block(f.header, f.body).options for f in (old, new))
        change = {"pick": pick if pick == "all" else int(pick)} if index == number else {}
        assert now == {**before, **change}
    return path.read_bytes().decode()


FORMS = {
    "plain body": (
        "```genimage n=3\nA fox\n```\n",
        "```genimage n=3 pick=2\nA fox\n```\n",
    ),
    "no options in the header": (
        "```genimage\nA fox\n```\n",
        "```genimage pick=2\nA fox\n```\n",
    ),
    "blanks behind the header": (
        "~~~~ genimage  n=3 \t\nA fox\n~~~~\n",
        "~~~~ genimage  n=3 pick=2 \t\nA fox\n~~~~\n",
    ),
    "attribute list": (
        '```{ .genimage #hero n="3" }\nA fox\n```\n',
        '```{ .genimage #hero n="3" pick="2" }\nA fox\n```\n',
    ),
    "tight attribute list": (
        "```{.genimage n=3}\nA fox\n```\n",
        "```{.genimage n=3 pick=2}\nA fox\n```\n",
    ),
    "replaced in the header": (
        "```genimage n=3 pick=1 alt='pick=1 is mine'\nA fox\n```\n",
        "```genimage n=3 pick=2 alt='pick=1 is mine'\nA fox\n```\n",
    ),
    "replaced in quotes": (
        "```{ .genimage pick='all' n=3 }\nA fox\n```\n",
        "```{ .genimage pick='2' n=3 }\nA fox\n```\n",
    ),
    "prompt in the header": (
        '```genimage n=3 prompt="A fox"\n```\n',
        '```genimage n=3 prompt="A fox" pick=2\n```\n',
    ),
    "mapping": (
        "```genimage\nprompt: A fox\nn: 3\nalt: x\n```\n",
        "```genimage\nprompt: A fox\nn: 3\npick: 2\nalt: x\n```\n",
    ),
    "replaced in a mapping": (
        "```genimage\nprompt: A fox\npick:   1  # the first one\nn: 3\n```\n",
        "```genimage\nprompt: A fox\npick:   2  # the first one\nn: 3\n```\n",
    ),
    "replaced in quotes in a mapping": (
        "```genimage\nprompt: A fox\n'pick': \"1\"\nn: 3\n```\n",
        "```genimage\nprompt: A fox\n'pick': \"2\"\nn: 3\n```\n",
    ),
    "n on the line below its name": (
        "```genimage\nprompt: A fox\nn:\n  3\n```\n",
        "```genimage\nprompt: A fox\nn:\n  3\npick: 2\n```\n",
    ),
    "a text that goes on, and blank lines at the end": (
        "```genimage\nalt: x\nprompt: |\n  A fox\n\n  pick: 1\n\n```\n",
        "```genimage\nalt: x\nprompt: |\n  A fox\n\n  pick: 1\npick: 2\n\n```\n",
    ),
    "n in the header, options in the body": (
        "```genimage n=3\nprompt: A fox\n```\n",
        "```genimage n=3 pick=2\nprompt: A fox\n```\n",
    ),
    "indented mapping in a list": (
        "- item\n\n    ```genimage\n      prompt: A fox\n      n: 3\n    ```\n",
        "- item\n\n    ```genimage\n      prompt: A fox\n      n: 3\n      pick: 2\n    ```\n",
    ),
    "quote": (
        "> ```genimage\n> prompt: A fox\n> n: 3\n> ```\n",
        "> ```genimage\n> prompt: A fox\n> n: 3\n> pick: 2\n> ```\n",
    ),
    "tabs": (
        "1.\titem\n\n\t```genimage\n\tprompt: A fox\n\tn: 3\n\t```\n",
        "1.\titem\n\n\t```genimage\n\tprompt: A fox\n\tn: 3\n\tpick: 2\n\t```\n",
    ),
    "CRLF": (
        "a\r\n```genimage\r\nprompt: A fox\r\nn: 3\r\n```\r\nb\r\n",
        "a\r\n```genimage\r\nprompt: A fox\r\nn: 3\r\npick: 2\r\n```\r\nb\r\n",
    ),
    "mixed line ends and no end": (
        "a\r\nb\n```genimage n=3\r\nA fox\n```",
        "a\r\nb\n```genimage n=3 pick=2\r\nA fox\n```",
    ),
    "line ends of old": (
        "a\r```genimage n=3\rA fox\r```\r",
        "a\r```genimage n=3 pick=2\rA fox\r```\r",
    ),
    "byte order mark": (
        "\ufeff```genimage n=3\nA fox\n```\n",
        "\ufeff```genimage n=3 pick=2\nA fox\n```\n",
    ),
    "a prompt that looks like options": (
        "```genimage n=3\nLogo: a fox\npick: one\n```\n",
        None,
    ),
    "Chinese, and separators that are no line ends": (
        "标题\u2028\x0c\n```genimage n=3\n一只狐狸\x85在雪中\n```\n",
        "标题\u2028\x0c\n```genimage n=3 pick=2\n一只狐狸\x85在雪中\n```\n",
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_only_pick_is_written(name: str, tmp_path: Path) -> None:
    before, after = FORMS[name]
    path = tmp_path / "page.md"
    if after is None:
        with pytest.raises(SourceError, match="cannot be read"):
            edited(path, before)
        assert path.read_bytes() == before.encode()
    else:
        assert edited(path, before) == after


def test_every_place_where_a_block_can_stand(tmp_path: Path) -> None:
    """Also examples in code, which no command ever gets to change: they stay readable all the same."""
    count = 0
    for text, _ in CASES.values():
        path = tmp_path / "page.md"
        path.write_text(text)
        for number, fence_found in enumerate(SourceFile(path).fences):
            options = fence_found.header, fence_found.body
            with contextlib.suppress(BlockError):
                parse_block(*options)
                after = edited(path, text, "2", number)
                lines = text.splitlines()
                new = after.splitlines()
                assert len([line for line in new if line not in lines]) == 1
                count += 1
    assert count > 80


def test_all_and_back_again(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    text = fence("A fox", "n=3") + fence("A fox", "n=3")
    everything = edited(path, text, "all", 1)
    assert everything == fence("A fox", "n=3") + fence("A fox", "n=3 pick=all")
    assert edited(path, everything, "3", 1).endswith(fence("A fox", "n=3 pick=3"))


PREFIXES = st.sampled_from(["", "  ", "    ", "\t", "> ", ">", "> > ", "    > "])


@settings(max_examples=40, deadline=None)
@given(
    prefix=PREFIXES,
    end=st.sampled_from(["\n", "\r\n"]),
    header=st.sampled_from(["genimage", "genimage n=3", "{ .genimage n=3 }", "genimage pick=1"]),
    body=st.sampled_from(["A fox", "prompt: A fox", "prompt: |\n  A fox\n  and a hen", "A: b"]),
    around=st.text("ab \n`~>-", max_size=12),
)
def test_nothing_else_changes(prefix: str, end: str, header: str, body: str, around: str) -> None:
    block = behind(prefix, f"```{header}\n{body}\n```", end)
    text = f"{around}{end}{end}{block}{end}{around}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "page.md")
        path.write_bytes(text.encode())
        source = SourceFile(path)
        if len(source.fences) != 1 or "prompt" not in read(source):
            return
        after = edited(path, text)
    changed = [
        line
        for line in difflib.ndiff(text.splitlines(keepends=True), after.splitlines(keepends=True))
        if line[:1] in "+-"
    ]
    assert sum(line[0] == "+" for line in changed) == 1
    assert sum(line[0] == "-" for line in changed) <= 1


def read(source: SourceFile) -> dict[str, object]:
    return parse_block(source.fences[0].header, source.fences[0].body).options


# The command


def test_the_next_build_shows_the_variant_and_asks_for_nothing(
    bare: Site, api: ImagesServer
) -> None:
    front = "---\ntitle: Foxes\n---\n\n# Foxes\n\n"
    text = front + fence("A fox", f"{SIZE} n=2") + "\nbetween\n\n" + fence("A fox", f"{SIZE} n=2")
    bare.write({"docs/index.md": text.replace("\n", "\r\n")})
    bare.build()
    page = bare.root / "docs/index.md"
    page.chmod(0o640)
    asked = len(api.calls)
    ran = genimage(bare, "pick", "docs/index.md:14", "2").ended()
    assert "+```genimage size=64x48 alt=x n=2 pick=2" in ran.output
    assert ran.output.endswith("docs/index.md:13 shows variant 2 now.\n")
    expected = front + fence("A fox", f"{SIZE} n=2") + "\nbetween\n\n"
    expected += fence("A fox", f"{SIZE} n=2 pick=2")
    assert page.read_bytes() == expected.replace("\n", "\r\n").encode()
    assert stat.S_IMODE(page.stat().st_mode) == 0o640
    shown = [image["src"] for image in bare.build().images("index.html")]
    assert [src.endswith("-2.png") for src in shown] == [False, True]
    assert len(api.calls) == asked
    assert list((bare.root / "docs").iterdir()) == [page]


@pytest.mark.parametrize(
    "name",
    [
        "page.md:3",
        "./docs/guide/page.md:4",
        "guide/page.md:4:1",
        "docs\\guide\\page.md:5",
        "docs/guide/page.md",
        "#hero",
        "guide/page.md#hero",
        "ABSOLUTE:3",
    ],
)
def test_names_of_a_place(bare: Site, name: str) -> None:
    page = bare.root / "docs/guide/page.md"
    bare.write({"docs/index.md": "# Home\n", "docs/guide/page.md": ""})
    page.write_text("# P\n\n" + fence("A fox", f"{SIZE} n=2 #hero"))
    if name == "page.md:3":  # of no folder that was asked from
        ran = genimage(bare, "pick", name, "2").ended(2)
        assert "docs/guide/page.md:3  a-fox-" in ran.errors
        return
    genimage(bare, "pick", name.replace("ABSOLUTE", str(page)), "2").ended()
    assert "pick=2" in page.read_text()


def test_by_key_and_by_file(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", f"{SIZE} n=2")})
    bare.build()
    name = bare.cached("-2.png")[0]
    genimage(bare, "pick", name, "2").ended()
    digits = name.removeprefix("a-fox-").removesuffix("-2.png")
    ran = genimage(bare, "pick", digits[:4].upper(), "2").ended()
    assert ran.output == "docs/index.md:1 shows variant 2 already. Nothing was changed.\n"
    genimage(bare, "pick", f"genimage/{name}", "all").ended()
    assert (bare.root / "docs/index.md").read_text() == fence("A fox", f"{SIZE} n=2 pick=all")


def test_a_picture_at_several_places_needs_one(bare: Site) -> None:
    block = fence("A fox", f"{SIZE} n=2")
    bare.write({"docs/index.md": block + "\n" + block})
    bare.build()
    ran = genimage(bare, "pick", bare.cached(".png")[0], "2").ended(2)
    assert "docs/index.md:1\n  docs/index.md:5" in ran.errors
    assert (bare.root / "docs/index.md").read_text() == block + "\n" + block


def refuses(site: Site, *arguments: str, page: str = "index.md", status: int = 1) -> str:
    path = site.root / "docs" / page
    before = path.read_bytes()
    ran = genimage(site, "pick", *arguments).ended(status)
    assert path.read_bytes() == before
    assert not ran.output
    return ran.errors


def test_a_block_with_one_picture_shows_all_of_it_already(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE)})
    ran = genimage(bare, "pick", "docs/index.md:1", "all").ended()
    assert ran.output == "docs/index.md:1 shows all variants already. Nothing was changed.\n"
    assert (bare.root / "docs/index.md").read_text() == fence("A fox", SIZE)


def test_what_is_refused(bare: Site) -> None:
    bare.config["markdown_extensions"] = [
        "pymdownx.superfences",
        {"pymdownx.snippets": {"base_path": [str(bare.root / "parts")]}},
    ]
    bare.config["hooks"] = ["hook.py"]
    hook = "def on_page_markdown(markdown, **_):\n    return markdown.replace('{{ fox }}', FOX)\n"
    fox = fence("A macro fox", f"{SIZE} n=2")
    snippet = "text\n\n" + fence("A snippet fox", f"{SIZE} n=2")
    text = (
        "---\ngenimage: {n: 2}\n---\n"
        + fence("A fox", SIZE)
        + '\n--8<-- "part.md"\n\n{{ fox }}\n\n'
        + fence("A bad fox", f"{SIZE} quality=hihg")
    )
    bare.write(
        {
            "hook.py": f"FOX = {fox!r}\n{hook}",
            "parts/part.md": snippet,
            "docs/index.md": text,
        }
    )
    assert "there is no variant 3: the block asks for 2 pictures" in refuses(
        bare, "docs/index.md:4", "3", status=2
    )
    assert "there is no block at docs/index.md:2." in refuses(
        bare, "docs/index.md:2", "2", status=2
    )
    assert "It seems to be in parts/part.md:3." in refuses(bare, "parts/part.md:3", "2")
    macro = genimage(bare, "plan", "--json").json("plan")["blocks"]
    names = {image["name"] for block in macro for image in block["images"]}
    name = next(name for name in names if "macro" in name and not name.endswith("-2"))
    assert "No file has it as it is." in refuses(bare, name, "2")
    assert "'quality' cannot be 'hihg'" in refuses(bare, "docs/index.md:12", "2")
    for variant in ("0", "-1", "x", "1.5"):
        assert "all" in refuses(bare, "--", "docs/index.md:4", variant, status=2)
    genimage(bare, "pick", "docs/index.md:4", "2").ended()
    assert (bare.root / "parts/part.md").read_text() == snippet


def test_a_macro_in_the_prompt_is_no_obstacle(bare: Site) -> None:
    bare.config["hooks"] = ["hook.py"]
    bare.write(
        {
            "hook.py": "def on_page_markdown(markdown, **_):\n"
            "    return markdown.replace('{{ animal }}', 'fox')\n",
            "docs/index.md": fence("A {{ animal }}", f"{SIZE} n=2"),
        }
    )
    genimage(bare, "pick", "docs/index.md:1", "2").ended()
    page = (bare.root / "docs/index.md").read_text()
    assert page == fence("A {{ animal }}", f"{SIZE} n=2 pick=2")


def test_a_macro_that_makes_the_options_is_one(bare: Site) -> None:
    bare.config["hooks"] = ["hook.py"]
    bare.write(
        {
            "hook.py": "def on_page_markdown(markdown, **_):\n"
            "    return markdown.replace('quality=low', 'n=2')\n",
            "docs/index.md": fence("A fox", f"{SIZE} quality=low"),
        }
    )
    assert "a macro or another plugin makes this block" in refuses(bare, "docs/index.md:1", "2")


def test_read_only_files_and_links(bare: Site) -> None:
    page = bare.root / "docs/index.md"
    block = fence("A fox", f"{SIZE} n=2")
    bare.write({"docs/index.md": block, "elsewhere.md": block})
    page.chmod(0o444)
    assert "is read-only" in refuses(bare, "docs/index.md:1", "2")
    page.unlink()
    page.symlink_to(bare.root / "elsewhere.md")
    genimage(bare, "pick", "docs/index.md:1", "2").ended()
    assert page.is_symlink()
    assert "pick=2" in (bare.root / "elsewhere.md").read_text()


def test_pages_that_another_plugin_makes(bare: Site) -> None:
    bare.config["hooks"] = ["hook.py"]
    bare.write(
        {
            "hook.py": "from mkdocs.structure.files import File\n"
            "def on_files(files, config):\n"
            "    files.append(File.generated(config, 'made.md', content=TEXT))\n"
            f"TEXT = {fence('A fox', SIZE + ' n=2')!r}\n",
            "docs/index.md": "# Home\n",
        }
    )
    ran = genimage(bare, "pick", "made.md:2", "2").ended(1)
    assert "made.md:1: this page is made by" in ran.errors


def test_a_file_that_was_changed_in_between(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(fence("A fox", "n=2"))
    source = SourceFile(path)
    path.write_text("other\n")
    with pytest.raises(SourceError, match="changed in between"):
        source.write(with_pick(source, source.fences[0], "2"))
    assert path.read_text() == "other\n"
    assert list(tmp_path.iterdir()) == [path]


def test_candidates(bare: Site) -> None:
    bare.write(
        {
            "docs/index.md": fence("A red fox", f"{SIZE} n=2 #fox") + "\n" + fence("A hen", SIZE),
            "docs/guides/siting.md": fence("A 狐狸", f"{SIZE} #hero"),
        }
    )
    bare.build()

    def told(name: str) -> str:
        return genimage(bare, "pick", name, "2").ended(2).errors

    assert "  docs/index.md:1  a-red-fox-" in told("docs/index.md:99")
    assert "several blocks" in told("docs/index.md")
    assert "docs/guides/siting.md:1" in told("docs/guide/sitting.md:1")
    assert "docs/guides/siting.md:1" in told("siting.md:1")
    assert "docs/guides/siting.md:1" in told("#her0")
    assert "a-red-fox-" in told("a-red-fx-0000")
    assert "is no picture's key" in told("0000000000")
    assert "plan --all" in told("zzz")


def test_as_a_process(bare: Site, child_env: dict[str, str]) -> None:
    bare.write({"docs/index.md": fence("A fox", f"{SIZE} n=2")})
    bare.write_config()
    ran = genimage_process(bare.root, "pick", "docs/index.md:1", "2", env=child_env).ended()
    assert "\x1b" not in ran.output
    assert "Not there yet: a-fox-" in ran.errors
    genimage_process(bare.root, "pick", "docs/index.md:1", "5", env=child_env).ended(2)
    ran = genimage_process(bare.root / "docs", "pick", "index.md:1", "1", env=child_env).ended(2)
    assert "mkdocs.yml" in ran.errors
    bare.write({"docs/index.md": "Gr\u00fc\u00dfe".encode("latin-1")})
    ran = genimage_process(bare.root, "pick", "docs/index.md:1", "1", env=child_env)
    assert ran.status == 2
