"""Keras models and SavedModels on the command line: from files, and under a name."""

import json

import numpy as np
import pytest
from support import kerasnets

import pydream
from pydream.zoo.registry import find_network

pytestmark = pytest.mark.usefixtures("forked_readers")

QUICK = ["-n", "1", "--octaves", "1", "--seed", "0"]


@pytest.fixture(scope="module")
def model():
    """Trained a little, with an optimizer, as what people have."""
    made = kerasnets.everything((40, 56))
    made.compile("adam", "sparse_categorical_crossentropy")
    made.fit(kerasnets.picture((40, 56)).transpose(0, 2, 3, 1), np.array([1]), verbose=0)
    return made


@pytest.fixture(params=["mine.keras", "mine.h5", "mine"])
def file(request, model, folder):
    """A file, or the folder of a SavedModel."""
    if "." in request.param:
        # Of an optimizer's weights HDF5 cannot hold two of one name.
        model.save(folder / request.param, include_optimizer=not request.param.endswith(".h5"))
    else:
        model.export(folder / request.param, verbose=False)
    return request.param


def layer_of(file):
    return "residual" if "." in file else "everything_1/residual_1/Add"


def test_dream_and_again(run, file, picture):
    seen = run("dream", picture, "-o", "out.png", "-m", file, "-l", layer_of(file), *QUICK)
    assert seen.code == 0
    assert seen.err.splitlines()[0] == f"mine {layer_of(file)} on CPU:0, float32, seed 0"
    assert seen.err.splitlines()[-1] == "wrote 'out.png'"
    again = run("replay", "out.png", "-m", file)
    assert (again.code, again.out) == (0, "identical: every byte of 96x72 pixels, float32\n")


def test_no_layer_is_named(run, folder, model):
    model.save(folder / "mine.keras")
    seen = run("dream", "noise:48x40", "-o", "out.png", "-m", "mine.keras", *QUICK)
    assert seen.code == 0
    line = "no --layer: 'conv', the last convolution that sees most of the picture (`pydream layers` lists all)"
    assert line in seen.err.splitlines()
    seen = run("layers", "-m", "mine.keras")
    assert seen.out.splitlines()[0] == "worth dreaming of: block1_conv1, residual, separable, join, conv"
    (row,) = [line.split() for line in seen.out.splitlines() if line.startswith("conv ")]
    assert row[-1] == "default"


@pytest.mark.parametrize("options", [["--class", "3"], ["--layer", "classes/BiasAdd:3", "--objective", "sum"]])
def test_a_class(run, folder, model, options):
    model.save(folder / "mine.keras")
    seen = run("dream", "noise:56x40", "-o", "out.png", "-m", "mine.keras", *options, *QUICK)
    assert seen.code == 0, seen
    assert "mine sum of 'classes/BiasAdd':3 on CPU:0" in seen.err.splitlines()[0]


def test_layers(run, file, folder):
    seen = run("layers", "-m", file, "--image-size", "47x33", "--json")
    assert (seen.code, seen.err) == (0, "")
    (found,) = [blob for blob in json.loads(seen.out)["blobs"] if blob["name"] == layer_of(file)]
    assert (found["shape"], found["receptive_field"], found["dream"]) == ([1, 8, 33, 47], [5, 5], True)


def test_add(run, file, folder, picture):
    seen = run("models", "add", "own", file, "-l", layer_of(file), "--mean", "1,2,3", "--pixel-scale", "0.5")
    place = folder / "data" / "pydream" / "models" / "own"
    assert (seen.code, seen.out, seen.err) == (0, f"{place}\n", "")
    assert sorted(path.name for path in place.iterdir()) == ["README.md", "own.pb"]
    entry = find_network("own")
    assert (entry.mean, entry.scale, entry.channel_order) == ((1, 2, 3), 0.5, "RGB")
    assert "mean     1, 2, 3 (RGB)" in run("models", "info", "own").out
    assert f"own: right, {place / 'own.pb'}\n" in run("models", "verify").out
    assert run("dream", picture, "-o", "named.png", "-m", "own", *QUICK).code == 0
    options = ["-m", file, "-l", layer_of(file), "--mean", "1,2,3", "--pixel-scale", "0.5"]
    assert run("dream", picture, "-o", "told.png", *options, *QUICK).code == 0
    read = pydream.record.provenance.read_provenance
    assert read(folder / "named.png").result.sha256 == read(folder / "told.png").result.sha256


def test_what_cannot_be(refused, folder, model):
    (folder / "none.keras").write_text("no network")
    assert "not a Keras model" in refused(1, "layers", "-m", "none.keras")
    assert "no such file: 'absent.keras'" in refused(2, "layers", "-m", "absent.keras")
    assert "it would be taken for a file" in refused(2, "models", "add", "my.keras", "none.keras")
    model.save(folder / "mine.keras")
    wanted = "no blob 'residue'; close: 'residual'"
    assert wanted in refused(2, "models", "add", "mine", "mine.keras", "-l", "residue")
