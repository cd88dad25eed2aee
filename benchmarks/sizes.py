"""The time and memory of a step against the size of the picture, from 0.1 to 8 megapixels, in float32 and float64.

    python benchmarks/sizes.py [--model NAME ...] [--dtype NAME ...] [--megapixels N ...] [--steps N] [--rounds N]
                               [--plot FILE] [--markdown]

Each size has a process of its own, so that its memory is its own; sizes take turns, `--rounds` times. In a process a
step and a product of matrices take turns, whose rate makes the floor (docs/performance.md). The last table is how a
step's time over that rate grows: the exponent of a power of the pixels, fitted to all sizes. It is to be at most 1,
time in proportion to the pixels; the fixed cost of a step makes it smaller. SqueezeNet and GoogLeNet together take
seven minutes a round on two cores.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
from tables import markdown

import pydream
from pydream.bench import table
from pydream.bench.floor import floor_seconds, matrix_product, multiplications
from pydream.bench.inputs import image
from pydream.bench.machine import as_lines, machine
from pydream.bench.network import EXACT, FAST, FLOOR
from pydream.bench.plot import matplotlib
from pydream.bench.timing import SAME_BITS, Contest, race
from pydream.errors import BenchError
from pydream.files import written_whole
from pydream.host.resources import peak_memory
from pydream.zoo.load import default_layer

MEGAPIXELS = (0.1, 0.25, 0.5, 1, 2, 4, 8)
DTYPES = (FAST, EXACT)
ASPECT = 1024 / 575
MOST_GROWTH = 1.0
COLOURS = ("#2a78b8", "#e08214", "#1b9e77")


@dataclass(frozen=True)
class Size:
    """What a size costs: the median step in seconds, and over its floor; the most resident memory in bytes."""

    height: int
    width: int
    seconds: float
    over: float
    peak: int

    @property
    def megapixels(self):
        return self.height * self.width / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", action="append", help="default: squeezenet_v1.1")
    parser.add_argument("--dtype", action="append", choices=DTYPES, help="default: both")
    parser.add_argument("--megapixels", type=float, nargs="+", default=MEGAPIXELS)
    parser.add_argument("--steps", type=int, default=4, help="timed in each process; default: 4")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--here", nargs=2, type=int, help=argparse.SUPPRESS)  # measure one size, in this process
    args = parser.parse_args()
    asked = [(model, dtype) for model in args.model or ["squeezenet_v1.1"] for dtype in args.dtype or DTYPES]
    if min(args.steps, args.rounds) < 1:
        parser.error("--steps, --rounds: at least 1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        if args.here:
            print(json.dumps(asdict(step_here(*asked[0], *args.here, args.steps))))
            return
        if args.plot:
            matplotlib()
        about = machine()
        print("\n".join(as_lines(about)))
        found = {each: measure(*each, args) for each in asked}
    except pydream.PydreamError as error:
        sys.exit(f"sizes: error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    lay_out = markdown if args.markdown else table.table
    for (model, dtype), rows in found.items():
        print(f"\n{model} to {default_layer(model)}, {dtype}\n")
        print(
            lay_out(
                ["size", "megapixels", "a step", "a megapixel", "over the floor", "most memory"], list(map(cells, rows))
            )
        )
    print("\n" + lay_out(["a step grows as a power of the pixels", "bound", "exponent", "kept"], list(promises(found))))
    if args.plot:
        draw(found, about, args.plot)


def measure(model, dtype, args):
    """A `Size` for each of the sizes."""
    sizes = [dimensions(megapixels) for megapixels in sorted(args.megapixels)]
    found = {size: [] for size in sizes}
    for turn in range(args.rounds):
        for height, width in sizes:
            print(f"{model}, {dtype}, {width}x{height}, round {turn + 1} of {args.rounds}", file=sys.stderr)
            found[height, width].append(in_a_process(model, dtype, height, width, args.steps))
    return [
        replace(
            ones[0],
            seconds=median(one.seconds for one in ones),
            over=median(one.over for one in ones),
            peak=max(one.peak for one in ones),
        )
        for ones in found.values()
    ]


def in_a_process(model, dtype, height, width, steps):
    command = [sys.executable, __file__, "-m", model, "--dtype", dtype, "--steps", str(steps)]
    run = subprocess.run([*command, "--here", str(height), str(width)], capture_output=True, text=True)
    if run.returncode:
        reason = next(reversed(run.stderr.strip().splitlines()), f"exit code {run.returncode}")
        raise BenchError(reason.removeprefix("sizes: error: "))
    return Size(**json.loads(run.stdout))


def step_here(model, dtype, height, width, steps):
    """Measure one size in this process."""
    net, rng = pydream.load_net(model, dtype=dtype), np.random.RandomState(0)
    end, src = default_layer(model), net.blobs["data"]
    src.reshape(1, 3, height, width)
    src.data[0] = image(height, width, net.mean)

    def step():
        pydream.make_step(net, end=end, rng=rng)

    for _ in range(2):  # the first traces
        step()
    peak = peak_memory()
    outcome = race(Contest(model, {"step": step}, SAME_BITS, {FLOOR: matrix_product(dtype)}), 0, steps, 0)
    floor = floor_seconds(1, multiplications(net.graph, end, (height, width)))
    return Size(height, width, outcome.seconds("step").median, outcome.ratio("step", FLOOR) / floor, peak)


def dimensions(megapixels):
    height = round((megapixels * 1e6 / ASPECT) ** 0.5)
    return height, round(height * ASPECT)


def cells(found):
    return [
        table.size(found.height, found.width),
        table.digits(found.megapixels, 2),
        table.seconds(found.seconds),
        table.seconds(found.seconds / found.megapixels),
        table.digits(found.over),
        table.memory(found.peak),
    ]


def promises(found):
    """Rows of the last table."""
    for (model, dtype), rows in found.items():
        exponent = growth(rows)
        first, last = (table.digits(each.megapixels, 2) for each in (rows[0], rows[-1]))
        what = f"{model}, {dtype}, {first} to {last} megapixels"
        yield [what, f"≤ {MOST_GROWTH}", f"{exponent:.3f}", "yes" if exponent <= MOST_GROWTH else "NO"]


def growth(rows):
    """The slope of log time over log pixels: 1 where time is proportional to the pixels."""
    if len(rows) < 2:
        return float("nan")
    pixels = np.array([each.megapixels for each in rows])
    return np.polyfit(np.log(pixels), np.log(pixels * [each.over for each in rows]), 1)[0]


def draw(found, about, path):
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    ink, faint = "#1f2933", "#d5dbe1"
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    time, memory = figure.subplots(1, 2)
    models = list(dict.fromkeys(model for model, _ in found))
    for (model, dtype), rows in found.items():
        colour = COLOURS[models.index(model) % len(COLOURS)]
        hollow = dtype == EXACT
        look = {
            "color": colour,
            "linestyle": "--" if hollow else "-",
            "marker": "o",
            "markersize": 5,
            "markerfacecolor": "white" if hollow else colour,
        }
        pixels = np.array([each.megapixels for each in rows])
        seconds = np.array([each.seconds for each in rows])
        middle = np.argmin(np.abs(pixels - 1))
        time.plot(pixels, seconds, **look, label=f"{model}, {dtype}: pixels^{growth(rows):.2f}")
        time.plot(pixels, seconds[middle] * pixels / pixels[middle], ":", color="#616e7c", linewidth=1)
        memory.plot(pixels, [each.peak / 1e9 for each in rows], **look, label=f"{model}, {dtype}")
    time.plot([], [], ":", color="#616e7c", linewidth=1, label="in proportion to the pixels")
    time.set(xscale="log", yscale="log")
    time.set_ylim(top=2 ** (len(found) + 1) * time.get_ylim()[1] / 4)  # room for the legend
    time.set_xticks(pixels)
    time.xaxis.set_minor_locator(NullLocator())
    time.xaxis.set_major_formatter(lambda value, _: f"{value:.2g}")
    time.yaxis.set_major_formatter(lambda value, _: table.seconds(value).replace(".00 ", " ").replace(".0 ", " "))
    memory.yaxis.set_major_formatter(lambda value, _: f"{value:g} GB")
    memory.set(xlim=(0, None), ylim=(0, None))
    for axes, title in ((time, "Time of a step"), (memory, "Most memory, whole process")):
        axes.set_title(title, loc="left", fontsize=11, color=ink)
        axes.set_xlabel("megapixels", fontsize=9, color=ink)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(faint)
        axes.tick_params(which="both", length=0, labelsize=9, colors=ink)
        axes.grid(color=faint, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.legend(frameon=False, fontsize=9, labelcolor=ink, loc="upper left")
    when, cpu, _, versions = as_lines(about)
    figure.supxlabel(f"{cpu} · {versions}\n{when}", x=0.01, ha="left", fontsize=7, color="#616e7c")
    with written_whole(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lower().lstrip("."), dpi=150, facecolor="white")


if __name__ == "__main__":
    main()
