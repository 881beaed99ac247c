"""JavaScript that tests run in a page, to see what only a browser knows."""

from __future__ import annotations

WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
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

# Where every element of the content is on the page, to the pixel.
PLACES = """
() => {
  const places = {};
  const all = document.querySelectorAll(".genimage, .genimage *, h1, h2, h3, p, li, pre, table, footer");
  [...all].forEach((element, number) => {
    const box = element.getBoundingClientRect();
    const name = `${number} ${element.tagName.toLowerCase()}.${element.className}`;
    places[name] = [box.left + scrollX, box.top + scrollY, box.width, box.height].map(Math.round).join(" ");
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
  return [...document.querySelectorAll(".genimage img")].map((image) => {
    const outer = image.closest(".genimage");
    const caption = outer.querySelector("figcaption");
    return {
      name: decodeURIComponent(image.src.split("/").pop()),
      alt: image.alt,
      shown: image.getClientRects().length > 0,
      natural: [image.naturalWidth, image.naturalHeight],
      box: box(image),
      content: inner(image),
      outer: box(outer),
      room: inner(outer.parentElement),
      float: getComputedStyle(outer).float,
      caption: caption && box(caption),
      next: textBeside(outer),
    };
  });
}
"""

# Where the keyboard is: address, alt text of the picture in it, whether there is a ring, and how much
# larger than the picture the ring is.
FOCUSED = """
() => {
  const at = document.activeElement;
  const image = at.querySelector(":scope > img");
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
