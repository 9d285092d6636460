// The site: finds out what this origin offers, then shows the view that the address names.
//
// Addresses are fragments (#/title/ID), so that the whole site is one page and a film that plays is
// left only when its viewer leaves it.

import { get } from "./api.js";
import { h, say } from "./dom.js";
import { onChange, resume, session } from "./session.js";
import { countUnread, startInbox } from "./views/bell.js";

const VIEWS = [
  [/^\/$/, () => import("./views/home.js")],
  [/^\/search$/, () => import("./views/search.js")],
  [/^\/title\/([^/]+)$/, () => import("./views/title.js")],
  [/^\/watch\/([^/]+)$/, () => import("./views/watch.js")],
  [/^\/sign-in$/, () => import("./views/sign-in.js")],
  [/^\/register$/, () => import("./views/register.js")],
  [/^\/verify$/, () => import("./views/verify.js")],
  [/^\/reset$/, () => import("./views/reset.js")],
  [/^\/profiles$/, () => import("./views/profiles.js")],
  [/^\/account$/, () => import("./views/account.js")],
  [/^\/plans$/, () => import("./views/plans.js")],
  [/^\/inbox$/, () => import("./views/inbox.js")],
  [/^\/runs$/, () => import("./views/runs/list.js")],
  [/^\/runs\/compare$/, () => import("./views/runs/compare.js")],
  [/^\/runs\/([^/]+)$/, () => import("./views/runs/one.js")],
];
const WITHOUT_PROFILE = /^\/(profiles|account|plans|inbox|runs(\/.*)?)$/;
const WITHOUT_SESSION = /^\/(sign-in|register|verify|reset|search|title\/.*)?$/;
const TYPED_MS = 150;

const view = document.getElementById("view");
const menu = document.getElementById("menu");
const searchField = document.getElementById("query");

const site = { router_url: "", service: false, plans: false, hls_player: "" };
let leave = () => {};
let shown = 0;
let typed = 0;

export function go(path) {
  location.hash = path;
}

function where() {
  const [path, search = ""] = (location.hash.slice(1) || "/").split("?");
  return { path, parameters: new URLSearchParams(search) };
}

async function show() {
  const { path, parameters } = where();
  if (!path.startsWith("/")) return;
  if (site.service && mustSignIn(path)) return;
  // Who has chosen a film meanwhile is not taken back to the results of the last letters.
  clearTimeout(typed);
  const found = VIEWS.map(([pattern, load]) => [pattern.exec(path), load]).find(([match]) => match);
  const turn = ++shown;
  leave();
  leave = () => {};
  if (!found) {
    view.replaceChildren(h("h1", {}, "Nothing is here"), h("p", {}, h("a", { href: "#/" }, "To the films")));
    return;
  }
  const [match, load] = found;
  const leaving = [];
  const place = {
    site,
    parameters,
    argument: decodeURIComponent(match[1] ?? ""),
    // A view that waited for an answer takes nobody away from where they went meanwhile.
    go: (to) => turn === shown && go(to),
    onLeave: (call) => leaving.push(call),
  };
  leave = () => leaving.forEach((call) => call());
  const page = h("div", { class: "page" });
  try {
    const { render, title } = await load();
    if (turn !== shown) return;
    document.title = `${title} – Cinedge`;
    view.replaceChildren(page);
    await render(page, place);
  } catch (error) {
    if (turn === shown) showFailure(page, error);
  }
  if (turn === shown && !parameters.has("q")) {
    view.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
}

// A film may be looked at by everybody; to watch it somebody has to be there, and a profile chosen.
function mustSignIn(path) {
  if (WITHOUT_SESSION.test(path)) return false;
  if (!session.signedIn) go(`/sign-in?to=${encodeURIComponent(path)}`);
  else if (!session.profile && !WITHOUT_PROFILE.test(path))
    go(`/profiles?to=${encodeURIComponent(path)}`);
  else return false;
  return true;
}

function showFailure(page, error) {
  view.replaceChildren(page);
  page.replaceChildren(
    h("h1", {}, "This did not work"),
    h("p", { class: "problem", role: "alert" }, error.message),
    h("button", { type: "button", onclick: show }, "Try again"),
  );
}

function drawMenu() {
  const link = (path, text) => h("a", { href: `#${path}` }, text);
  if (!site.service) menu.replaceChildren();
  else if (!session.signedIn) menu.replaceChildren(link("/sign-in", "Sign in"), link("/register", "Join"));
  else {
    const unread = countUnread();
    const inbox = link("/inbox", unread ? `Inbox (${unread})` : "Inbox");
    const name = session.profile?.name ?? "Who watches?";
    const plans = site.plans ? [link("/plans", "Plans")] : [];
    menu.replaceChildren(...plans, inbox, link("/profiles", name), link("/account", "Account"));
  }
}

searchField.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(() => {
    const text = searchField.value.trim();
    if (text) location.replace(`#/search?${new URLSearchParams({ q: text })}`);
    else if (where().path === "/search") go("/");
  }, TYPED_MS);
});
document.getElementById("search").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  searchField.focus();
});
window.addEventListener("hashchange", show);
onChange(drawMenu);

try {
  Object.assign(site, await get("/v1/site"));
} catch (error) {
  say(`The service is not known: ${error.message}`);
}
document.getElementById("search").hidden = !site.service;
if (site.service) {
  await resume();
  startInbox(drawMenu);
}
drawMenu();
await show();
