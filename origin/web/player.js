// The player page: a list of titles, one video, and a note of who serves it.
//
// When the source fails or stalls, the router is asked again and the film goes on where it was.

import { fetchCacheStatus, fetchPackage, fetchSite, fetchTitles, locate } from "./api.js";

const STALL_MS = 6000;
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

const byId = (id) => document.getElementById(id);
const video = byId("video");

const state = {
  routerUrl: "",
  title: null,
  media: "",
  source: null,
  attempt: 0,
  resumeAt: 0,
  switching: false,
  next: null,
  stallTimer: 0,
  retryTimer: 0,
};

function describe(source) {
  if (!source.edge) return state.routerUrl ? "Served by an edge" : "Served by the origin";
  return source.site ? `Served by ${source.edge} (${source.site})` : `Served by ${source.edge}`;
}

async function showCacheStatus(source) {
  byId("cache-status").textContent = "…";
  let text;
  try {
    text = (await fetchCacheStatus(source.url)) || "not said";
  } catch {
    text = "not known";
  }
  if (state.source === source) byId("cache-status").textContent = text;
}

function load(source, at, wantsPlay) {
  state.source = source;
  state.resumeAt = at;
  byId("served").textContent = describe(source);
  // The browser's own HLS reads segments of another origin only when asked to do so openly.
  if (source.url.endsWith(".m3u8")) video.crossOrigin = "anonymous";
  else video.removeAttribute("crossorigin");
  video.src = source.url;
  video.load();
  if (wantsPlay) video.play().catch(() => {});
  showCacheStatus(source);
}

// The package's playlist where the browser plays HLS by itself and there is something to choose
// from, else the package's film, else the upload.
async function chooseMedia(title) {
  const made = await fetchPackage(title.id);
  if (!made) return title.media;
  const adapts = made.video.length > 1 && video.canPlayType("application/vnd.apple.mpegurl");
  return adapts ? made.hls : made.progressive;
}

async function play(title) {
  clearTimeout(state.retryTimer);
  clearTimeout(state.stallTimer);
  state.title = title;
  state.attempt = 0;
  state.switching = false;
  state.source = null;
  state.media = title.media;
  state.resumeAt = 0;
  byId("stage").hidden = false;
  byId("playing").textContent = title.title;
  byId("about").textContent = typeof title.description === "string" ? title.description : "";
  byId("notice").textContent = "";
  byId("served").textContent = "Finding the nearest edge…";
  markCurrent(title.id);
  byId("playing").focus({ preventScroll: true });
  byId("stage").scrollIntoView({ block: "start" });
  video.pause();
  try {
    const media = await chooseMedia(title);
    const source = await locate(state.routerUrl, media);
    if (state.title !== title) return;
    state.media = media;
    load(source, 0, true);
  } catch (error) {
    if (state.title === title) recover(`Cannot start: ${error.message}`);
  }
}

// Ask the router again and go on at the same second; wait longer after each failure in a row.
function recover(reason) {
  const title = state.title;
  if (!title || state.switching) return;
  if (state.attempt >= RETRY_MS.length) {
    byId("notice").textContent = `${reason}. Choose the film again to retry.`;
    return;
  }
  state.switching = true;
  clearTimeout(state.stallTimer);
  const before = state.source;
  const at = video.seeking ? video.currentTime : state.resumeAt;
  const wantsPlay = !before || !video.paused;
  const delay = state.attempt === 0 ? 0 : RETRY_MS[state.attempt];
  state.attempt += 1;
  byId("notice").textContent = `${reason}. Asking for another source…`;
  state.retryTimer = setTimeout(async () => {
    let source;
    try {
      source = await locate(state.routerUrl, state.media);
    } catch (error) {
      if (state.title !== title) return;
      state.switching = false;
      recover(`No source: ${error.message}`);
      return;
    }
    if (state.title !== title) return;
    state.switching = false;
    load(source, at, wantsPlay);
    noteSwitch(before, source, at);
  }, delay);
}

function noteSwitch(before, source, at) {
  const place = formatTime(at);
  const moved = before && before.edge !== source.edge;
  byId("notice").textContent = moved
    ? `Switched from ${before.edge} to ${source.edge} at ${place}.`
    : `Reconnected at ${place}.`;
}

function formatTime(seconds) {
  const whole = Math.floor(seconds);
  const pad = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

function watchForStall() {
  clearTimeout(state.stallTimer);
  const at = video.currentTime;
  const bufferedBefore = bufferedEnd();
  state.stallTimer = setTimeout(() => {
    const waits = !video.paused && !video.ended && video.currentTime === at;
    if (!waits) return;
    // A slow line that still delivers is not cured by another edge.
    if (bufferedEnd() > bufferedBefore) watchForStall();
    else recover("The stream stalled");
  }, STALL_MS);
}

function bufferedEnd() {
  const { buffered } = video;
  return buffered.length ? buffered.end(buffered.length - 1) : 0;
}

function markCurrent(id) {
  for (const button of document.querySelectorAll("#titles button")) {
    if (button.dataset.id === id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

function titleItem(title) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.id = title.id;
  button.append(title.title);
  const facts = document.createElement("small");
  facts.textContent = title.media ? String(title.year ?? "Play") : "Not available yet";
  button.append(facts);
  button.disabled = !title.media;
  button.addEventListener("click", () => play(title));
  item.append(button);
  return item;
}

async function showMore() {
  const status = byId("list-status");
  byId("more").disabled = true;
  try {
    const page = await fetchTitles(state.next);
    byId("titles").append(...page.items.map(titleItem));
    state.next = page.next;
    status.textContent = byId("titles").childElementCount ? "" : "There are no films yet.";
    byId("more").hidden = page.next === null;
  } catch (error) {
    status.textContent = `The list cannot be loaded: ${error.message}`;
    byId("more").hidden = false;
  }
  byId("more").disabled = false;
}

video.addEventListener("error", () => {
  if (state.source) recover("The source failed");
});
video.addEventListener("waiting", watchForStall);
video.addEventListener("stalled", watchForStall);
video.addEventListener("playing", () => clearTimeout(state.stallTimer));
video.addEventListener("loadedmetadata", () => {
  if (state.resumeAt > 0) video.currentTime = state.resumeAt;
});
video.addEventListener("timeupdate", () => {
  // A new source starts at 0 until it knows its length: that is no position of the viewer's.
  if (video.seeking || video.readyState < 2) return;
  // Real progress: the next failure starts counting from one again.
  if (video.currentTime > state.resumeAt && !video.paused) state.attempt = 0;
  state.resumeAt = video.currentTime;
});
byId("more").addEventListener("click", showMore);

try {
  state.routerUrl = (await fetchSite()).router_url;
} catch (error) {
  byId("notice").textContent = `The router is not known: ${error.message}`;
}
await showMore();
