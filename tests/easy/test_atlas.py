"""An atlas: groups and their places in exact whole numbers, classes by the network's own gradient, honest drawings."""

from itertools import permutations

import numpy as np
import pytest

import pydream
from pydream.easy.atlas import DRAWING, Activations, likeness, look
from pydream.easy.layout import LENGTH, MOST_VECTORS, assign, directions, group, principal_axes
from pydream.errors import MemoryTooSmallError, ParameterError, SilentScoreError
from pydream.media import resized
from pydream.picture import to_pixels
from pydream.record.recipe import Recipe, follow

LAYER = "fire8/concat"


@pytest.fixture(scope="module")
def net():
    return pydream.load_net("squeezenet_v1.1", runtime="numpy", dtype="float64")


@pytest.fixture(scope="module")
def pictures(root):
    return [
        resized(pydream.media.read_image(root / "examples" / name), (48, 48)) for name in ("sky.jpg", "flowers.jpg")
    ]


def clouds(count=3, each=20, channels=12):
    """Clouds of vectors of different lengths around the axes."""
    rng = np.random.RandomState(1)
    middles = np.eye(channels)[:count].repeat(each, 0)
    return (middles + 0.1 * rng.normal(size=middles.shape)) * rng.uniform(1, 9, (len(middles), 1))


# ---- the layout ----


def test_directions_are_whole_numbers_of_one_length():
    vectors = np.vstack([clouds(), np.zeros(12)])
    found = directions(vectors)
    assert (found == np.rint(found)).all()
    np.testing.assert_allclose(np.linalg.norm(found[:-1], axis=1), LENGTH, rtol=1e-3)
    assert not found[-1].any()
    np.testing.assert_array_equal(directions(vectors[:-1] * 8), found[:-1])


def test_alike_directions_are_a_group():
    groups = group(directions(clouds()), 3, np.random.RandomState(3))
    assert sorted(np.bincount(groups)) == [20, 20, 20]
    assert all(len(set(groups[first : first + 20])) == 1 for first in (0, 20, 40))
    assert (group(np.ones((5, 2)), 3, np.random.RandomState(0)) == 0).all()  # empty groups are no groups


def test_the_axes_are_those_of_the_largest_variance():
    points = directions(np.random.RandomState(0).normal(size=(200, 6)) * [1, 9, 5, 2, 1, 1])
    axes = principal_axes(points)
    _, expected = np.linalg.eigh(np.cov(points.T))
    for axis, vector in zip(axes, expected.T[::-1], strict=False):
        assert abs(axis @ vector) == pytest.approx(1, abs=1e-9)
        assert axis[np.abs(axis).argmax()] > 0
    assert not principal_axes(np.ones((4, 1))).any()


def test_sums_do_not_depend_on_their_order():
    """As linear algebra libraries differ in that: the same bits of axes and groups whatever the order of vectors."""
    points = directions(clouds(5, 40, 30))
    order = np.random.RandomState(2).permutation(len(points))
    np.testing.assert_array_equal(principal_axes(points[order]), principal_axes(points))
    assert points.dtype == np.float64
    assert len(points) * LENGTH**2 < MOST_VECTORS * LENGTH**2 <= 2**53


def test_places_are_the_nearest_that_there_are():
    points = directions(np.random.RandomState(4).normal(size=(4, 3)))
    axes = principal_axes(points)
    found = assign(points, axes, 2)
    ranks = [np.argsort(np.argsort(points @ axis)) for axis in axes]

    def cost(places):
        return sum((ranks[0][n] - 3 * (p % 2)) ** 2 + (ranks[1][n] - 3 * (p // 2)) ** 2 for n, p in enumerate(places))

    assert cost(found) == min(map(cost, permutations(range(4))))
    assert len(set(assign(points, axes, 5))) == 4
    assert list(assign(points[:1], axes, 1)) == [0]


# ---- activations and classes ----


def test_the_shares_are_what_small_changes_of_activations_do(net, pictures):
    """By finite differences of the last layers, which are linear but for a ReLU."""
    seen = look(net, "fire9/concat", pictures[0], 10_000, np.random.RandomState(0))
    net.forward(end=["fire9/concat", "conv10", "pool10"])
    x, numbers = net.blobs["fire9/concat"].data[0].reshape(512, -1).copy(), net.blobs["pool10"].data[0].ravel().copy()
    np.testing.assert_array_equal(seen.vectors, x.T)
    assert seen.classes == tuple(np.argsort(-numbers, kind="stable")[:3])
    weights, bias = (np.asarray(each.data) for each in net.params["conv10"])

    def logits(values):
        return np.maximum(weights.reshape(1000, 512) @ values + bias.reshape(-1, 1), 0).mean(1)

    np.testing.assert_allclose(logits(x), numbers, rtol=1e-12)
    for place in (0, 3):
        step = np.zeros_like(x)
        step[:, place] = 1e-6 * x[:, place]
        change = (logits(x + step) - logits(x - step)) / 2e-6 * x.shape[1]
        np.testing.assert_allclose(seen.shares[place], change[list(seen.classes)], rtol=1e-6, atol=1e-9)


def test_a_layer_behind_the_classes_has_none(net, pictures):
    seen = look(net, "pool10", pictures[0], 5, np.random.RandomState(0))
    assert (seen.vectors.shape, seen.classes, seen.shares.shape) == ((1, 1000), (), (1, 0))
    assert look(net, LAYER, pictures[0], 3, np.random.RandomState(0)).vectors.shape == (3, 512)


def test_cells(net, pictures):
    activations = Activations(net, LAYER, 9, 5)
    for name, picture in zip(("sky", "flowers"), pictures, strict=True):
        activations.add(name, picture)
    cells = activations.cells(2)
    assert cells == activations.cells(2)
    assert sum(cell.count for cell in cells) == activations.count == 8
    assert [cell.place for cell in cells] == sorted({cell.place for cell in cells})
    for cell in cells:
        assert max(map(abs, cell.vector)) == 1
        assert set(cell.names) <= {"sky", "flowers"}
        assert cell.pictures == len(cell.names)
        assert 0 < cell.closeness <= 1
        assert cell.classes
    again = Activations(net, LAYER, 9, 6)
    again.add("sky", pictures[0])
    assert again.sha256 != activations.sha256


def test_a_drawing_goes_along_its_direction(net, pictures):
    atlas = pydream.activation_atlas(net, pictures, LAYER, side=1, places=4, cell=40, iter_n=2, size=(48, 48), seed=3)
    (cell,), (drawing,) = atlas.cells, atlas.drawings
    np.testing.assert_array_equal(atlas.picture, drawing)
    recipe = cell.recipe(Recipe(end=LAYER, seed=3, iter_n=2, noise=(40, 40), **DRAWING))
    np.testing.assert_array_equal(to_pixels(follow(recipe, net, None)), drawing)
    noise = to_pixels(np.random.RandomState(0).uniform(size=(40, 40, 3)) + 100)
    assert likeness(net, cell, LAYER, drawing) > likeness(net, cell, LAYER, noise)


@pytest.mark.parametrize(
    ("params", "said"), [({"side": 33}, "side: 33 is out of"), ({"places": 0}, "places: 0"), ({"pictures": []}, "none")]
)
def test_what_cannot_be(net, pictures, params, said):
    with pytest.raises(ParameterError, match=said):
        pydream.activation_atlas(net, **{"pictures": pictures, **params})


def test_too_many_activations(net):
    with pytest.raises(ParameterError, match="2000 places of 100 pictures are more than 131072 activations of 512"):
        Activations(net, LAYER, 2000, 0).check(100)


def test_a_picture_that_does_not_fit_into_memory(net, pictures, monkeypatch):
    monkeypatch.setattr("pydream.tiles.fitting.free_bytes", lambda: 10**6)
    with pytest.raises(MemoryTooSmallError, match="48x48 pixels do not fit into memory"):
        look(net, LAYER, pictures[0], 1, np.random.RandomState(0))


def test_all_zero(tmp_path, pictures):
    (tmp_path / "own.prototxt").write_text(
        'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n'
        'layer { name: "none" type: "Power" bottom: "data" top: "none" power_param { scale: 0 } }\n'
    )
    (tmp_path / "own.caffemodel").write_bytes(b"\xa2\x06\x0d\x0a\x04none\x12\x05Power")
    activations = Activations(pydream.load_net(tmp_path / "own.prototxt", runtime="numpy"), "none", 4, 0)
    activations.add("sky", pictures[0])
    with pytest.raises(SilentScoreError, match="all activations of 'none' are zero"):
        activations.cells(2)
