import { Chart } from "./chart.js";
import { element, setAttribute, setText, stateBadge } from "./dom.js";
import { severity } from "./fleet.js";
import * as format from "./format.js";
import { WorldMap } from "./map.js";

const TROUBLES_MAX = 7;
const LABELS = {
  hit: "at hand",
  cold: "never here",
  evicted: "evicted",
  expired: "expired",
  purged: "purged",
  health: "upstream failed",
  admission: "not admitted",
  "readahead-late": "still coming",
  pass: "passed through",
  error: "errors",
  own: "the edges' own",
  other: "other",
};
const RANGES = [
  ["fine", "10 minutes"],
  ["coarse", "6 hours"],
];
const bytesPerSecond = (value) => (value === null || value === undefined ? "–" : `${format.bytes(value)}/s`);

// Answers of edges about themselves are neither at hand nor missed.
const OWN = "own";

function hitRatio(kinds) {
  return (series, index) => {
    if (series["sent.hit"][index] === null) return null;
    const total = kinds.reduce((sum, kind) => sum + series[`sent.${kind}`][index], 0);
    return total > 0 ? series["sent.hit"][index] / total : null;
  };
}

const of = (name) => (series, index) => series[name][index];

function charts(kinds) {
  const misses = kinds.filter((kind) => kind !== "hit" && kind !== OWN);
  return [
    new Chart({
      title: "Throughput to viewers",
      unit: format.bits,
      stacked: true,
      series: [{ label: "all edges", of: of("egress_bits_per_second"), colour: "accent" }],
    }),
    new Chart({
      title: "Hit ratio by bytes",
      unit: (share) => format.percent(share),
      most: 1,
      series: [{ label: "at hand", of: hitRatio(kinds.filter((kind) => kind !== OWN)), colour: "up" }],
    }),
    new Chart({
      title: "Bytes that were not at hand, by reason",
      unit: bytesPerSecond,
      stacked: true,
      series: misses.map((kind) => ({ label: LABELS[kind] ?? kind, of: of(`sent.${kind}`) })),
    }),
    new Chart({
      title: "Fetched by edges",
      unit: bytesPerSecond,
      series: [
        { label: "from origins", of: of("origin_bytes_per_second"), colour: "warn" },
        { label: "in all, other edges included", of: of("fill_bytes_per_second"), colour: "accent" },
      ],
    }),
    new Chart({
      title: "Viewers",
      unit: format.count,
      series: [
        { label: "streams", of: of("streams"), colour: "accent" },
        { label: "connections", of: of("connections"), colour: 3 },
      ],
    }),
    new Chart({
      title: "Decisions of this router process",
      unit: (value) => (value === null || value === undefined ? "–" : `${format.count(value)}/s`),
      stacked: true,
      series: [{ label: "viewers sent", of: of("decisions_per_second"), colour: "accent" }],
    }),
  ];
}

class Tile {
  constructor(label) {
    this.value = element("strong", {}, "–");
    this.more = element("span", { class: "more" });
    this.node = element("li", { class: "tile" }, element("span", { class: "label" }, label), this.value, this.more);
  }

  draw(value, more, grave = false) {
    setText(this.value, value);
    setText(this.more, more);
    setAttribute(this.node, "class", grave ? "tile grave" : "tile");
  }
}

class Overview {
  constructor(root, live) {
    this.live = live;
    this.range = "fine";
    this.tiles = {
      egress: new Tile("Throughput"),
      hits: new Tile("Hit ratio"),
      streams: new Tile("Streams"),
      origin: new Tile("From origins"),
      edges: new Tile("Edges serving"),
      decisions: new Tile("Viewers sent"),
    };
    this.map = new WorldMap(live);
    this.troubles = element("ul", { class: "troubles" });
    this.charts = element("div", { class: "charts" });
    this.note = element("p", { class: "quiet" });
    root.append(
      element("ul", { class: "tiles", "aria-label": "Now" }, ...Object.values(this.tiles).map((tile) => tile.node)),
      element(
        "div",
        { class: "beside" },
        this.map.node,
        element("div", { class: "panel" }, element("h3", {}, "Needs attention"), this.troubles),
      ),
      this.ranges(),
      this.charts,
      this.note,
    );
  }

  ranges() {
    const inputs = RANGES.map(([value, words]) => {
      const input = element("input", { type: "radio", name: "range", id: `range-${value}`, value });
      input.checked = value === this.range;
      input.addEventListener("change", () => {
        this.range = value;
        if (this.live.state) this.drawCharts(this.live.state);
      });
      return element("span", {}, input, element("label", { for: input.id }, words));
    });
    return element("fieldset", { class: "ranges" }, element("legend", {}, "Charts show the last"), ...inputs);
  }

  update(state) {
    this.drawTiles(state);
    this.map.update(state);
    this.drawTroubles(state);
    this.drawCharts(state);
  }

  drawTiles(state) {
    const { sample } = state;
    const edges = [...state.edges.values()];
    const serving = edges.filter((edge) => edge.state === "up" || edge.state === "suspect").length;
    const kinds = state.kinds.filter((kind) => kind !== OWN);
    const sent = kinds.reduce((sum, kind) => sum + (sample[`sent.${kind}`] ?? 0), 0);
    const total = kinds.reduce((sum, kind) => sum + state.sent_bytes[kind], 0);
    this.tiles.egress.draw(format.bits(sample.egress_bits_per_second), "to viewers now");
    this.tiles.hits.draw(
      sent > 0 ? format.percent(sample["sent.hit"] / sent) : "–",
      total > 0 ? `${format.percent(state.sent_bytes.hit / total)} of ${format.bytes(total)}` : "nothing sent yet",
    );
    this.tiles.streams.draw(format.count(sample.streams), `${format.count(sample.connections)} connections`);
    this.tiles.origin.draw(bytesPerSecond(sample.origin_bytes_per_second), "fetched by edges");
    const worse = edges.length - serving;
    this.tiles.edges.draw(`${serving} of ${edges.length}`, worse ? `${worse} out` : "all of them", worse > 0);
    this.tiles.decisions.draw(`${format.count(sample.decisions_per_second)}/s`, workersText(state));
  }

  drawTroubles(state) {
    const troubled = [...state.edges.values()]
      .filter((edge) => edge.state !== "up" || edge.overloaded)
      .sort((a, b) => severity(a) - severity(b) || b.since - a.since);
    const key = troubled.map((edge) => `${edge.name} ${edge.state} ${edge.overloaded} ${edge.reason}`).join("\n");
    if (key === this.troubleKey) return;
    this.troubleKey = key;
    const items = troubled.slice(0, TROUBLES_MAX).map((edge) =>
      element(
        "li",
        {},
        stateBadge(edge.state, edge.overloaded),
        element("a", { href: `#fleet/${encodeURIComponent(edge.site)}` }, edge.name),
        element("span", { class: "quiet" }, edge.overloaded ? `load ${format.percent(edge.load, 0)}` : edge.reason),
      ),
    );
    if (troubled.length > TROUBLES_MAX) {
      items.push(element("li", {}, element("a", { href: "#fleet" }, `and ${troubled.length - TROUBLES_MAX} more`)));
    }
    if (items.length === 0) items.push(element("li", { class: "well" }, "Nothing. Every edge is up."));
    this.troubles.replaceChildren(...items);
  }

  drawCharts(state) {
    if (!this.drawn) {
      this.drawn = charts(state.kinds);
      this.charts.replaceChildren(...this.drawn.map((chart) => chart.node));
    }
    const ring = state.history[this.range];
    if (!ring) return;
    for (const chart of this.drawn) chart.draw(ring);
    const age = format.age(state.now - state.started_at);
    setText(
      this.note,
      `This router has run for ${age}; it keeps history in memory alone. Bytes count when an answer ends; throughput counts at once.`,
    );
  }
}

function workersText(state) {
  return state.workers > 1 ? `by one of ${state.workers} processes` : "by this router";
}

export const overview = {
  id: "overview",
  title: "Overview",
  mount: (root, live) => new Overview(root, live),
};
