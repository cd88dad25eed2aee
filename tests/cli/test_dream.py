"""`pydream dream`: the file holds the library's dream, and bad input costs one line and no file."""

import inspect
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.interrupting import interrupt_at

import pydream.cli.commands.dream as module
from pydream.cli.progress import Progress
from pydream.dream.images import display_range
from pydream.dream.notebook import deepdream, make_step
from pydream.dream.objectives import objective_guide
from pydream.media.image import read_image
from pydream.record.provenance import read_provenance
from pydream.zoo.load import load_net

SHORT = ["--octaves", "2", "--iterations", "2", "--seed", "3"]


@pytest.fixture(scope="module")
def net():
    return load_net("squeezenet_v1.1")


def library(net, picture: Path, **options: object) -> np.ndarray:
    return deepdream(net, read_image(picture), iter_n=2, octave_n=2, rng=np.random.RandomState(3), **options)


# ---- what is written ----


def test_the_file_is_the_librarys_dream(run, picture, net):
    seen = run("dream", picture, "-o", "out.png", *SHORT)
    assert (seen.code, seen.out) == (0, "")
    assert seen.err == "squeezenet_v1.1 fire8/concat on CPU:0, float32, seed 3\nwrote 'out.png'\n"
    expected = np.uint8(np.clip(library(net, picture), 0, 255))
    np.testing.assert_array_equal(read_image("out.png"), expected)
    assert not np.array_equal(expected, read_image(picture))


def test_every_option_reaches_the_dream(run, picture):
    seen = run(
        *["dream", picture, "--output", "out.png", "--model", "squeezenet_v1.1", "--layer", "fire4/concat"],
        *[
            "--octaves",
            "3",
            "--octave-scale",
            "1.3",
            "--iterations",
            "1",
            "--step-size",
            "2.5",
            "--jitter",
            "5",
        ],
        *["--seed", "4", "--dtype", "float64", "--backend", "numpy", "--device", "cpu", "--clip"],
    )
    assert seen.err.startswith("squeezenet_v1.1 fire4/concat on CPU:0, float64, seed 4\n")
    expected = deepdream(
        load_net("squeezenet_v1.1", dtype="float64", device="cpu"),
        read_image(picture),
        end="fire4/concat",
        octave_n=3,
        octave_scale=1.3,
        iter_n=1,
        step_size=2.5,
        jitter=5,
        rng=np.random.RandomState(4),
        backend="numpy",
    )
    np.testing.assert_array_equal(read_image("out.png"), np.uint8(np.clip(expected, 0, 255)))


def test_no_clip_is_rescaled_as_the_notebook_shows_it(run, picture, net):
    assert run("dream", picture, "-o", "out.png", "--no-clip", *SHORT).code == 0
    expected = display_range(library(net, picture, clip=False))
    np.testing.assert_array_equal(read_image("out.png"), np.uint8(np.clip(expected, 0, 255)))


def test_guide(run, picture, folder, net):
    guide = folder / "guide.png"
    Image.fromarray(read_image(picture)[::-1, :64]).save(guide)
    seen = run("dream", picture, "-o", "out.png", "-l", "fire4/concat", "-g", guide, *SHORT)
    assert seen.code == 0, seen
    objective = objective_guide(net, read_image(guide), "fire4/concat")
    expected = library(net, picture, end="fire4/concat", objective=objective)
    np.testing.assert_array_equal(read_image("out.png"), np.uint8(np.clip(expected, 0, 255)))


def test_a_guide_of_several_layers_is_recorded_and_replayed(run, picture, folder, net):
    guide = folder / "guide.png"
    Image.fromarray(read_image(picture)[::-1, :64]).save(guide)
    layers = ["-l", "fire3/concat", "-l", "fire4/concat=-0.5"]
    seen = run("dream", picture, "-o", "out.png", *layers, "-g", guide, *SHORT)
    assert seen.code == 0, seen
    ends = ("fire3/concat", "fire4/concat")
    objective = objective_guide(net, read_image(guide), ends, weights=[1, -0.5])
    expected = library(net, picture, end=ends, objective=objective)
    np.testing.assert_array_equal(read_image("out.png"), np.uint8(np.clip(expected, 0, 255)))
    assert " --layer fire3/concat --layer fire4/concat=-0.5 --guide guide.png " in read_provenance("out.png").command
    assert run("replay", "out.png", "-i", picture, "-g", guide).out.startswith("identical")


def test_a_guide_without_a_layer_takes_one_where_it_shows(run, picture):
    seen = run("dream", picture, "-o", "out.png", "-g", picture, *SHORT)
    assert seen.code == 0, seen
    assert "no --layer: the guide shows in 'fire4/concat' (`pydream layers` lists all)" in seen.err.splitlines()
    assert run("dream", picture, "-o", "named.png", "-g", picture, "-l", "fire4/concat", *SHORT).code == 0
    assert Path("out.png").read_bytes() == Path("named.png").read_bytes().replace(b"named.png", b"out.png")


def test_without_a_seed_the_drawn_one_repeats_the_dream(run, picture):
    first = run("dream", picture, "-o", "1.png", "-n", "1", "--octaves", "1")
    seed = re.search(r"seed (\d+)$", first.err.splitlines()[0])[1]
    second = run("dream", picture, "-o", "2.png", "-n", "1", "--octaves", "1", "--seed", seed)
    assert second.code == 0
    assert Path("1.png").read_bytes() == Path("2.png").read_bytes()


def test_quiet(run, picture):
    assert run("dream", picture, "-o", "out.png", "-q", *SHORT) == (0, "", "")


def test_an_older_picture_is_replaced_by_force(run, picture, folder):
    (folder / "out.jpg").write_text("older")
    assert run("dream", picture, "-o", "out.jpg", *SHORT).code == 2
    assert Path("out.jpg").read_text() == "older"
    assert run("dream", picture, "-o", "out.jpg", *SHORT, "--force").code == 0
    assert read_image("out.jpg").shape == (72, 96, 3)


def test_the_defaults_are_the_librarys(run):
    shown = run("dream", "--help-all").out
    shown = " ".join(shown.split())
    assert module.command.params  # by name: what click would pass
    options = {option.name: option.default for option in module.command.params}
    for name in ["iter_n", "octave_n", "octave_scale", "clip", "era"]:
        assert options[name] == inspect.signature(deepdream).parameters[name].default
    for name in ["step_size", "jitter", "backend"]:
        assert options[name] == inspect.signature(make_step).parameters[name].default
    for default in ["squeezenet_v1.1", "4", "1.4", "10", "1.5", "32", "clip", "float32", "native", "auto"]:
        assert f"[default: {default}" in shown


# ---- Ctrl-C ----


def test_ctrl_c_writes_what_there_is(run, picture, monkeypatch):
    interrupt_at(monkeypatch, 3)
    seen = run("dream", picture, "-o", "out.png", *SHORT)
    assert seen.code == 130
    assert seen.err.splitlines()[1:] == ["pydream: interrupted; wrote 'out.png' after 3 of 4 steps"]
    image = read_image("out.png")
    assert image.shape == (72, 96, 3)
    assert not np.array_equal(image, read_image(picture))


def test_ctrl_c_before_the_first_step_writes_nothing(run, picture, folder, monkeypatch):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("pydream.dream.notebook._make_step", interrupt)
    assert run("dream", picture, "-o", "out.png", *SHORT) == (
        130,
        "",
        "pydream: interrupted; nothing was written\n",
    )
    assert sorted(path.name for path in folder.iterdir()) == ["in.png"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_signals_write_too(run, picture, monkeypatch, number, code):
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_DFL)  # not ignored, as under nohup
    before = signal.signal(number, signal.SIG_DFL)
    interrupt_at(monkeypatch, 1, number)
    seen = run("dream", picture, "-o", "out.png", *SHORT)
    assert seen.code == code
    assert seen.err.splitlines()[1:] == ["pydream: interrupted; wrote 'out.png' after 1 of 4 steps"]
    assert read_image("out.png").shape == (72, 96, 3)
    assert signal.signal(number, before) == signal.SIG_DFL


# ---- what the command line got wrong ----


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *[("--step-size", value) for value in ["0", "-256", "256", "1e308", "nan", "inf", "-inf", "x", ""]],
        *[("--octave-scale", value) for value in ["0.99", "0.5", "0", "-1.4", "nan", "inf"]],
        *[("--iterations", value) for value in ["0", "-1", "1.5", "nan"]],
        *[("--octaves", value) for value in ["0", "-4", "two", "1001"]],
        *[("--jitter", value) for value in ["-1", "nan", "100001", "9" * 30]],
        *[("--seed", value) for value in ["-1", "4294967296", "x"]],
        *[("--dtype", value) for value in ["float16", ""]],
        *[("--backend", value) for value in ["cuda"]],
        *[("--device", value) for value in ["gpu:x", "tpu", "gpu:", ""]],
    ],
)
def test_values_out_of_range(refused, picture, option, value):
    line = refused(2, "dream", picture, "-o", "out.png", f"{option}={value}")
    assert option in line


def test_flags_and_files_are_checked_before_tensorflow(refused, picture, folder, monkeypatch):
    monkeypatch.setattr(module, "prepare", lambda: None)  # calling it with options would be a TypeError
    refused(2, "dream", picture, "-o", "no/out.png")
    refused(1, "dream", junk(folder), "-o", "out.png")


def test_no_such_input(refused):
    assert "'no.png' does not exist" in refused(2, "dream", "no.png", "-o", "out.png")


def test_no_such_guide(refused, picture):
    assert "'no.png' does not exist" in refused(2, "dream", picture, "-o", "out.png", "-g", "no.png")


def test_input_is_a_folder_without_pictures(refused, folder):
    (folder / "empty").mkdir()
    assert "no picture in the folder 'empty'" in refused(2, "dream", "empty", "-o", "out")


def test_output_would_overwrite_what_is_read(refused, picture, folder):
    assert "overwrite" in refused(2, "dream", picture, "-o", picture)
    (folder / "link.png").symlink_to(picture)
    assert "overwrite" in refused(2, "dream", picture, "-o", "link.png")
    (folder / "guide.png").write_bytes(picture.read_bytes())
    assert "overwrite" in refused(2, "dream", picture, "-o", "guide.png", "-g", "guide.png")


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("no/out.png", "there is no folder 'no'"),
        ("in.png/out.png", "is not a folder"),
        ("out.bpm", "expected .png"),
        ("out", "expected .png"),
        ("/proc/out.png", "cannot write"),
    ],
)
def test_output_that_cannot_be_written(refused, picture, output, why):
    line = refused(2, "dream", picture, "-o", output)
    assert "--output" in line
    assert why in line


def test_unknown_layer(refused, picture):
    line = refused(2, "dream", picture, "-o", "out.png", "-l", "fire8/conct")
    assert "fire8/concat" in line


def test_name_of_an_in_place_layer(refused, picture):
    line = refused(2, "dream", picture, "-o", "out.png", "-l", "fire8/relu_expand1x1")
    assert "fire8/expand1x1" in line


def test_unknown_layer_with_a_guide(refused, picture, folder):
    (folder / "guide.png").write_bytes(picture.read_bytes())
    line = refused(2, "dream", picture, "-o", "out.png", "-g", "guide.png", "-l", "fire8/conct")
    assert "fire8/concat" in line


def test_unknown_model(refused, picture):
    line = refused(2, "dream", picture, "-o", "out.png", "-m", "squeezenet_v1.2")
    assert "squeezenet_v1.1" in line


# ---- what the run failed at ----


def junk(folder: Path) -> Path:
    (folder / "junk.png").write_bytes(bytes(range(256)) * 9)
    return folder / "junk.png"


def test_not_an_image(refused, folder, picture):
    assert "is not a picture" in refused(1, "dream", junk(folder), "-o", "out.png")
    assert "is not a picture" in refused(1, "dream", picture, "-g", junk(folder), "-o", "out.png")


def test_truncated_image(refused, picture):
    picture.write_bytes(picture.read_bytes()[:-1000])
    assert "cut short" in refused(1, "dream", picture, "-o", "out.png")


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3)])
def test_image_that_is_too_small(refused, folder, size):
    Image.fromarray(np.full((*size, 3), 100, np.uint8)).save("small.png")
    assert "octave" in refused(1, "dream", "small.png", "-o", "out.png")


def test_too_many_octaves(refused, picture):
    assert "octave" in refused(1, "dream", picture, "-o", "out.png", "--octaves", "20")
    assert "octave" in refused(1, "dream", picture, "-o", "out.png", "--octaves", "1000")
    assert "octave" in refused(1, "dream", picture, "-o", "out.png", "--octave-scale", "1e300")


def test_a_guide_that_is_too_small(refused, picture):
    Image.new("RGB", (2, 2)).save("guide.png")
    assert "guide.png" in refused(1, "dream", picture, "-o", "out.png", "-g", "guide.png")


def test_missing_weights(refused, picture, folder):
    line = refused(1, "dream", picture, "-o", "out.png", "-m", "bvlc_googlenet")
    assert "bvlc_googlenet.caffemodel" in line
    assert str(folder / "cache") in line


def test_gpu_that_is_absent(refused, picture):
    assert "no GPU 7" in refused(1, "dream", picture, "-o", "out.png", "--device", "gpu:7")


def test_zero_gradient(refused, own_network):
    Image.new("RGB", (64, 64)).save("black.png")
    line = refused(1, "dream", "black.png", "-o", "out.png", *own_network, "--layer", "light")
    assert "'light'" in line
    assert "zero" in line


def test_a_network_without_a_default_layer(refused, picture, own_network):
    assert "no default layer" in refused(2, "dream", picture, "-o", "out.png", *own_network)


def test_ones_own_network(run, picture, own_network):
    seen = run("dream", picture, "-o", "out.png", *own_network, "-l", "light", *SHORT)
    assert seen.code == 0, seen
    assert seen.err.startswith("own light on ")


def test_a_disk_that_fills_up(refused, picture, monkeypatch):
    def fail(self, file, **options):
        file.write(b"half a picture")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    monkeypatch.setattr(Progress, "step", lambda *_: None)  # its title would be a second line
    assert "No space left" in refused(1, "dream", picture, "-o", "out.png", *SHORT)
