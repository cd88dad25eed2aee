// The button that makes the golden picture: pydream/testing/golden.npz, which Caffe 1.0 made.
"use strict";

const GOLDEN = {
    job: {
        height: 128, width: 192, layer: "fire8/concat", octaves: 3, scale: 1.4, iterations: 6, stepSize: 1.5, seed: 0,
        numbers: "float64",
    },
    sha256: "e7b8bb86a944812e97c1a2eba0e2d9a58157d7b2cb918e77ea48a1c244d4996d",
};

function connectExact(engine) {
    const button = $("golden"), verdict = $("verdict");
    const found = $("found"), canvas = $("golden-canvas");
    const groups = (hash) => hash.replace(/.{8}(?=.)/g, "$& ");
    $("known").textContent = groups(GOLDEN.sha256);

    const say = (text, kind) => {
        verdict.textContent = text;
        verdict.className = kind;
    };

    const heard = (message) => {
        if (message.picture) {
            show(canvas, message.picture);
            found.textContent = `step ${message.done} of ${message.steps} …`;
            return;
        }
        button.disabled = false;
        if (message.failed) {
            found.textContent = "…";
            say(message.failed, "error");
            return;
        }
        found.textContent = groups(message.sha256);
        if (message.sha256 === GOLDEN.sha256) {
            say(`Equal, all ${(128 * 192 * 3).toLocaleString("en")} bytes, in ${message.seconds.toFixed(1)} s.`, "equal");
        } else {
            say("Different: this browser does not compute as the standard says. Please report it.", "error");
        }
    };

    button.addEventListener("click", () => {
        button.disabled = true;
        $("proof").hidden = false;
        say("Dreaming …", "");
        engine.start({ ...GOLDEN.job, rgb: embeddedBytes("own") }, heard);
    });
}
