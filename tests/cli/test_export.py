"""`pydream export` writes one ONNX file, or says in one line why not."""

import signal

import numpy as np
import onnx
import pytest
from support import nets

import pydream
from pydream.easy import export
from pydream.errors import ExportError
from pydream.files import write_whole
from pydream.runtime.on_onnx import model

LAYER = "fire2/squeeze1x1"


def test_a_file(run, tmp_path):
    """What is in it: names, open sizes, metadata, and the weights once."""
    path = tmp_path / "step.onnx"
    code, out, err = run("export", "-l", LAYER, "-o", path)
    assert (code, out) == (0, "")
    assert err == f"wrote '{path}', {path.stat().st_size / 1e6:.1f} MB, for images of any size\n"
    made = onnx.load(path)
    shapes = {
        each.name: [dim.dim_param or dim.dim_value for dim in each.type.tensor_type.shape.dim]
        for each in (*made.graph.input, *made.graph.output)
    }
    assert shapes == {
        "image": [1, 3, "height", "width"],
        "gradient": [1, 3, "height", "width"],
        "activations": [1, 16, "activations_height", "activations_width"],
    }
    assert {each.key: each.value for each in made.metadata_props} == {
        "pydream": pydream.__version__,
        "network": "squeezenet_v1.1",
        "layer": LAYER,
        "channels": "all",
        "objective": "l2",
        "layout": "nchw",
        "channel_order": "BGR",
        "mean": "104,116,122",
    }
    assert {each.domain for each in made.opset_import} == {""}
    assert path.stat().st_size < 4 * (64 * 27 + 64 + 16 * 64 + 16) + 30_000


def test_channels_layout_dtype_and_size(run, tmp_path):
    path = tmp_path / "step.onnx"
    code, _, err = run(
        *["export", "-l", f"{LAYER}:0-2,7", "-o", path, "--exact", "--layout", "nhwc", "--image-size", "40x32"]
    )
    assert (code, err.endswith("for images of 40x32\n")) == (0, True), err
    made = onnx.load(path)
    (image,) = made.graph.input
    assert [dim.dim_value for dim in image.type.tensor_type.shape.dim] == [1, 32, 40, 3]
    assert image.type.tensor_type.elem_type == onnx.TensorProto.DOUBLE
    assert {each.key: each.value for each in made.metadata_props}["channels"] == "0-2,7"


def test_a_layer_that_fixes_the_size_is_named(run, tmp_path):
    text = nets.inputs(data=(1, 3, 9, 8)) + nets.layer(
        "fc", "InnerProduct", "data", "fc", "inner_product_param { num_output: 2 }"
    )
    (tmp_path / "own.prototxt").write_text(text)
    (tmp_path / "own.caffemodel").write_bytes(nets.weights(fc=[np.ones((2, 216)), np.ones(2)]).SerializeToString())
    code, _, err = run("export", "-m", tmp_path / "own.prototxt", "-l", "fc", "-o", tmp_path / "step.onnx")
    assert code == 0, err
    assert err.endswith("for images of 8x9 alone, since layer 'fc' (InnerProduct) takes no other\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["-l", "fire99"], 2, "no blob 'fire99'; close: 'fire9/concat'"),
        (["-l", f"{LAYER}:16"], 2, "no channel 16; the layer has 16: 0 to 15"),
        (["-l", f"{LAYER}:1", "--channels", "2"], 2, "channels twice"),
        (["--channels", "two"], 2, "'two'"),
        (["--channels", "5-3"], 2, "'--channels': '5-3' in '5-3' is not a range of channels"),
        (["--channels", "5,5"], 2, "channels: 5,5, expected each once"),
        (["-l", LAYER, "--image-size", "2x2"], 1, "2x2"),
        (["-l", "data"], 2, "'data' is the image itself"),
        (["-m", "nothing.prototxt"], 2, "no such file: 'nothing.prototxt'"),
    ],
)
def test_what_cannot_be_written_is_said_in_a_line(run, tmp_path, arguments, code, words):
    seen = run("export", "-o", tmp_path / "step.onnx", *arguments)
    assert (seen.code, seen.out, seen.err.count("\n")) == (code, "", 1), seen
    assert words in seen.err
    assert not list(tmp_path.iterdir())


def test_weights_that_no_file_holds(run, tmp_path, monkeypatch):
    monkeypatch.setattr(model, "MOST_BYTES", 10_000)
    code, _, err = run("export", "-l", LAYER, "-o", tmp_path / "step.onnx")
    assert code == 1
    assert f"the weights up to '{LAYER}' take 0.0 GB in float32, and an ONNX file holds 2 GB" in err


def test_an_input_that_takes_no_picture(tmp_path):
    net = nets.build(nets.inputs(data=(1, 6)) + nets.layer("y", "Softmax", "data", "y"), "float32", "numpy")
    with pytest.raises(ExportError, match=r"^the input 'data' takes 2 axes, and pictures have 4$"):
        pydream.export_onnx(net, tmp_path / "step.onnx", "y")


def test_a_folder_that_is_not_there(tmp_path):
    net = nets.two_layers("numpy")
    with pytest.raises(ExportError, match=r"^cannot write .*step.onnx': No such file"):
        pydream.export_onnx(net, tmp_path / "no" / "step.onnx", "top")


def test_a_layer_without_operators_is_named(tmp_path):
    text = nets.inputs(data=(1, 3, 4, 5)) + nets.layer("best", "ArgMax", "data", "best")
    with pytest.raises(ExportError, match=r"^layer 'best' \(ArgMax\): no ONNX operators for it$"):
        pydream.export_onnx(nets.build(text, "float32", "numpy"), tmp_path / "step.onnx", "best")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"channels": -1}, "^channels: expected .* each at least 0"),
        ({"channels": [1.0]}, "integer"),
        ({"kind": "most"}, "^kind: 'most', expected one of 'l2', 'mean', 'sum'$"),
        ({"size": (8, 8, 3)}, "too many values"),
    ],
)
def test_wrong_values(tmp_path, options, match):
    with pytest.raises((ValueError, TypeError), match=match):
        pydream.export_onnx(nets.two_layers("numpy"), tmp_path / "step.onnx", "top", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"channels": 0}, {"kind": "mean"}])
def test_a_layer_without_channels(tmp_path, options):
    net = nets.build(nets.inputs(data=(1, 3, 8, 9)) + nets.layer("all", "Reduction", "data", "all"), "float32", "numpy")
    with pytest.raises(ExportError, match=r"^the layer has no channels: only 'l2' of all of it can be written$"):
        pydream.export_onnx(net, tmp_path / "step.onnx", "all", **options)


def test_an_input_beside_the_picture_fixes_its_size(tmp_path):
    text = nets.inputs(data=(1, 3, 8, 9), other=(1, 2, 8, 9))
    text += 'layer { name: "both" type: "Concat" bottom: "data" bottom: "other" top: "both" }'
    made = pydream.export_onnx(nets.build(text, "float32", "numpy"), tmp_path / "step.onnx", "both")
    assert made[1:] == ((8, 9), "'both' (Concat)")


def test_numpys_numbers(tmp_path):
    net = nets.two_layers("numpy")
    options = {"channels": np.int64(1), "size": (np.int64(8), np.int32(9))}
    assert pydream.export_onnx(net, tmp_path / "step.onnx", "top", **options).size == (8, 9)


def test_a_signal_waits_for_the_whole_file(run, tmp_path, monkeypatch):
    def interrupted(path, content):
        signal.raise_signal(signal.SIGINT)
        write_whole(path, content)

    monkeypatch.setattr(export, "write_whole", interrupted)
    seen = run("export", "-l", LAYER, "-o", tmp_path / "step.onnx")
    assert (seen.code, seen.err.count("wrote")) == (0, 1), seen
    onnx.load(tmp_path / "step.onnx")
