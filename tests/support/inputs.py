"""Small networks whose image input is not the notebook's: of one channel, or of another name."""

import numpy as np

from support import nets

CONV = "convolution_param { num_output: 6 kernel_size: 3 pad: 1 }"
MORE = "convolution_param { num_output: 5 kernel_size: 3 pad: 1 stride: 2 }"


def text(channels=1, name="data", others="", size=24):
    """Two convolutions on an input, and a classifier of four classes behind them."""
    return (
        nets.inputs(**{name: (1, channels, size, size)})
        + others
        + nets.layer("one", "Convolution", name, "one", CONV)
        + nets.layer("relu", "ReLU", "one", "one")
        + nets.layer("two", "Convolution", "one", "two", MORE)
        + nets.layer("fc", "InnerProduct", "two", "fc", "inner_product_param { num_output: 4 }")
        + nets.layer("prob", "Softmax", "fc", "prob")
    )


def weights(channels=1, size=24):
    """Weights for it, from a seed."""
    rng = np.random.default_rng(3)
    half = (size + 1) // 2
    return {
        "one": [nets.normal(rng, 6, channels, 3, 3) / 4, nets.normal(rng, 6)],
        "two": [nets.normal(rng, 5, 6, 3, 3) / 4, nets.normal(rng, 5)],
        "fc": [nets.normal(rng, 4, 5 * half * half) / 9, nets.normal(rng, 4)],
    }


def write(folder, channels=1, name="data", stem="net"):
    """Write it as a prototxt and a caffemodel, and return the prototxt."""
    model = folder / f"{stem}.prototxt"
    model.write_text(text(channels, name), encoding="utf-8")
    model.with_suffix(".caffemodel").write_bytes(nets.weights(**weights(channels)).SerializeToString())
    return model
