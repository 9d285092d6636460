// Runs of the batch job, for operators: which there are, what is shown to whom, and since when.

import { get, put, query, remove } from "../../api.js";
import { h, say } from "../../dom.js";
import { bars } from "./charts.js";
import { count, figure, moment, runName, seconds } from "./words.js";

export const title = "Recommendation runs";

const LABELS = ["control", "trial"];

export async function render(page, { go }) {
  const [runs, promotions] = await Promise.all([
    get("/v1/recommendations/runs"),
    get("/v1/recommendations/promotions"),
  ]);
  const again = async () => {
    page.replaceChildren();
    await render(page, { go });
  };
  page.append(h("h1", { tabindex: "-1" }, "Recommendation runs"));
  if (!runs.items.length) {
    page.append(h("p", {}, "Nothing was ever made: cinedge recommend does it."));
    return;
  }
  page.append(
    h("h2", {}, "What is shown"),
    h("ul", { class: "lines" }, LABELS.map((label) => shown(label, runs.items, promotions.items, again))),
    h("h2", {}, "Runs"),
    table(runs.items, again),
    ...pictures(runs.items),
    h("h2", {}, "Compare"),
    comparing(runs.items, go),
    h("h2", {}, "Who showed what"),
    journal(promotions.items),
  );
}

function shown(label, runs, promotions, again) {
  const run = runs.find((each) => each.shown_to.includes(label));
  const last = promotions.find((each) => each.label === label);
  const since = last ? ` · since ${moment(last.at)}, by ${last.made_by}` : "";
  const line = h("li", {}, h("strong", {}, label), " ", run ? runName(run) : "nothing of its own", since);
  const before = runs.find((each) => each.id === last?.before && each.id !== run?.id);
  if (before) {
    line.append(h("button", { type: "button", onclick: () => show(before, label, again) }, `Go back to ${moment(before.made_at)}`));
  }
  if (run && label !== "control") {
    const end = async () => {
      await remove(`/v1/recommendations/shown/${label}`);
      say(`${label} is shown what control sees.`);
      await again();
    };
    line.append(h("button", { type: "button", class: "quiet", onclick: () => end().catch((error) => say(error.message)) }, "End the trial"));
  }
  return line;
}

export async function show(run, label, again) {
  try {
    await put(`/v1/recommendations/shown/${label}`, { run: run.id });
  } catch (error) {
    say(error.message);
    return;
  }
  say(`${label} is shown the run of ${moment(run.made_at)}.`);
  await again();
}

function table(runs, again) {
  const heads = ["Made", "Engine", "Events", "Lists", "Took", "NDCG@10", "Shown to", "Show"];
  return h(
    "div",
    { class: "wide", tabindex: "0", role: "region", "aria-label": "Runs" },
    h(
      "table",
      { class: "runs" },
      h("thead", {}, h("tr", {}, heads.map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, runs.map((run) => row(run, again))),
    ),
  );
}

function row(run, again) {
  const page = h("a", { href: `#/runs/${encodeURIComponent(run.id)}`, title: run.id }, moment(run.made_at));
  const buttons = LABELS.filter((label) => run.finished && !run.shown_to.includes(label)).map((label) =>
    h("button", { type: "button", "aria-label": `Show ${run.id} to ${label}`, onclick: () => show(run, label, again) }, label),
  );
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, page),
    h("td", {}, run.engine ?? "–"),
    h("td", { class: "number" }, count(run.events)),
    h("td", { class: "number" }, count(run.lists)),
    h("td", { class: "number" }, seconds(run.seconds)),
    h("td", { class: "number" }, run.ndcg10 === null ? "–" : figure(run.ndcg10)),
    h("td", {}, run.finished ? run.shown_to.join(", ") : "not finished"),
    h("td", { class: "actions" }, buttons),
  );
}

function pictures(runs) {
  const judged = runs.filter((run) => run.ndcg10 !== null);
  const timed = runs.filter((run) => run.seconds !== null);
  return [
    judged.length
      ? bars("Quality of our lists (NDCG@10)", judged.map((run) => ({ name: moment(run.made_at), value: run.ndcg10 })), { format: figure })
      : null,
    timed.length
      ? bars("How long it took", timed.map((run) => ({ name: moment(run.made_at), value: run.seconds, kind: "other" })), { format: seconds })
      : null,
  ].filter(Boolean);
}

function comparing(runs, go) {
  const choose = (name, label, at) =>
    h(
      "label",
      { class: "field" },
      h("span", {}, label),
      h("select", { name }, runs.map((run, n) => h("option", { value: run.id, selected: n === at }, runName(run)))),
    );
  const form = h(
    "form",
    { class: "sheet" },
    choose("one", "One run", Math.min(1, runs.length - 1)),
    choose("other", "The other", 0),
    h("button", { type: "submit", class: "primary" }, "Compare"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(query("/runs/compare", Object.fromEntries(new FormData(form))));
  });
  return form;
}

function journal(promotions) {
  return h(
    "ul",
    { class: "lines" },
    promotions.slice(0, 20).map((each) =>
      h("li", {}, `${moment(each.at)} · ${each.made_by}: ${each.label} shows ${each.run ?? "what control sees"}`),
    ),
  );
}
