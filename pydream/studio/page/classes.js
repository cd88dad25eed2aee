// Classes: things that a network knows by name, found by typing. A combobox with a list, as ARIA describes it.
import { className, classes, network } from "./catalogue.js";
import { announce, make } from "./dom.js";
import { term } from "./effective.js";
import { change, state } from "./state.js";

const MOST = 40; // names shown at once

export function mountClasses(body) {
  const input = make("input", { id: "class-search", type: "text", role: "combobox", autocomplete: "off", spellcheck: false, placeholder: "flamingo, tabby, castle …",
    "aria-expanded": "false", "aria-controls": "class-list", "aria-autocomplete": "list", "aria-describedby": "class-hint" });
  const list = make("ul", { id: "class-list", role: "listbox", "aria-label": "Things", hidden: true });
  const chips = make("div", { class: "chips", role: "group", "aria-label": "Things that are dreamt of" });
  const hint = make("p", { class: "hint", id: "class-hint" });
  body.append(make("div", { class: "combobox" }, make("label", { for: "class-search" }, "Search"), input, list), hint, chips);

  let names = [];
  let active = -1;

  function open() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = names.map((name, number) => ({ name, number }))
      .filter(({ name, number }) => words.every((word) => String(number) === word || name.toLowerCase().includes(word)))
      .sort((one, other) => rank(one, words) - rank(other, words));
    list.replaceChildren(...found.slice(0, MOST).map(({ name, number }) => make("li", { id: `class-${number}`, role: "option", "aria-selected": "false",
      "data-number": number, onpointerdown: (event) => event.preventDefault(), onclick: () => choose(number) }, name)));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    if (!found.length) list.append(make("li", { class: "none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, "No such name; try a more general word"));
    announce(found.length === 1 ? "One name" : `${found.length} names`, false);
    move(words.length && found.length ? 0 : -1);
  }

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function move(to) {
    const options = list.querySelectorAll("[data-number]");
    options[active]?.setAttribute("aria-selected", "false");
    active = options.length ? Math.max(-1, Math.min(to, options.length - 1)) : -1;
    const option = options[active];
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function choose(number) {
    const now = state.order.classes ?? [];
    input.value = "";
    close();
    if (now.some((each) => term(each).layer === String(number))) return;
    // A thing alone, as layers are: otherwise the layer, the look or the guide before is mixed in, and it is barely seen.
    change({ classes: [...now, String(number)], ...(!state.view.several && { layer: undefined, preset: undefined, guide: undefined }) });
  }

  input.addEventListener("input", open);
  input.addEventListener("focus", () => input.value && open());
  input.addEventListener("blur", close);
  input.addEventListener("click", () => list.hidden && open());
  input.addEventListener("keydown", (event) => {
    const jump = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + 8, PageUp: Math.max(0, active - 8) }[event.key];
    if (jump !== undefined) {
      if (list.hidden) open();
      else move(jump);
    } else if (event.key === "Enter" && active >= 0) choose(Number(list.querySelectorAll("[data-number]")[active].dataset.number));
    else if (event.key === "Escape" && !list.hidden) close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return async ({ current }) => {
    const found = await network();
    names = found?.classes ? await classes() : [];
    if (!current()) return null;
    input.disabled = !names.length;
    if (!list.hidden) open(); // typed before the names were there
    hint.textContent = names.length ? `Any of ${names.length.toLocaleString("en")} things; several are mixed.` : `${found?.title ?? "This network"} knows no things by name; another network may.`;
    const chosen = state.order.classes ?? [];
    chips.replaceChildren(...chosen.map((text) => make("button", { type: "button", class: "chip", "aria-label": `Without ${className(term(text).layer)}`,
      onclick: () => {
        const rest = (state.order.classes ?? []).filter((each) => each !== text);
        change({ classes: rest.length ? rest : undefined });
        input.focus();
      } }, className(term(text).layer), make("span", { "aria-hidden": "true" }, " ✕"))));
    return chosen.map((text) => className(term(text).layer)).join(", ") || "none";
  };
}

// Names that begin with what was typed come first, then words that do.
function rank({ name }, words) {
  const text = name.toLowerCase();
  const first = words[0] ?? "";
  return text.startsWith(first) ? 0 : text.includes(`, ${first}`) || text.includes(` ${first}`) ? 1 : 2;
}
