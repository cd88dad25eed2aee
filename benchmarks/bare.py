"""The least program that dreams: what `pydream dream` would take beyond its steps if it did nothing else.

    python benchmarks/bare.py WEIGHTS.npz READINGS.json PICTURE -o DREAM
    python benchmarks/bare.py WEIGHTS.npz READINGS.json FOLDER -o FOLDER

One file on NumPy, Pillow and TensorFlow: no options, checks, errors, progress, records, locks or syncs; sizes of
pooling are TensorFlow's, octaves are resized by Pillow. `benchmarks/start.py bare` runs it beside the command.
"""

import json
import os
import sys
from pathlib import Path
from time import perf_counter

OCTAVES, STEPS, JITTER, RATE = 4, 10, 32, 1.5
FIRE = (2, 3, 4, 5, 6, 7, 8)
MEAN = (104.0, 116.66999816894531, 122.68000030517578)


def main():
    import gc

    gc.disable()  # as pydream does while it imports
    import numpy as np
    import tensorflow as tf
    from PIL import Image

    gc.enable()
    weights, readings, source, _, target = sys.argv[1:]
    step = gradient(tf, np.load(weights))
    sources = [Path(source)] if Path(source).is_file() else sorted(Path(source).iterdir())
    targets = [Path(target)] if Path(source).is_file() else [Path(target, path.name) for path in sources]
    targets[0].parent.mkdir(exist_ok=True)
    found = []
    for path, result in zip(sources, targets, strict=True):
        clock = Clock(step)
        began = perf_counter()
        with Image.open(path) as picture:
            picture.load()
        read = perf_counter()
        dreamt = dream(np, Image, clock, picture)
        made = perf_counter()
        Image.fromarray(dreamt).save(result)
        found.append(clock.readings | {"reading": read - began, "writing": perf_counter() - made})
    Path(readings).write_text(json.dumps(found))
    os._exit(0)


class Clock:
    """A step's parts, timed: the network with its gradient, and what is done to the image."""

    def __init__(self, gradient):
        self.gradient = gradient
        self.readings = {"began": None, "net": {"forwards": [], "backwards": []}}
        self.readings["taken"] = {"to_tensor": [], "ascend_tensor": [], "zoom": []}

    def step(self, np, image, shift):
        began = perf_counter()
        if self.readings["began"] is None:
            self.readings["began"] = began
        rolled = np.roll(image, shift, (0, 1))
        ready = perf_counter()
        found = self.gradient(rolled[None]).numpy()[0]
        passed = perf_counter()
        rolled += RATE / np.abs(found).mean() * found
        image = np.clip(np.roll(rolled, (-shift[0], -shift[1]), (0, 1)), -122.7, 255 - 104.0, dtype=np.float32)
        net, taken = self.readings["net"], self.readings["taken"]
        taken["to_tensor"].append(ready - began)
        net["forwards"].append(passed - ready)
        net["backwards"].append(0)
        taken["ascend_tensor"].append(perf_counter() - passed)
        return image


def dream(np, Image, clock, picture):
    """Return the dream of a picture, 8 bits."""
    mean = np.float32(MEAN)
    sizes = [tuple(round(side / 1.4**i) for side in picture.size) for i in reversed(range(OCTAVES))]
    detail = np.zeros((1, 1, 3), np.float32)
    rng = np.random.RandomState(0)
    for size in sizes:
        base = np.asarray(picture.resize(size, Image.BILINEAR), np.float32)[:, :, ::-1] - mean
        planes = [Image.fromarray(detail[:, :, i]).resize(size, Image.BILINEAR) for i in range(3)]
        image = base + np.stack([np.asarray(plane) for plane in planes], 2)
        for _ in range(STEPS):
            image = clock.step(np, image, tuple(rng.randint(-JITTER, JITTER + 1, 2).tolist()))
        detail = image - base
    return np.clip(image + mean, 0, 255).astype(np.uint8)[:, :, ::-1]


def gradient(tf, weights):
    """Return the gradient of SqueezeNet's fire8/concat in one trace for all sizes."""

    def convolution(x, name, stride=1):
        kernel = tf.constant(weights[name])
        x = tf.nn.conv2d(x, kernel, stride, "VALID" if stride > 1 else "SAME")
        return tf.nn.relu(tf.nn.bias_add(x, tf.constant(weights[name + "/bias"])))

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.float32)])
    def found(image):
        with tf.GradientTape() as tape:
            tape.watch(image)
            x = tf.nn.max_pool2d(convolution(image, "conv1", 2), 3, 2, "SAME")
            for i in FIRE:
                x = convolution(x, f"fire{i}/squeeze1x1")
                x = tf.concat([convolution(x, f"fire{i}/expand1x1"), convolution(x, f"fire{i}/expand3x3")], 3)
                if i in {3, 5}:
                    x = tf.nn.max_pool2d(x, 3, 2, "SAME")
            score = tf.reduce_sum(x * x) / 2
        return tape.gradient(score, image)

    return found


if __name__ == "__main__":
    main()
