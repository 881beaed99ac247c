"""The commands of an environment, as processes: `properdocs build`, `mkdocs build`, `mkdocs-genimage`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import sites
from beside import alt, check_site, fetch, own_images, prepare, prompt
from links import SITE_URL
from sites import Build, Run, Site, differences, process_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest
    from api_server import ImagesServer

HERO = f"""---
genimage:
  hero: {{prompt: "{prompt("heron")}", alt: {alt("heron")}, show: true}}
---

# A page with a hero
"""

PROGRAMS = str(Path(sys.executable).parent)


def run(site: Site, name: str, *arguments: str, env: Mapping[str, str]) -> Run:
    """Run a program of this environment in a site's folder; its streams become one."""
    program = shutil.which(name, path=PROGRAMS)
    assert program, f"{name} is not in {PROGRAMS}"
    site.write_config()
    done = subprocess.run(
        [program, *arguments],
        cwd=site.root,
        # A terminal's width would wrap what is said.
        env={**process_environment(env), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=180,
        check=False,
    )
    return Run(done.returncode, done.stdout.decode("utf-8", "replace"))


def build(site: Site, host: str, *arguments: str, env: Mapping[str, str]) -> Run:
    """`mkdocs build` or `properdocs build`, with the site's configuration file named."""
    return run(site, host, "build", "-f", site.config_name, *arguments, env=env)


def built(site: Site) -> Build:
    """What the last build has left behind."""
    return Build(site.root / "site", [])


def build_twice(
    site: Site,
    api: ImagesServer,
    host: str,
    *,
    views: Mapping[str, Sequence[str]],
    requests: int,
    env: Mapping[str, str],
    varies: Sequence[str] = (),
) -> Build:
    """Build cold, then warm, both strict, and check the site as `beside.build_twice` does.

    Args:
        site: with its pages, its theme and the other plugins.
        api: what it asks.
        host: the program that builds.
        views: file of the site to the alt texts of its pictures, in order.
        requests: what the cold build sends.
        env: of the processes.
        varies: files that differ between two builds of this theme, also without us.

    Returns:
        The warm build.
    """
    prepare(site, api)
    build(site, host, "--strict", env=env).ended()
    assert len(api.posts) == requests, [call.fields.get("prompt") for call in api.posts]
    cold, kept = built(site).files(), sites.tree(site.cache)

    build(site, host, "--strict", env=env).ended()
    assert len(api.posts) == requests, "the warm build asked again"
    assert sites.tree(site.cache) == kept, "the warm build changed the cache"
    warm = built(site)
    assert [name for name in differences(cold, warm.files()) if name not in varies] == []
    check_site(warm, views, str(site.config["site_url"]))
    return warm


def twins(page: Build, name: str) -> list[tuple[str, str, str]]:
    """Class, gallery and fragment of the pictures on a page that stand in pairs."""
    return [
        (image["class"], image["data-gallery"], image["src"].partition("#")[2])
        for image in own_images(page, name)
        if image["alt"] == alt("finch")
    ]


def check_hero(built: Build, page: str, site_url: str = SITE_URL) -> None:
    """A page names its picture to those who link to it: a file that is there, and a JPEG."""
    (image,) = [
        tag["content"] for tag in built.tags(page, "meta") if tag.get("property") == "og:image"
    ]
    assert re.fullmatch(re.escape(site_url) + r"assets/genimage/a-heron-.*-social\.jpg", image)
    assert fetch(built, page, image, site_url).startswith(b"\xff\xd8\xff")


def serve_with(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Site.start` starts this program from now on."""
    monkeypatch.setattr(sites, "MKDOCS", (sys.executable, "-m", host))


def is_of_this_environment(path: str) -> bool:
    """Whether a module was installed here, and does not come from a checkout."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(sys.prefix))
