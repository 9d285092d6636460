// Messages, newest first, and which of them also come by mail.

import { get, post, put } from "../api.js";
import { add, formatDay, h } from "../dom.js";
import { onMessage } from "./bell.js";

export const title = "Inbox";

export async function render(page, { onLeave }) {
  const list = h("ul", { class: "lines" });
  const found = await get("/v1/inbox");
  list.append(...found.items.map(line));
  add(page, h("h1", {}, "Inbox"), list, !found.items.length && h("p", { class: "quiet" }, "Nothing yet."));
  onLeave(onMessage((message) => list.prepend(line(message))));
  add(page, await preferences());
}

function line(message) {
  const made = h(
    "li",
    { class: message.read ? "" : "unread" },
    h("strong", {}, message.title),
    h("p", {}, message.text),
    h("small", {}, formatDay(message.at)),
  );
  if (!message.read) {
    const read = async () => {
      await post(`/v1/inbox/${message.number}/read`);
      made.classList.remove("unread");
      button.remove();
    };
    const button = h("button", { type: "button", class: "quiet", onclick: read }, "Read");
    made.append(button);
  }
  return made;
}

async function preferences() {
  const kept = await get("/v1/notifications/preferences");
  const boxes = kept.items.map((item) => {
    const change = async () => {
      const { kind, channel } = item;
      await put("/v1/notifications/preferences", { items: [{ kind, channel, wanted: box.checked }] });
    };
    const box = h("input", { type: "checkbox", checked: item.wanted, disabled: item.fixed, onchange: change });
    return h("label", { class: "choice" }, box, ` ${item.kind} by ${item.channel}`);
  });
  return h("details", {}, h("summary", {}, "What you are told"), boxes);
}
