"""An objective is a function of a blob: it writes into ``dst.diff`` where the activations ``dst.data`` should go."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from .errors import ShapeError
from .net import Array, Blob, Net
from .preprocessing import preprocess

Objective = Callable[[Blob], None]

# Rows of the guide's similarity matrix that are held at once: at 575x1024 all of it would take 9216 x 1200 numbers.
_ROWS = 1024


def objective_L2(dst: Blob) -> None:
    """Make the layer see more of what it sees: ``dst.diff[:] = dst.data``, the gradient of ``|data|^2 / 2``.

    Parameters
    ----------
    dst : Blob
        Of the layer that is dreamt with.
    """
    dst.copy_data_to_diff()


def objective_guide(net: Net, guide: ArrayLike, end: str) -> Objective:
    """Make the layer see what it sees in a guide picture.

    Every position of the dream is pulled to the guide's position whose features are most like its own, by dot product;
    of equally good ones the first. The guide is not resized.

    Parameters
    ----------
    net : Net
        Its input is reshaped to the guide, so make the objective before the dream.
    guide : (h, w, 3) array_like
        RGB, 0..255.
    end : str
        The layer whose features are compared: the one that is dreamt with.

    Returns
    -------
    callable
        An objective, for `make_step` or `deepdream` with the same `end`.

    Raises
    ------
    ValueError, ShapeError
        For a guide that is no picture, or too small for `end`. The objective itself raises `ShapeError` for another
        layer's blob.
    """
    src, dst = net.blobs["data"], net.blobs[end]
    image = preprocess(net, guide)
    src.reshape(1, *image.shape)
    src.data[0] = image
    net.forward(end=end)
    guide_features = dst.data[0].copy()

    def objective(dst: Blob) -> None:
        ch = guide_features.shape[0]
        if dst.shape[1] != ch:
            raise ShapeError(
                f"the guide's features are of {end!r}, {ch} channels; the dream's layer has {dst.shape[1]}"
            )
        x = dst.data[0].reshape(ch, -1)
        y = guide_features.reshape(ch, -1)
        dst.diff[0].reshape(ch, -1)[:] = y[:, _best_match(x, y)]

    return objective


def _best_match(x: Array, y: Array) -> Array:
    """``(x.T @ y).argmax(1)``, block by block of its rows."""
    blocks = (x[:, i : i + _ROWS].T.dot(y).argmax(1) for i in range(0, x.shape[1], _ROWS))
    return np.concatenate(list(blocks))
