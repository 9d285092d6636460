// What the router knows now. Tells of "change" (the state) and "pulse" (the link to the router).
//
// state = {
//   router, workers, started_at, now, polled, sites, resorts, routers_heard,
//   edges: Map(name -> {name, site, url, state, reason, since, overloaded, load, hit_ratio, ...}),
//   flows, journal, kinds, sample, sent_bytes,
//   history: {fine, coarse}, each {step_seconds, ended_at, steps, series: {name: [number or null]}}
// }

import { fetchHistory, followEvents } from "./api.js";

const SILENCE_MS = 4000;
const GIVE_UP_MS = 12000;
const RETRY_MS = 1000;
const JOURNAL_MAX = 500;
const FUTURE_SECONDS = 60;
const STEPS = { fine: 600, coarse: 2160 };

export class Live extends EventTarget {
  state = null;
  pulse = { text: "Reading the fleet…", failed: false };
  heardAt = 0;
  grownAt = -Infinity;
  hasOldCharts = false;
  isLoading = false;
  end = () => {};

  start() {
    this.connect();
    setInterval(() => this.watch(), 1000);
  }

  connect() {
    this.end();
    this.heardAt = performance.now();
    this.end = followEvents(
      ["picture", "tick", "change"],
      (name, data) => this.hear(name, data),
      (isOver) => {
        this.tell("Lost the router, trying again", true);
        if (isOver) setTimeout(() => this.connect(), RETRY_MS);
      },
    );
  }

  // A link can die without a word: what comes every second and does not is a sign.
  watch() {
    const silence = performance.now() - this.heardAt;
    if (silence > GIVE_UP_MS) this.connect();
    else if (silence > SILENCE_MS) this.tell("The router is silent", true);
  }

  hear(name, data) {
    this.heardAt = performance.now();
    if (name === "picture") this.takePicture(data);
    else if (this.state && name === "tick") this.takeTick(data);
    else if (this.state) this.takeChange(data);
    this.dispatchEvent(new Event("change"));
    this.tell(this.state?.polled === false ? "First look at the edges is under way" : "Live", false);
  }

  takePicture(data) {
    const { figures, edges, ...rest } = data;
    const empty = { fine: null, coarse: null };
    this.state = { ...rest, edges: new Map(), history: this.state?.history ?? empty };
    this.grownAt = Math.max(this.grownAt, rest.now);
    this.takeEdges(edges);
    this.takeFigures(figures);
    this.loadHistory();
  }

  takeTick(data) {
    const state = this.state;
    this.takeEdges(data.edges);
    this.takeFigures(data.figures);
    for (const name of data.gone) state.edges.delete(name);
    Object.assign(state, { now: data.now, sample: data.sample, sent_bytes: data.sent_bytes });
    state.polled ||= true;
    if (data.flows) state.flows = data.flows;
    this.grow(data.now, data.sample);
  }

  takeChange(data) {
    this.takeEdges(data.edges);
    this.state.now = data.now;
    const journal = this.state.journal.concat(data.journal);
    this.state.journal = journal.slice(-JOURNAL_MAX);
  }

  takeEdges(edges) {
    for (const [name, belief] of Object.entries(edges)) {
      this.state.edges.set(name, { ...this.state.edges.get(name), ipv6: null, name, ...belief });
    }
  }

  takeFigures(figures) {
    const names = this.state.figure_names;
    for (const [name, values] of Object.entries(figures)) {
      const edge = this.state.edges.get(name);
      if (edge) names.forEach((figure, index) => (edge[figure] = values[index]));
    }
  }

  async loadHistory() {
    this.isLoading = true;
    try {
      const history = await fetchHistory();
      for (const [name, ring] of Object.entries(history)) ring.steps = STEPS[name];
      this.state.history = history;
      this.window = null;
      // It may have been told before the clock went back, or before the first sample since.
      this.hasOldCharts = history.fine.ended_at > this.state.now + FUTURE_SECONDS;
      this.dispatchEvent(new Event("change"));
    } catch {
      // The next picture brings another try, or the next tick where the clock went back.
    } finally {
      this.isLoading = false;
    }
  }

  grow(now, sample) {
    const { fine, coarse } = this.state.history;
    // Charts end in a future that the router's clock has left: it begins to write there anew.
    if (now < this.grownAt) this.hasOldCharts = true;
    this.grownAt = now;
    if (this.hasOldCharts && !this.isLoading) this.loadHistory();
    // What has come with the history already is not taken twice.
    if (!fine || this.hasOldCharts || now <= fine.ended_at) return;
    push(fine, now, sample);
    const number = Math.floor(now / coarse.step_seconds);
    if (this.window && this.window.number !== number) {
      push(coarse, this.window.number * coarse.step_seconds, means(this.window.samples));
      this.window = null;
    }
    this.window ??= { number, samples: [] };
    this.window.samples.push(sample);
  }

  tell(text, failed) {
    if (text === this.pulse.text && failed === this.pulse.failed) return;
    this.pulse = { text, failed };
    this.dispatchEvent(new Event("pulse"));
  }
}

function push(ring, now, sample) {
  const missed = ring.ended_at === null ? 0 : Math.round((now - ring.ended_at) / ring.step_seconds) - 1;
  const gaps = new Array(Math.min(Math.max(missed, 0), ring.steps)).fill(null);
  for (const [name, values] of Object.entries(ring.series)) {
    values.push(...gaps, sample[name] ?? null);
    if (values.length > ring.steps) values.splice(0, values.length - ring.steps);
  }
  ring.ended_at = now;
}

function means(samples) {
  return Object.fromEntries(
    Object.keys(samples[0]).map((name) => [
      name,
      samples.reduce((sum, sample) => sum + sample[name], 0) / samples.length,
    ]),
  );
}
