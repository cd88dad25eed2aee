"""A page stands alone, and what files say on it is text."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from support.markup import Checked

from pydream.media.page import (
    Embedded,
    document,
    escaped,
    figure,
    is_page,
    jpeg,
    lossless,
    page_note,
    shares_html,
    small,
)
from pydream.media.sheet import Share

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
PICTURE = Embedded("data:image/png;base64,AA==", 30, 20)


def decoded(picture):
    kind, content = picture.uri.removeprefix("data:image/").split(";base64,")
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert image.format == kind.upper()
        assert image.size == (picture.width, picture.height)
        return np.asarray(image)


@pytest.mark.parametrize("script", ["", "document.title = 'x'"])
def test_a_page_runs_its_own_code_alone(script):
    page = document("a <b>", "<p>text</p>", "p { color: red }", script)
    Checked(page).check_that_it_stands_alone()
    assert "<title>a &lt;b&gt;</title>" in page
    assert page.count("<script>") == page.count("script-src") == bool(script)


NOTE = json.dumps({"command": "</script><script>alert(1)</script>"})


def test_the_note_of_a_page(tmp_path):
    path = tmp_path / "a.html"
    path.write_text(document("a", "", note=NOTE), encoding="utf-8")
    assert json.loads(page_note(path)) == json.loads(NOTE)
    Checked(path.read_text(encoding="utf-8")).check_that_it_stands_alone()


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"<title>mine</title>", b'<script id="record" type="application/json">{']
)
def test_a_page_without_a_note(tmp_path, content):
    path = tmp_path / "a.html"
    path.write_bytes(content)
    assert page_note(path) is None


@pytest.mark.parametrize(("name", "page"), [("a.html", True), ("A.HTM", True), ("a.png", False), ("html", False)])
def test_a_page_by_its_name(name, page):
    assert is_page(name) is page


def test_what_files_say_is_text():
    assert escaped('<a "b"> & \x1b\u202e') == "&lt;a &quot;b&quot;&gt; &amp; ��"


@pytest.mark.parametrize(("style", "shown"), [("", "<figure>"), ("wide", '<figure class="wide">')])
def test_a_figure(style, shown):
    assert figure(PICTURE, "<x>", "<b>caption</b>", style) == (
        f'{shown}<img src="{PICTURE.uri}" width="30" height="20" alt="&lt;x&gt;">'
        "<figcaption><b>caption</b></figcaption></figure>"
    )


def test_shares_have_bars():
    assert shares_html([]) == ""
    assert shares_html([Share("a<b", 0.25), Share("c", 0.5, before=0.0004)]) == (
        '<ol class="shares">'
        '<li>a&lt;b <b>25.0%</b><svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="0.2500" height="1"></rect></svg></li>'
        '<li>c <b>50.0%</b> <small>before &lt;0.1%</small><svg viewBox="0 0 1 1" preserveAspectRatio="none"'
        ' aria-hidden="true"><rect width="0.5000" height="1"></rect></svg></li></ol>'
    )


def test_pictures_are_kept_without_loss_unless_that_is_too_much(monkeypatch):
    np.testing.assert_array_equal(decoded(lossless(PIXELS)), PIXELS)
    monkeypatch.setattr("pydream.media.page._MOST_PNG", 100)
    assert lossless(PIXELS) == jpeg(PIXELS, 93)
    assert np.abs(decoded(jpeg(PIXELS, 93)).astype(int) - PIXELS).mean() < 8


@pytest.mark.parametrize(("shape", "size"), [((600, 1200), (512, 1024)), ((1200, 600), (1024, 512))])
def test_wide_pictures_are_shown_smaller(shape, size):
    found = lossless(np.full((*shape, 3), 90, np.uint8))
    assert found.uri.startswith("data:image/jpeg;")
    assert decoded(found).shape == (*size, 3)
    assert (found.height, found.width) == size


def test_small_pictures_stay():
    np.testing.assert_array_equal(small(PIXELS, 30), PIXELS)
    assert small(PIXELS, 15).shape == (10, 15, 3)
