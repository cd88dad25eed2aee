"""Dream every look on six pictures, as it was before issue 15 and as it is now, and make the sheets of docs/looks.

    pip download --no-deps --dest wheels scikit-image scikit-learn
    python tests/tools/looks.py wheels/*.whl

Four pictures are in these two packages, one is examples/sky.jpg, and one is noise; docs/looks/README.md says whose they
are. Dreams are kept in build/looks, and made only where they are missing: about two hundred, an hour on two cores.
Looks of networks whose weights are not there are left out, and said so.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

import pydream
from pydream.dream.images import noise
from pydream.errors import NetFileError
from pydream.media import read_image
from pydream.net import Net
from pydream.picture import Picture, to_pixels
from pydream.record import PRESETS, Preset, Recipe, follow, params_for
from pydream.record.scoring import aim_of
from pydream.zoo.registry import DEFAULT_NETWORK

ROOT = Path(__file__).parents[2]
PICTURES = {  # file and width
    "portrait": ("skimage/data/astronaut.png", 512),
    "landscape": (ROOT / "examples" / "sky.jpg", 640),
    "building": ("sklearn/datasets/images/china.jpg", 640),
    "animal": ("skimage/data/chelsea.png", 640),
    "still life": ("skimage/data/coffee.png", 600),
    "noise": (None, 640),
}
NOISE = (427, 640)
# What `pydream presets` had before, where it differs.
BEFORE = {
    "dogs": Preset("dogs", "", {"layer": "fire8/squeeze1x1", "iter_n": 20}),
    "eyes": Preset("eyes", "", {"layer": "fire6/squeeze1x1", "iter_n": 20}),
    "birds": Preset("birds", "", {"layer": "conv10", "iter_n": 30}),
    "swirls": Preset("swirls", "", {"layer": "fire5/concat", "iter_n": 20, "octave_n": 5}),
    "facets": Preset("facets", "", {"layer": "fire4/expand3x3", "iter_n": 20}),
    "beads": Preset("beads", "", {"layer": "fire5/expand3x3", "iter_n": 20, "step_size": 1.0, "octave_n": 3}),
    "strokes": Preset("strokes", "", {"layer": "fire3/concat", "iter_n": 10, "step_size": 1.0, "octave_n": 5}),
    "carved": Preset(
        "carved",
        "",
        {"layer": "fire3/concat", "iter_n": 20, "step_size": 1.0, "octave_n": 5, "keep_colors": True},
    ),
    "tutorial": Preset("tutorial", "", {"clip": False}),
}
HEIGHT = 100  # of a picture on a sheet, in pixels
QUALITY = 62


@click.command()
@click.argument("wheels", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True)
@click.option("--dreams", type=click.Path(path_type=Path), default=ROOT / "build" / "looks", show_default=True)
def main(wheels: tuple[Path, ...], dreams: Path) -> None:
    """Make what is missing, and all sheets."""
    pictures = dict(_pictures(wheels))
    sheets = ROOT / "docs" / "looks"
    write_sheet(sheets / "pictures.jpg", [list(pictures.values())])
    for name, preset in PRESETS.items():
        # The tutorial's numbers are shown on the built-in network, where the results were too dark.
        network = DEFAULT_NETWORK if name == "tutorial" else preset.network
        shown = {"before": BEFORE[name], "after": preset} if name in BEFORE else {"after": preset}
        try:
            rows = [
                [_dream(dreams / when / name, network, look, *each) for each in pictures.items()]
                for when, look in shown.items()
            ]
        except NetFileError as error:
            click.echo(f"left out: {name}; {error}", err=True)
        else:
            write_sheet(sheets / f"{name}.jpg", rows)


@cache
def _net(network: str) -> Net:
    return pydream.load_net(network)


def _pictures(wheels: tuple[Path, ...]) -> Iterator[tuple[str, Picture]]:
    for name, (file, width) in PICTURES.items():
        if file is None:
            yield name, to_pixels(noise(*NOISE, np.random.RandomState(0)))
            continue
        if isinstance(file, Path):
            image = Image.fromarray(read_image(file))
        else:
            (wheel,) = (each for each in wheels if file in zipfile.ZipFile(each).namelist())
            with zipfile.ZipFile(wheel).open(file) as opened:
                image = Image.open(opened).convert("RGB")
        height = round(image.height * width / image.width)
        yield name, np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def _dream(folder: Path, network: str, look: Preset, name: str, picture: Picture) -> Picture:
    file = folder / f"{name}.png"
    if not file.exists():
        params: dict[str, Any] = params_for(look.params, picture.shape[:2])
        params.pop("layer", None)
        net = _net(network)
        aim = aim_of(net, look.layers, "l2", ())
        noise = NOISE if name == "noise" else None
        recipe = Recipe(end=aim.end, objective=aim.terms, seed=0, noise=noise, **params)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(to_pixels(follow(recipe, net, None if noise else picture))).save(file)
        click.echo(file)
    return read_image(file)


def write_sheet(file: Path, rows: list[list[Picture]]) -> None:
    """Write rows of pictures, all of one height."""
    file.parent.mkdir(exist_ok=True)
    strips = []
    for row in rows:
        small = [Image.fromarray(each).resize((round(each.shape[1] * HEIGHT / len(each)), HEIGHT)) for each in row]
        strips.append(np.concatenate([np.asarray(each) for each in small], axis=1))
    Image.fromarray(np.concatenate(strips)).save(file, quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main()
