// Takes cards, and has payers confirm what their bank wants confirmed, by Stripe's own script: number
// and code go from its fields to Stripe, and we get an id. The script is loaded once a card is asked
// for, and never before.

import { get, post } from "../api.js";
import { h } from "../dom.js";

const NOT_LOADED = "What takes cards could not be loaded. Try again in a while.";
const NOT_TAKEN = "The card could not be taken. Look over what you wrote.";
const NOT_CONFIRMED = "The payment was not confirmed.";
const LOOK = { style: { base: { color: "#f0f2f6", fontSize: "16px", "::placeholder": { color: "#a8b2c0" } } } };

let loading = null;

function load() {
  loading ??= open().catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function open() {
  const page = await get("/v1/payments/page");
  if (!page.publishable_key) throw new Error("No card can be taken here: the service has no publishable key.");
  if (!window.Stripe) await run(page.script_url);
  return window.Stripe(page.publishable_key);
}

function run(url) {
  return new Promise((resolve, reject) => {
    const script = h("script", { src: url, onload: resolve });
    script.addEventListener("error", () => {
      script.remove();
      reject(new Error(NOT_LOADED));
    });
    document.head.append(script);
  });
}

// Fields for a card inside an element of ours; `save` gives the card to Stripe and has it charged
// from now on.
export async function takeCard(place) {
  const stripe = await load();
  const fields = stripe.elements().create("card", LOOK);
  fields.mount(place);
  return {
    save: async () => {
      const { client_secret: secret } = await post("/v1/payment-methods/setup");
      const { error, setupIntent } = await stripe.confirmCardSetup(secret, { payment_method: { card: fields } });
      if (error) throw new Error(wordsOf(error, NOT_TAKEN));
      await post("/v1/payment-methods", { payment_method: setupIntent.payment_method });
    },
  };
}

// The payment that the subscription waits for; null when there is none.
export async function findPayment() {
  try {
    return await get("/v1/subscription/payment");
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

// Have the payer confirm a payment. What the script says of it is for the payer alone: the server
// looks for itself.
export async function confirmPayment({ client_secret: secret }) {
  const stripe = await load();
  const { error, paymentIntent } = await stripe.confirmCardPayment(secret);
  await post("/v1/subscription/payment");
  if (error) throw new Error(wordsOf(error, NOT_CONFIRMED));
  if (paymentIntent.status === "requires_payment_method")
    throw new Error(paymentIntent.last_payment_error?.message || NOT_CONFIRMED);
}

// What Stripe tells is for the payer; an exception of its script is for nobody.
function wordsOf(error, otherwise) {
  return error instanceof Error ? otherwise : error.message || otherwise;
}
