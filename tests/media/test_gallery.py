"""A gallery stands alone, shows every picture with its command, and lets no text become HTML or a script."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from support.markup import Checked, shown

from pydream.errors import ShapeError
from pydream.media import Gallery, Share

NASTY = "<img src=x onerror='alert(1)'></script><script>alert(2)</script>&amp;\"\x1b[31m"


def picture(seed, height=30, width=40):
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3), np.uint8)


def figures(html):
    return re.findall(r"<figure>.*?</figure>", html, re.DOTALL)


def test_every_picture_has_its_label_and_its_command():
    gallery = Gallery()
    gallery.add(np.full((30, 40, 3), 200.7), "sky", "as it is")
    gallery.add(picture(1), "dogs", "faces", command="pydream dream 'my  sky.jpg' -o dogs.png")
    assert len(gallery) == 2
    html = gallery.page("Looks", "One line.\nAnother.", '{"figure": "looks"}')
    found = Checked(html)
    found.check_that_it_stands_alone()
    assert html.startswith("<!DOCTYPE html>\n<html lang=")
    assert found.record == {"figure": "looks"}
    assert "<title>Looks</title>" in html
    assert "<p>One line.</p><p>Another.</p>" in html
    first, second = map(Checked, figures(html))
    assert np.asarray(shown(first.all("img")[0])).tolist() == np.full((30, 40, 3), 200).tolist()
    assert (first.text, first.all("code")) == ("sky as it is", [])
    assert second.text == "dogs facespydream dream 'my  sky.jpg' -o dogs.pngCopy"
    assert np.abs(np.int32(shown(second.all("img")[0])) - picture(1)).mean() < 12  # of noise, the hardest for a JPEG
    for each in (first, second):
        assert len([button for button in each.all("button") if button["class"] == "large"]) == 1


def test_what_the_script_looks_for_is_there():
    """And without it nothing is lost but the large view: buttons to copy are hidden until it runs."""
    gallery = Gallery()
    gallery.add(picture(0), "one", command="pydream")
    html = gallery.page("", "")
    found = Checked(html)
    (script,) = found.scripts
    classes = {name for _, attributes in found.tags for name in (attributes.get("class") or "").split()}
    wanted = set(re.findall(r"\.([a-z]+)[\"` ]", " ".join(re.findall(r"querySelector(?:All)?\((.*?)\)", script))))
    assert wanted >= {"gallery", "large", "copy", "command", "close"}
    assert wanted <= classes
    assert {"before", "after", "label", "note"} <= classes
    copies = [button for button in found.all("button") if button["class"] == "copy"]
    assert len(copies) == 2
    assert all("hidden" in button for button in copies)
    assert "button.hidden = false" in script


def test_texts_stay_texts():
    gallery = Gallery([NASTY, "other"])
    gallery.add(picture(0), NASTY, NASTY, command=NASTY)
    gallery.add(None, NASTY, NASTY, reason=NASTY)
    html = gallery.page(NASTY, NASTY, json.dumps({"command": NASTY}))
    found = Checked(html)
    found.check_that_it_stands_alone()
    assert found.record == {"command": NASTY}
    assert len(found.scripts) == 2
    assert found.text.count("<img src=x onerror='alert(1)'>") == 10  # title twice, caption, heading, two tiles
    assert not [image for image in found.all("img") if image["src"] == "x"]
    assert "\x1b" not in html


def test_headings_are_sections():
    gallery = Gallery(["left", "right"])
    for place in (3, 0, 1):
        gallery.add(picture(place), f"tile {place}", place=place)
    sections = gallery.page("", "").split("<section>")[1:]
    assert [re.findall(r"<h2>(.*?)</h2>", section) for section in sections] == [["left"], ["right"]]
    assert [re.findall(r"tile \d(?=</span>)", section) for section in sections] == [["tile 0"], ["tile 1", "tile 3"]]


def test_a_place_without_a_picture_shows_the_reason():
    gallery = Gallery()
    gallery.add(None, "fire9", reason="too small")
    found = Checked(gallery.page("", ""))
    assert "too small" in found.text
    assert not [button for button in found.all("button") if button["class"] == "large"]


def test_parts_of_a_whole_are_bars_with_their_numbers():
    gallery = Gallery()
    gallery.add(picture(0), "dogs", shares=[Share(NASTY, 0.984, 0.0), Share("cat", 0.0002)], command="pydream")
    html = gallery.page("", "")
    found = Checked(html)
    found.check_that_it_stands_alone()
    assert "98.4% before 0.0%cat <0.1%" in found.text
    assert [bar["width"] for bar in found.all("rect")] == ["0.9840", "0.0002"]


def test_large_pictures_are_shown_smaller():
    gallery = Gallery()
    gallery.add(np.zeros((1500, 3000, 3), np.uint8), "large")
    image, _ = Checked(gallery.page("", "")).all("img")
    assert shown(image).size == (1024, 512)


def test_an_empty_page_and_one_that_is_too_large():
    with pytest.raises(ValueError, match="no pictures"):
        Gallery().page("", "")
    most = Image.MAX_IMAGE_PIXELS // 1024**2
    Gallery().check(most, (4000, 4000))
    with pytest.raises(ShapeError, match=f"the page is too large: {most + 1} pictures of 1024×1024"):
        Gallery().check(most + 1, (4000, 4000))
