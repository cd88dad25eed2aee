"""Mean files: what a binaryproto and a NumPy array say, averaged per channel, and what is none."""

import io

import numpy as np
import pytest
from support import nets

from pydream.errors import NetFileError
from pydream.formats import read_mean, read_vector

PICTURE = np.random.default_rng(0).uniform(90, 130, (3, 7, 5))


def npy(array, **more):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **more)
    return file.getvalue()


def read(tmp_path, content):
    file = tmp_path / "mean"  # whatever it is called
    file.write_bytes(content)
    return read_mean(file)


@pytest.mark.parametrize("array", [PICTURE, PICTURE[np.newaxis], np.asfortranarray(PICTURE), PICTURE.astype(">f8")])
def test_an_array_is_averaged_as_in_2015(tmp_path, array):
    assert read(tmp_path, npy(array)) == tuple(PICTURE.mean(1).mean(1))
    assert read(tmp_path, npy(array, version=(2, 0))) == tuple(PICTURE.mean(1).mean(1))


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("double", [True, False])
def test_a_binaryproto_is_averaged_as_in_2015(tmp_path, legacy, double):
    exact = PICTURE if double else PICTURE.astype(np.float32).astype(np.float64)
    shape = (1, *PICTURE.shape)
    proto = nets.blob(exact.reshape(shape), double=double, legacy=legacy)
    assert read(tmp_path, proto.SerializeToString()) == tuple(exact.mean(1).mean(1))


@pytest.mark.parametrize("array", [np.uint8([104, 117, 123]), np.float32([[[1]], [[2]], [[3]]]), np.ones((9, 8))])
def test_numbers_and_grey_means(tmp_path, array):
    wanted = [1.0] if array.ndim == 2 else array.ravel().tolist()
    assert list(read(tmp_path, npy(array))) == wanted


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a mean: 0 numbers"),
        (b"not a mean", "neither a binaryproto nor a NumPy array"),
        (
            nets.blob(np.ones(6), shape=(1, 3, 9, 9)).SerializeToString(),
            r"6 numbers for a blob of shape \(1, 3, 9, 9\)",
        ),
        (nets.blob(np.ones((1, 2, 3, 3))).SerializeToString(), r"a mean of shape \(2, 3, 3\); expected \(3, h, w\)"),
        (nets.blob(np.full((3, 1, 1), np.nan)).SerializeToString(), "NaN or infinity in the mean"),
        (npy(np.ones((4, 3, 3))), r"a mean of shape \(4, 3, 3\)"),
        (npy(np.ones((2, 3, 3, 3))), r"a mean of shape \(2, 3, 3, 3\)"),
        (npy(np.ones(())), r"a mean of shape \(\)"),
        (npy(np.ones((3, 0, 2))), r"a mean of shape \(3, 0, 2\)"),
        (npy(np.float64([1, np.inf, 2])), "NaN or infinity in the mean"),
        (npy(np.array(["a", "b", "c"])), "expected numbers"),
        (npy(np.ones(3))[:-1], "23 bytes for an array of float64"),
        (npy(np.ones(3)).replace(b"(3,)", b"(9,)"), "24 bytes for an array of float64"),
        (npy(np.ones(3)).replace(b"'shape'", b"'shame'"), "not a NumPy array"),
        (npy(np.ones(1)).replace(b"(1,), }   ", b"(True,), }"), "an array of shape"),
        (npy(np.ones(3)).replace(b"(3,)", b"(3,("), "not a NumPy array"),
        (npy(np.array([print], dtype=object), allow_pickle=True), "expected numbers"),
        (b"\x93NUMPY\x09\x00", "not a NumPy array"),
    ],
)
def test_what_is_no_mean_is_refused(tmp_path, content, message):
    with pytest.raises(NetFileError, match=message):
        read(tmp_path, content)


def test_the_files_of_the_cases(shared):
    folder = shared / "cases" / "pictures"
    if not folder.is_dir():
        pytest.skip("no cases")
    found = {name: read_mean(folder / name) for name in ("mean.binaryproto", "mean3.npy")}
    assert all(len(numbers) == 3 for numbers in found.values())


def test_a_vector_has_one_axis(tmp_path):
    file = tmp_path / "direction.npy"
    file.write_bytes(npy(np.float32([1, 2, 3])))
    assert read_vector(file, 8).tolist() == [1, 2, 3]
    file.write_bytes(npy(np.ones((2, 3))))
    with pytest.raises(NetFileError, match=r"an array of shape \(2, 3\); expected one axis, a number for each channel"):
        read_vector(file, 8)
