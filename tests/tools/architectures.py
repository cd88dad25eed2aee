"""The image core on other processors: `python tests/tools/architectures.py [NAME…]`, seven minutes of CPU time.

For each of aarch64, s390x (big-endian), wasm32 and wasm32-simd: the C++ tests, then the vectors of the image side and
calls of many sizes with numbers that are hard (NaN, infinity, -0, denormal ones), whose results must have the bits of
this machine's. Where both are NaN, any bits will do. It needs, for the processors that it is asked for,

    apt install g++-aarch64-linux-gnu g++-s390x-linux-gnu qemu-user
    pip install ziglang wasmtime
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pydream.imageops import native_ops
from pydream.testing import write_vectors

ROOT = Path(__file__).resolve().parents[2]
ONE_THREAD = "-DPYDREAM_THREADS=OFF"
TARGETS = {  # options for CMake beside its toolchain file
    "aarch64": ["aarch64"],
    "s390x": ["s390x"],
    "wasm32": ["wasm32", ONE_THREAD],
    "wasm32-simd": ["wasm32", ONE_THREAD, "-DCMAKE_CXX_FLAGS=-msimd128", "-DCMAKE_C_FLAGS=-msimd128"],
}
BLOCK = min(native_ops._SUM_BLOCK, 2**31 - 1)  # of this NumPy's sums, as a number that 32 bits hold
Array = NDArray[Any]


class Call(NamedTuple):
    """A call of pydream.h, as pydream_calls reads it, and the sizes of its results.

    Attributes
    ----------
    name, dtype : str
        The function without its suffix; "f4" or "f8".
    numbers : list of int
    arrays : list of array
    written : list of int
        The sizes of the results.
    """

    name: str
    dtype: str
    numbers: list[int]
    arrays: list[Array]
    written: list[int]

    def encoded(self) -> bytes:
        """Return the line and the bytes after it."""
        line = " ".join([self.name, {"f4": "f32", "f8": "f64"}[self.dtype], *map(str, self.numbers)])
        return line.encode() + b"\n" + b"".join(np.ascontiguousarray(array).tobytes() for array in self.arrays)

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} {' '.join(map(str, self.numbers))}"


class Result(NamedTuple):
    """The status of a call, or None where it is not known, and the arrays that it writes."""

    status: int | None
    arrays: list[Array]


def call_of(name: str, inputs: dict[str, Array], parameters: dict[str, Any]) -> Call:
    """Return the C call of a function of `imageops`."""
    first = next(iter(inputs.values()))
    channels, n = first.shape[0], first.size
    numbers = {"mean_abs": [n], "ascend": [n], "clip": [channels, n // channels]}.get(name, list(first.shape))
    numbers += [int(parameters[key]) for key in ("height", "width", "ox", "oy", "channels_last") if key in parameters]
    if name in ("mean_abs", "ascend", "ascend_tensor"):
        numbers.append(BLOCK)
    if "matrix" in parameters:
        numbers += [int(np.ndim(parameters["matrix"]) == 1), int(parameters["offset_first"])]
    doubles = [np.array(parameters[key], np.float64) for key in ("step_size", "matrix", "offset") if key in parameters]
    written = {"mean_abs": [1], "ascend_tensor": [n, 1]}.get(name, [n])
    if name == "zoom":
        written = [channels * parameters["height"] * parameters["width"]]
    return Call(name, first.dtype.str[1:], numbers, [*doubles, *inputs.values()], written)


def vectors(folder: Path) -> Iterator[tuple[Call, list[Array]]]:
    """Yield the calls of the image side that `pydream vectors` writes, with what each writes."""
    write_vectors(folder)
    for case in json.loads((folder / "vectors.json").read_text())["cases"]:
        if hasattr(native_ops, case["stage"]):
            inputs, outputs = (
                {name: np.load(folder / file) for name, file in case[way].items()} for way in ("inputs", "outputs")
            )
            written = [outputs[name] for name in ("image", "result") if name in outputs]
            yield call_of(case["stage"], inputs, case["parameters"]), written


def hard_calls() -> Iterator[Call]:
    """Yield calls of many sizes, with numbers of many magnitudes, and the same with some that are not finite."""
    rng = np.random.RandomState(19)
    sizes = [(3, 37, 53), (1, 1, 1), (2, 1, 9), (4, 8, 5), (5, 16, 3), (3, 211, 307)]
    for dtype in (np.float32, np.float64):
        for channels, height, width in sizes:
            for special in (False, True):
                yield from _calls(rng, np.dtype(dtype), channels, height, width, special)


def _calls(rng: Any, dtype: np.dtype[Any], channels: int, height: int, width: int, special: bool) -> Iterator[Call]:
    tiny, huge = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max

    def some() -> Array:
        array = (rng.normal(size=(channels, height, width)) * 10.0 ** rng.randint(-8, 8)).astype(dtype)
        if special:
            where = rng.randint(0, array.size, 6)
            array.ravel()[where] = np.array([np.nan, np.inf, -np.inf, -0.0, tiny, huge]).astype(dtype)
        else:
            array.ravel()[:: max(array.size // 5, 1)] = tiny * dtype.type(12345)
        return array

    shift = {"ox": int(rng.randint(-99, 99)), "oy": int(rng.randint(-99, 99))}
    low, high = (np.full((channels, 1, 1), bound, dtype) for bound in (-7, 1e4))
    yield call_of("roll", {"image": some()}, shift)
    for out in ((2 * height, width + 1), (max(height // 2, 1), max(width // 3, 1))):
        yield call_of("zoom", {"image": some()}, dict(zip(("height", "width"), out, strict=True)))
    for first in (False, True):
        for matrix in ([0.93, 1.07], [[0.9, 0.3], [-0.3, 0.9]]):
            frame = np.ascontiguousarray(some().transpose(1, 2, 0))
            move = {"matrix": matrix, "offset": [height / 31, width / 37], "offset_first": first}
            yield call_of("affine_transform", {"frame": frame}, move)
            yield call_of("affine_transform_adjoint", {"frame": frame}, move)
    yield call_of("mean_abs", {"gradient": some()}, {})
    yield call_of("ascend", {"image": some(), "gradient": some()}, {"step_size": 1.5})
    yield call_of("clip", {"image": some(), "low": low, "high": high}, {})
    for last in (False, True):
        layout = {**shift, "channels_last": last}
        yield call_of("to_tensor", {"image": some()}, layout)
        step = {"image": some(), "gradient": some(), "low": low, "high": high}
        yield call_of("ascend_tensor", step, {**layout, "step_size": 0.1})


def run(*command: object, **options: Any) -> bytes:
    """Run a command and return what it prints; the end of the program where it fails."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, **options)
    if done.returncode:
        sys.exit(f"{done.stdout.decode(errors='replace')[-4000:]}\n{command[0]} failed, code {done.returncode}")
    return done.stdout


def results(command: list[object], calls: list[Call]) -> list[Result]:
    """Return the results of calls, as a program computes them."""
    output = run(*command, input=b"".join(call.encoded() for call in calls))
    found, at = [], 0
    for call in calls:
        arrays, status = [], output[at]
        at += 1
        for size in call.written:
            array = np.frombuffer(output, f"<{call.dtype}", size, at)
            arrays.append(array)
            at += array.nbytes
        found.append(Result(status, arrays))
    if at != len(output):
        sys.exit(f"{command}: {len(output)} bytes, expected {at}")
    return found


def differing(found: Array, expected: Array) -> tuple[int, int]:
    """Return how many numbers differ in bits, and how many NaNs do."""
    found, expected = np.ravel(found), np.ravel(expected)
    other = found.view(f"u{found.itemsize}") != expected.view(f"u{found.itemsize}")
    nan = np.isnan(found) & np.isnan(expected)
    return int((other & ~nan).sum()), int((other & nan).sum())


def build(name: str, options: list[str], target: str) -> Path:
    """Configure and build in build/architectures/NAME; return that folder."""
    folder = ROOT / "build" / "architectures" / name
    run("cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DPYDREAM_WERROR=ON", *options)
    run("cmake", "--build", folder, "--target", target)
    return folder


def missing(name: str) -> list[str]:
    """Return what to install for a target."""
    if name.startswith("wasm32"):
        needed = {"python-zig": "pip install ziglang"}
        packages = [] if importlib.util.find_spec("wasmtime") else ["pip install wasmtime"]
    else:
        needed = {f"{name}-linux-gnu-g++": f"apt install g++-{name}-linux-gnu", f"qemu-{name}": "apt install qemu-user"}
        packages = []
    return [how for what, how in needed.items() if shutil.which(what) is None] + packages


def check_module(path: Path) -> str:
    """Check what a module of WebAssembly imports and exports; return that in words."""
    import wasmtime

    module = wasmtime.Module.from_file(wasmtime.Engine(), path)
    imports, exports = ([one.name for one in ends] for ends in (module.imports, module.exports))
    header = (ROOT / "csrc" / "pydream.h").read_text()
    declared = re.findall(r"^PYDREAM_API .*?\b(pydream_\w+)\(", header, re.MULTILINE)
    if imports or sorted(exports) != sorted([*declared, "memory", "malloc", "free", "_initialize"]):
        sys.exit(f"{path} imports {imports} and exports {exports}")
    return f"pydream.wasm of {path.stat().st_size} bytes imports nothing"


def program(name: str, folder: Path) -> list[object]:
    """Return the command that runs a target's pydream_calls here."""
    calls = folder / "tests" / "csrc" / "pydream_calls"
    if name.startswith("wasm32"):
        return [sys.executable, ROOT / "tests" / "tools" / "run_wasm.py", calls.with_suffix(".wasm")]
    return [f"qemu-{name}", "-L", f"/usr/{name}-linux-gnu", calls]


def compare(name: str, calls: list[Call], found: list[Result], expected: list[Result]) -> str:
    """Compare a target's results; return the outcome in words. The end of the program where bits differ."""
    numbers = nans = 0
    for call, (status, arrays), (wanted_status, wanted) in zip(calls, found, expected, strict=True):
        if wanted_status not in (status, None):
            sys.exit(f"{name}: {call}: status {status}, expected {wanted_status}")
        for array, want in zip(arrays, wanted, strict=True):
            other, nan = differing(array, want)
            if other:
                sys.exit(f"{name}: {call}: {other} of {array.size} numbers have other bits")
            numbers += array.size
            nans += nan
    return f"{len(calls)} calls with {numbers} numbers have the same bits, but for {nans} NaNs that are other NaNs"


def main() -> None:
    """Compare the processors that are named, or all."""
    parser = argparse.ArgumentParser(description="Compare the image core's bits on other processors with this one's.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(TARGETS)}; all by default")
    names = parser.parse_args().names or list(TARGETS)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for name in names:
        if name not in TARGETS:
            parser.error(f"'{name}' is none of {', '.join(TARGETS)}")
        if absent := missing(name):
            parser.error(f"{name}: {' && '.join(absent)}")
    with tempfile.TemporaryDirectory() as temporary:
        cases = list(vectors(Path(temporary)))
    hard = list(hard_calls())
    here = build("here", [], "pydream_calls")
    expected = [Result(None, arrays) for _, arrays in cases]
    expected += results([here / "tests" / "csrc" / "pydream_calls"], hard)
    calls = [call for call, _ in cases] + hard
    print(f"{len(cases)} vectors, and {len(hard)} calls as this processor makes them", flush=True)
    for name in names:
        toolchain, *options = TARGETS[name]
        file = ROOT / "csrc" / "toolchains" / f"{toolchain}.cmake"
        folder = build(name, [f"-DCMAKE_TOOLCHAIN_FILE={file}", *options], "all")
        run("ctest", "--test-dir", folder, "--output-on-failure", "--parallel", 2)
        outcome = compare(name, calls, results(program(name, folder), calls), expected)
        module = f"; {check_module(folder / 'pydream.wasm')}" if toolchain == "wasm32" else ""
        print(f"{name}: the C++ tests pass; {outcome}{module}", flush=True)


if __name__ == "__main__":
    main()
