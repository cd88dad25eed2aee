"""A map has its cells in their places; its page stands alone, and shows as a table what a click shows."""

import re

import numpy as np
import pytest
from PIL import Image
from support.markup import Checked

from pydream.errors import ShapeError
from pydream.media import PictureMap

NASTY = "<img src=x onerror='alert(1)'></script><script>alert(2)</script>&amp;\"\x1b[31m"


@pytest.fixture
def made():
    found = PictureMap(3, 8, ("Number", "Names"))
    for place in (4, 0, 2):
        found.add(place, np.full((8, 8, 3), 20 * place, np.uint8), f"cell {place}", (str(place), NASTY))
    found.add(7, None, "silent", ("1", ""))
    return found


def test_cells_are_in_their_places(made):
    whole = made.picture((1, 2, 3))
    assert whole.shape == (24, 24, 3)
    for place in range(9):
        row, column = divmod(place, 3)
        cell = whole[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        assert (cell == (20 * place if place in (0, 2, 4) else [1, 2, 3])).all()


def test_the_page(made):
    html = made.page(f"An {NASTY} atlas", "One line.\nAnother.", '{"figure": "atlas"}')
    found = Checked(html)
    found.check_that_it_stands_alone()
    assert found.record == {"figure": "atlas"}
    assert "\x1b" not in html
    plane = re.search(r'<div class="plane".*?\n(.*?)\n</div>', html, re.DOTALL)[1].splitlines()
    assert [line[:7] for line in plane] == [
        *["<button", "<span c", "<button"],
        *["<span c", "<button", "<span c"],
        *["<span c", "<button", "<span c"],
    ]
    cells = [button for button in found.all("button") if button["class"] == "cell"]
    assert [(each["data-cell"], each["aria-label"]) for each in cells] == [
        ("0", "cell 0"), ("2", "cell 2"), ("4", "cell 4"), ("7", "silent")
    ]  # fmt: skip
    assert [row["id"] for row in found.all("tr")[1:]] == ["cell-0", "cell-2", "cell-4", "cell-7"]
    for text in ("Number", "One line.", "Another.", "<img src=x onerror='alert(1)'>"):
        assert text in found.text


def test_what_the_script_looks_for_is_there(made):
    found = Checked(made.page("", ""))
    (script,) = found.scripts
    classes = {name for _, attributes in found.tags for name in (attributes.get("class") or "").split()}
    wanted = set(re.findall(r'querySelector(?:All)?\("(?:button)?\.([a-z-]+)"\)', script))
    assert wanted == {"window", "plane", "cell", "cell-facts", "in", "out", "whole"}
    assert wanted <= classes


def test_too_large():
    with pytest.raises(ShapeError, match="the map is too large"):
        PictureMap(int((Image.MAX_IMAGE_PIXELS or 2**30) ** 0.5) // 8 + 1, 8)
