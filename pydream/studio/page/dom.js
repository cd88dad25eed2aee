// Elements of the page: found, made, and given a line of text.
export const find = (selector, root = document) => root.querySelector(selector);

// Make an element: make("button", {class: "primary", type: "button", onclick: f, "aria-pressed": "true"}, "Text", …).
// A property that is null or undefined is left out, `hidden`, `checked`, `value` and the like are set as they are.
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name === "class") element.className = value;
    else if (name.includes("-") || !(name in element)) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Show a line in an element, or hide that where there is none.
export function say(element, line) {
  if (element.textContent !== (line ?? "")) element.textContent = line ?? "";
  element.hidden = !line;
}

const READ = 4000; // ms that a line is seen

// Say a line for a moment, to the eye and to a screen reader, without moving the focus; `seen`: not what is seen anyway.
export function announce(line, seen = true) {
  const element = find("#announcement");
  element.textContent = line;
  element.classList.toggle("new", seen);
  clearTimeout(reading);
  reading = setTimeout(() => element.classList.remove("new"), READ);
}

let reading = 0;
