"""A folder of frames: what is its own goes when the whole is there, and nothing else does."""

import warnings
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support.accounts import NETWORK, RECIPE, SKY

from pydream.errors import PydreamWarning
from pydream.media import write_image
from pydream.record import DreamAccount, Loop
from pydream.record.frames import FrameFolder, earlier_recipe, is_frame
from pydream.record.provenance import picture_facts, sidecar_of

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)


def account(frame=None, seed=7):
    loop = None if frame is None else Loop(frame=frame, scale=0.05, rotate=0.0, shift=(0.0, 0.0))
    return DreamAccount(
        recipe=msgspec.structs.replace(RECIPE, seed=seed, loop=loop), command="pydream zoom", network=NETWORK,
        input=SKY, result=picture_facts("result", PIXELS),
    )  # fmt: skip


@pytest.fixture
def frames(tmp_path):
    (tmp_path / "frames").mkdir()
    return FrameFolder(
        tmp_path / "frames", temporary=True, what="frames", prefix="a+", digits=3, state="state.npz",
        is_state=lambda path: path.read_text() == "state",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("note", "number", "found"),
    [(account(3).to_json(), 3, True), (account(3).to_json(), 4, False), (account().to_json(), 3, False),
     (None, 0, False), ("a camera", 0, False)],
)  # fmt: skip
def test_a_frame_says_its_number(note, number, found):
    assert is_frame(note, number) is found


def test_pictures_by_number(frames):
    assert frames.path(12).name == "a+012.png"
    frames.write(2, PIXELS, account(2))
    frames.write(0, 255 - PIXELS, account(0))
    sidecar_of(frames.path(2)).write_text("{}")
    for other in ("a+2.png", "aa000.png", "a+000.png.txt", "b+001.png"):
        (frames.folder / other).write_text("other")
    assert [(number, path.name) for number, path in frames.numbered()] == [
        (0, "a+000.png"), (2, "a+002.png"), (2, "a+002.png.json"),
    ]  # fmt: skip
    assert frames.there(9) == [0, 2]
    assert frames.there(2) == [0]
    assert np.array_equal(frames.picture(2), PIXELS)


def test_pictures_go_into_a_film_one_by_one(frames):
    for number in range(2):
        frames.write(number, PIXELS + np.uint8(number), account(number))
    calls = []
    shown = frames.pictures(2, lambda: calls.append("frame"))
    assert np.array_equal(next(shown), PIXELS)
    assert calls == ["frame"]
    assert np.array_equal(next(shown), PIXELS + np.uint8(1))
    assert list(shown) == []


def test_its_own_and_others(frames):
    frames.write(0, PIXELS, account(0))
    frames.write(1, PIXELS, account(2))  # another frame's
    frames.path(2).write_bytes(bytes(9))  # nothing is lost with it
    assert frames.own_and_others() == ([frames.path(0), frames.path(2)], [(1, frames.path(1))])
    frames.state_file.write_text("mine")
    assert frames.own_and_others()[1] == [(1, frames.path(1)), (0, frames.state_file)]
    frames.state_file.write_text("state")
    assert frames.existing() == [frames.path(0), frames.path(2), frames.state_file]
    frames.clear()
    assert [path.name for path in frames.folder.iterdir()] == ["a+001.png"]


def test_no_folder_has_nothing(tmp_path):
    frames = FrameFolder(tmp_path / "none", temporary=True, what="frames")
    assert frames.numbered() == frames.existing() == frames.there(9) == []
    frames.finish()
    assert not frames.folder.exists()


def test_what_is_kept_stays(tmp_path):
    kept = FrameFolder(tmp_path, temporary=False, what="frames")
    kept.write(0, PIXELS, account(0))
    kept.finish()
    assert kept.there(9) == [0]


def test_what_was_for_the_whole_goes(frames):
    frames.write(0, PIXELS, account(0))
    frames.state_file.write_text("state")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frames.finish()
    assert not frames.folder.exists()


def test_what_does_not_go_is_said(frames, monkeypatch):
    frames.write(0, PIXELS, account(0))
    (frames.folder / "mine.txt").write_text("mine")
    left = f"'{frames.folder}' is left: it holds what does not say that it is of these frames"
    with pytest.warns(PydreamWarning) as warned:
        frames.finish()
    assert str(warned[0].message) == left
    assert [path.name for path in frames.folder.iterdir()] == ["mine.txt"]

    frames.write(0, PIXELS, account(0))
    monkeypatch.setattr(
        Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    )
    with pytest.warns(PydreamWarning) as warned:
        frames.finish()
    assert str(warned[0].message) == f"'{frames.folder}' is left: Permission denied"
    assert frames.there(9) == [0]


def test_the_recipe_of_what_is_there(tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    write_image(paths[0], PIXELS)
    assert earlier_recipe(paths[:1]) is None
    for path, seed in zip(paths[1:], (8, 9), strict=True):
        write_image(path, PIXELS, account(seed=seed).to_json())
    assert earlier_recipe(paths).seed == 8
