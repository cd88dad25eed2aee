"""Keras models and SavedModels: to freeze one is to make a GraphDef that holds its weights.

=========== ===============================================================
apart       a file is read in a process of its own
reader      that process
keras_model a live Keras model, ``.keras`` or ``.h5`` → a frozen GraphDef
saved_model the folder of a SavedModel → a frozen GraphDef
live        a live `tf.Module`, or a loaded SavedModel → a frozen GraphDef
inline      a graph's functions in place of their calls
dilation    a dilated convolution is one node
known       which classes a file may name
frozen      what freezing returns
format      what every format answers, `freeze` and `net`
=========== ===============================================================

Freezing uses what TensorFlow and Keras keep to themselves; `tests/formats/keras/test_private_names.py` fails and names
what an upgrade has moved. Functions and classes:

- ``keras.src.legacy.saving.saving_utils.model_from_config``: builds a model from the configuration in an HDF5 file
- ``keras.src.applications.convnext.LayerScale``: a layer of ConvNeXt's that HDF5 files name without its module
- ``keras.src.applications.convnext.StochasticDepth``: another
- ``keras.src.ops.image.resize``: checks the size that is resized to, during a trace it does not
- ``keras.src.backend.tensorflow.image.resize``: takes any
- ``tensorflow.python.framework.convert_to_constants.convert_variables_to_constants_v2``: a trace → constants
- ``tensorflow.python.grappler.tf_optimizer.OptimizeGraph``: puts functions in place of their calls
- ``tensorflow.core.protobuf.config_pb2.ConfigProto``: what that is asked to do
- ``tensorflow.core.protobuf.meta_graph_pb2.MetaGraphDef``: what that takes
- ``tensorflow.core.protobuf.saved_model_pb2.SavedModel``: the file ``saved_model.pb``
- ``tensorflow.core.protobuf.trackable_object_graph_pb2.TrackableObjectGraph``: which variable is which in a checkpoint

Besides, it puts a function of its own in place of ``keras.layers.Layer.__call__`` during a trace, and knows grappler's
marks ``_XlaMustCompile`` and ``_noinline``.
"""

from .format import (
    DEFAULT_SPEC,
    MEAN,
    SUFFIXES,
    find_weights,
    freeze,
    graph,
    holds,
    model_file,
    name_of,
    net,
    pack,
    reads,
)

__all__ = [
    "DEFAULT_SPEC",
    "MEAN",
    "SUFFIXES",
    "find_weights",
    "freeze",
    "graph",
    "holds",
    "model_file",
    "name_of",
    "net",
    "pack",
    "reads",
]
