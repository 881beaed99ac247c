"""The Python-Markdown extension: finds genimage fences and puts figures in their place.

Knows no MkDocs. A preprocessor puts a one-line marker in the place of each fence, and a block
processor turns the markers that it meets into nodes. So a picture stands wherever Python-Markdown lets
a paragraph stand. Markers that end elsewhere are put right afterwards: in code and comments they become
the fence again, in raw HTML they become the figure's HTML.
"""

from __future__ import annotations

import html
import re
from itertools import chain
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from markdown.blockprocessors import BlockProcessor, ListIndentProcessor
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString, code_escape

from mkdocs_genimage.conversion import MARKER, MARKER_PATTERN, Conversion
from mkdocs_genimage.fences import LANGUAGE, scan
from mkdocs_genimage.figure import BELOW_TITLE, NAMED_SRCSET

if TYPE_CHECKING:
    from markdown import Markdown
    from markdown.blockparser import BlockParser

    from mkdocs_genimage.conversion import Renderer


_CONTROLS = dict.fromkeys((1, 2, 3, 4))

_MARKER_BEGINS = ("\x01genimage", "\x02genimage")
_MARKER_RE = re.compile(MARKER_PATTERN)
_MARKER_LINE_RE = re.compile(rf"^ *{MARKER_PATTERN} *$", re.MULTILINE)
_MARKER_AT_MARGIN_RE = re.compile(rf"^{MARKER_PATTERN} *$", re.MULTILINE)
_MARKER_THEN_LINE_RE = re.compile(rf"(?P<own>[ ]+){MARKER_PATTERN} *\n(?P<next> *)(?=\S)")
# What is never closed goes on to the end of the page, as browsers have it.
_LATE_RE = re.compile(
    r"(?P<verbatim><!--.*?(?:-->|\Z)|<(?P<script>script|style)(?=[\s/>]).*?(?:</(?P=script)\s*>|\Z))"
    r"|(?P<code><(?P<tag>pre|code|textarea)(?=[\s/>]).*?(?:</(?P=tag)\s*>|\Z))"
    r"|(?P<attributes></?[a-z][^<>]*>)"
    rf"|{MARKER_PATTERN}",
    re.DOTALL | re.IGNORECASE,
)

_SOURCE_END_RE = re.compile(
    r'(?P<tag><source sizes="[^"]*" srcset="[^"]*" type="image/\w+")></source>'
)
"""What the serializer makes of a `<source>` before Python 3.11, which knows that it has no end."""

_STAND_IN = "genimage"
"""What a figure is called while blocks are parsed, whatever its tag.

Other extensions do things to a `<p>` that must not happen to a picture: definition lists take it away and
make its text the terms, footnotes and captions add to a text that it may not have.
"""

_LATE_TREEPROCESSORS = (
    "inline",
    "mkdocs_extract_anchors",
    "unescape",
    "relpath",
    "genimage_sources",
)
"""What a node that comes too late for the tree still has to go through, in the order of the tree.

Inline Markdown in captions; MkDocs' list of a page's anchors and its rewriting of links, where it
renders the page.
"""


class FencePreprocessor(Preprocessor):
    """Puts a marker in the place of each genimage fence, behind the same prefix."""

    NAME = "genimage_fences"

    def __init__(self, md: Markdown, conversion: Conversion, renderer: Renderer) -> None:
        super().__init__(md)
        self._conversion = conversion
        self._renderer = renderer

    def run(self, lines: list[str]) -> list[str]:
        """Take the fences out of a text. A text without any is returned as it came."""
        lines = self._renderer.prepare(lines, self.md)
        text = "\n".join(lines).replace("\r\n", "\n").replace("\r", "\n")
        # Nobody can forge a marker.
        cleaned = text.translate(_CONTROLS).split("\n")
        found = scan(cleaned, self.md.tab_length)
        document = None
        if found.fences or found.near_misses:
            document = self._renderer.document(found.fences, self.md)
            for miss in found.near_misses:
                document.near_miss(miss.line, miss.index, miss.advice)
        self._conversion.begin(document, found.fences, cleaned, self.md.tab_length)
        if not found.fences:
            return lines
        marked: list[str] = []
        done = 0
        for number, fence in enumerate(found.fences):
            marked += cleaned[done : fence.start]
            marked.append(fence.prefix + MARKER.format(number))
            done = fence.end
        return marked + cleaned[done:]


class MarkerBlockProcessor(BlockProcessor):
    """Gives a marker a block of its own where it must not be taken for part of its neighbours.

    A marker at the margin ends what is above it and begins nothing: it is no row of a table, no heading
    over `---`, no part of an item above it. An indented one under a blank line ends at a line that is
    indented less: that line goes on where the author's indentation says.

    Blank lines in the text itself would do the same, but would show in raw HTML and comments.
    """

    NAME = "genimage_marker"

    def __init__(self, parser: BlockParser, conversion: Conversion) -> None:
        super().__init__(parser)
        self._conversion = conversion

    def test(self, parent: Element, block: str) -> bool:
        """Whether a block has to be split."""
        # The word is looked for first, as most blocks of a page are nobody's marker.
        return (
            LANGUAGE in block
            and bool(self._conversion.fences)
            and len(self._split(parent, block)) > 1
        )

    def run(self, parent: Element, blocks: list[str]) -> None:
        """Split the first block; its parts are parsed next."""
        blocks[:1] = self._split(parent, blocks[0])

    def _split(self, parent: Element, block: str) -> list[str]:
        at_margin = _MARKER_AT_MARGIN_RE.search(block)
        if at_margin and self._conversion.is_marker(at_margin):
            before, after = block[: at_margin.start()], block[at_margin.end() :]
            parts = (before.rstrip("\n"), at_margin[0], after.lstrip("\n"))
            return [part for part in parts if part]
        indented = _MARKER_THEN_LINE_RE.match(block)
        if indented and self._conversion.is_marker(indented):
            own, following = len(indented["own"]), len(indented["next"])
            # Lines of one block of indented code stay together, however ragged they are.
            code = (self._level(parent, block) + 1) * self.tab_length
            if following < own and following < code:
                first, _, rest = block.partition("\n")
                return [first, rest]
        return [block]

    def _level(self, parent: Element, block: str) -> int:
        """How many items of lists a block stands in."""
        if "indent" not in self.parser.blockprocessors:
            return 0
        lists = self.parser.blockprocessors["indent"]
        if not isinstance(lists, ListIndentProcessor) or not lists.test(parent, block):
            return 0
        return lists.get_level(parent, block)[0]


class FigureBlockProcessor(BlockProcessor):
    """Turns markers into figures."""

    NAME = "genimage_figure"

    def __init__(self, parser: BlockParser, conversion: Conversion) -> None:
        super().__init__(parser)
        self._conversion = conversion

    def test(self, parent: Element, block: str) -> bool:
        """Whether there is a marker on a line of its own."""
        if LANGUAGE not in block or not self._conversion.fences:
            return False
        match = _MARKER_LINE_RE.search(block)
        return match is not None and self._conversion.is_marker(match)

    def run(self, parent: Element, blocks: list[str]) -> None:
        """Parse what is before the first marker, append the figure, leave the rest for later."""
        block = blocks.pop(0)
        match = _MARKER_LINE_RE.search(block)
        assert match is not None
        before = block[: match.start()].rstrip("\n")
        after = block[match.end() :].lstrip("\n")
        if before:
            self.parser.parseBlocks(parent, [before])
        figure = self._conversion.figure(match)
        figure.set(_STAND_IN, str(figure.tag))
        figure.tag = _STAND_IN
        parent.append(figure)
        if after:
            if self.parser.state.isstate("looselist"):
                # The item's lines still have their indentation and would become code, see
                # HashHeaderProcessor.run (Markdown 3.11).
                after = self.looseDetab(after)
            blocks.insert(0, after)


_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def _put_below_title(root: Element, figure: Element) -> None:
    """Move a figure behind the page's first heading, if that is of the first level."""
    title = next((node for node in root if node.tag in _HEADINGS), None)
    if title is not None and title.tag == "h1" and figure in list(root):
        root.remove(figure)
        root.insert(list(root).index(title) + 1, figure)


class TreeFinisher(Treeprocessor):
    """Gives figures their tags, and puts fences back that are in indented code."""

    NAME = "genimage_tree"

    def __init__(self, md: Markdown, conversion: Conversion) -> None:
        super().__init__(md)
        self._conversion = conversion

    def run(self, root: Element) -> None:
        """Finish what the block parser left."""
        if not self._conversion.fences:
            return
        for figure in list(root.iter(_STAND_IN)):
            figure.tag = figure.attrib.pop(_STAND_IN)
            if BELOW_TITLE in figure.attrib:
                del figure.attrib[BELOW_TITLE]
                _put_below_title(root, figure)
        for code in chain.from_iterable(pre.iter("code") for pre in root.iter("pre")):
            if code.text and _MARKER_RE.search(code.text):
                code.text = AtomicString(self._conversion.restore(code.text, code_escape))


class SourceFinisher(Treeprocessor):
    """Puts the smaller files of a picture where its `src` leads, once that is known.

    MkDocs makes the URL of `src`, whatever view of a page is rendered, and knows of no other attribute.
    """

    NAME = "genimage_sources"

    def run(self, root: Element) -> None:
        """Finish each list of names."""
        if not any(NAMED_SRCSET in image.attrib for image in root.iter("img")):
            return
        folder = ""
        # The tags of a <picture> come before its image in the tree, and take their folder from it.
        for element in reversed(list(root.iter())):
            if element.tag == "img":
                folder = element.get("src", "").partition("#")[0].rpartition("/")[0]
            names = element.attrib.pop(NAMED_SRCSET, "")
            if names:
                front = f"{folder}/" if folder else ""
                element.set("srcset", ", ".join(front + name for name in names.split(", ")))


class LatePostprocessor(Postprocessor):
    """Deals with the markers that never met the block parser, because they stand in raw HTML.

    Others, such as toc, run all postprocessors on parts of a page again and again.
    """

    NAME = "genimage_late"

    def __init__(self, md: Markdown, conversion: Conversion) -> None:
        super().__init__(md)
        self._conversion = conversion

    def run(self, text: str) -> str:
        """Replace the markers that are left in a text."""
        if not self._conversion.fences:
            return text
        if any(begin in text for begin in _MARKER_BEGINS):
            text = _LATE_RE.sub(self._replace, text)
        return _SOURCE_END_RE.sub(r"\g<tag> />", text)

    def _replace(self, match: re.Match[str]) -> str:
        if match["verbatim"]:
            return self._conversion.restore(match[0], str)
        if match["code"]:
            return self._conversion.restore(match[0], code_escape)
        if match["attributes"]:
            return self._conversion.restore(match[0], html.escape)
        if self._conversion.is_marker(match):
            return self._conversion.html(match, self._serialize)
        return match[0]

    def _serialize(self, figure: Element) -> str:
        """The HTML of a node, after what would have been done to it in the tree."""
        root = Element("div")
        root.append(figure)
        for name in _LATE_TREEPROCESSORS:
            if name in self.md.treeprocessors:
                self.md.treeprocessors[name].run(root)
        text = self.md.serializer(figure)
        # HTML in a caption is in the stash by now, and the others have been fetched from there before.
        if "raw_html" in self.md.postprocessors:
            text = self.md.postprocessors["raw_html"].run(text)
        return text


class GenimageExtension(Extension):
    """Pictures from genimage fences.

    Args:
        renderer: makes the figures. One extension, and so one renderer, may serve many Markdown objects.
    """

    def __init__(self, renderer: Renderer, **options: Any) -> None:
        super().__init__(**options)
        self.renderer = renderer

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register the processors, with a state that is this Markdown object's own."""
        md.registerExtension(self)
        conversion = Conversion()
        md.preprocessors.register(
            FencePreprocessor(md, conversion, self.renderer),
            FencePreprocessor.NAME,
            31.5,  # Right below snippets (32), which bring fences; above critic (31.1) and SuperFences.
        )
        md.parser.blockprocessors.register(
            MarkerBlockProcessor(md.parser, conversion),
            MarkerBlockProcessor.NAME,
            106,  # Right above admonitions and tabs (105), which claim the lines next to a marker.
        )
        md.parser.blockprocessors.register(
            FigureBlockProcessor(md.parser, conversion),
            FigureBlockProcessor.NAME,
            10.5,  # Right above paragraphs (10): code (80), lists and quotes come first.
        )
        md.treeprocessors.register(
            TreeFinisher(md, conversion),
            TreeFinisher.NAME,
            40,  # Below footnotes (50), which parse more blocks; above highlighting (30) and inline (20).
        )
        md.treeprocessors.register(
            SourceFinisher(md),
            SourceFinisher.NAME,
            -1,  # Right below MkDocs' relpath (0), which makes the URLs.
        )
        md.postprocessors.register(
            LatePostprocessor(md, conversion),
            LatePostprocessor.NAME,
            29,  # Right below raw_html (30), which brings markers back.
        )
