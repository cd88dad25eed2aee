"""Small dreams to choose from, one after the other, until they are to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...dream.watch import View, Watch
from ...easy.inputs import Resizing
from ...errors import PydreamError
from ...files import write_whole
from ...media import FORMATS, encode_image
from ..messages import DrawThumbnails, Finished, Thumbnail
from .orders import Start, Wanted
from .task import Task, in_a_line

_JPEG = FORMATS["jpeg"]._replace(options={"quality": 85})
_NAME = "picture"  # in the record that a small dream has not


class _Stopping(Watch):
    """Ends a dream within a step, or within a tile, where that is wanted."""

    def __init__(self, task: Task[Any]) -> None:
        self._task = task

    def step(self, octave: int, iteration: int, image: View) -> None:
        self._task.check()

    def tile(self, done: int, tiles: int) -> None:
        self._task.check()


def draw(task: Task[DrawThumbnails]) -> Finished:
    """Make small dreams; ``errors`` of the facts has a line for each that cannot be made."""
    errors: dict[str, str] = {}
    starts: dict[Resizing, Start] = {}
    for item in task.message.items:
        task.check()
        try:
            wanted = Wanted.of(item.order)
            if wanted.resizing not in starts:
                starts[wanted.resizing] = wanted.start(task.message.picture, _NAME)
            _draw(task, item, wanted, starts[wanted.resizing])
        except PydreamError as error:
            errors[item.key] = in_a_line(error)
        else:
            task.made(item.key)
    return Finished(task=task.id, facts={"errors": errors})


def _draw(task: Task[Any], item: Thumbnail, wanted: Wanted, start: Start) -> None:
    prepared = wanted.prepare(start, item.order.network.dtype)
    pixels = prepared.dream(prepared.recipe, start.picture, _Stopping(task))
    write_whole(Path(item.output), encode_image(pixels, _JPEG))
