#!/usr/bin/env bash
# What `meson install` leaves behind, in a folder of its own: everything an operator needs, in its
# place, and a service unit that names the installed claimd.
# usage: install.sh BUILD_DIR PREFIX BINDIR
set -euo pipefail

build=${1:?usage: install.sh BUILD_DIR PREFIX BINDIR}
prefix=${2:?usage: install.sh BUILD_DIR PREFIX BINDIR}
bindir=${3:?usage: install.sh BUILD_DIR PREFIX BINDIR}

place=$(mktemp -d "${TMPDIR:-/tmp}/claimgate-install.XXXXXX")
trap 'rm -rf "$place"' EXIT
trap 'exit 130' INT TERM

meson install -C "$build" --no-rebuild --destdir "$place" >"$place/log" 2>&1 || {
  cat "$place/log" >&2
  exit 1
}
installed=$place$prefix

failures=0
expect() {
  local what=$1
  shift
  "$@" && return
  printf 'install: %s: not so\n' "$what" >&2
  failures=$((failures + 1))
}

for program in claimd claimctl claimgen; do
  expect "$bindir/$program runs" grep -q "$program" <<<"$("$installed/$bindir/$program" --help 2>&1)"
done
for page in man1/claimctl.1 man1/claimgen.1 man8/claimd.8 man5/claimd.toml.5; do
  expect "share/man/$page is there" test -s "$installed/share/man/$page"
done
for profile in claimd memif generator vhost tap af_packet pcap bare-metal; do
  expect "$profile.toml is there" test -s "$installed/share/claimgate/dpdk-config/$profile.toml"
done
expect 'hugepages.sh may be run' test -x "$installed/share/claimgate/dpdk-config/hugepages.sh"
expect 'the alerting rules are there' \
  test -s "$installed/share/claimgate/prometheus/claimgate.rules.yml"
expect "Wireshark's dissector is there" \
  test -s "$installed/share/claimgate/wireshark/claimgate.lua"
unit=$installed/lib/systemd/system/claimd.service
expect 'the unit starts the installed claimd' \
  grep -q "^ExecStart=$prefix/$bindir/claimd --config /etc/claimgate/claimd.toml\$" "$unit"
expect 'nothing of the unit is left to fill in' test "$(grep -c '@[a-z]*@' "$unit")" = 0

[[ $failures -eq 0 ]] || exit 1
printf 'install: all in its place\n'
