"""What runtimes of other libraries share: formulas, each against NumPy's runner, which runs what has none."""

import numpy as np
import pytest
from support import nets

from pydream.errors import DeviceError
from pydream.runtime import NumpyRuntime, PortedRuntime
from pydream.runtime.formulas import FORMULAS
from pydream.testing import samples
from pydream.testing.layers import EXAMPLES

STEP = 1e-5


class Differences(PortedRuntime):
    """A library that differentiates: NumPy, by differences."""

    name = "differences"
    np = np

    def find_device(self, wanted):
        if wanted != "cpu":
            raise DeviceError(wanted)
        return "CPU:0"

    def tensor(self, array):
        return np.asarray(array)

    def pad(self, x, widths, value):
        return np.pad(x, widths, constant_values=value)

    def differentiate(self, function, bottoms):
        bottoms = [np.array(bottom) for bottom in bottoms]

        def pull(diffs):
            return tuple(map(gradient, bottoms, [diffs] * len(bottoms)))

        def gradient(bottom, diffs):
            found = np.zeros(bottom.shape)
            for place in np.ndindex(bottom.shape):
                before, change = bottom[place], 0.0
                for side in (1, -1):
                    bottom[place] = before + side * STEP
                    change += side * sum(
                        np.vdot(top, diff) for top, diff in zip(function(*bottoms), diffs, strict=True)
                    )
                bottom[place] = before
                found[place] = change / (2 * STEP)
            return found

        return function(*bottoms), pull


def passes(example, runtime):
    """Return the tops, and the gradients at the bottoms, of a layer; the first top alone has a gradient."""
    names = [f"b{i}" for i in range(len(example.bottoms))]
    tops = [f"t{i}" for i in range(example.tops)]
    shapes = dict(zip(names, example.bottoms, strict=True)) or {"unread": (1,)}
    text = nets.inputs(**shapes) + nets.layer("it", example.type, " ".join(names), " ".join(tops), example.constants)
    weights = [np.abs(samples.numbers(shape, 20 + i)) + 0.5 for i, shape in enumerate(example.weights)]
    net = nets.build(text, runtime=runtime, it=weights)
    for i, name in enumerate(names):
        net.blobs[name].data[...] = nets.spread(np.random.default_rng(i), example.bottoms[i])  # no ties
    net.forward()
    made = {top: net.blobs[top].data.copy() for top in tops}
    net.blobs["t0"].diff[...] = samples.numbers(made["t0"].shape, 40)
    net.backward()
    return made | {f"{name}'s diff": net.blobs[name].diff.copy() for name in names}


@pytest.mark.parametrize("type", list(dict.fromkeys(example.type for example in EXAMPLES)))
def test_layers_are_numpys(type):
    for example in EXAMPLES:
        if example.type == type:
            found, wanted = passes(example, Differences), passes(example, "numpy")
            for name, array in wanted.items():
                np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-7, err_msg=f"{example}: {name}")


def test_every_type_of_numpys_runs_and_formulas_are_for_layers_that_it_has():
    assert Differences.runners.keys() == NumpyRuntime.runners.keys() >= FORMULAS.keys()


def test_layers_in_place_leave_what_caffe_reads_back_to_numpy():
    """A sigmoid's top that another layer overwrites: Caffe's gradient is not the derivative."""
    text = nets.inputs(data=(1, 2, 3, 4)) + nets.layer("s", "Sigmoid", "data", "s") + nets.layer("t", "TanH", "s", "s")
    found = {}
    for runtime in (Differences, "numpy"):
        net = nets.build(text, runtime=runtime)
        net.blobs["data"].data[...] = samples.numbers((1, 2, 3, 4), 0)
        net.forward()
        net.blobs["s"].diff[...] = 1
        net.backward()
        found[runtime] = net.blobs["data"].diff.copy()
    np.testing.assert_allclose(*found.values(), atol=1e-9)
    kinds = [Differences(net.graph, {}, np.dtype("float64"), "cpu").has_formula(step) for step in net.graph.steps]
    assert kinds == [False, True]
