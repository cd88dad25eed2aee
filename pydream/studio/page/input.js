// The picture to dream on: dropped, pasted, chosen, one of ours, or noise.
import { get, post } from "./api.js";
import { announce, find, make, say } from "./dom.js";
import { refill } from "./forms.js";
import { shortcut } from "./keys.js";
import { change, NEW_ORDER, replaceOrder, setView, state, subscribe } from "./state.js";
import { pictureEntry, remember, upload } from "./upload.js";

const NOISE = [512, 768]; // height and width

let error, news, bar, chooser;

export function mountInput() {
  error = make("p", { class: "error", role: "alert", hidden: true });
  news = make("div", { role: "status" });
  bar = make("progress", { max: 1, "aria-label": "Sending the picture", hidden: true });
  chooser = make("input", { type: "file", id: "picture-file", class: "unseen", tabIndex: -1, "aria-label": "Picture file" });
  chooser.onchange = () => {
    send(chooser.files[0]);
    chooser.value = "";
  };
  const shown = make("p", { class: "picture" });
  const samples = [0, 1].map(() => make("div", { class: "tiles", role: "group", "aria-label": "Pictures of ours" }));
  find("#source").append(shown, make("div", { class: "row" }, ...ways()), chooser, bar, error, news, make("details", {}, make("summary", {}, "One of ours"), samples[1]));
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
    start.hidden = state.order.picture !== undefined;
    const entry = state.order.picture && (await pictureEntry(state.order.picture).catch(() => null));
    shown.textContent = entry ? `${entry.name}, ${entry.width}×${entry.height}` : state.order.picture === null ? "Noise" : state.order.picture ? "The picture is not here any more." : "None yet.";
  });
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
  bar.hidden = false;
  try {
    takePicture(await upload(file, (part) => { bar.value = part; }));
  } catch (failure) {
    say(error, failure.message);
    find("#source").scrollIntoView({ block: "nearest" });
  } finally {
    bar.hidden = true;
  }
}

// Take a picture up: one that pydream made brings its settings back, a film goes to its form.
export function takePicture(entry) {
  say(error, null);
  news.replaceChildren(...[...(entry.notes ?? []), ...(entry.missing ?? [])].map((line) => make("p", { class: "notice" }, line)));
  if (entry.frames > 1) {
    refill({ kind: "film", picture: entry.id });
    find("#form-film").scrollIntoView({ block: "nearest" });
    return announce("The film is in its form, under Sheets, zooms and films");
  }
  if (entry.order) {
    setView({ job: null, dropped: entry.id });
    replaceOrder(entry.order);
    news.append(make("p", { class: "notice" }, "pydream made this picture: its settings are back. Under “Keep and share”, Replay says whether it comes out identical."));
  } else {
    setView({ job: null, dropped: undefined });
    const wasNoise = state.order.picture === null; // of which the recipe has the size
    change({ kind: "dream", picture: entry.id, mask: undefined, recipe: { noise: undefined }, ...(wasNoise && { long_side: NEW_ORDER.long_side }) });
  }
  announce(`${entry.name}, ${entry.width} by ${entry.height} pixels`);
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
