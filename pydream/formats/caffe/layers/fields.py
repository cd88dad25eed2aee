"""What readers of layers share: fields that come in pairs, and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....errors import NetFileError
from ....runtime.layers import Layer

# Type → the reader of its constants; None: it has none.
Readers = dict[type[Layer], Callable[[Any], dict[str, Any]] | None]


def wrong(proto: Any, what: str) -> NetFileError:
    """Return the error for a layer's message that is not valid."""
    return NetFileError(f"layer {proto.name!r} ({proto.type}): {what}")


def pair(proto: Any, param: Any, what: str, default: int, least: int, most: int = 2**15) -> tuple[int, int]:
    """Read `kernel_h`/`kernel_w`, or `kernel_size`/`pad`/`stride`/`dilation`, repeated or not, as (height, width)."""
    whole = "kernel_size" if what == "kernel" else what
    fields = param.DESCRIPTOR.fields_by_name
    if f"{what}_h" in fields and (param.HasField(f"{what}_h") or param.HasField(f"{what}_w")):
        pair = (getattr(param, f"{what}_h"), getattr(param, f"{what}_w"))
    else:
        value = getattr(param, whole)
        values = [value] if isinstance(value, int) else list(value)
        if not values or (isinstance(value, int) and not param.HasField(whole)):
            if default < least:
                raise wrong(proto, f"{whole} is missing")
            values = [default]
        if len(values) > 2:
            raise wrong(proto, f"{len(values)} numbers for {whole}, expected 1 or 2")
        pair = (values[0], values[-1])
    if not all(least <= size <= most for size in pair):
        raise wrong(proto, f"{whole} {pair[0]}x{pair[1]}, expected {least} to {most}")
    return pair


def window(proto: Any, param: Any) -> dict[str, Any]:
    """Read the window of a convolution's message."""
    return {
        "kernel": pair(proto, param, "kernel", 0, 1),
        "stride": pair(proto, param, "stride", 1, 1),
        "pad": pair(proto, param, "pad", 0, 0),
        "dilation": pair(proto, param, "dilation", 1, 1),
    }


def apart(proto: Any) -> None:
    """Check that a layer does not work in place."""
    if both := set(proto.bottom).intersection(proto.top):
        raise wrong(proto, f"cannot work in place on {min(both)!r}; it needs a top of another name")


def axis_1(proto: Any, param: Any) -> None:
    """Check that a layer works along the channels."""
    if param.axis not in (1, -3):
        raise wrong(proto, f"axis {param.axis}, only 1 (channels) is supported")
