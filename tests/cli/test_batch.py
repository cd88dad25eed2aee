"""Several pictures, standard input and output, noise: what `pydream dream` reads and where it writes."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import numpy as np
import pytest
from PIL import Image

import pydream.cli.commands.dream as module
from pydream.cli.input import InputPicture, Target
from pydream.dream.images import noise
from pydream.dream.notebook import deepdream
from pydream.easy import preparation
from pydream.media.image import FORMATS, read_image, read_note, write_image
from pydream.zoo.load import load_net

SHORT = ["--octaves", "1", "--iterations", "1", "--seed", "3"]


@pytest.fixture
def pictures(folder, draw):
    (folder / "in").mkdir()
    for number, name in enumerate(["a.png", "b.jpg", "c.webp"]):
        draw(folder / "in" / name, 40 + number, 48)
    return folder / "in"


def alone(run, source, target):
    assert run("dream", source, "-o", target, *SHORT).code == 0
    return read_image(target)


def test_a_folder(run, folder, pictures):
    (pictures / "notes.txt").write_text("no picture")
    (pictures / ".hidden.png").write_bytes((pictures / "a.png").read_bytes())
    (pictures / "deeper").mkdir()
    seen = run("dream", pictures, "-o", "out", *SHORT)
    assert seen.code == 0, seen
    assert sorted(os.listdir("out")) == ["a.png", "b.png", "c.png"]
    assert [line for line in seen.err.splitlines() if line.startswith("wrote")] == [
        "wrote 'out/a.png' (1 of 3)", "wrote 'out/b.png' (2 of 3)", "wrote 'out/c.png' (3 of 3)",
    ]  # fmt: skip
    np.testing.assert_array_equal(read_image("out/b.png"), alone(run, "in/b.jpg", "b.png"))


def test_several_inputs_and_another_format(run, folder, pictures):
    seen = run("dream", "in/a.png", "in/b.jpg", "-o", "out/deep", "--format", "jpeg", *SHORT)
    assert seen.code == 0, seen
    assert sorted(os.listdir("out/deep")) == ["a.jpeg", "b.jpeg"]
    assert Image.open("out/deep/a.jpeg").format == "JPEG"


@pytest.mark.parametrize("output", ["out/", "there"])
def test_one_picture_into_a_folder(run, picture, output):
    Path("there").mkdir()
    assert run("dream", picture, "-o", output, *SHORT).code == 0
    assert os.listdir(output) == ["in.png"]


def test_what_is_there_is_not_made_again(run, pictures):
    assert run("dream", pictures, "-o", "out", *SHORT).code == 0
    os.remove("out/b.png")
    os.utime("out/a.png", (0, 0))
    seen = run("dream", pictures, "-o", "out", *SHORT)
    assert seen.code == 0
    assert "2 of 3 are in 'out' already; --force replaces them\n" in seen.err
    assert os.stat("out/a.png").st_mtime == 0
    assert Path("out/b.png").exists()

    assert "3 of 3" in run("dream", pictures, "-o", "out", *SHORT).err
    assert run("dream", pictures, "-o", "out", "--force", *SHORT).code == 0
    assert read_image("out/a.png").shape == (40, 48, 3)


# ---- what is there already is read ----


@pytest.fixture
def many(run, folder, draw, quick):
    """A batch of three, made; the words that make it."""
    (folder / "many").mkdir()
    for number, name in enumerate(["a.png", "b.png", "c.png"]):
        draw(folder / "many" / name, 30 + number, 40)
    words = ["dream", "many", "-o", "o", *quick]
    assert run(*words).code == 0
    return words


def files(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in Path(folder).iterdir()}


@pytest.mark.parametrize("form", FORMATS)
def test_damaged_ones_are_made_again(run, many, form):
    """Empty, full of zeros, and cut; a WebP that is cut has lost its note."""
    words = [*many, "--format", form, "--seed", "3"]
    assert run(*words, "--force").code == 0
    whole = files("o")
    paths = [Path("o", f"{name}.{form}") for name in "abc"]
    paths[0].write_bytes(b"")
    paths[1].write_bytes(bytes(4096))
    if form != "webp":
        paths[2].write_bytes(paths[2].read_bytes()[:-9])
    seen = run(*words)
    there = "" if form != "webp" else "1 of 3 are in 'o' already; --force replaces them\n"
    assert seen.code == 0
    assert seen.err.startswith(there)
    assert {name: content for name, (content, _) in files("o").items()} == {
        name: content for name, (content, _) in whole.items()
    }


def test_what_is_whole_stays_whatever_its_seed(run, many):
    before = files("o")
    seen = run(*many)
    assert (seen.code, seen.err) == (0, "3 of 3 are in 'o' already; --force replaces them\n")
    assert run(*many, "--memory", "2GB").err.startswith("3 of 3 are in 'o' already")
    assert files("o") == before


def test_what_is_something_else_is_told(run, many, draw):
    """A photograph, a text, a damaged picture of which nobody knows whose: none is taken as made, none is lost."""
    draw(Path("o/a.png"), 30, 40)
    Path("o/b.png").write_text("a text")
    photograph = draw(Path("o/c.png"), 30, 40)
    photograph.write_bytes(photograph.read_bytes()[:-20])
    before = files("o")
    seen = run(*many)
    assert seen.code == 1
    assert seen.err.splitlines() == [
        *(
            f"pydream: error: 'many/{name}': 'o/{name}' does not say that it was made here; --force replaces it"
            for name in ("a.png", "b.png", "c.png")
        ),
        "pydream: error: 3 of 3 pictures failed",
    ]
    assert files("o") == before
    assert run(*many, "--force").code == 0
    assert run(*many).err.startswith("3 of 3 are in 'o' already")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--seed", "3"], "seed was "),
        (["--step-size", "2"], "step_size was 1.5, now 2.0"),
        (["--exact"], "dtype was float32, now float64"),
        (["--guide", "many/a.png"], "guide was none, now a.png"),
        (["--tile", "64"], "tile was 0, now 64"),
    ],
)
def test_another_dream_is_told(run, many, options, why):
    before = files("o")
    seen = run(*many, *options)
    assert seen.code == 1
    assert seen.err.count(f"is another dream: {why}") == 3
    assert seen.err.endswith("pydream: error: 3 of 3 pictures failed\n")
    assert files("o") == before


def test_another_picture_under_the_same_name_is_told(run, many, draw):
    draw(Path("many/b.png"), 33, 40)
    seen = run(*many)
    assert (seen.code, seen.err.count(" is another dream: input was b.png (40x31, ")) == (1, 1)
    assert "2 of 3 are in 'o' already" in seen.err


def test_pixels_that_were_changed_are_told(run, many):
    words = [*many, "--format", "tiff", "--force"]
    assert run(*words).code == 0
    for name in ("a.tiff", "b.tiff"):
        pixels, note = read_image(f"o/{name}"), read_note(f"o/{name}")
        pixels[0, 0] ^= 1
        write_image(f"o/{name}"[:-1], pixels if name == "a.tiff" else pixels[:-1], note)
        Path(f"o/{name}"[:-1]).rename(f"o/{name}")
    seen = run(*words[:-1])
    assert (seen.code, seen.err.count("is not as it was made: its pixels were changed since")) == (1, 2)


def test_sidecars_that_are_missing_are_written(run, many):
    """Of what is made already; a file that is not a sidecar stays."""
    Path("o/b.png.json").write_text('{"title": "a photograph"}')
    before = files("o")
    seen = run(*many, "--sidecar")
    assert (seen.code, seen.err.count("'o/b.png.json' does not say that it was made here; --force")) == (1, 1)
    assert Path("o/a.png.json").read_text() == f"{read_note('o/a.png')}\n"
    assert {name: content for name, content in files("o").items() if name in before} == before
    Path("o/c.png").unlink()
    Path("o/c.png.json").write_text("{}")
    assert "'o/c.png.json' does not say that it was made here" in run(*many, "--sidecar").err
    assert not Path("o/c.png").exists()


def test_standard_input_is_read_once(run, many, monkeypatch):
    """And compared with what its dream was made of."""

    def piped(*more):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path("many/a.png").read_bytes())))
        return run("dream", "-", "many/b.png", "-o", "o2", *many[4:], *more)

    seen = piped()
    assert seen.code == 0, seen
    assert piped().err.startswith("2 of 2 are in 'o2' already")
    Path("o2/stdin.png").write_bytes(b"")
    assert piped().code == 0
    assert read_image("o2/stdin.png").shape == (30, 40, 3)


def test_a_folder_of_one(run, many, refused):
    """Goes into a folder, as that of two does."""
    for name in ("b.png", "c.png"):
        Path("many", name).unlink()
    seen = run("dream", "many", "-o", "dreams", *many[4:])
    assert (seen.code, os.listdir("dreams")) == (0, ["a.png"])
    assert "'dream.png' names a file" in refused(2, "dream", "many", "-o", "dream.png", *many[4:])


def test_a_bad_picture_costs_itself_only(run, pictures):
    (pictures / "b.jpg").write_bytes(b"\xff\xd8\xff junk")
    Image.new("RGB", (1, 1)).save(pictures / "d.png")
    seen = run("dream", "in", "-o", "out", *SHORT)
    assert seen.code == 1
    assert sorted(os.listdir("out")) == ["a.png", "c.png"]
    errors = [line for line in seen.err.splitlines() if "error" in line]
    assert errors[0].startswith("pydream: error: 'in/b.jpg' is not a picture")
    assert errors[1].startswith("pydream: error: 'in/d.png': the picture (1x1) does not fit")
    assert errors[2] == "pydream: error: 2 of 4 pictures failed"


def test_a_network_that_cannot_be_had_ends_it_at_once(refused, pictures):
    line = refused(1, "dream", pictures, "-o", "in", "-m", "bvlc_googlenet", *SHORT, "--force", "--format", "tiff")
    assert "no weights for bvlc_googlenet" in line


def test_a_guide_is_looked_at_once(run, pictures, draw, quick, monkeypatch):
    """And not for every picture, whose titles differ."""
    seen, guided = [], preparation.guided
    monkeypatch.setattr(preparation, "guided", lambda *args: seen.append(args) or guided(*args))
    assert run("dream", pictures, "-o", "out", "--guide", "in/a.png", *quick).code == 0
    assert len(os.listdir("out")) == 3
    assert len(seen) == 1


def test_ctrl_c_costs_the_picture_it_falls_into(run, pictures, monkeypatch):
    follow = preparation.follow
    left = ["a.png", "b.jpg"]

    def interrupted(*args, **options):
        left.pop()
        if not left:
            signal.raise_signal(signal.SIGINT)
        return follow(*args, **options)

    monkeypatch.setattr(preparation, "follow", interrupted)
    seen = run("dream", pictures, "-o", "out", *SHORT)
    assert seen.code == 130
    assert os.listdir("out") == ["a.png"]
    assert seen.err.splitlines()[-1] == (
        "pydream: interrupted; 1 of 3 pictures were written; the same command makes the others"
    )


@pytest.mark.parametrize("fails", [False, True])
def test_a_picture_is_written_while_the_next_one_is_read(run, pictures, monkeypatch, fails):
    """What is printed of it, an error too, comes before all of the next one's."""
    follows, read, write = Event(), InputPicture.read, Target.write
    frames = [Image.new("L", (48, 41), grey) for grey in (90, 150)]
    frames[0].save(pictures / "b.jpg", format="GIF", save_all=True, append_images=frames[1:])

    def noted(source, *args):
        if source.name == "b.jpg":
            follows.set()
        return read(source, *args)

    def late(target, *args):
        assert follows.wait(20)
        if fails and target.given.endswith("a.png"):
            raise OSError("no place")
        write(target, *args)

    monkeypatch.setattr(InputPicture, "read", noted)
    monkeypatch.setattr(Target, "write", late)
    seen = run("dream", pictures, "-o", "out", *SHORT)
    assert seen.code == fails
    lines = [line for line in seen.err.splitlines() if "seed 3" not in line]
    first, warning, *others = lines[:4]
    assert "no place" in first if fails else first == "wrote 'out/a.png' (1 of 3)"
    assert "b.jpg' is an animation" in warning
    assert others == ["wrote 'out/b.png' (2 of 3)", "wrote 'out/c.png' (3 of 3)"]


def test_the_next_picture_is_read_during_a_dream(run, pictures, monkeypatch):
    """What is wrong with it is said at its turn."""
    begun, read, follow = Event(), InputPicture.read, preparation.follow
    (pictures / "b.jpg").write_bytes(b"no picture")

    def noted(source, *args):
        if source.name == "b.jpg":
            begun.set()
        return read(source, *args)

    def dreamt(*args, **options):
        assert begun.wait(20)
        return follow(*args, **options)

    monkeypatch.setattr(InputPicture, "read", noted)
    monkeypatch.setattr(preparation, "follow", dreamt)
    seen = run("dream", pictures, "-o", "out", *SHORT)
    assert seen.code == 1
    title, first, second, third, last = (line.split(" (expected")[0] for line in seen.err.splitlines()[:5])
    assert "seed 3, 1 of 3" in title
    assert first == "wrote 'out/a.png' (1 of 3)"
    assert "b.jpg' is not a picture" in second
    assert "seed 3, 3 of 3" in third
    assert last == "wrote 'out/c.png' (3 of 3)"


def test_ctrl_c_does_not_wait_for_the_next_picture(run, pictures, monkeypatch):
    ended, read = Event(), InputPicture.read

    def slow(source, *args):
        assert source.name == "a.png" or not ended.wait(20)
        return read(source, *args)

    def interrupted(*args, **options):
        signal.raise_signal(signal.SIGINT)
        raise KeyboardInterrupt

    monkeypatch.setattr(InputPicture, "read", slow)
    monkeypatch.setattr(preparation, "follow", interrupted)
    began = monotonic()
    assert run("dream", pictures, "-o", "out", *SHORT).code == 130
    ended.set()
    assert monotonic() - began < 15


def test_a_picture_that_is_slow_to_read(run, pictures, monkeypatch):
    """Warnings of all are told, and the dream before is written meanwhile."""
    read, there = InputPicture.read, []
    frames = [Image.new("L", (48, 41), grey) for grey in (90, 150)]
    for name in ("b.jpg", "c.webp"):
        frames[0].save(pictures / name, format="GIF", save_all=True, append_images=frames[1:])

    def slow(source, *args):
        picture = read(source, *args)
        end = monotonic() + 5
        while source.name == "b.jpg" and not Path("out/a.png").exists() and monotonic() < end:
            sleep(0.01)
        sleep(0.1)
        there.append(Path("out/a.png").exists())
        return picture

    monkeypatch.setattr(InputPicture, "read", slow)
    seen = run("dream", pictures, "-o", "out", *SHORT)
    assert seen.code == 0, seen
    assert there == [False, True, True]
    assert [name for name in ("b.jpg", "c.webp") if f"{name}' is an animation" in seen.err] == ["b.jpg", "c.webp"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["in", "-o", "a.png"], "'a.png' is a file"),
        (["in", "-o", "-"], "standard output takes one picture"),
        (["-", "-", "-o", "out"], "standard input is one picture"),
        (["in", "-o", "in"], "would overwrite 'in/a.png'"),
        (["in/a.png", "-o", "out.png", "--format", "png"], "the suffix of 'out.png' decides the format"),
        (["in/a.png", "-o", "-", "--sidecar"], "no file to put it beside"),
        (["in/a.png", "-o", "out.png", "--image-size", "9x9"], "No such option"),
        (["noise:9x", "-o", "out.png"], "'9x' is not a size"),
        (["noise:999999x999999", "-o", "out.png"], "more than"),
        (["none", "-o", "out.png"], "'none' does not exist (expected a picture, '-' or 'noise')"),
        ([""], "'' does not exist"),  # as of a variable that is not set: not all pictures that are here
    ],
)
def test_refusals(refused, pictures, folder, draw, arguments, why):
    (folder / "same").mkdir()
    draw(folder / "same" / "a.jpg", 8, 8)
    draw(folder / "a.png", 8, 8)
    assert why in refused(2, "dream", *arguments, *SHORT)


# ---- noise ----


def test_noise(run, folder):
    seen = run("dream", "noise:50x40", "-o", "out.png", *SHORT)
    assert seen.code == 0, seen
    rng = np.random.RandomState(3)
    expected = deepdream(load_net("squeezenet_v1.1"), noise(40, 50, rng), iter_n=1, octave_n=1, rng=rng)
    np.testing.assert_array_equal(read_image("out.png"), np.uint8(np.clip(expected, 0, 255)))


def test_a_file_called_noise(run, picture):
    picture.rename("noise")
    assert run("dream", "./noise", "-o", "out.png", *SHORT).code == 0
    assert read_image("out.png").shape == read_image("noise").shape


# ---- standard input and output ----


@pytest.mark.parametrize("form", FORMATS)
def test_a_pipe(picture, run, form):
    piped = subprocess.run(
        [sys.executable, "-m", "pydream", "dream", "-", "-o", "-", "--format", form, *SHORT],
        input=picture.read_bytes(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(Path(pydream_package()).parent)},
        check=True,
    )
    suffix = {"jpeg": ".jpg", "tiff": ".tif"}.get(form, f".{form}")
    Path(f"piped{suffix}").write_bytes(piped.stdout)
    assert Image.open(io.BytesIO(piped.stdout)).format == FORMATS[form].name
    np.testing.assert_array_equal(read_image(f"piped{suffix}"), alone(run, picture, f"file{suffix}"))
    assert '"name": "-"' in read_note(f"piped{suffix}")
    assert piped.stderr.decode().splitlines()[-1] == "wrote the picture to standard output"


def pydream_package():
    return Path(module.__file__).parents[1]


def test_a_terminal_is_no_place_for_a_picture(refused, picture, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "a terminal shows no pictures" in refused(2, "dream", picture, "-o", "-", *SHORT)


def test_what_is_piped_in_is_no_picture(run, folder, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"hello")))
    seen = run("dream", "-", "-o", "out.png", *SHORT)
    assert (seen.code, seen.err) == (
        1,
        "pydream: error: 'standard input' is not a picture, or is damaged"
        " (expected PNG, JPEG, WEBP, TIFF, GIF, BMP, PPM, AVIF, ICO)\n",
    )
    assert os.listdir(folder) == []
