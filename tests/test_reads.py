"""What a run reads is not written over, whoever reads and whoever writes."""

import os

import numpy as np
import pytest

from pydream.errors import OverwriteError
from pydream.files import file_sha256, write_text
from pydream.media import read_image, write_image
from pydream.reads import kept_apart, reads

PIXELS = np.full((4, 5, 3), 7, np.uint8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image("in.png", PIXELS)
    return tmp_path


@pytest.mark.parametrize("read", [read_image, file_sha256])
@pytest.mark.parametrize("write", [lambda path: write_image(path, PIXELS), lambda path: write_text(path, "text")])
@pytest.mark.parametrize("name", ["in.png", "./in.png", "hard.png", "soft.png", "folder/../in.png"])
def test_a_writer_asks_what_was_read(folder, read, write, name):
    """Without a word of the code that reads and writes."""
    (folder / "hard.png").hardlink_to("in.png")
    (folder / "soft.png").symlink_to("in.png")
    (folder / "folder").mkdir()
    before = (folder / "in.png").read_bytes()
    with kept_apart():
        read("in.png")
        with pytest.raises(OverwriteError, match=r"it would overwrite 'in.png', which is read"):
            write(name)
    assert (folder / "in.png").read_bytes() == before
    with kept_apart():
        write(name)  # another run may


def test_a_claim_is_read_under_its_own_name_only(folder):
    """Its earlier state is; through another name it is somebody's input."""
    (folder / "link.png").hardlink_to("in.png")
    with kept_apart():
        reads().claim(folder / "in.png")
        read_image("in.png")
        with pytest.raises(OverwriteError, match=r"in.png' would overwrite 'link.png', which is read"):
            read_image("link.png")
        write_image("in.png", PIXELS)
    with kept_apart():
        reads().claim_folder(folder)
        read_image("in.png")
        write_image("in.png", PIXELS)


def test_what_was_read_before_the_claim_stays(folder):
    with kept_apart():
        read_image("in.png")
        reads().claim_folder(folder)
        read_image("in.png")
        with pytest.raises(OverwriteError):
            write_image("in.png", PIXELS)


def test_nothing_is_written_twice(folder):
    (folder / "link.png").symlink_to("in.png")
    with kept_apart():
        for first, second in (("new.png", "./new.png"), ("in.png", "link.png")):
            reads().claim(folder / first)
            with pytest.raises(OverwriteError, match="would be written twice"):
                reads().claim(folder / second)


def test_a_file_that_is_gone(folder):
    """Its inode may be the next file's, which nobody reads."""
    with kept_apart():
        read_image("in.png")
        os.rename("in.png", "moved.png")  # the same inode under another name, as a new file may have it
        write_image("moved.png", PIXELS)
