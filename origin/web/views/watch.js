// One film plays. With the film service, a playback is asked for first, kept alive by heartbeats
// and given back at the end; without it, the film plays from the nearest edge or the origin.

import { call, fetchCacheStatus, fetchPackage, get, locate, post } from "../api.js";
import { formatTime, h } from "../dom.js";
import { openEngine } from "../player/engine.js";
import { bindKeys } from "../player/keys.js";
import { showChoices } from "../player/choices.js";
import { keepAlive } from "../player/lease.js";
import { watchOver } from "../player/recovery.js";
import { deviceName } from "../session.js";

export const title = "Watch";

export async function render(page, place) {
  const { site, argument, onLeave } = place;
  const film = await get(`/v1/titles/${encodeURIComponent(argument)}`);
  document.title = `${film.title} – Cinedge`;
  const made = await fetchPackage(film.id).catch(() => null);
  const stage = drawStage(page, film);
  if (!film.media) {
    stage.note("This film is not available yet.");
    return;
  }
  let playback = null;
  if (site.service) {
    try {
      playback = await post("/v1/playback", { title_id: film.id, device: deviceName() });
    } catch (error) {
      showRefusal(stage, error);
      return;
    }
  }
  const engine = await openEngine(stage.video, { site, film, made, playback });
  const lease = playback ? keepAlive(playback, stage.video, (text) => stop(text)) : null;
  const recovery = watchOver(stage.video, {
    find: () => locate(site.router_url, engine.path),
    load: (source, at, plays) => engine.load(source, at, plays),
    note: stage.note,
    shown: (source) => showSource(stage, site, source),
  });
  engine.onfatal = (reason, status) => {
    if (playback && (status === 403 || status === 451)) stop("This film may not be watched any longer.");
    else recovery.recover(reason);
  };
  const unbind = bindKeys(stage.video);
  const stop = (text) => {
    recovery.stop();
    engine.stop();
    lease?.end();
    stage.note(text);
  };
  onLeave(() => {
    unbind();
    recovery.stop();
    engine.stop();
    lease?.end();
  });
  showChoices(stage.choices, stage.video, engine);
  await recovery.start(playback?.position_seconds ?? 0);
}

function drawStage(page, film) {
  const video = h("video", { controls: true, playsinline: true, preload: "metadata", "aria-label": film.title });
  const notice = h("p", { id: "notice", role: "status", "aria-live": "polite" });
  const served = h("dd", { id: "served", role: "status" }, "Finding the nearest edge…");
  const cache = h("code", { id: "cache-status" }, "–");
  const choices = h("div", { class: "choices" });
  page.classList.add("watching");
  page.append(
    h("p", {}, h("a", { href: `#/title/${encodeURIComponent(film.id)}` }, "← About the film")),
    h("h1", {}, film.title),
    video,
    choices,
    notice,
    h("dl", { class: "facts" }, h("div", {}, h("dt", {}, "Source"), served), h("div", {}, h("dt", {}, "Cache"), h("dd", {}, cache))),
    h("p", { class: "quiet keys" }, "Keys: space plays and pauses, ← → jump 10 s, ↑ ↓ loudness, m mutes, f fills the screen, c subtitles"),
  );
  return {
    video, choices, served, cache,
    refuse: (...words) => page.replaceChildren(page.firstChild, page.querySelector("h1"), h("div", {}, words)),
    note: (text) => {
      notice.textContent = text;
    },
  };
}

async function showSource(stage, site, source) {
  const { edge, site: place } = source;
  if (!edge) stage.served.textContent = site.router_url ? "Served by an edge" : "Served by the origin";
  else stage.served.textContent = place ? `Served by ${edge} (${place})` : `Served by ${edge}`;
  stage.cache.textContent = "…";
  const said = await fetchCacheStatus(source.url).catch(() => "not known");
  stage.cache.textContent = said || "not said";
}

const REFUSALS = {
  "no-plan": ["This film needs a plan.", "#/plans", "See the plans"],
  plan: ["Your plan does not have this film.", "#/plans", "Change the plan"],
  territory: ["This film may not be shown in your country."],
  "not-yet": ["This film cannot be watched yet."],
  "window-closed": ["This film can be watched no more."],
  "stream-limit": ["Too many devices are watching.", "#/account", "See your devices"],
};

function showRefusal(stage, error) {
  const [words, href, label] = REFUSALS[error.body?.reason ?? error.code] ?? [error.message];
  const devices = (error.body?.devices ?? []).map((each) => h("li", {}, each.device));
  stage.refuse(
    h("p", { class: "problem", role: "alert" }, words),
    devices.length ? h("ul", { "aria-label": "Devices that watch" }, devices) : null,
    href ? h("p", {}, h("a", { class: "primary", href }, label)) : null,
  );
}
