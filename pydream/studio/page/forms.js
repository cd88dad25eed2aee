// Sheets, zoom loops and films: orders of another kind, with the settings of the page. What is entered is kept in
// state.view, so that a reload finds it.
import { post } from "./api.js";
import { announce, find, make, say } from "./dom.js";
import { filmForm } from "./filmform.js";
import { keepFolded } from "./folding.js";
import { sheetForm } from "./sheetform.js";
import { replaceOrder, setView, state, subscribe } from "./state.js";
import { zoomForm } from "./zoomform.js";

export function mountForms() {
  find("#forms").append(
    folded("sweep", "Sheet: two settings compared", sheetForm),
    folded("zoom", "Zoom loop: a film that falls into the dream", zoomForm),
    folded("film", "Film: every frame dreams", filmForm),
  );
}

// A form is {form, entered() → its fields as they are, fill(fields), fields() → those of an order; throws what is wrong}.
function folded(kind, title, build) {
  const error = make("p", { class: "error", role: "alert", hidden: true });
  const { form, entered, fill, fields } = build(error);
  form.id = `form-${kind}`;
  form.append(error);
  form.onsubmit = async (event) => {
    event.preventDefault();
    try {
      say(error, null);
      const { recipe, ...dream } = dreamOf(state.order);
      const { depth, ...drawn } = recipe ?? {}; // which a single dream has
      const { id } = await post("/api/jobs", { ...dream, recipe: drawn, kind, ...fields() });
      setView({ job: id });
      announce("It is in the queue");
    } catch (failure) {
      say(error, failure.message);
    }
  };
  let filled; // the fields as they are in the form
  form.addEventListener("change", () => {
    filled = entered();
    setView({ forms: { ...state.view.forms, [kind]: filled } });
  });
  const details = make("details", {}, make("summary", {}, title), form);
  const kept = () => state.view.forms?.[kind];
  keepFolded(details, `form-${kind}`);
  subscribe((what) => {
    if (what !== "load" && what !== "view") return;
    if (kept() && kept() !== filled) fill(kept());
    filled = kept();
  });
  return details;
}

// What of an order is a dream's: without the fields of a kind of its own.
export function dreamOf(order) {
  const { frames, scale, rotate, shift, ease, step_size, octave_n, blend, hold, fps, first, carry, flow, cut, rows, columns, ...kept } = order;
  return { ...kept, kind: "dream" };
}

// Take another order up: a dream's settings are the page's, those of another kind are in its form too.
export function takeOrder(order) {
  if (order.kind !== "dream") refill(order);
  const { picture, ...dream } = dreamOf(order);
  const own = order.kind === "film" ? state.order.picture : picture; // a film is no picture
  replaceOrder({ ...dream, ...(own !== undefined && { picture: own }) });
}

// Put the fields of an order into the form of its kind.
export function refill({ kind, picture, frames, scale, rotate, shift, ease, step_size, octave_n, blend, hold, fps, first, carry, flow, cut, rows, columns }) {
  const fields = { frames, scale, rotate, shift, ease, step_size, octave_n, blend, hold, fps, first, carry, flow, cut, rows, columns, ...(kind === "film" && { picture }) };
  setView({ forms: { ...state.view.forms, [kind]: fields }, open: { ...state.view.open, [`form-${kind}`]: true } });
}
