"""Caffe's process-wide choice of a device: it holds for the nets that are made after it."""

from __future__ import annotations

from ..runtime.on_tensorflow.door import find_device

_mode = "auto"
_gpu = 0


def set_mode_cpu() -> None:
    """Run the nets to come on the CPU."""
    global _mode
    _mode = "cpu"


def set_mode_gpu() -> None:
    """Run the nets to come on the GPU of `set_device`, at first 0; `DeviceError` where it is not there."""
    global _mode
    find_device(f"gpu:{_gpu}")
    _mode = "gpu"


def set_device(device_id: int) -> None:
    """Choose the GPU that `set_mode_gpu` means; `DeviceError` where it is not there."""
    global _gpu
    find_device(f"gpu:{device_id}")
    _gpu = device_id


def wanted_device() -> str:
    """Give the choice, as `find_device` takes it."""
    return f"gpu:{_gpu}" if _mode == "gpu" else _mode
