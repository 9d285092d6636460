// Keeps a playback alive: where the viewer is, every few seconds and at each stop. Each heartbeat
// has a number, so that one that arrives late never moves the viewer back.

import { call, post } from "../api.js";

export function keepAlive(playback, video, stopped) {
  const url = `/v1/playback/${encodeURIComponent(playback.session_id)}`;
  let counter = playback.counter ?? 0;
  let ended = false;

  const beat = async (keepalive = false) => {
    if (ended || !(video.readyState > 0)) return;
    counter += 1;
    const body = { counter, position_seconds: video.currentTime };
    try {
      await post(`${url}/heartbeat`, body, { keepalive });
    } catch (error) {
      if (error.status >= 400 && error.status < 500 && error.status !== 429) {
        ended = true;
        clearInterval(timer);
        stopped(error.message);
      }
    }
  };
  const timer = setInterval(() => {
    if (!video.paused) beat();
  }, playback.heartbeat_seconds * 1000);
  const hidden = () => {
    if (document.visibilityState === "hidden") beat(true);
  };
  video.addEventListener("pause", () => beat());
  video.addEventListener("seeked", () => beat());
  video.addEventListener("ended", () => beat());
  document.addEventListener("visibilitychange", hidden);

  return {
    end: async () => {
      if (ended) return;
      await beat(true);
      ended = true;
      clearInterval(timer);
      document.removeEventListener("visibilitychange", hidden);
      await call("DELETE", url, { keepalive: true }).catch(() => {});
    },
  };
}
