"""Cases in the order of the algorithm: what the vectors are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ..dream.images import deprocess, preprocess
from ..dream.notebook import deepdream, make_step
from ..dream.objectives import objective_guide, objective_L2
from ..dream.octaves import octave_sizes
from ..dream.watch import View, Watch
from ..imageops import numpy_ops
from ..zoo.load import load_net
from ..zoo.registry import DEFAULT_NETWORK
from . import samples
from .case import Case, float64_case
from .golden import END, OCTAVES, golden_dream
from .layer_cases import layer_cases
from .net import Reference
from .report import Array, Mistakes
from .stages import FORMULAS, STEP_MISTAKES, Stage, stages
from .wrong_dreams import WRONG_DREAMS, Loop

# The others' are large: a port that has their gradients has them too.
KEPT_ACTIVATIONS = ("pool1", "fire5/concat", "fire8/concat")


def cases() -> Iterator[Case]:
    """Yield the cases in the order of the algorithm."""
    yield from images()
    yield from _conversions()
    yield from layer_cases()
    yield from _network()
    yield _golden()


def images() -> Iterator[Case]:
    """Yield those of the image side."""
    for stage in stages():
        formula = FORMULAS[stage.function]
        yield Case(
            stage.function, stage.name, formula, stage.parameters, stage.inputs, stage.expected(), stage.tolerance,
            mistakes=partial(_of_stage, stage),
        )  # fmt: skip


def _of_stage(stage: Stage, output: str) -> Mistakes:
    def run(function: Callable[..., Any]) -> Array:
        return stage.run(function)[output]

    return {text: partial(run, function) for text, function in stage.mistakes.items()}


def _conversions() -> Iterator[Case]:
    net = load_net(DEFAULT_NETWORK, dtype="float64", runtime="numpy")
    rgb = samples.picture(5, 7)
    image = preprocess(net, rgb)
    mean = net.mean
    yield float64_case(
        "preprocess",
        "picture to image",
        "float(rollaxis(picture, 2)[::-1]) - mean: (H, W, 3) RGB to (3, H, W) BGR",
        {"picture": rgb, "mean": mean},
        {"image": image},
        limits=(0.0, 0.0),
        mistakes=lambda _: {
            "channels stayed in the order RGB": lambda: np.moveaxis(rgb, 2, 0) - mean,
            "the mean were in the order RGB": lambda: image + mean - mean[::-1],
            "the mean were not subtracted": lambda: image + mean,
            "pixels were 0..1": lambda: (image + mean) / 255,
            "channels stayed last": lambda: np.moveaxis(image, 0, 2),
        },
    )
    yield float64_case(
        "deprocess",
        "image to picture",
        "dstack((image + mean)[::-1]): (3, H, W) BGR to (H, W, 3) RGB",
        {"image": image, "mean": mean},
        {"picture": deprocess(net, image)},
        limits=(0.0, 0.0),
        mistakes=lambda _: {
            "channels stayed in the order BGR": lambda: deprocess(net, image)[..., ::-1],
            "the mean were not added": lambda: deprocess(net, image - mean),
            "it were 8 bits: fractions are kept": lambda: deprocess(net, image).astype(np.uint8),
        },
    )
    picture = np.concatenate([np.linspace(-0.9, 256, 29), [0, 0.5, 254.999, 255, 300]])
    yield float64_case(
        "save",
        "what is written to a file",
        "uint8(clip(picture, 0, 255)): fractions are dropped",
        {"picture": picture},
        {"saved": np.clip(picture, 0, 255).astype(np.uint8)},
        limits=(0.0, 0.0),
        mistakes=lambda _: {
            "fractions were rounded, not dropped": lambda: np.rint(np.clip(picture, 0, 255)),
            "values wrapped around at 256, not clipped": lambda: np.trunc(picture) % 256,
        },
    )
    for height, width in ((575, 1024), (111, 126), (333, 500), (35, 49)):
        yield float64_case(
            "octaves",
            f"sizes of the octaves of {width}x{height}",
            "each is round(size / octave_scale) of the one before; halves go to even",
            {},
            {"sizes": np.array(octave_sizes(height, width))},
            {"height": height, "width": width, "octave_n": 4, "octave_scale": 1.4},
            limits=(0.0, 0.0),
        )


def _of_network(image: Array, end: str, activations: Array, output: str) -> Mistakes:
    seed = None if output == "activations" else activations
    found = Reference(DEFAULT_NETWORK, None).mistakes(image[np.newaxis], end, seed)
    if output == "activations":
        return found
    return {text: partial(_of_one, run) for text, run in found.items()}


def _of_one(run: Callable[[], Array]) -> Array:
    """Return the gradient at one image, unless there is none."""
    found = run()
    return found[0] if found.ndim == 4 else found


def _network() -> Iterator[Case]:
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
        activations = net.blobs[end].data.copy()
        outputs = {"gradient": net.image.diff[0].copy()}
        if end in KEPT_ACTIVATIONS:
            outputs = {"activations": activations, **outputs}
        yield float64_case(
            "network",
            f"{'activations of ' * (end in KEPT_ACTIVATIONS)}{end}, and the gradient at the image of half the sum of"
            " squares of its activations",
            "forward to the first layer named `end`; its diff is its data; backward from there",
            {"image": image},
            outputs,
            {**about, "end": end},
            limits=(1e-9, 1e-3),
            mistakes=partial(_of_network, image, end, activations),
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
    yield float64_case(
        "guide",
        "objective of a guide picture",
        "x, y: activations as (channels, places); diff = y[:, (x.T @ y).argmax(1)], the first of equals",
        {"activations": dst.data[0].copy(), "guide_activations": features},
        {"diff": dst.diff[0].copy()},
        limits=(0.0, 1e-6),
        mistakes=partial(_of_guide, dst.data[0].copy(), features),
    )

    load(image)
    shifts = np.random.RandomState(0).randint(-32, 33, 2)
    make_step(net, 1.5, "fire5/concat", 32, True, objective_L2, rng=np.random.RandomState(0), backend="numpy")
    stepped = net.image.data[0].copy()
    ox, oy = map(int, shifts)

    def wrong_steps(_: str) -> Mistakes:
        load(numpy_ops.roll(image, ox, oy))
        net.forward(end="fire5/concat")
        net.blobs["fire5/concat"].copy_data_to_diff()
        net.backward(start="fire5/concat")
        call = {"gradient": net.image.diff.copy(), "step_size": 1.5, "ox": ox, "oy": oy, "channels_last": False}
        call |= {"low": -net.mean, "high": 255 - net.mean}

        def run(function: Callable[..., Any]) -> Array:
            changed = image.copy()
            function(changed, **call)
            return changed

        return {text: partial(run, function) for text, function in STEP_MISTAKES.items()}

    yield float64_case(
        "step",
        "one step",
        "roll by (ox, oy); forward; diff = data; backward; image += step_size / mean|g| * g; roll back; clip",
        {"image": image, "mean": net.mean},
        {"image": stepped},
        {**about, "step_size": 1.5, "ox": ox, "oy": oy},
        limits=(1e-9, 1e-3),
        mistakes=wrong_steps,
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
    yield float64_case(
        "dream",
        "a whole dream; the sizes are among those where SciPy's last rows and columns are 0",
        "deepdream; shifts has (ox, oy) of each step, step_rms the root of the mean square of the image after it",
        {"picture": picture, "mean": net.mean, "shifts": _shifts(len(seen))},
        {"step_rms": np.array(seen), "dream": dream, "saved": np.clip(dream, 0, 255).astype(np.uint8)},
        {**about, "jitter": 32, "seed": 0, **octaves},
        limits=(1e-9, 2e-2),
        mistakes=partial(_of_dream, picture, {**about, **octaves}),
    )


def _golden() -> Case:
    """Return the dream that shows a port's chaos, if it has any: 18 steps, made by Caffe and not by pydream."""
    golden = golden_dream()
    mean = load_net(DEFAULT_NETWORK, dtype="float64", runtime="numpy").mean
    return float64_case(
        "dream",
        "the golden dream: what Caffe made in double precision of a picture of ours",
        "deepdream, as before; every byte of `saved` is Caffe's, whose SHA-256 is among the parameters",
        {"picture": golden["image"], "mean": mean, "shifts": _shifts(len(golden["step_rms"]))},
        {"step_rms": golden["step_rms"], "saved": golden["out_u8"]},
        {"network": DEFAULT_NETWORK, "end": END, "jitter": 32, "seed": 0, **OCTAVES, "sha256": str(golden["sha256"])},
        limits=(1e-9, 2e-2),
        mistakes=partial(_of_dream, golden["image"], {"end": END, **OCTAVES}),
    )


def _shifts(steps: int) -> Array:
    """Return (ox, oy) of each step of a dream with the seed 0."""
    rng = np.random.RandomState(0)
    return np.array([rng.randint(-32, 33, 2) for _ in range(steps)])


def _of_dream(picture: Array, parameters: dict[str, Any], output: str) -> Mistakes:
    net = load_net(DEFAULT_NETWORK, dtype="float64", runtime="native")
    shifts = _shifts(parameters["octave_n"] * parameters["iter_n"])

    def made(loop: type[Loop]) -> Array:
        with np.errstate(all="ignore"):  # some lead to no gradient
            return loop(net, parameters, shifts).dream(picture)[output]

    return {text: partial(made, loop) for text, loop in WRONG_DREAMS.items()}


def _of_guide(activations: Array, guide: Array, _: str) -> Mistakes:
    x, y = (each.reshape(len(each), -1) for each in (activations, guide))

    def chosen(products: Array) -> Array:
        return y[:, products.argmax(1)].reshape(activations.shape)

    lengths = np.maximum(np.linalg.norm(y, axis=0), 1e-30)
    return {
        "features were compared by their angle; it is the dot product": lambda: chosen(x.T @ y / lengths),
        "the nearest features were taken; it is the largest dot product": lambda: chosen(x.T @ y - lengths**2 / 2),
    }
