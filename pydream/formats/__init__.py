"""Network files → a graph and its weights. Files may be anyone's: nothing in them is executed or unpickled.

======== ==========================================================
spec     what pictures a network wants
entrance the layer that scales them
caffe    a prototxt and a caffemodel
graphdef a frozen TensorFlow graph
keras    a Keras model or a SavedModel, which is frozen first
base     what each of these three answers
schema   protobuf messages from tables
files    files read whole
source   files read in parts, when these are needed
======== ==========================================================
"""

from . import caffe, graphdef, keras
from .base import Format
from .spec import InputSpec, PixelScale

__all__ = ["FORMATS", "SUFFIXES", "Format", "InputSpec", "PixelScale", "caffe", "format_of", "graphdef", "keras"]

# In this order: a SavedModel's graph has the suffix of a frozen graph, and Caffe's files may have any.
FORMATS: tuple[Format, ...] = (keras, graphdef, caffe)
SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.SUFFIXES)


def format_of(*models: object) -> Format:
    """Return the format of a network's files, or of a live model, by their names; `TypeError` for anything else."""
    for each in FORMATS:
        if any(map(each.reads, models)):
            return each
    raise TypeError(f"a network is a name, a path or a Keras model, not {' and '.join(map(repr, models))}")
