// Who watches: choosing, adding and removing profiles.

import { post, remove } from "../api.js";
import { form, h } from "../dom.js";
import { choose, leaveProfile, reloadProfiles, session } from "../session.js";

export const title = "Who watches?";
const AGES = [["Everything", 99], ["Up to 16", 16], ["Up to 12", 12], ["Up to 6", 6]];

export async function render(page, place) {
  const draw = () => page.replaceChildren(h("h1", {}, "Who watches?"), list(place, draw), adding(draw));
  draw();
}

function list({ parameters, go }, draw) {
  const problem = h("p", { class: "problem", role: "alert" });
  const enter = async (profile, pin) => {
    try {
      await choose(profile, pin);
      go(parameters.get("to") ?? "/");
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  const items = session.profiles.map((profile) => {
    const pin = profile.has_pin
      ? h("input", { type: "password", inputmode: "numeric", "aria-label": `PIN of ${profile.name}`, maxlength: 8 })
      : null;
    const current = session.profile?.id === profile.id;
    return h(
      "li",
      { class: "person" },
      h(
        "button",
        { type: "button", "aria-current": current ? "true" : null, onclick: () => enter(profile, pin?.value) },
        h("span", { class: "face", "aria-hidden": "true" }, profile.name.slice(0, 1).toUpperCase()),
        profile.name,
        profile.age_max < 99 && h("small", {}, `up to ${profile.age_max}`),
      ),
      pin,
      session.profiles.length > 1 && removing(profile, draw, problem),
    );
  });
  return h("div", {}, h("ul", { class: "people" }, items), problem);
}

function removing(profile, draw, problem) {
  const erase = async () => {
    if (!confirm(`Remove ${profile.name}, with what was watched?`)) return;
    try {
      await remove(`/v1/profiles/${encodeURIComponent(profile.id)}`);
      if (session.profile?.id === profile.id) leaveProfile();
      await reloadProfiles();
      draw();
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  return h("button", { type: "button", class: "quiet", "aria-label": `Remove ${profile.name}`, onclick: erase }, "Remove");
}

function adding(draw) {
  const ages = h("select", { name: "age_max", "aria-label": "Films for" }, AGES.map(([text, value]) => h("option", { value }, text)));
  const made = form({
    fields: [{ name: "name", label: "Name", type: "text", maxlength: 40, autocomplete: "off" }],
    button: "Add a profile",
    submit: async ({ name, age_max: age }) => {
      await post("/v1/profiles", { name, age_max: Number(age), language: navigator.language ?? "" });
      await reloadProfiles();
      draw();
    },
  });
  made.querySelector("label").after(h("label", { class: "field" }, h("span", {}, "Films for"), ages));
  return h("details", {}, h("summary", {}, "Add a profile"), made);
}
