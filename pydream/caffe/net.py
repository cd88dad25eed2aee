"""pycaffe's constructor: a net made from the files of a Caffe network."""

from __future__ import annotations

import os
from typing import Any

from numpy.typing import DTypeLike

from ..formats.caffe import caffe_pb2
from ..formats.caffe.layers import graph_of
from ..formats.caffe.prototxt import read_binary, read_model
from ..formats.caffe.weights import weights_of
from ..runtime import net
from ..runtime.base import Runtime
from ..runtime.net import real_dtype, runtime_type
from . import mode

TRAIN: int = caffe_pb2.TRAIN
TEST: int = caffe_pb2.TEST


class Net(net.Net):
    """A Caffe network, constructed as pycaffe does.

    Parameters
    ----------
    model_file : path, or NetParameter
        A prototxt; or a caffemodel alone, which holds its network too (training-only layers are dropped).
    weights : path, or NetParameter, optional
        A caffemodel. Layers are matched by name. None: `model_file` holds the weights.
    phase : int
        `TEST`: a dream has no other.
    dtype, runtime
        As for `pydream.runtime.net.Net`.
    device : {"auto", "cpu", "gpu", "gpu:N"}, optional
        None: what `set_mode_cpu` or `set_mode_gpu` chose, at first "auto".

    Raises
    ------
    NetFileError
        For files that are no network, or weights that are missing, misshapen or not finite.
    DeviceError
        For a GPU that is not there.
    ValueError
        For a dtype, phase or runtime that is none of the above.
    """

    def __init__(
        self,
        model_file: str | os.PathLike[str] | Any,
        weights: str | os.PathLike[str] | Any | int | None = None,
        phase: int = TEST,
        *,
        dtype: DTypeLike = "float32",
        device: str | None = None,
        runtime: str | type[Runtime] = "tensorflow",
    ) -> None:
        if isinstance(weights, int):  # pycaffe's Net(model_file, TEST)
            phase, weights = weights, None
        if phase != TEST:
            raise ValueError("phase must be TEST: only a network's test phase can be run")
        kind, runtime = real_dtype(dtype), runtime_type(runtime)
        model = model_file if isinstance(model_file, caffe_pb2.NetParameter) else read_model(model_file)
        graph = graph_of(model, _source(model_file))
        if weights is None:
            stored, weights = model, model_file
        else:
            stored = weights if isinstance(weights, caffe_pb2.NetParameter) else read_binary(weights)
        params = weights_of(stored, graph.params, kind, _source(weights))
        super().__init__(graph, params, kind, runtime, mode.wanted_device() if device is None else device)


def _source(file: Any) -> str:
    """Return where a network comes from, for messages."""
    return file.name or "network" if isinstance(file, caffe_pb2.NetParameter) else str(file)
