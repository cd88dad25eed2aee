// A worker makes one dream and is then ended: so a stop is immediate, and memory goes back to the system.
//
// It hears { float32, float64, weights }, base64, and says { layers }; then a job, and says { picture, done, steps }
// after every step and { finished, sha256, seconds } at the end. An error is { failed }, one line.
"use strict";

let modules = null;

function bytesOf(base64) {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function prepare({ float32, float64, weights }) {
    modules = { float32: bytesOf(float32), float64: bytesOf(float64), weights: bytesOf(weights) };
    postMessage({ layers: new Dream(modules.float32).layers() });
}

function run(job) {
    const dream = new Dream(modules[job.numbers]), shifts = new Shifts(job.seed), start = performance.now();
    dream.setWeights(modules.weights);
    dream.begin(job);
    let picture = null;
    while (dream.done < dream.steps) {
        dream.step(...shifts.next());
        picture = dream.picture();
        postMessage({ picture, done: dream.done, steps: dream.steps });
    }
    postMessage({ finished: true, sha256: sha256(picture.rgb), seconds: (performance.now() - start) / 1000 });
}

function lineOf(error) {
    if (typeof WebAssembly === "undefined") return "This browser has no WebAssembly, which the dream runs on.";
    if (error instanceof WebAssembly.CompileError) {
        return "This browser's WebAssembly is too old: it needs SIMD, which browsers have since 2021 to 2023.";
    }
    if (error instanceof RangeError || error.status === NO_MEMORY || error.status === TOO_LARGE) {
        return "There is not enough memory for this size: choose a smaller one.";
    }
    if (error.status === TOO_SMALL) {
        return "The smallest octave is too small for this layer: choose fewer octaves, an earlier layer or a larger picture.";
    }
    return `The dream failed: ${error.message}.`;
}

onmessage = ({ data }) => {
    try {
        if (modules === null) prepare(data);
        else run(data);
    } catch (error) {
        postMessage({ failed: lineOf(error) });
    }
};
