// Looks: presets as pictures.
import { looks, networks } from "./catalogue.js";
import { command } from "./copying.js";
import { find, make, say } from "./dom.js";
import { replaceOrder, state, subscribe } from "./state.js";
import { request, tileGrid } from "./tiles.js";

export function mountLooks() {
  const missing = make("div", { hidden: true, role: "status" });
  const error = make("p", { class: "error", role: "alert", hidden: true });
  const grid = tileGrid("Looks", choose);
  find("#presets").append(make("p", { class: "hint" }, "Each sets network, layer and numbers at once; change what you like after."), error, missing, grid.element);

  async function choose(name) {
    const [{ presets }, all] = await Promise.all([looks(), networks()]);
    const look = presets.find((each) => each.name === name);
    missing.hidden = look.here;
    if (look.here) return take(name === state.order.preset ? null : look, all.default);
    const { fetch, title } = all.networks.find((each) => each.name === look.network);
    missing.hidden = false;
    missing.replaceChildren(make("p", { class: "notice" }, `“${name}” needs ${title}, which is not on this computer yet. Fetch it once, in a terminal:`), command(fetch));
    missing.scrollIntoView({ block: "nearest" });
  }

  async function draw() {
    try {
      const [{ presets }, { default: usual }] = await Promise.all([looks(), networks()]);
      const entries = presets.map(({ name, about, here }) => ({ name, label: name, about, missing: !here, pressed: name === state.order.preset }));
      grid.draw(entries, request({ network: usual, of: "presets" }));
      say(error, null);
    } catch (failure) {
      say(error, failure.message);
    }
  }
  subscribe((what) => (what === "order" || what === "load") && draw());
}

// A look replaces what decides on a look, and leaves picture, guide, mask, size and seed.
function take(look, usual) {
  const { network, preset, layer, classes, objective, strength, recipe, ...kept } = state.order;
  const { seed, noise } = recipe ?? {};
  const own = { ...(seed !== undefined && { seed }), ...(noise && { noise }) };
  replaceOrder({
    ...kept,
    ...(look ? { preset: look.name, ...(look.network !== usual && { network: { name: look.network } }) } : network && { network }),
    ...(Object.keys(own).length && { recipe: own }),
  });
}
