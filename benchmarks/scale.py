"""What workers gain and cost: many pictures, the tiles of one, transfers, and the command's own process.

    python benchmarks/scale.py [PART ...] [--model NAME] [--workers N ...] [--count N] [--tile N] [--dtype NAME ...]
                               [--rounds N] [--markdown]

PARTs are pictures, tiles, data and client; the default is all. Rows of the first two are commands in processes of their
own; commands that are compared take turns, `--rounds` times, and the best round counts. In float64 every picture is
compared with the one that a single process made.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from PIL import Image
from tables import markdown

import pydream
from pydream.bench import table
from pydream.bench.machine import as_lines, machine
from pydream.cluster.workers import local
from pydream.media import read_image, write_image
from pydream.record.provenance import pixels_sha256

ROOT = Path(__file__).resolve().parents[1]
SKY = ROOT / "examples" / "sky.jpg"
PICTURE = (240, 320)
LARGE = (1080, 1920)
DTYPES = ("float32", "float64")
PAYLOADS = {
    "nothing": np.zeros(0, np.uint8),
    "a picture of 320x240": np.zeros((240, 320, 3), np.uint8),
    "a picture of 12 megapixels": np.zeros((3000, 4000, 3), np.uint8),
    "a crop of 1584x1392, float32": np.zeros((3, 1392, 1584), np.float32),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("-m", "--model", default="squeezenet_v1.1")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="besides none; default: 1 2")
    parser.add_argument("--count", type=int, default=24, help="number of pictures")
    parser.add_argument("--tile", type=int, default=512, help="side of the tiles of the large picture")
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=DTYPES)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    unknown = set(args.parts) - set(PARTS)
    if unknown or args.count < 4 or args.rounds < 1:
        parser.error(f"no part {', '.join(unknown)}" if unknown else "--count: at least 4; --rounds: at least 1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print("\n".join(as_lines(machine())))
    lay_out = markdown if args.markdown else table.table
    for part in args.parts or PARTS:
        about, head, rows = PARTS[part](args)
        print(f"\n{about}\n\n{lay_out(head, rows)}", flush=True)


def pictures(args):
    """Many small pictures: the rate once all workers are busy, and the time until the first."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "in"
        given.mkdir()
        for number in range(args.count):
            resized(PICTURE).rotate(number).save(given / f"{number:03d}.png")
        for dtype in args.dtype:
            found = taking_turns(args, lambda count, dtype=dtype: many(args, given, dtype, count))
            alone = found[None].rate
            for count, took in found.items():
                cells = [table.seconds(took.start), f"{took.rate:.2f}", f"{took.rate / alone:.2f}"]
                rows.append([f"{dtype}, {named(count)}", table.seconds(took.whole), *cells])
    height, width = PICTURE
    about = f"{args.count} pictures of {width}x{height}, {args.model}, 4 octaves of 10 steps"
    return about, ["", "whole command", "until the first", "then pictures a second", "over one process"], rows


def tiles(args):
    """One picture in tiles."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large.png"
        resized(LARGE).save(large)
        for dtype in args.dtype:
            found = taking_turns(args, lambda count, dtype=dtype: one(args, large, dtype, count))
            for count, seconds in found.items():
                rows.append([f"{dtype}, {named(count)}", table.seconds(seconds), f"{found[None] / seconds:.2f}"])
    height, width = LARGE
    about = f"{width}x{height} in tiles of {args.tile} pixels, {args.model}, one octave"
    return about, ["", "a step", "over one process"], rows


def data(args):
    """Arrays to a worker and back, one at a time."""
    rows = []
    with local(1, 1) as cluster:
        for name, array in PAYLOADS.items():
            times = []
            for _ in range(8):
                start = time.perf_counter()
                ((_, outcome),) = cluster.run(np.copy, [(name, array)])
                times.append(time.perf_counter() - start)
                assert outcome.get().shape == array.shape
            each = median(times[1:])
            speed = f"{2 * array.nbytes / 1e6 / each:.0f} MB/s" if array.nbytes else ""
            rows.append([name, f"{2 * array.nbytes / 1e6:.2f} MB", table.seconds(each), speed])
    return "data to one worker of this machine and back (TLS)", ["", "both ways", "time", ""], rows


def client(args):
    """The part of a dream's work that the command does in its own process."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in ((240, 320), (683, 1024), (3000, 4000)):
            pixels, given = np.asarray(resized(size)), Path(folder) / "in.jpg"
            write_image(given, pixels)
            calls = [
                partial(read_and_hash, given),
                partial(write_image, Path(folder) / "out.png", pixels),
                partial(write_image, Path(folder) / "out.jpg", pixels),
            ]
            rows.append([table.size(*size), *(table.seconds(median(map(seconds_of, [call] * 3))) for call in calls)])
    return "a picture in the command's own process", ["", "read JPEG, hash", "write PNG", "write JPEG"], rows


def read_and_hash(path):
    return pixels_sha256(read_image(path))


def seconds_of(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


PARTS = {"pictures": pictures, "tiles": tiles, "data": data, "client": client}


def taking_turns(args, measure):
    """The best of some rounds for each number of workers; None is one process without workers."""
    found = {count: [] for count in (None, *args.workers)}
    for _ in range(args.rounds):
        for count, measured in found.items():
            measured.append(measure(count))
    return {count: min(measured) for count, measured in found.items()}


class Took(NamedTuple):
    """Seconds of the whole command, seconds until the first picture, and pictures per second from then on."""

    whole: float
    start: float
    rate: float


def many(args, given, dtype, count):
    """Dream on a folder, and compare with the pictures of the run without workers."""
    out = given.with_name(f"out-{dtype}-{count}")
    options = ("-m", args.model, "--dtype", dtype, "--seed", 1, "--force", *workers(count))
    lines = timed("dream", given, "-o", out, *options)
    wrote = [seconds for seconds, line in lines if line.startswith("wrote")]
    first = given.with_name(f"out-{dtype}-None")
    for path in out.iterdir():
        same = (Image.open(path).tobytes() == Image.open(first / path.name).tobytes()) or dtype == "float32"
        assert same, f"{path} is another picture"
    skipped = max(count or 1, 1)  # the workers' first ones include loading the network
    return Took(lines[-1][0], wrote[0], (len(wrote) - skipped) / (wrote[-1] - wrote[skipped - 1]))


def one(args, large, dtype, count):
    """Seconds of a step: a dream of five steps minus one of one, over four."""
    options = ("-m", args.model, "--octaves", 1, "--tile", args.tile, "--dtype", dtype, "--seed", 1, *workers(count))
    took = {n: timed("dream", large, "-o", large.with_name("o.png"), "-n", n, *options)[-1][0] for n in (1, 5)}
    return (took[5] - took[1]) / 4


def timed(*arguments):
    """Run a command; return its lines on stderr with their times, and last the time of its end."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "pydream", *map(str, arguments)], stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    lines = [(time.perf_counter() - start, line) for line in process.stderr]
    if process.wait():
        sys.exit(f"scale: error: {lines[-1][1] if lines else process.returncode}")
    return [*lines, (time.perf_counter() - start, "")]


def workers(count):
    return [] if count is None else ["--workers", count]


def named(count):
    return "one process" if count is None else f"{count} worker{'s' if count > 1 else ''}"


def resized(size):
    return Image.open(SKY).convert("RGB").resize(size[::-1])


if __name__ == "__main__":
    try:
        main()
    except pydream.PydreamError as error:
        sys.exit(f"scale: error: {error}")
