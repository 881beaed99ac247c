"""Sites to build: the same pages with genimage blocks, and with ordinary Markdown images."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PARAGRAPH_WORDS = 60
WORDS = tuple(
    """
    the a of and to in is for with on by as at from that which when where each every build page
    docs guide setup server client request answer folder file option value default picture image
    small large quick slow first last next step result check write read open close begin end
    garden river station signal harbour bridge window paper lantern kettle weather mountain
    """.split()  # noqa: SIM905 - reads better than sixty strings
)

CONFIG = """\
site_name: Benchmark
theme: {theme}
use_directory_urls: true
plugins:
  - search
"""
PLUGIN = """\
  - genimage:
      base_url: {base_url}
      api_key: local
      defaults: {{size: {size}}}
      concurrency: {concurrency}
      max_images: 0
      max_cost: 0
"""


@dataclass(frozen=True)
class Shape:
    """What a site looks like.

    Attributes:
        pages: how many.
        blocks: pictures on each page.
        theme: the MkDocs theme.
        alt: whether the blocks have an alt text of their own.
        size: pixels of every picture; by default the landscape size of the Images API.
    """

    pages: int
    blocks: int
    theme: str = "mkdocs"
    alt: bool = True
    size: str = "1536x1024"

    @property
    def images(self) -> int:
        return self.pages * self.blocks


def write_genimage_site(folder: Path, shape: Shape, base_url: str, concurrency: int) -> None:
    """Write a site whose pictures are genimage blocks."""
    plugin = PLUGIN.format(base_url=base_url, concurrency=concurrency, size=shape.size)
    _write(folder, shape, CONFIG.format(theme=shape.theme) + plugin)
    for page in range(shape.pages):
        blocks = [_block(page, number, shape.alt) for number in range(shape.blocks)]
        _page(folder, page).write_text(_text(page, blocks), encoding="utf-8")


def write_plain_site(folder: Path, shape: Shape, pictures: Path) -> None:
    """Write the same site with ordinary images: the files of `pictures`, where the plugin puts them."""
    _write(folder, shape, CONFIG.format(theme=shape.theme))
    assets = folder / "docs/assets/genimage"
    assets.mkdir(parents=True)
    names = []
    for picture in sorted(pictures.glob("*.png")):
        shutil.copyfile(picture, assets / picture.name)
        names.append(picture.name)
    for page in range(shape.pages):
        first = page * shape.blocks
        images = [
            f"![{_alt(page, number)}](../assets/genimage/{names[first + number]})"
            for number in range(shape.blocks)
        ]
        _page(folder, page).write_text(_text(page, images), encoding="utf-8")


def _write(folder: Path, shape: Shape, config: str) -> None:
    for section in {_page(folder, page).parent for page in range(shape.pages)}:
        section.mkdir(parents=True)
    (folder / "mkdocs.yml").write_text(config, encoding="utf-8")
    (folder / "docs/index.md").write_text("# Benchmark\n\nThe front page.\n", encoding="utf-8")


def _page(folder: Path, page: int) -> Path:
    return folder / f"docs/part-{page // 50:02d}/page-{page:04d}.md"


def _words(seed: str, count: int) -> str:
    text = " ".join(Random(seed).choices(WORDS, k=count))
    return text[0].upper() + text[1:] + "."


def _alt(page: int, number: int) -> str:
    return _words(f"alt {page} {number}", 8)


def _block(page: int, number: int, alt: bool) -> str:
    """Both ways to write a block, by turns: options in the header, and a mapping."""
    prompt = _words(f"prompt {page} {number}", 30)
    if number % 2:
        lines = [f"alt: {_alt(page, number)}"] if alt else []
        return "\n".join(["```genimage", "prompt: |", f"  {prompt}", *lines, "```"])
    header = f' alt="{_alt(page, number)}"' if alt else ""
    return "\n".join([f"```genimage{header}", prompt, "```"])


def _text(page: int, pictures: list[str]) -> str:
    """A page: prose, a list, a table and code, as documentation has them, and the pictures between."""
    parts = [f"# Page {page}"]
    for number, picture in enumerate(pictures):
        parts.append(f"## Section {number} of page {page}")
        parts += [_words(f"text {page} {number} {i}", PARAGRAPH_WORDS) for i in range(2)]
        parts.append(picture)
        parts.append("\n".join(f"- {_words(f'item {page} {number} {i}', 9)}" for i in range(4)))
    rows = "\n".join(f"| option-{i} | {_words(f'row {page} {i}', 6)} |" for i in range(6))
    parts.append(f"| name | meaning |\n| --- | --- |\n{rows}")
    parts.append(f"```python\ndef page_{page}() -> int:\n    return {page}\n```")
    return "\n\n".join(parts) + "\n"
