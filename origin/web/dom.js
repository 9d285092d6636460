// Makes elements. Text goes in as text and never as markup, so nothing a title says can be a script.

// h("a", { href: "#/", class: "brand" }, "Cinedge"): attributes by name; `onclick` and its like are
// listeners; a value of false, null or undefined leaves the attribute out; true gives it no value.
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  return add(element, ...children);
}

// Append what is there: null, undefined and false are left out.
export function add(element, ...children) {
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SAID_MS = 6000;
const said = document.getElementById("said");
let saidTimer = 0;

// Tell everybody, also those who do not see the page.
export function say(text) {
  clearTimeout(saidTimer);
  said.textContent = text;
  saidTimer = setTimeout(() => {
    said.textContent = "";
  }, SAID_MS);
}

// A form whose button waits for what `submit` does, and which shows where it failed. `fields` are
// rows of {name, label, type, …attributes}; `content` stands above, `beside` beside the button.
export function form({ fields = [], content = [], button, beside, submit, note }) {
  const problem = h("p", { class: "problem", role: "alert" });
  const send = h("button", { type: "submit", class: "primary" }, button);
  const rows = fields.map(({ label, ...attributes }) =>
    h("label", { class: "field" }, h("span", {}, label), h("input", { required: true, ...attributes })),
  );
  const sending = beside ? h("p", { class: "actions" }, send, beside) : send;
  const element = h("form", { class: "sheet" }, ...content, ...rows, problem, sending, note ? h("p", { class: "quiet" }, note) : null);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    send.disabled = true;
    try {
      await submit(Object.fromEntries(new FormData(element)), element);
    } catch (error) {
      problem.textContent = error.message;
      send.disabled = false;
      (element.querySelector("input") ?? send).focus();
      return;
    }
    send.disabled = false;
  });
  return element;
}

export function formatTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

export function formatDay(epochSeconds) {
  return new Date(epochSeconds * 1000).toLocaleDateString(undefined, { dateStyle: "medium" });
}

export function formatMoney(minor, currency) {
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}
