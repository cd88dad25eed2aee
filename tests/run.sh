#!/usr/bin/env bash
# Everything that a change must pass, set-up included: `bash tests/run.sh`. PYTHON chooses the interpreter. With names of
# parts (lint, core, sanitized, site, readers, python) it runs only these: `bash tests/run.sh python`.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv
bin=$venv/bin
case ${OSTYPE:-} in msys* | cygwin*) bin=$venv/Scripts ;; esac
parts=" ${*:-lint core sanitized site readers python} "
for part in $parts; do
    case $part in
        lint | core | sanitized | site | readers | python) ;;
        *) echo "$part: no part of this script" >&2; exit 2 ;;
    esac
done

say() { printf '\n=== %s\n' "$*"; }
wanted() { [[ $parts == *" $1 "* ]]; }

say "install into $venv"
[ -x "$bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$bin/python" -m pip install --quiet --editable '.[test]'
export PATH="$PWD/$bin:$PATH"

if wanted lint; then
    say "lint and types"
    ruff check .
    ruff format --check .
    python tests/tools/english.py
    mypy
fi

if wanted core; then
    say "the C++ core: tests, and whether they take each branch"
    bash tests/tools/coverage.sh
fi

if wanted sanitized; then
    say "the C++ core: tests with AddressSanitizer and UndefinedBehaviorSanitizer"
    cmake -S . -B build/sanitized -G Ninja -DPYDREAM_SANITIZE=ON -DPYDREAM_WERROR=ON
    cmake --build build/sanitized
    ctest --test-dir build/sanitized --output-on-failure
fi

if wanted site; then
    say "the site"
    bash docs/build.sh
fi

# Tests of the Python code run a file at a time in each of two processes: those of the packages that read files from
# strangers, whose branches are counted, and the others. Folders with the longest files come first.
together=(python -m pytest --numprocesses 2 --dist loadfile --doctest-modules)
packages=(pydream/formats pydream/media pydream/record pydream/zoo)
readers=(tests/zoo tests/formats tests/fuzz tests/media tests/record tests/caffe tests/test_reads.py tests/test_files.py)

if wanted readers; then
    say "Python: the readers of files, and whether their tests take their branches"
    "${together[@]}" --no-loadscope-reorder --cov --cov-report= --cov-fail-under=0 "${readers[@]}" "${packages[@]}"
    few=()
    for package in "${packages[@]}"; do
        say "branches of $package"
        python -m coverage report --include="$package/*" || few+=("$package")
    done
    [ ${#few[@]} -eq 0 ] || { echo "too few branches (fail_under in pyproject.toml): ${few[*]}" >&2; exit 1; }
fi

if wanted python; then
    say "Python: unit, golden, process and documentation tests"
    ignored=("${readers[@]/#/--ignore=}" "${packages[@]/#/--ignore=}")
    "${together[@]}" "${ignored[@]}" pydream tests
fi
