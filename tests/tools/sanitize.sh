#!/usr/bin/env bash
# The C++ core and the Python module under sanitizers: `bash tests/tools/sanitize.sh`, and `bash tests/tools/sanitize.sh thread`.
# With g++, in the environment of tests/run.sh. The first runs all C++ tests and those of imageops and of the kernels,
# the second likewise, with several threads.
set -euo pipefail
cd "$(dirname "$0")/../.."
kind=${1:-address}
[ "$kind" = thread ] && option=thread || option=ON
build=build/python-$kind
[ -d .venv/bin ] && export PATH="$PWD/.venv/bin:$PATH"

cmake -S . -B "$build" -G Ninja -DPYDREAM_SANITIZE=$option -DPYDREAM_WERROR=ON -DPYDREAM_PYTHON=ON \
  -DPython_EXECUTABLE="$(command -v python)" -Dpybind11_DIR="$(python -c 'import pybind11; print(pybind11.get_cmake_dir())')"
cmake --build "$build"
ctest --test-dir "$build" --output-on-failure

bash tests/tools/package.sh "$build"  # Python itself is not instrumented
libraries=$(for name in $([ "$kind" = thread ] && echo tsan || echo asan ubsan); do g++ -print-file-name=lib$name.so; done)
export LD_PRELOAD="${libraries//$'\n'/:}" PYTHONPATH="$PWD/$build/package" PYDREAM_NUM_THREADS=4
# CPython leaks by design; some tests ask for more memory than there is, and want a MemoryError.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 TSAN_OPTIONS=halt_on_error=1:allocator_may_return_null=1
python -P -c 'import pydream.imageops.native_ops as ops; print(ops._native.__file__)'
python -P -m pytest -q -p no:cacheprovider tests/imageops
# The pool asks by an operator new that throws, which sanitizers do not: they end the process.
python -P -m pytest -q -p no:cacheprovider tests/runtime/test_{kernels,maps}.py -k "not memory_is_an_error"
