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

// A number, or keyframes as on the command line: 0:0.05,60:0.2.
export const keyframed = (value, properties) => make("input", { type: "text", autocomplete: "off", ...properties, value });

// What is in such a field, as an order has it; undefined where it is empty.
export function enteredKeyframes(input) {
  const text = input.value.trim();
  return text.includes(":") ? { keyframes: text.split(",").map((pair) => pair.split(":").map(Number)) } : text === "" ? undefined : Number(text);
}

const shown = (value) => (value.keyframes ? value.keyframes.map((pair) => pair.join(":")).join(",") : value);

// Put numbers into fields, by their names; what is not said stays.
export function fillNumbers(inputs, values) {
  for (const [name, input] of Object.entries(inputs)) if (values[name] != null) input.value = shown(values[name]);
}
