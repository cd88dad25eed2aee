"""Freezing uses what TensorFlow and Keras keep to themselves; what an upgrade moves or removes is named here."""

import re

import pytest

from pydream.formats import keras
from pydream.runtime.on_tensorflow.door import part

NAMES = re.findall(r"^- ``([\w.]+)``", keras.__doc__, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_there(name):
    module, _, attribute = name.rpartition(".")
    assert callable(getattr(part(module), attribute)), f"{name} has moved: pydream.formats.keras freezes with it"


def test_none_is_missing_from_the_list(root):
    folder = root / "pydream" / "formats" / "keras"
    used = {
        name
        for path in folder.glob("*.py")
        for name in re.findall(r'part\("((?:tensorflow|keras\.src)\.[\w.]+)"\)', path.read_text(encoding="utf-8"))
    }
    assert used == {name.rpartition(".")[0] for name in NAMES}


def test_a_layers_call_can_be_replaced():
    """As a trace does, to see each layer's output."""
    layer = part("keras").layers.Layer
    base = next(kind for kind in layer.__mro__ if kind.__name__ == "Layer")
    assert "__call__" in vars(base)


def test_marks_of_functions_that_are_not_inlined():
    from pydream.formats.keras import inline

    assert all(f"``{mark}``" in keras.__doc__ for mark in inline._NOT_INLINED)
