"""What was made is gone back to, queued, copied, linked to, and downloaded."""

import io

import PIL.Image
import pytest
from playwright.sync_api import expect
from support.pages import LONG, QUICK, jobs, last, made, saved, submit, until

KINDS = {"PNG": "PNG", "JPEG": "JPEG", "WebP": "WEBP", "TIFF": "TIFF"}


def results(page):
    return page.locator("#strip .result")


def queued(page):
    return page.locator("#queue li")


def test_every_result_is_one_click_from_being_gone_back_to(visit, api, picture, shot):
    one = made(api, picture=picture, layer=["fire3/concat"], recipe={**QUICK, "step_size": 2.0})
    other = made(api, picture=picture, layer=["fire4/concat"], recipe=QUICK)
    page = visit(order={"picture": picture, "recipe": QUICK})
    expect(results(page)).to_have_count(2)
    shot(page, "results")
    results(page).first.click()  # the newest
    until(lambda: saved(api).get("layer") == other["order"]["layer"])
    results(page).last.click()
    expect(page.locator("output[for=set-step_size]")).to_have_text("2")
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "The dream, 96 by 64 pixels")
    until(lambda: saved(api).get("layer") == one["order"]["layer"])
    assert saved(api)["recipe"]["seed"] == one["order"]["recipe"]["seed"]
    page.get_by_role("button", name="Undo", exact=True).click()
    until(lambda: saved(api).get("layer") == other["order"]["layer"])


def test_a_result_is_deleted_on_the_second_press_alone(visit, api, picture):
    made(api, picture=picture, recipe=QUICK)
    page = visit()
    delete = page.locator("#strip .delete")
    delete.click()
    expect(delete).to_have_text("Delete?")
    assert len(jobs(api)) == 1
    delete.click()
    expect(results(page)).to_have_count(0)
    assert not jobs(api)


def test_a_failure_says_why_in_its_place(visit, api, picture):
    page = visit(order={"picture": picture, "recipe": QUICK})
    page.get_by_role("button", name="Dream", exact=True).click()
    last(api, "done")
    failed = submit(api, picture=picture, recipe={**QUICK, "octave_n": 40})  # a side of no pixels
    until(lambda: api.get(f"/api/jobs/{failed}").json()["state"] == "failed")
    error = api.get(f"/api/jobs/{failed}").json()["error"]
    expect(page.locator("#strip li .error")).to_have_text(error)


def test_the_queue_is_ordered_and_cancelled_by_the_keyboard(visit, api, picture, shot):
    ids = [submit(api, picture=picture, recipe={**LONG, "seed": seed}) for seed in range(4)]
    page = visit()
    expect(queued(page)).to_have_count(4)
    shot(page, "queue")
    page.locator(f'[data-does="up {ids[3]}"]').focus()
    page.keyboard.press("Enter")
    until(lambda: [job["id"] for job in jobs(api)] == [ids[0], ids[1], ids[3], ids[2]])
    expect(queued(page).nth(2).locator(f'[data-does="up {ids[3]}"]')).to_have_count(1)  # the page knows
    page.wait_for_function(f"document.activeElement.dataset.does === 'up {ids[3]}'")  # the focus moved with it
    page.keyboard.press("Enter")
    until(lambda: [job["id"] for job in jobs(api)] == [ids[0], ids[3], ids[1], ids[2]])
    page.locator(f'[data-does="cancel {ids[1]}"]').focus()
    page.keyboard.press("Enter")
    expect(queued(page)).to_have_count(3)
    assert ids[1] not in [job["id"] for job in jobs(api)]
    for id in ids[2:]:
        api.delete(f"/api/jobs/{id}")
    page.locator(f'[data-does="stop {ids[0]}"]').click()
    expect(results(page)).to_have_count(1)


def test_a_result_is_copied_as_a_command_and_as_python(visit, api, picture):
    job = made(api, picture=picture, recipe={**QUICK, "seed": 7})
    page = visit(order={"picture": picture}, view={"job": job["id"]})
    for button, part in (("Copy as command", "pydream dream "), ("Copy as Python", "pydream.dream_picture(")):
        page.get_by_role("button", name=button).click()
        text = until(
            lambda part=part: (found := page.evaluate("navigator.clipboard.readText()")) and part in found and found
        )
        assert page.get_by_label("Text to copy").input_value() == text
        assert "7" in text


def test_a_link_has_the_settings_in_its_fragment_and_no_token(visit, api, picture, studio):
    page = visit(order={"picture": picture, "strength": 2.5, "layer": ["fire5/concat"], "recipe": {"smooth": 1.5}})
    page.get_by_role("button", name="Copy link to the settings").click()
    link = until(lambda: page.evaluate("navigator.clipboard.readText()"))
    assert link.startswith(f"{studio.base}/#")
    assert studio.token not in link
    page.evaluate("location.hash = ''")
    api.put("/api/page", content="{}").raise_for_status()
    page.goto("about:blank")
    page.goto(link)
    expect(page.locator("output[for=set-strength]")).to_have_text("2.5 ×")
    expect(page.locator("output[for=set-smooth]")).to_have_text("1.5 px")
    expect(page.locator("#panel > .notice")).to_have_text("The link's settings are set.")
    until(lambda: saved(api).get("layer") == ["fire5/concat"] and saved(api)["picture"] == picture)
    assert page.url == f"{studio.base}/"  # so that a reload does not set them anew


def test_a_link_to_a_result_brings_its_settings_back(visit, api, picture, studio):
    job = made(api, picture=picture, layer=["fire3/concat"], recipe=QUICK)
    page = visit(order={"picture": picture}, view={"job": job["id"]})
    page.get_by_role("button", name="Copy link to the settings").click()
    link = until(lambda: page.evaluate("navigator.clipboard.readText()"))
    page.goto("about:blank")
    page.goto(link)
    expect(page.locator("#panel > .notice")).to_have_text("The link's settings are set.")
    until(lambda: saved(api).get("layer") == ["fire3/concat"])
    assert saved(api)["recipe"]["seed"] == job["order"]["recipe"]["seed"]


@pytest.mark.parametrize("fragment", ["#order=", "#order=%%%", "#order=W10", "#order=eyJraW5kIjoiZHJlYW0iLCJ4IjoxfQ"])
def test_a_link_that_is_none_says_so(visit, api, picture, studio, fragment):
    page = visit(order={"picture": picture, "strength": 2.0})
    page.goto("about:blank")
    page.goto(f"{studio.base}/{fragment}")
    expect(page.locator("#panel > .notice")).to_contain_text("no settings that this studio can read")
    expect(page.locator("output[for=set-strength]")).to_have_text("2 ×")


def test_a_result_is_downloaded_as_each_kind_of_file(visit, api, picture, shot):
    job = made(api, picture=picture, recipe=QUICK)
    page = visit(order={"picture": picture}, view={"job": job["id"]})
    shot(page, "keep")
    for name, format in KINDS.items():
        with page.expect_download() as download:
            page.get_by_role("link", name=name, exact=True).click()
        found = PIL.Image.open(io.BytesIO(download.value.path().read_bytes()))
        assert (found.format, found.size) == (format, (96, 64))


def test_replay_says_whether_a_picture_is_identical(visit, api, picture, tmp_path, shot):
    job = made(api, picture=picture, recipe=QUICK)
    page = visit(order={"picture": picture}, view={"job": job["id"]})
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#share .notice")).to_have_text("Identical: every pixel is the same.")
    shot(page, "replay")
    kept = PIL.Image.open(io.BytesIO(api.get(job["result"]["files"]["png"]).content))
    kept.putpixel((0, 0), (1, 2, 3))
    changed = tmp_path / "changed.png"
    kept.save(changed, pnginfo=with_texts(kept))
    page.set_input_files("#picture-file", changed)
    expect(page.locator("#source .notice").first).to_contain_text("its settings are back")
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#share .notice")).to_contain_text("Not identical: ")


def with_texts(picture):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for name, text in picture.text.items():
        info.add_itxt(name, text)
    return info


def test_the_help_lists_the_keys(visit, shot):
    page = visit()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Help")
    expect(dialog).to_be_visible()
    for words in ("Undo the last change", "Dream", "Add to the queue", "Compare before and after"):
        expect(dialog.get_by_text(words, exact=True)).to_be_visible()
    shot(page, "help")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
