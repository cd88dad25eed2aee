"""What is measured is what it is said to be: operations, the floor, gradients, a dream and its parts."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from pydream import imageops
from pydream.bench import clock, floor, inputs, machine, network, operations, whole
from pydream.bench.timing import expect_same, race
from pydream.errors import BenchError, NetFileError, ResultsDifferError, ShapeError
from pydream.formats.caffe.layers import graph_of
from pydream.formats.caffe.prototxt import read_model
from pydream.host.resources import peak_memory
from pydream.zoo.registry import find_network


@pytest.fixture(scope="module")
def subject():
    return network.Subject.find("squeezenet_v1.1", layer="fire3/concat")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_operations_agree_and_go_on_agreeing(dtype):
    contests = list(operations.contests((37, 50), dtype))
    assert [each.name for each in contests] == [f"{name}, 50x37" for name in operations.names()]
    for contest in contests:
        assert set(contest.ways) == {"numpy", "native"}
        for _ in range(3):  # in place, from what the last call left
            expect_same(contest)


def test_a_wrong_operation_is_refused(monkeypatch):
    native = imageops.backend("native")
    right = native.clip
    monkeypatch.setattr(native, "clip", lambda image, low, high: right(image, low, high + 1))
    contests = {each.name: each for each in operations.contests((37, 50))}
    with pytest.raises(ResultsDifferError, match=r"^clip, 50x37: native and numpy compute different results"):
        race(contests["clip, 50x37"], seconds=0, least=1)


def test_large_pictures_have_a_lower_bound():
    assert [operations.bound(size) for size in ((48, 64), (512, 768), (575, 1024), (1150, 2048))] == [1, 1, 0.5, 0.5]


def test_the_picture_is_a_picture_and_flat_nowhere():
    made = inputs.picture(60, 80)
    assert made.shape == (60, 80, 3)
    assert made.dtype == np.float32
    assert 0 <= made.min() < 40
    assert 215 < made.max() <= 255
    blocks = made[:60, :80].reshape(10, 6, 10, 8, 3)
    assert blocks.std(axis=(1, 3)).min() > 2
    assert not np.array_equal(made, inputs.picture(60, 80, seed=1))


@pytest.mark.parametrize(
    ("size", "gmac"),
    [((575, 1024), 13.77), ((411, 731), 6.93), ((294, 522), 3.51), ((210, 373), 1.80)],
)
def test_multiplications_of_googlenet(size, gmac):
    definition = find_network("bvlc_googlenet").folder / "deploy.prototxt"
    graph = graph_of(read_model(definition), "googlenet")
    assert floor.multiplications(graph, "inception_4c/output", size) / 1e9 == pytest.approx(gmac, abs=0.006)


def test_multiplications_by_hand():
    """AlexNet: conv1 is 96 filters of 3x11x11 at every fourth pixel; conv2 has two groups."""
    graph = graph_of(read_model(find_network("bvlc_alexnet").folder / "deploy.prototxt"), "alexnet")
    conv1 = 96 * 3 * 11 * 11 * 55 * 55
    assert floor.multiplications(graph, "conv1", (227, 227)) == conv1
    assert floor.multiplications(graph, "conv2", (227, 227)) == conv1 + 256 * 48 * 5 * 5 * 27 * 27


def test_the_floor_is_four_operations_a_multiplication():
    assert floor.gflops(1.0, side=1000) == 2.0
    assert floor.floor_seconds(1.0, 10**9, side=1000) == 2.0  # forward and back, at 10^9 multiplications a second
    assert isinstance(float(floor.matrix_product(side=8)()), float)


def test_gradients_are_held_to_the_first(subject):
    ours = network.passes_of(subject.net, subject.end, "ours")
    exact = network.passes_of(subject.load("float64"), subject.end, network.EXACT)
    network.expect_same_gradients(subject, [ours, exact], (64, 96))
    expect_same(network.contest(subject, (64, 96), [ours, exact]))

    wrong = network.Passes("wrong", lambda tensor: ours.gradient(tensor) * np.float32(1.0001), True)
    with pytest.raises(ResultsDifferError, match=r"wrong and ours compute different gradients.* \(expected 1e-05"):
        network.expect_same_gradients(subject, [ours, wrong], (64, 96))


def test_passes_with_channels_first_are_compared_as_they_are(subject):
    ours = network.passes_of(subject.net, subject.end, "ours")

    def channels_first(tensor):
        return ours.gradient(np.ascontiguousarray(tensor.transpose(0, 2, 3, 1))).transpose(0, 3, 1, 2)

    network.expect_same_gradients(subject, [ours, network.Passes("other", channels_first, False)], (64, 96))


def test_a_size_that_does_not_fit(subject):
    with pytest.raises(ShapeError, match="2x2"):
        network.contest(subject, (2, 2), [])


def test_random_weights_stand_in(monkeypatch):
    monkeypatch.delenv("PYDREAM_MODELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/nonexistent")
    with pytest.raises(NetFileError, match="no weights for bvlc_alexnet"):
        network.Subject.find("bvlc_alexnet", layer="conv2")
    subject = network.Subject.find("bvlc_alexnet", layer="conv2", stand_in=True)
    assert subject.stand_in
    assert subject.end == "conv2"
    assert subject.net.mean.ravel().tolist() == list(find_network("bvlc_alexnet").mean)
    gradient = network.passes_of(subject.net, "conv2", "ours").way(inputs.image(60, 70, subject.net.mean))()
    assert gradient.shape == (1, 3, 60, 70)
    assert np.abs(gradient).max() > 0


# A dream and its parts.


def test_the_parts_of_a_dream():
    """Two octaves of three steps, by hand: what the first step takes more than the usual one is building."""
    net = SimpleNamespace(forwards=[9.0, 1.0, 3.0, 5.0, 4.0, 4.0], backwards=[2.0, 2.0, 2.0, 2.0, 2.0, 2.0])
    taken = {"to_tensor": [0.25] * 6, "ascend_tensor": [0.5] * 6, "zoom": [0.125, 0.25]}
    split = whole.breakdown(50.0, net, taken, 2, 3)
    assert split.building == (9 - 2) + (5 - 4)
    assert split.network == 26 + 12 - split.building
    assert split.image == 4.5
    assert split.zoom == 0.375
    assert split.rest == 50 - 26 - 12 - 4.5 - 0.375
    assert split.step == [3 + 2 + 0.75, 4 + 2 + 0.75]
    assert split.steps == 18 + 12 + 4.5
    assert split.not_steps == pytest.approx((50 - 34.5) / 34.5)
    assert split.image_share == pytest.approx((4.5 + 0.375) / 50)


def test_functions_are_clocked_only_meanwhile():
    native = imageops.backend("native")
    before = native.zoom
    image = inputs.image(20, 30, np.zeros((3, 1, 1), np.float32))
    with clock.clocked(native, ["zoom"]) as taken:
        assert native.zoom(image, 10, 15).shape == (3, 10, 15)
        with pytest.raises(TypeError):
            native.zoom(image, 10, None)
    assert native.zoom is before
    assert len(taken["zoom"]) == 2


def test_a_dream_in_a_process_of_its_own():
    request = whole.Request("squeezenet_v1.1", None, "fire3/concat", 96, 64, octave_n=2, iter_n=2, dreams=2)
    found = whole.whole_dream(request)
    assert len(found.dreams) == 2
    for split in found.dreams:
        parts = (split.network, split.image, split.zoom, split.building, split.rest)
        assert sum(parts) == pytest.approx(split.total)
        assert len(split.step) == 2
    assert 10**8 < found.imported <= found.before <= found.peak < 2 * 10**9
    assert found.own_memory == found.peak - found.imported


def test_a_dream_is_not_measured_in_tiles(monkeypatch):
    """Its clocks have one reading a step, even where there is so little memory that a dream would be tiled."""
    monkeypatch.setattr("pydream.tiles.fitting.free_bytes", lambda: 10**6)
    request = whole.Request("squeezenet_v1.1", None, "fire3/concat", 128, 96, octave_n=1, iter_n=2, dreams=1)
    (dream,) = whole.dream_here(request).dreams
    assert len(dream.step) == 1


def test_a_small_process_of_a_large_one_is_small():
    """`ru_maxrss` would say otherwise: it starts from the parent's."""
    ballast = np.ones(60_000_000)
    program = "from pydream.host.resources import peak_memory; print(peak_memory())"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 10**7 < int(run.stdout) < ballast.nbytes
    assert peak_memory() > ballast.nbytes


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "no_such_net"}, r"no network 'no_such_net'; there are: 'squeezenet_v1.1', .*"),
        ({"width": 8, "height": 8}, r".*8x8.*"),
    ],
)
def test_a_dream_that_fails_says_why(changes, reason):
    request = {"model": "squeezenet_v1.1", "weights": None, "layer": None, "width": 64, "height": 64, "octave_n": 1}
    with pytest.raises(BenchError, match=rf"^a dream in a process of its own failed: {reason}$"):
        whole.whole_dream(whole.Request(**(request | changes)))


def test_reasons():
    assert whole.reason(-9, "") == "ended by signal 9, most likely out of memory"
    assert whole.reason(-15, "") == "ended by signal 15"
    assert whole.reason(3, "") == "exit code 3"
    assert whole.reason(1, "Traceback\n  File\nOSError: no disk\n") == "OSError: no disk"


def test_the_machine():
    found = machine.machine()
    assert found["cpu"]
    assert found["cores"] >= 1
    assert set(found["versions"]) == {"pydream", "Python", "NumPy", "SciPy", "TensorFlow"}
    assert all(count >= 1 for count in found["threads"].values())


def test_threads_are_told(monkeypatch):
    monkeypatch.setenv("PYDREAM_NUM_THREADS", "3")
    found = machine.machine()
    assert found["threads"]["image operations"] == 3
    assert "(PYDREAM_NUM_THREADS=3)" in machine.as_lines(found)[2]
