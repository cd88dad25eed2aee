// Text for the clipboard; shown as well, since a page that comes from another computer may not write there.
import { announce, make } from "./dom.js";

export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    return false;
  }
  announce("Copied");
  const before = button.textContent;
  button.style.minWidth = `${button.offsetWidth}px`; // its neighbours stay
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1500);
  return true;
}

// A command to be typed, with a button that copies it.
export function command(text) {
  const code = make("code", { tabIndex: 0 }, text);
  const button = make("button", { type: "button", "aria-label": `Copy: ${text}`, onclick: async () => {
    if (!(await copy(text, button))) getSelection().selectAllChildren(code);
  } }, "Copy");
  return make("p", { class: "command" }, code, button);
}
