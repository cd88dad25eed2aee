"""A layer's message in plain values: Caffe's names, its defaults filled in, every window in rows and columns."""

from __future__ import annotations

from typing import Any

from .layers.fields import pair
from .text import is_repeated

_PARAM_OF = {"Deconvolution": "convolution_param", "Im2col": "convolution_param"}  # where it has another's name
_PAIRS = {
    "kernel_size": ("kernel", 0, 0),
    "stride": ("stride", 1, 1),
    "pad": ("pad", 0, 0),
    "dilation": ("dilation", 1, 1),
}
_LEFT_OUT = {"engine", "force_nd_im2col", "concat_dim", "slice_dim"}  # how it is computed, and names of old


def constants(layer: Any) -> dict[str, Any]:
    """Return the constants of a new-style LayerParameter, as JSON has them.

    Sizes that may be one number, two, or of two fields are always two here: ``kernel_h`` and ``kernel_w``,
    ``stride_h``, ``pad_h``, ``dilation_h`` and so on. An enumeration is its name. What is not set and has no default is
    None. Fillers are for training, and are left out.
    """
    name = _PARAM_OF.get(layer.type) or next(
        (
            field.name
            for field in layer.DESCRIPTOR.fields
            if field.name.replace("_", "") == f"{layer.type.lower()}param"
        ),
        None,
    )
    if name is None:
        return {}
    param = getattr(layer, name)
    fields = param.DESCRIPTOR.fields_by_name
    windows = [each for each in _PAIRS if each in fields and "stride" in fields]
    found: dict[str, Any] = {}
    for each in windows:
        what, default, least = _PAIRS[each]
        found[f"{what}_h"], found[f"{what}_w"] = pair(layer, param, what, default, least)
    parts = {*windows, *found}
    for field in param.DESCRIPTOR.fields:
        if field.name not in parts | _LEFT_OUT and not field.name.endswith("_filler"):
            found[field.name] = _value(param, field)
    return found


def _value(message: Any, field: Any) -> Any:
    value = getattr(message, field.name)
    if is_repeated(field):
        return list(value)
    if field.message_type is not None:
        return {each.name: _value(value, each) for each in field.message_type.fields}
    if not message.HasField(field.name) and not field.has_default_value:
        return None
    return field.enum_type.values_by_number[value].name if field.enum_type is not None else value
