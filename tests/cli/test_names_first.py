"""Names are looked up before TensorFlow is started: a wrong layer, channel or class does not wait for it."""

import pytest
from support.clips import moving_square, write_clip
from support.graphs import conv, frozen

from pydream.runtime.on_tensorflow.runtime import TensorFlowRuntime
from pydream.zoo.load import load_net, read_outline

NOPE = "no blob 'fire8/conct'; close: 'fire8/concat'"
TO = ["-o", "out.png"]
WRONG = {
    "layer": (["dream", "in.png", *TO, "-l", "fire8/conct"], NOPE),
    "weight": (["dream", "in.png", *TO, "-l", "conv1", "-l", "fire8/conct:3-7=2"], NOPE),
    "channel": (["dream", "in.png", *TO, "-l", "fire8/concat:7,512"], "no channel 512 in 'fire8/concat'"),
    "image": (["dream", "in.png", *TO, "-l", "data"], "'data' is the image itself"),
    "guide": (["dream", "in.png", *TO, "-g", "in.png", "-l", "fire8/conct"], NOPE),
    "guide's channel": (["dream", "in.png", *TO, "-g", "in.png", "-l", "conv1:3"], "a guide takes up whole layers"),
    "class": (["dream", "in.png", *TO, "--class", "tabbi"], "no class 'tabbi'; close: 281 'tabby'"),
    "class number": (["dream", "in.png", *TO, "--class", "1000"], "no class 1000; there are 1000"),
    "folder": (["dream", "in.png", "-o", "out/", "-l", "fire8/conct"], NOPE),
    "visualize": (["visualize", *TO, "-l", "fire8/conct:7"], NOPE),
    "rendered channel": (["visualize", *TO, "-l", "fire8/concat:512"], "no channel 512 in 'fire8/concat'"),
    "rendered weight": (["visualize", *TO, "-l", "conv1=0.5"], "the renderers take 'conv1=0.5' without a weight"),
    "rendered place": (["visualize", *TO, "-l", "conv1:3@center"], "and without a place, as their tiles are shifted"),
    "channels": (["channels", *TO, "-l", "fire8/conct"], NOPE),
    "channels' channel": (["channels", *TO, "-l", "conv1:60-64"], "no channel 64 in 'conv1'"),
    "atlas": (["atlas", "in.png", *TO, "-l", "fire8/conct"], NOPE),
    "zoom": (["zoom", "in.png", "-o", "out", "-l", "fire8/conct"], NOPE),
    "video": (["video", "in.mp4", "-o", "out.mp4", "--class", "tabbi"], "no class 'tabbi'"),
    "classify": (["classify", "in.png", "--dream", *TO, "--class", "tabbi"], "no class 'tabbi'"),
    "grid": (["grid", "in.png", *TO, "-l", "fire8/conct"], NOPE),
    "octaves": (["octaves", "in.png", *TO, "--class", "tabbi"], "no class 'tabbi'"),
    "history": (["history", "in.png", *TO, "-l", "fire8/conct"], NOPE),
    "sweep": (["sweep", "in.png", *TO, "-l", "conct*"], "no layer to dream with 'conct*'"),
    "reproduce": (["reproduce", "-m", "squeezenet_v1.1", "--layer", "4c", "fire8/conct"], NOPE),
    "bench": (["bench", "-l", "fire8/conct"], NOPE),
    "preset": (["dream", "in.png", *TO, "--preset", "dog"], "no preset 'dog'; close: 'dogs'"),
}


@pytest.fixture
def without_tensorflow(monkeypatch):
    def start(*_, **__):
        raise AssertionError("TensorFlow was started")

    monkeypatch.setattr(TensorFlowRuntime, "__init__", start)


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_name_is_told_first(refused, picture, without_tensorflow, case):
    arguments, text = WRONG[case]
    if case == "video":
        write_clip("in.mp4", moving_square(2))
    assert text in refused(2, *arguments)


def test_the_right_one_starts_it(run, picture, without_tensorflow):
    assert "TensorFlow was started" in run("dream", picture, *TO, "-l", "fire8/concat").err


@pytest.fixture
def models(own_network, folder, root):
    """A network of each format that is read without TensorFlow; that of Caffe's without its weights."""
    graph = frozen(lambda x: conv((3, 3), 3, out=4)(x), (1, 24, 24, 3))
    (folder / "own.pb").write_bytes(graph.SerializeToString())
    (folder / "own.caffemodel").unlink()
    return ["own.prototxt", root / "tests" / "data" / "onnx" / "classic.onnx", "own.pb"]


def test_of_files(refused, picture, models, without_tensorflow):
    for model in models:
        assert "no blob 'nope'; there are: " in refused(2, "dream", picture, *TO, "-m", model, "-l", "nope"), model


@pytest.mark.parametrize("model", ["squeezenet_v1.1", "classic.onnx"])
def test_an_outline_has_the_names_of_the_net(root, model):
    name = root / "tests" / "data" / "onnx" / model if model.endswith("onnx") else model
    outline, net = read_outline(name), load_net(name, runtime="numpy")
    assert list(outline.blobs) == list(net.blobs)
    for each in ("name", "default_end", "logits", "image_input"):
        assert getattr(outline, each) == getattr(net, each), each
    assert {blob: outline.blobs[blob].shape for blob in outline.blobs} == {
        blob: net.blobs[blob].shape for blob in net.blobs
    }
