"""Small Keras models with weights drawn from a seed, and what Keras itself says of them."""

import numpy as np

from pydream.runtime.on_tensorflow.door import part, tensorflow

# A size that no pooling divides.
SIZE = (33, 47)


def layers():
    return part("keras").layers


def everything(size=(None, None), dtype="float32"):
    """Every kind of layer that convolutional models have; the same weights whatever the size and dtype.

    Constants are such that float32 holds them exactly.
    """
    keras = part("keras")
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        model = _everything(size)
    finally:
        keras.config.set_dtype_policy(policy)
    return seeded(model)


def _everything(size):
    keras, kinds = part("keras"), layers()
    dtype = keras.config.dtype_policy().name
    inside = keras.Input((None, None, 8), dtype=dtype)
    x = kinds.Conv2D(8, 3, padding="same", name="conv")(inside)
    inner = keras.Model(inside, kinds.BatchNormalization(epsilon=2**-10, name="bn")(x), name="inner")

    image = keras.Input((*size, 3), name="image", dtype=dtype)
    x = kinds.Rescaling(1 / 128, offset=-1, name="rescale")(image)
    x = block1 = kinds.Conv2D(8, 3, padding="same", activation="relu", name="block1_conv1")(x)
    x = kinds.Add(name="residual")([block1, inner(x)])
    x = kinds.MaxPooling2D(name="pool1")(x)
    x = kinds.Dropout(0.5, name="drop")(x)
    x = kinds.SeparableConv2D(12, 3, padding="same", activation="swish", name="separable")(x)
    x = kinds.DepthwiseConv2D(3, strides=2, padding="same", name="depthwise")(x)
    x = kinds.LeakyReLU(0.125, name="leaky")(x)
    left = kinds.Conv2D(6, (1, 3), groups=2, padding="same", name="left")(x)
    right = kinds.AveragePooling2D(3, strides=1, padding="same", name="right")(x)
    x = kinds.Concatenate(name="join")([left, right])
    x = kinds.ZeroPadding2D(1, name="padded")(x)
    x = kinds.Conv2D(8, 3, strides=2, name="conv")(x)
    x = kinds.GlobalAveragePooling2D(name="average")(x)
    x = kinds.Dense(5, activation="softmax", name="classes")(x)
    return keras.Model(image, x, name="everything")


BLOBS = [
    "rescale",
    "block1_conv1",
    "inner/conv",
    "inner",
    "residual",
    "pool1",
    "drop",
    "separable",
    "depthwise",
    "leaky",
    "left",
    "right",
    "join",
    "padded",
    "conv",
    "average",
    "classes",
]


def seeded(model, seed=3):
    """Weights from a seed: kernels after He, statistics as after training."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        values = rng.standard_normal(weight.shape)
        if "variance" in weight.path:
            values = 0.5 + np.abs(values)
        elif "gamma" in weight.path:
            values = 1 + 0.2 * values
        elif len(weight.shape) > 1:
            values *= (2 / np.prod(weight.shape[:-1])) ** 0.5
        else:
            values *= 0.3
        weight.assign(values.astype(np.float32))
    return model


def picture(size=SIZE, seed=4):
    """(1, 3, h, w) float64 that float32 holds exactly."""
    return np.random.default_rng(seed).uniform(0, 255, (1, 3, *size)).astype(np.float32).astype(np.float64)


def by_keras(run, image, dtype):
    """What `run` makes of an (n, c, h, w) image, and the gradient of half its squares there."""
    tf = tensorflow()
    x = tf.constant(image.transpose(0, 2, 3, 1), dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        made = run(x)
        objective = tf.reduce_sum(made * made) / 2
    gradient = tape.gradient(objective, x).numpy()
    made = made.numpy()
    return (made.transpose(0, 3, 1, 2) if made.ndim == 4 else made), gradient.transpose(0, 3, 1, 2)


def until(model, name):
    """A function that runs a model of `everything` up to a layer."""
    keras = part("keras")
    if name == "inner/conv":
        before = until(model, "block1_conv1")
        return lambda x: model.get_layer("inner").get_layer("conv")(before(x), training=False)
    if name == "inner":  # it is called at one place, which its own output does not tell
        before = until(model, "block1_conv1")
        return lambda x: model.get_layer("inner")(before(x), training=False)
    cut = keras.Model(model.input, model.get_layer(name).output)
    return lambda x: cut(x, training=False)
