"""`pydream classify`: text and JSON of several pictures; before and after a dream, and the figure of that."""

import io
import json
import re
import shlex
import shutil
import sys
from html import escape, unescape

import numpy as np
import pytest
from support import nets

from pydream.dream.labels import find_classes
from pydream.media.image import read_image, read_note, write_image
from pydream.table import percentage

DREAM = ["--dream", "--octaves", "1", "-n", "3", "--seed", "3"]
ROW = re.compile(r" +(<0\.01|\d+\.\d\d)%  (\w.*)")
# The mean colour makes one of 1,000 classes.
COLOURS = (
    nets.inputs(data=(1, 3, 32, 32))
    + nets.layer("mean", "Pooling", "data", "mean", "pooling_param { pool: AVE global_pooling: true }")
    + nets.layer("colours", "Convolution", "mean", "colours", "convolution_param { num_output: 1000 kernel_size: 1 }")
    + nets.layer("prob", "Softmax", "colours", "prob")
)


@pytest.fixture
def quick(folder):
    """Options for a network that takes no time."""
    kernel = np.random.default_rng(1).normal(0, 0.03, (1000, 3, 1, 1))
    (folder / "colours.prototxt").write_text(COLOURS)
    (folder / "colours.caffemodel").write_bytes(nets.weights(colours=[kernel, np.zeros(1000)]).SerializeToString())
    return ["--model", "colours.prototxt", "--runtime", "numpy"]


@pytest.fixture
def grey(folder):
    write_image(folder / "grey.png", np.full((32, 40, 3), 120, np.uint8))
    return folder / "grey.png"


def rows(lines):
    return [ROW.fullmatch(line).groups() for line in lines]


def test_one_picture(run, picture, quick):
    seen = run("classify", picture.name, *quick)
    assert (seen.code, seen.err) == (0, "")
    name, *lines = seen.out.splitlines()
    assert name == "in.png"
    chances = [float(chance) for chance, _ in rows(lines)]
    assert len(chances) == 5
    assert chances == sorted(chances, reverse=True)
    assert all(find_classes(name, 1000) for _, name in rows(lines))
    assert run("classify", picture.name, "--top", "2", *quick).out.splitlines() == [name, *lines[:2]]


def test_two_pictures_stand_side_by_side(run, picture, grey, quick):
    head, *lines = run("classify", picture.name, grey.name, *quick, "--top", "3").out.splitlines()
    assert head.split() == ["in.png", "grey.png", "before"]
    assert len(lines) == 3
    alone = run("classify", grey.name, *quick, "--top", "3").out.splitlines()[1:]
    column = head.index("grey.png")
    assert all(line[column:].startswith(other) for line, other in zip(lines, alone, strict=True))
    assert all(re.search(r"(<0\.01|\d\.\d\d)%$", line) for line in lines)


def test_json_of_a_folder_and_standard_input(run, picture, grey, quick, monkeypatch):
    (picture.parent / "photos").mkdir()
    for file in (picture, grey):
        shutil.copy(file, "photos")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(picture.read_bytes())))
    seen = run("classify", "photos", "-", *quick, "--json", "--top", "3")
    assert seen.code == 0
    found = json.loads(seen.out)
    assert [each["picture"] for each in found] == ["photos/grey.png", "photos/in.png", "-"]
    assert found[1]["classes"] == found[2]["classes"] != found[0]["classes"]
    for each in found:
        assert each.keys() == {"network", "picture", "classes"}
        assert each["network"] == "colours"
        assert [list(one) for one in each["classes"]] == [["number", "name", "probability"]] * 3
        chances = [one["probability"] for one in each["classes"]]
        assert 1 > sum(chances) > 0
        assert chances == sorted(chances, reverse=True)


def test_a_bad_picture_costs_itself_only(run, picture, grey, quick):
    (picture.parent / "bad.png").write_bytes(b"no picture")
    seen = run("classify", "bad.png", picture.name, grey.name, *quick, "--json")
    assert seen.code == 1
    assert [each["picture"] for each in json.loads(seen.out)] == ["in.png", "grey.png"]
    first, last = seen.err.splitlines()
    assert "'bad.png'" in first
    assert last == "pydream: error: 1 of 3 pictures failed"
    one = run("classify", "bad.png", picture.name, *quick)
    assert one.out == run("classify", picture.name, *quick).out


def test_a_dream_of_flamingos_is_taken_for_one(run, picture):
    """With the built-in network."""
    seen = run("classify", picture.name, "--size", "200x200", *DREAM, "-n", "10", "--class", "flamingo", "--json", "-q")
    assert (seen.code, seen.err) == (0, "")
    best = json.loads(seen.out)[0]["dream"]["classes"][0]
    assert (best["number"], best["name"]) == (130, "flamingo")
    assert 1 > best["probability"] > 0.5 > 0.001 > best["before"] > 0


def test_before_and_after(run, picture, quick):
    words = ["--class", "tabby", *DREAM, *quick]
    head, first, *more = run("classify", picture.name, *words).out.splitlines()
    assert re.fullmatch(r"in\.png +its dream +before", head)
    assert len(more) == 4
    (found,) = json.loads(run("classify", picture.name, *words, "--json").out)
    assert found.keys() == {"network", "picture", "classes", "dream"}
    best = found["dream"]["classes"][0]
    assert list(best) == ["number", "name", "probability", "before"]
    assert f"{found['classes'][0]['probability']:.2%}  {found['classes'][0]['name']} " in first
    assert f"{best['probability']:.2%}  {best['name']} " in first
    assert json.loads(run(*shlex.split(found["dream"]["command"])[1:], "--json").out) == [found]
    assert run("dream", picture.name, "-o", "dream.png", *words[:2], *words[3:]).code == 0
    (made,) = json.loads(run("classify", "dream.png", *quick, "--json").out)
    for each in found["dream"]["classes"]:
        del each["before"]
    assert made["classes"] == found["dream"]["classes"]


def test_the_figure_says_how_it_was_made(run, picture, quick):
    words = [*DREAM, "--layer", "colours", "--dpi", "80", "--top", "3", *quick]
    seen = run("classify", picture.name, "-o", "classes.png", *words, "--sidecar")
    assert seen.code == 0
    assert seen.err.endswith("wrote 'classes.png'\n")
    made = json.loads(read_note("classes.png"))
    assert (made["figure"], made["layers"]) == ("classify", [["colours"]])
    assert json.loads((picture.parent / "classes.png.json").read_text()) == made
    assert made["command"].startswith("pydream classify in.png -o classify.png --dream --top 3 --dpi 80.0 ")
    assert run(*shlex.split(made["command"])[1:]).code == 0
    np.testing.assert_array_equal(read_image("classify.png"), read_image("classes.png"))


def test_two_pictures_become_a_figure(run, picture, grey, quick, refused):
    words = ["--dpi", "80", "--top", "3", *quick]
    alone = run("classify", picture.name, grey.name, *words[2:])
    seen = run("classify", picture.name, grey.name, "-o", "both.png", "--sidecar", *words)
    assert (seen.code, seen.out, seen.err) == (0, alone.out, "wrote 'both.png'\n")
    made = json.loads(read_note("both.png"))
    assert json.loads((picture.parent / "both.png.json").read_text()) == made
    assert [each["name"] for each in made["pictures"]] == ["in.png", "grey.png"]
    assert made["command"] == (
        "pydream classify in.png grey.png -o classify.png --top 3 --dpi 80.0 --model colours.prototxt --runtime numpy"
    )
    assert run(*shlex.split(made["command"])[1:]).code == 0
    np.testing.assert_array_equal(read_image("classify.png"), read_image("both.png"))
    assert "it is a figure, not a dream" in refused(1, "replay", "both.png")
    (picture.parent / "bad.png").write_bytes(b"no picture")
    assert run("classify", picture.name, "bad.png", "-o", "none.png", *words).code == 1
    assert not (picture.parent / "none.png").exists()


def test_a_page_says_what_the_network_takes_each_dream_for(run, picture, quick):
    words = ["--layer", "colours", "--layer", "mean", *DREAM[1:], *quick]
    assert run("sweep", picture.name, "-o", "sweep.html", "--pictures", "all", *words).code == 0
    html = (picture.parent / "sweep.html").read_text()
    lists = re.findall(r'<ol class="shares">(.*?)</ol>', html)
    assert len(lists) == 2
    (before,) = json.loads(run("classify", picture.name, *quick, "--json", "--top", "1000").out)
    chances = {each["name"]: each["probability"] for each in before["classes"]}
    found = [re.findall(r"<li>(.*?) <b>(.*?)</b> <small>before (.*?)</small>", each) for each in lists]
    for dream, shares in zip(sorted((picture.parent / "all").iterdir()), reversed(found), strict=True):
        (after,) = json.loads(run("classify", str(dream), *quick, "--json", "--top", "3").out)
        assert [(each["name"], percentage(each["probability"], 1)) for each in after["classes"]] == [
            (unescape(name), part) for name, part, _ in shares
        ]
        assert [old for _, _, old in shares] == [percentage(chances[unescape(name)], 1) for name, _, _ in shares]
    first = before["classes"][0]
    assert f"colours takes in.png for {escape(first['name'])} ({percentage(first['probability'], 1)})" in html
    assert "how probable that was before" in html


def test_noise_is_dreamt_on(run, quick):
    seen = run("classify", "noise:48x40", *DREAM, "--class", "daisy", *quick)
    assert seen.code == 0
    assert seen.out.splitlines()[0].split() == ["noise:48x40", "its", "dream", "before"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["in.png", "--top", "0"], "0 is not in the range"),
        (["nope.png"], "'nope.png' does not exist"),
        (["in.png", "-o", "out.png"], "'--output': it takes --dream, or two pictures"),
        (["in.png", "in.png", "--title", "a"], "'--title': it takes --output"),
        (["in.png", "--class", "cat"], "'--class': it takes --dream"),
        (["in.png", "--preset", "dogs"], "'--preset': it takes --dream"),
        (["noise"], "noise takes --dream"),
        (["-", "-"], "standard input is one picture"),
        (["in.png", "in.png", "--dream"], "'--dream': it is for one picture, and there are 2"),
        (["in.png", "--dream", "-o", "-"], "name a file"),
        (["in.png", "--dream", "-o", "in.png"], "it would overwrite 'in.png', which is read"),
        (["in.png", "--dream", "--title", "a"], "'--title': it takes --output"),
        (["in.png", "--dream", "--sidecar"], "there is no file to put it beside"),
        (["in.png", "-m", "nope"], "no network 'nope'"),
    ],
)
def test_what_cannot_be(refused, picture, arguments, told):
    assert told in refused(2, "classify", *arguments)


@pytest.mark.parametrize("more", [[], ["--dream"]])
def test_a_network_without_classes(refused, picture, own_network, more):
    said = refused(2, "classify", picture.name, *own_network, *more)
    assert said == "pydream: error: own has no classes: it ends in no softmax, sigmoid or fully connected layer\n"
