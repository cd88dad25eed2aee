// What to dream: the network, its layers and channels, classes, and a guide picture. Each folds away, and says
// in its heading what is chosen.
import { find, make, say } from "./dom.js";
import { mountClasses } from "./classes.js";
import { keepFolded } from "./folding.js";
import { mountGuide } from "./guide.js";
import { mountChannels, mountLayers } from "./layers.js";
import { mountLooks } from "./looks.js";
import { mountNetworks } from "./networks.js";
import { mountTerms } from "./terms.js";
import { subscribe } from "./state.js";

export function mountChoose() {
  mountLooks();
  find("#choose").append(
    part("layers", "Layer", mountLayers),
    part("channels", "Channel", mountChannels),
    part("classes", "Things to dream of", mountClasses),
    part("guide", "Guide picture", mountGuide),
    part("networks", "Network", mountNetworks),
    part("terms", "Several at once, with weights", mountTerms),
  );
}

// mount(body) fills a part, and returns a function that draws it and returns what is chosen, in words; {open} says
// whether the body is seen, so that nobody draws small dreams for nothing.
function part(name, title, mount) {
  const chosen = make("span", { class: "chosen" });
  const body = make("div", { class: "body" });
  const details = make("details", { id: `choose-${name}` }, make("summary", {}, make("span", {}, title), chosen), body);
  const error = make("p", { class: "error", role: "alert", hidden: true });
  const draw = mount(body, () => redraw());
  details.append(error);
  let latest = 0;
  async function redraw() {
    const now = ++latest;
    try {
      const text = await draw({ open: details.open, current: () => now === latest });
      if (now === latest) chosen.textContent = text ?? "";
      say(error, null);
    } catch (failure) {
      say(error, failure.message);
    }
  }
  keepFolded(details, name, redraw);
  subscribe((what) => (what === "load" || what === "order") && redraw());
  return details;
}
