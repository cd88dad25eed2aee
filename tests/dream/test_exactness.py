"""Results are compared with the real Caffe's: gradients to rounding, 8-bit dreams to the byte (numerics.md, 3)."""

import hashlib

import numpy as np
import PIL.Image
import pytest
from support.watching import watching

import pydream


def relative(found, expected):
    """Distance of two arrays relative to the expected one's length, L2."""
    return np.linalg.norm(np.float64(found) - expected) / np.linalg.norm(expected)


def gradient(net, image, end):
    """Gradient of the L2 objective at the input, and the activations it is made of."""
    src, dst = net.blobs["data"], net.blobs[end]
    src.reshape(1, 3, *image.shape[:2])
    src.data[0] = pydream.preprocess(net, image)
    net.forward(end=end)
    pydream.objective_L2(dst)
    net.backward(start=end)
    return src.diff[0].copy(), dst.data.copy()


def assert_identical(out, golden):
    """The picture to save is Caffe's, byte for byte."""
    picture = np.uint8(np.clip(out, 0, 255))
    different = np.count_nonzero(picture != golden["out_u8"])
    assert different == 0, f"{different} of {picture.size} bytes differ from Caffe's"
    assert hashlib.sha256(picture.tobytes()).hexdigest() == str(golden["sha256"])


def dream(net, golden, **params):
    return pydream.deepdream(net, golden["image"], rng=np.random.RandomState(0), **params)


def guide(net, shared):
    flowers = np.array(PIL.Image.open(shared / "images" / "flowers.jpg"))
    return pydream.objective_guide(net, flowers, "inception_3b/output")


GOOGLENET_LAYERS = [
    "conv1/7x7_s2",
    "pool1/norm1",
    "conv2/3x3",
    "inception_3a/output",
    "inception_3b/5x5_reduce",
    "inception_4c/output",
    "inception_5b/output",
]
SQUEEZENET_LAYERS = ["conv1", "fire3/concat", "fire5/expand3x3", "fire8/concat"]


class TestFloat64:
    """The exact mode, on its own runtime. The limits are the issue's; what is measured is near 1e-15."""

    @pytest.mark.parametrize("end", SQUEEZENET_LAYERS)
    def test_squeezenet_gradient(self, squeezenet64, data, end):
        golden = np.load(data / "squeezenet_own_gradients.npz")
        g, y = gradient(squeezenet64, golden["image"], end)
        assert relative(g, golden[f"g:{end}"]) < 1e-9
        assert y.shape == tuple(golden[f"y_shape:{end}"])
        assert np.linalg.norm(y) == pytest.approx(golden[f"y_norm:{end}"], rel=1e-9)

    def test_golden_layers_are_all_tested(self, data):
        golden = np.load(data / "squeezenet_own_gradients.npz")
        assert {key[2:] for key in golden if key.startswith("g:")} == set(SQUEEZENET_LAYERS)

    @pytest.mark.parametrize("end", GOOGLENET_LAYERS)
    def test_googlenet_gradient(self, googlenet64, shared, end):
        golden = np.load(shared / "golden" / "googlenet_gradients.npz")
        assert {key[2:] for key in golden if key.startswith("g:")} == set(GOOGLENET_LAYERS)
        g, y = gradient(googlenet64, golden["image"], end)
        assert relative(g, golden[f"g:{end}"]) < 1e-9
        assert y.shape == tuple(golden[f"y_shape:{end}"])
        assert np.linalg.norm(y) == pytest.approx(golden[f"y_norm:{end}"], rel=1e-9)

    @pytest.mark.parametrize("backend", ["native", "numpy"])
    def test_squeezenet_dream_of_our_own_picture(self, squeezenet64, golden, backend):
        seen = []
        out = dream(
            squeezenet64,
            golden,
            octave_n=3,
            iter_n=6,
            backend=backend,
            watch=watching(step=lambda *_: seen.append(np.sqrt(np.mean(squeezenet64.blobs["data"].data ** 2)))),
        )
        # The first step that goes astray, if any does, is the message.
        np.testing.assert_allclose(seen, golden["step_rms"], rtol=1e-12)
        assert_identical(out, golden)

    def test_squeezenet_dream(self, squeezenet64, shared):
        golden = np.load(shared / "golden" / "squeezenet_fire8_256x144.npz")
        assert_identical(dream(squeezenet64, golden, octave_n=3), golden)

    def test_googlenet_dream(self, googlenet64, shared):
        golden = np.load(shared / "golden" / "googlenet_4c_256x144.npz")
        out = dream(googlenet64, golden, octave_n=3)
        assert relative(out, golden["out"]) < 1e-9
        assert_identical(out, golden)

    def test_googlenet_guided_dream(self, googlenet64, shared):
        golden = np.load(shared / "golden" / "googlenet_guided_3b_256x144.npz")
        objective = guide(googlenet64, shared)
        out = dream(googlenet64, golden, octave_n=3, iter_n=5, end="inception_3b/output", objective=objective)
        assert_identical(out, golden)

    def test_short_dreams(self, googlenet64, shared):
        golden = np.load(shared / "golden" / "googlenet_4c_256x144_2steps.npz")
        assert_identical(dream(googlenet64, golden, octave_n=1, iter_n=2), golden)
        golden = np.load(shared / "golden" / "googlenet_guided_3b_256x144_2steps.npz")
        objective = guide(googlenet64, shared)
        out = dream(googlenet64, golden, octave_n=1, iter_n=2, end="inception_3b/output", objective=objective)
        assert_identical(out, golden)

    @pytest.mark.slow
    def test_the_2015_dream_itself(self, googlenet64, shared):
        golden = np.load(shared / "golden" / "googlenet_4c_1024x575.npz")
        sky = np.array(PIL.Image.open(shared / "images" / "sky1024px.jpg"))
        assert_identical(pydream.deepdream(googlenet64, sky, rng=np.random.RandomState(0)), golden)


class TestNumpy:
    """The same through plain NumPy, the runtime that ports are compared with."""

    @pytest.mark.parametrize("end", SQUEEZENET_LAYERS)
    def test_squeezenet_gradient(self, numpy_squeezenet64, data, end):
        golden = np.load(data / "squeezenet_own_gradients.npz")
        g, y = gradient(numpy_squeezenet64, golden["image"], end)
        assert relative(g, golden[f"g:{end}"]) < 1e-9
        assert np.linalg.norm(y) == pytest.approx(golden[f"y_norm:{end}"], rel=1e-9)

    @pytest.mark.parametrize("end", GOOGLENET_LAYERS)
    def test_googlenet_gradient(self, numpy_googlenet64, shared, end):
        golden = np.load(shared / "golden" / "googlenet_gradients.npz")
        g, y = gradient(numpy_googlenet64, golden["image"], end)
        assert relative(g, golden[f"g:{end}"]) < 1e-9
        assert np.linalg.norm(y) == pytest.approx(golden[f"y_norm:{end}"], rel=1e-9)

    def test_squeezenet_dream_of_our_own_picture(self, numpy_squeezenet64, golden):
        assert_identical(dream(numpy_squeezenet64, golden, octave_n=3, iter_n=6, backend="numpy"), golden)

    def test_short_dreams(self, numpy_googlenet64, shared):
        golden = np.load(shared / "golden" / "googlenet_4c_256x144_2steps.npz")
        assert_identical(dream(numpy_googlenet64, golden, octave_n=1, iter_n=2), golden)
        golden = np.load(shared / "golden" / "googlenet_guided_3b_256x144_2steps.npz")
        objective = guide(numpy_googlenet64, shared)
        out = dream(numpy_googlenet64, golden, octave_n=1, iter_n=2, end="inception_3b/output", objective=objective)
        assert_identical(out, golden)


class TestTensorFlow:
    """The same through TensorFlow in float64, which runs it on a GPU."""

    @pytest.mark.parametrize("end", SQUEEZENET_LAYERS)
    def test_squeezenet_gradient(self, tensorflow_squeezenet64, data, end):
        golden = np.load(data / "squeezenet_own_gradients.npz")
        g, y = gradient(tensorflow_squeezenet64, golden["image"], end)
        assert relative(g, golden[f"g:{end}"]) < 1e-9
        assert np.linalg.norm(y) == pytest.approx(golden[f"y_norm:{end}"], rel=1e-9)

    def test_squeezenet_dream_of_our_own_picture(self, tensorflow_squeezenet64, golden):
        assert_identical(dream(tensorflow_squeezenet64, golden, octave_n=3, iter_n=6), golden)


class TestFloat32:
    """The fast mode: no worse than Caffe's own float32."""

    @pytest.mark.parametrize("end", SQUEEZENET_LAYERS)
    def test_squeezenet(self, squeezenet32, squeezenet64, data, end):
        golden = np.load(data / "squeezenet_own_gradients.npz")
        g, y = gradient(squeezenet32, golden["image"], end)
        assert g.dtype == np.float32
        assert relative(g, golden[f"g:{end}"]) < 1e-5  # Caffe: 1e-7 to 1.2e-6
        assert relative(y, gradient(squeezenet64, golden["image"], end)[1]) < 2e-6  # Caffe: 4e-7 to 9e-7

    @pytest.mark.parametrize("end", GOOGLENET_LAYERS)
    def test_googlenet(self, googlenet32, googlenet64, shared, end):
        golden = np.load(shared / "golden" / "googlenet_gradients.npz")
        g, y = gradient(googlenet32, golden["image"], end)
        assert relative(g, golden[f"g:{end}"]) < 1e-5
        assert relative(y, gradient(googlenet64, golden["image"], end)[1]) < 2e-6

    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_random_images(self, squeezenet32, squeezenet64, googlenet32, googlenet64, seed):
        """Near-ties in max pooling flip here; Caffe's own float32 is off by up to 9e-3."""
        image = np.random.RandomState(seed).uniform(0, 255, (97, 128, 3)).astype(np.float32)
        for exact, fast, end in (
            (squeezenet64, squeezenet32, "fire8/concat"),
            (googlenet64, googlenet32, "inception_4c/output"),
        ):
            assert relative(gradient(fast, image, end)[0], gradient(exact, image, end)[0]) < 2e-2

    def test_short_dreams(self, googlenet32, shared):
        golden = np.load(shared / "golden" / "googlenet_4c_256x144_2steps.npz")
        out = dream(googlenet32, golden, octave_n=1, iter_n=2)
        assert np.abs(out - golden["out"]).mean() < 0.06
        golden = np.load(shared / "golden" / "googlenet_guided_3b_256x144_2steps.npz")
        objective = guide(googlenet32, shared)
        out = dream(googlenet32, golden, octave_n=1, iter_n=2, end="inception_3b/output", objective=objective)
        assert np.abs(out - golden["out"]).mean() < 0.06
