"""Names that Windows gives to something else are refused there; those that pydream makes are files everywhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pydream import files, locks
from pydream.cli import main
from pydream.errors import BusyError, OverwriteError
from pydream.host import names
from pydream.reads import Reads

FAULTS = {
    "it is the name of a device": ["CON", "nul", "Com1.png", "aux.tar.gz", "LPT9", "com¹.txt", "CONIN$", "nul .png"],
    "a name cannot end in a dot or a space": ["dream.", "dream ", "dream.png. ", "..."],
    "a name has at most 255 characters": ["d" * 256, "🐕" * 128],
    **{f"a name cannot have {letter!r} in it": [f"a{letter}b.png"] for letter in '<>:"|?*\n'},
}


@pytest.mark.parametrize(("fault", "name"), [(fault, name) for fault, found in FAULTS.items() for name in found])
def test_names_that_windows_refuses(tmp_path, monkeypatch, fault, name):
    assert names.fault(name) == fault
    path = tmp_path / name
    names.check(path)  # here they are names
    monkeypatch.setattr(names, "_STRICT", True)
    for write in (files.check_place, lambda path: files.write_text(path, "text"), files.make_folder):
        with pytest.raises(OSError, match="on this system") as error:
            write(path)
        assert files.reason(error.value) == f"{fault} on this system"
    with pytest.raises(OSError, match="on this system"), files.written_folder(path):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["dream.png", ".dream", "a.b.c", "console.png", "COM10", "träume", "d" * 255, "a b"])
def test_names_of_files(tmp_path, monkeypatch, name):
    assert names.fault(name) is None
    monkeypatch.setattr(names, "_STRICT", True)
    names.check(tmp_path / ".." / name)
    names.check(name)


def test_a_command_refuses_it_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(names, "_STRICT", True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["dream", "noise:32x32", "-o", "CON.png"])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot write 'CON.png': it is the name of a device on this system" in line
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("layer", "name"),
    [("inception_4c/output", "inception_4c-output"), ("con", "_con"), ("Aux", "_Aux"), ("nul/relu", "nul-relu"),
     ('a<>:"|?*b', "a-b"), ("con.1", "_con.1"), ("ä" * 200, "ä" * 75), ("../../etc", "..-..-etc")],
)  # fmt: skip
def test_names_made_of_layers(layer, name):
    assert names.made_of(layer) == name
    assert names.fault(f"{name}.png") is None


def test_names_of_our_own(tmp_path):
    for path in (
        files.temporary_beside(tmp_path / "x"), locks.lock_file(tmp_path), locks.lock_file(tmp_path / "film.mp4"),
        locks.lock_file(tmp_path / ("f" * 255)), locks.lock_beside(files.temporary_beside(tmp_path / "x")),
    ):  # fmt: skip
        assert names.fault(path.name) is None


def test_a_name_that_leaves_no_room(tmp_path, monkeypatch, capsys):
    """One line, before the work, also for a file that stands beside it."""
    monkeypatch.chdir(tmp_path)
    for name, more in (("d" * 252 + ".png", []), ("d" * 251 + ".png", ["--sidecar"])):
        with pytest.raises(SystemExit) as end:
            main(["dream", "noise:32x32", "-o", name, *more])
        assert end.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "File name too long" in line
    assert os.listdir(tmp_path) == []


# ---- names that differ in capitals only ----


def test_this_folder_tells_capitals_apart_or_not(tmp_path):
    (tmp_path / "a").touch()
    assert names.ignores_case(tmp_path) is (tmp_path / "A").exists()
    assert names.ignores_case(tmp_path / "nowhere") is False
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("other", ["a.png", "A.PNG"])
@pytest.mark.parametrize("ignores", [False, True])
def test_two_files_of_one_name(tmp_path, monkeypatch, other, ignores):
    """What is claimed before it is there is one file where capitals do not count."""
    monkeypatch.setattr(names, "ignores_case", lambda folder: ignores)
    run = Reads()
    run.claim(tmp_path / "A.png")
    if ignores:
        with pytest.raises(OverwriteError, match=f"'.*{other}' would be written twice"):
            run.claim(tmp_path / other)
    else:
        run.claim(tmp_path / other)


def test_letters_composed_in_two_ways_are_one_name():
    assert names.folded("Träume.PNG") == names.folded("tra\u0308ume.png")
    assert names.folded("STRASSE") == names.folded("straße")


@pytest.fixture
def ntfs(tmp_path):
    """A disk of Windows, which ignores capitals and refuses the names that Windows refuses."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("lowntfs-3g") is None:
        pytest.skip("NOT PROVEN HERE: a disk of NTFS needs Linux, root and ntfs-3g")
    disk, place = tmp_path / "disk", tmp_path / "ntfs"
    disk.write_bytes(bytes(2**25))
    place.mkdir()
    subprocess.run(["mkntfs", "-F", "-Q", disk], check=True, capture_output=True)
    if subprocess.run(["lowntfs-3g", "-o", "windows_names,ignore_case", disk, place], capture_output=True).returncode:
        pytest.skip("NOT PROVEN HERE: no disk of NTFS can be mounted")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_disk_of_windows(ntfs, monkeypatch, capsys):
    assert names.ignores_case(ntfs)
    monkeypatch.chdir(ntfs)
    small = ["--runtime", "numpy", "--octaves", "1", "--iterations", "1", "--model", "squeezenet_v1.1"]
    for place, shade in (("one/A.png", 9), ("two/a.png", 200)):
        Path(place).parent.mkdir()
        Image.fromarray(np.full((32, 32, 3), shade, np.uint8)).save(place)
    main(["dream", "one/A.png", "two/a.png", "-o", "out/", *small], standalone_mode=False)
    assert sorted(map(str.lower, os.listdir("out"))) == ["a.png-2.png", "a.png.png"]
    dark, light = (np.asarray(Image.open(f"out/{name}")).mean() for name in ("A.png.png", "a.png-2.png"))
    assert dark < light
    for name, fault, code in (
        ("OUT/a.PNG.png", "is there already", 2),
        ("what?.png", "Invalid argument", 2),
        ("CON.png", "Invalid argument", 1),  # of the rename: the lock beside it has a name that can be
    ):
        with pytest.raises(SystemExit) as end:
            main(["dream", "two/a.png", "-o", name, *small])
        assert end.value.code == code
        assert fault in capsys.readouterr().err.splitlines()[-1]
    Path("moved.png").touch()
    with pytest.raises(FileExistsError):
        files.move_new(Path("one/A.png"), Path("MOVED.png"))
    with locks.locked(ntfs / "Film.mp4"), pytest.raises(BusyError), locks.locked(ntfs / "film.mp4"):
        pass
    assert sorted(os.listdir()) == ["moved.png", "one", "out", "two"]
