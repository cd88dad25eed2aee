// What is on the canvas: the picture of the order, the job of state.view with its live preview, or its result.
import { listen } from "./api.js";
import { find, say } from "./dom.js";
import { dreamSize } from "./effective.js";
import { isOpen, job, onJobs } from "./jobs.js";
import { state, subscribe } from "./state.js";
import { pictureEntry } from "./upload.js";
import { onZoom, show, showAfter, shown } from "./viewer.js";

const SHOWN_SIDE = 1280; // of a picture's .jpg
const MOST_PIXELS = 24e6; // that the page decodes; of more it shows what the server made smaller
const SMALL = 8e6; // pixels of a result that comes as PNG

let turn = 0; // only what was asked for last is shown
let drawn = ""; // what that was
let whole = false; // whether the picture before is there in its own size
let decoding = false;
let origin = null; // the picture that is shown before its dream
let latest = null; // preview of any job
let waiting = null; // the latest preview that came while one was decoded

export function mount() {
  subscribe(update);
  onJobs((id) => (id === null || id === state.view.job) && update());
  listen("preview", (preview) => {
    latest = preview; // the stream begins with the last one
    if (preview.job === state.view.job) take(preview);
  });
  onZoom((scale) => scale * shownSide() > SHOWN_SIDE * 1.2 && showWhole());
}

const shownSide = () => Math.max(shown().size?.width ?? 0, shown().size?.height ?? 0);
const original = (made) => (made ? made.order.picture : state.order.picture) ?? null;

async function update() {
  const made = job(state.view.job);
  const after = afterOf(made);
  const id = original(made);
  const wanted = `${id} ${made?.id} ${after}`;
  say(find("#badge"), badge(made));
  if (wanted === drawn) return;
  drawn = wanted;
  whole = false;
  const mine = ++turn;
  const [entry, first, second] = await Promise.all([
    id && pictureEntry(id).catch(() => null),
    id && load(`/api/pictures/${id}.jpg`),
    after && load(after),
  ]);
  if (mine !== turn) return;
  if ((id && !first) || (after && !second)) drawn = ""; // the next event tries again
  const kept = isOpen(made) && id === origin ? shown().after : null; // the dream before, until there is one of this
  origin = id;
  show(first, second ?? kept, sizeOf(made, entry, first, second), name(made, entry));
  if (isOpen(made) && latest?.job === made.id) take(latest);
}

// The address of the dream, where there is one to load.
function afterOf(made) {
  if (!made) return state.view.dropped ? `/api/pictures/${state.view.dropped}.jpg` : null;
  const files = made.result?.files;
  if (!files?.png) return null;
  return made.result.width * made.result.height > SMALL ? files.png.replace(/png$/, "jpg") : files.png;
}

function sizeOf(made, entry, first, second) {
  if (made?.result?.width) return { width: made.result.width, height: made.result.height };
  const size = entry ?? (second && dimensions(second)) ?? (first && dimensions(first));
  return made ? dreamSize(made.order, size) : size;
}

const dimensions = (image) => ({ width: image.naturalWidth ?? image.width, height: image.naturalHeight ?? image.height });

function name(made, entry) {
  if (made?.result) return `The dream, ${made.result.width} by ${made.result.height} pixels`;
  if (made) return "The dream as it grows";
  return entry ? `${entry.name}, ${entry.width} by ${entry.height} pixels` : "No picture yet";
}

function badge(made) {
  if (made?.state === "running") return "Live";
  if (made?.state === "queued") return "Waiting";
  if (made?.state === "stopped" && made.result) return "Stopped early";
  return null;
}

async function load(address) {
  const image = new Image();
  image.src = address;
  return image.decode().then(() => image, () => null);
}

// Load the picture before in its own size: someone looks closely.
async function showWhole() {
  const id = original(job(state.view.job));
  if (whole || !id) return;
  whole = true;
  const mine = turn;
  const entry = await pictureEntry(id).catch(() => null);
  if (!entry || entry.frames || Math.max(entry.width, entry.height) <= SHOWN_SIDE || entry.width * entry.height > MOST_PIXELS) return;
  const image = await load(`/api/pictures/${id}.png`);
  const { after, size } = shown();
  if (image && mine === turn) show(image, after, size, find("#canvas").ariaLabel);
}

// ---- previews: base64 → Blob → ImageBitmap; no address, so that the content policy needs no exception ----

async function take(preview) {
  waiting = preview; // a slow page shows the latest
  if (decoding) return;
  decoding = true;
  while (waiting) {
    const { job: id, jpeg, width, height } = waiting;
    waiting = null;
    const bytes = Uint8Array.from(atob(jpeg), (character) => character.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" })).catch(() => null);
    const replaced = shown().after;
    if (!bitmap || id !== state.view.job || job(id)?.result) continue;
    showAfter(bitmap, previewed({ width, height }));
    replaced?.close?.();
  }
  decoding = false;
}

// An octave is scaled up to the picture; a picture of another shape, as a sheet, has its own size.
function previewed(octave) {
  const { size } = shown();
  if (!size) return octave;
  const ratio = octave.width / octave.height / (size.width / size.height);
  return Math.abs(ratio - 1) < 0.04 ? size : octave;
}
