#!/usr/bin/env bash
# Installs the pinned packages of a folder's requirements into an environment: by uv, in seconds, or
# by pip where uv can't. uv reads no setting of pip's: a mirror may be known to pip alone.
# usage: tools/install.sh VENV FOLDER/REQUIREMENTS.txt      (constraints.txt lies beside them)
set -euo pipefail
venv=$1 requirements=$2
constraints=$(dirname "$requirements")/constraints.txt

[ -x .venv/bin/uv ] \
  || .venv/bin/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt uv
.venv/bin/uv pip install --quiet --no-config --python "$venv/bin/python" \
  --constraint "$constraints" --requirement "$requirements" 2>/dev/null \
  || .venv/bin/python -m pip --python "$venv/bin/python" install -qq --disable-pip-version-check \
    --constraint "$constraints" --requirement "$requirements"
