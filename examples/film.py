"""A film of the sky, and what becomes of it: the contact sheet of docs/video.md.

The camera pans over ``sky.jpg`` and comes a little closer. ``python examples/film.py`` writes ``film.mp4`` into the
working folder and ``docs/video.jpg``, in a minute.
"""

from pathlib import Path

import numpy as np
from PIL import Image

import pydream
from pydream.media import Sheet, write_image
from pydream.media.video import write_video

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT = 320, 180
SHOWN = (0, 8, 16, 17, 18, 23)
WAYS = {
    "--carry 0": {"blend": 0},
    "--carry 0.5": {"blend": 0.5},
    "--carry 0.5 --flow": {"blend": 0.5, "flow": True},
}


def render(count=24):
    """Make the film's frames."""
    with Image.open(HERE / "sky.jpg") as sky:
        sky = sky.convert("RGB")
    frames = []
    for number in range(count):
        left, top, width = 20 + 6 * number, 150 - number, 420 - 1.5 * number
        seen = (left, top, left + width, top + width * HEIGHT / WIDTH)
        frames.append(np.asarray(sky.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, box=seen)))
    return frames


def main():
    frames = render()
    write_video("film.mp4", frames, quality=100)
    net = pydream.load_net("squeezenet_v1.1")
    sheet = Sheet(len(SHOWN), dpi=170)
    for number in SHOWN:
        sheet.add(frames[number], f"frame {number}")
    for name, params in WAYS.items():
        for number, dream in enumerate(pydream.dream_frames(net, frames, **params)):
            if number in SHOWN:
                sheet.add(dream, f"{name}, {number}")
    write_image(HERE.parent / "docs" / "video.jpg", sheet.draw())


if __name__ == "__main__":
    main()
