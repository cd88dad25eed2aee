"""The dream in C: our own picture's is the real Caffe's in every byte, and that of the vectors is within their limits.

python tests/csrc/check_dream.py FOLDER dream_float32 dream_float64 whole|small [EMULATOR...]

FOLDER is made anew. `small` makes only the vectors' dream: programs with sanitizers are slow. EMULATOR begins the
commands that run the programs. ctest runs this with a Python that has pydream; exit code 77 leaves the test out.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
try:
    import numpy as np

    from pydream.files import unsynced
    from pydream.testing.golden import golden_dream
    from pydream.testing.vectors import write_vectors
except ImportError as error:
    print(f"NOT PROVEN HERE: {sys.executable} has no pydream: {error}")
    sys.exit(77)


def run(*command, fault=None):
    """Run a program, which says what is wrong, if anything is."""
    emulator = sys.argv[5:]
    done = subprocess.run([*emulator, *map(str, command)], capture_output=True, text=True)
    assert done.returncode == (fault is not None), done.stderr
    assert fault is None or fault in done.stderr, done.stderr


def dream(program, folder, vectors, case, limit):
    """Make a dream of the vectors, and compare it with what they expect; `limit` names the tolerance of the type."""
    folder.mkdir(parents=True)
    given, made = ({name: where / file for name, file in case[ends].items()}
                   for where, ends in ((vectors, "inputs"), (folder, "outputs")))  # fmt: skip
    options = {"end": "end", "octave_n": "octaves", "octave_scale": "scale", "step_size": "step"}
    words = [word for name, option in options.items() for word in (f"--{option}", case["parameters"][name])]
    words += ["--rms", made["step_rms"]]
    if "dream" in made:
        words += ["--dream", made["dream"]]
    run(program, vectors, given["picture"], given["shifts"], made["saved"], *words)
    for name in made:
        found, expected = np.load(made[name]), np.load(vectors / case["outputs"][name])
        off = np.linalg.norm(np.float64(found) - expected) / np.linalg.norm(np.float64(expected))
        assert off <= case[limit], f"{program.name}: {name} is off by {off:.2g} (limit {case[limit]:g})"
    return np.load(made["saved"])


def refuse(program, folder, vectors, case):
    """Hand in arrays that are none, or are not shifts."""
    picture, shifts = (vectors / case["inputs"][name] for name in ("picture", "shifts"))
    bad = folder / "bad.npy"
    header = b"{'fortran_order': False, 'shape': (3, 3, 3)}".ljust(65525) + b"'descr': '"
    bad.write_bytes(b"\x93NUMPY\1\0\xff\xff" + header)
    run(program, vectors, bad, shifts, folder / "none.npy", fault="bad.npy: numbers are not of type")
    for number in (np.nan, 0.5, -1e300):
        np.save(bad, np.full((4, 2), number))
        run(program, vectors, picture, bad, folder / "none.npy", fault="bad.npy: shifts are not whole numbers")
    assert not (folder / "none.npy").exists()


def main():
    folder, float32, float64 = map(Path, sys.argv[1:4])
    shutil.rmtree(folder, ignore_errors=True)
    vectors = folder / "vectors"
    with unsynced():
        write_vectors(vectors, weights=True)
    cases = json.loads((vectors / "vectors.json").read_text())["cases"]
    small, golden = (case for case in cases if case["stage"] == "dream")
    dream(float64, folder / "float64", vectors, small, "tolerance")
    dream(float32, folder / "float32", vectors, small, "tolerance_float32")
    refuse(float64, folder, vectors, small)
    if sys.argv[4] == "whole":
        saved, expected = dream(float64, folder / "golden", vectors, golden, "tolerance"), golden_dream()
        different = np.count_nonzero(saved != expected["out_u8"])
        assert different == 0, f"{different} of {saved.size} bytes differ from Caffe's"
        assert hashlib.sha256(saved.tobytes()).hexdigest() == str(expected["sha256"])


if __name__ == "__main__":
    main()
