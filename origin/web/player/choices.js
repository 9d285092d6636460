// Quality and subtitles under the player, when there is something to choose.

import { h } from "../dom.js";

export function showChoices(place, video, engine) {
  const draw = () => {
    place.replaceChildren(...[quality(engine), subtitles(video)].filter(Boolean));
  };
  engine.onlevels = draw;
  video.textTracks.addEventListener("addtrack", draw);
  video.addEventListener("loadedmetadata", draw);
}

function quality(engine) {
  const levels = engine.levels();
  if (levels.length < 2) return null;
  const options = levels.map((name, at) => h("option", { value: at }, name));
  const choose = h("select", { onchange: () => engine.chooseLevel(Number(choose.value)) }, h("option", { value: -1 }, "Automatic"), options);
  return h("label", { class: "choice" }, "Quality ", choose);
}

function subtitles(video) {
  const tracks = [...video.textTracks].filter((track) => ["subtitles", "captions"].includes(track.kind));
  if (!tracks.length) return null;
  const options = tracks.map((track, at) =>
    h("option", { value: at, selected: track.mode === "showing" }, track.label || track.language),
  );
  const choose = h(
    "select",
    {
      onchange: () =>
        tracks.forEach((track, at) => {
          track.mode = at === Number(choose.value) ? "showing" : "disabled";
        }),
    },
    h("option", { value: -1 }, "None"),
    options,
  );
  return h("label", { class: "choice" }, "Subtitles ", choose);
}
