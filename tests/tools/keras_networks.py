"""Every architecture of keras.applications, with random weights at a small size: read whole, and equal to Keras's own.

    python tests/tools/keras_networks.py [NAME…]

For each it prints how many of its layers are left out, which must be none, and how far its logits and their gradient
at the picture, in float64, are from Keras's. The graph has constants in float32, such as the epsilons of
normalisations, so that 1e-5 is as near as they come. Each network has a process of its own; the largest take some
gigabytes. Exit code 1: one of them is not as it should be.
"""

import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

NEAR = 1e-5
LEAST = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}  # pixels a side; NASNet takes multiples of 32
SIDE = 64


def architectures():
    import keras

    return sorted(name for name, made in vars(keras.applications).items() if name[0].isupper() and callable(made))


def build(name, dtype):
    import keras

    keras.config.set_dtype_policy(dtype)
    keras.config.set_floatx(dtype)  # of the input
    side = LEAST.get(name, SIDE)
    return getattr(keras.applications, name)(
        weights=None, input_shape=(side, side, 3), classes=10, classifier_activation=None
    )


def check(name):
    """Return a line about a network, and whether it is as it should be."""
    import numpy as np
    from support import kerasnets, nets

    import pydream
    from pydream.errors import LeftOutWarning

    start = time.perf_counter()
    model = kerasnets.seeded(build(name, "float32"))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", LeftOutWarning)
        net = pydream.load_net(model, dtype="float64", device="cpu")
    notice = next((str(each.message) for each in seen if issubclass(each.category, LeftOutWarning)), None)
    if notice is not None:
        return f"{name:20} {notice}", False
    exact = build(name, "float64")
    for ours, theirs in zip(exact.weights, model.weights, strict=True):
        ours.assign(theirs.numpy().astype(np.float64))
    image = kerasnets.picture((LEAST.get(name, SIDE),) * 2)
    end = model.layers[-1].name
    found = nets.passes(net, end, image)
    expected = kerasnets.by_keras(lambda x: exact(x, training=False), image, "float64")
    off = [nets.off(got, wanted) for got, wanted in zip(found, expected, strict=True)]
    facts = f"{len(model.layers):4} layers {off[0]:8.1e} {off[1]:8.1e} {time.perf_counter() - start:5.0f} s"
    return f"{name:20} {facts}  {net.logits}  {net.default_end}", max(off) < NEAR and net.logits is not None


def main(names):
    if len(names) == 1:
        line, right = check(names[0])
        print(line, flush=True)
        return not right
    wrong = []
    for name in names or architectures():
        done = subprocess.run([sys.executable, __file__, name], stderr=subprocess.PIPE, text=True)
        if done.returncode:
            wrong.append(name)
            print(*done.stderr.splitlines()[-1:] if done.returncode != 1 or "Error" in done.stderr else [], flush=True)
    print(f"wrong: {', '.join(wrong)}" if wrong else "all as Keras has them")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
