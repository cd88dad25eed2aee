// The canvas: two pictures before and after one another, a slider between them, zoom and pan. What is on it is decided
// elsewhere (show.js); other layers, as the mask, draw themselves over it.
import { announce, find, make } from "./dom.js";
import { shortcut } from "./keys.js";

const CLOSEST = 32; // device pixels for one of the picture
const NEAR = 22; // CSS pixels from the slider's line in which it is taken hold of
const THUMB = 13; // CSS pixels from the middle of the slider's thumb to its edge
const PAN = 60; // CSS pixels an arrow key moves
const ZOOM = 1.25; // of a key or button

let canvas, compare, zoomText;
let size = null; // {width, height} of what is shown, in pixels of the picture
let [before, after] = [null, null]; // drawable, of any resolution
let view = null; // {scale, x, y}: device pixels a pixel of the picture, and where its corner is; null: fit
let layers = []; // functions(context, place) drawn over the picture
let handler = null; // takes pointers and keys before panning does: the brush
let asked = false;
const pointers = new Map();
let pinch = null;
let holdsLine = false;
const zoomListeners = new Set();

export function mount() {
  canvas = find("#canvas");
  compare = find("#compare");
  new ResizeObserver(redraw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  compare.addEventListener("input", () => {
    compare.ariaValueText = `${compare.value} % before`;
    redraw();
  });
  canvas.addEventListener("wheel", onWheel, { passive: false });
  canvas.addEventListener("pointerdown", onDown);
  canvas.addEventListener("pointermove", onMove);
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, onUp);
  canvas.addEventListener("dblclick", (event) => !handler && (view ? fit() : zoomTo(1, pointOf(event))));
  canvas.addEventListener("keydown", onKey);
  zoomText = make("output", { "aria-label": "Zoom", title: "Pixels of the screen for one of the picture" });
  const tool = (text, title, onclick) => make("button", { type: "button", class: "quiet", title, onclick }, text);
  const glyph = (sign, label, action) => Object.assign(tool(sign, `${label} (${sign})`, action), { ariaLabel: label });
  find("#view-tools").append(
    tool("Fit", "Show all of the picture (0)", fit),
    tool("1:1", "Show each pixel of the picture as one of the screen (1)", () => zoomTo(1)),
    glyph("−", "Zoom out", () => zoomBy(1 / ZOOM)),
    zoomText,
    glyph("+", "Zoom in", () => zoomBy(ZOOM)),
    tool("Compare", "Show the picture before and after, with a line to drag (C)", toggleCompare),
  );
  shortcut("0", "Fit the picture", fit);
  shortcut("1", "Show its own pixels, 1:1", () => zoomTo(1));
  shortcut(["+", "="], "Zoom in", () => zoomBy(ZOOM));
  shortcut("-", "Zoom out", () => zoomBy(1 / ZOOM));
  shortcut("C", "Compare before and after", toggleCompare);
  shortcut(["Arrow keys"], "Move the zoomed picture, when it has the focus", () => false);
}

// Show pictures: `first` is that before the dream, or null; `second` the dream, or null. `name` is read to those who
// do not see it. A zoomed view stays where it is, whatever the size.
export function show(first, second, wanted, name) {
  if (view && size && wanted) view.scale *= size.width / wanted.width;
  [before, after, size] = [first, second, wanted];
  if (!size) view = null;
  canvas.ariaLabel = name;
  redraw();
}

// Replace the dream by a later state of it.
export function showAfter(picture, wanted = size) {
  show(before, picture, wanted, canvas.ariaLabel);
}

export const shown = () => ({ before, after, size });

// Draw something over the picture from now on: draw(context, place), place = {x, y, width, height} on the canvas.
export function addLayer(draw) {
  layers.push(draw);
}

// Let something else take pointers and keys: {down, move, up}(point of the picture, event), key(event) → taken.
export function setHandler(taker) {
  handler = taker;
  canvas.classList.toggle("paints", Boolean(taker));
  canvas.setAttribute("role", taker ? "application" : "img");
}

// Call a function with the scale, in screen pixels, after it changed.
export function onZoom(listener) {
  zoomListeners.add(listener);
}

export function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(draw);
}

function draw() {
  asked = false;
  const density = devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * density), Math.round(canvas.clientHeight * density)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  const place = size && placed();
  for (const button of find("#view-tools").querySelectorAll("button")) button.disabled = !size;
  placeSlider(place, density);
  zoomText.value = place ? `${Math.round((place.width / size.width) * 100)} %` : "";
  if (!place) return;
  context.imageSmoothingEnabled = place.width / size.width < 3;
  context.imageSmoothingQuality = "high";
  const top = after ?? before;
  if (top) context.drawImage(top, place.x, place.y, place.width, place.height);
  if (comparable() && +compare.value > 0) drawBefore(context, place, density);
  for (const layer of layers) layer(context, place);
}

function drawBefore(context, place, density) {
  const line = lineAt(place);
  context.save();
  context.beginPath();
  context.rect(0, 0, line, canvas.height);
  context.clip();
  context.drawImage(before, place.x, place.y, place.width, place.height);
  context.restore();
  for (const [style, thickness] of [["rgb(0 0 0 / .6)", 4], ["#fff", 2]]) {
    context.fillStyle = style;
    context.fillRect(line - (thickness * density) / 2, Math.max(place.y, 0), thickness * density, Math.min(place.height, canvas.height));
  }
}

// Where the picture is on the canvas, in its pixels.
function placed() {
  const scale = view?.scale ?? fitting();
  const [width, height] = [size.width * scale, size.height * scale];
  const [x, y] = view ? [view.x, view.y] : [(canvas.width - width) / 2, (canvas.height - height) / 2];
  return { x, y, width, height, scale };
}

function fitting() {
  const scale = Math.min(canvas.width / size.width, canvas.height / size.height);
  return Math.min(scale, CLOSEST);
}

// The part of the picture's width that is seen, from left to right.
function visible(place) {
  return [Math.max(place.x, 0), Math.min(place.x + place.width, canvas.width)];
}

// Where the slider's thumb runs: over the picture, and no farther than all of the thumb is seen.
function track(place) {
  const margin = THUMB * (devicePixelRatio || 1);
  const [left, right] = visible(place);
  return [Math.max(left, margin), Math.min(right, canvas.width - margin)];
}

function lineAt(place) {
  const share = +compare.value / 100;
  const [left, right] = share < 1 ? track(place) : visible(place);
  return left + (right - left) * share;
}

// Before and after are of one shape, which a picture and a sheet are not; and nothing lies under a brush.
function comparable() {
  if (!before || !after || handler) return false;
  const [one, other] = [before, after].map(({ naturalWidth, naturalHeight, width, height }) => (naturalWidth ?? width) / (naturalHeight ?? height));
  return Math.abs(one / other - 1) < 0.1;
}

function placeSlider(place, density) {
  compare.hidden = !(place && comparable());
  if (compare.hidden) return;
  const [left, right] = track(place);
  compare.style.left = `${left / density - THUMB}px`;
  compare.style.width = `${(right - left) / density + 2 * THUMB}px`;
}

export function fit() {
  view = null;
  zoomed();
}

// Zoom to a number of screen pixels for one of the picture, around a point of the canvas.
export function zoomTo(scale, around = { x: canvas.width / 2, y: canvas.height / 2 }) {
  if (!size) return;
  const place = placed();
  const least = Math.min(fitting(), 1); // a small picture can be seen as small as it is
  const wanted = Math.min(Math.max(scale, least), CLOSEST);
  const grown = wanted / place.scale;
  view = { scale: wanted, x: around.x - (around.x - place.x) * grown, y: around.y - (around.y - place.y) * grown };
  if (wanted === least && least < 1) view = null;
  keepInSight();
  zoomed();
}

const zoomBy = (factor, around) => size && zoomTo(placed().scale * factor, around);

function zoomed() {
  redraw();
  if (!size) return;
  for (const listener of zoomListeners) listener(placed().scale);
}

// Move the picture by CSS pixels.
function panBy(x, y) {
  if (!size || !view) return false;
  const density = devicePixelRatio || 1;
  view = { ...view, x: view.x + x * density, y: view.y + y * density };
  keepInSight();
  redraw();
  return true;
}

// A picture larger than the canvas covers it; a smaller one stays in its middle.
function keepInSight() {
  if (!view) return;
  const within = (at, length, room) => (length <= room ? (room - length) / 2 : Math.min(Math.max(at, room - length), 0));
  view.x = within(view.x, size.width * view.scale, canvas.width);
  view.y = within(view.y, size.height * view.scale, canvas.height);
}

// Before there is a dream the line can be asked for, and comes with it.
function toggleCompare() {
  compare.value = +compare.value > 0 ? 0 : 50;
  compare.dispatchEvent(new Event("input"));
  if (+compare.value === 0) announce("After");
  else announce(compare.hidden ? "Before and after will be there with the dream" : "Before left, after right");
}

// ---- pointers and keys ----

function pointOf(event) {
  const box = canvas.getBoundingClientRect();
  const density = devicePixelRatio || 1;
  return { x: (event.clientX - box.left) * density, y: (event.clientY - box.top) * density };
}

// The same in pixels of the picture.
function pictured(point) {
  const place = placed();
  return { x: (point.x - place.x) / place.scale, y: (point.y - place.y) / place.scale };
}

function onWheel(event) {
  if (!size) return;
  event.preventDefault();
  zoomBy(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), pointOf(event));
}

function onDown(event) {
  if (!size) return;
  canvas.setPointerCapture(event.pointerId);
  const point = pointOf(event);
  pointers.set(event.pointerId, point);
  if (pointers.size === 2) {
    handler?.up(null, event); // two fingers do not paint
    return startPinch();
  }
  if (handler && event.button === 0) return handler.down(pictured(point), event);
  const near = NEAR * (devicePixelRatio || 1);
  holdsLine = !compare.hidden && +compare.value > 0 && Math.abs(point.x - lineAt(placed())) < near;
}

function onMove(event) {
  const last = pointers.get(event.pointerId);
  const point = pointOf(event);
  if (!last) return handler?.hover?.(size && pictured(point));
  pointers.set(event.pointerId, point);
  if (pinch) return movePinch();
  if (holdsLine) return dragLine(point);
  if (handler && event.buttons === 1) return handler.move(pictured(point), event);
  const density = devicePixelRatio || 1;
  panBy((point.x - last.x) / density, (point.y - last.y) / density);
}

function onUp(event) {
  if (!pointers.delete(event.pointerId)) return;
  if (pinch && pointers.size < 2) pinch = null;
  else if (!holdsLine) handler?.up(pictured(pointOf(event)), event);
  holdsLine = false;
}

function dragLine(point) {
  const [left, right] = track(placed());
  compare.value = Math.round((100 * (point.x - left)) / (right - left));
  compare.dispatchEvent(new Event("input"));
}

function startPinch() {
  const [one, other] = pointers.values();
  pinch = { apart: Math.hypot(one.x - other.x, one.y - other.y), scale: placed().scale, x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}

function movePinch() {
  if (pointers.size < 2) return;
  const [one, other] = pointers.values();
  const middle = { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
  const density = devicePixelRatio || 1;
  panBy((middle.x - pinch.x) / density, (middle.y - pinch.y) / density);
  [pinch.x, pinch.y] = [middle.x, middle.y];
  zoomTo((pinch.scale * Math.hypot(one.x - other.x, one.y - other.y)) / pinch.apart, middle);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (handler?.key(event)) return event.preventDefault();
  const way = { ArrowLeft: [PAN, 0], ArrowRight: [-PAN, 0], ArrowUp: [0, PAN], ArrowDown: [0, -PAN] }[event.key];
  if (way && panBy(...way)) event.preventDefault();
}
