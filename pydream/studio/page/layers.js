// Layers and their channels, from small dreams on the user's own picture.
import { looks, network } from "./catalogue.js";
import { make } from "./dom.js";
import { layersOf, term, written } from "./effective.js";
import { labelled } from "./fields.js";
import { change, state } from "./state.js";
import { pagedGrid, request } from "./tiles.js";

const facts = ({ field, channels }) => `${channels} channels${field ? `, shapes up to ${field}\u00a0px` : ""}`;

// Dream on one thing, or with `several` on it beside the others; once more takes it away.
function toggle(text) {
  const now = state.order.layer ?? [];
  const rest = now.filter((each) => written({ ...term(each), place: "", weight: 1 }) !== text);
  const place = text.includes(":") ? now.map(term).find((each) => each.place)?.place : ""; // stays for the next channel
  const added = written({ ...term(text), place });
  const layer = rest.length < now.length ? rest : state.view.several ? [...now, added] : [added];
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
  const middle = make("input", { type: "checkbox", onchange: () => {
    const place = middle.checked ? "@center" : "";
    change({ layer: state.order.layer.map((each) => (term(each).channels === null ? each : written({ ...term(each), place }))) });
  } });
  const strongest = make("input", { type: "number", inputmode: "numeric", min: 1, step: 1, placeholder: "none", onchange: () => {
    if (!strongest.reportValidity()) return;
    const layer = strongest.value && `${list.value}:strongest${Number(strongest.value)}`;
    change({ layer: [layer || list.value], classes: undefined });
  } });
  let of = null; // the layer, where it is not the one that is dreamt on
  let shown = null; // the network and the layer that is dreamt on, which end that choice
  body.append(
    make("p", { class: "hint" }, "A channel is one thing that a layer has learnt: feathers, wheels, curls."),
    make("p", { class: "field" }, make("label", { for: "channels-of" }, "Channels of"), list),
    grid.element,
    labelled("channels-middle", "In the middle only", middle, "What is chosen grows in one place, the middle of the picture at each size, if the layer finds some of it there."),
    labelled("channels-strongest", "Strongest channels", strongest, "So many channels of the layer, those that answer most to your picture."),
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
    middle.disabled = !(state.order.layer ?? []).some((each) => term(each).channels !== null);
    middle.checked = terms.some(({ place }) => place);
    if (open && layer) {
      strongest.max = layer.channels;
      strongest.value = terms.map(({ channels }) => /^strongest(\d+)$/.exec(channels ?? "")?.[1]).find(Boolean) ?? "";
      list.replaceChildren(...layers.map(({ name, channels }) => make("option", { value: name }, `${name} (${channels})`)));
      list.value = layer.name;
      const picked = new Set(chosen.filter((each) => each.layer === layer.name).map(({ channels }) => channels));
      grid.draw(
        Array.from({ length: layer.channels }, (_, number) => ({ name: `${layer.name}:${number}`, label: `${number}`, about: `channel ${number} of ${layer.name}`, pressed: picked.has(`${number}`) })),
        found.here ? request({ network: found.name, of: "channels", layer: layer.name }) : null,
      );
    }
    return chosen.map(({ layer: name, channels, place }) => `${name}:${channels}${place}`).join(", ") || (terms.length ? "all of the layer" : "none");
  };
}
