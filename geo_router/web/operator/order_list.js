// Orders to edges with their receipts, as a list that can be opened. What is open stays open.

import { element, stateBadge, table } from "./dom.js";
import * as format from "./format.js";

const EDGES_MAX = 60;
const WORST = ["failed", "offline", "working", "pending", "done"];

function asked(order) {
  const { parts, ...rest } = order.asked;
  const words = Object.entries(rest)
    .filter(([, value]) => value !== "" && value !== false)
    .map(([name, value]) => {
      if (name === "bytes_per_second") return `at most ${format.bytes(value)}/s`;
      if (name === "bytes") return `the first ${format.bytes(value)}`;
      return value === true ? name : `${name.replaceAll("_", " ")} ${[value].flat().join(", ")}`;
    });
  if (parts) words.unshift(`${parts.length} beginning${parts.length === 1 ? "" : "s"} of films`);
  return words.join(" · ") || "everything";
}

function tally(order) {
  const counts = new Map();
  for (const edge of order.edges) counts.set(edge.state, (counts.get(edge.state) ?? 0) + 1);
  return WORST.filter((state) => counts.has(state))
    .map((state) => `${counts.get(state)} ${state}`)
    .join(", ");
}

function receipt(edge) {
  const { progress } = edge;
  const done = progress?.objects ? `${progress.objects_done} of ${progress.objects} objects` : "";
  const bytes = progress?.bytes ? format.bytes(progress.bytes) : "";
  const reason = progress?.reason ?? "";
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, edge.name),
    element("td", {}, stateBadge(edge.state)),
    element("td", { class: "number" }, edge.ms === undefined ? "–" : format.milliseconds(edge.ms)),
    element("td", {}, [done, bytes, reason].filter(Boolean).join(", ") || "–"),
  );
}

function receipts(order) {
  const edges = order.edges.toSorted(
    (a, b) => WORST.indexOf(a.state) - WORST.indexOf(b.state) || (b.ms ?? 0) - (a.ms ?? 0),
  );
  const shown = edges.slice(0, EDGES_MAX);
  const columns = ["Edge", "State", { name: "After", number: true }, "Progress"];
  const parts = [table(`Receipts, worst first`, columns, shown.map(receipt))];
  if (edges.length > shown.length) {
    parts.push(element("p", { class: "quiet" }, `and ${edges.length - shown.length} more, all better`));
  }
  return parts;
}

export class OrderList {
  constructor(empty) {
    this.empty = empty;
    this.open = new Set();
    this.focused = "";
  }

  // Draws into `root`, now being the router's clock in seconds.
  draw(orders, root, now) {
    const focused = document.activeElement?.dataset?.order;
    const items = orders.map((order) => this.item(order, now));
    root.replaceChildren(...(items.length ? items : [element("p", { class: "quiet" }, this.empty)]));
    if (focused) root.querySelector(`[data-order="${CSS.escape(focused)}"]`)?.focus();
  }

  item(order, now) {
    const done = order.edges.filter((edge) => edge.state === "done").length;
    const times = order.p50_ms === null ? "" : `half within ${format.milliseconds(order.p50_ms)}, 99 % within ${format.milliseconds(order.p99_ms)}`;
    const summary = element(
      "summary",
      { "data-order": order.id },
      stateBadge(order.state),
      element("strong", {}, `${order.kind}: ${asked(order)}`),
      element("meter", { min: 0, max: Math.max(order.edges.length, 1), value: done, "aria-label": "edges done" }),
      element("span", { class: "quiet" }, `${tally(order) || "no edges"}${times ? ` · ${times}` : ""}`),
      element("span", { class: "quiet" }, `${format.age(now - order.at)} ago by ${order.by}`),
    );
    const details = element("details", { class: "order" }, summary);
    const fill = () => {
      if (details.open && details.children.length === 1) details.append(...receipts(order));
    };
    details.open = this.open.has(order.id);
    fill();
    details.addEventListener("toggle", () => {
      if (details.open) this.open.add(order.id);
      else this.open.delete(order.id);
      fill();
    });
    return details;
  }
}
