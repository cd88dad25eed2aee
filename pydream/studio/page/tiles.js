// Tiles to choose from, each with a small dream on the user's own picture. The server makes those in the background;
// a tile is a skeleton until its own is there.
import { listen, post } from "./api.js";
import { announce, make, say } from "./dom.js";
import { state } from "./state.js";

const waiting = new Map(); // key → the <img> elements that show it

listen("thumbnail", ({ key, error }) => {
  for (const image of waiting.get(key) ?? []) (error ? fail : show)(image, error ?? key);
  waiting.delete(key);
});

function show(image, key) {
  image.src = `/api/thumbnails/${key}.jpg`;
  image.hidden = false;
  image.closest("button").classList.remove("waiting");
}

function fail(image, line) {
  const tile = image.closest("button");
  tile.classList.remove("waiting");
  tile.title = line;
  image.parentElement.dataset.why = "nothing of it here";
  tile.ariaDisabled = "true"; // the dream would fail in the same way
  tile.onclick = () => announce("Nothing of it is in this picture: choose another");
}

// A grid of tiles: draw(entries, request) shows entries of {name, label, about, facts, pressed, missing} and asks for their
// thumbnails, which the server calls by the same names; choose(name) is called on a click.
export function tileGrid(label, choose) {
  const grid = make("div", { class: "tiles", role: "group", "aria-label": label });
  const error = make("p", { class: "error", role: "alert", hidden: true });
  let asked = null; // the request whose pictures are shown
  let images = new Map();

  function draw(entries, request) {
    const wanted = request && JSON.stringify(request);
    if (wanted !== asked || entries.some(({ name }) => !images.has(name)) || entries.length !== images.size) {
      images = new Map(entries.map(({ name }) => [name, make("img", { alt: "", hidden: true, loading: "lazy", decoding: "async" })]));
      grid.replaceChildren(...entries.map((entry) => tile(entry, images.get(entry.name), Boolean(request))));
      asked = wanted;
      say(error, null);
      if (request) ask(request, images);
    }
    [...grid.children].forEach((button, place) => button.setAttribute("aria-pressed", Boolean(entries[place].pressed)));
  }

  function tile({ name, label: text, about, facts, missing }, image, wanted) {
    return make("button", { type: "button", class: `tile${wanted && !missing ? " waiting" : ""}`, "data-name": name,
      title: missing ? `${about}; its network is not here yet` : about ?? facts, onclick: () => choose(name) },
      make("span", { class: missing ? "small missing" : "small", "data-why": missing ? "to be fetched" : null }, image), make("span", {}, ...text.split(/(?<=\/)/).flatMap((part) => [part, make("wbr")]), about ? make("span", { class: "unseen" }, `: ${about}${missing ? "; its network is not here yet" : ""}`) : null,
        facts ? make("small", {}, facts) : null));
  }

  async function ask(request, mine) {
    try {
      for (const { name, key, ready, error: line } of (await post("/api/thumbnails", request)).items) {
        const image = mine.get(name);
        if (!image || image.closest(".missing")) continue;
        if (line) fail(image, line);
        else if (ready) show(image, key);
        else waiting.set(key, [...(waiting.get(key) ?? []).filter((each) => each.isConnected), image]);
      }
    } catch (failure) {
      if (mine !== images) return;
      asked = null; // the next drawing asks again
      for (const image of mine.values()) image.closest("button")?.classList.remove("waiting");
      say(error, failure.message);
    }
  }

  // What was made while nothing listened is asked for again.
  listen("connection", ({ connected }) => {
    if (connected && grid.querySelector(".waiting")) ask(JSON.parse(asked), images);
  });
  return { element: make("div", {}, grid, error), draw };
}

// What thumbnails are asked with: none before a picture, or noise, was chosen.
export function request(fields) {
  const { picture } = state.order;
  return picture === undefined ? null : { picture, ...fields };
}

// A grid in pages, with its buttons before and after.
export const PAGE = 24;

export function pagedGrid(label, choose, redraw) {
  const grid = tileGrid(label, choose);
  const status = make("span", { role: "status" });
  const turn = (by) => make("button", { type: "button", onclick: () => { from += by * PAGE; redraw(); } }, by < 0 ? "Earlier" : "More");
  const [back, on] = [turn(-1), turn(1)];
  const pages = make("p", { class: "row pages" }, back, status, on);
  let from = 0;
  let place = null; // of what is chosen
  return {
    element: make("div", {}, grid.element, pages),
    restart: () => { from = 0; },
    draw(entries, fields) {
      const chosen = entries.findIndex(({ pressed }) => pressed);
      if (chosen !== place && chosen >= 0) from = chosen - (chosen % PAGE); // its page
      place = chosen;
      if (from >= entries.length) from = 0;
      const shown = entries.slice(from, from + PAGE);
      grid.draw(shown, fields && { ...fields, from, count: PAGE });
      pages.hidden = entries.length <= PAGE;
      back.disabled = from === 0;
      on.disabled = from + PAGE >= entries.length;
      status.textContent = `${from + 1} to ${from + shown.length} of ${entries.length}`;
    },
  };
}
