"""Accounts hold the names of files, and not the folders that they are in."""

import pytest

from pydream.record.command import command_of
from pydream.record.names import file_word, model_word, noise_word, quoting_names, source_word, without_folders
from pydream.record.provenance import NetFacts
from pydream.record.recipe import Recipe

NETWORK = NetFacts(
    name="net", weights="w", weights_sha256="0" * 64, definition_sha256="0" * 64, dtype="float32",
    runtime="tensorflow", device="cpu",
)  # fmt: skip


def test_a_command_has_no_folders():
    files = {"model": "/home/me/my net.pb", "weights": "../w.npz", "guide": "~/g.png", "mask": "a/b/m.png"}
    line = command_of("dream", ["sky.png"], Recipe(end="conv/1", seed=7), NETWORK, **files)
    assert line == (
        "pydream dream sky.png --model 'my net.pb' --weights w.npz --layer conv/1 --guide g.png --mask m.png --seed 7"
    )


@pytest.mark.parametrize(
    ("path", "word"),
    [("/home/me/sky.png", "sky.png"), ("sky.png", "sky.png"), ("../a/-o.png", "./-o.png"), ("./-", "./-")],
)
def test_a_file(path, word):
    assert file_word(path) == word


@pytest.mark.parametrize(
    ("path", "word"),
    [("a/noise", "./noise"), ("noise:4x3", "./noise:4x3"), ("noises", "noises"), ("a/sky.png", "sky.png")],
)
def test_a_picture_is_no_noise(path, word):
    assert source_word(path) == word
    assert noise_word((3, 4)) == "noise:4x3"


def test_a_network(tmp_path, monkeypatch):
    """A name of the registry is no file, and a file that is called so is none of its names."""
    assert model_word("squeezenet_v1.1") == "squeezenet_v1.1"
    assert model_word("/home/me/squeezenet_v1.1") == "./squeezenet_v1.1"
    assert model_word("/home/me/saved/") == "saved"
    monkeypatch.chdir(tmp_path)
    assert model_word("./") == tmp_path.name


@pytest.mark.parametrize(
    ("line", "short"),
    [
        ("pydream dream /home/me/sky.png -o dream.png --seed 7", "pydream dream sky.png -o dream.png --seed 7"),
        ("pydream dream '/home/me/my sky.png' -o dream.png", "pydream dream 'my sky.png' -o dream.png"),
        ("pydream dream '/my/it'\"'\"'s/it'\"'\"'s.png' -o a/b.png", "pydream dream 'it'\"'\"'s.png' -o b.png"),
        ("pydream zoom - -o f/rames --layer a/b --guide ~/g.png", "pydream zoom - -o rames --layer a/b --guide g.png"),
        ("pydream sweep a/b --model c/d --model e/f --layer g/*", "pydream sweep b --model d --model f --layer g/*"),
        ("pydream video /a/f.mp4 -o dream.mp4 --from 1:2", "pydream video f.mp4 -o dream.mp4 --from 1:2"),
        ("pydream dream $'/b/a\\'\\377.png' --layer a/b", "pydream dream $'a\\'\\377.png' --layer a/b"),
        ("pydream reproduce --exact", "pydream reproduce --exact"),
        ("", ""),
        ("'/unclosed", "'/unclosed"),
        ("two  /spaces", "two  /spaces"),
    ],
)
def test_an_older_line(line, short):
    assert without_folders(line) == short
    assert without_folders(short) == short


def test_a_message_on_a_sheet(tmp_path):
    """A layer's name looks like a path, and is none."""
    assert quoting_names(f"cannot write '{tmp_path}/a.png': full") == "cannot write 'a.png': full"
    assert quoting_names("'fire8/concat' is too small") == "'fire8/concat' is too small"
