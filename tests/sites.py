"""Real sites in temporary folders: written from a mapping, built as the command line does, and read.

A build fails the test on each warning of any logger that the test did not name, and on each named
one that did not come. (The name is not `site`, which is a module of Python's own.)
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from mkdocs.commands.build import build as mkdocs_build
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mkdocs.plugins import BasePlugin

BUILD_DATE = "1767225600"
"""SOURCE_DATE_EPOCH of all builds, so that pages and site maps of two builds are comparable."""


MKDOCS = (sys.executable, "-m", "mkdocs")

LFS_POINTER = (
    b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
)
"""What a checkout without Git LFS has in a picture's place."""


def process_environment(env: Mapping[str, str]) -> dict[str, str]:
    return {**env, "SOURCE_DATE_EPOCH": BUILD_DATE, "PYTHONDONTWRITEBYTECODE": "1"}


BARE_THEME = """<!doctype html><title>{{ page.title }}</title>
{% for path in config.extra_css %}<link rel="stylesheet" href="{{ path | url }}">{% endfor %}
<main>{{ page.content }}</main>
"""


def fence(prompt: str, header: str = "", *, marks: str = "```", indent: str = "") -> str:
    """A genimage block with its prompt as the body."""
    lines = [f"{marks}genimage {header}".rstrip(), *prompt.split("\n"), marks]
    return "".join(f"{indent}{line}\n" for line in lines)


def behind(prefix: str, text: str, end: str = "\n") -> str:
    """A text with a prefix in front of each line."""
    return "".join(prefix + line + end for line in text.splitlines())


@dataclass
class Build:
    """One finished build in this process.

    records: what was logged, in order.
    error: what ended the build; None for a build that went through.
    """

    site_dir: Path
    records: list[logging.LogRecord]
    error: BaseException | None = None

    @property
    def output(self) -> str:
        return "\n".join(f"{r.levelname} {r.getMessage()}" for r in self.records)

    def messages(self, level: int, prefix: str = "genimage: ") -> list[str]:
        """What was logged at exactly this level by the plugin, without its name in front."""
        texts = [record.getMessage() for record in self.records if record.levelno == level]
        return [text.removeprefix(prefix) for text in texts if text.startswith(prefix)]

    @property
    def warnings(self) -> list[str]:
        return self.messages(logging.WARNING)

    @property
    def summary(self) -> str:
        """`4 images: 4 from the cache, ...`; empty if the build said nothing."""
        found = [m for m in self.messages(logging.INFO) if re.match(r"\d+ images?: ", m)]
        return found[-1] if found else ""

    def read(self, name: str) -> str:
        return (self.site_dir / name).read_text(encoding="utf-8")

    def tags(self, name: str, tag: str) -> list[dict[str, str]]:
        """The attributes of all elements of one kind on a page."""
        return [attrs for kind, attrs in read_tags(self.read(name)) if kind == tag]

    def images(self, name: str) -> list[dict[str, str]]:
        """The attributes of a page's pictures, those of the theme left out."""
        return [img for img in self.tags(name, "img") if "genimage" in img.get("src", "")]

    def files(self) -> dict[str, bytes]:
        return tree(self.site_dir)


@dataclass
class Site:
    """A site's folder.

    root: where mkdocs.yml is.
    config: what mkdocs.yml says besides the plugin; written anew before each build.
    options: the plugin's options; None leaves the plugin out.
    before, after: further entries of `plugins:` on both sides of the plugin.
    """

    root: Path
    config: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] | None = field(default_factory=dict)
    before: list[Any] = field(default_factory=list)
    after: list[Any] = field(default_factory=list)
    config_name: str = "mkdocs.yml"

    def use_bare_theme(self) -> None:
        """A theme of one file, where the theme is beside the point: it builds in no time."""
        self.config["theme"] = {"name": None, "custom_dir": "theme"}
        self.write({"theme/main.html": BARE_THEME})

    @property
    def config_file(self) -> Path:
        return self.root / self.config_name

    @property
    def cache(self) -> Path:
        return self.config_file.parent / "genimage"

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files, named from the root. Texts are written as they are, line ends included."""
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def write_config(self) -> None:
        plugins = [*self.before, *self.after]
        if self.options is not None:
            plugins.insert(len(self.before), {"genimage": dict(self.options)})
        config = {"site_name": "Test site", "theme": "mkdocs", **self.config, "plugins": plugins}
        self.write({self.config_name: yaml.safe_dump(config, sort_keys=False)})

    def cached(self, ending: str = "") -> list[str]:
        """Names of the files in the cache."""
        if not self.cache.is_dir():
            return []
        return sorted(
            path.name
            for path in self.cache.iterdir()
            if path.is_file() and path.name.endswith(ending)
        )

    def build(
        self,
        *,
        warns: Sequence[str] = (),
        fails: bool = False,
        probes: Mapping[str, BasePlugin[Any]] | None = None,
        command: Literal["build", "serve"] = "build",
        level: int = logging.INFO,
        keep_config: bool = False,
        keep_plugins: bool = False,
        **settings: Any,
    ) -> Build:
        """Build the site in this process, as `mkdocs build` or the first build of `mkdocs serve`.

        Args:
            warns: a part of each warning or error that is expected.
            fails: whether the build must fail.
            probes: plugins to add, after all of mkdocs.yml's.
            command: the command that is told to plugins.
            level: what is recorded.
            keep_config: leave mkdocs.yml as it is.
            keep_plugins: use the plugins of the build before, as MkDocs does within one process.
            settings: go to MkDocs as the command line's options do: `strict`, `site_dir`, `dirty`.
        """
        if not keep_config:
            self.write_config()
        if not keep_plugins:
            dict(MkDocsConfig._schema)["plugins"].plugin_cache.clear()  # type: ignore[attr-defined]
        dirty = settings.pop("dirty", False)
        settings.setdefault("site_dir", str(self.config_file.parent / "site"))
        with recorded(level) as records:
            error = self._build(probes or {}, command, dirty, settings)
        build = Build(Path(settings["site_dir"]), records, error)
        if (error is not None) != fails:
            raise AssertionError(f"error: {error!r}\n{build.output}") from error
        check_warnings(build.output, warns, [r for r in records if r.levelno >= logging.WARNING])
        return build

    def _build(
        self,
        probes: Mapping[str, BasePlugin[Any]],
        command: Literal["build", "serve"],
        dirty: bool,
        settings: dict[str, Any],
    ) -> BaseException | None:
        config: MkDocsConfig | None = None
        try:
            config = load_config(str(self.config_file), **settings)
            for name, probe in probes.items():
                config.plugins[name] = probe
            config.plugins.on_startup(command=command, dirty=dirty)
            serve_url = "http://127.0.0.1:8000/" if command == "serve" else None
            mkdocs_build(config, serve_url=serve_url, dirty=dirty)
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            return error
        finally:
            if config is not None:
                config.plugins.on_shutdown()
        return None

    def run(self, *arguments: str, env: Mapping[str, str], keep_config: bool = False) -> Run:
        """`mkdocs build` as a process of its own."""
        if not keep_config:
            self.write_config()
        done = subprocess.run(
            [*MKDOCS, "build", *arguments],
            cwd=self.root,
            env=process_environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        return Run(done.returncode, done.stdout.decode("utf-8", "replace"))

    def start(
        self, command: str, *arguments: str, env: Mapping[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        """A command as a process that goes on; its output goes to a file."""
        self.write_config()
        with log.open("wb") as out:
            return subprocess.Popen(
                [*MKDOCS, command, *arguments],
                cwd=self.root,
                env={**process_environment(env), "PYTHONUNBUFFERED": "1"},
                stdout=out,
                stderr=subprocess.STDOUT,
                # Not our process group: nothing that is sent to one of both ends the other.
                start_new_session=True,
            )


@dataclass(frozen=True)
class Run:
    """A finished process: exit status and output."""

    status: int
    output: str

    @property
    def warnings(self) -> list[str]:
        """The lines of warnings and errors."""
        lines = self.output.splitlines()
        return [line for line in lines if line.startswith(("WARNING", "ERROR", "CRITICAL"))]

    def ended(self, *, warns: Sequence[str] = (), status: int = 0) -> Run:
        """Check the exit status, and each warning and error as `Site.build` does."""
        assert self.status == status, self.output
        assert "Traceback" not in self.output, self.output
        check_warnings(self.output, warns, self.warnings)
        return self


def check_warnings(output: str, expected: Sequence[str], found: Sequence[Any]) -> None:
    """Each warning was named, and each named one has come."""
    texts = [one.getMessage() if isinstance(one, logging.LogRecord) else one for one in found]
    surprising = [text for text in texts if not any(part in text for part in expected)]
    assert not surprising, f"unexpected: {surprising}\n\n{output}"
    missing = [part for part in expected if not any(part in text for text in texts)]
    assert not missing, f"did not come: {missing}\n\n{output}"


@contextmanager
def recorded(level: int) -> Iterator[list[logging.LogRecord]]:
    """Collect what all loggers say."""
    records: list[logging.LogRecord] = []

    class Recorder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    handler = Recorder(level)
    root = logging.getLogger()
    before = root.level
    date = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = BUILD_DATE
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield records
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
        if date is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = date


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def differences(left: Mapping[str, bytes], right: Mapping[str, bytes]) -> list[str]:
    """Names of the files that are not the same in both."""
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))


def holding(folder: Path, text: str) -> list[str]:
    """Names of the files below a folder that hold a text, in whatever case."""
    wanted = text.lower().encode()
    return [name for name, data in tree(folder).items() if wanted in data.lower()]


class _TagReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def read_tags(html: str) -> list[tuple[str, dict[str, str]]]:
    """The elements of a page with their attributes."""
    reader = _TagReader()
    reader.feed(html)
    reader.close()
    return reader.found
