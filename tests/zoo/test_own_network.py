"""docs/own-network.md is so: its code runs from model.fit to a dream, and the dream shows what was learnt."""

import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

import pydream
from pydream.runtime.on_tensorflow.door import part


@pytest.fixture
def folder(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "examples").mkdir()
    PIL.Image.open(root / "examples" / "sky.jpg").resize((192, 128)).save("examples/sky.jpg")
    return tmp_path


def blocks(text, language):
    return [block.partition("\n")[2] for block in text.split("```")[1::2] if block.partition("\n")[0] == language]


def test_from_fit_to_a_dream(root, folder):
    text = (root / "docs" / "own-network.md").read_text(encoding="utf-8")
    training, five, saved = blocks(text, "python")
    assert len([line for line in five.splitlines() if line]) == 5
    names = {}
    exec(compile("import PIL.Image\nimport pydream\n" + training + five + saved, "own-network.md", "exec"), names)
    assert names["model"].evaluate(names["pictures"], names["direction"], verbose=0)[1] > 0.9
    part("keras").utils.set_random_seed(0)  # of five seeds the stripiest has 0.23, the others 0.07 to 0.09
    untrained = pydream.load_net(part("keras").models.clone_model(names["model"]))
    img, how = names["img"], {"end": "conv2", "octave_n": 3, "rng": np.random.RandomState(0)}
    learnt = striped(names["out"] - img)
    assert learnt > 0.3  # of white noise it would be 0.09
    assert learnt > 2 * striped(pydream.deepdream(untrained, img, **how) - img)
    assert names["net"].dtype == np.float64

    (commands,) = blocks(text, "sh")
    for line in commands.splitlines():
        run = subprocess.run([sys.executable, "-m", *line.split()], capture_output=True, text=True)
        assert run.returncode == 0, f"{line}\n{run.stderr}"
        assert "conv2" in run.stdout or "layers" not in line
    assert PIL.Image.open("noise.png").size == (96, 64)


def striped(change):
    """How much of what a dream adds has the wavelengths of the stripes that were learnt, 5 to 10 pixels."""
    grey = change.mean(axis=2, dtype=np.float64)
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    frequency = 2 * np.pi * np.hypot(*np.meshgrid(*map(np.fft.fftfreq, grey.shape), indexing="ij"))
    return power[(frequency > 0.6) & (frequency < 1.2)].sum() / power.sum()
