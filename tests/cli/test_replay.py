"""A picture says how it was made, and `pydream replay` makes it again and says whether it is the same."""

import json
import os
import re
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support.interrupting import interrupt_at

import pydream
from pydream.errors import ProvenanceError
from pydream.files import file_sha256
from pydream.media.image import read_image, read_note, write_image
from pydream.record.provenance import parse, pixels_sha256, versions
from pydream.record.recipe import MOST_TERMS
from pydream.zoo.registry import find_network, find_weights

LOOP = {"frame": 1, "scale": 0.05, "rotate": 0.0, "shift": [0.0, 0.0]}
SHORT = ["--octaves", "2", "--iterations", "2", "--seed", "3"]


@pytest.fixture
def exact(run, picture):
    assert run("dream", picture.name, "-o", "out.png", "--dtype", "float64", *SHORT).code == 0
    return Path("out.png")


def rewrite(path, change):
    """Change what a picture says of itself, and nothing else."""
    said = json.loads(read_note(path))
    change(said)
    write_image(path, read_image(path), json.dumps(said))


# ---- what a picture says ----


def test_what_a_picture_says(run, picture, folder):
    shutil.copy(picture, "guide.png")
    command = (
        "pydream dream in.png -o dream.png --layer fire4/concat --guide guide.png --octaves 2 --iterations 1"
        " --no-clip --era 2015 --seed 7"
    )
    arguments = command.split()[1:]
    assert run(*arguments, "--sidecar", "-q").code == 0
    said = json.loads(read_note("dream.png"))
    entry = find_network("squeezenet_v1.1")
    assert said == {
        "pydream": pydream.__version__,
        "command": command,
        "dream": {
            "end": "fire4/concat", "seed": 7, "objective": [], "iter_n": 1, "octave_n": 2, "octave_scale": 1.4,
            "step_size": 1.5, "jitter": 32, "clip": False, "era": "2015", "grid": None, "backend": "native",
            "tile": 0, "smooth": 0.0, "laplacian": 0, "tv": 0.0, "pull_back": 0.0, "keep_colors": False,
            "size": None, "blend": 0.0, "stretch": 0.0, "noise": None, "loop": None, "rendering": None, "steps": None,
        },
        "rng": "numpy.random.RandomState (MT19937)",
        "network": {
            "name": "squeezenet_v1.1",
            "weights": entry.weights,
            "weights_sha256": entry.sha256,
            "definition_sha256": file_sha256(entry.folder / "deploy.prototxt"),
            "dtype": "float32", "runtime": "tensorflow", "device": "CPU:0",
        },
        "input": {"name": "in.png", "width": 96, "height": 72, "sha256": pixels_sha256(read_image(picture))},
        "guide": {"name": "guide.png", "width": 96, "height": 72, "sha256": pixels_sha256(read_image(picture))},
            "mask": None,
        "result": {"name": "result", "width": 96, "height": 72, "sha256": pixels_sha256(read_image("dream.png"))},
        "versions": versions(),
    }  # fmt: skip
    assert find_weights(entry).name == entry.weights
    assert {"python", "machine", "numpy", "scipy", "pillow", "tensorflow"} == set(said["versions"])
    assert json.loads(Path("dream.png.json").read_text()) == said


@pytest.mark.parametrize("name", ["out.jpg", "out.webp", "out.tif", "out.png"])
def test_every_format_says_it(run, picture, name):
    assert run("dream", picture, "-o", name, *SHORT).code == 0
    assert parse(read_note(name)).recipe.seed == 3
    assert not Path(f"{name}.json").exists()


def test_the_same_dream_is_the_same_file_wherever_it_is_put(run, picture):
    assert run("dream", picture, "-o", "1.png", *SHORT).code == 0
    assert run("dream", picture, "-o", "out/", *SHORT, "-q").code == 0
    assert Path("1.png").read_bytes() == Path("out/in.png").read_bytes()


def test_the_command_makes_the_picture_again(run, exact):
    command = json.loads(read_note(exact))["command"].split()
    assert run(*command[1:]).code == 0
    assert Path("dream.png").read_bytes() == exact.read_bytes()


# ---- replay ----


def test_identical_bytes(run, exact):
    seen = run("replay", exact, "-o", "again.png", "-q")
    assert (seen.code, seen.out, seen.err) == (0, "identical: every byte of 96x72 pixels, float64\n", "")
    assert Path("again.png").read_bytes() == exact.read_bytes()


@pytest.mark.parametrize("name", ["out.jpg", "out.webp", "out.tif"])
def test_other_formats(run, picture, name):
    assert run("dream", picture, "-o", name, *SHORT).code == 0
    seen = run("replay", name)
    assert seen.code == 0
    assert seen.out.startswith("identical: every byte ")
    assert ("encoded" in seen.out) == (name != "out.tif")


def test_guide_noise_and_what_else_moves_pixels(run, picture, folder):
    (folder / "pictures").mkdir()
    shutil.move(picture, folder / "pictures" / "guide.png")
    options = "--guide pictures/guide.png -l fire4/concat --octave-scale 2 --era 2015 --no-clip -s 2.5 -j 3"
    assert run("dream", "noise:80x60", "-o", "out.png", *options.split(), *SHORT).code == 0
    assert "name it with --guide" in run("replay", "out.png").err
    assert run("replay", "out.png", "--guide", "pictures/guide.png").out.startswith("identical")
    shutil.copy("out.png", "pictures")
    assert run("replay", "pictures/out.png").out.startswith("identical")  # found beside it


def test_numpy_runtime_and_backend(run, folder, draw):
    draw(folder / "in.png", 40, 40)
    assert run("dream", "in.png", "-o", "out.png", "--runtime", "numpy", "--backend", "numpy", *SHORT[2:],
               "--octaves", "1", "-l", "conv1").code == 0  # fmt: skip
    assert parse(read_note("out.png")).network.runtime == "numpy"
    assert run("replay", "out.png").out.startswith("identical")


def test_an_interrupted_dream(run, picture, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3)
        assert run("dream", picture, "-o", "out.png", *SHORT).code == 130
    assert parse(read_note("out.png")).recipe.steps == 3
    assert run("replay", "out.png", "-i", picture).out.startswith("identical")


def test_ones_own_network(run, picture, own_network):
    assert run("dream", picture, "-o", "out.png", *own_network, "-l", "light", *SHORT).code == 0
    assert "name its files with --model and --weights" in run("replay", "out.png").err
    assert run("replay", "out.png", *own_network).out.startswith("identical")


def test_a_sidecar_alone(run, picture):
    assert run("dream", picture, "-o", "out.png", "--sidecar", *SHORT).code == 0
    write_image("out.png", read_image("out.png"))  # as programs do that drop what they do not know
    assert run("replay", "out.png").code == 0
    os.remove("out.png")
    assert run("replay", "out.png.json").out.startswith("identical: every byte")


# ---- different ----


def test_another_input(run, exact, folder, draw):
    draw(folder / "other.png", 72, 96)
    write_image("other.png", read_image("other.png")[::-1])
    seen = run("replay", exact, "--input", "other.png")
    assert seen.code == 1
    first, *reasons = seen.out.splitlines()
    assert first.startswith("different: ")
    assert first.endswith(" on average")
    (reason,) = reasons
    assert re.fullmatch(
        r"  input was in.png \(96x72, sha256 \w{12}…\), now other.png \(96x72, sha256 \w{12}…\)", reason
    )
    write_image("other.png", read_image("other.png")[:60])
    assert run("replay", exact, "--input", "other.png").out.startswith("different: 96x60 pixels, was 96x72\n")


def test_an_edited_picture(run, exact):
    note, pixels = read_note(exact), read_image(exact)
    pixels[5, 5, 0] ^= 1
    write_image(exact, pixels, note)
    seen = run("replay", exact)
    assert seen.code == 1
    assert seen.out.splitlines() == [
        "identical: every byte of 96x72 pixels, float64",
        "  the file itself is not as it was made: its pixels were changed since",
    ]


def test_what_else_is_not_as_it_was(run, picture):
    assert run("dream", picture, "-o", "out.png", *SHORT).code == 0

    def change(said):
        said["dream"]["seed"] += 1
        said["versions"]["numpy"] = "1.9"
        said["network"]["weights_sha256"] = said["network"]["definition_sha256"] = 64 * "0"
        said["network"]["device"] = "GPU:0"
        said["pydream"] = "0.0.1"

    rewrite("out.png", change)
    seen = run("replay", "out.png")
    assert seen.code == 1
    first, *reasons = seen.out.splitlines()
    definition = file_sha256(find_network("squeezenet_v1.1").folder / "deploy.prototxt")
    assert "values differ, by" in first
    assert reasons == [
        f"  weights was squeezenet_v1.1.caffemodel (sha256 {12 * '0'}…), now squeezenet_v1.1.caffemodel (sha256"
        f" {find_network('squeezenet_v1.1').sha256[:12]}…)",
        f"  definition was sha256 {12 * '0'}…, now sha256 {definition[:12]}…",
        "  device was GPU:0, now CPU:0",
        f"  pydream was 0.0.1, now {pydream.__version__}",
        f"  numpy was 1.9, now {np.__version__}",
        "  float32: such dreams depend on the processor and the number of threads; float64 ones do not",
    ]


# ---- what cannot be replayed, and strangers' pictures ----


def test_a_picture_that_says_nothing(refused, picture):
    assert "'in.png' does not say how it was made" in refused(1, "replay", picture.name)


def test_a_picture_that_says_something_else(refused, picture):
    write_image("camera.jpg", read_image(picture), "Lake Zurich in June")
    assert "'camera.jpg' does not say how it was made" in refused(1, "replay", "camera.jpg")


def test_the_input_is_gone(refused, exact, picture):
    picture.rename("moved.png")
    assert "no 'in.png' with the same pixels (96x72)" in refused(1, "replay", exact)
    write_image("in.png", np.zeros((72, 96, 3)))  # of the same name and size
    assert "name it with --input" in refused(1, "replay", exact)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda said: said.clear(), "required field"),
        (lambda said: said["dream"].update(seed="7"), "Expected `int`"),
        (lambda said: said["dream"].update(iter_n=0), "iter_n: 0, expected at least 1"),
        (lambda said: said["dream"].update(iter_n=10**30), "expected at least 1, at most 10000000"),
        (lambda said: said["dream"].update(step_size=0.0), "step_size: 0.0, expected"),
        (lambda said: said["dream"].update(octave_scale=0.5), "octave_scale: 0.5, expected"),
        (lambda said: said["dream"].update(octave_n=10**6), "octave_n: 1000000, expected"),
        (lambda said: said["dream"].update(backend="../x"), "../x"),
        (lambda said: said["dream"].update(era="1015"), "era: '1015', expected"),
        (lambda said: said["network"].update(dtype="float128"), "network.dtype"),
        (lambda said: said["network"].update(dtype="thing"), "network.dtype"),
        (lambda said: said["network"].update(runtime="os"), "'os'"),
        (lambda said: said["network"].update(name="/etc/passwd"), "'/etc/passwd', which is none of"),
        (lambda said: said["input"].update(name="/etc/passwd"), "no 'passwd' with the same pixels"),
        (lambda said: said["input"].update(name="-"), "standard input"),
        (lambda said: said["input"].update(name="noise"), "not of what size"),
        (lambda said: said.update(input={"name": "noise", "width": 1, "height": 1}, dream={**said["dream"], "noise":
            [10**6, 10**6]}), "1000000x1000000 pixels of noise: too many"),
        (lambda said: said["result"].update(sha256="; rm -rf"), "result.sha256"),
        (lambda said: said.update(command="x" * 100_000), "more than a record can hold"),
    ],
)  # fmt: skip
def test_what_strangers_write(run, exact, folder, change, why):
    """One line and exit code 1 or 2; nothing is opened, run or written."""
    said = json.loads(read_note(exact))
    change(said)
    write_image("stranger.png", read_image(exact))
    Path("stranger.png.json").write_text(json.dumps(said))
    before = sorted(os.listdir(folder))
    seen = run("replay", "stranger.png", "-q")
    assert seen.code in (1, 2), seen
    assert seen.err.startswith("pydream: error: ")
    assert seen.err.count("\n") == 1
    assert why in seen.err
    assert seen.out == ""
    assert sorted(os.listdir(folder)) == before


NO_DREAM = [
    ({"steps": 10**10}, "dream.steps"),
    ({"octave_n": 10**9}, "octave_n: 1000000000, expected at least 1, at most 1000"),
    ({"jitter": 10**6}, "jitter: 1000000, expected"),
    ({"tile": 10**10}, "tile: 10000000000, expected"),
    ({"smooth": 1e6}, "sigma: 1000000.0, expected"),
    ({"laplacian": 10**9}, "levels: 1000000000, expected"),
    ({"decorrelate": 9.0}, "power: 9.0, expected"),
    ({"robust_scale": 9.0}, "scale: 9.0, expected"),
    ({"tv": -1.0}, "weight: -1.0, expected"),
    ({"pull_back": 1e9}, "weight: 1000000000.0, expected"),
    ({"grid": 3.0}, "grid: 3.0, expected"),
    ({"loop": {**LOOP, "frame": 10**9}}, "dream.loop.frame"),
    ({"loop": {**LOOP, "scale": 2.0}}, "scale: 2.0, expected"),
    ({"rendering": {"renderer": "lapnorm", "lap_n": 10**9}}, "lap_n: 1000000000"),
    ({"rendering": {"renderer": "decorrelated", "power": -1.0}}, "power: -1.0, expected a number from 0 to 4"),
    ({"objective": [{"layer": "data"}] * (MOST_TERMS + 1)}, f"length <= {MOST_TERMS}"),
]


def test_what_no_dream_can_be(exact):
    """It is refused where it is read, before anything is made of it."""
    for change, why in NO_DREAM:
        said = json.loads(read_note(exact))
        said["dream"] |= change
        with pytest.raises(ProvenanceError, match=why):
            parse(json.dumps(said))


@pytest.mark.parametrize(
    ("change", "years"),
    [
        ({"iter_n": 10**7, "octave_n": 1000, "octave_scale": 1.0}, "2 years"),
        ({"iter_n": 1000, "loop": {**LOOP, "frame": 10**6}}, "121 days"),
    ],
)
def test_what_takes_years(run, exact, refused, monkeypatch, change, years):
    """It is said before the network is loaded, and waits for a yes."""
    rewrite(exact, lambda said: said["dream"].update(change))
    assert f"which takes some {years}: --yes replays it" in refused(2, "replay", exact)
    monkeypatch.setattr("pydream.cli.commands.replay.load", list)  # takes no six arguments
    assert "list expected at most 1 argument" in run("replay", exact, "--yes").err


@pytest.mark.parametrize("text", ["[" * 50_000, "{", "null", "1e999", '"\\ud800"', "\x00"])
def test_no_json(refused, exact, folder, text):
    write_image("stranger.png", read_image(exact))
    Path("stranger.png.json").write_text(text)
    assert "what 'stranger.png' says of itself cannot be used" in refused(1, "replay", "stranger.png")


def test_a_terminal_is_not_obeyed(run, exact):
    rewrite(exact, lambda said: said.update(command="\x1b[2J\nclear", versions={"\x1b[2J": "1\n2"}))
    rewrite(exact, lambda said: said["dream"].update(seed=4))
    seen = run("replay", exact)
    assert "\x1b" not in seen.out + seen.err
    assert r"  \x1b[2J was 1\n2, now none" in seen.out.splitlines()


def test_ctrl_c(run, exact, monkeypatch):
    interrupt_at(monkeypatch, 1)
    seen = run("replay", exact, "-o", "again.png")
    assert (seen.code, seen.out) == (130, "")
    assert not Path("again.png").exists()


def test_text_of_any_language(run, picture, folder):
    picture.rename("Wölken ☁ 🌩.png")
    assert run("dream", "Wölken ☁ 🌩.png", "-o", "out.jpg", *SHORT).code == 0
    assert read_note("out.jpg").isascii()
    assert parse(read_note("out.jpg")).input.name == "Wölken ☁ 🌩.png"
    assert run("replay", "out.jpg").code == 0


def test_the_record_round_trips(exact):
    made = parse(read_note(exact))
    assert parse(made.to_json()) == made
    assert parse(msgspec.structs.replace(made, command="☃ " * 10).to_json()).command == "☃ " * 10
