"""A float picture of 0..1, as other libraries have them, is warned of; black pictures, noise and 8 bits are not."""

import warnings

import numpy as np
import pytest
from support import nets

import pydream
from pydream.dream.images import noise
from pydream.errors import PydreamWarning, UnitRangeWarning

FRACTIONS = np.random.RandomState(0).uniform(size=(20, 24, 3))
FEW_ONES = np.zeros((20, 24, 3))
FEW_ONES[3, 4:9] = 1
RIGHT = {
    "0..255": 255 * FRACTIONS,
    "black": np.zeros((20, 24, 3)),
    "as good as black": FEW_ONES,
    "noise": noise(20, 24, np.random.RandomState(0)),
    "uint8": np.ones((20, 24, 3), np.uint8),
    "whole numbers": np.ones((20, 24, 3), int),
    "below 0": FRACTIONS - 0.5,
}


@pytest.fixture(scope="module")
def net():
    return nets.build(
        nets.inputs(data=(1, 3, 20, 24))
        + nets.layer("conv", "Convolution", "data", "conv", "convolution_param { num_output: 2 kernel_size: 3 }"),
        runtime="numpy",
        conv=[np.random.RandomState(1).normal(size=(2, 3, 3, 3)), np.ones(2)],
    )


def dream(net, picture):
    return pydream.deepdream(net, picture, iter_n=1, octave_n=2, octave_scale=1.2, end="conv")


def two_frames(net, picture):
    return list(pydream.zoom_loop(net, picture, 2, iter_n=1, octave_n=1, end="conv"))


def guide(net, picture):
    return pydream.objective_guide(net, picture, "conv")


@pytest.mark.parametrize("picture", [FRACTIONS, np.float32(FRACTIONS), np.ones((20, 24, 3)), FRACTIONS.tolist()])
@pytest.mark.parametrize("use", [pydream.preprocess, dream, two_frames, guide])
def test_warned_of_once(net, use, picture):
    with pytest.warns(UnitRangeWarning, match=r"within 0\.\.1, and 0\.\.255 is expected; picture \* 255") as seen:
        use(net, picture)
    assert len(seen) == 1
    assert seen[0].filename == __file__  # the line to mend
    assert issubclass(seen[0].category, PydreamWarning)


@pytest.mark.parametrize("picture", RIGHT)
@pytest.mark.parametrize("use", [pydream.preprocess, dream, two_frames])
def test_no_false_alarm(net, use, picture):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use(net, RIGHT[picture])
