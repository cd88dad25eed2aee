"""Both of our image sides pass; ports with a mistake are caught, and the mistake is named."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from pydream import imageops
from pydream.imageops import numpy_ops
from pydream.testing import ConformanceError, check_imageops

FUNCTIONS = ("roll", "zoom", "mean_abs", "ascend", "clip", "to_tensor", "ascend_tensor", "affine_transform")


def read_at(frame, y, x, **choice):
    at = np.broadcast_arrays(y[..., np.newaxis], x[..., np.newaxis], np.arange(frame.shape[2]))
    return ndimage.map_coordinates(frame, at, **{"order": 1, **choice})


def places(frame, matrix, offset, before):
    """Where each pixel reads, rounded in an order that is not SciPy's."""
    matrix, o = np.array(matrix), np.mgrid[: frame.shape[0], : frame.shape[1]]
    if matrix.ndim == 1:
        matrix = np.diag(matrix)
    offset = matrix @ offset if before else np.array(offset)
    return np.tensordot(matrix, o, 1) + offset.reshape(2, 1, 1)


def affine(before=None, turn=1, **choice):
    """A port of affine_transform. before: whichever era is asked for, this one; turn: -1 turns the other way."""

    def affine_transform(frame, matrix, offset, offset_first=False):
        matrix = np.array(matrix)
        if matrix.ndim == 2 and turn < 0:
            matrix = matrix.T
        first = matrix.ndim == 1 and (offset_first if before is None else before)
        return read_at(frame, *places(frame, matrix, offset, first), **choice)

    return affine_transform


def with_x_before_y(frame, matrix, offset, offset_first=False):
    return numpy_ops.affine_transform(frame, np.flip(matrix), offset[::-1], offset_first)


def pushed(frame, matrix, offset, offset_first=False):
    """Forward: what is at o goes to matrix * o + offset, or to matrix * (o + offset)."""
    matrix = np.diag(matrix) if np.ndim(matrix) == 1 else np.array(matrix)
    y, x = np.mgrid[: frame.shape[0], : frame.shape[1]]
    offset = matrix @ offset if offset_first else np.array(offset)
    at = np.einsum("ij,jyx->iyx", np.linalg.inv(matrix), np.stack([y - offset[0], x - offset[1]]))
    return read_at(frame, *at)


def port(**broken):
    functions = {name: getattr(numpy_ops, name) for name in FUNCTIONS}
    return SimpleNamespace(**{**functions, **broken})


def failure_of(**broken):
    with pytest.raises(ConformanceError) as error:
        check_imageops(port(**broken))
    return error.value


@pytest.mark.parametrize("name", ["native", "numpy"])
def test_ours(name):
    report = check_imageops(imageops.backend(name), exact=True)
    assert len(report.steps) > 50
    assert not report.failures


def interpolated(image, height, width, mode, corners):
    """SciPy's own interpolation at coordinates of ours."""
    sizes = list(zip((height, width), image.shape[1:], strict=True))
    if corners:
        axes = [np.linspace(0, size - 1, out) if out > 1 else np.zeros(1) for out, size in sizes]
    else:
        axes = [(np.arange(out) + 0.5) * size / out - 0.5 for out, size in sizes]
    at = np.meshgrid(*axes, indexing="ij")
    return np.stack([ndimage.map_coordinates(plane, at, order=1, mode=mode) for plane in image])


def averaged_by_channel(image, gradient, step_size):
    for plane, g in zip(image, gradient, strict=True):
        plane += step_size / np.abs(g).mean() * g


def leave_rolled(image, gradient, step_size, ox, oy, low=None, high=None, channels_last=True):
    mean = numpy_ops.ascend_tensor(image, gradient, step_size, ox, oy, low, high, channels_last)
    image[:] = np.roll(image, (oy, ox), (1, 2))
    return mean


def divide_by_zero(image, gradient, step_size, ox, oy, low=None, high=None, channels_last=True):
    if not gradient.any():
        image[:] = np.nan
        return image.dtype.type(0)
    return numpy_ops.ascend_tensor(image, gradient, step_size, ox, oy, low, high, channels_last)


def with_epsilon(image, gradient, step_size):
    image += (step_size / (np.abs(gradient).mean() + gradient.dtype.type(1e-7))) * gradient


@pytest.mark.parametrize(
    ("broken", "first", "words"),
    [
        ({"roll": lambda image, ox, oy: np.roll(image, (ox, oy), (1, 2))}, "roll by 3", "ox and oy were swapped"),
        ({"roll": lambda image, ox, oy: np.roll(image, (-oy, -ox), (1, 2))}, "roll by 3", "it rolled the other way"),
        (
            {"zoom": lambda image, h, w=None, **k: None},
            "zoom down",
            "raised TypeError",
        ),
        (
            {"zoom": lambda image, height, width: interpolated(image, height, width, "nearest", True)},
            "zoom to a width where SciPy's last column is 0",
            "which SciPy makes 0 where rounding puts it outside, were not 0",
        ),
        (
            {"zoom": lambda image, height, width: interpolated(image, height, width, "nearest", False)},
            "zoom down",
            "half-pixel centres",
        ),
        ({"mean_abs": lambda gradient: np.std(gradient)}, "mean of the gradient", "the standard deviation"),
        ({"mean_abs": lambda gradient: np.mean(gradient)}, "mean of the gradient", "without the absolute value"),
        ({"ascend": with_epsilon}, "ascend", "an epsilon beside the mean"),
        ({"ascend": averaged_by_channel}, "ascend", "each channel had a mean of its own"),
        ({"ascend": lambda image, gradient, step_size: image + gradient}, "ascend", "ascend must return nothing"),
        ({"clip": lambda image, low, high: image.clip(0, 255, out=image) and None}, "clip", "raised ValueError"),
        ({"clip": lambda image, low, high: np.copyto(image, image.clip(0, 255))}, "clip", "it clipped to 0..255"),
        ({"to_tensor": lambda image, ox, oy, last: numpy_ops.to_tensor(image, oy, ox, last)}, "to_tensor", "raised"),
        (
            {"to_tensor": lambda image, ox, oy, channels_last: numpy_ops.to_tensor(image, oy, ox, channels_last)},
            "to_tensor, channels last",
            "ox and oy were swapped",
        ),
        ({"ascend_tensor": leave_rolled}, "ascend_tensor", "the image were not rolled back"),
        ({"ascend_tensor": divide_by_zero}, "ascend_tensor along no gradient", "written though no step can be taken"),
        ({"mean_abs": lambda: 1}, "mean of the gradient", "raised TypeError"),
        ({"affine_transform": affine(before=True)}, "affine_transform, 5 % closer, even", "as in SciPy before 0.18"),
        ({"affine_transform": affine(before=False)}, "affine_transform, 5 % closer as by", "as in SciPy since 0.18"),
        ({"affine_transform": affine(turn=-1)}, "affine_transform, 10 % closer and turned", "it turned the other way"),
        ({"affine_transform": affine(mode="nearest")}, "affine_transform, farther", "were the border's, not 0"),
        ({"affine_transform": affine(order=0)}, "affine_transform, 5", "the nearest pixel were taken"),
        ({"affine_transform": with_x_before_y}, "affine_transform, 5", "y and x were swapped"),
        ({"affine_transform": pushed}, "affine_transform, 5", "and not read from there"),
    ],
)  # fmt: skip
def test_mistakes_are_named(broken, first, words):
    error = failure_of(**broken)
    failure = error.report.failures[0]
    assert failure.name.startswith(first)
    assert words in failure.fault
    (name,) = broken
    other = {"mean_abs": "mean"}.get(name, name)
    assert all(step.name.startswith(other) for step in error.report.failures)  # and nothing else is blamed


def test_other_roundings_of_places_pass_unless_bits_are_asked_for():
    assert not check_imageops(port(affine_transform=affine())).failures
    with pytest.raises(ConformanceError, match="expected the same bits"):
        check_imageops(port(affine_transform=affine()), exact=True)


def test_a_function_that_is_missing():
    ops = port()
    del ops.clip
    with pytest.raises(ConformanceError, match=r"clip, float32: there is no function 'clip'"):
        check_imageops(ops)


def test_another_dtype_is_reported():
    error = failure_of(roll=lambda image, ox, oy: np.float64(numpy_ops.roll(image, ox, oy)))
    assert all(step.fault == "dtype float64, expected float32" for step in error.report.failures)


def test_a_sum_in_another_order_passes_unless_bits_are_asked_for():
    def mean_abs(gradient):
        return gradient.dtype.type(math.fsum(np.abs(gradient).ravel()) / gradient.size)

    assert not check_imageops(port(mean_abs=mean_abs)).failures
    with pytest.raises(ConformanceError, match="expected the same bits"):
        check_imageops(port(mean_abs=mean_abs), exact=True)
