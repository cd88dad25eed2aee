"""Caffe's networks, under the names that pycaffe had: ``import pydream.caffe as caffe``."""

from . import io
from .classifier import Classifier
from .mode import set_device, set_mode_cpu, set_mode_gpu
from .net import TEST, TRAIN, Net

__all__ = ["TEST", "TRAIN", "Classifier", "Net", "io", "set_device", "set_mode_cpu", "set_mode_gpu"]
