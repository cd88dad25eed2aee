"""Fixtures that several folders share: the networks, and what only the developers have."""

import os
from pathlib import Path

import pytest

from pydream.files import unsynced
from pydream.testing.golden import golden_dream

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def no_sync():
    """Thousands of small files are written: only the tests of syncing wait for the disk."""
    os.environ["PYDREAM_NO_SYNC"] = "1"  # for commands in processes of their own
    with unsynced():
        yield


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def data():
    return ROOT / "tests" / "data"


@pytest.fixture(scope="session")
def golden():
    """What Caffe made of our own picture, in double precision."""
    return golden_dream()


@pytest.fixture(scope="session")
def shared():
    """The developers' folder of golden results, photographs and large weights; users do not have it."""
    folder = Path(os.environ.get("PYDREAM_SHARED", ROOT.parent / "shared"))
    if not (folder / "golden").is_dir():
        pytest.skip(f"NOT PROVEN HERE: golden results of the real Caffe are not in {folder} (PYDREAM_SHARED)")
    return folder


def _squeezenet(dtype, runtime="auto"):
    import pydream

    return pydream.load_net("squeezenet_v1.1", dtype=dtype, runtime=runtime)


def _googlenet(shared, dtype, runtime="auto"):
    import pydream

    weights = shared / "models" / "bvlc_googlenet.caffemodel"
    return pydream.load_net("bvlc_googlenet", weights, dtype=dtype, runtime=runtime)


@pytest.fixture(scope="session")
def squeezenet64():
    return _squeezenet("float64")


@pytest.fixture(scope="session")
def tensorflow_squeezenet64():
    return _squeezenet("float64", "tensorflow")


@pytest.fixture(scope="session")
def squeezenet32():
    return _squeezenet("float32")


@pytest.fixture(scope="session")
def googlenet64(shared):
    return _googlenet(shared, "float64")


@pytest.fixture(scope="session")
def googlenet32(shared):
    return _googlenet(shared, "float32")


@pytest.fixture(scope="session")
def numpy_squeezenet64():
    return _squeezenet("float64", "numpy")


@pytest.fixture(scope="session")
def numpy_googlenet64(shared):
    return _googlenet(shared, "float64", "numpy")


@pytest.fixture(scope="session")
def inception5h_pb(tmp_path_factory):
    return _standin(tmp_path_factory, "inception5h")


@pytest.fixture(scope="session")
def inception_v4_pb(tmp_path_factory):
    return _standin(tmp_path_factory, "inception_v4")


def _standin(tmp_path_factory, name):
    """Write the graph with that name's nodes and shapes, and weights drawn from a seed; tensorflow is imported here."""
    from support import standins

    path = tmp_path_factory.mktemp("standins") / f"{name}.pb"
    getattr(standins, name)(path)
    return path


@pytest.fixture(scope="session")
def readers():
    from support.readers import Readers

    found = Readers()
    yield found
    found.close()


@pytest.fixture
def forked_readers(readers, monkeypatch):
    """Let Keras files be read by forks of one process, which has imported TensorFlow; a second a file otherwise."""
    from pydream.formats.keras import apart

    monkeypatch.setattr(apart, "start", readers.start)
    return readers
