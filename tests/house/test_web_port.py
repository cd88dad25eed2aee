"""The page of examples/ports/web: a dream in a browser's tab, from a file, without a server and without a request.

`pip install ziglang && pytest tests/house/test_web_port.py` runs all of it: half a minute more at the first time, in
which Zig compiles its C library. CI has no Zig (a wheel of 100 MB), and tests the page without the dream.
"""

import hashlib
import re
import runpy
import shutil
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import expect
from support.browsers import chromium
from support.pages import DESKTOP, PHONE, audit, drop, paste, picture_file, press

import pydream

SEEN = [pytest.param(DESKTOP, "dark", id="desktop-dark"), pytest.param(PHONE, "light", id="phone-light")]
BLOCKS = ("float32", "float64", "weights", "sky", "own", "worker")


@pytest.fixture(scope="module")
def folder(root):
    return root / "examples" / "ports" / "web"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser):
    """Return what opens a page in a file; nothing may be asked of anybody, and no error be logged."""
    contexts, complaints = [], []

    def opened(file, viewport=DESKTOP, **options):
        context = browser.new_context(viewport=viewport, has_touch=viewport is PHONE, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: None if allowed(request.url, file) else complaints.append(request.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.complaints = complaints
        page.goto(file.as_uri())
        return page

    def allowed(url, file):
        return url == file.as_uri() or url.startswith(("blob:null/", "data:image/svg+xml"))

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


# ---- What needs no compiler ----


@pytest.fixture(scope="module")
def empty_page(folder, root, tmp_path_factory):
    """The page, packed with modules that are none."""
    here = tmp_path_factory.mktemp("empty")
    (here / "none.wasm").write_bytes(b"none")
    sources = dict.fromkeys(BLOCKS, str(here / "none.wasm"))
    sources |= {"sky": str(root / "examples" / "sky.jpg"), "worker": "sha256.js,shifts.js,dream.js,worker.js"}
    pack = [sys.executable, folder / "pack.py", folder / "page" / "index.html", here / "index.html"]
    subprocess.run([*pack, *(f"{name}={source}" for name, source in sources.items())], check=True)
    return here / "index.html"


@pytest.mark.parametrize(("viewport", "scheme"), SEEN)
def test_a_browser_that_cannot_dream_says_so_in_a_line(visit, empty_page, viewport, scheme):
    page = visit(empty_page, viewport, color_scheme=scheme)
    expect(page.get_by_role("alert")).to_contain_text("This browser's WebAssembly is too old")
    expect(page.get_by_role("button", name="Make the golden picture")).to_be_disabled()
    press(page, "Take our clouds")
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "sky.jpg, 512 by 341 pixels")
    expect(page.get_by_role("button", name="Dream", exact=True)).to_be_disabled()
    audit(page)


def test_what_is_no_picture_is_named(visit, empty_page, tmp_path):
    page = visit(empty_page)
    (tmp_path / "notes.png").write_text("no picture")
    drop(page, tmp_path / "notes.png", on="#frame")
    expect(page.get_by_role("alert")).to_have_text("notes.png is not a picture that this browser can read.")


def test_of_two_pictures_the_later_one_stays(visit, empty_page):
    """Though reading the first one takes longer."""
    page = visit(empty_page)
    page.evaluate("""async () => {
        const sky = new Blob([Uint8Array.from(atob(embedded("sky")), (letter) => letter.charCodeAt(0))]);
        const read = readPicture, waiting = [];
        window.readPicture = async (file, name) => {
            if (name === "first") await new Promise((go) => waiting.push(go));
            return read(file, name);
        };
        const first = take(sky, "first");
        await take(sky, "second");
        waiting[0]();
        await first;
    }""")
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "second, 512 by 341 pixels")


def test_nothing_can_be_asked_of_anybody(visit, empty_page):
    (empty_page.parent / "other.js").write_text("")
    (empty_page.parent / "other.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')
    page = visit(empty_page)
    page.evaluate("""void (window.load = (tag, src) => new Promise((onload, onerror) => {
        document.body.append(Object.assign(document.createElement(tag), { onload, onerror, src }));
    }))""")
    for ask in ("fetch('other.js')", "load('img', 'other.svg')", "load('script', 'other.js')"):
        assert page.evaluate(f"{ask}.then(() => 'answered', () => 'refused')") == "refused", ask
        assert "Content Security Policy" in page.complaints[0]
        page.complaints.clear()


def test_hash_and_shifts_are_those_of_python(browser, folder):
    page = browser.new_page()
    for name in ("sha256.js", "shifts.js"):
        page.add_script_tag(path=folder / "page" / name)
    texts = [bytes(i % 251 for i in range(size)) for size in (*range(130), 4096)]
    hashes = page.evaluate("(all) => all.map((each) => sha256(Uint8Array.from(each)))", [list(text) for text in texts])
    assert hashes == [hashlib.sha256(text).hexdigest() for text in texts]
    for seed in (0, 1, 2**32 - 1):
        rng = np.random.RandomState(seed)
        drawn = page.evaluate(
            "(seed) => { const all = new Shifts(seed); return Array.from(Array(999), () => all.next()); }", seed
        )
        assert drawn == [rng.randint(-32, 33, 2).tolist() for _ in range(999)]
    page.close()


def test_every_fault_is_a_line(browser, folder):
    page = browser.new_page()
    for name in ("sha256.js", "shifts.js", "dream.js", "worker.js"):
        page.add_script_tag(path=folder / "page" / name)
    memory = "There is not enough memory for this size: choose a smaller one."
    for error, line in (
        ("new DreamError('', NO_MEMORY)", memory),
        ("new RangeError('could not allocate memory')", memory),
        ("new DreamError('no layer of the network has this name', 2)",
         "The dream failed: no layer of the network has this name."),
    ):  # fmt: skip
        assert page.evaluate(f"lineOf({error})") == line
    page.evaluate("() => { delete window.WebAssembly; }")
    assert page.evaluate("lineOf(new Error())") == "This browser has no WebAssembly, which the dream runs on."
    page.close()


def test_the_hash_on_the_page_is_the_golden_one(folder, golden, root):
    assert hashlib.sha256(golden["out_u8"].tobytes()).hexdigest() in (folder / "page" / "exact.js").read_text()
    packed = runpy.run_path(str(folder / "pack.py"))["array_of"](root / "pydream" / "testing" / "golden.npz", "image")
    assert packed == golden["image"].tobytes()


# ---- What needs one ----


def build(*words):
    done = subprocess.run([shutil.which("cmake"), *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


@pytest.fixture(scope="module")
def page_file(folder, tmp_path_factory):
    if shutil.which("python-zig") is None and shutil.which("zig") is None:  # as csrc/toolchains/wasm32.cmake looks
        pytest.skip("NOT PROVEN HERE: there is no compiler for WebAssembly: pip install ziglang")
    here = tmp_path_factory.mktemp("page")
    build("-S", folder, "-B", here, "-G", "Ninja")
    build("--build", here)
    return here / "page" / "index.html"


def choose(page, **settings):
    for label, value in settings.items():
        page.get_by_label(label).fill(str(value))


def done(page):
    """Wait until a dream has ended, and return the SHA-256 of its pixels."""
    expect(page.locator("#status")).to_contain_text("Done")
    return page.locator("#hash").text_content()


def saved(page, path):
    with page.expect_download() as download:
        press(page, "Save as PNG")
    download.value.save_as(path)
    return download.value.suggested_filename, np.asarray(PIL.Image.open(path))


def sha256(pixels):
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def test_the_golden_picture_has_its_hash_in_the_browser(visit, page_file, golden):
    page = visit(page_file)
    press(page, "Make the golden picture")
    expect(page.locator("#verdict")).to_contain_text("Equal, all 73,728 bytes")
    known, found = (page.locator(each).text_content().replace(" ", "") for each in ("#known", "#found"))
    assert known == found == str(golden["sha256"])
    pixels = page.evaluate(
        "Array.from(document.querySelector('#golden-canvas').getContext('2d').getImageData(0, 0, 192, 128).data)"
    )
    assert sha256(np.uint8(pixels).reshape(-1, 4)[:, :3]) == found  # it is the one on the screen


def test_another_picture_is_different(visit, page_file):
    """The comparison can say no."""
    page = visit(page_file)
    page.evaluate("document.querySelector('#own').textContent = btoa('x'.repeat(128 * 192 * 3))")
    press(page, "Make the golden picture")
    expect(page.locator("#verdict")).to_contain_text(re.compile("Different|no step can be taken"))


def test_a_dream_in_float32_is_native_cs(visit, page_file, root, golden, tmp_path):
    """Every byte of it, although float32 is chaotic: both round alike."""
    native = tmp_path / "native"
    build("-S", root, "-B", native, "-G", "Ninja", "-DPYDREAM_TESTS=ON")
    build("--build", native, "--target", "dream_float32")
    rng = np.random.RandomState(3)
    files = [tmp_path / name for name in ("picture.npy", "shifts.npy", "saved.npy")]
    np.save(files[0], golden["image"])
    np.save(files[1], [rng.randint(-32, 33, 2) for _ in range(8)])
    weights = root / "models" / "squeezenet_v1.1" / "squeezenet_v1.1.caffemodel"
    (program,) = native.rglob("dream_float32")
    subprocess.run([program, weights, *files, "--octaves", "2"], check=True)

    PIL.Image.fromarray(golden["image"]).save(tmp_path / "own.png")
    page = visit(page_file)
    drop(page, tmp_path / "own.png", on="#frame")
    choose(page, Octaves=2, Iterations=4, Seed=3)
    press(page, "Dream")
    assert done(page) == sha256(np.load(files[2]))
    name, pixels = saved(page, tmp_path / "saved.png")
    assert name == "own.dream.png"
    assert np.array_equal(pixels[..., :3], np.load(files[2]))


def test_an_exact_dream_is_pydreams(visit, page_file, squeezenet64, golden, tmp_path):
    """With every setting another one than the golden picture's."""
    image = golden["image"][:101]
    PIL.Image.fromarray(image).save(tmp_path / "own.png")
    page = visit(page_file)
    expect(page.get_by_label("Layer")).to_be_enabled()
    drop(page, tmp_path / "own.png", on="#frame")
    page.get_by_label("Layer").select_option("fire5/concat")
    page.get_by_label("Numbers").select_option("float64")
    choose(page, Octaves=2, Iterations=3, Strength=2.5, Seed=77)
    press(page, "Dream")
    out = pydream.deepdream(
        squeezenet64, image, end="fire5/concat", octave_n=2, iter_n=3, step_size=2.5, rng=np.random.RandomState(77)
    )
    assert done(page) == sha256(np.uint8(np.clip(out, 0, 255)))
    expect(page.locator("#how")).to_have_text("In pydream this command makes the same bytes:")
    expect(page.locator("#command")).to_have_text(
        "pydream dream 'own.png' -l fire5/concat --octaves 2 -n 3 -s 2.5 --seed 77 --exact"
    )


def test_a_stop_keeps_what_there_is(visit, page_file, tmp_path):
    page = visit(page_file)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    paste(page, picture_file(tmp_path / "photograph.png"))
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "image.png, 96 by 64 pixels")
    choose(page, Octaves=1, Iterations=1000)
    press(page, "Dream")
    expect(page.locator("#steps")).to_contain_text("of 1000, 96 × 64")
    press(page, "Stop")
    expect(page.locator("#status")).to_have_text("Stopped at 96 × 64 pixels.")
    _, stopped = saved(page, tmp_path / "stopped.png")
    assert np.abs(stopped[..., :3] - np.float32(PIL.Image.open(tmp_path / "photograph.png"))).mean() > 0.5
    choose(page, Iterations=2)
    press(page, "Dream")  # and it dreams again
    done(page)


@pytest.mark.parametrize(("viewport", "scheme"), SEEN)
def test_axe_finds_nothing_after_a_dream(visit, page_file, viewport, scheme):
    page = visit(page_file, viewport, color_scheme=scheme)
    press(page, "Take our clouds")
    page.get_by_label("Longest side").select_option("256")
    choose(page, Octaves=2, Iterations=1)
    dream = page.get_by_role("button", name="Dream", exact=True)
    expect(dream).to_be_enabled()
    dream.press("Enter")
    done(page)
    press(page, "Make the golden picture")
    expect(page.locator("#verdict")).to_contain_text("Equal")
    page.get_by_text("How to make it again").click()
    audit(page)


def test_a_size_that_does_not_do_is_an_error_in_a_line(visit, page_file, tmp_path):
    page = visit(page_file)
    drop(page, picture_file(tmp_path / "large.png", (1600, 1200)), on="#frame")
    page.get_by_label("Numbers").select_option("float64")
    page.get_by_label("Longest side").select_option("1536")
    expect(page.locator("#memory")).to_have_text("1536 × 1152 pixels; needs about 2890 MB of memory")
    press(page, "Dream")
    expect(page.get_by_role("alert")).to_contain_text("This size needs more than 2 GB")
    drop(page, picture_file(tmp_path / "small.png", (40, 30)), on="#frame")
    press(page, "Dream")
    expect(page.get_by_role("alert")).to_contain_text("The smallest octave is too small for this layer")
