"""Which pictures of a site are to be made on purpose."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING

from mkdocs_genimage.request import BlockInput
from mkdocs_genimage.upkeep.targets import TargetError, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mkdocs_genimage.upkeep.blocks import SiteImage
    from mkdocs_genimage.upkeep.survey import Survey

Chosen = dict[tuple[str, int], "SiteImage"]


def select(
    survey: Survey, only: Sequence[str] = (), *, stale: bool = False, refused: bool = False
) -> list[SiteImage]:
    """The pictures to make, in the order of the pages; what one is made from stands before it.

    Args:
        survey: of the site.
        only: names that pictures are restricted to: a pattern of pages (`guide/*`, `docs/guide/*.md`), or
            what `targets.find` takes.
        stale: whether to make those anew that another model or server made. With a picture its twin for dark
            mode is made anew, too: it is an edit of it.
        refused: whether to ask once more for those that moderation refused.

    Raises:
        TargetError: one of `only` names nothing.
    """
    states = {"missing", "damaged", "billed?"}
    states |= {"stale"} if stale else set()
    states |= {"refused"} if refused else set()
    allowed = _named(survey, only) if only else None
    by_key: Chosen = {(image.request.key, image.variant): image for image in survey.images}
    chosen: Chosen = {}
    twins = {
        (twin.request.key, twin.variant): at
        for block in survey.blocks
        for variant, twin in block.twins.items()
        if block.composed and (at := (block.composed.request.key, variant)) in by_key
    }
    for at, image in by_key.items():
        # In the order of the pages, a picture stands before its twin.
        light = chosen.get(twins[at]) if at in twins else None
        follows = light is not None and light.stored and image.stored
        if (image.state in states or follows) and (allowed is None or at in allowed):
            _add(image, by_key, chosen)
    return list(chosen.values())


def passed_over(
    survey: Survey, only: Sequence[str], chosen: Sequence[SiteImage]
) -> list[SiteImage]:
    """The pictures that are not there and not to be made: each has its `reason`.

    Raises:
        TargetError: one of `only` names nothing.
    """
    allowed = _named(survey, only) if only else None
    taken = {(image.request.key, image.variant) for image in chosen}
    return [
        image
        for image in survey.images
        if image.stored is None
        and (at := (image.request.key, image.variant)) not in taken
        and (allowed is None or at in allowed)
    ]


def _add(image: SiteImage, by_key: Chosen, chosen: Chosen) -> None:
    for source in image.request.images:
        if isinstance(source, BlockInput):
            other = by_key.get((source.request.key, source.variant))
            if other and other.stored is None:
                _add(other, by_key, chosen)
    chosen.setdefault((image.request.key, image.variant), image)


def _named(survey: Survey, only: Iterable[str]) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for name in only:
        pattern = name.replace("\\", "/")
        images = [
            image
            for block in survey.blocks
            if fnmatch(block.page, pattern) or fnmatch(block.seen.place.source.name, pattern)
            for image in block.pictures
        ]
        if not images and any(sign in pattern for sign in "*?["):
            raise TargetError(f"no page with a block matches '{name}'.")
        images = images or list(find(survey, name).images)
        found |= {(image.request.key, image.variant) for image in images}
    return found
