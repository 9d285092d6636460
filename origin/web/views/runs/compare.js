// Two runs side by side, and how alike what they show is.

import { get } from "../../api.js";
import { add, h } from "../../dom.js";
import { columns } from "./charts.js";
import { pictures } from "./one.js";
import { count, moment, seconds, share } from "./words.js";

export const title = "Two runs";

export async function render(page, { parameters }) {
  const [one, other] = ["one", "other"].map((name) => encodeURIComponent(parameters.get(name) ?? ""));
  const found = await get(`/v1/recommendations/runs/${one}/against/${other}`);
  add(
    page,
    h("p", {}, h("a", { href: "#/runs" }, "All runs")),
    h("h1", {}, "Two runs"),
    likeness(found),
    terms(found),
    h("div", { class: "beside" }, [found.one, found.other].map((run) => side(run))),
  );
}

function likeness(found) {
  if (!found.profiles) return h("p", {}, "No profile has a list in both.");
  const same = found.same_of_ten.reduce((sum, profiles, titles) => sum + profiles * titles, 0);
  const average = (same / found.profiles).toFixed(1);
  return h(
    "section",
    { "aria-label": "How alike they are" },
    h(
      "p",
      {},
      `Of their first ten titles ${average} are the same, and ${share(found.same_first / found.profiles)} begin with the same one, `,
      `over ${count(found.profiles)} profiles.`,
    ),
    columns("Profiles by how many of their first ten titles are the same", found.same_of_ten, String),
  );
}

function terms({ one, other }) {
  const names = [...new Set([...Object.keys(one.terms), ...Object.keys(other.terms)])];
  const differing = names.filter((name) => one.terms[name] !== other.terms[name]);
  if (!differing.length) return h("p", {}, "They were made with the same terms.");
  return h(
    "table",
    { class: "runs" },
    h("caption", {}, "Terms that differ"),
    h("tbody", {}, differing.map((name) => h("tr", {}, [h("th", { scope: "row" }, name), ...[one, other].map((run) => h("td", { class: "number" }, String(run.terms[name] ?? "–")))]))),
  );
}

function side(run) {
  return h(
    "section",
    { "aria-label": run.id },
    h("h2", {}, h("a", { href: `#/runs/${encodeURIComponent(run.id)}` }, moment(run.made_at))),
    h("p", { class: "quiet" }, `${run.id} · ${run.engine ?? "–"} · ${count(run.events)} events · ${count(run.lists)} lists · ${seconds(run.seconds)}`),
    pictures(run),
  );
}
