"""Names → networks.

======== ==============================================================
registry networks by name: the built-in ones, and the user's own
load     a name or a file → a net, ready to dream
own      files → a network of the user's own in the registry
fetch    addresses → weights, checked
sources  what may be fetched: the file, a copy, files of layers
part     one answer after the other → a file
assemble an ONNX file, or raw numbers → a caffemodel
check    is a file a network's: by its hash, or its numbers'
numbers  the hash of a network's numbers
======== ==============================================================
"""

from .load import default_layer, find_files, load_net, read_graph
from .own import add_network
from .registry import (
    DEFAULT_NETWORK,
    Archive,
    Copy,
    Entry,
    damaged_networks,
    fetched_place,
    find_network,
    find_weights,
    networks,
    own_folder,
    url_variable,
    weight_folders,
)

__all__ = [
    "DEFAULT_NETWORK",
    "Archive",
    "Copy",
    "Entry",
    "add_network",
    "damaged_networks",
    "default_layer",
    "fetched_place",
    "find_files",
    "find_network",
    "find_weights",
    "load_net",
    "networks",
    "own_folder",
    "read_graph",
    "url_variable",
    "weight_folders",
]
