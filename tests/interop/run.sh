#!/usr/bin/env bash
# The interop test: xrpl.js over an ordinary UDP socket, through a tap or a veth, to the real claimd,
# and what claimctl exports of it back through xrpl.js.
# usage: run.sh BUILD_DIR tap|af_packet
#
# Everything happens in a network namespace of this test's own. Exit code 77 and a line
# "NOT RUN: ..." where the machine lacks what is needed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:?usage: run.sh BUILD_DIR tap|af_packet}
kind=${2:?usage: run.sh BUILD_DIR tap|af_packet}
name=interop-$kind
# shellcheck source=tests/demo/accounts.sh
source "$root/tests/demo/accounts.sh"
# shellcheck source=tests/interop/modules.sh
source "$root/tests/interop/modules.sh"

not_run() {
  printf 'NOT RUN: %s: %s\n' "$name" "$1"
  exit 77
}
failed() {
  printf '%s: %s\n' "$name" "$1" >&2
  if [[ -s $run_dir/claimd.log ]]; then tail -n 30 "$run_dir/claimd.log" >&2; fi
  exit 1
}

[[ $(id -u) -eq 0 ]] || not_run 'network namespaces need root'
command -v jq >/dev/null || not_run 'jq is missing'
command -v ping >/dev/null || not_run 'ping (iputils-ping) is missing'
command -v ip >/dev/null || not_run 'ip (iproute2) is missing'
[[ $kind != af_packet ]] || command -v ethtool >/dev/null || not_run 'ethtool is missing'
[[ $kind != tap || -c /dev/net/tun ]] || not_run '/dev/net/tun is missing'

modules=$build/interop
why=$(install_modules "$root" "$build") || not_run "$why"

run_dir=$(mktemp -d "${TMPDIR:-/tmp}/claimgate-interop.XXXXXX")
namespace=claimgate-$$
claimd_pid=''
clean_up() {
  local rc=$?
  trap '' EXIT INT TERM
  if [[ -n $claimd_pid ]] && kill -TERM "$claimd_pid" 2>/dev/null; then
    for _ in {1..200}; do
      kill -0 "$claimd_pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$claimd_pid" 2>/dev/null || true
    wait "$claimd_pid" 2>/dev/null || true
  fi
  ip netns del "$namespace" 2>/dev/null || true
  rm -rf "$run_dir"
  exit "$rc"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

ip netns add "$namespace" 2>"$run_dir/ip.log" || not_run "no network namespace: $(cat "$run_dir/ip.log")"
inside() { ip netns exec "$namespace" "$@"; }
# Where / is no mount point (a plain chroot), ip enters no namespace.
inside true 2>"$run_dir/ip.log" || not_run "no way into a network namespace: $(cat "$run_dir/ip.log")"
inside ip link set lo up

case $kind in
  tap)
    client_side=cgtap0
    device="net_tap0,iface=$client_side"
    ;;
  af_packet)
    client_side=cgclient0
    inside ip link add "$client_side" type veth peer name cgport0 ||
      not_run 'veth interfaces cannot be made'
    # A veth leaves checksums to a NIC that is not there.
    inside ethtool -K "$client_side" tx off >/dev/null 2>&1 || not_run 'ethtool cannot turn tx off'
    inside ip link set cgport0 up
    device="net_af_packet0,iface=cgport0,blocksz=4096,framesz=2048,framecnt=4096,qdisc_bypass=1"
    ;;
  *) failed "there is no kind '$kind'" ;;
esac

payee=$(node "$modules/client.mjs" channels "$run_dir/channels.json")
vectors_payee=$(grep -o '"destination_account": "[^"]*"' "$root/tests/vectors/account_channels.json" |
  head -n 1 | cut -d'"' -f4)

# Not through a function: $! must be claimd itself, not a subshell around it.
ip netns exec "$namespace" "$build/apps/claimd/claimd" --config "$root/dpdk-config/$kind.toml" \
  --set "port.device=$device" --set "eal.file_prefix=interop$$" --set worker.idle=yield \
  --set "port.addresses=[\"10.93.0.1/24\", \"fd00:93::1/64\"]" \
  --set "channels.destinations=[\"$payee\", \"$vectors_payee\"]" --set channels.capacity=10000 \
  --set "node.state_dir=$run_dir/state" --set durability.segment_mib=8 \
  --set "admin.socket=$run_dir/admin.sock" \
  --set metrics.listen= >"$run_dir/claimd.log" 2>&1 &
claimd_pid=$!
claimctl() { "$build/apps/claimctl/claimctl" --socket "$run_dir/admin.sock" "$@"; }
ready=0
for _ in {1..900}; do
  claimctl stats >/dev/null 2>&1 && ready=1 && break
  kill -0 "$claimd_pid" 2>/dev/null || failed 'claimd ended before it was ready'
  sleep 0.1
done
[[ $ready -eq 1 ]] || failed 'claimd was not ready within 90 s'

inside ip link set "$client_side" up
inside ip addr add 10.93.0.2/24 dev "$client_side"
inside ip -6 addr add fd00:93::2/64 dev "$client_side" nodad

claimctl channels import "$run_dir/channels.json" || failed 'the channels of xrpl.js were refused'
claimctl channels import "$root/tests/vectors/account_channels.json" || failed 'the channels of the vectors were refused'

inside node "$modules/client.mjs" send 10.93.0.1 fd00:93::1 || failed 'a verdict is wrong'
inside node "$modules/client.mjs" vectors "$root/tests/vectors/xrpl-claims.json" 10.93.0.1 ||
  failed 'a vector got a wrong verdict'
inside ping -c 1 -W 2 10.93.0.1 >/dev/null || failed 'no answer to an echo request'
inside ping -c 1 -W 2 fd00:93::1 >/dev/null || failed 'no answer to an ICMPv6 echo request'
# 4 payers of client.mjs and the 20 vectors.
node "$modules/redeem.mjs" "$build/apps/claimctl/claimctl" "$run_dir/admin.sock" \
  "$root/tests/vectors/xrpl-claims.json" 24 || failed 'xrpl.js does not take an exported claim'
check_accounts claimctl stats --json || failed 'the counters do not add up'
printf '%s: all verdicts right, every exported claim redeemable\n' "$name"
