// examples/ports/c/dream.h in JavaScript: memory and texts of the module in, pictures out.
"use strict";

const NO_MEMORY = 6, TOO_LARGE = 5, TOO_SMALL = 4;  // dream_status

class DreamError extends Error {
    constructor(text, status) {
        super(text);
        this.status = status;
    }
}

class Dream {
    #c;
    #at;

    // From the bytes of dream_float32.wasm or dream_float64.wasm.
    constructor(wasm) {
        this.#c = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports;
        this.#c._initialize();
        this.#with(4, (box) => {
            this.#check(this.#c.dream_create(box));
            this.#at = new DataView(this.#c.memory.buffer).getUint32(box, true);
        });
    }

    // The module's memory moves when it grows, so a view lasts until the next call.
    #view(at, size) {
        return new Uint8Array(this.#c.memory.buffer, at, size);
    }

    #with(size, use) {
        const at = this.#c.malloc(size) >>> 0;
        if (at === 0) this.#check(NO_MEMORY);
        try {
            return use(at);
        } finally {
            this.#c.free(at);
        }
    }

    #withBytes(bytes, use) {
        return this.#with(bytes.length, (at) => {
            this.#view(at, bytes.length).set(bytes);
            return use(at);
        });
    }

    #text(at) {
        const bytes = this.#view(at >>> 0);
        return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
    }

    #check(status) {
        if (status !== 0) throw new DreamError(this.#text(this.#c.dream_status_text(status)), status);
    }

    // The names of all layers, in running order.
    layers() {
        const names = [];
        for (let at; (at = this.#c.dream_layer(names.length)) !== 0;) names.push(this.#text(at));
        return names;
    }

    // From the bytes of squeezenet_v1.1.caffemodel.
    setWeights(bytes) {
        this.#withBytes(bytes, (at) => this.#check(this.#c.dream_caffemodel(this.#at, at, bytes.length)));
    }

    // rgb: (height, width, 3).
    begin({ rgb, height, width, layer, octaves, scale, iterations, stepSize }) {
        this.#withBytes(new TextEncoder().encode(`${layer}\0`), (end) => this.#withBytes(rgb, (at) => {
            this.#check(this.#c.dream_begin(this.#at, at, height, width, end, octaves, scale, iterations, stepSize));
        }));
    }

    step(ox, oy) {
        this.#check(this.#c.dream_step(this.#at, ox, oy));
    }

    get done() { return this.#c.dream_done(this.#at); }
    get steps() { return this.#c.dream_steps(this.#at); }

    // Return the image at work as a picture.
    picture() {
        const height = this.#c.dream_height(this.#at), width = this.#c.dream_width(this.#at);
        return this.#with(height * width * 3, (at) => {
            this.#check(this.#c.dream_picture(this.#at, at));
            return { rgb: this.#view(at, height * width * 3).slice(), height, width };
        });
    }
}
