// The jobs of the studio, as the server last described them.
import { get, listen } from "./api.js";

let all = [];
let asked = 0; // how often the list was asked for
let since = new Map(); // jobs that events described while it was on its way
const listeners = new Set();

export const jobs = () => all; // oldest first
export const job = (id) => all.find((each) => each.id === id) ?? null;
export const isOpen = (each) => each?.state === "queued" || each?.state === "running";

// Call a function after each change of a job: with its id, or null for the list.
export function onJobs(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export async function loadJobs() {
  const mine = ++asked;
  const newer = (since = new Map());
  const listed = (await get("/api/jobs")).jobs;
  if (mine !== asked) return; // a later one is on its way
  all = listed.map((each) => newer.get(each.id) ?? each); // an event may have overtaken the list
  tell(null);
}

export function followJobs() {
  listen("connection", ({ connected }) => connected && loadJobs().catch(() => {})); // a lost one is tried again
  listen("jobs", () => loadJobs().catch(() => {}));
  listen("state", take);
  listen("progress", ({ job: id, ...progress }) => {
    const known = job(id);
    if (known && isOpen(known)) take({ ...known, ...progress });
  });
}

// Take in what the server says of one job.
export function take(described) {
  since.set(described.id, described);
  const place = all.findIndex((each) => each.id === described.id);
  all = place < 0 ? [...all, described] : all.with(place, described);
  tell(described.id);
}

function tell(id) {
  for (const listener of listeners) listener(id);
}
