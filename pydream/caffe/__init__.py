"""pycaffe's names, for code of 2015: ``import pydream.caffe as caffe``.

========== =====================================================
net        `Net`, constructed from files
classifier `Classifier`, a `Net` with a mean and a channel order
mode       the device of all nets
io         Caffe's messages
========== =====================================================
"""

from . import io
from .classifier import Classifier
from .mode import set_device, set_mode_cpu, set_mode_gpu
from .net import TEST, TRAIN, Net

__all__ = ["TEST", "TRAIN", "Classifier", "Net", "io", "set_device", "set_mode_cpu", "set_mode_gpu"]
