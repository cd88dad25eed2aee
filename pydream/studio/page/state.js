// The page's state: the order being put together, its undo history, and what is looked at. Kept by the server in
// page.json, so that a reload, or the phone, finds all as it was.
//
// state.order is an Order (orders.py) without `replaces`; what it lacks is the command's default. Its `picture` is an
// id, null for noise, and absent as long as none was chosen. state.view is what no undo should bring back:
//   job     the job on the canvas, or null: the picture itself
//   more    anything that a module wants to find again ("expert": true): name it after the module
import { get, put } from "./api.js";

const MOST_STEPS = 100; // of the history
const MOST_SAVED = 60_000; // bytes; the server takes 64 kB, as a request that outlives its page
const SAVE_AFTER = 400; // ms without a change
const SAVE_AGAIN = 5000; // ms after the studio did not answer

export const NEW_ORDER = Object.freeze({ kind: "dream", long_side: 768 });

export const state = { order: NEW_ORDER, view: { job: null } };
let past = [];
let future = [];
let timer = 0;
const listeners = new Set();

// Call a function after every change, with what changed: "order", "view" or "load" (all of it). Returns a function that
// ends it.
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Change fields of the order; undefined removes one. `recipe` is merged the same way.
export function change(fields) {
  const recipe = fields.recipe && merged(state.order.recipe ?? {}, fields.recipe);
  replaceOrder(merged(state.order, recipe ? { ...fields, recipe } : fields));
}

// Take another order as a whole: of a picture that brings its settings, of a result that is gone back to.
export function replaceOrder(order) {
  const { replaces, ...kept } = order;
  const before = state.order;
  state.order = Object.freeze(kept);
  if (!same(kept, before)) {
    past = [...past, before].slice(-MOST_STEPS);
    future = [];
  }
  tell("order");
}

export function setView(fields) {
  state.view = merged(state.view, fields);
  tell("view");
}

export const canUndo = () => past.length > 0;
export const canRedo = () => future.length > 0;

// Undo the last change; return the names of the fields that it had changed.
export function undo() {
  const undone = state.order;
  future = [state.order, ...future];
  state.order = past.at(-1);
  past = past.slice(0, -1);
  tell("order");
  return differing(undone, state.order);
}

// The same of the next one.
export function redo() {
  const before = state.order;
  past = [...past, before];
  [state.order, ...future] = future;
  tell("order");
  return differing(before, state.order);
}

function differing(one, other) {
  const [a, b] = [one, other].map(({ recipe, ...fields }) => ({ ...fields, ...recipe }));
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => !same(a[name] ?? null, b[name] ?? null));
}

// Read what was saved; a page of another version, or none, leaves the defaults.
export async function load() {
  const saved = await get("/api/page");
  if (saved?.version === 1) {
    state.order = Object.freeze(saved.order ?? { ...NEW_ORDER });
    [past, future] = [saved.past ?? [], saved.future ?? []];
    state.view = { job: null, ...saved.view };
  }
  tell("load");
}

// Save at once what waits to be saved: the page is about to go.
export function saveNow() {
  if (!timer) return;
  clearTimeout(timer);
  timer = 0;
  put("/api/page", saved(), { keepalive: true }).catch((error) => {
    if (error.status === 0) timer ||= setTimeout(saveNow, SAVE_AGAIN); // the line "not running" is there already
  });
}

function saved() {
  let steps = Math.max(past.length, future.length);
  for (;;) {
    const kept = { version: 1, order: state.order, past: steps ? past.slice(-steps) : [], future: future.slice(0, steps), view: state.view };
    if (!steps || new Blob([JSON.stringify(kept)]).size <= MOST_SAVED) return kept;
    steps = steps >> 1;
  }
}

function tell(what) {
  if (what === "order" || what === "view") {
    clearTimeout(timer);
    timer = setTimeout(saveNow, SAVE_AFTER);
  }
  for (const listener of listeners) listener(what);
}

function merged(fields, others) {
  const all = { ...fields, ...others };
  for (const [name, value] of Object.entries(all)) if (value === undefined) delete all[name];
  return all;
}

// Whether two orders are the same, whatever the order of their fields.
export function same(one, other) {
  return JSON.stringify(one, sorted) === JSON.stringify(other, sorted);
}

function sorted(key, value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
