"""Which steps TensorFlow runs as one.

An in-place rectifier and the max pooling that alone reads it: the largest of rectified values is rectified too, so the
rectifier's gradient can be taken at the pooled values, of which there are fewer; and the rectified values need not be
kept.

A concatenation of two blobs and the convolution that alone reads it: a convolution of each, added up, copies nothing,
neither forward nor backward. Sums are rounded in another order, so float64 does not do this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
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
    """Return the steps of a graph with such pairs as one; a value that is `wanted` is made all the same."""
    readers = Counter(value for step in steps for value in step.bottoms)
    wanted = set(wanted)
    passed_on = {step.tops[0]: step for step in steps if readers[step.tops[0]] == 1 and step.tops[0] not in wanted}
    made: list[Step] = []
    for step in steps:
        before = passed_on.get(step.bottoms[0]) if step.bottoms else None
        layer = before and _as_one(graph, before, step.layer, dtype)
        if before and layer:
            made.remove(before)
            step = Step(layer, before.bottoms, step.tops)
        made.append(step)
    return made


def _as_one(graph: Graph, step: Step, second: layers.Layer, dtype: np.dtype[Any]) -> layers.Layer | None:
    """Return the layer that is a step and the layer that alone reads it; None: they run one by one."""
    first = step.layer
    # Of these types exactly: subclasses are padded differently.
    pooled = type(second) is layers.Pooling and not (second.average or second.stochastic or second.tops[1:])
    # Otherwise the rectifier's blob has a gradient of its own, which can be read.
    if pooled and isinstance(first, layers.ReLU) and first.negative_slope == 0 and first.in_place:
        return RectifiedPooling(**_fields(second))
    convolved = type(second) is layers.Convolution and second.group == 1 and len(second.bottoms) == 1
    pair = isinstance(first, layers.Concat) and first.axis == 1 and len(first.bottoms) == 2
    if convolved and pair and dtype == np.float32:
        channels = tuple(graph.declared_shapes[value][1] for value in step.bottoms)
        return ConcatConvolution(**_fields(second), channels=channels)
    return None


def _fields(layer: layers.Layer) -> dict[str, Any]:
    return {each.name: getattr(layer, each.name) for each in fields(layer)}
