"""Frozen TensorFlow graphs on the command line: told what they take, kept under a name, dreamt with and replayed."""

import json
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from support.graphs import constant, conv, frozen, tf, v1

import pydream
from pydream.media.image import read_image, read_note
from pydream.zoo.registry import find_network

SHORT = ["-n", "1", "--octaves", "1", "--seed", "0"]
TOLD = ["--mean", "100,110.5,120", "--pixel-scale", "0.25", "--channel-order", "BGR"]


@pytest.fixture
def graph(folder):
    """A network with a second placeholder for pictures."""

    def build(x):
        other = v1.placeholder("float32", (1, 4, 4, 3), "style")
        return conv((5, 5), 2, out=6)(x) + 0 * other[0, 0, 0, 0] * constant(1)

    path = folder / "two.pb"
    path.write_bytes(frozen(build, (None, 40, 48, 3)).SerializeToString())
    return path


def test_dream_and_replay(run, refused, graph, picture):
    needs_input = refused(1, "dream", picture, "-o", "out.png", "-m", graph, "-l", "Conv2D", *SHORT)
    assert "two.pb: 2 placeholders: 'input', 'style'; name the input" in needs_input
    chosen = ["-m", graph, "-l", "Conv2D", "--input-node", "input", *TOLD]
    assert run("dream", picture, "-o", "out.png", *chosen, *SHORT, "--dtype", "float64").code == 0
    said = json.loads(read_note("out.png"))
    assert {key: said["network"][key] for key in ("name", "mean", "scale", "channel_order", "input")} == {
        "name": "two", "mean": [100, 110.5, 120], "scale": 0.25, "channel_order": "BGR", "input": "input",
    }  # fmt: skip
    for words in ("--mean 100,110.5,120", "--pixel-scale 0.25", "--channel-order BGR", "--input-node input"):
        assert words in said["command"]
    net = pydream.load_net(
        graph, mean=(100, 110.5, 120), scale=0.25, channel_order="BGR", input="input", dtype="float64"
    )
    options = {"end": "Conv2D", "iter_n": 1, "octave_n": 1, "rng": np.random.RandomState(0)}
    dream = pydream.deepdream(net, read_image(picture), **options)
    np.testing.assert_array_equal(read_image("out.png"), np.uint8(np.clip(dream, 0, 255)))
    again = run("replay", "out.png", "-m", graph)
    assert (again.code, again.out.split(":")[0]) == (0, "identical")


def test_export(run, refused, folder):
    """What TensorFlow alone runs is named, where the layer is not in front of it."""
    graph = frozen(lambda x: tf.nn.softsign(conv((3, 3), 1)(x), name="behind"))
    (folder / "own.pb").write_bytes(graph.SerializeToString())
    seen = run("export", "-m", "own.pb", "-l", "Conv2D", "-o", "step.onnx")
    assert (seen.code, seen.err.endswith("for images of any size\n")) == (0, True), seen
    assert Path("step.onnx").is_file()
    why = refused(1, "export", "-m", "own.pb", "-l", "behind", "-o", "other.onnx")
    assert "layer 'behind' (Softsign): no ONNX operators for it" in why


def test_what_cannot_be_run_is_said_once(run, graph, picture):
    """By whichever command loads the network, in one line; asking for it is an error with the reason."""
    chosen = ["-m", graph, "--input-node", "input", *SHORT, "-o", "out.png"]
    seen = run("dream", picture, *chosen)
    assert (seen.code, seen.err.count("2 of 3 nodes cannot be run")) == (0, 1)
    assert "no --layer: 'Conv2D', the last convolution that sees most of the picture" in seen.err
    assert "cannot be run" not in run("dream", picture, "-q", *chosen).err
    left_out = json.loads(run("layers", "-m", graph, "--input-node", "input", "--json").out)["left_out"]
    assert left_out["add"] == "'style' (Placeholder) has no value"


def test_a_scale_for_each_channel(run, graph, picture):
    scale = ["--pixel-scale", "0.25,0.5,1.1", "--layer", "Conv2D", "--input-node", "input"]
    assert run("dream", picture, "-o", "out.png", "-m", graph, *scale, *SHORT).code == 0
    said = json.loads(read_note("out.png"))
    assert said["network"]["scale"] == [0.25, 0.5, 1.1]
    assert "--pixel-scale 0.25,0.5,1.1" in said["command"]
    again = run("replay", "out.png", "-m", graph)
    assert (again.code, again.out.split(":")[0]) == (0, "identical")
    assert run("models", "add", "own", graph, *scale).code == 0
    assert "scale    0.25, 0.5, 1.1" in run("models", "info", "own").out
    assert find_network("own").spec.scale == (0.25, 0.5, 1.1)
    data = np.float64([[[[1]], [[2]], [[4]]]]) * np.ones((1, 3, 8, 8))
    net = pydream.load_net("own", dtype="float64")
    net.blobs["data"].reshape(1, 3, 8, 8)
    net.forward("Conv2D", data=data)
    plain = pydream.load_net(graph, input="input", dtype="float64")
    plain.blobs["data"].reshape(1, 3, 8, 8)
    plain.forward("Conv2D", data=data * np.reshape([0.25, 0.5, 1.1], (3, 1, 1)))
    np.testing.assert_allclose(net.blobs["Conv2D"].data, plain.blobs["Conv2D"].data, rtol=1e-12)


def test_a_sweep_and_its_single_pictures(run, graph, picture):
    chosen = ["-m", "two.pb", "--layer", "Conv2D", "--input-node", "input", *TOLD]
    assert run("sweep", picture.name, "-o", "sheet.png", "--pictures", "all", *chosen, *SHORT).code == 0
    (single,) = Path("all").iterdir()
    made = json.loads(read_note(single))
    assert run(*shlex.split(made.pop("command"))[1:]).code == 0
    alone = json.loads(read_note("dream.png"))
    assert alone.pop("command")  # the same words in another order
    assert alone == made
    assert json.loads(read_note("sheet.png"))["networks"][0]["mean"] == [100, 110.5, 120]


def test_what_is_not_told_is_not_said(run, picture):
    assert run("dream", picture, "-o", "out.png", "-l", "fire2/concat", *SHORT).code == 0
    assert not {"mean", "scale", "channel_order", "input"} & set(json.loads(read_note("out.png"))["network"])


def test_a_caffe_network_takes_no_scale(refused, picture):
    for option in (["--pixel-scale", "2"], ["--input-node", "data"]):
        assert "are for frozen TensorFlow graphs" in refused(2, "dream", picture, "-o", "out.png", *option, *SHORT)
    assert "scale 0.0, expected a number other than 0" in refused(
        2, "dream", picture, "-o", "out.png", "--pixel-scale", "0", *SHORT
    )
    for wrong in ("1,2", "1,2,0", "1,x,2"):
        assert "three" in refused(2, "dream", picture, "-o", "out.png", "--pixel-scale", wrong, *SHORT)
    assert "is not a mean" in refused(2, "dream", picture, "-o", "out.png", "--mean", "1,2", *SHORT)
    assert "not finite" in refused(2, "dream", picture, "-o", "out.png", "--mean", "1,2,nan", *SHORT)


def test_add(run, refused, graph, folder, picture):
    chosen = ["--input-node", "input", "--layer", "Conv2D", *TOLD]
    place = folder / "data" / "pydream" / "models" / "mine"
    assert run("models", "add", "mine", graph, *chosen) == (0, f"{place}\n", "")
    assert sorted(path.name for path in place.iterdir()) == ["README.md", "mine.pb"]
    assert (place / "mine.pb").read_bytes() == graph.read_bytes()
    front = yaml.safe_load((place / "README.md").read_text().split("---\n")[1])
    assert {key: front[key] for key in ("mean", "scale", "channel_order", "input", "default_layer", "weights")} == {
        "mean": [100, 110.5, 120], "scale": 0.25, "channel_order": "BGR", "input": "input", "default_layer": "Conv2D",
        "weights": "mine.pb",
    }  # fmt: skip
    told = run("models", "info", "mine").out
    for line in ("mean     100, 110.5, 120 (BGR)", "scale    0.25", "input    input", "network  in the file"):
        assert line in told
    assert f"mine: right, {place / 'mine.pb'}\n" in run("models", "verify").out
    assert run("dream", picture, "-o", "out.png", "-m", "mine", *SHORT).code == 0
    assert run("replay", "out.png").code == 0
    graph.unlink()
    net = pydream.load_net("mine")
    assert (net.default_end, net.channel_order, net.name) == ("Conv2D", "BGR", "mine")
    assert "already" in refused(2, "models", "add", "mine", place / "mine.pb", "--input-node", "input")
    assert "it would be taken for a file" in refused(
        2, "models", "add", "a.pb", place / "mine.pb", "--input-node", "input"
    )


def test_add_what_cannot_be(refused, graph, folder, root):
    assert "no blob 'Conv3D'; close: 'Conv2D'" in refused(
        2, "models", "add", "x", graph, "--input-node", "input", "--layer", "Conv3D"
    )
    Path("bad.pb").write_bytes(b"bad")
    assert "not a GraphDef" in refused(1, "models", "add", "x", "bad.pb")
    assert "no such file" in refused(2, "models", "add", "x", "none.pb")
    prototxt = root / "models" / "squeezenet_v1.1" / "deploy.prototxt"
    assert "goes without other files" in refused(2, "models", "add", "x", graph, prototxt)
    weights = prototxt.with_name("squeezenet_v1.1.caffemodel")
    assert "frozen TensorFlow graphs" in refused(2, "models", "add", "x", prototxt, weights, "--pixel-scale", "2")


def test_add_with_what_is_usual(run, folder):
    Path("one.pb").write_bytes(frozen(conv((3, 3))).SerializeToString())
    assert run("models", "add", "one", "one.pb").code == 0
    entry = find_network("one")
    assert (entry.mean, entry.scale, entry.channel_order, entry.input) == ((117, 117, 117), 1, "RGB", None)
    assert entry.frozen
    assert entry.own


def test_layers(run, refused, graph):
    assert "nothing in it can be run" in refused(1, "layers", "-m", graph, "--input-node", "out")
    seen = run("layers", "-m", graph, "--input-node", "input", "--check-weights")
    reason = "'add': 'style' (Placeholder) has no value"
    notice = f"pydream: warning: two: 2 of 3 nodes cannot be run; the first: {reason}\n"
    assert (seen.code, seen.err) == (0, notice)
    lines = {line.split()[0]: line.split() for line in seen.out.splitlines()}
    assert lines["data"][1:3] == ["Input", "1×3×40×48"]
    assert lines["Conv2D"][1:] == ["Conv2D", "1×6×20×24", "6", "5", "2", "216k", "216k", "default", "450"]
    missing = refused(1, "layers", "-m", "inception5h", "--check-weights")
    assert "no weights for inception5h: tensorflow_inception_graph.pb is not in" in missing
    assert "`pydream models fetch inception5h` gets it from https://storage.googleapis.com" in missing


def test_layers_lists_nodes_where_no_input_is_found(run, graph):
    seen = run("layers", "-m", graph)
    assert (seen.code, "2 placeholders: 'input', 'style'; name the input" in seen.err) == (1, True)
    assert [line.split() for line in seen.out.splitlines()][:3] == [
        ["node", "op"], ["input", "Placeholder"], ["style", "Placeholder"],
    ]  # fmt: skip
    nodes = json.loads(run("layers", "-m", graph, "--json").out)["nodes"]
    assert {"name": "Conv2D", "op": "Conv2D"} in nodes


def test_layers_of_a_registered_graph(run, inception5h_pb):
    found = json.loads(
        run("layers", "-m", "inception5h", "--check-weights", inception5h_pb, "--like", "mixed4c", "--json").out
    )["blobs"]
    assert [blob["name"] for blob in found if blob["default"]] == ["mixed4c"]
    (facts,) = (blob for blob in found if blob["default"])
    assert (facts["type"], facts["shape"], facts["stride"]) == ("Concat", [1, 512, 14, 14], [16, 16])


def test_layers_and_models_do_not_import_tensorflow(root, graph):
    import subprocess

    program = (
        "import sys\nfrom pydream.cli import main\n"
        f"try: main(['layers', '-m', {str(graph)!r}, '--input-node', 'input'])\nexcept SystemExit: pass\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=root, check=True, capture_output=True)


def test_info_tells_where_it_is_fetched_from(run, folder):
    assert run("models", "path", "inception5h").out.endswith("tensorflow_inception_graph.pb\n")
    told = run("models", "info", "inception5h").out
    assert "in       inception5h.zip, 49937555 bytes, as tensorflow_inception_graph.pb" in told
