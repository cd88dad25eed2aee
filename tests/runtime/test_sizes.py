"""What a graph computes of the picture's size, against TensorFlow's own import of the graph, at several sizes."""

import numpy as np
import pytest
from support.graphs import (
    close,
    constant,
    conv,
    features,
    frozen,
    imported,
    interpreted,
    net_of,
    normal,
    picture,
    results,
    tf,
    vector,
)

import pydream
from pydream.errors import ShapeError
from pydream.runtime.sizes import Size, value_of

raw = tf.raw_ops
SIZES = [(13, 18), (16, 15)]


def dense(x):
    """A fully connected layer on images, as Keras's Dense."""
    return tf.nn.relu(tf.tensordot(x, normal(8, 6), [[3], [0]]) + vector(6))


def enlarged(function, **options):
    """Twofold by threefold, then convolved; the constants of a resize would be of one size."""

    def then(x):
        return conv((3, 3), channels=8)(function(images=x, size=tf.shape(x)[1:3] * [2, 3], **options))

    return features(then)


def repeated(x):
    """Each row twice, as Keras's UpSampling2D."""
    n, h, w = (tf.shape(x)[axis] for axis in range(3))
    tiled = tf.tile(tf.expand_dims(x, 2), [1, 1, 2, 1, 1])
    return tf.tanh(tf.reshape(tiled, tf.stack([n, 2 * h, w, 8])))


def transposed(stride, padding, size):
    def then(x):
        n, h, w = (tf.shape(x)[axis] for axis in range(3))
        return tf.nn.conv2d_transpose(x, normal(3, 3, 5, 8), tf.stack([n, size(h), size(w), 5]), stride, padding)

    return features(then)


def to_another(x):
    """A deep map at the size of a shallow one, as in a feature pyramid."""
    deep = tf.nn.max_pool2d(tf.tanh(x), 2, 2, "VALID")
    return x + tf.raw_ops.ResizeNearestNeighbor(images=deep, size=tf.shape(x)[1:3])


CASES = {
    "dense": features(dense),
    "two dense": features(lambda x: tf.tensordot(dense(x), normal(6, 4), [[3], [0]])),
    "nearest": enlarged(raw.ResizeNearestNeighbor, half_pixel_centers=True),
    "bilinear": enlarged(raw.ResizeBilinear, half_pixel_centers=True),
    "repeated": features(repeated),
    "transposed, same": transposed(2, "SAME", lambda size: 2 * size),
    "transposed, valid": transposed(2, "VALID", lambda size: 2 * size + 1),
    "transposed, explicit": transposed(3, [[0, 0], [1, 0], [1, 0], [0, 0]], lambda size: 3 * size - 1),
    "to another": features(to_another),
    "half": features(lambda x: tf.tanh(x[:, : tf.shape(x)[1] // 2])),
    "cropped": features(lambda x: conv((3, 3), channels=8)(x[:, 1:-2, :-3])),
    "every other": features(lambda x: tf.tanh(x[:, 1::2, ::3, 2:7])),
    "backwards": features(lambda x: tf.tanh(x[..., ::-1, 1:])),
    "one row": features(lambda x: tf.tanh(x[:, 2])),
}


@pytest.mark.parametrize("name", CASES)
def test_as_tensorflow(name):
    graph = frozen(CASES[name])
    net = net_of(graph.SerializeToString(), dtype="float64", device="cpu")
    assert net.graph.notice is None
    for size in SIZES:
        image = picture(*size)
        theirs = interpreted(graph, image)
        close(results(net, image), theirs, 1e-12)
        assert net.graph.shape("out", {"data": (1, 3, *size)}) == net.blobs["out"].shape


def test_in_float32():
    graph = frozen(CASES["transposed, same"])
    image = picture(13, 18, np.float32)
    close(results(net_of(graph.SerializeToString(), device="cpu"), image), imported(graph, image), 2e-6)


def test_dense_is_a_convolution():
    net = net_of(frozen(CASES["dense"]).SerializeToString(), device="cpu")
    assert [step.layer.type for step in net.graph.steps if "Tensordot" in step.layer.name][-2:] == [
        "Conv2D",
        "Identity",
    ]
    assert net.locality("out").rows.size == 4  # and can be dreamt in tiles


def test_crops_in_tiles():
    """What a value sees is known, and so a dream in tiles is the dream."""
    net = net_of(frozen(CASES["cropped"]).SerializeToString(), dtype="float64", device="cpu")
    view = net.locality("out").rows
    assert (view.size, view.stride, view.start) == (9, 1, -3)  # of 3 + 3 + 2, and 1 more as SAME may shift
    image = np.random.RandomState(0).uniform(0, 255, (70, 90, 3))
    options = {"end": "out", "octave_n": 1, "iter_n": 2, "jitter": 0}
    whole = pydream.deepdream(net, image, **options)
    np.testing.assert_allclose(pydream.deepdream(net, image, tile=32, **options), whole, rtol=0, atol=1e-9)


def test_what_does_not_fit():
    net = net_of(frozen(CASES["half"]).SerializeToString(), device="cpu")
    net.blobs["data"].reshape(1, 3, 1, 9)
    with pytest.raises(ShapeError, match=r"layer 'strided_slice\w*' \(StridedSlice\) does not fit"):
        net.forward(end="out")


def test_arithmetic():
    size = Size("x", 1)
    numbers = np.array([1, size, Size("y", 2), 8], object)
    made = np.prod(numbers) // 4 - (10 - size) + 2 * size
    assert made.blobs == {"x", "y"}
    known = {("x", 1): 6, ("y", 2): 7}
    assert value_of(made, lambda *key: known[key]) == 6 * 7 * 8 // 4 - 4 + 12
    assert value_of(5, None) == 5
    for wrong in (lambda: size * 0.5, lambda: size / 2, lambda: bool(size), lambda: size + True, lambda: int(size)):
        with pytest.raises(TypeError):
            wrong()
    sixty_four = size + size + size + size
    for _ in range(4):
        sixty_four = sixty_four + sixty_four
    with pytest.raises(ValueError, match="more than 64"):
        sixty_four + 1


def test_too_much_arithmetic_is_left_out():
    def build(x):
        size = tf.shape(x)[1]
        for _ in range(8):
            size = size + size * constant(2, np.int32)
        tf.nn.relu(x, name="small")
        return tf.raw_ops.ResizeBilinear(images=x, size=tf.stack([size, size]), name="large")

    graph = frozen(build)
    net = net_of(graph.SerializeToString(), device="cpu")
    assert "depends on the picture's size" in net.graph.left_out["large"]
    assert "small" in net.blobs
