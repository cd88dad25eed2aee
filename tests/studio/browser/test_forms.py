"""Sheets, zoom loops and films, from their forms."""

import io

import PIL.Image
import pytest
from playwright.sync_api import expect
from support.pages import QUICK, complaining, downloaded, jobs, made, until


def opened(page, kind):
    form = page.locator(f"#form-{kind}")
    page.locator("#forms > details", has=form).locator("> summary").click()
    expect(form).to_be_visible()
    return form


def done(api):
    """Return the job that was asked for last, when it is done: after the small dreams that the page had asked for."""
    return until(lambda: next((job for job in jobs(api)[-1:] if job["state"] == "done"), None), seconds=60)


@pytest.fixture
def film(tmp_path):
    """Five frames that move."""
    frames = [PIL.Image.effect_noise((64, 48), 90).convert("RGB") for _ in range(5)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:], duration=100)
    return tmp_path / "film.gif"


def test_two_settings_are_laid_out_against_each_other(visit, api, picture, shot):
    page = visit(order={"picture": picture, "recipe": QUICK})
    form = opened(page, "sweep")
    form.get_by_label("Rows", exact=True).select_option("step_size")
    form.get_by_label("Values of the rows").fill("1, 4")
    form.get_by_label("Columns", exact=True).select_option("layer")
    form.get_by_label("Values of the columns").fill("fire2/concat, fire3/concat, fire4/concat")
    shot(page, "sheet-form")
    form.get_by_role("button", name="Make the sheet of 6 pictures").click()
    job = done(api)
    assert job["order"]["rows"] == {"parameter": "step_size", "values": [1, 4]}
    size = PIL.Image.open(io.BytesIO(api.get(job["result"]["files"]["png"]).content)).size
    assert size[0] > 3 * 64
    assert size[1] > 2 * 48
    expect(page.locator("#canvas")).to_have_attribute("aria-label", f"The dream, {size[0]} by {size[1]} pixels")
    shot(page, "sheet")


@pytest.mark.parametrize(
    ("rows", "values", "line"),
    [
        ("step_size", "1, two", "Rows: “two” is not a number."),
        ("step_size", "", "Rows: 0 values; expected 1 to 12, with commas between them."),
        ("layer", "conv1", "Rows and columns have the same setting: choose another for one of them."),
        ("smooth", "-1", "-1.0, expected a number above 0"),  # the server says so
    ],
)
def test_what_is_wrong_with_a_sheet_is_said_in_its_form(visit, api, picture, rows, values, line):
    page = visit(order={"picture": picture, "recipe": QUICK})
    form = opened(page, "sweep")
    form.get_by_label("Rows", exact=True).select_option(rows)
    form.get_by_label("Values of the rows").fill(values)
    form.get_by_label("Columns", exact=True).select_option("layer")
    form.get_by_label("Values of the columns").fill("fire2/concat")
    with complaining(page, "400"):
        form.get_by_role("button", name="Make the sheet").click()
        expect(form.get_by_role("alert")).to_contain_text(line)
    assert not jobs(api)


def test_a_zoom_loop_is_made_played_and_downloaded(visit, api, picture, shot):
    page = visit(order={"picture": picture, "recipe": {"iter_n": 1, "octave_n": 1}})
    form = opened(page, "zoom")
    values = {"Frames": "5", "Zoom": "0.1", "Turn": "3", "To the right": "2", "Frames a second": "10"}
    for label, value in values.items():
        form.get_by_label(label, exact=True).fill(value)
    expect(form.get_by_role("status")).to_have_text("A film of 0.5 seconds.")
    form.get_by_role("button", name="Make the zoom loop").click()
    job = done(api)
    asked = {name: job["order"][name] for name in ("frames", "scale", "rotate", "shift", "fps")}
    assert asked == {"frames": 5, "scale": 0.1, "rotate": 3, "shift": [2, 0], "fps": 10}
    plays(page)
    expect(page.get_by_role("button", name="Copy as command")).to_be_visible()
    expect(page.get_by_role("button", name="Copy as Python")).to_be_hidden()  # there is none of a loop
    shot(page, "zoom")
    with page.expect_download() as download:
        page.get_by_role("link", name="Film (MP4)").click()
    assert download.value.path().read_bytes()[4:8] == b"ftyp"
    page.reload()
    expect(form.get_by_label("Frames", exact=True)).to_have_value("5")  # the form is as it was
    form.get_by_label("Frames", exact=True).fill("6")
    page.locator("#strip .result").click()
    expect(form.get_by_label("Frames", exact=True)).to_have_value("5")  # and as the result was made


def plays(page):
    video = page.locator("#film video")
    expect(video).to_be_visible()
    until(lambda: video.evaluate("it => it.duration > 0"))
    video.evaluate("it => it.play()")
    until(lambda: video.evaluate("it => it.currentTime > 0 || it.ended"))


def test_a_film_is_sent_and_dreamt_on(visit, api, picture, film, shot):
    page = visit(order={"picture": picture, "recipe": {"iter_n": 1, "octave_n": 1}})
    form = opened(page, "film")
    expect(form.get_by_role("button", name="Dream the film")).to_be_disabled()
    form.get_by_label("Film", exact=True).set_input_files(film)
    expect(form.get_by_text("film.gif: 64×48, 5 frames")).to_be_visible()
    form.get_by_label("From frame").fill("1")
    form.get_by_label("At most so many frames").fill("3")
    form.get_by_label("Keep of the last frame").fill("0.25")
    shot(page, "film-form")
    form.get_by_role("button", name="Dream the film").click()
    job = done(api)
    assert [job["order"][name] for name in ("first", "frames", "carry", "flow")] == [1, 3, 0.25, False]
    expect(page.locator("#film :is(video, img)")).to_be_visible()
    shot(page, "film")


def test_a_film_dropped_as_a_picture_goes_to_its_form(visit, film):
    page = visit()
    page.set_input_files("#picture-file", film)
    expect(page.locator("#form-film")).to_contain_text("film.gif: 64×48, 5 frames")


@pytest.mark.parametrize("kind", ["zoom", "film"])
def test_a_film_of_pydream_brings_its_settings_back(visit, api, picture, film, tmp_path, kind):
    source = api.post("/api/pictures?name=film.gif", content=film.read_bytes()).json()["id"]
    asked, fields, button = {
        "zoom": (
            {
                "picture": picture,
                "frames": 2,
                "ease": "smooth",
                "rotate": {"keyframes": [[0, 0.5], [9, 3]]},
                "octave_n": {"keyframes": [[0, 1], [1, 2]]},
                "blend": {"keyframes": [[0, 0.5]]},
                "hold": "both",
                "layer": ["fire2/concat=0:1,1:0.5", "fire3/concat"],
            },
            {
                "Frames": "2",
                "Turn": "0:0.5,9:3",
                "From one of such values to the next": "smooth",
                "Octaves from frame to frame": "0:1,1:2",
                "Blend from frame to frame": "0:0.5",
                "Keep of the first frame": "both",
            },
            "Make the zoom loop",
        ),
        "film": (
            {"picture": source, "first": 1, "frames": 2, "carry": 0.25},
            {"From frame": "1", "At most so many frames": "2"},
            "Dream the film",
        ),
    }[kind]
    job = made(api, kind=kind, recipe={"iter_n": 1, "octave_n": 1, "smooth": 1.5}, **asked)
    file = downloaded(api, job, tmp_path / "made.mp4")
    page = visit()
    page.set_input_files("#picture-file", file)
    expect(page.get_by_label("Smooth", exact=True)).to_have_value("1.5")
    form = page.locator(f"#form-{kind}")
    for label, value in fields.items():
        expect(form.get_by_label(label, exact=True)).to_have_value(value)
    if kind == "film":
        expect(form).to_contain_text("film.gif: 64×48, 5 frames")
    form.get_by_role("button", name=button).click()
    again = until(lambda: (found := done(api)) and found["id"] != job["id"] and found)
    frames = [api.get(each["result"]["files"]["mp4"]).content for each in (job, again)]
    assert frames[0] == frames[1]


def test_a_picture_in_a_films_place_says_so(visit, photograph):
    page = visit()
    form = opened(page, "film")
    form.get_by_label("Film", exact=True).set_input_files(photograph)
    expect(form.get_by_role("alert")).to_contain_text("photograph.png is a single picture")
