// Joining: an address and a password; the link in the mail does the rest.

import { post } from "../api.js";
import { form, h, say } from "../dom.js";

export const title = "Join";

export async function render(page) {
  page.append(
    h("h1", {}, "Join"),
    form({
      fields: [
        { name: "email", label: "E-mail", type: "email", autocomplete: "username" },
        { name: "password", label: "Password", type: "password", autocomplete: "new-password", minlength: 8 },
      ],
      button: "Send me a link",
      note: "A link comes by mail; it opens your account.",
      submit: async ({ email, password }) => {
        const language = navigator.language ?? "";
        await post("/v1/accounts", { email, password, language }, { signed: false });
        page.replaceChildren(
          h("h1", {}, "Look into your mail"),
          h("p", {}, `A link is on its way to ${email}. It opens your account.`),
        );
        say("A link is on its way.");
      },
    }),
    h("p", {}, h("a", { href: "#/sign-in" }, "I have an account")),
  );
}
