"""Which steps run as one, so that fewer passes go over memory.

A convolution and the rectifier that alone reads it: its values are rectified as they are written.

Such convolutions and the concatenation that alone reads them: each writes its part of the top.

What alone reads rectified values, where it is a convolution, or max pooling, whose largest is rectified too: it drops
the gradient that the rectifier would drop as it writes it, or at the pooled values, of which there are fewer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from .. import layers
from ..graph import Graph, Step


@dataclass(frozen=True)
class Convolutions(layers.Layer):
    """Convolutions, rectified or not, whose tops are joined along the channels.

    Attributes
    ----------
    parts : tuple of Convolution
    sources : tuple of int
        Of each its place among the bottoms.
    rectified : bool
    dropped : bool
        Whether the gradient is 0 already where the top is.
    drops : tuple of bool
        For each bottom, whether it is rectified and its gradient is to be 0 where it is.
    """

    parts: tuple[layers.Convolution, ...]
    sources: tuple[int, ...]
    rectified: bool
    dropped: bool = False
    drops: tuple[bool, ...] = ()

    @property
    def type(self) -> str:
        """What it does: in the key of a step."""
        return f"Convolutions {len(self.parts)} {self.rectified} {self.dropped} {self.drops}"


@dataclass(frozen=True)
class RectifiedPooling(layers.Layer):
    """Max pooling of rectified values, which drops the gradient where the largest is 0."""

    pooling: layers.Pooling


def fused(graph: Graph, steps: Sequence[Step], made: Collection[int]) -> list[Step]:
    """Return the steps of a graph with such steps as one; a value of `made` is made all the same, and its gradient."""
    rectified = list(_with_rectifiers(graph, steps, made))
    return _dropping_early(_joined(rectified, made), made)


def _readers(steps: Sequence[Step]) -> dict[int, list[Step]]:
    """Return the steps that read a value, once each."""
    readers: dict[int, list[Step]] = {}
    for step in steps:
        for value in dict.fromkeys(step.bottoms):
            readers.setdefault(value, []).append(step)
    return readers


def _with_rectifiers(graph: Graph, steps: Sequence[Step], made: Collection[int]) -> Iterator[Step]:
    """Yield the steps, convolutions of one bottom with the rectifier behind."""
    readers = _readers(steps)
    left_out = set()
    for step in steps:
        layer = step.layer
        if step.tops in left_out:
            continue
        if not isinstance(layer, layers.Convolution) or len(step.tops) != 1:
            yield step
            continue
        following = readers.get(step.tops[0], [])
        rectified = len(following) == 1 and step.tops[0] not in made and _plain_rectifier(graph, following[0])
        last = following[0] if rectified else step
        left_out.update([last.tops] if rectified else [])
        fused_layer = Convolutions(
            layer.name, layer.bottoms, last.layer.tops, (layer,), (0,), rectified, drops=(False,)
        )
        yield Step(fused_layer, step.bottoms, last.tops)


def _plain_rectifier(graph: Graph, step: Step) -> bool:
    """Return whether it is ``max(x, 0)``, and nothing else in place runs over what it reads or makes."""
    if not isinstance(step.layer, layers.ReLU) or step.layer.negative_slope != 0:
        return False
    end = len(graph.steps)
    alone = step.layer.in_place or graph.overwritten(step.bottoms[0], end) is None
    return alone and graph.overwritten(step.tops[0], end) is None


def _joined(steps: Sequence[Step], made: Collection[int]) -> list[Step]:
    """Return the steps with concatenations of rectified convolutions as one."""
    readers, maker = _readers(steps), {step.tops[0]: step for step in steps if step.tops}
    found = list(steps)
    for step in steps:
        layer = step.layer
        if not isinstance(layer, layers.Concat) or layer.axis != 1 or len(set(step.bottoms)) < len(step.bottoms):
            continue
        whole = [maker[value] for value in step.bottoms if value in maker and value not in made]
        rectified = all(_is_rectified(part) and len(readers[part.tops[0]]) == 1 for part in whole)
        if not rectified or len(whole) < len(step.bottoms):
            continue
        bottoms = list(dict.fromkeys(part.bottoms[0] for part in whole))
        convolutions = tuple(part.layer.parts[0] for part in whole if isinstance(part.layer, Convolutions))
        sources = tuple(bottoms.index(part.bottoms[0]) for part in whole)
        names = tuple(whole[sources.index(i)].layer.bottoms[0] for i in range(len(bottoms)))
        drops = (False,) * len(bottoms)
        joined = Convolutions(layer.name, names, layer.tops, convolutions, sources, rectified=True, drops=drops)
        found[found.index(step)] = Step(joined, tuple(bottoms), step.tops)
        for part in whole:
            found.remove(part)
    return found


def _is_rectified(step: Step) -> bool:
    return isinstance(step.layer, Convolutions) and step.layer.rectified


def _dropping_early(steps: Sequence[Step], made: Collection[int]) -> list[Step]:
    """Let what alone reads rectified values drop their gradient."""
    readers = _readers(steps)
    found = [step.layer for step in steps]
    for place, step in enumerate(steps):
        maker = found[place]
        if not isinstance(maker, Convolutions) or not maker.rectified or step.tops[0] in made:
            continue
        reading = readers.get(step.tops[0], [])
        if len(reading) != 1:
            continue
        at = steps.index(reading[0])
        layer = found[at]
        if layers.takes_maximum(layer):
            found[at] = RectifiedPooling(layer.name, layer.bottoms, layer.tops, layer)
        elif isinstance(layer, Convolutions):
            ours = [bottom == step.tops[0] for bottom in reading[0].bottoms]
            found[at] = replace(layer, drops=tuple(a or b for a, b in zip(layer.drops, ours, strict=True)))
        else:
            continue
        found[place] = replace(maker, dropped=True)
    return [replace(step, layer=layer) for step, layer in zip(steps, found, strict=True)]
