"""The C++ core by every compiler: `python tests/tools/compilers.py [--root FOLDER] [NAME…]`, minutes for each.

Each builds the core, the passes, their tests, the examples and both Python modules with all warnings as errors. Then
the tests run, and calls with numbers that are hard must have the bits of the first compiler's. Programs for Windows are
run by Wine; what is missing is named. FOLDER, of which there may be several, is another Debian, whose compilers are
taken too, as root and in a namespace of their own:

    apt install g++-11 g++-12 clang-14 clang-19 g++-mingw-w64-x86-64-posix wine64
    debootstrap --variant=minbase --include=cmake,ninja-build,g++-15,clang-21 sid FOLDER

Of the Python modules for Windows only object files are made, with `--windows-python FOLDER`: Python's sources, whose
`PC` and `Include` have the headers.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import pybind11

sys.path.insert(0, str(Path(__file__).parents[1]))
from tools.architectures import ROOT, Call, Result, compare, hard_calls, results, run

GCC, CLANG = range(11, 17), (14, 16, 19, 21, 22, 23)
NAMES = [*(f"gcc-{version}" for version in GCC), *(f"clang-{version}" for version in CLANG), "mingw"]
MINGW = "x86_64-w64-mingw32-g++-posix"
TOOLCHAIN = ROOT / "csrc" / "toolchains" / "mingw.cmake"
WINE = ["wine64", "/usr/lib/wine/wine64"]
# In the namespace of a new process: the folders that it needs here, in that other Debian, and there the command.
INSIDE = (
    'root=$1; count=$2; shift 2; mount -t proc proc "$root/proc"; while [ "$count" -gt 0 ]; do mkdir -p "$root$1";'
    ' mount --rbind "$1" "$root$1"; count=$((count - 1)); shift; done; exec chroot "$root" "$@"'
)


class Compiler(NamedTuple):
    """A compiler, and the root that it is in."""

    name: str
    root: Path

    @property
    def label(self) -> str:
        return self.name if self.root == Path("/") else f"{self.name}-in-{self.root.name}"

    @property
    def program(self) -> str:
        return MINGW if self.name == "mingw" else self.name.replace("gcc", "g++").replace("clang", "clang++")

    @property
    def is_here(self) -> bool:
        return (self.root / "usr" / "bin" / self.program).exists()

    def command(self, *words: object) -> list[object]:
        """Return the command that runs another one in the compiler's root."""
        if self.root == Path("/"):
            return list(words)
        shared = sorted({str(ROOT), sys.prefix, sys.base_prefix})
        return ["unshare", "--mount", "sh", "-c", INSIDE, "sh", self.root, len(shared), *shared, *words]

    def options(self) -> list[object]:
        """Return what CMake is told."""
        if self.name == "mingw":
            return [f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAIN}"]
        return [
            f"-DCMAKE_C_COMPILER={self.name}", f"-DCMAKE_CXX_COMPILER={self.program}", "-DPYDREAM_PYTHON=ON",
            f"-Dpybind11_DIR={pybind11.get_cmake_dir()}", f"-DPython_EXECUTABLE={sys.executable}",
        ]  # fmt: skip


def wine() -> str | None:
    """Return the command of Wine, if it is installed."""
    return next((found for found in map(shutil.which, WINE) if found), None)


def build(compiler: Compiler) -> Path:
    """Build everything, with warnings as errors."""
    folder = ROOT / "build" / "compilers" / compiler.label
    configure = ["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DPYDREAM_WERROR=ON", *compiler.options()]
    for words in (configure, ["cmake", "--build", folder]):
        run(*compiler.command(*words), stderr=subprocess.STDOUT)
    return folder


def build_windows_modules(compiler: Compiler, python: Path) -> str:
    """Compile what the Python modules are made of, for Windows, without linking it."""
    includes = [pybind11.get_include(), python / "PC", python / "Include"]
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
    files = ["csrc/bindings.cpp", "csrc/passes/bindings.cpp", "csrc/passes/maps.cpp"]
    for file in files:
        words = [word for folder in includes for word in ("-isystem", folder)]
        command = [
            MINGW,
            "-std=c++17",
            "-O2",
            *warnings,
            *words,
            "-I",
            ROOT / "csrc",
            "-c",
            ROOT / file,
            "-o",
            "/dev/null",
        ]
        run(*compiler.command(*command), stderr=subprocess.STDOUT)
    return f", {len(files)} files of the Python modules compile"


def check(
    compiler: Compiler, calls: list[Call], expected: list[Result] | None, python: Path | None, run_it: bool
) -> list[Result]:
    """Build, test and compare; print a line. The end of the program where anything is wrong."""
    begun = perf_counter()
    folder, windows = build(compiler), compiler.name == "mingw"
    done, found = f"{compiler.label}: builds without warnings", []
    if windows and python is not None and compiler.root == Path("/"):
        done += build_windows_modules(compiler, python)
    if not run_it:
        done += "; not run"
    elif windows and (wine() is None or compiler.root != Path("/")):
        done += "; NOT RUN: Wine is not installed" if wine() is None else "; not run: it needs the first root's Wine"
    else:
        run(*compiler.command("ctest", "--test-dir", folder, "--output-on-failure"), stderr=subprocess.STDOUT)
        program: list[object] = [folder / "tests" / "csrc" / f"pydream_calls{'.exe' if windows else ''}"]
        found = results([wine(), *program] if windows else compiler.command(*program), calls)
        done += ", the tests pass"
        if expected is not None:
            done += f"; {compare(compiler.label, calls, found, expected)}"
    print(f"{done} ({perf_counter() - begun:.0f} s)", flush=True)
    return found


def main() -> None:
    """Compare the compilers that are named, or all that are here."""
    parser = argparse.ArgumentParser(description="Build and test the C++ core by every compiler that is here.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; all by default")
    parser.add_argument("--root", action="append", type=Path, default=[], help="another Debian's folder")
    parser.add_argument("--build-only", action="store_true", help="run no tests, which takes most of the time")
    parser.add_argument("--windows-python", type=Path, help="Python's sources, for the headers of Windows")
    given = parser.parse_args()
    for name in given.names:
        if name not in NAMES:
            parser.error(f"'{name}' is none of {', '.join(NAMES)}")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    os.environ["WINEDEBUG"] = "-all"
    calls, expected = list(hard_calls()), None
    for name in given.names or NAMES:
        found = [each for each in (Compiler(name, root) for root in (Path("/"), *given.root)) if each.is_here]
        for compiler in found[: None if name == "mingw" else 1]:
            expected = check(compiler, calls, expected, given.windows_python, not given.build_only) or expected
        if not found:
            print(f"{name}: NOT PROVEN HERE: it is not installed", flush=True)


if __name__ == "__main__":
    main()
