// Parts that fold away, and are found again as they were left.
import { setView, state, subscribe } from "./state.js";

// Keep in state.view.open whether a <details> is open; opened() is called when it was just opened.
export function keepFolded(details, name, opened = () => {}) {
  let known = details.open; // as it is in the state
  details.addEventListener("toggle", () => {
    if (details.open !== known) {
      known = details.open;
      setView({ open: { ...state.view.open, [name]: known } });
    }
    if (known) opened();
  });
  subscribe((what) => {
    if (what !== "load" && what !== "view") return;
    const wanted = Boolean(state.view.open?.[name]);
    if (wanted !== known) details.open = known = wanted;
  });
}
