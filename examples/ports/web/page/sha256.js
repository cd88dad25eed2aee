// SHA-256 (FIPS 180-4). The browser's own is missing where a page is not a secure context: a phone that opens it from
// a computer of its network.
"use strict";

// The first 32 bits of the fractions of the square (or cube) roots of the first primes.
function fractionsOfRoots(count, root) {
    const found = [];
    for (let n = 2; found.length < count; ++n) {
        let prime = true;
        for (let d = 2; d * d <= n; ++d) prime &&= n % d !== 0;
        if (prime) found.push((root(n) % 1) * 2 ** 32);
    }
    return Uint32Array.from(found);
}

const STARTS = fractionsOfRoots(8, Math.sqrt);
const ROUNDS = fractionsOfRoots(64, Math.cbrt);

function padded(bytes) {
    const size = Math.ceil((bytes.length + 9) / 64) * 64;
    const all = new Uint8Array(size);
    all.set(bytes);
    all[bytes.length] = 0x80;
    new DataView(all.buffer).setBigUint64(size - 8, BigInt(bytes.length) * 8n);
    return new DataView(all.buffer);
}

// Return the hash of bytes as 64 hexadecimal digits.
function sha256(bytes) {
    const message = padded(bytes), state = STARTS.slice(), w = new Int32Array(64);
    const turn = (x, n) => (x >>> n) | (x << (32 - n));
    for (let block = 0; block < message.byteLength; block += 64) {
        for (let i = 0; i < 16; ++i) w[i] = message.getInt32(block + 4 * i);
        for (let i = 16; i < 64; ++i) {
            const early = w[i - 15], late = w[i - 2];
            w[i] = w[i - 16] + (turn(early, 7) ^ turn(early, 18) ^ (early >>> 3))
                + w[i - 7] + (turn(late, 17) ^ turn(late, 19) ^ (late >>> 10));
        }
        let [a, b, c, d, e, f, g, h] = state;
        for (let i = 0; i < 64; ++i) {
            const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0;
            const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
            [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
        }
        [a, b, c, d, e, f, g, h].forEach((value, i) => { state[i] += value; });
    }
    return Array.from(state, (word) => word.toString(16).padStart(8, "0")).join("");
}
