// Help: how to begin, and the keys.
import { find, make } from "./dom.js";
import { shortcut, shortcuts } from "./keys.js";

const KEYS = { " ": "Space", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc" };
const STEPS = [
  "Drop a picture on the page, paste one, or choose one; or start from noise.",
  "Pick a look, or a layer whose small dream you like.",
  "Press Dream, and watch. Move a slider: the dream starts anew with it. Stop keeps what there is.",
  "From a phone in the same network, start it with: pydream studio --host 0.0.0.0 --allow-remote",
  "Everything that you make stays under Results, and as files in the studio's folder, each with its settings inside.",
];

export function mountHelp() {
  const dialog = find("#help");
  const close = make("button", { type: "button", class: "primary", onclick: () => dialog.close() }, "Close");
  const list = make("dl", { class: "keys" });
  dialog.append(
    make("h2", { id: "help-title" }, "Help"),
    make("ol", {}, ...STEPS.map((step) => make("li", {}, step))),
    make("h3", {}, "Keys"),
    list,
    make("p", { class: "row" }, close),
  );
  const open = () => {
    list.replaceChildren(...shortcuts().map(({ keys, what }) => make("div", {},
      make("dt", {}, ...keys.flatMap((key, place) => [place ? " or " : "", ...combined(key)])),
      make("dd", {}, what))));
    dialog.showModal();
  };
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  find("#open-help").onclick = open;
  shortcut("?", "This help", open);
}

const combined = (key) => key.split(/(?<=.)\+/).flatMap((part, place) => [place ? " + " : "", make("kbd", {}, KEYS[part] ?? part)]);
