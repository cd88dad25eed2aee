"""Dream a thousand times in one process, and look whether its memory stays flat.

    python tests/soak.py
    python tests/soak.py --dreams 100

Sizes, layers and guides take turns, so that what is kept for each of them is seen to be kept once. Exit code 1 if the
process has grown.
"""

import os

import click
import numpy as np

import pydream

SIZES = [(40, 56), (48, 48), (56, 40)]
ENDS = ["fire2/concat", "fire3/concat"]
WARM = 0.25  # of the dreams: until every size has been traced, and the allocators have what they keep
MAY_GROW = 8 * 2**20  # bytes, of several hundred megabytes: allocators breathe


def resident() -> int:
    """Give the memory that this process has, in bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def soak(dreams: int, tell=lambda line: None) -> int:
    """Give by how many bytes the process has grown since it was warm."""
    net = pydream.load_net("squeezenet_v1.1")
    rng = np.random.RandomState(0)
    pictures = [rng.uniform(0, 255, (*size, 3)).astype(np.float32) for size in SIZES]
    warm = 0
    for number in range(dreams):
        end = ENDS[number % len(ENDS)]
        objective = pydream.objective_L2 if number % 5 else pydream.objective_guide(net, pictures[0], end)
        pydream.deepdream(
            net, pictures[number % len(SIZES)], end=end, iter_n=1, octave_n=1, jitter=4, rng=rng, objective=objective
        )
        if number == round(WARM * dreams):
            warm = resident()
        if number % max(dreams // 10, 1) == 0:
            tell(f"{number} dreams: {resident() / 2**20:.1f} MB")
    return resident() - warm


@click.command()
@click.option("--dreams", type=click.IntRange(8), default=1000, show_default=True)
def main(dreams: int) -> None:
    """Dream many times, and look whether memory stays flat."""
    grown = soak(dreams, click.echo)
    click.echo(f"{dreams} dreams: grown by {grown / 2**20:.1f} MB since the first {WARM:.0%}")
    if grown > MAY_GROW:
        raise click.ClickException(f"more than {MAY_GROW / 2**20:.0f} MB")


if __name__ == "__main__":
    main()
