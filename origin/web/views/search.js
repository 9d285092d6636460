// Search as you type: results for the words in the address, with facets to narrow them. Words count
// as a search once a film that they found is opened, not with each letter.

import { get, post, query } from "../api.js";
import { add, h } from "../dom.js";
import { session } from "../session.js";
import { card, drawPosters, grid } from "./cards.js";

export const title = "Search";
const LIMIT = 48;
const WORDS_MAX = 200;

export async function render(page, { parameters, go }) {
  const q = parameters.get("q") ?? "";
  const genre = parameters.get("genre") ?? "";
  const found = await get(query("/v1/search", { q, genre, limit: LIMIT }));
  const many = found.items.length;
  const films = grid(found.items.map((item) => card(item, { note: item.snippet?.text ? shorten(item.snippet.text) : "" })));
  films.addEventListener("click", (event) => {
    if (q.trim() && event.target.closest("a")) record(q);
  });
  add(page, 
    h("h1", {}, q ? `Films for “${q}”` : "Films"),
    h("p", { class: "quiet", role: "status" }, many ? `${many === LIMIT ? `The first ${many}` : many} found` : "Nothing found. Try fewer letters."),
    facets(found.facets?.genres ?? [], genre, (chosen) => {
      go(query("/search", { q, genre: chosen }));
    }),
    films,
  );
  await drawPosters(page);
}

function record(words) {
  if (!session.profile) return;
  // Nobody waits for it, and nothing is lost to who searches when it fails.
  const events = [{ kind: "search", words: words.slice(0, WORDS_MAX) }];
  post("/v1/activity", { events }, { keepalive: true }).catch(() => {});
}

function facets(genres, chosen, pick) {
  if (!genres.length) return null;
  const chip = (name, text) =>
    h("button", { type: "button", class: "chip", "aria-pressed": String(name === chosen), onclick: () => pick(name === chosen ? "" : name) }, text);
  return h("div", { class: "chips", role: "group", "aria-label": "Genres" }, genres.slice(0, 12).map(({ value, count }) => chip(value, `${value} ${count}`)));
}

function shorten(text) {
  return text.length > 90 ? `${text.slice(0, 88)}…` : text;
}
