// The keyboard of the player, wherever the focus is but in a field.

const JUMP_SECONDS = 10;
const LOUDER = 0.1;

export function bindKeys(video) {
  const jump = (seconds) => {
    video.currentTime = Math.min(Math.max(0, video.currentTime + seconds), video.duration || 0);
  };
  const louder = (step) => {
    video.volume = Math.min(1, Math.max(0, video.volume + step));
  };
  const actions = {
    " ": () => (video.paused ? video.play() : video.pause()),
    k: () => (video.paused ? video.play() : video.pause()),
    ArrowLeft: () => jump(-JUMP_SECONDS),
    ArrowRight: () => jump(JUMP_SECONDS),
    ArrowUp: () => louder(LOUDER),
    ArrowDown: () => louder(-LOUDER),
    m: () => (video.muted = !video.muted),
    f: () => (document.fullscreenElement ? document.exitFullscreen() : video.requestFullscreen?.()),
    c: () => nextSubtitles(video),
    Home: () => jump(-Infinity),
  };
  const pressed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, select, textarea, button, a")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    // The video's own controls would do the same once more.
    event.stopPropagation();
    action();
  };
  document.addEventListener("keydown", pressed, { capture: true });
  return () => document.removeEventListener("keydown", pressed, { capture: true });
}

export function nextSubtitles(video) {
  const tracks = [...video.textTracks].filter((track) => track.kind === "subtitles" || track.kind === "captions");
  const shown = tracks.findIndex((track) => track.mode === "showing");
  tracks.forEach((track, at) => {
    track.mode = at === shown + 1 ? "showing" : "disabled";
  });
}
