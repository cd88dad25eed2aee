// How to dream: a slider, a box or a list for each number of the order. Nothing is changed before a slider is let go.
import { looks } from "./catalogue.js";
import { announce, find, make, say } from "./dom.js";
import { dreamSize, effective, longSide } from "./effective.js";
import { keepFolded } from "./folding.js";
import { jobs } from "./jobs.js";
import { change, replaceOrder, state, subscribe } from "./state.js";
import { pictureEntry } from "./upload.js";

const percent = (value) => `${Math.round(value * 100)} %`;
const orNone = (text) => (value) => (value ? text(value) : "off");
const plain = (value) => String(Math.round(value * 1000) / 1000);

// name: of the recipe's field, or "strength"; it is what the label's hint says of the picture that counts.
const SLIDERS = [
  { name: "strength", label: "Strength", min: 0.25, max: 4, step: 0.25, text: (value) => `${plain(value)} ×`,
    hint: "How long it dreams: further right is wilder." },
  { name: "step_size", label: "Step size", min: 0.25, max: 6, step: 0.25, text: plain,
    hint: "How much each step changes: small draws finely, large coarsely and strongly." },
  { name: "octave_n", label: "Scale of features", min: 0, max: 14, step: 1, text: (value) => value ? `${value} sizes` : "by the picture",
    hint: "In how many sizes it dreams: more lets larger shapes grow.", read: (value) => value || "auto", shown: (value) => (value === "auto" ? 0 : value) },
];
const RETOUCHES = [
  { name: "smooth", label: "Smooth", min: 0, max: 4, step: 0.1, text: orNone((value) => `${plain(value)} px`),
    hint: "Softens what grows: less grain, rounder shapes." },
  { name: "laplacian", label: "Coarse shapes", min: 0, max: 8, step: 1, text: orNone((value) => `${value} scales`),
    hint: "Lets coarse shapes grow as strongly as fine ones: softer, in louder colours." },
  { name: "decorrelate", label: "Whole shapes", min: 0, max: 2, step: 0.1, text: orNone(plain),
    hint: "Lets whole shapes grow in place of fine lines: 1 is much, 2 leaves little but blurs." },
  { name: "robust_scale", label: "Varied size", min: 0, max: 0.5, step: 0.05, text: orNone((value) => `±${percent(value)}`),
    hint: "Looks at the picture at another size at each step: clearer shapes, with all their parts." },
  { name: "robust_rotate", label: "Varied angle", min: 0, max: 180, step: 5, text: orNone((value) => `±${plain(value)}°`),
    hint: "Looks at the picture from another angle at each step: the same, and shapes that lean." },
  { name: "tv", label: "Less grain", min: 0, max: 2, step: 0.05, text: orNone(plain),
    hint: "Takes fine grain away and leaves edges sharp." },
  { name: "pull_back", label: "Pull back", min: 0, max: 0.5, step: 0.01, text: orNone(plain),
    hint: "Pulls each step back to your picture, so that it can be recognised." },
  { name: "stretch", label: "Contrast", min: 0, max: 10, step: 0.5, text: orNone((value) => `${plain(value)} %`),
    hint: "Makes the darkest part of the result black and the brightest white." },
  { name: "blend", label: "Blend", min: 0, max: 1, step: 0.05, text: orNone(percent),
    hint: "Mixes your own picture into the result." },
];
const NATURAL = { name: "decorrelate_color", label: "Natural colours", box: true,
  hint: "Draws more in light and dark and less in purple and green; goes with whole shapes." };
const COLOURS = { name: "keep_colors", label: "Keep colours", box: true,
  hint: "Your picture keeps its colours; only light and dark dream." };
const EXPERT = [
  { name: "iter_n", label: "Steps in each size", number: true, min: 1, max: 10000, step: 1,
    hint: "Strength is a factor of this: more is stronger and takes longer." },
  { name: "octave_scale", label: "Ratio of sizes", number: true, min: 1, max: 8, step: 0.05,
    hint: "How much larger each size is than the one before: further apart leaves gaps between small and large shapes." },
  { name: "jitter", label: "Jitter", number: true, min: 0, max: 100000, step: 1,
    hint: "Random shift at each step, in pixels: without it, patterns stick to a grid." },
  { name: "objective", label: "What grows", of: "order", usual: "l2", choices: [["l2", "squares (2015)"], ["mean", "mean"], ["sum", "sum"]],
    hint: "Squares let the strongest features win; mean and sum let all grow alike." },
  { name: "caricature", label: "Caricature", box: true, read: (on) => (on ? 2 : undefined), shown: (value) => value !== null,
    hint: "More of what the picture already is, in its own proportions, of one whole layer; without things and a guide." },
  { name: "depth", label: "16 bits a colour", box: true, read: (on) => (on ? 16 : undefined),
    hint: "PNG and TIFF keep 65,536 levels of each colour, for work in other programs; the dream is the same." },
  { name: "clip", label: "Clip at each step", box: true,
    hint: "Keeps colours in range at each step; without it, contrast is set at the end." },
  { name: "era", label: "Era", choices: [["modern", "today"], ["2015", "2015"]],
    hint: "Rounds as today's libraries do, or as those of 2015 did: the pixels differ, the look does not." },
  { name: "dtype", label: "Exact", of: "network", box: true, usual: "float32", read: (on) => (on ? "float64" : "float32"), shown: (value) => value === "float64",
    hint: "Caffe's result of 2015 to the pixel; looks the same and takes longer." },
  { name: "backend", label: "Image operations", choices: [["native", "C++"], ["numpy", "NumPy"]],
    hint: "Changes nothing in the picture; NumPy is slower." },
  { name: "tile", label: "Tile side", number: true, min: 0, max: 100000, step: 1, empty: "by itself",
    hint: "Large pictures are computed in tiles of so many pixels; 0 never. It saves memory and is barely seen." },
];
const SIZES = [256, 512, 768, 1024, 1536, 2048, 3072, 4096];

const LABELS = { ...Object.fromEntries([...SLIDERS, ...RETOUCHES, NATURAL, COLOURS, ...EXPERT].map(({ name, label }) => [name, label.toLowerCase()])),
  long_side: "size", noise: "size", preset: "look", classes: "things", kind: "what is made" };

// Fields of an order in words, as the page calls them.
export const namesOf = (fields) => [...new Set(fields.map((name) => LABELS[name] ?? name))].join(", ") || "nothing";

const drawn = []; // functions that show what holds

export function mountSettings() {
  const section = find("#settings");
  const reset = make("button", { type: "button", class: "quiet", onclick: resetAll }, "Reset all settings");
  const expert = make("details", { class: "expert" },
    make("summary", {}, "For experts"),
    ...EXPERT.map(field));
  keepFolded(expert, "expert");
  const error = make("p", { class: "error", role: "alert", hidden: true });
  section.append(
    ...SLIDERS.map(field),
    sizeField(),
    seedField(),
    make("fieldset", { class: "group" }, make("legend", {}, "Retouch"), ...RETOUCHES.map(field), field(NATURAL), field(COLOURS)),
    expert,
    make("p", { class: "row" }, reset),
    error,
  );
  const draw = async () => {
    try {
      const catalogue = await looks();
      const values = effective(state.order, catalogue);
      for (const show of drawn) show(values);
      say(error, null);
    } catch (failure) {
      say(error, failure.message);
    }
  };
  subscribe((what) => (what === "order" || what === "load") && draw());
}

// What the order itself says of a field.
function said({ name, of }) {
  if (of === "network") return state.order.network?.[name];
  return of === "order" || name === "strength" ? state.order[name] : state.order.recipe?.[name];
}

function set({ name, of }, value) {
  if (of === "network") change({ network: { ...state.order.network, [name]: value } });
  else change(of === "order" || name === "strength" ? { [name]: value } : { recipe: { [name]: value } });
}

function field(spec) {
  const id = `set-${spec.name}`;
  const hint = make("p", { class: "hint", id: `${id}-hint` }, spec.hint);
  const reset = make("button", { type: "button", class: "reset", "aria-label": `Reset ${spec.label}`, title: "Back to what it was", hidden: true,
    onclick: () => { set(spec, undefined); control.focus(); } }, "↺");
  const output = make("output", { class: "value", for: id });
  const shown = spec.shown ?? ((value) => value);
  const read = spec.read ?? ((value) => value);
  const common = { id, "aria-describedby": `${id}-hint` };
  let control;
  let show;
  if (spec.box) {
    control = make("input", { ...common, type: "checkbox", onchange: () => set(spec, read(control.checked)) });
    show = (value) => { control.checked = Boolean(shown(value)); };
  } else if (spec.choices) {
    control = make("select", { ...common, onchange: () => set(spec, control.value) },
      ...spec.choices.map(([value, text]) => make("option", { value }, text)));
    show = (value) => { control.value = value; };
  } else if (spec.number) {
    control = make("input", { ...common, type: "number", inputmode: "decimal", min: spec.min, max: spec.max, step: "any", placeholder: spec.empty });
    control.onchange = () => {
      if (control.value === "") set(spec, undefined);
      else if (control.reportValidity()) set(spec, Number(control.value));
    };
    show = (value) => { control.value = value ?? ""; };
  } else {
    control = make("input", { ...common, type: "range", min: spec.min, max: spec.max, step: spec.step });
    const tell = (value) => {
      output.value = spec.text(value);
      control.setAttribute("aria-valuetext", output.value);
    };
    control.oninput = () => tell(Number(control.value));
    whenLetGo(control, () => set(spec, read(Number(control.value))));
    show = (value) => {
      const number = shown(value);
      control.max = Math.max(spec.max, number);
      control.min = Math.min(spec.min, number);
      control.value = number;
      tell(number);
    };
  }
  drawn.push((values) => {
    show(said(spec) ?? values[spec.name] ?? spec.usual ?? null);
    reset.hidden = said(spec) === undefined;
  });
  const label = make("label", { for: id }, spec.label);
  return make("div", { class: spec.box ? "field box" : "field" }, label, reset, output, control, hint);
}

// Call a function when a slider is let go: with a pointer at "change", with the keyboard when the key is up again.
function whenLetGo(slider, settle) {
  let key = false;
  let moved = false;
  const end = () => {
    key = false;
    if (moved) settle();
    moved = false;
  };
  slider.addEventListener("keydown", () => { key = true; });
  slider.addEventListener("keyup", end);
  slider.addEventListener("blur", end);
  slider.addEventListener("change", () => {
    moved = true;
    if (!key) end();
  });
}

function sizeField() {
  const hint = "Long side of the picture in pixels: small to try things, large to keep.";
  const list = make("select", { id: "set-size", "aria-describedby": "set-size-hint" });
  list.onchange = () => {
    const side = list.value === "" ? undefined : Number(list.value);
    const { noise } = state.order.recipe ?? {};
    if (!noise) return change({ long_side: side, recipe: { size: undefined } });
    const factor = side / Math.max(...noise);
    change({ recipe: { noise: noise.map((length) => Math.max(1, Math.round(length * factor))) } });
  };
  drawn.push(async () => {
    const { picture: id, long_side: side, recipe } = state.order;
    const entry = id ? await pictureEntry(id).catch(() => null) : null;
    const own = longSide(entry);
    const now = id === null || recipe?.size ? longSide(dreamSize(state.order, entry)) : side;
    const sides = [...new Set([...SIZES, ...(now ? [now] : [])])].sort((a, b) => a - b);
    const whole = id === null ? [] : [["", own ? `as it is: ${own}` : "as it is"]];
    list.replaceChildren(...[...whole, ...sides.map((each) => [each, `${each}`])].map(([value, text]) => make("option", { value }, text)));
    list.value = now ?? "";
  });
  return make("div", { class: "field" }, make("label", { for: "set-size" }, "Size"), list,
    make("p", { class: "hint", id: "set-size-hint" }, hint));
}

function seedField() {
  const MOST = 2 ** 32 - 1;
  const radio = (value, text, onchange) => make("label", { class: "radio" },
    make("input", { type: "radio", name: "seed", value, onchange, "aria-describedby": "set-seed-hint" }), text);
  const number = make("input", { type: "number", inputmode: "numeric", min: 0, max: MOST, step: 1, "aria-label": "Seed" });
  number.onchange = () => {
    if (number.value === "") change({ recipe: { seed: undefined } });
    else if (number.reportValidity()) change({ recipe: { seed: Number(number.value) } });
  };
  const fix = () => {
    const last = jobs().find(({ id }) => id === state.view.job)?.order.recipe?.seed;
    change({ recipe: { seed: last ?? crypto.getRandomValues(new Uint32Array(1))[0] } });
    announce(`Seed ${state.order.recipe.seed}`);
  };
  const fresh = radio("new", "New each time", () => change({ recipe: { seed: undefined } }));
  const fixed = radio("fixed", "The same", fix);
  drawn.push(() => {
    const seed = state.order.recipe?.seed;
    find("input", seed === undefined ? fresh : fixed).checked = true;
    number.hidden = seed === undefined;
    number.value = seed ?? "";
  });
  return make("fieldset", { class: "field seed" }, make("legend", {}, "Seed"), make("div", { class: "row" }, fresh, fixed, number),
    make("p", { class: "hint", id: "set-seed-hint" }, "A new seed makes another dream of the same kind; the same seed makes the same picture again."));
}

// Go back to how the command dreams: what is dreamt on, and on which picture, stays.
function resetAll() {
  const { noise } = state.order.recipe ?? {};
  const { strength, objective, recipe, ...kept } = state.order;
  replaceOrder({ ...kept, ...(noise && { recipe: { noise } }) });
  announce("All settings are back to the start; undo brings them back");
}
