"""A task is a dream as another process can make it: the same pixels, or a refusal that says why."""

import pickle
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from pydream.cluster import tasks
from pydream.cluster.tasks import DreamTask, NetOrder, dream
from pydream.dream.retouch import Mask
from pydream.errors import ClusterError, ShapeError
from pydream.picture import to_pixels
from pydream.record.provenance import net_facts
from pydream.record.recipe import Recipe, follow
from pydream.zoo.load import find_files, load_net

NAME = "squeezenet_v1.1"
RECIPE = Recipe(end="fire2/concat", seed=3, iter_n=2, octave_n=2, jitter=3)


@pytest.fixture(scope="module")
def net():
    return load_net(NAME, dtype="float64", runtime="numpy")


@pytest.fixture(scope="module")
def order(net):
    return NetOrder.of(NAME, None, facts_of(net, NAME))


def facts_of(net, model, weights=None):
    return net_facts(net.name, find_files(model, weights), net.dtype, "numpy", net.device)


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(1).integers(0, 256, (45, 60, 3), np.uint8)


def differing(order, **changes):
    return msgspec.structs.replace(order, **changes)


def test_the_pixels_are_the_dreams_own(net, order, picture):
    dreamt = dream(DreamTask(network=order, recipe=RECIPE, picture=picture))
    np.testing.assert_array_equal(dreamt.pixels, to_pixels(follow(RECIPE, net, picture)))
    assert dreamt.pixels.dtype == np.uint8
    assert dreamt.tile == 0  # it fits


def test_noise_a_guide_and_a_mask(net, order, picture):
    recipe = msgspec.structs.replace(RECIPE, noise=(40, 50))
    mask = np.zeros((40, 50, 3), np.uint8)
    mask[:, 25:] = 255
    task = DreamTask(network=order, recipe=recipe, picture=None, guide=("guide.png", picture), mask=mask)
    objective = tasks.guided(net, picture, RECIPE, "guide.png")
    expected = to_pixels(follow(recipe, net, None, objective, retouches=recipe.retouches(Mask.of(mask))))
    np.testing.assert_array_equal(dream(task).pixels, expected)
    without = to_pixels(follow(recipe, net, None, objective))
    assert (expected != without).any()


def test_memory_decides_on_tiles_where_the_recipe_does_not(order, picture, monkeypatch):
    asked = []

    def choose_tile(recipe, net, height, width, tile, memory, retouches):
        asked.append((recipe.end, height, width, tile, memory, retouches))
        return 16

    monkeypatch.setattr(tasks, "choose_tile", choose_tile)
    for memory in (None, 7_000):
        assert dream(DreamTask(network=order, recipe=RECIPE, picture=picture, memory=memory)).tile == 16
    assert asked == [("fire2/concat", 45, 60, None, memory, []) for memory in (None, 7_000)]
    told = msgspec.structs.replace(RECIPE, tile=0)
    assert dream(DreamTask(network=order, recipe=told, picture=picture)).tile == 0
    assert len(asked) == 2


def test_the_network_is_loaded_once(order, picture, monkeypatch):
    dream(DreamTask(network=order, recipe=RECIPE, picture=picture))

    def load_net(*args, **options):
        raise AssertionError("again")

    monkeypatch.setattr(tasks, "load_net", load_net)
    dream(DreamTask(network=pickle.loads(pickle.dumps(order)), recipe=RECIPE, picture=picture))


def test_outcomes_without_a_cluster():
    """As of `Cluster.run`: by key, one task when it is asked for, and an error is its own task's only."""
    taken = []

    def tasks_():
        for key, divisor in (("a", 2), ("b", 0), ("c", 4)):
            taken.append(key)
            yield key, divisor

    outcomes = tasks.run_here(lambda divisor: 8 / divisor, tasks_())
    assert taken == []
    key, first = next(outcomes)
    assert (key, first.get(), taken) == ("a", 4, ["a"])
    rest = dict(outcomes)
    assert rest["c"].get() == 2
    with pytest.raises(ZeroDivisionError):
        rest["b"].get()


def test_another_process(order, picture, tmp_path):
    """All of it goes through a file to one that has nothing but pydream."""
    task = DreamTask(network=order, recipe=RECIPE, picture=picture)
    (tmp_path / "task").write_bytes(pickle.dumps(task))
    program = (
        "import pickle, sys, pydream.cluster.tasks as t;"
        "open('made', 'wb').write(t.dream(pickle.load(open('task', 'rb'))).pixels.tobytes());"
        "print('tensorflow' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(Path(tasks.__file__).parents[2]), "PYDREAM_NUM_THREADS": "2"}
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"
    assert (tmp_path / "made").read_bytes() == dream(task).pixels.tobytes()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"pydream": "0.0.9"}, "its pydream is 0.1.0, not 0.0.9"),
        ({"versions": (("numpy", "1.0"),)}, "its numpy is 2."),
        ({"weights_sha256": "a" * 64}, f", not {'a' * 64}"),
        ({"definition_sha256": "b" * 64}, f", not {'b' * 64}"),
        ({"model": "bvlc_googlenet"}, "no weights for bvlc_googlenet"),
        ({"model": "/nowhere/net.prototxt"}, "'/nowhere/net.prototxt'"),
        ({"device": "GPU:3"}, "no device 'gpu:3'"),
    ],
)
def test_what_would_compute_something_else_refuses(order, picture, changes, line, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("PYDREAM_MODELS", raising=False)
    task = DreamTask(network=differing(order, **changes), recipe=RECIPE, picture=picture)
    with pytest.raises(ClusterError) as raised:
        dream(task)
    told = str(pickle.loads(pickle.dumps(raised.value)))
    assert told.startswith("the worker on ")
    assert line in told
    assert "\n" not in told


def test_a_networks_own_facts_go_with_it(net, order):
    """What the registry says of a network beside its files may be otherwise where the task comes to."""
    facts = facts_of(net, NAME)
    assert facts.mean is None  # unspecified
    assert order.mean == tuple(net.mean.ravel())
    np.testing.assert_array_equal(msgspec.structs.replace(order, mean=(1.0, 2.0, 3.0)).load().mean.ravel(), [1, 2, 3])
    specified = msgspec.structs.replace(facts, mean=(4.0, 5.0, 6.0))
    np.testing.assert_array_equal(NetOrder.of(NAME, None, specified).load().mean.ravel(), [4, 5, 6])


def test_files_are_found_by_their_whole_path(tmp_path, monkeypatch):
    (tmp_path / "own.prototxt").write_bytes(find_files(NAME).definition.read_bytes())
    (tmp_path / "own.caffemodel").symlink_to(find_files(NAME).weights.resolve())
    monkeypatch.chdir(tmp_path)
    net = load_net("own.prototxt", "own.caffemodel", runtime="numpy")
    order = NetOrder.of("own.prototxt", Path("own.caffemodel"), facts_of(net, "own.prototxt", "own.caffemodel"))
    assert (order.model, order.path) == (str(tmp_path / "own.prototxt"), str(tmp_path / "own.caffemodel"))
    assert order.mean is None


def test_a_guide_that_does_not_fit_is_named(order):
    tiny = np.zeros((1, 1, 3), np.uint8)
    task = DreamTask(network=order, recipe=RECIPE, picture=np.zeros((45, 60, 3), np.uint8), guide=("tiny.png", tiny))
    with pytest.raises(ShapeError, match=r"^the guide 'tiny.png' does not fit"):
        dream(task)
