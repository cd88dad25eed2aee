// Fields of forms: a control with its name, and one line that says what it does.
import { make } from "./dom.js";

export function labelled(id, label, control, hint) {
  control.id = id;
  control.setAttribute("aria-describedby", `${id}-hint`);
  const box = control.type === "checkbox";
  return make("div", { class: box ? "field box" : "field" }, make("label", { for: id }, label), control, make("p", { class: "hint", id: `${id}-hint` }, hint));
}

export const number = (value, properties) => make("input", { type: "number", inputmode: "decimal", step: "any", required: true, ...properties, value });

// The number in a field; undefined where it is empty.
export const entered = (input) => (input.value === "" ? undefined : Number(input.value));

// Put numbers into fields, by their names; what is not said stays.
export function fillNumbers(inputs, values) {
  for (const [name, input] of Object.entries(inputs)) if (values[name] != null) input.value = values[name];
}
