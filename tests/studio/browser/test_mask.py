"""A mask painted with a brush: where it dreams, and where the picture stays as it is."""

import io

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import expect
from support.pages import PHONE, QUICK, last, saved, until


@pytest.fixture
def easel(visit, picture, api):
    """A page that paints a mask, and what returns that as the studio has it."""
    page = visit(order={"picture": picture, "recipe": QUICK})
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "photograph.png, 96 by 64 pixels")
    page.get_by_role("button", name="Mask", exact=True).click()

    def mask(after=None):
        id = until(lambda: (found := saved(api).get("mask")) != after and found)
        return id, pixels(api, f"/api/pictures/{id}.png")[..., 0]

    return page, mask


def pixels(api, address):
    return np.asarray(PIL.Image.open(io.BytesIO(api.get(address).raise_for_status().content)).convert("RGB"))


def stroke(page, *points):
    """Drag over the canvas; points are parts of its width and height."""
    box = page.locator("#canvas").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=3)
    page.mouse.up()


def test_only_what_is_painted_dreams(easel, api, picture, shot):
    page, mask = easel
    page.get_by_label("Softness").fill("0")
    stroke(page, (0.5, 0.35), (0.5, 0.65))
    shot(page, "mask")
    _, painted = mask()
    assert painted[32, 48] == 255
    assert painted[:, :24].max() == painted[:, -24:].max() == 0
    page.get_by_role("button", name="Dream", exact=True).click()
    expect(page.locator("#brush")).to_be_hidden()  # so that the dream is seen
    job = last(api, "done")
    before, after = pixels(api, f"/api/pictures/{picture}.png"), pixels(api, job["result"]["files"]["png"])
    assert np.array_equal(before[painted == 0], after[painted == 0])
    assert not np.array_equal(before[painted == 255], after[painted == 255])


def test_a_brush_has_a_size_and_is_soft(easel):
    page, mask = easel
    page.get_by_label("Brush size").fill("10")
    page.get_by_label("Softness").fill("0")
    stroke(page, (0.5, 0.5))  # a dab
    first, hard = mask()
    assert 0 < (hard > 127).mean() < 0.05
    assert ((hard > 30) & (hard < 225)).sum() < (hard > 127).sum()  # an edge of one pixel
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Brush size").fill("40")
    page.get_by_label("Softness").fill("100")
    stroke(page, (0.5, 0.5), (0.5, 0.52))
    _, soft = mask(first)
    assert (soft > 30).sum() > 4 * (hard > 30).sum()
    assert len(np.unique(soft)) > 30


def test_paint_is_erased_and_the_mask_inverted(easel, api):
    page, mask = easel
    page.get_by_label("Softness").fill("0")
    stroke(page, (0.4, 0.5), (0.6, 0.5))
    first, painted = mask()
    page.get_by_role("button", name="Invert").click()
    second, inverted = mask(first)
    assert np.array_equal(inverted, 255 - painted)
    page.get_by_role("button", name="Erase").click()
    expect(page.get_by_role("button", name="Erase")).to_have_attribute("aria-pressed", "true")
    stroke(page, (0.25, 0.1), (0.25, 0.9))
    _, erased = mask(second)
    assert erased.sum() < inverted.sum()
    assert (erased <= inverted).all()
    page.get_by_role("button", name="Clear").click()
    until(lambda: "mask" not in saved(api))


def test_a_mask_is_painted_with_the_keyboard_undone_and_there_after_a_reload(easel, api):
    page, mask = easel
    expect(page.locator("#canvas")).to_be_focused()
    for key in ("ArrowLeft", "ArrowLeft", "Space"):
        page.keyboard.press(key)
    first, one = mask()
    page.keyboard.press("]")
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    _, two = mask(first)
    assert 0 < one.sum() < two.sum()
    page.get_by_role("button", name="Undo").click()
    until(lambda: saved(api)["mask"] == first)
    page.reload()
    page.get_by_role("button", name="Mask: on").click()
    page.get_by_role("button", name="Invert").click()  # it is the one that was painted
    _, inverted = mask(first)
    assert np.array_equal(inverted, 255 - one)


def fingers(page, *ways):
    """Move fingers over the canvas; each way is where one begins and ends, in parts of its width and height."""
    box = page.locator("#canvas").bounding_box()
    session = page.context.new_cdp_session(page)

    def touch(kind, at):
        points = [
            {
                "x": box["x"] + box["width"] * (x + (to_x - x) * at),
                "y": box["y"] + box["height"] * (y + (to_y - y) * at),
                "id": id,
            }
            for id, ((x, y), (to_x, to_y)) in enumerate(ways)
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points if kind != "touchEnd" else []})

    touch("touchStart", 0)
    for at in (0.25, 0.5, 0.75, 1):
        touch("touchMove", at)
    touch("touchEnd", 1)


def test_a_finger_paints_and_two_zoom(visit, picture, api, shot):
    page = visit(PHONE, order={"picture": picture, "recipe": QUICK})
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "photograph.png, 96 by 64 pixels")
    zoom = page.get_by_role("status", name="Zoom")
    fitted = zoom.inner_text()
    page.get_by_role("button", name="Mask", exact=True).tap()
    fingers(page, ((0.3, 0.5), (0.6, 0.5)))
    painted = until(lambda: saved(api).get("mask"))
    mask = pixels(api, f"/api/pictures/{painted}.png")[..., 0]
    assert mask[32, 40] == 255
    shot(page, "phone, mask")
    fingers(page, ((0.45, 0.5), (0.2, 0.5)), ((0.55, 0.5), (0.8, 0.5)))
    expect(zoom).not_to_have_text(fitted)
    assert int(zoom.inner_text().split()[0]) > 2 * int(fitted.split()[0])
    page.wait_for_timeout(500)  # a stroke would have been sent
    assert saved(api)["mask"] == painted
