"""Which nodes become layers, where the picture goes in, and the reasons for nodes that are left out."""

import numpy as np
import pytest
from support.graphs import (
    close,
    constant,
    conv,
    features,
    frozen,
    graph_of,
    imported,
    net_of,
    normal,
    picture,
    results,
    tf,
    v1,
    vector,
)

from pydream.errors import NetFileError, ShapeError, UnknownNameError
from pydream.runtime.geometry import survey


def read(graph, **options):
    return graph_of(graph.SerializeToString(), name="some.pb", **options)


def with_placeholders(*extra):
    def build(x):
        for kind, shape, name in extra:
            v1.placeholder(kind, shape, name)
        return conv((3, 3))(x)

    return build


def test_the_one_placeholder_for_pictures():
    others = [(tf.bool, (), "training"), (tf.int32, (1, 2, 2, 3), "ids"), (tf.float32, (1, 8, 8, 1), "mask")]
    graph = read(frozen(with_placeholders(*others), name="images"))
    assert graph.blobs == ["data", "images", "Conv2D", "out"]
    assert graph.declared == {"data": (1, 3, 224, 224)}


@pytest.mark.parametrize("shape", [None, (None, None, None, None), (8, None, 30, 3), (None, 33, 41, 3)])
def test_shapes_of_placeholders(shape):
    size = shape[1:3] if shape and None not in shape[1:3] else (224, 224)
    assert read(frozen(tf.nn.relu, shape)).declared == {"data": (1, 3, *size)}


def test_a_placeholder_of_one_channel_takes_grey_pictures():
    """Where no other takes pictures in colour: the mask above does not."""

    def build(x):
        v1.placeholder(tf.float32, (1, 8, 8, 2), "flow")
        return conv((3, 3), channels=1)(x)

    graph = frozen(build, (None, 28, 30, 1))
    assert read(graph).declared == {"data": (1, 1, 28, 30)}
    net = net_of(graph.SerializeToString(), "float64")
    image = np.ascontiguousarray(picture(28, 30)[..., :1])
    net.forward(end="out", tensor=image)
    wanted, _ = imported(graph, image)
    np.testing.assert_allclose(net.blobs["out"].data.transpose(0, 2, 3, 1), wanted, rtol=0, atol=1e-4)


def test_several_placeholders():
    graph = frozen(with_placeholders((tf.float32, (1, 8, 8, 3), "style")))
    with pytest.raises(NetFileError, match=r"some.pb: 2 placeholders: 'input', 'style'; name the input"):
        read(graph)
    assert read(graph, input="input").blobs[:2] == ["data", "input"]
    assert read(graph, input="input:0").blobs[:2] == ["data", "input"]


def test_no_placeholder():
    graph = frozen(tf.nn.relu, (None, 8, 8, 4))
    with pytest.raises(NetFileError, match=r"no placeholder for a picture among 'input'; name the node"):
        read(graph)
    with pytest.raises(UnknownNameError, match=r"no node 'imput'; close: 'input'"):
        read(graph, input="imput")


def test_any_node_can_be_the_input():
    """What prepares the picture in the graph is passed by."""

    def build(x):
        decoded = tf.image.decode_jpeg(v1.placeholder(tf.string, (), "file"), 3)
        prepared = tf.identity(tf.expand_dims(tf.cast(decoded, tf.float32), 0), "prepared")
        return conv((3, 3), 2)(prepared) + 0.0 * tf.reduce_sum(x)

    graph = frozen(build)
    net = net_of(graph.SerializeToString(), input="prepared", device="cpu")
    image = picture(13, 18, np.float32)
    found = results(net, image, "Conv2D")
    assert net.blobs["data"].shape == (1, 3, 13, 18)
    close(found, imported(graph, image, "Conv2D", "prepared"), 2e-6)


def test_a_node_may_be_called_data():
    graph = read(frozen(conv((3, 3)), name="data"))
    assert graph.blobs == ["data", "Conv2D", "out"]
    scaled = net_of(frozen(conv((3, 3)), name="data").SerializeToString(), scale=0.5, dtype="float64", device="cpu")
    plain = net_of(frozen(conv((3, 3))).SerializeToString(), scale=0.5, dtype="float64", device="cpu")
    image = picture(6, 7)
    for one, other in zip(results(scaled, image), results(plain, image), strict=True):
        np.testing.assert_array_equal(one, other)
    assert read(frozen(lambda x: tf.nn.relu(x, name="data"))).blobs == ["data", "input", "data:0", "out"]


def test_what_cannot_be_run_is_left_out(tmp_path):
    """With everything that depends on it, but nothing else; an op that writes files is never run."""

    def build(x):
        before = tf.nn.relu(x, name="before")
        written = tf.raw_ops.WriteFile(filename=str(tmp_path / "written"), contents="x")
        with tf.control_dependencies([written]):
            after = tf.nn.relu(x, name="beside")
        tf.raw_ops.Cumsum(x=before, axis=1, name="sums")
        tf.raw_ops.BitwiseAnd(x=tf.cast(before, tf.int32), y=3, name="bits")
        return tf.tanh(tf.cumsum(before, 1), "behind") + after

    net = net_of(frozen(build).SerializeToString(), device="cpu")
    assert list(net.blobs) == ["data", "input", "before", "beside"]
    results(net, picture(8, 9, np.float32), "beside")
    assert list(tmp_path.iterdir()) == []
    reason = r"'behind' is a node that cannot be run: 'Cumsum' has the op 'Cumsum', which is not supported"
    for ask in (lambda: net.blobs["behind"], lambda: net.forward(end="behind")):
        with pytest.raises(UnknownNameError, match=reason):
            ask()
    with pytest.raises(UnknownNameError, match=r"'bits'.*'Cast' .Cast. does not make floats"):
        net.blobs["bits"]


def loop(x):
    return tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, tf.nn.relu(y)), [tf.constant(0), x])[1]


@pytest.mark.parametrize("v2", [False, True])
def test_control_flow(v2):
    (v1.enable_control_flow_v2 if v2 else v1.disable_control_flow_v2)()
    try:
        graph = frozen(loop)
    finally:
        v1.enable_control_flow_v2()
    with pytest.raises(
        NetFileError, match=r"some.pb: nothing in it can be run: 'while.*is control flow: freeze the graph"
    ):
        read(graph)


def test_training():
    def build(x):
        made = tf.raw_ops.FusedBatchNorm(
            x=x, scale=vector(3), offset=vector(3), mean=constant([]), variance=constant([]), is_training=True
        )
        return made.y

    with pytest.raises(
        NetFileError, match=r"'FusedBatchNorm' \(FusedBatchNorm\) is in training: freeze the graph for inf"
    ):
        read(frozen(build))


def test_channels_first():
    graph = frozen(conv((3, 3)))
    next(node for node in graph.node if node.op == "Conv2D").attr["data_format"].s = b"NCHW"
    with pytest.raises(NetFileError, match=r"'Conv2D' \(Conv2D\) has its channels first, what it reads has them last"):
        read(graph)


def classifier(size, flatten):
    """A network whose last layer wants `size` pixels a side."""

    def build(x):
        x = tf.nn.max_pool2d(conv((3, 3), 2)(x), 3, 2, "SAME", name="pool")
        x = tf.nn.avg_pool2d(x, 2, 2, "VALID", name="mean")
        count = ((size + 3) // 4 // 2) ** 2 * 5
        shape = tf.stack([tf.shape(x)[0], -1]) if flatten == "shape" else [-1, count]
        return tf.matmul(tf.reshape(x, shape), normal(count, 7))

    return build


@pytest.mark.parametrize("flatten", ["shape", "constant"])
@pytest.mark.parametrize("size", [32, 299])
def test_a_size_at_which_all_fits_is_found(size, flatten):
    graph = frozen(classifier(size, flatten))
    net = net_of(graph.SerializeToString(), device="cpu")
    assert net.blobs["data"].shape == (1, 3, size, size)
    image = picture(size, size, np.float32)
    close(results(net, image), imported(graph, image), 2e-6)
    facts = {each.name: each for each in survey(read(graph), {"data": (1, 3, 50, 60)})}
    assert facts["mean"].dreamable
    assert not facts["mean"].fixed
    assert isinstance(facts["out"].shape, ShapeError)
    assert facts["out"].fixed == (flatten == "shape" or size == 299)  # 80 of 128x128's numbers are 16 pictures' worth
    net.blobs["data"].reshape(1, 3, 50, 60)
    with pytest.raises(ShapeError, match=r"Reshape|MatMul"):
        net.forward(end="out")
    results(net, picture(50, 60, np.float32), "mean")


@pytest.mark.parametrize("turned", [False, True])
def test_a_matrix_for_each_pixel(turned):
    """A fully connected layer on images, as Keras writes it before 3.15."""

    def build(x):
        return tf.raw_ops.BatchMatMulV2(x=conv((3, 3), 2)(x), y=normal(*((7, 5) if turned else (5, 7))), adj_y=turned)

    graph = frozen(build)
    assert "BatchMatMulV2" in {node.op for node in graph.node}
    image = picture(20, 27, np.float32)
    close(results(net_of(graph.SerializeToString(), device="cpu"), image), imported(graph, image), 2e-6)


def test_sizes_that_go_by_the_picture_are_not_guessed():
    def build(x):
        small = tf.nn.max_pool2d(x, 2, 2, "SAME", name="small")
        half = tf.cast(tf.shape(x)[1:3], tf.float32) * 0.5
        return v1.image.resize_nearest_neighbor(small, tf.cast(half, tf.int32), name="large")

    graph = read(frozen(build))
    with pytest.raises(
        UnknownNameError, match=r"'large' \(ResizeNearestNeighbor\) depends on the picture's size, through"
    ):
        graph.index("large")
    assert graph.blobs == ["data", "input", "small"]


def test_pictures_that_are_too_small():
    net = net_of(frozen(conv((9, 7), 1, "VALID")).SerializeToString(), device="cpu")
    net.blobs["data"].reshape(1, 3, 8, 20)
    with pytest.raises(ShapeError, match="layer 'Conv2D': 20x8 is smaller than its 7x9 kernel"):
        net.forward(end="out")


def test_geometry():
    """The receptive field, found by moving single pixels; MACs, counted by hand."""

    def build(x):
        x = tf.pad(conv((7, 7), 2, out=4)(x), [[0, 0], [1, 1], [1, 1], [0, 0]])
        return tf.nn.max_pool2d(conv((3, 3), 1, "VALID", channels=4, out=2)(x), 3, 2, "SAME", name="pool")

    graph = frozen(build)
    facts = {each.name: each for each in survey(read(graph), {"data": (1, 3, 64, 64)})}
    field = facts["pool"].field.rows
    net = net_of(graph.SerializeToString(), dtype="float64", device="cpu")
    seen = set()
    for seed in range(40):  # of a window's values only the largest has a gradient
        net.blobs["data"].reshape(1, 3, 64, 64)
        net.forward(end="pool", tensor=picture(64, 64, seed=seed))
        net.blobs["pool"].diff[...] = 0
        net.blobs["pool"].diff[0, 0, 8] = 1
        seen.update(np.flatnonzero(np.abs(net.backward(start="pool")).sum((0, 2, 3))))
    first = field.start + 8 * field.stride
    assert (field.size, field.stride) == (15, 4)
    assert (min(seen), max(seen)) == (first, first + field.size - 1)
    assert facts["Conv2D"].macs == 32 * 32 * 4 * 7 * 7 * 3
    assert facts["out"].macs_to == facts["Conv2D"].macs + 32 * 32 * 2 * 3 * 3 * 4
    assert [facts[name].type for name in ("Conv2D", "Pad", "pool", "input")] == ["Conv2D", "Pad", "MaxPool", "Identity"]


def test_depthwise_costs():
    from support.graphs import depthwise

    facts = {each.name: each for each in survey(read(frozen(depthwise((3, 3), 2))), {"data": (1, 3, 10, 12)})}
    assert facts["out"].macs_to == 10 * 12 * 6 * 9


def test_types_of_layers():
    graph = read(frozen(features(lambda x: tf.nn.elu(tf.nn.bias_add(x, vector())))))
    assert [step.layer.type for step in graph.steps] == ["Identity", "RealDiv", "Conv2D", "BiasAdd", "Elu", "Identity"]
