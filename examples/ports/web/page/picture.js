// Pictures: from a file to pixels, from pixels to a canvas, and what sizes mean.
"use strict";

const MOST_BYTES = 200e6;  // of a file
const MOST_SIDE = 16384;  // pixels: browsers decode no larger pictures
const BYTES_A_PIXEL = { float32: 800, float64: 1600 };  // measured with the last layer
const MOST_MEMORY = 2 ** 31;  // what the C library gives in one piece

// Return a bitmap, or throw an Error whose message is one line for the user.
async function readPicture(file, name) {
    if (file.size > MOST_BYTES) {
        throw new Error(`${name} is too large: ${Math.round(file.size / 1e6)} MB, at most ${MOST_BYTES / 1e6} MB.`);
    }
    let bitmap = null;
    try {
        bitmap = await createImageBitmap(file);
    } catch {
        throw new Error(`${name} is not a picture that this browser can read.`);
    }
    if (Math.max(bitmap.width, bitmap.height) > MOST_SIDE) {
        throw new Error(`${name} is too large: ${bitmap.width} × ${bitmap.height} pixels, at most ${MOST_SIDE} a side.`);
    }
    return bitmap;
}

// Return { width, height } with a longest side of at most `side`.
function fitted({ width, height }, side) {
    const share = Math.min(1, side / Math.max(width, height));
    return { width: Math.max(1, Math.round(width * share)), height: Math.max(1, Math.round(height * share)) };
}

// Return the bytes that a dream of this size needs.
const memoryOf = ({ width, height }, numbers) => 5e7 + width * height * BYTES_A_PIXEL[numbers];

// Return (height, width, 3) bytes of a bitmap, resized, on white where it is transparent.
function pixelsOf(bitmap, { width, height }) {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height), rgb = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
        rgb[to] = data[from];
        rgb[to + 1] = data[from + 1];
        rgb[to + 2] = data[from + 2];
    }
    return { rgb, width, height };
}

// Show { rgb, width, height } on a canvas, which takes its size.
function show(canvas, { rgb, width, height }) {
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const image = new ImageData(width, height);
    for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
        image.data[to] = rgb[from];
        image.data[to + 1] = rgb[from + 1];
        image.data[to + 2] = rgb[from + 2];
        image.data[to + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
}

// Return the share of the work of a dream that is in its first `done` steps: a step's is that of its pixels.
function workDone({ width, height }, { octaves, scale, iterations }, done) {
    let all = 0, ready = 0;
    for (let step = 0; step < octaves * iterations; ++step) {
        const shrunk = scale ** (2 * (octaves - 1 - Math.floor(step / iterations)));
        const work = width * height / shrunk;
        all += work;
        if (step < done) ready += work;
    }
    return ready / all;
}
