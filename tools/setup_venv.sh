#!/usr/bin/env bash
# Makes an environment beside the project's own, from a folder's requirements.txt and constraints.txt.
# usage: tools/setup_venv.sh PYTHON VENV FOLDER WHAT
set -euo pipefail
python=$1 venv=$2 folder=$3 what=$4

[ -x "$venv/bin/python" ] || { echo "setup: making $venv"; "$python" -m venv --without-pip "$venv"; }
echo "setup: installing $what (some seconds the first time)"
tools/install.sh "$venv" "$folder/requirements.txt"
