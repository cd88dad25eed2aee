"""Weights are blobs by layer name: read, and checked against the shapes that the network wants."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import NetFileError
from ...runtime.graph import Params
from ...runtime.layers import Shape


def weights_of(net: Any, wanted: dict[str, list[Shape]], dtype: np.dtype[Any], source: str) -> Params:
    """Read the weights that a network wants from a NetParameter.

    Parameters
    ----------
    net : NetParameter
        As read from a caffemodel: weights are matched by layer name, layers not wanted are ignored.
    wanted : dict of str to list of tuple of int
        Layer → shapes, as `Graph.params`.
    dtype : numpy.dtype
        Type of the arrays.
    source : str
        For messages.

    Raises
    ------
    NetFileError
        For a layer that is missing, has other shapes than wanted, or holds NaN or infinity.
    """
    stored = _stored(net)
    missing = [name for name in wanted if name not in stored]
    if missing:
        raise NetFileError(
            f"{source}: no weights for layer {missing[0]!r} ({len(missing)} of {len(wanted)} layers miss theirs)"
        )
    params = {}
    for name, shapes in wanted.items():
        blobs = stored[name]
        found = [_stored_shape(blob) for blob in blobs]
        if not _all_fit(found, shapes):
            raise NetFileError(
                f"{source}: layer {name!r} has weights {_list(found)}, the network wants {_list(shapes)}"
            )
        params[name] = [
            _array(blob, shape, dtype, f"{source}: layer {name!r}") for blob, shape in zip(blobs, shapes, strict=True)
        ]
    return params


def misfits(net: Any, wanted: dict[str, list[Shape]]) -> dict[str, str]:
    """Compare the weights of a NetParameter with those that a network wants, layer by layer.

    Parameters
    ----------
    net, wanted
        As for `weights_of`, which reads the numbers too.

    Returns
    -------
    dict of str to str
        Layer → "missing", or its shapes and the wanted ones; layers that fit are left out.
    """
    stored = _stored(net)
    wrong = {}
    for name, shapes in wanted.items():
        found = [_stored_shape(blob) for blob in stored.get(name, [])]
        if not found:
            wrong[name] = "missing"
        elif not _all_fit(found, shapes):
            wrong[name] = f"{_list(found)}, not {_list(shapes)}"
    return wrong


def _stored(net: Any) -> dict[str, Any]:
    return {layer.name: layer.blobs for layer in (*net.layers, *net.layer) if layer.blobs}


def _all_fit(found: list[Shape], wanted: list[Shape]) -> bool:
    return len(found) == len(wanted) and all(map(_fits, found, wanted))


def _stored_shape(blob: Any) -> Shape:
    if blob.HasField("shape"):
        return tuple(blob.shape.dim)
    return (blob.num, blob.channels, blob.height, blob.width)


def _fits(found: Shape, wanted: Shape) -> bool:
    """Old files fill up to four axes with leading ones: (1, 1, 1, n) for n biases."""
    return found == wanted or found == (1,) * (4 - len(wanted)) + wanted


def _array(blob: Any, shape: Shape, dtype: np.dtype[Any], where: str) -> NDArray[Any]:
    values = blob.double_data or blob.data
    # Compared before any memory is taken: a file may claim any shape, but not hold its numbers.
    if len(values) != prod(shape):
        raise NetFileError(f"{where}: {len(values)} numbers for weights of shape {shape}, expected {prod(shape)}")
    with np.errstate(over="ignore"):  # a double beyond float32 is infinite, and refused below
        array = np.fromiter(values, dtype, len(values)).reshape(shape)
    if not np.isfinite(array).all():
        raise NetFileError(f"{where}: NaN or infinity among its weights")
    array.flags.writeable = False
    return array


def _list(shapes: list[Shape]) -> str:
    return ", ".join("x".join(map(str, shape)) or "none" for shape in shapes) or "none"
