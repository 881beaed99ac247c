#!/usr/bin/env python3
"""Set up and run what this project's people run. Needs Python 3.10 or newer, and nothing else.

    python3 dev.py example       build example_site/ into example_site/site/
    python3 dev.py serve         show example_site/ at http://127.0.0.1:8000/
    python3 dev.py test          run the tests; what follows goes to pytest
    python3 dev.py long          the long forms of the tests that kill builds and of those with hostile input
    python3 dev.py lint          ruff and mypy
    python3 dev.py lowest        run the tests with the oldest dependencies that are allowed
    python3 dev.py successors    run tests/successors/ with ProperDocs alone, and with MaterialX
    python3 dev.py compatibility run all tests beside something, and write the README's table of it

The first run makes a virtual environment in .venv/ (for `lowest`: in .venv-lowest/; for `successors`:
in .venv-properdocs/ and .venv-materialx/), so nothing of the system's Python is touched.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
EXTRAS = {
    "example": "example",
    "serve": "example",
    "test": "test,plugins",
    "long": "test",
    "lint": "lint",
    "lowest": "test",
    "successors": "",
    "compatibility": "test,plugins",
}
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")
PARALLEL = ("-n", "auto", "--dist", "worksteal")
LONG_TESTS = (
    "tests/test_kills.py",
    "tests/test_fuzz_blocks.py",
    "tests/test_fuzz_cache.py",
    "tests/test_fuzz_answers.py",
)
SUCCESSORS = {
    "properdocs": ("properdocs>=1.6.5,<2", "properdocs-theme-mkdocs>=1.6.5,<2"),
    "materialx": ("mkdocs-materialx>=10", "properdocs>=1.6.5,<2"),
}
"""What is installed beside the wheel, by the name of the environment and of its tests."""
SUCCESSOR_TESTS_NEED = ("pytest>=8.2", "pymdown-extensions>=10.9")
NEEDS_BUT_MKDOCS = """
from importlib.metadata import requires
for need in requires("mkdocs-genimage"):
    if "extra ==" not in need and not need.startswith("mkdocs"):
        print(need)
"""


def empty_environment(name: str) -> Path:
    """The folder of programs of a virtual environment, which is made if it is not there."""
    folder = ROOT / name
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    if not (programs / ("python.exe" if os.name == "nt" else "python")).exists():
        try:
            venv.create(folder, with_pip=True)
        except subprocess.CalledProcessError:
            sys.exit(
                "This Python cannot make virtual environments with pip. On Debian and Ubuntu: "
                "apt install python3-venv"
            )
        (folder / ".gitignore").write_text("*\n")  # as Python 3.13 and newer do
    return programs


def environment(name: str, extra: str, *, constraints: Path | None = None) -> Path:
    """The folder of programs of a virtual environment that has this project and one of its extras."""
    programs = empty_environment(name)
    folder = programs.parent
    state = (ROOT / "pyproject.toml").read_bytes() + (
        constraints.read_bytes() if constraints else b""
    )
    stamp = folder / f"installed-{extra}"
    wanted = hashlib.sha256(state).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        command = [
            programs / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--editable",
            f".[{extra}]",
        ]
        run(*command, *(["--constraint", constraints] if constraints else []))
        stamp.write_text(wanted)
    return programs


def successor_environments() -> dict[str, Path]:
    """For each of `SUCCESSORS`, the programs of an environment that has it and our newest wheel."""
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        wheels = Path(temporary)
        maker = empty_environment(".venv-properdocs")
        run(maker / "python", *PIP, "wheel", "--no-deps", "--wheel-dir", wheels, ROOT)
        (wheel,) = wheels.glob("*.whl")
        for name, packages in SUCCESSORS.items():
            programs = empty_environment(f".venv-{name}")
            install = (programs / "python", *PIP, "install")
            # Its version is the same all the time, so pip would keep an older one. By itself it would
            # bring MkDocs, without which it has to do here.
            run(*install, "--no-deps", "--force-reinstall", wheel)
            needs = subprocess.run(
                [str(programs / "python"), "-c", NEEDS_BUT_MKDOCS],
                capture_output=True,
                check=True,
                text=True,
            ).stdout.splitlines()
            run(*install, *packages, *SUCCESSOR_TESTS_NEED, *needs)
            found[name] = programs
    return found


def successors(program: str, *options: str) -> None:
    """Let a program run the tests of each successor where that is installed."""
    for name, programs in successor_environments().items():
        print(f"-- {name}", flush=True)
        # Without MkDocs, `import mkdocs` has to lead to ProperDocs in the tests' own process, too.
        alias = ("-p", "properdocs.replacement") if name == "properdocs" else ()
        run(programs / program, *options, *alias, f"tests/successors/test_{name}.py")


def run(*command: str | Path) -> None:
    """Run a program in the project's folder; end with its status if it fails."""
    status = subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode
    if status:
        sys.exit(status)


def main(arguments: list[str]) -> None:
    """Do what the first argument says."""
    task, *rest = arguments or [""]
    if task not in EXTRAS:
        sys.exit(__doc__)
    if sys.version_info < (3, 10):
        sys.exit(f"Python 3.10 or newer is needed; this is {sys.version.split()[0]}.")
    if task == "successors":
        # Not `python -m pytest`, which would import the package from this folder, not the wheel.
        successors("pytest", *rest)
        return
    if task == "lowest":
        programs = environment(".venv-lowest", EXTRAS[task], constraints=ROOT / "tests/lowest.txt")
        run(programs / "python", "-m", "pytest", *PARALLEL, *rest)
        return
    programs = environment(".venv", EXTRAS[task])
    site = ROOT / "example_site/mkdocs.yml"
    if task == "example":
        run(programs / "mkdocs", "build", "--strict", "--config-file", site, *rest)
        print(f"\nThe site is in {site.parent / 'site'}; to look at it: python3 dev.py serve")
    elif task == "serve":
        run(programs / "mkdocs", "serve", "--config-file", site, *rest)
    elif task == "test":
        run(programs / "python", "-m", "pytest", *PARALLEL, *rest)
    elif task == "long":
        os.environ["GENIMAGE_LONG"] = "1"
        # What they print as they go on is shown: it takes a quarter of an hour.
        run(programs / "python", "-m", "pytest", "-v", "-s", *LONG_TESTS, *rest)
    elif task == "compatibility":
        run(programs / "python", "tests/compatibility.py")
        successors("python", "tests/compatibility.py")
    else:
        run(programs / "ruff", "check", ".")
        run(programs / "ruff", "format", "--check", ".")
        run(programs / "mypy")


if __name__ == "__main__":
    main(sys.argv[1:])
