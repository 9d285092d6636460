// One run of the batch job: what it was made from, how long that took, and what came of it.

import { get } from "../../api.js";
import { add, h } from "../../dom.js";
import { bars } from "./charts.js";
import { show } from "./list.js";
import { bits, count, figure, megabytes, moment, seconds, share } from "./words.js";

export const title = "A run";

export async function render(page, place) {
  const run = await get(`/v1/recommendations/runs/${encodeURIComponent(place.argument)}`);
  const again = async () => {
    page.replaceChildren();
    await render(page, place);
  };
  add(
    page,
    h("p", {}, h("a", { href: "#/runs" }, "All runs")),
    h("h1", {}, `Run of ${moment(run.made_at)}`),
    facts(run),
    h("p", { class: "actions" }, showing(run, again)),
    ...pictures(run),
    terms(run),
  );
}

function facts(run) {
  const inputs = run.inputs;
  const known = [
    ["Id", run.id],
    ["Shown to", run.finished ? run.shown_to.join(", ") || "nobody" : "not finished"],
    ["Engine", run.engine ?? "–"],
    ["Snapshot", inputs?.snapshot ?? "–"],
    ["Events", count(run.events)],
    ["Days", count(inputs?.days ?? null)],
    ["Titles", count(inputs?.titles ?? null)],
    ["Read", inputs ? megabytes(inputs.size_bytes) : "–"],
    ["Lists", count(run.lists)],
    ["Took", seconds(run.seconds)],
    ["Titles shown with a reason", share(run.reasoned)],
  ];
  return h("dl", { class: "facts" }, known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function showing(run, again) {
  if (!run.finished) return [];
  return ["control", "trial"]
    .filter((label) => !run.shown_to.includes(label))
    .map((label) => h("button", { type: "button", onclick: () => show(run, label, again) }, `Show to ${label}`));
}

const kindOf = (name) => (name === "ours" ? "ours" : name.includes("region") ? "other" : "third");

// The pictures of one run; of two they stand side by side.
export function pictures(run) {
  const found = [];
  if (run.quality) {
    const models = run.quality.models;
    const of = (member) => models.map((model) => ({ name: model.name, value: model[member], kind: kindOf(model.name) }));
    const over = `${count(run.quality.profiles)} profiles, the newest title of each left out`;
    found.push(bars(`NDCG@10, ${over}`, of("ndcg10"), { format: figure }), bars(`Recall@20, ${over}`, of("recall20"), { format: share }));
  }
  if (run.coverage) {
    const { titles, of } = run.coverage;
    const rows = [
      { name: "in some list", value: titles },
      { name: "in none", value: Math.max(0, of - titles), kind: "third" },
    ];
    found.push(bars(`Coverage: ${share(of ? titles / of : null)} of ${count(of)} titles`, rows, { format: count, most: of }));
  }
  if (run.novelty.length) {
    const rows = run.novelty.map(({ name, bits: value }) => ({ name, value, kind: kindOf(name) }));
    found.push(bars("Novelty: surprise of a title that is shown", rows, { format: bits }));
  }
  if (run.stages.length) {
    const rows = run.stages.map((stage) => ({ name: `${stage.name} (${count(stage.rows)} rows)`, value: stage.seconds, kind: "other" }));
    found.push(bars("Duration by stage", rows, { format: seconds }));
  }
  if (run.pairs.length) {
    const rows = run.pairs.map((pair) => ({ name: `${pair.one.title} – ${pair.other.title}`, value: pair.similarity }));
    found.push(bars("Titles most alike", rows, { format: figure }), pairs(run));
  }
  return found;
}

function pairs(run) {
  return h(
    "details",
    {},
    h("summary", {}, "The same as a table, with how many profiles say so"),
    h(
      "table",
      { class: "runs" },
      h("thead", {}, h("tr", {}, ["One", "Other", "Similarity", "Profiles"].map((text) => h("th", { scope: "col" }, text)))),
      h(
        "tbody",
        {},
        run.pairs.map((pair) =>
          h(
            "tr",
            {},
            h("td", {}, pair.one.title),
            h("td", {}, pair.other.title),
            h("td", { class: "number" }, figure(pair.similarity)),
            h("td", { class: "number" }, count(pair.support)),
          ),
        ),
      ),
    ),
  );
}

function terms(run) {
  const rows = Object.entries(run.terms).map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "number" }, String(value))));
  return rows.length ? h("details", {}, h("summary", {}, "Terms it was made with"), h("table", { class: "runs" }, h("tbody", {}, rows))) : null;
}
