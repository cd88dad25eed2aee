// A film in place of the canvas, when the job that is looked at has made one.
import { find, make } from "./dom.js";
import { job, onJobs } from "./jobs.js";
import { state, subscribe } from "./state.js";
import { inWords } from "./words.js";

export function mountFilm() {
  const place = find("#film");
  let shown = null;
  const draw = () => {
    const looked = state.view.job && job(state.view.job);
    const file = looked?.result?.files.mp4 ?? null;
    place.hidden = !file;
    if (file === shown) return;
    shown = file;
    place.replaceChildren(...(file ? [make("video", { src: file, controls: true, loop: true, preload: "metadata", playsInline: true, "aria-label": inWords(looked) })] : []));
  };
  subscribe((what) => (what === "view" || what === "load") && draw());
  onJobs((id) => (id === null || id === state.view.job) && draw());
}
