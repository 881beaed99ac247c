"""The blog of Material, which renders the beginnings of posts once more on its views."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from api_server import Reply, error_body
from links import broken_links
from sites import Site, behind, differences, fence, holding

if TYPE_CHECKING:
    from api_call import Call
    from api_server import ImagesServer

SECRET = "Quokka-42"


def block(name: str, header: str = 'alt="A [fox]"') -> str:
    prompt = f"A {name} beside a lake under the northern lights of a long winter night. {SECRET}."
    return fence(prompt, header)


def post(day: int, category: str, name: str) -> str:
    return (
        f"---\ndate: 2025-0{day}-01\ncategories: [{category}]\n---\n\n# Post {name}\n\nHello\n\n"
        + block(name, f"alt='A {name}' caption='The *{name}*'")
        + "\n1.  One\n\n"
        + behind("    ", block(f"{name} in a list"))
        + "\n<!-- more -->\n\n"
        + block(f"late {name}")
    )


def blog_reply(call: Call) -> Reply | None:
    if "gnu" in call.fields["prompt"]:
        return Reply(status=400, body=error_body("No.", "moderation_blocked"))
    return Reply(format="webp") if "elk" in call.fields["prompt"] else None


@pytest.mark.parametrize("directory_urls", [True, False], ids=["folders", "files"])
def test_blog(site: Site, api: ImagesServer, directory_urls: bool) -> None:
    api.reply = blog_reply
    site.config = {
        "theme": "material",
        "site_url": "http://site.invalid/",
        "use_directory_urls": directory_urls,
        "markdown_extensions": ["pymdownx.superfences", "toc"],
    }
    site.before = ["search", {"blog": {"pagination_per_page": 2}}, "tags", "meta"]
    site.write(
        {
            "docs/index.md": "# Home\n",
            "docs/blog/index.md": "# Blog\n\n" + block("view"),
            "docs/blog/posts/fox.md": post(1, "Red", "fox"),
            "docs/blog/posts/elk.md": post(2, "Red", "elk"),
            "docs/blog/posts/2025/gnu.md": post(3, "Blue", "gnu"),
        }
    )
    refused = ["refused by the moderation"]
    cold = site.build(warns=refused)
    assert len(api.posts) == 10
    before = cold.files()
    warm = site.build(warns=refused)

    assert differences(before, warm.files()) == []
    assert broken_links(warm.site_dir) == []
    told = [name for name in holding(warm.site_dir, SECRET) if "/placeholder-" not in name]
    assert told == []
    assert "data-genimage" not in "".join(map(str, warm.files().values()))
    ending = "/index.html" if directory_urls else ".html"
    index = "blog/index.html"
    views = {
        index: ["gnu", "elk"],
        "blog/page/2/index.html": ["fox"],
        f"blog/archive/2025{ending}": ["gnu", "elk"],
        f"blog/category/red{ending}": ["elk", "fox"],
        f"blog/category/blue{ending}": ["gnu"],
        f"blog/2025/01/01/post-fox{ending}": ["fox"],
        f"blog/2025/03/01/post-gnu{ending}": ["gnu"],
    }
    for name, animals in views.items():
        html = warm.read(name)
        alts = [image["alt"] for image in warm.images(name)]
        for animal in animals:
            assert f"A {animal}" in alts, name
            assert f"<figcaption>The <em>{animal}</em></figcaption>" in html, name
        per_post = 3 if "post-" in name else 2
        extra = 1 if name == index else 0
        assert len(alts) == per_post * len(animals) + extra, name
        for image in warm.images(name):
            shown = image["src"].rsplit("/", 1)[1]
            assert shown.startswith("placeholder-") == ("gnu" in shown), name


def test_problems_of_a_post_are_told_once(site: Site, api: ImagesServer) -> None:
    api.reply = blog_reply
    site.config = {"theme": "material"}
    site.before = [{"blog": {}}]
    text = (
        "---\ndate: 2025-01-01\ncategories: [Red]\n---\n\n# Post\n\n"
        + fence("A fox. And more.")
        + fence("A hen", "size=huge")
        + "- ```genimage\n"
        + block("gnu")
        + "\n<!-- more -->\n\n"
        + fence("A hen", "size=huge")
    )
    site.write(
        {"docs/index.md": "# Home", "docs/blog/index.md": "# B", "docs/blog/posts/a.md": text}
    )
    where = "docs/blog/posts/a.md"
    built = site.build(
        warns=[
            f"{where}:11: 'size' cannot be 'huge'.",
            f"{where}:14: A fence cannot begin on the line of a list marker",
            f"{where}:15: no picture: the request was refused",
            f"{where}:21: 'size' cannot be 'huge'.",
        ]
    )
    assert len(built.warnings) == 4
    assert len([m for m in built.messages(20) if "has no 'alt'" in m]) == 1
    for name in ("blog/index.html", "blog/category/red/index.html", "blog/archive/2025/index.html"):
        assert built.read(name).count("genimage-error") == 1, name
    assert SECRET not in built.read("blog/index.html")
    assert len(api.posts) == 2
