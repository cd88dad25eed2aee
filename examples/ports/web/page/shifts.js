// The shifts of a dream as NumPy draws them: RandomState(seed).randint(-32, 33, 2) for each step. A seed means the same
// here as in `pydream dream --seed`.
"use strict";

const JITTER = 32;  // pixels, both ends included

// MT19937 (Matsumoto and Nishimura, 1998).
class Shifts {
    #words = new Uint32Array(624);
    #at = 624;

    constructor(seed) {
        const words = this.#words;
        words[0] = seed;
        for (let i = 1; i < 624; ++i) {
            words[i] = Math.imul(1812433253, words[i - 1] ^ (words[i - 1] >>> 30)) + i;
        }
    }

    #word() {
        const words = this.#words;
        if (this.#at === 624) {
            for (let i = 0; i < 624; ++i) {
                const mixed = (words[i] & 0x80000000) | (words[(i + 1) % 624] & 0x7fffffff);
                words[i] = words[(i + 397) % 624] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
            }
            this.#at = 0;
        }
        let word = words[this.#at++];
        word ^= word >>> 11;
        word ^= (word << 7) & 0x9d2c5680;
        word ^= (word << 15) & 0xefc60000;
        return (word ^ (word >>> 18)) >>> 0;
    }

    // Return a number of -JITTER..JITTER: the first of the lowest 7 bits that is in the range, as NumPy does it.
    #shift() {
        for (;;) {
            const bits = this.#word() & 127;
            if (bits <= 2 * JITTER) return bits - JITTER;
        }
    }

    // Return (ox, oy) of the next step: to the right and down.
    next() {
        const ox = this.#shift();
        return [ox, this.#shift()];
    }
}
