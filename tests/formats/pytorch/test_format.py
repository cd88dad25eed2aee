"""Live PyTorch modules are known by their class; without PyTorch, which is not imported to find out."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

import pydream
from pydream import zoo
from pydream.errors import NetFileError
from pydream.formats import InputSpec, format_of, pytorch

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


def test_what_the_net_of_a_module_is_made_of(monkeypatch):
    """Without PyTorch: what makes the net is not here, only what is asked of it."""
    live = SimpleNamespace(TorchNet=lambda *given: given)
    monkeypatch.setitem(sys.modules, "pydream.formats.pytorch.live", live)
    module = Mine()
    pytorch.find_weights(module, None)
    wanted = pytorch.net(module, None, InputSpec(scale=2.0), dtype="float64", device="cpu")
    spec = InputSpec(scale=2.0).or_else(pytorch.DEFAULT_SPEC)
    assert wanted == (module, spec, "Mine", "float64", "cpu")
    assert pytorch.net(module, None, InputSpec(), "named", runtime="tensorflow")[2] == "named"
    with pytest.raises(ValueError, match="a live PyTorch module runs on PyTorch, not on the runtime 'numpy'"):
        pytorch.net(module, None, InputSpec(), runtime="numpy")
    with pytest.raises(ValueError, match="input 'x': a live PyTorch module has one input, its argument"):
        pytorch.net(module, None, InputSpec(node="x"))


def test_pytorch_is_not_imported_for_others():
    program = (
        "import sys, pydream; pydream.load_net('squeezenet_v1.1', runtime='numpy'); assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
