#!/usr/bin/env bash
# Synthesise into cdk.out, or leave the last good one alone and say only what is wrong.
# usage: tools/synth.sh CDK-COMMAND…
set -euo pipefail
work=$(mktemp -d cdk.out.XXXXXX)
trap 'rm -rf "$work"' EXIT
if ! "$@" synth --quiet --output "$work/out" >"$work/log" 2>&1; then
  # Warnings come with the table after a synth that succeeds.
  grep -v 'Subprocess exited with error' "$work/log" |
    awk 'BEGIN { RS = ""; ORS = "\n\n" } !/^WARNING/' >&2
  exit 1
fi
[ ! -e cdk.out ] || mv cdk.out "$work/old"
mv "$work/out" cdk.out
