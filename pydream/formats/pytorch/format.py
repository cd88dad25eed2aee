"""The format of live PyTorch modules: no file has it, and PyTorch is imported where a module was given."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import DTypeLike

from ...errors import NetFileError
from ...runtime.base import Runtime
from ...runtime.engines import AUTO
from ...runtime.graph import Graph
from ..base import Packed
from ..head import Head
from ..spec import InputSpec

if TYPE_CHECKING:
    from .live import TorchNet

MEAN = (0.0, 0.0, 0.0)
DEFAULT_SPEC = InputSpec(MEAN, 1.0, "RGB")
SUFFIXES: tuple[str, ...] = ()
_MODULE = "torch.nn.modules.module.Module"
_EXPORT = "torch.onnx.export(module, picture, 'net.onnx', external_data=False) makes a file that has one"


def holds(head: Head) -> bool:
    """Return False: a file of PyTorch's holds numbers, or code."""
    return False


def reads(model: object) -> bool:
    """Return whether it is a live module; PyTorch is not imported for it."""
    return any(f"{kind.__module__}.{kind.__qualname__}" == _MODULE for kind in type(model).__mro__)


def name_of(model: Any) -> str:
    """Return the name of the module's class."""
    return type(model).__name__


def find_weights(model: Any, weights: str | os.PathLike[str] | None) -> None:
    """Raise `ValueError` for weights that are named: a module has its own."""
    if weights is not None:
        raise ValueError(f"a live module has its weights; '{weights}' has no use here")


def graph(model: Any, spec: InputSpec, name: str | None = None) -> Graph:
    """Raise `NetFileError`: a module is a program, and has no graph."""
    raise NetFileError(f"{name or name_of(model)}: a live PyTorch module has no graph; {_EXPORT}")


def pack(files: Sequence[Path], spec: InputSpec) -> Packed:
    """Raise `NetFileError`: the registry keeps files."""
    raise NetFileError(f"a live PyTorch module is in no file; {_EXPORT}")


def net(
    model: Any,
    weights: None,
    spec: InputSpec,
    name: str | None = None,
    *,
    dtype: DTypeLike | None = None,
    device: str = "auto",
    runtime: str | type[Runtime] = AUTO,
) -> TorchNet:
    """Make the net of a module.

    Parameters
    ----------
    model : torch.nn.Module
        It is the net's own module, and not changed: what is trained meanwhile, the net knows.
    weights : None
    spec : InputSpec
    name : str, optional
        None: the class's.
    dtype : {"float32", "float64"}, optional
        None: the module's. Another than that makes a copy of the module, as it is now.
    device : {"auto", "cpu", "gpu", "gpu:N"}
        "auto" is where the module is; elsewhere there is a copy.
    runtime : str
        "auto" stands for PyTorch, and "tensorflow", which was the default of `load_net`, too.

    Raises
    ------
    DeviceError
        For a GPU that is not there.
    ValueError
        For another runtime, a module of another type of numbers, an input node, and TorchScript.
    """
    from .live import TorchNet

    if runtime not in (AUTO, "tensorflow"):
        raise ValueError(f"a live PyTorch module runs on PyTorch, not on the runtime {runtime!r}")
    if spec.node is not None:
        raise ValueError(f"input {spec.node!r}: a live PyTorch module has one input, its argument")
    return TorchNet(model, spec.or_else(DEFAULT_SPEC), name or name_of(model), dtype, device)
