import { element, setText, stateBadge } from "./dom.js";
import * as format from "./format.js";

const STATES = ["down", "slow", "suspect", "recovering", "draining", "unknown", "up"];
const WORST = new Map(STATES.map((state, index) => [state, index]));

const COLUMNS = [
  { id: "name", name: "Edge", of: (edge) => edge.name },
  { id: "site", name: "Site", of: (edge) => edge.site },
  { id: "state", name: "State", of: severity },
  { id: "reason", name: "Reason", of: (edge) => edge.reason },
  { id: "since", name: "For", number: true, of: (edge) => -edge.since },
  { id: "load", name: "Load", number: true, of: (edge) => edge.load ?? -1 },
  { id: "egress", name: "Egress", number: true, of: (edge) => edge.egress_bits_per_second ?? -1 },
  { id: "streams", name: "Streams", number: true, of: (edge) => edge.streams ?? -1 },
  { id: "hits", name: "Hits", number: true, of: (edge) => edge.hit_ratio ?? -1 },
  { id: "latency", name: "Probe", number: true, of: (edge) => edge.latency_ms ?? -1 },
];

function severity(edge) {
  return WORST.get(edge.state) - (edge.overloaded ? 0.5 : 0);
}

function compare(a, b) {
  return typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b;
}

// A row is made once; afterwards only what differs is written.
class Row {
  constructor() {
    this.name = element("th", { scope: "row" });
    this.url = element("span", { class: "url" });
    this.label = element("span");
    this.name.append(this.label, this.url);
    this.cells = Object.fromEntries(
      COLUMNS.slice(1).map((column) => [
        column.id,
        element("td", { class: column.number ? "number" : null }),
      ]),
    );
    this.node = element("tr", {}, this.name, ...Object.values(this.cells));
    this.badge = "";
  }

  draw(edge, now) {
    setText(this.label, edge.name);
    setText(this.url, edge.url);
    const badge = `${edge.state} ${edge.overloaded}`;
    if (badge !== this.badge) {
      this.badge = badge;
      this.cells.state.replaceChildren(stateBadge(edge.state, edge.overloaded));
    }
    setText(this.cells.site, edge.site);
    setText(this.cells.reason, edge.reason);
    setText(this.cells.since, format.age(now - edge.since));
    setText(this.cells.load, format.percent(edge.load, 0));
    setText(this.cells.egress, format.bits(edge.egress_bits_per_second));
    setText(this.cells.streams, format.count(edge.streams));
    setText(this.cells.hits, format.percent(edge.hit_ratio));
    setText(this.cells.latency, format.milliseconds(edge.latency_ms));
  }
}

class FleetView {
  constructor(root, live) {
    this.live = live;
    this.rows = new Map();
    this.column = COLUMNS[2];
    this.direction = 1;
    this.summary = element("ul", { class: "summary", "aria-label": "Edges by state" });
    this.search = element("input", { id: "fleet-search", type: "search", autocomplete: "off" });
    this.site = element("select", { id: "fleet-site" });
    this.state = element("select", { id: "fleet-state" });
    this.shownCount = element("p", { class: "quiet" });
    this.body = element("tbody");
    this.heads = COLUMNS.map((column) => this.head(column));
    root.append(this.summary, this.filters(), this.shownCount, this.table());
    this.setOptions(this.state, "All states", STATES);
  }

  filters() {
    const controls = [
      ["Name or reason holds", this.search],
      ["Site", this.site],
      ["State", this.state],
    ];
    for (const [, control] of controls) control.addEventListener("input", () => this.redraw());
    const fields = controls.map(([label, control]) =>
      element("div", { class: "field" }, element("label", { for: control.id }, label), control),
    );
    const form = element("form", { class: "filters", role: "search" }, ...fields);
    form.addEventListener("submit", (event) => event.preventDefault());
    return form;
  }

  table() {
    return element(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Edges" },
      element(
        "table",
        { class: "fleet" },
        element("thead", {}, element("tr", {}, ...this.heads)),
        this.body,
      ),
    );
  }

  head(column) {
    const button = element("button", { type: "button", class: "sort" }, column.name);
    button.addEventListener("click", () => {
      this.direction = this.column === column ? -this.direction : column.number ? -1 : 1;
      this.column = column;
      this.redraw();
    });
    return element("th", { scope: "col", class: column.number ? "number" : null }, button);
  }

  setOptions(select, all, values) {
    const known = [...select.options].map((option) => option.value).slice(1);
    if (select.options.length && known.join("\n") === values.join("\n")) return;
    const chosen = select.value;
    select.replaceChildren(
      element("option", { value: "" }, all),
      ...values.map((value) => element("option", { value }, value)),
    );
    select.value = values.includes(chosen) ? chosen : "";
  }

  redraw() {
    if (this.live.state) this.update(this.live.state);
  }

  wanted(edge) {
    const text = this.search.value.trim().toLowerCase();
    return (
      (!this.site.value || edge.site === this.site.value) &&
      (!this.state.value || edge.state === this.state.value) &&
      (!text || `${edge.name} ${edge.reason} ${edge.url}`.toLowerCase().includes(text))
    );
  }

  sorted(edges) {
    const { of } = this.column;
    return edges.sort(
      (a, b) =>
        this.direction * compare(of(a), of(b)) ||
        compare(a.site, b.site) ||
        compare(a.name, b.name),
    );
  }

  update(state) {
    const all = [...state.edges.values()];
    this.setOptions(this.site, "All sites", [...new Set(all.map((edge) => edge.site))].sort());
    this.drawSummary(all);
    const edges = this.sorted(all.filter((edge) => this.wanted(edge)));
    setText(this.shownCount, `${edges.length} of ${all.length} edges`);
    COLUMNS.forEach((column, index) => {
      const order = this.direction > 0 ? "ascending" : "descending";
      this.heads[index].setAttribute("aria-sort", column === this.column ? order : "none");
    });
    for (const name of this.rows.keys()) if (!state.edges.has(name)) this.rows.delete(name);
    const nodes = edges.map((edge) => {
      const row = this.rows.get(edge.name) ?? new Row();
      this.rows.set(edge.name, row);
      row.draw(edge, state.now);
      return row.node;
    });
    // Moving rows would take the focus and the selection; only a new order does.
    const before = this.body.children;
    if (before.length !== nodes.length || nodes.some((node, index) => before[index] !== node)) {
      this.body.replaceChildren(...nodes);
    }
  }

  drawSummary(edges) {
    const counts = new Map();
    for (const edge of edges) counts.set(edge.state, (counts.get(edge.state) ?? 0) + 1);
    const text = [...counts].sort().join();
    if (text === this.counted) return;
    this.counted = text;
    this.summary.replaceChildren(
      ...STATES.filter((state) => counts.has(state)).map((state) =>
        element("li", {}, `${counts.get(state)} `, stateBadge(state)),
      ),
    );
  }
}

export const fleet = {
  id: "fleet",
  title: "Fleet",
  mount: (root, live) => new FleetView(root, live),
};
