"""pycaffe's names, for code of 2015: ``import pydream.caffe as caffe``.

=========== ================================================================
net         `Net`, constructed from files
classifier  `Classifier`, a `Net` with a mean and a channel order
mode        the device of all nets
io          pictures and messages as arrays
proto       Caffe's messages
transformer pictures → a network's input
resizing    pictures of other sizes
missing     what is not here, and what to use in its place
=========== ================================================================
"""

from . import io, proto
from .classifier import Classifier
from .missing import missing
from .mode import set_device, set_mode_cpu, set_mode_gpu
from .net import TEST, TRAIN, Layer, Net

__all__ = [
    "TEST",
    "TRAIN",
    "Classifier",
    "Layer",
    "Net",
    "io",
    "proto",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
]

_SOLVER = "nothing is trained here; train in Caffe, and dream with its caffemodel"
_SPEC = "write the prototxt as text, or with `pydream.caffe.proto.caffe_pb2.NetParameter`"
_NO_RANDOM = "a network has no random numbers here; a dream's shifts are `numpy.random.seed`'s"

__getattr__ = missing(
    __name__,
    {
        **dict.fromkeys(
            [
                *("SGDSolver", "NesterovSolver", "AdaGradSolver", "RMSPropSolver", "AdaDeltaSolver", "AdamSolver"),
                *("get_solver", "set_solver_count", "set_solver_rank", "set_multiprocess", "NCCL", "Timer"),
                *("solver_count", "solver_rank", "has_nccl"),
            ],
            _SOLVER,
        ),
        **dict.fromkeys(["NetSpec", "layers", "params", "to_proto", "net_spec", "coord_map"], _SPEC),
        "Detector": "crop the windows, and call `Classifier.predict` on them",
        "draw": "`pydream layers` lists a network",
        "set_random_seed": _NO_RANDOM,
        **dict.fromkeys(["init_log", "log"], "there is no log; `--debug` shows TensorFlow's messages"),
        "layer_type_list": "`pydream layers` lists a network; docs/porting.md has the types",
        "AllLayerTypes": "docs/porting.md has the types",
        "pycaffe": "its names are in `pydream.caffe`",
    },
)
