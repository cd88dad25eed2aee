"""Both of our image sides pass; ports with a mistake are caught, and the mistake is named."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from pydream import imageops
from pydream.imageops import numpy_ops
from pydream.testing import ConformanceError, check_imageops

FUNCTIONS = ("roll", "zoom", "mean_abs", "ascend", "clip", "to_tensor", "ascend_tensor")


def port(**broken):
    functions = {name: getattr(numpy_ops, name) for name in FUNCTIONS}
    return SimpleNamespace(**{**functions, **broken})


def told(**broken):
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
        ({"ascend": lambda image, gradient, step_size: image + gradient}, "ascend", "ascend returns nothing"),
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
    ],
)  # fmt: skip
def test_mistakes_are_named(broken, first, words):
    error = told(**broken)
    failure = error.report.failures[0]
    assert failure.name.startswith(first)
    assert words in failure.fault
    (name,) = broken
    other = {"zoom": "zoom", "mean_abs": "mean"}.get(name, name)
    assert all(step.name.startswith(other) for step in error.report.failures)  # and nothing else is blamed


def test_a_function_that_is_missing():
    ops = port()
    del ops.clip
    with pytest.raises(ConformanceError, match=r"clip, float32: there is no function 'clip'"):
        check_imageops(ops)


def test_another_dtype_is_told():
    error = told(roll=lambda image, ox, oy: np.float64(numpy_ops.roll(image, ox, oy)))
    assert all(step.fault == "dtype float64, want float32" for step in error.report.failures)


def test_a_sum_in_another_order_passes_unless_bits_are_asked_for():
    def mean_abs(gradient):
        return gradient.dtype.type(math.fsum(np.abs(gradient).ravel()) / gradient.size)

    assert not check_imageops(port(mean_abs=mean_abs)).failures
    with pytest.raises(ConformanceError, match="want the same bits"):
        check_imageops(port(mean_abs=mean_abs), exact=True)
