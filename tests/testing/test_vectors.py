"""The vectors are read back as a port in another language would: without pydream's code."""

import json
import math
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from google.protobuf import text_format
from scipy import ndimage
from support import oracle

from pydream.formats.caffe import caffe_pb2
from pydream.formats.caffe import layers as layer_readers
from pydream.runtime.on_numpy.onnx_layers import RUNNERS as ONNX_RUNNERS
from pydream.testing import vectors
from pydream.testing.layer_cases import layer_cases
from pydream.testing.other_layers import OTHERS
from pydream.testing.vectors import VectorsError, write_vectors

STAGES = {
    "roll", "zoom", "mean_abs", "ascend", "clip", "to_tensor", "ascend_tensor", "affine_transform", "preprocess",
    "deprocess", "save", "octaves", "layer", "network", "guide", "step", "dream",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vectors") / "new" / "folder"
    write_vectors(folder)
    return folder


@pytest.fixture(scope="module")
def manifest(folder):
    return json.loads((folder / "vectors.json").read_text())


@pytest.fixture(scope="module")
def cases(folder, manifest):
    """Stage → cases, with arrays in place of file names."""
    found = {}
    for case in manifest["cases"]:
        for ends in ("inputs", "outputs"):
            case[ends] = {name: np.load(folder / file) for name, file in case[ends].items()}
        found.setdefault(case["stage"], []).append(case)
    return found


def off(found, expected):
    apart, length = np.linalg.norm(np.float64(found) - expected), np.linalg.norm(expected)
    return apart / length if length else apart


def test_what_there_is(folder, manifest, cases):
    assert set(cases) == STAGES
    assert manifest["format"] == 1
    assert manifest["network"]["mean_bgr"] == [104, 116, 122]
    layers = [case["parameters"] for case in cases["layer"]]
    assert {each["type"] for each in layers if each["source"] == "Caffe"} == set(layer_readers.TYPES)
    assert {type(other.layer) for other in OTHERS} == {*ONNX_RUNNERS}  # those that NumPy runs
    for case in manifest["cases"]:
        assert case["name"]
        assert case["function"]
        assert case["outputs"]
        assert 0 <= case["tolerance"] < 1e-5
    names = [case["name"] for case in manifest["cases"]]
    assert len(set(names)) == len(names)
    files = list(folder.iterdir())
    assert {file.suffix for file in files} == {".npy", ".json", ".md"}
    assert sum(file.stat().st_size for file in files) < 5e6


def test_nothing_is_pickled(folder, cases):
    for file in folder.glob("*.npy"):
        assert file.read_bytes().startswith(b"\x93NUMPY\x01\x00")
        array = np.load(file, allow_pickle=False)
        assert array.flags.c_contiguous
        assert str(array.dtype) in ("float32", "float64", "int64", "uint8")
        assert array.dtype.byteorder in "=|"


def test_the_bytes_are_the_same_each_time(folder, tmp_path):
    again = write_vectors(tmp_path / "again")
    assert sorted(path.name for path in again) == sorted(path.name for path in folder.iterdir())
    assert all(path.read_bytes() == (folder / path.name).read_bytes() for path in again)
    kept = [path.read_bytes() for path in again]
    (tmp_path / "again" / "999.roll.in.old.npy").touch()
    (tmp_path / "again" / "mine.npy").touch()
    assert [path.read_bytes() for path in write_vectors(tmp_path / "again")] == kept
    assert not (tmp_path / "again" / "999.roll.in.old.npy").exists()
    assert (tmp_path / "again" / "mine.npy").exists()


def test_a_stopped_run_leaves_no_manifest_and_is_repeated(tmp_path, monkeypatch):
    again, written = tmp_path / "again", vectors.write_whole
    monkeypatch.setattr(vectors.cases, "cases", vectors.cases.images)
    whole = {path.name: path.read_bytes() for path in write_vectors(again)}
    for there in (again, tmp_path / "new"):
        left = iter(range(5))

        def stopped(path, data, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            written(path, data)

        monkeypatch.setattr(vectors, "write_whole", stopped)
        with pytest.raises(KeyboardInterrupt):
            write_vectors(there)
        assert len(list(there.iterdir())) == 5
        assert not (there / "vectors.json").exists()
        monkeypatch.setattr(vectors, "write_whole", written)
        assert {path.name: path.read_bytes() for path in write_vectors(there)} == whole
        assert len(list(there.iterdir())) == len(whole)


def test_a_signal_waits_for_each_file(tmp_path, monkeypatch):
    """Else it could leave a temporary one."""
    held = []

    @contextmanager
    def unbroken():
        held.append(True)
        yield
        held[-1] = False

    def write(path, data):
        assert held[-1]
        path.write_bytes(data)

    monkeypatch.setattr(vectors.system, "unbroken", unbroken)
    monkeypatch.setattr(vectors, "write_whole", write)
    monkeypatch.setattr(vectors.cases, "cases", vectors.cases.images)
    assert len(write_vectors(tmp_path)) == len(held) == len(list(tmp_path.iterdir()))


def test_a_folder_with_other_files(tmp_path):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(VectorsError, match=r"is not empty and has no vectors\.json"):
        write_vectors(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


# A port of the image side, from the formulas.


def test_roll(cases):
    for case in cases["roll"]:
        image, ox, oy = case["inputs"]["image"], case["parameters"]["ox"], case["parameters"]["oy"]
        found = np.empty_like(image)
        for y, x in np.ndindex(image.shape[1:]):
            found[:, (y + oy) % image.shape[1], (x + ox) % image.shape[2]] = image[:, y, x]
        assert np.array_equal(found, case["outputs"]["result"])


def test_zoom(cases):
    quirks = 0
    for case in cases["zoom"]:
        image = case["inputs"]["image"]
        height, width = case["parameters"]["height"], case["parameters"]["width"]
        at, outside = [], []
        for out, size in ((height, image.shape[1]), (width, image.shape[2])):
            coordinate = np.arange(out) * ((size - 1) / (out - 1) if out > 1 else 1.0)
            outside.append(coordinate > size - 1)
            at.append(np.minimum(coordinate, size - 1))
        planes = [ndimage.map_coordinates(p, np.meshgrid(*at, indexing="ij"), order=1) for p in np.float64(image)]
        found = np.stack(planes)
        found[:, outside[0]] = 0
        found[:, :, outside[1]] = 0
        quirks += any(o.any() for o in outside)
        assert off(found, case["outputs"]["result"]) <= max(case["tolerance"], 1e-14), case["name"]
    assert quirks == 4  # two sizes in two dtypes


def test_mean_ascend_clip(cases):
    for case in cases["mean_abs"]:
        values = np.abs(np.float64(case["inputs"]["gradient"])).ravel()
        assert off(math.fsum(values) / values.size, case["outputs"]["result"]) <= case["tolerance"]
    for case in cases["ascend"]:
        g = case["inputs"]["gradient"]
        rate = g.dtype.type(case["parameters"]["step_size"]) / g.dtype.type(np.mean(np.abs(np.float64(g))))
        assert off(case["inputs"]["image"] + rate * g, case["outputs"]["image"]) <= case["tolerance"]
    for case in cases["clip"]:
        image, low, high = (case["inputs"][name] for name in ("image", "low", "high"))
        assert np.array_equal(np.minimum(np.maximum(image, low), high), case["outputs"]["image"])


def test_ascend_tensor(cases):
    for case in cases["ascend_tensor"]:
        image, gradient = case["inputs"]["image"], case["inputs"]["gradient"][0]
        g = gradient.transpose(2, 0, 1) if case["parameters"]["channels_last"] else gradient
        p = case["parameters"]
        if g.any():
            g = np.roll(g, (-p["oy"], -p["ox"]), (1, 2))  # the same as rolling the image
            image = image + p["step_size"] / np.float64(np.abs(np.float64(g)).mean()) * g
            image = np.clip(image, case["inputs"]["low"], case["inputs"]["high"])
        assert off(image, case["outputs"]["image"]) <= case["tolerance"]


def test_affine_transform(cases):
    eras = set()
    for case in cases["affine_transform"]:
        frame, p = np.float64(case["inputs"]["frame"]), case["parameters"]
        (h, w, _), matrix, (dy, dx) = frame.shape, np.array(p["matrix"]), p["offset"]
        (a, b), (c, d) = np.diag(matrix) if matrix.ndim == 1 else matrix
        y, x = np.mgrid[:h, :w]
        at = [a * (y + dy), d * (x + dx)] if p["offset_first"] else [a * y + b * x + dy, c * y + d * x + dx]
        found = np.dstack([ndimage.map_coordinates(plane, at, order=1) for plane in np.moveaxis(frame, 2, 0)])
        assert off(found, case["outputs"]["result"]) <= case["tolerance"], case["name"]
        eras.add((p["offset_first"], matrix.ndim))
    assert eras == {(False, 1), (True, 1), (False, 2)}


def test_pictures(cases):
    (case,) = cases["preprocess"]
    picture, mean = case["inputs"]["picture"], case["inputs"]["mean"]
    bgr = np.stack([np.float64(picture[..., channel]) for channel in (2, 1, 0)])
    assert np.array_equal(bgr - mean, case["outputs"]["image"])
    (case,) = cases["deprocess"]
    assert np.array_equal(picture, case["outputs"]["picture"])
    (case,) = cases["save"]
    assert case["outputs"]["saved"].tolist()[-5:] == [0, 0, 254, 255, 255]
    case = cases["octaves"][0]
    assert case["outputs"]["sizes"].tolist() == [[575, 1024], [411, 731], [294, 522], [210, 373]]


def test_guide(cases):
    (case,) = cases["guide"]
    x, y = (case["inputs"][name].reshape(128, -1) for name in ("activations", "guide_activations"))
    best = [int(np.argmax([x[:, i] @ y[:, j] for j in range(y.shape[1])])) for i in range(x.shape[1])]
    assert np.array_equal(y[:, best].reshape(case["outputs"]["diff"].shape), case["outputs"]["diff"])


# A port of the layers: the oracle.


def window(p):
    pad = (p.pad_h, p.pad_w) if p.HasField("pad_h") else (p.pad[0] if p.pad else 0,) * 2
    stride, dilation = (p.stride[0] if p.stride else 1,) * 2, (p.dilation[0] if p.dilation else 1,) * 2
    return {"stride": stride, "pad": pad, "dilation": dilation}


def pooling(proto):
    p = proto.pooling_param
    if p.global_pooling:
        formula = oracle.average_pooling if p.pool == p.AVE else oracle.max_pooling
        return lambda x: oracle.global_pooling(formula, x), {}
    sizes = {"kernel": (p.kernel_size,) * 2, "stride": (p.stride,) * 2, "pad": (p.pad,) * 2}
    if p.pool != p.MAX:
        return (oracle.average_pooling if p.pool == p.AVE else oracle.stochastic_pooling), sizes
    return (oracle.max_pooling if len(proto.top) == 1 else oracle.pooling_with_mask), {**sizes, "tolerance": 1e-9}


def combined(proto):
    p = proto.eltwise_param
    if p.operation == p.SUM:
        return oracle.weighted_sum, {"coeff": list(p.coeff)}
    return (oracle.product if p.operation == p.PROD else oracle.maximum), {}


def lrn(proto):
    p = proto.lrn_param
    formula = oracle.lrn if p.norm_region == p.ACROSS_CHANNELS else oracle.lrn_within
    return formula, {"size": p.local_size, "alpha": p.alpha, "beta": p.beta, "k": p.k}


def fields(name, *names, **renamed):
    """The fields of the layer's message, as the oracle's keywords."""
    asked = {each: each for each in names} | renamed
    return lambda proto: {to: getattr(getattr(proto, f"{name}_param"), field) for to, field in asked.items()}


def slices(proto):
    """The two examples' slices."""
    p = proto.slice_param
    sizes = [b - a for a, b in pairwise([0, *p.slice_point])]
    return {"tops": len(proto.top), "axis": p.axis % 4, "sizes": [*sizes, None] if sizes else None}


SHAPES = {  # the examples' reshapes
    "dim: 0 dim: -1": lambda n, c, h, w: (n, c * h * w),
    "dim: 2 dim: -1": lambda n, c, h, w: (n, 2, c // 2, h, w),
}
BASE = fields("exp", "base", "scale", "shift"), fields("log", "base", "scale", "shift")

# Type → the oracle's formula and what gives its constants; or what gives both.
PORT = {
    "AbsVal": (oracle.absolute, None),
    "ArgMax": (
        oracle.argmax,
        lambda proto: (
            {"axis": proto.argmax_param.axis if proto.argmax_param.HasField("axis") else None}
            | fields("argmax", "top_k", values="out_max_val")(proto)
        ),
    ),
    "BNLL": (oracle.bnll, None),
    "BatchNorm": lambda proto: (
        (oracle.batch_statistics if proto.batch_norm_param.HasField("use_global_stats") else oracle.batch_norm),
        {},
    ),
    "Bias": (oracle.offset, lambda proto: {"axis": proto.bias_param.axis, "weights": 2 - len(proto.bottom)}),
    "Clip": (oracle.clip, fields("clip", low="min", high="max")),
    "Concat": (oracle.concat, fields("concat", "axis")),
    "Convolution": lambda proto: (
        (partial(oracle.convolutions, bottoms=2) if len(proto.bottom) > 1 else oracle.convolution),
        {**window(proto.convolution_param), "group": proto.convolution_param.group},
    ),
    "Crop": (oracle.crop, lambda proto: {"part": lambda y: np.s_[:, :, 1 : 1 + y[2], 2 : 2 + y[3]]}),
    "Deconvolution": (
        oracle.deconvolution,
        lambda proto: {**window(proto.convolution_param), "group": proto.convolution_param.group},
    ),
    "Dropout": (oracle.same, None),
    "ELU": (oracle.elu, fields("elu", "alpha")),
    "Eltwise": combined,
    "Exp": (oracle.exponential, BASE[0]),
    "Flatten": (oracle.flatten, fields("flatten", "axis", "end_axis")),
    "Im2col": (
        oracle.im2col,
        lambda proto: {**window(proto.convolution_param), "kernel": tuple(proto.convolution_param.kernel_size) * 2},
    ),
    "InnerProduct": (oracle.inner_product, fields("inner_product", "transpose", "axis")),
    "LRN": lrn,
    "Log": (oracle.logarithm, BASE[1]),
    "MVN": (oracle.mvn, fields("mvn", "eps", across="across_channels", variance="normalize_variance")),
    "PReLU": (oracle.prelu, None),
    "Parameter": (oracle.parameter, None),
    "Pooling": pooling,
    "Power": (oracle.power, fields("power", "power", "scale", "shift")),
    "ReLU": (oracle.relu, fields("relu", slope="negative_slope")),
    "Reduction": (
        oracle.reduction,
        lambda proto: (
            {"operation": caffe_pb2.ReductionParameter.ReductionOp.Name(proto.reduction_param.operation)}
            | fields("reduction", "axis", "coeff")(proto)
        ),
    ),
    "Reshape": (
        oracle.reshape,
        lambda proto: {"shape": SHAPES[" ".join(f"dim: {size}" for size in proto.reshape_param.shape.dim)]},
    ),
    "SPP": (
        oracle.pyramid,
        lambda proto: {
            "levels": proto.spp_param.pyramid_height,
            "pooling": oracle.average_pooling if proto.spp_param.pool else oracle.max_pooling,
        },
    ),
    "Scale": (oracle.scale, lambda proto: {"axis": proto.scale_param.axis, "weights": 2 - len(proto.bottom)}),
    "Sigmoid": (oracle.sigmoid, None),
    "Slice": (oracle.slices, slices),
    "Softmax": (oracle.softmax, fields("softmax", "axis")),
    "Split": (oracle.split, lambda proto: {"tops": len(proto.top)}),
    "Swish": (oracle.swish, fields("swish", "beta")),
    "TanH": (oracle.tanh, None),
    "Threshold": (oracle.threshold, fields("threshold", "threshold")),
    "Tile": (oracle.tile, fields("tile", "axis", "tiles")),
}


def test_layers(cases):
    for case in cases["layer"]:
        if case["parameters"]["source"] != "Caffe":
            continue
        proto = text_format.Parse(case["parameters"]["prototxt"], caffe_pb2.NetParameter()).layer[0]
        port = PORT[proto.type]
        function, constants = port(proto) if callable(port) else (port[0], port[1](proto) if port[1] else {})
        inputs, outputs = case["inputs"], case["outputs"]
        bottoms = [inputs[name] for name in proto.bottom]
        weights = [inputs[f"weights{i}"] for i in range(3) if f"weights{i}" in inputs]
        top, back = function(*bottoms, *weights, **constants)
        top = top if isinstance(top, list) else [top]
        for name, values in zip(proto.top, top, strict=True):
            assert off(values, outputs[name]) <= case["tolerance"], case["name"]
        diffs = back(*(inputs[f"{name}_diff"] for name in proto.top))
        for name, values in zip(proto.bottom, diffs, strict=True):
            assert off(values, outputs[f"{name}_diff"]) <= case["tolerance"], case["name"]


def test_other_layers(cases):
    """By a runtime that did not write the files."""
    files = iter(case for case in cases["layer"] if case["parameters"]["source"] != "Caffe")
    for made in layer_cases():
        if made.parameters["source"] != "Caffe":
            case, found = next(files), made.run("tensorflow", "float64")
            for name, expected in case["outputs"].items():
                assert off(found[name], expected) <= case["tolerance"], f"{case['name']}: {name}"


# The network, by a runtime that did not write the files.


def test_network_step_and_dream(cases, squeezenet64):
    import pydream

    net = squeezenet64
    src = net.blobs["data"]
    for case in cases["network"]:
        end = case["parameters"]["end"]
        src.reshape(1, *case["inputs"]["image"].shape)
        src.data[0] = case["inputs"]["image"]
        net.forward(end=end)
        net.blobs[end].diff[...] = net.blobs[end].data
        net.backward(start=end)
        assert off(src.diff[0], case["outputs"]["gradient"]) <= case["tolerance"]
        if "activations" in case["outputs"]:
            assert off(net.blobs[end].data, case["outputs"]["activations"]) <= case["tolerance"]

    class Told:
        """Draws the shifts that the file names, in place of NumPy's generator."""

        def __init__(self, shifts):
            self.shifts = iter(shifts)

        def randint(self, low, high, size):
            return next(self.shifts)

    (case,) = cases["step"]
    p = case["parameters"]
    src.data[0] = case["inputs"]["image"]
    pydream.make_step(net, p["step_size"], p["end"], rng=Told([(p["ox"], p["oy"])]))
    assert off(src.data[0], case["outputs"]["image"]) <= case["tolerance"]

    small, golden = cases["dream"]
    assert golden["inputs"]["shifts"].shape == (18, 2)
    assert sha256(golden["outputs"]["saved"].tobytes()).hexdigest().startswith("e7b8bb86a944812e")
    for case in (small, golden):
        p = {key: case["parameters"][key] for key in ("end", "octave_n", "octave_scale", "iter_n", "step_size")}
        out = pydream.deepdream(net, case["inputs"]["picture"], rng=Told(case["inputs"]["shifts"]), **p)
        assert np.array_equal(np.uint8(np.clip(out, 0, 255)), case["outputs"]["saved"])
        if case is small:
            assert off(out, case["outputs"]["dream"]) <= case["tolerance"]
