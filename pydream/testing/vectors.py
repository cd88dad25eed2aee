"""Vectors are inputs and expected outputs as files, for ports in any language: .npy arrays and a JSON manifest."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format

from .. import __version__
from ..caffe import Net
from ..dream.images import deprocess, preprocess
from ..dream.notebook import deepdream, make_step
from ..dream.objectives import objective_guide, objective_L2
from ..dream.octaves import octave_sizes
from ..dream.watch import View, Watch
from ..errors import PydreamError
from ..files import is_temporary, make_folder, sync_folder, write_text, write_whole
from ..formats.caffe import caffe_pb2
from ..zoo.load import load_net
from ..zoo.registry import DEFAULT_NETWORK, find_network
from . import samples
from .layers import EXAMPLES, Example
from .report import Array
from .stages import FORMULAS, stages

MANIFEST = "vectors.json"
_ARRAY = re.compile(r"\d{3}\.[a-z_]+\.(in|out)\.\w+\.npy")  # the name of an array's file

_ABOUT = (
    "Each case: run `function` on the arrays `inputs` with `parameters`, and compare with the arrays `outputs`: "
    "|found - expected| / |expected| in L2 is at most `tolerance`, where 0 means the same bits. For float32 ports of "
    "the float64 cases beyond the image side, use `tolerance_float32`. Arrays are C-contiguous .npy files, version 1.0."
)


class VectorsError(PydreamError, OSError):
    """The folder has other files in it."""


def write_vectors(folder: str | os.PathLike[str]) -> list[Path]:
    """Write the vectors, the same bytes at every call on one machine.

    The manifest is the last file, and an older one goes first: a folder without it is not whole.

    Parameters
    ----------
    folder : path
        Made if it does not exist. Earlier vectors in it are replaced.

    Returns
    -------
    list of Path
        The files, the manifest first; less than 5 MB.

    Raises
    ------
    VectorsError
        For a folder with other files in it.
    """
    folder = Path(folder)
    make_folder(folder)
    manifest = folder / MANIFEST
    before = [path for path in folder.iterdir() if _ARRAY.fullmatch(path.name)]
    if not manifest.exists() and len(before) < sum(not is_temporary(path) for path in folder.iterdir()):
        raise VectorsError(f"'{folder}' is not empty and has no {MANIFEST}; name a new folder")
    files: dict[str, Array] = {}
    cases = []
    for number, case in enumerate(_cases(), start=1):
        entry = dict(case)
        for ends, way in (("inputs", "in"), ("outputs", "out")):
            entry[ends] = {}
            for name, array in case[ends].items():
                file = f"{number:03d}.{case['stage']}.{way}.{name}.npy"
                files[file] = array
                entry[ends][name] = file
        cases.append(entry)
    for old in [manifest, *before]:
        old.unlink(missing_ok=True)
    sync_folder(folder)
    for file, array in files.items():
        # Version 1.0 of the format, whatever NumPy's default is; no object arrays, so no pickle.
        stream = io.BytesIO()  # NumPy would write to a file's descriptor
        np.lib.format.write_array(stream, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
        write_whole(folder / file, stream.getbuffer())
    network = find_network(DEFAULT_NETWORK)
    content = {
        "about": _ABOUT,
        "format": 1,
        "pydream": __version__,
        "network": {
            "name": network.name,
            "weights": network.weights,
            "sha256": network.sha256,
            "mean_bgr": list(network.mean),
        },
        "cases": cases,
    }
    write_text(manifest, json.dumps(content, indent=1) + "\n")
    return [manifest, *(folder / file for file in files)]


def _cases() -> Iterator[dict[str, Any]]:
    yield from _images()
    yield from _conversions()
    yield from _layers()
    yield from _network()


def _images() -> Iterator[dict[str, Any]]:
    for stage in stages():
        yield {
            "stage": stage.function,
            "name": stage.name,
            "function": FORMULAS[stage.function],
            "parameters": stage.parameters,
            "inputs": stage.inputs,
            "outputs": stage.expected(),
            "tolerance": stage.tolerance,
        }


def _conversions() -> Iterator[dict[str, Any]]:
    net = load_net(DEFAULT_NETWORK, dtype="float64", runtime="numpy")
    rgb = samples.picture(5, 7)
    image = preprocess(net, rgb)
    mean = net.mean
    yield _float64(
        "preprocess",
        "picture to image",
        "float(rollaxis(picture, 2)[::-1]) - mean: (H, W, 3) RGB to (3, H, W) BGR",
        {"picture": rgb, "mean": mean},
        {"image": image},
        limits=(0.0, 0.0),
    )
    yield _float64(
        "deprocess",
        "image to picture",
        "dstack((image + mean)[::-1]): (3, H, W) BGR to (H, W, 3) RGB",
        {"image": image, "mean": mean},
        {"picture": deprocess(net, image)},
        limits=(0.0, 0.0),
    )
    picture = np.concatenate([np.linspace(-0.9, 256, 29), [0, 0.5, 254.999, 255, 300]])
    yield _float64(
        "save",
        "what is written to a file",
        "uint8(clip(picture, 0, 255)): fractions are dropped",
        {"picture": picture},
        {"saved": np.clip(picture, 0, 255).astype(np.uint8)},
        limits=(0.0, 0.0),
    )
    for height, width in ((575, 1024), (111, 126), (333, 500), (35, 49)):
        yield _float64(
            "octaves",
            f"sizes of the octaves of {width}x{height}",
            "each is round(size / octave_scale) of the one before; halves go to even",
            {},
            {"sizes": np.array(octave_sizes(height, width))},
            {"height": height, "width": width, "octave_n": 4, "octave_scale": 1.4},
            limits=(0.0, 0.0),
        )


def _layers() -> Iterator[dict[str, Any]]:
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


def _layer(example: Example, bottoms: list[Array], what: str = "") -> dict[str, Any]:
    kind, constants, weights = example.type, example.constants, example.weights
    names = [f"bottom{i}" for i in range(len(bottoms))]
    tops = [f"top{i}" for i in range(example.tops)]
    ends = " ".join([f'bottom: "{name}"' for name in names] + [f'top: "{name}"' for name in tops])
    text = f'layer {{ name: "it" type: "{kind}" {ends} {constants} }}'
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
    model = text_format.Parse(f"{inputs} {text}", caffe_pb2.NetParameter())
    net = Net(model, stored, dtype="float64", runtime="numpy")
    for name, array in zip(names, bottoms, strict=True):
        net.blobs[name].data[...] = array
    net.forward()
    diffs = [samples.numbers(net.blobs[top].shape, 40 + i) for i, top in enumerate(tops)]
    outputs = {top: net.blobs[top].data for top in tops}
    for top, diff in zip(tops, diffs, strict=True):
        net.blobs[top].diff[...] = diff
    net.backward()
    outputs |= {f"{name}_diff": net.blobs[name].diff for name in names}
    return _float64(
        "layer",
        f"{kind}{_sizes(bottoms)}{f', {what}' if what else ''}: {constants or 'default parameters'}"
        f"{f', {len(tops)} tops' if len(tops) > 1 else ''}",
        "top = layer(bottom); bottom_diff: the gradient of sum(top * top_diff) at the bottom",
        {
            **dict(zip(names, bottoms, strict=True)),
            **{f"weights{i}": array for i, array in enumerate(params)},
            **{f"{top}_diff": diff for top, diff in zip(tops, diffs, strict=True)},
        },
        outputs,
        {"type": kind, "prototxt": " ".join(text.split())},
    )


def _sizes(arrays: list[Array]) -> str:
    return " of " + ", ".join("x".join(map(str, array.shape)) for array in arrays) if arrays else ""


def _network() -> Iterator[dict[str, Any]]:
    net = load_net(DEFAULT_NETWORK, dtype="float64", runtime="numpy")
    image = preprocess(net, samples.picture(64, 83))
    about = {"network": DEFAULT_NETWORK, "end": "fire5/concat"}

    def load(values: Array) -> None:
        net.resize(*values.shape[1:])
        net.image.data[0] = values

    for end in ("conv1", "pool1", "fire2/concat", "fire5/concat", "fire8/concat"):
        load(image)
        net.forward(end=end)
        net.blobs[end].copy_data_to_diff()
        net.backward(start=end)
        outputs = {"gradient": net.image.diff[0].copy()}
        if end not in ("conv1", "fire2/concat"):  # whose activations are large
            outputs = {"activations": net.blobs[end].data.copy(), **outputs}
        yield _float64(
            "network",
            f"activations of {end}, and the gradient at the image of half their sum of squares",
            "forward to the first layer named `end`; its diff is its data; backward from there",
            {"image": image},
            outputs,
            {**about, "end": end},
            limits=(1e-9, 1e-3),
        )

    guide = samples.picture(40, 50, seed=3)
    objective = objective_guide(net, guide, "fire2/concat")
    load(preprocess(net, guide))
    net.forward(end="fire2/concat")
    features = net.blobs["fire2/concat"].data[0].copy()
    load(preprocess(net, samples.picture(32, 44)))
    net.forward(end="fire2/concat")
    dst = net.blobs["fire2/concat"]
    objective(dst)
    yield _float64(
        "guide",
        "objective of a guide picture",
        "x, y: activations as (channels, places); diff = y[:, (x.T @ y).argmax(1)], the first of equals",
        {"activations": dst.data[0].copy(), "guide_activations": features},
        {"diff": dst.diff[0].copy()},
        limits=(0.0, 1e-6),
    )

    load(image)
    shifts = np.random.RandomState(0).randint(-32, 33, 2)
    make_step(net, 1.5, "fire5/concat", 32, True, objective_L2, rng=np.random.RandomState(0), backend="numpy")
    yield _float64(
        "step",
        "one step",
        "roll by (ox, oy); forward; diff = data; backward; image += step_size / mean|g| * g; roll back; clip",
        {"image": image, "mean": net.mean},
        {"image": net.image.data[0].copy()},
        {**about, "step_size": 1.5, "ox": int(shifts[0]), "oy": int(shifts[1])},
        limits=(1e-9, 1e-3),
    )

    picture, seen = samples.picture(111, 126), []

    class Levels(Watch):
        def step(self, octave: int, iteration: int, image: View) -> None:
            seen.append(float(np.sqrt(np.mean(net.image.data**2))))

    octaves: dict[str, Any] = {"octave_n": 3, "octave_scale": 1.4, "iter_n": 2, "step_size": 1.5}
    dream = deepdream(
        net,
        picture,
        end="fire5/concat",
        backend="numpy",
        rng=np.random.RandomState(0),
        watch=Levels(),
        jitter=32,
        **octaves,
    )
    rng = np.random.RandomState(0)
    draws = np.array([rng.randint(-32, 33, 2) for _ in seen])
    yield _float64(
        "dream",
        "a whole dream; the sizes are among those where SciPy's last rows and columns are 0",
        "deepdream; shifts has (ox, oy) of each step, step_rms the root of the mean square of the image after it",
        {"picture": picture, "mean": net.mean, "shifts": draws},
        {"step_rms": np.array(seen), "dream": dream, "saved": np.clip(dream, 0, 255).astype(np.uint8)},
        {**about, "jitter": 32, "seed": 0, **octaves},
        limits=(1e-9, 2e-2),
    )


def _float64(
    stage: str,
    name: str,
    function: str,
    inputs: dict[str, Array],
    outputs: dict[str, Array],
    parameters: dict[str, Any] | None = None,
    limits: tuple[float, float] = (1e-12, 2e-6),
) -> dict[str, Any]:
    return {
        "stage": stage,
        "name": name,
        "function": function,
        "parameters": parameters or {},
        "inputs": inputs,
        "outputs": outputs,
        "tolerance": limits[0],
        "tolerance_float32": limits[1],
    }
