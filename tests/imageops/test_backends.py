"""The choice of a backend, what it imports, and that both have the same interface."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pydream import imageops

FUNCTIONS = [
    *("affine_transform", "affine_transform_adjoint", "ascend", "ascend_tensor"),
    *("clip", "mean_abs", "roll", "to_tensor", "zoom"),
]


def run(code):
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)


def public_functions(module):
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def test_names():
    assert imageops.backend("native").__name__ == "pydream.imageops.native_ops"
    assert imageops.backend("numpy").__name__ == "pydream.imageops.numpy_ops"


@pytest.mark.parametrize("name", ["cuda", "", "Native", None])
def test_unknown_name_lists_the_known(name):
    with pytest.raises(ValueError, match=rf"^{name!r} is not a backend \(expected 'native' or 'numpy'\)$"):
        imageops.backend(name)


def test_both_have_the_same_functions():
    native, numpy = (public_functions(imageops.backend(name)) for name in ("native", "numpy"))
    assert sorted(native) == sorted(numpy) == FUNCTIONS
    for name in FUNCTIONS:
        assert inspect.signature(native[name]) == inspect.signature(numpy[name])
        assert native[name].__doc__ == f"As `numpy_ops.{name}`."
        assert len(numpy[name].__doc__.splitlines()) > 5


def test_compiled_functions_are_in_the_stub():
    from pydream.imageops import _native

    stub = ast.parse((Path(imageops.__file__).parent / "_native.pyi").read_text())
    stubbed = {node.name: node for node in stub.body if isinstance(node, ast.FunctionDef)}
    compiled = {name for name in dir(_native) if not name.startswith("_")}
    assert set(stubbed) == compiled
    for name, node in stubbed.items():
        names = [argument.arg for argument in node.args.args]
        overloads = re.findall(rf"^\d\. {name}\(.*$", getattr(_native, name).__doc__, re.MULTILINE)
        assert len(overloads) == 2  # float32 and float64
        for overload in overloads:
            assert re.findall(r"(\w+): ", overload) == names


def test_imports_are_light():
    done = run("""
        import sys
        from pydream import imageops
        assert "pydream.imageops.native_ops" not in sys.modules
        imageops.backend("native")
        print(sorted(name for name in ("scipy", "tensorflow") if name in sys.modules))
    """)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_a_missing_build_is_loud():
    done = run("""
        import sys
        sys.modules["pydream.imageops._native"] = None
        from pydream.imageops import backend
        backend("numpy")
        try:
            backend("native")
        except ImportError as error:
            print(error)
    """)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert "the compiled image core cannot be loaded" in done.stdout
    assert "pip install -e ." in done.stdout
    assert "'numpy'" in done.stdout
