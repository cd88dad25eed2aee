"use strict";
// Without this script the page still shows the whole map, and every fact in the table below it.
const view = document.querySelector(".window");
const plane = document.querySelector(".plane");
const cells = [...document.querySelectorAll(".cell")];
const headings = [...document.querySelectorAll("thead th")].slice(1).map((head) => head.textContent);
const side = Math.round(Math.sqrt(plane.children.length));
const place = (cell) => Number(cell.dataset.cell);
const at = new Map(cells.map((cell) => [place(cell), cell]));
let scale = 1, left = 0, top_ = 0; // the plane in the window: how large, and where, in pixels

function move(newScale, newLeft, newTop) {
  const { clientWidth: width, clientHeight: height } = view;
  scale = Math.min(Math.max(newScale, 1), Math.max(side, 2));
  left = Math.min(0, Math.max(newLeft, width * (1 - scale)));
  top_ = Math.min(0, Math.max(newTop, height * (1 - scale)));
  plane.style.transform = `translate(${left}px, ${top_}px) scale(${scale})`;
}

// By a factor; the point (x, y) of the window stays where it is.
function zoom(factor, x = view.clientWidth / 2, y = view.clientHeight / 2) {
  const real = Math.min(Math.max(scale * factor, 1), Math.max(side, 2)) / scale;
  move(scale * real, x - (x - left) * real, y - (y - top_) * real);
}

function show(cell) {
  for (const other of cells) other.setAttribute("aria-pressed", String(other === cell));
  const [label, ...facts] = document.getElementById(`cell-${place(cell)}`).children;
  const shown = document.querySelector(".cell-facts");
  const image = cell.querySelector("img");
  shown.querySelector("img").hidden = image === null;
  if (image !== null) shown.querySelector("img").src = image.src;
  shown.querySelector("h2").textContent = label.textContent;
  shown.querySelector("dl").replaceChildren(...facts.flatMap((fact, number) => {
    const term = document.createElement("dt");
    const value = document.createElement("dd");
    term.textContent = headings[number];
    value.textContent = fact.textContent;
    return fact.textContent === "" ? [] : [term, value];
  }));
  shown.hidden = false;
}

// Make a cell the one that Tab comes to, and bring it into the window.
function reach(cell) {
  for (const other of cells) other.tabIndex = other === cell ? 0 : -1;
  const [row, column] = [Math.floor(place(cell) / side), place(cell) % side];
  const [width, height] = [(view.clientWidth * scale) / side, (view.clientHeight * scale) / side];
  const inside = (offset, begin, size, room) => Math.min(Math.max(offset, -begin), room - begin - size);
  move(scale, inside(left, column * width, width, view.clientWidth), inside(top_, row * height, height, view.clientHeight));
}

// The next cell in a direction; empty places are passed over.
function neighbour(cell, right, down) {
  let [row, column] = [Math.floor(place(cell) / side), place(cell) % side];
  for (;;) {
    [row, column] = [row + down, column + right];
    if (row < 0 || column < 0 || row >= side || column >= side) return cell;
    if (at.has(row * side + column)) return at.get(row * side + column);
  }
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = { "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: () => move(1, 0, 0) };
plane.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const cell = event.target.closest(".cell");
  if (cell !== null && ARROWS[event.key]) {
    neighbour(cell, ...ARROWS[event.key]).focus({ preventScroll: true });
    event.preventDefault();
  } else if (KEYS[event.key]) {
    KEYS[event.key]();
    event.preventDefault();
  }
});
for (const cell of cells) {
  cell.setAttribute("aria-pressed", "false");
  cell.addEventListener("focus", () => reach(cell));
  cell.addEventListener("click", () => show(cell));
}
if (cells.length > 0) reach(cells[0]);

view.addEventListener("wheel", (event) => {
  const { left: x, top: y } = view.getBoundingClientRect();
  zoom(1.0015 ** -event.deltaY, event.clientX - x, event.clientY - y);
  event.preventDefault();
}, { passive: false });

// One pointer drags, two pinch. A drag is no click: only after a few pixels the window takes the pointer.
const pointers = new Map();
view.addEventListener("dragstart", (event) => event.preventDefault()); // of a picture
view.addEventListener("pointerdown", (event) => {
  if (event.button === 0) pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, from: [event.clientX, event.clientY] });
});
view.addEventListener("pointermove", (event) => {
  const pointer = pointers.get(event.pointerId);
  if (pointer === undefined) return;
  const far = Math.hypot(event.clientX - pointer.from[0], event.clientY - pointer.from[1]) > 4;
  if (!view.hasPointerCapture(event.pointerId) && !far) return;
  view.setPointerCapture(event.pointerId);
  view.classList.add("moving");
  const others = [...pointers.values()].filter((each) => each !== pointer);
  if (others.length > 0) {
    const { left: x, top: y } = view.getBoundingClientRect();
    const [other] = others;
    const before = Math.hypot(pointer.x - other.x, pointer.y - other.y);
    const after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
    if (before > 0) zoom(after / before, other.x - x, other.y - y);
  } else {
    move(scale, left + event.clientX - pointer.x, top_ + event.clientY - pointer.y);
  }
  [pointer.x, pointer.y] = [event.clientX, event.clientY];
});
for (const name of ["pointerup", "pointercancel"]) {
  view.addEventListener(name, (event) => {
    pointers.delete(event.pointerId);
    view.classList.remove("moving");
  });
}
document.querySelector("button.in").addEventListener("click", () => zoom(1.5));
document.querySelector("button.out").addEventListener("click", () => zoom(1 / 1.5));
document.querySelector("button.whole").addEventListener("click", () => move(1, 0, 0));
addEventListener("resize", () => move(scale, left, top_));
