"""How brightness and contrast of a zoom loop drift, with and without `--hold`: the table of docs/video.md.

    python benchmarks/light.py [--size WxH] [--frames N] [--every N] [--pictures FOLDER]

The built-in network dreams on examples/sky.jpg as `pydream zoom` does, 3 iterations of fire7/concat a frame, seed 0.
"""

import argparse
import os
from pathlib import Path

import numpy as np
from tables import markdown

import pydream
from pydream.dream.light import HOLDS, Light
from pydream.media import read_image, resized, write_image
from pydream.picture import to_pixels
from pydream.record.presets import ZOOM

SKY = Path(__file__).parents[1] / "examples" / "sky.jpg"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="320x180")
    parser.add_argument("--frames", type=int, default=101)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--pictures", type=Path)
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    net = pydream.load_net("squeezenet_v1.1")
    width, height = map(int, args.size.split("x"))
    sky = resized(read_image(SKY), (height, width))
    numbers = range(0, args.frames, args.every)
    rows = []
    for hold in (None, *HOLDS):
        params = {"end": ZOOM["layer"][0], "iter_n": ZOOM["iter_n"], "hold": hold, "rng": np.random.RandomState(0)}
        shown = {}
        for number, frame in enumerate(pydream.zoom_loop(net, sky, args.frames, **params)):
            if number in numbers:
                shown[number] = to_pixels(frame)
                if args.pictures is not None:
                    write_image(args.pictures / f"{hold}_{number:04d}.png", shown[number])
        for name in Light._fields:
            measured = [np.mean(getattr(Light.of(pixels), name)) for pixels in shown.values()]
            rows.append([f"`--hold {hold}`" if hold else "without", name, *(f"{value:.1f}" for value in measured)])
    print(markdown(["", "of the frame", *map(str, numbers)], rows))


if __name__ == "__main__":
    main()
