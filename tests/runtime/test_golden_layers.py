"""Layer types against the real Caffe, in float64: values and gradients of the files in golden/layers."""

import os
from pathlib import Path

import numpy as np
import pytest
from support import nets

from pydream.errors import ShapeError
from pydream.formats.caffe.layers import graph_of
from pydream.runtime.geometry import locality

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = Path(os.environ.get("PYDREAM_SHARED", ROOT.parent / "shared")) / "golden" / "layers"
FOUND = sorted(file.stem for file in FOLDER.glob("*.npz")) or ["the folder is not there"]

# Relative to the largest number of the array.
TOLERANCE = 1e-9

# Types that are known by name and left out.
LEFT_OUT = {"batchreindex", "embed", "filter", "lstm", "lstm_state_kept", "rnn"}
# Files and texts rather than layers: tests/formats/caffe.
FORMS = {"data_dummy_shape", "data_memory", "v0_pad_pool_lrn", "v0_training_data", "v1_types", "weights_scalars"}
LAYERS = [name for name in FOUND if name not in LEFT_OUT | FORMS]


def load(name):
    if not FOLDER.is_dir():
        pytest.skip(f"NOT PROVEN HERE: golden layers of the real Caffe are not in {FOLDER} (PYDREAM_SHARED)")
    with np.load(FOLDER / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}


def part(golden, prefix):
    return {key.removeprefix(prefix): golden[key] for key in golden if key.startswith(prefix)}


def weights_in(golden):
    """Layer → its weights, in order."""
    found = {}
    for key, array in sorted(part(golden, "weights/").items()):
        layer, _, _ = key.rpartition("/")
        found.setdefault(layer, []).append(nets.blob(array, double=True))
    return found


def assert_close(got, wanted, what):
    assert got.shape == wanted.shape, what
    largest = np.abs(wanted).max(initial=0)
    off = np.abs(got - wanted).max(initial=0)
    assert off <= TOLERANCE * (largest or 1), f"{what}: off by {off:.2g} of {largest:.2g}"


@pytest.mark.parametrize("name", LAYERS)
def test_layer_is_caffe(build, name):
    golden = load(name)
    net = build(str(golden["prototxt"]), **weights_in(golden))
    inputs = {"data": golden["input"]} | part(golden, "inputs/")
    for blob, values in inputs.items():
        net.blobs[blob].reshape(*values.shape)
        net.blobs[blob].data[...] = values
    out = net.forward()
    tops = part(golden, "top/")
    assert set(out) == set(tops)
    for blob, wanted in tops.items():
        assert_close(out[blob], wanted, blob)
    for blob, wanted in part(golden, "blob/").items():
        assert_close(net.blobs[blob].data, wanted, blob)
    if "gradient" in golden:
        for blob, diff in part(golden, "diff/").items():
            net.blobs[blob].diff[...] = diff
        net.backward()
        gradients = {"data": golden["gradient"]} | part(golden, "gradients/")
        for blob, wanted in gradients.items():
            assert_close(net.blobs[blob].diff, wanted, f"gradient at {blob}")


@pytest.mark.parametrize("name", LAYERS)
def test_what_a_value_sees(name):
    """The gradient of single values is 0 outside of their part of the image, where there is one: tiles rely on it."""
    golden = load(name)
    text, params = str(golden["prototxt"]), weights_in(golden)
    graph = graph_of(nets.parse(text), name)
    net = nets.build(text, runtime="numpy", **params)
    rng = np.random.default_rng(0)
    net.blobs["data"].data[...] = golden["input"]
    for blob in part(golden, "diff/"):
        try:
            seen = locality(graph, blob)
        except ShapeError:
            continue
        net.forward(end=blob)
        rows, columns = golden[f"top/{blob}"].shape[2:]
        for at in ((0, 0), (rows // 2, columns // 2), (rows - 1, columns - 1)):
            net.blobs[blob].diff[...] = 0
            net.blobs[blob].diff[:, :, at[0], at[1]] = rng.standard_normal(golden[f"top/{blob}"].shape[:2])
            net.backward(start=blob)
            outside = np.ones(golden["input"].shape[2:], bool)
            (above, below), (left, right) = (
                (max(view.start + view.stride * place, 0), max(view.start + view.stride * place + view.size, 0))
                for view, place in zip(seen, at, strict=True)
            )
            outside[above:below, left:right] = False
            assert not net.blobs["data"].diff[..., outside].any(), f"{blob} at {at}"
