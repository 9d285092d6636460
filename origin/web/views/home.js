// The first page: rows for who watches, or every film of an origin without the film service.

import { get, query, remove } from "../api.js";
import { h, say } from "../dom.js";
import { session } from "../session.js";
import { card, drawPosters, grid, row } from "./cards.js";

export const title = "Films";
const PAGE_TITLES = 60;

export async function render(page, { site }) {
  page.append(h("h1", { class: "unseen" }, "Films"));
  if (site.service) await showRows(page);
  else await showAll(page);
}

async function showRows(page) {
  const [home, begun] = await Promise.all([
    get("/v1/home"),
    session.profile ? get("/v1/continue") : { items: [] },
  ]);
  const positions = new Map(begun.items.map((item) => [item.id, item]));
  for (const each of home.rows) {
    const cards = each.items.map((item) => {
      const position = each.id === "continue" ? positions.get(item.id) : null;
      return position ? continued({ ...item, ...position }) : card(item);
    });
    page.append(row(each.name, cards));
  }
  if (!page.querySelector(".row")) await showAll(page);
  await drawPosters(page);
}

function continued(item) {
  const share = item.duration_seconds ? item.position_seconds / item.duration_seconds : 0;
  const made = card(item, {
    progress: share,
    to: `#/watch/${encodeURIComponent(item.id)}`,
    onremove: async () => {
      await remove(`/v1/history/${encodeURIComponent(item.id)}`);
      made.remove();
      say(`${item.title} is no longer in your list.`);
    },
  });
  return made;
}

async function showAll(page) {
  const status = h("p", { class: "quiet", role: "status" }, "Loading…");
  const list = grid([]);
  const more = h("button", { type: "button", hidden: true }, "More films");
  let next = null;
  const load = async () => {
    more.disabled = true;
    try {
      const found = await get(query("/v1/titles", { limit: PAGE_TITLES, after: next }));
      list.append(...found.items.map((item) => card(item, { note: item.media ? "" : "Not available yet" })));
      next = found.next;
      status.textContent = list.childElementCount ? "" : "There are no films yet.";
      more.hidden = next === null;
    } catch (error) {
      status.textContent = `The list cannot be loaded: ${error.message}`;
      more.hidden = false;
    }
    more.disabled = false;
    await drawPosters(list);
  };
  more.addEventListener("click", load);
  const signedOut = !session.signedIn;
  page.append(h("h2", {}, signedOut ? "Films" : "All films"), status, list, more);
  await load();
}
