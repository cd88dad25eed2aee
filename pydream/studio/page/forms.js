// Sheets, zoom loops and films: orders of another kind, with the settings of the page.
import { post } from "./api.js";
import { announce, find, make, say } from "./dom.js";
import { filmForm } from "./filmform.js";
import { sheetForm } from "./sheetform.js";
import { setView, state, subscribe } from "./state.js";
import { zoomForm } from "./zoomform.js";

export function mountForms() {
  find("#forms").append(
    folded("sheet", "Sheet: two settings against each other", sheetForm),
    folded("zoom", "Zoom loop: a film that falls into the dream", zoomForm),
    folded("film", "Film: every frame dreams", filmForm),
  );
}

function folded(name, title, build) {
  const error = make("p", { class: "error", role: "alert", hidden: true });
  const { form, order } = build(error);
  form.append(error);
  form.id = `form-${name}`;
  form.noValidate = false;
  form.onsubmit = async (event) => {
    event.preventDefault();
    try {
      say(error, null);
      const asked = order();
      const { id } = await post("/api/jobs", asked);
      setView({ job: id });
      announce("It is in the queue");
    } catch (failure) {
      say(error, failure.message);
    }
  };
  const details = make("details", {}, make("summary", {}, title), form);
  details.addEventListener("toggle", () => {
    if (details.open !== Boolean(state.view.forms?.[name])) setView({ forms: { ...state.view.forms, [name]: details.open } });
  });
  subscribe((what) => {
    if (what === "load" || what === "view") details.open = Boolean(state.view.forms?.[name]);
  });
  return details;
}

// A field with its name, and one line that says what it does.
export function labelled(id, label, control, hint) {
  control.id = id;
  control.setAttribute("aria-describedby", `${id}-hint`);
  const box = control.type === "checkbox";
  return make("div", { class: box ? "field box" : "field" }, make("label", { for: id }, label), control, make("p", { class: "hint", id: `${id}-hint` }, hint));
}

export const number = (value, properties) => make("input", { type: "number", inputmode: "decimal", step: "any", required: true, ...properties, value });

// The number in a field; nothing where it was left as it was.
export const entered = (input) => (input.value === "" ? undefined : Number(input.value));

// The page's settings for an order of another kind; without what belongs to one kind alone.
export function settingsFor(kind) {
  const { frames, scale, rotate, shift, fps, first, carry, flow, cut, rows, columns, ...kept } = state.order;
  return { ...kept, kind };
}
