// What the network takes the picture for, before and after the dream: asked for when it is looked at.
import { request } from "./api.js";
import { network } from "./catalogue.js";
import { find, make, say } from "./dom.js";
import { keepFolded } from "./folding.js";
import { isOpen, job, jobs, onJobs } from "./jobs.js";
import { state, subscribe } from "./state.js";
import { pictureEntry } from "./upload.js";

const percent = (part) => (part > 0 && part < 0.001 ? "<0.1 %" : `${(part * 100).toFixed(1)} %`);

export function mountSees() {
  const line = make("p", { class: "hint", role: "status" });
  const error = make("p", { class: "error", role: "alert", hidden: true });
  const columns = { before: make("div"), after: make("div") };
  const details = make("details", { id: "sees" }, make("summary", {}, "What the network sees"), line, make("div", { class: "sees" }, ...Object.values(columns)), error);
  find("#source").append(details);
  const answers = new Map(); // by what was asked
  let asked = "null";
  let asking = new AbortController();
  let turn = 0;

  async function draw() {
    if (!details.open) return;
    const mine = ++turn;
    const wanted = await question();
    if (mine !== turn) return;
    const text = JSON.stringify(wanted);
    if (text !== asked) {
      asked = text;
      asking.abort();
      say(error, null);
      if (wanted && !answers.has(text)) ask(wanted, text);
    }
    show(wanted, answers.get(text));
  }

  function ask(wanted, text) {
    asking = new AbortController();
    const { signal } = asking;
    request("POST", "/api/classify", wanted, { signal }).then(
      (found) => { answers.set(text, found); draw(); },
      (failure) => { if (!signal.aborted) { say(line, null); say(error, failure.message); } },
    );
  }

  function show(wanted, found) {
    if (!wanted) say(line, "What a network takes a picture for, and its dream when that is done.");
    else if (!found) say(line, !error.hidden ? null : jobs().some((each) => each.state === "running") ? "It looks when the dream that runs is done." : "It is looking …");
    else say(line, found.before || found.after ? `What ${found.network} takes it for, with probabilities:` : `${found.network} knows no things by name.`);
    for (const [name, column] of Object.entries(columns)) {
      const classes = found?.[name] ?? [];
      column.replaceChildren(...(classes.length ? [make("h3", {}, name === "before" ? "Before" : "After"), make("ol", {}, ...classes.map(row))] : []));
    }
  }

  keepFolded(details, "sees", () => {
    asked = "null"; // what failed is asked again
    draw();
  });
  subscribe(draw);
  onJobs((id) => (id === null || !isOpen(job(id))) && draw());
}

const row = ({ number, name, probability, before }) => make("li", {},
  make("span", {}, name ?? `class ${number}`), make("b", {}, percent(probability)),
  make("progress", { max: 1, value: probability, "aria-hidden": "true" }),
  before === undefined ? null : make("small", {}, `before ${percent(before)}`));

// What is asked of what is on the canvas: of a dream that is done, or of the picture; null while there is neither.
async function question() {
  const made = job(state.view.job);
  if (made?.order.kind === "dream" && made.result) return { job: made.id };
  const id = made ? made.order.picture : state.order.picture;
  const entry = id && (await pictureEntry(id).catch(() => null));
  const looks = await network().catch(() => null);
  return entry && !entry.frames && looks?.here ? { picture: id, network: looks.name } : null;
}
