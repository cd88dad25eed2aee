// The page's state: the order being put together, its undo history, and what is looked at. Kept by the server in
// page.json, so that a reload, or the phone, finds all as it was.
//
// state.order is an Order (orders.py) without `replaces`; what it lacks is the command's default. Its `picture` is an
// id, null for noise, and absent as long as none was chosen. state.view is what no undo should bring back:
//   job     the job on the canvas, or null: the picture itself
//   more    anything that a module wants to find again ("expert": true): name it after the module
import { get, put } from "./api.js";

const MOST_STEPS = 100; // of the history
const MOST_SAVED = 60_000; // characters; the server takes 64 kB
const SAVE_AFTER = 400; // ms without a change

export const NEW_ORDER = Object.freeze({ kind: "dream", long_side: 768 });

export const state = { order: NEW_ORDER, view: { job: null } };
let past = [];
let future = [];
let settled = state.order; // that of the last change that was let go
let timer = 0;
const listeners = new Set();

// Call a function after every change, with what changed: "order", "moving" (a slider on its way: nothing may run),
// "view" or "load" (all of it). Returns a function that ends it.
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Change fields of the order; undefined removes one. `recipe` is merged the same way. With {moving: true}, while a
// slider moves, no undo step is made and nothing starts; a change without it comes when it is let go.
export function change(fields, { moving = false } = {}) {
  const recipe = fields.recipe && merged(state.order.recipe ?? {}, fields.recipe);
  replaceOrder(merged(state.order, recipe ? { ...fields, recipe } : fields), { moving });
}

// Take another order as a whole: of a picture that brings its settings, of a result that is gone back to.
export function replaceOrder(order, { moving = false } = {}) {
  const { replaces, ...kept } = order;
  state.order = Object.freeze(kept);
  if (!moving) {
    if (same(kept, settled)) return tell("order");
    past = [...past, settled].slice(-MOST_STEPS);
    future = [];
    settled = state.order;
  }
  tell(moving ? "moving" : "order");
}

export function setView(fields) {
  state.view = merged(state.view, fields);
  tell("view");
}

export const canUndo = () => past.length > 0;
export const canRedo = () => future.length > 0;

export function undo() {
  if (!canUndo()) return;
  future = [settled, ...future];
  settled = past.at(-1);
  past = past.slice(0, -1);
  state.order = settled;
  tell("order");
}

export function redo() {
  if (!canRedo()) return;
  past = [...past, settled];
  [settled, ...future] = future;
  state.order = settled;
  tell("order");
}

// Read what was saved; a page of another version, or none, leaves the defaults.
export async function load() {
  const saved = await get("/api/page");
  if (saved?.version === 1) {
    settled = state.order = Object.freeze(saved.order ?? { ...NEW_ORDER });
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
  put("/api/page", saved(), { keepalive: true }).catch(() => {}); // the line "not running" is there already
}

function saved() {
  let steps = past.length;
  for (;;) {
    const kept = { version: 1, order: settled, past: steps ? past.slice(-steps) : [], future, view: state.view };
    if (!steps || JSON.stringify(kept).length <= MOST_SAVED) return kept;
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
