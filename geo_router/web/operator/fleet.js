import { element, setAttribute, setText, stateBadge } from "./dom.js";
import * as format from "./format.js";

// A browser lays every row out anew each second: some hundreds of them take it longer than a reader likes.
const ROWS_MAX = 100;
const GROUPED_FROM = 40;
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

export function severity(edge) {
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

// The head of a site's edges: what they are together, and whether they are shown.
class Group {
  constructor(site, toggle) {
    this.button = element("button", { type: "button", class: "sort group" });
    this.button.addEventListener("click", toggle);
    this.states = element("td", { colspan: "4", class: "summary-cell" });
    this.cells = ["load", "egress", "streams", "hits", "latency"].map(() => element("td", { class: "number" }));
    this.node = element("tr", { class: "site-row" }, element("th", { scope: "row" }, this.button), this.states, ...this.cells);
    this.site = site;
    this.told = "";
  }

  draw(edges, isOpen) {
    setText(this.button, `${isOpen ? "▾" : "▸"} ${this.site}`);
    setAttribute(this.button, "aria-expanded", isOpen);
    const counts = new Map();
    for (const edge of edges) counts.set(edge.state, (counts.get(edge.state) ?? 0) + 1);
    const told = STATES.filter((state) => counts.has(state)).map((state) => `${counts.get(state)} ${state}`).join(",");
    if (told !== this.told) {
      this.told = told;
      this.states.replaceChildren(
        ...STATES.filter((state) => counts.has(state)).map((state) =>
          element("span", {}, `${counts.get(state)} `, stateBadge(state)),
        ),
      );
    }
    const sum = (name) => edges.reduce((total, edge) => total + (edge[name] ?? 0), 0);
    const [load, egress, streams, hits, latency] = this.cells;
    setText(load, format.percent(sum("load") / edges.length, 0));
    setText(egress, format.bits(sum("egress_bits_per_second")));
    setText(streams, format.count(sum("streams")));
    setText(hits, "");
    setText(latency, "");
  }
}

class FleetView {
  constructor(root, live) {
    this.live = live;
    this.rows = new Map();
    this.groups = new Map();
    this.toggled = new Map();
    this.grouped = element("input", { type: "checkbox", id: "fleet-grouped" });
    this.groupedByHand = false;
    this.most = ROWS_MAX;
    this.column = COLUMNS[2];
    this.direction = 1;
    this.summary = element("ul", { class: "summary", "aria-label": "Edges by state" });
    this.search = element("input", { id: "fleet-search", type: "search", autocomplete: "off" });
    this.site = element("select", { id: "fleet-site" });
    this.state = element("select", { id: "fleet-state" });
    this.shownCount = element("p", { class: "quiet" });
    this.body = element("tbody");
    this.heads = COLUMNS.map((column) => this.head(column));
    this.more = element("button", { type: "button", class: "more-rows" }, `Show ${ROWS_MAX} more`);
    this.more.addEventListener("click", () => {
      this.most += ROWS_MAX;
      this.redraw();
    });
    root.append(this.summary, this.filters(), this.shownCount, this.table(), this.more);
    this.setOptions(this.state, "All states", STATES);
  }

  // What is named in the address is a site.
  shown(site) {
    this.named = site;
    if (this.live.state) this.update(this.live.state);
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
    fields.push(
      element("div", { class: "check" }, this.grouped, element("label", { for: "fleet-grouped" }, "Group by site")),
    );
    this.grouped.addEventListener("change", () => {
      this.groupedByHand = true;
      this.redraw();
    });
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
    if (this.named !== undefined) {
      this.site.value = this.named;
      this.named = undefined;
    }
    this.drawSummary(all);
    const edges = this.sorted(all.filter((edge) => this.wanted(edge)));
    setText(this.shownCount, `${edges.length} of ${all.length} edges`);
    COLUMNS.forEach((column, index) => {
      const order = this.direction > 0 ? "ascending" : "descending";
      this.heads[index].setAttribute("aria-sort", column === this.column ? order : "none");
    });
    for (const name of this.rows.keys()) if (!state.edges.has(name)) this.rows.delete(name);
    this.room = this.most;
    this.left = 0;
    if (!this.groupedByHand) this.grouped.checked = all.length > GROUPED_FROM;
    const nodes = this.grouped.checked ? this.groupedRows(edges, state) : this.drawnRows(edges, state);
    this.more.hidden = this.left === 0;
    // Moving rows would take the focus and the selection; only a new order does.
    const before = this.body.children;
    if (before.length !== nodes.length || nodes.some((node, index) => before[index] !== node)) {
      this.body.replaceChildren(...nodes);
    }
  }

  drawnRows(edges, state) {
    const drawn = edges.slice(0, this.room);
    this.room -= drawn.length;
    this.left += edges.length - drawn.length;
    return drawn.map((edge) => {
      const row = this.rows.get(edge.name) ?? new Row();
      this.rows.set(edge.name, row);
      row.draw(edge, state.now);
      return row.node;
    });
  }

  // Sites in the order of their first edge, so that the worst come first when edges are sorted so.
  groupedRows(edges, state) {
    const bySite = new Map();
    for (const edge of edges) {
      if (!bySite.has(edge.site)) bySite.set(edge.site, []);
      bySite.get(edge.site).push(edge);
    }
    const nodes = [];
    for (const [site, members] of bySite) {
      const isOpen = this.toggled.get(site) ?? (bySite.size === 1 || this.search.value.trim() !== "");
      const group = this.groups.get(site) ?? new Group(site, () => this.toggle(site));
      this.groups.set(site, group);
      group.draw(members, isOpen);
      group.isOpen = isOpen;
      nodes.push(group.node);
      if (isOpen) nodes.push(...this.drawnRows(members, state));
      else nodes.push(...this.drawnRows(members.filter((edge) => edge.state !== "up"), state));
    }
    return nodes;
  }

  toggle(site) {
    this.toggled.set(site, !this.groups.get(site).isOpen);
    this.redraw();
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
