"""Layer messages → the layers of `pydream.runtime`, whose files these are; `reader` finds the one for a type."""

from .reader import READERS, TYPES, graph_of, layer_from_proto, linked

__all__ = ["READERS", "TYPES", "graph_of", "layer_from_proto", "linked"]
