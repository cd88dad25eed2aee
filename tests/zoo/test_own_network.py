"""docs/own-network.md is so: its code runs from model.fit to a dream, and the dream shows what was learnt."""

import numpy as np
import PIL.Image
import pytest

import pydream
from pydream.cli import main
from pydream.dream import tutorial
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


@pytest.fixture
def page(root, monkeypatch):
    """The page's blocks of Python and of commands; a class is drawn small here."""
    monkeypatch.setattr(tutorial, "NOISE_SIZE", (40, 40))
    text = (root / "docs" / "own-network.md").read_text(encoding="utf-8")
    return blocks(text, "python"), blocks(text, "sh")


def ran(*texts, **names):
    exec(compile("\n".join(texts), "own-network.md", "exec"), names)
    return names


def ten_lines(text):
    return len([line for line in text.splitlines() if line]) <= 10


def directed(file):
    """How much of a picture runs in the third direction of eight, at 45 degrees, as far as its frequencies tell."""
    grey = np.asarray(PIL.Image.open(file).convert("L"), np.float64)
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    down, across = np.meshgrid(*map(np.fft.fftfreq, grey.shape), indexing="ij")
    angle = np.arctan2(down, across) % np.pi
    return power[np.abs(angle - np.pi / 4) < np.pi / 16].sum() / power.sum()


def test_from_fit_to_a_dream(folder, page, capfd):
    (data, _, training, _, five, saved), (atlas, commands) = page
    assert len([line for line in five.splitlines() if line]) == 4
    assert ten_lines(training)
    part("keras").utils.set_random_seed(0)
    names = ran(data, training, five, saved)
    assert names["model"].evaluate(names["pictures"], names["direction"], verbose=0)[1] > 0.9
    assert directed("class.png") > 0.5  # of white noise it would be an eighth
    part("keras").utils.set_random_seed(0)
    untrained = pydream.load_net(part("keras").models.clone_model(names["model"]))
    img, how = names["img"], {"end": "conv2", "octave_n": 3, "rng": np.random.RandomState(0)}
    learnt = striped(names["out"] - img)
    assert learnt > 0.3  # of white noise it would be 0.09
    assert learnt > 2 * striped(pydream.deepdream(untrained, img, **how) - img)
    assert names["net"].dtype == np.float64

    for line in [f"{atlas.strip()} --iterations 2", *commands.splitlines()]:
        with pytest.raises(SystemExit) as ended:
            main(line.split()[1:], prog_name="pydream")
        out, err = capfd.readouterr()
        assert not ended.value.code, f"{line}\n{err}"
        assert "conv2" in out or "layers" not in line
    assert PIL.Image.open("noise.png").size == (96, 64)


def test_a_live_pytorch_module_and_onnx(folder, page):
    torch = pytest.importorskip("torch", reason="NOT PROVEN HERE: PyTorch is not installed")
    (data, training, _, exported, *_), _ = page
    assert ten_lines(training)
    torch.manual_seed(0)
    names = ran(data, training)
    assert directed("class.png") > 0.5
    live = names["net"]
    names = ran(exported, **names)
    assert directed("class.png") > 0.5
    assert names["net"].logits[1] == live.logits[1] == 8


def striped(change):
    """How much of what a dream adds has the wavelengths of the stripes that were learnt, 5 to 10 pixels."""
    grey = change.mean(axis=2, dtype=np.float64)
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    frequency = 2 * np.pi * np.hypot(*np.meshgrid(*map(np.fft.fftfreq, grey.shape), indexing="ij"))
    return power[(frequency > 0.6) & (frequency < 1.2)].sum() / power.sum()
