"""The seam: what a port of two abstract classes gets by default, and a net that delegates to another."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest

import pydream
from pydream.errors import ShapeError
from pydream.imageops import numpy_ops
from pydream.net import Affine, Blob, Match, Net, Wrapper, best_match, names_of, unknown_name


class Plain(Blob):
    """Arrays, and nothing that has a default."""

    def __init__(self, *dims):
        self.reshape(*dims)

    @property
    def data(self):
        return self._data

    @property
    def diff(self):
        return self._diff

    @property
    def shape(self):
        return self._data.shape

    def reshape(self, *dims):
        self._data, self._diff = np.zeros(dims), np.zeros(dims)


class Tripled(Net):
    """``y = 3 x``."""

    name, channel_order, dtype, channels_last, default_end = "tripled", "RGB", np.dtype(np.float64), False, "y"

    def __init__(self):
        self.mean = np.full((3, 1, 1), 100.0)
        self.blobs = {"data": Plain(1, 3, 4, 5), "y": Plain(1, 3, 4, 5)}

    def forward(self, end=None, *, tensor=None):
        data = self.blobs["data"].data if tensor is None else tensor
        if self.blobs["y"].shape != data.shape:
            self.blobs["y"].reshape(*data.shape)
        self.blobs["y"].data[...] = 3 * data
        return {"y": self.blobs["y"].data}

    def backward(self, start=None):
        self.blobs["data"].diff[...] = 3 * self.blobs["y"].diff
        return self.blobs["data"].diff

    def reshape(self):
        pass


@pytest.fixture
def net():
    made = Tripled()
    made.blobs["data"].data[...] = np.random.default_rng(0).normal(size=(1, 3, 4, 5))
    return made


@pytest.fixture
def blob(net):
    net.forward()
    return net.blobs["y"]


def test_what_is_abstract_is_all_that_a_port_must_have():
    assert Blob.__abstractmethods__ == {"data", "diff", "shape", "reshape"}
    assert Net.__abstractmethods__ == {"forward", "backward", "reshape"}


@pytest.mark.parametrize(
    ("gain", "bias"), [(2, 1), (0.5, 0), (np.arange(3.0).reshape(3, 1, 1), np.arange(60.0).reshape(3, 4, 5))]
)
def test_drive_affine(blob, gain, bias):
    blob.drive(Affine(gain, bias))
    np.testing.assert_array_equal(blob.diff, gain * blob.data + bias)


def test_drive_match(blob):
    features = np.random.default_rng(1).normal(size=(3, 2, 7))
    blob.drive(Match(features))
    for y, x in np.ndindex(4, 5):
        best = np.einsum("chw,c->hw", features, blob.data[0, :, y, x]).argmax()
        np.testing.assert_array_equal(blob.diff[0, :, y, x], features.reshape(3, -1)[:, best])


def test_drive_match_writes_into_a_diff_that_is_not_contiguous(blob):
    blob._diff = np.zeros((1, 4, 5, 3)).transpose(0, 3, 1, 2)
    blob.drive(Match(np.ones((3, 1, 1))))
    assert (blob.diff == 1).all()


def test_copy_and_clear(blob):
    blob.copy_data_to_diff()
    np.testing.assert_array_equal(blob.diff, blob.data)
    blob.clear_diff()
    assert not blob.diff.any()


@pytest.mark.parametrize("last", [False, True])
def test_feed(net, last):
    net.channels_last = last
    image = np.random.default_rng(0).normal(size=(3, 4, 5))
    shifted = np.roll(image, (1, -2), (1, 2))[np.newaxis]
    np.testing.assert_array_equal(net.feed(image, -2, 1, numpy_ops), shifted.transpose(0, 2, 3, 1) if last else shifted)


def test_a_port_dreams_whole_pictures(net):
    picture = np.random.RandomState(0).randint(0, 256, (20, 25, 3), np.uint8)
    dream = pydream.deepdream(net, picture, octave_n=2, iter_n=2, rng=np.random.RandomState(0), backend="numpy")
    assert dream.shape == picture.shape
    assert net.logits is None
    assert net.step_bytes(["y"], 20, 25) == 0
    with pytest.raises(ShapeError, match=r"tripled .* runs on whole pictures"):
        net.locality("y")
    for unable in (net.twin, lambda: list(net.gradients_of([]))):
        with pytest.raises(NotImplementedError, match="tripled runs on whole pictures"):
            unable()


def test_gradients_of_parts_are_computed_on_a_twin(net):
    """Which is left empty: it is in a cycle of references, and what it holds would stay."""
    shapes = []
    twin = SimpleNamespace(resize=lambda *size: shapes.append(size))
    net.twin = lambda: twin
    parts = [SimpleNamespace(gradient=lambda net, place=place: (net, place)) for place in range(3)]
    assert list(net.gradients_of(parts)) == [(twin, 0), (twin, 1), (twin, 2)]
    assert shapes == [(1, 1)]


def test_a_wrapper_is_the_net_that_it_wraps(net):
    wrapper = Wrapper(net)
    for name in ("name", "blobs", "mean", "channel_order", "dtype", "channels_last", "default_end"):
        assert getattr(wrapper, name) is getattr(net, name)
    np.testing.assert_array_equal(wrapper.forward("y")["y"], 3 * net.blobs["data"].data)
    wrapper.blobs["y"].copy_data_to_diff()
    np.testing.assert_array_equal(wrapper.backward("y"), 3 * (3 * net.blobs["data"].data))
    net.logits = ("y", 3)
    assert Wrapper(net).logits == ("y", 3)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        wrapper.nothing  # noqa: B018


def test_a_wrapper_hands_on_what_the_net_overrides():
    """Every method that has a default: else the wrapper would answer with the default."""
    methods = {name for name, value in vars(Net).items() if callable(value) and not name.startswith("_")}
    assert methods <= set(vars(Wrapper))


def test_a_wrapper_can_be_copied(net):
    assert copy.copy(Wrapper(net)).blobs is net.blobs
    assert copy.deepcopy(Wrapper(net)).name == "tripled"


def test_names():
    assert names_of(None) is None
    assert names_of("a") == ("a",)
    assert names_of(["a", "b"]) == ("a", "b")
    assert str(unknown_name("blob", "polo1", ["pool1", "conv"])) == "no blob 'polo1'; close: 'pool1'"
    assert str(unknown_name("blob", "", "abc")) == "no blob ''; there are: 'a', 'b', 'c'"


def test_the_first_of_equal_columns_is_the_best():
    y = np.eye(2)[:, [0, 1, 1, 0]]
    assert best_match(np.array([[1.0, 0, 1], [0, 2, 1]]), y).tolist() == [0, 1, 0]
