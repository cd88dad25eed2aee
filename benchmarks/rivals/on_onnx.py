"""The gradient as one ONNX graph of standard operators, for ONNX Runtime and OpenVINO.

Neither has a gradient of its own, so the graph has both directions. A convolution of stride 1 goes back as a
convolution with the flipped kernel, others as ConvTranspose; LRN is a convolution with its band matrix.

It is not what `pydream export` writes: that keeps Caffe's rule for equal values and takes any size, for which OpenVINO
needs 1.03 to 1.16 times as long on SqueezeNet, and a rival is to be as fast as it can be.
"""

from functools import cache, partial, reduce
from itertools import product

import numpy as np

from pydream.bench.network import Passes
from pydream.runtime import layers

from .task import NotHere, band, ceil_padding, expect_maximum

OPSET = 18  # the first with sums in ScatterElements is 16


class _Model:
    """A model under construction."""

    def __init__(self):
        from onnx import helper

        self._helper, self._nodes, self._constants = helper, [], {}

    def __call__(self, kind, *inputs, outputs=1, **attributes):
        """Add a node; return the name of its output, or of its first `outputs`."""
        names = [f"{kind}_{len(self._nodes)}_{place}" for place in range(outputs)]
        self._nodes.append(self._helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, array):
        """Add a constant; return its name."""
        from onnx import numpy_helper

        array = np.ascontiguousarray(array)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = numpy_helper.from_array(array, f"constant_{len(self._constants)}")
        return self._constants[key].name

    def number(self, value):
        """Add a number; return its name."""
        return self.constant(np.float32(value))

    def integers(self, *values):
        """Add integers; return their name."""
        return self.constant(np.array(values, np.int64))

    def bytes(self, image, shape, output):
        """Return the finished model."""
        from onnx import TensorProto

        ends = (self._helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in (image, output))
        graph = self._helper.make_graph(
            self._nodes, "gradient", [next(ends)], [next(ends)], list(self._constants.values())
        )
        opset = [self._helper.make_opsetid("", OPSET)]
        return self._helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()


# Each takes the model, a layer, its inputs' shapes and names, and its weights; it returns the output's name, and the
# function from the gradient at the output to the gradients at the inputs.


def _convolution(add, layer, shapes, x, kernel, bias=None):
    window = {"strides": layer.stride, "dilations": layer.dilation, "group": layer.group}
    weights = [add.constant(kernel)] + ([] if bias is None else [add.constant(bias)])
    y = add("Conv", x, *weights, pads=[*layer.pad] * 2, **window)
    reach = [(size - 1) * step + 1 for size, step in zip(layer.kernel, layer.dilation, strict=True)]
    back = [size - 1 - pad for size, pad in zip(reach, layer.pad, strict=True)]

    def gradient(g):
        if layer.stride == (1, 1) and layer.group == 1 and min(back) >= 0:
            flipped = add.constant(kernel.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1])
            return [add("Conv", g, flipped, pads=back * 2, dilations=layer.dilation)]
        room = [size + 2 * pad - far for size, pad, far in zip(shapes[0][2:], layer.pad, reach, strict=True)]
        rest = [left % step for left, step in zip(room, layer.stride, strict=True)]
        return [add("ConvTranspose", g, weights[0], pads=[*layer.pad] * 2, output_padding=rest, **window)]

    return y, gradient


def _pooling(add, layer, shapes, x):
    """By the indices of the maxima: ONNX Runtime's fastest."""
    y, places = add("MaxPool", x, outputs=2, **_window(layer, shapes[0]))

    def gradient(g):
        nothing = add("ConstantOfShape", add.integers(int(np.prod(shapes[0]))))
        flat = add("Reshape", places, add.integers(-1)), add("Reshape", g, add.integers(-1))
        found = add("ScatterElements", nothing, *flat, axis=0, reduction="add")
        return [add("Reshape", found, add.integers(*shapes[0]))]

    return y, gradient


def _pooling_compared(add, layer, shapes, x):
    """By comparing every value with its windows' maxima: OpenVINO has indices only in its reference, in seconds.

    The values are taken apart into `stride` × `stride` phases, in which every window has as many values. Equal values
    share the gradient, as where the input is another pooling's output, which has one value in several places; where
    they are zeros, the ReLU before them takes no gradient.
    """
    y = add("MaxPool", x, **_window(layer, shapes[0]))
    size, kernel, stride, pad = shapes[0][2:], layer.kernel, layer.stride, layer.pad
    sides = ceil_padding(layer, size)
    out = [layer.out_size(length, axis) for axis, length in enumerate(size)]
    count = [-(-(length + sum(side)) // step) for length, side, step in zip(size, sides, stride, strict=True)]
    before = [(length - 1) // step for length, step in zip(kernel, stride, strict=True)]
    whole = [number * step for number, step in zip(count, stride, strict=True)]

    def cut(values, first, last, step=(1, 1)):
        ends = add.integers(*first), add.integers(*last)
        return add("Slice", values, *ends, add.integers(2, 3), add.integers(*step))

    def padded(values, first, length, wanted, fill):
        last = [want - start - own for want, start, own in zip(wanted, first, length, strict=True)]
        return add("Pad", values, add.integers(0, 0, *first, 0, 0, *last), add.number(fill))

    def gradient(g):
        image = padded(x, pad, size, whole, -1)
        if stride == (1, 1):
            same = [
                add("Where", add("Equal", cut(image, tap, np.add(tap, out)), y), add.number(1), add.number(0))
                for tap in np.ndindex(kernel)
            ]
            g = add("Div", g, reduce(partial(add, "Add"), same))
        room = [number + more for number, more in zip(count, before, strict=True)]
        maxima, gradients = (padded(values, before, out, room, fill) for values, fill in ((y, -1), (g, 0)))
        phases = []
        for phase in np.ndindex(stride):
            values = cut(image, phase, whole, stride) if stride != (1, 1) else image
            shifts = [range((k - 1 - at) // step + 1) for k, at, step in zip(kernel, phase, stride, strict=True)]
            starts = [np.subtract(before, shift) for shift in product(*shifts)]
            cuts = [(start, np.add(start, count)) for start in starts]
            found = [
                add("Where", add("Equal", values, cut(maxima, *ends)), cut(gradients, *ends), add.number(0))
                for ends in cuts
            ]
            phases.append(reduce(partial(add, "Add"), found))
        if len(phases) > 1:
            together = add("Concat", *phases, axis=1)
            phases = [add("DepthToSpace", together, blocksize=stride[0], mode="DCR")]
        return [cut(phases[0], pad, np.add(pad, size))]

    return y, gradient


def _window(layer, shape):
    expect_maximum(layer)
    if layer.stride[0] != layer.stride[1]:
        raise NotHere(f"{layer.name!r} has two strides")
    rows, columns = ceil_padding(layer, shape[2:])
    pads = [rows[0], columns[0], rows[1], columns[1]]
    return {"kernel_shape": layer.kernel, "strides": layer.stride, "pads": pads}


def _relu(add, layer, shapes, x):
    if layer.negative_slope:
        raise NotHere(f"{layer.name!r} is leaky")
    y = add("Relu", x)
    return y, lambda g: [add("Where", add("Greater", y, add.number(0)), g, add.number(0))]


def _lrn(add, layer, shapes, x):
    if layer.beta != 0.75:
        raise NotHere(f"{layer.name!r} has the exponent {layer.beta}")
    channels = shapes[0][1]
    kernel = add.constant(band(layer, channels)[:, :, None, None])
    scale = add("Conv", add("Mul", x, x), kernel, add.constant(np.full(channels, layer.k, np.float32)))
    power = add("Sqrt", add("Mul", scale, add("Sqrt", scale)))
    y = add("Div", x, power)

    def gradient(g):
        through = add("Div", g, power)
        others = add("Conv", add("Div", add("Mul", through, x), scale), kernel)
        return [add("Sub", through, add("Mul", add("Mul", x, add.number(2 * layer.beta)), others))]

    return y, gradient


def _concat(add, layer, shapes, *parts):
    counts = add.integers(*(shape[1] for shape in shapes))

    def gradient(g):
        found = add("Split", g, counts, outputs=len(parts), axis=1)
        return [found] if len(parts) == 1 else found

    return add("Concat", *parts, axis=1), gradient


def _dropout(add, layer, shapes, x):
    return x, lambda g: [g]


_OPS = {
    layers.Convolution: _convolution,
    layers.ReLU: _relu,
    layers.LRN: _lrn,
    layers.Concat: _concat,
    layers.Dropout: _dropout,
}


def model(task, shape, pooling):
    """Build the model: image of `shape`, (1, 3, h, w) → gradient of half the sum of the layer's squares."""
    ops = _OPS | {layers.Pooling: pooling}
    add, names, shapes, done = _Model(), {task.image: "image"}, {task.image: shape}, []
    for step in task.steps:
        layer, bottoms = step.layer, [shapes[bottom] for bottom in step.bottoms]
        inputs = [names[bottom] for bottom in step.bottoms]
        (shapes[step.tops[0]],) = layer.top_shapes(*bottoms)
        weights = task.weights.get(layer.name, [])
        names[step.tops[0]], back = task.op(ops, layer)(add, layer, bottoms, *inputs, *weights)
        done.append((step, back))
    gradients = {task.output: names[task.output]}
    for step, back in reversed(done):
        for bottom, g in zip(step.bottoms, back(gradients.pop(step.tops[0])), strict=True):
            gradients[bottom] = add("Add", gradients[bottom], g) if bottom in gradients else g
    return add.bytes("image", shape, gradients[task.image])


def on_onnxruntime(task):
    """One session a size."""
    import onnxruntime

    @cache
    def session(shape):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = task.threads
        options.add_session_config_entry("session.force_spinning_stop", "1")  # between turns
        return onnxruntime.InferenceSession(model(task, shape, _pooling), options, ["CPUExecutionProvider"])

    about = f"ONNX Runtime {onnxruntime.__version__}, the gradient as one graph, {task.threads} threads"
    return Passes("onnxruntime", lambda x: session(x.shape).run(None, {"image": x})[0], False, about)


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
        return core.compile_model(
            core.read_model(model(task, shape, _pooling_compared)), "CPU", settings
        ).create_infer_request()

    def gradient(x):
        found = request(x.shape)
        found.infer([x], share_inputs=True, share_outputs=True)
        return found.get_output_tensor().data

    version = openvino.__version__.partition("-")[0]
    about = f"OpenVINO {version}, the gradient as one graph, float32, {task.threads} threads"
    return Passes("openvino", gradient, False, about)
