"""The gradient as one ONNX graph, as `pydream export` writes it for one size, in ONNX Runtime and in OpenVINO.

Neither has a gradient of its own, so the graph has both directions. A size that is known spares OpenVINO a third; to
ONNX Runtime it makes no difference. Nodes that were measured against others, and stayed: a convolution back as one with
the kernel the other way round, LRN by a band matrix, products with truths in place of choices, and max pooling's places
by comparison (ONNX Runtime's own indices with ScatterElements take as long, OpenVINO's take seconds).
"""

from functools import cache

import numpy as np

from pydream.bench.network import Passes
from pydream.errors import ExportError
from pydream.runtime.on_onnx import OnnxRuntime, step_model

from .task import NotHere


def model(task, shape):
    """Return the file: image of `shape`, (1, 3, h, w) → gradient of half the sum of the layer's squares."""
    network = OnnxRuntime(task.graph, task.weights, np.dtype("float32"))
    try:
        return step_model(network, task.end, size=shape[2:]).model.SerializeToString()
    except ExportError as error:
        raise NotHere(str(error)) from error


def on_onnxruntime(task):
    """One session a size."""
    import onnxruntime

    @cache
    def session(shape):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = task.threads
        options.add_session_config_entry("session.force_spinning_stop", "1")  # between turns
        return onnxruntime.InferenceSession(model(task, shape), options, ["CPUExecutionProvider"])

    about = f"ONNX Runtime {onnxruntime.__version__}, the gradient as one graph, {task.threads} threads"
    return Passes("onnxruntime", lambda x: session(x.shape).run(["gradient"], {"image": x})[0], False, about)


def on_openvino(task):
    """One compiled model a size."""
    import openvino

    core = openvino.Core()
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": task.threads,
        "INFERENCE_PRECISION_HINT": "f32",  # where the processor has bfloat16, it would be that
    }

    @cache
    def request(shape):
        return core.compile_model(core.read_model(model(task, shape)), "CPU", settings).create_infer_request()

    def gradient(x):
        found = request(x.shape)
        found.infer([x], share_inputs=True, share_outputs=True)
        return found.get_tensor("gradient").data

    version = openvino.__version__.partition("-")[0]
    about = f"OpenVINO {version}, the gradient as one graph, float32, {task.threads} threads"
    return Passes("openvino", gradient, False, about)
