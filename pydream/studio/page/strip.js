// All results of the visit, newest first: each is one click from being gone back to, and undo goes forward again.
import { remove } from "./api.js";
import { classes } from "./catalogue.js";
import { announce, find, make, say } from "./dom.js";
import { takeOrder } from "./forms.js";
import { isOpen, job, jobs, onJobs } from "./jobs.js";
import { mountQueue } from "./queue.js";
import { setView, state, subscribe } from "./state.js";
import { inWords } from "./words.js";

const UNSURE = 4000; // ms in which a second click deletes

export function mountStrip() {
  mountQueue();
  const error = make("p", { class: "error", role: "alert", hidden: true });
  const empty = make("p", { class: "hint" }, "What you dream is kept here.");
  const list = make("ul", { class: "strip" });
  find("#strip").append(error, empty, list);
  let newest;
  const rows = new Map(); // id → its <li> and what that shows

  function draw() {
    const kept = jobs().filter((each) => !isOpen(each)).reverse();
    empty.hidden = kept.length > 0;
    for (const [id, { element }] of rows) if (!kept.some((each) => each.id === id)) { element.remove(); rows.delete(id); }
    kept.forEach((each, place) => {
      const known = rows.get(each.id);
      const row = known?.state === each.state ? known : { state: each.state, element: entry(each, error) };
      rows.set(each.id, row);
      if (known && known !== row) known.element.remove();
      if (list.children[place] !== row.element) list.insertBefore(row.element, list.children[place] ?? null);
    });
    if (kept[0]?.id !== newest) list.scrollLeft = 0;
    newest = kept[0]?.id;
    mark();
  }

  function mark() {
    for (const [id, { element }] of rows) find("button", element).setAttribute("aria-current", String(id === state.view.job));
  }

  classes().then(() => { rows.clear(); list.replaceChildren(); draw(); }, () => {}); // jobs of a class have its name
  onJobs((id) => (id === null || !isOpen(job(id)) || rows.has(id)) && draw());
  subscribe((what) => (what === "view" || what === "load") && mark());
}

// Take up a result again: its settings, and its picture on the canvas.
export function goBack({ id, order }) {
  setView({ job: id });
  takeOrder(order);
  announce("This result's settings are back, its seed too; undo leaves them again");
}

function entry(each, error) {
  const words = inWords(each);
  const how = { failed: each.error, stopped: each.result ? `stopped after ${each.result.stopped_after} steps` : "stopped before there was anything" }[each.state];
  const picture = each.result
    ? make("img", { src: `/api/jobs/${each.id}/small.jpg`, alt: "", loading: "lazy", decoding: "async" })
    : make("span", { class: "nothing", "aria-hidden": "true" }, each.state === "failed" ? "⚠" : "∅");
  const open = make("button", { type: "button", class: "result", title: how ? `${words}; ${how}` : words, "aria-label": `Go back to ${each.number}: ${words}${how ? `, ${how}` : ""}`, onclick: () => goBack(each) }, picture);
  return make("li", {}, open,
    make("p", { class: each.state === "failed" ? "error" : "hint" }, how && each.state === "failed" ? how : words.replace(/^Dream of /, "")), // two short lines
    deleter(each, words, error));
}

function deleter({ id, number }, words, error) {
  const label = `Delete ${number}: ${words}`;
  const button = make("button", { type: "button", class: "delete", "aria-label": label, title: "Delete" }, "✕");
  let sure = 0;
  const calm = () => {
    clearTimeout(sure);
    sure = 0;
    button.textContent = "✕";
    button.setAttribute("aria-label", label);
  };
  button.onblur = calm;
  button.onclick = async () => {
    if (!sure) {
      sure = setTimeout(calm, UNSURE);
      button.textContent = "Delete?";
      button.setAttribute("aria-label", `${label}, for good`);
      return announce("Press again to delete it for good");
    }
    calm();
    const neighbour = button.closest("li").nextElementSibling ?? button.closest("li").previousElementSibling;
    try {
      await remove(`/api/jobs/${id}`);
      if (state.view.job === id) setView({ job: null });
      say(error, null);
      announce("Deleted");
      find("button", neighbour ?? find("#strip"))?.focus();
    } catch (failure) {
      say(error, failure.message);
    }
  };
  return button;
}
