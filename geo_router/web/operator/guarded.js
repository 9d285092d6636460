// What only operators may see: asks, and when the answer is that a token is needed, asks for one.

import { Refused, useToken } from "./api.js";
import { element } from "./dom.js";

let serial = 0;

export class Guarded {
  // `ask` fetches, `draw` shows what came.
  constructor(root, ask, draw) {
    Object.assign(this, { ask, draw, asked: 0, answered: 0 });
    this.said = element("p", { class: "failed", role: "alert" });
    this.content = element("div");
    this.form = this.tokenForm();
    this.said.hidden = this.form.hidden = true;
    root.append(this.said, this.form, this.content);
  }

  tokenForm() {
    serial += 1;
    const input = element("input", { id: `token-${serial}`, type: "password", autocomplete: "off", required: "" });
    const form = element(
      "form",
      {},
      element("div", { class: "field" }, element("label", { for: input.id }, "Operator's token (scope operate)"), input),
      element("button", { type: "submit" }, "Use"),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      useToken(input.value.trim());
      input.value = "";
      this.refresh();
    });
    return form;
  }

  async refresh() {
    this.asked += 1;
    const number = this.asked;
    // What was asked earlier and comes later is of the past.
    const isNews = () => {
      if (number < this.answered) return false;
      this.answered = number;
      return true;
    };
    try {
      const answer = await this.ask();
      if (!isNews()) return;
      this.said.hidden = this.form.hidden = true;
      this.draw(answer, this.content);
    } catch (error) {
      if (!isNews()) return;
      this.said.textContent = error.message;
      this.said.hidden = false;
      this.form.hidden = !(error instanceof Refused && error.wantsToken);
    }
  }

  // Ask again and again, from now on.
  start(everyMs) {
    this.refresh();
    this.timer = setInterval(() => {
      // Whoever types a token is not to be disturbed.
      if (this.form.hidden) this.refresh();
    }, everyMs);
  }

  stop() {
    clearInterval(this.timer);
  }
}
