"""Geometry is what a value sees of the image, where, and at what cost: derived from the graph, nothing is run.

Along an axis the windows of the layers compose. A layer whose windows reach over k values, s apart, the first of them
beginning p before the first value, on a bottom that itself sees `size` pixels, `stride` apart, from `start` on::

    size' = size + (k - 1) * stride        start' = start - p * stride        stride' = s * stride

A layer that stretches its bottom, as a deconvolution by its stride, divides `stride` first; then `size` is an upper
limit, which values between two of the bottom reach together. Where the division leaves a fraction, a value counts as
seeing the whole picture.

Where branches meet, a value sees what each of them sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import lcm, prod

from ..errors import ShapeError
from ..net import Field, View
from .graph import Graph, Step, TooLargeError
from .layers import Reshape, Shape, Window

_MOST_VISITS = 10**7  # of steps, in working out what all of a graph cost: some ten seconds

PIXEL = Field(View(1, 1, 0), View(1, 1, 0))


@dataclass(frozen=True)
class BlobFacts:
    """What is known of a blob before it is computed.

    Attributes
    ----------
    name : str
    layer, type : str
        The layer that makes it; for an input its own name and "Input".
    shape : tuple of int, or ShapeError
        For the input shapes in question, or why there is none.
    dreamable : bool
        Whether a forward pass can end there, and a gradient reaches the image.
    field : Field or None
        None: the whole image, or nothing of it.
    macs : int or None
        Multiplications with a weight, each with its addition, in the layer, for one picture. None: without a shape.
    macs_to : int or None
        The same for the whole forward pass that ends there. None: unknown.
    fixed : bool
        Whether it is made by a layer whose weights fit one input size only, or behind such a layer.
    """

    name: str
    layer: str
    type: str
    shape: Shape | ShapeError
    dreamable: bool
    field: Field | None
    macs: int | None
    macs_to: int | None
    fixed: bool


def survey(graph: Graph, inputs: dict[str, Shape]) -> list[BlobFacts]:
    """Return the facts of every blob for these input shapes, in the order of the network.

    A blob that in-place layers overwrite is described as ``forward(end=its name)`` leaves it: before them.
    """
    shapes = graph.fitting(inputs)
    seen = fields(graph)
    driven, fixed = _driven(graph), _fixed(graph)
    costs = [_macs(step, shapes) for step in graph.steps]
    costs_to = _totals(graph, costs)
    facts = []
    for blob in graph.blobs:
        if blob in graph.inputs:
            value = graph.inputs[blob]
            facts.append(BlobFacts(blob, blob, "Input", shapes[value], False, seen.get(value), 0, 0, False))
            continue
        end = graph.index(blob)
        ended = graph.value(blob, end)
        value = graph.first_value(blob) if ended is None else ended  # None: an earlier layer has this blob's name
        made = graph.maker(value)
        facts.append(
            BlobFacts(
                name=blob,
                layer=graph.steps[made].layer.name,
                type=graph.steps[made].layer.type,
                shape=shapes[value],
                dreamable=ended is not None and value in driven,
                field=seen.get(value),
                macs=costs[made],
                macs_to=costs_to[made],
                fixed=value in fixed,
            )
        )
    return facts


def survey_at(graph: Graph, size: tuple[int, int]) -> list[BlobFacts]:
    """Return the facts of every blob for a picture of (height, width) `size`."""
    shape = graph.declared[graph.image_input]
    return survey(graph, {**graph.declared, graph.image_input: (*shape[:2], *size)})


def fields(graph: Graph, filled: bool = False) -> dict[int, Field | None]:
    """Compute the receptive field of every value that is made of the image; None: all of it.

    Parameters
    ----------
    graph : Graph
    filled : bool
        Whether what lies between windows that do not touch counts as seen by the next one, and between values that do
        not touch as made by the next one. Then every value sees something of every map, also one that rounding up has
        put behind the last row.

    Returns
    -------
    dict of int to Field or None
        In pixels of `graph.image_input`, whatever its size.
    """
    found: dict[int, Field | None] = {graph.inputs[graph.image_input]: PIXEL}
    for step in graph.steps:
        bottoms = [found[value] for value in step.bottoms[: step.layer.reads] if value in found]
        if bottoms:
            windows = step.layer.windows
            if filled and windows is not None:
                windows = (_filled(windows[0]), _filled(windows[1]))
            met = None if windows is None else _met(bottoms)
            top = None
            if (
                windows is not None
                and met is not None
                and not any(view.stride % window.up for view, window in zip(met, windows, strict=True))
            ):
                top = Field(_through(met.rows, windows[0]), _through(met.columns, windows[1]))
            found.update(dict.fromkeys(step.tops, top))
    return found


def locality(graph: Graph, end: str) -> Field:
    """Compute the part of the image that determines single values of a blob, and their gradients.

    Parameters
    ----------
    graph : Graph
    end : str
        A blob, as a forward pass that ends there leaves it.

    Returns
    -------
    Field
        Their receptive field, widened where windows begin elsewhere for maps of other sizes.

    Raises
    ------
    ShapeError
        Where that is the whole image; the message names the layer that is the reason.
    """
    index = graph.index(end)
    value = graph.value(end, index)
    steps = [] if value is None else graph.needed([value], index)
    found = fields(graph, filled=True)
    for step in steps:
        if not step.bottoms:
            raise ShapeError(
                f"{end!r} is made of the layer {_describe(step)} too, which has no part for a part of a picture"
            )
        others = [graph.blob(bottom) for bottom in step.bottoms if graph.blob(bottom) in graph.inputs]
        others = [name for name in others if name != graph.image_input]
        if others:
            raise ShapeError(
                f"{end!r} is made of the input {others[0]!r} too, which has no part for a part of a picture"
            )
        if found.get(step.tops[0], PIXEL) is None:
            raise ShapeError(f"a value of {end!r} sees the whole picture: through the layer {_describe(step)}")
    field = None if value is None else found.get(value)
    if field is None:
        raise ShapeError(f"{end!r} is made of nothing of the picture")
    if not any(step.layer.slides for step in steps):
        return field
    # Each such layer moves by half its own stride at most, strides double at least: together, by less than the last.
    rows, columns = (view._replace(size=view.size + view.cell, start=view.start - view.cell) for view in field)
    return Field(rows, columns)


def step_values(graph: Graph, ends: Sequence[str], inputs: dict[str, Shape]) -> int:
    """Count the values that the layers up to `ends` make for these input shapes, and the gradients at the ends.

    Values that are overwritten count too; a layer that does not fit makes none. `ShapeError` where a layer makes more
    values than a blob can hold.
    """
    places = [graph.index(end) for end in ends]
    values = [value for end in ends for value in graph.values(end)]
    shapes = graph.fitting(inputs)
    made = [shapes[top] for step in graph.needed(values, max(places)) for top in step.tops]
    made += [shapes[value] for value in values]
    for shape in made:
        if isinstance(shape, TooLargeError):
            raise shape
    return sum(prod(shape) for shape in made if not isinstance(shape, ShapeError))


def _filled(window: Window) -> Window:
    gap = max(window.stride - window.reach, 0)
    hole = max(window.up - window.reach, 0)
    return window._replace(reach=window.reach + gap + hole, pad=window.pad + gap)


def _describe(step: Step) -> str:
    return f"{step.layer.name!r} ({step.layer.type})"


def _through(view: View, window: Window) -> View:
    """Return the view of a top whose bottom has this one."""
    step = view.stride // window.up
    return View(
        size=view.size + (window.reach - 1) * step,
        stride=step * window.stride,
        start=view.start - window.pad * step,
        grid=view.grid if window.up == 1 else lcm(view.grid, view.stride),
    )


def _met(bottoms: list[Field | None]) -> Field | None:
    """Return what values of several bottoms see together; None: all, or their strides differ."""
    views = []
    for axis in range(2):
        found = [bottom[axis] for bottom in bottoms if bottom is not None]
        if len(found) < len(bottoms) or len({view.stride for view in found}) > 1:
            return None
        start = min(view.start for view in found)
        behind = max(view.start + view.size for view in found)
        views.append(View(behind - start, found[0].stride, start, lcm(*(view.grid for view in found))))
    return Field(*views)


def _driven(graph: Graph) -> set[int]:
    """Return the values from which a gradient reaches the image."""
    driven = {graph.inputs[graph.image_input]}
    for step in graph.steps:
        if driven.intersection(step.bottoms[: step.layer.reads]):
            driven.update(step.tops[: step.layer.drives])
    return driven


def _fixed(graph: Graph) -> set[int]:
    """Return the values behind a layer whose weights fit one input size only: an InnerProduct of a map."""
    return {value for value, shape in _larger(graph).items() if isinstance(shape, ShapeError)}


def _larger(graph: Graph) -> dict[int, Shape | ShapeError]:
    """Return all shapes for a picture so much larger that every map is larger too, whatever the strides."""
    shape = graph.declared[graph.image_input]
    shape = (*shape[:2], *(2 * side + 64 for side in shape[2:]))
    return graph.fitting({**graph.declared, graph.image_input: shape})


def channels_vary(graph: Graph) -> bool:
    """Return whether a size that traces have to know, as that of channels, depends on the picture's."""
    for value, shape in _larger(graph).items():
        declared = graph.declared_shapes[value]
        if len(declared) < 4:
            continue
        if isinstance(shape, ShapeError):
            if graph.maker(value) >= 0 and isinstance(graph.steps[graph.maker(value)].layer, Reshape):
                return True
        elif any(shape[axis] != declared[axis] for axis in _traced(len(declared))):
            return True
    return False


def _traced(rank: int) -> Iterable[int]:
    """Return the axes whose sizes a trace has to know."""
    return (1,) if rank == 4 else range(3, rank)


def _totals(graph: Graph, costs: Sequence[int | None]) -> list[int | None]:
    """Compute for each step what it and all that it needs cost; None where a cost is unknown.

    Where branches meet, the steps back to their common one are gone through, the latest first: of that the total is
    known. A large graph whose branches never meet is not worked out to its end.
    """
    totals: list[int | None] = []
    visits = 0
    for step, cost in zip(graph.steps, costs, strict=True):
        total, branches = cost, [-made for made in {graph.maker(value) for value in step.bottoms} if made >= 0]
        heapify(branches)
        seen = set(branches)
        while branches and total is not None:
            latest = -heappop(branches)
            spent = costs[latest] if branches else totals[latest]
            visits += 1
            total = None if spent is None or visits > _MOST_VISITS else total + spent
            if not branches:
                break
            for made in {graph.maker(value) for value in graph.steps[latest].bottoms}:
                if made >= 0 and -made not in seen:
                    seen.add(-made)
                    heappush(branches, -made)
        totals.append(total)
    return totals


def _macs(step: Step, shapes: dict[int, Shape | ShapeError]) -> int | None:
    bottoms = [shapes[value] for value in step.bottoms]
    known = [shape for shape in bottoms if not isinstance(shape, ShapeError)]
    if len(known) < len(bottoms) or isinstance(shapes[step.tops[0]], ShapeError):
        return None
    return step.layer.macs(*known)
