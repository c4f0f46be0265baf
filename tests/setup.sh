#!/bin/sh
# Makes the Python environment from the locked requirements. Called by the Makefile; safe to repeat.
set -eu
venv=${1:-.venv}
python=${PYTHON:-python3}

fail() { echo "setup: $*" >&2; exit 1; }

command -v "$python" >/dev/null || fail "no $python on PATH: apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' ||
  fail "$("$python" --version) found, 3.11 to 3.14 needed: make PYTHON=python3.12 ..."
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  [ "$(id -u)" = 0 ] || fail "the venv module is missing: sudo apt-get install python3-venv"
  echo "setup: installing python3-venv"
  apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null || fail "apt-get could not install python3-venv"
fi

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
echo "setup: installing the locked requirements into $venv (about a minute the first time)"
"$venv/bin/python" -m pip install --quiet --require-hashes -r requirements/dev.txt
"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable .
touch "$venv/.ready"
