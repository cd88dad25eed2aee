// Keep and share the result that is looked at: files, the command, Python, a link, and whether it can be made again.
import { get, post } from "./api.js";
import { copy } from "./copying.js";
import { find, make, say } from "./dom.js";
import { job, onJobs } from "./jobs.js";
import { linkTo, takeLink } from "./link.js";
import { state, subscribe } from "./state.js";
import { pictureEntry } from "./upload.js";

const PICTURES = { png: "PNG", jpg: "JPEG", webp: "WebP", tiff: "TIFF" }; // the server makes any of them from the first
const DEEP = new Set(["png", "tiff"]); // keep more than 8 bits
const FILMS = { mp4: "Film (MP4)" };

export function mountShare() {
  const section = find("#share");
  const none = make("p", { class: "hint" }, "Make a dream, or choose one of the results: its downloads and its command are here.");
  const files = make("div", { class: "row downloads", role: "group", "aria-label": "Download as" });
  const text = make("textarea", { readOnly: true, rows: 4, "aria-label": "Text to copy", hidden: true, spellcheck: false, class: "code" });
  const error = make("p", { class: "error", role: "alert", hidden: true });
  const verdict = make("p", { class: "notice", role: "status", hidden: true });
  const news = make("p", { class: "notice", role: "status", hidden: true });
  const copier = (label, read) => make("button", { type: "button", onclick: (event) => put(event.currentTarget, read) }, label);
  const command = copier("Copy as command", () => get(`/api/jobs/${state.view.job}/command`));
  const python = copier("Copy as Python", () => get(`/api/jobs/${state.view.job}/python`));
  const link = copier("Copy link to the settings", () => linkTo(job(state.view.job)?.order ?? state.order));
  const replay = make("button", { type: "button", onclick: again }, "Replay");
  const why = make("p", { class: "hint" }, "Replay makes the picture anew from its own record, and compares every pixel.");
  find("#panel").prepend(news);
  section.append(none, files, make("div", { class: "row" }, command, python, link), text, error, make("div", { class: "row" }, replay), why, verdict);

  async function put(button, read) {
    try {
      text.value = await read();
      text.hidden = false;
      text.rows = Math.min(14, 1 + text.value.split("\n").reduce((rows, line) => rows + 1 + Math.floor(line.length / 40), 0));
      say(error, null);
      if (!(await copy(text.value, button))) text.select();
    } catch (failure) {
      say(error, failure.message);
    }
  }

  async function again() {
    const source = origin;
    replay.disabled = true;
    replay.setAttribute("aria-busy", "true");
    say(verdict, "Making it again …");
    try {
      const { identical, why: reason } = await post(`/api/replay?${source}`);
      if (source === origin) say(verdict, identical ? "Identical: every pixel is the same." : `Not identical: ${reason}`);
      say(error, null);
    } catch (failure) {
      say(verdict, null);
      say(error, failure.message);
    } finally {
      (verdict.hidden ? error : verdict).scrollIntoView({ block: "nearest" });
      replay.removeAttribute("aria-busy");
      replay.disabled = false;
    }
  }

  let origin = null; // what a replay would be of
  let shown;
  async function draw() {
    const looked = state.view.job ? job(state.view.job) : null;
    const { dropped } = state.view; // a picture that pydream made
    const entry = !looked && dropped ? await pictureEntry(dropped).catch(() => null) : null;
    const now = looked?.result ? `job=${looked.id}` : entry?.made_with ? `picture=${entry.id}` : null;
    none.hidden = Boolean(now || looked?.command);
    const made = looked?.result?.files ?? {};
    const has = Object.entries({ ...(made.png && PICTURES), ...FILMS }).filter(([kind]) => made[kind] || kind in PICTURES);
    if (JSON.stringify([now, has]) !== shown) {
      shown = JSON.stringify([now, has]);
      const { mask } = looked?.order ?? {}; // which the command wants as a file
      files.replaceChildren(...has.map(([kind, name]) => make("a", { class: "button", href: `/api/jobs/${looked.id}/result.${kind}?download=1`, download: "" }, looked.order.recipe.depth && DEEP.has(kind) ? `${name}, 16 bits` : name)),
        ...(has.length && mask ? [make("a", { class: "button", href: `/api/pictures/${mask}.png`, download: "mask.png", title: "The painted mask, as the command wants it" }, "Mask")] : []));
      text.hidden = true;
      say(error, null);
      say(verdict, null);
    }
    origin = now;
    command.hidden = !looked?.command;
    python.hidden = !looked?.python;
    replay.hidden = why.hidden = !now || Boolean(looked && !looked.result.files.png);
  }

  const open = async () => say(news, await takeLink());
  subscribe((what) => {
    if (what === "load") open();
    else if (what === "order") say(news, null);
    draw();
  });
  addEventListener("hashchange", open);
  onJobs((id) => (id === null || id === state.view.job) && draw());
}
