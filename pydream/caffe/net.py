"""pycaffe's constructor: a net made from the files of a Caffe network."""

from __future__ import annotations

import os
from typing import Any

from numpy.typing import DTypeLike

from ..formats import caffe
from ..formats.caffe import caffe_pb2
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
    model_file, weights : path or NetParameter
        As `pydream.formats.caffe.read` takes them, which raises the same errors.
    phase : int
        `TEST`: a dream has no other.
    dtype, runtime
        As for `pydream.runtime.net.Net`.
    device : {"auto", "cpu", "gpu", "gpu:N"}, optional
        None: the choice of `set_mode_cpu` or `set_mode_gpu`, at first "auto".

    Raises
    ------
    NetFileError
        For files that are no network, or weights that are missing, misshapen or not finite.
    DeviceError
        For a GPU that is not there.
    ValueError
        For a dtype, phase or runtime other than these.
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
        graph, params = caffe.read(model_file, weights, kind)
        super().__init__(graph, params, kind, runtime, mode.wanted_device() if device is None else device)
