// Lines and stacked areas over time, as SVG. A reader points at a moment, or moves along the chart
// with the arrow keys, and reads the values of then in the legend.

import { drawing, element, setAttribute, setText } from "./dom.js";
import * as format from "./format.js";

const WIDTH = 600;
const HEIGHT = 150;
const FRACTIONS = [0.5, 1];

// What a scale should end with, so that its half is round, too.
function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((end) => end >= value * 1.02) ?? 10 * power;
}

export class Chart {
  // `series` are {name, label, of(ring, index)}; `unit` makes words of a value.
  constructor({ title, series, unit, stacked = false, most = null }) {
    Object.assign(this, { series, unit, stacked, most });
    this.pointed = null;
    this.areas = series.map((one, index) =>
      drawing("path", { class: `${stacked ? "area" : "line"} colour-${one.colour ?? index}` }),
    );
    this.cross = drawing("line", { class: "cross", y1: 0, y2: HEIGHT, x1: -10, x2: -10 });
    const grid = FRACTIONS.map((share) =>
      drawing("line", { class: "grid", x1: 0, x2: WIDTH, y1: HEIGHT * (1 - share), y2: HEIGHT * (1 - share) }),
    );
    this.svg = drawing(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      ...grid,
      ...this.areas,
      this.cross,
    );
    this.marks = FRACTIONS.map(() => element("span", { class: "mark" }));
    this.plot = element("div", { class: "plot", tabindex: "0", role: "group", "aria-label": `${title}, use arrow keys` }, this.svg, ...this.marks);
    this.values = series.map(() => element("span", { class: "value" }));
    this.legend = series.map((one, index) =>
      element("li", {}, element("i", { class: `swatch colour-${one.colour ?? index}` }), `${one.label} `, this.values[index]),
    );
    this.when = element("span", { class: "when" });
    this.node = element(
      "figure",
      { class: "chart" },
      element("figcaption", {}, element("span", {}, title), this.when),
      this.plot,
      element("ul", { class: "legend" }, ...this.legend),
    );
    this.listen();
  }

  listen() {
    this.plot.addEventListener("pointermove", (event) => {
      const box = this.svg.getBoundingClientRect();
      this.point(Math.round(((event.clientX - box.left) / box.width) * (this.count - 1)));
    });
    this.plot.addEventListener("pointerleave", () => this.point(null));
    this.plot.addEventListener("blur", () => this.point(null));
    this.plot.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 }[event.key];
      if (step) this.point((this.pointed ?? this.count - 1) + step);
      else if (event.key === "Home") this.point(0);
      else if (event.key === "End" || event.key === "Escape") this.point(null);
      else return;
      event.preventDefault();
    });
  }

  point(index) {
    this.pointed = index === null ? null : Math.min(Math.max(index, 0), this.count - 1);
    this.read();
  }

  draw(ring) {
    this.ring = ring;
    this.count = ring.steps;
    // A young history stands at the right end, where it will grow from.
    const length = Object.values(ring.series)[0].length;
    this.start = this.count - length;
    const columns = this.series.map((one) => Array.from({ length }, (_, index) => one.of(ring.series, index)));
    this.columns = columns;
    const tops = this.stacked ? stack(columns) : columns;
    const end = this.most ?? ceiling(Math.max(0, ...tops.at(-1).map((_, index) => top(tops, index))));
    const y = (value) => (HEIGHT * (1 - Math.min(value / end, 1))).toFixed(1);
    const x = (index) => (((this.start + index) / (this.count - 1)) * WIDTH).toFixed(1);
    this.areas.forEach((area, index) => {
      const floor = this.stacked ? (index ? tops[index - 1] : null) : undefined;
      setAttribute(area, "d", floor === undefined ? line(tops[index], x, y) : band(tops[index], floor, x, y));
    });
    FRACTIONS.forEach((share, index) => {
      setText(this.marks[index], this.unit(end * share));
      this.marks[index].style.top = `${(1 - share) * 100}%`;
    });
    if (columns.length > 2) {
      this.legend.forEach((item, index) => (item.hidden = !columns[index].some((value) => value > 0)));
    }
    this.read();
  }

  read() {
    if (!this.ring) return;
    const pointed = this.pointed !== null;
    const index = pointed ? this.pointed - this.start : this.columns[0].length - 1;
    const at = this.pointed === null ? WIDTH + 10 : (this.pointed / (this.count - 1)) * WIDTH;
    setAttribute(this.cross, "x1", at.toFixed(1));
    setAttribute(this.cross, "x2", at.toFixed(1));
    this.values.forEach((node, number) => setText(node, this.unit(this.columns[number][index] ?? null)));
    const moment = this.ring.ended_at - (this.count - 1 - (this.pointed ?? 0)) * this.ring.step_seconds;
    setText(this.when, pointed ? format.clock(moment) : "now");
  }
}

function top(tops, index) {
  return Math.max(...tops.map((column) => column[index] ?? 0));
}

function stack(columns) {
  const sums = [];
  for (const column of columns) {
    const below = sums.at(-1);
    sums.push(column.map((value, index) => (value === null ? null : value + (below?.[index] ?? 0))));
  }
  return sums;
}

function line(column, x, y) {
  let path = "";
  let isOpen = false;
  column.forEach((value, index) => {
    if (value !== null) path += `${isOpen ? "L" : "M"}${x(index)} ${y(value)}`;
    isOpen = value !== null;
  });
  return path;
}

function band(tops, floor, x, y) {
  let path = "";
  for (let first = 0; first < tops.length; first += 1) {
    if (tops[first] === null) continue;
    let last = first;
    while (last + 1 < tops.length && tops[last + 1] !== null) last += 1;
    for (let index = first; index <= last; index += 1) {
      path += `${index === first ? "M" : "L"}${x(index)} ${y(tops[index])}`;
    }
    for (let index = last; index >= first; index -= 1) path += `L${x(index)} ${y(floor?.[index] ?? 0)}`;
    path += "Z";
    first = last;
  }
  return path;
}
