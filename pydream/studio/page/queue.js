// The queue: what runs and what waits, in what order, until it is cancelled.
import { post, remove } from "./api.js";
import { announce, find, make, say } from "./dom.js";
import { isOpen, jobs, onJobs } from "./jobs.js";
import { setView, state, subscribe } from "./state.js";
import { inWords, timeLeft } from "./words.js";

export function mountQueue() {
  const section = find("#queue");
  const error = make("p", { class: "error", role: "alert", hidden: true });
  const list = make("ol", { class: "queue" });
  section.append(error, list);
  let shown = ""; // the ids, in order, and what each does
  let rows = new Map(); // id → functions that show progress

  function draw() {
    const open = jobs().filter(isOpen);
    section.hidden = open.every(({ id }) => id === state.view.job); // which the Dream button tells of
    const now = open.map((each) => `${each.id} ${each.state}`).join("\n");
    if (now !== shown) {
      const focused = document.activeElement?.closest?.("#queue") && document.activeElement.dataset.does;
      const waiting = open.filter((each) => each.state === "queued");
      const made = open.map((each) => [each.id, row(each, waiting, error)]);
      rows = new Map(made.map(([id, { tell }]) => [id, tell]));
      list.replaceChildren(...made.map(([, { element }]) => element));
      shown = now;
      const wanted = focused && (find(`[data-does="${focused}"]:enabled`, list) ?? find(`[data-does$="${focused.split(" ")[1]}"]:enabled`, list));
      wanted?.focus();
    }
    for (const each of open) rows.get(each.id)(each);
  }
  onJobs(draw);
  subscribe((what) => what === "view" && draw());
}

function row(each, waiting, error) {
  const words = inWords(each);
  const bar = make("progress", { "aria-label": words, max: 1 });
  const status = make("span", { class: "hint" });
  const place = waiting.findIndex(({ id }) => id === each.id);
  const act = (does, label, text, action, enabled = true) => make("button", { type: "button", "aria-label": `${label}: ${words}`, title: label, "data-does": `${does} ${each.id}`, disabled: !enabled,
    onclick: async () => {
      try {
        await action();
        say(error, null);
        announce(`${label}: done`, false);
      } catch (failure) {
        say(error, failure.message);
      }
    } }, text);
  const move = (before) => post(`/api/jobs/${each.id}/move`, { before });
  const buttons = place < 0
    ? [act("stop", "Stop and keep what there is", "Stop", () => post(`/api/jobs/${each.id}/stop`))]
    : [
        act("up", "Earlier", "↑", () => move(waiting[place - 1].id), place > 0),
        act("down", "Later", "↓", () => move(waiting[place + 2]?.id ?? null), place < waiting.length - 1),
        act("cancel", "Cancel", "✕", () => remove(`/api/jobs/${each.id}`)),
      ];
  const look = make("button", { type: "button", class: "quiet", title: "Look at it", onclick: () => setView({ job: each.id }) }, words);
  return {
    element: make("li", {}, make("div", { class: "about" }, look, status, place < 0 ? bar : null), ...buttons),
    tell({ state: now, step, steps, what, seconds_left: left }) {
      if (now === "queued") status.textContent = place ? `waits as number ${place + 1}` : "is next";
      else {
        if (steps) bar.value = step / steps;
        else bar.removeAttribute("value");
        status.textContent = [what, steps && `${step} of ${steps} steps`, left != null && timeLeft(left)].filter(Boolean).join(", ");
      }
    },
  };
}
