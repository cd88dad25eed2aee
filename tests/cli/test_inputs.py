"""Commands on networks of one channel, and of an input of another name; means from files; steps below 0."""

import json

import numpy as np
import pytest
from support import inputs, nets

from pydream.media.image import read_image, read_note
from pydream.zoo.registry import find_network

SHORT = ("--runtime", "numpy", "-l", "two", "-n", 1, "-q")
OCTAVES = ("--octaves", 2)


@pytest.fixture
def grey(folder):
    return inputs.write(folder, stem="grey")


@pytest.fixture
def picture(folder, draw):
    return draw(folder / "in.png", 30, 44)


def is_grey(name):
    pixels = read_image(name)
    return pixels.std() > 0 and (pixels == pixels[..., :1]).all()


@pytest.mark.parametrize(
    "words",
    [
        ["dream", "in.png", "-o", "out.png", *OCTAVES],
        ["dream", "in.png", "-o", "out.png", "-g", "in.png", "--tile", 12, "--exact", *OCTAVES],
        ["visualize", "-o", "out.png"],
    ],
)
def test_commands_dream_in_grey(run, grey, picture, words):
    assert run(*words, "-m", grey, *SHORT).code == 0
    assert is_grey("out.png")


@pytest.mark.parametrize("words", ["zoom in.png -o out.gif --frames 2", "history in.png", "octaves in.png", "channels"])
def test_films_and_figures_of_grey_networks(run, grey, picture, words):
    words = words if " -o " in words else f"{words} -o out.png"
    assert run(*words.split(), "-m", grey, *SHORT).code == 0


def test_a_sweep_and_a_film_in_grey(run, grey, picture):
    short = [*SHORT[:2], *SHORT[4:]]
    assert run("sweep", "in.png", "-o", "sheet.png", "-m", grey, "-l", "t*", *short).code == 0
    assert run("zoom", "in.png", "-o", "in.gif", "--frames", 2, "-m", grey, *SHORT).code == 0
    assert run("video", "in.gif", "-o", "out.gif", "-m", grey, *SHORT).code == 0


def test_a_grey_dream_is_replayed(run, grey, picture):
    means = np.float64([[[90.25], [97.25]]])
    np.save("mean.npy", means)
    assert run("dream", "in.png", "-o", "out.png", "-m", grey, "--mean", "mean.npy", "-s", -1.5, *SHORT).code == 0
    said = json.loads(read_note("out.png"))
    assert said["network"]["mean"] == [means.mean()]  # numbers: the file may be gone
    assert said["dream"]["step_size"] == -1.5
    assert " --mean 93.75 " in said["command"]
    assert " --step-size -1.5 " in said["command"]
    (picture.parent / "mean.npy").unlink()
    seen = run("replay", "out.png", "-o", "again.png", "-m", grey)
    assert "identical" in seen.out
    assert is_grey("again.png")


def test_a_command_has_all_digits_of_a_mean(run, grey, picture):
    np.save("mean.npy", np.float64([1 / 3]))
    assert run("dream", "in.png", "-o", "out.png", "-m", grey, "--mean", "mean.npy", *SHORT).code == 0
    assert " --mean 0.3333333333333333 " in json.loads(read_note("out.png"))["command"]


def test_a_mean_of_a_binaryproto(run, folder, picture):
    model = inputs.write(folder, 3)
    proto = nets.blob(np.float32([104, 116, 122]).repeat(4).reshape(3, 2, 2), legacy=True)
    (folder / "mean.binaryproto").write_bytes(proto.SerializeToString())
    for name, more in (("a.png", []), ("b.png", ["--mean", "mean.binaryproto"]), ("c.png", ["--mean", "104"])):
        assert run("dream", "in.png", "-o", name, "-m", model, "--seed", 1, *more, *SHORT).code == 0
    np.testing.assert_array_equal(read_image("a.png"), read_image("b.png"))
    assert not np.array_equal(read_image("a.png"), read_image("c.png"))


def test_a_mean_file_is_read_and_not_written_over(refused, grey, picture):
    np.save("mean.npy", np.ones(1))
    (picture.parent / "mean.png").write_bytes((picture.parent / "mean.npy").read_bytes())
    line = refused(2, "dream", "in.png", "-o", "mean.png", "-m", grey, "--mean", "mean.png", *SHORT)
    assert "mean.png" in line
    (picture.parent / "text").write_text("no mean")
    assert "neither a binaryproto nor" in refused(2, "dream", "in.png", "-o", "o.png", "-m", grey, "--mean", "text")
    assert "'no.npy' is not a mean" in refused(2, "dream", "in.png", "-o", "o.png", "-m", grey, "--mean", "no.npy")


def test_a_network_of_any_input_is_added(run, folder, picture):
    """By a name, and the picture is that of the file."""
    for name, channels, called in (("mine", 3, "image"), ("letters", 1, "pixels")):
        model = inputs.write(folder, channels, called, stem=name)
        mean = ["--mean", 90] if channels == 1 else []
        files = [model, model.with_suffix(".caffemodel")]
        assert run("models", "add", name, *files, "--layer", "two", *mean).code == 0
        assert "two" in run("layers", "-m", name).out
        for network, out in ((name, "a.png"), (model, "b.png")):
            assert run("dream", "in.png", "-o", out, "-m", network, *mean, "--seed", 3, "--force", *SHORT).code == 0
        np.testing.assert_array_equal(read_image("a.png"), read_image("b.png"))
    assert find_network("letters").mean == (90.0,)
    assert "mean     90 (BGR)" in run("models", "info", "letters").out


def test_what_takes_no_picture_is_not_added(refused, folder):
    model = inputs.write(folder, 4)
    line = refused(1, "models", "add", "four", model, model.with_suffix(".caffemodel"))
    assert "no input of four axes with three channels or one, for a picture, but 'data' (1, 4, 24, 24)" in line


@pytest.mark.parametrize("name", ["image_in", "gray"])
def test_the_cases(run, shared, folder, picture, name):
    (model,) = shared.glob(f"cases/*/{name}.prototxt")
    mean = shared / "cases" / "pictures" / "mean.binaryproto"
    words = ["-m", model, "-w", model.with_suffix(".caffemodel"), "--mean", mean, "-l", "conv2", "--step-size", -1.5]
    assert run("dream", "in.png", "-o", "out.png", *words, "--runtime", "numpy", "-n", 1, "-q").code == 0
    assert is_grey("out.png") == (name == "gray")
