"""Which node the picture replaces: placeholders of all kinds, decoded pictures; and graphs as text."""

import os
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from support.graphs import close, conv, frozen, graph_of, interpreted, net_of, picture, results, tf, v1

from pydream.errors import NetFileError, UnknownNameError
from pydream.formats.graphdef import NoInputError
from pydream.formats.graphdef import text as graph_text

CASES = Path(os.environ.get("PYDREAM_SHARED", "")) / "cases" / "tf-input"


def graph(placeholder):
    """A GraphDef of what a function makes of its own placeholder, convolved."""
    with tf.Graph().as_default() as made:
        conv((3, 3))(placeholder())
    return made.as_graph_def().SerializeToString()


def of_bytes():
    x = tf.cast(v1.placeholder(tf.uint8, (None, None, None, 3), "image_tensor"), tf.float32)
    v1.placeholder(tf.int32, (None,), "labels")
    return x / 255.0


def with_default():
    v1.placeholder_with_default(1.0, (), "keep_prob")
    return v1.placeholder_with_default(tf.zeros((1, 64, 48, 3)), (None, 64, 48, 3), "picture")


def decoded():
    contents = v1.placeholder(tf.string, (), "contents")
    x = tf.expand_dims(tf.cast(tf.io.decode_jpeg(contents, 3), tf.float32), 0)
    return (v1.image.resize_bilinear(x, [64, 48], name="resized") - 128.0) * 0.0078125


def resized_bytes():
    x = v1.placeholder(tf.uint8, (None, 80, 80, 3), "image")
    return v1.image.resize_bilinear(x, [64, 48])


@pytest.mark.parametrize(
    ("placeholder", "name", "size"),
    [
        (of_bytes, "image_tensor", (224, 224)),
        (with_default, "picture", (64, 48)),
        (decoded, "resized", (64, 48)),
        (resized_bytes, "image", (80, 80)),
    ],
)
def test_what_is_taken(placeholder, name, size):
    made = graph_of(graph(placeholder))
    assert made.steps[0].layer.name == name
    assert made.declared == {"data": (1, 3, *size)}
    assert "Conv2D" in made.blobs
    assert graph_of(graph(placeholder), input=f"{name}:0").blobs == made.blobs


def test_bytes_are_scaled():
    net = net_of(graph(of_bytes), dtype="float64")
    image = picture(13, 18)
    same = frozen(lambda x: conv((3, 3))(x / 255.0))
    close(results(net, image, "Conv2D"), interpreted(same, image), 1e-12)


def unknown():
    x = v1.placeholder(tf.float32, (None, 64, 64, 7), "maps")
    return tf.nn.relu(tf.identity(x, "same")[..., :3], "relu")


def test_what_could_be_the_input():
    file = graph(unknown)
    with pytest.raises(
        NoInputError, match=r"no placeholder for a picture among 'maps'; name the node .*'relu', "
    ) as seen:
        graph_of(file)
    assert seen.value.nodes == [
        ("maps", "Placeholder"), ("same", "Identity"), ("strided_slice", "StridedSlice"), ("relu", "Relu"),
        ("Conv2D", "Conv2D"),
    ]  # fmt: skip
    assert "Conv2D" in graph_of(file, input="relu").blobs
    with pytest.raises(UnknownNameError, match="no node 'x'; there are: 'maps', 'relu'"):
        graph_of(file, input="x")


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared inputs are not here")
@pytest.mark.parametrize("name", ["u8.pb", "decode.pb", "pwd.pb", "plain.pbtxt"])
def test_cases(name):
    assert "conv2_relu" in graph_of(CASES / name).blobs


def test_text(tmp_path):
    made = frozen(lambda x: tf.nn.relu(conv((3, 3))(x)))
    file = tmp_path / "graph.pbtxt"
    file.write_text(f"# by hand\n{text_format.MessageToString(made)}", encoding="utf-8")
    image = picture(13, 18)
    for ours, theirs in zip(
        *(results(net_of(each, "float64"), image) for each in (file, made.SerializeToString())), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'node { name: "x" op: }', r"not a GraphDef in text, or damaged: 1:"),
        (b'node { name: "\xff" }', "damaged: 'utf-8'"),
        (b"node { " + b"attr { value { list { func { " * 20, "braces more than 50 deep"),
        (b"node { }", "a node without a name or an op"),
        (b"versions { producer: 22 }", "no node in its"),
        (b'node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_NONE } } } node', "damaged: 1:"),
    ],
)
def test_damaged_text(content, words):
    with pytest.raises(NetFileError, match=words):
        graph_of(content)


def test_text_that_is_too_long(monkeypatch):
    monkeypatch.setattr(graph_text, "_MAX_BYTES", 10)
    with pytest.raises(NetFileError, match="14 bytes of text, more than the 10 that a graph can have"):
        graph_of(b"node {       }")
