"""`pydream video`: a film of the library's dreams, with its times and sound, which nothing stops for good."""

import os
import signal
import subprocess
import sys
import time
import types
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from support.clips import moving_square, packets, shown, write_clip
from support.interrupting import interrupt_at

import pydream
from pydream.files import temporary_beside
from pydream.media import video
from pydream.media.image import read_image, read_note
from pydream.media.video import read_comment, read_video, write_video
from pydream.record.film import read_frame

DREAM = ["--octaves", "1", "--iterations", "2", "--jitter", "4"]
SHORT = [*DREAM, "--seed", "3"]
PARAMS = {"octave_n": 1, "iter_n": 2, "jitter": 4}
FRAMES = "out.mp4.frames"


@pytest.fixture
def clip(folder):
    """Six frames, and a sound."""
    return write_clip(folder / "in.mp4", moving_square(6), Fraction(30000, 1001), tone="aac")


def frames(path):
    return list(read_video(Path(path)).frames())


def as_encoded(folder, pictures, rate, **options):
    """Give a film's frames as the encoder leaves them."""
    write_video(folder / "again.mp4", pictures, rate, **options)
    return frames(folder / "again.mp4")


# ---- the film ----


@pytest.mark.parametrize("flow", [False, True])
def test_the_frames_are_the_librarys(run, folder, clip, flow):
    seen = run("video", "in.mp4", "-o", "out.mp4", *SHORT, "--carry", "0.25", *(["--flow"] if flow else []))
    assert seen.code == 0, seen
    assert seen.err.splitlines()[1:] == ["wrote 'out.mp4'"]
    assert sorted(os.listdir(folder)) == ["in.mp4", "out.mp4"]
    net = pydream.load_net("squeezenet_v1.1")
    dreams = pydream.dream_frames(net, frames("in.mp4"), blend=0.25, flow=flow, seed=3, **PARAMS)
    wanted = as_encoded(folder, dreams, Fraction(30000, 1001))
    np.testing.assert_array_equal(frames("out.mp4"), wanted)


def test_without_blending_a_frame_is_pydream_dreams(run, folder, clip, monkeypatch):
    """The frames are left in the folder, where a signal before the film is written stops the command."""
    interrupt_at(monkeypatch, 12)
    assert run("video", "in.mp4", "-o", "out.mp4", *SHORT, "--carry", "0").code == 130
    Image.fromarray(frames("in.mp4")[4]).save("4.png")
    assert run("dream", "4.png", "-o", "dream.png", *SHORT).code == 0
    np.testing.assert_array_equal(read_image(f"{FRAMES}/00000004.png"), read_image("dream.png"))


def test_times_and_sound_are_kept(run, clip):
    assert run("video", "in.mp4", "-o", "out.mp4", *SHORT).code == 0
    assert shown("out.mp4") == [number * Fraction(1001, 30000) for number in range(6)]
    assert packets("out.mp4", "audio") == packets(clip, "audio")
    with av.open("out.mp4") as film:
        assert film.streams.video[0].average_rate == Fraction(30000, 1001)


def test_a_variable_rate(run, folder):
    ticks = [0, 1, 4, 5, 9]
    write_clip(folder / "in.mp4", moving_square(5), ticks=ticks, tick=Fraction(1, 60))
    assert run("video", "in.mp4", "-o", "out.mp4", *SHORT).code == 0
    assert shown("out.mp4") == [Fraction(tick, 60) for tick in ticks]


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        (["--range", "2:4"], [2, 3]),
        (["--range", "4:"], [4, 5]),
        (["--from", "0:0.1"], [3, 4, 5]),
        (["--to", "0.05", "--range", "1:"], [1]),
        (["--from", "00:00:00.02", "--to", "0:00.08"], [1, 2]),
    ],
)
def test_parts(run, folder, clip, part, wanted):
    assert run("video", "in.mp4", "-o", "out.mp4", *SHORT, *part).code == 0
    given = [frames("in.mp4")[number] for number in wanted]
    dreams = pydream.dream_frames(pydream.load_net("squeezenet_v1.1"), given, seed=3, **PARAMS)
    np.testing.assert_array_equal(frames("out.mp4"), as_encoded(folder, dreams, Fraction(30000, 1001)))
    with av.open("out.mp4") as film:
        assert len(film.streams.audio) == 1


def test_a_gif_says_that_it_is_silent(run, clip):
    seen = run("video", "in.mp4", "-o", "out.gif", *SHORT)
    assert seen.err.splitlines()[0] == "left out: the sound, which a .gif film cannot have"
    assert len(frames("out.gif")) == 6


@pytest.mark.parametrize(("size", "aspect"), [("96x72", 1), ("33x24", 1), ("32x48", 2)])
def test_size(run, clip, size, aspect):
    """The film is shown in its own shape: where the size is another, the pixels are not square."""
    assert run("video", "in.mp4", "-o", "out.mp4", *SHORT, "--range", "0:1", "--size", size).code == 0
    width, height = map(int, size.split("x"))
    (frame,) = frames("out.mp4")
    assert frame.shape == (height, width + width % 2, 3)
    assert read_video(Path("out.mp4")).pixel_aspect == aspect


def test_a_turned_film_is_upright(run, folder):
    write_clip(folder / "in.mp4", moving_square(2), prepare=lambda stream: stream.set_display_rotation(90))
    assert (
        run("video", "in.mp4", "-o", "out.mp4", *SHORT, "--carry", "0", "--step-size", "0.01", "--quality", "100").code
        == 0
    )
    (seen, _) = frames("out.mp4")
    assert np.abs(seen - np.rot90(moving_square(1)[0]).astype(float)).mean() < 3


def test_every_option_reaches_the_dreams(run, folder, clip):
    options = ["-l", "fire4/concat:3-7", "--objective", "mean", "--keep-colors", "--cut", "0.5", "--era", "2015"]
    assert run("video", "in.mp4", "-o", "out.mp4", *SHORT, *options).code == 0
    net = pydream.load_net("squeezenet_v1.1")
    dreams = pydream.dream_frames(
        net, frames("in.mp4"), seed=3, cut=0.5, era="2015", retouches=[pydream.retouch.KeepColors()],
        objective=pydream.objectives.mean("fire4/concat", channels=range(3, 8)), **PARAMS,
    )  # fmt: skip
    np.testing.assert_array_equal(frames("out.mp4"), as_encoded(folder, dreams, Fraction(30000, 1001)))


def test_defaults_are_the_librarys(run):
    shown = " ".join(run("video", "--help-all").out.split())
    for default in ("[default: 0.5;", "[default: no-flow]", "[default: 20.0;"):
        assert default in shown


# ---- what it says of itself ----


@pytest.mark.parametrize("suffix", ["mp4", "gif"])
def test_a_film_says_how_it_was_made(run, refused, folder, clip, suffix):
    assert (
        run("video", "in.mp4", "-o", f"out.{suffix}", *DREAM, "--flow", "--range", "1:3", "--size", "32x24").code == 0
    )
    note = read_comment(Path(f"out.{suffix}"))
    assert run("video", "in.mp4", "-o", f"beside.{suffix}", *SHORT, "--range", ":1", "--sidecar").code == 0
    beside = read_comment(Path(f"beside.{suffix}"))
    assert Path(f"beside.{suffix}.json").read_text() == f"{beside}\n"
    line = refused(1, "replay", f"out.{suffix}")
    command = line.partition("`")[2].partition("`")[0]
    seed = command.rpartition(" ")[2]
    assert command == (
        f"pydream video in.mp4 -o dream.{suffix} --size 32x24 --range 1:3 --flow --layer fire8/concat --octaves 1"
        f" --iterations 2 --jitter 4 --seed {seed}"
    )
    assert f"it is a film of dreams, not a dream; `{command}` makes it again" in line
    assert run(*command.split()[1:]).code == 0
    assert Path(f"dream.{suffix}").read_bytes() == Path(f"out.{suffix}").read_bytes()
    for said in ('"film": "video"', '"blend": 0.5', '"flow": true', '"first": 1', '"frames": 2', '"av": "'):
        assert said in note


def test_a_zooms_film_is_replayed_by_its_last_frame(run, picture):
    assert run("zoom", "in.png", "-o", "zoom.mp4", "--frames", "2", *SHORT).code == 0
    assert run("replay", "zoom.mp4").out.startswith("identical: every byte that was then encoded of 96x72 pixels")


# ---- stopped, and on ----


@pytest.fixture
def whole(run, clip):
    """The film, made in one go."""
    assert run("video", "in.mp4", "-o", "whole.mp4", *SHORT, "--flow").code == 0
    return Path("whole.mp4").read_bytes()


@pytest.mark.parametrize(
    ("step", "number", "code"), [(1, signal.SIGTERM, 143), (7, signal.SIGINT, 130), (12, signal.SIGTERM, 143)]
)
def test_resume_ends_with_the_same_bytes(run, folder, whole, monkeypatch, step, number, code):
    arguments = ["video", "in.mp4", "-o", "out.mp4", *DREAM, "--flow"]
    with monkeypatch.context() as patch:
        interrupt_at(patch, step, number)
        seen = run(*arguments, "--seed", "3")
    done = (step - 1) // 2
    assert seen.code == code
    last = seen.err.splitlines()[-1]
    assert last == f"pydream: interrupted; {done} of 6 frames are in '{FRAMES}'; --resume continues"
    assert sorted(os.listdir(folder)) == ["in.mp4", FRAMES, "whole.mp4"]
    assert sorted(os.listdir(FRAMES)) == [*(f"{index:08d}.png" for index in range(done)), "film.json"]
    seen = run(*arguments, "--resume")  # the seed is known
    assert seen.code == 0, seen
    assert not done or seen.err.splitlines()[0] == f"{done} of 6 frames are in '{FRAMES}' already"
    assert Path("out.mp4").read_bytes() == whole
    assert sorted(os.listdir(folder)) == ["in.mp4", "out.mp4", "whole.mp4"]
    assert "'out.mp4' is complete" in run(*arguments, "--resume").err


def test_killed(folder, whole):
    """SIGKILL in the middle: what is there is whole, and the film comes out the same."""
    environment = {**os.environ, "PYTHONPATH": str(Path(pydream.__file__).parents[1])}
    arguments = [sys.executable, "-m", "pydream", "video", "in.mp4", "-o", "out.mp4", *SHORT, "--flow", "--resume"]
    process = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL)
    while not Path(FRAMES, "00000002.png").exists():
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert not Path("out.mp4").exists()
    for path in Path(FRAMES).glob("[0-9]*.png"):
        assert read_image(path).shape == (48, 64, 3)
    temporary_beside(Path(FRAMES, "00000003.png")).touch()  # as where it was killed within a file
    assert subprocess.run(arguments, env=environment, stderr=subprocess.DEVNULL).returncode == 0
    assert Path("out.mp4").read_bytes() == whole
    assert sorted(os.listdir(folder)) == ["in.mp4", "out.mp4", "whole.mp4"]


def test_stopped_while_the_film_is_written(run, folder, whole, monkeypatch):
    arguments = ["video", "in.mp4", "-o", "out.mp4", *SHORT, "--flow"]
    with monkeypatch.context() as patch:

        def interrupted(*_, **__):
            raise KeyboardInterrupt

        patch.setattr("pydream.video.write_video", interrupted)
        seen = run(*arguments)
    assert (seen.code, seen.err.splitlines()[-1]) == (
        130,
        f"pydream: interrupted; 6 of 6 frames are in '{FRAMES}'; --resume continues",
    )
    assert run(*arguments, "--resume").code == 0
    assert Path("out.mp4").read_bytes() == whole


@pytest.fixture
def stopped(run, clip, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5)
        assert run("video", "in.mp4", "-o", "out.mp4", *SHORT).code == 130


def test_frames_that_are_there_are_not_lost(run, refused, stopped):
    line = refused(2, "video", "in.mp4", "-o", "out.mp4", *SHORT)
    assert f"'{FRAMES}' holds frames already: --resume continues with them, --force replaces them" in line
    assert run("video", "in.mp4", "-o", "out.mp4", *SHORT, "--force", "--range", "0:1").code == 0
    assert len(frames("out.mp4")) == 1
    assert not Path(FRAMES).exists()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--seed", "4"], "seed was 3, now 4"),
        (["--carry", "0.7", "--flow"], "blend was 0.5, now 0.7, flow was False, now True"),
        (["--cut", "0"], "cut was 20.0, now 0.0"),
        (["--step-size", "2"], "step_size was 1.5, now 2.0"),
        (["--size", "32x24"], "size was (48, 64), now (24, 32)"),
        (["--range", "1:"], "first was 0, now 1"),
        (["--dtype", "float64"], "dtype was float32, now float64"),
    ],
)
def test_another_film_is_not_gone_on_with(refused, stopped, options, why):
    line = refused(1, "video", "in.mp4", "-o", "out.mp4", *DREAM, "--resume", *options)
    assert f"'{FRAMES}' holds another film: {why}\n" in line


def test_another_input_is_not_gone_on_with(refused, folder, stopped):
    write_clip(folder / "other.mp4", moving_square(6, speed=3))
    line = refused(1, "video", "other.mp4", "-o", "out.mp4", *SHORT, "--resume")
    assert "input was in.mp4 (" in line


def test_a_shorter_film_of_the_same_frames(run, stopped):
    """How many frames there are decides none of them."""
    assert run("video", "in.mp4", "-o", "out.mp4", *SHORT, "--resume", "--range", ":2").code == 0
    assert len(frames("out.mp4")) == 2


@pytest.mark.parametrize("damage", [b"", b"{", b'{"film": 3}', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_account(refused, stopped, damage):
    Path(FRAMES, "film.json").write_bytes(damage)
    line = refused(1, "video", "in.mp4", "-o", "out.mp4", *SHORT, "--resume")
    assert f"'{FRAMES}/film.json' is damaged" in line


# ---- what is there already is read ----


@pytest.fixture
def left(run, folder, quick, monkeypatch):
    """The frames of a whole film, and the words that make it."""
    write_clip(folder / "in.mp4", moving_square(6))
    words = ["video", "in.mp4", "-o", "out.mp4", *quick]
    with monkeypatch.context() as patch:

        def interrupted(*_, **__):
            raise KeyboardInterrupt

        patch.setattr("pydream.video.write_video", interrupted)
        assert run(*words, "--seed", "3").code == 130
    return words


def frame(number):
    return Path(FRAMES, f"{number:08d}.png")


def test_a_frame_says_what_it_is(run, left):
    said = read_frame(read_note(frame(2)))
    assert (said.number, said.recipe.seed, said.input.name) == (2, 3, "in.mp4")
    assert "it is a film of dreams, not a dream" in run("replay", frame(2)).err


@pytest.mark.parametrize("damage", [b"", bytes(5000), None, "cut"])
def test_lost_frames_are_made_again(run, left, damage):
    """The last ones, as after a power cut, and one in the middle."""
    for number in (2, 5):
        if damage is None:
            frame(number).unlink()
        else:
            frame(number).write_bytes(frame(number).read_bytes()[:-30] if damage == "cut" else damage)
    seen = run(*left, "--resume")
    assert seen.code == 0, seen
    assert seen.err.splitlines()[0] == f"2 of 6 frames are in '{FRAMES}' already"
    made = Path("out.mp4").read_bytes()
    assert run(*left, "--seed", "3", "--force").code == 0
    assert Path("out.mp4").read_bytes() == made


def test_a_picture_that_is_no_frame(run, refused, left):
    """It is neither taken as one nor overwritten, nor removed when the film is whole."""
    whole = frame(1).read_bytes()
    Image.fromarray(moving_square(1)[0]).save(frame(1))
    for option in ("--resume", "--force"):
        line = refused(2, *left, option)
        assert f"'{frame(1)}' does not say that it was made by this command" in line
    frame(1).write_bytes(whole)
    frame(2).write_bytes(whole)  # another frame of this film
    assert f"'{frame(2)}' does not say that it was made by this command" in refused(2, *left, "--resume")


def test_a_frame_of_another_film(run, refused, left):
    """It is not overwritten by --resume; --force, which begins again, removes it."""
    plan = Path(FRAMES, "film.json").read_text()
    Path(FRAMES, "film.json").write_text(plan.replace('"seed": 3', '"seed": 4'))
    assert f"'{frame(0)}' is another dream: seed was 3, now 4" in refused(1, *left, "--resume")
    Path(FRAMES, "film.json").unlink()
    assert f"'{FRAMES}/film.json' is gone, so the film cannot be resumed" in refused(1, *left, "--resume")
    assert run(*left, "--force").code == 0
    assert not Path(FRAMES).exists()


# ---- refusals ----


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nothing.mp4", "-o", "out.mp4"], "'nothing.mp4' does not exist"),
        (["", "-o", "out.mp4"], "'' does not exist"),
        (
            ["in.mp4", "-o", "out.avi"],
            "Invalid value for '--output': 'out.avi' is not a folder, and films are .mp4, .gif",
        ),
        (["in.mp4", "-o", "no/out.mp4"], "there is no folder 'no'"),
        (["in.mp4", "-o", "in.mp4"], "it would overwrite 'in.mp4', which is read"),
        (["in.mp4", "-o", "out.mp4", "--guide", "out.mp4"], "'--guide'"),
        (["in.mp4", "-o", "out.mp4", "--carry", "2"], "--carry"),
        (["in.mp4", "-o", "out.mp4", "--carry", "nan"], "--carry"),
        (["in.mp4", "-o", "out.mp4", "--cut", "-1"], "--cut"),
        (["in.mp4", "-o", "out.mp4", "--range", "5"], "'5' is not a range of frames"),
        (["in.mp4", "-o", "out.mp4", "--range", "5:5"], "'5:5' is not a range of frames"),
        (["in.mp4", "-o", "out.mp4", "--from", "1e3"], "'1e3' is not a time"),
        (["in.mp4", "-o", "out.mp4", "--size", "big"], "'big' is not a size"),
        (["in.mp4", "-o", "out.mp4", "--size", "20000x20"], "at most 16384 pixels"),
        (["in.mp4", "-o", "out.mp4", "--resume", "--force"], "choose one"),
    ],
)
def test_refusals(refused, clip, arguments, why):
    assert why in refused(2, "video", *arguments, *DREAM)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["text.mp4", "-o", "out.mp4"], "'text.mp4' is not a readable film"),
        (["in.mp4", "-o", "out.mp4", "--range", "6:"], "'in.mp4' has no frame there, only 6 in"),
        (["in.mp4", "-o", "out.mp4", "--from", "1:00"], "'in.mp4' has no frame there, only 6 in"),
    ],
)
def test_what_is_wrong_with_the_film(refused, clip, arguments, why):
    Path("text.mp4").write_text("no film")
    assert why in refused(1, "video", *arguments, *DREAM)


def test_a_film_that_is_too_fast_for_a_gif(refused, folder):
    write_clip(folder / "in.mp4", moving_square(2), Fraction(60))
    assert "'--output': cannot write 'out.gif': fps: 60, expected 0.1..50" in refused(
        2, "video", "in.mp4", "-o", "out.gif", *SHORT
    )


@pytest.mark.parametrize("cv2", [None, types.ModuleType("cv2")])
def test_flow_without_opencv(refused, clip, monkeypatch, cv2):
    """Told before the film is read, with the command; also where it is too old."""
    monkeypatch.setitem(sys.modules, "cv2", cv2)
    monkeypatch.setattr(video, "read_video", lambda *_: pytest.fail("the work has begun"))
    assert "pip install 'pydeepdream[flow]'" in refused(1, "video", "in.mp4", "-o", "out.mp4", *SHORT, "--flow")


def test_without_pyav(refused, clip, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    assert "pip install av" in refused(1, "video", "in.mp4", "-o", "out.gif", *SHORT)


def test_what_is_wrong_is_told_before_tensorflow_is_imported(clip):
    program = (
        "import sys; from pydream.cli import main\n"
        "try: main(['video', 'in.mp4', '-o', 'out.mp4', '--range', '9:'])\n"
        "except SystemExit as end: print(end.code, 'tensorflow' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(pydream.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == "1 False\n"


# ---- a long film ----


def test_memory_does_not_grow_with_the_length(folder):
    """Peak memory of a process: a film ten times as long takes no more, beyond noise."""
    script = (
        "import resource, sys; from pydream.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: print(end.code or 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(pydream.__file__).parents[1])}

    def peak(count):
        write_clip(folder / "in.mp4", moving_square(count, 64, 96), pix_fmt="yuv420p", tone="aac")
        arguments = [
            "video",
            "in.mp4",
            "-o",
            "out.mp4",
            "--octaves",
            "1",
            "-n",
            "1",
            "--flow",
            "--seed",
            "1",
            "--force",
        ]
        run = subprocess.run(
            [sys.executable, "-c", script, *arguments], env=environment, capture_output=True, text=True, check=True
        )
        code, kilobytes = map(int, run.stdout.split())
        assert code == 0
        return kilobytes * 1024

    short, long = peak(25), peak(250)
    assert long - short < 8e6  # 225 frames in floats, as a dream holds them, would be 16 MB, and as many starts again
