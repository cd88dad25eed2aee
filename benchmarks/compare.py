"""pydream against other libraries: one network, one image, the same gradient, in turns.

    python benchmarks/compare.py [--model NAME] [--layer NAME] [--size WxH] [--seconds N] [--json]
    python benchmarks/compare.py --rows [--markdown]

The first times the network's side of a step, and then the whole step: jitter, gradient, ascent, clip, with the
notebook's NumPy expressions around the other libraries. It compares straightforward TensorFlow, PyTorch and Caffe, each
where it can be imported, with pydream in float32 and float64; the floor is the arithmetic of the convolutions at the
rate of a matrix product. Nothing is timed before the results are found to be the same.

The second prints every ratio that docs/performance.md promises, beside its bound. It needs GoogLeNet's weights
(PYDREAM_MODELS).
"""

import argparse
import os
import re
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import msgspec
import numpy as np
from rivals import RIVALS, NotHere, rival
from tables import markdown

import pydream
from pydream.bench import network, operations, table
from pydream.bench.floor import gflops
from pydream.bench.inputs import image
from pydream.bench.machine import as_lines, machine
from pydream.bench.timing import Agreement, Contest, race, within
from pydream.bench.whole import Request, whole_dream
from pydream.imageops import numpy_ops

SIZE = (575, 1024)
OURS = "pydream"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    subject_arguments(parser)
    parser.add_argument("--seconds", type=float, default=20, help="duration of each contest; default: 20")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rows", action="store_true", help="print every promised ratio")
    parser.add_argument("--markdown", action="store_true", help="print --rows as a table of Markdown")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        if args.rows:
            print_rows(args.seconds, markdown if args.markdown else table.table)
        else:
            compare(args)
    except (pydream.PydreamError, ValueError) as error:
        sys.exit(f"compare: error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


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


# Contests.


def present(subject, size, wanted=tuple(RIVALS)):
    """The rivals that can run this network, compared with ours; and for the others, the reason."""
    found, missing = [], {}
    for name in wanted:
        try:
            each = rival(name, subject)
            each.way(image(*size, subject.net.mean))()  # raises where it has no such layer
            found.append(each)
        except NotHere as error:
            missing[name] = str(error)
    network.expect_same_gradients(subject, [ours(subject), *found], size)
    return found, missing


def ours(subject):
    return network.passes_of(subject.net, subject.end, OURS)


def exact(subject, size):
    """float64 against float32."""
    both = [network.passes_of(subject.load(dtype), subject.end, dtype) for dtype in (network.FAST, network.EXACT)]
    network.expect_same_gradients(subject, both, size)
    return network.contest(subject, size, both)


def steps(subject, size, rivals):
    """The notebook's step, around a rival with the notebook's NumPy; each has its own image, and the same shifts."""
    net, end = subject.net, subject.end
    low, high = -net.mean, 255 - net.mean
    start = image(*size, net.mean)

    def our_step():
        rng, src = np.random.RandomState(0), net.blobs["data"]
        src.reshape(1, 3, *size)
        src.data[0] = start

        def way():
            pydream.make_step(net, end=end, rng=rng)
            return src.data[0]

        return way

    def their_step(each):
        rng, own = np.random.RandomState(0), start.copy()

        def way():
            ox, oy = rng.randint(-32, 33, 2)
            g = each.gradient(numpy_ops.to_tensor(own, ox, oy, each.channels_last))
            numpy_ops.ascend_tensor(own, g, 1.5, ox, oy, low, high, each.channels_last)
            return own

        return way

    ways = {OURS: our_step(), **{each.name: their_step(each) for each in rivals}}
    near = within(network.POOLING_ALLOWED)
    # The changes that the first step makes are compared.
    added = Agreement(near.words, lambda one, other: near.check((one[0] - start,), (other[0] - start,)))
    return Contest(f"{subject.model}'s step, {table.size(*size)}", ways, added)


# One network.


def compare(args):
    subject = network.Subject.find(args.model, args.weights, args.layer, stand_in=True)
    about = machine()
    rivals, missing = present(subject, args.size)
    found = {
        "gradient": race(network.contest(subject, args.size, [ours(subject), *rivals]), args.seconds),
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


# The promises.


def print_rows(seconds, lay_out):
    about = machine()
    with suppress(PackageNotFoundError):
        about["versions"]["PyTorch"] = version("torch")
    print("\n".join(as_lines(about)))
    rows = []
    for what, most, measured, *work in promises(seconds):
        if isinstance(measured, str):
            rows.append([what, most, f"not measured: {measured}", "", ""])
        else:
            within_it = measured <= float(most.split()[0])
            unit = most.partition(" ")[2]
            rows.append([what, f"≤ {most}", f"{table.digits(measured)} {unit}".strip(), "yes" if within_it else "NO"])
            rows[-1].append(table.digits(work[0]) if work else "")
        print(f"{len(rows)}: {what}: {rows[-1][2]}", file=sys.stderr)
    print()
    print(lay_out(["what", "promised", "measured", "kept", "in processor time"], rows))


def promises(seconds):
    """Yield (what, the promised maximum, the measured value or why there is none[, the same in processor time])."""
    at = f"{SIZE[0]}×{SIZE[1]}"
    yield from googlenet_rows(at, seconds)
    for model, layer in (("squeezenet_v1.1", "fire8/concat"), ("bvlc_alexnet", "conv4")):
        subject = network.Subject.find(model, None, layer, stand_in=True)
        weights = ", random weights" if subject.stand_in else ""
        outcome = race(network.contest(subject, SIZE, [ours(subject)]), seconds / 2)
        yield f"{model} {layer}, gradient over the floor{weights}", "1.6", *over_floor(outcome, subject)
    images = {
        operations.STEP: (f"{operations.STEP}, {at}: C++ over the notebook's NumPy", "0.1"),
        "zoom up": ("zoom 411×731 → 575×1024: C++ over SciPy's", "0.033"),
        "zoom down": ("zoom 575×1024 → 411×731: C++ over SciPy's", "0.033"),
    }
    for name, contest in zip(operations.names(), operations.contests(SIZE), strict=True):
        if name in images:
            yield *images[name], *ratios(race(contest, min(seconds, 5), 9), "native", "numpy")
    yield from dream_rows(at)


def over_floor(outcome, subject):
    """The ratio in time, and in processor time."""
    floor = network.floor_of(outcome, subject, SIZE).median / outcome.seconds(network.FLOOR).median
    return tuple(ratio / floor for ratio in ratios(outcome, OURS, network.FLOOR))


def ratios(outcome, name, over):
    """The ratio in time, and in processor time."""
    return outcome.ratio(name, over), median(outcome.work[name]) / median(outcome.work[over])


def googlenet_rows(at, seconds):
    rivals = {"tensorflow": ("TensorFlow, straightforward", "0.72"), "torch": ("PyTorch, channels_last", "0.35")}
    first = f"GoogLeNet 4c, {at}, gradient over"
    last = "the same in float64 over float32"
    try:
        subject = network.Subject.find("bvlc_googlenet")
    except pydream.PydreamError as error:
        yield f"{first} the floor", "1.25", str(error)
        for about, most in rivals.values():
            yield f"{first} {about}", most, "likewise"
        yield last, "6", "likewise"
        return
    found, missing = present(subject, SIZE, tuple(rivals))
    outcome = race(network.contest(subject, SIZE, [ours(subject), *found]), seconds, 9)
    yield f"{first} the floor", "1.25", *over_floor(outcome, subject)
    for name, (about, most) in rivals.items():
        yield f"{first} {about}", most, *([missing[name]] if name in missing else ratios(outcome, OURS, name))
    yield last, "6", *ratios(race(exact(subject, SIZE), seconds / 2), network.EXACT, network.FAST)


def dream_rows(at):
    names = {
        "image operations and zooms, of the whole": "2 %",
        "all that is not steps, over the steps": "10 %",
        "building functions again in a later dream, over its steps": "1 %",
        "most memory resident, the whole process": "1.2 GB",
    }
    try:
        whole = whole_dream(Request("bvlc_googlenet", None, "inception_4c/output", SIZE[1], SIZE[0], dreams=4))
    except pydream.PydreamError as error:
        for name, most in names.items():
            yield f"GoogLeNet's dream, {at}, 4×10: {name}", most, str(error)
        return
    first, *others = whole.dreams
    again = median(each.building / each.steps for each in others)
    found = [100 * first.image_share, 100 * first.not_steps, 100 * again, whole.peak / 1e9]
    for (name, most), measured in zip(names.items(), found, strict=True):
        yield f"GoogLeNet's dream, {at}, 4×10: {name}", most, measured


if __name__ == "__main__":
    main()
