"""What one build knows of its pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from mkdocs_genimage.hero import FrontMatter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs.structure.files import File
    from mkdocs.structure.pages import Page

    from mkdocs_genimage.compose import Composed
    from mkdocs_genimage.corrections import Correction, Rendering
    from mkdocs_genimage.document import PageDocument
    from mkdocs_genimage.entries import Shown
    from mkdocs_genimage.places import Place
    from mkdocs_genimage.request import ImageRequest

Wanted: TypeAlias = "tuple[ImageRequest, int]"
"""A picture: what makes it, and which of its variants it is."""


@dataclass(frozen=True)
class Slot:
    """A place on a page for one picture.

    Attributes:
        wanted: which one it is.
        instead: which one is shown if that does not come.
        shown: its file, as far as it was known when the page was rendered.
    """

    wanted: Wanted
    instead: Wanted | None
    shown: Shown


@dataclass(frozen=True)
class Pending:
    """A picture on a page that is still being made.

    Attributes:
        slot: its place.
        company: all places whose pictures share a label or a credit with it.
        options: its block's, as they hold there.
        columns: pictures that stand beside each other there.
        rendering: as it was put there.
        fence: the number of its fence in the page's text. Those in raw HTML are converted last.
    """

    slot: Slot
    company: list[Slot]
    options: Mapping[str, Any]
    columns: int
    rendering: Rendering
    fence: int


@dataclass(frozen=True)
class SeenBlock:
    """A block as a build came across it, for those who look at the whole site.

    Attributes:
        place: where it stands.
        file: its page.
        composed: what it asks for; None if it is wrong.
        problems: what is wrong with it, each with its place.
    """

    place: Place
    file: File
    composed: Composed | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hero:
    """The picture of a whole page.

    Attributes:
        composed: what makes it.
        place: where the page says so.
    """

    composed: Composed
    place: Place

    @property
    def picture(self) -> Wanted:
        """Which picture it is."""
        return self.composed.request, self.composed.shown_variants[0]


@dataclass
class PageRecord:
    """What this build knows of one page.

    Attributes:
        page: MkDocs' object.
        front_matter: what it says under `genimage`.
        hero: its picture.
        social: the path in the site of the file that is made from that for other sites; empty without.
        documents: the conversions of its text.
        pending: pictures on it that are still being made.
        links: what stands in its Markdown in place of blocks, to their lines.
        ids: those of the blocks that reached it.
        has_bad_blocks: whether some of these are wrong.
    """

    page: Page | None
    front_matter: FrontMatter = field(default_factory=FrontMatter)
    hero: Hero | None = None
    social: str = ""
    documents: list[PageDocument] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    links: dict[str, list[list[str]]] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    has_bad_blocks: bool = False

    @property
    def shown_hero(self) -> Hero | None:
        """Its picture, if its text has a fence for it."""
        return self.hero if self.front_matter.show else None

    def is_seen_first(self, composed: Composed, *, is_shown_hero: bool) -> bool:
        """Whether a block is the page's hero, on the page itself.

        In the views of a blog, which render a page once more, it is one of many.
        """
        name = self.front_matter.block_id
        is_named = bool(name) and composed.options.get("id") == name
        return (is_shown_hero or is_named) and not self.links


@dataclass
class Written:
    """What a build has written, with those within it: plugins for translations build so.

    A plugin that takes copies of pages keeps them from one to the next.

    Attributes:
        corrections: what pages were put right by.
        own: the files of pages with pictures, which were right when MkDocs wrote them.
        finished: the files that hold no copy of a page: what MkDocs has rendered or copied.
    """

    corrections: list[Correction] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
