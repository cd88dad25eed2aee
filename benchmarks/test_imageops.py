"""The image side of a dream, C++ against the notebook's NumPy and SciPy expressions: `pytest benchmarks`.

Results are compared before anything is timed. A group is an operation at a size; compare ratios within one run.
"""

import numpy as np
import pytest

from pydream import imageops

SIZES = {"210x373": (210, 373), "575x1024": (575, 1024), "2160x3840": (2160, 3840)}
BACKENDS = {name: imageops.backend(name) for name in ("numpy", "native")}
MEAN = np.float32([104, 116, 122]).reshape(3, 1, 1)


def picture(height, width):
    return np.random.RandomState(0).uniform(-104, 133, (3, height, width)).astype(np.float32)


def step(ops, image, gradient):
    """The image side of a step: the tensor for the network, and the ascent along its gradient."""
    tensor = ops.to_tensor(image, 13, -7)
    mean = ops.ascend_tensor(image, gradient, 1.5, 13, -7, -MEAN, 255 - MEAN)
    return tensor, mean


def expect_same(run):
    """Check that both backends compute the same, before either is timed."""
    for expected, found in zip(run(BACKENDS["numpy"]), run(BACKENDS["native"]), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("size", SIZES)
def test_step(benchmark, size, backend):
    image = picture(*SIZES[size])
    gradient = np.ascontiguousarray(picture(*SIZES[size])[::-1].transpose(1, 2, 0))[np.newaxis]
    expect_same(lambda ops: step(ops, image.copy(), gradient))
    benchmark.group = f"image side of a step, {size}"
    benchmark(step, BACKENDS[backend], image, gradient)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("old", "new"), [((411, 731), (575, 1024)), ((575, 1024), (411, 731))])
def test_zoom(benchmark, old, new, backend):
    image = picture(*old)
    expect_same(lambda ops: [ops.zoom(image, *new)])
    benchmark.group = f"zoom {old[0]}x{old[1]} to {new[0]}x{new[1]}"
    benchmark(BACKENDS[backend].zoom, image, *new)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("operation", ["roll", "mean_abs", "ascend", "clip"])
def test_operation(benchmark, operation, backend):
    image, gradient = picture(575, 1024), picture(575, 1024)[::-1].copy()
    arguments = {
        "roll": (image, 13, -7),
        "mean_abs": (gradient,),
        "ascend": (image, gradient, 1.5),
        "clip": (image, -MEAN, 255 - MEAN),
    }[operation]

    def result(ops):
        kept = image.copy()
        given = tuple(kept if argument is image else argument for argument in arguments)
        made = getattr(ops, operation)(*given)
        return [kept if made is None else made]

    expect_same(result)
    benchmark.group = f"{operation}, 575x1024"
    benchmark(getattr(BACKENDS[backend], operation), *arguments)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("operation", ["affine_transform", "affine_transform_adjoint"])
@pytest.mark.parametrize(
    ("move", "matrix", "offset_first"),
    [("closer", [0.95, 0.95], False), ("2015", [0.95, 0.95], True), ("turned", [[0.94, 0.02], [-0.02, 0.94]], False)],
)
def test_affine_transform(benchmark, move, matrix, offset_first, operation, dtype, backend):
    frame = np.ascontiguousarray(picture(575, 1024).transpose(1, 2, 0), dtype)
    call = (frame, matrix, [575 * 0.05 / 2, 1024 * 0.05 / 2], offset_first)
    expect_same(lambda ops: [getattr(ops, operation)(*call)])
    benchmark.group = f"{operation}, {move}, 575x1024, {np.dtype(dtype)}"
    benchmark(getattr(BACKENDS[backend], operation), *call)
