// The jobs of the studio, as the server last told of them.
import { get, listen } from "./api.js";

let all = [];
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
  all = (await get("/api/jobs")).jobs;
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
export function take(told) {
  const place = all.findIndex((each) => each.id === told.id);
  all = place < 0 ? [...all, told] : all.with(place, told);
  tell(told.id);
}

function tell(id) {
  for (const listener of listeners) listener(id);
}
