// Layers and their channels, from small dreams on the user's own picture.
import { looks, network } from "./catalogue.js";
import { make } from "./dom.js";
import { layersOf, term, written } from "./effective.js";
import { change, state } from "./state.js";
import { pagedGrid, request } from "./tiles.js";

const facts = ({ field, channels }) => `${channels} channels${field ? `, shapes up to ${field}\u00a0px` : ""}`;

// Dream on one thing, or with `several` on it beside the others; once more takes it away.
function toggle(text) {
  const now = state.order.layer ?? [];
  const plain = written({ ...term(text), weight: 1 });
  const rest = now.filter((each) => written({ ...term(each), weight: 1 }) !== plain);
  const layer = rest.length < now.length ? rest : state.view.several ? [...now, text] : [text];
  change({ layer: layer.length ? layer : undefined, ...(!state.view.several && { classes: undefined }) });
}

async function present() {
  const [found, catalogue] = await Promise.all([network(), looks()]);
  return { found, terms: layersOf(state.order, catalogue, found).map(term) };
}

export function mountLayers(body, redraw) {
  const grid = pagedGrid("Layers", toggle, redraw);
  body.append(make("p", { class: "hint" }, "Early layers draw strokes, later ones eyes and things, in shapes as large as the layer sees."), grid.element);
  return async ({ open, current }) => {
    const { found, terms } = await present();
    if (!current()) return null;
    const chosen = terms.filter(({ channels }) => channels === null).map(({ layer }) => layer);
    if (open && found) {
      grid.draw(
        (found.layers ?? []).filter(({ dreamable }) => dreamable)
          .map((layer) => ({ name: layer.name, label: layer.name, facts: facts(layer), pressed: chosen.includes(layer.name) })),
        found.here ? request({ network: found.name, of: "layers" }) : null,
      );
    }
    return chosen.join(", ") || "none";
  };
}

export function mountChannels(body, redraw) {
  const list = make("select", { id: "channels-of", onchange: () => { grid.restart(); of = list.value; redraw(); } });
  const grid = pagedGrid("Channels", toggle, redraw);
  let of = null; // the layer, where it is not the one that is dreamt on
  let shown = null; // the network and the layer that is dreamt on, which end that choice
  body.append(
    make("p", { class: "hint" }, "A channel is one thing that a layer has learnt: feathers, wheels, curls."),
    make("p", { class: "field" }, make("label", { for: "channels-of" }, "Channels of"), list),
    grid.element,
  );
  return async ({ open, current }) => {
    const { found, terms } = await present();
    if (!current()) return null;
    const layers = (found?.layers ?? []).filter(({ dreamable }) => dreamable);
    const first = terms[0]?.layer ?? found?.default_layer;
    if (shown !== `${found?.name} ${first}`) of = null;
    shown = `${found?.name} ${first}`;
    const layer = layers.find(({ name }) => name === (of ?? first)) ?? layers[0];
    const chosen = terms.filter(({ channels }) => channels !== null);
    if (open && layer) {
      list.replaceChildren(...layers.map(({ name, channels }) => make("option", { value: name }, `${name} (${channels})`)));
      list.value = layer.name;
      const picked = new Set(chosen.filter((each) => each.layer === layer.name).map(({ channels }) => channels));
      grid.draw(
        Array.from({ length: layer.channels }, (_, number) => ({ name: `${layer.name}:${number}`, label: `${number}`, about: `channel ${number} of ${layer.name}`, pressed: picked.has(`${number}`) })),
        found.here ? request({ network: found.name, of: "channels", layer: layer.name }) : null,
      );
    }
    return chosen.map(({ layer: name, channels }) => `${name}:${channels}`).join(", ") || (terms.length ? "all of the layer" : "none");
  };
}
