// Films as cards, in rows and grids. A card without a poster shows its title instead.

import { fetchPackages } from "../api.js";
import { h } from "../dom.js";

export function card(title, { note = "", progress = 0, onremove = null, to = null } = {}) {
  const picture = h("span", { class: "poster", "data-title": title.id, "aria-hidden": "true" }, title.title);
  const facts = [title.year, note].filter(Boolean).join(" · ");
  return h(
    "li",
    { class: "card" },
    h(
      "a",
      { href: to ?? `#/title/${encodeURIComponent(title.id)}` },
      picture,
      progress > 0 && h("progress", { max: 1, value: progress, "aria-label": "Watched" }),
      h("span", { class: "name" }, title.title),
      facts && h("small", {}, facts),
    ),
    onremove &&
      h("button", { type: "button", class: "remove", "aria-label": `Remove ${title.title}`, onclick: onremove }, "×"),
  );
}

// A row that scrolls sideways; its heading names it.
export function row(heading, cards) {
  const id = `row-${heading.replace(/\W+/g, "-").toLowerCase()}`;
  return h(
    "section",
    { class: "row", "aria-labelledby": id },
    h("h2", { id }, heading),
    h("ul", { class: "strip", tabindex: 0, "aria-labelledby": id }, cards),
  );
}

export function grid(cards) {
  return h("ul", { class: "grid" }, cards);
}

// Posters come once the page stands: a title that is not packaged has none.
export async function drawPosters(root) {
  const places = [...root.querySelectorAll(".poster[data-title]:not([data-drawn])")];
  const ids = [...new Set(places.map((place) => place.dataset.title))];
  for (const place of places) place.dataset.drawn = "";
  for (let at = 0; at < ids.length; at += 50) {
    const made = await fetchPackages(ids.slice(at, at + 50)).catch(() => new Map());
    for (const place of places) {
      const poster = made.get(place.dataset.title)?.poster;
      if (!poster || place.querySelector("img")) continue;
      place.append(h("img", { src: `/v1/content/${poster}`, alt: "", loading: "lazy", decoding: "async" }));
    }
  }
}
