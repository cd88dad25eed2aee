"""What a stopped loop or film left is taken whole, or refused in one line that says what is wrong with it."""

import zipfile

import msgspec
import numpy as np
import pytest
from PIL import Image
from support.accounts import NETWORK, RECIPE, SKY

from pydream.dream.light import Light
from pydream.errors import CheckpointError, ProvenanceError
from pydream.record import Film, Loop
from pydream.record import film as film_file
from pydream.record.film import read_frame
from pydream.record.loop import Checkpoint, LoopFacts, load, save

LOOP = Loop(frame=3, scale=0.05, rotate=0.0, shift=(0.0, 0.0), hold="both")
FACTS = LoopFacts(recipe=msgspec.structs.replace(RECIPE, loop=LOOP), network=NETWORK, input=SKY)
LIGHT = Light((100.5, 90.0, 80.0), (20.25, 1.0, 2.0))
FRAME = np.random.default_rng(0).uniform(0, 255, (4, 6, 3))
FILM = Film(
    film="video", command="pydream video", recipe=RECIPE, network=NETWORK, input=SKY, first=0, frames=9, size=(4, 6),
    blend=0.5, flow=False, cut=20.0,
)  # fmt: skip


@pytest.fixture
def left(tmp_path):
    """A checkpoint, and the arrays in it."""
    path = tmp_path / "loop.npz"
    rng = np.random.RandomState(1)
    rng.standard_normal(3)  # so that it has a number in store
    save(path, Checkpoint(FACTS, FRAME, rng, LIGHT))
    with np.load(path) as file:
        return path, dict(file)


def text(facts):
    return np.frombuffer(msgspec.json.encode(facts), np.uint8)


def test_a_checkpoint_goes_on_where_it_was(left):
    found = load(left[0])
    assert found.loop == FACTS
    assert np.array_equal(found.frame, FRAME)
    assert found.light == LIGHT
    rng = np.random.RandomState(1)
    rng.standard_normal(3)
    assert np.array_equal(found.rng.standard_normal(5), rng.standard_normal(5))


def test_no_checkpoint(tmp_path):
    assert load(tmp_path / "none.npz") is None
    assert film_file.load(tmp_path / "none.json") is None


def test_another_frame_of_the_loop():
    assert FACTS.at(8).place.frame == 8
    assert not FACTS.unlike(FACTS.at(8))


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        ({"loop": text(msgspec.structs.replace(FACTS, recipe=RECIPE))}, "its recipe is not a loop's"),
        ({"frame": FRAME.astype(np.float32)}, r"its frame is \(4, 6, 3\), float32"),
        ({"frame": FRAME[:3]}, r"its frame is \(3, 6, 3\), float64"),
        ({"frame": np.zeros((5, 6, 3))}, r"frame is \(5, 6, 3\), float64"),  # and is not read
        ({"loop": np.zeros(2**20 + 1, np.uint8)}, r"loop is \(1048577,\), uint8"),
        ({"position": np.array([625, 0])}, "its random state is at number 625 of 624"),
        ({"position": np.array([-1, 0])}, "its random state is at number -1 of 624"),
        ({"light": np.zeros((2, 2))}, "Expected `array` of length 3"),
    ],
)
def test_a_damaged_checkpoint(left, arrays, why):
    path, kept = left
    np.savez(path, **{**kept, **arrays})
    with pytest.raises(CheckpointError, match=f"^'{path}' is damaged, so the loop cannot be resumed: .*{why}"):
        load(path)


def test_a_checkpoint_of_another_format(left):
    path, kept = left
    with zipfile.ZipFile(path, "w") as file:
        for name, array in kept.items():
            with file.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, version=(2, 0))
    with pytest.raises(CheckpointError, match=r"loop is of NumPy's format \(2, 0\)"):
        load(path)


def test_a_picture_of_too_many_pixels_is_not_read(left, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 23)
    with pytest.raises(CheckpointError, match=r"its picture has 6x4 pixels, which are too many"):
        load(left[0])


def test_memory_that_runs_out_is_no_damage(left, monkeypatch):
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: (_ for _ in ()).throw(MemoryError))
    with pytest.raises(MemoryError):
        load(left[0])


@pytest.mark.parametrize("content", ["", "{", "[" * 10_000, '{"film": "video"}', "\udcff"])
def test_a_damaged_film(tmp_path, content):
    path = tmp_path / "film.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(CheckpointError, match=f"^'{path}' is damaged, so the film cannot be resumed: "):
        film_file.load(path)


@pytest.mark.parametrize("note", ["", "a camera", "[" * 10_000, FILM.to_json()])
def test_what_is_no_frame_of_a_film(note):
    with pytest.raises(ProvenanceError, match=r"^it is not a frame of a film: "):
        read_frame(note)


def test_a_frame_of_a_film():
    frame = FILM.frame(2, np.zeros((4, 6, 3), np.uint8))
    assert read_frame(frame.to_json()) == frame
    assert (frame.number, frame.result.width, frame.result.height) == (2, 6, 4)
