#!/usr/bin/env bash
# The tests with the oldest and with the newest versions of all packages that pyproject.toml allows, extras included; the
# tests' own tools are the newest in both:
#
#     bash tests/tools/canary.sh [--prepare] [oldest|newest ...] [-- options of pytest, or tests in place of all]
#
# PYTHON_OLDEST (python3.11) and PYTHON_NEWEST (python3) choose the interpreters. Each has an environment and a copy of the
# checkout, changes that are not committed included, in build/canary; `--prepare` ends there.
set -euo pipefail
cd "$(dirname "$0")/../.."

prepare=false
[ "${1:-}" = --prepare ] && { prepare=true; shift; }
names=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do names+=("$1"); shift; done
[ $# -gt 0 ] && shift
[ ${#names[@]} -gt 0 ] || names=(oldest newest)

PYDREAM_SHARED=$(realpath --canonicalize-missing "${PYDREAM_SHARED:-../shared}")
export PYDREAM_SHARED UV_PYTHON_DOWNLOADS=never
unset PYTHONPATH
here="$PWD/build/canary"
extras=(--extra dask --extra flow --extra heif --extra notebook --extra plot)
mkdir -p "$here"
if ! uv="$(command -v uv)"; then
    uv="$here/tools/bin/uv"
    [ -x "$uv" ] || { python3 -m venv "$here/tools" && "$here/tools/bin/pip" install --quiet uv; }
fi

# The checkout's files, the versions, the environment.
make_ready() { # NAME RESOLUTION PYTHON
    local place="$here/$1" resolution="$2" python="$3"
    mkdir -p "$place/checkout"
    git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --update --target-directory "$place/checkout"
    "$uv" venv --quiet --allow-existing --python "$python" "$place/venv"
    export VIRTUAL_ENV="$place/venv"
    "$uv" pip compile --quiet --no-header --no-annotate --resolution "$resolution" "${extras[@]}" pyproject.toml \
        --output-file "$place/versions.txt" >/dev/null
    (cd "$place/checkout" && "$uv" pip install --quiet --constraint "$place/versions.txt" --editable '.[test]')
    "$uv" pip check
}

failed=()
for name in "${names[@]}"; do
    case "$name" in
        oldest) resolution=lowest-direct python="${PYTHON_OLDEST:-python3.11}" ;;
        newest) resolution=highest python="${PYTHON_NEWEST:-python3}" ;;
        *) echo "$name: oldest or newest is wanted" >&2; exit 2 ;;
    esac
    printf '\n=== %s\n' "$name, $("$python" --version)"
    make_ready "$name" "$resolution" "$python"
    cat "$here/$name/versions.txt"
    $prepare && continue
    # The notebooks take minutes, and use nothing that the other tests do not.
    (cd "$here/$name/checkout" && PATH="$here/$name/venv/bin:$PATH" python -m pytest --numprocesses 2 --dist loadfile \
        --ignore tests/house/test_notebooks.py "$@") || failed+=("$name")
done
[ ${#failed[@]} -eq 0 ] || { echo "failed with the versions: ${failed[*]}" >&2; exit 1; }
