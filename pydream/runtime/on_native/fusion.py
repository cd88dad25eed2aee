"""Which steps run as one, so that fewer passes go over memory.

A convolution and the rectifier that alone reads it: its values are rectified as they are written, and its gradient is
taken where the top is above 0.

Max pooling that alone reads rectified values: its largest is rectified too, so the gradient can be dropped at the
pooled values, of which there are fewer, and the rectifier drops nothing more. A concatenation in between changes
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from .. import layers
from ..graph import Graph, Step


@dataclass(frozen=True)
class RectifiedConvolution(layers.Layer):
    """``max(convolution, 0)``."""

    convolution: layers.Convolution


@dataclass(frozen=True)
class PooledConvolution(RectifiedConvolution):
    """The same before a `RectifiedPooling`: the gradient is 0 already where the top is."""


@dataclass(frozen=True)
class RectifiedPooling(layers.Layer):
    """Max pooling of rectified values, which drops the gradient where the largest is 0."""

    pooling: layers.Pooling


def fused(graph: Graph, steps: Sequence[Step], made: Collection[int]) -> list[Step]:
    """Return the steps of a graph with such steps as one; a value of `made` is made all the same, and its gradient."""
    rectified = list(_with_rectifiers(graph, steps, made))
    return _dropping_once(rectified, made)


def _with_rectifiers(graph: Graph, steps: Sequence[Step], made: Collection[int]) -> Iterator[Step]:
    readers: dict[int, list[Step]] = {}
    for step in steps:
        for value in step.bottoms:
            readers.setdefault(value, []).append(step)
    left_out = set()
    for step in steps:
        layer = step.layer
        if step.tops in left_out:
            continue
        if isinstance(layer, layers.Convolution) and len(step.tops) == 1 and step.tops[0] not in made:
            following = readers.get(step.tops[0], [])
            if len(following) == 1 and _plain_rectifier(graph, following[0]):
                left_out.add(following[0].tops)
                top = following[0].layer.tops
                yield Step(RectifiedConvolution(layer.name, layer.bottoms, top, layer), step.bottoms, following[0].tops)
                continue
        yield step


def _plain_rectifier(graph: Graph, step: Step) -> bool:
    """Return whether it is ``max(x, 0)``, and nothing else in place runs over what it reads."""
    plain = isinstance(step.layer, layers.ReLU) and step.layer.negative_slope == 0
    return plain and (step.layer.in_place or graph.overwritten(step.bottoms[0], len(graph.steps)) is None)


def _dropping_once(steps: list[Step], made: Collection[int]) -> list[Step]:
    """Let max poolings drop the gradient where they alone read rectified values."""
    maker = {top: place for place, step in enumerate(steps) for top in step.tops}
    readers = Counter(value for step in steps for value in step.bottoms)

    def rectifiers(value: int) -> list[int]:
        """Return the places of the steps that rectify a value, which one step reads; none: not all of it is."""
        place = maker.get(value)
        if place is None or readers[value] != 1 or value in made:
            return []
        if isinstance(steps[place].layer, RectifiedConvolution):
            return [place]
        parts = list(map(rectifiers, steps[place].bottoms)) if isinstance(steps[place].layer, layers.Concat) else []
        return [each for part in parts for each in part] if all(parts) else []

    found = list(steps)
    for place, step in enumerate(steps):
        layer = step.layer
        # Of this type exactly: subclasses are padded differently.
        if type(layer) is layers.Pooling and not (layer.average or layer.stochastic or layer.tops[1:]):
            sources = rectifiers(step.bottoms[0])
            if sources:
                pooling = RectifiedPooling(layer.name, layer.bottoms, layer.tops, layer)
                found[place] = replace(step, layer=pooling)
            for source in sources:
                layer = PooledConvolution(**vars(steps[source].layer))
                found[source] = replace(steps[source], layer=layer)
    return found
