// Jobs and times in words.
import { className } from "./catalogue.js";
import { term } from "./effective.js";

const KINDS = { dream: "Dream", zoom: "Zoom loop", sweep: "Sheet", film: "Film" };

// What a job is of, and with what.
export function inWords({ kind, name, order }) {
  const own = [...(order.layer ?? []), ...(order.classes ?? []).map((each) => className(term(each).layer))].join(", "); // it counts before a look's
  const what = [own || order.preset, order.guide && "with a guide", order.mask && "masked"].filter(Boolean).join(", ");
  return `${KINDS[kind]}${name ? ` of ${name}` : ""}${what ? `: ${what}` : ""}`;
}

// Seconds in words, as rough as they are known.
export function timeLeft(seconds) {
  if (seconds < 60) return `about ${Math.max(1, Math.round(seconds))} s left`;
  return seconds < 3600 ? `about ${Math.round(seconds / 60)} min left` : `about ${Math.round(seconds / 360) / 10} h left`;
}
