"""The notebook's own cells run on `pydream.caffe`, and our dream is theirs, bit for bit."""

import numpy as np
import PIL.Image
import pytest
from support import notebook

import pydream

SQUEEZE = {"end": "fire8/concat", "octave_n": 2, "iter_n": 2}


@pytest.fixture(scope="module")
def net(root, tmp_path_factory):
    folder = root / "models" / "squeezenet_v1.1"
    patched = tmp_path_factory.mktemp("notebook") / "tmp.prototxt"
    return notebook.load(folder / "deploy.prototxt", folder / "squeezenet_v1.1.caffemodel", patched)


@pytest.fixture(scope="module")
def picture(root):
    return np.array(PIL.Image.open(root / "examples" / "sky.jpg").resize((141, 94)))


def test_dream(net, picture):
    np.random.seed(0)
    theirs = notebook.deepdream(net, picture, **SQUEEZE)
    assert theirs.dtype == np.float32
    np.random.seed(0)
    ours = pydream.deepdream(net, picture, **SQUEEZE)
    np.testing.assert_array_equal(ours, theirs)
    # The global state and a RandomState of the same seed draw the same shifts.
    np.testing.assert_array_equal(pydream.deepdream(net, picture, rng=np.random.RandomState(0), **SQUEEZE), theirs)


@pytest.mark.parametrize("params", [{"clip": False}, {"step_size": 4.4, "jitter": 8}, {"octave_scale": 1.7}])
def test_parameters(net, picture, params):
    np.random.seed(3)
    theirs = notebook.deepdream(net, picture, **{**SQUEEZE, **params})
    ours = pydream.deepdream(net, picture, rng=np.random.RandomState(3), **{**SQUEEZE, **params})
    np.testing.assert_array_equal(ours, theirs)


def test_guided_dream(net, picture):
    guide = picture[::-1, :100]
    objective = notebook.guide_objective(net, guide, "fire5/concat")
    np.random.seed(0)
    theirs = notebook.deepdream(net, picture, objective=objective, **{**SQUEEZE, "end": "fire5/concat"})
    objective = pydream.objective_guide(net, guide, "fire5/concat")
    np.random.seed(0)
    ours = pydream.deepdream(net, picture, objective=objective, **{**SQUEEZE, "end": "fire5/concat"})
    np.testing.assert_array_equal(ours, theirs)


def test_step(net, picture):
    """One step each from the same state; theirs is NumPy all through, ours is C++ and leaves the image where it is."""
    src = net.blobs["data"]
    results = []
    for step in (notebook.make_step, pydream.make_step):
        src.reshape(1, 3, *picture.shape[:2])
        src.data[0] = pydream.preprocess(net, picture)
        np.random.seed(1)
        step(net, end="fire6/concat")
        results.append((src.data.copy(), src.diff.copy()))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])  # rolled, as the notebook leaves it


def test_objective_that_writes_parts_of_diff(net, picture):
    """A one-hot gradient, written as people did: the rest of `diff` stays from step to step."""

    def channel(dst):
        dst.diff[:] = 0
        dst.diff[0, 7] = dst.data[0, 7]

    np.random.seed(0)
    theirs = notebook.deepdream(net, picture, objective=channel, **SQUEEZE)
    ours = pydream.deepdream(net, picture, rng=np.random.RandomState(0), objective=channel, **SQUEEZE)
    np.testing.assert_array_equal(ours, theirs)


def test_every_cell_with_googlenet(shared, root, tmp_path):
    """Load, dream, dream with another layer, guide: with the network and defaults of the notebook."""
    net = notebook.load(
        root / "models" / "bvlc_googlenet" / "deploy.prototxt",
        shared / "models" / "bvlc_googlenet.caffemodel",
        tmp_path / "tmp.prototxt",
    )
    img = np.float32(PIL.Image.open(shared / "images" / "sky1024px.jpg").resize((256, 144)))
    for params in ({}, {"end": "inception_3b/5x5_reduce"}):
        np.random.seed(0)
        theirs = notebook.deepdream(net, img, octave_n=2, iter_n=2, **params)
        np.random.seed(0)
        np.testing.assert_array_equal(pydream.deepdream(net, img, octave_n=2, iter_n=2, **params), theirs)
    guide = np.float32(PIL.Image.open(shared / "images" / "flowers.jpg"))
    objective = notebook.guide_objective(net, guide)
    out = notebook.deepdream(net, img, octave_n=2, iter_n=2, end="inception_3b/output", objective=objective)
    assert np.isfinite(out).all()
    assert np.abs(out - img).mean() > 1
