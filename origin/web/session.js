// Who is signed in and who watches; tells those who asked to know when it changes.

import { get, keepToken, post, remove, renew } from "./api.js";

export const session = { signedIn: false, profile: null, profiles: [] };

const PROFILE = "cinedge.profile";
const watchers = new Set();

export function onChange(watcher) {
  watchers.add(watcher);
}

function changed() {
  for (const watcher of watchers) watcher();
}

// A reload keeps the session by its cookie, and the profile that was chosen on this device.
export async function resume() {
  try {
    await renew();
  } catch {
    return;
  }
  await enter();
}

export async function signIn(email, password) {
  const answer = await post("/v1/sessions", { email, password, device: deviceName(), cookie: true }, { signed: false });
  keepToken(answer.access_token);
  await enter();
}

export async function follow(path, body) {
  const answer = await post(path, { ...body, cookie: true }, { signed: false });
  keepToken(answer.access_token);
  await enter();
}

async function enter() {
  session.signedIn = true;
  session.profiles = (await get("/v1/profiles")).items;
  const kept = localStorage.getItem(PROFILE);
  const known = session.profiles.find((profile) => profile.id === kept);
  const only = session.profiles.length === 1 ? session.profiles[0] : null;
  const profile = known ?? only;
  if (profile && !profile.has_pin) await choose(profile);
  else changed();
}

export async function choose(profile, pin) {
  const answer = await post("/v1/sessions/profile", { profile_id: profile.id, ...(pin ? { pin } : {}) });
  keepToken(answer.access_token);
  session.profile = profile;
  localStorage.setItem(PROFILE, profile.id);
  changed();
}

export async function reloadProfiles() {
  session.profiles = (await get("/v1/profiles")).items;
  changed();
}

export function leaveProfile() {
  session.profile = null;
  localStorage.removeItem(PROFILE);
  changed();
}

export async function signOut(everywhere = false) {
  await remove(everywhere ? "/v1/sessions" : "/v1/sessions/current");
  forget();
}

export function forget() {
  keepToken("");
  localStorage.removeItem(PROFILE);
  Object.assign(session, { signedIn: false, profile: null, profiles: [] });
  changed();
}

export function deviceName() {
  const agent = navigator.userAgent;
  const browser = /Firefox|Edg|Chrome|Safari/.exec(agent)?.[0]?.replace("Edg", "Edge") ?? "Browser";
  const system = /Windows|Android|iPhone|iPad|Mac OS|Linux/.exec(agent)?.[0] ?? "";
  return system ? `${browser} on ${system}` : browser;
}
