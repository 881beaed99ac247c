"""CI services in small: they check a repository out and run the steps of a recipe, as far as those are shell.

Steps that use somebody else's action are noted, not run; so is the installation of packages.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RECIPES = Path(__file__).parent.parent / "docs/recipes"
USER = {"NAME": "A Writer", "EMAIL": "writer@docs.invalid"}


@dataclass(frozen=True)
class Done:
    """A finished script: exit status and all that it printed."""

    status: int
    output: str

    def ended(self, status: int = 0) -> Done:
        assert self.status == status, self.output
        assert "Traceback" not in self.output, self.output
        return self


def run(command: list[str], folder: Path, env: Mapping[str, str]) -> Done:
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode("utf-8", "replace"))


def environment(child_env: Mapping[str, str], home: Path) -> dict[str, str]:
    """What programs need, with nothing of the developer's own Git."""
    kept = {name: value for name, value in child_env.items() if not name.startswith("GIT_")}
    programs = [str(Path(sys.executable).parent), kept["PATH"]]
    home.mkdir()
    return {
        **kept,
        "PATH": os.pathsep.join(programs),
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


class Repository:
    """A bare repository behind HTTP: anybody reads, who has a token pushes. Use it as a context manager.

    Args:
        folder: for the repository.
        tokens: passwords that may push, each with its user's name.
        env: of Git's own server.
    """

    def __init__(self, folder: Path, tokens: Mapping[str, str], env: Mapping[str, str]) -> None:
        self.path = folder / "docs.git"
        self.tokens = tokens
        self.env = env
        self.before_push: Callable[[], None] | None = None
        """Called once, before the next push is let in: somebody else was faster."""
        self.pushes: list[str] = []
        folder.mkdir()
        run(["git", "init", "--quiet", "--bare", "-b", "main", str(self.path)], folder, env).ended()
        for name, value in (("receive.advertisePushOptions", "true"), ("http.receivepack", "true")):
            run(["git", "config", name, value], self.path, env).ended()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Repository:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._http.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/docs.git"

    def git(self, *arguments: str) -> str:
        return run(["git", *arguments], self.path, self.env).ended().output.strip()

    @property
    def files(self) -> list[str]:
        return self.git("ls-tree", "-r", "--name-only", "main").splitlines()

    @property
    def pictures(self) -> list[str]:
        """What the pictures on main are called, without keys."""
        found = (re.fullmatch(r"genimage/(.+)-\w{12}\.\w+", name) for name in self.files)
        return sorted({match[1] for match in found if match})

    @property
    def commits(self) -> list[str]:
        """The subjects on main, the newest first."""
        return self.git("log", "--format=%s", "main").splitlines()

    def commit(self, files: Mapping[str, str | bytes], message: str) -> str:
        """Somebody pushes to main. Returns the commit."""
        work = self.path.with_name("work")
        env = dict(self.env)
        env |= {f"GIT_{who}_{name}": USER[name] for who in ("AUTHOR", "COMMITTER") for name in USER}
        if not work.is_dir():
            command = ["git", "clone", "--quiet", str(self.path), str(work)]
            run(command, self.path.parent, env).ended()
        elif self.git("branch", "--list", "main"):
            run(["git", "pull", "--quiet", "--rebase", "origin", "main"], work, env).ended()
        for name, content in files.items():
            path = work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        for command in (["add", "--all"], ["commit", "--quiet", "-m", message]):
            run(["git", *command], work, env).ended()
        run(["git", "push", "--quiet", "origin", "HEAD:main"], work, env).ended()
        return run(["git", "rev-parse", "HEAD"], work, env).ended().output.strip()


def _handler(repository: Repository) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Git's own CGI program behind a check of the token."""

        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self._body()
            path, _, query = self.path.partition("?")
            user = self._user()
            if "git-receive-pack" in self.path:
                if user is None:
                    self.send_response(401 if "Authorization" not in self.headers else 403)
                    self.send_header("WWW-Authenticate", 'Basic realm="docs"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                if self.command == "GET" and (before := repository.before_push):
                    # The client compares what it has with what is on main before that.
                    answer = self._git(path, query, body, user)
                    repository.before_push = None
                    before()
                    self._answer(answer)
                    return
                if self.command == "POST":
                    repository.pushes.append(user)
            self._answer(self._git(path, query, body, user or ""))

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            return b"".join(parts)

        def _user(self) -> str | None:
            _, _, coded = self.headers.get("Authorization", "").partition(" ")
            user, _, token = base64.b64decode(coded).decode().partition(":")
            return user if token and repository.tokens.get(token) == user else None

        def _git(self, path: str, query: str, body: bytes, user: str) -> bytes:
            env = {
                **repository.env,
                "GIT_PROJECT_ROOT": str(repository.path.parent),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REMOTE_USER": user,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            command = ["git", "http-backend"]
            return subprocess.run(
                command, input=body, env=env, capture_output=True, check=True
            ).stdout

        def _answer(self, answer: bytes) -> None:
            head, _, body = answer.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(headers.pop("Status", "200").split()[0]))
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


# --- GitHub -------------------------------------------------------------------------------------------


@dataclass
class GitHub:
    """GitHub Actions: one run of a workflow.

    repository: is checked out.
    env: of programs.
    folder: of the run.
    commit: the one that started it.
    secrets: what `secrets.NAME` is; empty in pull requests from forks.
    token: the run's own.
    """

    repository: Repository
    env: Mapping[str, str]
    folder: Path
    commit: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    uploaded: list[str] = field(default_factory=list)

    def job(self, recipe: str, name: str, *, env: Mapping[str, str] | None = None) -> Done:
        """Run a job. Its status is that of the first step that failed.

        Args:
            recipe: the file.
            name: the job's.
            env: further variables, as those that one sets for a self-made server.
        """
        job = yaml.safe_load((RECIPES / recipe).read_text(encoding="utf-8"))["jobs"][name]
        work = self.folder / name
        work.mkdir(parents=True)
        self.uploaded.clear()
        files = {"GITHUB_OUTPUT": "outputs", "GITHUB_STEP_SUMMARY": "summary.md"}
        own = {variable: str(self.folder / file) for variable, file in files.items()}
        own |= {"GITHUB_REF_NAME": "main", "GITHUB_WORKSPACE": str(work), "CI": "true"}
        common = {**self.env, **own, **(env or {}), **self._evaluated(job.get("env", {}))}
        status, output, outcomes = 0, "", {}
        for step in job["steps"]:
            condition = step.get("if", "success()")
            failed = [name for name, one in outcomes.items() if one == "failure"]
            known = {"success()": not status, "always()": True}
            known["failure() && steps.keep.outcome == 'failure'"] = "keep" in failed
            if not known[condition]:
                continue
            if "uses" in step:
                done = self._uses(step, work)
            elif step["run"].startswith("pip install"):
                continue
            else:
                step_env = {**common, **self._evaluated(step.get("env", {}))}
                done = run(["bash", "-e", "-c", step["run"]], work, step_env)
            outcomes[step.get("id", str(len(outcomes)))] = "failure" if done.status else "success"
            status = status or done.status
            output += done.output
        written = self.folder / "outputs"
        for line in written.read_text().splitlines() if written.exists() else ():
            key, _, value = line.partition("=")
            self.outputs[key] = value
        return Done(status, output)

    @property
    def summary(self) -> str:
        return (self.folder / "summary.md").read_text()

    def _evaluated(self, values: Mapping[str, Any]) -> dict[str, str]:
        return {name: self._value(value) for name, value in values.items()}

    def _value(self, value: Any) -> str:
        text = str(value)
        match = re.fullmatch(r"\$\{\{ (.+) \}\}", text)
        if not match:
            assert "${{" not in text
            return text
        known = {"github.token": self.token, "github.ref_name": "main"}
        known |= {f"needs.pictures.outputs.{name}": value for name, value in self.outputs.items()}
        if match[1].startswith("secrets."):
            return self.secrets.get(match[1].removeprefix("secrets."), "")
        return known[match[1]]

    def _uses(self, step: dict[str, Any], work: Path) -> Done:
        action = step["uses"].split("@")[0]
        given = step.get("with", {})
        if action != "actions/checkout":
            self.uploaded += [given["path"]] if "path" in given else []
            return Done(0, "")
        assert given["persist-credentials"] is False
        # As actions/checkout does: one commit deep, on a branch if it was given one.
        ref = self._value(given.get("ref", self.commit))
        commands = [
            ["init", "--quiet", "."],
            ["remote", "add", "origin", self.repository.url],
            ["fetch", "--quiet", "--no-tags", "--depth=1", "origin", ref],
            ["checkout", "--quiet", *(["-B", ref] if ref == "main" else []), "FETCH_HEAD"],
        ]
        return in_order([["git", *command] for command in commands], work, self.env)


# --- GitLab -------------------------------------------------------------------------------------------


@dataclass
class GitLab:
    """GitLab CI: one pipeline.

    variables: those of the project that the job gets; none in merge requests.
    """

    repository: Repository
    env: Mapping[str, str]
    folder: Path
    commit: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def job(self, name: str, *, artifacts: Path | None = None) -> Done:
        """Run a job, with the artifacts of another one in place."""
        content = yaml.safe_load((RECIPES / "gitlab-ci.yml").read_text(encoding="utf-8"))
        job = extended(content, name)
        work = self.folder / name
        work.mkdir(parents=True)
        host = self.repository.host
        env = {**self.env, **self.variables, "CI": "true", "CI_PROJECT_DIR": str(work)}
        env |= {"CI_COMMIT_BRANCH": "main", "CI_SERVER_HOST": host.partition(":")[0]}
        env["CI_PROJECT_URL"] = self.repository.url.removesuffix(".git")
        env |= {name: os.path.expandvars(value) for name, value in job["variables"].items()}
        commands = [
            ["clone", "--quiet", "--no-checkout", "--depth=20", self.repository.url, "."],
            ["fetch", "--quiet", "--depth=20", "origin", self.commit],
            ["checkout", "--quiet", "--detach", self.commit],
        ]
        in_order([["git", *command] for command in commands], work, self.env).ended()
        if artifacts:
            in_order([["cp", "-r", str(artifacts), str(work)]], work, self.env).ended()
        assert job["before_script"] == ["pip install -r requirements.txt"]
        return run(["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])], work, env)


def extended(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A job with what it extends."""
    job = dict(content[name])
    base = extended(content, job.pop("extends")) if "extends" in job else {}
    variables = {**base.get("variables", {}), **job.get("variables", {})}
    return {**base, **job, "variables": variables}


def in_order(commands: list[list[str]], folder: Path, env: Mapping[str, str]) -> Done:
    """Run commands until one fails."""
    output = ""
    for command in commands:
        done = run(command, folder, env)
        output += done.output
        if done.status:
            return Done(done.status, f"{shlex.join(command)}\n{output}")
    return Done(0, output)
