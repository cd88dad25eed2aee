"""Files of Keras 2: settings that change nothing are left out; LayerScale, which Keras has itself, is built."""

import json

import h5py
import numpy as np
import pytest
from support import kerasnets

import pydream
from pydream.errors import NetFileError
from pydream.formats.keras.keras2 import drop_unused
from pydream.formats.keras.keras_model import first_line
from pydream.runtime.on_tensorflow.door import part


@pytest.fixture(scope="module")
def model():
    keras, kinds = part("keras"), kerasnets.layers()
    image = keras.Input((24, 24, 3), name="image")
    x = kinds.DepthwiseConv2D(3, padding="same", name="depthwise")(image)
    x = kinds.SeparableConv2D(4, 3, name="separable")(x)
    x = kinds.Conv2DTranspose(4, 3, strides=2, name="transposed")(x)
    scale = part("keras.src.applications.convnext").LayerScale
    return kerasnets.seeded(keras.Model(image, scale(0.5, 4, name="scale")(x)))


def with_groups(model, path, groups):
    """Save a model as Keras 2 would."""
    model.save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            if layer["class_name"] in ("DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose"):
                layer["config"]["groups"] = groups
            if layer["class_name"] == "SeparableConv2D":
                layer["config"] |= {"kernel_initializer": "glorot_uniform", "kernel_regularizer": None}
        file.attrs["model_config"] = json.dumps(config)
    return path


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_settings_without_use(model, tmp_path):
    expected = pydream.load_net(model, device="cpu")
    net = pydream.load_net(with_groups(model, tmp_path / "two.h5", 1), device="cpu")
    assert net.graph.notice is None
    image = np.random.RandomState(0).uniform(0, 255, (1, 3, 24, 24))
    for each in (net, expected):
        each.forward(end="scale", data=image)
    np.testing.assert_array_equal(net.blobs["scale"].data, expected.blobs["scale"].data)
    with pytest.raises(NetFileError, match=r"DepthwiseConv2D: Unrecognized keyword arguments .*\{'groups': 3\}\)"):
        pydream.load_net(with_groups(model, tmp_path / "three.h5", 3))


def test_only_what_changes_nothing():
    config = {"class_name": "LSTM", "config": {"time_major": False, "implementation": 2, "units": 4}}
    other = {"class_name": "LSTM", "config": {"time_major": True, "groups": 1}}
    drop_unused({"config": {"layers": [config, {"class_name": "TimeDistributed", "config": {"layer": other}}]}})
    assert config["config"] == {"units": 4}
    assert other["config"] == {"time_major": True, "groups": 1}


def test_the_line_that_says_why():
    config = "{'name': 'dw'}" * 100
    wrapped = (
        f"Error when deserializing class 'Dense' using config={config}.\n\nException encountered: no {{'a': 1}}\nb"
    )
    assert first_line(ValueError(wrapped)) == "Dense: no {'a': 1}"
    called = "Exception encountered when calling UpSampling2D.call().\n\n\x1b[1mUsing a tensor.\x1b[0m\n\nArguments: 3"
    assert first_line(ValueError(called)) == "UpSampling2D: Using a tensor."
    assert first_line(ValueError("\n\n one\ntwo")) == "one"
    assert first_line(KeyError()) == "KeyError"
