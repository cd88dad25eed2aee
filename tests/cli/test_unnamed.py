"""Without --output a result is beside its input, under a name of its own; several pictures never go into 'x.png'."""

import os
from pathlib import Path

import pytest


def dreamt(run, *arguments):
    seen = run(*arguments)
    assert seen.code == 0, seen
    return [line for line in seen.err.splitlines() if line.startswith("wrote ")]


def test_a_picture(run, quick, picture, folder, draw):
    """Its dream is a PNG beside it, the next one has a number, and the last line says which."""
    (folder / "sub").mkdir()
    draw(folder / "sub" / "a portrait.jpg", 24, 32)
    for name in ("a portrait.dream.png", "a portrait.dream.2.png", "a portrait.dream.3.png"):
        assert dreamt(run, "dream", "sub/a portrait.jpg", *quick) == [f"wrote 'sub/{name}'"]
    assert len(os.listdir("sub")) == 4
    assert dreamt(run, "dream", "sub/a portrait.jpg", *quick, "-f") == ["wrote 'sub/a portrait.dream.png'"]
    assert dreamt(run, "dream", "in.png", *quick, "--format", "webp") == ["wrote 'in.dream.webp'"]
    assert dreamt(run, "dream", "noise:32x24", *quick, "--mean", "0") == ["wrote 'noise.dream.png'"]


@pytest.mark.parametrize("command", ["visualize", "octaves", "history", "sweep", "channels"])
def test_of_other_commands(run, own_network, picture, command):
    short = {"visualize": ["-r", "naive", "-n", "1"], "channels": ["-r", "naive", "-n", "1"]}
    words = [command, "in.png", *own_network, "-l", "light", "--runtime", "numpy"]
    words += short.get(command, ["--octaves", "1", "-n", "1"])
    assert dreamt(run, *words) == [f"wrote 'in.{command}.png'"]
    assert dreamt(run, *words) == [f"wrote 'in.{command}.2.png'"]
    assert not list(Path().glob("*.tiles"))


def test_a_film(run, quick, picture, draw):
    """What was stopped is resumed under its own name."""
    draw(Path("in.png"), 24, 32)
    for name in ("in.zoom.mp4", "in.zoom.2.mp4"):
        assert dreamt(run, "zoom", "in.png", *quick, "--frames", "2")[-1] == f"wrote '{name}'"
    seen = run("zoom", "in.png", *quick, "--frames", "2", "--resume")
    assert "'in.zoom.2.mp4' is complete" in seen.err
    Path("in.zoom.3.mp4.frames").mkdir()
    seen = run("zoom", "in.png", *quick, "--frames", "2", "--resume")
    assert seen.err.splitlines()[-1] == "wrote 'in.zoom.3.mp4'"


def test_a_page_that_is_there(run, own_network, picture):
    """--resume replaces one that was made here, and no other."""
    words = ["sweep", "in.png", "-o", "sweep.html", "--pictures", "all", *own_network, "-l", "light"]
    words += ["--runtime", "numpy", "--octaves", "1", "-n", "1"]
    assert run(*words).code == 0
    assert "'sweep.html' is there already: --force replaces it" in run(*words).err
    assert run(*words, "--resume").code == 0
    Path("sweep.html").write_text("<!DOCTYPE html>")
    assert run(*words, "--resume").code == 2
    assert Path("sweep.html").read_text() == "<!DOCTYPE html>"


def test_history_and_its_film(run, quick, picture):
    assert dreamt(run, "history", "in.png", *quick, "--gif") == ["wrote 'in.history.png'", "wrote 'in.history.gif'"]


def test_several_pictures(run, quick, picture, folder, draw):
    """Each is beside its own, and finished ones are not made again."""
    (folder / "sub").mkdir()
    draw(folder / "sub" / "b.png", 24, 32)
    draw(folder / "in.jpg", 24, 32)
    words = ["dream", "in.png", "sub/b.png", "in.jpg", *quick, "--seed", "1"]
    seen = run(*words)
    title = "own light on CPU:0, float32, seed 1"
    assert (seen.code, seen.err.splitlines()) == (0, [
        f"{title}, 1 of 3", "wrote 'in.dream.png' (1 of 3)",
        f"{title}, 2 of 3", "wrote 'sub/b.dream.png' (2 of 3)",
        f"{title}, 3 of 3", "wrote 'in.dream.2.png' (3 of 3)",
    ])  # fmt: skip
    Path("sub/b.dream.png").unlink()
    seen = run(*words)
    assert "2 of 3 are there already; --force replaces them" in seen.err
    assert seen.err.splitlines()[-1] == "wrote 'sub/b.dream.png' (1 of 1)"
    assert len(dreamt(run, *words, "--force")) == 3


def test_a_folder(run, quick, picture, folder, draw):
    """Its dreams are in a folder beside it, also those of one picture."""
    (folder / "photos").mkdir()
    draw(folder / "photos" / "b.jpg", 24, 32)
    assert dreamt(run, "dream", "photos", *quick) == ["wrote 'photos.dream/b.png' (1 of 1)"]
    assert "1 of 1 are in 'photos.dream' already" in run("dream", "photos/", *quick).err
    os.chdir("photos")
    assert "1 of 1 are in" in run("dream", ".", *(word.replace("own.", "../own.") for word in quick)).err
    os.chdir("..")
    seen = run("dream", "photos", "in.png", *quick)
    assert (seen.code, "there are folders and others" in seen.err) == (2, True), seen


@pytest.mark.parametrize("name", ["x.png", "x.HEIC", "x.gif", "new/x.mp4"])
@pytest.mark.parametrize("inputs", [["in.png", "in.png"], ["photos"]])
def test_several_pictures_are_no_picture(refused, picture, folder, draw, name, inputs):
    (folder / "photos").mkdir()
    draw(folder / "photos" / "b.png", 24, 32)
    said = refused(2, "dream", *inputs, "-o", name)
    assert f"these go into a folder, and '{name}' names a file; '{name}/' names a folder" in said


@pytest.mark.parametrize(
    "words",
    [
        ["reproduce", "in.png", "--model", "squeezenet_v1.1", "-o", "x.png"],
        ["vectors", "-o", "x.json"],
        ["sweep", "in.png", "--pictures", "x.png"],
        ["channels", "--pictures", "x.png"],
    ],
)
def test_nor_is_another_folder(refused, picture, words):
    assert f"these go into a folder, and '{words[-1]}' names a file" in refused(2, *words)


def test_a_folder_may_be_called_so(run, quick, picture, folder):
    """Where it is there, or a slash says so; and a version is no suffix."""
    for name in ("x.png/", "x.png", "v1.2"):
        assert len(dreamt(run, "dream", "in.png", "noise:32x24", "-o", name, *quick, "-f", "--mean", "0")) == 2
    assert sorted(os.listdir("x.png")) == sorted(os.listdir("v1.2")) == ["in.png", "noise.png"]
