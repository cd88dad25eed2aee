"""A model's file names classes and functions of a list, in any spelling; others are refused before Keras sees them."""

import pytest

from pydream.errors import NetFileError
from pydream.formats.keras import known
from pydream.runtime.on_tensorflow.door import part

LAYER = {"module": "keras.layers", "class_name": "Conv2D", "config": {"name": "c"}, "registered_name": None}


def model(*layers, **config):
    return {"class_name": "Functional", "module": "keras", "config": {"layers": list(layers), **config}}


def function(name, module="builtins", registered="function"):
    return {"class_name": "function", "module": module, "config": name, "registered_name": registered}


@pytest.mark.parametrize(
    "layer",
    [
        LAYER,
        {"class_name": "Conv2D", "config": {"activation": "relu", "kernel_initializer": "he_normal"}},  # of an .h5
        LAYER | {"module": "keras.src.layers.convolutional.conv2d", "registered_name": "Conv2D"},
        LAYER | {"module": "keras.src.models.functional", "class_name": "Functional"},
        LAYER | {"module": "keras.src.engine.functional", "class_name": "Functional"},  # of Keras 2
        LAYER | {"module": "keras.src.ops.numpy", "class_name": "Add", "registered_name": "Add"},
        LAYER
        | {"module": "keras.src.applications.convnext", "class_name": "LayerScale", "registered_name": "LayerScale"},
        LAYER | {"module": "keras", "class_name": "DTypePolicy"},
        LAYER | {"module": "keras.mixed_precision", "class_name": "Policy"},
        LAYER | {"module": "keras.initializers", "class_name": "GlorotUniform"},
        {"class_name": "__keras_tensor__", "config": {"shape": [None, 3], "keras_history": ["c", 0, 0]}},
        {"class_name": "__slice__", "config": {"start": 0, "stop": None, "step": None}},
        function("relu"),
        function("relu6", "keras.activations", "relu6"),
        {"class_name": "TimeDistributed", "config": {"layer": LAYER}},
    ],
)
def test_what_is_read(layer):
    known.check_config(model(layer), "mine.keras")


@pytest.mark.parametrize("spelling", ["{}", "layers.{}", "keras>{}", "keras.layers.{}", "Custom>{}", "a>layers.{}"])
@pytest.mark.parametrize("kind", sorted(known.BRING_CODE_OR_FILES))
def test_what_brings_code_or_files_in_any_spelling(kind, spelling):
    words = f"^mine.keras: '{kind}' brings code or files of its own"
    for module in ("keras.layers", "keras", None, "builtins", "keras.src.layers.core.lambda_layer"):
        named = {"class_name": spelling.format(kind), "module": module}
        registered = {"class_name": "Conv2D", "module": module, "registered_name": spelling.format(kind)}
        for names in (named, registered):
            _refused(words, names)


def _refused(words, names):
    for config in (model(LAYER | names), model(inner={"a": [{"b": LAYER | names}]}), LAYER | names):
        with pytest.raises(NetFileError, match=words):
            known.check_config(config, "mine.keras")


@pytest.mark.parametrize(
    "layer",
    [
        LAYER | {"class_name": "conv2d"},
        LAYER | {"class_name": "lambda"},
        LAYER | {"class_name": "Layer"},
        LAYER | {"class_name": "layers.Conv2D"},
        LAYER | {"class_name": "deserialize"},
        LAYER | {"class_name": ["Conv2D"]},
        LAYER | {"class_name": {"a": 1}},
        LAYER | {"class_name": None},
        LAYER | {"module": ["keras", "layers"]},
        LAYER | {"module": "keras.layers .os"},
        LAYER | {"module": "keras.layers\0"},
        LAYER | {"module": "keras.utils"},
        LAYER | {"module": "keras.src"},
        LAYER | {"module": "src"},
        LAYER | {"module": ""},
        LAYER | {"module": "os"},
        LAYER | {"module": "kerasx.layers"},
        LAYER | {"module": "keras.ops"},  # has no Conv2D
        LAYER | {"registered_name": "mine>Conv2D"},
        LAYER | {"registered_name": 7},
        LAYER | {"module": "keras.src.backend.config", "class_name": "set_backend"},
        {"class_name": "__typespec__", "spec_name": "x", "module": "tensorflow", "config": []},
        {"class_name": "TypeSpec", "type_spec": "x", "serialized": []},
        {"class_name": "__slice__", "module": "os", "config": {}},
        function("eval"),
        function("system", "os"),
        function("get_file", "keras.utils"),
        function("utils.get_file", "keras"),
        function("config.enable_unsafe_deserialization", "keras"),
        function("load_model", "keras.saving"),
        function("relu", "os"),
        function("relu", registered="mine>relu"),
        function({"name": "relu"}),
        LAYER | {"config": {"activation": "os.system"}},
        LAYER | {"config": {"activation": "deserialize"}},
        LAYER | {"config": {"kernel_initializer": "keras.saving.load_model"}},
        LAYER | {"config": {"cell": {"recurrent_activation": function("open")}}},
        LAYER | {"config": {"kernel_regularizer": {"class_name": "L3", "config": {}}}},
        LAYER | {"config": {"name": "x" * 10**6, "activation": "y" * 10**6}},
    ],
)
def test_what_is_not(layer):
    with pytest.raises(NetFileError, match=r"^mine.keras: .* is not one of Keras's layers \(.*live model$") as caught:
        known.check_config(model(layer), "mine.keras")
    assert len(str(caught.value)) < 500


def test_the_list_is_kerass():
    """Whatever an upgrade adds to its layers is looked at here, and listed as one or the other."""
    keras = part("keras")
    layers = {name for name in dir(keras.layers) if name[0].isupper()}
    abstract = {"Input", "InputSpec", "Layer"}
    if tuple(map(int, keras.__version__.split(".")[:2])) < (3, 14):
        layers.add("ContrastLimitedAdaptiveHistogramEqualization")
    assert layers - abstract - known.BRING_CODE_OR_FILES == known.KNOWN["layers"]
    for name in ("initializers", "regularizers", "constraints", "dtype_policies"):
        assert known.KNOWN[name] <= set(dir(getattr(keras, name)))
    assert set(dir(keras.activations)) >= known.FUNCTIONS
