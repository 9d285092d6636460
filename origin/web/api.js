// Everything the site fetches; views never call fetch themselves. A session's access token is kept
// in memory only: what survives a reload is a cookie that scripts cannot read.

export class Problem extends Error {
  // A problem+json answer (RFC 9457): `code` says which, `status` how HTTP put it.
  constructor(status, body) {
    super(body.detail || `The server answered ${status}.`);
    this.status = status;
    this.code = String(body.type ?? "").split(":").pop();
    this.body = body;
  }
}

let token = "";
let renewing = null;

export function keepToken(text) {
  token = text;
}

async function ask(method, url, { body, signed = true, keepalive = false } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (signed && token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(url, {
    method,
    headers,
    keepalive,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    answer = null;
  }
  if (!response.ok) throw new Problem(response.status, answer ?? {});
  return answer;
}

// One renewal at a time: the cookie is good for one use, and a second one would end the session.
export function renew() {
  renewing ??= ask("POST", "/v1/sessions/refresh", { body: { cookie: true }, signed: false })
    .then((session) => {
      token = session.access_token;
      return session;
    })
    .finally(() => {
      renewing = null;
    });
  return renewing;
}

// Ask with the session, renewed once when its token is out.
export async function call(method, url, options = {}) {
  try {
    return await ask(method, url, options);
  } catch (error) {
    if (error.status !== 401 || !token || options.signed === false) throw error;
    await renew();
    return ask(method, url, options);
  }
}

export const get = (url) => call("GET", url);
export const post = (url, body = {}, options = {}) => call("POST", url, { body, ...options });
export const patch = (url, body) => call("PATCH", url, { body });
export const put = (url, body) => call("PUT", url, { body });
export const remove = (url) => call("DELETE", url);

export function query(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value != null);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

// What viewers get of a title that was packaged; null when there is nothing but the upload.
export async function fetchPackage(id) {
  const page = await get(query("/v1/packaging", { titles: id }));
  return page.items[0]?.published ?? null;
}

export async function fetchPackages(ids) {
  if (!ids.length) return new Map();
  const page = await get(query("/v1/packaging", { titles: ids.join(",") }));
  return new Map(page.items.filter((job) => job.published).map((job) => [job.title, job.published]));
}

// Where to play an object from: {url, edge, site}. Without a router the origin itself plays.
export async function locate(routerUrl, path) {
  if (!routerUrl) return { url: `/v1/content${path}`, edge: "", site: "" };
  const response = await fetch(query(`${routerUrl}/v1/route`, { path }));
  const route = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, route);
  const best = route.edges?.[0];
  const url = route.url || best?.url;
  if (!url) throw new Error("no edge can play this now");
  return { url, edge: best?.name || "", site: best?.site || "" };
}

// How the edge had the first byte at hand, as it says itself (RFC 9211).
export async function fetchCacheStatus(url) {
  const response = await fetch(url, { headers: { Range: "bytes=0-0" }, cache: "no-store" });
  await response.body?.cancel();
  return response.headers.get("Cache-Status") || "";
}

// Messages as they come (Server-Sent Events). EventSource sends no Authorization, so it is read
// here; the caller says when to stop and is told when the stream has ended.
export async function listen(url, { signal, onevent }) {
  const headers = { Accept: "text/event-stream", Authorization: `Bearer ${token}` };
  const response = await fetch(url, { headers, signal });
  if (!response.ok) throw new Problem(response.status, {});
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    waiting += value.replaceAll("\r", "");
    const blocks = waiting.split("\n\n");
    waiting = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n").filter((line) => line.startsWith("data:"));
      if (lines.length) onevent(JSON.parse(lines.map((line) => line.slice(5)).join("\n")));
    }
  }
}
