"""Runtimes that installed packages add."""

import subprocess
import sys

import numpy as np
import pytest
from support import nets, plugs

import pydream
from pydream.errors import NetFileError, PluginError
from pydream.runtime.engines import RUNTIMES, named_runtime, runtime_libraries, runtime_names

NORMALISED = nets.inputs(data=(1, 3, 8, 8)) + nets.layer("norm", "LRN", "data", "norm")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that packages are imported from."""
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    yield tmp_path
    for name in sys.modules.keys() - known:
        if name.startswith("plug_"):
            del sys.modules[name]


def test_a_package_adds_a_runtime(folder):
    plugs.install(folder, "plug-one")
    assert runtime_names() == ["auto", *RUNTIMES, "plain"]
    assert "plug_one" not in sys.modules
    net = pydream.load_net("squeezenet_v1.1", dtype="float64", runtime="plain")
    assert net.runtime.name == "plain"
    assert type(net.runtime).__module__ == "plug_one"
    assert runtime_libraries("plain") == ("plug-one", "numpy")
    image = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    dreams = [
        pydream.deepdream(each, image, octave_n=1, iter_n=1, rng=np.random.RandomState(0))
        for each in (net, pydream.load_net("squeezenet_v1.1", dtype="float64", runtime="numpy"))
    ]
    assert np.array_equal(*dreams)
    with pytest.raises(ValueError, match=r"^no runtime 'other'; there are: .*'native', 'plain'$"):
        pydream.load_net("squeezenet_v1.1", runtime="other")


def test_layers_that_it_lacks(folder):
    plugs.install(folder, "plug-two")
    match = (
        r"^network: the runtime 'plain' does not run LRN \(layer 'norm' is one\); "
        "'tensorflow', 'numpy', 'native' would do$"
    )
    with pytest.raises(NetFileError, match=match):
        nets.build(NORMALISED, runtime="plain")
    # A class of one's own likewise, before it is run.
    with pytest.raises(NetFileError, match="does not run LRN"):
        nets.build(NORMALISED, runtime=named_runtime("plain"))


@pytest.mark.parametrize(
    ("source", "entry", "match"),
    [
        (None, "{module}:Runtime", "which cannot be imported: No module named 'plug_bad'"),
        ("import no_such_library", "{module}:Runtime", "which cannot be imported: No module named 'no_such_library'"),
        ("x = (", "{module}:Runtime", "which cannot be imported: '\\(' was never closed"),
        ("", "{module}:Runtime", "which cannot be imported: module 'plug_bad' has no attribute 'Runtime'"),
        ("Runtime = 5", "{module}:Runtime", "but plug_bad:Runtime is not a runtime"),
        ("from pydream.runtime import Runtime", "{module}:Runtime", "but plug_bad:Runtime is not a runtime"),
        ("raise SystemError", "{module}:Runtime", "which cannot be imported: SystemError"),
        ("raise SystemExit(0)", "{module}:Runtime", "which cannot be imported: 0"),
        (
            plugs.RUNTIME.replace('("numpy",)', '"numpy"'),
            "{module}:Runtime",
            "but the libraries of plug_bad:Runtime are",
        ),
        (plugs.RUNTIME + "    runners = None", "{module}:Runtime", "but plug_bad:Runtime has no runners"),
        (plugs.RUNTIME, "!", "which cannot be imported"),
        (
            plugs.RUNTIME.replace('"plain"', '"plane"'),
            "{module}:Runtime",
            "but the name of plug_bad:Runtime is 'plane'",
        ),
    ],
)
def test_a_broken_package(folder, source, entry, match):
    plugs.install(folder, "plug-bad", source, f"plain = {entry}")
    assert "plain" in runtime_names()
    with pytest.raises(PluginError, match=f"^the package 'plug-bad' adds the runtime 'plain', {match}") as error:
        pydream.load_net("squeezenet_v1.1", runtime="plain")
    assert "\n" not in str(error.value)
    pydream.load_net("squeezenet_v1.1", runtime="numpy")


def test_entry_points_that_cannot_be_read(folder):
    plugs.install(folder, "plug-three", entries="plain")
    assert runtime_names() == ["auto", *RUNTIMES]
    with pytest.raises(PluginError, match=r"^the package 'plug-three' adds runtimes, but its entry points cannot be"):
        pydream.load_net("squeezenet_v1.1", runtime="plain")


def test_packages_that_are_of_no_concern(folder):
    """What cannot be read, or was half removed, keeps no other package from being found."""
    for package, broken in (("plug-seven", "plain"), ("plug-eight", ""), ("plug-nine", ""), ("plug-ten", None)):
        plugs.install(folder, package, **({} if broken is None else {"entries": broken}))
    (folder / "plug_eight-1.5.dist-info" / "entry_points.txt").write_bytes(b"[console_scripts]\nm\xfc = a:b\n")
    (folder / "plug_nine-1.5.dist-info" / "entry_points.txt").write_text(
        "[pydream.runtimes]\nplain = plug_nine:Runtime"
    )
    (folder / "plug_nine-1.5.dist-info" / "METADATA").unlink()
    assert runtime_names() == ["auto", *RUNTIMES, "plain"]
    assert named_runtime("plain").__module__ == "plug_ten"


def test_what_its_import_prints_is_no_result(folder, capsys):
    plugs.install(folder, "plug-eleven", "print('welcome')" + plugs.RUNTIME)
    assert named_runtime("plain").name == "plain"
    assert capsys.readouterr() == ("", "welcome\n")


def test_a_name_twice_in_one_package(folder):
    plugs.install(folder, "plug-bad", entries="plain = {module}:Runtime\nplain = {module}:Other")
    with pytest.raises(PluginError, match=r"^the package 'plug-bad' adds the runtime 'plain' 2 times$"):
        pydream.load_net("squeezenet_v1.1", runtime="plain")


def test_two_packages_of_one_name(folder):
    for package in ("plug-four", "plug-five"):
        plugs.install(folder, package)
    with pytest.raises(PluginError, match=r"^the packages 'plug-five' and 'plug-four' all add the runtime 'plain'"):
        pydream.load_net("squeezenet_v1.1", runtime="plain")


def test_no_package_takes_a_built_in_name(folder):
    names = ["auto", *RUNTIMES]
    plugs.install(folder, "plug-six", entries="\n".join(f"{name} = {{module}}:Runtime" for name in names))
    assert runtime_names() == names
    assert {name: named_runtime(name) for name in RUNTIMES} == RUNTIMES
    assert type(nets.build(NORMALISED, runtime="auto").runtime) is RUNTIMES["native"]
    assert "plug_six" not in sys.modules


def test_packages_are_not_looked_for_where_a_name_is_built_in(folder, root):
    """Neither by the help of all commands, nor by a built-in runtime."""
    program = """
import sys
from importlib import metadata
def distributions(*_, **__): raise AssertionError
metadata.distributions = metadata.entry_points = distributions
import pydream
from pydream.cli import main
pydream.load_net("squeezenet_v1.1", runtime="numpy")
sys.argv = ["pydream", "--help"]
main()
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "pydream" in run.stdout
