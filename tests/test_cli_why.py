"""`mkdocs-genimage why`."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from api_server import Reply, error_body
from cli_runs import genimage, genimage_process
from pictures import picture
from sites import fence

from mkdocs_genimage.journal import Journal
from mkdocs_genimage.request import ImageRequest
from mkdocs_genimage.upkeep.words import word_diff

if TYPE_CHECKING:
    from api_server import ImagesServer
    from sites import Site

SIZE = "size=64x48 alt=x"


def why(site: Site, name: str, status: int = 0) -> Any:
    return genimage(site, "why", name, "--json").ended(status).json("why")


def told(site: Site, name: str, status: int = 0) -> str:
    return genimage(site, "why", name).ended(status).output


def differences(site: Site, name: str = "docs/index.md:1") -> dict[str, tuple[str, ...]]:
    """Option to what it was, what it is, and who set it where."""
    nearest = why(site, name)["blocks"][0]["nearest"]
    return {
        d["option"]: (d["before"], d["after"], d["origin"], d["place"])
        for d in nearest["differences"]
    }


def test_what_the_key_is_made_of(bare: Site, api: ImagesServer) -> None:
    bare.options |= {
        "defaults": {"quality": "low", "style": "brand", "background": "opaque"},
        "styles": {"brand": {"prompt": "Flat. {prompt}", "output_format": "png"}},
        "model": "some-model",
        "moderation": "low",
    }
    text = (
        "---\ngenimage:\n  size: 64x48\n---\n\n"
        "```genimage n=2\nalt: A fox\nprompt: A fox\nquality: high\nimage: plan.png\n```\n"
    )
    bare.write({"docs/index.md": text, "docs/plan.png": picture("plan", "64x48")})
    block = why(bare, "docs/index.md:9")["blocks"][0]
    parts = {p["option"]: (p["value"], p["origin"], p["place"]) for p in block["parts"]}
    digest = parts["image"][0].removeprefix("plan.png (sha256 ").removesuffix(")")
    assert len(digest) == 12
    assert parts == {
        "prompt": ("A fox", "block", "docs/index.md:8"),
        "style": ("brand: Flat. {prompt}", "defaults", "mkdocs.yml"),
        "size": ("64x48", "front matter", "docs/index.md"),
        "quality": ("high", "block", "docs/index.md:9"),
        "background": ("opaque", "defaults", "mkdocs.yml"),
        "output_format": ("png", "style 'brand'", "mkdocs.yml"),
        "image": (f"plan.png (sha256 {digest})", "block", "docs/index.md:10"),
        "key format": ("1", "", ""),
    }
    free = {p["option"]: (p["value"], p["origin"], p["place"]) for p in block["not_counted"]}
    host = api.url.removeprefix("http://")
    assert free == {
        "model": ("some-model", "site", "mkdocs.yml"),
        "server": (host, "site", "mkdocs.yml"),
        "moderation": ("low", "site", "mkdocs.yml"),
        "n": ("2", "block", "docs/index.md:6"),
        "alt": ("A fox", "block", "docs/index.md:7"),
    }
    shown = told(bare, "docs/index.md:9").splitlines()
    assert [line.split() for line in shown if line.startswith("  quality")] == [
        ["quality", "block", "docs/index.md:9", "high"]
    ]
    assert any(line.startswith("  missing. It is not in the cache. A build asks") for line in shown)
    assert "No picture in the cache is like it" in shown[-1]
    assert api.calls == []


def test_who_says_how_it_stands(bare: Site) -> None:
    """The strongest is heeded, and classes add up."""
    bare.options |= {
        "defaults": {"class": "shadow", "width": 300, "link": "original"},
        "styles": {"brand": {"class": "flat", "width": "50%"}},
    }
    front = "---\ngenimage:\n  class: wide\n  align: left\n---\n\n"
    text = front + fence("A fox", "style=brand class=own link=none alt=x")
    bare.write({"docs/index.md": text})
    block = why(bare, "docs/index.md:7")["blocks"][0]
    told = [(p["option"], p["value"], p["origin"], p["place"]) for p in block["not_counted"]]
    assert [part for part in told if part[0] not in ("alt", "model", "server")] == [
        ("width", "50%", "style 'brand'", "mkdocs.yml"),
        ("align", "left", "front matter", "docs/index.md"),
        ("class", "shadow", "defaults", "mkdocs.yml"),
        ("class", "flat", "style 'brand'", "mkdocs.yml"),
        ("class", "wide", "front matter", "docs/index.md"),
        ("class", "own", "block", "docs/index.md:7"),
    ]


def test_a_picture_that_is_there(bare: Site) -> None:
    bare.options["pricing"] = {"per_image": 0.04}
    bare.write({"docs/index.md": fence("A fox", SIZE), "docs/b.md": fence("A fox", SIZE)})
    bare.build()
    name = bare.cached(".png")[0]
    content = why(bare, name)
    assert content["blocks"][0]["places"] == ["docs/index.md:1", "docs/b.md:1"]
    assert content["blocks"][0]["nearest"] is None
    (image,) = content["images"]
    assert (image["state"], image["file"], image["asked_for"]) == ("cached", name, False)
    assert image["made"]["model"] == "gpt-image-2"
    assert image["made"]["cost"] == 0.04
    text = told(bare, name.removeprefix("a-fox-")[:4])
    assert text.startswith("docs/index.md:1, docs/b.md:1  a-fox-")
    assert f"cached. It is there: {name}. Made on 20" in text
    assert " by gpt-image-2 at 127.0.0.1" in text
    assert "for $0.04." in text


def test_options_that_were_changed_where(bare: Site) -> None:
    bare.options["defaults"] = {"quality": "medium"}
    bare.write({"docs/index.md": fence("A fox", SIZE), "docs/b.md": fence("A hen", SIZE)})
    bare.build()
    bare.options["defaults"] = {"quality": "high", "background": "opaque"}
    assert differences(bare) == {
        "quality": ("medium", "high", "defaults", "mkdocs.yml"),
        "background": ("unset", "opaque", "defaults", "mkdocs.yml"),
    }
    text = told(bare, "docs/index.md:1")
    assert "The nearest picture in the cache is a-fox-" in text
    assert "which no page uses any more." in text
    assert "  quality: medium -> high (defaults, mkdocs.yml)\n" in text
    assert "Undo that, and the old picture is shown again without a request." in text
    bare.options["defaults"] = {}
    assert differences(bare) == {"quality": ("medium", "unset", "", "")}
    bare.write({"docs/index.md": "---\ngenimage: {quality: low}\n---\n" + fence("A fox", SIZE)})
    assert differences(bare, "docs/index.md:4") == {
        "quality": ("medium", "low", "front matter", "docs/index.md")
    }


def test_a_prompt_that_was_edited(bare: Site) -> None:
    words = "on a stack of old books beside the window of a small house by the sea"
    bare.write({"docs/index.md": fence(f"An orange cat sleeps {words}, at dusk", SIZE)})
    bare.build()
    bare.write({"docs/index.md": fence(f"An orange dog sleeps {words}, at dawn", SIZE)})
    block = why(bare, "docs/index.md:1")["blocks"][0]
    (difference,) = block["nearest"]["differences"]
    assert difference["option"] == "prompt"
    changed = [
        (w["operation"], w["text"]) for w in difference["words"] if w["operation"] != "equal"
    ]
    assert changed == [
        ("delete", "cat "),
        ("insert", "dog "),
        ("delete", "dusk"),
        ("insert", "dawn"),
    ]
    text = told(bare, "docs/index.md:1")
    assert "An orange [-cat-] {+dog+} sleeps" in text
    assert "[-dusk-]{+dawn+}" in text
    bare.write({"docs/index.md": fence("Eleven steam locomotives in a museum", SIZE)})
    assert why(bare, "docs/index.md:1")["blocks"][0]["nearest"] is None


def test_a_chinese_prompt(bare: Site) -> None:
    bare.write({"docs/index.md": fence("一只橙色的猫在一摞旧书上睡觉", SIZE)})
    bare.build()
    bare.write({"docs/index.md": fence("一只橙色的狗在一摞旧书上睡觉", SIZE)})
    assert "一只橙色的[-猫-]{+狗+}在" in told(bare, "docs/index.md:1")


def test_a_style_that_was_edited(bare: Site) -> None:
    bare.options |= {"defaults": {"style": "brand"}, "styles": {"brand": "Flat, teal. {prompt}"}}
    bare.write({"docs/index.md": fence("A fox", SIZE)})
    bare.build()
    bare.options["styles"] = {"brand": "Flat, sand. {prompt}"}
    assert differences(bare) == {
        "style": ("Flat, teal. {prompt}", "Flat, sand. {prompt}", "defaults", "mkdocs.yml")
    }
    assert "style (defaults, mkdocs.yml): Flat, [-teal-]{+sand+}. {prompt}" in told(
        bare, "docs/index.md:1"
    )


def test_inputs_that_were_changed(bare: Site) -> None:
    text = fence("A fox", f"{SIZE} image=plan.png")
    bare.write({"docs/index.md": text, "docs/plan.png": picture("plan", "64x48")})
    bare.build()
    bare.write({"docs/plan.png": picture("another plan", "64x48")})
    before, after, origin, place = differences(bare)["image"]
    assert before.startswith("sha256 ")
    assert after.startswith("plan.png (sha256 ")
    assert before.removeprefix("sha256 ") not in after
    assert (origin, place) == ("block", "docs/index.md:1")
    source = fence("A hill", f"{SIZE} #hill")
    edit = "```genimage\nprompt: A fox\nsize: 64x48\nimage: '#hill'\nalt: x\n```\n"
    bare.write({"docs/index.md": source + "\n" + edit})
    bare.build()
    bare.write({"docs/index.md": source.replace("A hill", "A dale") + "\n" + edit})
    before, after, _, _ = differences(bare, "docs/index.md:5")["image"]
    assert before.startswith("another picture ")
    assert after.startswith("#hill = a-dale-")


def test_the_last_of_equally_near_pictures(bare: Site) -> None:
    """Of those with the same prompt in use elsewhere, too."""
    bare.write(
        {
            "docs/index.md": fence("A fox", f"{SIZE} quality=high"),
            "docs/b.md": fence("A fox", f"{SIZE} quality=low background=opaque"),
        }
    )
    bare.build()
    bare.write({"docs/index.md": fence("A fox", f"{SIZE} quality=low")})
    nearest = why(bare, "docs/index.md:1")["blocks"][0]["nearest"]
    options = {d["option"] for d in nearest["differences"]}
    assert (options, nearest["places"]) in [({"quality"}, []), ({"background"}, ["docs/b.md:1"])]
    bare.write({"docs/index.md": fence("A fox", f"{SIZE} quality=low revision=2")})
    nearest = why(bare, "docs/index.md:1")["blocks"][0]["nearest"]
    assert len(nearest["differences"]) == 2
    bare.write({"docs/index.md": fence("A fox", f"{SIZE} quality=medium background=opaque")})
    nearest = why(bare, "docs/index.md:1")["blocks"][0]["nearest"]
    assert nearest["places"] == ["docs/b.md:1"]
    assert "shown at docs/b.md:1." in told(bare, "docs/index.md:1")
    assert "Undo that" not in told(bare, "docs/index.md:1")


def test_stale(bare: Site, api: ImagesServer) -> None:
    bare.options["model"] = "old-model"
    bare.write({"docs/index.md": fence("A fox", SIZE)})
    bare.build()
    bare.options["model"] = "new-model"
    (image,) = why(bare, "docs/index.md:1")["images"]
    assert image["state"] == "stale"
    assert image["stale"] == [{"option": "model", "before": "old-model", "after": "new-model"}]
    assert "Today another would make it (model old-model -> new-model); it is still used." in told(
        bare, "docs/index.md:1"
    )


def test_every_kind_of_missing(bare: Site, api: ImagesServer) -> None:
    def reply(call: Any) -> Reply | None:
        if "refused" in call.fields["prompt"]:
            return Reply(status=400, body=error_body("safety system", "moderation_blocked"))
        return None

    api.reply = reply
    names = ("damaged", "pointer", "refused")
    bare.write({f"docs/{name}.md": fence(f"A fox {name}", SIZE) for name in names})
    bare.build(warns=["refused"])
    bare.write({"docs/killed.md": fence("A fox killed", SIZE)})
    for name in bare.cached(".png"):
        data = b"?" if "damaged" in name else b"version https://git-lfs.github.com/spec/v1\n"
        (bare.cache / name).write_bytes(data)
    (image,) = why(bare, "docs/killed.md:1")["images"]
    Journal(bare.cache).begin(image["key"][:12], {"key": image["key"]})
    asked = len(api.calls)
    texts = {name: told(bare, f"docs/{name}.md:1") for name in (*names, "killed")}
    assert "  damaged. The files in the cache cannot be used. genimage/a-fox-" in texts["damaged"]
    assert "it is a new one" not in texts["damaged"] + texts["pointer"]
    assert "Restore it from Git. A build asks for it (price not known)." in texts["damaged"]
    assert "run 'git lfs pull'" in texts["pointer"]
    assert "A build of this site does not ask for it." in texts["pointer"]
    assert "not asked for again. The prompt was refused by the moderation of" in texts["refused"]
    assert "  billed?. It is not in the cache. An earlier build asked for it" in texts["killed"]
    assert len(api.calls) == asked


def test_an_adopted_picture(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE), "own.png": picture("own", "64x48")})
    genimage(bare, "adopt", "docs/index.md:1", str(bare.root / "own.png")).ended()
    assert "Put there by hand on 20" in told(bare, "docs/index.md:1")
    (image,) = why(bare, "docs/index.md:1")["images"]
    assert image["made"]["adopted"] is True
    assert image["made"]["file"] == "own.png"


def test_a_picture_that_no_page_uses(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE)})
    bare.build()
    name = bare.cached(".png")[0]
    bare.write({"docs/index.md": fence("A fox", f"{SIZE} quality=low")})
    content = why(bare, name)
    assert content["blocks"] == content["images"] == []
    assert content["unused"]["file"] == name
    assert content["unused"]["nearest_block"] == "docs/index.md:1"
    assert [d["option"] for d in content["unused"]["differences"]] == ["quality"]
    text = told(bare, name)
    assert text.startswith(f"{name}\n  No page uses it. Made on ")
    assert "The block that is most like it is docs/index.md:1." in text
    assert "quality: unset -> low (block, docs/index.md:1)" in text


def test_variants_and_the_file_of_one(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", f"{SIZE} n=3")})
    bare.build()
    assert [i["variant"] for i in why(bare, "docs/index.md:1")["images"]] == [1, 2, 3]
    assert [i["variant"] for i in why(bare, bare.cached("-2.png")[0])["images"]] == [2]
    first = next(name for name in bare.cached(".png") if name.count("-") == 2)
    assert [i["variant"] for i in why(bare, first)["images"]] == [1]
    assert [i["variant"] for i in why(bare, first.removesuffix(".png"))["images"]] == [1, 2, 3]
    assert "variant 3: cached." in told(bare, "docs/index.md:1")


def test_a_block_that_is_wrong(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", f"{SIZE} quality=hihg")})
    content = why(bare, "docs/index.md:1", status=1)
    assert content["blocks"][0]["key"] is None
    assert "'quality' cannot be 'hihg'" in content["blocks"][0]["problems"][0]
    assert "'quality' cannot be 'hihg'" in told(bare, "docs/index.md:1", status=1)


def test_a_key_of_several_pictures(bare: Site) -> None:
    prompts: dict[str, str] = {}
    for number in itertools.count():
        prompt = f"Fox {number}"
        twice = ImageRequest(prompt, {"size": "64x48"}).key[:4]
        if twice in prompts:
            break
        prompts[twice] = prompt
    bare.write({"docs/index.md": fence(prompts[twice], SIZE) + "\n" + fence(prompt, SIZE)})
    content = genimage(bare, "plan", "--json").json("plan")
    keys = [block["images"][0]["key"] for block in content["blocks"]]
    ran = genimage(bare, "why", twice).ended(2)
    assert f"'{twice}' is the beginning of several keys." in ran.errors
    for key in keys:
        assert key[:16] in ran.errors
    assert why(bare, keys[0])["blocks"][0]["key"] == keys[0]


def test_a_hostile_user(bare: Site, child_env: dict[str, str]) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE), "genimage/x-0123456789ab.json": "{]"})
    for name in (
        "",
        "::1",
        "#",
        "/",
        "docs/index.md:0",
        "a" * 5000,
        "\x00.md:1",
        "a" * 5000 + ":1",
        "C:\\x:1",
    ):
        ran = genimage(bare, "why", "--", name)
        assert ran.status == 2, name
        assert "Traceback" not in ran.errors
    genimage(bare, "why").ended(2)
    genimage(bare, "why", "--nonsense", "x").ended(2)
    bare.write_config()
    ran = genimage_process(bare.root, "why", "docs/index.md:1", "--json", env=child_env).ended()
    assert json.loads(ran.output)["images"][0]["state"] == "missing"
    assert "\x1b" not in told(bare, "docs/index.md:1")
    bare.options = None
    ran = genimage(bare, "why", "docs/index.md:1").ended(2)
    assert "has no 'genimage' under 'plugins:'" in ran.errors


def test_long_prompts_are_compared_by_words() -> None:
    before = " ".join(f"word{n % 700} and" for n in range(3000))
    after = before.replace("word350", "changed")
    words = list(word_diff(before, after))
    assert {operation for operation, _ in words} == {"equal", "delete", "insert"}
    assert sum(text == "changed " for _, text in words) >= 4
    assert all(len(text) < 400 for _, text in words)
    assert [operation for operation, _ in word_diff("a  b\nc", "a b c")] == ["equal"]
