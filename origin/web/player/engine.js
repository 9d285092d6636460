// What turns a source into pictures: hls.js where this origin has it and the browser can, the
// browser's own HLS where there is something to choose from, else the plain film.
//
// `load` may be called again with another source of the same object: the film goes on where it was.

const HLS_TYPE = "application/vnd.apple.mpegurl";

export async function openEngine(video, { site, film, made, playback }) {
  const Hls = made?.hls && site.hls_player ? await loadHls(site.hls_player) : null;
  const adapts = made?.hls && made.video.length > 1 && video.canPlayType(HLS_TYPE);
  const form = Hls || adapts ? "hls" : "progressive";
  const engine = {
    path: pathOf(form, film, made, playback),
    levels: () => [],
    chooseLevel: () => {},
    onlevels: () => {},
    onfatal: () => {},
  };
  return Hls ? withHls(engine, video, Hls) : plain(engine, video, film, made, form);
}

// A playback's paths carry its token; without one, they are the keys of the package.
function pathOf(form, film, made, playback) {
  if (playback) {
    const { pathname, search } = new URL(form === "hls" ? playback.manifest_hls : playback.progressive, location.href);
    return pathname + search;
  }
  return `/${made ? made[form] : film.media}`;
}

async function loadHls(url) {
  try {
    const { default: Hls } = await import(url);
    return Hls.isSupported() ? Hls : null;
  } catch {
    return null;
  }
}

function withHls(engine, video, Hls) {
  let hls = null;
  const open = (source, at, plays) => {
    hls?.destroy();
    // Its worker is a script from a blob, which the page's policy does not allow; fragments of MP4
    // need no repacking that would be worth one.
    hls = new Hls({ startPosition: at > 0 ? at : -1, enableWorker: false, cmcd: {} });
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      engine.onlevels();
      if (plays) video.play().catch(() => {});
    });
    hls.on(Hls.Events.SUBTITLE_TRACKS_UPDATED, () => engine.onlevels());
    hls.on(Hls.Events.ERROR, (_, data) => {
      const status = data.response?.code ?? 0;
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && data.fatal) hls.recoverMediaError();
      else if (data.fatal || status === 403 || status === 451) engine.onfatal("The source failed", status);
    });
    hls.loadSource(source.url);
    hls.attachMedia(video);
  };
  return Object.assign(engine, {
    load: open,
    stop: () => hls?.destroy(),
    levels: () => hls?.levels.map((level) => `${level.height}p`) ?? [],
    chooseLevel: (at) => {
      hls.currentLevel = at;
    },
  });
}

function plain(engine, video, film, made, form) {
  video.addEventListener("error", () => {
    if (video.src) engine.onfatal("The source failed", 0);
  });
  video.addEventListener("loadedmetadata", () => {
    if (engine.resumeAt > 0) video.currentTime = engine.resumeAt;
  });
  return Object.assign(engine, {
    load: (source, at, plays) => {
      engine.resumeAt = at;
      const named = form === "progressive" ? (made?.subtitles ?? []) : [];
      // Media and subtitles of another origin are read openly, without credentials.
      if (form === "hls" || named.length) video.crossOrigin = "anonymous";
      else video.removeAttribute("crossorigin");
      addSubtitles(video, named, source.url);
      video.src = source.url;
      video.load();
      if (plays) video.play().catch(() => {});
    },
    stop: () => {
      video.pause();
      video.removeAttribute("src");
      video.load();
    },
  });
}

function addSubtitles(video, named, mediaUrl) {
  video.querySelectorAll("track").forEach((track) => track.remove());
  for (const { name, language, label } of named) {
    const track = document.createElement("track");
    Object.assign(track, { kind: "subtitles", srclang: language, label, src: new URL(name, new URL(mediaUrl, location.href)).href });
    video.append(track);
  }
}
