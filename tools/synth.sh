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
# The CDK notes who reads an assembly: a deployment by hand (cdk deploy) would lose its files.
for lock in cdk.out/synth.lock cdk.out/read.*.lock; do
  if [ -e "$lock" ] && kill -0 "$(cat "$lock")" 2>/dev/null; then
    echo "synth: process $(cat "$lock") deploys from cdk.out, and a synth would take its files away." \
      "Run this again when that has ended. make deploy has a folder of its own." >&2
    exit 1
  fi
done
# Renamed, not moved: another synth that ends now must not get this one into its folder.
for _ in 1 2 3; do
  [ ! -e cdk.out ] || python3 -c 'import os, sys; os.rename(*sys.argv[1:])' cdk.out "$(mktemp -d "$work/old.XXXXXX")"
  if python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$work/out" cdk.out 2>/dev/null; then exit 0; fi
done
echo "synth: cdk.out is being written by another command. Run this again when that has ended." >&2
exit 1
