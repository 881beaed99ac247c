
"use strict";
(() => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const one = (selector, from = document) => from.querySelector(selector);
  const main = one("main");
  const cards = all(".card");
  const sections = all(".page");
  const said = one("#said");
  const tools = one(".tools");
  const plain = (text) => text.normalize("NFKC").toLowerCase();

  // Search and filter

  // textContent, unlike innerText, needs no layout of all cards.
  const texts = new Map();
  const text = (card) => {
    if (!texts.has(card)) {
      const title = one("h2", card.closest(".page")).textContent;
      texts.set(card, plain(title + " " + one(".text", card).textContent).replace(/\s+/g, " "));
    }
    return texts.get(card);
  };

  if (tools) {
    const find = one("input[type=search]", tools);
    const overview = one(".dense input", tools);
    const found = one(".found", tools);
    const chosen = () => one("input[name=filter]:checked", tools).value;

    const apply = () => {
      const words = plain(find.value).split(/\s+/).filter(Boolean);
      const filter = chosen();
      let count = 0;
      for (const card of cards) {
        const fits =
          (!filter || card.dataset.filters.split(" ").includes(filter)) &&
          words.every((word) => text(card).includes(word));
        card.hidden = !fits;
        count += fits;
      }
      for (const section of sections) section.hidden = !one(".card:not([hidden])", section);
      one("#none-found").hidden = count > 0;
      found.textContent = count + " of " + cards.length + " blocks shown";
    };

    const clear = () => {
      find.value = "";
      one("input[name=filter][value='']", tools).checked = true;
      apply();
      find.focus();
    };

    find.addEventListener("input", apply);
    tools.addEventListener("change", (event) => {
      if (event.target.name === "filter") apply();
    });
    overview.addEventListener("change", () => {
      document.body.classList.toggle("overview", overview.checked);
    });
    one("[data-clear]").addEventListener("click", clear);
    tools.hidden = false;
    // A browser that goes back to this page restores what was chosen.
    addEventListener("pageshow", () => {
      document.body.classList.toggle("overview", overview.checked);
      if (find.value || chosen()) apply();
    });
    addEventListener("keydown", (event) => {
      const isTyping = event.target.closest && event.target.closest("input, textarea, dialog");
      if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        find.focus();
      }
    });
  }

  // Copying

  const copy = async (words) => {
    try {
      await navigator.clipboard.writeText(words);
      return true;
    } catch {
      // Not allowed here, or not there: the old way.
      const area = document.createElement("textarea");
      area.value = words;
      area.readOnly = true;
      (one("dialog[open]") || document.body).append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  };

  for (const button of all(".copy")) button.hidden = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".copy");
    if (!button) return;
    const done = await copy(button.dataset.copy);
    button.focus();
    button.classList.toggle("done", done);
    button.textContent = done ? "Copied" : "Failed";
    said.textContent = done ? "Copied: " + button.dataset.copy : "It could not be copied.";
    setTimeout(() => {
      button.classList.remove("done");
      button.textContent = "Copy";
      said.textContent = "";
    }, 2000);
  });

  // Large view

  const dialog = one("dialog");
  const stage = one(".stage", dialog);
  const large = one("img", stage);
  const about = one(".about", dialog);
  const original = one(".original", dialog);
  const isPreview = one(".is-preview", dialog);
  let open = null;

  // Those that are not hidden. (To ask for their boxes would have the browser lay out all cards.)
  const links = () => {
    const those = document.body.classList.contains("overview") ? ".take.shown a.frame" : "a.frame";
    return all(those, main).filter((link) => !link.closest("[hidden]"));
  };

  const show = (link) => {
    open = link;
    const shown = links();
    const preview = one("img", link);
    const card = link.closest(".card");
    large.src = preview.src;
    large.alt = preview.alt;
    large.width = link.dataset.width;
    large.height = link.dataset.height;
    stage.classList.toggle("see-through", link.classList.contains("see-through"));
    const take = link.closest(".take");
    for (const scheme of ["light", "dark"]) stage.classList.toggle(scheme, take.classList.contains(scheme));
    isPreview.hidden = true;
    const whole = new Image();
    whole.onload = () => {
      if (open === link) large.src = whole.src;
    };
    whole.onerror = () => {
      if (open === link) isPreview.hidden = false;
    };
    whole.src = link.href;
    original.href = link.href;
    const words = one(".text", card).cloneNode(true);
    const title = document.createElement("h2");
    title.id = "large-title";
    title.append(...one("h3", words).childNodes);
    one("h3", words).replaceWith(title);
    for (const heading of all("h4", words)) {
      const lower = document.createElement("h3");
      lower.className = heading.className;
      lower.append(...heading.childNodes);
      heading.replaceWith(lower);
    }
    const caption = one("figcaption", link.parentElement);
    if (caption) {
      const which = document.createElement("p");
      which.className = "which";
      const marks = [...caption.children].map((node) => node.textContent.trim());
      which.textContent = [caption.dataset.name, ...marks].join(" ");
      title.after(which);
    }
    // Focus that stands on what goes away would be lost.
    if (about.contains(document.activeElement)) one("[data-close]", dialog).focus();
    about.replaceChildren(...words.childNodes);
    one(".at", dialog).textContent = shown.indexOf(link) + 1 + " of " + shown.length;
    dialog.scrollTop = 0;
    one(".side", dialog).scrollTop = 0;
    if (!dialog.open) {
      dialog.showModal();
      one("[data-close]", dialog).focus();
    }
  };

  const step = (from, by) => {
    const shown = links();
    return shown[(shown.indexOf(from) + by + shown.length) % shown.length];
  };

  const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

  main.addEventListener("click", (event) => {
    const link = event.target.closest("a.frame");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    show(link);
  });

  main.addEventListener("keydown", (event) => {
    const link = event.target.closest("a.frame");
    if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = STEPS[event.key] || { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const shown = links();
    const to = by
      ? shown[shown.indexOf(link) + by]
      : { Home: shown[0], End: shown[shown.length - 1] }[event.key];
    if (by || to) event.preventDefault();
    if (to) {
      to.focus();
      to.scrollIntoView({ block: "nearest" });
    }
  });

  document.addEventListener("keydown", (event) => {
    const by = STEPS[event.key];
    if (!open || !by || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    show(step(open, by));
  });

  dialog.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-step]");
    if (button) show(step(open, Number(button.dataset.step)));
    else if (event.target.closest("[data-close]")) dialog.close();
  });

  dialog.addEventListener("close", () => {
    large.removeAttribute("src");
    if (open) {
      open.focus();
      open.scrollIntoView({ block: "nearest" });
    }
    open = null;
  });
})();
