"""Dream on thousands of tiny pictures in one command, and look whether a picture's time and the memory stay flat.

    python tests/tools/batch.py
    python tests/tools/batch.py --pictures 2000 --one-size

The pictures are written into a folder that Python imports from, as with ``python -m pydream`` in the pictures' folder.
Every line is the mean of the pictures since the line before. Exit code 1 if the last tenth took a fifth more than the
second, in CPU time. With pictures of ever new sizes the memory of TensorFlow's own plans still grows a little.
"""

import os
import sys
import tempfile
from pathlib import Path
from time import process_time

import click
import numpy as np
from PIL import Image

from pydream.cli import main as pydream
from pydream.cli.job import Job
from pydream.system import resident_bytes

MAY_SLOW = 1.2


@click.command()
@click.option("--pictures", type=click.IntRange(100), default=10_000, show_default=True)
@click.option("--one-size", is_flag=True, help="All pictures of one size.")
def main(pictures: int, one_size: bool) -> None:
    """Dream on many pictures, and print how long each took."""
    rng = np.random.RandomState(0)
    times: list[float] = []
    saved, done, began = Job.save, 0, process_time()

    def save(*args: object, **options: object) -> None:
        nonlocal done, began
        saved(*args, **options)
        done += 1
        if done % (pictures // 10) == 0:
            times.append((process_time() - began) / (pictures // 10))
            click.echo(f"{done} pictures: {1000 * times[-1]:.1f} ms each, {resident_bytes() / 2**20:.1f} MB")
            began = process_time()

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        sys.path.insert(0, str(Path(folder) / "out"))
        Path("in").mkdir()
        for number in range(pictures):
            height, width = (48, 64) if one_size else rng.randint(40, 80, 2)
            pixels = rng.randint(0, 256, (height, width, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(f"in/{number:05d}.png")
        Job.save = save
        pydream(["dream", "in", "-o", "out", "-n", "1", "--octaves", "1", "--no-sync", "-q"], standalone_mode=False)
        os.chdir("/")
    if times[-1] > MAY_SLOW * times[1]:
        raise click.ClickException(
            f"the last pictures took {times[-1] / times[1]:.2f} times as long as the second tenth"
        )


if __name__ == "__main__":
    main()
