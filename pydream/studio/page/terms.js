// Several layers, channels and classes at once, each with a weight: for experts.
import { className, classes, looks, network } from "./catalogue.js";
import { make } from "./dom.js";
import { layersOf, term, written } from "./effective.js";
import { change, setView, state, subscribe } from "./state.js";

export function mountTerms(body, redraw) {
  const several = make("input", { type: "checkbox", id: "several", onchange: () => setView({ several: several.checked }) });
  const list = make("ul", { class: "terms", "aria-label": "What is dreamt of" });
  body.append(
    make("p", { class: "field box" }, make("label", { for: "several" }, "Choose several"), several,
      make("span", { class: "hint" }, "A click on a layer or channel adds it to the others. The weight says how strongly; below 0 it is dreamt away.")),
    list,
  );
  subscribe((what) => {
    if (what === "load" || what === "view") several.checked = Boolean(state.view.several);
  });
  return async ({ current }) => {
    const [found, catalogue] = await Promise.all([network(), looks()]);
    if (state.order.classes?.length) await classes();
    if (!current()) return null;
    const layers = layersOf(state.order, catalogue, found);
    const all = [
      ...layers.map((text, place) => row("layer", layers, place, written({ ...term(text), weight: 1 }), text)),
      ...(state.order.classes ?? []).map((text, place, every) => row("classes", every, place, className(term(text).layer), text)),
    ];
    list.replaceChildren(...all);
    return all.length > 1 ? `${all.length}` : "one";
  };
}

function row(field, all, place, name, text) {
  const set = (changed) => {
    const kept = all.flatMap((each, at) => (at === place ? changed : [each]));
    change({ [field]: kept.length ? kept : undefined });
  };
  const now = term(text).weight;
  const kind = typeof now === "number" ? { type: "number", step: "any" } : { type: "text", pattern: "[-+.0-9eE:,]+", title: "Keyframes, for a zoom loop" };
  const weight = make("input", { ...kind, value: now, "aria-label": `Weight of ${name}`, required: true });
  weight.onchange = () => weight.reportValidity() && set([written({ ...term(text), weight: weight.value.includes(":") ? weight.value : Number(weight.value) })]);
  return make("li", {}, make("span", {}, name), weight,
    make("button", { type: "button", "aria-label": `Without ${name}`, title: "Take it away", onclick: () => set([]) }, "✕"));
}
