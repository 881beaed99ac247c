"""What a site says of pictures that a model made: to readers, to machines, and what it does not say."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from api_server import Reply, error_body
from beside import SITE_URL, fetch
from cli_runs import genimage
from links import broken_links
from pictures import picture
from sites import Build, Site, differences, fence, holding

if TYPE_CHECKING:
    from api_call import Call
    from api_server import ImagesServer

SECRET = "Quokka-42"
SCHEMA = "https://schema.org/"
KINDS = {
    "generated": f"{SCHEMA}TrainedAlgorithmicMediaDigitalSource",
    "edited": f"{SCHEMA}CompositeWithTrainedAlgorithmicMediaDigitalSource",
}
MODEL = "small-pictures"


@pytest.fixture
def site(site: Site) -> Site:
    site.use_bare_theme()
    # A model that no rule knows, as the known ones make no pictures this small.
    site.options |= {"model": MODEL, "defaults": {"size": "64x48"}}
    return site


def block(name: str, header: str = "") -> str:
    prompt = f"A {name} beside a lake under the northern lights of a long winter night. {SECRET}."
    return fence(prompt, f"alt='A {name}' {header}".rstrip())


def write(site: Site, *blocks: str) -> None:
    site.write({"docs/index.md": "# T\n\n" + "\n".join(blocks)})


def build_twice(site: Site, api: ImagesServer, **more: Any) -> Build:
    before = site.build(**more).files()
    asked = len(api.posts)
    warm = site.build(**more)
    assert differences(before, warm.files()) == []
    assert len(api.posts) == asked
    assert broken_links(warm.site_dir) == []
    # The alt texts, the captions and the names of files tell enough of a prompt.
    told = [name for name in holding(warm.site_dir, SECRET) if "/placeholder-" not in name]
    assert told == []
    return warm


def told(built: Build, page: str = "index.html") -> list[str]:
    """What readers are told, by labels and credits, in order."""
    html = built.read(page)
    found = re.findall(r'<span class="genimage-(?:label|credit)"[^>]*>(.*?)</span>', html)
    return [unescape(one) for one in found]


def kinds(built: Build, page: str = "index.html") -> list[str]:
    """The kinds of source that machines are told."""
    return [
        tag["content"]
        for tag in built.tags(page, "meta")
        if tag.get("itemprop") == "digitalSourceType"
    ]


def marked(built: Build, page: str = "index.html") -> list[bool]:
    """Which of a page's pictures say that a model made them."""
    return [image.get("data-ai-generated") == "true" for image in built.images(page)]


def refuse(call: Call) -> Reply | None:
    if "forbidden" in call.fields["prompt"]:
        return Reply(status=400, body=error_body("No.", "moderation_blocked"))
    return None


# --- Kinds of pictures ---


@pytest.mark.parametrize("disclosure", ["none", "label", "credit"])
def test_kinds_of_pictures(site: Site, api: ImagesServer, disclosure: str) -> None:
    """Generated, edited, the author's own, refused, and one that does not come."""
    site.options["disclosure"] = disclosure
    site.write({"docs/own.png": picture("own", "64x48"), "mine.png": picture("mine", "64x48")})
    write(
        site,
        block("fox", "#fox"),
        block("hen", "image=own.png"),
        block("elk", 'image="#fox"'),
        block("owl"),
        block("forbidden"),
    )
    line = (site.root / "docs/index.md").read_text(encoding="utf-8").split("A owl")[0].count("\n")
    genimage(site, "adopt", f"docs/index.md:{line + 1}", str(site.root / "mine.png")).ended()
    api.reply = refuse
    built = build_twice(site, api, warns=["refused by the moderation"])
    assert marked(built) == [True, True, True, False, False]
    own = built.images("index.html")[3]
    assert fetch(built, "index.html", own["src"]) == picture("mine", "64x48")
    if disclosure == "none":
        assert told(built) == kinds(built) == []
        assert "genimage-frame" not in built.read("index.html")
        return
    words = "AI-generated" if disclosure == "label" else f"AI-generated, {MODEL}"
    assert told(built) == [words] * 3
    assert kinds(built) == [KINDS["generated"], KINDS["edited"], KINDS["edited"]]
    assert len([t for t in built.tags("index.html", "span") if "itemscope" in t]) == 3
    items = [image.get("itemprop") for image in built.images("index.html")]
    assert items == ["contentUrl"] * 3 + [None, None]


@pytest.mark.parametrize("disclosure", ["none", "label", "credit"])
@pytest.mark.parametrize(
    "options", [{"missing": "placeholder"}, {"enabled": False}, {"provider": "placeholder"}]
)
def test_placeholders_are_no_pictures(
    site: Site, api: ImagesServer, disclosure: str, options: dict[str, Any]
) -> None:
    site.options |= {"disclosure": disclosure, **options}
    write(site, block("fox"), block("hen", "n=2 pick=all caption=C"), block("elk", "dark=night"))
    built = site.build(strict=True)
    assert marked(built) == [False] * 5
    assert told(built) == kinds(built) == []
    assert "genimage-frame" not in built.read("index.html")


@pytest.mark.parametrize("disclosure", ["label", "credit"])
def test_several_side_by_side(site: Site, api: ImagesServer, disclosure: str) -> None:
    site.options["disclosure"] = disclosure
    write(site, block("fox", "n=3 pick=all caption='Three *foxes*'"))
    built = build_twice(site, api)
    assert marked(built) == [True] * 3
    assert kinds(built) == [KINDS["generated"]] * 3
    # One line for all of them; a label for each.
    words = ["AI-generated"] * 3 if disclosure == "label" else [f"AI-generated, {MODEL}"]
    assert told(built) == words
    assert "<figcaption>Three <em>foxes</em>" in built.read("index.html")


@pytest.mark.parametrize("disclosure", ["label", "credit"])
def test_some_of_several_come(site: Site, api: ImagesServer, disclosure: str) -> None:
    site.options["disclosure"] = disclosure
    write(site, block("fox", "n=3 pick=all"))
    api.script(Reply(count=2))
    cold = site.build(warns=["sent 2 of 3 pictures"])
    assert marked(cold) == [True, True, False]
    assert kinds(cold) == [KINDS["generated"]] * 2
    before = cold.files()
    site.options["missing"] = "placeholder"
    assert differences(before, site.build(strict=True).files()) == []


@pytest.mark.parametrize("disclosure", ["label", "credit"])
def test_twins_share_a_label(site: Site, api: ImagesServer, disclosure: str) -> None:
    site.options["disclosure"] = disclosure
    write(site, block("fox", "dark=night"), block("hen", "dark=forbidden link=original"))
    api.reply = refuse
    built = build_twice(site, api, warns=["refused by the moderation"])
    assert marked(built) == [True] * 4
    assert len(told(built)) == len(kinds(built)) == 2


@pytest.mark.parametrize("disclosure", ["label", "credit"])
def test_own_picture_with_a_twin_that_is_made(
    site: Site, api: ImagesServer, disclosure: str
) -> None:
    site.options["disclosure"] = disclosure
    site.write({"mine.png": picture("mine", "64x48")})
    write(site, block("fox", "dark=night"))
    genimage(site, "adopt", "docs/index.md:3", str(site.root / "mine.png")).ended()
    built = build_twice(site, api)
    assert marked(built) == [False, True]
    assert len(told(built)) == 1
    assert kinds(built) == [KINDS["edited"]]


def test_a_failure_leaves_no_trace(site: Site, api: ImagesServer) -> None:
    """What was expected was disclosed; what did not come is not."""
    site.options["disclosure"] = "credit"
    api.reply = refuse
    write(site, block("forbidden"), block("forbidden", "caption=C link=original .wide"))
    built = build_twice(site, api, warns=["refused by the moderation"])
    html = built.read("index.html")
    assert html.count("<figure") == html.count("<figcaption>") == 1
    assert "AI-generated" not in html
    assert "schema.org" not in html


# --- Words ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Made by {model}", f"Made by {MODEL}"),
        ("KI-Bild & <mehr> \"{model}\" '{model}'", f"KI-Bild & <mehr> \"{MODEL}\" '{MODEL}'"),
        ("画像はAIが生成しました", "画像はAIが生成しました"),
        ("*{model}* [x](y) }{ %s", f"*{MODEL}* [x](y) }}{{ %s"),
        ("  trimmed  ", "trimmed"),
    ],
)
@pytest.mark.parametrize("disclosure", ["label", "credit"])
def test_other_words(
    site: Site, api: ImagesServer, disclosure: str, text: str, expected: str
) -> None:
    site.options |= {"disclosure": disclosure, "disclosure_text": text}
    site.config["markdown_extensions"] = ["attr_list", "pymdownx.magiclink", "abbr", "smarty"]
    site.write({"docs/raw.md": f"<details>\n{block('hen')}</details>\n"})
    write(site, block("fox"), f"<div>\n{block('elk', 'caption=C')}</div>", "*[AI]: x")
    built = build_twice(site, api)
    assert told(built) == [expected] * 2
    assert told(built, "raw/index.html") == [expected]


def test_words_alone_are_not_told(site: Site, api: ImagesServer) -> None:
    site.options["disclosure_text"] = "Made by {model}"
    write(site, block("fox"))
    built = build_twice(site, api)
    assert "Made by" not in built.read("index.html")


def test_the_model_is_the_one_that_made_it(site: Site, api: ImagesServer) -> None:
    """Not today's, and a block may name its own."""
    site.options["disclosure"] = "credit"
    write(site, block("fox"), block("hen", "model=painter"))
    build_twice(site, api)
    site.options["model"] = "tomorrow"
    write(site, block("fox"), block("hen", "model=painter"), block("elk"))
    built = build_twice(site, api)
    assert told(built) == [f"AI-generated, {one}" for one in (MODEL, "painter", "tomorrow")]


WORDS = pytest.mark.parametrize(
    ("disclosure", "text"),
    [("credit", ""), ("credit", "<{model}> & {model}"), ("label", "{model}")],
)


def worded(text: str, *models: str) -> str:
    listed = ", ".join(models)
    return text.replace("{model}", listed) if text else f"AI-generated, {listed}"


@WORDS
@pytest.mark.parametrize("header", ["", "n=2 pick=all caption='Some *foxes*'"])
def test_words_name_no_model_that_made_nothing(
    site: Site, api: ImagesServer, disclosure: str, text: str, header: str
) -> None:
    """The picture is there, of another model; its twin does not come."""
    site.options |= {"disclosure": disclosure, "disclosure_text": text}
    write(site, block("fox", header))
    count = len(told(build_twice(site, api)))
    site.options["model"] = "tomorrow"
    api.reply = refuse
    write(site, block("fox", f"{header} dark=forbidden"), block("hen"), block("fox", header))
    built = build_twice(site, api, warns=["refused by the moderation"])
    fox = [worded(text, MODEL)] * count
    assert told(built) == [*fox, worded(text, "tomorrow"), *fox]


@WORDS
def test_words_name_a_model_that_made_some(
    site: Site, api: ImagesServer, disclosure: str, text: str
) -> None:
    site.options |= {"disclosure": disclosure, "disclosure_text": text, "concurrency": 1}
    write(site, block("fox", "n=2 pick=all"))
    build_twice(site, api)
    site.options["model"] = "tomorrow"
    api.script(Reply(status=400, body=error_body("No.", "moderation_blocked")), Reply())
    write(site, block("fox", "n=2 pick=all dark=night"))
    built = build_twice(site, api, warns=["refused by the moderation"])
    both = worded(text, MODEL, "tomorrow")
    assert told(built) == ([both] if disclosure == "credit" else [worded(text, MODEL), both])
    sources = [image["src"] for image in built.images("index.html")]
    assert sources[0] == sources[1]
    assert len(set(sources)) == 3


def test_names_that_could_be_markup(site: Site, api: ImagesServer) -> None:
    site.options["disclosure"] = "credit"
    name = "<img/src=x>&amp;**x**`y`"
    write(site, fence(f"prompt: A fox\nalt: x\nmodel: '{name}'"))
    built = build_twice(site, api)
    assert "<img/src" not in built.read("index.html")
    assert len(built.images("index.html")) == 1
    (words,) = told(built)
    assert words.startswith("AI-generated, <img/src=x>&")


# --- What it does not change ---


@pytest.mark.parametrize("disclosure", ["label", "credit"])
def test_alt_texts_and_captions_stay(site: Site, api: ImagesServer, disclosure: str) -> None:
    write(
        site,
        block("fox", "caption='The *fox*' title=T #fox .wide align=left width=40"),
        fence("A hen in snow. And more."),
        fence("An elk", "decorative=true"),
        block("owl", "n=2 pick=all caption=Owls"),
    )
    plain = build_twice(site, api)
    names = ("alt", "title", "width", "height", "loading", "src")
    before = [{n: image.get(n) for n in names} for image in plain.images("index.html")]
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", plain.read("index.html"))
    asked = len(api.posts)

    site.options["disclosure"] = disclosure
    built = build_twice(site, api)

    assert len(api.posts) == asked, "it costs nothing"
    assert [{n: image.get(n) for n in names} for image in built.images("index.html")] == before
    html = re.sub(r" ?<span class=\"genimage-credit\".*?</span>", "", built.read("index.html"))
    found = [text for text in re.findall(r"<figcaption>(.*?)</figcaption>", html) if text]
    assert found == captions
    assert not [image for image in built.images("index.html") if "AI" in image["alt"]]
    assert 'class="genimage genimage-left genimage-small wide" id="fox"' in html


@pytest.mark.parametrize("disclosure", ["label", "credit"])
def test_links_and_smaller_files(site: Site, api: ImagesServer, disclosure: str) -> None:
    site.options |= {"disclosure": disclosure, "widths": [16], "formats": ["webp"]}
    write(site, block("fox", "link=original"), block("hen", "link=index.md dark=night"))
    built = build_twice(site, api)
    links = built.tags("index.html", "a")
    images = built.images("index.html")
    assert [link["href"] for link in links] == [images[0]["src"], "./"]
    # A label is no part of a link: it would be part of its name.
    for inside in re.findall(r"<a .*?</a>", built.read("index.html"), re.DOTALL):
        assert "genimage-label" not in inside
        assert "genimage-credit" not in inside
    assert all("srcset" in image for image in images)


def test_smaller_files_say_it_too(site: Site, api: ImagesServer) -> None:
    site.options |= {"widths": [16], "formats": ["webp"]}
    site.write({"docs/own.png": picture("own", "64x48")})
    write(site, block("fox"), block("hen", "image=own.png"))
    built = build_twice(site, api)
    said = {
        name.rpartition("/")[2][:5]: re.findall(rb"digitalsourcetype/(\w+)", data)
        for name, data in built.files().items()
        if name.endswith("-16w.webp")
    }
    assert said == {
        "a-fox": [b"trainedAlgorithmicMedia"],
        "a-hen": [b"compositeWithTrainedAlgorithmicMedia"],
    }


def test_labels_are_what_readers_read_not_what_they_fetch(site: Site, api: ImagesServer) -> None:
    """No plugin that fetches or checks what a page refers to finds an address of others."""
    site.options["disclosure"] = "label"
    write(site, block("fox"))
    built = build_twice(site, api)
    for tag in ("link", "script", "a", "img", "iframe"):
        for attributes in built.tags("index.html", tag):
            for name in ("href", "src"):
                assert "schema.org" not in attributes.get(name, "")


@pytest.mark.parametrize("disclosure", ["label", "credit"])
@pytest.mark.parametrize("theme", ["material", "mkdocs", "readthedocs"])
def test_search(site: Site, api: ImagesServer, theme: str, disclosure: str) -> None:
    """Who searches for these words does not find every page; the text round pictures is found."""
    site.config = {"theme": theme}
    site.before = ["search"]
    site.options |= {"disclosure": disclosure, "disclosure_text": "Xylographed"}
    write(site, "Before.\n", block("fox"), block("hen", "caption='The *hen*'"), "After.\n")
    built = build_twice(site, api)
    texts = " ".join(
        entry["text"] for entry in json.loads(built.read("search/search_index.json"))["docs"]
    )
    for word in ("Before", "hen", "After"):
        assert word in texts
    if theme == "material":
        assert "Xylographed" not in texts
    assert SECRET not in texts
    assert len(told(built)) == 2


@pytest.mark.parametrize("disclosure", ["label", "credit"])
def test_blog(site: Site, api: ImagesServer, disclosure: str) -> None:
    site.config = {"theme": "material", "site_url": SITE_URL}
    site.before = ["search", {"blog": {}}]
    site.options["disclosure"] = disclosure
    api.reply = refuse
    # A placeholder is a drawing, too: its name ends like that of what it stands in for.
    refused = block("forbidden", "caption=C output_format=svg")
    text = "---\ndate: 2025-01-01\n---\n\n# Post\n\n" + block("fox") + refused
    site.write(
        {
            "docs/index.md": "# Home",
            "docs/blog/index.md": "# Blog",
            "docs/blog/posts/a.md": text + "\n<!-- more -->\n\nThere.\n",
        }
    )
    built = build_twice(site, api, warns=["refused by the moderation"])
    for page in ("blog/index.html", "blog/2025/01/01/post/index.html"):
        assert marked(built, page) == [True, False]
        assert len(told(built, page)) == len(kinds(built, page)) == 1
