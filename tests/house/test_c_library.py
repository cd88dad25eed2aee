"""The C library has the results of `pydream.imageops`: its example step, and each function in both types."""

import ctypes
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pydream
from pydream.imageops import native_ops

WHOLE = np.iinfo(np.intp).max  # PYDREAM_SUM_WHOLE


def tool(name):
    """Return the path of a program in this environment, which need not be on PATH, or in the system."""
    found = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    return found or pytest.skip(f"no {name}")


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(root, tmp_path_factory):
    """Return the folder where the shared library is installed; ctest tests the static one."""
    cmake = tool("cmake")
    tool("c++")
    build, prefix = tmp_path_factory.mktemp("build"), tmp_path_factory.mktemp("prefix")
    run(cmake, "-S", root, "-B", build, "-DBUILD_SHARED_LIBS=ON", "-DPYDREAM_TESTS=OFF", "-DPYDREAM_WERROR=ON")
    run(cmake, "--build", build)
    run(cmake, "--install", build, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="module")
def alone(root, tmp_path_factory):
    """Return the shared library without threads, compiled in less time."""
    cmake, build = tool("cmake"), tmp_path_factory.mktemp("alone")
    options = "-DBUILD_SHARED_LIBS=ON", "-DPYDREAM_TESTS=OFF", "-DPYDREAM_WERROR=ON"
    fast = "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DPYDREAM_NO_CLONES"
    run(cmake, "-S", root, "-B", build, "-DPYDREAM_THREADS=OFF", fast, *options)
    run(cmake, "--build", build, "--parallel", "2")
    return build / "libpydream.so"


@pytest.fixture
def library(prefix):
    (path,) = prefix.glob("lib*/libpydream.so")
    return ctypes.CDLL(str(path))


@pytest.fixture(autouse=True)
def sum_whole_arrays(monkeypatch):
    """Sum as NumPy since 2.3, whichever is installed, as the C calls here do."""
    monkeypatch.setattr(native_ops, "_SUM_BLOCK", WHOLE)


def noise(start, count):
    """Return the numbers of step.c."""
    return (np.arange(start, start + count, dtype=np.uint64) * 2654435761 % 2**32 // 2**16).astype(np.float32)


def checksum(array):
    total = 14695981039346656037
    for byte in array.astype("<f4").tobytes():
        total = (total ^ byte) * 1099511628211 % 2**64
    return f"{total:016x}"


def step_in_python():
    """Return the output of step.c, computed from the same numbers."""
    mean = np.float32([104, 116, 122]).reshape(3, 1, 1)
    small = noise(0, 3 * 96 * 128).reshape(3, 96, 128) / 256 - mean
    image = native_ops.zoom(small, 134, 179)
    printed = f"zoomed   {checksum(image)}\n"
    data = native_ops.to_tensor(image, -13, 32)
    printed += f"data     {checksum(data)}\n"
    gradient = (noise(small.size, data.size).reshape(data.shape) - 32768) / 16777216
    mean_abs = native_ops.ascend_tensor(image, gradient, 1.5, -13, 32, -mean, 255 - mean)
    return printed + f"mean|g|  {mean_abs:.9g}\nascended {checksum(image)}\n"


def test_expected_step_is_pythons(root):
    assert (root / "examples" / "c" / "expected.txt").read_text() == step_in_python()


def test_step_by_find_package(root, prefix, tmp_path):
    cmake = tool("cmake")
    tool("cc")
    options = f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_C_FLAGS=-Werror"
    run(cmake, "-S", root / "examples" / "c", "-B", tmp_path, *options)
    run(cmake, "--build", tmp_path)
    assert run(tmp_path / "step") == step_in_python()


def test_step_by_pkg_config(root, prefix, tmp_path):
    (package,) = prefix.glob("lib*/pkgconfig/pydream.pc")
    flags = run(tool("pkg-config"), "--cflags", "--libs", package).split()
    run(tool("cc"), "-std=c99", "-Werror", root / "examples" / "c" / "step.c", "-o", tmp_path / "step", *flags)
    where = {"LD_LIBRARY_PATH": str(package.parent.parent)}
    assert run(tmp_path / "step", env={**os.environ, **where}) == step_in_python()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_function_gives_the_same_bits(library, dtype):
    check_each_function(library, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_without_threads_too(alone, dtype):
    check_each_function(ctypes.CDLL(str(alone)), dtype)


def test_without_threads_it_needs_five_functions_of_c(alone):
    """No C++ runtime library, no exceptions, no environment: what a bare board or WebAssembly has."""
    lines = run(tool("nm"), "--dynamic", "--undefined-only", alone).splitlines()
    needed = {line.split()[-1].partition("@")[0] for line in lines if line.split()[-2] == "U"}
    assert needed <= {"malloc", "free", "memcpy", "memmove", "memset"}


def test_without_threads_there_is_one(alone, monkeypatch):
    monkeypatch.setenv("PYDREAM_NUM_THREADS", "none")
    count = ctypes.c_int(0)
    assert ctypes.CDLL(str(alone)).pydream_thread_count(ctypes.byref(count)) == 0
    assert count.value == 1


def check_each_function(library, dtype):
    """Compare two sizes of image, in (C, H, W), shifts beyond the image, and all threads with `native_ops`."""
    suffix = f"f{np.dtype(dtype).itemsize * 8}"
    sizes = ctypes.c_ssize_t
    rng = np.random.RandomState(7)

    def call(name, *arguments):
        words = [
            argument.ctypes.data_as(ctypes.c_void_p) if isinstance(argument, np.ndarray) else argument
            for argument in arguments
        ]
        assert getattr(library, f"pydream_{name}_{suffix}")(*words, 0) == 0

    for channels, height, width in ((3, 150, 201), (5, 1, 7)):
        shape = [sizes(size) for size in (channels, height, width)]
        image, g = (rng.normal(size=(channels, height, width)).astype(dtype) * 50 for _ in range(2))
        low, high = (np.full((channels, 1, 1), bound, dtype) for bound in (-60, 60))
        shift = [sizes(-1234), sizes(777)]

        out = np.empty_like(image)
        call("roll", out, image, *shape, *shift)
        assert out.tobytes() == native_ops.roll(image, -1234, 777).tobytes()

        out = np.empty((channels, 2 * height, 97), dtype)
        call("zoom", out, image, *shape, sizes(2 * height), sizes(97))
        assert out.tobytes() == native_ops.zoom(image, 2 * height, 97).tobytes()

        frame = np.ascontiguousarray(image.transpose(1, 2, 0))
        for matrix in ([0.95, 0.9], [[0.9, 0.1], [-0.1, 0.9]]):
            m, offset = np.array(matrix), np.array([0.4, 3.2])
            for first in (False, True):
                sizes_last = [sizes(size) for size in frame.shape]
                for name in ("affine_transform", "affine_transform_adjoint"):
                    out = np.empty_like(frame)
                    call(name, out, frame, *sizes_last, m, int(m.ndim == 1), offset, int(first))
                    assert out.tobytes() == getattr(native_ops, name)(frame, m, offset, first).tobytes()

        mean = np.empty(1, dtype)
        call("mean_abs", mean, g, sizes(g.size), sizes(WHOLE))
        assert mean[0] == native_ops.mean_abs(g)

        out, wanted = image.copy(), image.copy()
        call("ascend", out, g, sizes(g.size), ctypes.c_double(1.1), sizes(WHOLE))
        native_ops.ascend(wanted, g, 1.1)
        assert out.tobytes() == wanted.tobytes()

        call("clip", out, low, high, shape[0], sizes(height * width))
        native_ops.clip(wanted, low, high)
        assert out.tobytes() == wanted.tobytes()

        for last in (True, False):
            tensor = native_ops.to_tensor(g, 0, 0, last)
            out = np.empty_like(tensor)
            call("to_tensor", out, image, *shape, *shift, int(last))
            assert out.tobytes() == native_ops.to_tensor(image, -1234, 777, last).tobytes()

            out, wanted = image.copy(), image.copy()
            size, block = ctypes.c_double(1.1), sizes(WHOLE)
            call("ascend_tensor", out, tensor, *shape, *shift, int(last), size, low, high, mean, block)
            assert mean[0] == native_ops.ascend_tensor(wanted, tensor, 1.1, -1234, 777, low, high, last)
            assert out.tobytes() == wanted.tobytes()


def test_version_is_the_packages(library, root):
    library.pydream_version.restype = ctypes.c_char_p
    assert library.pydream_version().decode() == pydream.__version__


def declared(root):
    return re.findall(r"^PYDREAM_API .*?\b(pydream_\w+)\(", (root / "csrc" / "pydream.h").read_text(), re.MULTILINE)


def test_only_what_the_header_declares_is_exported(root, prefix):
    (path,) = prefix.glob("lib*/libpydream.so")
    lines = run(tool("nm"), "--dynamic", "--defined-only", path).splitlines()
    assert len(declared(root)) == 21
    assert sorted(line.split()[-1] for line in lines) == sorted(declared(root))


def test_each_function_is_fuzzed(root):
    """`tests/fuzz/csrc` calls them all, those of both types as `Api<T>::roll`."""
    fuzzed = (root / "tests" / "fuzz" / "csrc" / "pydream_fuzz.cpp").read_text()
    called = set(re.findall(r"\b(pydream_\w+)\(", fuzzed))
    both = re.findall(r"\bApi<T>::(\w+)", fuzzed)
    assert called | {f"pydream_{name}_{suffix}" for name in both for suffix in ("f32", "f64")} == set(declared(root))


def test_what_is_installed(prefix):
    installed = [path.relative_to(prefix) for path in prefix.rglob("*") if not path.is_dir()]
    assert [path.name for path in installed if path.parts[0] == "include"] == ["pydream.h"]
    links = {path.name for path in installed if (prefix / path).is_symlink()}
    major, minor, _ = pydream.__version__.split(".")
    assert links == {"libpydream.so", f"libpydream.so.{major}.{minor}"}
