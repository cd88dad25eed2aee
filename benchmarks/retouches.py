"""The time of a step with each retouch, relative to a plain one.

    python benchmarks/retouches.py [--model NAME] [--size WxH] [--seconds N] [--markdown]

Steps take turns. Processor time counts the work of all threads, also where other programs use the machine.
"""

import argparse
import os
from functools import partial

import numpy as np
from tables import markdown

import pydream
from pydream import retouch
from pydream.bench import table, timing
from pydream.bench.machine import as_lines, machine
from pydream.dream.images import as_image

RETOUCHES = [
    *(
        retouch.Robust(),
        retouch.Smooth(1),
        retouch.Laplacian(4),
        retouch.Decorrelate(1),
        retouch.DecorrelateColors(),
        retouch.TotalVariation(0.3),
    ),
    *(retouch.PullBack(0.02), retouch.KeepColors(), retouch.Mask([[0, 1]])),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", default="squeezenet_v1.1")
    parser.add_argument("--size", default="1024x575")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print("\n".join(as_lines(machine())))
    net = pydream.load_net(args.model)
    width, height = map(int, args.size.split("x"))
    picture = np.random.RandomState(0).randint(0, 256, (height, width, 3), np.uint8)
    net.resize(height, width)
    as_image(net, picture, out=net.image.data[0])
    base = net.image.data[0].copy()
    ways = {type(each).__name__: partial(step, net, [each.at(base)]) for each in RETOUCHES}
    contest = timing.Contest("a step", {"plain": partial(step, net, [])}, timing.SAME_BITS, ways)
    timings = timing.race(contest, args.seconds)
    work = {name: timing.Quartiles.of(samples).median for name, samples in timings.work.items()}
    rows = [
        [name, f"{timings.seconds(name).median:.3f} s", f"{work[name]:.3f} s", f"{work[name] / work['plain']:.2f}"]
        for name in work
    ]
    lay_out = markdown if args.markdown else table.table
    print(f"\n{args.model}, {args.size}, float32, {timings.rounds} rounds\n")
    print(lay_out(["retouch", "a step", "processor time", "to a plain step's"], rows))


def step(net, retouches):
    pydream.make_step(net, rng=np.random.RandomState(0), retouches=retouches)
    return net.image.data[0]


if __name__ == "__main__":
    main()
