"""`dream_picture` is `pydream dream` as a function: the same words, the same pixels, the same record."""

import base64
import inspect
import json
import os
import pickle
import signal
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import click
import numpy as np
import pytest
from PIL import Image
from support.profiles import DISPLAY_P3, rgb_profile

import pydream
from pydream.cli import main
from pydream.cli.commands.dream import command
from pydream.easy import live
from pydream.easy.snippet import snippet_of
from pydream.errors import (
    DreamInterruptedWarning,
    ForeignFileError,
    OverwriteError,
    ParameterError,
    UnknownNameError,
)
from pydream.media import read_image, read_note, write_image
from pydream.zoo.load import NetFiles

SHORT = {"layer": "fire2/concat", "octaves": 2, "iterations": 2, "runtime": "numpy", "progress": False}
WORDS = ["--layer", "fire2/concat", "--octaves", "2", "--iterations", "2", "--runtime", "numpy"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image("in.png", np.random.RandomState(1).randint(0, 256, (60, 72, 3)).astype(np.uint8))
    return tmp_path


@pytest.fixture
def run(capfd):
    def run(*args):
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(arg) for arg in args], prog_name="pydream")
        return ended.value.code, capfd.readouterr().out

    return run


@pytest.fixture
def dream(folder):
    return pydream.dream_picture("in.png", seed=3, **SHORT)


# ---- one vocabulary ----

# Of the command line alone: where pictures go, who works, what is printed; and --exact has another name for the same.
OF_COMMANDS = {
    *(
        "input",
        "output",
        "format",
        "force",
        "sidecar",
        "no_sync",
        "quiet",
        "recursive",
        "series",
        "across",
        "between",
        "diverse",
    ),
    *("workers", "worker", "threads", "scheduler"),
    "dtype",
}


def test_the_command_lines_words():
    """Every option is an argument of its name."""
    options = {
        max(param.opts, key=len).lstrip("-").replace("-", "_")
        for param in command.params
        if isinstance(param, click.Option)
    }
    known = {name.rstrip("_") for name in inspect.signature(pydream.dream_picture).parameters}
    assert options - OF_COMMANDS <= known
    assert known - options == {"picture", "progress"}


def test_what_is_not_the_picture_is_keyword_only():
    first, *others = inspect.signature(pydream.dream_picture).parameters.values()
    assert first.name == "picture"
    assert {each.kind for each in others} == {inspect.Parameter.KEYWORD_ONLY}


def test_the_same_as_the_command(dream, run):
    """Pixels and record."""
    assert run("dream", "in.png", "-o", "cli.png", *WORDS, "--seed", 3)[0] == 0
    dream.save("easy.png")
    np.testing.assert_array_equal(dream.pixels, read_image("cli.png"))
    assert read_note("easy.png") == read_note("cli.png")
    assert dream.command == json.loads(read_note("cli.png"))["command"]


def test_a_direction(folder, run):
    np.save("direction.npy", np.arange(128))
    made = pydream.dream_picture("in.png", direction=np.arange(128), direction_power=2, seed=3, **SHORT)
    words = ["--direction", "direction.npy", "--direction-power", 2]
    assert run("dream", "in.png", "-o", "cli.png", *WORDS, *words, "--seed", 3)[0] == 0
    made.save("easy.png")
    assert read_note("easy.png") == read_note("cli.png")
    snippet = snippet_of("in.png", "dream.png", made._prepared, made.recipe)
    assert "    direction='direction.npy',\n    direction_power=2.0,\n" in snippet
    exec(snippet)
    assert read_note("dream.png") == read_note("cli.png")


EVERYTHING = {
    "layer": ["fire2/concat:3-7=0.5", "conv1"],
    "objective": "mean",
    "class_": "tabby",
    "octaves": "auto",
    "octave_scale": 1.3,
    "iterations": 1,
    "step_size": -2,
    "jitter": 5,
    "era": "2015",
    "keep_colors": True,
    "tv": 0.1,
    "pull_back": 0.02,
    "smooth": 0.5,
    "laplacian": 2,
    "decorrelate": 0.5,
    "decorrelate_color": True,
    "color_correlations": (0.8, 0.5, 0.9),
    "robust": True,
    "robust_scale": 0.05,
    "seed": 9,
    "also": "squeezenet_v1.1:fire2/concat:3=0.5",
    "exact": True,
    "runtime": "numpy",
    "backend": "numpy",
    "mean": (100, 110, 120),
    "channel_order": "RGB",
    "tile": 0,
    "size": "64x50",
    "blend": 0.25,
}


def test_every_word_is_recorded(folder, run):
    """The recorded command makes the same."""
    dream = pydream.dream_picture("in.png", mask="in.png", progress=False, **EVERYTHING)
    program, *words = dream.command.split()
    assert program == "pydream"
    assert {word for word in words if word.startswith("--")} == {
        *(
            "--layer",
            "--objective",
            "--class",
            "--octaves",
            "--octave-scale",
            "--iterations",
            "--step-size",
            "--jitter",
        ),
        *("--era", "--keep-colors", "--tv", "--pull-back", "--smooth", "--laplacian", "--decorrelate"),
        *(
            "--decorrelate-color",
            "--color-correlations",
            "--seed",
            "--exact",
            "--runtime",
            "--backend",
            "--mean",
            "--channel-order",
            "--mask",
            "--size",
            "--blend",
        ),
        *("--robust-scale", "--robust-rotate", "--also"),
    }
    assert run(*words)[0] == 0
    np.testing.assert_array_equal(dream.pixels, read_image("dream.png"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "--octaves 2 --iterations 20 --smooth 0.5 --laplacian 3"),
        ({"tv": 0.1, "iterations": 3}, "--octaves 2 --iterations 3 --tv 0.1"),
        ({"decorrelate": 1}, "--octaves 2 --iterations 20 --decorrelate 1.0"),
        ({"smooth": 0.2}, "--octaves 2 --iterations 20 --smooth 0.2"),
        (
            {"preset": "carved", "layer": (), "octaves": 4},
            "--iterations 20 --step-size 1.0 --smooth 0.5 --laplacian 3 --keep-colors",
        ),
    ],
)
def test_a_class_takes_its_smoothing(folder, monkeypatch, given, words):
    """As `--class` does."""
    monkeypatch.setattr("pydream.easy.preparation.follow", lambda recipe, net, picture, *_, **__: picture)
    dream = pydream.dream_picture("in.png", class_=281, seed=3, runtime="numpy", **given)
    assert (
        dream.command
        == f"pydream dream in.png -o dream.png --layer pool10:281 --objective sum {words} --runtime numpy --seed 3"
    )


def test_preset(folder):
    """Its parameters, those that were given in their place, octaves by the size, and strength."""
    write_image("wide.png", np.zeros((440, 450, 3), np.uint8))
    seen = {}

    class Noted(Exception):
        pass

    def note(self, sizes, iter_n, shown):
        seen.update(sizes=sizes, iter_n=iter_n)
        raise Noted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live.Live, "__init__", note)
        with pytest.raises(Noted):
            pydream.dream_picture("wide.png", preset="eyes", iterations=10, strength=2.5, runtime="numpy")
    assert seen["iter_n"] == 25
    assert len(seen["sizes"]) == 4
    with pytest.raises(UnknownNameError, match=r"no preset 'dog'; close: 'dogs'"):
        pydream.dream_picture("in.png", preset="dog")


def test_preset_of_another_network(folder, monkeypatch, capfd):
    """Its network is taken with its layers; one that is given instead is noted."""
    asked = []

    def load(model, *_):
        asked.append(model)
        raise InterruptedError

    monkeypatch.setattr("pydream.easy.preparation._kept", load)
    monkeypatch.setattr("pydream.easy.preparation.find_files", lambda *_: NetFiles(None, None, Path("in.png"), None))
    monkeypatch.setattr("pydream.easy.preparation.read_outline", lambda *_: None)
    for model in (None, "squeezenet_v1.1"):
        with pytest.raises(InterruptedError):
            pydream.dream_picture("in.png", preset="towers", model=model)
    assert asked == ["bvlc_googlenet", "squeezenet_v1.1"]
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    pydream.dream_picture("in.png", preset="towers", model="squeezenet_v1.1", **SHORT | {"progress": True})
    said = capfd.readouterr().err
    assert said == "towers is known by bvlc_googlenet, and this is squeezenet_v1.1: it will look otherwise\n"


def test_the_era_of_2015_ignores_colour_profiles(folder):
    colours = read_image("in.png")
    Image.fromarray(colours).save("p3.png", icc_profile=rgb_profile(DISPLAY_P3))
    for era, same in (("2015", True), (None, False)):
        dream = pydream.dream_picture("p3.png", era=era, guide="p3.png", **SHORT | {"octaves": 1, "iterations": 1})
        assert np.array_equal(np.asarray(dream.input), colours) is same


def test_sizes(folder, run):
    """As the options, and the resolution in print is kept."""
    Image.fromarray(read_image("in.png")).save("in.tif", dpi=(300, 300))
    dream = pydream.dream_picture("in.tif", long_side=144, seed=3, **SHORT | {"iterations": 1})
    assert dream.pixels.shape == (120, 144, 3)
    dream.save("easy.png")
    assert round(Image.open("easy.png").info["dpi"][0]) == 300
    words = ["--layer", "fire2/concat", "--octaves", 2, "-n", 1, "--runtime", "numpy", "--seed", 3]
    assert run("dream", "in.tif", "-o", "cli.png", "--long-side", 144, *words)[0] == 0
    np.testing.assert_array_equal(read_image("cli.png"), dream.pixels)
    assert read_note("easy.png") == read_note("cli.png")
    assert run("replay", "easy.png", "-q")[0] == 0


def test_seed(folder, dream):
    first, second = (pydream.dream_picture("in.png", **SHORT | {"iterations": 1}) for _ in range(2))
    assert first.seed != second.seed
    again = pydream.dream_picture("in.png", seed=first.seed, **SHORT | {"iterations": 1})
    np.testing.assert_array_equal(again.pixels, first.pixels)
    assert dream.seed == dream.recipe.seed == 3


def test_guide(folder, run, dream):
    """In each form the same dream; its name is in the record where there is one."""
    write_image("guide.png", np.random.RandomState(2).randint(0, 256, (64, 64, 3)).astype(np.uint8))
    short = {**SHORT, "octaves": 1, "iterations": 1, "seed": 3}
    by_file = pydream.dream_picture("in.png", guide="guide.png", **short)
    by_array = pydream.dream_picture(read_image("in.png"), guide=read_image("guide.png"), **short)
    np.testing.assert_array_equal(by_array.pixels, by_file.pixels)
    assert "--guide guide.png" in by_file.command
    assert "picture.png" in by_array.command
    by_file.save("out.png")
    assert run("replay", "out.png", "-q")[0] == 0
    with pytest.raises(ParameterError, match=r"^guide: "):
        pydream.dream_picture("in.png", guide="guide.png", class_="tabby", **SHORT)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"layer": "fire2/conca"}, UnknownNameError, "no blob 'fire2/conca'; close: 'fire2/concat'"),
        ({"class_": "tabbi", "layer": None}, UnknownNameError, "no class 'tabbi'; close: 281 'tabby'"),
        ({"model": "squeezenet"}, UnknownNameError, "squeezenet_v1.1"),
        ({"layer": "fire2/concat=x"}, ParameterError, "^layer: 'x' in 'fire2/concat=x' is not a weight"),
        ({"mask": "in.png", "clip": False}, ParameterError, "^mask: "),
        ({"octaves": 0}, ValueError, "octave_n"),
        ({"octaves": "x", "long_side": 64}, ValueError, "octave_n"),
        ({"octaves": "auto", "octave_scale": 0.5}, ValueError, "octave_scale"),
        ({"iterations": 0, "strength": 2}, ValueError, "iter_n"),
        ({"long_side": 0}, ValueError, "long_side"),
        ({"strength": "x"}, ValueError, "strength"),
        ({"strength": 0}, ValueError, "strength"),
        ({"strength": float("nan")}, ValueError, "strength"),
        ({"size": "64"}, ParameterError, "^size: '64' is not a size"),
        ({"size": "64x64", "long_side": 64}, ParameterError, "^long_side: "),
        ({"blend": 2}, ValueError, "blend"),
        ({"seed": 2**32}, ValueError, "seed"),
        ({"seed": -1}, ValueError, "seed"),
        ({"stretch": 99}, ParameterError, "stretch: 99"),
        ({"clip": 3}, ParameterError, "clip: 3"),
        ({"keep_colors": "x"}, ParameterError, "keep_colors: 'x'"),
        ({"octaves": "autos"}, ParameterError, "octave_n: 'autos'"),
        ({"blend": "x"}, ParameterError, "blend: 'x'"),
        ({"tile": "x"}, ParameterError, "tile: 'x'"),
        ({"long_side": float("nan")}, ValueError, "long_side"),
    ],
)
def test_wrong_arguments(folder, given, error, message):
    with pytest.raises(error, match=message):
        pydream.dream_picture("in.png", **{**SHORT, **given})


def test_an_error_goes_to_another_process():
    error = pickle.loads(pickle.dumps(ParameterError("layer", "why")))
    assert (str(error), error.parameter, error.problem) == ("layer: why", "layer", "why")


def test_noise_is_that_of_the_command(run, folder):
    made = pydream.dream_picture("noise:72x60", seed=3, **SHORT)
    assert run("dream", "noise:72x60", "-o", "noise.png", "--seed", "3", *WORDS, "-q")[0] == 0
    assert np.array_equal(made, read_image("noise.png"))
    made.save("again.png")
    assert json.loads(read_note("again.png"))["input"] == json.loads(read_note("noise.png"))["input"]
    assert run("replay", "again.png", "-q")[0] == 0
    assert made.command.startswith("pydream dream noise:72x60 -o dream.png ")
    drawn = np.asarray(made.input)
    assert drawn.shape == (60, 72, 3)
    assert drawn.min() == drawn.max() == 100
    assert repr(made).startswith("<Dream on noise, 72×60: ")
    for size in ("x", "0x5"):
        with pytest.raises(ParameterError, match="is not a size"):
            pydream.dream_picture(f"noise:{size}", **SHORT)
    with pytest.raises(ParameterError, match="noise has its size in its name"):
        pydream.dream_picture("noise", long_side=64, **SHORT)


# ---- what it returns ----


def test_saved_and_replayed(dream, run):
    for name in ("out.png", "out.jpg", "out.webp", "out.tif"):
        dream.save(name)
        assert json.loads(read_note(name))["command"] == dream.command.replace("dream.png", f"dream{name[3:]}")
        code, said = run("replay", name, "-q")
        assert (code, said.split(":")[0]) == (0, "identical")
    dream.save("out.png")  # it is this very dream
    other = pydream.dream_picture("in.png", seed=4, **SHORT)
    with pytest.raises(ForeignFileError, match=r"another dream: seed was 3, now 4; force=True replaces it"):
        other.save("out.png")
    other.save("out.png", force=True)
    assert json.loads(read_note("out.png"))["dream"]["seed"] == 4


def test_numpys_numbers_are_numbers(folder, run):
    """As of linspace and arange: they are in the record too."""
    whole = {"octaves": np.int32(1), "iterations": np.int64(1), "jitter": np.uint8(3), "laplacian": np.int64(1)}
    real = {
        "step_size": np.float32(1.1),
        "octave_scale": np.float64(1.5),
        "stretch": np.float32(1),
        "tv": np.float64(0.1),
    }
    more = {"keep_colors": np.bool_(True), "blend": np.float64(0.2), "tile": np.int64(0), "class_": np.int64(281)}
    dream = pydream.dream_picture("in.png", **SHORT | whole | real | more | {"long_side": np.int64(64)})
    dream.save("out.png")
    assert "281" in dream.command
    assert run("replay", "out.png", "-q")[0] == 0


def test_nothing_else_is_overwritten(dream, folder):
    before = {name: (folder / name).read_bytes() for name in ("in.png",)}
    with pytest.raises(OverwriteError, match=r"in\.png' is the picture that this is a dream of"):
        dream.save(folder / "in.png", force=True)
    Image.new("RGB", (2, 2)).save("photo.png")
    before["photo.png"] = (folder / "photo.png").read_bytes()
    with pytest.raises(ForeignFileError, match=r"'photo\.png' does not say that it was made here; force=True"):
        dream.save("photo.png")
    assert before == {name: (folder / name).read_bytes() for name in before}
    dream.save("photo.png", force=True)
    np.testing.assert_array_equal(read_image("photo.png"), dream.pixels)


def test_a_picture_without_a_file_may_be_saved_under_any_name(folder):
    """The record calls it picture.png, which is a name and no file that was read."""
    dream = pydream.dream_picture(read_image("in.png"), seed=3, **SHORT)
    for _ in range(2):
        dream.save("picture.png")
    pydream.dream_picture(dream.pixels, seed=3, **SHORT).save("picture.png", force=True)


@pytest.mark.parametrize("given", [str, Path, Image.open])
def test_what_was_read_is_known_from_another_folder(folder, monkeypatch, given):
    dream = pydream.dream_picture(given("in.png"), seed=3, **SHORT)
    (folder / "other").mkdir()
    monkeypatch.chdir(folder / "other")
    with pytest.raises(OverwriteError, match=r"in\.png' is the picture that this is a dream of"):
        dream.save("../in.png", force=True)


def test_pixels(dream):
    assert dream.pixels.dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        dream.pixels[0] = 0
    np.testing.assert_array_equal(np.asarray(dream), dream.pixels)
    assert np.asarray(dream, np.float32).dtype == np.float32
    np.testing.assert_array_equal(np.asarray(dream.image), dream.pixels)
    np.testing.assert_array_equal(np.asarray(dream.input), read_image("in.png"))
    np.testing.assert_array_equal(np.array(dream), dream.pixels)
    np.array(dream)[0] = 0  # a copy


def test_shows_itself(dream):
    assert repr(dream) == "<Dream on in.png, 72×60: squeezenet_v1.1 fire2/concat, 4 steps in 2 octaves, seed 3>"
    html = dream._repr_html_()
    assert "data:image/jpeg;base64," in html
    assert "in.png, 72×60: squeezenet_v1.1 fire2/concat" in html
    assert dream.command in html
    jpeg = base64.b64decode(html.partition("base64,")[2].partition('"')[0])
    shown, whole = (np.float32(each.convert("L")) for each in (Image.open(BytesIO(jpeg)), dream.image))
    assert np.abs(shown - whole).mean() < 4
    np.testing.assert_array_equal(Image.open(BytesIO(dream._repr_png_())), dream.pixels)


def test_shown_small_and_escaped(folder):
    """A notebook keeps what it shows."""
    name = "<b>a&b.png"
    write_image(name, np.random.RandomState(0).randint(0, 256, (600, 1200, 3)).astype(np.uint8))
    start = pydream.easy.inputs.Input.of(name, "picture")
    prepared = pydream.easy.preparation.prepare(model="squeezenet_v1.1", layer="conv1", seed=0, runtime="numpy")
    dream = pydream.Dream(start.pixels, prepared.recipe, start, prepared)
    png = dream._repr_png_()
    assert len(png) <= 1_000_000  # of noise, which is the worst, 1.5 MB
    width, height = Image.open(BytesIO(png)).size
    assert 600 < width < 1024
    assert abs(width - 2 * height) <= 1
    html = dream._repr_html_()
    assert len(html) < 1_000_000
    assert "<b>" not in html
    assert "&lt;b&gt;a&amp;b.png, 1200×600" in html


# ---- interrupted ----


def interrupting(monkeypatch, after, times=1):
    """Send SIGINT in the middle of a step: the last but one thing before it is counted."""
    counted = live.Live.step
    steps = []

    def step(self, *args):
        steps.append(args[:2])
        if len(steps) == after:
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)
        counted(self, *args)

    monkeypatch.setattr(live.Live, "step", step)


@pytest.fixture
def ctrl_c():
    """Whoever starts the tests in the background has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler  # as it was
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_returns_the_dream_so_far(folder, monkeypatch, ctrl_c, run):
    with monkeypatch.context() as patch:
        interrupting(patch, after=3)
        with pytest.warns(DreamInterruptedWarning, match="^interrupted after 3 of 4 steps: it is the dream so far$"):
            dream = pydream.dream_picture("in.png", seed=3, **SHORT)
    assert dream.pixels.shape == (60, 72, 3)
    assert dream.recipe.steps == 3
    assert "interrupted after 3 of 4 steps" in repr(dream)
    dream.save("out.png")
    code, said = run("replay", "out.png", "-q")
    assert (code, said.split(":")[0]) == (0, "identical")


def test_two_interrupts_end_it_at_once(folder, monkeypatch, ctrl_c):
    interrupting(monkeypatch, after=2, times=2)
    with pytest.raises(pydream.DreamInterrupted):
        pydream.dream_picture("in.png", seed=3, **SHORT)


def test_an_interrupt_before_the_first_step(folder, monkeypatch, ctrl_c):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pydream.dream.notebook._make_step", interrupted)
    with pytest.raises(pydream.DreamInterrupted, match="after 0 steps"):
        pydream.dream_picture("in.png", seed=3, **SHORT)


def test_tiles_let_an_interrupt_in(ctrl_c):
    """The step that it comes in is lost: the bar does not count it."""
    with live.Live([(8, 8)], 2, shown=False) as watch:
        watch.step(0, 0, None)
        watch.tile(1, 4)
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            watch.tile(2, 4)


def test_networks_stay_loaded(dream, monkeypatch):
    monkeypatch.setattr("pydream.easy.preparation.load_net", None)
    pydream.dream_picture("in.png", seed=3, **SHORT | {"octaves": 1, "iterations": 1})


# ---- live ----


class Shell:
    """IPython's, as far as it is asked."""

    kernel = object()
    execution_count = 7


@pytest.fixture
def notebook(monkeypatch):
    """What the cell of a running notebook shows, in order."""
    shown = []

    class Handle:
        def update(self, what):
            shown.append(what)

    def display(what, display_id):
        assert display_id is True
        shown.append(what)
        return Handle()

    IPython = pytest.importorskip("IPython")
    monkeypatch.setattr(IPython, "get_ipython", Shell)
    monkeypatch.setattr(pytest.importorskip("IPython.display"), "display", display)
    monkeypatch.setattr(live, "_EVERY", 0)
    monkeypatch.setattr(live, "_bar", eager(live._bar))
    return shown


def eager(make):
    """Make bars that show every step, however fast."""

    def made(*args):
        bar = make(*args)
        bar.mininterval = 0
        return bar

    return made


def test_live_picture(folder, notebook, capfd):
    dream = pydream.dream_picture("in.png", seed=3, **SHORT | {"progress": True})
    sizes = [Image.open(BytesIO(each._repr_jpeg_())).size for each in notebook]
    assert sizes == [(51, 43)] * 2 + [(72, 60)] * 3  # after each step, and the dream itself
    assert "octave 2/2" in capfd.readouterr().err
    dream._repr_html_()  # the same cell shows the dream: once is enough
    assert len(notebook) == 6
    assert not hasattr(notebook[-1], "_repr_jpeg_")


def test_another_cell_leaves_the_live_picture(folder, notebook, monkeypatch):
    dream = pydream.dream_picture("in.png", seed=3, **SHORT | {"progress": True})
    monkeypatch.setattr(Shell, "execution_count", 8)
    dream._repr_html_()
    assert len(notebook) == 5


def test_a_preview(squeezenet32, notebook, monkeypatch):
    """Each step, as large as its octave."""
    monkeypatch.setattr(live, "_SHARE", float("inf"))
    picture = np.full((60, 72, 3), 128.0)
    params = {"end": "fire2/concat", "octave_n": 2, "iter_n": 2}
    made = pydream.deepdream(squeezenet32, picture, watch=pydream.Preview(), **params)
    frames = [Image.open(BytesIO(each._repr_jpeg_())) for each in notebook]
    assert [frame.size for frame in frames] == [(51, 43)] * 2 + [(72, 60)] * 2
    assert np.abs(np.float32(frames[-1]) - made).mean() < 8  # a JPEG


def test_a_preview_takes_a_tenth_of_the_time(squeezenet32, notebook, monkeypatch):
    """What is not shown of an octave's steps is shown at its end."""
    monkeypatch.setattr(live, "_SHARE", 1e-9)
    params = {"end": "fire2/concat", "octave_n": 2, "iter_n": 3}
    pydream.deepdream(squeezenet32, np.full((60, 72, 3), 128.0), watch=pydream.Preview(), **params)
    assert [Image.open(BytesIO(each._repr_jpeg_())).size for each in notebook] == [(51, 43), (51, 43), (72, 60)]


def test_a_preview_is_shown_in_the_cell_that_runs(notebook, monkeypatch):
    """One that a second cell uses too does not go on in the output of the first."""
    begun, handle = [], SimpleNamespace(update=lambda what: None)
    monkeypatch.setattr(live, "_SHARE", float("inf"))
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: begun.append(shell.execution_count) or handle)
    watch = pydream.Preview()
    shell = watch._screen._shell
    for shell.execution_count in (1, 1, 2):
        for iteration in (0, 1):
            watch.step(0, iteration, lambda: np.zeros((4, 4, 3)))
    assert begun == [1, 2]


def test_a_preview_outside_a_notebook(capfd):
    class NoPicture:
        def __call__(self):
            raise AssertionError("a picture was made")

    watch = pydream.Preview()
    watch.step(0, 0, NoPicture())
    watch.octave(0, NoPicture(), NoPicture())
    assert capfd.readouterr() == ("", "")


def test_silent(folder, notebook, capfd):
    pydream.dream_picture("in.png", seed=3, **SHORT)
    assert notebook == []
    assert capfd.readouterr() == ("", "")


def test_outside_a_notebook(folder, capfd):
    """No bar where stderr is no terminal, and nothing of IPython's."""
    program = (
        "import sys, pydream; pydream.dream_picture('in.png', layer='conv1', octaves=1, iterations=1, runtime='numpy');"
        "print(*{'IPython', 'tensorflow', 'click'} & sys.modules.keys())"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("\n", "")
