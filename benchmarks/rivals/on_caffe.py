"""pycaffe, called as in the 2015 notebook."""

import importlib.util
import os
import tempfile
from pathlib import Path

from pydream import zoo
from pydream.bench.network import Passes

from .task import NotHere


def caffe_itself(subject):
    """Not tried yet with Caffe itself, only with a stand-in (test_scripts.py)."""
    if importlib.util.find_spec("caffe") is None or importlib.util.find_spec("caffe._caffe") is None:
        raise NotHere("pycaffe is not installed")
    if subject.stand_in:
        raise NotHere("it needs a file of weights, and these are random")
    os.environ.setdefault("GLOG_minloglevel", "2")
    import caffe

    found = zoo.find_files(subject.model, subject.weights)
    if found.weights is None:
        raise NotHere("it needs the network as a prototxt")
    text = found.definition.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        definition = Path(folder) / "deploy.prototxt"
        definition.write_text(text if "force_backward" in text else f"force_backward: true\n{text}", encoding="utf-8")
        caffe.set_mode_cpu()
        net = caffe.Net(str(definition), str(found.weights), caffe.TEST)

    def gradient(x):
        src, dst = net.blobs["data"], net.blobs[subject.end]
        src.reshape(*x.shape)
        src.data[...] = x
        net.forward(end=subject.end)
        dst.diff[...] = dst.data
        net.backward(start=subject.end)
        return src.diff

    return Passes("caffe", gradient, False, f"Caffe {getattr(caffe, '__version__', '1.0')}")
