"""A picture that pydream made is a beginning again; and what was tuned small is rendered large."""

from playwright.sync_api import expect
from support.pages import QUICK, drop, jobs, last, made, picture_file, press, saved, until


def shows(page, job):
    """Wait until a job's result is on the canvas."""
    width, height = job["result"]["width"], job["result"]["height"]
    expect(page.locator("#canvas")).to_have_attribute("aria-label", f"The dream, {width} by {height} pixels")


def another(api, known):
    """Wait for a result that is not the known one."""
    return until(lambda: next((job for job in jobs(api) if job["id"] != known["id"] and job["state"] == "done"), None))


def test_a_picture_of_pydream_brings_its_settings_back_and_makes_the_same(visit, api, picture, tmp_path):
    job = made(api, picture=picture, layer=["fire3/concat"], recipe={**QUICK, "smooth": 1.5})
    file = tmp_path / "found.png"
    file.write_bytes(api.get(job["result"]["files"]["png"]).content)
    page = visit()
    drop(page, file)
    expect(page.locator("#choose-layers summary")).to_contain_text("fire3/concat")
    expect(page.get_by_label("Smooth", exact=True)).to_have_value("1.5")
    expect(page.get_by_label("Seed", exact=True)).to_have_value(str(job["order"]["recipe"]["seed"]))
    until(lambda: saved(api).get("picture") == picture)
    press(page, "Dream")
    again = until(
        lambda: next((each for each in jobs(api) if each["id"] != job["id"] and each["state"] == "done"), None)
    )
    assert again["result"]["sha256"] == job["result"]["sha256"]


def test_a_mask_comes_back_with_the_picture(visit, api, picture, tmp_path):
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
    assert large["order"]["recipe"]["octave_n"] == QUICK["octave_n"] + 2  # 1.4² is nearly 2: shapes grow with it
    shows(page, large)
