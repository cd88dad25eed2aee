"""Other ways to compute the same gradient, each written as well as its library allows, and Caffe itself.

A rival takes the image as a tensor, runs the network to a layer, and returns the gradient at the image of half the sum
of the layer's squares, as the 2015 dream climbs it. Each uses the graph and weights of the `Subject`, and none of
pydream's formulas.

    task            what has to be computed, as plain data
    child           a rival in a process of its own, by turns
    on_tensorflow   straightforward TensorFlow, in the process that measures the floor
    on_torch        PyTorch: eager and `torch.compile`
    on_jax          JAX, jit
    on_onnx         the gradient as one ONNX graph: ONNX Runtime and OpenVINO
    on_caffe        pycaffe as the 2015 notebook calls it
"""

from contextlib import closing, contextmanager

from .child import Apart
from .on_caffe import caffe_itself
from .on_tensorflow import straightforward
from .task import NotHere, Task, expect_installed

# glibc's allocator gives large arrays back to the system at once, and every step has to clear new pages: a tenth of
# PyTorch's step.
_KEEPS_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "8589934592"}
_COMPILES_ANEW = {"TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"}  # so that the time to compile is not that of a file

_HERE = {"tensorflow": lambda subject: straightforward(Task.of(subject)), "caffe": caffe_itself}
_APART = {  # the library's name and modules, the function, the environment
    "torch": (("PyTorch", "torch"), "rivals.on_torch:eager", _KEEPS_MEMORY),
    "torch.compile": (("PyTorch", "torch"), "rivals.on_torch:compiled", _KEEPS_MEMORY | _COMPILES_ANEW),
    "jax": (("JAX", "jax", "jaxlib"), "rivals.on_jax:jitted", {}),
    "onnxruntime": (("ONNX Runtime", "onnxruntime", "onnx"), "rivals.on_onnx:on_onnxruntime", {}),
    "openvino": (("OpenVINO", "openvino", "onnx"), "rivals.on_onnx:on_openvino", {}),
}
RIVALS = (*_HERE, *_APART)

__all__ = ["RIVALS", "Apart", "NotHere", "rival"]


@contextmanager
def rival(name, subject):
    """Yield a rival, prepared; raise `NotHere` where it cannot run."""
    if name in _HERE:
        yield _HERE[name](subject)
        return
    (module, *modules), maker, environment = _APART[name]
    expect_installed(module, *modules)
    with closing(Apart(name, maker, Task.of(subject), environment)) as found:
        yield found
