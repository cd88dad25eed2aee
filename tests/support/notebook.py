"""The 2015 notebook's cells, expression for expression, on `pydream.caffe`: the oracle of the dream.

These are the statements of google/deepdream's dream.ipynb (2015, Apache-2.0) with Python 3's `print` and `range`, the
display taken out, and one thing made a parameter: `real` is `numpy.float32` there, and `numpy.float64` for the golden
files, which were computed in double precision. Nothing here uses pydream's own dream.
"""

import numpy as np
import scipy.ndimage as nd
from google.protobuf import text_format

import pydream.caffe as caffe


def load(net_fn, param_fn, patched_fn, **kwargs):
    model = caffe.io.caffe_pb2.NetParameter()
    text_format.Merge(open(net_fn).read(), model)  # noqa: SIM115
    model.force_backward = True
    open(patched_fn, "w").write(str(model))  # noqa: SIM115
    return caffe.Classifier(
        patched_fn, param_fn, mean=np.float32([104.0, 116.0, 122.0]), channel_swap=(2, 1, 0), **kwargs
    )


real = np.float32


def preprocess(net, img):
    return real(np.rollaxis(img, 2)[::-1]) - net.transformer.mean["data"]


def deprocess(net, img):
    return np.dstack((img + net.transformer.mean["data"])[::-1])


def objective_L2(dst):
    dst.diff[:] = dst.data


def make_step(net, step_size=1.5, end="inception_4c/output", jitter=32, clip=True, objective=objective_L2):
    src = net.blobs["data"]
    dst = net.blobs[end]

    ox, oy = np.random.randint(-jitter, jitter + 1, 2)
    src.data[0] = np.roll(np.roll(src.data[0], ox, -1), oy, -2)

    net.forward(end=end)
    objective(dst)
    net.backward(start=end)
    g = src.diff[0]
    src.data[:] += step_size / np.abs(g).mean() * g

    src.data[0] = np.roll(np.roll(src.data[0], -ox, -1), -oy, -2)

    if clip:
        bias = net.transformer.mean["data"]
        src.data[:] = np.clip(src.data, -bias, 255 - bias)


def deepdream(
    net,
    base_img,
    iter_n=10,
    octave_n=4,
    octave_scale=1.4,
    end="inception_4c/output",
    clip=True,
    **step_params,
):
    octaves = [preprocess(net, base_img)]
    for _ in range(octave_n - 1):
        octaves.append(nd.zoom(octaves[-1], (1, 1.0 / octave_scale, 1.0 / octave_scale), order=1))

    src = net.blobs["data"]
    detail = np.zeros_like(octaves[-1])
    for octave, octave_base in enumerate(octaves[::-1]):
        h, w = octave_base.shape[-2:]
        if octave > 0:
            h1, w1 = detail.shape[-2:]
            detail = nd.zoom(detail, (1, 1.0 * h / h1, 1.0 * w / w1), order=1)

        src.reshape(1, 3, h, w)
        src.data[0] = octave_base + detail
        for _ in range(iter_n):
            make_step(net, end=end, clip=clip, **step_params)

        detail = src.data[0] - octave_base
    return deprocess(net, src.data[0])


def zoom_loop(net, img, frames=100, **dream_params):
    """The zoom cell; frames are given as a list and not saved, `frames` and `dream_params` are parameters."""
    seen = []
    frame = img

    h, w = frame.shape[:2]
    s = 0.05  # scale coefficient
    for _ in range(frames):
        frame = deepdream(net, frame, **dream_params)
        seen.append(frame)
        frame = nd.affine_transform(frame, [1 - s, 1 - s, 1], [h * s / 2, w * s / 2, 0], order=1)
    return seen


def guide_objective(net, guide, end="inception_3b/output"):
    h, w = guide.shape[:2]
    src, dst = net.blobs["data"], net.blobs[end]
    src.reshape(1, 3, h, w)
    src.data[0] = preprocess(net, guide)
    net.forward(end=end)
    guide_features = dst.data[0].copy()

    def objective_guide(dst):
        x = dst.data[0].copy()
        y = guide_features
        ch = x.shape[0]
        x = x.reshape(ch, -1)
        y = y.reshape(ch, -1)
        A = x.T.dot(y)
        dst.diff[0].reshape(ch, -1)[:] = y[:, A.argmax(1)]

    return objective_guide
