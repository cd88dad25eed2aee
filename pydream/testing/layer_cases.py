"""Cases of layers: each type that there is, on few numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from inspect import getdoc

import numpy as np
from google.protobuf import text_format

from ..caffe import Net
from ..errors import ShapeError
from ..formats.caffe import caffe_pb2
from ..formats.caffe.plain import constants as caffe_constants
from ..runtime import net as runtime_net
from ..runtime.base import Runtime
from ..runtime.graph import Graph
from . import samples
from .case import Case, float64_case
from .layers import EXAMPLES, Example
from .mistakes import KNOWN
from .other_layers import OTHERS, Other, plain
from .report import Array, Mistakes


def layer_cases() -> Iterator[Case]:
    """Yield a case or more of each layer type."""
    for example in EXAMPLES:
        yield _layer(example, [samples.numbers(shape, i) for i, shape in enumerate(example.bottoms)])
    # Ties: multiples of a quarter, which are often equal; differences below and above the tolerance.
    few = np.round(samples.numbers((1, 2, 7, 8), 5) * 2) / 2
    for step, what in ((0.0, "equal values"), (1e-12, "values that count as equal"), (1e-7, "values that do not")):
        places = np.random.RandomState(6).randint(0, 3, few.shape)
        pooling = Example("Pooling", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }", (few.shape,))
        yield _layer(pooling, [few + step * places], what)
    equal = [np.round(samples.numbers((1, 2, 3, 4), i)) for i in range(3)]
    for count in (2, 3):
        maximum = Example("Eltwise", "eltwise_param { operation: MAX }", (equal[0].shape,) * count)
        yield _layer(maximum, equal[:count], "equal values")
    zeros = samples.numbers((1, 2, 4, 5), 0)
    zeros[..., ::2] = 0
    yield _layer(Example("ReLU", "", (zeros.shape,)), [zeros], "zeros")
    yield _layer(Example("PReLU", "", (zeros.shape,), ((2,),)), [zeros], "zeros")
    yield from map(_other_layer, OTHERS)


def _layer(example: Example, bottoms: list[Array], what: str = "") -> Case:
    kind, text, weights = example.type, example.constants, example.weights
    names = [f"bottom{i}" for i in range(len(bottoms))]
    tops = [f"top{i}" for i in range(example.tops)]
    ends = " ".join([f'bottom: "{name}"' for name in names] + [f'top: "{name}"' for name in tops])
    prototxt = f'layer {{ name: "it" type: "{kind}" {ends} {text} }}'
    inputs = " ".join(
        f'input: "{name}" input_shape {{ {" ".join(f"dim: {size}" for size in array.shape)} }}'
        for name, array in zip(names, bottoms, strict=True)
    )
    inputs = inputs or 'input: "data" input_shape { dim: 1 }'  # which a network has, even where nothing reads it
    # Positive: BatchNorm's second and third are a variance and a count.
    params = [np.abs(samples.numbers(shape, 20 + i)) + 0.5 if kind == "BatchNorm" else samples.numbers(shape, 20 + i)
              for i, shape in enumerate(weights)]  # fmt: skip
    stored = caffe_pb2.NetParameter()
    layer = stored.layer.add(name="it")
    for array in params:
        blob = layer.blobs.add(double_data=array.ravel().tolist())
        blob.shape.dim.extend(array.shape)
    model = text_format.Parse(f"{inputs} {prototxt}", caffe_pb2.NetParameter())
    diffs: list[Array] = []

    def run(runtime: str | type[Runtime], dtype: str = "float64", back: bool = True) -> dict[str, Array]:
        net = Net(model, stored, dtype=dtype, runtime=runtime)
        for name, array in zip(names, bottoms, strict=True):
            net.blobs[name].data[...] = array
        net.forward()
        found = {top: net.blobs[top].data for top in tops}
        diffs.extend(samples.numbers(found[top].shape, 40 + i) for i, top in enumerate(tops) if not diffs[i:])
        if back:
            for top, diff in zip(tops, diffs, strict=True):
                net.blobs[top].diff[...] = diff
            net.backward()
            found |= {f"{name}_diff": net.blobs[name].diff for name in names}
        return found

    def mistakes(output: str) -> Mistakes:
        made = [each for each in KNOWN if any(layer.__name__ == kind for layer in each.runners)]
        back = output not in tops
        return {each.text: partial(_tried, partial(run, each.runtime(), back=back), output) for each in made}

    outputs = run("numpy")
    return float64_case(
        "layer",
        f"{kind}{_sizes(bottoms)}{f', {what}' if what else ''}: {text or 'default parameters'}"
        f"{f', {len(tops)} tops' if len(tops) > 1 else ''}",
        "top = layer(bottom); bottom_diff: the gradient of sum(top * top_diff) at the bottom; weights0, weights1, … are"
        " the layer's in Caffe's order",
        {
            **dict(zip(names, bottoms, strict=True)),
            **{f"weights{i}": array for i, array in enumerate(params)},
            **{f"{top}_diff": diff for top, diff in zip(tops, diffs, strict=True)},
        },
        outputs,
        {
            "type": kind,
            "source": "Caffe",
            "constants": caffe_constants(model.layer[0]),
            "prototxt": " ".join(prototxt.split()),
        },
        mistakes=mistakes,
        run=run,
    )


def _other_layer(other: Other) -> Case:
    layer, constants = other.layer, plain(other.layer)
    positive = layer.type in ("Div", "Pow")  # else there may be no result
    bottoms = [samples.numbers(shape, i) for i, shape in enumerate(other.bottoms)]
    bottoms = [np.abs(array) + 0.5 for array in bottoms] if positive else bottoms
    weights = [samples.numbers(shape, 20 + i) for i, shape in enumerate(layer.param_shapes(*other.bottoms))]
    graph = Graph("it", dict(zip(layer.bottoms, other.bottoms, strict=True)), [layer])
    params = {layer.name: weights} if weights else {}
    diff = samples.numbers(layer.top_shapes(*other.bottoms)[0], 40)

    def run(runtime: str | type[Runtime], dtype: str = "float64") -> dict[str, Array]:
        net = runtime_net.Net(graph, params, dtype, runtime)
        for name, array in zip(layer.bottoms, bottoms, strict=True):
            net.blobs[name].data[...] = array
        net.forward()
        net.blobs["top0"].diff[...] = diff
        net.backward()
        return {"top0": net.blobs["top0"].data} | {f"{name}_diff": net.blobs[name].diff for name in layer.bottoms}

    return float64_case(
        "layer",
        f"{other.source}'s {layer.type}{_sizes(bottoms)}: {json.dumps(constants) if constants else 'no constants'}",
        " ".join(str(getdoc(type(layer))).split()),
        {
            **dict(zip(layer.bottoms, bottoms, strict=True)),
            **{f"weights{i}": array for i, array in enumerate(weights)},
            "top0_diff": diff,
        },
        run("numpy"),
        {"type": layer.type, "source": other.source, "constants": constants},
        run=run,
    )


def _tried(run: Callable[[], dict[str, Array]], output: str) -> Array:
    """Return what a mistake makes; nothing that equals a port's where it makes shapes that do not fit."""
    try:
        return run()[output]
    except (ShapeError, ValueError):
        return np.zeros(0)


def _sizes(arrays: list[Array]) -> str:
    return " of " + ", ".join("x".join(map(str, array.shape)) for array in arrays) if arrays else ""
