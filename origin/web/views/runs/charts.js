// Pictures of numbers as SVG: bars only, with their values written on them, and a name that says
// the same to who does not see them. Colours and sizes are the stylesheet's.

import { h } from "../../dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 640;
const NAME = 210;
const VALUE = 90;
const ROW = 26;
const GAP = 8;

function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

function shortened(text, letters) {
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}

// One bar for each of `rows`, {name, value, kind}: `kind` is "ours", "other" or "third" and chooses
// the colour. `format` writes a value; `most` is what a whole line stands for.
export function bars(caption, rows, { format = String, most = Math.max(...rows.map((row) => row.value)) } = {}) {
  const height = rows.length * (ROW + GAP);
  const said = rows.map((row) => `${row.name} ${format(row.value)}`).join(", ");
  const picture = s("svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "bars", role: "img", "aria-label": `${caption}: ${said}` });
  rows.forEach((row, at) => {
    const top = at * (ROW + GAP);
    const width = most > 0 ? (Math.max(0, row.value) / most) * (WIDTH - NAME - VALUE) : 0;
    picture.append(
      s("text", { x: NAME - 10, y: top + ROW * 0.7, class: "name" }, shortened(row.name, 30)),
      s("rect", { x: NAME, y: top, width: Math.max(1, width), height: ROW, class: `bar ${row.kind ?? "ours"}` }),
      s("text", { x: NAME + Math.max(1, width) + 8, y: top + ROW * 0.7, class: "value" }, format(row.value)),
    );
  });
  return h("figure", { class: "chart" }, h("figcaption", {}, caption), picture);
}

// How many have each of 0, 1, 2 …: columns side by side.
export function columns(caption, counts, nameOf) {
  const [height, foot] = [180, 40];
  const width = WIDTH / counts.length;
  const most = Math.max(1, ...counts);
  const said = counts.map((count, at) => `${nameOf(at)}: ${count}`).join(", ");
  const picture = s("svg", { viewBox: `0 0 ${WIDTH} ${height + foot}`, class: "bars", role: "img", "aria-label": `${caption}: ${said}` });
  counts.forEach((count, at) => {
    const tall = (count / most) * (height - 24);
    const middle = (at + 0.5) * width;
    picture.append(
      s("rect", { x: at * width + 4, y: height - tall, width: width - 8, height: Math.max(1, tall), class: "bar ours" }),
      s("text", { x: middle, y: height - tall - 6, class: "value middle" }, String(count)),
      s("text", { x: middle, y: height + 22, class: "name middle" }, nameOf(at)),
    );
  });
  return h("figure", { class: "chart" }, h("figcaption", {}, caption), picture);
}
