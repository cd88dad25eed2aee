"""A picture that pydream made is a beginning again; and what was tuned small is rendered large."""

from playwright.sync_api import expect
from support.pages import (
    PHONE,
    QUICK,
    audit,
    complaining,
    downloaded,
    drop,
    jobs,
    last,
    made,
    picture_file,
    press,
    saved,
    until,
)


def shows(page, job):
    """Wait until a job's result is on the canvas."""
    width, height = job["result"]["width"], job["result"]["height"]
    expect(page.locator("#canvas")).to_have_attribute("aria-label", f"The dream, {width} by {height} pixels")


def test_a_picture_of_pydream_brings_its_settings_back_and_makes_the_same(visit, api, picture, tmp_path):
    job = made(api, picture=picture, layer=["fire3/concat"], recipe={**QUICK, "smooth": 1.5})
    file = downloaded(api, job, tmp_path / "found.png")
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


def test_its_size_comes_back_and_can_be_changed(visit, api, picture, tmp_path):
    job = made(api, picture=picture, long_side=64, recipe=QUICK)
    file = downloaded(api, job, tmp_path / "found.png")
    page = visit()
    drop(page, file)
    size = page.get_by_label("Size", exact=True)
    expect(size).to_have_value("64")
    expect(page.locator("#source .picture")).to_have_text("photograph.png, 96×64; dreams at 64×43")
    expect(page.get_by_role("button", name="Large 96 px")).to_be_visible()
    size.select_option("")
    press(page, "Dream")
    again = until(lambda: (found := last(api, "done")) and found["id"] != job["id"] and found)
    assert (again["result"]["width"], again["result"]["height"]) == (96, 64)


def test_a_picture_that_it_was_made_with_is_asked_for(visit, api, studio, tmp_path):
    photograph = picture_file(tmp_path / "mine.png", seed=3)
    own = api.post("/api/pictures?name=mine.png", content=photograph.read_bytes()).json()["id"]
    job = made(api, picture=own, recipe={**QUICK, "smooth": 1.5})
    file = downloaded(api, job, tmp_path / "found.png")
    for each in (studio.folder / "pictures").glob(f"{own}.*"):
        each.unlink()
    page = visit()
    source = page.locator("#source")
    with complaining(page, own, "/api/thumbnails"):
        drop(page, file)
        expect(source).to_contain_text("the picture that it was made with is not here: drop it too")
        expect(source).to_contain_text("The picture is not here: drop it.")
    drop(page, photograph)
    expect(source.locator(".picture")).to_have_text("mine.png, 96×64")
    expect(source).not_to_contain_text("drop it too")
    expect(page.get_by_label("Smooth", exact=True)).to_have_value("1.5")
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#share .notice")).to_have_text("Identical: every pixel is the same.")


def test_a_mask_comes_back_with_the_picture(visit, api, picture, tmp_path):
    mask = api.post(
        "/api/pictures?name=mask.png", content=picture_file(tmp_path / "m.png", seed=7).read_bytes()
    ).json()["id"]
    job = made(api, picture=picture, mask=mask, recipe=QUICK)
    file = downloaded(api, job, tmp_path / "found.png")
    page = visit()
    drop(page, file)
    expect(page.get_by_role("button", name="Mask: on")).to_be_visible()
    until(lambda: saved(api).get("mask") == mask)


def test_a_sheet_brings_the_settings_of_its_first_picture_back(visit, api, picture, tmp_path):
    job = made(
        api, kind="sweep", picture=picture, recipe={**QUICK, "tv": 0.25}, rows={"parameter": "seed", "values": [5, 6]}
    )
    file = downloaded(api, job, tmp_path / "sheet.png")
    page = visit()
    drop(page, file)
    expect(page.locator("#source .notice")).to_contain_text("Those of a sheet are its first picture's")
    expect(page.get_by_label("Less grain", exact=True)).to_have_value("0.25")
    until(lambda: saved(api).get("picture") == picture and saved(api)["recipe"]["seed"] == 5)


def test_a_picture_is_tuned_small_and_never_made_larger(visit, photograph, tmp_path):
    page = visit()
    size = page.get_by_label("Size", exact=True)
    drop(page, picture_file(tmp_path / "large.png", (1024, 640)))
    expect(page.locator("#source .picture")).to_have_text("large.png, 1024×640; dreams at 768×480")
    expect(size).to_have_value("768")
    drop(page, photograph)
    expect(page.locator("#source .picture")).to_have_text("photograph.png, 96×64")
    expect(size).to_have_value("")
    expect(size.locator("option:checked")).to_have_text("as it is: 96")


def test_a_tuned_dream_is_rendered_large(visit, api, picture):
    page = visit(order={"picture": picture, "recipe": QUICK})
    press(page, "Dream")
    small = last(api, "done")
    page.get_by_role("button", name="Large 192 px").click()
    large = until(
        lambda: next((each for each in jobs(api) if each["id"] != small["id"] and each["state"] == "done"), None)
    )
    assert large["result"]["width"] == 2 * small["result"]["width"]
    assert large["order"]["recipe"]["seed"] == small["order"]["recipe"]["seed"]
    assert large["order"]["recipe"]["octave_n"] == QUICK["octave_n"] + 2  # 1.4² is nearly 2: shapes grow with it
    shows(page, large)


def test_the_page_says_what_the_network_takes_the_picture_and_its_dream_for(visit, api, picture, shot):
    page = visit(PHONE, order={"picture": picture, "recipe": QUICK}, color_scheme="dark", bypass_csp=True)
    sees = page.locator("#sees")
    sees.locator("summary").click()
    expect(sees.get_by_role("heading")).to_have_text(["Before"])
    rows = sees.get_by_role("listitem")
    expect(rows).to_have_count(5)
    before = api.post("/api/classify", json={"picture": picture}).json()["before"]
    expect(rows.first).to_contain_text(f"{before[0]['name']}{before[0]['probability']:.1%}".replace("%", " %"))
    press(page, "Dream")
    job = last(api, "done")
    expect(sees.get_by_role("heading")).to_have_text(["Before", "After"])
    after = api.post("/api/classify", json={"job": job["id"]}).json()["after"]
    expect(rows.nth(5)).to_contain_text(f"{after[0]['name']}{after[0]['probability']:.1%}".replace("%", " %"))
    expect(rows.nth(5)).to_contain_text("before ")
    audit(page)
    shot(page, "what the network sees")
