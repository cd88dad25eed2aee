"""`pydream.classify`: what Caffe's Classifier predicts, in order, with probabilities that add up to 1."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from support import nets

import pydream
from pydream.caffe import Classifier
from pydream.dream.labels import imagenet_names
from pydream.easy.prediction import probabilities, seen
from pydream.errors import NetFileError, ParameterError, ShapeError, UnknownNameError
from pydream.media.image import read_image

WEIGHTS = {"fc": [np.random.default_rng(2).normal(0, 0.02, (4, 48)), np.arange(4) / 4]}
SOFTMAX = nets.layer("prob", "Softmax", "fc", "prob")
FC = nets.layer("fc", "InnerProduct", "data", "fc", "inner_product_param { num_output: 4 }")


@pytest.fixture(scope="module")
def sky(root):
    return read_image(root / "examples" / "sky.jpg")


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(1).integers(0, 256, (9, 7, 3), np.uint8)


def build(*layers, dtype="float64", **weights):
    """A network with a mean of 0 that takes RGB."""
    net = nets.build(
        nets.inputs(data=(1, 3, 4, 4)) + "".join(layers), dtype=dtype, runtime="numpy", **(weights or WEIGHTS)
    )
    net.mean, net.channel_order = np.zeros((3, 1, 1)), "RGB"
    return net


def numbers(picture):
    """What the fully connected layer makes of what it sees."""
    return WEIGHTS["fc"][0] @ seen(picture, (4, 4)).transpose(2, 0, 1).ravel() + WEIGHTS["fc"][1]


def test_it_is_what_caffes_classifier_predicts(root, sky, numpy_squeezenet64):
    folder = root / "models" / "squeezenet_v1.1"
    (weights,) = folder.glob("*.caffemodel")
    mean, order = numpy_squeezenet64.mean, numpy_squeezenet64.channel_order
    sizes = {"image_dims": (256, 256), "mean": mean.ravel(), "raw_scale": 255.0}
    swap = {"BGR": (2, 1, 0), "RGB": (0, 1, 2)}[order]
    caffes = Classifier(
        folder / "deploy.prototxt", weights, **sizes, channel_swap=swap, dtype="float64", runtime="numpy"
    )
    (expected,) = caffes.predict([sky / np.float32(255)], oversample=False)
    found = probabilities(numpy_squeezenet64, sky)
    np.testing.assert_allclose(found, expected.ravel(), rtol=0, atol=1e-5)
    assert found.sum() == pytest.approx(1, abs=1e-12)


def test_order_and_both_runtimes(sky, squeezenet32, numpy_squeezenet64):
    one, other = (pydream.classify(net, sky, top=1000) for net in (squeezenet32, numpy_squeezenet64))
    chances = [each.probability for each in one]
    assert chances == sorted(chances, reverse=True)
    assert sum(chances) == pytest.approx(1, abs=1e-12)
    assert sorted(each.number for each in one) == list(range(1000))
    assert all(each.name == imagenet_names()[each.number] for each in one)
    by_number = {each.number: each.probability for each in other}
    assert max(abs(each.probability - by_number[each.number]) for each in one) < 1e-5
    assert [each[:2] for each in pydream.classify(squeezenet32, sky)] == [each[:2] for each in one[:5]]


def test_the_input_is_the_declared_one_whatever_was_dreamt_before(picture):
    convolution = nets.layer("fc", "Convolution", "data", "fc", "convolution_param { num_output: 4 kernel_size: 1 }")
    net = build(convolution, SOFTMAX, fc=[WEIGHTS["fc"][0][:, :3, None, None], np.zeros(4)])
    before = pydream.classify(net, picture)
    net.resize(9, 5)
    assert pydream.classify(net, picture) == before
    assert net.image.shape == (1, 3, 4, 4)
    assert pydream.classify(net, picture, size=(3, 2)) != before


@pytest.mark.parametrize(
    ("size", "resized"), [((224, 224), 256), ((227, 227), 256), ((299, 299), 342), ((28, 28), 28), ((256, 256), 293)]
)
def test_how_much_is_seen(size, resized):
    """Of a ramp, the middle: its first and last pixel say where."""
    ramp = np.repeat(np.linspace(0, 255, resized)[np.newaxis, :, np.newaxis], resized, 0) * np.ones(3)
    first = int(resized / 2 - size[0] / 2)
    np.testing.assert_allclose(seen(ramp, size)[0, :, 0], ramp[0, first : first + size[1], 0], atol=1e-3)
    assert seen(ramp[: resized // 2], size).shape == (*size, 3)  # whatever its shape


def test_a_network_that_ends_in_logits_or_in_a_softmax(picture):
    expected = softmax(numbers(picture))
    for net in (build(FC), build(FC, SOFTMAX)):
        found = pydream.classify(net, picture, top=9)
        assert [each.number for each in found] == list(np.argsort(-expected))
        np.testing.assert_allclose([each.probability for each in found], sorted(expected, reverse=True), rtol=1e-5)
        assert {each.name for each in found} == {None}


def test_of_a_sigmoid_each_class_stands_alone(picture):
    net = build(FC, nets.layer("prob", "Sigmoid", "fc", "fc"))
    np.testing.assert_allclose(probabilities(net, picture), expit(numbers(picture)), rtol=1e-4)
    one = nets.layer("fc", "InnerProduct", "data", "fc", "inner_product_param { num_output: 1 }")
    alone = build(one, fc=[WEIGHTS["fc"][0][:1], WEIGHTS["fc"][1][:1]])
    np.testing.assert_allclose(probabilities(alone, picture), expit(numbers(picture)[:1]), rtol=1e-4)


def test_of_a_map_it_is_the_mean_of_its_places(picture):
    kernel = np.random.default_rng(3).normal(0, 0.02, (4, 3, 1, 1))
    convolution = nets.layer("fc", "Convolution", "data", "fc", "convolution_param { num_output: 4 kernel_size: 1 }")
    net = build(convolution, SOFTMAX, fc=[kernel, np.zeros(4)])
    made = np.einsum("oc,hwc->ohw", kernel[:, :, 0, 0], seen(picture, (4, 4)))
    np.testing.assert_allclose(probabilities(net, picture), softmax(made, axis=0).mean((1, 2)), rtol=1e-5)


def test_equally_probable_classes_are_in_order(picture):
    net = build(FC, fc=[np.zeros((4, 48)), np.zeros(4)])
    assert pydream.classify(net, picture, top=2) == [(0, None, 0.25), (1, None, 0.25)]


def test_what_cannot_be(picture):
    net = build(FC)
    with pytest.raises(ValueError, match="top: 0, expected at least 1"):
        pydream.classify(net, picture, top=0)
    with pytest.raises(ParameterError, match="no picture"):
        pydream.classify(net, np.zeros((3, 3, 7)))
    with pytest.raises(ShapeError):
        pydream.classify(net, picture, size=(5, 5))
    with pytest.raises(NetFileError, match="NaN or infinity in 'fc'"), np.errstate(over="ignore"):
        pydream.classify(build(FC, dtype="float32", fc=[np.full((4, 48), 1e38), np.zeros(4)]), picture)
    with pytest.raises(UnknownNameError, match="has no classes: it ends in no softmax"):
        pydream.classify(build(nets.layer("light", "ReLU", "data", "light")), picture)
