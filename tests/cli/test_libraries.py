"""What libraries say by the way is not on the screen; that a picture is damaged is one line, without -q."""

import logging
import os
import struct
import warnings

import numpy as np
import pytest
from support.pictures import photograph, saved
from support.tiffs import DEFLATE, tiff

from pydream.cli.libraries import quiet_libraries
from pydream.media import read_image
from pydream.runtime.on_tensorflow.door import quiet_stderr

SHORT = ["-n", "1", "--octaves", "1", "--jitter", "0", "--runtime", "numpy"]


@pytest.fixture
def damaged(folder):
    """A PNG whose pixels have a wrong checksum."""
    path = saved(folder, photograph(64, 64), "damaged.png")
    content = path.read_bytes()
    path.write_bytes(content[:-16] + b"\1\2\3\4" + content[-12:])
    return path.name


def test_a_damaged_picture_is_told_once_and_dreamt_on(run, damaged, folder):
    seen = run("dream", damaged, "-o", "dream.png", *SHORT)
    assert seen.code == 0
    told = "pydream: warning: 'damaged.png' is damaged: the checksum of its pixels is wrong or missing"
    assert seen.err.splitlines().count(told) == 1
    assert read_image(folder / "dream.png").shape == (64, 64, 3)
    assert run("dream", damaged, "-o", "quiet.png", "-q", *SHORT) == (0, "", "")
    assert (folder / "quiet.png").exists()


def test_libtiff_is_not_heard(run, folder):
    tags = [(65000, 3, [1]), (65001, 2, b"text\0")]  # libtiff warns of unknown ones
    (folder / "in.tif").write_bytes(tiff(np.asarray(photograph(64, 64)), 2, compression=DEFLATE, tags=tags))
    assert run("dream", "in.tif", "-o", "dream.png", "-q", *SHORT) == (0, "", "")


def test_pillows_log_is_not_heard_unless_debugging(run, refused, folder, caplog):
    content = tiff(np.zeros((8, 8, 1), np.uint8), 1)
    entry = struct.pack("<HHII", 277, 3, 1, 1)
    assert content.count(entry) == 1
    (folder / "in.tif").write_bytes(content.replace(entry, struct.pack("<HHII", 277, 3, 1, 5000)))
    refused(1, "dream", "in.tif", "-o", "dream.png", *SHORT)
    assert not caplog.records  # where there is no handler, Python prints them
    for arguments in (["--debug", "dream"], ["dream", "--debug"]):
        assert run(*arguments, "in.tif", "-o", "dream.png", *SHORT).code == 1
        assert "More samples per pixel" in caplog.text
        caplog.clear()


def speak():
    warnings.warn("a library's", RuntimeWarning, stacklevel=2)
    logging.getLogger("library").error("a library's")
    np.array([1.0]) / np.array([0.0])


def test_libraries_are_quiet_for_a_command(capfd, caplog):
    with quiet_libraries(debug=False):
        speak()
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    with quiet_libraries(debug=True), warnings.catch_warnings():
        warnings.simplefilter("always")
        speak()
    assert "RuntimeWarning: divide by zero" in capfd.readouterr().err
    with pytest.warns(RuntimeWarning):
        speak()
    assert logging.getLogger("library").isEnabledFor(logging.ERROR)


@pytest.mark.parametrize(("level", "shown"), [("3", ""), ("2", "a library's\n")])
def test_a_failure_shows_what_native_code_wrote_where_it_may(capfd, monkeypatch, level, shown):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)
    with pytest.raises(ZeroDivisionError), quiet_stderr():
        0 / os.write(2, b"a library's\n") / 0
    assert capfd.readouterr() == ("", shown)
