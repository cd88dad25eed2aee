"""A step's gradient as an ONNX graph, in ONNX Runtime: each layer type as our own formulas, at any size."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from support import graphs, nets

from pydream.errors import ExportError
from pydream.runtime.on_onnx import Objective, step_model
from pydream.testing.layers import EXAMPLES
from pydream.zoo.load import load_net

onnxruntime = pytest.importorskip("onnxruntime", reason="NOT PROVEN HERE: ONNX Runtime is not installed")
onnxruntime.set_default_logger_severity(3)

# As in test_layers.py. What is squared twice has twice the error.
TOLERANCE = {"float64": 2e-12, "float32": 4e-6}
NO_GRADIENT = ("ArgMax", "Threshold", "Parameter")
DATA = Path(__file__).parents[1] / "data" / "onnx"


def run(made, image):
    """Gradient and activations."""
    session = onnxruntime.InferenceSession(made.model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["gradient", "activations"], {"image": image})


def expected(net, end, image):
    net.image.reshape(*image.shape)
    net.image.data[...] = image
    net.forward(end=end)
    net.blobs[end].copy_data_to_diff()
    net.backward(start=end)
    return net.image.diff, net.blobs[end].data


def assert_same(net, end, made, image):
    for got, wanted in zip(run(made, image), expected(net, end, image), strict=True):
        assert nets.off(got, wanted) < TOLERANCE[image.dtype.name]


def of_example(example, dtype):
    """A network of a layer whose bottoms are made of the picture where they can be; the seed is no layer's own top."""
    shapes = [(1, *shape[1:]) for shape in example.bottoms]
    first = shapes[0] if len(shapes[0]) == 4 else (1, 1, 1, int(np.prod(shapes[0])))
    text, others, bottoms = "", {}, []
    for i, shape in enumerate(shapes):
        name = f"bottom{i}"
        if np.prod(shape) != np.prod(first) or (len(shape) == 4 and shape != first):
            others[name] = shape
        elif len(shape) == 4:
            text += nets.layer(name, "Power", "data", name, f"power_param {{ scale: {1 + i / 4} shift: {i / 100} }}")
        else:
            dims = " ".join(f"dim: {size}" for size in shape)
            text += nets.layer(name, "Reshape", "data", name, f"reshape_param {{ shape {{ {dims} }} }}")
        bottoms.append(name)
    tops = ["y", "z", "v"][: example.tops]
    text += nets.layer("it", example.type, " ".join(bottoms), " ".join(tops), example.constants)
    text += nets.layer("end", "Power", "y", "end", "power_param { power: 2 scale: 0.5 shift: 0.75 }")
    rng = np.random.default_rng(7)
    weights = [np.abs(nets.normal(rng, *shape)) + 0.5 for shape in example.weights]
    net = nets.build(nets.inputs(data=first, **others) + text, dtype, "numpy", **({"it": weights} if weights else {}))
    net.graph.image_input = net.image_input = "data"  # whatever the others' shapes are
    return net


@pytest.mark.parametrize("dtype", [pytest.param("float32"), pytest.param("float64", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "example", [each for each in EXAMPLES if each.type not in NO_GRADIENT], ids=lambda each: each.type
)
def test_layer_is_the_formula(example, dtype):
    net = of_example(example, dtype)
    shape = net.image.shape
    made = step_model(net.runtime, "end", size=shape[2:] if len(net.inputs) > 1 else None)
    for turn in range(1 if made.size else 2):
        grown = (*shape[:2], shape[2] + turn, shape[3] + 2 * turn)
        assert_same(net, "end", made, nets.spread(np.random.default_rng(turn), grown).astype(dtype))


@pytest.mark.parametrize("name", ["ArgMax", "Threshold"])
def test_a_layer_without_a_gradient_is_named(name):
    text = nets.inputs(data=(1, 3, 4, 5)) + nets.layer("it", name, "data", "y")
    with pytest.raises(ExportError, match=r"'it'|'y'"):
        step_model(nets.build(text, "float32", "numpy").runtime, "y")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("kernel", "stride", "pad"),
    [((3, 3), (2, 2), (0, 0)), ((3, 3), (1, 1), (1, 1)), ((2, 3), (2, 1), (1, 2)), ((4, 4), (3, 3), (3, 3))],
)
def test_ties_of_max_pooling(kernel, stride, pad, dtype):
    """All of the gradient goes to the first of equal values, at odd and even sizes; not one bit is another."""
    constants = (
        f"kernel_h: {kernel[0]} kernel_w: {kernel[1]} stride_h: {stride[0]} stride_w: {stride[1]} "
        f"pad_h: {pad[0]} pad_w: {pad[1]}"
    )
    text = nets.inputs(data=(1, 3, 6, 7)) + nets.layer("it", "Pooling", "data", "y", f"pooling_param {{ {constants} }}")
    net = nets.build(text, dtype, "numpy")
    made = step_model(net.runtime, "y")
    rng = np.random.default_rng(5)
    for size in ((6, 7), (7, 6), (9, 9), (8, 12)):
        for shift in (0, -7):
            image = (rng.integers(-2, 3, (1, 3, *size)) + shift).astype(dtype)
            for got, wanted in zip(run(made, image), expected(net, "y", image), strict=True):
                assert np.array_equal(got, wanted)


def test_places_of_equal_largest_values():
    text = nets.inputs(data=(1, 2, 3, 5)) + nets.layer(
        "it", "Pooling", "data", "y", "pooling_param { global_pooling: true }"
    )
    net = nets.build(text, "float32", "numpy")
    image = np.random.default_rng(0).integers(-3, 2, (1, 2, 7, 4)).astype(np.float32)
    for got, wanted in zip(run(step_model(net.runtime, "y"), image), expected(net, "y", image), strict=True):
        assert np.array_equal(got, wanted)


@pytest.mark.parametrize("kind", ["l2", "mean", "sum"])
@pytest.mark.parametrize("channels", [(), (3, 0)])
def test_objectives(kind, channels):
    from pydream.dream.objectives import Score, Term

    net = nets.two_layers("numpy")
    image = nets.spread(np.random.default_rng(0), (1, 3, 11, 12))
    net.image.reshape(*image.shape)
    net.image.data[...] = image
    net.forward(end="top")
    Score((Term("top", kind, channels),))(net.blobs["top"])
    net.backward(start="top")
    for layout, axes in (("nchw", (0, 1, 2, 3)), ("nhwc", (0, 2, 3, 1))):
        made = step_model(net.runtime, "top", Objective(kind, channels), layout)
        gradient, activations = run(made, image.transpose(axes))
        assert nets.off(gradient, net.image.diff.transpose(axes)) < 1e-13
        assert nets.off(activations, net.blobs["top"].data.transpose(axes)) < 1e-13


@pytest.mark.parametrize("name", ["classic", "mobile", "modern"])
def test_networks_of_other_layers(name):
    """Those of ONNX: what is read can be written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = load_net(DATA / f"{name}.onnx", dtype="float32", runtime="numpy")
    made = step_model(net.runtime, net.default_end)
    shape = (1, *net.image.shape[1:])
    image = nets.spread(np.random.default_rng(0), shape).astype(np.float32)
    assert_same(net, net.default_end, made, image)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_tensorflows_padding(padding):
    """It depends on the size, which is open."""

    def build(x):
        x = graphs.tf.nn.relu(graphs.conv((3, 3), 2, padding)(x))
        x = graphs.conv((2, 2), 1, padding, out=3, channels=5)(graphs.tf.nn.max_pool2d(x, 3, 2, padding))
        return graphs.tf.nn.avg_pool2d(graphs.depthwise((3, 3), padding=padding)(x), 2, 2, padding)

    net = graphs.net_of(graphs.frozen(build).SerializeToString())
    made = step_model(net.runtime, "out")
    assert made.size is None
    for size in ((38, 41), (39, 40), (45, 47)):
        assert_same(net, "out", made, graphs.picture(*size, np.float32).reshape(1, *size, 3).transpose(0, 3, 1, 2))


def test_what_tensorflow_alone_runs_is_named():
    net = graphs.net_of(graphs.frozen(graphs.tf.nn.softsign).SerializeToString())
    with pytest.raises(ExportError, match=r"^layer '\w+' \(\w+\): no ONNX operators for it$"):
        step_model(net.runtime, "out")


@pytest.mark.parametrize("size", [(98, 113), (131, 97), (96, 128)])
def test_one_file_for_any_size(squeezenet_step, size):
    """The built-in network: odd and even sizes, within what float32 moves (the issue of the first gradients)."""
    net, session = squeezenet_step
    image = np.random.RandomState(0).uniform(-100, 140, (1, 3, *size)).astype(np.float32)
    gradient, activations = session.run(["gradient", "activations"], {"image": image})
    wanted = expected(net, "fire8/concat", image)
    assert nets.off(gradient, wanted[0]) < 2e-6
    assert nets.off(activations, wanted[1]) < 2e-6


def test_in_openvino(squeezenet_step):
    openvino = pytest.importorskip("openvino", reason="NOT PROVEN HERE: OpenVINO is not installed")
    net, _ = squeezenet_step
    core = openvino.Core()
    made = core.read_model(step_model(net.runtime, "fire8/concat").model.SerializeToString())
    request = core.compile_model(made, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    for size in ((98, 113), (131, 97)):
        image = np.random.RandomState(0).uniform(-100, 140, (1, 3, *size)).astype(np.float32)
        request.infer([image])
        for name, wanted in zip(("gradient", "activations"), expected(net, "fire8/concat", image), strict=True):
            assert nets.off(request.get_tensor(name).data, wanted) < 2e-6


@pytest.mark.parametrize("size", [(98, 113), (131, 97)])
def test_googlenet(shared, size):
    net = load_net("bvlc_googlenet", shared / "models" / "bvlc_googlenet.caffemodel", runtime="native")
    image = np.random.RandomState(0).uniform(-100, 140, (1, 3, *size)).astype(np.float32)
    made = step_model(net.runtime, "inception_4c/output")
    for got, wanted in zip(run(made, image), expected(net, "inception_4c/output", image), strict=True):
        assert nets.off(got, wanted) < 2e-6


@pytest.fixture(scope="module")
def squeezenet_step():
    net = load_net("squeezenet_v1.1", runtime="native")
    made = step_model(net.runtime, "fire8/concat").model.SerializeToString()
    return net, onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
