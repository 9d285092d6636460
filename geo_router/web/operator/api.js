// The only file that fetches.

const PATIENCE_MS = 5000;

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

// `token` is a bearer token for questions that this router passes on to an origin.
async function get(path, parameters = {}, token = "") {
  const query = new URLSearchParams(parameters).toString();
  const answer = await fetch(query ? `${path}?${query}` : path, {
    cache: "no-store",
    headers: token ? { Authorization: `Bearer ${token}` } : {},
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const body = await answer.json();
  if (!answer.ok) {
    throw new Refused(answer.status, body.detail ?? body.title ?? `answered ${answer.status}`);
  }
  return body;
}

export function fetchFleet() {
  return get("/v1/fleet");
}

export function fetchExplanation(path, ip) {
  return get("/v1/explain", ip ? { path, ip } : { path });
}
