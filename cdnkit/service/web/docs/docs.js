// Draws the OpenAPI document of this origin and sends requests as its operations describe.

const $ = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function resolve(api, schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? api.components.schemas[name] : schema;
}

// A schema in one line, as people write types.
function word(schema) {
  if (!schema || Object.keys(schema).length === 0) return "anything";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  const several = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (several) return several.map(word).join(" | ");
  if (schema.type === "array") return `${word(schema.items)}[]`;
  const bounds = [
    ["minimum", "≥ "], ["maximum", "≤ "], ["maxLength", "length ≤ "], ["pattern", "matches "],
  ].filter(([key]) => schema[key] !== undefined).map(([key, sign]) => sign + schema[key]);
  return [schema.type ?? "anything", ...bounds].join(", ");
}

function row(...cells) {
  return make("tr", {}, ...cells.map((cell) => make("td", {}, cell)));
}

function members(api, schema, seen = []) {
  const found = resolve(api, schema);
  if (!found?.properties) return make("code", { textContent: word(found) });
  const table = make("table");
  for (const [name, member] of Object.entries(found.properties)) {
    const required = (found.required ?? []).includes(name);
    const inner = member.items ?? member;
    const target = inner.$ref ?? (member.anyOf ?? []).find((each) => each.$ref)?.$ref;
    const deeper = target && !seen.includes(target)
      ? make("details", {}, make("summary", { textContent: word(member) }),
        members(api, { $ref: target }, [...seen, target]))
      : make("code", { textContent: word(member) });
    const about = make("div", { className: "muted", textContent: member.description ?? "" });
    table.append(row(make("code", { textContent: name + (required ? "" : "?") }),
      make("div", {}, deeper, about)));
  }
  return table;
}

function contents(api, content) {
  return Object.entries(content ?? {}).map(([type, { schema }]) =>
    make("div", {}, make("code", { textContent: type }), members(api, schema)));
}

function answers(api, responses) {
  const table = make("table");
  for (const [status, answer] of Object.entries(responses)) {
    const fields = Object.entries(answer.headers ?? {}).map(([name, { description }]) =>
      make("div", {}, make("code", { textContent: name }), ` ${description}`));
    const told = Object.keys(answer.content ?? {}).some((type) => type.includes("problem"))
      ? [] : contents(api, answer.content);
    table.append(row(make("strong", { textContent: status }),
      make("div", {}, make("div", { textContent: answer.description }), ...fields, ...told)));
  }
  return table;
}

function field(parameter) {
  const input = make("input", { name: parameter.name });
  input.dataset.place = parameter.in;
  input.required = parameter.required;
  const about = `${word(parameter.schema)} ${parameter.description ?? ""}`;
  return row(make("code", { textContent: parameter.name + (parameter.required ? "" : "?") }),
    make("span", { textContent: parameter.in }), input,
    make("span", { className: "muted", textContent: about }));
}

function request(path, method, form, type) {
  let target = path;
  const query = new URLSearchParams();
  const headers = {};
  for (const input of form.querySelectorAll("input[data-place]")) {
    if (input.value === "") continue;
    if (input.dataset.place === "path") {
      // Object keys have slashes that mean what they are.
      target = target.replace(`{${input.name}}`,
        encodeURIComponent(input.value).replaceAll("%2F", "/"));
    } else if (input.dataset.place === "query") query.set(input.name, input.value);
    else headers[input.name] = input.value;
  }
  if ($("token").value) headers.Authorization = `Bearer ${$("token").value}`;
  const body = form.querySelector("textarea")?.value;
  if (body && type !== "*/*") headers["Content-Type"] = type;
  const asked = query.size ? `${target}?${query}` : target;
  return fetch(asked, { method: method.toUpperCase(), headers, body: body || undefined });
}

async function shown(answer) {
  const type = answer.headers.get("Content-Type") ?? "";
  const head = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  let body = "";
  if (/json/.test(type)) body = JSON.stringify(await answer.json(), null, 2);
  else if (/^text\//.test(type)) body = await answer.text();
  else if (type) body = `(${(await answer.blob()).size} bytes of ${type})`;
  return `${answer.status} ${answer.statusText}\n${head}\n\n${body}`;
}

function trial(path, method, operation) {
  const type = Object.keys(operation.requestBody?.content ?? {})[0];
  const form = make("form");
  const table = make("table");
  table.append(...operation.parameters.map(field));
  form.append(table);
  if (type) form.append(make("textarea", { placeholder: type, ariaLabel: "body" }));
  const result = make("pre", { hidden: true });
  form.append(make("button", { textContent: "Send" }));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    result.hidden = false;
    result.textContent = "…";
    try {
      result.textContent = await shown(await request(path, method, form, type));
    } catch (error) {
      result.textContent = String(error);
    }
  });
  return make("div", {}, make("h3", { textContent: "Ask" }), form, result);
}

function drawn(api, path, method, operation) {
  const scope = operation.security?.[0]?.token?.[0];
  const summary = make("summary", {},
    make("span", { className: "method", textContent: method.toUpperCase() }),
    make("span", { className: "path", textContent: path }),
    make("span", { className: "muted", textContent: ` ${operation.summary} ` }),
    scope ? make("span", { className: "scope", textContent: scope }) : null);
  const details = make("details", { className: "operation", id: operation.operationId }, summary);
  details.dataset.words = `${method} ${path} ${operation.summary}`.toLowerCase();
  // Drawn when it is opened: most never are.
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) return;
    details.append(make("div", {},
      make("p", { textContent: operation.description ?? "" }),
      trial(path, method, operation),
      ...(operation.requestBody
        ? [make("h3", { textContent: "Body" }), ...contents(api, operation.requestBody.content)]
        : []),
      make("h3", { textContent: "Answers" }), answers(api, operation.responses)));
  });
  return details;
}

function draw(api) {
  document.title = api.info.title;
  $("title").textContent = `${api.info.title} ${api.info.version}`;
  $("about").textContent = api.info.description;
  const sections = new Map(api.tags.map(({ name }) =>
    [name, make("section", {}, make("h2", { textContent: name }))]));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      sections.get(operation.tags[0]).append(drawn(api, path, method, operation));
    }
  }
  $("operations").replaceChildren(...sections.values());
}

function filter() {
  const wanted = $("find").value.toLowerCase().split(/\s+/);
  for (const section of document.querySelectorAll("main section")) {
    let some = false;
    for (const each of section.querySelectorAll("details.operation")) {
      each.hidden = !wanted.every((word) => each.dataset.words.includes(word));
      some ||= !each.hidden;
    }
    section.hidden = !some;
  }
}

$("find").addEventListener("input", filter);
$("settings").addEventListener("submit", (event) => event.preventDefault());
try {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error(`the document answers ${answer.status}`);
  draw(await answer.json());
  const named = document.getElementById(location.hash.slice(1));
  if (named) { named.open = true; named.scrollIntoView(); }
} catch (error) {
  $("operations").textContent = `The document cannot be read: ${error.message}`;
}
