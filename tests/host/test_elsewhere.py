"""On a system without `fcntl`, SIGHUP, signal masks and `fork`, which is simulated, everything is imported, and works.

No real Windows has run this: what is simulated is in `support.elsewhere`.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

RUN = """
import sys
from support import elsewhere
getattr(elsewhere, sys.argv[1])()
"""

IMPORTS = """
import importlib, pkgutil
import pydream
names = [each.name for each in pkgutil.walk_packages(pydream.__path__, "pydream.")]
for name in [name for name in names if not name.endswith("__main__")]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        assert error.name == "torch", error  # an extra
assert "tensorflow" not in sys.modules
print(len(names))
"""

DREAMS = """
from pathlib import Path
import pydream.files
from pydream.cli import main
from pydream.errors import BusyError
from pydream.locks import locked
def run(*words):
    try:
        main([*words], standalone_mode=False)
    except SystemExit as end:
        assert not end.code, end.code
small = ["--model", "squeezenet_v1.1", "--runtime", "numpy", "--octaves", "1", "--iterations", "1", "--seed", "1"]
run("dream", "noise:32x32", "-o", "dream.png", *small)
run("replay", "dream.png", "-o", "again.png")
run("dream", "one/A.png", "two/a.png", "-o", "batch/", *small)
run("dream", "one/A.png", "two/a.png", "-o", "batch/", "--force", *small)
with locked(Path("film.mp4")):
    try:
        with locked(Path("film.mp4")):
            print("twice")
    except BusyError as error:
        print(error)
with pydream.files.written_folder("net") as folder:
    pydream.files.write_text(folder / "README.md", "about")
"""


def run(root, folder, like, program):
    done = subprocess.run(
        [sys.executable, "-c", RUN + program, like],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("like", ["bare", "windows"])
def test_every_module_is_imported_and_dreams_are_made(root, tmp_path, like):
    for place in ("one/A.png", "two/a.png"):
        (tmp_path / place).parent.mkdir()
        Image.fromarray(np.full((32, 32, 3), len(place), np.uint8)).save(tmp_path / place)
    done = run(root, tmp_path, like, IMPORTS + DREAMS)
    count, *_, said = done.stdout.splitlines()
    assert int(count) > 200
    assert said == "twice" if like == "bare" else "another run" in said and "writes 'film.mp4'" in said
    dream, again = (np.asarray(Image.open(tmp_path / name)) for name in ("dream.png", "again.png"))
    assert np.array_equal(dream, again)
    assert dream.std() > 1
    assert sorted(os.listdir(tmp_path / "batch")) == ["A.png.png", "a.png-2.png"]
    assert sorted(os.listdir(tmp_path)) == ["again.png", "batch", "dream.png", "net", "one", "two"]  # and nothing else
    assert os.listdir(tmp_path / "net") == ["README.md"]
