"""The strongest channels of a layer on a picture: known by hand, by NumPy's sums, whole and in tiles."""

import numpy as np
import pytest
from support import nets

from pydream.dream.objectives import Score, Strongest, Term, strongest
from pydream.errors import UnknownNameError
from pydream.tiles.net import TiledNet

# Five channels of one place each: b, -2b, b, r, g - 3b of a pixel (b, g, r) less the mean.
BY_HAND = nets.inputs(data=(1, 3, 8, 8)) + nets.layer(
    "mix", "Convolution", "data", "mix", "convolution_param { num_output: 5 kernel_size: 1 }"
)
MIX = np.array([[1, 0, 0], [-2, 0, 0], [1, 0, 0], [0, 0, 1], [-3, 1, 0]], float).reshape(5, 3, 1, 1)

DEEPER = (
    nets.inputs(data=(1, 3, 8, 8))
    + nets.layer("low", "Convolution", "data", "low", "convolution_param { num_output: 7 kernel_size: 3 pad: 1 }")
    + nets.layer("pool", "Pooling", "low", "pool", "pooling_param { kernel_size: 3 stride: 2 }")
    + nets.layer("top", "Convolution", "pool", "top", "convolution_param { num_output: 9 kernel_size: 3 }")
)


@pytest.fixture(scope="module", params=["numpy", "tensorflow"])
def mix(request):
    return nets.build(BY_HAND, "float64", request.param, mix=[MIX, np.zeros(5)])


@pytest.fixture(scope="module", params=["numpy", "tensorflow"])
def deeper(request):
    rng = np.random.default_rng(3)
    params = {
        "low": [nets.normal(rng, 7, 3, 3, 3), nets.normal(rng, 7)],
        "top": [nets.normal(rng, 9, 7, 3, 3), nets.normal(rng, 9)],
    }
    return nets.build(DEEPER, "float64", request.param, **params)


@pytest.fixture(scope="module")
def blue(mix):
    """10 above the mean in blue, 3 in red, on one half; 0 on the other."""
    picture = np.tile(np.ravel(mix.mean)[::-1], (6, 10, 1))
    picture[:, :5] += (3, 0, 10)
    return picture


@pytest.mark.parametrize(
    ("kind", "order"),  # 50, 200, 50, 4.5, 450 are the means of the squares; 5, -10, 5, 1.5, -15 the means
    [("l2", (4, 1, 0, 2, 3)), ("mean", (0, 2, 3, 1, 4)), ("sum", (0, 2, 3, 1, 4))],
)
def test_by_hand_and_of_equal_ones_the_smaller_number(mix, blue, kind, order):
    for count in range(1, 6):
        assert strongest(mix, blue, "mix", count, kind) == order[:count]


@pytest.mark.parametrize("count", [0, -1, 6])
def test_more_than_there_are(mix, blue, count):
    with pytest.raises(ValueError, match=f"count: {count}, expected 1 to 5, the channels of 'mix'"):
        strongest(mix, blue, "mix", count)


def test_no_such_layer(mix, blue):
    with pytest.raises(UnknownNameError, match="'mix'"):
        strongest(mix, blue, "mixx", 1)


@pytest.mark.parametrize("layer", ["low", "top"])
@pytest.mark.parametrize("kind", ["l2", "mean"])
def test_in_tiles(deeper, layer, kind):
    picture = np.random.default_rng(5).integers(0, 256, (45, 61, 3)).astype(float)
    count = deeper.blobs[layer].shape[1]
    whole = strongest(deeper, picture, layer, count, kind)
    values = deeper.blobs[layer].data[0].astype(float)
    strength = ((values**2) if kind == "l2" else values).mean((1, 2))
    assert whole == tuple(np.lexsort((np.arange(count), -strength)))
    tiles = TiledNet(deeper, [layer], 16)
    tiles.forward(end=layer)
    blocks = list(tiles.blocks())
    assert len(blocks) > 6
    found = np.full(values.shape, np.nan)
    for end, (rows, columns), own in blocks:
        assert end == layer
        assert np.isnan(found[:, rows, columns]).all()  # each value comes once
        found[:, rows, columns] = own[0]
    np.testing.assert_allclose(found, values, rtol=1e-12, atol=1e-12)
    assert strongest(deeper, picture, layer, count, kind, tile=16) == whole
    assert strongest(deeper, picture, layer, count, kind, tile=64) == whole  # one tile


def test_a_term_before_there_is_a_picture(mix, blue):
    term = Strongest("mix", "mean", (4, 3), -0.5)
    assert str(Score((term,))) == "-0.5 * mean of 'mix':strongest2"
    assert str(Strongest("mix", "mean", (4, 3), place=(2, 1))) == "mean of 'mix':strongest2@2,1"
    assert term != Term("mix", "mean", (4, 3), -0.5)
    assert term.on(mix, blue) == Term("mix", "mean", (0, 2), -0.5)


def test_the_chosen_channels_keep_weight_and_place():
    net = nets.build(BY_HAND, "float64", "numpy", mix=[MIX, np.zeros(5)])
    term = Strongest("mix", "l2", (0, 1), -2.0, "center").on(net, np.full((8, 8, 3), 200, np.uint8))
    assert (term.weight, term.place, len(term.channels)) == (-2.0, "center", 2)
