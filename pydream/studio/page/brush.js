// The mask, painted with a brush: where it is painted, the dream grows; the rest of the picture stays as it is. After
// each stroke the studio gets it as a picture, so that undo and a reload find it again.
import { announce, find, make, say } from "./dom.js";
import { shortcut } from "./keys.js";
import { change, state, subscribe } from "./state.js";
import { upload } from "./upload.js";
import { addLayer, redraw, setHandler, shown } from "./viewer.js";

const MOST_SIDE = 1024; // pixels of a mask; the dream stretches it over its picture
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const mask = surface(); // white where it is painted, and transparent elsewhere
const before = surface(); // the stroke that is painted
const veil = surface(); // over what does not dream
let known; // the order's mask that is on the canvas
let stale = true; // whether the veil is that of an older mask
let stroke = null; // points of the mask
let at = null; // where the brush is, in the mask
let sending = false;
let again = false;
const parts = {};

export function mountBrush() {
  parts.open = make("button", { type: "button", class: "quiet", "aria-pressed": "false", "aria-controls": "brush", title: "Paint where the picture dreams (B)", onclick: toggle }, "Mask");
  find("#view-tools").append(parts.open);
  parts.error = make("p", { class: "error", role: "alert", hidden: true });
  parts.size = slider("Brush size", 1, 60, 16, "%");
  parts.soft = slider("Softness", 0, 100, 50, "%");
  parts.erase = make("button", { type: "button", "aria-pressed": "false", title: "Take paint away (E)", onclick: toggleErase }, "Erase");
  find("#brush").append(
    make("div", { class: "sliders" }, parts.size.field, parts.soft.field),
    make("div", { class: "row" }, parts.erase,
      make("button", { type: "button", title: "Paint what is not painted, and take away what is (I)", onclick: invert }, "Invert"),
      make("button", { type: "button", title: "Dream everywhere again", onclick: clear }, "Clear"),
      make("button", { type: "button", class: "primary", onclick: toggle }, "Done")),
    make("p", { class: "hint" }, "Paint where the picture is to dream; the rest stays as it is.",
      make("span", { class: "of-keys" }, " With the keyboard: arrow keys move the brush, Space paints, [ and ] change its size.")),
    parts.error,
  );
  addLayer(draw);
  shortcut("B", "Paint a mask", toggle);
  shortcut("E", "Erase, or paint again, while a mask is painted", () => painting() && toggleErase());
  shortcut("I", "Invert the mask, while it is painted", () => painting() && invert());
  subscribe((what) => (what === "order" || what === "load") && follow());
}

const painting = () => !find("#brush").hidden;

function surface() {
  return document.createElement("canvas").getContext("2d");
}

function slider(label, min, max, value, unit) {
  const id = `brush-${label.toLowerCase().replace(" ", "-")}`;
  const output = make("output", { class: "value", for: id });
  const input = make("input", { type: "range", id, min, max, value });
  const tell = () => {
    output.value = `${input.value} ${unit}`;
    input.setAttribute("aria-valuetext", output.value);
    redraw();
  };
  input.addEventListener("input", tell);
  tell();
  return { input, tell, field: make("div", { class: "field" }, make("label", { for: id }, label), output, input) };
}

function toggle() {
  const open = !painting();
  if (open && !shown().size) return announce("Choose a picture first, to paint on");
  find("#brush").hidden = !open;
  parts.open.setAttribute("aria-pressed", String(open));
  setHandler(open ? { down, move, up, key, hover } : null);
  if (open) {
    fitSize();
    find("#canvas").focus();
    announce("Paint where the picture is to dream");
  }
  at = null;
  redraw();
}

// End painting, so that what is looked at is seen.
export function endBrush() {
  if (painting()) toggle();
}

function toggleErase() {
  const erases = parts.erase.getAttribute("aria-pressed") !== "true";
  parts.erase.setAttribute("aria-pressed", String(erases));
  announce(erases ? "Erases" : "Paints");
}

// ---- the mask ----

function setSize({ width, height }) {
  for (const each of [mask, before, veil]) [each.canvas.width, each.canvas.height] = [width, height];
  stale = true;
}

// A mask that nothing is painted on has the picture's shape.
function fitSize() {
  const { size } = shown();
  if (state.order.mask || !size) return;
  const scale = Math.min(1, MOST_SIDE / Math.max(size.width, size.height));
  setSize({ width: Math.max(1, Math.round(size.width * scale)), height: Math.max(1, Math.round(size.height * scale)) });
}

// Have the order's mask on the canvas: it was undone, came with a picture, or another picture was chosen.
async function follow() {
  const { mask: id } = state.order;
  parts.open.toggleAttribute("data-on", Boolean(id));
  parts.open.ariaLabel = id ? "Mask: on" : "Mask";
  if (id === known) return;
  known = id;
  stroke = null;
  if (!id) fitSize();
  else {
    const image = new Image();
    image.src = `/api/pictures/${id}.png`;
    try {
      await image.decode();
    } catch {
      if (known === id) known = null; // it may come yet
      return say(parts.error, "The mask is not here: drop it, or paint another.");
    }
    if (id !== known) return;
    setSize({ width: image.naturalWidth, height: image.naturalHeight });
    mask.drawImage(image, 0, 0);
    const pixels = mask.getImageData(0, 0, mask.canvas.width, mask.canvas.height);
    for (let place = 0; place < pixels.data.length; place += 4) {
      const [red, green, blue] = pixels.data.subarray(place, place + 3);
      pixels.data.set([255, 255, 255, Math.round(0.299 * red + 0.587 * green + 0.114 * blue)], place);
    }
    mask.putImageData(pixels, 0, 0);
  }
  stale = true;
  redraw();
}

// Put one surface on another, in place of what is there or by another rule.
function put(onto, from, rule = "copy") {
  onto.globalCompositeOperation = rule;
  onto.drawImage(from.canvas, 0, 0);
  onto.globalCompositeOperation = "source-over";
}

function changed() {
  stale = true;
  redraw();
}

function invert() {
  put(before, mask);
  mask.fillStyle = "#fff";
  mask.fillRect(0, 0, mask.canvas.width, mask.canvas.height);
  put(mask, before, "destination-out");
  changed();
  send();
  announce("The mask is inverted");
}

function clear() {
  mask.clearRect(0, 0, mask.canvas.width, mask.canvas.height);
  changed();
  send();
  announce("No mask: all of the picture dreams");
}

// Have the studio know the mask. One is sent at a time, and of those that wait the last.
async function send() {
  if (sending) {
    again = true;
    return;
  }
  sending = true;
  do {
    again = false;
    const { picture } = state.order;
    try {
      const id = isEmpty() ? undefined : (await upload(new File([await written()], "mask.png", { type: "image/png" }))).id;
      if (state.order.picture !== picture) continue;
      known = id;
      change({ mask: id });
      say(parts.error, null);
    } catch (failure) {
      say(parts.error, failure.message);
    }
  } while (again);
  sending = false;
}

const isEmpty = () => mask.getImageData(0, 0, mask.canvas.width, mask.canvas.height).data.every((value, place) => place % 4 < 3 || !value);

// Return the mask as a file: white on black.
function written() {
  const whole = surface();
  [whole.canvas.width, whole.canvas.height] = [mask.canvas.width, mask.canvas.height];
  whole.fillRect(0, 0, whole.canvas.width, whole.canvas.height);
  whole.drawImage(mask.canvas, 0, 0);
  return new Promise((resolve) => whole.canvas.toBlob(resolve));
}

// ---- pointers and keys: points of the picture become those of the mask ----

const width = () => (parts.size.input.value / 100) * Math.max(mask.canvas.width, mask.canvas.height);

function masked({ x, y }) {
  const { size } = shown();
  return { x: (x / size.width) * mask.canvas.width, y: (y / size.height) * mask.canvas.height };
}

function down(point) {
  put(before, mask);
  stroke = [masked(point)];
  paint();
}

function move(point) {
  at = masked(point);
  if (!stroke) return redraw();
  stroke.push(at);
  paint();
}

function up(point) {
  if (!stroke) return;
  stroke = null;
  if (point) return send();
  put(mask, before); // two fingers zoom
  changed();
}

function hover(point) {
  at = point && masked(point);
  redraw();
}

function key({ key: pressed }) {
  const step = KEYS[pressed];
  at ??= { x: mask.canvas.width / 2, y: mask.canvas.height / 2 };
  if (step) {
    const inside = (value, most) => Math.min(Math.max(value, 0), most);
    at = { x: inside(at.x + (step[0] * width()) / 4, mask.canvas.width), y: inside(at.y + (step[1] * width()) / 4, mask.canvas.height) };
  } else if (pressed === " " || pressed === "Enter") {
    put(before, mask);
    stroke = [at];
    paint();
    up(at);
  } else if (pressed === "[" || pressed === "]") {
    parts.size.input.value = Number(parts.size.input.value) + (pressed === "[" ? -2 : 2);
    parts.size.tell();
  } else if (pressed === "Escape") toggle();
  else return false;
  redraw();
  return true;
}

// Draw the stroke as a whole, so that it is as soft where it crosses itself. The line is beside the mask, its shadow on
// it: that alone is soft in every browser.
function paint() {
  const soft = parts.soft.input.value / 100;
  const beside = 4 * mask.canvas.width;
  put(mask, before);
  mask.save();
  mask.globalCompositeOperation = parts.erase.getAttribute("aria-pressed") === "true" ? "destination-out" : "source-over";
  mask.lineWidth = Math.max(1, width() * (1 - soft / 2));
  mask.lineCap = mask.lineJoin = "round";
  mask.shadowColor = "#fff";
  mask.shadowBlur = (width() * soft) / 2;
  mask.shadowOffsetX = beside;
  mask.beginPath();
  mask.moveTo(stroke[0].x - beside - 0.01, stroke[0].y); // a line of no length is not drawn
  for (const { x, y } of stroke) mask.lineTo(x - beside, y);
  mask.stroke();
  mask.restore();
  changed();
}

function draw(context, place) {
  if (!painting()) return;
  if (stale) {
    veil.fillStyle = "rgb(45 15 90)";
    veil.fillRect(0, 0, veil.canvas.width, veil.canvas.height);
    put(veil, mask, "destination-out");
    stale = false;
  }
  if (state.order.mask || stroke || sending) { // else all of it dreams
    context.globalAlpha = 0.7;
    context.drawImage(veil.canvas, place.x, place.y, place.width, place.height);
    context.globalAlpha = 1;
  }
  if (!at) return;
  const scale = place.width / mask.canvas.width;
  for (const [colour, thickness] of [["#000", 3], ["#fff", 1.5]]) {
    context.beginPath();
    context.arc(place.x + at.x * scale, place.y + (at.y / mask.canvas.height) * place.height, (width() * scale) / 2, 0, 2 * Math.PI);
    context.strokeStyle = colour;
    context.lineWidth = thickness * (devicePixelRatio || 1);
    context.stroke();
  }
}
