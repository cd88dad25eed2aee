"""ONNX files of other tools, and of strangers: the model zoo's Caffe networks, old versions, hostile files."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from support.onnxnets import RNG, agrees, made, net_of, value

import pydream
from pydream.errors import LeftOutWarning, NetFileError, UnknownNameError
from pydream.formats import onnx as form
from pydream.formats.onnx.moving import opened


def zoo(opset=9):
    """Return a network as Caffe2 wrote those of the ONNX model zoo."""
    constants = {
        "conv1_w_0": RNG.normal(size=(4, 3, 3, 3)),
        "conv1_b_0": RNG.normal(size=4),
        "cls_w_0": RNG.normal(size=(5, 32)),
        "cls_b_0": RNG.normal(size=5),
        "shape": np.int64([1, 32]),
    }
    nodes = [
        ("Conv", "data_0 conv1_w_0 conv1_b_0", "conv1_1", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        ("Relu", "conv1_1", "conv1_2", {}),
        ("MaxPool", "conv1_2", "pool1_1", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1]}),
        ("LRN", "pool1_1", "norm1_1", {"size": 3, "alpha": 0.5, "beta": 0.75, "bias": 1.0}),
        ("AveragePool", "norm1_1", "mean_1", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 0, 0]}),
        ("Concat", "mean_1 mean_1", "3a/output_1", {"axis": 1}),
        ("Dropout", "3a/output_1", "3a/output_2 _mask", {"ratio": 0.4}),
        ("Reshape", "3a/output_2 shape", "flat_1", {}),
        ("Gemm", "flat_1 cls_w_0 cls_b_0", "cls_1", {"transB": 1}),
        ("Softmax", "cls_1", "prob_1", {}),
    ]
    inputs = [value("data_0", (1, 3, 8, 8)), *(value(name, array.shape) for name, array in constants.items())]
    return made(nodes, constants, inputs, opset, ("prob_1",), producer_name="onnx-caffe2")


@pytest.mark.parametrize("runtime", ["numpy", "tensorflow"])
def test_the_model_zoos_caffe_networks(runtime):
    names = ["conv1", "conv1_2", "pool1", "norm1", "mean", "3a/output", "3a/output_2", "cls", "prob"]
    blobs = {name: name if name.endswith("_2") else f"{name}_1" for name in names}
    net = agrees(zoo(), blobs, name="data_0", runtime=runtime)
    assert list(net.blobs) == ["data", "conv1", "conv1_2", "pool1", "norm1", "mean", "3a/output", "3a/output_2",
                               "flat", "cls", "prob"]  # fmt: skip
    assert form.read(zoo())[2] == form.format._CAFFE


def test_what_pictures_it_wants(tmp_path):
    nodes = [("Relu", "x", "y", {})]
    assert form.read(made(nodes))[2].scale == pytest.approx([1 / 58.395, 1 / 57.12, 1 / 57.375])
    model = onnx.load_from_string(made(nodes))
    helper.set_model_props(model, {"Image.BitmapPixelFormat": "Bgr8", "Image.NominalPixelRange": "Normalized_1_1"})
    assert form.read(model.SerializeToString())[2] == pydream.formats.InputSpec((127.5,) * 3, 1 / 127.5, "BGR")
    grey = made(nodes, inputs=[value("x", (1, 1, 8, 8))])
    assert form.read(grey)[2].mean == (0,)
    assert form.read(grey)[0].declared == {"data": (1, 1, 8, 8)}


OLD = {
    6: [("Add", "x a", "y", {"broadcast": 1, "axis": 1}), ("Mul", "y b", "z", {"broadcast": 1})],
}


def test_broadcasting_of_versions_before_7():
    data = made(OLD[6], {"a": np.arange(3.0), "b": np.float64([2.0])}, opset=6)
    net, _ = net_of(data, spec=pydream.formats.InputSpec((0, 0, 0), 1.0))
    picture = RNG.normal(size=(1, 3, 8, 8))
    net.forward("z", data=picture)
    np.testing.assert_allclose(net.blobs["z"].data, 2 * (picture + np.arange(3.0)[:, None, None]))


# Each: nodes from x to y, constants.
OPS = {
    "wide": ([("Mul", "x w", "y", {})], {"w": RNG.normal(size=(3, 1, 8))}),
    "turned": ([("Sub", "w x", "a", {}), ("Div", "two a", "y", {})],
               {"w": np.full((3, 1, 1), 9.0), "two": np.float64(2)}),
    "pow": ([("Mul", "x x", "a", {}), ("Pow", "a p", "b", {}), ("Sqrt", "b", "y", {})], {"p": np.float64(1.5)}),
    "square": ([("Pow", "x p", "y", {})], {"p": np.int64(2)}),
    "max": ([("Max", "x w", "a", {}), ("Min", "a v", "y", {})],
            {"w": np.float64(0.1), "v": np.full((1, 3, 1, 1), 0.7)}),
    "units": ([("Elu", "x", "a", {}), ("Softplus", "a", "b", {}), ("Selu", "b", "c", {}), ("Exp", "c", "d", {}),
               ("Log", "d", "e", {}), ("Celu", "e", "f", {}), ("Softsign", "f", "g", {}), ("Abs", "g", "h", {}),
               ("Erf", "h", "y", {})], {}),
    "slices": ([("Slice", "x s e a t", "b", {}), ("Transpose", "b", "c", {"perm": [0, 2, 3, 1]}),
                ("Split", "c", "d y", {"axis": 3})],
               {"s": np.int64([-1, 1]), "e": np.int64([-100, 7]), "a": np.int64([3, 2]), "t": np.int64([-2, 2]),
                "half": np.int64([1, 2])}),
    "reduce": ([("ReduceMax", "x", "a", {"axes": [1], "keepdims": 1}), ("ReduceL2", "a", "b", {"axes": [2]}),
                ("ReduceMean", "b", "y", {"axes": [-1], "keepdims": 0})], {}),
    "matrices": ([("Transpose", "x", "a", {"perm": [0, 2, 3, 1]}), ("MatMul", "a w", "b", {}),
                  ("MatMul", "v b", "y", {})],
                 {"w": RNG.normal(size=(3, 4)), "v": RNG.normal(size=(8, 8))}),
    "gather": ([("Gather", "x i", "a", {"axis": 1}), ("Unsqueeze", "a one", "y", {})],
               {"i": np.int64(2), "one": np.int64([1])}),
    "pad": ([("Pad", "x p", "a", {"mode": "reflect"}), ("Pad", "a q v", "y", {})],
            {"p": np.int64([0, 0, 1, 2, 0, 0, 3, 0]), "q": np.int64([0, 0, 1, 0, 0, 0, 0, 2]), "v": np.float64(0.5)}),
    "average": ([("AveragePool", "x", "y", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 0, 1, 1],
                                            "count_include_pad": 1})], {}),
    "clipped": ([("Clip", "p zero", "q", {}), ("Pad", "x q", "y", {})],
                {"p": np.int64([0, 0, 1, -2, 0, 0, 0, 1]), "zero": np.int64(0)}),
    "sizes": ([("Shape", "x", "s", {}), ("Gather", "s zero", "n", {}), ("Unsqueeze", "n zeros", "m", {}),
               ("Concat", "m rest", "t", {"axis": 0}), ("Reshape", "x t", "y", {})],
              {"zero": np.int64(0), "zeros": np.int64([0]), "rest": np.int64([-1])}),
}  # fmt: skip


@pytest.mark.parametrize("op", OPS)
def test_ops(op):
    nodes, constants = OPS[op]
    if op == "slices":
        nodes = [*nodes[:2], ("Split", "c half", "d y", {"axis": 3})]
    data = made(nodes, constants)
    graph, params, _ = form.read(data, pydream.formats.InputSpec((0, 0, 0), 1.0, "RGB"))
    assert graph.left_out == {}
    end = graph.blobs[-1]
    picture = RNG.normal(size=(1, 3, 8, 8))
    (wanted,) = ReferenceEvaluator(onnx.load_from_string(data)).run(["y"], {"x": picture})
    gradients = []
    for runtime in ("numpy", "tensorflow"):
        net = pydream.runtime.Net(graph, params, "float64", runtime)
        net.forward(end, data=picture)
        found = net.blobs[end].data
        moved = found.shape != wanted.shape  # a blob keeps its channels where they were
        wanted_here = wanted.transpose(0, 3, 1, 2) if moved else wanted
        np.testing.assert_allclose(found, wanted_here, rtol=1e-6 if op == "units" else 1e-9, atol=1e-12)
        net.blobs[end].diff[...] = np.cos(np.arange(found.size)).reshape(found.shape)
        net.backward(end)
        gradients.append(net.blobs["data"].diff.copy())
    np.testing.assert_allclose(*gradients, rtol=1e-9, atol=1e-12)
    step = RNG.normal(size=picture.shape)  # the gradient is the derivative
    sums = []
    for sign in (1, -1):
        net.forward(end, data=picture + sign * 1e-6 * step)
        sums.append((net.blobs[end].data * np.cos(np.arange(found.size)).reshape(found.shape)).sum())
    assert (sums[0] - sums[1]) / 2e-6 == pytest.approx((gradients[0] * step).sum(), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("shape", "wanted", "sizes"),
    [
        ((1, 256, 6, 6), (1, 9216), ((0,), (1, 2, 3))),
        ((1, 256, 6, 6), (-1, 9216), ((0,), (1, 2, 3))),
        ((1, 1024, 1, 1), (1, 1024), ((0,), (1, 2, 3))),
        ((1, 116, 28, 20), (1, 2, 58, 28, 20), ((0,), 2, 58, (2,), (3,))),
        ((1, 6, 4, 4), (1, 3, -1), ((0,), 3, -1)),
        ((1, 6, 4, 4), (1, 3, 32), ((0,), 3, -1)),
        ((1, 8, 4, 4), (1, 8, 16), ((0,), (1,), (2, 3))),
    ],
)
def test_reshapes_are_opened(shape, wanted, sizes):
    assert opened(shape, wanted) == sizes


def test_channels_last_input_and_a_batch():
    weights = RNG.normal(size=(4, 3, 1, 1))
    nodes = [("Transpose", "x", "a", {"perm": [0, 3, 1, 2]}), ("Conv", "a w", "y", {}), ("Reshape", "y s", "z", {})]
    data = made(nodes, {"w": weights, "s": np.int64([16, 4 * 64])}, [value("x", (16, 8, 8, 3))])
    net, _ = net_of(data, spec=pydream.formats.InputSpec((0, 0, 0), 1.0))
    assert net.blobs["data"].shape == (1, 3, 8, 8)
    assert net.blobs["z"].shape == (1, 256)
    picture = RNG.normal(size=(1, 3, 8, 8))
    net.forward("y", data=picture)
    np.testing.assert_allclose(net.blobs["y"].data, np.einsum("oc,nchw->nohw", weights[:, :, 0, 0], picture))


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_weights_of_sixteen_bits(kind):
    values = np.float32([0.5, -2, 3]).reshape(1, 3, 1, 1)
    model = onnx.load_from_string(made([("Conv", "x w", "y", {})], {"w": values}))
    half = (
        values.astype(np.float16).tobytes()
        if kind == "float16"
        else (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    )
    number = TensorProto.FLOAT16 if kind == "float16" else TensorProto.BFLOAT16
    model.graph.initializer[0].CopyFrom(TensorProto(name="w", dims=values.shape, data_type=number, raw_data=half))
    _, params, _ = form.read(model.SerializeToString())
    np.testing.assert_array_equal(params["y"][0], values)


def test_what_cannot_be_run_is_left_out_with_the_reason(tmp_path):
    nodes = [
        ("Relu", "x", "a", {}),
        ("QuantizeLinear", "a scale", "q", {}),
        ("DequantizeLinear", "q scale", "d", {}),
        ("Conv", "a w5", "c", {}),
        ("NonZero", "a", "n", {}),
        ("Relu", "d", "y", {}),
    ]
    file = tmp_path / "net.onnx"
    file.write_bytes(made(nodes, {"scale": np.float32(1), "w5": RNG.normal(size=(4, 3, 1, 1, 1))}))
    with pytest.warns(LeftOutWarning, match="5 of 7 layers cannot be run; the first: .*works on numbers of 8 bits"):
        net = pydream.load_net(file, runtime="numpy")
    assert list(net.blobs) == ["data", "x", "a"]
    for name, why in [("y", "8 bits"), ("c", "expected four sizes"), ("n", "'NonZero', which is not supported")]:
        with pytest.raises(UnknownNameError, match=why):
            net.forward(name)


def broken(change):
    model = onnx.load_from_string(made([("Conv", "x w", "y", {})], {"w": np.ones((2, 3, 1, 1))}))
    change(model)
    return model.SerializeToString()


def outside(model):
    model.graph.initializer[0].ClearField("raw_data")
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    model.graph.initializer[0].external_data.add(key="location", value="../../../etc/passwd")


def recursive(model):
    node = helper.make_node("Again", ["a"], ["b"], domain="d")
    function = helper.make_function("d", "Again", ["a"], ["b"], [node], [helper.make_opsetid("d", 1)])
    model.functions.append(function)
    model.graph.node.append(helper.make_node("Again", ["y"], ["z"], domain="d"))


def doubling(model):
    for depth in range(20):
        inner = [helper.make_node(f"F{depth + 1}", ["a"], ["c"], domain="d"),
                 helper.make_node(f"F{depth + 1}", ["c"], ["b"], domain="d")]  # fmt: skip
        function = helper.make_function("d", f"F{depth}", ["a"], ["b"], inner, [helper.make_opsetid("d", 1)])
        model.functions.append(function)
    model.graph.node.append(helper.make_node("F0", ["y"], ["z"], domain="d"))


def deep(model):
    inner = [helper.make_node("Relu", ["a"], ["b"])]
    for depth in range(400):
        function = helper.make_function("d", f"F{depth}", ["a"], ["b"], inner, [helper.make_opsetid("d", 1)])
        model.functions.append(function)
        inner = [helper.make_node(f"F{depth}", ["a"], ["b"], domain="d")]
    model.graph.node.append(helper.make_node("F399", ["y"], ["z"], domain="d"))


def wide(model):
    inner = [helper.make_node("Concat", ["a" * 1000] * 10_000, ["b"])]
    model.functions.append(helper.make_function("d", "F", ["a"], ["b"], inner, [helper.make_opsetid("", 13)]))
    model.graph.node.extend(helper.make_node("F", ["y"], [f"z{i}"], domain="d") for i in range(10))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (outside, "is in another file, which is not opened"),
        (recursive, "the function 'Again' calls itself"),
        (doubling, "more than 32768 nodes"),
        (deep, "functions call one another more than 32 deep"),
        (wide, "more than 67108864 characters in names"),
        (lambda model: model.graph.initializer.add(name="e", data_type=1, dims=[0, 2**62], raw_data=b""), "too big"),
        (lambda model: model.graph.initializer[0].dims.append(2), "48 bytes for shape .*, expected 96"),
        (lambda model: model.graph.initializer[0].dims.extend([2**20] * 4), "expected sizes and at most"),
        (lambda model: model.graph.node[0].input.append("nowhere"), "reads 'nowhere', which nothing makes"),
        (lambda model: model.graph.node[0].input.append("y"), "reads its own result"),
        (lambda model: model.graph.node.add().CopyFrom(model.graph.node[0]), "the value 'y' is made twice"),
        (
            lambda model: model.graph.input.add().CopyFrom(value("z", (1, 3, 8, 8))),
            "2 inputs: 'x', 'z'; name the input",
        ),
        (lambda model: model.graph.input.pop(), "reads 'x', which nothing makes"),
        (lambda model: model.ClearField("graph"), "not an ONNX network"),
    ],
)
def test_damaged_and_hostile_files(change, message):
    with pytest.raises(NetFileError, match=message):
        form.read(broken(change))


def test_a_name_that_is_not_utf_8():
    data = made([("Conv", "x w", "y", {})], {"w": np.ones((2, 3, 1, 1))})
    with pytest.raises(NetFileError, match="a name is not UTF-8"):
        form.read(data.replace(b"Conv", b"C\xffnv"))


def test_memory_is_not_taken_for_what_a_small_file_asks_for():
    nodes = [("ConstantOfShape", "s", "big", {}), ("Add", "x big", "y", {}), ("Relu", "x", "z", {})]
    graph, *_ = form.read(made(nodes, {"s": np.int64([2**20, 2**20])}))
    assert "takes" in graph.left_out["y"]
    assert "z" in graph.blobs


@pytest.mark.parametrize(
    ("node", "constant", "reason"),
    [
        (("Gather", "x c", "y", {"axis": 1}), np.zeros(0, np.int64), "makes no values"),
        (("Clip", "x c", "y", {}), np.float64("nan"), "a limit is not a number"),
        (("Clip", "x c", "y", {}), np.ones(2), "can only convert an array of size 1"),
    ],
)
def test_constants_that_make_no_sense(node, constant, reason):
    graph, *_ = form.read(made([("Relu", "x", "a", {}), node], {"c": constant}))
    assert reason in graph.left_out["y"]


def test_a_module_path_without_end_names_nothing():
    """Each module's path is noted with all that are around it: one of a megabyte would take its square."""
    graph, *_ = form.read(made([("Relu", "x", "y", {"name": f"/{'a.' * 2**19}/Relu"})]))
    assert list(graph.blobs)[-1] == "y"


def test_outputs_that_have_no_name():
    nodes = [("Relu", "x", "", {}), ("Split", "x", "b", {"axis": 1}), ("Relu", "x", "d", {}), ("Relu", "b", "y", {})]
    model = onnx.load_from_string(made(nodes))
    model.graph.node[0].ClearField("output")
    model.graph.node[1].output[:] = ["", "b", "c"]
    model.graph.node[2].output[:] = ["", "d"]
    graph, *_ = form.read(model.SerializeToString())
    assert {"b", "c", "y"} <= set(graph.blobs)
    assert "leaves out its output 0" in graph.left_out["d"]


def test_sizes_that_are_sliced_without_axes():
    nodes = [("Shape", "x", "s", {}), ("Slice", "s zero two", "t", {}), ("Reshape", "x t", "y", {})]
    model = onnx.load_from_string(made(nodes, {"zero": np.int64([0]), "two": np.int64([4]), "one": np.int64([1])}))
    model.graph.node[1].input.extend(["", "one"])
    graph, *_ = form.read(model.SerializeToString())
    assert graph.left_out == {}


def test_selu_is_that_of_pytorch_in_float64():
    """ONNX has its constants rounded to float32, which PyTorch's are not; the exporters write none."""
    net, _ = net_of(made([("Selu", "x", "y", {})]))
    net.blobs["data"].reshape(1, 3, 8, 8)
    picture = RNG.normal(size=(1, 3, 8, 8))
    net.forward("y", data=picture)
    scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
    wanted = scale * np.where(net.blobs["x"].data > 0, net.blobs["x"].data, alpha * np.expm1(net.blobs["x"].data))
    np.testing.assert_allclose(net.blobs["y"].data, wanted, rtol=1e-12)


@pytest.mark.parametrize("runtime", ["numpy", "tensorflow"])
def test_the_norm_of_nothing_has_no_gradient(runtime):
    net, _ = net_of(made([("Relu", "x", "a", {}), ("ReduceL2", "a", "y", {"axes": [2, 3]})]), runtime)
    net.blobs["data"].reshape(1, 3, 8, 8)
    picture = np.full((1, 3, 8, 8), -1.0)
    picture[:, 1] = 3
    net.forward("y", data=picture)
    net.blobs["y"].diff[:] = 1
    net.backward("y")
    found = net.blobs["data"].diff
    np.testing.assert_array_equal(found[:, [0, 2]], 0)
    assert np.isfinite(found).all()
    assert (found[:, 1] > 0).all()


def test_a_function_is_written_out():
    def change(model):
        inner = [helper.make_node("LeakyRelu", ["a"], ["b"])]
        inner[0].attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=1))
        function = helper.make_function("d", "F", ["a"], ["b"], inner, [helper.make_opsetid("", 13)], ["slope"])
        model.functions.append(function)
        model.graph.node.append(helper.make_node("F", ["y"], ["z"], domain="d", slope=0.5))

    graph, *_ = form.read(broken(change))
    assert graph.steps[-1].layer.name == "z"
    assert graph.steps[-1].layer.negative_slope == 0.5


def test_the_onnx_package_is_imported_for_onnx_files_only():
    import subprocess
    import sys

    code = "import sys, pydream.formats; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
