"""Caffe's process-wide choice of a device: it holds for the nets that are made after it."""

from __future__ import annotations

from ..tf import find_device

_wanted = "auto"


def set_mode_cpu() -> None:
    """Run the nets to come on the CPU."""
    global _wanted
    _wanted = "cpu"


def set_mode_gpu() -> None:
    """Run the nets to come on the first GPU; `DeviceError` where there is none."""
    set_device(0)


def set_device(device_id: int) -> None:
    """Run the nets to come on that GPU; `DeviceError` where it is not there."""
    global _wanted
    wanted = f"gpu:{device_id}"
    find_device(wanted)
    _wanted = wanted


def wanted_device() -> str:
    """Give the choice, as `find_device` takes it."""
    return _wanted
