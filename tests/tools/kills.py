"""Kill every long command again and again, at random moments, and look whether it ends with the bytes of a quiet run.

    python tests/tools/kills.py --rounds 300

A round starts one command, kills it up to four times (SIGKILL mostly, SIGTERM or SIGINT at times), starts it again with
--resume where it has that, lets the last start end, and compares every file with the one of a run that nothing stopped.
Nothing hidden may be left either. Exit code 1 if a round ends otherwise.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from PIL import Image

from pydream.media.video import write_video

DREAM = ["-n", "2", "--octaves", "2", "--jitter", "4", "--seed", "1", "--runtime", "numpy"]
LOOKED_INTO = ["noise:48x48", "-n", "2", "--seed", "1", "--runtime", "numpy"]
SHORT = ["--iterations", "2", "-o", "out"]
SQUEEZE = "fire2/squeeze1x1"
COMMANDS = {
    "dream": ["dream", "in.png", "-o", "out.jpg", "--sidecar", *DREAM],
    "batch": ["dream", "many", "-o", "out", *DREAM],
    "workers": ["dream", "many", "-o", "out", "--workers", "1", *DREAM],
    "zoom": ["zoom", "in.png", "-o", "out", "-o", "film.gif", "--frames", "12", *DREAM],
    "zoom, film alone": ["zoom", "in.png", "-o", "film.mp4", "--frames", "8", *DREAM],
    "video": ["video", "clip.mp4", "-o", "out.mp4", "--flow", *DREAM],
    "sweep": ["sweep", "in.png", "-o", "sheet.png", "--pictures", "out", "--layer", "fire[2345]/concat", *DREAM],
    "channels": ["channels", *LOOKED_INTO, "-o", "sheet.png", "--pictures", "out", "--layer", f"{SQUEEZE}:0-7"],
    "visualize": ["visualize", *LOOKED_INTO, "-o", "out.png", "--layer", f"{SQUEEZE}:3"],
    "octaves": ["octaves", "in.png", "-o", "out.png", *DREAM],
    "history": ["history", "in.png", "-o", "out.webp", "--gif", *DREAM],
    "reproduce": ["reproduce", "in.png", "--guide", "in.png", "-m", "squeezenet_v1.1", "--frames", "3", *SHORT],
    "replay": ["replay", "made.png", "-o", "again.png"],
    "vectors": ["vectors", "-o", "out"],
    "export": ["export", "-o", "out.onnx"],
    "models add": ["models", "add", "own", "own.prototxt", "own.caffemodel"],
}
RESUMED = {"zoom", "zoom, film alone", "video", "sweep", "channels"}
BATCHES = {"batch", "workers"}  # finished pictures are skipped; other commands replace what is there by --force alone
INPUTS = {"in.png", "made.png", "clip.mp4", "many", "own.prototxt", "own.caffemodel"}
HOMES = ("XDG_CACHE_HOME", "XDG_DATA_HOME")
UNTOLD = {"stderr", "report.html", "report.json"}  # a report says how long it took
OWN = Path(__file__).parents[1] / "data" / "made_before" / "own"
SIGNALS = [signal.SIGKILL] * 4 + [signal.SIGTERM, signal.SIGINT]


def make_inputs(folder: Path) -> None:
    """Write the pictures and the film that the commands read."""
    rng = np.random.RandomState(0)
    (folder / "many").mkdir()
    for name in ["in.png", *(f"many/{number}.png" for number in range(8))]:
        Image.fromarray(rng.randint(0, 256, (48, 64, 3), dtype=np.uint8)).save(folder / name)
    write_video(folder / "clip.mp4", (rng.randint(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(6)), 8)
    for suffix in ("prototxt", "caffemodel"):
        shutil.copyfile(OWN.with_suffix(f".{suffix}"), folder / f"own.{suffix}")
    assert run(["dream", "in.png", "-o", "made.png", *DREAM], folder).wait() == 0


def run(arguments: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """Start a command in a folder."""
    with (folder / "stderr").open("ab") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", "pydream", *arguments],
            cwd=folder,
            env={**os.environ, "MPLCONFIGDIR": str(folder.parent)} | {kind: str(folder / "home") for kind in HOMES},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )


def files(folder: Path) -> dict[str, bytes]:
    """Read every file but the inputs and what was said."""
    paths = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    ours = {name: path for name, path in paths.items() if name.parts[0] not in INPUTS and name.name not in UNTOLD}
    return {str(name): path.read_bytes() for name, path in ours.items()}


class Quiet(NamedTuple):
    """A run that nothing stopped."""

    files: dict[str, bytes]
    seconds: float


def quiet_run(name: str, inputs: Path, folder: Path) -> Quiet:
    """Run a command to its end."""
    shutil.copytree(inputs, folder)
    start = time.monotonic()
    if code := run(COMMANDS[name], folder).wait():
        raise click.ClickException(f"{name}: exit code {code}: {said(folder)}")
    return Quiet(files(folder), time.monotonic() - start)


def said(folder: Path) -> str:
    """Return the last line that a command wrote to stderr."""
    return (folder / "stderr").read_text(errors="replace").strip().rpartition("\n")[2][-300:]


def one_round(
    name: str, quiet: Quiet, inputs: Path, folder: Path, rng: random.Random
) -> tuple[list[signal.Signals], str]:
    """Return the signals that were sent in time, and what is wrong at the end, nothing mostly."""
    shutil.copytree(inputs, folder)
    sent: list[signal.Signals] = []
    for number in range(rng.randint(1, 4)):
        process = run(again(name) if number else COMMANDS[name], folder)
        number_sent = rng.choice(SIGNALS)
        try:
            process.wait(rng.uniform(0, quiet.seconds))
        except subprocess.TimeoutExpired:
            process.send_signal(number_sent)
            sent.append(number_sent)
            process.wait(60)
        if files(folder) == quiet.files:
            return sent, ""  # it was done, or the signal came too late
    code = run(again(name), folder).wait()
    made = files(folder)
    if made == quiet.files:
        return sent, ""
    other = sorted(name for name in made.keys() | quiet.files.keys() if made.get(name) != quiet.files.get(name))
    return sent, f"exit code {code}, other files: {', '.join(other)}; {said(folder)}"


def again(name: str) -> list[str]:
    """Return the command that goes on."""
    how = ["--resume"] if name in RESUMED else [] if name in BATCHES else ["--force"]
    return [*COMMANDS[name], *how]


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=300, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--only", type=click.Choice(list(COMMANDS)), multiple=True)
def main(rounds: int, seed: int, only: tuple[str, ...]) -> None:
    """Kill commands, start them again, and compare what they made."""
    names = list(only or COMMANDS)
    rng = random.Random(seed)
    kills: Counter[str] = Counter()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="pydream-kills-") as temporary:
        here = Path(temporary)
        (here / "inputs").mkdir()
        make_inputs(here / "inputs")
        quiet = {name: quiet_run(name, here / "inputs", here / f"quiet-{name}") for name in names}
        for number in range(rounds):
            name = names[number % len(names)]
            folder = here / str(number)
            sent, wrong = one_round(name, quiet[name], here / "inputs", folder, rng)
            kills.update(each.name for each in sent)
            if wrong:
                bad += 1
                click.echo(f"round {number}, {name}, {', '.join(each.name for each in sent)}: {wrong}")
            shutil.rmtree(folder)
    counts = ", ".join(f"{count} {name}" for name, count in kills.most_common())
    click.echo(f"{rounds} rounds of {len(names)} commands, {counts}: {bad} ended otherwise")
    if bad:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
