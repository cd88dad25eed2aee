#!/usr/bin/env bash
# The site, in build/site: `pip install -e '.[docs]'`, then `bash docs/build.sh`. Warnings are errors. What is given goes
# to sphinx-build: `-D plot_gallery=0` makes no pictures.
set -euo pipefail
cd "$(dirname "$0")/.."
python -m sphinx -W --keep-going -q -c docs -d build/site.doctrees "$@" . build/site
cp build/site/README.html build/site/index.html  # what a server shows of a folder
ls build/site/index.html
