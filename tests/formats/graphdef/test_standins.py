"""Inception5h and Inception v4, as far as names, ops, attributes and shapes go; the weights are drawn."""

import numpy as np
import pytest
from support.graphs import imported, interpreted, picture, results, tf

import pydream
from pydream import zoo
from pydream.runtime.geometry import survey

FLOWERS = "mixed4d_3x3_bottleneck_pre_relu"
MIXED_6D = "InceptionV4/InceptionV4/Mixed_6d/concat"
# Measured: 1e-6 where no rectifier or maximum is decided by rounding; numerics.md section 3 tells of the others.
CASES = [("inception5h", "mixed4c"), ("inception_v4", MIXED_6D)]


@pytest.fixture
def file(request):
    return lambda name: request.getfixturevalue(f"{name}_pb")


def load(name, file, **options):
    """Load it by its name in the registry."""
    return pydream.load_net(name, file(name), **options)


def parsed(file):
    return tf.compat.v1.GraphDef.FromString(file.read_bytes())


@pytest.mark.parametrize(("name", "convolutions", "size"), [("inception5h", 59, 224), ("inception_v4", 149, 299)])
def test_every_op_is_a_blob(name, convolutions, size, file):
    """But constants, and what is made of constants or shapes alone."""
    graph = zoo.read_graph(name, file(name))
    nodes = parsed(file(name)).node
    constants = {node.name for node in nodes if node.op in ("Const", "Shape", "StridedSlice", "Pack")}
    constants |= {node.name for node in nodes if node.op == "Identity" and node.input[0] in constants}
    assert graph.blobs == ["data", *(node.name for node in nodes if node.name not in constants)]
    assert graph.declared == {"data": (1, 3, size, size)}
    facts = survey(graph, graph.declared)
    assert sum(each.type == "Conv2D" for each in facts) == convolutions
    assert all(each.dreamable for each in facts[1:])


@pytest.mark.parametrize(("name", "end"), CASES)
def test_float64(name, end, file):
    scale = zoo.find_network(name).scale
    net = load(name, file, dtype="float64")
    image = picture(75, 92)
    found = results(net, image, end)
    for ours, theirs in zip(found, interpreted(parsed(file(name)), image, end, scale=scale), strict=True):
        assert np.linalg.norm(ours - theirs) <= 1e-12 * np.linalg.norm(theirs)


@pytest.mark.parametrize(("name", "end"), CASES)
def test_float32(name, end, file):
    """No farther from float64 than TensorFlow's own float32, or than rounding is."""
    scale = zoo.find_network(name).scale
    image = picture(75, 92)
    exact = results(load(name, file, dtype="float64"), image, end)
    image = image.astype(np.float32)
    ours = results(load(name, file), image, end)
    theirs = imported(parsed(file(name)), image, end, scale=np.float32(scale))
    off, usual = (
        [np.linalg.norm(each - true) / np.linalg.norm(true) for each, true in zip(found, exact, strict=True)]
        for found in (ours, theirs)
    )
    assert off[0] < max(1.5 * usual[0], 2e-6)
    assert off[1] < max(3 * usual[1], 9e-3)


@pytest.mark.parametrize(("name", "end"), [("inception5h", None), ("inception_v4", None), ("inception5h", FLOWERS)])
def test_dreams(name, end, file):
    net = load(name, file)
    assert net.default_end == {"inception5h": "mixed4c", "inception_v4": MIXED_6D}[name]
    start = np.random.RandomState(0).randint(60, 190, (90, 113, 3)).astype(np.uint8)
    out = pydream.deepdream(net, start, end=end, iter_n=2, octave_n=2, rng=np.random.RandomState(0))
    assert out.shape == start.shape
    assert 1 < np.abs(out - start).mean() < 20
    assert 0 <= out.min() < out.max() <= 255


def test_classifiers(file):
    """At the size that they are made for, they are TensorFlow's."""
    for name, end in [("inception5h", "softmax2"), ("inception_v4", "InceptionV4/Logits/Predictions")]:
        net = load(name, file)
        image = picture(*net.blobs["data"].shape[2:], np.float32)
        net.forward(end=end, tensor=image)
        theirs, _ = imported(parsed(file(name)), image, end, scale=np.float32(zoo.find_network(name).scale))
        np.testing.assert_allclose(net.blobs[end].data, theirs, rtol=2e-4, atol=1e-7)
        assert net.blobs[end].data.sum() == pytest.approx(1, abs=1e-5)
