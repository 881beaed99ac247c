"""What of a site's pictures is not as it should be, for those who look before publishing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mkdocs_genimage.places import PLACED
from mkdocs_genimage.upkeep.pruning import unclear
from mkdocs_genimage.upkeep.targets import line_of
from mkdocs_genimage.upkeep.wording import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mkdocs_genimage.upkeep.blocks import Role, SiteBlock, SiteImage
    from mkdocs_genimage.upkeep.pruning import Pruning
    from mkdocs_genimage.upkeep.survey import Survey

Kind = Literal["bad", "missing", "damaged", "elsewhere", "refused", "stale", "alt", "unused"]
"""What a finding is about:

- bad: a block that cannot be read, or something that was probably meant to be one.
- missing: a picture that is not there.
- damaged: a picture whose files cannot be used.
- elsewhere: a picture that was made, but is not here: a Git LFS pointer, or written by a newer version.
- refused: a picture that the server's moderation refused.
- stale: a picture that another model or server made than today's.
- alt: a block without an alt text of its own.
- unused: a picture that no page uses.
"""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        kind: what it is about.
        place: `docs/guide.md:12`, or a file of the cache; empty where it has none.
        path: the file; None where it has none.
        line: from 1; 0 where it is not known.
        page: the page's file in docs_dir; empty where it has none.
        key: of the request; empty where there is none.
        variants: the variants that it is about.
        role: which picture of a block it is about, as `SiteBlock.role` has it.
        what: what is wrong; with the cure, where that is this one's alone.
        cure: what to do; may hold for many.
    """

    kind: Kind
    place: str
    what: str
    cure: str = ""
    path: Path | None = None
    line: int = 0
    page: str = ""
    key: str = ""
    variants: tuple[int, ...] = ()
    role: Role = ""

    @property
    def message(self) -> str:
        """What is wrong, and the cure."""
        return f"{self.what} {self.cure}".rstrip()


@dataclass
class Report:
    """What a check came to.

    Attributes:
        blocks: all of the site, each with its findings.
        others: findings that belong to no block.
        pictures: how many the site has.
    """

    blocks: list[tuple[SiteBlock, list[Finding]]] = field(default_factory=list)
    others: list[Finding] = field(default_factory=list)
    pictures: int = 0

    @property
    def findings(self) -> list[Finding]:
        """All of them, each once, in the order of the pages."""
        found = [finding for _, findings in self.blocks for finding in findings]
        return list(dict.fromkeys([*found, *self.others]))

    @property
    def counts(self) -> dict[Kind, int]:
        """How many there are of each kind."""
        return dict(Counter(finding.kind for finding in self.findings))


def check(
    survey: Survey, *, alt: bool = False, stale: bool = False, pruning: Pruning | None = None
) -> Report:
    """Look a site's pictures over.

    Args:
        survey: of the site.
        alt: whether a block needs an alt text of its own.
        stale: whether pictures have to be by today's model and server.
        pruning: what is unused, if that is not to be.
    """
    report = Report(pictures=len(survey.images))
    for block in survey.blocks:
        found = [*_of_block(block, survey), *_of_images(block, survey, stale=stale)]
        if alt and block.alt[1] == "prompt":
            key = block.composed.request.key if block.composed else ""
            found.append(_at(block, "alt", _NO_ALT.format(block.noun), _ALT_CURE, key))
        report.blocks.append((block, found))
    told = set(survey.problems)
    for text in unclear(survey):
        if text not in told and not _is_of_block(text, report):
            report.others.append(_placed("bad", text, survey))
    if pruning:
        report.others += _unused(pruning, survey)
    return report


_NO_ALT = "the {} has no alt text; the first sentence of its prompt stands in."
_ALT_CURE = (
    "Write 'alt:' with what the picture tells a reader who cannot see it, or 'decorative: true' if that is "
    "nothing."
)
_UNUSED_CURE = "'mkdocs-genimage prune' says what it is, and moves it out of the way."
_PROMPT_CHARS = 50
"""So much of a prompt tells which one it is."""
_FRONT_MATTER = "the block cannot be read: the front matter of its page is wrong."


def _is_of_block(text: str, report: Report) -> bool:
    return any(
        text == f"{finding.place}: {finding.message}"
        for _, findings in report.blocks
        for finding in findings
    )


def _of_block(block: SiteBlock, survey: Survey) -> list[Finding]:
    """What is wrong with a block itself."""
    if block.composed is None and not block.problems:
        return [_at(block, "bad", _FRONT_MATTER)]
    return [_placed("bad", text, survey, block) for text in block.problems]


def _of_images(block: SiteBlock, survey: Survey, *, stale: bool) -> list[Finding]:
    """What is wrong with a block's pictures: once for all variants of which the same is to be said."""
    told: dict[tuple[Kind, bool, str, str], list[SiteImage]] = {}
    for image in block.pictures:
        if image.state == "cached" or (image.state == "stale" and not stale):
            continue
        kind: Kind = "missing" if image.state == "billed?" else image.state
        is_twin = block.twin_of(image) is not None
        subject = block.composed.request.subject if block.composed else ""
        said = _said(image, subject, survey)
        told.setdefault((kind, is_twin, *said), []).append(image)
    found = []
    for (kind, is_twin, what, cure), images in told.items():
        numbers = tuple(block.twin_of(image) or image.variant for image in images)
        which = ["dark"] if is_twin else []
        if len(block.images) > 1:
            noun = "variant" if len(numbers) == 1 else "variants"
            which.append(f"{noun} {', '.join(map(str, numbers))} of {len(block.images)}")
        text = f"{', '.join(which)}: {what}" if which else what
        key, role = images[0].request.key, block.role(images[0])
        found.append(_at(block, kind, text, cure, key, numbers, role))
    return found


def _said(image: SiteImage, subject: str, survey: Survey) -> tuple[str, str]:
    """What is wrong with a picture, and the cure.

    Args:
        image: the picture.
        subject: the prompt of its block.
        survey: of the site.
    """
    folder = survey.folder.name
    if image.state == "stale" and image.stored:
        made = image.stored.sidecar
        renderer = " at ".join(str(made[name]) for name in ("model", "host") if made.get(name))
        return (
            f"the picture was made by {renderer or 'another provider'}, which mkdocs.yml no longer names.",
            "It is used all the same. 'mkdocs-genimage generate --stale' makes it anew.",
        )
    if image.reason:
        return image.reason, ""
    what = f'there is no picture of "{shortened(subject, _PROMPT_CHARS)}".'
    if image.state == "billed?":
        return (
            f"{what} An earlier request for it may have been billed.",
            f"See 'mkdocs-genimage costs', then run 'mkdocs-genimage generate' and commit {folder}/.",
        )
    if not image.is_asked_for:
        return what, (
            f"'provider: {survey.options.provider}' makes nothing that is kept. "
            "Set another one in mkdocs.yml."
        )
    if not survey.folder.is_dir():
        return what, (
            f"There is no folder {folder}/ at all. Run 'mkdocs-genimage generate' and commit the folder, "
            "or see why it did not get here."
        )
    return what, f"Run 'mkdocs-genimage generate' and commit {folder}/."


def _unused(pruning: Pruning, survey: Survey) -> list[Finding]:
    if pruning.doubts:
        known = unclear(survey)  # findings themselves
        doubts = [text for text in pruning.doubts if text not in known]
        return [_placed("unused", _in_doubt(text), survey) for text in doubts]
    what = {"picture": "the picture", "refusal": "the refusal", "remains": "what is left here"}
    found = []
    for one in pruning.unused:
        name = f"{pruning.folder.name}/{one.file.name}"
        text = f"no page uses {what[one.kind]}."
        found.append(Finding("unused", name, text, _UNUSED_CURE, one.file, key=one.text("key")))
    return found


def _in_doubt(text: str) -> str:
    match = PLACED.fullmatch(text)
    said = "which pictures are unused cannot be told"
    return f"{match['place']}: {said}: {match['message']}" if match else f"{said}: {text}"


def _at(
    block: SiteBlock,
    kind: Kind,
    what: str,
    cure: str = "",
    key: str = "",
    variants: tuple[int, ...] = (),
    role: Role = "",
) -> Finding:
    path, line = source_file(block), line_of(block) or 0
    return Finding(kind, block.place, what, cure, path, line, block.page, key, variants, role)


def _placed(kind: Kind, text: str, survey: Survey, block: SiteBlock | None = None) -> Finding:
    """A finding of a message that begins with its place, if it does."""
    match = PLACED.fullmatch(text)
    if not match:
        return Finding(kind, "", text)
    path = source_file(block) if block else _existing(match["file"], survey)
    page = block.page if block else _page(path, survey)
    line = int(match["line"] or 0)
    return Finding(kind, match["place"], match["message"], "", path, line, page)


def source_file(block: SiteBlock) -> Path | None:
    """The file of a block's page; None for a page without one."""
    path = block.seen.file.abs_src_path
    return Path(path) if path else None


def _existing(name: str, survey: Survey) -> Path | None:
    """The file that a message names: from the folder of mkdocs.yml, or from docs_dir."""
    paths: Iterable[Path] = (survey.project / name, Path(survey.config.docs_dir, name))
    return next((path for path in paths if path.is_file()), None)


def _page(path: Path | None, survey: Survey) -> str:
    docs = Path(survey.config.docs_dir)
    return path.relative_to(docs).as_posix() if path and path.is_relative_to(docs) else ""
