// The page: a picture comes in, a dream runs, its picture goes out.
"use strict";

let source = null;  // { name, bitmap }: what came in
let result = null;  // { picture, before, name }: the newest picture of a dream, and that which it began with
let running = null;  // { stop } of a dream
let taken = 0;  // counts pictures and dreams: a picture that is still being read when the next one begins is dropped

// ---- What is said ----

function say(text) {
    $("status").textContent = text;
}

function fail(text) {
    $("error").textContent = text;
    $("error").hidden = text === "";
}

function refresh() {
    $("dream").hidden = running !== null;
    $("stop").hidden = running === null;
    $("progress").hidden = $("steps").hidden = running === null;
    $("dream").disabled = source === null || $("layer").disabled;
    $("save").disabled = $("before").disabled = result === null;
    $("another").hidden = source === null || running !== null;
    $("start").hidden = source !== null;
    $("canvas").hidden = source === null;
}

// ---- The picture on the screen: the newest, at most once a frame ----

let drawing = false;

function draw() {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
        drawing = false;
        if (source === null) return;
        const before = $("before").getAttribute("aria-pressed") === "true";
        const picture = result === null ? pixelsOf(source.bitmap, fitted(source.bitmap, longestSide()))
            : before ? result.before : result.picture;
        show($("canvas"), picture);
        const what = result === null || before ? source.name : `A dream of ${source.name}`;
        $("canvas").setAttribute("aria-label", `${what}, ${picture.width} by ${picture.height} pixels`);
    });
}

function pressBefore(pressed) {
    $("before").setAttribute("aria-pressed", String(pressed));
    draw();
}

// ---- A picture comes in ----

async function take(file, name = file.name || "The picture") {
    if (running !== null) {
        fail("A dream is running: stop it first.");
        return;
    }
    fail("");
    const number = ++taken;
    let bitmap = null;
    try {
        bitmap = await readPicture(file, name);
    } catch (error) {
        if (number === taken) fail(error.message);
        return;
    }
    if (number !== taken) return;  // meanwhile another picture came, or a dream began
    source = { name, bitmap };
    result = null;
    $("same").hidden = true;
    say(`${name}, ${source.bitmap.width} × ${source.bitmap.height} pixels.`);
    sayMemory(source.bitmap);
    pressBefore(false);
    refresh();
    $("dream").focus({ preventScroll: true });
}

const pictureOf = (transfer) => [...transfer.files].find(Boolean);

function connectInputs() {
    $("choose").addEventListener("click", () => $("file").click());
    $("another").addEventListener("click", () => $("file").click());
    $("file").addEventListener("change", () => {
        if ($("file").files.length > 0) take($("file").files[0]);
        $("file").value = "";
    });
    $("sample").addEventListener("click", () => {
        take(new Blob([embeddedBytes("sky")]), "sky.jpg");
    });
    addEventListener("paste", (event) => {
        const file = pictureOf(event.clipboardData);
        if (file) take(file);
    });
    addEventListener("dragover", (event) => {
        event.preventDefault();
        $("drop").hidden = running !== null;
    });
    addEventListener("dragleave", (event) => {
        if (event.relatedTarget === null) $("drop").hidden = true;
    });
    addEventListener("drop", (event) => {
        event.preventDefault();
        $("drop").hidden = true;
        const file = pictureOf(event.dataTransfer);
        if (file) take(file);
        else fail("What was dropped is not a file.");
    });
}

// ---- A dream ----

function timeLeft(start, share) {
    const seconds = (performance.now() - start) / 1000 * (1 - share) / share;
    return seconds < 90 ? `${Math.ceil(seconds)} s left` : `${Math.ceil(seconds / 60)} min left`;
}

function start(engine) {
    const chosen = settings();
    if (chosen === null) return;
    fail("");
    say("");
    const size = fitted(source.bitmap, longestSide());
    if (memoryOf(size, chosen.numbers) > MOST_MEMORY) {
        fail("This size needs more than 2 GB, the most that a page gets in one piece: choose a smaller one.");
        return;
    }
    const before = pixelsOf(source.bitmap, size), job = { ...chosen, ...before }, begun = performance.now();
    const end = (text) => {
        running = null;
        say(text);
        refresh();
    };
    const heard = (message) => {
        if (message.picture) {
            const share = workDone(size, chosen, message.done), { picture, done, steps } = message;
            result = { picture, before, name: source.name };
            $("progress").value = share;
            $("steps").textContent = `Step ${done} of ${steps}, ${picture.width} × ${picture.height}, ${timeLeft(begun, share)}`;
            $("save").disabled = $("before").disabled = false;
            draw();
        } else if (message.finished) {
            end(`Done in ${message.seconds.toFixed(1)} s.`);
            sayHow(job, source.name, source.bitmap, message.sha256);
        } else {
            end("");
            fail(message.failed);
        }
    };
    ++taken;
    const stop = engine.start(job, heard);
    running = {
        stop() {
            stop();
            end(result === null ? "Stopped." : `Stopped at ${result.picture.width} × ${result.picture.height} pixels.`);
        },
    };
    result = null;
    $("progress").removeAttribute("value");
    $("steps").textContent = "The first step …";
    $("same").hidden = true;
    pressBefore(false);
    say("Dreaming …");
    refresh();
    $("stop").focus({ preventScroll: true });
    $("frame").scrollIntoView({ block: "nearest" });
}

function save() {
    const canvas = document.createElement("canvas");
    show(canvas, result.picture);
    canvas.toBlob((blob) => {
        if (blob === null) {
            fail("There is not enough memory for the file.");
            return;
        }
        const link = document.createElement("a");
        link.href = URL.createObjectURL(blob);
        link.download = `${result.name.replace(/\.\w+$/, "")}.dream.png`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    }, "image/png");
}

// ---- All together ----

const engine = new Engine((message) => {
    if (message.failed) {
        fail(message.failed);
        return;
    }
    fillLayers(message.layers);
    $("golden").disabled = false;
    refresh();
});
connectInputs();
connectExact(engine);
$("dream").addEventListener("click", () => start(engine));
$("stop").addEventListener("click", () => {
    running.stop();
    $("dream").focus({ preventScroll: true });
});
$("save").addEventListener("click", save);
$("before").addEventListener("click", () => pressBefore($("before").getAttribute("aria-pressed") !== "true"));
$("settings").addEventListener("submit", (event) => event.preventDefault());
$("settings").addEventListener("change", () => {
    sayMemory(source && source.bitmap);
    if (result === null) draw();
});
refresh();
