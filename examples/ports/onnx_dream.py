"""The dream of 2015 from one ONNX file, with NumPy and ONNX Runtime alone (Pillow reads and writes the picture).

    pydream export -l fire8/concat -o step.onnx
    python onnx_dream.py step.onnx sky.jpg dream.png

A file that was exported with --exact gives Caffe's picture, byte for byte.
"""

import sys

import numpy as np
import onnxruntime
from PIL import Image


def zoom(image, height, width):
    """Return (3, h, w) at another size: linear, the corners on the corners, 0 where rounding leads out of the image."""
    for axis, count in ((1, height), (2, width)):
        last = image.shape[axis] - 1
        at = np.arange(count) * (last / max(count - 1, 1))
        low = np.minimum(at.astype(int), max(last - 1, 0))
        share = np.expand_dims(at - low, (0, 3 - axis))
        below, above = image.take(low, axis), image.take(np.minimum(low + 1, last), axis)
        image = ((1 - share) * below + share * above) * np.expand_dims(at <= last, (0, 3 - axis))
    return image


def dream(session, picture, seed=0, octave_n=4, octave_scale=1.4, iter_n=10, step_size=1.5, jitter=32):
    """Return what a step's graph makes of a picture, (H, W, 3) RGB."""
    facts = session.get_modelmeta().custom_metadata_map
    dtype = np.float64 if "double" in session.get_inputs()[0].type else np.float32
    mean = np.array(facts["mean"].split(","), dtype).reshape(-1, 1, 1)
    order, last = -1 if facts["channel_order"] == "BGR" else 1, facts["layout"] == "nhwc"
    random = np.random.RandomState(seed)
    octaves = [np.asarray(picture, dtype).transpose(2, 0, 1)[::order] - mean]
    for _ in range(octave_n - 1):
        height, width = (round(size / octave_scale) for size in octaves[-1].shape[1:])
        octaves.append(zoom(octaves[-1], height, width).astype(dtype))
    detail = np.zeros_like(octaves[-1])
    for base in reversed(octaves):
        detail = detail if detail.shape == base.shape else zoom(detail, *base.shape[1:]).astype(dtype)
        x = base + detail
        for _ in range(iter_n):
            shift = random.randint(-jitter, jitter + 1, 2)[::-1]  # down, to the right
            x = np.roll(x, shift, (1, 2))
            image = np.ascontiguousarray(x.transpose(1, 2, 0) if last else x)[np.newaxis]
            (gradient,) = session.run(["gradient"], {"image": image})
            g = gradient[0].transpose(2, 0, 1) if last else gradient[0]
            x = np.roll(x + dtype(step_size) / np.abs(g).mean() * g, -shift, (1, 2))
            x = np.clip(x, -mean, 255 - mean)
        detail = x - base
    return np.uint8(np.clip((x + mean)[::order].transpose(1, 2, 0), 0, 255))


if __name__ == "__main__":
    step, source, target = sys.argv[1:]
    session = onnxruntime.InferenceSession(step, providers=["CPUExecutionProvider"])
    Image.fromarray(dream(session, Image.open(source).convert("RGB"))).save(target)
