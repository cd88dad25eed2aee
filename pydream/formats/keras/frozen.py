"""The result of freezing."""

from __future__ import annotations

from typing import NamedTuple


class Frozen(NamedTuple):
    """A network as a frozen GraphDef.

    Attributes
    ----------
    graph : bytes
        The GraphDef.
    input : str
        Node that the picture replaces.
    """

    graph: bytes
    input: str
