"""Run dreams under one limit on address space after the other, and look whether each is made, or ends in one line.

    python tests/starve.py
    python tests/starve.py --limits 2,2.5,3 --sizes 2400x1600 --dtypes float32

A dream that ends in anything else, as in a core dump, is an exit code of 1.
"""

import itertools
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import numpy as np
from PIL import Image

COMMANDS = {
    "dream": ["dream", "in.png", "-o", "out.png"],
    "zoom": ["zoom", "in.png", "-o", "out", "--frames", "2", "--force"],
}


def starved(arguments: list[str], folder: str, limit: float) -> str:
    """Tell how a command ends that may have so many gigabytes of address space."""
    most = int(limit * 1e9)
    ended = subprocess.run(
        [sys.executable, "-m", "pydream", *arguments],
        cwd=folder,
        env={"PYDREAM_NUM_THREADS": "1", **os.environ},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode == 0:
        return "made"
    # The other is NumPy's, which cannot be imported where there is too little for OpenBLAS.
    if ended.returncode == 1 and re.fullmatch(r"(pydream: error|OpenBLAS error): .*\n", ended.stderr):
        return "line"
    return f"WRONG: {ended.returncode}, {ended.stderr[-200:]!r}"


def listed(_: click.Context, __: click.Parameter, value: str) -> list[str]:
    return value.split(",")


@click.command()
@click.option("--limits", default="0.1,0.5,1,1.5,1.8,2,2.2,2.5,3,4,6", callback=listed, help="Gigabytes.")
@click.option("--sizes", default="96x72,1200x800,2400x1600", callback=listed)
@click.option("--dtypes", default="float32,float64", callback=listed)
@click.option("--runtimes", default="tensorflow,numpy", callback=listed)
@click.option("--commands", default="dream,zoom", callback=listed)
def main(limits: list[str], sizes: list[str], dtypes: list[str], runtimes: list[str], commands: list[str]) -> None:
    """Print a row for each way to dream, and what came of it under each limit."""
    wrong = 0
    click.echo(f"| | {' | '.join(limits)} |")
    click.echo(f"| --- |{' --- |' * len(limits)}")
    for command, runtime, dtype, size in itertools.product(commands, runtimes, dtypes, sizes):
        width, height = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            pixels = np.random.RandomState(0).randint(0, 256, (height, width, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(Path(folder, "in.png"))
            options = ["--octaves", "1", "-n", "1", "--seed", "1", "-q", "--runtime", runtime, "--dtype", dtype]
            ends = [starved([*COMMANDS[command], *options], folder, float(limit)) for limit in limits]
        click.echo(f"| {command}, {runtime}, {dtype}, {size} | {' | '.join(ends)} |")
        wrong += sum(end.startswith("WRONG") for end in ends)
    if wrong:
        raise click.ClickException(f"{wrong} ended in another way than made, or in one line")


if __name__ == "__main__":
    main()
