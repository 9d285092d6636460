import { fetchExplanation, fetchFleet } from "./api.js";

const REFRESH_MS = 1000;
const STATES = ["up", "suspect", "recovering", "draining", "slow", "down", "unknown"];

const byId = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function formatAge(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

function stateBadge(state, overloaded = false) {
  const text = overloaded ? `${state}, overloaded` : state;
  return element("span", { class: `state state-${state}` }, text);
}

function edgeRow(edge, now) {
  const latency = edge.latency_ms === null ? "no answer" : `${edge.latency_ms.toFixed(1)} ms`;
  const probed = edge.probed_at === null ? "never" : `${formatAge(now - edge.probed_at)} ago`;
  const url = element("span", { class: "url" }, edge.url);
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, edge.name, url),
    element("td", {}, stateBadge(edge.state, edge.overloaded)),
    element("td", {}, edge.reason),
    element("td", { class: "number" }, formatAge(now - edge.since)),
    element("td", { class: "number" }, latency),
    element("td", { class: "number" }, probed),
  );
}

function siteTable(site, edges, now) {
  const columns = ["Edge", "State", "Reason", "For", "Last probe", "Seen"];
  const head = columns.map((name) => element("th", { scope: "col" }, name));
  const serving = edges.filter((edge) => edge.state === "up" || edge.state === "suspect").length;
  const caption = element("caption", {}, `${site} `, element("span", {}, `${serving} of ${edges.length} serving`));
  const rows = edges.map((edge) => edgeRow(edge, now));
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      {},
      caption,
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows),
    ),
  );
}

function drawFleet(fleet) {
  const sites = new Map();
  for (const edge of fleet.edges) {
    sites.set(edge.site, [...(sites.get(edge.site) ?? []), edge]);
  }
  const counts = STATES.map((state) => [state, fleet.edges.filter((e) => e.state === state).length]);
  byId("summary").replaceChildren(
    ...counts
      .filter(([, count]) => count > 0)
      .map(([state, count]) => element("li", {}, `${count} `, stateBadge(state))),
  );
  byId("sites").replaceChildren(
    ...[...sites].map(([site, edges]) => siteTable(site, edges, fleet.now)),
  );
}

function setPulse(text, failed) {
  const pulse = byId("pulse");
  // Screen readers announce every change of a status; only real ones are worth it.
  if (pulse.textContent !== text) pulse.textContent = text;
  pulse.classList.toggle("failed", failed);
}

async function refresh() {
  try {
    const fleet = await fetchFleet();
    drawFleet(fleet);
    setPulse(fleet.polled ? "Live, refreshed each second" : "First look at the edges is under way", false);
  } catch (error) {
    setPulse(`Router does not answer: ${error.message}`, true);
  }
  setTimeout(refresh, REFRESH_MS);
}

function placeText(place) {
  const where = place.site
    ? `site ${place.site}`
    : `${place.latitude}, ${place.longitude}${place.country ? ` (${place.country})` : ""}`;
  const matched = place.matched ? `, matched ${place.matched}` : "";
  return `${place.address ?? "no address"} (said by ${place.said_by}) is at ${where}, by ${place.source}${matched}.`;
}

function drawExplanation(explanation) {
  const best = explanation.url
    ? element("p", { class: "best" }, "Goes to ", element("code", {}, explanation.url), ` (rung: ${explanation.rung})`)
    : element("p", { class: "best failed" }, "No edge can take this viewer now.");
  const ranked = explanation.edges.map((edge) =>
    element(
      "li",
      {},
      element("strong", {}, edge.name),
      ` in ${edge.site}, ${edge.distance_km} km: ${edge.reasons.join("; ")}`,
    ),
  );
  const parts = [best, element("p", {}, placeText(explanation.place)), element("ol", {}, ...ranked)];
  if (explanation.passed_over.length > 0) {
    const passed = explanation.passed_over.map((edge) =>
      element("li", {}, element("strong", {}, edge.name), ` in ${edge.site}: ${edge.reason}`),
    );
    parts.push(element("h3", {}, "Passed over"), element("ul", {}, ...passed));
  }
  byId("explanation").replaceChildren(...parts);
}

async function explain(event) {
  event.preventDefault();
  const form = new FormData(event.target);
  try {
    drawExplanation(await fetchExplanation(form.get("path"), form.get("ip").trim()));
  } catch (error) {
    byId("explanation").replaceChildren(element("p", { class: "failed" }, error.message));
  }
}

byId("explain").addEventListener("submit", explain);
refresh();
