// The only file that fetches.

async function get(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  const answer = await fetch(query ? `${path}?${query}` : path, {
    cache: "no-store",
    signal: AbortSignal.timeout(5000),
  });
  const body = await answer.json();
  if (!answer.ok) {
    throw new Error(body.detail ?? `answered ${answer.status}`);
  }
  return body;
}

export function fetchFleet() {
  return get("/v1/fleet");
}

export function fetchExplanation(path, ip) {
  return get("/v1/explain", ip ? { path, ip } : { path });
}
