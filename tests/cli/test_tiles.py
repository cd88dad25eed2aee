"""`--tile` and `--memory`: what is made in blocks, what is said of it, and what a picture remembers."""

import re

import numpy as np
import pytest
from PIL import Image

from pydream.cli import main
from pydream.provenance import read_provenance


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "in.png"
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (120, 150, 3), np.uint8)).save(path)
    return path


def dream(path, out, *more):
    options = ["--octaves", "2", "-n", "1", "-l", "fire3/concat", "--seed", "1"]
    return main(["dream", str(path), "-o", str(out), *options, *more])


def pixels(path):
    return np.asarray(Image.open(path))


def test_the_plan_is_told_and_float64_is_the_same(picture, tmp_path, capsys):
    whole, tiled = tmp_path / "whole.png", tmp_path / "tiled.png"
    assert dream(picture, whole, "--dtype", "float64") == 0
    assert "tiles" not in capsys.readouterr().err
    assert dream(picture, tiled, "--dtype", "float64", "--tile", "64") == 0
    told = capsys.readouterr().err.splitlines()[0]
    assert re.fullmatch(r"150x120 in 6 tiles of up to 64 pixels, crops of up to \d+x\d+, [\d.]+ times the work", told)
    np.testing.assert_array_equal(pixels(tiled), pixels(whole))
    made = read_provenance(tiled)
    assert made.dream == read_provenance(whole).dream
    assert "--tile" not in made.command


def test_float32_remembers_the_tile(picture, tmp_path, capsys):
    out = tmp_path / "out.png"
    assert dream(picture, out, "--tile", "64") == 0
    made = read_provenance(out)
    assert made.dream.tile == 64
    assert made.command.endswith("--tile 64 --seed 1")
    assert main(["replay", str(out)]) == 0
    assert dream(picture, tmp_path / "whole.png") == 0
    assert read_provenance(tmp_path / "whole.png").dream.tile == 0


def test_memory_decides(picture, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("pydream.tiles.resident_bytes", lambda: 0)
    monkeypatch.setattr("pydream.tiles.OVERHEAD", 0)
    assert dream(picture, tmp_path / "out.png", "--memory", "8M") == 0
    assert "150x120 in" in capsys.readouterr().err
    assert read_provenance(tmp_path / "out.png").dream.tile > 0
    assert dream(picture, tmp_path / "out.png", "--memory", "800K") == 1
    error = capsys.readouterr().err
    assert "0.0008 GB of memory are too little for 150x120 pixels and 'fire3/concat': about" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("wrong", ["0", "much", "-2G", "2X", "1e9"])
def test_memory_is_an_amount(picture, tmp_path, capsys, wrong):
    assert dream(picture, tmp_path / "out.png", "--memory", wrong) == 2
    assert "no amount of memory, as 2G is one" in capsys.readouterr().err


def test_a_layer_without_tiles(picture, tmp_path, capsys):
    assert main(["dream", str(picture), "-o", str(tmp_path / "o.png"), "-l", "pool10", "--tile", "64"]) == 1
    error = capsys.readouterr().err
    assert "sees the whole picture: through the layer 'pool10' (Pooling)" in error
    assert error.count("\n") == 1


def test_a_loop_goes_on_with_its_tiles(picture, tmp_path):
    options = ["--octaves", "1", "-n", "1", "-l", "fire3/concat", "--seed", "1"]
    for folder, counts in (("once", ["2"]), ("twice", ["1", "2"])):
        for count in counts:
            more = ["--tile", "64"] if count == counts[0] else ["--resume"]
            assert main(["zoom", str(picture), "-o", str(tmp_path / folder), "--frames", count, *options, *more]) == 0
    last = [tmp_path / folder / "00000001.png" for folder in ("once", "twice")]
    np.testing.assert_array_equal(*map(pixels, last))
    assert read_provenance(last[1]).dream.tile == 64
