"""An order is checked, name by name, before a network is loaded: one line that says what would work."""

import subprocess
import sys

import msgspec
import pytest
from PIL import Image

from pydream.errors import PydreamError
from pydream.studio.checking import check
from pydream.studio.orders import Order

ID = "0" * 64


def order(kind="dream", **fields):
    return msgspec.convert({"kind": kind, **fields}, Order)


def axis(parameter, *values):
    return {"parameter": parameter, "values": values}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"layer": ["fire2/concat:3-7=0.5", "conv1"], "objective": "mean"},
        {"classes": ["flamingo", "dogs=2"]},
        {"preset": "dogs", "strength": 2},
        {"guide": ID, "layer": ["fire4/concat"]},
        {"mask": ID},
        {"recipe": {"octave_n": "auto", "seed": 3, "noise": [64, 96]}},
        {"recipe": {"end": "fire8/concat", "iter_n": 3}},
        {"kind": "zoom", "scale": 0.1, "shift": [1, -2]},
        {"kind": "zoom", "scale": {"keyframes": [[0, 0.1], [9, 0.2]]}, "ease": "smooth"},
        {"kind": "zoom", "layer": ["conv1=0:1,9:0", "fire2/concat"], "octave_n": {"keyframes": [[0, 1], [9, 3]]}},
        {"kind": "zoom", "blend": {"keyframes": [[0, 1], [9, 0]]}, "recipe": {"blend": 0.5}, "hold": "both"},
        {"kind": "sweep"},
        {"kind": "sweep", "rows": axis("iter_n", 1, 2), "columns": axis("preset", "dogs", "eyes")},
        {"kind": "sweep", "rows": axis("layer", "conv1", "fire2/concat"), "columns": axis("strength", 0.5, 2)},
    ],
)
def test_what_can_be(fields):
    check(order(**fields), (64, 96))


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"layer": ["fire2/concatx"]}, "no blob 'fire2/concatx'; close: 'fire2/concat'"),
        ({"layer": ["fire2/concat:128"]}, "no channel 128 in 'fire2/concat', which has 128"),
        ({"layer": ["data"]}, "data"),
        ({"recipe": {"end": "nowhere"}}, "no blob 'nowhere'"),
        ({"classes": ["flamingoes of the sea"]}, "no class"),
        ({"preset": "dogz"}, "no preset 'dogz'; close: 'dogs'"),
        ({"network": {"name": "../../etc/passwd"}}, "no network '../../etc/passwd'"),
        ({"recipe": {"iterations": 3}}, "'iterations'"),
        ({"recipe": {"iter_n": "many"}}, "iter_n: 'many'"),
        ({"recipe": {"blend": "auto"}}, "blend: 'auto': Expected `float`"),  # a number of octaves alone may be that
        ({"recipe": {"iter_n": "auto"}}, "iter_n: 'auto': Expected `int`"),
        ({"recipe": {"size": "auto"}}, "size: 'auto': "),
        ({"recipe": {"objective": "auto"}}, "objective: 'auto': Expected `array`"),
        ({"recipe": {"end": 0}}, "end: 0: Expected `str`"),
        ({"recipe": {"objective": 0}}, "objective: 0: Expected `array`"),
        ({"recipe": {"octave_n": -1}}, "octave_n: -1, expected"),
        ({"recipe": {"iter_n": 0}}, "iter_n: 0, expected at least 1"),
        ({"recipe": {"jitter": 10**30}}, "jitter: "),
        ({"recipe": {"blend": 7}}, "blend: 7.0, expected a number from 0"),
        ({"recipe": {"loop": {"frame": 1, "scale": 0, "rotate": 0, "shift": [0, 0]}}}, "'loop'"),
        ({"strength": 100}, "strength: 100.0, expected 0.25 to 4.0"),
        ({"long_side": 90_000}, "is more than 89478485 pixels"),
        ({"recipe": {"size": [90_000, 1000]}}, "is more than 89478485 pixels"),
        ({"recipe": {"noise": [10**9, 10**9]}}, "more than 89478485 pixels"),
        ({"guide": ID, "classes": ["dog"]}, "a guide goes with layers"),
        ({"guide": ID, "layer": ["conv1:3"]}, "a guide takes up whole layers"),
        ({"recipe": {"also": ["/etc/passwd:a"]}}, "no network '/etc/passwd'"),
        ({"recipe": {"also": ["squeezenet_v1.1:conv2"]}}, "squeezenet_v1.1: no blob 'conv2'"),
        ({"mask": ID, "recipe": {"clip": False}}, "mask: it keeps pixels as they are"),
        ({"kind": "zoom", "scale": 1}, "scale: 1.0, expected a number above -1"),
        ({"kind": "zoom", "scale": {"keyframes": [[0, 0.1], [9, 2]]}}, "scale: 2.0, expected a number above -1"),
        ({"kind": "zoom", "octave_n": {"keyframes": [[0, 0]]}}, "octave_n: 0, expected at least 1"),
        ({"kind": "zoom", "blend": {"keyframes": [[0, 2]]}}, "blend: 2.0, expected a number, 0..1"),
        ({"kind": "zoom", "mask": ID, "hold": "both"}, "mask: it keeps pixels as they are, and --hold changes them"),
        ({"layer": ["conv1=0:1,9:0"]}, "a weight with keyframes, expected a number: it takes a zoom loop"),
        ({"kind": "sweep", "rows": axis("end", "conv1")}, "no parameter 'end' for a sheet; there are layer, preset,"),
        ({"kind": "sweep", "rows": axis("iter_n", "conv1")}, "iter_n: 'conv1' is no number"),
        ({"kind": "sweep", "rows": axis("layer", 3)}, "layer: 3.0 is no name"),
        ({"kind": "sweep", "rows": axis("iter_n", 1, 2.5)}, "iter_n: 2.5"),
        ({"kind": "sweep", "rows": axis("layer", "conv1"), "columns": axis("layer", "conv1")}, "both layer"),
        ({"kind": "sweep", "rows": axis("layer", "conv1", "conv2")}, "no blob 'conv2'"),
        ({"rows": axis("layer", "conv1")}, "rows and columns are of a sheet"),
    ],
)
def test_what_cannot_be(fields, line):
    with pytest.raises(PydreamError) as error:
        check(order(**fields), None if "noise" in fields.get("recipe", {}) else (64, 96))
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_weights_that_are_not_here(monkeypatch):
    monkeypatch.setattr("pydream.zoo.registry.find_weights", lambda _: None)
    with pytest.raises(PydreamError, match="are not here; `pydream models fetch bvlc_googlenet` gets"):
        check(order(network={"name": "bvlc_googlenet"}), None)


def test_more_pixels_where_the_command_says_so(monkeypatch):
    large = order(picture=ID, long_side=20_000)
    with pytest.raises(PydreamError, match="pixels"):
        check(large, (64, 96))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10**9)
    check(large, (64, 96))


def test_it_needs_no_tensorflow():
    program = (
        "import sys\nfrom pydream.studio.checking import check\nfrom pydream.studio.orders import Order\n"
        "check(Order(kind='dream', classes=('dog',)), (64, 96))\nprint('tensorflow' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"
    )
