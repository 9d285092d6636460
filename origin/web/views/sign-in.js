// Signing in; afterwards on to where the viewer wanted to go.

import { form, h } from "../dom.js";
import { signIn } from "../session.js";

export const title = "Sign in";

export async function render(page, { parameters, go }) {
  page.append(
    h("h1", {}, "Sign in"),
    form({
      fields: [
        { name: "email", label: "E-mail", type: "email", autocomplete: "username" },
        { name: "password", label: "Password", type: "password", autocomplete: "current-password" },
      ],
      button: "Sign in",
      submit: async ({ email, password }) => {
        await signIn(email, password);
        go(parameters.get("to") ?? "/");
      },
    }),
    h("p", {}, h("a", { href: "#/reset" }, "Password forgotten?"), " · ", h("a", { href: "#/register" }, "Join")),
  );
}
