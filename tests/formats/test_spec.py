"""What pictures a network wants, in one value: checked, and completed by another."""

import numpy as np
import pytest

import pydream
from pydream.formats import InputSpec, caffe, format_of, graphdef, keras


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mean": (1, 2)}, r"mean \(1, 2\), expected three numbers"),
        ({"mean": (1, 2, np.inf)}, "expected three numbers"),
        ({"mean": [[1, 2, 3]]}, "expected three numbers"),
        ({"scale": 0}, "scale 0, expected a number other than 0"),
        ({"scale": np.nan}, "scale nan, expected a number other than 0"),
        ({"scale": (1, 2)}, r"scale \(1, 2\), expected three numbers"),
        ({"scale": (1, 0, 2)}, "expected a number other than 0, or three of them"),
        ({"channel_order": "bgr"}, "channel_order 'bgr', expected one of BGR, RGB"),
    ],
)
def test_what_is_not_a_spec(fields, message):
    with pytest.raises(ValueError, match=message):
        InputSpec(**fields)


def test_a_mean_of_any_kind_is_a_tuple():
    assert InputSpec(np.float32([1, 2, 3.5])) == InputSpec([1, 2, 3.5]) == InputSpec((1.0, 2.0, 3.5))


def test_a_scale_is_one_number_or_three():
    assert InputSpec(scale=np.float32([1, 2, 3.5])) == InputSpec(scale=[1, 2, 3.5]) == InputSpec(scale=(1.0, 2.0, 3.5))
    assert InputSpec(scale=2).keywords["scale"] == 2


def test_what_is_unspecified_is_another_specs():
    asked = InputSpec(scale=0.5, node="image")
    assert asked.or_else(keras.DEFAULT_SPEC) == InputSpec((0, 0, 0), 0.5, "RGB", "image")
    assert InputSpec().or_else(caffe.DEFAULT_SPEC) == caffe.DEFAULT_SPEC == InputSpec((104, 116, 122), 1, "BGR")


def test_the_keywords_of_load_net():
    spec = InputSpec((1, 2, 3), channel_order="RGB")
    net = pydream.load_net("squeezenet_v1.1", runtime="numpy", **spec.keywords)
    assert (net.mean.ravel().tolist(), net.channel_order) == ([1, 2, 3], "RGB")


@pytest.mark.parametrize(("order", "swap"), [("BGR", (2, 1, 0)), ("RGB", (0, 1, 2))])
def test_a_classifier_says_its_channel_order_once(order, swap):
    net = pydream.load_net("squeezenet_v1.1", runtime="numpy", channel_order=order)
    assert (net.channel_order, net.transformer.channel_swap) == (order, {"data": swap})


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("deploy.prototxt", caffe),
        ("w.caffemodel", caffe),
        ("weights", caffe),
        ("graph.pb", graphdef),
        ("saved_model.pb", keras),
        ("model.keras", keras),
        ("model.h5", keras),
    ],
)
def test_formats_by_name(tmp_path, name, form):
    assert format_of(tmp_path / name) is form
    assert format_of(tmp_path / "deploy.prototxt", tmp_path / name) is form


def test_what_no_format_reads():
    with pytest.raises(TypeError, match="a network is a name, a path, a Keras model or a PyTorch module, not 5"):
        pydream.load_net(5)
