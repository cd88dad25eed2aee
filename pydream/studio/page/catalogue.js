// What there is to choose from, asked for once: networks, looks and classes.
import { get } from "./api.js";
import { state } from "./state.js";

const kept = new Map();

function once(path) {
  if (!kept.has(path)) {
    const answer = get(path);
    kept.set(path, answer);
    answer.catch(() => kept.delete(path));
  }
  return kept.get(path);
}

export const networks = () => once("/api/networks");
export const looks = () => once("/api/presets");

let names = [];
export const classes = async () => {
  names = (await once("/api/classes")).classes;
  return names;
};

// The name of a class, given as `--class` takes it: a number or a word. Before the names are known: that.
export const className = (word) => names[word]?.split(",")[0] ?? word;

// Ask again which networks there are: one may have been fetched.
export function renew() {
  kept.delete("/api/networks");
  kept.delete("/api/presets");
}

// The network of the order, as the catalogue has it; null for one that it lacks.
export async function network() {
  const all = await networks();
  const name = state.order.network?.name ?? all.default;
  return all.networks.find((each) => each.name === name) ?? null;
}
