"""A frozen graph is a network like any other: the picture goes in as it should, and dreams come out."""

import numpy as np
import pytest
from support.graphs import close, conv, frozen, imported, normal, results, tf

import pydream
from pydream.errors import NetFileError, UnknownNameError, ZeroGradientError
from pydream.runtime.base import Runtime
from pydream.runtime.on_tensorflow.runtime import TensorFlowRuntime

MEAN = (100.0, 110.0, 120.0)


@pytest.fixture(scope="module")
def graph():
    return frozen(lambda x: tf.nn.relu(conv((5, 5), 2, out=6)(x), name="rectified"))


@pytest.fixture(scope="module")
def path(graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("graphs") / "tiny.pb"
    path.write_bytes(graph.SerializeToString())
    return path


@pytest.fixture
def colours():
    return np.random.RandomState(4).randint(0, 256, (20, 27, 3)).astype(np.uint8)


def test_defaults(path):
    net = pydream.load_net(path)
    assert (net.name, net.default_end, net.dtype, net.channel_order) == ("tiny", "out", np.float32, "RGB")
    np.testing.assert_array_equal(net.mean, np.full((3, 1, 1), 117, np.float32))
    assert list(net.blobs) == ["data", "input", "Conv2D", "rectified", "out"]
    assert net.blobs["data"].shape == (1, 3, 224, 224)
    assert net.params["Conv2D"][0].shape == (6, 3, 5, 5)
    assert (net.inputs, net.image_input, net.channels_last) == (["data"], "data", True)


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_the_network_sees_pixels_minus_mean_times_scale(path, graph, colours, order):
    net = pydream.load_net(path, mean=MEAN, scale=0.25, channel_order=order)
    image = preprocessed = pydream.preprocess(net, colours)
    turned = colours if order == "RGB" else colours[..., ::-1]
    np.testing.assert_array_equal(preprocessed.transpose(1, 2, 0), np.float32(turned) - np.float32(MEAN))
    np.testing.assert_array_equal(pydream.deprocess(net, preprocessed), colours)
    tensor = np.ascontiguousarray(image.transpose(1, 2, 0)[None])
    close(results(net, tensor), imported(graph, tensor, scale=0.25), 2e-6)
    np.testing.assert_array_equal(net.blobs["input"].data[0], image * np.float32(0.25))


def test_steps_are_in_levels_whatever_the_scale(path, colours):
    """The gradient is divided by its mean, so a network's scale alone does not change a linear network's step."""
    linear = frozen(conv((5, 5), 2, out=6)).SerializeToString()
    path.with_name("linear.pb").write_bytes(linear)
    out = []
    for scale in (1.0, 1 / 128):
        net = pydream.load_net(path.with_name("linear.pb"), scale=scale, dtype="float64")
        out.append(pydream.deepdream(net, colours, end="Conv2D", iter_n=3, octave_n=1, rng=np.random.RandomState(0)))
    np.testing.assert_allclose(*out, atol=1e-9)
    assert 1 < np.abs(out[0] - colours).mean() < 10


def test_both_backends_dream_the_same(path, colours):
    net = pydream.load_net(path, scale=0.5, channel_order="BGR")
    out = [
        pydream.deepdream(
            net, colours, end="rectified", iter_n=2, octave_n=2, rng=np.random.RandomState(0), backend=backend
        )
        for backend in ("native", "numpy")
    ]
    np.testing.assert_array_equal(*out)
    assert not np.array_equal(out[0], colours)


def test_a_guide(path, colours):
    net = pydream.load_net(path, dtype="float64")
    objective = pydream.objective_guide(net, colours[::-1], "rectified")
    out = pydream.deepdream(net, colours, end="rectified", iter_n=1, octave_n=1, objective=objective)
    assert np.isfinite(out).all()


def test_no_gradient(tmp_path, colours):
    path = tmp_path / "flat.pb"
    path.write_bytes(frozen(lambda x: tf.stop_gradient(conv((3, 3))(x))).SerializeToString())
    with pytest.raises(ZeroGradientError, match="'out'"):
        pydream.deepdream(pydream.load_net(path), colours, end="out", iter_n=1, octave_n=1)


class OwnRuntime(TensorFlowRuntime):
    """Somebody's."""


def test_what_cannot_be(path, tmp_path):
    for options, match in [
        ({"runtime": "numpy"}, "the runtime 'numpy' has Caffe's layers only"),
        ({"mean": (1, 2)}, "mean .1, 2., expected three numbers"),
        ({"mean": (1, 2, np.nan)}, "expected three numbers"),
        ({"scale": 0}, "scale 0, expected a number other than 0"),
        ({"scale": np.inf}, "scale inf"),
        ({"channel_order": "GBR"}, "channel_order 'GBR', expected one of BGR, RGB"),
        ({"dtype": "float16"}, "dtype float16"),
        ({"weights": path}, "it holds its weights"),
    ]:
        with pytest.raises(ValueError, match=match):
            pydream.load_net(path, **options)
    with pytest.raises(UnknownNameError, match=r"no such file: 'none.pb'"):
        pydream.load_net("none.pb")
    for options in ({"scale": 2.0}, {"input": "data"}):
        with pytest.raises(ValueError, match=r"scale and input are for frozen TensorFlow graphs; '.*deploy"):
            pydream.load_net("squeezenet_v1.1", **options)
    assert issubclass(OwnRuntime, Runtime)
    assert isinstance(pydream.load_net(path, runtime=OwnRuntime).runtime, OwnRuntime)
    with pytest.raises(NetFileError, match=r"no weights for inception5h: .*`pydream models fetch inception5h` gets it"):
        pydream.load_net("inception5h")


def test_a_caffe_network_takes_them_too(colours):
    """Mean and channel order."""
    net = pydream.load_net("squeezenet_v1.1", mean=MEAN, channel_order="RGB")
    image = pydream.preprocess(net, colours)
    np.testing.assert_array_equal(image.transpose(1, 2, 0), np.float32(colours) - np.float32(MEAN))
    assert pydream.load_net("squeezenet_v1.1").channel_order == "BGR"


def test_float64_is_the_weights_cast(path, graph):
    kernel = pydream.load_net(path, dtype="float64").params["Conv2D"][0].data
    assert kernel.dtype == np.float64
    np.testing.assert_array_equal(kernel, np.float64(normal(5, 5, 3, 6).numpy()).transpose(3, 2, 0, 1))
