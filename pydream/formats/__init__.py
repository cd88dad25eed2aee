"""Network files → a graph and its weights. Files may be anyone's: nothing in them is executed or unpickled.

======== ==========================================================
spec     what pictures a network wants
mean     mean files, which are a part of that
entrance the layer that scales them
caffe    a prototxt and a caffemodel
graphdef a frozen TensorFlow graph
keras    a Keras model or a SavedModel, which is frozen first
onnx     an ONNX network
pytorch  a live PyTorch module
base     what each of these answers
head     what a file is, by its content
foreign  files that are none of these
schema   protobuf messages from tables
files    files read whole
source   files read in parts, when these are needed
hdf5     the numbers of an HDF5 file
======== ==========================================================
"""

from pathlib import Path

from . import caffe, graphdef, keras, onnx, pytorch
from .base import Format
from .foreign import UNKNOWN, refuse
from .head import Head
from .mean import read_mean
from .npy import read_vector
from .spec import InputSpec, PixelScale

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "Format",
    "InputSpec",
    "PixelScale",
    "caffe",
    "format_by_name",
    "format_of",
    "graphdef",
    "keras",
    "onnx",
    "pytorch",
    "read_mean",
    "read_vector",
]

# By name they are asked in this order: a SavedModel's graph has the suffix of a frozen graph, and Caffe's files may
# have any.
FORMATS: tuple[Format, ...] = (pytorch, keras, graphdef, onnx, caffe)
SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.SUFFIXES)


def format_of(*models: object) -> Format:
    """Return the format of a network's files, or of a live model.

    A file's content decides, and where that says nothing, or no file is there, its name.

    Raises
    ------
    NetFileError
        For a file that is something else; it says what, and the way from there.
    TypeError
        For anything else.
    """
    found = [_by_content(model) if isinstance(model, Path) and model.is_file() else _called(model) for model in models]
    for each in FORMATS:
        if each in found:
            return each
    raise TypeError(
        f"a network is a name, a path, a Keras model or a PyTorch module, not {' and '.join(map(repr, models))}"
    )


def format_by_name(path: Path) -> Format:
    """Return the format of a file that may not be there, by its name."""
    return _called(path) or caffe


def _by_content(path: Path) -> Format:
    head = Head.of(path)
    for each in FORMATS:
        if each.holds(head):
            return each
    refuse(path, head)
    if not head.name.endswith(SUFFIXES):
        refuse(path, head, UNKNOWN)
    return format_by_name(path)


def _called(model: object) -> Format | None:
    return next((each for each in FORMATS if each.reads(model)), None)
