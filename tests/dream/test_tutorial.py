"""The four renderers against the tutorial's way, gone with TensorFlow's own operations and NumPy's in-place ones."""

import numpy as np
import pytest
from support.nets import inputs, layer, normal, off, parse, weights
from support.pyramid import tf_pyramid
from support.watching import watching

import pydream.caffe
from pydream.dream import tutorial
from pydream.dream.images import noise
from pydream.dream.notebook import DreamInterrupted
from pydream.dream.tutorial import (
    RENDERERS,
    calc_grad_tiled,
    grown_sizes,
    render_deepdream,
    render_lapnorm,
    render_multiscale,
    render_naive,
    rendered_sizes,
    resize,
    score_gradient,
    split_sizes,
    to_display,
    visstd,
)
from pydream.errors import ShapeError, UnknownNameError, ZeroGradientError
from pydream.runtime.on_tensorflow.door import tensorflow

CONV1, CONV2 = normal(np.random.default_rng(1), 5, 3, 5, 5), normal(np.random.default_rng(2), 4, 5, 3, 3)
SIZE = (23, 30)
SHORT = {"iter_n": 3}


def build(dtype="float64", runtime="tensorflow"):
    """Two convolutions with a ReLU between, which sees what the tutorial's network does: the picture minus 117."""
    text = (
        inputs(data=(1, 3, *SIZE))
        + layer("one", "Convolution", "data", "one", "convolution_param { num_output: 5 kernel_size: 5 pad: 2 }")
        + layer("relu", "ReLU", "one", "one")
        + layer("two", "Convolution", "one", "two", "convolution_param { num_output: 4 kernel_size: 3 pad: 1 }")
    )
    params = weights(one=[CONV1, np.zeros(5)], two=[CONV2, np.zeros(4)])
    return pydream.caffe.Classifier(
        parse(text), params, mean=(117, 117, 117), dtype=dtype, device="cpu", runtime=runtime
    )


@pytest.fixture(scope="module", params=["float32", "float64"])
def net(request):
    return build(request.param)


@pytest.fixture(scope="module")
def net64():
    return build()


# ---- the oracle ----


def tf_gradient(channel, dtype, end="two"):
    """The gradient of the score, by TensorFlow's tape."""
    tf = tensorflow()

    def gradient(img):
        fed = tf.constant(img.astype(dtype))
        with tf.GradientTape() as tape:
            tape.watch(fed)
            bgr = (fed - 117.0)[None, ..., ::-1]
            found = tf.nn.conv2d(bgr, CONV1.transpose(2, 3, 1, 0).astype(dtype), 1, "SAME")
            if end == "two":
                found = tf.nn.conv2d(tf.nn.relu(found), CONV2.transpose(2, 3, 1, 0).astype(dtype), 1, "SAME")
            score = tf.reduce_mean(found[..., channel] if channel is not None else tf.square(found))
        return tape.gradient(score, fed).numpy()

    return gradient


def tf_resize(img, size):
    """TensorFlow's own, which knows float32 only."""
    return tensorflow().compat.v1.image.resize_bilinear(np.float32(img)[None], np.int32(size))[0].numpy()


def looped_resize(img, size):
    """The same in double precision, pixel by pixel."""
    (h, w), out = img.shape[:2], np.zeros((*size, img.shape[2]))
    for i in range(size[0]):
        for j in range(size[1]):
            y, x = i * h / size[0], j * w / size[1]
            top, left = int(y), int(x)
            below, right = min(top + 1, h - 1), min(left + 1, w - 1)
            near = img[top, left] * (1 - (x - left)) + img[top, right] * (x - left)
            far = img[below, left] * (1 - (x - left)) + img[below, right] * (x - left)
            out[i, j] = near * (1 - (y - top)) + far * (y - top)
    return out


class Oracle:
    """The tutorial's four ways, by its operations on arrays; draws from NumPy's global state as it does."""

    def __init__(self, gradient, dtype, resize):
        self.gradient, self.dtype, self.resize = gradient, dtype, resize

    def tiled(self, img, sz=512):
        sx, sy = np.random.randint(sz, size=2)
        shifted = np.roll(np.roll(img, sx, axis=1), sy, axis=0)
        grad = np.zeros_like(img)
        y = 0
        while y < max(img.shape[0] - sz // 2, sz):
            x = 0
            while x < max(img.shape[1] - sz // 2, sz):
                grad[y : y + sz, x : x + sz] = self.gradient(shifted[y : y + sz, x : x + sz])
                x += sz
            y += sz
        return np.roll(np.roll(grad, -sx, axis=1), -sy, axis=0)

    def naive(self, img, iter_n=20, step=1.0):
        img = img.copy()
        for _ in range(iter_n):
            g = self.gradient(img).copy()
            g /= g.std() + 1e-8
            img += g * step
        return img

    def multiscale(self, img, iter_n=10, step=1.0, octave_n=3, octave_scale=1.4, normalize=None):
        img = img.copy()
        for octave in range(octave_n):
            if octave > 0:
                img = self.resize(img, np.int32(np.float32(img.shape[:2]) * octave_scale))
            for _ in range(iter_n):
                g = self.tiled(img)
                if normalize is None:
                    g /= g.std() + 1e-8
                else:
                    g = normalize(g)
                img += g * step
        return img

    def lapnorm(self, img, lap_n=4, **params):
        normalize = tf_pyramid(self.dtype)[2]
        return self.multiscale(
            img, normalize=lambda g: normalize(g.astype(self.dtype)[None], lap_n)[0].numpy(), **params
        )

    def deepdream(self, img, iter_n=10, step=1.5, octave_n=4, octave_scale=1.4):
        octaves = []
        for _ in range(octave_n - 1):
            lo = self.resize(img, np.int32(np.float32(img.shape[:2]) / octave_scale))
            octaves.append(img - self.resize(lo, img.shape[:2]))
            img = lo
        img = img.copy()
        for octave in range(octave_n):
            if octave > 0:
                hi = octaves[-octave]
                img = self.resize(img, hi.shape[:2]) + hi
            for _ in range(iter_n):
                g = self.tiled(img)
                img += g * (step / (np.abs(g).mean() + 1e-7))
        return img


def drawn(seed=4):
    return noise(*SIZE, np.random.RandomState(seed))


def rendered(name, net, channel, img0, **params):
    """The picture of a renderer that draws from the global state, as the oracle does."""
    np.random.seed(7)
    return RENDERERS[name](net, "two", channel, img0, **params)


def by_oracle(name, oracle, img0, **params):
    np.random.seed(7)
    return getattr(oracle, name)(img0, **params)


# ---- the score, and its gradient ----


@pytest.mark.parametrize("channel", [0, 3, None])
@pytest.mark.parametrize("runtime", ["tensorflow", "numpy"])
def test_gradient_is_tensorflows(channel, runtime):
    net = build(runtime=runtime)
    got = score_gradient(net, "two", channel)(drawn())
    wanted = tf_gradient(channel, "float64")(drawn())
    assert got.shape == (*SIZE, 3)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-13 * np.abs(wanted).max())


def test_gradient_before_the_relu_of_a_layer(net64):
    """A channel that is silent behind it can still be climbed."""
    wanted = tf_gradient(2, "float64", end="one")(drawn())
    got = score_gradient(net64, "one", 2)(drawn())
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-13 * np.abs(wanted).max())


def test_gradient_of_several_channels_is_that_of_their_sum(net64):
    wanted = sum(score_gradient(net64, "two", channel)(drawn()) for channel in (0, 3))
    got = score_gradient(net64, "two", [0, 3])(drawn())
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-13 * np.abs(wanted).max())


@pytest.mark.parametrize("channel", [1, None])
def test_gradient_against_finite_differences(net64, channel):
    def score(img):
        found = net64.forward(end="two", tensor=(img - 117.0)[None, ..., ::-1].copy())["two"][0]
        return found[channel].mean() if channel is not None else np.square(found).mean()

    net64.blobs["data"].reshape(1, 3, *SIZE)
    img, way = drawn(), np.random.default_rng(5).standard_normal((*SIZE, 3))
    slope = (score(img + 1e-6 * way) - score(img - 1e-6 * way)) / 2e-6
    assert slope == pytest.approx(np.vdot(score_gradient(net64, "two", channel)(img), way), rel=1e-6)


# ---- the renderers ----


@pytest.mark.parametrize("start", ["noise", "picture"])
@pytest.mark.parametrize("channel", [1, None])
@pytest.mark.parametrize("name", ["naive", "multiscale", "deepdream"])
def test_every_bit_in_float32(name, channel, start):
    """With the same gradients, the same roundings: sums, divisions, resizing, and what stays float64 of noise."""
    net = build("float32")
    img0 = drawn() if start == "noise" else np.float32(drawn() * 1.5)
    oracle = Oracle(score_gradient(net, "two", channel), "float32", tf_resize)
    got, wanted = rendered(name, net, channel, img0, **SHORT), by_oracle(name, oracle, img0, **SHORT)
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("channel", [1, None])
@pytest.mark.parametrize("name", RENDERERS)
def test_the_way_in_float64(net64, name, channel):
    """Gradients and pyramid by TensorFlow; a few steps do not let rounding grow beyond this."""
    oracle = Oracle(tf_gradient(channel, "float64"), "float64", looped_resize)
    got, wanted = rendered(name, net64, channel, drawn(), **SHORT), by_oracle(name, oracle, drawn(), **SHORT)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-10)
    assert np.abs(got - 100.5).max() > 3  # it went somewhere


def test_lapnorm_in_float32():
    """The pyramid's sums run in another order than TensorFlow's: 1e-6 of a step, and three octaves of three."""
    net = build("float32")
    oracle = Oracle(score_gradient(net, "two", 1), "float32", tf_resize)
    got, wanted = rendered("lapnorm", net, 1, drawn(), **SHORT), by_oracle("lapnorm", oracle, drawn(), **SHORT)
    assert got.dtype == wanted.dtype == np.float32
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", RENDERERS)
def test_every_parameter_counts(net64, name):
    params = {"iter_n": 2, "step": 0.7}
    if name != "naive":
        params |= {"octave_n": 2, "octave_scale": 1.7}
    if name == "lapnorm":
        params["lap_n"] = 2
    oracle = Oracle(tf_gradient(1, "float64"), "float64", looped_resize)
    got, wanted = rendered(name, net64, 1, drawn(), **params), by_oracle(name, oracle, drawn(), **params)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", RENDERERS)
def test_noise_and_shifts_come_of_one_generator(net64, name, monkeypatch):
    monkeypatch.setattr(tutorial, "NOISE_SIZE", SIZE)
    got = RENDERERS[name](net64, "two", 1, rng=np.random.RandomState(3), **SHORT)
    rng = np.random.RandomState(3)
    np.testing.assert_array_equal(got, RENDERERS[name](net64, "two", 1, noise(*SIZE, rng), rng=rng, **SHORT))
    np.random.seed(3)
    np.testing.assert_array_equal(got, RENDERERS[name](net64, "two", 1, **SHORT))


def test_the_tutorials_defaults():
    import inspect

    def defaults(function):
        parameters = inspect.signature(function).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is not p.KEYWORD_ONLY and p.default is not p.empty}

    given = {"layer": None, "channel": None, "img0": None}
    octaves = {"octave_n": 3, "octave_scale": 1.4}
    assert defaults(render_naive) == given | {"iter_n": 20, "step": 1.0}
    assert defaults(render_multiscale) == given | {"iter_n": 10, "step": 1.0} | octaves
    assert defaults(render_lapnorm) == given | {"iter_n": 10, "step": 1.0, "lap_n": 4} | octaves
    assert defaults(render_deepdream) == given | {"iter_n": 10, "step": 1.5, "octave_n": 4, "octave_scale": 1.4}
    assert defaults(calc_grad_tiled)["tile_size"] == 512
    assert tutorial.NOISE_SIZE == (224, 224)


def test_an_8_bit_picture(net):
    picture = np.uint8(drawn() + np.arange(30)[:, None])
    for render in RENDERERS.values():
        before = picture.copy()
        img = render(net, "two", 1, picture, iter_n=1, rng=np.random.RandomState(0))
        same = render(net, "two", 1, np.float32(picture), iter_n=1, rng=np.random.RandomState(0))
        assert img.dtype == net.dtype
        np.testing.assert_array_equal(img, same)
        np.testing.assert_array_equal(picture, before)


# ---- tiles ----


@pytest.mark.parametrize(("size", "tiles"), [(5, [5]), (8, [8]), (11, [8]), (12, [8]), (13, [8, 5]), (20, [8, 8]),
                                             (21, [8, 8, 5])])  # fmt: skip
def test_tiles(size, tiles):
    seen = []

    def gradient(img):
        seen.append(img.shape)
        return img

    img = np.arange(1.0, size * 4 * 3 + 1).reshape(size, 4, 3)
    grad = calc_grad_tiled(img, gradient, 8, np.random.RandomState(1))
    assert seen == [(tile, 4, 3) for tile in tiles]
    assert np.count_nonzero((grad != img).any((1, 2))) == size - sum(tiles)  # at most half a tile, left out
    assert set(np.unique(grad[grad != img])) <= {0}


def test_the_first_draw_shifts_the_width():
    sx, sy = np.random.RandomState(6).randint(512, size=2)
    img = np.arange(40.0 * 50 * 3).reshape(40, 50, 3)

    def gradient(shifted):
        np.testing.assert_array_equal(shifted, np.roll(img, (sy, sx), (0, 1)))
        return shifted

    np.testing.assert_array_equal(calc_grad_tiled(img, gradient, rng=np.random.RandomState(6)), img)


# ---- resizing ----


@pytest.mark.parametrize("size", [(7, 9), (8, 8), (1, 1), (2, 31), (1, 13)])
@pytest.mark.parametrize("to", [(7, 9), (13, 12), (3, 4), (1, 1), (5, 100), (100, 5), (64, 33)])
def test_resize_is_tensorflows_to_the_bit(size, to):
    img = np.random.default_rng(0).uniform(-300, 300, (*size, 3))
    np.testing.assert_array_equal(resize(img, to), tf_resize(img, to))
    # A place of up to 31 is rounded by 4e-15, and neighbours are up to 600 apart.
    np.testing.assert_allclose(resize(img, to, np.float64), looped_resize(img, to), rtol=0, atol=5e-12)


@pytest.mark.parametrize("side", range(224, 240))
def test_resize_between_octaves_is_tensorflows_to_the_bit(side):
    img = np.random.default_rng(side).uniform(0, 255, (side, 4, 3))
    for to in (int(np.float32(side) * np.float32(1.4)), int(np.float32(side) / np.float32(1.4))):
        np.testing.assert_array_equal(resize(img, (to, 4)), tf_resize(img, (to, 4)))


def test_sizes():
    assert grown_sizes(224, 224) == [(438, 438), (313, 313), (224, 224)]
    assert split_sizes(224, 224) == [(224, 224), (160, 160), (114, 114), (81, 81)]
    assert grown_sizes(10, 20, 2) == [(14, 28), (10, 20)]  # int(10 * 1.4) is 14 in double precision too
    assert rendered_sizes("naive", 30, 40) == [(30, 40)]
    assert rendered_sizes("deepdream", 30, 40, 2, 2) == [(30, 40), (15, 20)]
    assert rendered_sizes("lapnorm", 30, 40, 2, 2) == [(60, 80), (30, 40)]
    assert rendered_sizes("multiscale", 30, 40, 2, 2) == [(60, 80), (30, 40)]


# ---- showing ----


def test_visstd():
    img = drawn()
    np.testing.assert_allclose(visstd(img).mean(), 0.5, atol=1e-12)
    np.testing.assert_allclose(visstd(img).std(), 0.1, atol=1e-12)
    np.testing.assert_allclose(visstd(img, 0.3).std(), 0.3, atol=1e-12)
    np.testing.assert_array_equal(visstd(np.full((2, 2, 3), 9.0)), 0.5)  # not a division by zero
    flat = np.array([0.0, 2e-5])
    np.testing.assert_allclose(visstd(flat), [0.49, 0.51], rtol=1e-12)  # less than 1e-4 is not blown up


def test_to_display():
    img = drawn()
    np.testing.assert_array_equal(to_display("deepdream", img), img)
    for name in ("naive", "multiscale", "lapnorm"):
        np.testing.assert_array_equal(to_display(name, img), visstd(img) * 255)


# ---- interrupted ----


@pytest.mark.parametrize("name", RENDERERS)
def test_interrupted(net64, name):
    """What it has after the step is what a run of so many steps has."""
    images = []

    def interrupting(octave, iteration, image):
        images.append((octave, iteration, image))
        if len(images) == 2:
            raise KeyboardInterrupt

    with pytest.raises(DreamInterrupted) as caught:
        rendered(name, net64, 1, drawn(), watch=watching(step=interrupting), iter_n=3)
    assert caught.value.steps == 2
    assert [(octave, iteration) for octave, iteration, _ in images] == [(0, 0), (0, 1)]
    if name != "deepdream":
        np.testing.assert_array_equal(caught.value.image, images[-1][2])
        once = rendered(name, net64, 1, drawn(), iter_n=2, **({} if name == "naive" else {"octave_n": 1}))
        np.testing.assert_array_equal(caught.value.image, once)


def test_an_interrupted_dream_is_brought_to_full_size(net64):
    """Interrupted before its first step, it is the picture that it began with."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with pytest.raises(DreamInterrupted) as caught:
        rendered("deepdream", net64, 1, drawn(), watch=watching(step=interrupt))
    assert caught.value.image.shape == (*SIZE, 3)
    net = build()
    net.forward = interrupt  # in the network, where most of the time goes
    with pytest.raises(DreamInterrupted) as caught:
        rendered("deepdream", net, 1, drawn())
    assert caught.value.steps == 0
    np.testing.assert_allclose(caught.value.image, drawn(), atol=1e-12)


@pytest.mark.parametrize("name", ["multiscale", "lapnorm", "deepdream"])
def test_interrupted_while_an_octave_starts(net64, name, monkeypatch):
    """The picture is still that of the octave before: a dream is enlarged from there, others stay as they are."""
    whole = {}

    def stop(octave, i, image):
        whole["image"] = image
        if (octave, i) == (0, 1):
            monkeypatch.setattr(tutorial, "resize", interrupt)

    def interrupt(*_):
        monkeypatch.undo()
        raise KeyboardInterrupt

    with pytest.raises(DreamInterrupted) as caught:
        rendered(name, net64, 1, drawn(), watch=watching(step=stop), iter_n=2, octave_n=3)
    assert caught.value.steps == 2
    if name == "deepdream":
        assert caught.value.image.shape == (*SIZE, 3)
    else:
        np.testing.assert_array_equal(caught.value.image, whole["image"])


# ---- what cannot be ----


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"iter_n": 0}, "iter_n: 0"),
        ({"step": 0}, "step"),
        ({"step": float("nan")}, "step"),
        ({"octave_n": 0}, "octave_n: 0"),
        ({"octave_scale": 0.9}, "octave_scale: 0.9"),
        ({"lap_n": -1}, "lap_n: -1"),
        ({"lap_n": 31}, "lap_n: 31"),
        ({"rng": np.random.default_rng()}, "RandomState"),
        ({"octave_n": 100}, "at most 100000000 pixels from 30x23"),
        ({"img0": np.zeros((3, 4))}, r"shape \(3, 4\)"),
        ({"img0": np.full((30, 30, 3), np.nan)}, "NaN"),
    ],
)
def test_bad_parameters(net64, params, said):
    with pytest.raises(ValueError, match=said):
        render_lapnorm(net64, "two", 1, **{"img0": drawn(), **params})


def test_unknown_names(net64):
    with pytest.raises(UnknownNameError, match="no channel 4 in 'two', which has 4: 0 to 3"):
        render_naive(net64, "two", 4, drawn())
    with pytest.raises(UnknownNameError, match="no channel -1"):
        render_naive(net64, "two", [0, -1], drawn())
    with pytest.raises(UnknownNameError, match="close: 'two'"):
        render_naive(net64, "twoo", 0, drawn())
    with pytest.raises(UnknownNameError, match="'data' is the image itself"):
        render_naive(net64, "data", 0, drawn())


def test_an_octave_that_is_too_small():
    net = pydream.load_net("squeezenet_v1.1")
    with pytest.raises(ShapeError, match="octave 1 of 4"):
        render_deepdream(net, "fire8/concat", 1, drawn())
    with pytest.raises(ShapeError, match="octave 1 of 20"):
        render_deepdream(net, "conv1", 1, drawn(), octave_n=20)


def test_no_gradient_at_all(net64):
    """A picture of the mean's grey is zeros to a network without biases, and its ReLU lets nothing back."""
    with pytest.raises(ZeroGradientError, match=r"'two':1 was zero at every step: .* before its ReLU"):
        rendered("multiscale", net64, 1, np.full((*SIZE, 3), 117.0), iter_n=1)


def test_a_gradient_that_is_not_finite(net64):
    with pytest.raises(ZeroGradientError, match="'two' at the image is not finite"):
        render_naive(net64, "two", None, drawn() * 1e306)


# ---- the tutorial's own network ----


@pytest.mark.parametrize("channel", [139, None])
def test_inception5h(inception5h_pb, channel):
    """Its graph as TensorFlow imports and differentiates it, fed ``img - 117.0``; the weights are a stand-in's."""
    tf = tensorflow()
    layer = "mixed4d_3x3_bottleneck_pre_relu"
    img = noise(48, 64, np.random.RandomState(0))
    with tf.Graph().as_default():
        t_input = tf.compat.v1.placeholder(tf.float32)
        definition = tf.compat.v1.GraphDef.FromString(inception5h_pb.read_bytes())
        fed = tf.expand_dims(t_input - 117.0, 0)
        (t_obj,) = tf.import_graph_def(definition, {"input": fed}, [f"{layer}:0"])
        t_score = tf.reduce_mean(t_obj[..., channel] if channel is not None else tf.square(t_obj))
        with tf.compat.v1.Session() as session:
            wanted = session.run(tf.gradients(t_score, t_input)[0], {t_input: img})
    got = score_gradient(pydream.load_net(inception5h_pb), layer, channel)(img)
    assert off(got, wanted) < 2.4e-6  # two float32 gradients, each at most 1.2e-6 from the truth as Caffe's are
    assert render_lapnorm(pydream.load_net(inception5h_pb), layer, channel, img, iter_n=1).shape == (93, 124, 3)
