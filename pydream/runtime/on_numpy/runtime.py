"""NumPy as a runtime: the passes run as they are written, one layer after the other, in Caffe's own layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ...errors import DeviceError
from ...net import Array, Seed, best_match
from ..base import Runtime, Tensor
from .layers import RUNNERS
from .onnx_layers import RUNNERS as ONNX_RUNNERS


class NumpyRuntime(Runtime):
    """Runs on the CPU, on arrays (n, c, h, w)."""

    name: ClassVar = "numpy"
    runners: ClassVar = {**RUNNERS, **ONNX_RUNNERS}
    channels_last = False

    def find_device(self, wanted: str) -> str:
        """Return ``"CPU:0"``; raise `DeviceError` for any GPU."""
        if wanted.lower() not in ("auto", "cpu"):
            text = f"no device {wanted!r}: the runtime {self.name!r} runs on the CPU; 'cpu' and 'auto' would work"
            raise DeviceError(text)
        return "CPU:0"

    def tensor(self, array: Array) -> Tensor:
        """Return the array itself."""
        return array

    def run(self, key: tuple[Any, ...], passes: Callable[..., Any], *tensors: Any) -> Any:
        """As `Runtime.run`; infinities and NaN pass without a warning: the mean of the gradient reports them."""
        with np.errstate(all="ignore"):
            return passes(*tensors)

    def seeded(self, tensor: Tensor, seed: Seed) -> Tensor:
        """As `Runtime.seeded`, without a warning."""
        with np.errstate(all="ignore"):
            return super().seeded(tensor, seed)

    def match(self, tensor: Tensor, features: Tensor) -> Tensor:
        """As `Runtime.match`."""
        x, y = (each[0].reshape(each.shape[1], -1) for each in (tensor, features))
        return y[:, best_match(x, y)].reshape(tensor.shape)
