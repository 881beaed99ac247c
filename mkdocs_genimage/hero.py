"""The picture of a whole page, from its front matter: for feeds, social media, and the page's top."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from mkdocs_genimage.alt import alt_text
from mkdocs_genimage.block import Block
from mkdocs_genimage.errors import OptionError
from mkdocs_genimage.fences import Fence
from mkdocs_genimage.light import social_size
from mkdocs_genimage.options import OPTIONS, PAGE_WIDE, UNSET, Option, read_options
from mkdocs_genimage.places import Place, Source
from mkdocs_genimage.values import read_boolean, read_text, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from mkdocs_genimage.compose import Composed
    from mkdocs_genimage.entries import Shown

SHOW = Option(
    "show",
    "presentation",
    read_boolean,
    "true or false",
    "Whether the page shows its picture below its title.",
)
HERO = Option(
    "hero",
    "presentation",
    read_text,
    "a mapping with prompt, or '#id'",
    "The picture of the whole page.",
)
"""Stands here to be named where somebody looks for it; it is read by itself."""
HEADER = "genimage hero"
"""The header of the fence that stands in a page's text where its hero is to be seen."""


_SOCIAL_TAG = re.compile(r"<meta[^>]*\bog:image[\"'\s/>]", re.IGNORECASE)


@dataclass(frozen=True)
class FrontMatter:
    """What a page's front matter says under `genimage`.

    Attributes:
        options: for all blocks of the page, in normal form.
        hero: the block that its `hero` stands for; None without one.
        block_id: the id of the block that is the hero, where `hero` names one.
        show: whether the page shows its hero.
        wrong: a message for each thing that is wrong with it.
        has_wrong_options: whether some of that concerns all blocks of the page.
    """

    options: dict[str, Any] = field(default_factory=dict)
    hero: Block | None = None
    block_id: str = ""
    show: bool = False
    wrong: tuple[str, ...] = ()
    has_wrong_options: bool = False

    @classmethod
    def read(cls, value: Any) -> FrontMatter:
        """Read it; what is wrong is told by the result."""
        hero = None
        messages = []
        if isinstance(value, dict) and "hero" in value:
            value = dict(value)
            hero = value.pop("hero")
            if hero is None:
                messages.append(
                    "'hero' is empty. Where a block is meant, write its id in quotes, '#id': YAML takes a "
                    "bare # for a comment."
                )
        options, wrong = read_options(value, {**PAGE_WIDE, HERO.name: HERO})
        messages += [message for _, message in wrong]
        found = cls(options, has_wrong_options=bool(wrong))
        if isinstance(hero, str) and hero.startswith("#") and len(hero) > 1:
            found = replace(found, block_id=hero[1:])
        elif isinstance(hero, dict):
            own, wrong = read_options(hero, {**OPTIONS, SHOW.name: SHOW})
            messages += [f"'hero': {message}" for _, message in wrong]
            show = bool(own.pop(SHOW.name, False))
            if "prompt" not in hero and not wrong:
                messages.append("'hero' has no 'prompt', which says what the picture shows.")
            elif not wrong:
                found = replace(found, hero=Block(own), show=show)
        elif hero is not None:
            messages.append(
                f"'hero' cannot be {shown(hero)}. Allowed: a mapping with 'prompt' and further options of "
                "a block, or '#id' in quotes, for a block of the page."
            )
        return replace(found, wrong=tuple(messages))


@dataclass(frozen=True)
class FrontMatterPlace(Place):
    """A place in a page's front matter."""

    @classmethod
    def of(cls, name: str, read: Callable[[], str], word: str = "hero:") -> FrontMatterPlace:
        """The first line of a file that begins with a word.

        Args:
            name: the file as messages name it.
            read: gives its text; raises OSError or ValueError where it cannot.
            word: what is looked for.
        """
        try:
            lines = read().split("\n")
        except (OSError, ValueError):
            lines = []
        found = [i for i, text in enumerate(lines) if text.strip().startswith(word)]
        found += [i for i, text in enumerate(lines) if text.startswith("genimage:")]
        line = found[0] if found else 0
        fence = Fence(HEADER, "", (), "", line, line + 1)
        return cls(Source(name, read, [fence]), fence)

    def at(self, line: int = 0) -> str:
        """`docs/guide.md:3`: the line that was looked for, whatever is asked for."""
        return f"{self.source.name}:{self.fence.start + 1}"

    def __str__(self) -> str:
        return self.at()


def no_blocks(_name: str) -> Composed:
    """What a hero finds of its page's blocks.

    Raises:
        OptionError: always.
    """
    raise OptionError(
        "a hero is made before the page's blocks, so it cannot be made from one. Use the path of a file."
    )


def with_own_look(block: Block) -> Block:
    """A hero that stands as it is, unless it says otherwise itself, however pictures in the text stand."""
    own = {name: UNSET[name] for name in ("align", "width")}
    return replace(block, options={**own, **block.options})


def with_hero(markdown: str) -> str:
    """A page's text with the fence for its hero at the top, whose figure goes below the title."""
    return f"```{HEADER}\n```\n\n{markdown}"


def social_tags(output: str, site_url: str, uri: str, image: Shown, composed: Composed) -> str:
    """A finished page with the tags that tell social media of its picture, unless it has such tags.

    Args:
        output: the page.
        site_url: the site's address; such tags take no others.
        uri: the picture for social media, relative to that.
        image: the picture that it is made from.
        composed: what it was made by.
    """
    head, end, rest = output.partition("</head>")
    if not site_url or not end or _SOCIAL_TAG.search(head):
        return output
    width, height = social_size(image.width, image.height)
    facts = {
        "og:image": urljoin(site_url.rstrip("/") + "/", quote(uri)),
        "og:image:type": "image/jpeg",
        "og:image:width": str(width),
        "og:image:height": str(height),
        "og:image:alt": alt_text(composed.options)[0],
    }
    tags = [
        f'<meta property="{name}" content="{html.escape(value)}">'
        for name, value in facts.items()
        if value
    ]
    if "twitter:card" not in head:
        tags.append('<meta name="twitter:card" content="summary_large_image">')
    return head + "".join(tags) + end + rest
