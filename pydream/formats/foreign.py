"""A foreign file is a row: what it is, how its head is recognised, and the way from it to a network that is read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import NamedTuple

from ..errors import NetFileError
from .head import Head


class Foreign(NamedTuple):
    """A kind of file that is no network here."""

    what: str
    way: str
    test: Callable[[Head], bool]


def _starts(*signatures: bytes) -> Callable[[Head], bool]:
    return lambda head: head.start.startswith(signatures)


def _named(*suffixes: str) -> Callable[[Head], bool]:
    return lambda head: head.name.endswith(suffixes)


def _says(pattern: bytes) -> Callable[[Head], bool]:
    """Test the beginning of a text."""
    found = re.compile(rb"\s*" + pattern, re.IGNORECASE | re.DOTALL)
    return lambda head: found.match(head.text) is not None


def _is(message: str) -> Callable[[Head], bool]:
    return lambda head: head.message == message


def _holds(pattern: str) -> Callable[[Head], bool]:
    """Test the names in a zip file."""
    found = re.compile(pattern)
    return lambda head: any(map(found.search, head.members))


def _first(word: str) -> Callable[[Head], bool]:
    return lambda head: head.word == word


def _is_safetensors(head: Head) -> bool:
    return head.start[8:9] == b"{" and int.from_bytes(head.start[:8], "little") <= head.size - 8


def _is_darknet(head: Head) -> bool:
    return head.name.endswith(".weights") and head.start[:4] in (b"\0\0\0\0", b"\1\0\0\0")


_TORCH = (
    "in Python, build the network, load this into it and pass it to load_net, or write it as ONNX with "
    "torch.onnx.export(module, picture, 'net.onnx', external_data=False)"
)
_TENSORFLOW = "load it in TensorFlow and write it as a SavedModel (tf.saved_model.save), or freeze it to a .pb file"
_ONNX = "the network that it was made from, or an ONNX file of it, can be read"
_KERAS = "in Python, build the model with it and write it whole, as a .keras file: model.save('net.keras')"
_UNPACK = "unpack it, and name the file in it"

_UTF16 = re.compile(rb"\xff\xfe[\x20-\x7e]\0|\xfe\xff\0[\x20-\x7e]")
_SOLVER = frozenset({"net", "train_net", "base_lr", "test_iter", "test_net", "net_param", "solver_mode", "lr_policy"})
_TORCH_SUFFIXES = (".pth", ".pt", ".ckpt", ".bin")

# The first that fits. Their content is enough, and comes before any suffix.
FOREIGN: tuple[Foreign, ...] = (
    Foreign("an empty file", "download or copy it again", lambda head: head.size == 0),
    Foreign(
        "a Git LFS pointer, not the file itself",
        "`git lfs pull` in its repository fetches that",
        _says(rb"version https://git-lfs\.github\.com"),
    ),
    Foreign(
        "a web page",
        "where the file was wanted: download the file itself (at GitHub, the address of 'raw')",
        _says(rb"(?><!--.*?-->\s*)*+(<!doctype html|<html|<head|<body)"),
    ),
    Foreign(
        "a network of OpenVINO (IR)",
        _ONNX,
        _says(rb"(<\?xml[^>]*>\s*)?<net\s"),
    ),
    Foreign(
        "an XML text, perhaps the error message of a download server",
        "look into it, and download the file again",
        _says(rb"<(\?xml|error|[a-z][\w:]*[\s>])"),
    ),
    Foreign("a network of MXNet without its weights", _ONNX, _says(rb'\{\s*"nodes"\s*:')),
    Foreign(
        "a network of TensorFlow.js",
        "tensorflowjs_converter writes it as a Keras model or a SavedModel",
        _says(rb'\{.{0,200}"(modelTopology|format)"\s*:'),
    ),
    Foreign("the configuration of a Keras model, without weights", _KERAS, _says(rb'\{.{0,200}"class_name"\s*:')),
    Foreign("a JSON text", "name the network's own file", _says(rb'(\{\s*("|\})|\[\s*[\[{"\d\]])')),
    Foreign(
        "a network of Darknet",
        "convert it to ONNX, or load it in PyTorch and pass the live module to load_net",
        lambda head: _says(rb"(?>[#;][^\n]*+\s*+)*+\[(net|network|convolutional)\]")(head) or _is_darknet(head),
    ),
    Foreign("a network of ncnn", _ONNX, _says(rb"7767517\s")),
    Foreign(
        "a solver for training",
        "name the prototxt in its 'net', or the deploy.prototxt that goes with it",
        lambda head: head.word in _SOLVER,
    ),
    Foreign(
        "the index of TensorFlow checkpoints, without numbers",
        _TENSORFLOW,
        _first("model_checkpoint_path"),
    ),
    Foreign(
        "the text form of a SavedModel",
        "write it in binary form, as saved_model.pb",
        _first("saved_model_schema_version"),
    ),
    Foreign("the text form of an ONNX network", "write it in binary form, with onnx.save", _first("ir_version")),
    Foreign("text in UTF-16", "write it again as UTF-8", lambda head: _UTF16.match(head.start) is not None),
    Foreign(
        "a TorchScript program, which is code",
        "pass the module that it was made from to load_net, or write that as ONNX with torch.onnx.export",
        _holds(r"/(constants\.pkl|code/)"),
    ),
    Foreign(
        "a program of torch.export",
        "torch.onnx.export(torch.export.load(file), f='net.onnx', external_data=False) writes it as ONNX",
        _holds(r"(^|/)(serialized_exported_program\.json|archive_format|models/model\.json)$"),
    ),
    Foreign(
        "a PyTorch file",
        _TORCH,
        lambda head: head.zipped and (_holds(r"/data\.pkl$")(head) or _named(*_TORCH_SUFFIXES)(head)),
    ),
    Foreign("a PyTorch file of before 2020", _TORCH, _starts(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")),
    Foreign("arrays of NumPy (npz), without a network", "a network's definition is wanted too", _holds(r"\.npy$")),
    Foreign("a zip file that holds a network of Caffe's", _UNPACK, _holds(r"(?i)\.(caffemodel|prototxt)$")),
    Foreign("a zip file that holds a network of TensorFlow's", _UNPACK, _holds(r"(?i)(\.pb|\.h5|\.keras|\.onnx)$")),
    Foreign("a Core ML package", _ONNX, _holds(r"\.mlmodel$")),
    Foreign(
        "an archive or a compressed file",
        "unpack it, and name the network's file in it",
        lambda head: (
            (head.zipped and not head.name.endswith(".keras") and not head.members & {"config.json"})
            or head.start[257:262] == b"ustar"
            or _starts(b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf'\x1c", b"Rar!\x1a\x07", b"\x28\xb5\x2f\xfd")(
                head
            )
        ),
    ),
    Foreign(
        "a network of TensorFlow Lite",
        "the Keras model or SavedModel that it was made from can be read; else `python -m tf2onnx.convert --tflite "
        "FILE --output net.onnx` writes it as ONNX",
        lambda head: head.start[4:8] == b"TFL3",
    ),
    Foreign(
        "tensors of Safetensors, without a network",
        "in Python, build the network, load them into it (safetensors.torch.load_model) and pass it to load_net",
        _is_safetensors,
    ),
    Foreign(
        "the variables of a TensorFlow checkpoint, without a network",
        _TENSORFLOW,
        lambda head: (
            head.end.endswith(b"\x57\xfb\x80\x8b\x24\x75\x47\xdb")
            or re.search(r"\.data-\d{5}-of-\d{5}$", head.name) is not None
        ),
    ),
    Foreign("the graph of a TensorFlow checkpoint, without its variables", _TENSORFLOW, _is("MetaGraphDef")),
    Foreign(
        "the state of a solver, not the weights",
        "those are in the .caffemodel of the same iteration",
        _is("SolverState"),
    ),
    Foreign("a mean picture, not a network", "it goes with one: --mean FILE", _is("BlobProto")),
    Foreign("a network of Core ML", _ONNX, _is("CoreML")),
    Foreign(
        "the graph of a SavedModel under another name",
        "name it saved_model.pb, in a folder with its variables, and name the folder",
        lambda head: head.message == "SavedModel" and head.name != "saved_model.pb",
    ),
    Foreign(
        "a MATLAB file, perhaps of MatConvNet",
        "convert the network to Caffe's files or to ONNX",
        lambda head: head.start.startswith(b"MATLAB ") or (head.hdf5 and head.name.endswith(".mat")),
    ),
    Foreign("an array of NumPy, not a network", "as a mean it goes with one: --mean FILE", _starts(b"\x93NUMPY")),
    Foreign("the weights of MXNet", _ONNX, _starts(b"\x12\x01\0\0\0\0\0\0")),
    Foreign("a network of GGUF, for language", "a network that takes pictures is wanted", _starts(b"GGUF")),
    Foreign(
        "an engine of TensorRT, compiled for one GPU",
        "the ONNX file that it was made from can be read",
        lambda head: _starts(b"ftrt", b"ptrt")(head) or _named(".engine", ".trt")(head),
    ),
    Foreign(
        "a picture",
        "as --model, name a network's file",
        lambda head: (
            _starts(b"\x89PNG\r", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")(head)
            or (head.start[:4] == b"RIFF" and head.start[8:12] == b"WEBP")
        ),
    ),
    Foreign("a PDF document", "name a network's file", _starts(b"%PDF-")),
    Foreign(
        "a Python pickle, which is code and not read",
        _TORCH,
        lambda head: re.match(rb"\x80[\x02-\x05]", head.start) is not None and head.end.endswith(b"."),
    ),
)

# Recognised by the name, or by what the content is not: only where no format has such content or such a suffix.
UNKNOWN: tuple[Foreign, ...] = (
    Foreign("a PyTorch file, by its name", _TORCH, _named(".pth", ".pt", ".t7")),
    Foreign("a network of Core ML, by its name", _ONNX, _named(".mlmodel")),
    Foreign("a TensorFlow checkpoint, by its name", _TENSORFLOW, _named(".ckpt", ".meta")),
    Foreign("numbers beside an ONNX file, by its name", "name the .onnx file", _named(".onnx.data", ".onnx_data")),
    Foreign(
        "a text that is none of a network's",
        "a prototxt begins with 'name:', 'input:' or 'layer {'",
        lambda head: bool(head.text) and not head.word,
    ),
)


def refuse(path: str | os.PathLike[str], head: Head, kinds: tuple[Foreign, ...] = FOREIGN) -> None:
    """Raise `NetFileError` for a file of one of these kinds; it says what the file is, and the way on."""
    for each in kinds:
        if each.test(head):
            raise NetFileError(f"{path}: {each.what}; {each.way}")
