#!/usr/bin/env bash
# Everything that a change must pass, set-up included: `bash tests/run.sh`. PYTHON chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv

say() { printf '\n=== %s\n' "$*"; }

say "install into $venv"
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --editable '.[test]'
export PATH="$PWD/$venv/bin:$PATH"

say "lint and types"
ruff check .
ruff format --check .
python tests/tools/english.py
mypy

say "the C++ core: tests, and whether they take each branch"
bash tests/tools/coverage.sh

say "the C++ core: tests with AddressSanitizer and UndefinedBehaviorSanitizer"
cmake -S . -B build/sanitized -G Ninja -DPYDREAM_SANITIZE=ON -DPYDREAM_WERROR=ON
cmake --build build/sanitized
ctest --test-dir build/sanitized --output-on-failure

say "the site"
bash docs/build.sh

say "Python: unit, golden, process and documentation tests, a file at a time in each of two processes"
python -m pytest --numprocesses 2 --dist loadfile --doctest-modules pydream tests
