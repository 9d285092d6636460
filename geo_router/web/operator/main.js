import { element } from "./dom.js";
import { Live } from "./live.js";
import { VIEWS } from "./views.js";

const byId = (id) => document.getElementById(id);
const live = new Live();
const mounted = new Map();
let current = null;
let redraw = 0;

function wanted() {
  const [id, ...rest] = location.hash.slice(1).split("/");
  return [VIEWS.find((view) => view.id === id) ?? VIEWS[0], decoded(rest.join("/"))];
}

// Whoever types an address may type anything.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function mount(view) {
  const heading = element("h2", { id: `${view.id}-title`, tabindex: "-1" }, view.title);
  const root = element("div", { class: "view-body" });
  const section = element(
    "section",
    { class: "view", id: `view-${view.id}`, "aria-labelledby": heading.id },
    heading,
    root,
  );
  byId("main").append(section);
  return { view, section, heading, drawn: view.mount(root, live) ?? {} };
}

function show([view, rest], byReader) {
  if (current) {
    current.section.hidden = true;
    current.drawn.hidden?.();
  }
  current = mounted.get(view.id) ?? mount(view);
  mounted.set(view.id, current);
  current.section.hidden = false;
  for (const link of byId("views").querySelectorAll("a")) {
    if (link.hash === `#${view.id}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${view.title} · Cinedge`;
  current.drawn.shown?.(rest);
  draw();
  // Who follows a link goes on reading where it leads.
  if (byReader) current.heading.focus();
}

function draw() {
  redraw = 0;
  if (live.state) current.drawn.update?.(live.state);
}

function drawSoon() {
  // Many changes of one moment are one picture, and none while nobody looks.
  if (!redraw) redraw = requestAnimationFrame(draw);
}

function setPulse() {
  const pulse = byId("pulse");
  const { text, failed } = live.pulse;
  // Screen readers announce every change of a status; only real ones are worth it.
  if (pulse.textContent !== text) pulse.textContent = text;
  pulse.classList.toggle("failed", failed);
  if (live.state?.router) byId("router").textContent = live.state.router;
}

byId("views").append(
  ...VIEWS.map((view) => element("li", {}, element("a", { href: `#${view.id}` }, view.title))),
);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
addEventListener("hashchange", () => show(wanted(), true));
live.addEventListener("change", drawSoon);
live.addEventListener("pulse", setPulse);
show(wanted(), false);
live.start();
