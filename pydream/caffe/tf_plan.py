"""Which steps TensorFlow runs as one: a rectifier in place, and the max pooling that alone reads it.

The largest of rectified values is rectified too, so the rectifier's gradient can be taken at the pooled values, of
which there are fewer; and what the rectifier made need not be kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from . import layers
from .graph import Step


@dataclass(frozen=True)
class RectifiedPooling(layers.Pooling):
    """``max pooling of max(x, 0)``."""


def fused(steps: Sequence[Step], wanted: Iterable[int]) -> list[Step]:
    """Give the steps with such pairs as one; a value that is `wanted` is made all the same."""
    readers = Counter(value for step in steps for value in step.bottoms)
    wanted = set(wanted)
    rectified = {
        step.tops[0]: step
        for step in steps
        if isinstance(step.layer, layers.ReLU)
        and step.layer.negative_slope == 0
        and step.layer.in_place  # else its blob's gradient, which can be asked for, would be another
        and readers[step.tops[0]] == 1
        and step.tops[0] not in wanted
    }
    made: list[Step] = []
    for step in steps:
        if isinstance(step.layer, layers.Pooling) and not step.layer.average and step.bottoms[0] in rectified:
            rectifier = rectified[step.bottoms[0]]
            made.remove(rectifier)
            constants = {each.name: getattr(step.layer, each.name) for each in fields(step.layer)}
            step = Step(RectifiedPooling(**constants), rectifier.bottoms, step.tops)
        made.append(step)
    return made
