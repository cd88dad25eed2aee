"""What the network of an order takes its picture and its result for."""

from __future__ import annotations

from ...easy.prediction import Seen
from ...easy.preparation import keep_loaded
from ...formats import InputSpec
from ...media import read_image
from ...picture import Picture, to_pixels
from ...runtime.engines import AUTO
from ..messages import Classify, Finished
from .orders import Wanted
from .task import Task

_TOP = 5  # classes


def classify(task: Task[Classify]) -> Finished:
    """Show a network what is dreamt on, and what came of it; nothing where it has no classes."""
    given = task.message
    model = Wanted.of(given.order).model
    net, _ = keep_loaded(model, None, given.order.network.dtype, AUTO, "auto", InputSpec())
    task.check()
    start = _start(given)
    before = None if start is None else Seen.if_any(net, "picture", start)
    after = None if given.result is None else Seen.if_any(net, "dream", read_image(given.result))
    facts = {
        "network": model,
        "before": None if before is None else before.classes(_TOP),
        "after": None if after is None else after.classes(_TOP, before),
    }
    return Finished(task=task.id, facts=facts)


def _start(given: Classify) -> Picture | None:
    """Return the picture, or the noise that was dreamt on."""
    if given.picture is not None:
        return read_image(given.picture)
    return None if given.recipe is None else to_pixels(given.recipe.start(None)[0])
