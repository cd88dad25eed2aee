"""Write each kind of file to disks with room for 1, 2, 3 … pages, and run each command on disks that get full. As root.

    python tests/tools/diskfull.py
    python tests/tools/diskfull.py --only pages

What is said to be written has to be whole, and what is not has to leave no trace: anything else is an exit code of 1.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.clips import moving_square, write_clip
from support.disks import fill, in_file, in_memory, make_ext4
from support.writers import WRITERS

from pydream.files import is_temporary

PAGE = 4096
ROOT = Path(__file__).parents[2]
SHORT = ["-n", "1", "--octaves", "2", "--jitter", "4", "--seed", "1", "--runtime", "numpy"]
MODEL = [ROOT / "models" / "squeezenet_v1.1" / f"{name}" for name in ("deploy.prototxt", "squeezenet_v1.1.caffemodel")]
COMMANDS = {
    "png": ["dream", "in.png", "-o", "disk/out.png", *SHORT, "--sidecar"],
    "jpg": ["dream", "in.png", "-o", "disk/out.jpg", *SHORT],
    "tif": ["dream", "in.png", "-o", "disk/out.tif", *SHORT],
    "webp": ["dream", "in.png", "-o", "disk/out.webp", *SHORT],
    "batch": ["dream", "many", "-o", "disk/out", *SHORT],
    "zoom": ["zoom", "in.png", "-o", "disk/out", "-o", "disk/out.mp4", "-o", "disk/out.gif", "--frames", "3", *SHORT,
             "--sidecar"],
    "video": ["video", "in.mp4", "-o", "disk/out.mp4", *SHORT],
    "replay": ["replay", "made.png", "--input", "in.png", "-o", "disk/out.png"],
    "octaves": ["octaves", "in.png", "-o", "disk/out.png", *SHORT],
    "history": ["history", "in.png", "-o", "disk/out.png", "--gif", *SHORT],
    "visualize": ["visualize", "-o", "disk/out.png", "-l", "fire2/squeeze1x1:3", "-n", "1", "--seed", "1", "--runtime",
                  "numpy"],
    "add": ["models", "add", "mine", *MODEL],
    "vectors": ["vectors", "-o", "disk/out"],
    "export": ["export", "-o", "disk/out.onnx"],
}  # fmt: skip


def pages(folder: Path) -> int:
    """Write each kind of file to disks of every size up to its own; return how many writes went wrong."""
    wrong = 0
    disk, image = folder / "disk", folder / "image"
    for system in ("tmpfs", "ext4"):
        for name, write in WRITERS.items():
            write(folder / name)
            whole = (folder / name).read_bytes()
            silent, refused, left = [], 0, []
            sizes = range(1, len(whole) // PAGE + 2)
            for count in sizes:
                if system == "ext4":
                    make_ext4(image, 1)
                with in_memory(disk, count * PAGE) if system == "tmpfs" else in_file(disk, image):
                    if system == "ext4":
                        fill(disk, count * PAGE)
                    before = sorted(os.listdir(disk))
                    try:
                        write(disk / name)
                    except (OSError, ValueError):
                        refused += 1
                        left += [count] if sorted(os.listdir(disk)) != before else []
                        continue
                    silent += [count] if (disk / name).read_bytes() != whole else []
            click.echo(f"{system}, {name}: {len(sizes)} sizes, {refused} refused, not whole {silent}, left {left}")
            wrong += len(silent) + len(left)
    return wrong


def run(folder: Path, arguments: list[object]) -> tuple[int, str]:
    """Run a command; return its exit code and the lines of its errors."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(folder / "disk")}
    command = [sys.executable, "-m", "pydream", *map(str, arguments)]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    errors = [line for line in ended.stderr.splitlines() if line.startswith(("pydream: error:", "Traceback"))]
    return ended.returncode, " ".join(errors)


def made(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder, but what fills it."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != "ballast")
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def commands(folder: Path) -> int:
    """Run each command with room for some of what it writes; return how many ended otherwise than they should."""
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (48, 64, 3)).astype(np.uint8)).save(folder / "in.png")
    (folder / "many").mkdir()
    for number in range(3):
        (folder / "many" / f"{number}.png").write_bytes((folder / "in.png").read_bytes())
    write_clip(folder / "in.mp4", moving_square(6), tone="aac")
    run(folder, ["dream", "in.png", "-o", "made.png", *SHORT])
    wrong, disk = 0, folder / "disk"
    for name, arguments in COMMANDS.items():
        with in_memory(disk, 2**26):
            code, line = run(folder, arguments)
            whole = made(disk)
        if code:
            raise click.ClickException(f"{name} needs more than a disk: {line}")
        size = sum(len(content) // PAGE * PAGE + PAGE for content in whole.values())
        for share in (0, 0.3, 0.6, 0.9):
            with in_memory(disk, 2**26):
                fill(disk, int(size * share))
                code, line = run(folder, arguments)
                left = made(disk)
            torn = [path for path, content in left.items() if path in whole and content != whole[path]]
            torn = [path for path in torn if not path.endswith((".npz", ".json"))]  # of other frames
            temporary = [path for path in left if any(is_temporary(Path(part)) for part in Path(path).parts)]
            right = code == 1 and "No space left" in line and "Traceback" not in line and not torn and not temporary
            click.echo(
                f"{'' if right else 'WRONG '}{name}, {share:.0%} of {size} bytes: {code}, {line}, {torn} {temporary}"
            )
            wrong += not right
    return wrong


@click.command()
@click.option("--only", type=click.Choice(["pages", "commands"]))
def main(only: str | None) -> None:
    """Print a line for each kind of file, and for each command and size."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # disks are unmounted then too
    parts = {"pages": pages, "commands": commands}
    with tempfile.TemporaryDirectory() as folder:
        wrong = sum(part(Path(folder)) for name, part in parts.items() if only in (None, name))
    if wrong:
        raise click.ClickException(f"{wrong} ended in another way")


if __name__ == "__main__":
    main()
