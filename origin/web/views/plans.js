// Plans and the subscription: what one has and what it costs, choosing, changing, ending, cards.

import { get, patch, remove } from "../api.js";
import { add, formatDay, formatMoney, h, say } from "../dom.js";
import { confirmPayment, findPayment } from "../paying/cards.js";
import { invoiceList } from "../paying/invoices.js";
import { adding, beginning, changing, nameOf, priceOf } from "../paying/order.js";

export const title = "Plans";

const BEGINS = ["none", "canceled"];
const CHANGES = ["trialing", "active"];
const OWES = ["incomplete", "past_due", "suspended"];

async function read() {
  const [{ items: plans }, subscription, invoices, { items: methods }] = await Promise.all([
    get("/v1/plans"),
    get("/v1/subscription"),
    get("/v1/invoices"),
    get("/v1/payment-methods"),
  ]);
  const payment = OWES.includes(subscription.state) ? await findPayment() : null;
  const present = plans.find((each) => each.id === subscription.plan);
  return { plans, subscription, invoices, methods, payment, present };
}

export async function render(page) {
  draw(page, await read());
}

function draw(page, facts) {
  const problem = h("p", { class: "problem", role: "alert" });
  const order = h("div", {});
  // Whatever was tried is shown anew from what the server has, and told to those who do not see it.
  const again = async (told, failed = "") => {
    const found = await read();
    draw(page, found);
    page.querySelector("h1").focus();
    if (failed) page.querySelector(".problem").textContent = failed;
    else say(OWES.includes(found.subscription.state) ? "The plan waits for its payment." : told);
  };
  const attempt = (work, told) => async () => {
    let failed = "";
    try {
      await work();
    } catch (error) {
      failed = error.message;
    }
    await again(told, failed).catch((error) => {
      problem.textContent = failed || error.message;
    });
  };
  const open = (make) => async (event) => {
    const opener = event.currentTarget;
    const close = () => {
      order.replaceChildren();
      opener.focus();
    };
    problem.textContent = "";
    try {
      const sheet = await make({ done: again, close });
      order.replaceChildren(sheet.element);
      sheet.focus();
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  page.replaceChildren();
  add(
    page,
    h("h1", { tabindex: "-1" }, "Plans"),
    standing(facts, attempt),
    problem,
    h("ul", { class: "plans" }, facts.plans.map((plan) => offer(plan, facts, open))),
    order,
    cards(facts, attempt, open),
    invoiceList(facts.invoices),
  );
}

function standing(facts, attempt) {
  const { subscription, payment } = facts;
  const button = (name, work, told) => h("button", { type: "button", onclick: attempt(work, told) }, name);
  const goOn = () => patch("/v1/subscription", { cancel_at_period_end: false });
  const end = () => remove("/v1/subscription");
  const actions = [];
  if (payment?.status === "requires_action")
    actions.push(button("Confirm the payment", () => confirmPayment(payment), "The payment is confirmed."));
  if (subscription.cancel_at_period_end) actions.push(button("Go on", goOn, "Your plan goes on."));
  else if (!BEGINS.includes(subscription.state)) actions.push(button("Cancel", end, "Your plan is canceled."));
  return h("section", { id: "subscription", "aria-label": "Your plan" }, h("p", {}, words(facts)), h("p", { class: "actions" }, actions));
}

function words({ subscription, payment, present }) {
  const day = formatDay(subscription.period_end);
  const name = present?.name ?? subscription.plan;
  const price = present ? priceOf(present, subscription.currency) : "";
  if (subscription.cancel_at_period_end) return `${name} ends on ${day}.`;
  switch (subscription.state) {
    case "none":
      return "You have no plan yet.";
    case "canceled":
      return "Your plan has ended.";
    case "trialing":
      return `${name}, without payment until ${day}, then ${price}.`;
    case "active":
      return `${name}, ${price}. Paid until ${day}.`;
    case "past_due":
      return `${name}: ${owed(payment)} Films play until ${formatDay(subscription.entitled_until)}.`;
    default:
      return `${name}: ${owed(payment)}`;
  }
}

function owed(payment) {
  if (!payment) return "its payment is on its way.";
  const amount = formatMoney(payment.amount_minor, payment.currency);
  if (payment.status === "requires_action") return `your bank wants you to confirm the payment of ${amount}.`;
  if (payment.problem) return `${amount} could not be paid. ${payment.problem} Add another card.`;
  return `${amount} is still to be paid.`;
}

function offer(plan, facts, open) {
  const { subscription, methods, present } = facts;
  const mine = present === plan && !BEGINS.includes(subscription.state);
  const card = methods.find((each) => each.default);
  const make = CHANGES.includes(subscription.state)
    ? (hands) => changing({ plan, present, subscription, ...hands })
    : (hands) => beginning({ plan, card, ...hands });
  const choosable = BEGINS.includes(subscription.state) || CHANGES.includes(subscription.state);
  const choose = h("button", { type: "button", class: "primary", "aria-label": `Choose ${plan.name}`, onclick: open(make) }, "Choose");
  return h(
    "li",
    { class: "plan" },
    h("h2", {}, plan.name),
    h("p", { class: "price" }, priceOf(plan, subscription.currency)),
    h("p", { class: "quiet" }, `${plan.streams_max} at the same time, up to ${plan.height_max} lines`),
    plan.trial_days > 0 && h("p", { class: "quiet" }, `${plan.trial_days} days without payment first`),
    mine ? h("p", {}, h("strong", {}, "Your plan")) : choosable && choose,
  );
}

function cards({ methods }, attempt, open) {
  const line = (method) => {
    const name = nameOf(method);
    const drop = () => remove(`/v1/payment-methods/${encodeURIComponent(method.id)}`);
    const button = h("button", { type: "button", class: "quiet", "aria-label": `Remove ${name}`, onclick: attempt(drop, "The card is removed.") }, "Remove");
    return h("li", {}, `${name} · until ${method.expires}`, method.default ? " · is charged" : "", button);
  };
  return h(
    "section",
    { "aria-labelledby": "cards-title" },
    h("h2", { id: "cards-title" }, "Cards"),
    methods.length ? h("ul", { class: "lines", id: "cards" }, methods.map(line)) : h("p", { class: "quiet" }, "No card yet."),
    h("p", { class: "actions" }, h("button", { type: "button", onclick: open(adding) }, "Add a card")),
  );
}
