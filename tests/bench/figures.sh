#!/usr/bin/env bash
# Runs a benchmark as small as it gets and looks whether every figure that bench/README.md speaks of
# is there. What the figures are is no matter here. usage: figures.sh EXECUTABLE CASES [OPTION...]
# CASES: one name of a case per line; a goal behind a tab, where it has one; "? " before what only
# some CPUs have. The benchmark runs in a folder of its own, which it must leave as it was. What it
# says is left out here is NOT RUN.
set -euo pipefail
executable=$(realpath "$1") cases=$2
shift 2

scratch=$(mktemp -d "${TMPDIR:-/tmp}/claimgate-figures-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
(cd "$scratch" && TMPDIR=$scratch "$executable" --json "$@" >out)
grep '^{' "$scratch/out" >"$scratch/lines"

left_out=$(jq -r 'select(.warning != null) | .warning | select(startswith("left out: "))' \
  "$scratch/lines")
[[ -z $left_out ]] || {
  echo "NOT RUN: $(basename "$executable"): ${left_out#left out: }"
  exit 77
}
jq -es 'all(.[]; (.case == null) or (.low <= .value and .value <= .high and .repeats >= 1))' \
  "$scratch/lines" >/dev/null || {
  echo 'a median lies outside of its interval' >&2
  exit 1
}
jq -r 'select(.case != null)
       | .case + (if .goal == null then "" else "\t\(.goal * 1000 | round / 1000)" end)' \
  "$scratch/lines" >"$scratch/cases"
sed -n 's/^? //p' "$cases" >"$scratch/optional"
diff <(grep -v '^? ' "$cases") <(grep -vxFf "$scratch/optional" "$scratch/cases") || {
  echo "the figures (>) are not those of $cases (<)" >&2
  exit 1
}
left=$(find "$scratch" -mindepth 1 -maxdepth 1 -type d)
[[ -z $left ]] || {
  echo "left behind: $left" >&2
  exit 1
}
