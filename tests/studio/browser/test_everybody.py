"""On a phone, by keyboard alone, with a screen reader, in the dark and in the light, without a net."""

import pytest
from playwright.sync_api import expect
from support.pages import DESKTOP, LONG, PHONE, QUICK, audit, jobs, last, made, press, until

SEEN = [
    pytest.param(DESKTOP, "dark", id="desktop-dark"),
    pytest.param(PHONE, "light", id="phone-light"),
    pytest.param(DESKTOP, "light", id="desktop-light", marks=pytest.mark.slow),
    pytest.param(PHONE, "dark", id="phone-dark", marks=pytest.mark.slow),
]
MOST_WEIGHT = 200_000  # bytes of the page


@pytest.mark.parametrize(("viewport", "scheme"), SEEN)
def test_axe_finds_nothing_in_any_state(visit, api, picture, viewport, scheme, shot, request):
    which = request.node.callspec.id
    page = visit(viewport, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)

    def state(name):
        page.wait_for_timeout(50)
        shot(page, f"{which}, {name}")
        audit(page)

    expect(page.get_by_role("heading", name="Drop a picture, and watch it dream")).to_be_visible()
    state("start")
    page.keyboard.press("d")
    expect(page.locator("#run").get_by_role("alert")).to_be_visible()
    state("error")
    done = made(api, picture=picture, recipe=QUICK)
    api.put(
        "/api/page",
        json={
            "version": 1,
            "order": {"kind": "dream", "picture": picture, "recipe": LONG},
            "view": {"job": done["id"]},
        },
    )
    page.goto("about:blank")
    page.go_back()
    press(page, "Compare")
    state("compared")
    page.get_by_role("button", name="Mask", exact=True).click()
    state("mask")
    press(page, "Done")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    state("help")
    press(page, "Close")
    press(page, "Dream")
    last(api, "running")  # else either of the two may come first
    page.keyboard.press("q")
    until(lambda: [job["state"] for job in jobs(api)] == ["done", "running", "queued"])
    expect(page.locator("#badge")).to_have_text("Live")
    page.locator("#panel").evaluate(
        "(panel) => panel.querySelectorAll('details').forEach((each) => { each.open = true; })"
    )
    page.wait_for_timeout(300)
    state("running, all parts open")


def test_a_phone_has_one_column_the_picture_on_top_and_a_stop_for_the_thumb(visit, api, picture, shot):
    page = visit(PHONE, order={"picture": picture, "recipe": LONG})
    press(page, "Dream")
    last(api, "running")
    page.locator("#settings").scroll_into_view_if_needed()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    frame = page.locator("#frame").bounding_box()
    assert frame["y"] < 80  # on top still
    assert frame["width"] >= 0.9 * PHONE["width"]
    stop = page.get_by_role("button", name="Stop", exact=True).bounding_box()
    assert stop["height"] >= 48
    assert stop["width"] >= 0.3 * PHONE["width"]
    assert stop["y"] > 0.75 * PHONE["height"]
    shot(page, "phone, settings")
    boxes = page.locator("main > section:visible, #panel > section").evaluate_all(
        "(all) => all.map((it) => it.getBoundingClientRect().left)"
    )
    assert max(boxes) < 30  # no second column
    page.get_by_role("button", name="Stop", exact=True).tap()
    last(api, "stopped")


def test_targets_on_a_phone_are_large_enough_for_a_finger(visit, api, picture):
    made(api, picture=picture, recipe=QUICK)
    page = visit(PHONE, order={"picture": picture})
    expect(page.locator("#strip li")).to_have_count(1)
    small = page.locator("button:visible, a.button:visible, select:visible").evaluate_all(
        """(all) => all.map((it) => [it.getBoundingClientRect(), it.outerHTML.slice(0, 150)])
            .filter(([box]) => box.width < 24 || box.height < 24).map(([, html]) => html)"""
    )
    assert not small


def test_the_keyboard_alone_does_all_of_it(visit, api, photograph, shot):
    page = visit(order={"recipe": LONG})
    keys, choosers = page.keyboard, []
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to the Dream button")).to_be_focused()
    keys.press("Enter")
    keys.press("o")
    until(lambda: page.wait_for_timeout(20) or choosers)
    choosers[0].set_files(photograph)
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "photograph.png, 96 by 64 pixels")
    page.get_by_label("Strength", exact=True).focus()
    keys.press("ArrowRight")
    expect(page.get_by_label("Strength", exact=True)).to_have_value("1.25")
    keys.press("d")
    last(api, "running")
    keys.press("q")
    until(lambda: len(jobs(api)) == 2)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()  # the page knows that it runs
    keys.press("s")
    until(lambda: jobs(api)[0]["state"] == "stopped")
    expect(page.locator("#strip li")).to_have_count(1)
    expect(page.get_by_label("Before and after")).to_be_visible()
    keys.press("c")
    expect(page.get_by_label("Before and after")).to_have_value("50")
    keys.press("1")
    expect(page.get_by_role("status", name="Zoom")).to_have_text("100 %")
    keys.press("?")
    dialog = page.get_by_role("dialog")
    for what in ("Dream", "Stop", "Undo", "Compare", "queue", "Zoom", "mask", "Choose a picture", "large"):
        expect(dialog).to_contain_text(what, ignore_case=True)
    keys.press("Escape")
    expect(dialog).to_be_hidden()


def test_every_control_is_reached_by_tab(visit, picture):
    page = visit(order={"picture": picture})
    expect(page.get_by_label("Strength", exact=True)).to_have_value("1")
    wanted = {"dream", "undo", "open-help", "canvas", "set-strength", "set-size", "set-keep_colors"} - {"undo"}
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
        if wanted <= reached:
            break
    assert wanted <= reached


def test_a_screen_reader_gets_names_states_and_progress(visit, api, picture):
    page = visit(order={"picture": picture, "recipe": LONG})
    news = page.locator("#announcement")
    press(page, "Dream")
    expect(news).to_have_text("Dreaming")
    bar = page.get_by_role("progressbar", name="Progress of the dream")
    until(lambda: 0 < bar.evaluate("(it) => it.position") < 1)
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "The dream as it grows")
    press(page, "Stop")
    expect(news).to_have_text("Stopped; what there was is kept")
    nameless = page.locator("button, input:not([type=hidden]), select, textarea").evaluate_all(
        """(all) => all.filter((it) => !(it.ariaLabel || it.textContent.trim() || it.labels?.length || it.title))
            .map((it) => it.outerHTML)"""
    )
    assert not nameless


def test_dark_and_light_are_those_of_the_system_and_motion_is_reduced(visit, picture):
    page = visit(color_scheme="dark", reduced_motion="reduce", order={"picture": picture})
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(paper)
    assert page.evaluate(
        "[...document.querySelectorAll('*')].every((it) => getComputedStyle(it).transitionDuration === '0s')"
    )
    page.emulate_media(color_scheme="light")
    light = page.evaluate(paper)
    brightness = [sum(int(part) for part in colour[4:-1].split(",")) for colour in (dark, light)]
    assert brightness[0] < 150 < 600 < brightness[1]


def test_the_page_is_light_and_all_of_it_comes_from_here(visit, studio):
    page = visit()
    expect(page.get_by_role("heading", name="Drop a picture, and watch it dream")).to_be_visible()
    entries = page.evaluate(
        "performance.getEntriesByType('resource').map(({ name, transferSize }) => [name, transferSize])"
    )
    assert all(name.startswith(studio.base) for name, _ in entries)
    own = [size for name, size in entries if "/page/" in name]
    assert len(own) > 10
    assert sum(own) < MOST_WEIGHT


def test_nothing_can_be_changed_before_what_was_saved_is_there(visit, picture):
    page, waiting = visit(order={"picture": picture}), []
    page.route("**/api/page", lambda route: waiting.append(route), times=1)  # a method of a list has no attributes
    page.reload(wait_until="domcontentloaded")
    until(lambda: page.wait_for_timeout(20) or waiting)
    dream = page.get_by_role("button", name="Dream", exact=True)
    expect(dream).to_be_hidden()
    waiting[0].continue_()
    expect(dream).to_be_visible()
