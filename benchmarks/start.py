"""All that is not steps: of a first dream, of the whole command, and of each picture of a batch.

    python benchmarks/start.py [first | command | batch | bare ...] [--rounds N] [--pictures N]

Each is measured in fresh processes with the built-in network, squeezenet_v1.1, float32, 4 octaves of 10 steps:

first    `deepdream` on a picture of 768x512 in a process that has imported TensorFlow and loaded the network.
command  `pydream dream` on that picture, from the start of its process to its end, without `import tensorflow`, which
         is timed in a process that does nothing else, the garbage collector off as in pydream's import.
batch    `pydream dream FOLDER -o FOLDER`: a picture of 320x240, from its first step to the next picture's first step;
         the mean without the first picture. Then the same with pictures of as many sizes.
bare     the same for the least program that dreams (`benchmarks/bare.py`), in turns with the command: what a bound
         leaves for all that pydream does beside that program.

Steps are the median step of each octave times its steps, as in `pydream.bench.whole`: what the first step of an octave
takes beyond it, for building functions, is not a step. Of `first` and `command` the median of the rounds counts.

`--rounds 1 --pictures 12` is a quick look: 75 s on two cores that three other programs shared.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from types import SimpleNamespace

import numpy as np
from timed_command import OCTAVES, STEPS

import pydream
from pydream.bench import table
from pydream.bench.inputs import picture
from pydream.bench.machine import as_lines, machine
from pydream.bench.whole import Request, breakdown, whole_dream
from pydream.media import write_image

MODEL = "squeezenet_v1.1"
IMPORT = """
import gc, time
gc.disable()
began = time.perf_counter()
import tensorflow
print(time.perf_counter() - began)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="of first, command, batch and bare; all by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=100, help="in a batch")
    args = parser.parse_args()
    measures = {"first": first, "command": command, "batch": batch, "bare": bare}
    if not set(args.what) <= set(measures) or args.rounds < 1 or args.pictures < 3:
        parser.error("expected first, command, batch or bare; --rounds: at least 1; --pictures: at least 3")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's second command finds compiled files
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(Path(pydream.__file__).parents[1])}
    try:
        began = perf_counter()
        print("\n".join(as_lines(machine())))
        with tempfile.TemporaryDirectory() as folder:
            rows = [row for what in args.what or measures for row in measures[what](Path(folder), args)]
        print(f"all of it took {perf_counter() - began:.0f} s")
    except pydream.PydreamError as error:
        sys.exit(f"start: error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print()
    print(table.table(["all that is not steps", "wanted", "measured", "kept"], [cells(*row) for row in rows]))


def cells(what, bound, seconds):
    """Return a row's cells."""
    wanted = "" if bound is None else f"<= {shown(bound)}"
    kept = "" if bound is None else "yes" if seconds <= bound else "NO"
    return [what, wanted, shown(seconds), kept]


def shown(seconds):
    """Write seconds with three digits."""
    return f"{seconds:.3g} s" if seconds >= 0.1 else f"{seconds * 1000:.3g} ms"


def first(_, args):
    """Yield the row of the first dream."""
    request = Request(MODEL, None, None, 768, 512, OCTAVES, STEPS, dreams=1)
    dreams = [whole_dream(request).dreams[0] for _ in range(args.rounds)]
    found = sorted((dream.total - dream.steps, dream.building) for dream in dreams)
    print(f"first: {', '.join(f'{rest:.3f} s, of which building {building:.3f} s' for rest, building in found)}")
    yield "first dream, 768x512", 0.35, median(rest for rest, _ in found)


def command(folder, args):
    """Yield the row of the command."""
    picture_in = write(folder / "in.png", 512, 768)
    beyond = [one_picture(pydream_dream, "command", folder, picture_in, "--force") for _ in range(args.rounds + 1)]
    yield "pydream dream, 768x512, without TensorFlow's import", 0.7, median(beyond[1:])  # the first may compile files


def batch(folder, args):
    """Yield the rows of the batches."""
    for name, what, bound, spread in (("same", "of 320x240", 0.015, 0), ("sizes", "of various sizes", None, 1)):
        pictures = write_pictures(folder / name, args.pictures, spread)
        beyond = mean(many_pictures(pydream_dream, f"batch {what}", folder, pictures)[0])
        yield f"{args.pictures} pictures {what}, a picture", bound, beyond


def bare(folder, args):
    """Yield the rows of the least program."""
    net = pydream.load_net(MODEL, runtime="numpy")
    arrays = {}
    for name, (kernel, bias) in net.params.items():
        arrays |= {name: kernel.data.transpose(2, 3, 1, 0), f"{name}/bias": bias.data.ravel()}
    np.savez(folder / "weights.npz", **arrays)
    picture_in = write(folder / "in.png", 512, 768)
    found = []
    for _ in range(args.rounds):
        found.append(one_picture(bare_dream, "bare", folder, picture_in))
        one_picture(pydream_dream, "command", folder, picture_in, "--force")
    yield "the least program, 768x512, without TensorFlow's import", None, median(found)
    pictures = write_pictures(folder / "bare", args.pictures, 0)
    many_pictures(pydream_dream, "batch", folder, pictures)
    beyond, files = many_pictures(bare_dream, "bare", folder, pictures)
    yield f"the least program, {args.pictures} pictures of 320x240, a picture", None, mean(beyond)
    yield "the same without reading and writing files", None, mean(beyond) - mean(files)


def one_picture(run_dream, name, folder, path, *more):
    """Return the seconds that a program takes beyond TensorFlow's import and its steps."""
    imported = float(run("-c", IMPORT))
    seconds, (made,) = run_dream(folder, path, "-o", folder / "out.png", *more)
    parts = breakdown_of(made, 0)
    beyond = seconds - imported - parts.steps
    print(
        f"{name}: {seconds:.3f} s - import {imported:.3f} s - steps {parts.steps:.3f} s = {beyond:.3f} s, of which "
        f"building {parts.building:.3f} s"
    )
    return beyond


def many_pictures(run_dream, name, folder, pictures):
    """Return each picture's seconds beyond its steps, but for the first, and those of reading and writing, if known."""
    with tempfile.TemporaryDirectory(dir=folder) as results:
        seconds, made = run_dream(folder, pictures, "-o", results)
    totals = [after["began"] - each["began"] for each, after in pairwise(made)]
    beyond = [total - breakdown_of(each, total).steps for total, each in zip(totals, made[:-1], strict=True)][1:]
    print(f"{name}: {seconds:.1f} s, a picture {mean(totals[1:]):.3f} s; beyond steps, median: {shown(median(beyond))}")
    return beyond, [each["writing"] + after["reading"] for each, after in pairwise(made[1:]) if "writing" in each]


def write_pictures(folder, count, spread):
    """Write pictures of 320x240, or, with a spread of 1, of as many sizes; return their folder."""
    folder.mkdir()
    for i in range(count):
        write(folder / f"{i:03}.png", 240 - i * spread, 320 - i % 50 * spread, i)
    return folder


def write(path, height, width, seed=0):
    """Write a picture; return its path."""
    write_image(path, picture(height, width, seed))
    return path


def breakdown_of(made, total):
    """Return the parts of a picture's dream."""
    return breakdown(total, SimpleNamespace(**made["net"]), made["taken"], OCTAVES, STEPS)


def run(*args):
    """Run Python in a process; return its output."""
    done = subprocess.run([sys.executable, *map(str, args)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise pydream.PydreamError(f"{args} failed: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def pydream_dream(folder, *args):
    """Run `pydream dream`, its steps timed; return the seconds of its process, and the readings of each picture."""
    return timed(folder, "timed_command.py", folder / "readings.json", "dream", *args)


def bare_dream(folder, *args):
    """Run the least program; return the same."""
    return timed(folder, "bare.py", folder / "weights.npz", folder / "readings.json", *args)


def timed(folder, program, *args):
    """Run a program beside this one; return the seconds of its process, and the readings that it wrote."""
    began = perf_counter()
    run(Path(__file__).with_name(program), *args)
    return perf_counter() - began, json.loads((folder / "readings.json").read_text())


if __name__ == "__main__":
    main()
