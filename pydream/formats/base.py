"""A format is a module that answers for its files: does it read this one, where are the weights, what is the graph."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..runtime.graph import Graph
from .head import Head
from .spec import InputSpec


class Packed(NamedTuple):
    """A network as the registry keeps it.

    Attributes
    ----------
    graph : Graph
    source : str
        Where it came from, for messages.
    suffix : str
        How the name of its weights' file ends.
    weights : Path or bytes
        The file, or its content.
    definition : bytes or None
        The prototxt; None: the weights' file holds the network too.
    spec : InputSpec
        What the files say of the pictures that it wants.
    """

    graph: Graph
    source: str
    suffix: str
    weights: Path | bytes
    definition: bytes | None = None
    spec: InputSpec = InputSpec()


class Format(Protocol):
    """A kind of network file: `caffe`, `graphdef` and `keras` are modules that have this.

    A model is a path, or a live model of Keras or PyTorch. The `net` of a format makes the net of one;
    `pydream.caffe.Classifier.load` makes that of Caffe's files.
    """

    SUFFIXES: tuple[str, ...]  # how the names of its files end, in small letters
    DEFAULT_SPEC: InputSpec  # what pictures its networks want where nothing else says so

    def holds(self, head: Head) -> bool:
        """Return whether a file is of this format, by its content."""

    def reads(self, model: object) -> bool:
        """Return whether the model is of this format, by its type or its name."""

    def name_of(self, model: Any) -> str:
        """Return the name of a network that has none in the registry."""

    def find_weights(self, model: Any, weights: str | os.PathLike[str] | None) -> Path | None:
        """Return the weights' file, which may be named; None: the model holds its weights."""

    def graph(self, model: Any, spec: InputSpec, name: str | None = None) -> Graph:
        """Read a network's graph; weights are read only where they are part of it."""

    def pack(self, files: Sequence[Path], spec: InputSpec) -> Packed:
        """Read a network whole, weights and all, from files in any order, for the registry to keep."""
