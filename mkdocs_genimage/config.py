"""The plugin's options in mkdocs.yml."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from mkdocs.config import config_options as opt
from mkdocs.config.base import Config, ValidationError

from mkdocs_genimage.compose import Site, Style, read_styles
from mkdocs_genimage.errors import OptionError
from mkdocs_genimage.figure import Look
from mkdocs_genimage.light import CONTENT_WIDTHS, FORMATS, Light
from mkdocs_genimage.options import SITE_WIDE, read_options
from mkdocs_genimage.pricing import Pricing
from mkdocs_genimage.providers.endpoint import is_loopback, split_address

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig


MAX_SIZES_CHARS = 1000
MIN_WIDTH, MAX_WIDTH = 16, 10_000
"""Pixels of smaller files: no icon is narrower, no screen is wider."""


class _Number(opt.OptionallyRequired[float]):
    """A number not below `least`."""

    def __init__(self, default: float, least: float, *, whole: bool = False) -> None:
        super().__init__(default=default)
        self._least = least
        self._whole = whole

    def run_validation(self, value: object) -> float:
        kinds = (int,) if self._whole else (int, float)
        if isinstance(value, str):  # from the environment
            try:
                value = float(value)
                value = int(value) if self._whole and value.is_integer() else value
            except ValueError:
                pass
        if isinstance(value, bool) or not isinstance(value, kinds) or not value >= self._least:
            raise ValidationError(
                f"is {value!r}. Allowed: a {'whole ' if self._whole else ''}number of at least "
                f"{self._least:g}."
            )
        return value


_KINDS = {bool: "true or false", list: "a list", dict: "a mapping"}


class _Text(opt.OptionallyRequired[str]):
    """A text; an unset environment variable (None) counts as empty."""

    def __init__(self, default: str = "") -> None:
        super().__init__(default=default)

    def run_validation(self, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            # Not the value itself: it may hold a key.
            kind = _KINDS.get(type(value), f"of the type {type(value).__name__}")
            raise ValidationError(f"is {kind}. Allowed: a text.")
        return str(value).strip()


class _Defaults(opt.OptionallyRequired[dict[str, Any]]):
    """A mapping of options for all blocks."""

    def __init__(self) -> None:
        super().__init__(default={})

    def run_validation(self, value: object) -> dict[str, Any]:
        options, wrong = read_options(value, SITE_WIDE)
        if wrong:
            raise ValidationError(" ".join(message for _, message in wrong))
        return options


class _Styles(opt.OptionallyRequired[dict[str, Style]]):
    """A mapping of names to styles."""

    def __init__(self) -> None:
        super().__init__(default={})

    def run_validation(self, value: object) -> dict[str, Style]:
        try:
            return read_styles(value)
        except OptionError as error:
            raise ValidationError(str(error)) from None


class _Pricing(opt.OptionallyRequired[Any]):
    """Prices in one of three forms."""

    def __init__(self) -> None:
        super().__init__(default={})

    def run_validation(self, value: object) -> Pricing:
        try:
            return Pricing.read(value)
        except OptionError as error:
            raise ValidationError(str(error)) from None


class _AssetsDir(_Text):
    """A relative path inside the site."""

    def run_validation(self, value: object) -> str:
        text = super().run_validation(value).strip("/")
        path = PurePosixPath(text)
        if not path.parts or ".." in path.parts or set(text) & set('\\:#?%"<>'):
            raise ValidationError(
                f"is {value!r}. Allowed: a folder inside the site, like 'assets/x', without any of "
                '\\ : # ? % " < >.'
            )
        return path.as_posix()


class _Widths(opt.OptionallyRequired[tuple[int, ...]]):
    """Widths in pixels."""

    def __init__(self) -> None:
        super().__init__(default=[])

    def run_validation(self, value: object) -> tuple[int, ...]:
        items = value if isinstance(value, (list, tuple)) else [value]
        if not all(type(item) is int and MIN_WIDTH <= item <= MAX_WIDTH for item in items):
            raise ValidationError(
                f"is {value!r}. Allowed: a list of whole numbers from {MIN_WIDTH} to {MAX_WIDTH:,}, "
                "like [480, 960, 1440]."
            )
        return tuple(sorted(set(items)))


class _Formats(opt.OptionallyRequired[tuple[str, ...]]):
    """Formats of smaller files."""

    def __init__(self) -> None:
        super().__init__(default=[])

    def run_validation(self, value: object) -> tuple[str, ...]:
        items = value if isinstance(value, (list, tuple)) else [value]
        words = [str(item).strip().lower().lstrip(".") for item in items]
        if not all(word in FORMATS for word in words):
            raise ValidationError(
                f"is {value!r}. Allowed: a list of webp, avif or both, like [webp]."
            )
        # Browsers that do not know AVIF need the other one, and each takes the first that it knows.
        return FORMATS if "avif" in words else tuple(dict.fromkeys(words))


_PARENTHESES = re.compile(r"\([^()]*\)")
_LENGTH = r"(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?[a-z]+|[+-]?0+|[a-z][a-z-]*\x00)"
_CONDITION = r"(?:[\w\s-]*\x00)+"
_SIZE_LIST = re.compile(rf"(?:{_CONDITION}\s*{_LENGTH}\s*,\s*)*{_LENGTH}", re.IGNORECASE)
"""Conditions with a length each, and a last one without (HTML, 4.8.4.2.2 Sizes attributes, 2026-11). What
stands in parentheses has become a NUL."""


def _is_size_list(text: str) -> bool:
    """Whether a text is a value for `sizes`."""
    count = 1
    while count:
        text, count = _PARENTHESES.subn("\x00", text)
    # Spares long texts the many ways to read what is none in the end.
    return len(text) <= MAX_SIZES_CHARS and _SIZE_LIST.fullmatch(text) is not None


class _Sizes(_Text):
    """The value of a `sizes` attribute."""

    def run_validation(self, value: object) -> str:
        text = super().run_validation(value)
        # Which is put in front of it wherever the browser may look at the page.
        text = re.sub(r"^auto\s*(?:,\s*|$)", "", text, flags=re.IGNORECASE)
        if text and (set(text) & set("<>\"'&\x00") or not _is_size_list(text)):
            raise ValidationError(
                f"is {value!r}. Allowed: what HTML's 'sizes' takes, without any of < > \" ' &, like "
                "'(max-width: 700px) 100vw, 700px'."
            )
        return text


class _DisclosureText(_Text):
    """Words for readers, with a place for the model."""

    def run_validation(self, value: object) -> str:
        text = super().run_validation(value)
        wrong = [name for name in re.findall(r"\{([^{}]*)\}", text) if name != "model"]
        if wrong:
            raise ValidationError(
                f"has {{{wrong[0]}}} in it. Allowed: a text, with or without {{model}}."
            )
        return text


class _Disclosure(opt.OptionallyRequired[str]):
    """How much is said of a picture's origin. YAML reads `off` and `no` as false."""

    def __init__(self) -> None:
        super().__init__(default="none")

    def run_validation(self, value: object) -> str:
        word = "none" if value is False else str(value).strip().lower()
        if word not in ("none", "label", "credit"):
            raise ValidationError(f"is {value!r}. Allowed: none, label, credit.")
        return word


class GenimageConfig(Config):
    """What `mkdocs.yml` may say under `plugins: - genimage:`."""

    enabled = opt.Type(bool, default=True)
    """`false` shows a placeholder for every block: no look into the cache, no request."""

    provider = _Text("openai")
    """Who makes the pictures: `openai` (the Images API, or any server that speaks it), `placeholder`
    (drawn locally, free of charge), or the name of an installed provider."""

    model = _Text("gpt-image-2")
    """The model to ask. Not part of a picture's identity: after a change, existing pictures stay."""

    base_url = _Text()
    """The API's address with its version path. Default: `OPENAI_BASE_URL`, else the official endpoint."""

    server = _Text()
    """What kind of server it is, where its address does not tell: `localai`, `sd.cpp`, `litellm`, ..."""

    validate_ = opt.Type(
        bool, default=True
    )  # MkDocs takes the underscore off: "validate" is a method
    """`off` sends also what a known model is known to refuse. Other models and servers are not checked."""

    api_key = _Text()
    """Default: `OPENAI_API_KEY`. Write `!ENV NAME` here, never a key itself."""

    moderation = opt.Choice(("", "auto", "low"), default="")
    """How strictly the server judges prompts. Default: the server's own."""

    defaults = _Defaults()
    """Options for every block that does not set them itself: those that decide the picture, and `width`,
    `align`, `link`, `loading`, `class`."""

    styles = _Styles()
    """Named styles: a text with `{prompt}` in it, or a mapping with `prompt` and what `defaults` takes."""

    missing = opt.Choice(("generate", "placeholder", "error"), default="generate")
    """What `mkdocs build` does about a picture that is not there: make it, show a placeholder, or fail."""

    serve = opt.Choice(("placeholder", "generate"), default="placeholder")
    """What `mkdocs serve` does about a picture that is not there."""

    max_cost = _Number(2.0, 0)
    """USD that one command may spend; 0 for no limit. Binds where prices are known."""

    max_images = _Number(50, 0, whole=True)
    """How many images one command may ask for; 0 for no limit."""

    pricing = _Pricing()
    """What pictures cost, for servers other than the official one: `{per_image: 0.04}`,
    `{multiplier: 1.5}` of the list price, or USD per million tokens as
    `{text_in: 5, image_in: 8, image_out: 30}`."""

    concurrency = _Number(4, 1, whole=True)
    """Requests in flight at most."""

    timeout = _Number(300, 1)
    """Seconds of wall clock for one request."""

    cache_dir = _Text("genimage")
    """The folder of the pictures, relative to mkdocs.yml. Commit it."""

    assets_dir = _AssetsDir("assets/genimage")
    """Where the pictures stand in the site."""

    widths = _Widths()
    """Smaller files for narrower screens, by their pixels: `[480, 960, 1440]`. Default: none."""

    formats = _Formats()
    """What smaller files are made as: `[webp]`, or `[avif]`, with which webp files are made as well, for
    browsers that know no avif. Default: as the picture is."""

    sizes = _Sizes()
    """The `sizes` attribute of all pictures that have smaller files. Default: by theme and block."""

    disclosure = _Disclosure()
    """How readers are told that a model made a picture: not, by a small label on it, or by a line under
    it that names the model."""

    disclosure_text = _DisclosureText()
    """Other words for that, in your readers' language; `{model}` stands for the model's name."""

    def cache_folder(self, config: MkDocsConfig) -> Path:
        """The cache as an absolute path: beside the mkdocs.yml of this site, also with INHERIT."""
        return _absolute(project_folder(config) / (self.cache_dir or "genimage"))

    has_own_key: bool = False
    """Whether mkdocs.yml says where the key is, be it empty."""

    def load_dict(self, patch: dict[str, Any]) -> None:
        """Take what mkdocs.yml says. An option that is not there and one that is empty look alike later."""
        super().load_dict(patch)
        if isinstance(patch, dict) and "api_key" in patch:
            self.has_own_key = True

    def __repr__(self) -> str:
        """The options without credentials: hooks and themes that look for something print them."""
        shown = dict(self.data)
        if shown.get("api_key"):
            shown["api_key"] = "…"
        if "@" in str(shown.get("base_url")):
            shown["base_url"] = "…"
        return f"{type(self).__name__}({shown!r})"

    def site(self, config: MkDocsConfig) -> Site:
        """What of it decides requests."""
        return Site(
            model=self.model or "gpt-image-2",
            moderation=self.moderation,
            defaults=self.defaults,
            styles=self.styles,
            project_dir=project_folder(config),
            docs_dir=Path(config.docs_dir),
        )

    def look(self, config: MkDocsConfig) -> Look:
        """What of it decides how figures look."""
        theme = config.theme.name or ""
        # A lightbox puts a link between a <picture> and its image, which browsers do not take.
        formats = self.formats[-1:] if "glightbox" in config.plugins else self.formats
        light = Light(self.widths, formats, self.sizes, CONTENT_WIDTHS.get(theme, 0))
        return Look(
            light,
            self.disclosure,  # type: ignore[arg-type]
            self.disclosure_text,
            has_only_dark=theme in ("material", "materialx"),
        )

    def problem(self, config: MkDocsConfig) -> str:
        """What is wrong with the options in this site; empty if nothing is."""
        cache, site = self.cache_folder(config).resolve(), Path(config.site_dir).resolve()
        if cache.is_relative_to(site):
            return (
                f"'cache_dir' is {self.cache_dir!r}, inside the built site, which each build empties. "
                "Choose a folder outside of 'site_dir'."
            )
        docs = Path(config.docs_dir).resolve()
        if cache == docs or docs.is_relative_to(cache):
            return (
                f"'cache_dir' is {self.cache_dir!r}, which holds the docs. Choose another folder."
            )
        return self.site(config).problem()

    def has_literal_key(self) -> bool:
        """Whether a key seems to be written in mkdocs.yml itself: no environment variable holds it."""
        address = split_address(self.base_url or os.environ.get("OPENAI_BASE_URL", "").strip())
        if not self.api_key or (address and is_loopback(address)):
            return False  # servers of this machine take any word as a key
        return self.api_key not in {value.strip() for value in os.environ.values()}


def project_folder(config: MkDocsConfig) -> Path:
    """The folder of mkdocs.yml; the working directory where there is no such file."""
    return _absolute(config.config_file_path or "mkdocs.yml").parent


def _absolute(path: str | Path) -> Path:
    """As MkDocs makes docs_dir absolute: links in a path stay links, so that the two compare."""
    return Path(os.path.abspath(path))  # noqa: PTH100
