// Settings as a link: base64url of the order's JSON, behind the # that no server sees. It holds no token.
import { takeOrder } from "./forms.js";
import { state } from "./state.js";
import { pictureEntry } from "./upload.js";

const PREFIX = "#order=";
const FIELDS = new Set(["kind", "picture", "guide", "mask", "network", "preset", "strength", "layer", "classes", "objective", "recipe", "long_side",
  "frames", "scale", "rotate", "shift", "ease", "step_size", "octave_n", "blend", "hold", "fps", "first", "carry", "flow", "cut", "rows", "columns", "replaces"]); // a job's order has them all

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isWords = (value) => Array.isArray(value) && value.every((word) => typeof word === "string");

// Whether each part of an order is what the page takes it for; the server checks the rest.
function isOrder(order) {
  const { kind, network = {}, recipe = {}, layer = [], classes = [] } = order;
  const { noise } = recipe ?? {};
  return typeof kind === "string" && isObject(network) && isObject(recipe) && isWords(layer) && isWords(classes)
    && (noise == null || (Array.isArray(noise) && noise.length === 2 && noise.every(Number.isFinite)))
    && Object.keys(order).every((name) => FIELDS.has(name));
}

export function linkTo({ replaces, ...order }) {
  const bytes = new TextEncoder().encode(JSON.stringify(order));
  const text = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return `${location.origin}/${PREFIX}${text}`;
}

// Take up the settings in the address, if it has any. Returns a line about what came of it, or null; the fragment is
// taken away, so that a reload does not do it again. Pictures that are not here are left out.
export async function takeLink() {
  if (!location.hash.startsWith(PREFIX)) return null;
  const text = location.hash.slice(PREFIX.length);
  history.replaceState(null, "", location.pathname);
  let order;
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
    order = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!isObject(order) || !isOrder(order)) throw new TypeError();
  } catch {
    return "The link has no settings that this studio can read; copy it anew from “Keep and share”.";
  }
  const gone = [];
  for (const name of ["picture", "guide", "mask"]) {
    if (order[name] && !(await pictureEntry(order[name]).catch(() => null))) {
      delete order[name];
      gone.push(name);
    }
  }
  if (gone.includes("picture") && state.order.picture) order.picture = state.order.picture;
  takeOrder(order);
  return gone.length ? `The link's settings are set; its ${gone.join(" and ")} ${gone.length > 1 ? "are" : "is"} not on this computer.` : "The link's settings are set.";
}
