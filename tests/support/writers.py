"""A writer for each kind of file that pydream makes: the same bytes at every call, several pages of 4 kB."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from pydream.files import write_text, written_file
from pydream.media.image import write_image
from pydream.media.video import write_video
from pydream.record import DreamAccount, Film, Loop, NetFacts, PictureFacts, Recipe, film, loop

_HASH = "a" * 64
_NOISE = np.random.RandomState(0).randint(0, 256, (6, 60, 80, 3)).astype(np.uint8)
PICTURE = np.random.RandomState(1).randint(0, 256, (100, 120, 3)).astype(np.uint8)
_NETWORK = NetFacts(
    name="net", weights="w.caffemodel", weights_sha256=_HASH, definition_sha256=_HASH, dtype="float32",
    runtime="numpy", device="CPU:0",
)  # fmt: skip
_INPUT = PictureFacts(name="sky.png", width=80, height=60, sha256=_HASH)
_RECIPE = Recipe(end="conv", seed=7)
DREAM = DreamAccount(recipe=_RECIPE, command="pydream dream sky.png", network=_NETWORK, input=_INPUT, result=_INPUT)


def _picture(path: Path) -> None:
    write_image(path, PICTURE, "a note")


def _film(path: Path) -> None:
    write_video(path, _NOISE, 25, 80, "a note")


def _checkpoint(path: Path) -> None:
    moving = Recipe(end="conv", seed=7, loop=Loop(frame=1, scale=0.05, rotate=0.0, shift=(0.0, 0.0)))
    facts = loop.LoopFacts(recipe=moving, network=_NETWORK, input=_INPUT)
    loop.save(path, loop.Checkpoint(facts, _NOISE[0].astype(np.float32), np.random.RandomState(7)))


def _film_json(path: Path) -> None:
    facts = Film(
        film="video", recipe=_RECIPE, command="pydream video " + "long/" * 2000, network=_NETWORK, input=_INPUT,
        first=0, frames=2, size=(60, 80), blend=0.5, flow=False, cut=20.0,
    )  # fmt: skip
    film.save(path, facts)


def _stream(path: Path) -> None:
    with written_file(path) as file:
        for frame in _NOISE:
            file.write(frame)


WRITERS: dict[str, Callable[[Path], None]] = {
    "out.png": _picture,
    "out.jpg": _picture,
    "out.tif": _picture,
    "out.webp": _picture,
    "out.mp4": _film,
    "out.gif": _film,
    "resume.npz": _checkpoint,
    "film.json": _film_json,
    "report.html": partial(write_text, text="page\n" * 3000),
    "weights.pb": _stream,
}
