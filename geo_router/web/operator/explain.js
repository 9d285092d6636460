import { fetchExplanation } from "./api.js";
import { element } from "./dom.js";

function placeText(place) {
  const where = place.site
    ? `site ${place.site}`
    : `${place.latitude}, ${place.longitude}${place.country ? ` (${place.country})` : ""}`;
  const matched = place.matched ? `, matched ${place.matched}` : "";
  return `${place.address ?? "no address"} (said by ${place.said_by}) is at ${where}, by ${place.source}${matched}.`;
}

function rankedItem(edge) {
  return element(
    "li",
    {},
    element("strong", {}, edge.name),
    ` in ${edge.site}, ${edge.distance_km === null ? "distance unknown" : `${edge.distance_km} km`}: ${edge.reasons.join("; ")}`,
  );
}

function explanationParts(explanation) {
  const best = explanation.url
    ? element("p", { class: "best" }, "Goes to ", element("code", {}, explanation.url), ` (rung: ${explanation.rung})`)
    : element("p", { class: "best failed" }, "No edge can take this viewer now.");
  const ranked = element("ol", {}, ...explanation.edges.map(rankedItem));
  const parts = [best, element("p", {}, placeText(explanation.place)), ranked];
  if (explanation.passed_over.length > 0) {
    const passed = explanation.passed_over.map((edge) =>
      element("li", {}, element("strong", {}, edge.name), ` in ${edge.site}: ${edge.reason}`),
    );
    parts.push(element("h3", {}, "Passed over"), element("ul", {}, ...passed));
  }
  return parts;
}

function field(id, label, attributes, wide = false) {
  return element(
    "div",
    { class: wide ? "field wide" : "field" },
    element("label", { for: id }, label),
    element("input", { id, name: id, autocomplete: "off", spellcheck: "false", ...attributes }),
  );
}

export const explain = {
  id: "explain",
  title: "Explain",

  mount(root) {
    const said = element("div", { id: "explanation", "aria-live": "polite" });
    const form = element(
      "form",
      { id: "explain" },
      field("ip", "Viewer's address", { placeholder: "empty: yours" }),
      field(
        "path",
        "Path of the object",
        { required: "", pattern: "/.*", value: "/films/demo.mp4", title: "begins with a slash" },
        true,
      ),
      element("button", { type: "submit" }, "Explain"),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const given = new FormData(form);
      try {
        const explanation = await fetchExplanation(given.get("path"), given.get("ip").trim());
        said.replaceChildren(...explanationParts(explanation));
      } catch (error) {
        said.replaceChildren(element("p", { class: "failed" }, error.message));
      }
    });
    root.append(
      element("p", { class: "lead" }, "Where a viewer is sent for an object now, and why, by the code that decides."),
      form,
      said,
    );
    return {};
  },
};
