// Where the link of the mail leads: the account is opened, and its owner signed in.

import { h } from "../dom.js";
import { follow } from "../session.js";

export const title = "Your account";

export async function render(page, { parameters, go }) {
  await follow("/v1/accounts/verify", { token: parameters.get("token") ?? "" });
  page.append(h("h1", {}, "Welcome"), h("p", {}, h("a", { class: "primary", href: "#/profiles" }, "Go on")));
  go("/profiles");
}
