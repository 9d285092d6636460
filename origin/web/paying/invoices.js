// What was charged, newest first, a page at a time.

import { get, query } from "../api.js";
import { formatDay, formatMoney, h } from "../dom.js";

export function invoiceList(first) {
  if (!first.items.length) return null;
  const lines = h("ul", { class: "lines", id: "invoices" }, first.items.map(line));
  const more = h("button", { type: "button" }, "Older invoices");
  let { next } = first;
  more.hidden = !next;
  more.addEventListener("click", async () => {
    const page = await get(query("/v1/invoices", { after: next }));
    lines.append(...page.items.map(line));
    next = page.next;
    more.hidden = !next;
  });
  return h("section", { "aria-labelledby": "invoices-title" }, h("h2", { id: "invoices-title" }, "Invoices"), lines, more);
}

function line(invoice) {
  const words = [formatDay(invoice.at), formatMoney(invoice.total_minor, invoice.currency), invoice.status].join(" · ");
  if (!invoice.url.startsWith("https:")) return h("li", {}, words);
  return h("li", {}, h("a", { href: invoice.url, target: "_blank", rel: "noopener" }, words));
}
