"""Live PyTorch modules are known by their class; without PyTorch, which is not imported to find out."""

import subprocess
import sys

import pytest

import pydream
from pydream import zoo
from pydream.errors import NetFileError
from pydream.formats import format_of, pytorch

Module = type("Module", (), {"__module__": "torch.nn.modules.module"})
Stranger = type("Module", (), {"__module__": "haiku"})


class Mine(Module):
    pass


def test_a_module_by_its_class():
    assert format_of(Mine()) is pytorch
    assert pytorch.name_of(Mine()) == "Mine"
    with pytest.raises(TypeError, match="a Keras model or a PyTorch module, not "):
        format_of(Stranger())


def test_what_a_module_has_not():
    with pytest.raises(NetFileError, match=r"Mine: a live PyTorch module has no graph; torch\.onnx\.export"):
        zoo.load.read_graph(Mine())
    with pytest.raises(NetFileError, match=r"in no file; torch\.onnx\.export"):
        pytorch.pack([], pytorch.DEFAULT_SPEC)
    with pytest.raises(ValueError, match=r"a live module has its weights; 'w\.pth' has no use here"):
        pydream.load_net(Mine(), "w.pth")


def test_pytorch_is_not_imported_for_others():
    program = (
        "import sys, pydream; pydream.load_net('squeezenet_v1.1', runtime='numpy'); assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
