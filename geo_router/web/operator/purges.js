import { fetchOrders } from "./api.js";
import { element } from "./dom.js";
import { Guarded } from "./guarded.js";
import { OrderList } from "./order_list.js";

const EVERY_MS = 2000;

export const purges = {
  id: "purges",
  title: "Purges",

  mount(root, live) {
    root.append(
      element("p", { class: "lead" }, "The newest purges, each with the receipts of the edges, as an origin knows them."),
    );
    const list = new OrderList("Nothing was purged yet.");
    const guarded = new Guarded(
      root,
      () => fetchOrders("purges"),
      (answer, content) => list.draw(answer.items, content, live.state?.now ?? Date.now() / 1000),
    );
    return { shown: () => guarded.start(EVERY_MS), hidden: () => guarded.stop() };
  },
};
