"""pydream against other libraries: one network, one image, the same gradient, in turns.

    python benchmarks/compare.py [--model NAME] [--layer NAME] [--size WxH] [--seconds N] [--rivals NAME ...] [--json]
    python benchmarks/compare.py --rows [--only WORD ...] [--markdown]
    python benchmarks/compare.py --published [--markdown]

The first times the network's side of a step, and then the whole step: jitter, gradient, ascent, clip, with the
notebook's NumPy expressions around the libraries of this process. It compares each library of benchmarks/rivals that
can be imported with pydream in float32 and float64; the floor is the arithmetic of the convolutions at the rate of a
matrix product. Nothing is timed before the results are found to be the same.

The second prints every ratio that docs/performance.md promises, beside its bound (rows.py), or those that contain every
WORD; the third, whole dreams beside published times (published.py). Both need GoogLeNet's weights (PYDREAM_MODELS).
"""

import argparse
import os
import re
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import published
import rows
from contests import OURS, SETTLE, SIZE, exact, ours, present, steps
from rivals import RIVALS
from tables import markdown

import pydream
from pydream.bench import network, table
from pydream.bench.floor import gflops
from pydream.bench.machine import as_lines, machine
from pydream.bench.timing import race

LIBRARIES = {"PyTorch": "torch", "JAX": "jax", "ONNX Runtime": "onnxruntime", "OpenVINO": "openvino"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    subject_arguments(parser)
    parser.add_argument("--seconds", type=float, default=20, help="duration of each contest; default: 20")
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, default=RIVALS, metavar="NAME", help="default: all")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rows", action="store_true", help="print every promised ratio")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="of --rows, those with all these words")
    parser.add_argument("--published", action="store_true", help="print whole dreams beside published times")
    parser.add_argument("--markdown", action="store_true", help="print a table of Markdown")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    lay_out = markdown if args.markdown else table.table
    try:
        if args.rows or args.published:
            print("\n".join(as_lines(with_libraries(machine()))) + "\n")
            print(lay_out(*(rows.measured(args.seconds, args.only) if args.rows else published.measured())))
        else:
            compare(args)
    except (pydream.PydreamError, ValueError) as error:
        sys.exit(f"compare: error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def with_libraries(about):
    """Add the versions of the rivals' libraries to the machine's."""
    for title, package in LIBRARIES.items():
        with suppress(PackageNotFoundError):
            about["versions"][title] = version(package)
    return about


def subject_arguments(parser):
    """Add the options for what is measured: a network, its layer, and the size of the picture."""
    parser.add_argument("-m", "--model", default="bvlc_googlenet")
    parser.add_argument("-w", "--weights", type=Path)
    parser.add_argument("-l", "--layer", help="default: the network's own")
    parser.add_argument("--size", type=size, default=SIZE, help="default: 1024x575")


def size(text):
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size (expected WIDTHxHEIGHT, e.g. 1024x575)")
    return int(found[2]), int(found[1])


def compare(args):
    subject = network.Subject.find(args.model, args.weights, args.layer, stand_in=True)
    about = with_libraries(machine())
    with present(subject, args.size, args.rivals) as (rivals, missing):
        found = {
            "gradient": race(
                network.contest(subject, args.size, [ours(subject), *rivals]), args.seconds, between=SETTLE
            ),
            "step": race(steps(subject, args.size, rivals), args.seconds),
            "exact": race(exact(subject, args.size), args.seconds / 2),
        }
    floor = network.floor_of(found["gradient"], subject, args.size)
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(as_json(args, subject, about, found, floor, missing))).decode())
        return
    print("\n".join(as_lines(about)))
    weights = ", random weights, as the real ones are missing" if subject.stand_in else ""
    rate = gflops(found["gradient"].seconds(network.FLOOR).median)
    print(f"\n{subject.model} to {subject.end}, {table.size(*args.size)}, float32{weights}")
    print(f"{table.digits(subject.gmac(args.size), 4)} GMAC forward; matrix product {rate:.0f} GFLOP/s\n")
    print(table.table(["", "median (quartiles)", "pydream over it"], list(lines(found, floor))))
    print("\n" + "\n".join([each.about for each in rivals] + [f"{name}: {why}" for name, why in missing.items()]))


def lines(found, floor):
    """Rows of the table."""
    ours = found["gradient"].seconds(OURS)
    yield ["the gradient: floor", table.quartiles(floor), table.digits(ours.median / floor.median)]
    for what, outcome in (("the gradient", found["gradient"]), ("the whole step", found["step"])):
        for name in outcome.contest.ways:
            over = "" if name == OURS else table.digits(outcome.ratio(OURS, name))
            yield [f"{what}: {name}", table.quartiles(outcome.seconds(name)), over]
    yield [
        "the gradient: pydream, float64",
        table.quartiles(found["exact"].seconds(network.EXACT)),
        table.digits(found["exact"].ratio(network.FAST, network.EXACT)),
    ]


def as_json(args, subject, about, found, floor, missing):
    return {
        "machine": about,
        "model": subject.model,
        "layer": subject.end,
        "random_weights": subject.stand_in,
        "width": args.size[1],
        "height": args.size[0],
        "gmac": subject.gmac(args.size),
        "not_measured": missing,
        "floor_seconds": floor.as_json(),
        "contests": {
            name: {
                "agreement": outcome.contest.agreement.words,
                "rounds": outcome.rounds,
                "seconds": {way: outcome.seconds(way).as_json() for way in outcome.contest.ways},
            }
            for name, outcome in found.items()
        },
    }


if __name__ == "__main__":
    main()
