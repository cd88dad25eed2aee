"""The results of a port, as files: compared with the vectors, and mistakes named."""

import io
import json
import pickle
import re
import shutil
import zipfile
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from support import port

from pydream.testing import ConformanceError, check_vectors, results, vectors, write_vectors
from pydream.testing.vectors import VectorsError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The vectors with the network; the cases are computed once for all tests here."""
    known = list(vectors.cases.cases())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors.cases, "cases", lambda: iter(known))
        folder = tmp_path_factory.mktemp("vectors")
        write_vectors(folder, weights=True)
        yield folder


@pytest.fixture
def found(folder, tmp_path):
    """The expected outputs as a port's, but for the network, and a function that changes one."""
    results = tmp_path / "results"
    results.mkdir()
    for file in folder.glob("*.out.*.npy"):
        if ".network." not in file.name:
            shutil.copy(file, results)
    return results


def file_of(folder, name, output):
    """Return the file of an output of the first case whose name begins so."""
    cases = json.loads((folder / "vectors.json").read_text())["cases"]
    return next(case["outputs"][output] for case in cases if case["name"].startswith(name))


def inputs_of(folder, name):
    cases = json.loads((folder / "vectors.json").read_text())["cases"]
    case = next(case for case in cases if case["name"].startswith(name))
    return {each: np.load(folder / file) for each, file in case["inputs"].items()}


def faults(path):
    with pytest.raises(ConformanceError) as error:
        check_vectors(path)
    return {step.name: step.fault for step in error.value.report.failures}


# ---- a port of the network, of nothing but the files ----


def test_the_port_is_one():
    assert not re.search(r"^\s*(from|import) +(?!json|numpy)", Path(port.__file__).read_text(), re.M)


def test_a_port_of_what_weights_writes_passes(folder, tmp_path):
    port.network_results(folder, tmp_path)
    report = check_vectors(tmp_path)
    names = [step.name for step in report.steps]
    assert len(names) == 9
    assert [name[4:].split(",")[-1] for name in names].count(" gradient") == 5
    assert report.notes == [
        "not there: 10 roll, 14 zoom, 4 mean_abs, 4 ascend, 2 clip, 4 to_tensor, 8 ascend_tensor, 10 affine_transform,"
        " 1 preprocess, 1 deprocess, 1 save, 4 octaves, 123 layer, 1 guide, 2 dream"
    ]


def test_a_ports_mistake_is_named(folder, tmp_path):
    """Sizes of poolings that round down."""
    port.network_results(folder, tmp_path, floor=True)
    failures = faults(tmp_path)
    (name, fault), *others = failures.items()
    assert "activations of fire5/concat" in name
    assert name.endswith(", activations")
    assert fault.endswith("; as if pooling sizes were rounded down, not up")
    assert len(others) == 4


def test_the_description_of_the_network(folder):
    network = json.loads((folder / "network.json").read_text())
    assert network["input"] == {
        "blob": "data", "shape": [1, 3, 227, 227], "mean": [104, 116, 122], "scale": 1, "channel_order": "BGR",
    }  # fmt: skip
    first, relu, pool, *_ = network["layers"]
    assert (first["name"], first["type"], first["bottoms"], first["tops"]) == (
        "conv1",
        "Convolution",
        ["data"],
        ["conv1"],
    )
    assert first["constants"]["stride_h"] == first["constants"]["stride_w"] == 2
    assert first["constants"]["num_output"] == 64
    assert relu["constants"] == {"negative_slope": 0}
    assert (pool["constants"]["pool"], pool["constants"]["round_mode"]) == ("MAX", "CEIL")
    shapes = [np.load(folder / file, allow_pickle=False).shape for file in first["weights"]]
    assert shapes == [(64, 3, 3, 3), (64,)]
    assert json.loads((folder / "vectors.json").read_text())["network"]["layers"] == "network.json"


def test_the_schema_is_that_of_both_files(folder):
    schema = json.loads((folder / "vectors.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    manifest, network = (json.loads((folder / name).read_text()) for name in ("vectors.json", "network.json"))
    assert manifest["$schema"] == network["$schema"] == "vectors.schema.json"
    for content in (manifest, network):
        assert validator.is_valid(content)
        assert not validator.is_valid({**content, "format": 2})
    layer = next(case for case in manifest["cases"] if case["stage"] == "layer")
    del layer["parameters"]["source"]
    assert not validator.is_valid(manifest)


def test_without_weights_the_network_goes(folder, tmp_path):
    again = tmp_path / "again"
    shutil.copytree(folder, again)
    write_vectors(again)
    assert not list(again.glob("network.*"))
    (again / "vectors.json").unlink()
    (again / "network.json").write_text("mine")
    with pytest.raises(VectorsError, match="is not empty"):
        write_vectors(again)


# ---- results ----


def test_what_is_right_passes_as_files_and_as_archives(folder, found, tmp_path):
    assert not check_vectors(found).failures
    arrays = {file.stem: np.load(file) for file in found.iterdir()}
    np.savez_compressed(tmp_path / "all.npz", **arrays)
    np.savez(tmp_path / "names.npz", **{f"{name}.npy": array for name, array in arrays.items()})
    steps = [check_vectors(path).steps for path in (found, tmp_path / "all.npz", tmp_path / "names.npz")]
    assert len(steps[0]) > 200
    assert steps[0] == steps[1] == steps[2]
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    shutil.move(tmp_path / "all.npz", mixed)
    assert check_vectors(mixed).steps == steps[0]


def test_single_precision_has_limits_of_its_own(folder, found):
    file = found / file_of(folder, "a whole dream", "dream")
    exact = np.load(file)
    np.save(file, (exact * (1 + 1e-4)).astype(np.float32))
    assert not check_vectors(found).failures
    for case in ("a whole dream", "the golden dream"):  # 8 bits of single precision
        saved = found / file_of(folder, case, "saved")
        pixels = np.load(saved)
        pixels[0, 0] ^= 1
        np.save(saved, pixels)
    assert not check_vectors(found).failures
    np.save(file, exact * (1 + 1e-4))
    assert len(faults(found)) == 3


@pytest.mark.parametrize(
    ("name", "output", "make", "why"),
    [
        ("roll by 3", "result", lambda image: np.roll(image, -3, -1), "as if it rolled the other way"),
        (
            "ascend, float64", "image", lambda image, gradient: image - 1.5 / np.abs(gradient).mean() * gradient,
            "as if it went down",
        ),
        ("picture to image", "image", lambda picture, mean: np.moveaxis(picture, 2, 0) - mean, "in the order RGB"),
        ("what is written", "saved", lambda picture: np.rint(picture.clip(0, 255)), "fractions were rounded, not"),
        (
            "ReLU of 1x2x4x5, zeros", "bottom0_diff", lambda bottom0, top0_diff: np.where(bottom0 >= 0, top0_diff, 0),
            "as if ReLU's gradient at 0 were 1",
        ),
        ("one step", "image", lambda image, mean: image, "first at [0, 0, 1]: 151, expected 150.766"),
        ("sizes of the octaves of 126x111", "sizes", lambda: np.zeros((4, 2), int), "off by 1.0e+00"),
    ],
)  # fmt: skip
def test_mistakes(folder, found, name, output, make, why):
    np.save(found / file_of(folder, name, output), make(**inputs_of(folder, name)))
    (fault,) = faults(found).values()
    assert why in fault


def test_what_is_missing_or_unknown(folder, found):
    (found / file_of(folder, "ascend_tensor, channels last, float32", "result")).unlink()
    (found / file_of(folder, "roll by 0", "result")).unlink()
    np.save(found / "999.roll.out.result.npy", np.zeros(3))
    assert faults(found) == {
        "019 ascend_tensor, channels last, float32, result": "there is no 019.ascend_tensor.out.result.npy",
        "999.roll.out.result": "no case has an output of that name",
    }


def test_a_number_needs_no_shape(folder, found):
    file = found / file_of(folder, "mean of many numbers, float64", "result")
    np.save(file, np.load(file).reshape(1))
    assert not check_vectors(found).failures


def bomb(path):
    """Claim a petabyte of zeros."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**7, 10**7)})
    path.write_bytes(header.getvalue())


def pickled(path):
    np.save(path, np.array([None, print]), allow_pickle=True)


def packed(path):
    """Pack a megabyte into a kilobyte."""
    path.unlink()
    with zipfile.ZipFile(path.with_name("x.npz"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(path.name, bytes(2**20))


def shaped(shape):
    """Return a function that writes four zeros and a header with any text as the shape."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}".encode()
    return lambda path: path.write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(4))


def spoilt(method):
    """Return a function that packs the file, with other bytes in the middle of what was packed."""

    def spoil(path):
        archive = path.with_name("x.npz")
        with zipfile.ZipFile(archive, "w", method) as packed:
            packed.write(path, path.name)
        path.unlink()
        content = bytearray(archive.read_bytes())
        content[100:160] = b"\xff" * 60
        archive.write_bytes(content)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (shaped((1,) * 65), "maximum supported dimension"),
        (shaped("(True,)"), "an integer is required"),
        (spoilt(zipfile.ZIP_DEFLATED), "while decompressing"),
        (spoilt(zipfile.ZIP_LZMA), "Corrupt input data"),
        (spoilt(zipfile.ZIP_BZIP2), "Invalid data stream"),
        (bomb, "0 bytes for an array of float64 (10000000, 10000000); expected numbers, and all"),
        (pickled, "expected numbers, and all"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "bytes for an array of float32"),
        (lambda path: path.write_bytes(b"\x93NUMPY\1\0\x10\0" + b"(" * 16), "not a NumPy array"),
        (lambda path: path.write_bytes(pickle.dumps(print)), "not a NumPy array"),
        (lambda path: path.write_bytes(bytes(10**6)), "it has more bytes than an array of (3, 11, 14)"),
        (packed, "it has more bytes than an array of (3, 11, 14)"),
    ],
)
def test_files_of_strangers(folder, found, spoil, why):
    spoil(found / file_of(folder, "roll by 3", "result"))
    (fault,) = faults(found).values()
    assert why in fault


def test_folders_that_are_none(folder, tmp_path):
    with pytest.raises(VectorsError, match="has no results: names are those of the outputs"):
        check_vectors(tmp_path)
    with pytest.raises(VectorsError, match="is the folder of the vectors"):
        check_vectors(folder)
    (tmp_path / "x.npz").write_bytes(b"PK")
    with pytest.raises(VectorsError, match=r"x\.npz' is not a \.npz file"):
        check_vectors(tmp_path / "x.npz")
    with pytest.raises(VectorsError, match="no such file"):
        check_vectors(tmp_path / "nothing")


def test_the_readme_says_what_is_not_obvious(folder):
    text = (folder / "README.md").read_text()
    cases = json.loads((folder / "vectors.json").read_text())["cases"]
    with_activations = [
        c["parameters"]["end"] for c in cases if c["stage"] == "network" and "activations" in c["outputs"]
    ]
    without = [c["parameters"]["end"] for c in cases if c["stage"] == "network" and "activations" not in c["outputs"]]
    words = " ".join(text.split())
    assert f"`{with_activations[0]}`, `{with_activations[1]}` and `{with_activations[2]}` have `activations`" in words
    assert f"`{without[0]}` and `{without[1]}` have the `gradient` alone" in words
    assert "`weights0`, `weights1`, `weights2` are the layer's in Caffe's order" in words
    assert "`ascend_tensor` returns mean|g|" in words
    assert "copied, not resampled" in words
    (same,) = {c["function"] for c in cases if c["name"].startswith("zoom to the same size")}
    assert "is copied" in same
    assert results.OUTPUT.fullmatch("012.zoom.out.result")
    for case in cases:
        if case["stage"] == "layer":
            assert isinstance(case["parameters"]["constants"], dict)
