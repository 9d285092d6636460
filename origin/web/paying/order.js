// The sheet for one decision about money: it says what it costs before it is pressed.

import { get, patch, post, query } from "../api.js";
import { form, formatMoney, h } from "../dom.js";
import { confirmPayment, findPayment, takeCard } from "./cards.js";

export const nameOf = (method) => `${method.brand} …${method.last4}`;

export function priceOf(plan, currency) {
  const price = plan.prices.find((each) => each.currency === currency) ?? plan.prices[0];
  return `${formatMoney(price.amount_minor, price.currency)} a ${plan.interval}`;
}

// Fields for a card, shown in their own time: what keeps them from it stands in their place.
export function cardEntry() {
  const place = h("div", { class: "entry", role: "group", "aria-label": "Card" });
  const opened = takeCard(place);
  opened.catch((error) => place.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message)));
  return { place, save: async () => (await opened).save() };
}

// Begin a plan. `done` hears what to tell, or what failed once it had begun.
export function beginning({ plan, card, done, close }) {
  const entry = card ? null : cardEntry();
  const choice = currencies(plan);
  let kept = Boolean(card);
  return sheet({
    title: `Subscribe to ${plan.name}`,
    close,
    facts: [
      h("p", {}, priceOf(plan), plan.trial_days ? `, after ${plan.trial_days} days without payment` : "", "."),
      choice,
      card ? h("p", {}, `Paid with ${nameOf(card)}.`) : entry.place,
    ],
    button: "Subscribe",
    note: "Ends whenever you want, with the time that is paid. Your card is given to Stripe and never to us.",
    submit: async ({ currency }) => {
      if (!kept) await entry.save();
      kept = true;
      const begun = await post("/v1/subscription", { plan: plan.id, ...(currency ? { currency } : {}) });
      await done(`You have ${plan.name}.`, await settle(begun));
    },
  });
}

// Change to another plan, once it was seen what that costs.
export async function changing({ plan, present, subscription, done, close }) {
  const seen = await get(query("/v1/subscription/preview", { plan: plan.id }));
  const line = (each) => h("li", {}, each.text || priceOf(plan, seen.currency), " · ", formatMoney(each.amount_minor, seen.currency));
  return sheet({
    title: `Change to ${plan.name}`,
    close,
    closing: present ? `Keep ${present.name}` : undefined,
    facts: [
      h("p", {}, `${priceOf(plan, subscription.currency)}, from now on.`),
      h("ul", { class: "lines" }, seen.lines.map(line)),
      h("p", {}, h("strong", {}, `Your next invoice: ${formatMoney(seen.due_minor, seen.currency)}`)),
    ],
    button: `Change to ${plan.name}`,
    submit: async () => {
      await patch("/v1/subscription", { plan: plan.id });
      await done(`You have ${plan.name}.`);
    },
  });
}

// Another card, which is charged from now on, and with what is owed.
export function adding({ done, close }) {
  const entry = cardEntry();
  return sheet({
    title: "Add a card",
    close,
    facts: [entry.place],
    button: "Save the card",
    note: "It is charged from now on. It is given to Stripe and never to us.",
    submit: async () => {
      await entry.save();
      await done("The card is kept.");
    },
  });
}

// Have the first payment confirmed where the bank asks for it; what failed, in words.
async function settle(begun) {
  try {
    const payment = begun.state === "incomplete" ? await findPayment() : null;
    if (payment?.status === "requires_action") await confirmPayment(payment);
    return "";
  } catch (error) {
    return error.message;
  }
}

function currencies(plan) {
  if (plan.prices.length < 2) return null;
  const option = (price) => h("option", { value: price.currency }, `${price.currency.toUpperCase()} ${formatMoney(price.amount_minor, price.currency)}`);
  return h("label", { class: "field" }, h("span", {}, "Currency"), h("select", { name: "currency" }, plan.prices.map(option)));
}

function sheet({ title, facts, button, note, submit, close, closing = "Not now" }) {
  const heading = h("h2", { id: "order-title", tabindex: "-1" }, title);
  const leave = h("button", { type: "button", onclick: close }, closing);
  const element = h("section", { class: "order", "aria-labelledby": "order-title" }, heading, form({ content: facts, button, note, submit, beside: leave }));
  return { element, focus: () => heading.focus() };
}
