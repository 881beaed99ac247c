"""`mkdocs-genimage gallery`."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mkdocs_genimage.cli.output import amount, json_option, print_json
from mkdocs_genimage.cli.site import SiteContext, SiteError, pass_site
from mkdocs_genimage.upkeep.wording import counted, from_here, size_text

if TYPE_CHECKING:
    from datetime import datetime

    from mkdocs_genimage.upkeep.gallery import Gallery
    from mkdocs_genimage.upkeep.survey import Survey

FOLDER = ".gallery"
"""Below the cache's folder. Holds a `.gitignore` of its own; no build publishes it."""
NAME = "gallery.html"


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The file to write. Default: .gallery/gallery.html in the pictures' folder, "
    "which Git ignores and no build publishes.",
)
@click.option("--open", "open_it", is_flag=True, help="Show it in the browser.")
@click.option(
    "--force", is_flag=True, help="Write into the docs or the site, or over another file."
)
@json_option
@pass_site
def command(
    site: SiteContext, *, output: Path | None, open_it: bool, force: bool, as_json: bool
) -> None:
    """Write one page with all pictures of the site, to look at them before they are published.

    The page holds small copies, so it can be sent to others as it is. Nothing is asked of a server, and no
    picture is changed. Exits with 1 if the file of a picture cannot be shown.

    \b
    Examples:
      mkdocs-genimage gallery --open
      mkdocs-genimage gallery -o /tmp/review.html
    """
    from mkdocs.utils import get_build_datetime

    from mkdocs_genimage.upkeep.gallery_page import render

    survey = site.survey
    target = (output or survey.folder / FOLDER / NAME).absolute()
    if output and not force:
        _refuse(target, survey)
    gallery = _gathered(survey, target, get_build_datetime())
    data = render(gallery).encode("utf-8", "replace")
    _write(target, data, is_private=output is None)
    if as_json:
        print_json(as_data(gallery, target, len(data)))
    else:
        click.echo(f"{from_here(target)}: {summary(gallery)}, {size_text(len(data))}.")
    for problem in gallery.problems:
        click.echo(f"{survey.folder.name}/{problem}", err=True)
    if open_it and not webbrowser.open(target.as_uri()):
        click.echo(f"There is no browser to show it in. Open {target.as_uri()}.", err=True)
    if gallery.problems:
        sys.exit(1)


def _refuse(target: Path, survey: Survey) -> None:
    """See that nothing is published, lost or mistaken for a picture.

    Raises:
        click.UsageError: it would be.
    """
    from mkdocs_genimage.upkeep.gallery_page import is_gallery

    places: dict[str, str | Path] = {
        "the docs, so it would be published": survey.config.docs_dir,
        "the built site, so it would be published": survey.config.site_dir,
        "the folder of the pictures": survey.folder,
    }
    resolved = target.resolve()
    for what, folder in places.items():
        if resolved.is_relative_to(Path(folder).resolve()):
            raise click.UsageError(f"{target} is in {what}. Choose another place, or add --force.")
    try:
        is_other = target.exists() and not is_gallery(target)
    except OSError:
        is_other = True
    if is_other:
        raise click.UsageError(
            f"{target} is there already and is no gallery. Choose another name, or add --force."
        )


def _gathered(survey: Survey, target: Path, made: datetime) -> Gallery:
    """The gallery, with a bar on a terminal while previews are made."""
    from mkdocs_genimage.upkeep.gallery import make_gallery, pictures

    if not sys.stderr.isatty():
        return make_gallery(survey, target, made)
    total = len(pictures(survey))
    with click.progressbar(
        length=total, label="Making previews", file=sys.stderr, show_pos=True
    ) as bar:
        return make_gallery(survey, target, made, lambda: bar.update(1))


def _write(target: Path, data: bytes, *, is_private: bool) -> None:
    from mkdocs_genimage.disk import make_private_folder, write_atomically

    try:
        if is_private:
            make_private_folder(target.parent)
        write_atomically(target, data)
    except OSError as error:
        raise SiteError(
            f"{target} cannot be written: {error.strerror or error}. Choose another place with --output."
        ) from error


def summary(gallery: Gallery) -> str:
    """As in "23 blocks on 9 pages, 2 missing, 1 no alt text"."""
    parts = [
        f"{counted(len(gallery.cards), 'block')} on {counted(len(gallery.sections), 'page')}",
        *(f"{count} {name}" for name, count in gallery.states.items() if name != "cached"),
    ]
    without = gallery.counts.get("no-alt")
    if without:
        parts.append(f"{without} without alt text")
    if gallery.spent:
        parts.append(f"{amount(gallery.spent)} paid")
    return ", ".join(parts)


def as_data(gallery: Gallery, target: Path, size: int) -> dict[str, Any]:
    """What was written, for programs."""
    return {
        "output": str(target),
        "bytes": size,
        "pages": len(gallery.sections),
        "blocks": len(gallery.cards),
        "states": gallery.states,
        "without_alt": gallery.counts.get("no-alt", 0),
        "paid": round(gallery.spent, 6),
        "problems": gallery.problems,
    }
