"""Caffe's mode is the device of a process: of the nets that are made after it is set."""

from __future__ import annotations

from ..runtime.on_tensorflow.door import find_device

_mode = "auto"
_gpu = 0


def set_mode_cpu() -> None:
    """Run later nets on the CPU."""
    global _mode
    _mode = "cpu"


def set_mode_gpu() -> None:
    """Run later nets on the GPU of `set_device`, at first 0; `DeviceError` where there is no such GPU."""
    global _mode
    find_device(f"gpu:{_gpu}")
    _mode = "gpu"


def set_device(device_id: int) -> None:
    """Choose the GPU of `set_mode_gpu`; `DeviceError` where there is no such GPU."""
    global _gpu
    find_device(f"gpu:{device_id}")
    _gpu = device_id


def wanted_device() -> str:
    """Return the device that was chosen, as `find_device` takes it."""
    return f"gpu:{_gpu}" if _mode == "gpu" else _mode
