"""From a picture to a dream: put in, watched, stopped, changed on the way, and found again."""

import time

from playwright.sync_api import expect
from support.pages import (
    LONG,
    PHONE,
    QUICK,
    complaining,
    drop,
    jobs,
    last,
    look,
    looks_different,
    paste,
    press,
    saved,
    slide,
    until,
)

START = "Drop a picture, and watch it dream"


def test_a_picture_is_dropped_and_dreams(visit, api, photograph, shot):
    page = visit(order={"recipe": QUICK})
    expect(page.get_by_role("heading", name=START)).to_be_visible()
    expect(page.get_by_role("button", name="1:1")).to_be_disabled()  # of nothing
    shot(page, "start")
    drop(page, photograph)
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "photograph.png, 96 by 64 pixels")
    expect(page.get_by_role("heading", name=START)).to_be_hidden()
    before = look(page)
    press(page, "Dream")
    job = last(api, "done")
    expect(page.locator("#status")).to_contain_text("is done")
    assert looks_different(page, before)
    width, height = job["result"]["width"], job["result"]["height"]
    expect(page.locator("#canvas")).to_have_attribute("aria-label", f"The dream, {width} by {height} pixels")
    expect(page.locator("#strip li")).to_have_count(1)
    shot(page, "done")


def test_a_picture_is_pasted(visit, photograph):
    page = visit()
    paste(page, photograph)
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "image.png, 96 by 64 pixels")


def test_a_picture_is_chosen(visit, photograph):
    page = visit()
    with page.expect_file_chooser() as chooser:
        page.locator("#start").get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files(photograph)
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "photograph.png, 96 by 64 pixels")


def test_one_of_ours_is_taken(visit):
    page = visit()
    page.locator("#start").get_by_role("button", name="sky").click()
    expect(page.locator("#source")).to_contain_text("sky.jpg")
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "sky.jpg, 768 by 512 pixels")


def test_a_dream_starts_from_noise(visit, api):
    page = visit(order={"recipe": QUICK})
    page.locator("#start").get_by_role("button", name="Start from noise").click()
    expect(page.locator("#source")).to_contain_text("Noise")
    page.get_by_label("Size", exact=True).select_option("256")
    press(page, "Dream")
    job = last(api, "done")
    assert job["order"]["picture"] is None
    assert max(job["result"]["width"], job["result"]["height"]) == 256


def test_what_is_no_picture_is_said_in_a_line_where_it_belongs(visit, tmp_path, photograph, shot):
    page = visit()
    error = page.locator("#source").get_by_role("alert")
    for name, content, line in (("notes.txt", b"no picture", "notes.txt"), ("empty.png", b"", "the file is empty")):
        file = tmp_path / name
        file.write_bytes(content)
        with complaining(page, f"/api/pictures?name={name}"):
            drop(page, file)
            expect(error).to_contain_text(line)
        assert "\n" not in error.inner_text().strip()
    shot(page, "no picture")
    drop(page, photograph)
    expect(error).to_be_hidden()


def test_a_dream_without_a_picture_says_what_is_needed(visit):
    page = visit()
    page.keyboard.press("d")
    expect(page.locator("#run").get_by_role("alert")).to_contain_text("Choose a picture first")


def test_previews_come_while_it_grows(visit, api, picture, shot):
    page = visit(order={"picture": picture, "recipe": LONG})
    before = look(page)
    press(page, "Dream")
    expect(page.locator("#badge")).to_have_text("Live")
    assert looks_different(page, before)
    grown = look(page)
    assert looks_different(page, grown)
    bar = page.get_by_role("progressbar", name="Progress of the dream")
    expect(bar).to_be_visible()
    expect(page.locator("#status")).to_contain_text("of 2000")
    shot(page, "running")


def test_stop_keeps_what_there_is(visit, api, picture, shot):
    page = visit(order={"picture": picture, "recipe": LONG})
    press(page, "Dream")
    until(lambda: any(job["step"] >= 3 for job in jobs(api)))
    began = time.monotonic()
    press(page, "Stop")
    job = last(api, "stopped")
    assert time.monotonic() - began < 2
    assert 3 <= job["result"]["stopped_after"] < 2000
    assert api.get(job["result"]["files"]["png"]).content.startswith(b"\x89PNG")
    expect(page.locator("#badge")).to_have_text("Stopped early")
    expect(page.get_by_role("button", name="Dream", exact=True)).to_be_visible()
    shot(page, "stopped")


def test_nothing_runs_anew_while_a_slider_moves_but_when_it_is_let_go(visit, api, picture):
    page = visit(order={"picture": picture, "recipe": LONG})
    press(page, "Dream")
    first = last(api, "running")
    let_go = slide(page, "Strength", 0.6)
    expect(page.get_by_label("Strength", exact=True)).not_to_have_value("1")  # it has moved,
    time.sleep(0.5)
    assert [job["id"] for job in jobs(api)] == [first["id"]]  # and nothing follows from that
    let_go()
    second = until(
        lambda: next((job for job in jobs(api) if job["id"] != first["id"] and job["state"] == "running"), None)
    )
    assert second["order"]["strength"] > first["order"]["strength"]
    until(lambda: [job["id"] for job in jobs(api)] == [second["id"]])  # the one before is gone
    press(page, "Stop")
    last(api, "stopped")
    slide(page, "Strength", 0.2)()
    time.sleep(0.3)
    assert len(jobs(api)) == 1  # where nothing runs, nothing is started


def test_changes_are_undone_and_made_again(visit, api, picture):
    page = visit(order={"picture": picture})
    strength = page.get_by_label("Strength", exact=True)
    expect(strength).to_have_value("1")
    slide(page, "Strength", 0.5)()
    page.get_by_label("Keep colours", exact=True).check()
    moved = strength.input_value()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone: keep colours")).to_be_in_viewport()
    expect(page.get_by_label("Keep colours", exact=True)).not_to_be_checked()
    expect(strength).to_have_value(moved)
    page.get_by_role("button", name="Undo").click()
    expect(strength).to_have_value("1")
    page.get_by_role("button", name="Redo").click()
    expect(strength).to_have_value(moved)
    page.keyboard.press("Control+z")
    expect(strength).to_have_value("1")
    page.keyboard.press("Control+Shift+z")
    expect(strength).to_have_value(moved)
    until(lambda: saved(api).get("strength") == float(moved))
    page.reload()
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()  # what was saved has been read
    page.keyboard.press("z")  # of the visit before
    expect(strength).to_have_value("1")


def test_a_reload_in_the_middle_finds_the_dream_and_so_does_the_phone(visit, api, picture, shot):
    page = visit(order={"picture": picture, "recipe": LONG})
    press(page, "Dream")
    last(api, "running")
    until(lambda: saved(api) and api.get("/api/page").json()["view"]["job"])
    page.reload()
    expect(page.locator("#badge")).to_have_text("Live")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    empty = look(page)
    assert looks_different(page, empty)
    page.close()
    phone = visit(PHONE)
    expect(phone.locator("#badge")).to_have_text("Live")
    assert looks_different(phone, look(phone))
    shot(phone, "phone, running")
    press(phone, "Stop")
    assert last(api, "stopped")["result"]


def test_back_finds_the_page_as_it_was(visit, api, picture):
    page = visit(order={"picture": picture})
    page.get_by_label("Keep colours", exact=True).check()
    page.goto("about:blank")
    page.go_back()
    expect(page.get_by_label("Keep colours", exact=True)).to_be_checked()
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "photograph.png, 96 by 64 pixels")


def test_before_and_after_are_compared_with_a_line_to_drag(visit, api, picture, shot):
    page = visit(order={"picture": picture, "recipe": QUICK})
    before = look(page)
    press(page, "Dream")
    last(api, "done")
    compare = page.get_by_label("Before and after")
    expect(compare).to_be_visible()
    assert looks_different(page, before)
    after = look(page)
    page.get_by_role("button", name="Compare").click()
    expect(compare).to_have_value("50")
    assert looks_different(page, after)
    shot(page, "compare")
    half = look(page)
    box = page.locator("#canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 3, steps=3)
    page.mouse.up()
    assert 70 < int(compare.input_value()) < 90
    assert looks_different(page, half)


def test_it_is_zoomed_to_its_own_pixels_and_moved(visit, picture):
    page = visit(order={"picture": picture})
    zoom = page.get_by_role("status", name="Zoom")
    expect(zoom).not_to_have_text("")
    fitted = zoom.inner_text()
    page.get_by_role("button", name="1:1").click()
    expect(zoom).to_have_text("100 %")
    page.get_by_role("button", name="Fit").click()
    expect(zoom).to_have_text(fitted)
    for _ in range(3):
        page.get_by_role("button", name="Zoom in").click()
    near = look(page)
    box = page.locator("#canvas").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 150, steps=3)
    page.mouse.up()
    assert looks_different(page, near)


def test_a_studio_that_is_gone_is_said_and_found_again(visit, picture):
    page = visit(order={"picture": picture})
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "photograph.png, 96 by 64 pixels")
    with complaining(page, "ERR_INTERNET_DISCONNECTED"):
        page.context.set_offline(True)
        page.get_by_role("button", name="Dream", exact=True).click()
        expect(page.locator("#run").get_by_role("alert")).to_contain_text("pydream studio")
        page.context.set_offline(False)
    press(page, "Dream")
    expect(page.locator("#run").get_by_role("alert")).to_be_hidden()
