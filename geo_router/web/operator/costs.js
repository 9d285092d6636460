// What titles, edges or days cost: a table with a bar of bytes by kind, and the same as CSV.

import { fetchCosts } from "./api.js";
import { drawing, element, table } from "./dom.js";
import * as format from "./format.js";
import { Guarded } from "./guarded.js";

const EVERY_MS = 60000;
const SHOWN = 100;
const SAVED = 20000;
const NOBODY = "(no title)";
const FORMULAS = /^[=+\-@\t\r]/;
const KINDS = [
  { id: "edge", name: "to viewers", of: (row) => row.edge_bytes },
  { id: "shield", name: "to other edges", of: (row) => row.shield_bytes },
  { id: "origin", name: "from origins", of: (row) => row.origin_bytes },
  {
    id: "fill",
    name: "filled",
    of: (row) => row.fill_miss_bytes + row.fill_warm_bytes + row.fill_placement_bytes,
  },
];
const COLUMNS = ["edge", "shield", "origin", "fill_miss", "fill_warm", "fill_placement"].map((kind) => `${kind}_bytes`);

function sum(row) {
  return KINDS.reduce((total, kind) => total + kind.of(row), 0);
}

function bar(row, most) {
  let start = 0;
  const parts = KINDS.map((kind) => {
    const width = (100 * kind.of(row)) / most;
    const part = drawing("rect", { class: `costs-${kind.id}`, x: start, y: 0, width, height: 8 });
    start += width;
    return part;
  });
  const said = KINDS.map((kind) => `${kind.name} ${format.bytes(kind.of(row))}`).join(", ");
  const picture = { class: "costs-bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": said };
  return drawing("svg", picture, drawing("title", {}, said), ...parts);
}

function key() {
  const items = KINDS.map((kind) => {
    const patch = drawing("rect", { class: `costs-${kind.id}`, width: 8, height: 8 });
    return element("li", {}, drawing("svg", { viewBox: "0 0 8 8", "aria-hidden": "true" }, patch), kind.name);
  });
  return element("ul", { class: "costs-key" }, ...items);
}

function cells(row) {
  const cost = row.cost.toLocaleString("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return [...KINDS.map((kind) => format.bytes(kind.of(row))), cost].map((text) =>
    element("td", { class: "number" }, text),
  );
}

function draw(answer, content) {
  if (!answer.items.length) {
    content.replaceChildren(element("p", { class: "quiet" }, "Edges have reported nothing for these days."));
    return;
  }
  const most = Math.max(...answer.items.map(sum), 1);
  const rows = answer.items.map((row) => {
    const name = element("th", { scope: "row", class: "path costs-name" }, row.key || NOBODY);
    return element("tr", {}, name, element("td", {}, bar(row, most)), ...cells(row));
  });
  const all = element("th", { scope: "row" }, answer.left_out ? `all, with ${answer.left_out} more` : "all");
  rows.push(element("tr", { class: "costs-sum" }, all, element("td"), ...cells(answer.total)));
  const numbers = [...KINDS.map((kind) => kind.name), answer.currency].map((name) => ({ name, number: true }));
  const caption = `${answer.from} to ${answer.to}, ${answer.by === "day" ? "by day" : "the dearest first"}`;
  content.replaceChildren(key(), table(caption, [answer.by, "", ...numbers], rows));
}

function quoted(text) {
  const plain = FORMULAS.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function csvOf(answer) {
  const head = [answer.by, ...COLUMNS, `cost_${answer.currency.toLowerCase()}`];
  const lines = answer.items.map((row) => [
    quoted(row.key),
    ...COLUMNS.map((column) => row[column]),
    row.cost.toFixed(6),
  ]);
  return [head, ...lines].map((line) => line.join(",")).join("\r\n") + "\r\n";
}

function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = element("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function field(id, label, input) {
  input.id = id;
  input.name = id;
  return element("div", { class: "field" }, element("label", { for: id }, label), input);
}

function today(daysAgo = 0) {
  return new Date(Date.now() - daysAgo * 86400000).toISOString().slice(0, 10);
}

export const costs = {
  id: "costs",
  title: "Costs",

  mount(root) {
    const first = element("input", { type: "date", value: today(29), required: "" });
    const last = element("input", { type: "date", value: today(), required: "" });
    const by = element("select", {}, ...["title", "edge", "day"].map((name) => element("option", { value: name }, name)));
    const download = element("button", { type: "button" }, "Save as CSV");
    const form = element(
      "form",
      {},
      field("costs-from", "From", first),
      field("costs-to", "To (included)", last),
      field("costs-by", "By", by),
      element("button", { type: "submit" }, "Show"),
      download,
    );
    const asked = (limit) => ({ from: first.value, to: last.value, by: by.value, limit });
    root.append(
      element("p", { class: "lead" }, "Bytes that edges have reported, by day of UTC, and what they cost by the prices of the topology."),
      form,
    );
    const saved = element("p", { class: "quiet", role: "status" });
    root.append(saved);
    const guarded = new Guarded(root, () => fetchCosts(asked(SHOWN)), draw);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      guarded.refresh();
    });
    by.addEventListener("change", () => guarded.refresh());
    download.addEventListener("click", async () => {
      try {
        const answer = await fetchCosts(asked(SAVED));
        save(`costs-${answer.by}-${answer.from}-${answer.to}.csv`, csvOf(answer));
        saved.textContent = answer.left_out ? `${answer.left_out} lines more are not in the file; "cinedge costs --csv" has all.` : "";
      } catch (error) {
        // The table says what is wrong, and asks for a token where one helps.
        guarded.refresh();
      }
    });
    return { shown: () => guarded.start(EVERY_MS), hidden: () => guarded.stop() };
  },
};
