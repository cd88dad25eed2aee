"""One dream: an order of the kind "dream", and the network that is kept warm for it."""

from __future__ import annotations

import gc
from time import monotonic
from typing import Any

import msgspec
import numpy as np

from ...dream.notebook import DreamInterrupted
from ...dream.watch import Watch
from ...dream.work import Work
from ...easy.preparation import prepare
from ...media import write_samples
from ...picture import Samples, to_samples
from ...record.recipe import Recipe
from ...zoo.registry import find_network
from ..messages import Finished, Run, Warm
from .orders import Ordered
from .previews import Previews
from .task import Task

_WARM = 96  # pixels of a side: enough for any layer that dreams


def run(task: Task[Run]) -> Finished:
    """Dream; what there is when it is stopped is kept."""
    begun = monotonic()
    ordered = Ordered.of(task.message)
    recipe, start = ordered.tiled(), ordered.start
    file = ordered.output.with_name(f"{ordered.output.name}.png")
    work = Work.of(recipe.sizes(*start.size), recipe.iter_n)
    command, python = ordered.command(recipe), ordered.snippet(recipe)
    task.began(work.steps, recipe, command, python)
    watch = Previews(task, [work])
    try:
        pixels = ordered.prepared.dream(recipe, start.picture, watch)
    except DreamInterrupted as interrupted:
        if interrupted.steps == 0 or not task.keeps:
            raise
        recipe = msgspec.structs.replace(recipe, steps=interrupted.steps)
        pixels = to_samples(recipe.shown(interrupted.image, start.picture), recipe.depth)
    facts = save(ordered, file, recipe, pixels)
    facts |= {"command": command, "python": python, "seconds": round(monotonic() - begun, 3)}
    return Finished(task=task.id, files={"png": str(file)}, facts=facts, stopped=recipe.steps is not None)


def save(ordered: Ordered, file: Any, recipe: Recipe, pixels: Samples) -> dict[str, Any]:
    """Write a dream with its record; return its facts."""
    account = ordered.prepared.record(ordered.command(recipe), recipe, ordered.start.facts, pixels)
    write_samples(file, pixels, account.to_json(), ordered.start.dpi)
    return {"width": account.result.width, "height": account.result.height, "sha256": account.result.sha256}


def warm(task: Task[Warm]) -> Finished:
    """Load a network and take a step with it, as the first one of a process takes much longer."""
    network = task.message.network
    find_network(network.name)
    prepared = prepare(model=network.name, dtype=network.dtype, seed=0, iter_n=1, octave_n=1)
    prepared.dream(prepared.recipe, np.full((_WARM, _WARM, 3), 128, np.uint8), Watch())
    if not gc.get_freeze_count():  # a second time would keep an earlier network for ever
        gc.freeze()  # what TensorFlow's import made stays, and need not be looked through for garbage
    return Finished(task=task.id)
