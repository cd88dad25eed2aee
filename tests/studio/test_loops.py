"""Zoom loops and films of the studio: the bytes of `pydream zoom` and `pydream video`, whatever happens on the way."""

import os
import signal
import socket
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from support.clips import moving_square, packets, write_clip

from pydream.cli import main
from pydream.dream.keyframes import Curve, WholeCurve
from pydream.errors import CheckpointError, MissingExtraError, ParameterError, VideoFileError
from pydream.files import file_sha256
from pydream.media import read_image, write_image
from pydream.media.video import read_comment, read_video
from pydream.record import loop as checkpoint
from pydream.record.presets import ZOOM, zoom_params
from pydream.studio.messages import HEADER, Began, FromWorker, Preview, Progress, Run, Stop, packed, sizes
from pydream.studio.orders import Order
from pydream.studio.worker import films, loops
from pydream.studio.worker.accounts import order_of
from pydream.studio.worker.task import Task

RECIPE = {"seed": 3, "octave_n": 1, "iter_n": 2, "jitter": 4}
SHORT = ["--octaves", "1", "--iterations", "2", "--jitter", "4", "--seed", "3"]


class CutError(BaseException):
    """The process ends here."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sky(folder):
    write_image(folder / "sky.png", moving_square(1)[0])
    return folder / "sky.png"


@pytest.fixture
def clip(folder):
    """Five frames, and a sound."""
    return write_clip(folder / "in.mp4", moving_square(5), Fraction(30000, 1001), tone="aac")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The commands' loop of three frames, and their film of five."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_image(folder / "sky.png", moving_square(1)[0])
        write_clip(folder / "in.mp4", moving_square(5), Fraction(30000, 1001), tone="aac")
        command("zoom", "sky.png", "-o", "loop.mp4", "--frames", "3", *SHORT)
        command("video", "in.mp4", "-o", "film.mp4", *SHORT)
        return {name: Path(f"{name}.mp4").read_bytes() for name in ("loop", "film")}


def command(*words):
    """Run a command, which must succeed."""
    with pytest.raises(SystemExit) as ended:
        main([*words, "-q"], prog_name="pydream")
    assert not ended.value.code


def message(folder, picture=None, kind="zoom", recipe=RECIPE, **fields):
    (folder / "job" / "made").mkdir(parents=True, exist_ok=True)
    sent = Run(
        task="a",
        order=Order(kind=kind, picture=picture and "0" * 64, recipe=recipe, **fields),
        picture=picture and str(picture),
        guide=None,
        mask=None,
        names={"picture": picture.name} if picture else {},
        folder=str(folder / "job"),
        output=str(folder / "job" / "made" / "result"),
    )
    return msgspec.json.decode(msgspec.json.encode(sent), type=Run)  # as it comes: an option's 5 is 5.0


def carried_out(run, sent, after=None, then=None):
    """Carry out a task in this process; `then` is called with it when so many steps are done."""
    seen = []

    def send(each, data):
        seen.append(each)
        if after is not None and isinstance(each, Progress) and each.step >= after:
            then(task)

    task = Task(sent, send)
    return run(task), seen


def stop(task):
    task.stopped = Stop(task="a")


def discard(task):
    task.stopped = Stop(task="a", discard=True)


def cut(task):
    raise CutError


def made(answer):
    return Path(answer.files["mp4"]).read_bytes()


# ---- zoom loops ----


def test_a_loop_is_the_commands(folder, sky):
    words = ["--frames", "3", "--scale", "0.1", "--rotate", "5", "--shift", "2", "-1.5", "--fps", "12"]
    command("zoom", "sky.png", "-o", "out.mp4", *words, *SHORT, "--long-side", "56")
    fields = {"frames": 3, "scale": 0.1, "rotate": 5, "shift": (2, -1.5), "fps": 12, "long_side": 56}
    answer, seen = carried_out(loops.run, message(folder, sky, **fields))
    assert made(answer) == Path("out.mp4").read_bytes()
    began = next(each for each in seen if isinstance(each, Began))
    assert answer.facts["command"] == began.command
    command(*began.command.split()[1:])
    assert Path("result.mp4").read_bytes() == made(answer)
    height, width = read_video(Path("result.mp4")).size
    assert (answer.facts["width"], answer.facts["height"]) == (width, height) == (56, 42)
    assert answer.facts["sha256"] == file_sha256("out.mp4")
    assert not answer.stopped


def test_keyframes_are_the_commands(folder, sky):
    words = ["--scale", "0:0,2:0.1", "--shift", "0", "1:0,2:3", "--ease", "smooth", "--step-size", "0:1,2:3"]
    fields = {"scale": Curve(((0, 0.0), (2, 0.1))), "shift": (0.0, Curve(((1, 0.0), (2, 3.0)))), "ease": "smooth"}
    words += ["--octaves", "0:1,2:2", "--blend", "0:0.5,2:0", "--hold", "both"]
    words += ["--layer", "fire2/concat=0:1,2:0.5", "--layer", "fire3/concat:3"]
    fields["step_size"] = Curve(((0, 1.0), (2, 3.0)))
    fields |= {"octave_n": WholeCurve(((0, 1), (2, 2))), "blend": Curve(((0, 0.5), (2, 0.0))), "hold": "both"}
    fields["layer"] = ("fire2/concat=0:1.0,2:0.5", "fire3/concat:3")
    number = {**RECIPE, "step_size": 2.0}  # of the page's settings; the keyframes take its place
    command("zoom", "sky.png", "-o", "out.mp4", "--frames", "3", *SHORT, *words)
    answer, seen = carried_out(loops.run, message(folder, sky, frames=3, recipe=number, **fields))
    assert made(answer) == Path("out.mp4").read_bytes()
    assert {each.steps for each in seen if isinstance(each, Progress)} == {2 + 4 + 4}
    order = order_of(read_comment(Path("out.mp4")))
    assert {name: getattr(order, name) for name in fields} == fields


def test_the_steps_of_all_frames_are_counted_and_seen(folder, sky):
    _, seen = carried_out(loops.run, message(folder, sky, frames=3))
    progress = [each for each in seen if isinstance(each, Progress)]
    assert [each.steps for each in progress] == [6] * len(progress)
    assert [each.step for each in progress] == sorted(each.step for each in progress)
    assert (progress[0].step, progress[-1].step) == (0, 6)
    assert "frame 2 of 3" in [each.what for each in progress]
    assert progress[-1].what == "the film"
    assert any(each.seconds_left is not None and each.step < 6 for each in progress)
    previews = [each for each in seen if isinstance(each, Preview)]
    assert previews
    assert {(each.width, each.height) for each in previews} == {(64, 48)}


def test_a_loop_by_its_defaults_is_the_commands(folder, sky):
    """Without a layer and iterations the built-in network dreams what lasts; 100 frames are too many for here."""
    command("zoom", "sky.png", "-o", "out.mp4", "--frames", "2", "--seed", "3")
    answer, _ = carried_out(loops.run, message(folder, sky, recipe={"seed": 3}, frames=2))
    assert made(answer) == Path("out.mp4").read_bytes()


def test_a_loop_of_noise_by_a_preset_is_the_commands(folder):
    command(
        "zoom", "noise:40x32", "-o", "out.mp4", "--frames", "2", "--preset", "dogs", "--strength", "2", "--seed", "3"
    )
    recipe = {"seed": 3, "noise": (32, 40)}
    answer, _ = carried_out(loops.run, message(folder, recipe=recipe, frames=2, preset="dogs", strength=2.0))
    assert made(answer) == Path("out.mp4").read_bytes()


@pytest.mark.parametrize("step", [1, 4, 6])
def test_a_loop_that_is_cut_is_the_same(folder, whole, sky, step):
    with pytest.raises(CutError):
        carried_out(loops.run, message(folder, sky, frames=3), step, cut)
    answer, seen = carried_out(loops.run, message(folder, sky, frames=3))
    assert made(answer) == whole["loop"]
    first = next(each.step for each in seen if isinstance(each, Progress))
    assert first == (step - 1) // 2 * 2  # what was made is not made again


def test_a_loop_that_is_cut_before_its_checkpoint_is_the_same(folder, whole, sky, monkeypatch):
    left = [2]

    def save(path, state, original=checkpoint.save):
        left[0] -= 1
        if not left[0]:
            raise CutError
        original(path, state)

    monkeypatch.setattr(checkpoint, "save", save)
    with pytest.raises(CutError):
        carried_out(loops.run, message(folder, sky, frames=3))
    answer, _ = carried_out(loops.run, message(folder, sky, frames=3))
    assert made(answer) == whole["loop"]


def test_what_is_lost_of_a_loop_is_made_again(folder, whole, sky):
    with pytest.raises(CutError):
        carried_out(loops.run, message(folder, sky, frames=3), 5, cut)
    (folder / "job/frames/00000000.png").unlink()
    answer, _ = carried_out(loops.run, message(folder, sky, frames=3))
    assert made(answer) == whole["loop"]


def test_another_loops_checkpoint_is_said(folder, sky):
    with pytest.raises(CutError):
        carried_out(loops.run, message(folder, sky, frames=3), 5, cut)
    with pytest.raises(CheckpointError, match=r"holds another loop: .*scale"):
        carried_out(loops.run, message(folder, sky, frames=3, scale=0.2))


def test_a_loop_that_is_stopped_is_a_shorter_one(folder, sky):
    command("zoom", "sky.png", "-o", "out.mp4", "--frames", "2", *SHORT)
    answer, _ = carried_out(loops.run, message(folder, sky, frames=9), 5, stop)
    assert answer.stopped
    assert made(answer) == Path("out.mp4").read_bytes()
    assert "--frames 2 " in answer.facts["command"]


@pytest.mark.parametrize(("step", "then"), [(1, stop), (5, discard)])
def test_of_a_loop_that_is_dropped_or_has_no_frame_nothing_is_kept(folder, sky, step, then):
    with pytest.raises(KeyboardInterrupt):
        carried_out(loops.run, message(folder, sky, frames=3), step, then)
    assert not list((folder / "job/made").iterdir())


def test_a_rate_that_no_film_has_is_said_before_anything_is_made(folder, sky):
    with pytest.raises(VideoFileError, match=r"expected 0\.1\.\.240"):
        carried_out(loops.run, message(folder, sky, fps=1e-9))
    assert not (folder / "job/frames").exists()


def test_a_loop_has_its_own_iterations_where_none_are_given():
    named = {"built_in": True, "given": (), "of_look": ()}
    assert zoom_params(**named) == ZOOM
    assert zoom_params(**named | {"built_in": False}) == {}
    assert zoom_params(**named | {"given": {"layer"}}) == {}
    assert zoom_params(**named | {"of_look": {"iter_n"}}) == {"iter_n": 3}


# ---- films ----


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, []),
        ({"carry": 0.25, "cut": 0.0, "first": 1, "frames": 3}, ["--carry", "0.25", "--cut", "0", "--range", "1:4"]),
        ({"flow": True, "frames": 2, "long_side": 32}, ["--flow", "--range", ":2", "--long-side", "32"]),
    ],
)
def test_a_film_is_the_commands(folder, clip, fields, words):
    command("video", "in.mp4", "-o", "out.mp4", *words, *SHORT)
    answer, _ = carried_out(films.run, message(folder, clip, "film", **fields))
    assert made(answer) == Path("out.mp4").read_bytes()
    assert answer.facts["command"] in read_comment(Path("out.mp4"))
    assert packets("out.mp4", "audio")


@pytest.mark.parametrize("step", [3, 10])
def test_a_film_that_is_cut_is_the_same(folder, whole, clip, step):
    with pytest.raises(CutError):
        carried_out(films.run, message(folder, clip, "film"), step, cut)
    answer, seen = carried_out(films.run, message(folder, clip, "film"))
    assert made(answer) == whole["film"]
    assert (step - 1) // 2 * 2 in [each.step for each in seen if isinstance(each, Progress)][:2]


def test_a_film_that_is_stopped_is_a_shorter_one_with_its_sound(folder, clip):
    command("video", "in.mp4", "-o", "out.mp4", "--range", "1:3", *SHORT)
    answer, _ = carried_out(films.run, message(folder, clip, "film", first=1), 5, stop)
    assert answer.stopped
    assert made(answer) == Path("out.mp4").read_bytes()
    assert packets("out.mp4", "audio")
    assert len(read_video(Path("out.mp4"))) == 2


@pytest.mark.parametrize(("step", "then"), [(1, stop), (5, discard)])
def test_of_a_film_that_is_dropped_or_has_no_frame_nothing_is_kept(folder, clip, step, then):
    with pytest.raises(KeyboardInterrupt):
        carried_out(films.run, message(folder, clip, "film"), step, then)
    assert not list((folder / "job/made").iterdir())


def test_flow_without_opencv_is_said(folder, clip, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match="OpenCV"):
        carried_out(films.run, message(folder, clip, "film", flow=True))


def test_a_film_of_noise_and_a_part_that_is_none_are_said(folder, clip):
    with pytest.raises(ParameterError, match="a film of noise"):
        carried_out(films.run, message(folder, None, "film"))
    with pytest.raises(VideoFileError, match="frame"):
        carried_out(films.run, message(folder, clip, "film", first=7))


# ---- a process ----


def test_a_worker_that_is_killed_in_a_loop_goes_on_to_the_same_bytes(folder, whole, sky):
    sent, recipe = message(folder, sky, frames=3), None
    here, there = socket.socketpair()
    with here:
        with there:
            words = [sys.executable, "-m", "pydream.studio.worker", str(there.fileno())]
            process = subprocess.Popen(words, pass_fds=[there.fileno()], stderr=subprocess.DEVNULL)
        here.sendall(packed(sent))
        with here.makefile("rb") as file:
            while head := file.read(HEADER.size):
                length, more = sizes(head)
                each = msgspec.json.decode(file.read(length), type=FromWorker)
                file.read(more)
                if isinstance(each, Began):
                    recipe = each.recipe
                if isinstance(each, Progress) and each.step >= 4:
                    os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert recipe is not None
    assert not list((folder / "job/made").iterdir())
    assert read_image(folder / "job/frames/00000000.png").shape == (48, 64, 3)
    answer, _ = carried_out(loops.run, msgspec.structs.replace(sent, resumed=recipe))
    assert made(answer) == whole["loop"]
