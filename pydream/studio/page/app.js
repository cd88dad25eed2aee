// The page begins: what was saved is read, every part takes its place, and the stream of events opens.
import { connect, listen } from "./api.js";
import { mountBrush } from "./brush.js";
import { mountChoose } from "./choose.js";
import { announce, find, say } from "./dom.js";
import { mountFilm } from "./film.js";
import { mountForms } from "./forms.js";
import { mountHelp } from "./help.js";
import { mountInput } from "./input.js";
import { followJobs, loadJobs } from "./jobs.js";
import { listenToKeys, shortcut } from "./keys.js";
import { mountRun } from "./run.js";
import { mountSees } from "./sees.js";
import { mountSettings, namesOf } from "./settings.js";
import { mountShare } from "./share.js";
import { mount as mountShow } from "./show.js";
import { canRedo, canUndo, load, redo, saveNow, subscribe, undo } from "./state.js";
import { mountStrip } from "./strip.js";
import { mount as mountViewer } from "./viewer.js";

// Functions that fill their part of the page.
const PARTS = [
  mountViewer, mountBrush, mountShow, mountInput, mountSees, mountRun, mountFilm, mountStrip, mountChoose, mountSettings, mountForms, mountShare, mountHelp,
];

function mountHistory() {
  const back = () => canUndo() && announce(`Undone: ${namesOf(undo())}`);
  const again = () => canRedo() && announce(`Redone: ${namesOf(redo())}`);
  find("#undo").onclick = back;
  find("#redo").onclick = again;
  shortcut(["Z", "Ctrl+Z"], "Undo the last change", back);
  shortcut(["Shift+Z", "Ctrl+Shift+Z", "Ctrl+Y"], "Redo it", again);
  subscribe(() => {
    find("#undo").disabled = !canUndo();
    find("#redo").disabled = !canRedo();
  });
}

// Let the page be used: what was changed before its state is there would be lost.
function begin() {
  find("main").removeAttribute("aria-busy");
  listenToKeys();
}

mountHistory();
for (const mount of PARTS) mount();
followJobs();
listen("connection", ({ connected, line }) => {
  document.body.classList.toggle("gone", !connected);
  say(find("#connection"), line);
});
addEventListener("pagehide", saveNow);
document.addEventListener("visibilitychange", () => document.hidden && saveNow());
await Promise.all([load().finally(begin), loadJobs()]).catch((error) => say(find("#connection"), error.message));
connect();
