// The picture to dream on: dropped, pasted, chosen, one of ours, or noise.
import { get, post } from "./api.js";
import { announce, find, make, say } from "./dom.js";
import { dreamSize, longSide } from "./effective.js";
import { refill, takeOrder } from "./forms.js";
import { shortcut } from "./keys.js";
import { change, NEW_ORDER, setView, state, subscribe } from "./state.js";
import { pictureEntry, remember, upload } from "./upload.js";

const NOISE = [512, 768]; // height and width

let error, news, sending, bar, chooser;

export function mountInput() {
  error = make("p", { class: "error", role: "alert", hidden: true });
  news = make("div", { role: "status" });
  bar = make("progress", { max: 1, "aria-label": "Sending the picture" });
  sending = make("p", { id: "sending", hidden: true }, "Sending the picture …", bar);
  chooser = make("input", { type: "file", id: "picture-file", class: "unseen", tabIndex: -1, "aria-label": "Picture file" });
  chooser.onchange = () => {
    send(chooser.files[0]);
    chooser.value = "";
  };
  const shown = make("p", { class: "picture" });
  const samples = [0, 1].map(() => make("div", { class: "tiles", role: "group", "aria-label": "Pictures of ours" }));
  find("#frame").append(sending);
  find("#source").append(shown, make("div", { class: "row" }, ...ways()), chooser, error, news, make("details", {}, make("summary", {}, "One of ours"), samples[1]));
  const start = find("#start");
  start.append(make("h2", {}, "Drop a picture, and watch it dream"), make("div", { class: "row" }, ...ways("primary")), make("p", { class: "hint" }, "or paste one, or try one of ours:"), samples[0]);
  shortcut("O", "Choose a picture", choose);
  takeDrops();
  addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) send(file);
  });
  subscribe(async (what) => {
    if (what === "load") {
      opened();
      for (const grid of samples) offer(grid);
    }
    if (what !== "load" && what !== "order") return;
    say(error, null);
    start.hidden = state.order.picture !== undefined;
    const entry = state.order.picture && (await pictureEntry(state.order.picture).catch(() => null));
    shown.textContent = entry ? `${entry.name}, ${entry.width}×${entry.height}${resized(entry)}` : state.order.picture === null ? "Noise" : state.order.picture ? "The picture is not here: drop it." : "None yet.";
  });
}

// How large it dreams, where that is not its own size.
function resized(entry) {
  const { width, height } = dreamSize(state.order, entry);
  return width === entry.width && height === entry.height ? "" : `; dreams at ${width}×${height}`;
}

const ways = (first) => [
  make("button", { type: "button", class: first, onclick: choose }, "Choose a picture"),
  make("button", { type: "button", onclick: noise }, "Start from noise"),
];

function choose() {
  chooser.click();
}

function noise() {
  change({ picture: null, mask: undefined, long_side: undefined, recipe: { noise: NOISE, blend: undefined } });
  setView({ job: null, dropped: undefined });
}

async function offer(samples) {
  const { samples: all } = await get("/api/samples").catch(() => ({ samples: [] }));
  samples.replaceChildren(...all.map(({ name }) => make("button", { type: "button", class: "tile", onclick: () => fetchEntry(`/api/samples/${name}`) },
    make("img", { src: `/api/samples/${name}`, alt: "", loading: "lazy" }), make("span", {}, name.replace(/\.\w+$/, "")))));
}

// The picture of the command line, once.
async function opened() {
  const entry = await post("/api/opened").catch((failure) => void say(error, failure.message));
  if (entry) takePicture(remember(entry));
}

async function fetchEntry(path) {
  try {
    takePicture(remember(await post(path)));
  } catch (failure) {
    say(error, failure.message);
  }
}

async function send(file) {
  if (!file) return;
  say(error, null);
  sending.hidden = false;
  try {
    takePicture(await upload(file, (part) => { bar.value = part; }));
  } catch (failure) {
    say(error, failure.message);
    find("#source").scrollIntoView({ block: "nearest" });
  } finally {
    sending.hidden = true;
  }
}

// Take a picture up: one that pydream made brings its settings back, a film goes to its form.
export function takePicture(entry) {
  say(error, null);
  news.replaceChildren(...[...(entry.notes ?? []), ...(entry.missing ?? [])].map((line) => make("p", { class: "notice" }, line)));
  const film = entry.frames > 1;
  const { picture, guide, mask } = state.order;
  if (state.view.lacks && [picture, guide, mask].includes(entry.id)) return found(entry);
  if (entry.order) {
    setView({ job: null, dropped: film ? undefined : entry.id, lacks: (!film && entry.missing?.length > 0) || undefined });
    takeOrder(entry.order);
    const where = film ? "" : entry.made_with ? " Under “Keep and share”, Replay says whether it comes out identical." : " Those of a sheet are its first picture's.";
    news.append(make("p", { class: "notice" }, `pydream made this ${film ? "film" : "picture"}: its settings are back.${where}`));
  } else if (film) {
    refill({ kind: "film", picture: entry.id });
    find("#form-film").scrollIntoView({ block: "nearest" });
    return announce("The film is in its form, under Sheets, zooms and films");
  } else {
    setView({ job: null, dropped: undefined, lacks: undefined });
    change({ kind: "dream", picture: entry.id, mask: undefined, recipe: { noise: undefined, size: undefined }, long_side: sideFor(entry) });
  }
  announce(`${entry.name}, ${entry.width} by ${entry.height} pixels`);
}

// A picture that the dropped one was made with, and that was not here.
async function found(entry) {
  const { notes = [], missing = [] } = await get(`/api/pictures/${state.view.dropped}`);
  news.replaceChildren(...[...notes, ...missing].map((line) => make("p", { class: "notice" }, line)));
  setView({ lacks: missing.length > 0 || undefined });
  change({}); // all that shows it looks again
  announce(`${entry.name} is here`);
}

// The size to try things at: the one that was chosen, and no larger than the picture is.
function sideFor(entry) {
  const side = state.order.long_side ?? NEW_ORDER.long_side;
  return longSide(entry) > side ? side : undefined;
}

function takeDrops() {
  const sign = find("#drop");
  let inside = 0;
  const holds = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => {
    if (!holds(event)) return;
    inside += 1;
    sign.hidden = false;
  });
  addEventListener("dragover", (event) => holds(event) && event.preventDefault());
  addEventListener("dragleave", () => {
    inside = Math.max(0, inside - 1);
    sign.hidden = inside === 0;
  });
  addEventListener("drop", (event) => {
    inside = 0;
    sign.hidden = true;
    if (!holds(event)) return;
    event.preventDefault();
    send(event.dataTransfer.files[0]);
  });
}
