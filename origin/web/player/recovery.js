// When the source fails or stalls, the router is asked again and the film goes on where it was;
// after each failure in a row it waits longer.

import { formatTime } from "../dom.js";

const STALL_MS = 6000;
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

export function watchOver(video, { find, load, note, shown }) {
  let source = null;
  let at = 0;
  let attempt = 0;
  let switching = false;
  let stopped = false;
  let stallTimer = 0;
  let retryTimer = 0;

  const open = (found, plays) => {
    const before = source;
    source = found;
    load(source, at, plays);
    shown(source);
    if (!before) note("");
    else if (before.edge !== source.edge) note(`Switched from ${before.edge} to ${source.edge} at ${formatTime(at)}.`);
    else note(`Reconnected at ${formatTime(at)}.`);
  };

  const recover = (reason) => {
    if (stopped || switching) return;
    if (attempt >= RETRY_MS.length) {
      note(`${reason}. Reload the page to try again.`);
      return;
    }
    switching = true;
    clearTimeout(stallTimer);
    if (video.seeking) at = video.currentTime;
    const plays = !source || !video.paused;
    const delay = attempt === 0 ? 0 : RETRY_MS[attempt];
    attempt += 1;
    note(`${reason}. Asking for another source…`);
    retryTimer = setTimeout(async () => {
      let found = null;
      let failure = "";
      try {
        found = await find();
      } catch (error) {
        failure = error.message;
      }
      switching = false;
      if (stopped) return;
      if (found) open(found, plays);
      else recover(`No source: ${failure}`);
    }, delay);
  };

  const watchForStall = () => {
    clearTimeout(stallTimer);
    const here = video.currentTime;
    const before = bufferedEnd(video);
    stallTimer = setTimeout(() => {
      if (stopped || video.paused || video.ended || video.currentTime !== here) return;
      // A slow line that still delivers is not cured by another edge.
      if (bufferedEnd(video) > before) watchForStall();
      else recover("The stream stalled");
    }, STALL_MS);
  };

  video.addEventListener("waiting", watchForStall);
  video.addEventListener("stalled", watchForStall);
  video.addEventListener("playing", () => clearTimeout(stallTimer));
  video.addEventListener("timeupdate", () => {
    // A new source starts at 0 until it knows its length: that is no position of the viewer's.
    if (video.seeking || video.readyState < 2) return;
    if (video.currentTime > at && !video.paused) attempt = 0;
    at = video.currentTime;
  });

  return {
    recover,
    stop: () => {
      stopped = true;
      clearTimeout(stallTimer);
      clearTimeout(retryTimer);
    },
    start: async (position) => {
      at = position;
      try {
        const found = await find();
        if (!stopped) open(found, true);
      } catch (error) {
        recover(`Cannot start: ${error.message}`);
      }
    },
  };
}

function bufferedEnd({ buffered }) {
  return buffered.length ? buffered.end(buffered.length - 1) : 0;
}
