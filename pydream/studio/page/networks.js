// The network: those that are here to choose, the others with the command that fetches them.
import { networks, renew } from "./catalogue.js";
import { command } from "./copying.js";
import { make } from "./dom.js";
import { replaceOrder, state } from "./state.js";

export function mountNetworks(body, redraw) {
  const list = make("div", { role: "radiogroup", "aria-label": "Network" });
  const again = make("button", { type: "button", class: "quiet", onclick: () => { renew(); drawn = null; redraw(); } }, "Look again");
  body.append(make("p", { class: "hint" }, "Each network has seen other things, and draws those."), list, again);
  let drawn = null; // the list that is shown
  return async ({ current }) => {
    const all = await networks();
    if (!current()) return null;
    const chosen = state.order.network?.name ?? all.default;
    if (drawn !== all) list.replaceChildren(...all.networks.map(entry));
    drawn = all;
    for (const radio of list.querySelectorAll("input")) radio.checked = radio.value === chosen;
    return all.networks.find(({ name }) => name === chosen)?.title ?? chosen;
  };
}

function entry({ name, title, here, fetch, classes }) {
  const radio = make("input", { type: "radio", name: "network", value: name, disabled: !here, onchange: () => take(name) });
  const facts = here ? (classes ? "knows things by name" : "knows no names") : "not here yet; fetch it once:";
  return make("div", { class: "network" },
    make("label", { class: "radio" }, radio, make("span", {}, title, make("small", {}, ` ${name}, ${facts}`))),
    here || !fetch ? null : command(fetch));
}

// Layers, channels, classes and looks are a network's own.
function take(name) {
  const { preset, layer, classes, objective, ...kept } = state.order;
  replaceOrder({ ...kept, network: { ...state.order.network, name } });
}
