// Looks: presets as pictures.
import { looks, networks } from "./catalogue.js";
import { make, say } from "./dom.js";
import { command } from "./copying.js";
import { replaceOrder, state } from "./state.js";
import { request, tileGrid } from "./tiles.js";

export function mountLooks(body) {
  const missing = make("div", { hidden: true });
  const grid = tileGrid("Looks", async (name) => {
    const all = await looks();
    const look = all.presets.find((each) => each.name === name);
    if (look.here) return take(name === state.order.preset ? null : look, (await networks()).default);
    const { fetch } = (await networks()).networks.find((each) => each.name === look.network);
    missing.replaceChildren(make("p", { class: "notice", role: "status" }, `“${name}” needs the network ${look.network}. Fetch it once:`), command(fetch));
    missing.hidden = false;
  });
  body.append(make("p", { class: "hint" }, "Ready-made: each sets network, layer and numbers at once."), grid.element, missing);
  return async ({ open, current }) => {
    const { presets } = await looks();
    if (!current()) return null;
    const { preset } = state.order;
    if (open) {
      grid.draw(
        presets.map(({ name, about, here }) => ({ name, label: name, about: here ? about : `${about}; its network is not here yet`, pressed: name === preset, missing: !here })),
        request({ of: "presets" }),
      );
    }
    return preset ?? "none";
  };
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
