// The form "How to dream", and what of it is said.
"use strict";

const SCALE = 1.4;
const DEFAULT_LAYER = "fire8/concat";
const LOOKS = {  // of layers that are worth a try, as docs/looks.md describes them
    "fire3/concat": "strokes and ripples",
    "fire5/concat": "curls and whirls",
    "fire6/concat": "eyes",
    "fire7/concat": "dogs, fur, eyes",
    "fire8/concat": "foxes' faces",
    "fire9/concat": "pale birds",
};

const field = (id) => document.getElementById(id);

function fillLayers(names) {
    const option = (name) => new Option(LOOKS[name] ? `${name}: ${LOOKS[name]}` : name, name, false, name === DEFAULT_LAYER);
    const group = (label, members) => {
        const made = Object.assign(document.createElement("optgroup"), { label });
        made.append(...members.map(option));
        return made;
    };
    field("layer").replaceChildren(
        group("Worth a try", names.filter((name) => name in LOOKS)),
        group("All others", names.filter((name) => !(name in LOOKS))),
    );
    field("layer").disabled = false;
}

// Return the job of worker.js without its picture, or null after the browser has shown what is wrong.
function settings() {
    if (!field("settings").reportValidity()) return null;
    return {
        layer: field("layer").value,
        octaves: field("octaves").valueAsNumber,
        scale: SCALE,
        iterations: field("iterations").valueAsNumber,
        stepSize: field("strength").valueAsNumber,
        seed: field("seed").valueAsNumber,
        numbers: field("numbers").value,
    };
}

const longestSide = () => Number(field("side").value);

// Say what the size limit means for a picture, or for none.
function sayMemory(bitmap) {
    if (bitmap === null) return;
    const size = fitted(bitmap, longestSide());
    const megabytes = Math.ceil(memoryOf(size, field("numbers").value) / 1e7) * 10;
    field("memory").textContent = `${size.width} × ${size.height} pixels; needs about ${megabytes} MB of memory`;
}

// Say what makes a dream of a picture again outside of the browser, and the hash that it then has.
function sayHow(job, name, bitmap, sha256) {
    const resized = job.width !== bitmap.width || job.height !== bitmap.height;
    const what = job.numbers === "float64" ? "the same bytes" : "the same dream, but for float32's rounding";
    const from = resized ? `, from the picture at ${job.width} × ${job.height} pixels` : "";
    field("how").textContent = `In pydream this command makes ${what}${from}:`;
    field("command").textContent = commandOf(job, name);
    field("hash").textContent = sha256;
    field("same").hidden = false;
}

function commandOf({ layer, octaves, iterations, stepSize, seed, numbers }, name) {
    const quoted = `'${name.replaceAll("'", "'\\''")}'`;
    const exact = numbers === "float64" ? " --exact" : "";
    return `pydream dream ${quoted} -l ${layer} --octaves ${octaves} -n ${iterations} -s ${stepSize} --seed ${seed}${exact}`;
}
