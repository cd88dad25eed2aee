"""What came of it: gone back to, compared in a sheet, made large, into films, kept, shared and made again."""

import PIL.Image
import pytest
from playwright.sync_api import expect
from support.pages import (
    LONG,
    QUICK,
    drop,
    jobs,
    last,
    look,
    looks_different,
    made,
    picture_file,
    press,
    saved,
    submit,
    until,
)


def shows(page, job):
    """Wait until a job's result is on the canvas."""
    width, height = job["result"]["width"], job["result"]["height"]
    expect(page.locator("#canvas")).to_have_attribute("aria-label", f"The dream, {width} by {height} pixels")


def another(api, known):
    """Wait for a result that is not the known one."""
    return until(lambda: next((job for job in jobs(api) if job["id"] != known["id"] and job["state"] == "done"), None))


def test_each_result_of_the_visit_is_one_click_from_being_gone_back_to(visit, api, picture, shot):
    for layer in ("conv1", "fire3/concat"):
        made(api, picture=picture, layer=[layer], recipe=QUICK)
    page = visit(order={"picture": picture})
    results = page.locator("#strip").get_by_role("button", name="Go back to")
    expect(results).to_have_count(2)
    expect(results.first.locator("img")).to_be_visible()
    results.nth(1).click()  # the newest is first
    expect(results.nth(1)).to_have_attribute("aria-current", "true")
    expect(page.locator("#choose-layers summary")).to_contain_text("conv1")
    expect(page.get_by_label("Scale of features", exact=True)).to_have_value("2")
    one = look(page)
    shot(page, "strip")
    results.nth(0).click()
    expect(page.locator("#choose-layers summary")).to_contain_text("fire3/concat")
    assert looks_different(page, one)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#choose-layers summary")).to_contain_text("conv1")


def test_a_result_is_deleted_when_it_is_asked_for_twice(visit, api):
    made(api, recipe={**QUICK, "noise": [48, 64]})
    page = visit()
    page.get_by_role("button", name="Delete 1").or_(page.locator("#strip .delete")).first.click()
    assert len(jobs(api)) == 1
    page.get_by_role("button", name="for good").click()
    until(lambda: not jobs(api))
    expect(page.locator("#strip li")).to_have_count(0)


def test_a_sheet_sets_two_settings_against_each_other(visit, api, picture, shot):
    page = visit(order={"picture": picture, "recipe": {"iter_n": 1, "octave_n": 1}})
    page.get_by_text("Sheet: two settings against each other").click()
    form = page.locator("#form-sweep")
    form.get_by_label("Rows", exact=True).select_option("step_size")
    form.get_by_label("Values of the rows").fill("1, 3")
    form.get_by_label("Columns", exact=True).select_option("layer")
    form.get_by_label("Values of the columns").fill("conv1, fire3/concat")
    shot(page, "sheet form")
    press(page, "Make the sheet of 4 pictures")
    job = last(api, "done", "failed")
    assert job["error"] is None
    assert job["order"]["rows"] == {"parameter": "step_size", "values": [1, 3]}
    assert job["result"]["width"] > 2 * 96
    shows(page, job)
    shot(page, "sheet")
    form.get_by_label("Values of the rows").fill("much")
    press(page, "Make the sheet of 2 pictures")
    expect(form.get_by_role("alert")).to_contain_text("“much” is not a number")


def test_a_zoom_loop_is_made_and_played_in_the_page(visit, api, picture, shot):
    page = visit(order={"picture": picture, "recipe": {"iter_n": 1, "octave_n": 1}})
    page.get_by_text("Zoom loop: a film that falls into the dream").click()
    form = page.locator("#form-zoom")
    form.get_by_label("Frames", exact=True).fill("3")
    form.get_by_label("Frames a second").fill("5")
    press(page, "Make the zoom loop")
    job = last(api, "done", "failed")
    assert job["error"] is None
    film = page.locator("#film").locator("video, img")
    expect(film).to_be_visible()
    if "mp4" in job["result"]["files"]:  # PyAV is here
        until(lambda: film.evaluate("(it) => it.videoWidth") >= 96)
    shot(page, "zoom")
    page.reload()  # what was entered is there still
    expect(form.get_by_label("Frames", exact=True)).to_have_value("3")


def test_a_film_is_sent_dreamt_on_and_played(visit, api, tmp_path, shot):
    frames = [PIL.Image.open(picture_file(tmp_path / f"{n}.png", seed=n)) for n in range(3)]
    film = tmp_path / "waves.gif"
    frames[0].save(film, save_all=True, append_images=frames[1:], duration=200)
    page = visit(order={"recipe": {"iter_n": 1, "octave_n": 1}})
    page.get_by_text("Film: every frame dreams").click()
    form = page.locator("#form-film")
    form.get_by_label("Film", exact=True).set_input_files(film)
    expect(form).to_contain_text("waves.gif: 96×64, 3 frames")
    form.get_by_label("At most so many frames").fill("2")
    press(page, "Dream the film")
    job = last(api, "done", "failed")
    assert job["error"] is None
    expect(page.locator("#film").locator("video, img")).to_be_visible()
    shot(page, "film")
    with page.expect_download() as download:
        page.get_by_role("group", name="Download as").get_by_role("link").first.click()
    assert download.value.suggested_filename.startswith("waves-")


def test_a_picture_of_pydream_brings_its_settings_back_and_replays_identical(visit, api, picture, tmp_path, shot):
    job = made(api, picture=picture, layer=["fire3/concat"], recipe={**QUICK, "smooth": 1.5})
    file = tmp_path / "found.png"
    file.write_bytes(api.get(job["result"]["files"]["png"]).content)
    page = visit()
    drop(page, file)
    expect(page.locator("#choose-layers summary")).to_contain_text("fire3/concat")
    expect(page.get_by_label("Smooth", exact=True)).to_have_value("1.5")
    expect(page.get_by_label("Seed", exact=True)).to_have_value(str(job["order"]["recipe"]["seed"]))
    until(lambda: saved(api).get("picture") == picture)
    press(page, "Replay")
    expect(page.get_by_text("Identical: every pixel is the same.")).to_be_visible()
    shot(page, "replay")
    press(page, "Dream")
    again = until(
        lambda: next((each for each in jobs(api) if each["id"] != job["id"] and each["state"] == "done"), None)
    )
    assert again["result"]["sha256"] == job["result"]["sha256"]


def test_a_mask_comes_back_with_the_picture(visit, api, picture, photograph, tmp_path):
    mask = api.post(
        "/api/pictures?name=mask.png", content=picture_file(tmp_path / "m.png", seed=7).read_bytes()
    ).json()["id"]
    job = made(api, picture=picture, mask=mask, recipe=QUICK)
    file = tmp_path / "found.png"
    file.write_bytes(api.get(job["result"]["files"]["png"]).content)
    page = visit()
    drop(page, file)
    expect(page.get_by_role("button", name="Mask: on")).to_be_visible()
    until(lambda: saved(api).get("mask") == mask)


def test_the_command_and_python_are_copied_and_make_the_same(visit, api, picture, photograph, tmp_path, shot):
    job = made(api, picture=picture, layer=["fire3/concat"], recipe=QUICK)
    page = visit(order={"picture": picture}, view={"job": job["id"]})
    read = lambda: page.evaluate("navigator.clipboard.readText()")  # noqa: E731
    press(page, "Copy as command")
    command = until(lambda: "pydream dream" in (text := read()) and text)
    expect(page.get_by_role("textbox", name="Text to copy")).to_have_value(command)
    shot(page, "command")
    press(page, "Copy as Python")
    python = until(lambda: "import pydream" in (text := read()) and text)
    (tmp_path / "photograph.png").write_bytes(photograph.read_bytes())
    compile(python, "copied", "exec")


def test_a_link_carries_the_settings_behind_the_hash(visit, api, picture, studio):
    page = visit(order={"picture": picture, "layer": ["conv1"], "strength": 2})
    expect(page.locator("#choose-layers summary")).to_contain_text("conv1")
    press(page, "Copy link to the settings")
    link = until(lambda: "#order=" in (text := page.evaluate("navigator.clipboard.readText()")) and text)
    assert link.startswith(studio.base)
    assert studio.token not in link
    page.get_by_role("button", name="Reset all settings").click()
    expect(page.get_by_label("Strength", exact=True)).to_have_value("1")
    page.goto(link)
    expect(page.get_by_label("Strength", exact=True)).to_have_value("2")
    expect(page.get_by_text("The link's settings are set.")).to_be_visible()
    assert "#" not in page.url
    page.goto(f"{studio.base}/#order=nonsense")
    expect(page.get_by_text("The link has no settings that this studio can read")).to_be_visible()


@pytest.mark.parametrize(("label", "kind"), [("PNG", "PNG"), ("JPEG", "JPEG"), ("WebP", "WEBP"), ("TIFF", "TIFF")])
def test_a_result_is_downloaded_as(visit, api, label, kind):
    job = made(api, recipe={**QUICK, "noise": [48, 64]})
    page = visit(order={"picture": None}, view={"job": job["id"]})
    with page.expect_download() as download:
        page.get_by_role("group", name="Download as").get_by_role("link", name=label).click()
    picture = PIL.Image.open(download.value.path())
    assert picture.format == kind
    assert picture.size == (64, 48)


def test_a_tuned_dream_is_rendered_large(visit, api, picture):
    page = visit(order={"picture": picture, "recipe": QUICK})
    press(page, "Dream")
    small = last(api, "done")
    press(page, "Large")
    large = until(
        lambda: next((each for each in jobs(api) if each["id"] != small["id"] and each["state"] == "done"), None)
    )
    assert large["result"]["width"] == 2 * small["result"]["width"]
    assert large["order"]["recipe"]["seed"] == small["order"]["recipe"]["seed"]
    shows(page, large)


def test_several_are_queued_in_another_order_and_cancelled(visit, api, picture, shot):
    running = submit(api, picture=picture, recipe=LONG)
    page = visit(order={"picture": picture, "recipe": QUICK})
    for _ in range(3):
        page.keyboard.press("q")
    ids = until(lambda: len(found := [job["id"] for job in jobs(api)]) == 4 and found)
    assert ids[0] == running
    queue = page.locator("#queue li")
    until(lambda: queue.count() >= 3)
    shot(page, "queue")
    page.get_by_role("button", name="Earlier: ").last.click()
    until(lambda: [job["id"] for job in jobs(api)] == [ids[0], ids[1], ids[3], ids[2]])
    page.get_by_role("button", name="Cancel: ").last.click()
    until(lambda: [job["id"] for job in jobs(api)] == [ids[0], ids[1], ids[3]])
    page.get_by_role("button", name="Stop and keep what there is: ").click()
    until(lambda: [job["state"] for job in jobs(api)] == ["stopped", "done", "done"])
    expect(page.locator("#queue")).to_be_hidden()
