"""The cost of tiles: a step of a large picture compared with one of 1024x575, or a whole dream, in limited memory.

    python benchmarks/tiles.py [--model NAME] [--size WxH] [--memory BYTES]
    python benchmarks/tiles.py [--model NAME] [--size WxH] [--memory BYTES] --dream

A step is measured in a fresh process, and is the second of two, as the first traces functions. A dream is `pydream
dream` on a picture file, with four octaves of one step each. Memory is the kernel's maximum of what the process had
resident.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from tables import markdown

import pydream
from pydream.bench import table
from pydream.bench.machine import as_lines, machine
from pydream.dream.notebook import dream_copies
from pydream.media import write_image
from pydream.tiles.fitting import choose_side
from pydream.tiles.plan import plan_tiles
from pydream.zoo.load import default_layer

SMALL = (575, 1024)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", default="squeezenet_v1.1")
    parser.add_argument("--size", default="7680x4320")
    parser.add_argument("--memory", type=int, default=4 * 10**9)
    parser.add_argument("--dream", action="store_true")
    parser.add_argument("--here", nargs=2, type=int, help=argparse.SUPPRESS)  # measure one size, in this process
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        if args.here:
            print(json.dumps(step_here(args.model, *args.here, args.memory)))
            return
        print("\n".join(as_lines(machine())))
        width, height = map(int, args.size.split("x"))
        print(f"\n{args.model} to {default_layer(args.model)}, float32, memory {args.memory / 1e9:g} GB\n")
        if args.dream:
            dream(args, height, width)
        else:
            steps(args, [SMALL, (height, width)])
    except pydream.PydreamError as error:
        sys.exit(f"tiles: error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def steps(args, sizes):
    """Print a row per size; the second's cost per pixel is also a multiple of the first's."""
    rows, first = [], None
    for height, width in sizes:
        command = [sys.executable, __file__, "-m", args.model, "--memory", str(args.memory)]
        found, peak = run([*command, "--here", str(height), str(width)])
        step = json.loads(found)
        pixels = height * width / 1e6
        each = np.array([step["seconds"], step["processor"]]) / pixels
        first = each if first is None else first
        wall, processor = (f"{table.seconds(s)}, {s / f:.2f} times" for s, f in zip(each, first, strict=True))
        rows.append([table.size(height, width), step["plan"], wall, processor, table.memory(peak)])
    print(markdown(["a step at", "tiles", "a megapixel", "processor time a megapixel", "most memory"], rows))


def step_here(model, height, width, memory):
    """The seconds of one step, of the clock and of all threads, and its tiles."""
    net = pydream.load_net(model)
    end, rng = default_layer(model), np.random.RandomState(0)

    net.blobs["data"].reshape(1, 3, height, width)
    pydream.preprocess(net, rng.randint(0, 256, (height, width, 3), np.uint8), out=net.blobs["data"].data[0])
    copies = dream_copies() - 1  # the image exists already
    small = (height, width) == SMALL
    side = 0 if small else choose_side(net, [end], height, width, memory, copies)
    plan = plan_tiles(net, [end], height, width, side) if side else None
    for _ in range(2):
        start, used = perf_counter(), process_time()
        pydream.make_step(net, end=end, rng=rng, tile=side)
        seconds, processor = perf_counter() - start, process_time() - used
    tiles = f"{len(plan)}, crops up to {plan.crop[1]}x{plan.crop[0]}, {plan.cost:.2f} times" if plan else "none"
    return {"seconds": seconds, "processor": processor, "plan": tiles}


def dream(args, height, width):
    """Print the time and the memory of a dream by the command."""
    with tempfile.TemporaryDirectory() as folder:
        picture, out = Path(folder) / "in.png", Path(folder) / "out.png"
        rng = np.random.RandomState(0)
        coarse = rng.randint(0, 256, (height // 16 + 1, width // 16 + 1, 3), np.uint8)
        write_image(picture, coarse.repeat(16, 0).repeat(16, 1)[:height, :width])
        start = perf_counter()
        command = [sys.executable, "-P", "-m", "pydream", "dream", picture, "-o", out, "--seed", "0"]
        _, peak = run([*command, "--model", args.model, "--memory", str(args.memory), "--iterations", "1"])
        print(f"{perf_counter() - start:.0f} s, most memory {table.memory(peak)}")


def run(command):
    """Run a command, showing its stderr; return its output and its most resident memory in bytes."""
    path = os.pathsep.join(filter(None, [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}) as process:
        found = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"tiles: error: {command[-1]}: exit code {process.returncode}")
    return found, usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
