"""The time and memory of a step against the size of the picture, from 0.1 to 8 megapixels.

    python benchmarks/sizes.py [--model NAME ...] [--megapixels N ...] [--steps N] [--rounds N] [--plot FILE]

Each size is a dream of one octave in a fresh process, so that its memory is its own. Sizes take turns, `--rounds`
times; a size's step is the median of its rounds' median steps. `--markdown` prints tables of Markdown.
"""

import argparse
import os
import sys
from pathlib import Path
from statistics import median

import numpy as np
from tables import markdown

import pydream
from pydream.bench import table
from pydream.bench.machine import as_lines, machine
from pydream.bench.plot import matplotlib
from pydream.bench.whole import Request, whole_dream
from pydream.files import written_whole
from pydream.zoo.load import default_layer

MEGAPIXELS = (0.1, 0.25, 0.5, 1, 2, 4, 8)
ASPECT = 1024 / 575
GROWTH_FROM = 0.25  # megapixels: in smaller pictures, fixed costs show
COLOURS = ("#2a78b8", "#e08214", "#1b9e77")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", action="append", help="default: squeezenet_v1.1")
    parser.add_argument("--megapixels", type=float, nargs="+", default=MEGAPIXELS)
    parser.add_argument("--steps", type=int, default=5, help="in each dream; the first is not counted")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    models = args.model or ["squeezenet_v1.1"]
    if args.steps < 2 or args.rounds < 1:
        parser.error("--steps: at least 2; --rounds: at least 1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        if args.plot:
            matplotlib()
        about = machine()
        print("\n".join(as_lines(about)))
        found = {model: measure(model, args) for model in models}
    except pydream.PydreamError as error:
        sys.exit(f"sizes: error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    for model, rows in found.items():
        print(f"\n{model} to {default_layer(model)}, float32\n")
        lay_out = markdown if args.markdown else table.table
        print(lay_out(["size", "megapixels", "a step", "a megapixel", "most memory"], list(map(cells, rows))))
        print(f"\na step grows as pixels^{growth(rows):.2f} from {GROWTH_FROM} megapixels on")
    if args.plot:
        draw(found, about, args.plot)


def measure(model, args):
    """For each size: (height, width, seconds of a step, bytes)."""
    sizes = [dimensions(megapixels) for megapixels in sorted(args.megapixels)]
    seconds, memory = {size: [] for size in sizes}, dict.fromkeys(sizes, 0)
    for turn in range(args.rounds):
        for height, width in sizes:
            print(f"{model}, {width}x{height}, round {turn + 1} of {args.rounds}", file=sys.stderr)
            request = Request(model, None, None, width, height, octave_n=1, iter_n=args.steps, dreams=1)
            whole = whole_dream(request)
            seconds[height, width] += whole.dreams[0].step
            memory[height, width] = max(memory[height, width], whole.peak)
    return [(*size, median(seconds[size]), memory[size]) for size in sizes]


def dimensions(megapixels):
    height = round((megapixels * 1e6 / ASPECT) ** 0.5)
    return height, round(height * ASPECT)


def cells(row):
    height, width, seconds, memory = row
    pixels = height * width / 1e6
    return [
        table.size(height, width),
        table.digits(pixels, 2),
        table.seconds(seconds),
        table.seconds(seconds / pixels),
        table.memory(memory),
    ]


def growth(rows):
    """The slope of log time over log pixels: 1 where time is proportional to the pixels."""
    points = np.array([(h * w / 1e6, seconds) for h, w, seconds, _ in rows if h * w / 1e6 >= 0.9 * GROWTH_FROM])
    return np.polyfit(*np.log(points.T), 1)[0] if len(points) > 1 else float("nan")


def draw(found, about, path):
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    ink, faint = "#1f2933", "#d5dbe1"
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    time, memory = figure.subplots(1, 2)
    for colour, (model, rows) in zip(COLOURS, found.items(), strict=False):
        pixels = np.array([h * w / 1e6 for h, w, _, _ in rows])
        seconds = np.array([each for _, _, each, _ in rows])
        middle = np.argmin(np.abs(pixels - 1))
        time.plot(pixels, seconds, "o-", color=colour, label=f"{model}: pixels^{growth(rows):.2f}")
        time.plot(pixels, seconds[middle] * pixels / pixels[middle], ":", color=colour, linewidth=1)
        memory.plot(pixels, [each / 1e9 for _, _, _, each in rows], "o-", color=colour, label=model)
    time.plot([], [], ":", color=ink, linewidth=1, label="in proportion to the pixels")
    time.set(xscale="log", yscale="log")
    time.set_xticks([h * w / 1e6 for h, w, _, _ in rows])
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
