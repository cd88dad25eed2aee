#!/usr/bin/env bash
# The tests of csrc/, and whether they take each of its branches: `bash tests/tools/coverage.sh`, in the environment of
# tests/run.sh. The modules for Python count too, in the tests of what they do. Without GCC, the C++ tests alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -d .venv/bin ] && export PATH="$PWD/.venv/bin:$PATH"
build=build/branches

if ! "${CXX:-c++}" --version | grep -q 'Free Software Foundation'; then
  echo "NOT PROVEN HERE: the branches of csrc/, which GCC counts"
  cmake -S . -B "$build" -G Ninja -DPYDREAM_WERROR=ON
  cmake --build "$build"
  exec ctest --test-dir "$build" --output-on-failure
fi
cmake -S . -B "$build" -G Ninja -DPYDREAM_COVERAGE=ON -DPYDREAM_WERROR=ON -DPYDREAM_PYTHON=ON \
  -DPython_EXECUTABLE="$(command -v python)" -Dpybind11_DIR="$(python -c 'import pybind11; print(pybind11.get_cmake_dir())')"
cmake --build "$build"
find "$build" -name '*.gcda' -delete
ctest --test-dir "$build" --output-on-failure
bash tests/tools/package.sh "$build"
PYTHONPATH="$PWD/$build/package" python -P -m pytest -q -p no:cacheprovider \
  tests/imageops/test_{arguments,backends,tensor_memory,threads}.py tests/runtime/test_{kernels,maps}.py
python tests/tools/branches.py "$build"
