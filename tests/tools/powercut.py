"""Cut the power, as root: copy an ext4 disk in the middle of commands, and look at what a machine would find there.

    python tests/tools/powercut.py
    python tests/tools/powercut.py --cuts 20 --no-sync

What is in a copy is what had reached the disk: no picture there may be empty or cut, and the same command, again, has
to end with the same bytes as one that was never stopped. Anything else is an exit code of 1, and is to be expected
with --no-sync.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.disks import in_file, make_ext4

ROOT = Path(__file__).parents[2]
SHORT = ["-n", "1", "--octaves", "2", "--jitter", "4", "--seed", "1", "--runtime", "numpy", "-q"]
FRAMES = ["--frames", "12", *SHORT]
COMMANDS = {  # what is run, and what is run after the cut
    "zoom": (["zoom", "in.png", "-o", "disk/out", *FRAMES], ["--resume"]),
    "film": (["zoom", "in.png", "-o", "disk/out.mp4", *FRAMES], ["--resume"]),
    "batch": (["dream", "many", "-o", "disk/out", *SHORT, "--sidecar"], []),
    "jpg": (["dream", "many", "-o", "disk/out", "--format", "jpeg", *SHORT], []),
}


@contextmanager
def started(folder: Path, arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a command, which ends with the block at the latest."""
    command = [sys.executable, "-m", "pydream", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def made(disk: Path) -> dict[str, bytes]:
    """Return what is on a disk, but temporary files and checkpoints."""
    paths = (path for path in disk.rglob("*") if path.is_file() and path.name != "resume.npz")
    found = {str(path.relative_to(disk)): path for path in paths}
    return {name: path.read_bytes() for name, path in found.items() if not Path(name).name.startswith(".")}


def copy_at_rest(image: Path, copy: Path) -> None:
    """Copy a disk as it is at one moment: twice the same, while nothing writes to it."""
    before = None
    while before != (now := image.read_bytes()):
        before = now
    copy.write_bytes(now)


def cut(
    folder: Path, name: str, whole: dict[str, bytes], wait: float | None, options: list[str]
) -> tuple[int, list[str]]:
    """Cut the power after a time, or at the end; return how many files were there, and what was wrong."""
    arguments, again = COMMANDS[name]
    disk, image, copy = folder / "disk", folder / "image", folder / "copy"
    make_ext4(image, 16)
    os.sync()
    with in_file(disk, image), started(folder, [*arguments, *options]) as process:
        if wait is None:
            process.wait()
        else:
            while process.poll() is None and not any(disk.glob("out*")):
                time.sleep(0.005)
            time.sleep(wait)
            process.send_signal(signal.SIGSTOP)
        ended = process.poll() == 0
        copy_at_rest(image, copy)
    wrong = []
    with in_file(disk, copy):
        found = made(disk)
        pictures = {path: content for path, content in found.items() if path.endswith((".png", ".jpeg", ".mp4"))}
        # The frames of a film are those of the loop: they go when it is whole.
        wrong += [
            f"{path} has {len(content)} bytes" for path, content in pictures.items() if torn(path, content, whole)
        ]
        if ended and found != whole:
            wrong.append(f"it had ended, and of {len(whole)} files {len(found)} are there")
        if found == whole:
            return len(pictures), wrong
        with started(folder, [*arguments, *options, *again]) as process:
            _, line = process.communicate()
        if process.returncode:
            wrong.append(f"again: exit code {process.returncode}, {line.strip()[-100:]}")
        elif made(disk) != whole:
            wrong.append("again: other bytes")
        wrong += [f"again: {path.name} is left" for path in disk.rglob(".pydream-*")]
    return len(pictures), wrong


def torn(path: str, content: bytes, whole: dict[str, bytes]) -> bool:
    """Return whether a picture is not the one that it should be, or of a film's frames not a whole one."""
    ends = {".png": b"IEND\xaeB`\x82", ".jpeg": b"\xff\xd9"}
    return content != whole[path] if path in whole else not content.endswith(ends[Path(path).suffix])


@click.command()
@click.option("--cuts", default=10, help="Per command; one more is made at its end.")
@click.option("--only", type=click.Choice(list(COMMANDS)), multiple=True)
@click.option("--seed", default=0)
@click.option("--no-sync", "options", flag_value="--no-sync", default=None, help="As it would be without syncs.")
def main(cuts: int, only: tuple[str, ...], seed: int, options: str | None) -> None:
    """Print a line for each command."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # disks are unmounted then too
    draw, failed = random.Random(seed), 0
    for name in only or COMMANDS:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            (folder / "many").mkdir()
            for number in range(12):
                pixels = np.random.RandomState(number).randint(0, 256, (48, 64, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / "many" / f"{number:02d}.png")
            shutil.copy(folder / "many" / "00.png", folder / "in.png")
            (folder / "disk").mkdir()
            begin = time.monotonic()
            with started(folder, COMMANDS[name][0]) as quiet:
                if errors := quiet.communicate()[1]:
                    raise click.ClickException(errors)
            most = time.monotonic() - begin
            whole = made(folder / "disk")
            shutil.rmtree(folder / "disk")
            waits = [draw.uniform(0, 0.6 * most) for _ in range(cuts)]
            outcomes = [cut(folder, name, whole, wait, [options] if options else []) for wait in [*waits, None]]
            faults = [fault for _, wrong in outcomes for fault in wrong]
            there = sum(count for count, _ in outcomes)
            bad = sum(bool(wrong) for _, wrong in outcomes)
            click.echo(f"{name}: {len(outcomes)} cuts, {there} pictures found, {bad} cuts with faults {faults[:5]}")
            failed += bad
    if failed:
        raise click.ClickException(f"{failed} cuts lost something")


if __name__ == "__main__":
    main()
