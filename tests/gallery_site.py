"""A site with a picture in every state, its gallery, and what tests run in that page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from api_server import ImagesServer, Reply, error_body
from cli_runs import genimage
from sites import Site

if TYPE_CHECKING:
    from pathlib import Path

    from api_call import Call

HOSTILE = """</script><img src=x onerror=alert(1)> "'&lt; </title></dialog><style>*{display:none}"""
PAGE = f"""# Harbour & <em>sea</em>

```genimage size=1024x1024 n=4 pick=2 alt="Four gulls"
A gull on a mooring post
```

```genimage alt="A lighthouse" caption="The *old* light"
A lighthouse on a rock
```

```genimage
A tall water tower. Its shadow falls on the gravel.
```

```genimage decorative=true
A wavy line
```

```genimage
prompt: |
  {HOSTILE}
alt: |
  {HOSTILE}
caption: |
  {HOSTILE}
```

```genimage alt="Refused"
REFUSED
```

```genimage alt="Missing"
FAILED
```

```genimage alt="To be damaged"
A torn map
```

```genimage alt="Of last year"
An old map
```

```genimage quality=hihg
A picture with a mistake
```
"""
OTHER = """# 港口

```genimage alt="قط برتقالي"
قط برتقالي يقرأ فوق كومة من الكتب.
```

```genimage
雨后的港口
苔绿色的山丘。柔和的阴天光线。
```

```genimage size=640x640 output_format=svg alt="A drawing"
A drawing
```

```genimage size=1024x1024 background=transparent alt="An anchor"
An anchor
```
"""
WARNINGS = ("'hihg'", "refused", "no picture")

# What a checker of accessibility would say, as far as it can be told from the document.
COMPLAINTS = """
() => {
  const seen = (e) => e.checkVisibility({ visibilityProperty: true });
  const all = (s) => [...document.querySelectorAll(s)].filter(seen);
  const name = (e) =>
    e.getAttribute("aria-label") ||
    (e.labels && [...e.labels].map((l) => l.textContent.trim()).join(" ")) ||
    e.textContent.trim() ||
    [...e.querySelectorAll("img")].map((i) => i.alt).join(" ");
  const wrong = [];
  for (const one of ["main", "header", "footer", "h1"])
    if (document.querySelectorAll(one).length !== 1) wrong.push(`not one <${one}>`);
  if (!document.documentElement.lang) wrong.push("no language");
  if (!document.title) wrong.push("no title");
  for (const img of document.querySelectorAll("img"))
    if (!img.hasAttribute("alt")) wrong.push("img without alt");
  for (const e of all("a, button, input, summary")) if (!name(e)) wrong.push(`no name: ${e.outerHTML}`);
  let level = 0;
  for (const h of all("dialog[open]").length ? all("dialog h2, dialog h3") : all("h1, h2, h3, h4")) {
    const next = Number(h.tagName[1]);
    if (level && next > level + 1) wrong.push(`h${level} before h${next}: ${h.textContent}`);
    level = next;
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size < ids.length) wrong.push("an id twice");
  for (const e of document.querySelectorAll("[aria-labelledby]"))
    if (e.tagName !== "DIALOG" && !document.getElementById(e.getAttribute("aria-labelledby")))
      wrong.push("aria-labelledby leads nowhere");
  for (const dl of all("dl"))
    for (const child of dl.children)
      if (!["DT", "DD", "DIV"].includes(child.tagName)) wrong.push("no term in a dl");
  for (const e of all("button, fieldset label, .dense, input[type=search]")) {
    const box = e.getBoundingClientRect();
    if (box.width < 24 || box.height < 24) wrong.push(`too small to hit: ${e.outerHTML}`);
  }
  if (document.querySelector("[tabindex]:not([tabindex='-1'], [tabindex='0'])")) wrong.push("tabindex");
  return wrong;
}
"""

# Where the keyboard is, and whether that can be seen.
FOCUS = """
() => {
  const at = document.activeElement;
  const style = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  const under = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height, 40) / 2);
  return {
    name: at.getAttribute("aria-label") || at.textContent.trim(),
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    covered: !at.contains(under),
    inside: box.top >= 0 && box.top < innerHeight,
  };
}
"""


def refuse(call: Call) -> Reply | None:
    words = {"REFUSED": "moderation_blocked", "FAILED": "invalid_value"}
    code = words.get(str(call.fields.get("prompt")))
    return Reply(status=400, body=error_body("Not this.", code)) if code else None


def environment() -> dict[str, str]:
    """For builds: nothing that would change what mkdocs.yml says."""
    dropped = ("OPENAI_", "GENIMAGE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {
        name: value for name, value in os.environ.items() if not name.upper().startswith(dropped)
    }


def make_harbour(root: Path, api: ImagesServer) -> Site:
    site = Site(root, config={"site_url": "https://harbour.example/docs/"})
    site.use_bare_theme()
    site.options = {
        "base_url": api.base_url,
        "api_key": "local",
        "defaults": {"size": "1536x1024"},
        "pricing": {"per_image": 0.04},
    }
    site.write({"docs/index.md": PAGE, "docs/other/page.md": OTHER})
    site.run(env=environment()).ended(warns=WARNINGS)
    (torn,) = site.cache.glob("a-torn-map-*.png")
    torn.write_bytes(torn.read_bytes()[:-9])
    (old,) = site.cache.glob("an-old-map-*.json")
    old.write_text(old.read_text().replace('"gpt-image-2"', '"dall-e-3"'))
    genimage(site, "gallery").ended()
    return site
