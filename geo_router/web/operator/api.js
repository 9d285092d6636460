// The only file that fetches.

const PATIENCE_MS = 5000;
let token = "";

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }

  // Whether another token could help.
  get wantsToken() {
    return this.status === 401 || this.status === 403;
  }
}

// From now on this bearer token goes with what only operators may ask. It is kept nowhere else.
export function useToken(secret) {
  token = secret;
}

async function get(path, parameters = {}, { guarded = false } = {}) {
  const query = new URLSearchParams(parameters).toString();
  const answer = await fetch(query ? `${path}?${query}` : path, {
    cache: "no-store",
    headers: guarded && token ? { Authorization: `Bearer ${token}` } : {},
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const body = await answer.json();
  if (!answer.ok) {
    throw new Refused(answer.status, body.detail ?? body.title ?? `answered ${answer.status}`);
  }
  return body;
}

export function fetchHistory() {
  return get("/v1/overview/history");
}

export function fetchTitles() {
  return get("/v1/overview/titles", {}, { guarded: true });
}

export function fetchOrders(kind, limit = 20) {
  return get("/v1/overview/orders", { kind, limit }, { guarded: true });
}

export function fetchCosts(parameters) {
  return get("/v1/overview/costs", parameters, { guarded: true });
}

export function fetchExplanation(path, ip) {
  return get("/v1/explain", ip ? { path, ip } : { path });
}

// Events of the router, each handed on as (name, data); `failed` hears when the link is lost, which
// the browser mends by itself unless it gave up. Returns what ends it.
export function followEvents(names, heard, failed) {
  const source = new EventSource("/v1/overview/events");
  for (const name of names) {
    source.addEventListener(name, (event) => heard(name, JSON.parse(event.data)));
  }
  source.addEventListener("error", () => failed(source.readyState === EventSource.CLOSED));
  return () => source.close();
}
