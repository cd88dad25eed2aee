"""PyTorch's exports, by both exporters: what they compute, and the gradients, held to PyTorch's in float64.

`tests/tools/make_onnx.py` made the files; `tests/tools/onnx_networks.py` does the same with torchvision's and timm's
networks.
"""

import numpy as np
import pytest

import pydream

FILES = ["classic", "classic_13", "mobile", "mobile_13", "modern", "modern_13"]
PLAIN = {"mean": (0, 0, 0), "scale": 1, "dtype": "float64"}


@pytest.fixture(scope="module")
def folder(root):
    return root / "tests" / "data" / "onnx"


def opened(folder, file, **options):
    known = np.load(folder / f"{file.split('_')[0]}.npz")
    net = pydream.load_net(folder / f"{file}.onnx", **PLAIN, **options)
    picture = known["picture"]
    net.blobs["data"].reshape(*picture.shape)
    net.blobs["data"].data[...] = picture
    return net, known


def off(found, wanted):
    return np.abs(found.reshape(-1) - wanted.reshape(-1)).max() / np.abs(wanted).max()


# Blob → the module whose result it is, where that has another name: a normalisation merged into what was before it.
MERGED = {
    "classic": {"1.conv1": "1.bn1", "1.conv2": "1.bn2", "1.relu_1": "1"},
    "mobile": {"1": "2", "5.branch.0": "5.branch.1"},
    "modern": {},
}


@pytest.mark.parametrize("runtime", ["numpy", "tensorflow"])
@pytest.mark.parametrize("file", FILES)
def test_values_and_gradients_are_pytorchs(folder, file, runtime):
    net, known = opened(folder, file, runtime=runtime)
    merged = MERGED[file.split("_")[0]]
    results = {merged.get(blob, blob): blob for blob in net.blobs if blob != "1.relu"}
    results = {name: results[name] for name in known.files if name in results}
    if file == "mobile":  # the exporter made one of its last reshape and the next module's first
        del results["5"]
    assert len(results) >= 10
    net.forward(list(results.values()))
    for name, blob in results.items():
        wanted = known[name]
        if net.blobs[blob].data.shape != wanted.shape and wanted.ndim == 4:  # in PyTorch channels are last there
            wanted = wanted.transpose(0, 3, 1, 2)
        assert off(net.blobs[blob].data, wanted) < 1e-12, blob
    ends = [name.removeprefix("d/") for name in known.files if name.startswith("d/")]
    assert len(ends) == 2
    for name in ends:
        end = results[name]
        net.forward(end)
        net.blobs[end].diff[...] = net.blobs[end].data
        net.backward(end)
        assert off(net.blobs["data"].diff, known[f"d/{name}"]) < 1e-12, end


@pytest.mark.parametrize("file", FILES)
def test_other_sizes_and_the_two_runtimes(folder, file):
    nets = [pydream.load_net(folder / f"{file}.onnx", **PLAIN, runtime=runtime) for runtime in ("numpy", "tensorflow")]
    end = {"classic": "5", "classic_13": "5", "mobile": "4", "mobile_13": "8", "modern": "7", "modern_13": "7"}[file]
    for height, width in [(32, 23), (20, 28)]:
        picture = np.random.default_rng(height).normal(size=(1, 3, height, width))
        found = []
        for net in nets:
            net.blobs["data"].reshape(*picture.shape)
            net.forward(end, data=picture)
            net.blobs[end].diff[...] = 2 * net.blobs[end].data + 1  # not before the values are there: a pass of its own
            net.backward(end)
            found.append((net.blobs[end].data.copy(), net.blobs["data"].diff.copy()))
        for first, second in zip(*found, strict=True):
            assert off(first, second) < 1e-12


@pytest.mark.parametrize("file", ["mobile", "modern"])
def test_a_dream_in_float32(folder, file):
    net = pydream.load_net(folder / f"{file}.onnx")
    end = net.default_end
    picture = np.zeros((24, 32, 3), np.float32)
    options = {"iter_n": 1, "octave_n": 1, "rng": np.random.RandomState(0)}
    assert np.isfinite(pydream.deepdream(net, picture, end=end, **options)).all()


def test_the_exporters_give_the_same_names(folder):
    blobs = [set(pydream.load_net(folder / f"classic{which}.onnx", runtime="numpy").blobs) for which in ("", "_13")]
    assert blobs[0] - blobs[1] == {"input"}
    assert {"0.0", "1.conv1", "1.relu", "1/Add", "1.relu_1", "4"} <= blobs[0]


def test_a_normalisation_of_channels_that_are_last_stays_local(folder):
    net = pydream.load_net(folder / "modern.onnx", runtime="numpy")
    assert net.locality("1").rows.size == 4 + 4 * 4  # the first convolution, and five of its values
    assert net.blobs["1.norm"].shape == (1, 6, 3, 4)
