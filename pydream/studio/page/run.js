// Dream, and stop: the job of this page, which starts anew when a setting was changed and let go.
import { get, post } from "./api.js";
import { looks } from "./catalogue.js";
import { endBrush } from "./brush.js";
import { announce, find, make, say } from "./dom.js";
import { dreamSize, effective, longSide } from "./effective.js";
import { dreamOf } from "./forms.js";
import { isOpen, job, onJobs, take } from "./jobs.js";
import { shortcut } from "./keys.js";
import { same, setView, state, subscribe } from "./state.js";
import { pictureEntry } from "./upload.js";
import { inWords, timeLeft } from "./words.js";

const LARGEST = 8192; // pixels of a long side that a picture is enlarged to
const NO_PICTURE = "Choose a picture first: drop one on the page, or start from noise.";

let asked = null; // the order that the page's job was made from
let asking = false;
let again = false; // something was changed while an order was on its way
let stopping = null; // the id of a job that is to stop: what there is of it is kept, and no other takes its place
const parts = {};

export function mountRun() {
  parts.dream = make("button", { type: "button", id: "dream", class: "primary", title: "Dream with these settings (D)", onclick: dream }, "Dream");
  parts.stop = make("button", { type: "button", id: "stop", class: "danger", title: "Stop, and keep what there is (S or Esc)", onclick: stop, hidden: true }, "Stop");
  parts.large = make("button", { type: "button", id: "large", title: "Dream the same in the picture's own size, or twice as large (L)", onclick: large }, "Large ", (parts.side = make("small")));
  parts.queue = make("button", { type: "button", id: "enqueue", title: "Dream this after what is running (Q)", onclick: enqueue }, "Queue");
  parts.progress = make("progress", { max: 1, value: 0, "aria-label": "Progress of the dream", hidden: true });
  parts.status = make("p", { id: "status" });
  parts.error = make("p", { class: "error", role: "alert", hidden: true });
  find("#run").append(parts.progress, make("div", { class: "row" }, parts.dream, parts.stop, parts.large, parts.queue), parts.status, parts.error);
  shortcut("D", "Dream", () => dream());
  shortcut(["S", "Escape"], "Stop, and keep what there is", () => (parts.stop.hidden ? false : stop()));
  shortcut("L", "Dream the same, large", () => large());
  shortcut("Q", "Add to the queue", () => enqueue());
  subscribe((what) => {
    if (what === "load") asked = dreamOf(state.order);
    if (what === "order") {
      say(parts.error, null); // it was about the one before
      restart();
    }
    draw();
  });
  let before = null;
  onJobs((id) => {
    draw();
    const mine = job(state.view.runs);
    const now = mine && `${mine.id} ${mine.state}`;
    if (id !== null && now !== before && mine && !isOpen(mine)) announce(ended(mine));
    before = now;
  });
}

// Post an order; the line of an error is shown at the buttons. Returns the job's id, or null.
async function submit(order) {
  try {
    const { id } = await post("/api/jobs", order);
    await get(`/api/jobs/${id}`).then(take, () => {}); // an event says it too
    say(parts.error, null);
    return id;
  } catch (failure) {
    say(parts.error, failure.message);
    return null;
  }
}

async function dream() {
  if (state.order.picture === undefined) return say(parts.error, NO_PICTURE);
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  endBrush();
  do {
    again = false;
    asked = dreamOf(state.order);
    const mine = job(state.view.runs);
    const anew = isOpen(mine) && mine.id !== stopping;
    const id = await submit({ ...asked, ...(anew && { replaces: mine.id }) });
    if (id) {
      setView({ job: id, runs: id });
      announce(anew ? "Dreaming anew, with what was changed" : "Dreaming");
    }
  } while (again);
  asking = false;
  draw();
}

// What runs and is looked at is made anew with the settings as they are now.
function restart() {
  if (asking) again = !same(asked, dreamOf(state.order));
  else if (state.view.job === state.view.runs && state.view.runs !== stopping && isOpen(job(state.view.runs)) && !same(asked, dreamOf(state.order))) dream();
}

// What the stop button stops: what is looked at, or else what this page started.
const running = () => [job(state.view.job), job(state.view.runs)].find(isOpen) ?? null;

async function stop() {
  const stopped = running();
  if (!stopped) return;
  parts.stop.disabled = true;
  stopping = stopped.id;
  try {
    await post(`/api/jobs/${stopped.id}/stop`);
    say(parts.error, null);
  } catch (failure) {
    stopping = null;
    say(parts.error, failure.message);
  }
  parts.stop.disabled = false;
}

async function enqueue() {
  if (state.order.picture === undefined) return say(parts.error, NO_PICTURE);
  if (await submit(dreamOf(state.order))) announce("Added to the queue");
}

// The long side that a dream has now, and the one that "Large" makes: the picture's own, or twice what it is now.
async function longSides() {
  const { picture } = state.order;
  const entry = picture ? await pictureEntry(picture).catch(() => null) : null;
  const [now, own] = [longSide(dreamSize(state.order, entry)), longSide(entry)];
  return [now, now >= own ? Math.min(2 * now, LARGEST) : own];
}

// In how many sizes a picture dreams that is larger by a factor: shapes grow with it, and do not become many small ones.
async function sizesOfLarger(order, factor) {
  const { octave_n: now, octave_scale: scale, grid } = effective(order, await looks());
  const more = Math.round(Math.log(factor) / Math.log(scale));
  return grid || now === "auto" || !(scale > 1) || !(more > 0) || !Number.isFinite(more) ? {} : { octave_n: now + more };
}

async function large() {
  if (state.order.picture === undefined) return say(parts.error, NO_PICTURE);
  const [before, side] = await longSides();
  const order = dreamOf(state.order);
  const seed = job(state.view.job)?.order.recipe?.seed ?? order.recipe?.seed; // of what is looked at
  const factor = side / before;
  const larger = await sizesOfLarger(order, factor).catch(() => ({}));
  const recipe = { ...order.recipe, ...larger, ...(seed !== undefined && { seed }) };
  const { noise, size, ...resized } = recipe;
  const id = await submit(noise ? { ...order, recipe: { ...recipe, noise: noise.map((length) => Math.round(length * factor)) } } : { ...order, recipe: resized, long_side: side });
  if (!id) return;
  setView({ job: id });
  announce(`Dreaming with ${side} pixels`);
}

async function draw() {
  const open = running();
  const mine = isOpen(job(state.view.runs));
  parts.stop.hidden = !open;
  parts.dream.hidden = Boolean(mine && state.view.job === state.view.runs);
  const next = Boolean(open) && !parts.dream.hidden;
  parts.dream.textContent = next ? "Dream next" : "Dream";
  parts.queue.hidden = next; // that is what the other does
  const looked = job(state.view.job) ?? open;
  parts.progress.hidden = looked?.state !== "running";
  if (looked?.steps) parts.progress.value = looked.step / looked.steps;
  else parts.progress.removeAttribute("value");
  parts.status.textContent = looked ? (isOpen(looked) ? going(looked) : ended(looked)) : "";
  const [, side] = state.order.picture === undefined ? [] : await longSides();
  parts.side.textContent = side ? `${side}\u00a0px` : "";
}

function going({ state: now, step, steps, what, seconds_left: left, attempts }) {
  if (now === "queued") return "Waits for its turn";
  if (!steps) return attempts > 1 ? "Goes on …" : "Begins …";
  return [what, `step ${step} of ${steps}`, left != null && timeLeft(left)].filter(Boolean).join(", ");
}

function ended(made) {
  if (made.state === "failed") return `Failed: ${made.error}`;
  if (made.state === "stopped") return made.result ? "Stopped; what there was is kept" : "Stopped before there was anything";
  return `${inWords(made)} is done${made.seconds ? ` after ${made.seconds < 10 ? Math.round(made.seconds * 10) / 10 : Math.round(made.seconds)} s` : ""}`;
}
