// The guide: another picture, whose features the dream takes up.
import { make, say } from "./dom.js";
import { jobs } from "./jobs.js";
import { change, state } from "./state.js";
import { pictureEntry, upload } from "./upload.js";

export function mountGuide(body) {
  const error = make("p", { class: "error", role: "alert", hidden: true });
  const file = make("input", { type: "file", accept: "image/*,.tif,.tiff", id: "guide-file" });
  const zone = make("div", { class: "dropzone" }, make("label", { for: "guide-file" }, "Choose or drop a picture"), file);
  const pictures = make("div", { class: "tiles", role: "group", "aria-label": "Pictures of this visit" });
  const without = make("button", { type: "button", onclick: () => change({ guide: undefined }) }, "No guide");
  body.append(make("p", { class: "hint" }, "The dream grows what this picture has: flowers make flowers."), zone, error, pictures, without);

  async function take(chosen) {
    if (!chosen) return;
    try {
      zone.setAttribute("aria-busy", "true");
      const { id } = await upload(chosen);
      change({ guide: id, layer: undefined, classes: undefined });
      say(error, null);
    } catch (failure) {
      say(error, failure.message);
    } finally {
      zone.removeAttribute("aria-busy");
      file.value = "";
    }
  }
  file.onchange = () => take(file.files[0]);
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      event.stopPropagation();
      zone.classList.add("over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    zone.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });

  return async ({ open, current }) => {
    const { guide, picture: own } = state.order;
    const known = new Set([guide, own, ...jobs().flatMap(({ order }) => [order.guide, order.picture])].filter(Boolean));
    const ids = [...known].slice(0, 24);
    const entries = open ? await Promise.all(ids.map((id) => pictureEntry(id).catch(() => null))) : [guide && (await pictureEntry(guide).catch(() => null))];
    if (!current()) return null;
    const found = entries.filter((entry) => entry && !entry.frames);
    pictures.replaceChildren(...found.map(({ id, name }) => make("button", { type: "button", class: "tile", "aria-pressed": String(id === guide),
      onclick: () => change(id === guide ? { guide: undefined } : { guide: id, layer: undefined, classes: undefined }) },
      make("span", { class: "small" }, make("img", { src: `/api/pictures/${id}.jpg`, alt: "" })), make("span", {}, name))));
    without.hidden = !guide;
    return guide ? found.find(({ id }) => id === guide)?.name ?? "one that is gone" : "none";
  };
}
