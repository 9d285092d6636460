// The account: address, password, devices, what is kept, and the end.

import { get, patch, remove } from "../api.js";
import { form, formatDay, h, say } from "../dom.js";
import { forget, session, signOut } from "../session.js";

export const title = "Account";

const OPERATORS = ["operator", "admin"];

export async function render(page, { go }) {
  const [me, devices] = await Promise.all([get("/v1/accounts/me"), get("/v1/sessions")]);
  page.append(
    h("h1", {}, "Account"),
    h("p", {}, me.email, " · since ", formatDay(me.created_at)),
    OPERATORS.includes(me.role) ? h("p", {}, h("a", { href: "#/runs" }, "Recommendation runs")) : "",
    h("h2", {}, "Devices"),
    h("ul", { class: "lines" }, devices.items.map((each) => device(each))),
    h(
      "p",
      { class: "actions" },
      h("button", { type: "button", onclick: () => leave(go, false) }, "Sign out"),
      h("button", { type: "button", onclick: () => leave(go, true) }, "Sign out everywhere"),
    ),
    h("h2", {}, "Password"),
    changing(),
    h("h2", {}, "Your data"),
    h("p", { class: "actions" }, h("button", { type: "button", onclick: save }, "Save all that is kept of you")),
    h("details", {}, h("summary", {}, "Delete the account"), deleting(go)),
  );
}

function device(each) {
  const line = h("li", {}, each.device || "A device", " · ", formatDay(each.seen_at), each.current ? " · this one" : "");
  if (!each.current) {
    const out = async () => {
      await remove(`/v1/sessions/${encodeURIComponent(each.id)}`);
      line.remove();
      say("Signed out there.");
    };
    line.append(h("button", { type: "button", class: "quiet", onclick: out }, "Sign out"));
  }
  return line;
}

async function leave(go, everywhere) {
  await signOut(everywhere);
  go("/");
}

function changing() {
  return form({
    fields: [
      { name: "current_password", label: "Present password", type: "password", autocomplete: "current-password" },
      { name: "password", label: "New password", type: "password", autocomplete: "new-password", minlength: 8 },
    ],
    button: "Change it",
    submit: async (given, element) => {
      await patch("/v1/accounts/me", given);
      element.reset();
      say("The password is changed.");
    },
  });
}

async function save() {
  const kept = await get("/v1/accounts/me/export");
  const file = URL.createObjectURL(new Blob([JSON.stringify(kept, null, 2)], { type: "application/json" }));
  h("a", { href: file, download: "my-data.json" }).click();
  URL.revokeObjectURL(file);
}

function deleting(go) {
  return form({
    fields: [{ name: "password", label: "Password", type: "password", autocomplete: "current-password" }],
    button: "Delete it for good",
    note: `Profiles, history and subscription of ${session.profiles.length} profiles go with it.`,
    submit: async ({ password }) => {
      const { call } = await import("../api.js");
      await call("DELETE", "/v1/accounts/me", { body: { password } });
      forget();
      go("/");
    },
  });
}
