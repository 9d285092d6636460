// How many messages are unread, kept right by the stream of the inbox while somebody is signed in.

import { get, listen } from "../api.js";
import { say } from "../dom.js";
import { onChange, session } from "../session.js";

const AGAIN_MS = 5000;
const readers = new Set();
let unread = 0;
let following = null;

export function countUnread() {
  return unread;
}

export function onMessage(reader) {
  readers.add(reader);
  return () => readers.delete(reader);
}

export function setUnread(count, drawn) {
  unread = count;
  drawn?.();
}

export function startInbox(draw) {
  const begin = () => {
    if (session.signedIn && !following) follow(draw);
    if (!session.signedIn) {
      following?.abort();
      following = null;
      unread = 0;
    }
  };
  onChange(begin);
  begin();
}

async function follow(draw) {
  following = new AbortController();
  const { signal } = following;
  while (!signal.aborted) {
    try {
      unread = (await get("/v1/inbox")).unread;
      draw();
      await listen("/v1/inbox/stream", {
        signal,
        onevent: (message) => {
          unread += 1;
          say(message.title);
          draw();
          for (const reader of readers) reader(message);
        },
      });
    } catch {
      // The next turn asks again: with a new session, or once the server is back.
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}
