"""A network of any age becomes one of 2015, as Caffe itself does when it reads a file.

V0 (2013)
    ``layers { layer { type: "conv" … } bottom … }``: types are words, and padding is a layer.
V1 (2014)
    ``layers { type: CONVOLUTION … }``, as in the official GoogLeNet and AlexNet files.
now
    ``layer { type: "Convolution" … }``, with inputs that are layers too.
"""

from __future__ import annotations

from typing import Any

from ...errors import NetFileError
from . import caffe_pb2
from .text import is_repeated, note, unknown_in

# V1LayerParameter.LayerType -> LayerParameter.type, where it is not the enum's name in camel case.
_V1_TYPES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "IM2COL": "Im2col",
    "LRN": "LRN",
    "MVN": "MVN",
    "RELU": "ReLU",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
}
# Layers whose parameters had these fields before `transform_param`.
_DATA_PARAMS = {"Data": "data_param", "ImageData": "image_data_param", "WindowData": "window_data_param"}
_TRANSFORMS = ("scale", "mean_file", "crop_size", "mirror")

# V0LayerParameter.type -> LayerParameter.type, where it is not the word with a capital letter.
_V0_TYPES = {
    "bnll": "BNLL",
    "conv": "Convolution",
    "euclidean_loss": "EuclideanLoss",
    "hdf5_data": "HDF5Data",
    "hdf5_output": "HDF5Output",
    "im2col": "Im2col",
    "images": "ImageData",
    "infogain_loss": "InfogainLoss",
    "innerproduct": "InnerProduct",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MultinomialLogisticLoss",
    "pool": "Pooling",
    "relu": "ReLU",
    "softmax_loss": "SoftmaxWithLoss",
    "tanh": "TanH",
    "window_data": "WindowData",
}
_V0_SAME = {"accuracy", "concat", "data", "dropout", "flatten", "sigmoid", "softmax", "split"}
# V0LayerParameter's field -> LayerParameter.type -> the parameter and the field there. What is not here has no meaning
# for that type, and is dropped as Caffe does.
_CONV, _POOL, _PRODUCT, _LRN = "convolution_param", "pooling_param", "inner_product_param", "lrn_param"
_READ = {"Data": "data_param", "ImageData": "image_data_param", "WindowData": "window_data_param"}
_V0_FIELDS: dict[str, dict[str, tuple[str, str]]] = {
    **{
        old: {"Convolution": (_CONV, new), "InnerProduct": (_PRODUCT, new)}
        for old, new in {
            "num_output": "num_output",
            "biasterm": "bias_term",
            "weight_filler": "weight_filler",
            "bias_filler": "bias_filler",
        }.items()
    },
    **{
        old: {"Convolution": (_CONV, new), "Pooling": (_POOL, new)}
        for old, new in {"pad": "pad", "kernelsize": "kernel_size", "stride": "stride"}.items()
    },
    "group": {"Convolution": (_CONV, "group")},
    "pool": {"Pooling": (_POOL, "pool")},
    "dropout_ratio": {"Dropout": ("dropout_param", "dropout_ratio")},
    **{name: {"LRN": (_LRN, name)} for name in ("local_size", "alpha", "beta", "k")},
    "concat_dim": {"Concat": ("concat_param", "concat_dim")},
    "source": {
        **{kind: (param, "source") for kind, param in _READ.items()},
        "HDF5Data": ("hdf5_data_param", "source"),
        "InfogainLoss": ("infogain_loss_param", "source"),
    },
    "batchsize": {
        **{kind: (param, "batch_size") for kind, param in _READ.items()},
        "HDF5Data": ("hdf5_data_param", "batch_size"),
    },
    "rand_skip": {"Data": ("data_param", "rand_skip"), "ImageData": ("image_data_param", "rand_skip")},
    "shuffle_images": {"ImageData": ("image_data_param", "shuffle")},
    "new_height": {"ImageData": ("image_data_param", "new_height")},
    "new_width": {"ImageData": ("image_data_param", "new_width")},
    **{
        f"det_{name}": {"WindowData": ("window_data_param", name)}
        for name in ("fg_threshold", "bg_threshold", "fg_fraction", "context_pad", "crop_mode")
    },
}
# Whatever the type.
_V0_TRANSFORMS = {"scale": "scale", "meanfile": "mean_file", "cropsize": "crop_size", "mirror": "mirror"}


def upgraded(net: Any, source: str) -> Any:
    """Return a NetParameter of any age as one of 2015, which has no `layers`, `input` or `input_dim`.

    Parameters
    ----------
    net : NetParameter
        As read; not changed.
    source : str
        For messages.

    Raises
    ------
    NetFileError
        Where Caffe would end: a V0 layer of an unknown type, padding before what has no pad, an input without a shape.
    """
    new = caffe_pb2.NetParameter(name=net.name)
    if net.HasField("force_backward"):
        new.force_backward = net.force_backward
    if any(old.HasField("layer") for old in net.layers):
        layers = [_from_v0(old, source) for old in _without_padding(net.layers, source)]
    else:
        if net.HasField("state"):
            new.state.CopyFrom(net.state)
        layers = [_from_v1(old) for old in net.layers] or list(net.layer)
    if net.input and (net.input_shape or net.input_dim):
        _add_input(new, net, source)
    new.layer.extend(layers)
    return new


def ignored_layers(net: Any) -> list[Any]:
    """Return the layers of a NetParameter that Caffe passes over: `layer` beside `layers`."""
    return list(net.layer) if net.layers else []


def _add_input(new: Any, old: Any, source: str) -> None:
    layer = new.layer.add(name="input", type="Input", top=old.input)
    shapes = [list(shape.dim) for shape in old.input_shape] or [
        list(old.input_dim[i : i + 4]) for i in range(0, len(old.input_dim), 4)
    ]
    if len(shapes) < len(old.input):
        raise NetFileError(f"{source}: {len(old.input)} inputs, but {len(shapes)} shapes for them")
    for _, shape in zip(old.input, shapes, strict=False):
        layer.input_param.shape.add(dim=shape)


def _from_v1(old: Any) -> Any:
    """Write one `layers` entry (V1LayerParameter) as a `layer` entry (LayerParameter)."""
    enum = caffe_pb2.V1LayerParameter.LayerType.Name(old.type)
    kind = _V1_TYPES.get(enum, "".join(word.capitalize() for word in enum.split("_")))
    new = caffe_pb2.LayerParameter(name=old.name, bottom=old.bottom, top=old.top, loss_weight=old.loss_weight)
    new.type = kind
    known = caffe_pb2.LayerParameter.DESCRIPTOR.fields_by_name
    for field, value in old.ListFields():
        same = known.get(field.name)
        if same is None or field.message_type is None or same.message_type is not field.message_type:
            continue  # learning rates, and the plain fields set above
        if is_repeated(field):
            getattr(new, field.name).extend(value)
        else:
            getattr(new, field.name).CopyFrom(value)
    _write_params(new, old)
    for index, name in enumerate(old.param):
        _nth(new.param, index).name = name
    for index, mode in enumerate(old.blob_share_mode):
        _nth(new.param, index).share_mode = mode
    if param := _DATA_PARAMS.get(kind):
        _move_transforms(new, getattr(new, param))
    _keep_unknown(new, old)
    return new


def _move_transforms(layer: Any, param: Any) -> None:
    for name in _TRANSFORMS:
        if param.HasField(name):
            _set(layer.transform_param, name, getattr(param, name))
            param.ClearField(name)


def _write_params(new: Any, old: Any) -> None:
    """Write the factors of learning rate and decay."""
    for index, rate in enumerate(old.blobs_lr):
        _nth(new.param, index).lr_mult = rate
    for index, decay in enumerate(old.weight_decay):
        _nth(new.param, index).decay_mult = decay


def _nth(params: Any, index: int) -> Any:
    while len(params) <= index:
        params.add()
    return params[index]


def _keep_unknown(new: Any, old: Any) -> None:
    if (unknown := unknown_in(old)) is not None:
        note(new, unknown)


def _without_padding(connections: Any, source: str) -> list[Any]:
    """Return V0 connections with the pad of padding layers in the layers that read them, which it overwrites."""
    kept = []
    padding: dict[str, Any] = {}  # blob → the padding layer that made it last
    for connection in connections:
        kind = connection.layer.type
        pads = [padding[bottom] for bottom in connection.bottom if bottom in padding]
        if kind != "padding":
            connection, old = caffe_pb2.V1LayerParameter(), connection
            connection.CopyFrom(old)
        if pads and (kind not in ("conv", "pool") or len(connection.bottom) != 1):
            raise NetFileError(
                f"{source}: layer {connection.layer.name!r} ({kind}) reads a padding layer, "
                "which only a conv or a pool layer with one bottom can"
            )
        if pads:
            connection.layer.pad = pads[0].layer.pad
            connection.bottom[0] = pads[0].bottom[0]
        if kind == "padding" and len(connection.bottom) != 1:
            raise NetFileError(
                f"{source}: padding layer {connection.layer.name!r} has {len(connection.bottom)} bottoms, expected 1"
            )
        for top in connection.top:
            padding.pop(top, None)
        if kind == "padding":
            padding.update(dict.fromkeys(connection.top, connection))
        else:
            kept.append(connection)
    return kept


def _from_v0(connection: Any, source: str) -> Any:
    """Write a V0 connection, a `layers` entry with a `layer` in it, as a `layer` entry."""
    old = connection.layer
    kind = _V0_TYPES.get(old.type) or (old.type.capitalize() if old.type in _V0_SAME else None)
    if kind is None:
        raise NetFileError(
            f"{source}: layer {old.name!r} has the type {old.type!r}; known in files of 2013: "
            f"{', '.join(sorted(_V0_SAME | _V0_TYPES.keys()))}"
        )
    new = caffe_pb2.LayerParameter(name=old.name, bottom=connection.bottom, top=connection.top)
    new.type = kind
    new.blobs.extend(old.blobs)
    _write_params(new, old)
    for field, value in old.ListFields():
        if field.name in _V0_TRANSFORMS:
            _set(new.transform_param, _V0_TRANSFORMS[field.name], value)
        elif field.name == "hdf5_output_param" and kind == "HDF5Output":
            new.hdf5_output_param.CopyFrom(value)
        elif place := _V0_FIELDS.get(field.name, {}).get(kind):
            _set(getattr(new, place[0]), place[1], value)
    _keep_unknown(new, connection)
    return new


def _set(param: Any, name: str, value: Any) -> None:
    field = param.DESCRIPTOR.fields_by_name[name]
    if isinstance(value, bytes):  # a string that is no text, such as a path that is not read
        value = value.decode(errors="replace")
    if is_repeated(field):
        getattr(param, name).append(value)
    elif field.message_type:
        getattr(param, name).CopyFrom(value)
    else:
        setattr(param, name, value)
