// What the router knows now. Tells of "change" (the state) and "pulse" (the link to the router).

import { fetchFleet } from "./api.js";

const REFRESH_MS = 1000;

export class Live extends EventTarget {
  state = null;
  pulse = { text: "Reading the fleet…", failed: false };

  start() {
    this.refresh();
  }

  async refresh() {
    try {
      const fleet = await fetchFleet();
      this.state = { ...fleet, edges: new Map(fleet.edges.map((edge) => [edge.name, edge])) };
      this.dispatchEvent(new Event("change"));
      this.tell(fleet.polled ? "Live" : "First look at the edges is under way", false);
    } catch (error) {
      this.tell(`Router does not answer: ${error.message}`, true);
    }
    setTimeout(() => this.refresh(), REFRESH_MS);
  }

  tell(text, failed) {
    this.pulse = { text, failed };
    this.dispatchEvent(new Event("pulse"));
  }
}
