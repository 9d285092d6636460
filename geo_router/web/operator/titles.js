import { fetchTitles } from "./api.js";
import { element, table } from "./dom.js";
import { Guarded } from "./guarded.js";

const EVERY_MS = 3000;

function rows(titles) {
  const most = Math.max(...titles.map((title) => title.per_second));
  return titles.map((title, index) => {
    const bar = element("meter", { min: 0, max: most, value: title.per_second, "aria-label": "share of the first" });
    return element(
      "tr",
      {},
      element("td", { class: "number" }, String(index + 1)),
      element("th", { scope: "row", class: "path" }, title.key),
      element("td", { class: "number" }, perMinute(title.per_second)),
      element("td", { class: "bar" }, bar),
    );
  });
}

function perMinute(perSecond) {
  const rate = perSecond * 60;
  return rate >= 10 ? rate.toFixed(0) : rate.toFixed(1);
}

export const titles = {
  id: "titles",
  title: "Top titles",

  mount(root, live) {
    root.append(
      element("p", { class: "lead" }, "What viewers were sent for most in the last half minute or so, by this router process."),
    );
    const columns = [{ name: "", number: true }, "Object", { name: "Viewers a minute", number: true }, ""];
    const guarded = new Guarded(root, fetchTitles, (answer, content) => {
      content.replaceChildren(
        answer.titles.length
          ? table("Most asked first", columns, rows(answer.titles))
          : element("p", { class: "quiet" }, "Nobody has asked for anything lately."),
      );
    });
    return { shown: () => guarded.start(EVERY_MS), hidden: () => guarded.stop() };
  },
};
