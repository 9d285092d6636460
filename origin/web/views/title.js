// One film: what it is about, whether it may be watched here and now, and the way to watch it.

import { fetchPackage, get } from "../api.js";
import { add, formatTime, h } from "../dom.js";
import { session } from "../session.js";

export const title = "Film";

export async function render(page, { site, argument, go }) {
  const film = await get(`/v1/titles/${encodeURIComponent(argument)}`);
  document.title = `${film.title} – Cinedge`;
  const made = await fetchPackage(film.id).catch(() => null);
  const facts = [film.year, film.age ? `from ${film.age}` : "", film.duration_seconds ? formatTime(film.duration_seconds) : ""];
  const watch = h("button", { type: "button", class: "primary", disabled: !film.media, onclick: () => go(`/watch/${encodeURIComponent(film.id)}`) }, film.media ? "Play" : "Not available yet");
  const heading = h("h1", { tabindex: -1 }, film.title);
  add(page, 
    h(
      "article",
      { class: "film" },
      made?.poster && h("img", { class: "still", src: `/v1/content/${made.poster}`, alt: "" }),
      h(
        "div",
        {},
        heading,
        h("p", { class: "quiet" }, facts.filter(Boolean).join(" · ")),
        h("p", { class: "actions" }, watch),
        h("p", { id: "about" }, text(film.overview) || text(film.description)),
        names("Genres", film.genres),
        names("With", (film.people ?? film.cast ?? []).map((person) => person.name ?? person)),
      ),
    ),
  );
  if (site.service && session.profile) await showPosition(film, watch);
}

async function showPosition(film, watch) {
  const kept = await get("/v1/continue").catch(() => ({ items: [] }));
  const mine = kept.items.find((item) => item.id === film.id || item.title_id === film.id);
  if (mine && film.media) watch.textContent = `Go on at ${formatTime(mine.position_seconds)}`;
}

function text(value) {
  return typeof value === "string" ? value : "";
}

function names(label, values) {
  const listed = (Array.isArray(values) ? values : []).filter((value) => typeof value === "string");
  if (!listed.length) return null;
  const link = (value) => h("a", { href: `#/search?${new URLSearchParams({ q: value })}` }, value);
  const parts = listed.slice(0, 12).flatMap((value, at) => (at ? [", ", link(value)] : [link(value)]));
  return h("p", { class: "quiet" }, `${label}: `, parts);
}
