#!/usr/bin/env bash
# Make .venv with a fitting Python and install exactly what the lock says. Arguments: a Python or "", the lock file.
set -eu
# A .venv that is active now is about to be removed, so its Python can't make the next one.
PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v '\.venv/bin' | paste -sd: -)
if [ "$(uname -sm)" = "Darwin x86_64" ]; then
  echo "error: TensorFlow is no longer built for Macs with an Intel processor. Use Linux or a Mac with Apple silicon." >&2
  exit 1
fi
wanted=$1
lock=$2
python=""
for candidate in $wanted ${wanted:+--} python3 python3.13 python3.12 python3.11; do
  # With a Python asked for by name, no other will do.
  if [ "$candidate" = "--" ]; then break; fi
  if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "error: no Python 3.11 to 3.13 with venv found${wanted:+ at $wanted}. Install one, or name it: make PYTHON=/path/to/python3.12" >&2
  exit 1
fi
echo "setup: $("$python" --version) from $lock"
rm -rf .venv
"$python" -m venv .venv
# The Makefile reads it: later targets keep the CUDA libraries without being told again, also after a broken download.
case $lock in *-gpu.lock) echo 1 >.venv/gpu ;; esac
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock"
# Imports of uncompiled packages take three times as long, and some machines never write byte code by themselves.
.venv/bin/python -m compileall -q -j 2 .venv pipeline features bench || true
