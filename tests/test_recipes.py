"""The recipes of docs/ci.md do what they say, with Git and an Images API on this machine.

What only the services themselves can do is left out: setting up Python, storing artifacts, deploying.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from api_server import ImagesServer, Reply, error_body
from ci_runners import RECIPES, GitHub, GitLab, Repository, environment, extended, run
from pictures import picture
from sites import BARE_THEME, LFS_POINTER, Site, fence

from mkdocs_genimage.formats import EXTENSIONS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Begin = Callable[..., GitHub]

ROOT = Path(__file__).parent.parent
KEY = "sk-pictures-0123456789"
RUN_TOKEN = "ghs-run-0123456789"
PUSH_TOKEN = "glpat-push-0123456789"
CAT = fence("An orange cat", "alt=Cat")
FOX = fence("A red fox", "alt=Fox")
OWL = fence("A grey owl", "alt=Owl")
CONFIG = (RECIPES / "mkdocs.yml").read_text() + "theme: {name: null, custom_dir: theme}\n"


@pytest.fixture
def api() -> Iterator[ImagesServer]:
    """Takes one key only, so that nothing is made where the secret is not."""
    with ImagesServer(key=KEY, auto_size="64x64") as server:
        yield server


@pytest.fixture
def env(tmp_path: Path, child_env: dict[str, str], api: ImagesServer) -> dict[str, str]:
    env = environment(child_env, tmp_path / "home")
    # The recipes wait between attempts, tests do not.
    programs = tmp_path / "home/bin"
    programs.mkdir()
    (programs / "sleep").write_text("#!/bin/sh\n")
    (programs / "sleep").chmod(0o755)
    return {**env, "PATH": f"{programs}:{env['PATH']}", "OPENAI_BASE_URL": api.base_url}


@pytest.fixture
def docs(tmp_path: Path, env: dict[str, str]) -> Iterator[Repository]:
    """A repository with the recipes' mkdocs.yml and two pictures to be made."""
    tokens = {RUN_TOKEN: "x-access-token", PUSH_TOKEN: "genimage"}
    with Repository(tmp_path / "remote", tokens, env) as repository:
        files = {
            "mkdocs.yml": CONFIG,
            "theme/main.html": BARE_THEME,
            "docs/index.md": f"# Cats\n\n{CAT}\n{FOX}",
            ".gitattributes": (RECIPES / "gitattributes").read_text(),
            ".gitignore": "site/\n",
        }
        repository.commit(files, "Begin")
        yield repository


@pytest.fixture
def github(tmp_path: Path, docs: Repository, env: dict[str, str]) -> Begin:
    """Begins a run for a commit, by default the newest."""

    def begin(commit: str = "", *, fork: bool = False, token: str = RUN_TOKEN) -> GitHub:
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        secrets = {} if fork else {"OPENAI_API_KEY": KEY}
        commit = commit or docs.git("rev-parse", "main")
        return GitHub(docs, env, folder, commit, secrets, "" if fork else token)

    return begin


@pytest.fixture
def gitlab(tmp_path: Path, docs: Repository, env: dict[str, str]) -> Callable[..., GitLab]:
    def begin(commit: str = "", *, protected: bool = True) -> GitLab:
        folder = tmp_path / f"pipeline-{len(list(tmp_path.iterdir()))}"
        variables = {"OPENAI_API_KEY": KEY, "GENIMAGE_PUSH_TOKEN": PUSH_TOKEN} if protected else {}
        return GitLab(docs, env, folder, commit or docs.git("rev-parse", "main"), variables)

    return begin


@pytest.fixture
def made(site: Site, api: ImagesServer) -> dict[str, bytes]:
    """The files of the two pictures, by a build of the same blocks."""
    site.use_bare_theme()
    site.options = {"base_url": api.base_url, "api_key": KEY}
    site.write({"docs/index.md": CAT + FOX})
    site.build()
    api.calls.clear()
    return {f"genimage/{name}": (site.cache / name).read_bytes() for name in site.cached()}


def recipe(name: str) -> Any:
    text = (RECIPES / name).read_text(encoding="utf-8")
    return tomllib.loads(text) if name.endswith(".toml") else yaml.safe_load(text)


def checkout(docs: Repository, folder: Path, *options: str) -> Path:
    run(
        ["git", *options, "clone", "--quiet", docs.url, str(folder)], folder.parent, docs.env
    ).ended()
    return folder


def add_restless_hook(docs: Repository) -> str:
    """Each build changes a page and adds a file, which nobody wants in a commit. Returns the commit."""
    hook = "from pathlib import Path\nfor name in ('new.txt', 'docs/index.md'):\n"
    hook += "    with Path(name).open('a') as file:\n        file.write(' ')\n"
    return docs.commit({"hook.py": hook, "mkdocs.yml": CONFIG + "hooks: [hook.py]\n"}, "Add a hook")


def has_placeholder(site: Path) -> bool:
    return "placeholder-" in (site / "index.html").read_text(encoding="utf-8")


# --- GitHub -------------------------------------------------------------------------------------------


def test_a_pull_request_from_a_fork_is_built_and_told_what_is_missing(
    github: Begin, api: ImagesServer
) -> None:
    run = github(fork=True)
    preview = run.job("github-pull-request.yml", "preview").ended()
    assert "WARNING" not in preview.output
    assert run.uploaded == ["site/"]
    assert has_placeholder(run.folder / "preview/site")
    check = run.job("github-pull-request.yml", "pictures").ended(1)
    notes = [line for line in check.output.splitlines() if line.startswith("::")]
    assert [note.partition(",title")[0] for note in notes] == [
        "::error file=docs/index.md,line=3",
        "::error file=docs/index.md,line=7",
    ]
    assert run.summary.startswith("```text\n")
    assert "2 pictures: 2 missing." in run.summary
    assert api.calls == []


def test_main_makes_commits_and_builds(github: Begin, docs: Repository, api: ImagesServer) -> None:
    begun = add_restless_hook(docs)
    before = docs.files
    first = github()
    first.job("github-main.yml", "pictures").ended()
    assert len(api.posts) == 2
    assert docs.commits[:2] == ["Add pictures", "Add a hook"]
    assert docs.pushes == ["x-access-token"]
    assert docs.pictures == ["a-red-fox", "an-orange-cat"]
    assert [name for name in docs.files if not name.startswith("genimage/")] == before
    assert not [name for name in docs.files if name.startswith("genimage/.")]
    assert docs.git("diff", "--stat", begun, "main", "--", "docs", "hook.py") == ""
    assert first.outputs == {"commit": docs.git("rev-parse", "main")}
    assert first.uploaded == []

    first.job("github-main.yml", "build").ended()
    assert not has_placeholder(first.folder / "build/site")
    assert first.uploaded == ["site/"]

    # A later run, and one that was queued before the pictures were there.
    for commit in ("", begun):
        again = github(commit)
        done = again.job("github-main.yml", "pictures").ended()
        assert "No new pictures." in done.output
        assert again.outputs == first.outputs
    assert len(api.posts) == 2
    assert len(docs.pushes) == 1
    github(fork=True).job("github-pull-request.yml", "pictures").ended()


def test_what_came_is_kept_though_another_picture_was_refused(
    github: Begin, docs: Repository, api: ImagesServer
) -> None:
    api.reply = lambda call: (
        Reply(status=400, body=error_body("No.", "moderation_blocked"))
        if "fox" in call.fields["prompt"]
        else None
    )
    first = github()
    done = first.job("github-main.yml", "pictures").ended(1)
    assert "docs/index.md:7" in done.output
    assert docs.pictures == ["an-orange-cat"]
    assert [name for name in docs.files if name.endswith(".refused.json")]
    # It is not sent again, and nothing is published without it.
    again = github()
    again.job("github-main.yml", "pictures")
    assert len(api.posts) == 2
    again.job("github-main.yml", "build").ended(1)


def test_two_runners_at_once_end_with_all_pictures(
    github: Begin, docs: Repository, api: ImagesServer
) -> None:
    """Both make the cat; the other also an owl, of a commit that came in between."""
    number = iter(range(100))
    api.reply = lambda call: Reply(data=picture(f"take {next(number)}", "64x64"))
    slow = github()

    def another_push() -> None:
        docs.commit({"docs/owl.md": f"# Owl\n\n{OWL}"}, "Add an owl")
        other = github()
        other.job("github-main.yml", "pictures").ended()
        pushed.append({name: docs.git("rev-parse", f"main:{name}") for name in docs.files})

    pushed: list[dict[str, str]] = []
    docs.before_push = another_push
    done = slow.job("github-main.yml", "pictures").ended()
    assert "Attempt 1 failed." in done.output
    assert docs.pictures == ["a-grey-owl", "a-red-fox", "an-orange-cat"]
    # What was pushed first stays as it is, picture and sidecar.
    assert {name: docs.git("rev-parse", f"main:{name}") for name in docs.files} == pushed[0]
    github(fork=True).job("github-pull-request.yml", "pictures").ended()


def test_somebody_pushes_while_pictures_are_made(github: Begin, docs: Repository) -> None:
    add_restless_hook(docs)
    docs.before_push = lambda: docs.commit({"docs/new.md": "# New\n"}, "Add a page") and None
    github().job("github-main.yml", "pictures").ended()
    assert docs.commits[:2] == ["Add pictures", "Add a page"]
    assert docs.pictures == ["a-red-fox", "an-orange-cat"]
    assert "new.txt" not in docs.files


def test_pictures_that_cannot_be_pushed_are_an_artifact(github: Begin, docs: Repository) -> None:
    first = github(token="ghs-may-not-push-0123")
    done = first.job("github-main.yml", "pictures").ended(1)
    assert "::error::The pictures could not be pushed." in done.output
    assert first.uploaded == ["genimage/"]
    assert len(list((first.folder / "pictures/genimage").glob("*.png"))) == 2
    assert docs.pictures == []


def test_main_without_the_secret_asks_nothing(github: Begin, docs: Repository) -> None:
    """GitHub makes an empty variable of a secret that is not there."""
    first = github(fork=True)
    official = {"OPENAI_BASE_URL": ""}
    done = first.job("github-main.yml", "pictures", env=official).ended(1)
    assert "2 pictures are missing: " in done.output
    assert "OPENAI_API_KEY" in done.output
    assert docs.commits == ["Begin"]


def test_pointers_of_git_lfs_are_not_paid_for_again(
    github: Begin, docs: Repository, api: ImagesServer, made: dict[str, bytes]
) -> None:
    pointers = {name: LFS_POINTER if name.endswith(".png") else data for name, data in made.items()}
    docs.commit(pointers, "Move the pictures to LFS")
    first = github()
    first.job("github-main.yml", "pictures")
    done = first.job("github-main.yml", "build").ended(1)
    assert done.output.count("is a Git LFS pointer: run 'git lfs pull'") >= 2
    preview = github(fork=True)
    done = preview.job("github-pull-request.yml", "preview").ended(1)
    assert "run 'git lfs pull'" in done.output
    assert api.calls == []
    assert docs.commits[0] == "Move the pictures to LFS"


def workflow_steps(name: str) -> list[tuple[str, dict[str, Any]]]:
    return [(job, step) for job, one in recipe(name)["jobs"].items() for step in one["steps"]]


@pytest.mark.parametrize("name", ["github-pull-request.yml", "github-main.yml"])
def test_workflows_are_careful(name: str) -> None:
    text = (RECIPES / name).read_text()
    workflow = recipe(name)
    for job, step in workflow_steps(name):
        # Nothing that a stranger can choose gets into a script.
        assert "${{" not in step.get("run", "")
        if "uses" in step:
            line = next(line for line in text.splitlines() if step["uses"] in line)
            assert re.search(r"uses: actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        secret = "secrets." in str(step) or "github.token" in str(step)
        assert secret == (name == "github-main.yml" and step.get("name") in SECRET_STEPS), job
    for job in workflow["jobs"].values():
        assert job["runs-on"] == "ubuntu-24.04"
        assert job["timeout-minutes"] <= 30
    assert text.count("secrets.") == (name == "github-main.yml")


SECRET_STEPS = ("Make what is missing", "Commit the pictures")


def test_workflows_ask_for_no_more_rights_than_they_need() -> None:
    # YAML 1.1 reads the key `on` as true.
    request, main = recipe("github-pull-request.yml"), recipe("github-main.yml")
    assert request[True] == "pull_request"
    assert request["permissions"] == {"contents": "read"}
    assert not [job for job in request["jobs"].values() if "permissions" in job]
    assert main[True] == {"push": {"branches": ["main"]}}
    assert main["permissions"] == {}
    assert {name: job["permissions"] for name, job in main["jobs"].items()} == {
        "pictures": {"contents": "write"},
        "build": {"contents": "read"},
        "deploy": {"pages": "write", "id-token": "write"},
    }
    assert main["concurrency"]["cancel-in-progress"] is False
    assert [job.get("needs") for job in main["jobs"].values()] == [None, "pictures", "build"]


# --- GitLab -------------------------------------------------------------------------------------------


def test_a_merge_request(gitlab: Callable[..., GitLab], api: ImagesServer) -> None:
    pipeline = gitlab(protected=False)
    pipeline.job("preview").ended()
    assert has_placeholder(pipeline.folder / "preview/site")
    done = pipeline.job("check").ended(1)
    assert "2 pictures: 2 missing." in done.output
    report = ET.parse(pipeline.folder / "check/genimage.xml")
    assert len(report.findall(".//failure")) == 2
    assert api.calls == []


def test_the_default_branch(
    gitlab: Callable[..., GitLab], docs: Repository, api: ImagesServer
) -> None:
    docs.before_push = lambda: docs.commit({"docs/new.md": "# New\n"}, "Add a page") and None
    pipeline = gitlab()
    done = pipeline.job("pictures").ended()
    assert "Attempt 1 failed." in done.output
    assert docs.commits == ["Add pictures", "Add a page", "Begin"]
    assert set(docs.pushes) == {"genimage"}
    pipeline.job("pages", artifacts=pipeline.folder / "pictures/genimage").ended()
    assert not has_placeholder(pipeline.folder / "pages/public")
    # A pipeline that was waiting: it began before the pictures were there.
    waiting = gitlab(pipeline.commit)
    assert "No new pictures." in waiting.job("pictures").ended().output
    assert len(api.posts) == 2
    # Without the artifacts: rather nothing than placeholders.
    assert "these pictures are missing" in waiting.job("pages").ended(1).output


def test_what_failed_on_gitlab_is_told_after_the_rest_is_pushed(
    gitlab: Callable[..., GitLab], docs: Repository, api: ImagesServer
) -> None:
    api.script(Reply(status=400, body=error_body("No.", "moderation_blocked")))
    gitlab().job("pictures").ended(1)
    assert len(docs.pictures) == 1


def test_the_pipeline_is_careful() -> None:
    content = recipe("gitlab-ci.yml")
    jobs = {name: extended(content, name) for name in ("preview", "check", "pictures", "pages")}
    conditions = {name: [rule["if"] for rule in job["rules"]] for name, job in jobs.items()}
    request = ['$CI_PIPELINE_SOURCE == "merge_request_event"']
    main = ["$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"]
    assert conditions == {"preview": request, "check": request, "pictures": main, "pages": main}
    assert jobs["pictures"]["environment"] == {"name": "genimage", "action": "access"}
    assert [name for name, job in jobs.items() if "environment" in job] == ["pictures"]
    assert {job["stage"] for job in jobs.values()} == set(content["stages"])
    assert jobs["pages"]["artifacts"]["paths"] == ["public"]


# --- Hosts that build by themselves -------------------------------------------------------------------


def read_the_docs(*, preview: bool) -> tuple[list[str], dict[str, str], str]:
    (script,) = recipe("readthedocs.yaml")["build"]["jobs"]["build"]["html"]
    kind = "external" if preview else "branch"
    return (
        ["sh", "-c", script],
        {"READTHEDOCS_VERSION_TYPE": kind, "READTHEDOCS_OUTPUT": "out"},
        "out/html",
    )


def netlify(*, preview: bool) -> tuple[list[str], dict[str, str], str]:
    """Netlify sets the variables of the deploy's context over those of all builds."""
    content = recipe("netlify.toml")
    context = content["context"].get("deploy-preview" if preview else "production", {})
    variables = {**content["build"]["environment"], **context.get("environment", {})}
    return ["sh", "-c", content["build"]["command"]], variables, content["build"]["publish"]


def cloudflare(*, preview: bool) -> tuple[list[str], dict[str, str], str]:
    branch = "a-change" if preview else "main"
    return ["sh", str(RECIPES / "cloudflare.sh")], {"CF_PAGES_BRANCH": branch}, "site"


@pytest.mark.parametrize("host", [read_the_docs, netlify, cloudflare])
def test_previews_show_placeholders_and_production_refuses_them(
    host: Any, docs: Repository, api: ImagesServer, env: dict[str, str], tmp_path: Path
) -> None:
    work = checkout(docs, tmp_path / "build")
    command, variables, site = host(preview=True)
    run(command, work, {**env, **variables}).ended()
    assert has_placeholder(work / site)
    command, variables, _ = host(preview=False)
    done = run(command, work, {**env, **variables}).ended(1)
    assert "these pictures are missing" in done.output
    assert "docs/index.md:3" in done.output
    assert api.calls == []


def test_production_with_all_pictures(
    docs: Repository, made: dict[str, bytes], env: dict[str, str], tmp_path: Path
) -> None:
    docs.commit(made, "Add pictures")
    work = checkout(docs, tmp_path / "build")
    for host in (read_the_docs, netlify, cloudflare):
        command, variables, site = host(preview=False)
        run(command, work, {**env, **variables}).ended()
        assert not has_placeholder(work / site)


def test_cloudflare_in_its_other_product(env: dict[str, str], tmp_path: Path) -> None:
    """Workers Builds has another name for the branch."""
    (tmp_path / "mkdocs").write_text('#!/bin/sh\necho "$GENIMAGE_MISSING" "$@"\n')
    (tmp_path / "mkdocs").chmod(0o755)
    path = f"{tmp_path}:{env['PATH']}"
    for branch, policy in (("main", "error"), ("a-change", "placeholder")):
        command, _, _ = cloudflare(preview=False)
        done = run(command, tmp_path, {**env, "PATH": path, "WORKERS_CI_BRANCH": branch}).ended()
        assert done.output == f"{policy} build --strict\n"


def test_read_the_docs_sets_python_up() -> None:
    content = recipe("readthedocs.yaml")
    # Without this key it would install nothing, as its build is overridden.
    assert content["mkdocs"] == {"configuration": "mkdocs.yml"}
    assert content["python"]["install"] == [{"requirements": "requirements.txt"}]


# --- pre-commit ---------------------------------------------------------------------------------------


def test_hooks_of_pre_commit(
    docs: Repository, made: dict[str, bytes], env: dict[str, str], tmp_path: Path
) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    local, added = recipe("pre-commit-config.yaml")["repos"][0]["hooks"]
    same = ("id", "name", "entry", "files", "pass_filenames")
    assert {key: hook[key] for key in same} == {key: local[key] for key in same}
    work = checkout(docs, tmp_path / "work")
    entry, new = shlex.split(hook["entry"]), shlex.split(added["entry"])
    assert "2 missing" in run(entry, work, env).ended(1).output
    run(new, work, env).ended()
    (work / "docs/bad.md").write_text(fence("A fox", "quality=best"))
    run(["mkdocs-genimage", "plan"], work, env).ended()
    (work / "docs/bad.md").unlink()
    (work / "genimage").mkdir()
    for name, data in made.items():
        (work / name).write_bytes(data)
    run(entry, work, env).ended()
    # The pictures are there, but nobody else would get them.
    assert "genimage/a-red-fox" in run(new, work, env).ended(1).output
    run(["git", "add", "genimage"], work, env).ended()
    run(new, work, env).ended()


def test_files_that_call_the_hook() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    names = ["mkdocs.yml", "properdocs.yml", "site/mkdocs.yaml", "docs/a/b.md", "x.markdown"]
    names += ["genimage/a-1.png"]
    assert [name for name in names if not re.search(hook["files"], name)] == []
    others = ["src/a.py", "my-mkdocs.yml", "docs/a.mdx", "mygenimage/a.png", "notes.md.txt"]
    assert [name for name in others if re.search(hook["files"], name)] == []


# --- The folder in Git --------------------------------------------------------------------------------


def attributes(folder: Path, names: list[str], env: dict[str, str]) -> dict[str, dict[str, str]]:
    command = ["git", "check-attr", "filter", "text", "linguist-generated", "--", *names]
    lines = run(command, folder, env).ended().output.splitlines()
    found: dict[str, dict[str, str]] = {}
    for line in lines:
        name, attribute, value = line.split(": ")
        found.setdefault(name, {})[attribute] = value
    return found


def test_git_attributes_name_each_format(env: dict[str, str], tmp_path: Path) -> None:
    run(["git", "init", "--quiet"], tmp_path, env).ended()
    names = [f"genimage/a-1{ending}" for ending in EXTENSIONS.values()]
    for file, filter_ in (("gitattributes", "unspecified"), ("gitattributes-lfs", "lfs")):
        shutil.copy(RECIPES / file, tmp_path / ".gitattributes")
        found = attributes(tmp_path, [*names, "genimage/a-1.json", "docs/a.png"], env)
        for name in names:
            assert found[name]["filter"] == filter_, name
            assert found[name]["text"] == "unset", name
        sidecar = {"filter": "unspecified", "text": "unset", "linguist-generated": "set"}
        assert found["genimage/a-1.json"] == sidecar
        assert set(found["docs/a.png"].values()) == {"unspecified"}


def test_pictures_survive_a_checkout_that_changes_line_ends(
    github: Begin, docs: Repository, api: ImagesServer, env: dict[str, str], tmp_path: Path
) -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg"\n width="64" height="64">\n</svg>\n'
    api.reply = lambda call: Reply(data=svg.encode(), format="svg")
    block = fence("A plan", "alt=Plan output_format=svg")
    config = CONFIG.replace("missing:", "server: codegateway\n      missing:")
    docs.commit({"docs/index.md": f"# Plan\n\n{block}", "mkdocs.yml": config}, "Draw a plan")
    github().job("github-main.yml", "pictures").ended()
    crlf = ["-c", "core.autocrlf=true"]
    command = ["mkdocs-genimage", "check"]
    with_rule = checkout(docs, tmp_path / "with", *crlf)
    run(command, with_rule, env).ended()
    docs.commit({".gitattributes": ""}, "Forget the rule")
    without = checkout(docs, tmp_path / "without", *crlf)
    assert "1 damaged" in run(command, without, env).ended(1).output


@pytest.mark.skipif(not shutil.which("git-lfs"), reason="git-lfs is not installed")
def test_git_lfs(
    github: Begin, docs: Repository, api: ImagesServer, env: dict[str, str], tmp_path: Path
) -> None:
    docs.commit({".gitattributes": (RECIPES / "gitattributes-lfs").read_text()}, "Use LFS")
    # Large files travel over the file system here: Git's own server does not know them.
    work = tmp_path / "work"
    run(["git", "lfs", "install"], tmp_path, env).ended()
    run(["git", "clone", "--quiet", f"file://{docs.path}", str(work)], tmp_path, env).ended()
    make = ["mkdocs-genimage", "generate", "--yes"]
    run(make, work, {**env, "OPENAI_API_KEY": KEY}).ended()
    author = "-c user.name=A -c user.email=a@docs.invalid"
    script = f"git add genimage; git {author} commit -qm Pictures; git push -q"
    run(["bash", "-ec", script], work, env).ended()
    (name,) = [name for name in docs.files if re.fullmatch(r"genimage/a-red-fox-\w+\.png", name)]
    assert docs.git("show", f"main:{name}").startswith("version https://git-lfs")
    skipped = {**env, "GIT_LFS_SKIP_SMUDGE": "1"}
    ci = tmp_path / "ci"
    run(["git", "clone", "--quiet", f"file://{docs.path}", str(ci)], tmp_path, skipped).ended()
    check = ["mkdocs-genimage", "check"]
    assert "git lfs pull" in run(check, ci, env).ended(1).output
    run(make, ci, {**env, "OPENAI_API_KEY": KEY})
    assert len(api.posts) == 2
    run(["git", "lfs", "pull"], ci, env).ended()
    run(check, ci, env).ended()


# --- What docs/ci.md says -----------------------------------------------------------------------------


def test_links_of_the_page() -> None:
    text = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert "://" in target or (ROOT / "docs" / target).exists(), target
    for file in RECIPES.iterdir():
        assert f"](recipes/{file.name})" in text, file.name


def test_examples_of_the_page_are_the_recipes() -> None:
    text = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    blocks = re.findall(
        r"```(?:yaml|text)\n# (?:mkdocs\.yml|\.gitattributes)\n(.*?)```", text, re.DOTALL
    )
    assert len(blocks) == 2
    recipes = [(RECIPES / name).read_text() for name in ("mkdocs.yml", "gitattributes")]
    for block, whole in zip(blocks, recipes, strict=True):
        assert block in whole


@pytest.mark.parametrize(
    ("missing", "strict", "fails", "warns"),
    [
        ("placeholder", True, False, []),
        ("generate", False, False, ["OPENAI_API_KEY"]),
        ("generate", True, True, ["OPENAI_API_KEY"]),
        ("error", False, True, ["docs/index.md:3"]),
    ],
)
def test_a_build_without_a_key(
    site: Site, api: ImagesServer, missing: str, *, strict: bool, fails: bool, warns: list[str]
) -> None:
    site.use_bare_theme()
    site.options = {"missing": missing}
    site.write({"docs/index.md": f"# Cat\n\n{CAT}"})
    site.build(strict=strict, fails=fails, warns=warns)
    assert api.calls == []
