"""What Keras 2 wrote of its layers and Keras 3 does not take, where it changes nothing: it is left out.

Keras 2's layers inherit settings that have no use in them, such as the groups of a depthwise convolution, and write
them all. One that does change something stays, and is refused by Keras with its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .known import dicts

_CONVOLUTIONS = {"groups": lambda value: value == 1}
_SEPARABLE = {
    **_CONVOLUTIONS,
    **{f"kernel_{part}": lambda value: True for part in ("initializer", "regularizer", "constraint")},  # of no kernel
}
_RECURRENT = {"time_major": lambda value: value is False, "implementation": lambda value: True}
_NORMALISATION = {
    "fused": lambda value: True,
    **dict.fromkeys(("virtual_batch_size", "adjustment"), lambda value: value is None),
}

_UNUSED: dict[str, dict[str, Callable[[Any], bool]]] = {
    **{f"{kind}Conv{rank}D": _SEPARABLE for kind in ("Separable", "Depthwise") for rank in (1, 2)},
    **{f"SeparableConvolution{rank}D": _SEPARABLE for rank in (1, 2)},
    **{f"{kind}{rank}DTranspose": _CONVOLUTIONS for kind in ("Conv", "Convolution") for rank in (1, 2, 3)},
    **dict.fromkeys(["LSTM", "GRU", "SimpleRNN", "RNN"], _RECURRENT),
    "BatchNormalization": _NORMALISATION,
}


def drop_unused(config: dict[str, Any]) -> None:
    """Leave out what Keras 3 does not take and what changes nothing, in the configurations of all layers."""
    for each in dicts(config):
        settings = each.get("config")
        unused = _UNUSED.get(str(each.get("class_name")), {})
        if isinstance(settings, dict):
            for name in [name for name in settings if name in unused and unused[name](settings[name])]:
                del settings[name]
