"""Rules for ops that move values, or reduce whole axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ...errors import ShapeError
from ...runtime import layers
from ...runtime.layers import Shape
from ...runtime.onnx_layers import Gather, Pad, Part, Reduce, View, ViewBack
from ...runtime.tf_layers import Identity
from ..graphdef.nodes import LeftOutError
from .folding import axes_of, parts_of, sizes, slices_of
from .inputs import Inputs, Order, Seen
from .nodes import Node
from .windows import Rule, pool_everything

_NEAR = 8  # layers between two reshapes that belong together

Sizes = tuple[int | tuple[int, ...], ...]


def _axis(node: Node, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise LeftOutError(f"{node}: no axis {axis} among {rank}")
    return axis % rank


def opened(shape: Shape, wanted: Sequence[int]) -> Sizes:
    """Return what a reshape makes of a shape, so that it fits other sizes of the picture where it can.

    Axes that are the same before and behind stay what they are there; where one is left, it is all of the rest.
    """
    wanted = list(wanted)
    known = prod(size for size in wanted if size != -1)
    unknown = wanted.index(-1) if wanted.count(-1) == 1 and known and prod(shape) % known == 0 else None
    if unknown is not None:
        wanted[unknown] = prod(shape) // known
    if prod(wanted) != prod(shape) or min(wanted, default=1) < 1:
        raise ShapeError(f"{'x'.join(map(str, wanted))} cannot be made of {'x'.join(map(str, shape))}")
    first = 0
    while first < min(len(shape), len(wanted)) and shape[first] == wanted[first]:
        first += 1
    last = 0
    while last < min(len(shape), len(wanted)) - first and shape[-1 - last] == wanted[-1 - last]:
        last += 1
    same: list[tuple[int, ...]] = [(axis,) for axis in range(first)]
    behind = [(axis,) for axis in range(len(shape) - last, len(shape))]
    rest, between = tuple(range(first, len(shape) - last)), wanted[first : len(wanted) - last]
    if not between and rest and first > 1:  # the rest is of size 1: flattened at the size that the file is made for
        same[-1] = (*same[-1], *rest)
        return (*same, *behind)
    if len(between) == 1:
        return (*same, rest, *behind)
    if unknown is not None and first <= unknown < len(wanted) - last:
        between[unknown - first] = -1
    elif len(rest) > 1 and shape[first] % prod(between[:-1]) == 0:  # channels in groups, with all that they have
        between[-1] = -1
    return (*same, *between, *behind)


def _view(inputs: Inputs, node: Node, sizes: Sizes) -> None:
    bottom = inputs.bottom(node)
    shape, facts = inputs.shapes[bottom], inputs.facts(node, bottom)
    if len(sizes) == 2 and sizes == ((0,), tuple(range(1, len(shape)))) and len(shape) > 1:
        inputs.add(node, layers.Flatten(*facts, axis=1, end_axis=-1))
    else:
        inputs.add(node, View(*facts, sizes=sizes))


def _reshape(inputs: Inputs, node: Node) -> None:
    shape = inputs.shape(node)
    given = inputs.constant(node, 1)  # which may depend on the picture's size
    if given is None and node.opset >= 5:
        raise LeftOutError(f"{node}: its input 1 is not a constant")
    wanted = list(node.integers("shape")) if given is None else sizes(given)
    if not node.integer("allowzero", 0):
        if any(size == 0 and place >= len(shape) for place, size in enumerate(wanted)):
            raise LeftOutError(f"{node}: {wanted} names an axis that {shape} has not")
        wanted = [shape[place] if size == 0 else size for place, size in enumerate(wanted)]
    if inputs.batch > 1 == shape[0] and -1 not in wanted and prod(wanted) == inputs.batch * prod(shape):
        wanted[0] //= inputs.batch
    bottom = inputs.bottom(node)
    before = _viewed(inputs, bottom)
    if before is not None and inputs.shapes[before] == tuple(wanted):
        inputs.add(node, ViewBack(*inputs.facts(node, bottom, before)))
    else:
        _view(inputs, node, opened(shape, wanted))


def _viewed(inputs: Inputs, blob: str) -> str | None:
    """Return the blob that was reshaped for a normalisation, which a later reshape undoes; None: there is none."""
    made = {layer.tops[0]: layer for layer in inputs.layers[-_NEAR:]}
    while (layer := made.get(blob)) is not None:
        if isinstance(layer, View):
            return layer.bottoms[0]
        if len(layer.bottoms) > 1 or inputs.shapes[layer.bottoms[0]] != inputs.shapes[blob]:
            return None
        blob = layer.bottoms[0]
    return None


def _flatten(inputs: Inputs, node: Node) -> None:
    rank = len(inputs.shape(node))
    axis = node.integer("axis", 1)
    axis = rank if axis == rank else _axis(node, axis, rank)
    _view(inputs, node, (tuple(range(axis)), tuple(range(axis, rank))))


def _squeeze(inputs: Inputs, node: Node) -> None:
    shape = inputs.shape(node)
    named = axes_of(node, inputs.fixed(node, 1))
    gone = [axis for axis, size in enumerate(shape) if size == 1] if named is None else named
    gone = [_axis(node, axis, len(shape)) for axis in gone]
    if any(shape[axis] != 1 for axis in gone):
        raise ShapeError(f"{node}: axes {gone} of {shape} are not all of size 1")
    # At other sizes they may not be: those are multiplied in, and what reads it does not fit.
    kept = [axis for axis in range(len(shape)) if axis not in gone]
    _view(inputs, node, tuple((axis,) for axis in kept))


def _unsqueeze(inputs: Inputs, node: Node) -> None:
    shape, named = inputs.shape(node), axes_of(node, inputs.fixed(node, 1)) or []
    rank = len(shape) + len(named)
    new, old = {_axis(node, axis, rank) for axis in named}, iter(range(len(shape)))
    if len(new) < len(named):
        raise LeftOutError(f"{node}: axes {named} are not all different")
    _view(inputs, node, tuple(1 if axis in new else (next(old),) for axis in range(rank)))


def _transpose(inputs: Inputs, node: Node) -> None:
    value = inputs.value(node)
    axes = node.integers("perm") or tuple(range(len(value.order)))[::-1]
    if sorted(axes) != list(range(len(value.order))):
        raise LeftOutError(f"{node}: {list(axes)} are not the axes of {inputs.shape(node)}")
    order = tuple(value.order[axis] for axis in axes)
    inputs.add(node, Identity(*inputs.facts(node, value.blob)), order=order)


def _concat(inputs: Inputs, node: Node) -> None:
    values = [inputs.value(node, place) for place in range(len(node.inputs))]
    rank = len(values[0].order)
    axis = _axis(node, node.integer("axis", 1), rank)
    orders = {value.order for value in values}
    order: Order | None = values[0].order if len(orders) == 1 else None
    blobs = [value.blob if order else inputs.plain(value) for value in values]
    layer = layers.Concat(*inputs.facts(node, *blobs), axis=order[axis] if order else axis)
    inputs.add(node, layer, order=order)


def _slice(inputs: Inputs, node: Node) -> None:
    value = inputs.value(node)
    given = [None, *(inputs.fixed(node, place) for place in range(1, len(node.inputs)))]
    _part(inputs, node, value, slices_of(node, len(value.order), given))


def _split(inputs: Inputs, node: Node) -> None:
    value, shape = inputs.value(node), inputs.shape(node)
    axis = _axis(node, node.integer("axis", 0), len(shape))
    found = parts_of(node, shape[axis], inputs.fixed(node, 1))
    if sum(found) != shape[axis] or min(found, default=0) < 1 or len(found) < len(node.outputs):
        raise ShapeError(f"{node}: parts of {found} do not make {shape[axis]}")
    for output in (output for output, name in enumerate(node.outputs) if name):
        start = sum(found[:output])
        slices = [slice(None)] * len(shape)
        slices[axis] = slice(start, start + found[output])
        _part(inputs, node, value, slices, output)


def _part(inputs: Inputs, node: Node, value: Seen, slices: Sequence[slice], output: int = 0) -> None:
    moved = tuple(slices[place] for place in np.argsort(value.order))
    inputs.add(node, Part(*inputs.facts(node, value.blob, output=output), moved), order=value.order, output=output)


def _gather(inputs: Inputs, node: Node) -> None:
    indices, bottom = inputs.fixed(node, 1), inputs.bottom(node)
    shape = inputs.shapes[bottom]
    axis = _axis(node, node.integer("axis", 0), len(shape))
    if indices is None or indices.dtype.kind not in "iu":
        raise LeftOutError(f"{node}: its input 1 is not integers")
    places = np.where(indices < 0, indices + shape[axis], indices).astype(np.int64)
    inputs.add(node, Gather(*inputs.facts(node, bottom), axis=axis, indices=places))


def _pad(inputs: Inputs, node: Node) -> None:
    value, rank = inputs.value(node), len(inputs.shape(node))
    mode, number = node.text("mode", "constant"), node.number("value", 0.0)
    if node.opset < 11:
        flat = list(node.integers("pads") or node.integers("paddings"))
        axes = list(range(rank))
    else:
        flat, given = sizes(inputs.fixed(node, 1)), inputs.fixed(node, 2)
        number = number if given is None or given.size != 1 else float(given.item())
        named = inputs.fixed(node, 3)
        axes = list(range(rank)) if named is None else [_axis(node, axis, rank) for axis in sizes(named)]
    if len(flat) != 2 * len(axes) or min(flat, default=0) < 0 or max(flat, default=0) > 2**15:
        raise LeftOutError(f"{node}: widths {flat} are not supported")
    if mode not in ("constant", "reflect") or not np.isfinite(number):
        raise LeftOutError(f"{node}: mode {mode!r} with {number} is not supported")
    widths = [(0, 0)] * rank
    for axis, before, behind in zip(axes, flat[: len(axes)], flat[len(axes) :], strict=True):
        widths[value.order[axis]] = (before, behind)
    layer = Pad(*inputs.facts(node, value.blob), tuple(widths), number, mode == "reflect")
    inputs.add(node, layer, order=value.order)


def _reduce(inputs: Inputs, node: Node) -> None:
    value, shape = inputs.value(node), inputs.shape(node)
    named, kept = axes_of(node, inputs.fixed(node, 1)), bool(node.integer("keepdims", 1))
    if not named and node.integer("noop_with_empty_axes", 0):
        raise LeftOutError(f"{node} reduces nothing")
    named = [_axis(node, axis, len(shape)) for axis in named or range(len(shape))]
    op = node.op.removeprefix("Reduce")
    axes = tuple(sorted(value.order[axis] for axis in named))
    if kept and len(shape) == 4 and axes == (2, 3) and op in ("Mean", "Max"):
        pool_everything(inputs, node, value.blob, op == "Mean")
        inputs.seen[node.outputs[0]] = Seen(inputs.seen[node.outputs[0]].blob, value.order)
        return
    left = [axis for axis in value.order if axis not in axes]
    if kept or left == sorted(left):
        layer = Reduce(*inputs.facts(node, value.blob), op=op, axes=axes, kept=kept)
        inputs.add(node, layer, order=value.order if kept else None)
    else:
        bottom = inputs.plain(value)
        inputs.add(node, Reduce(*inputs.facts(node, bottom), op=op, axes=tuple(sorted(named)), kept=False))


RULES: dict[str, Rule] = {
    **dict.fromkeys(["ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"], _reduce),
    "Concat": _concat,
    "Flatten": _flatten,
    "Gather": _gather,
    "Pad": _pad,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
