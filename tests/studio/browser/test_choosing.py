"""What is dreamt, and how: chosen from pictures of one's own, by name, and with sliders."""

from playwright.sync_api import expect
from support.pages import QUICK, drop, last, picture_file, press, saved, slide, until


def opened(page, name):
    """Open a part that folds away."""
    part = page.locator(f"#choose-{name}")
    part.locator("summary").first.click()
    return part


def drawn(part, count):
    """Wait until so many tiles have their small dreams, and return where these are."""
    pictures = part.locator(".tile img:not([hidden])")
    until(lambda: pictures.count() >= count)
    return [pictures.nth(number).get_attribute("src") for number in range(count)]


def test_layers_are_chosen_from_small_dreams_of_ones_own_picture(visit, api, picture, shot):
    page = visit(order={"picture": picture})
    part = opened(page, "layers")
    expect(part.locator('[aria-pressed="true"]')).to_have_attribute("data-name", "fire8/concat")  # in sight
    part.get_by_role("button", name="Earlier").click()
    expect(part.locator('[data-name="fire3/concat"]')).to_be_visible()
    addresses = drawn(part, 3)
    contents = {api.get(address).raise_for_status().content for address in addresses}
    assert len(contents) == 3  # each layer's own
    shot(page, "layers")
    tile = part.locator('[data-name="fire3/concat"]')
    tile.click()
    expect(tile).to_have_attribute("aria-pressed", "true")
    expect(part.locator("summary")).to_contain_text("fire3/concat")
    until(lambda: saved(api).get("layer") == ["fire3/concat"])
    page.reload()  # they are kept
    assert drawn(page.locator("#choose-layers"), 3) == addresses
    expect(page.locator('[data-name="fire3/concat"]')).to_have_attribute("aria-pressed", "true")


def test_channels_of_a_layer_are_chosen_the_same_way(visit, api, picture, shot):
    page = visit(order={"picture": picture, "layer": ["fire3/concat"]})
    part = opened(page, "channels")
    addresses = drawn(part, 2)
    assert len({api.get(address).content for address in addresses}) == 2
    shot(page, "channels")
    part.get_by_role("button", name="channel 1 of fire3/concat", exact=False).first.click()
    until(lambda: saved(api).get("layer") == ["fire3/concat:1"])
    part.get_by_role("button", name="More").click()
    expect(part.locator('[data-name="fire3/concat:24"]')).to_be_visible()
    part.get_by_label("Channels of").select_option("conv1")
    expect(part.locator('[data-name="conv1:0"]')).to_be_visible()


def test_channels_grow_in_the_middle_or_are_the_strongest(visit, api, picture, shot):
    page = visit(order={"picture": picture, "layer": ["fire3/concat"], "recipe": QUICK})
    part = opened(page, "channels")
    middle, strongest = part.get_by_label("In the middle only"), part.get_by_label("Strongest channels")
    expect(middle).to_be_disabled()  # before a channel is chosen
    part.locator('[data-name="fire3/concat:1"]').click()
    middle.check()
    until(lambda: saved(api).get("layer") == ["fire3/concat:1@center"])
    expect(part.locator('[data-name="fire3/concat:1"]')).to_have_attribute("aria-pressed", "true")
    part.locator('[data-name="fire3/concat:2"]').click()  # it stays in the middle
    until(lambda: saved(api).get("layer") == ["fire3/concat:2@center"])
    shot(page, "a channel in the middle")
    strongest.fill("3")
    strongest.press("Tab")
    until(lambda: saved(api).get("layer") == ["fire3/concat:strongest3"])
    expect(middle).not_to_be_checked()
    press(page, "Dream")
    assert last(api, "done")["order"]["layer"] == ["fire3/concat:strongest3"]
    expect(strongest).to_have_value("3")
    strongest.fill("")
    strongest.press("Tab")
    until(lambda: saved(api).get("layer") == ["fire3/concat"])


def test_what_is_not_in_the_picture_is_said_and_not_chosen(visit, api, picture):
    """A channel that answers to nothing there makes a dream that fails."""
    page = visit(order={"picture": picture, "recipe": QUICK})
    page.route(
        "**/api/thumbnails",
        lambda route: route.fulfill(json={"items": [{"name": "conv1:0", "key": "", "error": "the gradient is zero"}]}),
    )
    part = opened(page, "channels")
    part.get_by_label("Channels of").select_option("conv1")
    tile = part.locator('[data-name="conv1:0"]')
    expect(tile).to_have_attribute("aria-disabled", "true")
    tile.click(force=True)
    expect(page.locator("#announcement")).to_contain_text("choose another")
    expect(tile).to_have_attribute("aria-pressed", "false")


def test_a_class_is_found_by_typing_its_name(visit, api, picture, shot):
    page = visit(order={"picture": picture, "layer": ["fire5/concat"], "preset": "dogs", "recipe": QUICK})
    part = opened(page, "classes")
    search = part.get_by_role("combobox", name="Search")
    search.press_sequentially("flam")
    option = page.get_by_role("option", name="flamingo")
    expect(option).to_be_visible()
    shot(page, "classes")
    search.press("Enter")
    expect(part.locator("summary")).to_contain_text("flamingo")
    until(lambda: saved(api).get("classes") == ["130"])
    assert not {"layer", "preset"} & saved(api).keys()  # flamingos alone, not mixed with dogs
    search.press_sequentially("xyzzy")
    expect(part.get_by_role("option")).to_have_text("No such name; try a more general word")
    search.press("Escape")
    press(page, "Dream")
    assert last(api, "done")["order"]["classes"] == ["130"]
    part.get_by_role("button", name="Without flamingo").click()
    until(lambda: "classes" not in saved(api))


def test_looks_are_pictures_and_set_all_at_once(visit, api, picture, shot):
    page = visit(order={"picture": picture, "strength": 2})
    looks = page.locator("#presets")
    addresses = drawn(looks, 3)
    assert len({api.get(address).content for address in addresses}) == 3
    shot(page, "looks")
    tile = looks.locator('[data-name="swirls"]')
    tile.click()
    expect(tile).to_have_attribute("aria-pressed", "true")
    order = until(lambda: (found := saved(api)).get("preset") and found)
    assert order["preset"] == "swirls"
    assert order["picture"] == picture
    assert "strength" not in order
    missing = looks.locator('[data-name="towers"]')
    missing.click()  # its weights are not here: what fetches them is said
    expect(looks.locator("code")).to_contain_text("pydream models fetch")


def test_the_network_is_chosen_and_what_is_missing_says_how_it_comes(visit, api, picture):
    page = visit(order={"picture": picture, "layer": ["conv1"]})
    part = opened(page, "networks")
    expect(part.get_by_role("radio", name="SqueezeNet v1.1")).to_be_checked()
    command = part.locator("code").first
    expect(command).to_contain_text("pydream models fetch ")
    part.get_by_role("button", name="Copy: ").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == command.inner_text()


def test_a_guide_is_dropped_on_its_place(visit, api, picture, tmp_path, shot):
    page = visit(order={"picture": picture, "recipe": QUICK})
    part = opened(page, "guide")
    drop(page, picture_file(tmp_path / "flowers.png", seed=1), on="#choose-guide .dropzone")
    expect(part.locator("summary")).to_contain_text("flowers.png")
    guide = until(lambda: saved(api).get("guide"))
    assert saved(api)["picture"] == picture
    shot(page, "guide")
    press(page, "Dream")
    assert last(api, "done")["order"]["guide"] == guide
    press(page, "No guide")
    until(lambda: "guide" not in saved(api))


def test_sliders_set_the_dream(visit, api, picture, shot):
    page = visit(order={"picture": picture, "recipe": {"iter_n": 1}})
    expect(page.get_by_label("Step size", exact=True)).to_have_value("1.5")
    slide(page, "Strength", 0.5)()
    slide(page, "Scale of features", 0.15)()
    for label, share in (
        ("Smooth", 0.5),
        ("Coarse shapes", 0.5),
        ("Less grain", 0.5),
        ("Pull back", 0.5),
        ("Contrast", 0.5),
        ("Blend", 0.5),
    ):
        slide(page, label, share)()
    page.get_by_label("Keep colours", exact=True).check()
    shot(page, "settings")
    press(page, "Dream")
    order = last(api, "done")["order"]
    assert 1.5 < order["strength"] < 3
    assert order["recipe"]["octave_n"] == 2
    assert {"smooth", "laplacian", "tv", "pull_back", "stretch", "blend", "keep_colors"} <= order["recipe"].keys()
    page.get_by_role("button", name="Reset Strength").click()
    expect(page.get_by_label("Strength", exact=True)).to_have_value("1")
    press(page, "Reset all settings")
    until(lambda: not saved(api).get("recipe"))


def test_each_control_says_in_a_line_what_it_does(visit, picture):
    page = visit(order={"picture": picture})
    expect(page.get_by_label("Strength", exact=True)).to_have_value("1")
    bare = page.locator("#settings :is(input, select):visible, #forms form :is(input, select)").evaluate_all(
        """(controls) => controls.filter((control) => {
            const hint = document.getElementById(control.getAttribute("aria-describedby"))?.textContent ?? "";
            return !(hint.length > 10) && !control.closest("fieldset, [role=group]")?.querySelector(".hint");
        }).map((control) => control.outerHTML)"""
    )
    assert not bare


def test_what_a_beginner_need_not_see_is_folded_away(visit, api, picture):
    page = visit(order={"picture": picture, "recipe": {"octave_n": 1}})
    jitter = page.get_by_label("Jitter", exact=True)
    expect(jitter).to_be_hidden()
    page.locator("#settings").get_by_text("For experts").click()
    jitter.fill("8")
    jitter.press("Tab")
    page.get_by_label("Steps in each size", exact=True).fill("3")
    for label in ("Caricature", "16 bits a colour"):
        page.get_by_label(label, exact=True).check()
    press(page, "Dream")
    job = last(api, "done")
    assert (job["order"]["recipe"]["jitter"], job["steps"]) == (8, 3)
    assert (job["order"]["recipe"]["caricature"], job["order"]["recipe"]["depth"]) == (2, 16)
    expect(page.get_by_role("link", name="TIFF, 16 bits")).to_be_visible()
    until(lambda: "expert" in api.get("/api/page").text)
    page.reload()
    expect(jitter).to_have_value("8")  # it is open still


def test_several_things_are_mixed_with_weights(visit, api, picture):
    page = visit(order={"picture": picture, "layer": ["fire3/concat"]})
    part = opened(page, "terms")
    part.get_by_label("Choose several").check()
    layers = opened(page, "layers")
    layers.locator('[data-name="conv1"]').click()
    part.get_by_label("Weight of conv1").fill("-0.5")
    part.get_by_label("Weight of conv1").press("Tab")
    until(lambda: saved(api).get("layer") == ["fire3/concat", "conv1=-0.5"])
