"""Builds the C++ image core with CMake, and packs models/ and our pictures into the wheel; see also pyproject.toml."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
SHARED = [  # what the package finds beside itself in a checkout, and inside itself where it is installed
    *[f"models/*/{name}" for name in ("README.md", "LICENSE", "deploy.prototxt", "*.caffemodel")],
    "examples/*.jpg",
]


def tool(name: str) -> str:
    """Return the path of cmake or ninja: PyPI's, which need not be on PATH, or else the system's."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    with contextlib.suppress(ImportError):
        import ninja

        places.insert(0, ninja.BIN_DIR)
    with contextlib.suppress(ImportError):
        import cmake

        places.insert(0, cmake.CMAKE_BIN_DIR)
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise RuntimeError(f"{name}: not found; run `pip install {name}`")
    return found


class CMakeBuild(build_ext):
    """Compiles the targets `_native` and `_kernels` of CMakeLists.txt to where setuptools wants the extensions."""

    def build_extensions(self) -> None:
        """Configure afresh, once: the cache of an earlier build names tools of an environment that is gone."""
        import pybind11

        targets = {ext.name: Path(self.get_ext_fullpath(ext.name)).resolve() for ext in self.extensions}
        (packages,) = {target.parents[name.count(".")] for name, target in targets.items()}
        build = Path(self.build_temp).resolve() / "cmake"
        shutil.rmtree(build, ignore_errors=True)
        config = "Debug" if self.debug else "Release"
        options = {
            "CMAKE_BUILD_TYPE": config,
            "PYDREAM_PACKAGES": packages.as_posix(),
            "PYDREAM_PYTHON": "ON",
            "PYDREAM_TESTS": "OFF",
            "Python_EXECUTABLE": sys.executable,
            "pybind11_DIR": pybind11.get_cmake_dir(),
        }
        generator = []  # Windows: CMake finds Visual Studio by itself, and Ninja would not
        if os.name != "nt":
            generator = ["-G", "Ninja"]
            options["CMAKE_MAKE_PROGRAM"] = tool("ninja")
        cmake = tool("cmake")
        definitions = [f"-D{name}={value}" for name, value in options.items()]
        subprocess.run([cmake, "-S", str(HERE), "-B", str(build), *generator, *definitions], check=True)
        modules = [name.rpartition(".")[2] for name in targets]
        subprocess.run([cmake, "--build", str(build), "--config", config, "--target", *modules], check=True)
        for target in targets.values():
            if not target.exists():
                raise RuntimeError(f"{target}: not built; CMake found another Python than {sys.executable}")


class BuildWithShared(build_py):
    """Copies models/NAME/ to pydream/models/NAME/, and so on; an editable install finds it beside the package."""

    def run(self) -> None:
        """Copy the packages, then what is shared."""
        super().run()
        if not self.editable_mode:
            for source, target in self._shared().items():
                target.parent.mkdir(parents=True, exist_ok=True)
                self.copy_file(str(source), str(target))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Name these too among the files that `run` writes."""
        return [*super().get_outputs(include_bytecode), *map(str, self._shared().values())]

    def _shared(self) -> dict[Path, Path]:
        sources = [path for pattern in SHARED for path in sorted(Path().glob(pattern))]
        return {path: Path(self.build_lib, "pydream") / path for path in sources}


setup(
    packages=find_packages(include=["pydream", "pydream.*"]),
    package_data={
        "pydream": [
            "py.typed",
            "**/*.pyi",
            "**/*.css",
            "**/*.js",
            "**/*.html",
            "**/*.svg",
            "**/*.webmanifest",
            "reproduce/known.json",
            "testing/golden.npz",
            "testing/vectors.schema.json",
            "dream/labels/*",
        ]
    },
    ext_modules=[
        Extension(f"pydream.{name}", sources=[]) for name in ("imageops._native", "runtime.on_native._kernels")
    ],
    cmdclass={"build_ext": CMakeBuild, "build_py": BuildWithShared},
)
