// The world in the Natural Earth projection (Šavrič and others, 2015), with sites and live routes.

import { drawing, element, setAttribute, setText } from "./dom.js";
import * as format from "./format.js";
import { LAND } from "./world.js";

const SCALE = 180;
const NORTH = 84;
const EASTERNMOST = 190;
const SOUTH = -57;
const ROUTES_MAX = 120;
const HERE = 3;

export function project(longitude, latitude) {
  const l = (longitude * Math.PI) / 180;
  const p = (Math.max(SOUTH, Math.min(NORTH, latitude)) * Math.PI) / 180;
  const q = p * p;
  const r = q * q;
  const x = l * (0.8707 - 0.131979 * q + r * (-0.013791 + r * (0.003971 * q - 0.001529 * r)));
  const y = p * (1.007226 + q * (0.015085 + r * (-0.044475 + 0.028874 * q - 0.005916 * r)));
  return [x * SCALE, -y * SCALE];
}

function landPath() {
  let path = "";
  for (const ring of LAND) {
    let longitude = 0;
    let latitude = 0;
    for (let at = 0; at < ring.length; at += 2) {
      longitude += ring[at];
      latitude += ring[at + 1];
      const [x, y] = project(longitude / 10, latitude / 10);
      path += `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    }
    path += "Z";
  }
  return path;
}

// The worst that is true of a site's edges, in three steps.
export function siteHealth(edges) {
  const well = edges.filter((edge) => edge.state === "up" && !edge.overloaded).length;
  if (well === edges.length) return "up";
  return edges.some((edge) => edge.state === "up" || edge.state === "suspect") ? "warn" : "bad";
}

const WORDS = { up: "all well", warn: "in part", bad: "serves nobody", none: "no edges" };

export class WorldMap {
  constructor(live) {
    this.live = live;
    this.routes = drawing("g", { class: "routes" });
    this.viewers = drawing("g", { class: "viewers" });
    this.dots = drawing("g", { class: "sites" });
    this.marks = new Map();
    this.told = element("div", { class: "map-told", role: "status" });
    const [left] = project(-180, 0);
    const [right] = project(EASTERNMOST, 0);
    const [, top] = project(0, NORTH);
    const [, bottom] = project(0, SOUTH);
    const box = `${left - 4} ${top - 4} ${right - left + 8} ${bottom - top + 8}`;
    const svg = drawing(
      "svg",
      { viewBox: box, role: "group", "aria-label": "Map of the sites. Arrow keys go from site to site, Enter shows its edges." },
      drawing("path", { class: "land", d: landPath() }),
      this.routes,
      this.viewers,
      this.dots,
    );
    this.node = element("div", { class: "map" }, svg, this.told, legend());
    this.dots.addEventListener("keydown", (event) => this.onKey(event));
  }

  onKey(event) {
    const sites = [...this.marks.keys()];
    const at = sites.indexOf(event.target.dataset.site);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) this.marks.get(sites[(at + step + sites.length) % sites.length]).focus();
    else if (event.key === "Enter") location.hash = `fleet/${encodeURIComponent(sites[at])}`;
    else return;
    event.preventDefault();
  }

  update(state) {
    const bySite = new Map(state.sites.map((site) => [site.name, []]));
    for (const edge of state.edges.values()) bySite.get(edge.site)?.push(edge);
    const served = new Map();
    let most = 1;
    for (const [name, edges] of bySite) {
      const total = edges.reduce((sum, edge) => sum + (edge.egress_bits_per_second ?? 0), 0);
      served.set(name, total);
      most = Math.max(most, total);
    }
    const sites = state.sites.filter((site) => bySite.get(site.name).length);
    this.drawSites(sites, bySite, served, most);
    if (state.flows !== this.flows) {
      this.flows = state.flows;
      this.drawRoutes(state);
    }
  }

  drawSites(sites, bySite, served, most) {
    const names = sites.map((site) => site.name).join();
    if (names !== this.names) {
      this.names = names;
      this.marks.clear();
      for (const site of sites.toSorted((a, b) => a.longitude - b.longitude)) this.addMark(site);
      this.dots.replaceChildren(...this.marks.values());
      [...this.marks.values()][0]?.setAttribute("tabindex", "0");
    }
    for (const site of sites) {
      const edges = bySite.get(site.name);
      const health = siteHealth(edges);
      const mark = this.marks.get(site.name);
      // A site that serves nobody sends nothing, and is the one to be seen.
      const least = health === "bad" ? 8 : 3.5;
      const radius = least + 8 * Math.sqrt(served.get(site.name) / most);
      setAttribute(mark, "class", `site health-${health}`);
      setAttribute(mark.firstChild, "r", radius.toFixed(1));
      const well = edges.filter((edge) => edge.state === "up").length;
      const words = `${site.name}: ${well} of ${edges.length} edges up, ${WORDS[health]}, ${format.bits(served.get(site.name))}`;
      setAttribute(mark, "aria-label", words);
      if (this.shown === site.name) setText(this.told, words);
    }
  }

  addMark(site) {
    const [x, y] = project(site.longitude, site.latitude);
    const mark = drawing(
      "g",
      { transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, tabindex: "-1", role: "link", "data-site": site.name },
      drawing("circle", { r: 4 }),
      drawing("path", { class: "cross-out", d: "M-3.5 -3.5L3.5 3.5M-3.5 3.5L3.5 -3.5" }),
      drawing("circle", { class: "target", r: 12 }),
    );
    const tell = () => {
      this.shown = site.name;
      setText(this.told, mark.getAttribute("aria-label"));
    };
    mark.addEventListener("pointerenter", tell);
    mark.addEventListener("focus", () => {
      for (const other of this.marks.values()) other.setAttribute("tabindex", other === mark ? "0" : "-1");
      tell();
    });
    mark.addEventListener("click", () => (location.hash = `fleet/${encodeURIComponent(site.name)}`));
    this.marks.set(site.name, mark);
  }

  drawRoutes(state) {
    const places = new Map(state.sites.map((site) => [site.name, site]));
    const flows = state.flows.filter((flow) => places.has(flow.site)).slice(0, ROUTES_MAX);
    const most = Math.max(0.001, ...flows.map((flow) => flow.per_second));
    const far = flows.filter((flow) => !isHere(flow, places.get(flow.site)));
    this.routes.replaceChildren(...far.map((flow) => route(flow, places.get(flow.site), most)));
    const near = flows.filter((flow) => isHere(flow, places.get(flow.site)));
    this.viewers.replaceChildren(
      ...near.map((flow) => ring(flow, places.get(flow.site), most)),
      ...far.map((flow) => {
        const [cx, cy] = project(flow.longitude, flow.latitude);
        return drawing("circle", { cx: cx.toFixed(1), cy: cy.toFixed(1), r: 1.8 });
      }),
    );
  }
}

function isHere(flow, site) {
  return Math.abs(flow.latitude - site.latitude) < HERE && Math.abs(flow.longitude - site.longitude) < HERE;
}

// Viewers beside their site: a line would have no length.
function ring(flow, site, most) {
  const [cx, cy] = project(site.longitude, site.latitude);
  const radius = 12 + 7 * Math.sqrt(flow.per_second / most);
  return drawing("circle", { class: "near", cx: cx.toFixed(1), cy: cy.toFixed(1), r: radius.toFixed(1) });
}

function route(flow, site, most) {
  const [x1, y1] = project(flow.longitude, flow.latitude);
  const [x2, y2] = project(site.longitude, site.latitude);
  const lift = Math.min(0.22 * Math.hypot(x2 - x1, y2 - y1), 60);
  const curve = `M${x1.toFixed(1)} ${y1.toFixed(1)}Q${((x1 + x2) / 2).toFixed(1)} ${((y1 + y2) / 2 - lift).toFixed(1)} ${x2.toFixed(1)} ${y2.toFixed(1)}`;
  const share = Math.sqrt(flow.per_second / most);
  return drawing("path", { d: curve, "stroke-width": (0.6 + 2 * share).toFixed(2), opacity: (0.3 + 0.6 * share).toFixed(2) });
}

function legend() {
  const items = [
    ["up", "all well"],
    ["warn", "some edges out"],
    ["bad", "no edge serves"],
  ].map(([health, words]) => element("li", {}, element("i", { class: `dot health-${health}` }), words));
  return element(
    "ul",
    { class: "legend" },
    ...items,
    element("li", {}, element("i", { class: "stroke" }), "viewers sent to a site lately: a line from their square of 5°, a ring when they are beside it"),
  );
}
