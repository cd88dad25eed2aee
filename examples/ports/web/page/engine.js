// Starts workers and ends them. One waits, with weights and code read, for the next dream.
"use strict";

const $ = (id) => document.getElementById(id);
const embedded = (id) => $(id).textContent;
const embeddedBytes = (id) => Uint8Array.from(atob(embedded(id)), (letter) => letter.charCodeAt(0));

class Engine {
    #address = URL.createObjectURL(new Blob([embedded("worker")], { type: "text/javascript" }));
    #waiting;

    // heard({ layers }) when the first worker is ready, or heard({ failed }).
    constructor(heard) {
        this.#waiting = this.#worker();
        this.#waiting.onmessage = ({ data }) => heard(data);
        this.#waiting.onerror = () => heard({ failed: "This browser does not let the page start a worker." });
    }

    #worker() {
        const worker = new Worker(this.#address);
        worker.postMessage({ float32: embedded("float32"), float64: embedded("float64"), weights: embedded("weights") });
        return worker;
    }

    // Run a job of worker.js; heard() gets what the worker says about it. Return what stops it.
    start(job, heard) {
        const worker = this.#waiting;
        const end = () => {
            worker.onmessage = worker.onerror = null;  // what it has said before may still be on its way
            worker.terminate();
        };
        worker.onmessage = ({ data }) => {
            if (data.layers) return;  // it was not ready yet
            if (data.finished || data.failed) end();
            heard(data);
        };
        worker.onerror = () => {
            end();
            heard({ failed: "The dream failed: the browser ended its worker, as it does without memory." });
        };
        worker.postMessage(job);
        this.#waiting = this.#worker();
        return end;
    }
}
