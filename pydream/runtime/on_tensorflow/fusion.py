"""Which steps TensorFlow runs as one, or in another order.

A concatenation of two along the channels that max pooling alone reads: each is pooled, and then the smaller maps are
concatenated. Four, GoogLeNet's, are no faster so, and each pooling takes time to trace. What follows then applies to
the two rectifiers and to the new concatenation. Scanning for ties, as float64 does, takes as many more operations, so
float64 does not do this.

An in-place rectifier and the max pooling that alone reads it: the largest of rectified values is rectified too, so the
rectifier's gradient can be taken at the pooled values, of which there are fewer; and the rectified values need not be
kept.

A concatenation of two blobs and the convolution that alone reads it: a convolution of each, added up, copies nothing,
neither forward nor backward. Sums are rounded in another order, so float64 does not do this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from .. import layers
from ..graph import Graph, Step


@dataclass(frozen=True)
class RectifiedPooling(layers.Pooling):
    """``max pooling of max(x, 0)``."""


@dataclass(frozen=True)
class ConcatConvolution(layers.Convolution):
    """A convolution of two blobs that would be concatenated.

    Attributes
    ----------
    channels : pair of int
        Of each blob.
    """

    channels: tuple[int, ...]


def fused(graph: Graph, steps: Sequence[Step], wanted: Iterable[int], dtype: np.dtype[Any]) -> list[Step]:
    """Return the steps of a graph in that way; a value that is `wanted` is made all the same."""
    wanted = set(wanted)
    channels = {value: shape[1] for value, shape in graph.declared_shapes.items() if len(shape) > 1}
    if dtype == np.float32:
        steps = _pooled_apart(steps, wanted, channels)
    passed_on = _passed_on(steps, wanted)
    made: list[Step] = []
    for step in steps:
        before = passed_on.get(step.bottoms[0]) if step.bottoms else None
        layer = before and _as_one(before, step.layer, channels, dtype)
        if before and layer:
            made.remove(before)
            step = Step(layer, before.bottoms, step.tops)
        made.append(step)
    return made


def _passed_on(steps: Sequence[Step], wanted: set[int]) -> dict[int, Step]:
    """Return the values that one step alone reads, each with the step that makes it."""
    readers = Counter(value for step in steps for value in step.bottoms)
    return {step.tops[0]: step for step in steps if readers[step.tops[0]] == 1 and step.tops[0] not in wanted}


def _pooled_apart(steps: Sequence[Step], wanted: set[int], channels: dict[int, int]) -> list[Step]:
    """Return the steps with concatenations behind the max pooling that alone reads them.

    The pooled parts are new values, in no blob: numbers below 0; those of their `channels` are added.
    """
    count = len(channels)
    passed_on = _passed_on(steps, wanted)
    made: list[Step] = []
    for step in steps:
        before = passed_on.get(step.bottoms[0]) if step.bottoms else None
        if before is None or not (layers.takes_maximum(step.layer) and _joins_two(before)):
            made.append(step)
            continue
        made.remove(before)
        pooled = tuple(-1 - step.tops[0] * count - place for place in range(len(before.bottoms)))
        channels.update((top, channels[part]) for part, top in zip(before.bottoms, pooled, strict=True))
        made += [Step(step.layer, (part,), (top,)) for part, top in zip(before.bottoms, pooled, strict=True)]
        made.append(Step(replace(before.layer, tops=step.layer.tops), pooled, step.tops))
    return made


def _joins_two(step: Step) -> bool:
    joins = isinstance(step.layer, layers.Concat) and step.layer.axis == 1
    return joins and len(set(step.bottoms)) == len(step.bottoms) == 2


def _as_one(step: Step, second: layers.Layer, channels: Mapping[int, int], dtype: np.dtype[Any]) -> layers.Layer | None:
    """Return the layer that is a step and the layer that alone reads it; None: they run one by one."""
    first = step.layer
    # Otherwise the rectifier's blob has a gradient of its own, which can be read.
    if layers.takes_maximum(second) and isinstance(first, layers.ReLU) and first.negative_slope == 0 and first.in_place:
        return RectifiedPooling(**_fields(second))
    convolved = type(second) is layers.Convolution and second.group == 1 and len(second.bottoms) == 1
    pair = isinstance(first, layers.Concat) and first.axis == 1 and len(first.bottoms) == 2
    if convolved and pair and dtype == np.float32:
        return ConcatConvolution(**_fields(second), channels=tuple(channels[value] for value in step.bottoms))
    return None


def _fields(layer: layers.Layer) -> dict[str, Any]:
    return {each.name: getattr(layer, each.name) for each in fields(layer)}
