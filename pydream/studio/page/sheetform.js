// A sheet: one setting changes from row to row, another from column to column.
import { looks, network } from "./catalogue.js";
import { make } from "./dom.js";
import { labelled } from "./fields.js";
import { effective } from "./effective.js";
import { state, subscribe } from "./state.js";

const MOST = 12; // values of an axis
const WORDS = new Set(["layer", "preset"]);
const PARAMETERS = { strength: "Strength", step_size: "Step size", octave_n: "Scale of features (sizes)", octave_scale: "Ratio of sizes", iter_n: "Steps in each size", layer: "Layer", preset: "Look",
  smooth: "Smooth", laplacian: "Coarse shapes", decorrelate: "Whole shapes", robust_scale: "Varied size", robust_rotate: "Varied angle", tv: "Less grain", pull_back: "Pull back", stretch: "Contrast", blend: "Blend", jitter: "Jitter", seed: "Seed" };
const USUAL = { strength: "0.5, 1, 2, 4", step_size: "0.75, 1.5, 3, 6", octave_n: "1, 2, 4, 6", octave_scale: "1.2, 1.4, 1.8, 2.5", iter_n: "5, 10, 20, 40", smooth: "0, 0.5, 1, 2",
  laplacian: "0, 2, 4, 6", decorrelate: "0, 0.5, 1, 1.5", robust_scale: "0, 0.05, 0.1, 0.2", robust_rotate: "0, 5, 10, 20", tv: "0, 0.25, 0.5, 1", pull_back: "0, 0.05, 0.1, 0.2", stretch: "0, 1, 2, 5", blend: "0, 0.25, 0.5, 0.75", jitter: "0, 8, 32, 64", seed: "1, 2, 3, 4" };

export function sheetForm() {
  const rows = axis("rows", "Rows", "strength");
  const columns = axis("columns", "Columns", "layer");
  const go = make("button", { type: "submit", class: "primary" }, "Make the sheet");
  const form = make("form", {},
    make("p", { class: "hint" }, "One picture for each pair of values, all with the same seed: to see what a setting does."),
    ...rows.fields, ...columns.fields, make("p", { class: "row" }, go));
  const tell = () => {
    const [high, wide] = [rows, columns].map(({ values }) => Math.max(1, values().length));
    go.textContent = `Make the sheet of ${high * wide} picture${high * wide > 1 ? "s" : ""}`;
  };
  for (const name of ["input", "change", "suggested"]) form.addEventListener(name, tell);
  subscribe((what) => {
    if (what === "load" || what === "order") for (const each of [rows, columns]) each.suggest().catch(() => {}); // the network line says why
  });
  const fields = () => {
    const [down, across] = [rows.axis(), columns.axis()];
    if (!down && !across) throw new Error("Choose a setting for the rows or the columns.");
    if (down?.parameter === across?.parameter) throw new Error("Rows and columns have the same setting: choose another for one of them.");
    return { ...(down && { rows: down }), ...(across && { columns: across }) };
  };
  const entered = () => ({ rows: rows.entered(), columns: columns.entered() });
  const fill = (values) => {
    rows.fill(values.rows);
    columns.fill(values.columns);
    tell();
  };
  return { form, entered, fill, fields };
}

function axis(name, label, first) {
  const choice = make("select", {}, make("option", { value: "" }, "none"),
    ...Object.entries(PARAMETERS).map(([value, text]) => make("option", { value }, text)));
  choice.value = first;
  const text = make("input", { type: "text", spellcheck: false, autocomplete: "off" });
  let own = false; // whether the values were typed
  const values = () => (choice.value ? text.value.split(",").map((each) => each.trim()).filter(Boolean) : []);
  const suggest = async () => {
    if (own) return;
    const found = await usual(choice.value);
    if (own) return;
    text.value = found;
    text.dispatchEvent(new Event("suggested", { bubbles: true }));
  };
  text.addEventListener("input", () => { own = true; });
  choice.addEventListener("change", () => {
    own = false;
    line.hidden = !choice.value;
    suggest().catch(() => {});
  });
  const line = labelled(`${name}-values`, `Values of the ${label.toLowerCase()}`, text, "With commas between them; at most 12.");
  return {
    values,
    suggest,
    entered: () => ({ parameter: choice.value, values: own ? values() : [] }),
    fill(axis) {
      choice.value = axis?.parameter ?? "";
      line.hidden = !choice.value;
      own = Boolean(axis?.values?.length);
      if (own) text.value = axis.values.join(", ");
      else suggest().catch(() => {});
    },
    fields: [labelled(`${name}-parameter`, label, choice, `What changes from ${name === "rows" ? "row to row" : "column to column"}.`), line],
    axis() {
      if (!choice.value) return null;
      const found = values();
      if (!found.length || found.length > MOST) throw new Error(`${label}: ${found.length} values; expected 1 to ${MOST}, with commas between them.`);
      const typed = found.map((each) => (WORDS.has(choice.value) ? each : Number(each)));
      const wrong = typed.findIndex(Number.isNaN);
      if (wrong >= 0) throw new Error(`${label}: “${found[wrong]}” is not a number.`);
      return { parameter: choice.value, values: typed };
    },
  };
}

// Values to begin with: of layers some of the network's, evenly spaced.
async function usual(parameter) {
  if (parameter === "preset" || parameter === "layer") {
    const [all, found] = await Promise.all([looks(), network()]);
    const names = parameter === "preset"
      ? all.presets.filter((look) => look.network === found?.name).map(({ name }) => name)
      : (found?.layers ?? []).filter(({ worthwhile, dreamable }) => worthwhile ?? dreamable).map(({ name }) => name);
    const step = Math.max(1, names.length / 4);
    return [0, 1, 2, 3].map((place) => names[Math.floor(place * step)]).filter(Boolean).join(", ");
  }
  return USUAL[parameter] ?? String(effective(state.order, await looks())[parameter] ?? "");
}
