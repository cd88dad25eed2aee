// A film or a moving picture in place of the canvas, when the job that is looked at has made one.
import { find, make } from "./dom.js";
import { job, onJobs } from "./jobs.js";
import { state, subscribe } from "./state.js";
import { inWords } from "./words.js";

export function mountFilm() {
  const place = find("#film");
  let shown = null;
  const draw = () => {
    const looked = state.view.job && job(state.view.job);
    const { mp4, gif } = looked?.result?.files ?? {};
    const file = mp4 ?? gif ?? null;
    place.hidden = !file;
    if (file === shown) return;
    shown = file;
    const name = file && inWords(looked);
    place.replaceChildren(...(!file ? [] : [mp4
      ? make("video", { src: mp4, controls: true, loop: true, preload: "metadata", playsInline: true, "aria-label": name })
      : make("img", { src: gif, alt: name })]));
  };
  subscribe((what) => (what === "view" || what === "load") && draw());
  onJobs((id) => (id === null || id === state.view.job) && draw());
}
