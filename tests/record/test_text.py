"""Names of any bytes in accounts: JSON that every reader takes, and the same bytes again."""

import json
import os
import subprocess
import sys

import msgspec
import pytest

from pydream.record.command import shell_line
from pydream.record.text import as_path, as_unicode, from_json, number_text, to_bytes, to_json

NAMES = [
    "plain.png",
    "é and 日本.png",
    os.fsdecode(b"\xff.png"),
    os.fsdecode(b"\xc3.\xa9"),  # each for itself is no UTF-8
    os.fsdecode(b"\xed\xb3\xbf"),  # a surrogate, as some programs encode it
    r"\udcff.png",
    "dcff",
    "\n\x1b\u202e'\"\\",
    "$'\\377'",
    "",
]


def test_numbers_are_as_long_as_they_must_be():
    assert [number_text(number) for number in (0.1, 1.0, 1e-7, 1 / 3)] == ["0.1", "1", "1e-07", repr(1 / 3)]


class Named(msgspec.Struct):
    name: str
    more: list[dict[str, str]] = []


@pytest.mark.parametrize("name", [*NAMES, "\0dcff", "\0", "\00000", "\ud800\udcff"])  # layers have such names too
def test_the_same_name_comes_back(name):
    written = to_json(Named(name, [{"of": name}]))
    assert written.isascii()
    assert from_json(written, Named) == Named(name, [{"of": name}])
    other = json.loads(written)["name"]  # to any other reader it is a text that can be written anywhere
    assert other.encode().decode() == other


def test_different_names_stay_different():
    texts = [*NAMES, "\0dcff", "\0", "\00000", "\udcff", "\0" + "0000", "\0" + "0000dcff"]
    assert len({to_json(name) for name in texts}) == len(set(texts))


def test_what_older_versions_wrote_is_read_as_it_was():
    for text in ("sky.png", "a\0b", "\0dc", "\0ABCD", "\0e000", "\\udcff"):
        assert from_json(json.dumps(text), str) == text


@pytest.mark.parametrize("text", ['"\\udcff"', "[" * 100_000, '{"name": 1}', "\udcff", b"\xff"])
def test_what_nobody_wrote(text):
    with pytest.raises((msgspec.DecodeError, RecursionError, UnicodeError)):
        from_json(text, Named)


def test_the_locale_c_leaves_bytes():
    """Python decodes a name as ASCII there, and every other byte becomes a surrogate."""
    assert as_unicode("\udcc3\udca9\udcff.png") == "é\udcff.png"
    assert json.loads(to_json("\udcc3\udca9.png")) == "é.png"


@pytest.mark.parametrize("name", NAMES[:-1])
def test_a_path_of_a_name(name):
    assert os.fsencode(as_path(name)) == os.fsencode(name)


def test_a_path_in_a_locale_without_such_letters(monkeypatch):
    monkeypatch.setattr(os, "fsencode", lambda name: name.encode("ascii", "surrogateescape"))
    monkeypatch.setattr(os, "fsdecode", lambda name: name.decode("ascii", "surrogateescape"))
    assert str(as_path("é\udcff.png")) == "\udcc3\udca9\udcff.png"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell")
def test_a_shell_reads_the_command_as_it_was():
    line = shell_line(["printf", r"%s\0", *NAMES])
    assert line.isprintable()
    seen = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    assert seen.stdout.split(b"\0")[:-1] == list(map(os.fsencode, NAMES))


def test_plain_words_are_quoted_as_before():
    assert shell_line(["a b", "it's", "x", "é"]) == """'a b' 'it'"'"'s' x 'é'"""


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("é", b"\xc3\xa9"),
        ("\udcff", b"\xff"),
        ("\ud800", b"\xed\xa0\x80"),
        ("\ud800\udcff", b"\xed\xa0\x80\xed\xb3\xbf"),
    ],
)
def test_the_bytes_of_a_name(text, content):
    """A lone surrogate that stands for no byte is in no file's name, and has bytes all the same."""
    assert to_bytes(text) == content
