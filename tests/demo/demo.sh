#!/usr/bin/env bash
# The demo: claimd on a memif port, claimgen on its other end, every verdict checked by an oracle.
# usage: demo.sh BUILD_DIR [CLAIMGEN_OPTIONS…]   (started by ./dev demo)
#
# Everything lives in a private folder that is removed at the end; claimd is ended by its pid in
# every way out. The exit code is the oracle's: 0 only if every claim got a permitted verdict and
# every channel ended at its exact amount.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:?usage: demo.sh BUILD_DIR}
shift

seed=1
channels=10000
claims=200000
ready_within_s=20

run_dir=$(mktemp -d "${TMPDIR:-/tmp}/claimgate-demo.XXXXXX")
admin_socket=$run_dir/claimd.sock
memif_socket=$run_dir/memif.sock
claimd_pid=''
claimgen_pid=''

# TERM lets a program stop cleanly; one that does not within the grace is killed.
stop() {
  local pid=$1
  [[ -n $pid ]] || return 0
  kill -TERM "$pid" 2>/dev/null || return 0
  for _ in {1..50}; do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

clean_up() {
  local rc=$?
  trap '' EXIT INT TERM
  stop "$claimgen_pid"
  stop "$claimd_pid"
  rm -rf "$run_dir"
  exit "$rc"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

claimctl() { "$build/apps/claimctl/claimctl" --socket "$admin_socket" "$@"; }

failed() {
  printf 'demo: %s\n' "$1" >&2
  if [[ -s $run_dir/claimd.log ]]; then
    printf 'demo: the last lines of claimd:\n' >&2
    tail -n 20 "$run_dir/claimd.log" >&2
  fi
  exit 1
}

free_tcp_port() {
  local port
  for port in $(shuf -i 20000-40000 -n 50); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port" && return; }
  done
  return 1
}
metrics_port=$(free_tcp_port) || failed 'no free TCP port on loopback'

printf 'demo: %s channels from seed %s\n' "$channels" "$seed"
"$build/apps/claimgen/claimgen" channels --seed "$seed" --count "$channels" \
  --out "$run_dir/channels.json" || failed 'claimgen could not write the channels'

printf 'demo: starting claimd on a memif port\n'
"$build/apps/claimd/claimd" --config "$root/dpdk-config/memif.toml" \
  --set "port.device=net_memif0,role=server,socket=$memif_socket,socket-abstract=no,id=0,rsize=11,bsize=2048" \
  --set "admin.socket=$admin_socket" \
  --set "node.state_dir=$run_dir" \
  --set "eal.file_prefix=demo$$" \
  --set "metrics.listen=127.0.0.1:$metrics_port" \
  >"$run_dir/claimd.log" 2>&1 &
claimd_pid=$!

ready=0
for ((i = 0; i < ready_within_s * 10; i++)); do
  if [[ -S $admin_socket ]] && claimctl stats >/dev/null 2>&1; then
    ready=1
    break
  fi
  kill -0 "$claimd_pid" 2>/dev/null || failed 'claimd ended before it was ready'
  sleep 0.1
done
[[ $ready -eq 1 ]] || failed "claimd was not ready within $ready_within_s s"

claimctl channels import "$run_dir/channels.json" || failed 'the import was refused'

# In the background with the terminal's output, so that a signal reaches this shell at once.
"$build/apps/claimgen/claimgen" run --channels-seed "$seed" --count "$channels" --claims "$claims" \
  --port "net_memif0,role=client,zero-copy=yes,socket=$memif_socket,socket-abstract=no,id=0,rsize=11,bsize=2048" \
  "$@" &
claimgen_pid=$!
oracle=0
wait "$claimgen_pid" || oracle=$?
claimgen_pid=''

printf '\ndemo: one channel, as claimctl shows it\n'
first=$(claimctl channels list --json | jq -r 'limit(1; .. | .channel_id? // empty)' || true)
[[ -n $first ]] || failed 'claimctl lists no channel'
claimctl channels show "$first"

printf '\ndemo: from http://127.0.0.1:%s/metrics\n' "$metrics_port"
curl --silent --show-error --fail --noproxy '*' "http://127.0.0.1:$metrics_port/metrics" >"$run_dir/metrics" ||
  failed '/metrics did not answer'
grep -E '^claimgate_(claims_verdicts_total|datagrams_received_total|build_info)' "$run_dir/metrics" | head -n 16 || failed '/metrics names no verdict'

if [[ $oracle -ne 0 ]]; then
  printf '\ndemo: the oracle disagrees (exit code %s)\n' "$oracle" >&2
  exit "$oracle"
fi
printf '\ndemo: every verdict permitted, every channel at its exact amount\n'
