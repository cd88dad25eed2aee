"""The time of a step's gradient by kind of operation, from TensorFlow's own profiler.

    python benchmarks/profile.py [--model NAME] [--layer NAME] [--size WxH] [--steps N] [--operations N]

With PYDREAM_NUM_THREADS=1 the milliseconds add up to the step; with more threads, operations run at the same time and
slow each other down. The floor of the arithmetic is printed too (see docs/performance.md).
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median
from time import perf_counter

from compare import subject_arguments

import pydream
from pydream.bench import network, table
from pydream.bench.floor import floor_seconds, matrix_product, multiplications
from pydream.bench.inputs import image
from pydream.bench.machine import as_lines, machine
from pydream.runtime.on_tensorflow.door import tensorflow


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    subject_arguments(parser)
    parser.add_argument("--steps", type=int, default=10, help="default: 10")
    parser.add_argument("--operations", type=int, default=0, help="also list so many single operations")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        subject = network.Subject.find(args.model, args.weights, args.layer, stand_in=True)
        profile(subject, args)
    except pydream.PydreamError as error:
        sys.exit(f"profile: error: {error}")


def profile(subject, args):
    print("\n".join(as_lines(machine())))
    way = network.passes_of(subject.net, subject.end, "").way(image(*args.size, subject.net.mean))
    product = matrix_product()
    for _ in range(3):
        way()
        product()
    seconds, products = [], []
    for _ in range(args.steps):
        seconds.append(timed(way))
        products.append(timed(product))
    floor = floor_seconds(median(products), multiplications(subject.graph, subject.end, args.size))
    step = median(seconds)
    print(f"\n{subject.model} to {subject.end}, {table.size(*args.size)}: {1e3 * step:.1f} ms a step, unprofiled")
    print(f"{1e3 * floor:.1f} ms its floor, {step / floor:.3f} over it\n")
    kinds, single = Counter(), Counter()
    for name, kind, took in operations(way, args.steps):
        kinds[kind] += took
        single[f"{kind} {name}"] += took
    print_table(kinds.most_common())
    if args.operations:
        print_table(single.most_common(args.operations))


def print_table(found):
    print(table.table(["ms a step", "operation"], [[f"{ms:.2f}", name] for name, ms in found]) + "\n")


def timed(way):
    start = perf_counter()
    way()
    return perf_counter() - start


def operations(way, steps):
    """Yield (name, type, milliseconds per step) for every operation that TensorFlow ran."""
    tf = tensorflow()
    from tensorflow.tsl.profiler.protobuf.xplane_pb2 import XSpace  # the profiler's own file

    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(steps):
            way()
        tf.profiler.experimental.stop()
        (file,) = Path(folder).rglob("*.xplane.pb")
        space = XSpace.FromString(file.read_bytes())
    for plane in space.planes:
        for line in plane.lines if "host:CPU" in plane.name else []:
            for event in line.events:
                name, _, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
                if name and kind.isidentifier() and ":" not in name:
                    yield name, kind, event.duration_ps / 1e9 / steps


if __name__ == "__main__":
    main()
