#!/usr/bin/env bash
# Lays out each function's package in build/functions/<name>: our code,
# what functions share and the pinned Redis client.
# Beside it stands the same as <name>.zip, which is deployed: CDK hashes and copies one file, not all.
# Plain files without times, caches or machine's traces: the same bytes on every machine, no Docker.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
mkdir -p build
work=$(mktemp -d build/.functions.XXXXXX)
trap 'rm -rf "$work"' EXIT

"$python" -m pip install -qq --disable-pip-version-check --no-deps --no-compile \
  --require-hashes --requirement lambda/requirements.txt --target "$work/libraries"
# Of a package's metadata only the licence stays: the rest says how and where it was installed.
find "$work/libraries" -path '*.dist-info/*' -type f ! -ipath '*license*' -delete
find "$work/libraries" -type d -empty -delete

for function in events health recovery reviews rotation; do
  mkdir -p "$work/functions/$function"
  cp -r lambda/shared "lambda/$function" "$work/functions/$function/"
  # Whoever never logs in to Redis carries no client of it.
  [[ " events reviews " == *" $function "* ]] || cp -r "$work/libraries/." "$work/functions/$function/"
done
cp -r drawing "$work/functions/reviews/" # their pages
find "$work/functions" -name __pycache__ -prune -exec rm -rf {} +
"$python" -m tools.pack "$work/functions"
# Two renames, since a folder is not renamed over another: who reads it never finds half of one.
[ ! -e build/functions ] || mv build/functions "$work/old"
mv "$work/functions" build/functions
