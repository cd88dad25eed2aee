"""Where TensorFlow is not installed, what does without it works, and the rest says in one line what to install."""

import os
import subprocess
import sys

import pytest
from support.studios import running

import pydream
from pydream.errors import MissingExtraError
from pydream.runtime.on_tensorflow import door

pytestmark = pytest.mark.usefixtures("without_tensorflow")

ADVICE = "TensorFlow is not installed: pip install tensorflow"
LINE = f"pydream: error: {ADVICE}\n"
SHORT = ["-l", "fire2/concat", "--octaves", "1", "-n", "1", "--seed", "1"]


@pytest.fixture
def without_tensorflow(without_tensorflow, tmp_path_factory, monkeypatch):
    """Processes of this one have none either."""
    place = tmp_path_factory.mktemp("absent")
    absent = 'raise ModuleNotFoundError("No module named \'tensorflow\'", name="tensorflow")\n'
    (place / "tensorflow.py").write_text(absent, encoding="utf-8")
    monkeypatch.syspath_prepend(place)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(place), os.environ.get("PYTHONPATH")])))
    return without_tensorflow


@pytest.mark.parametrize("options", [["--exact"], ["--runtime", "native"], ["--runtime", "numpy"]], ids="-".join)
def test_a_dream_and_its_replay(run, picture, options):
    assert run("dream", "in.png", "-o", "out.png", *SHORT, *options).code == 0
    seen = run("replay", "out.png")
    assert (seen.code, "identical: every byte of 96x72 pixels" in seen.err + seen.out) == (0, True)


@pytest.mark.parametrize(
    "words",
    [
        ["models"],
        ["layers"],
        ["presets"],
        ["classify", "in.png", "--runtime", "native"],
        ["visualize", "noise:32x32", "-o", "v.png", "-l", "fire2/concat:3", "-n", "1", "--exact"],
        ["export", "-o", "step.onnx", "-l", "fire2/concat"],
    ],
    ids=lambda words: words[0],
)
def test_other_commands(run, picture, words):
    seen = run(*words)
    assert (seen.code, "TensorFlow is not" in seen.err) == (0, False)


@pytest.mark.parametrize(
    "words",
    [
        ["dream", "in.png", "-o", "out.png"],
        ["dream", "in.png", "-o", "out.png", "--device", "cpu"],
        ["dream", "in.png", "-o", "out.png", "--runtime", "tensorflow", "--exact"],
        ["dream", "in.png", "-o", "out.png", "--exact", "--device", "gpu"],
        ["dream", "in.png", "-o", "out.png", "--runtime", "numpy", "--model", "own.keras"],
        ["layers", "own.keras"],
        ["classify", "in.png"],
        ["visualize", "noise:32x32", "-o", "v.png", "-l", "fire2/concat:3"],
        ["sweep", "in.png", "-o", "s.png", "-l", "fire2/concat"],
        ["zoom", "in.png", "-o", "frames"],
        ["bench"],
    ],
    ids=" ".join,
)
def test_what_needs_it_says_so(refused, picture, folder, words):
    """No other engine is taken silently: its float32 pictures would be others."""
    (folder / "own.keras").write_bytes(b"PK\3\4")
    assert refused(1, *words) == LINE


def test_what_tensorflow_made_is_not_replayed_on_another_engine(run, refused, picture, without_tensorflow, monkeypatch):
    with monkeypatch.context() as installed:
        installed.setitem(sys.modules, "tensorflow", without_tensorflow)
        assert run("dream", "in.png", "-o", "out.png", *SHORT).code == 0
    assert refused(1, "replay", "out.png") == LINE


def test_in_python():
    for words in ({}, {"runtime": "tensorflow", "dtype": "float64"}, {"device": "gpu"}):
        with pytest.raises(MissingExtraError, match=f"^{ADVICE}$"):
            pydream.load_net("squeezenet_v1.1", **words)
    with pytest.raises(ImportError):  # as other packages' absence is
        door.part("keras")


def test_a_damaged_installation_is_called_something_else(tmp_path, monkeypatch):
    (tmp_path / "tensorflow.py").write_text("import a_part_of_it", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorflow")
    with pytest.raises(ModuleNotFoundError, match="a_part_of_it") as failure:
        door.tensorflow()
    assert not isinstance(failure.value, MissingExtraError)


def test_a_process_of_its_own(picture):
    words = [sys.executable, "-m", "pydream", "dream", "in.png", "-o", "out.png"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", LINE)
    done = subprocess.run([*words, *SHORT, "--exact"], capture_output=True, text=True)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "wrote 'out.png'")


def test_the_studio(picture, tmp_path_factory):
    with running(tmp_path_factory.mktemp("studio")) as studio:
        order = {"kind": "dream", "picture": studio.add_picture(picture), "long_side": 64, "layer": ["fire2/concat"]}
        order["recipe"] = {"seed": 0, "octave_n": 1, "iter_n": 1}
        fast = studio.ended(studio.submit(**order))
        assert (fast["state"], fast["error"]) == ("failed", ADVICE)
        exact = studio.ended(studio.submit(**order, network={"dtype": "float64"}))
        assert (exact["state"], exact["error"]) == ("done", None)
