"""Every option of a block as data: its kind, what it takes, and what it is for.

Blocks, `defaults:`, `styles:` and front matter are all read through this table, so a value
means the same wherever it is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from mkdocs_genimage import values
from mkdocs_genimage.errors import OptionError
from mkdocs_genimage.values import did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NO_DARK = "none"
"""What `dark` says where there is to be no second picture, against a default."""
UNSET = {"align": "none", "width": "auto", "link": "none"}
"""What options say where a default of the page, a style or the site is not to hold."""
NOT_EDITABLE = ("gif", "svg")
"""Formats of pictures that no server edits."""
LINK_TO_ORIGINAL = "original"


@dataclass(frozen=True)
class Option:
    """One option that a block takes.

    Attributes:
        name: as the author writes it.
        kind: `generation` options decide the pixels, `presentation` options never cause a new image.
        parse: turns what was written (text, or what YAML made of it) into the value; raises
            ValueError or TypeError for what it does not take.
        allowed: what it takes, as the end of the sentence "Allowed: ...".
        doc: what it is for, one sentence.
        choices: the words it takes, for "did you mean".
    """

    name: str
    kind: Literal["generation", "presentation"]
    parse: Callable[[Any], Any]
    allowed: str
    doc: str
    choices: tuple[str, ...] = ()

    def read(self, value: Any) -> Any:
        """The value in its normal form.

        Raises:
            OptionError: the value is not one that this option takes.
        """
        try:
            return self.parse(value)
        except (ValueError, TypeError):
            hint = did_you_mean(str(value), self.choices) if isinstance(value, str) else ""
            raise OptionError(
                f"'{self.name}' cannot be {shown(value)}.{hint} Allowed: {self.allowed}."
            ) from None


def _extra(value: Any) -> dict[str, Any]:
    """Fields for the request body. Those that have an option of their own belong there."""
    if not isinstance(value, dict) or not value:
        raise TypeError
    if not all(isinstance(name, str) for name in value) or set(value) & set(GENERATION):
        raise ValueError
    values.check_plain(value)
    return value


def _dark(value: Any) -> str:
    """What to change for dark mode. Words for yes and no are no prompt that somebody would pay for."""
    word = str(value).strip().lower()
    if value is False or word in ("none", "no", "off", "false"):
        return NO_DARK
    if not isinstance(value, str) or word in ("yes", "on", "true"):
        raise TypeError
    return values.read_prompt(value)


def _words(name: str, kind: Literal["generation", "presentation"], doc: str, *words: str) -> Option:
    return Option(name, kind, values.one_of(*words), ", ".join(words), doc, words)


_TABLE = (
    Option(
        "prompt",
        "generation",
        values.read_prompt,
        f"text, at most {values.MAX_PROMPT_CHARS:,} characters",
        "What the picture shows. A body that is plain text is the prompt.",
    ),
    Option(
        "style",
        "generation",
        values.read_text,
        "the name of a style in mkdocs.yml, or none",
        "A text round the prompt, from `styles:` in mkdocs.yml; `none` for no style.",
    ),
    Option(
        "size",
        "generation",
        values.read_size,
        "WIDTHxHEIGHT such as 1536x1024, square, landscape, portrait, or auto",
        "Pixels of the picture. `square`, `landscape` and `portrait` are 1024x1024, 1536x1024 "
        "and 1024x1536.",
        ("auto", *values.SIZE_NAMES),
    ),
    _words(
        "quality",
        "generation",
        "How much work the model puts in; the price follows it.",
        *("low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"),
    ),
    _words(
        "background",
        "generation",
        "`transparent` needs a png or webp picture.",
        *("transparent", "opaque", "auto"),
    ),
    Option(
        "output_format",
        "generation",
        values.read_format,
        "png, jpeg, webp, gif, svg",
        "The file format to ask for; png is the servers' usual default.",
        ("png", "jpeg", "webp", "gif", "svg"),
    ),
    Option(
        "output_compression",
        "generation",
        values.whole_number(0, 100),
        "a whole number from 0 to 100",
        "Compression of jpeg and webp pictures, in percent.",
    ),
    _words(
        "complexity",
        "generation",
        "How much the model plans before it draws, for models that ask.",
        *("low", "medium", "high"),
    ),
    Option(
        "frame_count",
        "generation",
        values.whole_number(2, 16),
        "a whole number from 2 to 16",
        "Frames of a gif.",
    ),
    Option(
        "frame_duration_ms",
        "generation",
        values.whole_number(10, 655_350),
        "a whole number from 10 to 655,350",
        "Milliseconds that each frame of a gif is shown.",
    ),
    Option(
        "n",
        "generation",
        values.whole_number(1, values.MAX_VARIANTS),
        f"a whole number from 1 to {values.MAX_VARIANTS}",
        "How many variants to make. Each is paid for; `pick` says which to show.",
    ),
    Option(
        "image",
        "generation",
        values.read_paths,
        f"one path or a list of 1 to {values.MAX_INPUT_IMAGES} paths of png, jpeg or webp files, "
        "or '#id' in quotes",
        "A picture to edit, or several to work from: paths relative to the page, then to docs_dir, or "
        "`#id` for the picture of another block of the page, which is made first.",
    ),
    Option(
        "mask",
        "generation",
        values.read_path,
        "the path of a png file",
        "Where to edit the first `image`: transparent pixels are redrawn. In a black-and-white picture "
        "without transparency the white ones are.",
    ),
    _words(
        "mask_mode",
        "generation",
        "How to read `mask`: by its transparency (`alpha`), or white for what is redrawn (`white`).",
        *("auto", "alpha", "white"),
    ),
    Option(
        "markup",
        "generation",
        values.read_path,
        "the path of a png file",
        "A drawing over the first `image` that shows what to change, for models that take one: a "
        "transparent png of the same dimensions. Not together with `mask`.",
    ),
    _words(
        "input_fidelity",
        "generation",
        "How closely an edit keeps to its `image`, for models that ask.",
        *("high", "low"),
    ),
    _words(
        "moderation",
        "generation",
        "How strictly the server judges the prompt.",
        *("auto", "low"),
    ),
    Option(
        "model",
        "generation",
        values.read_model,
        "the name of a model, without blanks",
        "Another model than the site's, for this picture. It becomes part of the picture's identity.",
    ),
    Option(
        "revision",
        "generation",
        values.whole_number(0, values.MAX_REVISION),
        f"a whole number from 0 to {values.MAX_REVISION:,}",
        "Count it up to get another take of the same prompt.",
    ),
    Option(
        "dark",
        "generation",
        _dark,
        f"text, at most {values.MAX_PROMPT_CHARS:,} characters, or none",
        "A second picture, for dark mode: what to change in the first, like `the same scene at night`. "
        "It is an edit of the first, and paid for; `none` for no such picture.",
    ),
    Option(
        "extra",
        "generation",
        _extra,
        "a mapping of plain values, none of them with an option of its own",
        "Further fields for the request, sent as they are.",
    ),
    Option(
        "alt",
        "presentation",
        values.read_line,
        "text; for none at all: `decorative: true`",
        "What the picture shows, for those who do not see it. Without it: the prompt's first sentence, "
        "unless the caption says the same.",
    ),
    Option(
        "decorative",
        "presentation",
        values.read_boolean,
        "true or false",
        "`true` for a picture that adds nothing to the text: screen readers pass over it.",
    ),
    Option(
        "caption",
        "presentation",
        values.read_text,
        "text",
        "A line under the picture; inline Markdown works.",
    ),
    Option("title", "presentation", values.read_line, "text", "The tooltip."),
    Option(
        "id",
        "presentation",
        values.read_id,
        "a name without blanks, quotes or any of < > & #",
        "The id of the figure, for links: `#hero` in a header.",
    ),
    Option(
        "class",
        "presentation",
        values.read_classes,
        "names without blanks, quotes or any of < > &",
        "Further classes of the figure: `.wide` in a header. They add to those of defaults.",
    ),
    Option(
        "width",
        "presentation",
        values.read_width,
        f"pixels from 1 to {values.MAX_DISPLAY_PIXELS:,}, 1% to 100%, or auto",
        "How wide the picture is shown, in pixels or percent of the text; `auto` for no default.",
    ),
    Option(
        "height",
        "presentation",
        values.read_height,
        f"pixels from 1 to {values.MAX_DISPLAY_PIXELS:,}",
        "How high the picture is shown, in pixels. A `width` beside it is in pixels, too, and crops it.",
    ),
    _words(
        "align",
        "presentation",
        "Where the picture stands; text flows round `left` and `right`; `none` for no default.",
        *("left", "center", "right", "none"),
    ),
    Option(
        "link",
        "presentation",
        values.read_link,
        "a page of the docs, a URL with http, https or mailto, original, or none",
        "Where a click on the picture leads; `original` is the picture itself, at its full size, `none` is "
        "for no default.",
    ),
    _words(
        "loading",
        "presentation",
        "`eager` for a picture that readers see at once.",
        *("lazy", "eager"),
    ),
    Option(
        "pick",
        "presentation",
        values.read_pick,
        f"a whole number from 1 to {values.MAX_VARIANTS} (at most n), or all",
        "Which of `n` variants to show. Changing it costs nothing.",
        ("all",),
    ),
)

OPTIONS: dict[str, Option] = {option.name: option for option in _TABLE}
GENERATION: dict[str, Option] = {
    option.name: option for option in _TABLE if option.kind == "generation"
}
PAGE_WIDE: dict[str, Option] = {
    name: option
    for name, option in OPTIONS.items()
    if name in ("class", "width", "align", "link", "loading")
    or (name in GENERATION and name not in ("prompt", "revision", "model"))
}
"""What a page's front matter may set. `model` has its own place in mkdocs.yml."""
SITE_WIDE: dict[str, Option] = {
    **PAGE_WIDE,
    "link": replace(
        OPTIONS["link"],
        parse=values.read_site_link,
        allowed="a URL with http, https or mailto, original, or none",
    ),
}
"""What `defaults:` or a style may set. The name of a page would mean another one in each folder."""


def unknown_option(name: str, known: Mapping[str, Option]) -> str:
    """The message for an option that does not exist, or not there."""
    if name in OPTIONS:
        return f"{shown(name)} is for blocks only. Allowed here: {', '.join(known)}."
    return (
        f"there is no option {shown(name)}.{did_you_mean(name, known)} Allowed: {', '.join(known)}."
    )


def read_options(
    values: Any, known: Mapping[str, Option]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Read a whole mapping, as `defaults:` or front matter hold it.

    Args:
        values: what YAML made of it; None counts as empty.
        known: the options that may stand there.

    Returns:
        The values in normal form, and (option, message) of everything wrong.
    """
    if values is None:
        return {}, []
    if not isinstance(values, dict):
        return {}, [("", f"must be a mapping of options, not {shown(values)}.")]
    read: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for name, value in values.items():
        if name not in known:
            wrong.append((str(name), unknown_option(str(name), known)))
            continue
        try:
            read[name] = known[name].read(value)
        except OptionError as error:
            wrong.append((name, str(error)))
    return read, wrong


def has_twin(options: Mapping[str, Any]) -> bool:
    """Whether a block has pictures for dark mode."""
    return bool(options.get("dark", NO_DARK) != NO_DARK)
