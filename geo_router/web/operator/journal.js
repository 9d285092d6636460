import { element, setText, stateBadge } from "./dom.js";
import * as format from "./format.js";

const LINES_MAX = 150;

class Journal {
  constructor(root, live) {
    this.live = live;
    this.grave = element("input", { type: "checkbox", id: "journal-grave" });
    this.search = element("input", { type: "search", id: "journal-search", autocomplete: "off" });
    this.count = element("p", { class: "quiet" });
    this.list = element("ol", { class: "journal" });
    const form = element(
      "form",
      { class: "filters", role: "search" },
      element("div", { class: "field" }, element("label", { for: "journal-search" }, "Line holds"), this.search),
      element("div", { class: "check" }, this.grave, element("label", { for: "journal-grave" }, "Failures only")),
    );
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => this.redraw());
    root.append(
      element("p", { class: "lead" }, "What this router process has seen happen, the newest first: states of edges, new topologies. Older lines are in its log."),
      form,
      this.count,
      this.list,
    );
  }

  redraw() {
    this.drawn = null;
    if (this.live.state) this.update(this.live.state);
  }

  update(state) {
    if (state.journal === this.drawn) return;
    this.drawn = state.journal;
    const text = this.search.value.trim().toLowerCase();
    const shown = state.journal.filter(
      (entry) =>
        (!this.grave.checked || entry.grave) &&
        (!text || `${entry.about} ${entry.text}`.toLowerCase().includes(text)),
    );
    const newest = shown.slice(-LINES_MAX);
    const left = shown.length - newest.length;
    setText(this.count, `${shown.length} of ${state.journal.length} lines${left ? `, the newest ${LINES_MAX} below` : ""}`);
    this.list.replaceChildren(...newest.reverse().map((entry) => this.line(entry)));
  }

  line(entry) {
    const badge = entry.state ? stateBadge(entry.state) : element("span", { class: "state" }, entry.kind);
    const text = entry.state ? entry.text.replace(`${entry.state}: `, "") : entry.text;
    return element(
      "li",
      {},
      element("time", { datetime: new Date(entry.at * 1000).toISOString() }, format.clock(entry.at)),
      badge,
      element("strong", {}, entry.about),
      element("span", {}, text),
    );
  }
}

export const journal = {
  id: "events",
  title: "Events",
  mount: (root, live) => new Journal(root, live),
};
