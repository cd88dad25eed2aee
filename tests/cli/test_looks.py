"""`pydream looks`: every look on one picture, small, and the command that makes it at the picture's own size."""

import json
import os
import re
import shlex
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from support.interrupting import interrupt_at
from support.markup import Checked, commands

import pydream
from pydream.dream.objectives import l2
from pydream.dream.octaves import AUTO
from pydream.dream.retouch import KeepColors
from pydream.easy import preparation
from pydream.media import Sheet, fitting_columns, read_image, read_note, resized
from pydream.record.presets import PRESETS, Preset

RUN = ["--runtime", "numpy", "--seed", "3", "--long-side", "48"]
BARE = ["--title", "", "--no-caption"]
OWN = "own.prototxt"
LOOKS = (
    Preset("dogs", "faces & fur", {"layer": "twice", "iter_n": 2, "octave_n": AUTO}, network=OWN),
    Preset(
        "2015",
        "of another network",
        {"layer": "lit", "iter_n": 1, "octave_n": 2, "step_size": 3.0},
        network="other.prototxt",
    ),
    Preset(
        "eyes", "eyes", {"layer": ["lit:1", "twice=0.5"], "iter_n": 1, "octave_n": 1, "keep_colors": True}, network=OWN
    ),
    Preset("birds", "of a network that is not here", {"iter_n": 1}, network="bvlc_googlenet"),
)


@pytest.fixture
def looks(folder, draw, monkeypatch):
    """Four looks, of two networks without weights and of one that is not here, and a picture of 72x96."""
    for name in ("own", "other"):
        (folder / f"{name}.prototxt").write_text(
            'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n'
            'layer { name: "twice" type: "Power" bottom: "data" top: "twice" power_param { scale: 2 } }\n'
            'layer { name: "lit" type: "ReLU" bottom: "twice" top: "lit" }\n'
            'layer { name: "none" type: "Power" bottom: "lit" top: "none" power_param { scale: 0 } }\n'
        )
        layer = b"\x0a\x05twice\x12\x05Power"
        (folder / f"{name}.caffemodel").write_bytes(b"\xa2\x06" + bytes([len(layer)]) + layer)
    monkeypatch.setattr("pydream.record.presets.DEFAULT_NETWORK", "own.prototxt")
    with mock.patch.dict(PRESETS, {look.name: look for look in LOOKS}, clear=True):
        yield draw(folder / "in.png", 72, 96)


def test_every_look_is_on_the_sheet_in_order(run, looks):
    seen = run("looks", "in.png", "-o", "looks.png", *RUN, *BARE)
    assert seen.code == 0, seen
    assert "Left out: birds; bvlc_googlenet is not here, and `pydream models fetch bvlc_googlenet` gets it." in seen.err
    assert seen.err.endswith("wrote 'looks.png'\n")
    picture = resized(read_image("in.png"), (36, 48))
    net = pydream.load_net("own.prototxt", runtime="numpy")

    def dream(*args, **params):
        made = pydream.deepdream(net, picture, *args, rng=np.random.RandomState(3), **params)
        return np.uint8(np.clip(made, 0, 255))

    expected = Sheet(fitting_columns(4, (36, 48)))
    expected.add(picture, "in.png", "as it is")
    expected.add(dream(2, 1, end="twice"), "dogs", "--preset dogs")
    expected.add(dream(1, 2, end="lit", step_size=3.0), "2015", "--preset 2015 --model other.prototxt")
    score = l2("lit", 1) + 0.5 * l2("twice")
    expected.add(dream(1, 1, objective=score, retouches=[KeepColors()]), "eyes", "--preset eyes")
    np.testing.assert_array_equal(read_image("looks.png"), expected.draw())
    made = json.loads(read_note("looks.png"))
    assert (made["figure"], list(made["looks"])) == ("looks", ["dogs", "2015", "eyes"])
    assert [made["looks"][name]["octave_n"] for name in ("dogs", "2015", "eyes")] == [1, 2, 1]
    assert made["looks"]["eyes"]["keep_colors"]
    assert made["layers"] == [["twice", str(score)], ["lit"]]
    assert [network["name"] for network in made["networks"]] == ["own", "other"]
    assert (made["input"]["width"], made["dream"]["end"]) == (96, "twice")
    assert run(*shlex.split(made["command"])[1:], *BARE, "--force").code == 0
    np.testing.assert_array_equal(read_image("looks.png"), expected.draw())


def test_a_page_has_the_commands_for_the_picture_at_its_own_size(run, folder, looks):
    (folder / "sub").mkdir()
    looks.rename(folder / "sub" / "a 'b'.png")
    assert run("looks", "sub/a 'b'.png", "-o", "looks.html", *RUN).code == 0
    found = Checked(Path("looks.html").read_text(encoding="utf-8"))
    found.check_that_it_stands_alone()
    assert list(found.record["looks"]) == ["dogs", "2015", "eyes"]
    assert re.findall('<span class="label">([^<]+)</span>', Path("looks.html").read_text()) == [
        *["a &#x27;b&#x27;.png", "dogs", "2015", "eyes"]
    ]
    for text in (
        *[
            "a 'b'.png in 3 looks",
            "96×72 pixels. The looks were made at 48×36 pixels by own and other in float32, seed 3.",
        ],
        *[
            "most looks then take more octaves (--octaves auto)",
            "faces & fur",
            "Left out: birds; bvlc_googlenet is not",
        ],
    ):
        assert text in found.text
    made = commands("looks.html")
    assert [shlex.split(command)[1:] for command in made] == [
        [
            "dream",
            "sub/a 'b'.png",
            "-o",
            f"a 'b'-{name}.png",
            "--preset",
            name,
            *model,
            "--runtime",
            "numpy",
            "--seed",
            "3",
        ]
        for name, model in (("dogs", []), ("2015", ["--model", "other.prototxt"]), ("eyes", []))
    ]
    words = shlex.split(made[0])  # whose octaves follow the picture's size
    assert run(*words[1:], "--model", "own.prototxt").code == 0
    record = json.loads(read_note("a 'b'-dogs.png"))
    assert (record["result"]["width"], record["dream"]["octave_n"], record["dream"]["iter_n"]) == (96, 2, 2)


def test_presets_choose_and_each_network_is_loaded_once(run, looks, monkeypatch):
    loaded = []
    load = preparation.load_net
    monkeypatch.setattr(
        preparation, "load_net", lambda name, *args, **more: loaded.append(name) or load(name, *args, **more)
    )
    assert run("looks", "in.png", "-o", "all.html", *RUN).code == 0
    assert loaded == ["own.prototxt", "other.prototxt"]
    assert run("looks", "in.png", "-o", "one.html", "--preset", "eyes", *RUN).code == 0
    assert len(commands("one.html")) == 1
    assert "--preset eyes" in Checked(Path("one.html").read_text()).record["command"]


def test_pictures_are_kept_and_replayed(run, looks, folder):
    words = ["looks", "in.png", "-o", "looks.html", "--pictures", "all", "--runtime", "numpy", "--long-side", "48"]
    assert run(*words).code == 0  # with a seed of its own, which --resume finds
    assert sorted(os.listdir("all")) == ["2015.png", "dogs.png", "eyes.png"]
    assert run("replay", "all/eyes.png", "--input", "in.png", "-m", "own.prototxt").out.startswith("identical")
    before = Path("looks.html").read_text()
    (folder / "all" / "eyes.png").unlink()
    made = (folder / "all" / "dogs.png").stat().st_mtime_ns
    assert "'all' holds such pictures already: --resume continues with them" in run(*words, "-o", "other.html").err
    assert run(*words, "--resume").code == 0
    assert Path("looks.html").read_text() == before
    assert (folder / "all" / "dogs.png").stat().st_mtime_ns == made
    assert "it continues with what is in --pictures" in run("looks", "in.png", "--resume").err


def test_strength(run, looks):
    words = ["looks", "in.png", "-o", "looks.html", "--preset", "dogs", "--strength", "2.5", *RUN]
    assert run(*words).code == 0
    record = Checked(Path("looks.html").read_text()).record
    assert record["looks"]["dogs"]["iter_n"] == 5
    assert "--preset dogs --strength 2.5 --long-side 48" in record["command"]
    assert "--preset dogs --strength 2.5 --runtime" in commands("looks.html")[0]


def test_no_look_is_here(refused, looks):
    line = refused(1, "looks", "in.png", "-o", "looks.html", "--preset", "birds", *RUN)
    assert line.endswith(
        "Left out: birds; bvlc_googlenet is not here, and `pydream models fetch bvlc_googlenet` gets it.\n"
    )


def test_a_look_that_fails_costs_only_itself(run, looks):
    PRESETS["dogs"] = Preset("dogs", "of nothing", {"layer": "none", "iter_n": 1}, network=OWN)  # the fixture undoes it
    seen = run("looks", "in.png", "-o", "looks.html", *RUN)
    assert seen.code == 1
    assert "error: 1 of 3 looks could not be dreamt with; the sheet tells why" in seen.err
    assert len(commands("looks.html")) == 2
    assert "the gradient of 'none' at the image is zero" in Checked(Path("looks.html").read_text()).text


def test_ctrl_c_keeps_the_looks_that_are_done(run, looks, monkeypatch):
    interrupt_at(monkeypatch, 4)  # after 2 steps of dogs and 1 of eyes, which is of the same network
    seen = run("looks", "in.png", "-o", "looks.html", *RUN)
    assert seen.code == 130
    assert seen.err.endswith("pydream: interrupted; wrote 'looks.html' with 2 of 3 looks\n")
    found = Checked(Path("looks.html").read_text())
    assert list(found.record["looks"]) == ["dogs", "eyes"]
    assert "Interrupted: 1 of 3 looks are not here." in found.text


def test_ctrl_c_before_the_first_look_writes_nothing(run, looks, monkeypatch):
    interrupt_at(monkeypatch, 1)
    seen = run("looks", "in.png", "-o", "looks.html", *RUN)
    assert (seen.code, os.path.exists("looks.html")) == (130, False)


def test_the_page_is_beside_the_picture(run, looks):
    assert run("looks", "in.png", "--preset", "dogs", *RUN).err.endswith("wrote 'in.looks.html'\n")
    assert run("looks", "in.png", "--preset", "eyes", *RUN).err.endswith("wrote 'in.looks.2.html'\n")
    before = Path("in.looks.html").read_text()
    seen = run("looks", "in.png", "-o", "in.looks.html", "--preset", "eyes", *RUN)
    assert (seen.code, Path("in.looks.html").read_text()) == (2, before)
    assert "'in.looks.html' is there already: --force replaces it" in seen.err
    assert run("looks", "in.png", "--force", "--preset", "eyes", *RUN).err.endswith("wrote 'in.looks.html'\n")
    assert Path("in.looks.html").read_text() != before


def test_looks_of_noise_and_of_a_picture_that_is_small_enough(run, looks):
    assert run("looks", "noise:96x64", "-o", "noise.html", "--preset", "dogs", *RUN).code == 0
    found = Checked(Path("noise.html").read_text())
    assert (found.record["looks"]["dogs"]["noise"], len(commands("noise.html"))) == ([32, 48], 1)
    assert "pydream dream noise:96x64 -o noise-dogs.png" in commands("noise.html")[0]
    assert "96×64 pixels. The looks were made at 48×32 pixels" in found.text
    assert run("looks", "in.png", "-o", "in.html", "--preset", "dogs", "--runtime", "numpy").code == 0
    assert "were made at 96×72 pixels" in Checked(Path("in.html").read_text()).text


def test_a_page_is_no_dream(run, refused, looks):
    assert run("looks", "in.png", "-o", "looks.html", "--preset", "dogs", *RUN).code == 0
    line = refused(1, "replay", "looks.html")
    assert "it is a figure, not a dream; `pydream looks in.png -o looks.html --preset dogs" in line
    Path("other.html").write_text("<p>something else</p>")
    assert "'other.html' does not say how it was made" in refused(1, "replay", "other.html")
