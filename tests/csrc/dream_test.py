"""The dream in C: our own picture's is the real Caffe's in every byte, and that of the vectors is within their limits.

python tests/csrc/dream_test.py FOLDER dream_float32 dream_float64 whole|small [EMULATOR...]

FOLDER is made anew. `small` makes only the vectors' dream: programs with sanitizers are slow. EMULATOR begins the
commands that run the programs. ctest runs this with a Python that has pydream; exit code 77 leaves the test out.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

sys.path.insert(0, str(ROOT))
try:
    import numpy as np

    from pydream.files import unsynced
    from pydream.testing.vectors import write_vectors
except ImportError as error:
    print(f"NOT PROVEN HERE: {sys.executable} has no pydream: {error}")
    sys.exit(77)


def run(*command):
    emulator = sys.argv[5:]
    done = subprocess.run([*emulator, *map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def dream_our_own_picture(program, folder, vectors):
    """Compare the 8-bit picture with the golden one."""
    golden = np.load(ROOT / "tests" / "data" / "squeezenet_fire8_own_192x128.npz")
    rng = np.random.RandomState(0)
    np.save(folder / "picture.npy", golden["image"])
    np.save(folder / "shifts.npy", [rng.randint(-32, 33, 2) for _ in golden["step_rms"]])
    run(program, vectors, folder / "picture.npy", folder / "shifts.npy", folder / "saved.npy", "--octaves", 3)
    saved = np.load(folder / "saved.npy")
    different = np.count_nonzero(saved != golden["out_u8"])
    assert different == 0, f"{different} of {saved.size} bytes differ from Caffe's"
    assert hashlib.sha256(saved.tobytes()).hexdigest() == str(golden["sha256"])


def dream_the_vectors(program, folder, vectors, limit):
    """Compare the vectors' whole dream, in floats, with what they expect; `limit` names the tolerance of the type."""
    folder.mkdir()
    (case,) = [case for case in json.loads((vectors / "vectors.json").read_text())["cases"] if case["stage"] == "dream"]
    given, made = ({name: where / file for name, file in case[ends].items()}
                   for where, ends in ((vectors, "inputs"), (folder, "outputs")))  # fmt: skip
    options = {"end": "end", "octave_n": "octaves", "octave_scale": "scale", "step_size": "step"}
    words = [word for name, option in options.items() for word in (f"--{option}", case["parameters"][name])]
    words += ["--dream", made["dream"], "--rms", made["step_rms"]]
    run(program, vectors, given["picture"], given["shifts"], made["saved"], *words)
    for name in ("step_rms", "dream"):
        found, expected = np.load(made[name]), np.load(vectors / case["outputs"][name])
        off = np.linalg.norm(found - expected) / np.linalg.norm(expected)
        assert off <= case[limit], f"{program.name}: {name} is off by {off:.2g} (limit {case[limit]:g})"


def main():
    folder, float32, float64 = map(Path, sys.argv[1:4])
    shutil.rmtree(folder, ignore_errors=True)
    vectors = folder / "vectors"
    with unsynced():
        write_vectors(vectors, weights=True)
    if sys.argv[4] == "whole":
        dream_our_own_picture(float64, folder, vectors)
    dream_the_vectors(float64, folder / "float64", vectors, "tolerance")
    dream_the_vectors(float32, folder / "float32", vectors, "tolerance_float32")


main()
