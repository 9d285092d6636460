// Everything the page fetches. Views never call fetch themselves.

async function getJson(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" } });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Error(problem.detail || `${url} answered ${response.status}`);
  }
  return response.json();
}

export function fetchSite() {
  return getJson("/v1/site");
}

export function fetchTitles(after) {
  const query = new URLSearchParams({ limit: "60" });
  if (after) query.set("after", after);
  return getJson(`/v1/titles?${query}`);
}

// What viewers get of a title that was packaged; null when there is nothing but the upload.
export async function fetchPackage(id) {
  const page = await getJson(`/v1/packaging?${new URLSearchParams({ titles: id })}`);
  return page.items[0]?.published ?? null;
}

// Where to play `media` from: {url, edge, site}. Without a router the origin itself plays.
export async function locate(routerUrl, media) {
  if (!routerUrl) return { url: `/v1/content/${media}`, edge: "", site: "" };
  const query = new URLSearchParams({ path: `/${media}` });
  const route = await getJson(`${routerUrl}/v1/route?${query}`);
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
