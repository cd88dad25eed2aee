"""All that only a GPU can show, as one table, in less than eight minutes.

    python benchmarks/gpu.py [--device gpu:N] [--minutes N] [--markdown]

It needs a GPU, its driver, and what `pip install 'pydeepdream[gpu]'` installs. Where GoogLeNet's weights are missing
(PYDREAM_MODELS), it is timed with random ones; what is compared with Caffe needs them, and its results, which the
developers have (PYDREAM_SHARED). A row that cannot be measured says why. Rows that may not end in time are left out,
and say so.

The exit code is 0 where no row has a NO, 1 where one has, and 2 where there is no such GPU. `--device cpu` tries out
the script itself: its rows say nothing about a GPU.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from time import monotonic, perf_counter

import gpu_rows as rows
import numpy as np
from gpu_rows import ENDS, EXACT, FAST, GOOGLENET, SQUEEZENET, Place, Row
from tables import markdown

import pydream
from pydream.bench import inputs, network, table
from pydream.bench.floor import floor_seconds, gflops, matrix_product, multiplications
from pydream.bench.machine import as_lines, machine
from pydream.bench.timing import SAME_BITS, Contest, race, within
from pydream.dream.octaves import octave_sizes
from pydream.errors import DeviceError
from pydream.runtime.net import Net
from pydream.runtime.on_tensorflow.door import find_device, tensorflow

# Time.


def timed(model: str, number: int, place: Place) -> Iterator[Row]:
    """A network's step and dream at one of the sizes, over a matrix product."""
    size, end = place.sizes[number], ENDS[model]
    about = f"{model}, {table.size(*size)}, float32" + ("" if place.has(model) else ", random weights")
    net = place.any_net(model, FAST)
    outcome = race(_contest(place, net, end, size), place.seconds)
    took = {name: outcome.seconds(name).median for name in ("gradient", "step", "copies", "floor")}
    floor = floor_seconds(took["floor"], multiplications(net.graph, end, size), place.side)
    yield Row(f"{about}: the floor", "", f"{table.seconds(floor)} at {gflops(took['floor'], place.side):.0f} GFLOP/s")
    for name in ("gradient", "step"):
        over = f"{table.seconds(took[name])}, {table.digits(took[name] / floor)} × the floor"
        yield Row(f"{about}: a {name}", "", over)
    share = f"{table.seconds(took['copies'])}, {table.percent(took['copies'] / took['step'])} of a step"
    yield Row(f"{about}: copies to the device and back", "", share)
    if number == 0:
        exact = _step_time(place.any_net(model, EXACT), end, size)
        yield Row(f"{about}: the step in float64 over it", "", table.digits(exact / took["step"]))
        if place.gpu:
            theirs = _step_time(place.any_net(model, FAST, "cpu"), end, size)
            yield rows.at_most(f"{about}: a step over one on the CPU", 1, took["step"] / theirs)
    picture, start = inputs.picture(*size), perf_counter()
    pydream.deepdream(net, picture, rng=np.random.RandomState(0), end=end, tile=0)
    seconds = perf_counter() - start
    least = 10 * sum(multiplications(net.graph, end, each) for each in octave_sizes(*size))
    over = table.digits(seconds / floor_seconds(took["floor"], least, place.side))
    yield Row(f"{about}: a dream, 4×10", "", f"{table.seconds(seconds)}, {over} × the floor")


def _contest(place: Place, net: Net, end: str, size: tuple[int, int]) -> Contest:
    """Return the contest of the passes, alone, with the step, its copies and the matrix product in the same rounds."""
    way = network.passes_of(net, end, "").way(inputs.image(*size, net.mean))
    tensor = np.zeros((1, *size, 3), net.dtype)
    with tensorflow().device(place.device):
        product = matrix_product(FAST, place.side)

    def floor() -> object:
        with tensorflow().device(place.device):
            return product()

    yardsticks = {
        "floor": floor,
        "step": _step(net, end, size),
        "copies": lambda: net.runtime.array(net.runtime.tensor(tensor)),
    }
    return Contest(f"{net.name}, {table.size(*size)}", {"gradient": way}, within(network.POOLING_ALLOWED), yardsticks)


def _step(net: Net, end: str, size: tuple[int, int]) -> Callable[[], None]:
    rng = np.random.RandomState(0)
    net.blobs["data"].reshape(1, 3, *size)
    net.blobs["data"].data[0] = inputs.image(*size, net.mean)
    return lambda: pydream.make_step(net, end=end, rng=rng)


def _step_time(net: Net, end: str, size: tuple[int, int]) -> float:
    outcome = race(Contest(net.name, {"step": _step(net, end, size)}, SAME_BITS), 0, 3)
    return outcome.seconds("step").median


@dataclass(frozen=True)
class Check:
    """Rows that belong together, and in how many seconds they are expected to be there on a slow GPU."""

    name: str
    seconds: float
    rows: Callable[[Place], Iterator[Row]]


CHECKS = [
    Check("settings", 1, rows.settings),
    Check("kernels", 20, rows.kernels),
    Check("small exact dreams", 20, rows.small_exact_dreams),
    Check("gradients", 40, rows.gradients),
    Check("the gradient of pooling", 5, rows.pooling_gradient),
    Check("the winners of pooling", 10, rows.winners),
    Check("tiles", 10, rows.tiles),
    Check("the same again", 10, rows.again),
    Check("memory", 15, rows.memory),
    Check("traces", 10, rows.traces),
    Check("refusal", 15, rows.refusal),
    Check("GoogLeNet's exact dream", 40, rows.googlenet_exact_dream),
    Check("SqueezeNet's time", 40, partial(timed, SQUEEZENET, 0)),
    Check("GoogLeNet's time", 60, partial(timed, GOOGLENET, 0)),
    Check("SqueezeNet's time, large", 60, partial(timed, SQUEEZENET, 1)),
    Check("the dream of 2015", 90, rows.dream_of_2015),
    Check("GoogLeNet's time, large", 90, partial(timed, GOOGLENET, 1)),
]


def rows_of(place: Place, checks: list[Check], until: float) -> Iterator[Row]:
    """Run checks, as many as end before `until`, a value of `monotonic`; one that fails is a row, too."""
    for check in checks:
        left = max(until - monotonic(), 0)
        if left < check.seconds:
            yield Row(check.name, "", f"not measured: it may take {check.seconds:.0f} s, and {left:.0f} s are left")
            continue
        try:
            yield from check.rows(place)
        except Exception as error:  # whatever a driver or a library says
            said = next((line for line in str(error).splitlines() if line.strip()), "")
            yield Row(check.name, "", f"failed: {type(error).__name__}: {said}"[:200], False)


def main() -> None:
    began = monotonic()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="gpu", help="gpu, gpu:N, or cpu to try out the script; default: gpu")
    parser.add_argument("--minutes", type=float, default=8, help="when to start no more rows; default: 8")
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        find_device(args.device)
    except DeviceError as error:
        print(f"gpu: {error} (pip install 'pydeepdream[gpu]' adds CUDA's libraries)", file=sys.stderr)
        sys.exit(2)
    place = Place(args.device)
    try:
        print("\n".join([*as_lines(machine()), _about(place)]))
        lines = []
        for row in rows_of(place, CHECKS, began + 60 * args.minutes):
            lines.append([row.what, row.expected, row.measured, {None: "", True: "yes", False: "NO"}[row.ok]])
            print(f"{monotonic() - began:.0f} s: {': '.join(filter(None, lines[-1]))}", file=sys.stderr)
    except KeyboardInterrupt:
        sys.exit(130)
    lay_out = markdown if args.markdown else table.table
    print("\n" + lay_out(["what", "expected", "measured", "ok"], lines))
    sys.exit(int(any(line[-1] == "NO" for line in lines)))


def _about(place: Place) -> str:
    """Describe the device, and what TensorFlow was built with."""
    if not place.gpu:
        return "on the CPU, to try out the script: no row says anything about a GPU"
    tf = tensorflow()
    details, built = tf.config.experimental.get_device_details(place.gpu), tf.sysconfig.get_build_info()
    ability = ".".join(map(str, details.get("compute_capability", ())))
    name = f"{details.get('device_name', place.device)}, compute capability {ability}"
    return f"{place.device}: {name}; CUDA {built.get('cuda_version')}, cuDNN {built.get('cudnn_version')}"


if __name__ == "__main__":
    main()
