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

function fillLayers(names) {
    const option = (name) => new Option(LOOKS[name] ? `${name}: ${LOOKS[name]}` : name, name, false, name === DEFAULT_LAYER);
    const group = (label, members) => {
        const made = Object.assign(document.createElement("optgroup"), { label });
        made.append(...members.map(option));
        return made;
    };
    $("layer").replaceChildren(
        group("Worth a try", names.filter((name) => name in LOOKS)),
        group("All others", names.filter((name) => !(name in LOOKS))),
    );
    $("layer").disabled = false;
}

// Return the job of worker.js without its picture, or null after the browser has shown what is wrong.
function settings() {
    if (!$("settings").reportValidity()) return null;
    return {
        layer: $("layer").value,
        octaves: $("octaves").valueAsNumber,
        scale: SCALE,
        iterations: $("iterations").valueAsNumber,
        stepSize: $("strength").valueAsNumber,
        seed: $("seed").valueAsNumber,
        numbers: $("numbers").value,
    };
}

const longestSide = () => Number($("side").value);

// Say what the size limit means for a picture, or for none.
function sayMemory(bitmap) {
    if (bitmap === null) return;
    const size = fitted(bitmap, longestSide());
    const megabytes = Math.ceil(memoryOf(size, $("numbers").value) / 1e7) * 10;
    $("memory").textContent = `${size.width} × ${size.height} pixels; needs about ${megabytes} MB of memory`;
}

// Say what makes a dream of a picture again outside of the browser, and the hash that it then has.
function sayHow(job, name, bitmap, sha256) {
    const resized = job.width !== bitmap.width || job.height !== bitmap.height;
    const what = job.numbers === "float64" ? "the same bytes" : "the same dream, but for float32's rounding";
    const from = resized ? `, from the picture at ${job.width} × ${job.height} pixels` : "";
    $("how").textContent = `In pydream this command makes ${what}${from}:`;
    $("command").textContent = commandOf(job, name);
    $("hash").textContent = sha256;
    $("same").hidden = false;
}

function commandOf({ layer, octaves, iterations, stepSize, seed, numbers }, name) {
    const quoted = `'${name.replaceAll("'", "'\\''")}'`;
    const exact = numbers === "float64" ? " --exact" : "";
    return `pydream dream ${quoted} -l ${layer} --octaves ${octaves} -n ${iterations} -s ${stepSize} --seed ${seed}${exact}`;
}
