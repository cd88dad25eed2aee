"""What freezing gives."""

from __future__ import annotations

from typing import NamedTuple


class Frozen(NamedTuple):
    """A network as a frozen GraphDef.

    Attributes
    ----------
    graph : bytes
        The GraphDef.
    input : str
        The node that the picture goes into.
    name : str
        The model's own.
    """

    graph: bytes
    input: str
    name: str
