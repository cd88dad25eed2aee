"""A network's inputs are what its Input and data layers make: the sizes that they state, or else those of ImageNet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any

from ...errors import NetFileError
from ...runtime.graph import MAX_AXES, MAX_COUNT
from ...runtime.layers import Shape

_USUAL_SIZE = 224  # where nothing states one: ImageNet's usual crop


@dataclass
class Inputs:
    """The inputs of a network.

    Attributes
    ----------
    shapes : dict of str to tuple of int
        Blob → declared shape, (n, c, h, w).
    assumed : bool
        Whether the size of one of them is only the usual one.
    unsized : dict of str to str
        Inputs that have no shape → the reason.
    """

    shapes: dict[str, Shape] = field(default_factory=dict)
    assumed: bool = False
    unsized: dict[str, str] = field(default_factory=dict)


def is_input(layer: Any) -> bool:
    """Return whether a layer brings data in: an Input or data layer, of forks too, or Python without bottoms."""
    return layer.type == "Input" or layer.type.endswith("Data") or (layer.type == "Python" and not layer.bottom)


def inputs_of(layers: Iterable[Any], source: str) -> Inputs:
    """Gather the inputs of layers; those of the test phase are expected before others.

    Raises
    ------
    NetFileError
        For shapes that no input can have, and several for one blob.
    """
    found = Inputs()
    for layer in layers:
        if layer.type == "Input":
            for top, shape in _input(layer, source).items():
                if top in found.shapes:
                    raise NetFileError(f"{source}: layer {layer.name!r}: the input {top!r} is declared twice")
                found.shapes[top] = shape
            if not layer.input_param.shape:
                found.unsized.update(dict.fromkeys(layer.top, "it is an Input without a shape"))
        elif is_input(layer):
            shapes = _data(layer, source)
            if not shapes and layer.top and layer.top[0] not in found.shapes:
                shapes = [_image(layer, (_USUAL_SIZE, _USUAL_SIZE))]
                found.assumed = True
            for top, shape in zip(layer.top, shapes, strict=False):
                found.shapes.setdefault(top, shape)
    for name, shape in list(found.shapes.items()):
        if not 1 <= len(shape) <= MAX_AXES or min(shape) < 1 or prod(shape) > MAX_COUNT:
            raise NetFileError(
                f"{source}: input {name!r} has shape {shape}; expected 1 to {MAX_AXES} sizes, 1 to {MAX_COUNT} values"
            )
    return found


def _input(layer: Any, source: str) -> dict[str, Shape]:
    shapes = [tuple(shape.dim) for shape in layer.input_param.shape]
    if shapes and len(shapes) not in (1, len(layer.top)):
        raise NetFileError(f"{source}: layer {layer.name!r}: {len(layer.top)} tops, but {len(shapes)} shapes")
    return dict(zip(layer.top, shapes * len(layer.top) if len(shapes) == 1 else shapes, strict=False))


def _data(layer: Any, source: str) -> list[Shape]:
    """Return the shapes of a data layer's first tops, as far as it states them."""
    if layer.type == "MemoryData":
        param = layer.memory_data_param
        return [(param.batch_size, param.channels, param.height, param.width), (param.batch_size,)]
    if layer.type == "DummyData":
        return _dummy(layer, source)
    if crop := layer.transform_param.crop_size:
        return [_image(layer, (crop, crop))]
    param = layer.image_data_param
    return [_image(layer, (param.new_height, param.new_width))] if param.new_height and param.new_width else []


def _image(layer: Any, size: tuple[int, int]) -> Shape:
    grey = layer.transform_param.force_gray or not layer.image_data_param.is_color
    return (1, 1 if grey else 3, *size)


def _dummy(layer: Any, source: str) -> list[Shape]:
    """Return a shape for each top: `shape`, or four sizes, given once or for each."""
    param, tops = layer.dummy_data_param, len(layer.top)
    columns = [list(getattr(param, size)) for size in ("num", "channels", "height", "width")]
    counts = {len(param.shape)} if param.shape else {len(column) for column in columns}
    if not counts <= {1, tops} or (param.shape and any(columns)):
        raise NetFileError(
            f"{source}: layer {layer.name!r}: {tops} tops; expected a shape, or four sizes, once or for each"
        )
    if param.shape:
        shapes = [tuple(shape.dim) for shape in param.shape]
        return shapes * tops if len(shapes) == 1 else shapes
    return list(zip(*(column * tops if len(column) == 1 else column for column in columns), strict=True))
