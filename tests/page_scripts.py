"""JavaScript that tests run in a page, to see what only a browser knows."""

from __future__ import annotations

WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifts.push(entry);
}).observe({ type: "layout-shift", buffered: true });
"""

# Material shows its first palette until all its scripts are there, but not to readers who come back.
MATERIAL_IS_DARK = """
localStorage.setItem("/.__palette", JSON.stringify({
  index: 1,
  color: { media: "(prefers-color-scheme: dark)", scheme: "slate" },
}));
"""

# Each layout shift: how large it was, and what moved.
SHIFTS = """
() => window.shifts.map((entry) => [
  entry.value,
  entry.sources.map(({ node, previousRect: a, currentRect: b }) => {
    const name = node && node.nodeType === 1 ? node.outerHTML.slice(0, 80) : String(node && node.nodeName);
    return `${name} [${a.x} ${a.y} ${a.width} ${a.height}] -> [${b.x} ${b.y} ${b.width} ${b.height}]`;
  }).join("; "),
])
"""

# All but the pictures: style sheets, fonts, and what scripts do to the page in two frames.
SETTLED = """
async () => {
  if (document.readyState === "loading")
    await new Promise((done) => addEventListener("DOMContentLoaded", done));
  const sheets = [...document.querySelectorAll('link[rel="stylesheet"]')];
  await Promise.all(sheets.map((sheet) => sheet.sheet || new Promise((done) => {
    sheet.addEventListener("load", done);
    sheet.addEventListener("error", done);
  })));
  await document.fonts.ready;
  for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
}
"""

# Where every element of the content is on the page, in pixels.
PLACES = """
() => {
  const places = {};
  const all = document.querySelectorAll(".genimage, .genimage *, h1, h2, h3, p, li, pre, table, footer");
  [...all].forEach((element, number) => {
    const box = element.getBoundingClientRect();
    const name = `${number} ${element.tagName.toLowerCase()}.${element.className}`;
    places[name] = [box.left + scrollX, box.top + scrollY, box.width, box.height];
  });
  return places;
}
"""

# Lazy ones are asked for when they come near, so each is brought into view.
LOAD_PICTURES = """
async () => {
  for (const image of document.querySelectorAll(".genimage img")) {
    if (!image.getClientRects().length) continue;  // in a tab that is not open
    image.scrollIntoView();
    while (!image.complete) await new Promise((done) => setTimeout(done, 10));
    await image.decode().catch(() => {});
  }
  scrollTo(0, 0);
  for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
}
"""

# Until each picture that is in view is there.
WITHIN_VIEW = """
async () => {
  const isWanted = (image) => {
    const box = image.getBoundingClientRect();
    return image.getClientRects().length && box.bottom > 0 && box.top < innerHeight && !image.complete;
  };
  while ([...document.images].some(isWanted)) await new Promise((done) => setTimeout(done, 10));
  for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
}
"""

# As a reader does: part of a window at a time, not waiting for the pictures until the end.
READ_TO_THE_END = """
async () => {
  const end = () => document.scrollingElement.scrollHeight - innerHeight;
  for (let top = 0; top < end(); top += innerHeight * 0.7) {
    scrollTo(0, top);
    await new Promise((done) => setTimeout(done, 50));
    await new Promise(requestAnimationFrame);
  }
  scrollTo(0, end());
  const isShown = (image) => image.getClientRects().length > 0;
  const shown = [...document.querySelectorAll(".genimage img")].filter(isShown);
  while (!shown.every((image) => image.complete)) await new Promise((done) => setTimeout(done, 10));
  for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
}
"""

# Boxes are [left, top, right, bottom] on the page. "content" is the picture itself, without the frame
# that a theme may draw; "room" is what the surrounding element offers.
PICTURES = """
() => {
  const px = (style, ...names) => names.reduce((sum, name) => sum + parseFloat(style[name]), 0);
  const onPage = (rect) =>
    [rect.left + scrollX, rect.top + scrollY, rect.right + scrollX, rect.bottom + scrollY];
  const box = (element) => onPage(element.getBoundingClientRect());
  const inner = (element) => {
    const style = getComputedStyle(element);
    const [left, top, right, bottom] = box(element);
    return [
      left + px(style, "paddingLeft", "borderLeftWidth"),
      top + px(style, "paddingTop", "borderTopWidth"),
      right - px(style, "paddingRight", "borderRightWidth"),
      bottom - px(style, "paddingBottom", "borderBottomWidth"),
    ];
  };
  const textBeside = (outer) => {
    const next = outer.nextElementSibling;
    if (!next) return null;
    const range = document.createRange();
    range.selectNodeContents(next);
    const [first] = range.getClientRects();
    return first ? onPage(first) : null;
  };
  // What `sizes` says to a browser that does not know of `auto`.
  const sourceSize = (sizes) => {
    for (const part of sizes.split(", ").filter((part) => part && part !== "auto")) {
      const [, condition, number, unit] = /^(\\(.*\\) )?([\\d.]+)(px|vw)$/.exec(part);
      if (!condition || matchMedia(condition).matches)
        return unit === "vw" ? (number * innerWidth) / 100 : Number(number);
    }
    return null;
  };
  return [...document.querySelectorAll(".genimage img")].map((image) => {
    const outer = image.closest(".genimage");
    const caption = outer.querySelector("figcaption");
    return {
      name: decodeURIComponent(image.src.split("#")[0].split("/").pop()),
      chosen: decodeURIComponent(image.currentSrc.split("#")[0].split("/").pop()),
      candidates: image.srcset.split(", ").filter(Boolean).map((one) => parseInt(one.split(" ").pop())),
      expected: sourceSize(image.sizes),
      alt: image.alt,
      shown: image.getClientRects().length > 0,
      natural: [image.naturalWidth, image.naturalHeight],
      box: box(image),
      content: inner(image),
      outer: box(outer),
      room: inner(outer.parentElement),
      float: getComputedStyle(outer).float,
      caption: caption && box(caption),
      alone: !outer.classList.contains("genimage-grid"),
      next: textBeside(outer),
    };
  });
}
"""

# The boxes of what a selector finds, on the page.
BOXES = """
(selector) => [...document.querySelectorAll(selector)].map((element) => {
  const { left, top, right, bottom } = element.getBoundingClientRect();
  return [left + scrollX, top + scrollY, right + scrollX, bottom + scrollY];
})
"""

# Where the keyboard is: address, alt text of the picture in it, whether there is a ring, and how much
# larger than the picture the ring is.
FOCUSED = """
() => {
  const at = document.activeElement;
  if (!at.closest(".genimage")) return null;
  const image = [...at.querySelectorAll("img")].find((one) => one.getClientRects().length);
  if (!image) return null;
  const ring = at.getBoundingClientRect();
  const inner = image.getBoundingClientRect();
  return {
    href: at.href,
    alt: image.alt,
    ring: getComputedStyle(at).outlineStyle !== "none",
    slack: Math.abs(ring.width - inner.width) + Math.abs(ring.height - inner.height),
  };
}
"""

# The contrast of an element's text as it is painted: its colour and opacity on the ground below it.
CONTRAST = """
(element) => {
  const parse = (text) => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, ground) => [0, 1, 2].map((i) => top[i] * top[3] + ground[i] * (1 - top[3]));
  const chain = [];
  for (let at = element; at; at = at.parentElement) chain.unshift(at);
  let ground = [255, 255, 255];
  let opacity = 1;
  for (const at of chain) {
    const style = getComputedStyle(at);
    ground = over(parse(style.backgroundColor), ground);
    opacity *= parseFloat(style.opacity);
  }
  const ink = parse(getComputedStyle(element).color);
  ink[3] *= opacity;
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [low, high] = [light(over(ink, ground)), light(ground)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}
"""

# The texts of a placeholder at the size it has on the page: font size in CSS pixels, and whether the
# text's box is inside of the drawing.
PLACEHOLDER_TEXTS = """
async (name) => {
  const image = [...document.images].find((one) => one.src.endsWith("/" + encodeURI(name)));
  const holder = document.createElement("div");
  holder.style.cssText = `position: absolute; left: 0; top: 0; width: ${image.clientWidth}px`;
  holder.innerHTML = await (await fetch(image.src)).text();
  document.body.append(holder);
  const svg = holder.querySelector("svg");
  svg.removeAttribute("height");
  svg.style.width = "100%";
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll("text")].map((text) => {
    const box = text.getBoundingClientRect();
    return {
      text: text.textContent,
      size: text.getScreenCTM().a * parseFloat(getComputedStyle(text).fontSize),
      inside: box.left >= frame.left && box.right <= frame.right && box.bottom <= frame.bottom,
    };
  });
  holder.remove();
  return texts;
}
"""

# Each label that is shown: where it is and on what, whether all of it is seen, and what a click on it hits.
UNDER_LABELS = """
() => [...document.querySelectorAll(".genimage-label")].map((label) => {
  label.scrollIntoView({ block: "center" });
  const frame = label.parentElement;
  const image = [...frame.querySelectorAll("img")].find((one) => one.getClientRects().length);
  const at = label.getBoundingClientRect();
  const on = image.getBoundingClientRect();
  const hit = document.elementFromPoint((at.left + at.right) / 2, (at.top + at.bottom) / 2);
  return {
    alt: image.alt,
    text: label.textContent,
    size: parseFloat(getComputedStyle(label).fontSize),
    box: [at.left, at.top, at.right, at.bottom],
    picture: [on.left, on.top, on.right, on.bottom],
    whole: label.scrollWidth <= label.clientWidth + 1 && label.scrollHeight <= label.clientHeight + 1,
    linked: Boolean(image.closest("a")),
    under: (hit.closest("a") || hit.closest(".genimage-frame")).tagName,
  };
})
"""

# What axe-core finds wrong within our figures. The colour of links is the theme's.
AXE = """
async () => {
  const { violations, passes } = await axe.run(
    { include: [[".genimage"]] }, { resultTypes: ["violations"] }
  );
  const ours = ({ id, nodes }) => nodes.map((node) => node.html).filter(
    (html) => !(id === "color-contrast" && html.startsWith("<a "))
  );
  return {
    passes: passes.length,
    violations: violations.filter((one) => ours(one).length).map((one) => `${one.id}: ${ours(one)}`),
  };
}
"""
