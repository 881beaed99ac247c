"""From a Block to a request: defaults, styles and input files come together here, and only here.

Precedence, strongest first: the block, the page's front matter, the style, the site's `defaults:`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from mkdocs_genimage.conflicts import conflicts
from mkdocs_genimage.errors import BlockError, OptionError, Problem
from mkdocs_genimage.formats import LFS_POINTER, sniff
from mkdocs_genimage.layers import merge
from mkdocs_genimage.options import (
    GENERATION,
    NOT_EDITABLE,
    OPTIONS,
    SITE_WIDE,
    has_twin,
    read_options,
)
from mkdocs_genimage.request import (
    TWIN_OF,
    BlockInput,
    ImageRequest,
    InputFile,
    normalise_prompt,
)
from mkdocs_genimage.values import MAX_PROMPT_CHARS, did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mkdocs_genimage.block import Block

MAX_INPUT_BYTES = 50_000_000
"""Per input image; the Images API's limit (API reference, 2026-11)."""
MAX_MASK_BYTES = 4_000_000
"""The Images API's limit for a mask (API reference, 2026-11)."""
_OVERLAYS = {"mask": MAX_MASK_BYTES, "markup": MAX_INPUT_BYTES}
"""Files that lie over the first image, and how large they may be."""
NO_STYLE = "none"

_Input = TypeVar("_Input")


@dataclass(frozen=True)
class Style:
    """A named style: text round the prompt, and options that come with it.

    Attributes:
        text: holds `{prompt}` where the prompt goes.
        options: in normal form.
    """

    text: str = "{prompt}"
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, value: Any) -> Style:
        """Read a style from mkdocs.yml: a text, or a mapping with `prompt` and options.

        Raises:
            OptionError: it is neither, or its text has no `{prompt}`.
        """
        if isinstance(value, str):
            value = {"prompt": value}
        if not isinstance(value, dict):
            raise OptionError(
                f"must be a text with {{prompt}}, or a mapping of options, not {shown(value)}."
            )
        text = value.get("prompt", "{prompt}")
        if not isinstance(text, str) or "{prompt}" not in text:
            raise OptionError(
                f"needs {{prompt}} where the block's prompt goes; it is {shown(text)}."
            )
        known = {name: option for name, option in SITE_WIDE.items() if name != "style"}
        rest = {name: item for name, item in value.items() if name != "prompt"}
        options, wrong = read_options(rest, known)
        if wrong:
            raise OptionError(" ".join(message for _, message in wrong))
        return cls(text, options)


def read_styles(value: Any) -> dict[str, Style]:
    """Read `styles:`.

    Raises:
        OptionError: it is no mapping of names to styles.
    """
    if not isinstance(value, dict):
        raise OptionError(f"must be a mapping of names to styles, not {shown(value)}.")
    styles = {}
    if NO_STYLE in value:
        raise OptionError(f"no style can be called '{NO_STYLE}', which stands for none of them.")
    for name, style in value.items():
        try:
            styles[str(name)] = Style.read(style)
        except OptionError as error:
            raise OptionError(f"style '{name}': {error}") from None
    return styles


@dataclass(frozen=True)
class Site:
    """What mkdocs.yml says that decides requests.

    Attributes:
        model: asked where a block names none.
        moderation: the site's level; empty is the server's default.
        defaults: options in normal form.
        styles: by name.
        project_dir: the folder of mkdocs.yml; no input file may lie outside of it.
        docs_dir: second place to look for input files.
    """

    model: str
    project_dir: Path
    docs_dir: Path
    moderation: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    styles: Mapping[str, Style] = field(default_factory=dict)

    def problem(self) -> str:
        """What is wrong with the defaults; empty if nothing is."""
        style = self.defaults.get("style", NO_STYLE)
        if style == NO_STYLE or style in self.styles:
            return ""
        known = ", ".join([*self.styles, NO_STYLE])
        return f"'defaults: style: {style}' names no style. Allowed: {known}."


@dataclass(frozen=True)
class Composed:
    """A block made whole.

    Attributes:
        request: what to look up or ask for.
        count: how many variants the author wants.
        options: all options that hold, presentation included, in normal form.
        lines: of the block's own options, within the fence.
        layers: where options may come from, weakest first: a name, and the options set there.
        twins: the pictures for dark mode, one for each of `shown_variants`; none without `dark`.
    """

    request: ImageRequest
    count: int
    options: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)
    layers: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    twins: tuple[Composed, ...] = ()

    def origin(self, option: str) -> str:
        """Who set an option: `block`, `front matter`, `style 'brand'` or `defaults`; empty if nobody did."""
        if option not in self.options:
            return ""
        return next((name for name, options in reversed(self.layers) if option in options), "")

    @property
    def shown_variants(self) -> tuple[int, ...]:
        """The variants that the page shows, from 1."""
        pick = self.options.get("pick", 1)
        return tuple(range(1, self.count + 1)) if pick == "all" else (int(pick),)


def compose(
    block: Block,
    site: Site,
    page_options: Mapping[str, Any],
    page_dir: Path | None,
    find_block: Callable[[str], Composed] | None = None,
) -> Composed:
    """Bring a block, its page's defaults, its style and the site's defaults together.

    Args:
        block: what the author wrote.
        site: what mkdocs.yml says.
        page_options: options of the page's front matter, in normal form.
        page_dir: the folder of the page's file; None for a page without one.
        find_block: gives the page's block of an id; raises OptionError where it cannot.

    Raises:
        BlockError: the whole does not fit together, or an input file cannot be used.
    """
    chosen = block.options.get("style") or page_options.get("style") or site.defaults.get("style")
    style = Style()
    if chosen and chosen != NO_STYLE:
        if chosen not in site.styles:
            raise BlockError([Problem(block.lines.get("style", 0), _unknown_style(chosen, site))])
        style = site.styles[chosen]
    layers = (
        ("defaults", site.defaults),
        (f"style '{chosen}'", style.options),
        ("front matter", page_options),
        ("block", block.options),
    )
    options = merge(*(layer for _, layer in layers))
    problems = [Problem(block.lines.get(name, 0), message) for name, message in conflicts(options)]
    images, overlays = _inputs(options, block, site, page_dir, find_block, problems)
    subject = normalise_prompt(block.prompt)
    prompt = normalise_prompt(style.text.replace("{prompt}", subject))
    if len(prompt) > MAX_PROMPT_CHARS:
        problems.append(
            Problem(
                block.lines.get("prompt", 0),
                f"the prompt has {len(prompt):,} characters together with its style. "
                f"Allowed: at most {MAX_PROMPT_CHARS:,}.",
            )
        )
    if problems:
        raise BlockError(sorted(problems, key=lambda problem: problem.line))
    not_hashed_as_such = {"prompt", "style", "n", "image", "dark", *_OVERLAYS}
    if not images:
        not_hashed_as_such.add("input_fidelity")  # of the picture for dark mode
    request = ImageRequest(
        prompt=prompt,
        options={
            name: value
            for name, value in options.items()
            if name in GENERATION and name not in not_hashed_as_such
        },
        images=images,
        mask=overlays.get("mask"),
        markup=overlays.get("markup"),
        subject=subject,
        model=options.get("model", site.model),
        moderation=options.get("moderation", site.moderation),
    )
    composed = Composed(request, options.get("n", 1), options, block.lines, layers)
    twins = [_twin(composed, variant) for variant in composed.shown_variants if has_twin(options)]
    return replace(composed, twins=tuple(twins))


_NOT_FOR_TWINS = ("dark", "image", "mask", "mask_mode", "markup", "n", "pick", "revision")
"""What a picture for dark mode does not take over: it is one edit of one picture, whose key has the rest."""


def twin_request(light: Composed, variant: int) -> ImageRequest:
    """What makes the picture for dark mode of one variant. It carries no style: the first picture has it.

    Args:
        light: a block with `dark`.
        variant: which of its variants is edited.
    """
    options = {
        name: value for name, value in light.request.options.items() if name not in _NOT_FOR_TWINS
    }
    if "input_fidelity" in light.options:
        options["input_fidelity"] = light.options["input_fidelity"]
    return replace(
        light.request,
        prompt=normalise_prompt(light.options["dark"]),
        options=options,
        images=(BlockInput(TWIN_OF, light.request, variant),),
        mask=None,
        markup=None,
        subject=f"dark {light.request.subject}",
    )


def _twin(light: Composed, variant: int) -> Composed:
    request = twin_request(light, variant)
    options = {name: value for name, value in light.options.items() if name not in _NOT_FOR_TWINS}
    lines = dict.fromkeys(OPTIONS, light.lines.get("dark", 0))
    return Composed(request, 1, {**options, "prompt": request.prompt}, lines, light.layers)


def _unknown_style(name: str, site: Site) -> str:
    known = [*site.styles, NO_STYLE]
    return (
        f"there is no style {shown(name)}.{did_you_mean(str(name), known)} "
        f"Allowed: {', '.join(known)}. Styles are written in mkdocs.yml under 'styles:'."
    )


def _inputs(
    options: Mapping[str, Any],
    block: Block,
    site: Site,
    page_dir: Path | None,
    find_block: Callable[[str], Composed] | None,
    problems: list[Problem],
) -> tuple[tuple[InputFile | BlockInput, ...], dict[str, InputFile | None]]:
    if "image" not in options and not any(name in options for name in _OVERLAYS):
        return (), {}

    def attempt(name: str, path: str, load: Callable[[], _Input]) -> _Input | None:
        try:
            return load()
        except OptionError as error:
            message = str(error)
        # A name that is too long or no name on this system, a loop of links, a file of somebody else.
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            message = f"the file {shown(path)} cannot be read: {reason}."
        problems.append(Problem(block.lines.get(name, 0), f"'{name}': {message}"))
        return None

    def image(path: str) -> InputFile | BlockInput:
        if path.startswith("#"):
            if find_block is None:
                raise OptionError("other blocks' pictures can be used in MkDocs only.")
            source = find_block(path[1:])
            form = source.request.options.get("output_format")
            if form in NOT_EDITABLE:
                raise OptionError(
                    f"the block '{path}' makes a {form}, which cannot be edited. Allowed: png, jpeg, webp."
                )
            return BlockInput(path, source.request, source.shown_variants[0])
        return _load(path, site, page_dir, ("png", "jpeg", "webp"), MAX_INPUT_BYTES)

    images = [attempt("image", path, partial(image, path)) for path in options.get("image", ())]
    overlays = {
        name: attempt(
            name, options[name], partial(_load, options[name], site, page_dir, ("png",), limit)
        )
        for name, limit in _OVERLAYS.items()
        if name in options
    }
    return tuple(image for image in images if image), overlays


def _load(
    written: str, site: Site, page_dir: Path | None, formats: tuple[str, ...], limit: int
) -> InputFile:
    """Read an input file, looked for beside the page and then in docs_dir.

    Raises:
        OptionError: not there, outside of the project, too large, or of another format.
    """
    folders = [folder for folder in (page_dir, site.docs_dir) if folder]
    root = site.project_dir.resolve()
    for folder in folders:
        path = (folder / written).resolve()
        inside = path.is_relative_to(root) or path.is_relative_to(site.docs_dir.resolve())
        if not inside:
            raise OptionError(f"the file {shown(written)} lies outside of the project.")
        if not path.is_file():
            continue
        size = path.stat().st_size
        if size >= limit:
            raise OptionError(
                f"the file {shown(written)} has {size:,} bytes. Allowed: less than {limit:,}."
            )
        data = path.read_bytes()
        if data.startswith(LFS_POINTER):
            raise OptionError(
                f"the file {shown(written)} is a Git LFS pointer: run 'git lfs pull' to get it."
            )
        if sniff(data) not in formats:
            raise OptionError(f"the file {shown(written)} is no {' or '.join(formats)} picture.")
        return InputFile(path.name, data)
    raise OptionError(
        f"there is no file {shown(written)} beside the page or in {site.docs_dir.name}/."
    )
