// A film: chosen, sent, and dreamt on frame by frame.
import { make, say } from "./dom.js";
import { entered, fillNumbers, labelled, number } from "./fields.js";
import { state } from "./state.js";
import { pictureEntry, upload } from "./upload.js";

export function filmForm(error) {
  const file = make("input", { type: "file", accept: "video/*,.gif,.png,.webp" });
  const bar = make("progress", { max: 1, value: 0, "aria-label": "Sending the film", hidden: true });
  const facts = make("p", { class: "hint", role: "status" });
  const first = number(0, { min: 0, step: 1 });
  const frames = number("", { min: 1, step: 1, required: false, placeholder: "all" });
  const carry = make("input", { type: "range", min: 0, max: 1, step: 0.05, value: 0.5 });
  const flow = make("input", { type: "checkbox" });
  const cut = number(20, { min: 0, max: 255 });
  const go = make("button", { type: "submit", class: "primary", disabled: true }, "Dream the film");
  const form = make("form", {},
    make("p", { class: "hint" }, "Every frame dreams with the look and the settings of this page, Size too."),
    labelled("film-file", "Film", file, "A video, or an animated picture."), bar, facts,
    labelled("film-first", "From frame", first, "Where to begin; 0 is the first."),
    labelled("film-frames", "At most so many frames", frames, "A few, to try; all when it is left empty."),
    labelled("film-carry", "Keep of the last frame", carry, "How much of the last frame's dream stays in the next: steadier to the right; at 0 each frame is for itself."),
    labelled("film-flow", "Follow movement", flow, "Moves the last dream along with what moves in the film, so that it does not flicker. It takes OpenCV: pip install opencv-python-headless."),
    make("details", { class: "expert" }, make("summary", {}, "For experts"),
      labelled("film-cut", "Cut", cut, "By how many levels frames differ at a cut, where the dream begins anew.")),
    make("p", { class: "row" }, go));

  let film = null; // its id
  file.onchange = async () => {
    if (!file.files[0]) return;
    say(error, null);
    bar.hidden = false;
    try {
      const entry = await upload(file.files[0], (part) => { bar.value = part; });
      if (!entry.frames) throw new Error(`${entry.name} is a single picture: drop it on the page, and dream on it there.`);
      await take(entry.id);
      form.dispatchEvent(new Event("change"));
    } catch (failure) {
      say(error, failure.message);
    } finally {
      bar.hidden = true;
      file.value = "";
    }
  };
  const take = async (id) => {
    film = id;
    const entry = film && (await pictureEntry(film).catch(() => null));
    go.disabled = !entry;
    facts.textContent = entry ? `${entry.name}: ${entry.width}×${entry.height}, ${entry.frames} frames${entry.seconds ? `, ${Math.round(entry.seconds * 10) / 10} s` : ""}` : id ? "The film is not on this computer any more: choose it." : "";
    if (entry) first.max = frames.max = entry.frames;
  };
  const all = () => ({ picture: film, first: entered(first), frames: entered(frames), carry: Number(carry.value), flow: flow.checked, cut: entered(cut) });
  const fill = (values) => {
    fillNumbers({ first, frames, carry, cut }, values);
    flow.checked = Boolean(values.flow);
    if ((values.picture ?? null) !== film) take(values.picture ?? null);
  };
  const fields = () => {
    const { noise, ...recipe } = state.order.recipe ?? {};
    return { ...all(), recipe, mask: undefined }; // a brush is for one picture
  };
  return { form, entered: all, fill, fields };
}
