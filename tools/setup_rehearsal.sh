#!/usr/bin/env bash
# Makes the environment of the rehearsal's embedded AWS, beside the project's own.
# usage: tools/setup_rehearsal.sh PYTHON VENV
set -euo pipefail
python=$1 venv=$2

[ -x "$venv/bin/python" ] || { echo "setup: making $venv"; "$python" -m venv "$venv"; }
echo "setup: installing the embedded AWS (about 20 seconds the first time)"
"$venv/bin/python" -m pip install -qq --disable-pip-version-check \
  --constraint rehearsal/constraints.txt --requirement rehearsal/requirements.txt
