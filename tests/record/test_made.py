"""A file is a result if it says so of itself and is whole; what is something else is not overwritten."""

import msgspec
import numpy as np
import pytest
from support.accounts import INGREDIENTS, NETWORK, RECIPE, SKY

from pydream.errors import CheckpointError, ForeignFileError
from pydream.media.image import write_image
from pydream.media.page import document
from pydream.record import DreamAccount, Film, Loop
from pydream.record import film as film_file
from pydream.record import loop as checkpoint
from pydream.record.frames import is_frame
from pydream.record.loop import Checkpoint, LoopFacts
from pydream.record.made import dream_in, frame_made, is_record, made_note, note_of
from pydream.record.provenance import parse, picture_facts, sidecar_of

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
DREAM = DreamAccount(
    recipe=RECIPE, command="pydream dream sky.png -o dream.png", network=NETWORK, input=SKY,
    result=picture_facts("result", PIXELS),
)  # fmt: skip
FILM = Film(
    film="video", command="pydream video in.mp4 -o dream.mp4", recipe=RECIPE, network=NETWORK, input=SKY, first=0,
    frames=9, size=(4, 6), blend=0.5, flow=False, cut=20.0,
)  # fmt: skip


def made(path, recipe=RECIPE, ingredients=INGREDIENTS, open=()):
    return made_note(path, parse, lambda dream: dream.unlike(recipe, ingredients, open))


@pytest.fixture(params=[".png", ".jpg", ".tif", ".webp"])
def dream(tmp_path, request):
    path = tmp_path / f"dream{request.param}"
    write_image(path, PIXELS, DREAM.to_json())
    return path


def test_a_dream(dream):
    assert made(dream) == DREAM.to_json()
    assert dream_in(made(dream)) == DREAM
    assert is_record(dream)
    assert not is_record(dream, lambda found: found.recipe.seed == 8)


def test_what_is_missing_or_damaged_is_to_be_made(dream, tmp_path):
    assert made(tmp_path / "nothing.png") is None
    content = dream.read_bytes()
    for blank in (b"", bytes(10)):
        dream.write_bytes(blank)
        assert made(dream) is None
        assert is_record(dream)  # nothing is lost with it
    dream.write_bytes(content[:-1])
    if dream.suffix == ".webp":  # its note is at its end
        with pytest.raises(ForeignFileError, match="does not say that it was made here"):
            made(dream)
    elif dream.suffix != ".tif":
        assert made(dream) is None


@pytest.mark.parametrize(
    ("recipe", "ingredients", "why"),
    [
        ({"seed": 8, "iter_n": 3}, {}, "another dream: seed was 7, now 8, iter_n was 10, now 3"),
        ({"loop": Loop(frame=0, scale=0.05, rotate=0.0, shift=(0.0, 0.0))}, {}, "another dream: loop was none"),
        ({}, {"network": msgspec.structs.replace(NETWORK, dtype="float32")}, "another dream: dtype was float64"),
    ],
)
def test_another_dream(dream, recipe, ingredients, why):
    with pytest.raises(ForeignFileError, match=why):
        made(
            dream, msgspec.structs.replace(RECIPE, **recipe), msgspec.structs.replace(INGREDIENTS, **ingredients)
        )  # fmt: skip


def test_what_is_left_open_and_the_device_may_be_any(dream):
    lost = msgspec.structs.replace(INGREDIENTS, network=msgspec.structs.replace(NETWORK, device="GPU:0"))
    other = msgspec.structs.replace(RECIPE, seed=8, tile=64)
    assert made(dream, other, lost, {"seed", "tile"}) is not None


@pytest.mark.parametrize("note", [None, "a camera", "{}", FILM.to_json()])
def test_something_else(dream, note):
    write_image(dream, PIXELS, note)
    before = dream.read_bytes()
    for content in (before, before[:-1]):
        dream.write_bytes(content)
        with pytest.raises(ForeignFileError):
            made(dream)
        assert not is_record(dream)


def test_changed_pixels(tmp_path):
    for name, pixels in (("smaller.png", PIXELS[:-1]), ("other.tif", 255 - PIXELS)):
        write_image(tmp_path / name, pixels, DREAM.to_json())
        with pytest.raises(ForeignFileError, match="its pixels were changed since"):
            made(tmp_path / name)


def test_a_frame_of_a_loop_has_its_number(tmp_path):
    def at(frame):
        return msgspec.structs.replace(RECIPE, loop=Loop(frame=frame, scale=0.05, rotate=0.0, shift=(0.0, 0.0)))

    note = msgspec.structs.replace(DREAM, recipe=at(3)).to_json()
    assert [is_frame(note, number) for number in (2, 3)] == [False, True]
    assert not any(is_frame(other, 3) for other in (None, "a camera", DREAM.to_json()))
    write_image(tmp_path / "a.png", PIXELS, note)
    assert made(tmp_path / "a.png", at(3)) is not None
    with pytest.raises(ForeignFileError, match="frame was 3, now 4"):
        made(tmp_path / "a.png", at(4))


def test_a_frame_of_a_film(tmp_path):
    path = tmp_path / "a.png"
    assert not frame_made(path, FILM, 2)
    write_image(path, PIXELS, FILM.frame(2, PIXELS).to_json())
    for says in (True, False):
        assert frame_made(path, FILM, 2, says)
        with pytest.raises(ForeignFileError, match="number was 2, now 3"):
            frame_made(path, FILM, 3, says)
        with pytest.raises(ForeignFileError, match=r"blend was 0\.5, now 0\.0"):
            frame_made(path, msgspec.structs.replace(FILM, blend=0.0), 2, says)
    write_image(path, PIXELS)  # as once
    assert frame_made(path, FILM, 2, says=False)
    with pytest.raises(ForeignFileError, match="does not say"):
        frame_made(path, FILM, 2)
    with pytest.raises(ForeignFileError, match="does not say"):
        frame_made(path, msgspec.structs.replace(FILM, size=(5, 6)), 2, says=False)
    path.write_bytes(path.read_bytes()[:-1])
    assert not frame_made(path, FILM, 2, says=False)


def test_the_note_of_a_sidecar(dream):
    sidecar = sidecar_of(dream)
    assert note_of(sidecar) == (None, True)
    for content, found in {
        "": ("", True),
        f"{DREAM.to_json()}\n": (DREAM.to_json(), False),
        '{"title": "mine"}': ('{"title": "mine"}', False),
    }.items():
        sidecar.write_text(content)
        assert note_of(sidecar) == found
    sidecar.write_bytes(b"\xff")
    assert note_of(sidecar) == (None, False)
    assert not is_record(sidecar)


@pytest.mark.parametrize("name", ["dream.html", "dream.HTM"])
def test_the_note_of_a_page(tmp_path, name):
    page = tmp_path / name
    assert note_of(page) == (None, True)
    for note in (DREAM.to_json(), '{"title": "mine"}', None):
        page.write_text(document("A dream", "<p>\N{SUNRISE}</p>", note=note), encoding="utf-8")
        assert note_of(page) == (note, False)
        assert is_record(page) == (note == DREAM.to_json())
    page.unlink()
    page.mkdir()
    assert note_of(page) == (None, False)


def test_states(tmp_path, data):
    """Where they can be told from other files of their names, damaged ones can be removed."""
    state = tmp_path / "state"
    assert not checkpoint.is_checkpoint(state)
    assert not film_file.is_plan(state)
    for content in (b"", bytes(99)):
        state.write_bytes(content)
        assert checkpoint.is_checkpoint(state)
        assert film_file.is_plan(state)
    recipe = msgspec.structs.replace(RECIPE, loop=Loop(frame=3, scale=0.05, rotate=0.0, shift=(0.0, 0.0)))
    loop = LoopFacts(recipe=recipe, network=NETWORK, input=SKY)
    checkpoint.save(state, Checkpoint(loop, PIXELS.astype(float), np.random.RandomState(0)))
    assert checkpoint.is_checkpoint(state)
    state.write_bytes(state.read_bytes()[:-9])
    assert checkpoint.is_checkpoint(state)
    with pytest.raises(CheckpointError, match=r"'.*state' is damaged, so the loop cannot be resumed: "):
        checkpoint.load(state)
    assert checkpoint.is_checkpoint(data / "made_before/stopped_zoom/resume.npz")
    np.savez(tmp_path / "other.npz", mine=PIXELS)
    assert not checkpoint.is_checkpoint(tmp_path / "other.npz")
    film_file.save(state, FILM)
    assert film_file.is_plan(state)
    assert film_file.load(state).frames_say
    assert film_file.is_plan(data / "made_before/stopped.mp4.frames/film.json")
    assert not film_file.load(data / "made_before/stopped.mp4.frames/film.json").frames_say
    state.write_text('{"film": "mine"}')
    assert not film_file.is_plan(state)
