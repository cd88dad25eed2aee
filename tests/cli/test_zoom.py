"""`pydream zoom`: frames that are the library's, films of them, and a loop that nothing stops for good."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from support.interrupting import interrupt_at

import pydream
from pydream.dream.images import noise
from pydream.media import video
from pydream.media.image import read_image, read_note
from pydream.record import loop as checkpoint
from pydream.record.provenance import parse

DREAM = ["--octaves", "1", "--iterations", "2"]
SHORT = [*DREAM, "--seed", "3"]
FRAMES = [f"{index:08d}.png" for index in range(4)]


def files(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def only_frames(folder):
    return {name: content for name, content in files(folder).items() if name.endswith(".png")}


@pytest.fixture
def whole(run, picture):
    """Four frames, made in one go."""
    assert run("zoom", picture.name, "-o", "whole", "--frames", "4", *SHORT, "-q").code == 0
    return only_frames("whole")


# ---- frames ----


def test_the_frames_are_the_librarys(run, picture, whole):
    assert sorted(whole) == FRAMES
    net = pydream.load_net("squeezenet_v1.1")
    rng = np.random.RandomState(3)
    frames = pydream.zoom_loop(net, read_image(picture), frames=4, octave_n=1, iter_n=2, rng=rng)
    for name, frame in zip(FRAMES, frames, strict=True):
        np.testing.assert_array_equal(read_image(Path("whole", name)), np.uint8(np.clip(frame, 0, 255)))


def test_every_option_reaches_the_loop(run, folder):
    options = ["--scale", "0.1", "--rotate", "5", "--shift", "2", "-1.5", "--era", "2015", "--grid", "0.125"]
    options += ["-l", "fire4/concat"]
    assert run("zoom", "noise:80x60", "-o", "out", "--frames", "2", *options, *SHORT).code == 0
    rng = np.random.RandomState(3)
    start = noise(60, 80, rng)
    frames = list(pydream.zoom_loop(
        pydream.load_net("squeezenet_v1.1"), start, frames=2, scale=0.1, rotate=5, shift=(2, -1.5), era="2015",
        grid=0.125, octave_n=1, iter_n=2, end="fire4/concat", rng=rng,
    ))  # fmt: skip
    np.testing.assert_array_equal(read_image("out/00000001.png"), np.uint8(np.clip(frames[1], 0, 255)))
    said = parse(read_note("out/00000001.png"))
    assert said.command == (
        "pydream zoom noise:80x60 -o frames --frames 2 --scale 0.1 --rotate 5.0 --shift 2.0 -1.5"
        " --layer fire4/concat --grid 0.125 --octaves 1 --iterations 2 --era 2015 --seed 3"
    )
    assert run("replay", "out/00000001.png").out.startswith("identical")


def test_a_frame_says_how_it_was_made(run, picture, whole):
    said = parse(read_note("whole/00000002.png"))
    assert said.recipe.loop.frame == 2
    assert said.recipe.steps is None
    seen = run("replay", "whole/00000002.png", "-o", "again.png", "--input", picture)
    assert seen.out.startswith("identical: every byte")
    assert Path("again.png").read_bytes() == whole["00000002.png"]
    assert run(*said.command.split()[1:], "-q").code == 0
    assert only_frames("frames")["00000002.png"] == whole["00000002.png"]


def test_defaults_are_the_notebooks(run):
    shown = " ".join(run("zoom", "--help").out.split())
    for default in ("100", "0.05", "0.0", "0.0, 0.0", "25"):
        assert f"[default: {default}" in shown


def test_sidecars(run, picture):
    assert run("zoom", picture, "-o", "out", "--frames", "1", "--sidecar", *SHORT).code == 0
    assert json.loads(Path("out/00000000.png.json").read_text())["dream"]["loop"]["frame"] == 0


# ---- films ----


def film(path):
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_folder_and_two_films(run, picture):
    seen = run("zoom", picture, "-o", "out", "-o", "a.mp4", "-o", "b.gif", "--frames", "3", "--fps", "10", *SHORT)
    assert seen.code == 0, seen
    assert seen.err.splitlines()[1:] == ["wrote 3 frames into 'out'", "wrote 'a.mp4'", "wrote 'b.gif'"]
    for name in ("a.mp4", "b.gif"):
        frames = film(name)
        assert len(frames) == 3
        made = [read_image(f"out/{index:08d}.png").astype(int) for index in range(3)]
        for index, frame in enumerate(frames):  # lossy, but it is that frame and no other
            assert np.argmin([np.abs(frame - other).mean() for other in made]) == index
    with av.open("a.mp4") as container:
        assert container.streams.video[0].average_rate == 10
        assert container.metadata["comment"] == read_note("out/00000002.png")


def test_a_film_alone_leaves_nothing_else(run, picture, folder):
    before = set(os.listdir(folder))
    seen = run("zoom", picture, "-o", "a.mp4", "--frames", "2", *SHORT)
    assert seen.err.splitlines()[1:] == ["wrote 'a.mp4'"]
    assert set(os.listdir(folder)) - before == {"a.mp4"}
    assert len(film("a.mp4")) == 2


def test_a_film_alone_that_was_stopped(run, picture, monkeypatch):
    assert run("zoom", picture, "-o", "whole.mp4", "--frames", "3", *SHORT).code == 0
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5)
        seen = run("zoom", picture, "-o", "a.mp4", "--frames", "3", *SHORT)
    assert seen.err.splitlines()[-1] == "pydream: interrupted; 2 of 3 frames are in 'a.mp4.frames'; --resume continues"
    assert not Path("a.mp4").exists()
    assert run("zoom", picture, "-o", "a.mp4", "--frames", "3", *SHORT, "--resume").code == 0
    assert not Path("a.mp4.frames").exists()
    assert Path("a.mp4").read_bytes() == Path("whole.mp4").read_bytes()
    assert "'a.mp4' is complete" in run("zoom", picture, "-o", "a.mp4", *SHORT, "--resume").err


# ---- stopped, and on ----


@pytest.mark.parametrize("step", [1, 2, 3, 5, 8])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_resume_ends_with_the_same_bytes(run, picture, whole, monkeypatch, step, number, code):
    arguments = ["zoom", picture.name, "-o", "out", "--frames", "4", *DREAM]
    with monkeypatch.context() as patch:
        interrupt_at(patch, step, number)
        seen = run(*arguments, "--seed", "3")
    assert seen.code == code
    done = (step - 1) // 2
    assert seen.err.splitlines()[-1] == f"pydream: interrupted; {done} of 4 frames are in 'out'; --resume continues"
    assert sorted(files("out")) == [*FRAMES[:done], "resume.npz"] if done else not Path("out").exists()
    # The seed need not be told again, unless there is nothing that holds it.
    assert run(*arguments, "--resume", *([] if done else ["--seed", "3"])).code == 0
    assert only_frames("out") == whole


def test_killed(picture, whole):
    """SIGKILL, at several moments: what is there is whole, and what comes then is the same."""
    environment = {**os.environ, "PYTHONPATH": str(Path(pydream.__file__).parents[1])}
    arguments = [
        sys.executable,
        "-m",
        "pydream",
        "zoom",
        picture.name,
        "-o",
        "out",
        "--frames",
        "4",
        *SHORT,
        "--resume",
    ]
    for expected in (1, 2, 3):
        process = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL)
        while not Path("out", FRAMES[expected - 1]).exists():
            assert process.poll() is None
            time.sleep(0.002)
        process.kill()
        process.wait()
        for name, content in only_frames("out").items():
            assert content == whole[name]
    assert subprocess.run(arguments, env=environment, stderr=subprocess.DEVNULL).returncode == 0
    assert only_frames("out") == whole


def test_between_a_frame_and_its_checkpoint(run, picture, whole, monkeypatch):
    """A frame without a checkpoint is made again."""
    save = checkpoint.save
    with monkeypatch.context() as patch:

        def fail(path, state):
            if state.loop.place.frame == 2:
                raise OSError(28, "No space left on device")
            save(path, state)

        patch.setattr(checkpoint, "save", fail)
        seen = run("zoom", picture.name, "-o", "out", "--frames", "4", *SHORT)
    assert seen.code == 1
    assert "No space left" in seen.err
    Path("out/00000002.png").write_bytes(whole["00000002.png"][:-1])
    assert run("zoom", picture.name, "-o", "out", "--frames", "4", *SHORT, "--resume").code == 0
    assert only_frames("out") == whole


def test_more_frames(run, picture, whole):
    assert run("zoom", picture.name, "-o", "out", "--frames", "2", *SHORT).code == 0
    seen = run("zoom", picture.name, "-o", "out", "--frames", "4", *SHORT, "--resume")
    assert "2 of 4 frames are in 'out' already\n" in seen.err
    assert only_frames("out") == whole
    seen = run("zoom", picture.name, "-o", "out", "--frames", "3", "-o", "a.gif", *SHORT, "--resume")
    assert "3 of 3 frames are in 'out' already\n" in seen.err
    assert len(film("a.gif")) == 3


def test_resume_with_nothing_there_begins(run, picture, whole):
    assert run("zoom", picture.name, "-o", "out", "--frames", "4", *SHORT, "--resume").code == 0
    assert only_frames("out") == whole


def test_force_begins_again(run, picture, whole):
    shutil.copytree("whole", "out")
    Path("out/notes.txt").write_text("kept")
    assert run("zoom", picture.name, "-o", "out", "--frames", "2", *SHORT, "--force").code == 0
    assert sorted(files("out")) == [*FRAMES[:2], "notes.txt", "resume.npz"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--seed", "4"], "seed was 3, now 4"),
        (["--step-size", "2"], "step_size was 1.5, now 2.0"),
        (["--scale", "0.1", "--shift", "1", "2"], "scale was 0.05, now 0.1, shift was (0.0, 0.0), now (1.0, 2.0)"),
        (["--dtype", "float64"], "dtype was float32, now float64"),
        (
            ["--guide", "other.png", "--layer", "fire8/concat"],
            "guide was none, now other.png (40x40, sha256 16813696bb5b…)",
        ),
    ],
)
def test_another_loop_is_not_gone_on_with(run, picture, whole, draw, folder, options, why):
    draw(folder / "other.png", 40, 40)
    seen = run("zoom", picture.name, "-o", "whole", "--frames", "5", *DREAM, "--resume", *options)
    assert (seen.code, seen.err) == (1, f"pydream: error: 'whole' holds another loop: {why}\n")
    seen = run("zoom", "other.png", "-o", "whole", "--frames", "5", *DREAM, "--resume")
    assert "input was in.png (" in seen.err
    assert only_frames("whole") == whole


@pytest.mark.parametrize("damage", [b"", b"PK", "cut", "text"])
def test_a_damaged_checkpoint(run, picture, whole, damage):
    path = Path("whole/resume.npz")
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-200], "text": content.replace(b"octave_n", b"octavo_n")}.get(damage, damage))
    seen = run("zoom", picture.name, "-o", "whole", "--frames", "5", *DREAM, "--resume")
    assert seen.code == 1
    assert "'whole/resume.npz' is damaged" in seen.err
    assert seen.err.count("\n") == 1


# ---- what is there already is read ----


@pytest.fixture
def loop(run, folder, draw, quick):
    """Three frames with their sidecars, made; the words that make them."""
    draw(folder / "in.png", 30, 40)
    words = ["zoom", "in.png", "-o", "z", *quick, "--frames", "3"]
    assert run(*words, "--seed", "3", "--sidecar", "-q").code == 0
    return words


@pytest.mark.parametrize("more", [[], ["--frames", "5", "-o", "z.gif"], ["--frames", "2"]])
def test_lost_frames_are_made_again(run, loop, more):
    """An empty one, one that is cut, and their sidecars; the loop goes on from its checkpoint then."""
    words = [*loop, *more]
    assert run(*["whole" if word == "z" else word for word in words], "--seed", "3", "--sidecar").code == 0
    whole = files("whole")
    Path("z", FRAMES[0]).write_bytes(b"")
    Path("z", FRAMES[1]).write_bytes(whole[FRAMES[1]][:-30])
    Path("z", f"{FRAMES[1]}.json").unlink()
    os.utime(Path("z", FRAMES[2]), (0, 0))
    seen = run(*words, "--resume", "--sidecar")
    assert seen.code == 0, seen
    line = "missing or damaged: 2 frames before its checkpoint, first 0; made again from the start of the loop\n"
    assert line in seen.err
    assert {name: content for name, content in files("z").items() if name in whole and name != "resume.npz"} == {
        name: content for name, content in whole.items() if name != "resume.npz"
    }
    assert Path("z", FRAMES[2]).stat().st_mtime == 0
    assert "made again" not in run(*words, "--resume").err


def test_ctrl_c_while_they_are_made_again(run, loop, monkeypatch):
    whole = files("z")
    for name in FRAMES[:3]:
        Path("z", name).unlink()
    with monkeypatch.context() as patch:
        interrupt_at(patch, 2)
        seen = run(*loop, "--resume")
    assert seen.err.splitlines()[-1] == "pydream: interrupted; 1 of 3 frames are in 'z'; --resume continues"
    assert run(*loop, "--resume").code == 0
    assert files("z") == whole


def test_without_a_checkpoint_the_frames_have_the_seed(run, loop):
    whole = only_frames("z")
    Path("z/resume.npz").unlink()
    assert run(*loop, "--resume").code == 0
    assert only_frames("z") == whole


@pytest.mark.parametrize("number", [1, 3])
def test_frames_of_another_loop_are_not_overwritten(run, loop, number):
    """Before the checkpoint, which is of frame 2, and behind it."""
    assert run("zoom", "in.png", "-o", "other", *loop[4:], "--frames", "4", "--seed", "4").code == 0
    Path("other", FRAMES[number]).replace(Path("z", FRAMES[number]))
    before = files("z")
    seen = run(*loop, "--frames", "4", "--resume")
    assert (seen.code, seen.err) == (1, f"pydream: error: 'z/{FRAMES[number]}' is another dream: seed was 4, now 3\n")
    assert files("z") == before


def test_force_leaves_photographs_alone(run, folder, draw, quick):
    """A frame is what says of itself that it is one."""
    photos = folder / "photos"
    photos.mkdir()
    for name in ("20240101.png", "a.png", "٠٠٠٠٠٠٠١.png"):  # the last in Arabic digits
        draw(photos / name, 30, 40)
    (photos / "20240101.png.json").write_text('{"title": "20240101.png"}')
    Path("photos/20240102.png").write_bytes((photos / "a.png").read_bytes()[:-40])
    before = files("photos")
    words = ["zoom", "photos/a.png", "-o", "photos", *quick]
    assert run(*words, "--frames", "3", "--sidecar").code == 0  # such files are not frames
    assert "holds frames already" in run(*words, "--frames", "2").err
    Path("photos", FRAMES[2]).write_bytes(b"")  # nothing is lost with it
    assert run(*words, "--frames", "2", "--force").code == 0
    assert sorted(files("photos")) == sorted([*before, *FRAMES[:2], "resume.npz"])
    assert {name: content for name, content in files("photos").items() if name in before} == before


@pytest.mark.parametrize("name", [FRAMES[1], f"{FRAMES[1]}.json", "resume.npz"])
@pytest.mark.parametrize("option", [[], ["--force"], ["--resume"]])
def test_what_is_no_frame_is_not_overwritten(refused, folder, draw, quick, name, option):
    draw(folder / "in.png", 30, 40)
    (folder / "z").mkdir()
    np.savez(folder / "other.npz", mine=np.zeros(3))
    content = {".png": (folder / "in.png").read_bytes(), ".npz": (folder / "other.npz").read_bytes()}
    (folder / "z" / name).write_bytes(content.get(name[-4:], b'{"title": "mine"}'))
    resumed = name == "resume.npz" and option == ["--resume"]  # it cannot be read, and that is said
    line = refused(1 if resumed else 2, "zoom", "in.png", "-o", "z", *quick, "--frames", "2", *option)
    assert f"'z/{name}' {'is damaged' if resumed else 'does not say that it was made by this command'}" in line


@pytest.mark.parametrize("name", ["a.mp4", "a.gif"])
def test_a_film_is_complete_if_it_says_so(run, folder, draw, quick, name):
    draw(folder / "in.png", 30, 40)
    words = ["zoom", "in.png", "-o", name, *quick, "--frames", "2", "--resume"]
    assert run(*words).code == 0
    made = Path(name).read_bytes()
    assert f"'{name}' is complete" in run(*words).err
    assert Path(name).read_bytes() == made
    Path(name).write_bytes(b"")  # as after a power cut
    assert run(*words).code == 0
    video.write_video(Path(name), [read_image("in.png")] * 3, 25)
    other = Path(name).read_bytes()
    seen = run(*words)
    assert seen.code == 2
    assert f"'{name}' is there already: it does not say that it was made here, and would be lost" in seen.err
    assert Path(name).read_bytes() == other
    assert not Path(f"{name}.frames").exists()


# ---- refusals ----


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["in.png", "-o", "a", "-o", "b"], "frames go into one folder, not 'a' and 'b'"),
        (["in.png", "-o", "in.png"], "'in.png' is a file"),
        (["in.png", "-o", "film.avi"], "'film.avi' is not a folder, and films are .mp4, .gif"),
        (["in.png", "-o", "no/film.mp4"], "there is no folder 'no'"),
        (["in.png", "-o", "a.gif", "--fps", "99"], "fps"),
        (["in.png", "-o", "a", "--scale", "1"], "--scale"),
        (["in.png", "-o", "a", "--scale", "nan"], "--scale"),
        (["in.png", "-o", "a", "--shift", "1", "inf"], "--shift"),
        (["in.png", "-o", "a", "--grid", "0.1"], "power of two"),
        (["in.png", "-o", "a", "--frames", "0"], "--frames"),
        (["in.png", "-o", "a", "--resume", "--force"], "choose one"),
        ([".", "-o", "a"], "'.' is a folder"),
    ],
)
def test_refusals(refused, picture, arguments, why):
    assert why in refused(2, "zoom", *arguments, *DREAM)


def test_frames_that_are_there_are_not_lost(refused, picture, whole):
    line = refused(2, "zoom", picture, "-o", "whole", *SHORT)
    assert "'whole' holds frames already: --resume continues with them, --force replaces them" in line


def test_a_frame_that_is_read_is_not_written(refused, whole):
    line = refused(2, "zoom", "whole/00000001.png", "-o", "whole", "--frames", "4", *SHORT, "--force")
    assert "would overwrite" in line
