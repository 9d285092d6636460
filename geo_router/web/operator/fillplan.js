import { fetchOrders } from "./api.js";
import { element } from "./dom.js";
import { Guarded } from "./guarded.js";
import { OrderList } from "./order_list.js";

const EVERY_MS = 3000;
const LIMIT = 30;

async function fetchPlan() {
  const [warms, pins] = await Promise.all([fetchOrders("warms", LIMIT), fetchOrders("pins", LIMIT)]);
  return [...warms.items, ...pins.items].sort((a, b) => b.at - a.at || b.sequence - a.sequence);
}

export const fillplan = {
  id: "fillplan",
  title: "Fill plan",

  mount(root, live) {
    root.append(
      element("p", { class: "lead" }, "What edges were told to fetch ahead (warm) and to keep (pin), by a night's plan or by hand, and how far they are."),
    );
    const list = new OrderList("No edge was told to fetch or to keep anything.");
    const guarded = new Guarded(root, fetchPlan, (orders, content) =>
      list.draw(orders, content, live.state?.now ?? Date.now() / 1000),
    );
    return { shown: () => guarded.start(EVERY_MS), hidden: () => guarded.stop() };
  },
};
