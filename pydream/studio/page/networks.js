// The network: those that are here to choose, the others with the command that fetches them.
import { networks, renew } from "./catalogue.js";
import { command } from "./copying.js";
import { make } from "./dom.js";
import { replaceOrder, state } from "./state.js";

export function mountNetworks(body, redraw) {
  const list = make("div", { role: "radiogroup", "aria-label": "Network" });
  const missing = make("div", { class: "missing-networks" });
  const again = make("button", { type: "button", class: "quiet", onclick: () => { renew(); drawn = null; redraw(); } }, "Look again");
  body.append(make("p", { class: "hint" }, "Each network has seen other things, and draws those."), list, missing, again);
  let drawn = null; // the list that is shown
  return async ({ current }) => {
    const all = await networks();
    if (!current()) return null;
    const chosen = state.order.network?.name ?? all.default;
    if (drawn !== all) {
      list.replaceChildren(...all.networks.filter(({ here }) => here).map(entry));
      const others = all.networks.filter(({ here }) => !here).map(entry);
      missing.replaceChildren(...(others.length ? [make("p", { class: "hint" }, "Not here yet. In a terminal, once:"), ...others] : []));
      again.hidden = !others.length;
    }
    drawn = all;
    for (const radio of list.querySelectorAll("input")) radio.checked = radio.value === chosen;
    return all.networks.find(({ name }) => name === chosen)?.title ?? chosen;
  };
}

function entry({ name, title, here, fetch, classes }) {
  if (!here) return make("div", { class: "network" }, make("p", {}, title), command(fetch));
  const radio = make("input", { type: "radio", name: "network", value: name, onchange: () => take(name) });
  return make("label", { class: "radio" }, radio, make("span", {}, title, make("small", {}, `${name}${classes ? ", knows 1,000 things by name" : ""}`)));
}

// Layers, channels, classes and looks are a network's own.
function take(name) {
  const { preset, layer, classes, objective, ...kept } = state.order;
  replaceOrder({ ...kept, network: { ...state.order.network, name } });
}
