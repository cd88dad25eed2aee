"""What a person does to the studio's page, and how what follows is waited for."""

import base64
import time
from contextlib import contextmanager

import numpy as np
import PIL.Image
from axe_playwright_python.sync_playwright import Axe

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
QUICK = {"iter_n": 2, "octave_n": 2}  # a dream of a moment
LONG = {"iter_n": 2000, "octave_n": 1}  # one that is there to be stopped
SECONDS = 30

_TRANSFER = """([name, type, text]) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type }));
    return transfer;
}"""


def picture_file(path, size=(96, 64), seed=0):
    rng = np.random.default_rng(seed)
    coarse = PIL.Image.fromarray(rng.integers(0, 256, (6, 9, 3), np.uint8))
    coarse.resize(size, PIL.Image.Resampling.BICUBIC).save(path)
    return path


def drop(page, file, on="#canvas", type="image/png"):
    """Drag a file from the desktop over the page, and let it go."""
    content = base64.b64encode(file.read_bytes()).decode()
    transfer = page.evaluate_handle(_TRANSFER, [file.name, type, content])
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event(on, event, {"dataTransfer": transfer})


def paste(page, file):
    """Put a picture on the clipboard, and paste it."""
    page.evaluate(
        """async (text) => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const blob = new Blob([bytes], { type: "image/png" });
            await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }""",
        base64.b64encode(file.read_bytes()).decode(),
    )
    page.keyboard.press("Control+v")


def slide(page, label, to):
    """Drag a slider's thumb to a share of its way, and return what lets it go."""
    slider = page.get_by_label(label, exact=True)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    share = slider.evaluate("(it) => (it.value - it.min) / (it.max - it.min)")
    edge = 13  # half of the thumb, which stays within the track
    at = lambda part: box["x"] + edge + part * (box["width"] - 2 * edge)  # noqa: E731
    middle = box["y"] + box["height"] / 2
    page.mouse.move(at(share), middle)
    page.mouse.down()
    page.mouse.move(at(to), middle, steps=4)
    return page.mouse.up


def jobs(api):
    return api.get("/api/jobs").json()["jobs"]


def until(found, seconds=SECONDS):
    """Wait until a function returns something true, and return that."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
    return answer


def last(api, *states):
    """Wait until the last job is in one of these states, and return it."""
    return until(lambda: next((job for job in jobs(api)[-1:] if job["state"] in states), None))


def submit(api, **order):
    return api.post("/api/jobs", json={"kind": "dream", **order}).raise_for_status().json()["id"]


def made(api, **order):
    """Have something dreamt by a script, and return the job."""
    id = submit(api, **order)
    return until(lambda: (job := api.get(f"/api/jobs/{id}").json())["state"] == "done" and job)


def downloaded(api, job, path):
    """Save a job's result as a file, of the kind that its name says."""
    path.write_bytes(api.get(job["result"]["files"][path.suffix[1:]]).content)
    return path


def remember(api, order, view=None):
    """Have the studio remember a visit that put this order together."""
    state = {"version": 1, "order": {"kind": "dream", **order}, "view": {"job": None, **(view or {})}}
    api.put("/api/page", json=state).raise_for_status()


def saved(api):
    """Return the order that the page has saved."""
    return (api.get("/api/page").json() or {}).get("order", {})


@contextmanager
def complaining(page, *words):
    """Have the browser log errors with these words, as it does for each answer that is no success."""
    before = len(page.complaints)
    yield
    page.wait_for_timeout(50)
    added = page.complaints[before:]
    page.complaints[before:] = [line for line in added if not any(word in line for word in words)]


def audit(page):
    """Fail with what axe-core finds in the page as it is."""
    found = Axe().run(page).response["violations"]
    lines = [f"{each['id']}: {each['help']}: {node['html'][:200]}" for each in found for node in each["nodes"]]
    assert not lines, "\n".join(lines)


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def look(page):
    """Return what is on the canvas."""
    page.wait_for_timeout(50)  # it is drawn in the next frame
    return page.evaluate("document.querySelector('#canvas').toDataURL()")


def looks_different(page, before):
    """Wait until the canvas is another one than before."""
    return until(lambda: look(page) != before)
