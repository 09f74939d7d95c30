#!/usr/bin/env bash
# Makes an environment beside the project's own, from a folder's requirements.txt and constraints.txt.
# usage: tools/setup_venv.sh PYTHON VENV FOLDER WHAT
set -euo pipefail
python=$1 venv=$2 folder=$3 what=$4

[ -x "$venv/bin/python" ] || { echo "setup: making $venv"; "$python" -m venv "$venv"; }
echo "setup: installing $what (about 20 seconds the first time)"
"$venv/bin/python" -m pip install -qq --disable-pip-version-check \
  --constraint "$folder/constraints.txt" --requirement "$folder/requirements.txt"
