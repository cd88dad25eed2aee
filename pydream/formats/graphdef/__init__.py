"""Frozen TensorFlow graphs, read as layers and their weights."""

from __future__ import annotations

import os
from pathlib import Path

from ...net import ChannelOrder
from ...runtime.graph import Graph, Params
from .nodes import read_nodes
from .translation import translate

__all__ = ["CHANNEL_ORDER", "MEAN", "read"]

# Of Inception5h, whose file every tutorial took.
MEAN = (117.0, 117.0, 117.0)
CHANNEL_ORDER: ChannelOrder = "RGB"


def read(
    file: str | os.PathLike[str] | bytes, input: str | None = None, scale: float = 1.0, name: str | None = None
) -> tuple[Graph, Params]:
    """Read a frozen graph: blobs and layers are the nodes that depend on the picture, by their names.

    Parameters
    ----------
    file : path, or bytes
        A GraphDef whose weights are constants: its file, or what that would hold.
    input : str, optional
        The node whose place the picture takes. None: the one placeholder for pictures. Its blob is ``"data"``, the
        picture minus the mean; the node's own name is what the network sees.
    scale : float
        The network sees ``(pixel - mean) * scale``.
    name : str, optional
        None: the file's.

    Raises
    ------
    NetFileError
        For a file that is no frozen GraphDef, or that has no input or several, or of which nothing can be run.
    UnknownNameError
        For an `input` that is no node.
    """
    source = name or "a graph" if isinstance(file, bytes) else str(file)
    return translate(read_nodes(file, source), source, name or Path(source).stem, input, scale)
