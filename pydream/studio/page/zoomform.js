// A zoom loop: it dreams, moves into the dream, and dreams on that.
import { make } from "./dom.js";
import { entered, enteredKeyframes, fillNumbers, keyframed, labelled, number } from "./fields.js";

export function zoomForm() {
  const frames = number(100, { min: 1, max: 100000, step: 1 });
  const scale = keyframed(0.05, { required: true });
  const rotate = keyframed(0, { required: true });
  const right = keyframed(0, { required: true, "aria-label": "To the right" });
  const down = keyframed(0, { required: true, "aria-label": "Down" });
  const steps = keyframed("", {});
  const octaves = keyframed("", {});
  const blend = keyframed("", {});
  const hold = make("select", {}, ...[["", "nothing"], ["brightness", "brightness"], ["contrast", "contrast"], ["both", "brightness and contrast"]]
    .map(([value, text]) => make("option", { value }, text)));
  const ease = make("select", {}, make("option", { value: "linear" }, "evenly"), make("option", { value: "smooth" }, "slowly at both"));
  const fps = number(25, { min: 0.1, max: 1000 });
  const length = make("p", { class: "hint", role: "status" });
  const form = make("form", {},
    make("p", { class: "hint" }, "Each frame is the last one, moved, and dreamt on again. Closed in the middle, it goes on the next time."),
    labelled("zoom-frames", "Frames", frames, "How many pictures the film has."),
    labelled("zoom-scale", "Zoom", scale, "How far each frame moves in, as a part of the picture; below 0, out. Here and below, 0:0.05,60:0.2 changes it from frame 0 to frame 60."),
    labelled("zoom-rotate", "Turn", rotate, "Degrees that each frame turns to the left."),
    make("div", { class: "field", role: "group", "aria-labelledby": "zoom-shift-name" }, make("span", { class: "name", id: "zoom-shift-name" }, "Move"),
      make("div", { class: "row" }, right, down), make("p", { class: "hint" }, "Pixels that each frame moves to the right, and down.")),
    labelled("zoom-steps", "Step size from frame to frame", steps, "As 0:1,60:3; empty: that of the dream's settings."),
    labelled("zoom-octaves", "Octaves from frame to frame", octaves, "As 0:2,60:4, rounded to whole numbers; empty: as many as the dream's settings say."),
    labelled("zoom-blend", "Blend from frame to frame", blend, "As 0:1,30:0: the share of what a frame is dreamt on; empty: that of the dream's settings."),
    labelled("zoom-hold", "Keep of the first frame", hold, "What all other frames get back, channel by channel."),
    labelled("zoom-ease", "From one of such values to the next", ease, "Evenly, or slowly at both."),
    labelled("zoom-fps", "Frames a second", fps, "How fast it plays."),
    length,
    make("p", { class: "row" }, make("button", { type: "submit", class: "primary" }, "Make the zoom loop")));
  const tell = () => {
    const seconds = entered(frames) / entered(fps);
    length.textContent = Number.isFinite(seconds) ? `A film of ${Math.round(seconds * 10) / 10} seconds.` : "";
  };
  form.addEventListener("input", tell);
  tell();
  const fields = () => ({ frames: entered(frames), scale: enteredKeyframes(scale), rotate: enteredKeyframes(rotate),
    shift: [enteredKeyframes(right), enteredKeyframes(down)], ease: ease.value, step_size: enteredKeyframes(steps),
    octave_n: enteredKeyframes(octaves), blend: enteredKeyframes(blend), hold: hold.value || undefined, fps: entered(fps) });
  const fill = (values) => {
    const empty = { steps: values.step_size ?? "", octaves: values.octave_n ?? "", blend: values.blend ?? "", hold: values.hold ?? "" };
    fillNumbers({ frames, scale, rotate, right, down, ease, steps, octaves, blend, hold, fps }, { ...values, ...empty, right: values.shift?.[0], down: values.shift?.[1] });
    tell();
  };
  return { form, entered: fields, fill, fields };
}
