"""`pydream video` with a folder of frames in place of a film, as input and as output."""

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.clips import moving_square, shown, write_clip
from support.interrupting import interrupt_at

from pydream.media.image import read_image, read_note, write_image
from pydream.media.video import read_comment, read_video, write_video
from pydream.record.film import read_frame


@pytest.fixture
def frames(folder):
    """Twelve frames, whose names do not sort as text: frame1 to frame12."""
    Path("frames").mkdir()
    for number, frame in enumerate(moving_square(12), start=1):
        write_image(f"frames/frame{number}.png", frame)
    return Path("frames")


@pytest.fixture
def short(quick):
    return [*quick, "--seed", "1", "--step-size", "0.01", "--jitter", "0", "--carry", "0"]


@pytest.fixture
def clip(folder):
    return write_clip(folder / "in.mp4", moving_square(4), Fraction(30000, 1001), tone="aac")


def pictures(path):
    return list(read_video(Path(path)).frames())


def in_folder(path):
    return [read_image(each) for each in sorted(Path(path).glob("*.png"))]


def nearly(found, wanted, levels):
    return len(found) == len(wanted) and all(
        np.abs(one.astype(int) - other).max() <= levels for one, other in zip(found, wanted, strict=True)
    )


def test_a_folder_becomes_a_film(run, frames, short):
    """In the order of the numbers, and silent."""
    seen = run("video", "frames", "-o", "out.mp4", *short, "--quality", "100")
    assert seen.code == 0, seen
    assert seen.err.splitlines()[-1] == "wrote 'out.mp4'"
    footage = read_video(Path("out.mp4"))
    assert (footage.rate, footage.sound) == (25, None)
    dreamt = list(footage.frames())
    assert len(dreamt) == 12
    squares = [np.argwhere(frame[18, :, 0] > 200).min() for frame in dreamt]
    assert squares == sorted(squares)
    assert squares[-1] >= 20


def test_without_an_output(run, frames, short, monkeypatch):
    """Beside the folder, numbered, also where the folder is the one that the shell is in."""
    frames.rename("v1.2")
    monkeypatch.chdir("v1.2")
    for name in ("v1.2.video.mp4", "v1.2.video.2.mp4"):
        assert run("video", ".", *short[:1], "../own.prototxt", "--weights", "../own.caffemodel", *short[4:]).code == 0
        assert Path("..", name).is_file()


@pytest.mark.parametrize(("fps", "rate"), [("24", 24), ("29.97", Fraction(2997, 100)), ("0.5", Fraction(1, 2))])
def test_fps(run, frames, short, fps, rate):
    assert run("video", "frames", "-o", "out.mp4", *short, "--fps", fps, "--range", "0:3").code == 0
    assert shown("out.mp4") == [number / Fraction(rate) for number in range(3)]
    assert f"--fps {fps}" in read_comment(Path("out.mp4"))


def test_a_part_of_a_folder(run, frames, short):
    assert run("video", "frames", "-o", "part", *short, "--from", "0.36", "--to", "0.4").code == 0
    # 25 a second: the tenth frame, which is the eleventh as text
    (frame,) = in_folder("part")
    assert nearly([frame], [moving_square(12)[9]], 1)


def test_a_film_becomes_a_folder(run, clip, short):
    seen = run("video", "in.mp4", "-o", "out/", *short)
    assert seen.code == 0, seen
    first, _, last = seen.err.splitlines()
    assert first == "left out: the sound and the rate, 29.97 a second, which a folder of frames cannot have"
    assert last == "wrote 4 frames into 'out'"
    assert nearly(in_folder("out"), pictures("in.mp4"), 1)
    record = read_frame(read_note("out/00000002.png"))
    assert record.number == 2
    assert " in.mp4 -o frames " in record.command


def test_a_folder_becomes_a_folder_and_films(run, frames, short):
    seen = run("video", "frames", "-o", "out", "-o", "out.mp4", "-o", "out.gif", *short, "--sidecar")
    assert seen.code == 0, seen
    assert nearly(in_folder("out"), moving_square(12), 1)
    assert len(pictures("out.mp4")) == len(pictures("out.gif")) == 12
    assert Path("out/00000011.png.json").is_file()
    assert Path("out.mp4.json").is_file()


def test_what_is_no_frame_is_named(run, frames, short):
    Path("frames/notes.txt").touch()
    Path("frames/more").mkdir()
    seen = run("video", "frames", "-o", "out", *short, "--range", "0:1")
    line = "1 file and 1 folder of 'frames' are left out: more (a folder), notes.txt (no picture)"
    assert f"pydream: warning: {line}" in seen.err.splitlines()


def test_stopped_and_resumed(run, frames, short, monkeypatch):
    assert run("video", "frames", "-o", "whole", *short).code == 0
    with monkeypatch.context() as patched:
        interrupt_at(patched, 5)
        assert run("video", "frames", "-o", "out", *short).code == 130
    done = len(in_folder("out"))
    assert 0 < done < 12
    seen = run("video", "frames", "-o", "out", *short, "--resume")
    assert seen.code == 0, seen
    assert f"{done} of 12 frames are in 'out' already" in seen.err
    assert [path.read_bytes() for path in sorted(Path("out").glob("*.png"))] == [
        path.read_bytes() for path in sorted(Path("whole").glob("*.png"))
    ]


def test_another_folder_is_not_gone_on_with(run, refused, frames, short, monkeypatch):
    with monkeypatch.context() as patched:
        interrupt_at(patched, 5)
        assert run("video", "frames", "-o", "out", *short).code == 130
    write_image("frames/frame12.png", moving_square(1)[0])
    assert "'out' holds another film" in refused(1, "video", "frames", "-o", "out", *short, "--resume")


def test_what_a_folder_holds_is_not_lost(run, refused, frames, short):
    assert run("video", "frames", "-o", "out", *short, "--range", "0:2").code == 0
    assert "'out' holds frames already" in refused(2, "video", "frames", "-o", "out", *short)
    Path("mine").mkdir()
    shutil.copy("frames/frame1.png", "mine/00000000.png")
    assert "does not say that it was made by this command" in refused(2, "video", "frames", "-o", "mine", *short)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["frames", "-o", "frames"], "'frames' holds the frames that are read"),
        (["frames", "-o", "out.avi"], "'out.avi' is not a folder, and films are .mp4, .gif"),
        (["frames", "-o", "frames/frame1.png"], "frames go into a folder, and 'frames/frame1.png' is a file"),
        (["frames", "-o", "one", "-o", "two"], "frames go into one folder, not 'one' and 'two'"),
        (["frames", "-o", "out.gif", "--fps", "60"], "fps: 60.0, expected 0.1..50"),
        (["frames", "-o", "out.mp4", "--fps", "0"], "'--fps'"),
        (["in.mp4", "-o", "out.mp4", "--fps", "24"], "'in.mp4' has its own frames per second"),
        (["empty", "-o", "out.mp4"], "there is no picture in the folder 'empty'"),
    ],
)
def test_refusals(refused, frames, clip, short, arguments, why):
    Path("empty").mkdir()
    assert why in refused(2, "video", *arguments, *short)


def test_frames_have_one_size_and_are_whole(refused, frames, short):
    """Told before the network is loaded, with the file."""
    nothing = ["--model", "nothing.prototxt"]
    write_image("frames/frame7.png", np.zeros((30, 40, 3), np.uint8))
    seen = refused(1, "video", "frames", "-o", "out.mp4", *short, *nothing)
    assert "'frame1.png' is 64×48, 'frames/frame7.png' is 40×30" in seen
    Path("frames/frame7.png").write_bytes(Path("frames/frame6.png").read_bytes()[:50])
    seen = refused(1, "video", "frames", "-o", "out.mp4", *short, *nothing)
    assert "'frames/frame7.png' is damaged or cut short" in seen
    assert "has no frame there, only 12 in" in refused(1, "video", "frames", "-o", "out.mp4", *short, "--range", "12:")


def test_an_animated_webp(run, folder, short):
    """libav cannot decode it; each frame keeps its time."""
    first, *others = (Image.fromarray(frame) for frame in moving_square(4))
    first.save("in.webp", save_all=True, append_images=others, duration=[40, 40, 120, 40], lossless=True)
    seen = run("video", "in.webp", "-o", "out.mp4", "-o", "out", *short)
    assert seen.code == 0, seen
    assert shown("out.mp4") == [0, Fraction(1, 25), Fraction(2, 25), Fraction(1, 5)]
    assert nearly(in_folder("out"), moving_square(4), 1)
    Path("in.webp").write_bytes(Path("in.webp").read_bytes()[:300])
    assert run("video", "in.webp", "-o", "cut.mp4", *short).code == 1


def test_the_frames_of_the_scripts_of_2015(run, folder, shared, short):
    path = shared / "cases" / "films" / "frames"
    if not path.is_dir():
        pytest.skip(f"NOT PROVEN HERE: no {path} (PYDREAM_SHARED)")
    assert run("video", path, "-o", "dream.mp4", *short).code == 0
    assert [frame.shape for frame in pictures("dream.mp4")] == [(120, 160, 3)] * 3


def test_pixels_that_are_not_square(run, folder, short):
    frames = (frame for frame in moving_square(2))
    write_video("in.mp4", frames, pixel_aspect=Fraction(16, 15))
    seen = run("video", "in.mp4", "-o", "out.gif", *short)
    assert "left out: the pixels' shape, 16/15, which a .gif film cannot have" in seen.err


def test_other_commands_name_this_one(run, refused, clip, short):
    """A film and an animation, given to `dream`."""
    dream = short[:-4]
    assert "'in.mp4' is a film: `pydream video` dreams on it" in refused(1, "dream", "in.mp4", "-o", "out.png", *dream)
    first, *others = (Image.fromarray(frame) for frame in moving_square(3))
    first.save("in.gif", save_all=True, append_images=others, duration=100)
    seen = run("dream", "in.gif", "-o", "out.png", *dream)
    assert seen.code == 0
    line = "'in.gif' is an animation, and only the first of its 3 frames is read: `pydream video` takes all"
    assert f"pydream: warning: {line}" in seen.err.splitlines()
    assert Path("out.png").is_file()
