"""A figure as an HTML page: its pictures, the commands that make them, and its record."""

import json
import os
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from support.interrupting import interrupt_at
from support.markup import Checked, commands, shown

from pydream.cli.figures import word_from_here
from pydream.cli.input import Source
from pydream.media import read_image

LAYERS = ["twice", "lit"]
QUICK = ["--runtime", "numpy", "--octaves", "1", "-n", "2", "--seed", "3"]


@pytest.fixture
def network(folder):
    """Two layers without weights; options that choose the network."""
    (folder / "own.prototxt").write_text(
        'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n'
        'layer { name: "twice" type: "Power" bottom: "data" top: "twice" power_param { scale: 2 } }\n'
        'layer { name: "lit" type: "ReLU" bottom: "twice" top: "lit" }\n'
    )
    layer = b"\x0a\x05twice\x12\x05Power"
    (folder / "own.caffemodel").write_bytes(b"\xa2\x06" + bytes([len(layer)]) + layer)
    return ["-m", "own.prototxt"]


def page(path):
    found = Checked(Path(path).read_text(encoding="utf-8"))
    found.check_that_it_stands_alone()
    return found


def test_sweep_makes_a_page(run, folder, draw, network):
    """Of a picture in another folder with a name for which shells and browsers have other uses."""
    name = "a <b>'s $HOME.png"
    (folder / "sub").mkdir()
    draw(folder / "sub" / name, 20, 30)
    seen = run("sweep", f"sub/{name}", "-o", "sweep.html", "--pictures", "all", "--sidecar", *network, *QUICK)
    assert (seen.code, seen.err.splitlines()[-1]) == (0, "wrote 'sweep.html'")
    found = page("sweep.html")
    assert found.record["figure"] == "sweep"
    assert found.record["layers"] == [LAYERS]
    assert found.record["input"]["name"] == name
    assert json.loads(Path("sweep.html.json").read_text()) == found.record
    assert f"{name} through own" in found.text
    assert f"{name}, 30×20 pixels. 2 iterations" in found.text
    made = [read_image(path) for path in sorted((folder / "all").glob("*.png"))]
    for image, pixels in zip(found.all("img"), made, strict=False):  # and the dialog's
        assert np.abs(np.int32(shown(image)) - pixels).mean() < 8
    for layer, command, pixels in zip(LAYERS, commands("sweep.html"), made, strict=True):
        words = shlex.split(command)
        output = f"{Path(name).stem}-{layer}.png"
        assert words[:5] == ["pydream", "dream", f"sub/{name}", "-o", output]
        assert run(*words[1:]).code == 0
        np.testing.assert_array_equal(read_image(output), pixels)


def test_the_record_makes_the_page_again(run, folder, draw, network):
    draw(folder / "in.png", 20, 30)
    assert run("sweep", "in.png", "-o", "a.html", "--no-caption", "--title", "T", *network, *QUICK).code == 0
    record = page("a.html").record
    assert run(*shlex.split(record["command"])[1:]).code == 0
    assert Path("sweep.html").read_text() == Path("a.html").read_text()
    assert "<h1>T</h1>" in Path("a.html").read_text()
    assert "30×20" not in page("a.html").text


@pytest.mark.parametrize("option", [["--width", "90"], ["--dpi", "300"], ["--theme", "dark"], ["--columns", "2"]])
def test_a_page_has_no_paper(refused, folder, draw, network, option):
    draw(folder / "in.png", 20, 30)
    line = refused(2, "sweep", "in.png", "-o", "a.html", *option, *network)
    assert f"'{option[0]}': it is for a sheet; a page is as wide as its window" in line


def test_where_a_page_cannot_be_written(refused, folder, draw, network):
    draw(folder / "in.png", 20, 30)
    assert "there is no folder 'none'" in refused(2, "sweep", "in.png", "-o", "none/a.html", *network)
    assert "expected .png, .jpg, .jpeg, .webp, .tif, .tiff, .html" in refused(2, "sweep", "in.png", "-o", "a.gif")


def test_several_networks_are_sections(run, folder, draw, network):
    draw(folder / "in.png", 20, 30)
    for suffix in ("prototxt", "caffemodel"):
        (folder / f"other.{suffix}").write_bytes((folder / f"own.{suffix}").read_bytes())
    assert run("sweep", "in.png", "-o", "a.html", *network, "-m", "other.prototxt", *QUICK).code == 0
    text = Path("a.html").read_text()
    assert re.findall("<h2>(.*?)</h2>", text) == ["own.prototxt", "other.prototxt"]
    assert [shlex.split(each)[6] for each in commands("a.html")] == ["own.prototxt"] * 2 + ["other.prototxt"] * 2


def test_a_layer_that_fails_has_a_reason_and_no_command(run, folder, draw, network):
    (folder / "own.prototxt").write_text(
        (folder / "own.prototxt").read_text()
        + 'layer { name: "none" type: "Power" bottom: "lit" top: "none" power_param { scale: 0 } }\n'
    )
    draw(folder / "in.png", 20, 30)
    assert run("sweep", "in.png", "-o", "a.html", *network, *QUICK).code == 1
    assert "the gradient of 'none' at the image is zero" in page("a.html").text
    assert len(commands("a.html")) == 2


def test_a_page_is_resumed_and_no_other_is_replaced(run, folder, draw, network):
    draw(folder / "in.png", 20, 30)
    words = ["sweep", "in.png", "-o", "a.html", "--pictures", "all", *network, *QUICK]
    assert run(*words).code == 0
    before = Path("a.html").read_text()
    assert run(*words).code == 2
    assert run(*words, "--resume").code == 0
    assert Path("a.html").read_text() == before
    Path("a.html").write_text("<p>something else</p>")
    assert "it does not say that it was made here" in run(*words, "--resume").err


def test_ctrl_c_keeps_a_page(run, folder, draw, network, monkeypatch):
    draw(folder / "in.png", 20, 30)
    interrupt_at(monkeypatch, 3)
    seen = run("sweep", "in.png", "-o", "a.html", *network, *QUICK)
    assert seen.code == 130
    assert seen.err.endswith("pydream: interrupted; wrote 'a.html' with 1 of 2 layers\n")
    assert "Interrupted: 1 of 2 layers are not here." in page("a.html").text
    assert len(commands("a.html")) == 1


def test_a_command_finds_the_picture_from_here(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder / "home" / "anna"))
    here = folder / "home" / "anna" / "work"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    for given, word in {
        "a.jpg": "a.jpg",
        "-a.jpg": "./-a.jpg",
        "noise": "./noise",
        "b/a.jpg": "b/a.jpg",
        "./b/../a.jpg": "a.jpg",
        "-b/a.jpg": "./-b/a.jpg",
        str(folder / "home" / "anna" / "pictures" / "a.jpg"): "../pictures/a.jpg",
        "-": "-",
    }.items():
        assert word_from_here(Source(given)) == word, given
    assert word_from_here(Source("noise", (3, 4))) == "noise:4x3"
    os.chdir(folder)
    assert word_from_here(Source("home/anna/a.jpg")) == "a.jpg"  # a page may be passed on: no name of a home
