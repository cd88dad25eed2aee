"""The example pictures are what their scripts render."""

import runpy
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pydream.dream.film import CUT
from pydream.dream.flow import difference, flow

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize(("name", "shape"), [("sky", (512, 768, 3)), ("flowers", (320, 480, 3))])
def test_a_picture_is_what_its_script_renders(name, shape):
    rendered = runpy.run_path(str(EXAMPLES / f"{name}.py"))["render"]()
    assert rendered.shape == shape
    assert rendered.dtype == np.uint8
    with Image.open(EXAMPLES / f"{name}.jpg") as image:
        kept = np.asarray(image.convert("RGB"))
    # What JPEG at quality 90 changes: 2.5 (sky) and 3.5 (flowers) of 255 on average, as measured. Another seed: tens.
    assert np.abs(rendered.astype(int) - kept).mean() < 5


def test_the_film_is_a_pan_over_the_sky():
    """Of which each frame shows the next, a little to the left: no cut, to `pydream video`."""
    frames = runpy.run_path(str(EXAMPLES / "film.py"))["render"](3)
    assert [frame.shape for frame in frames] == [(180, 320, 3)] * 3
    for before, now in pairwise(frames):
        assert 0 < difference(before, now) < CUT / 2
        assert np.median(flow(now, before)[..., 0]) == pytest.approx(6 * 320 / 420, abs=1)


@pytest.mark.parametrize("name", ["sky", "flowers"])
def test_a_picture_is_a_small_file(name):
    assert (EXAMPLES / f"{name}.jpg").stat().st_size < 200_000
