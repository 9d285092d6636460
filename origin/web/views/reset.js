// A new password: ask for the link, or, with the token of the link, choose it.

import { post } from "../api.js";
import { form, h } from "../dom.js";
import { follow } from "../session.js";

export const title = "New password";

export async function render(page, { parameters, go }) {
  const token = parameters.get("token");
  page.append(h("h1", {}, "A new password"), token ? choose(token, go) : ask(page));
}

function ask(page) {
  return form({
    fields: [{ name: "email", label: "E-mail", type: "email", autocomplete: "username" }],
    button: "Send me a link",
    submit: async ({ email }) => {
      await post("/v1/accounts/reset", { email }, { signed: false });
      page.replaceChildren(
        h("h1", {}, "Look into your mail"),
        h("p", {}, `If ${email} has an account here, a link is on its way.`),
      );
    },
  });
}

function choose(token, go) {
  return form({
    fields: [
      { name: "password", label: "New password", type: "password", autocomplete: "new-password", minlength: 8 },
    ],
    button: "Keep it",
    submit: async ({ password }) => {
      await follow("/v1/accounts/reset/confirm", { token, password });
      go("/");
    },
  });
}
