#!/usr/bin/env bash
# Copy the package to BUILD/package, with the modules that were built in BUILD: `bash tests/tools/package.sh BUILD`.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
rm -rf "$build/package"
mkdir "$build/package"
cp -r pydream "$build/package/"
rm -f "$build"/package/pydream/imageops/_native*.so "$build"/package/pydream/runtime/on_native/_kernels*.so
cp "$build"/_native*.so "$build/package/pydream/imageops/"
cp "$build"/_kernels*.so "$build/package/pydream/runtime/on_native/"
