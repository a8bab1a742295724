#!/usr/bin/env bash
# The demo: claimd on a memif port, claimgen on its other end, every verdict checked by an oracle.
# usage: demo.sh BUILD_DIR [--seed N] [--channels N] [--claims N] [OPTIONS of claimgen run…]
#        (started by ./dev demo, and smaller by ./dev test)
#
# Everything lives in a private folder that is removed at the end; claimd is ended by its pid in
# every way out. The exit code is the oracle's: 0 only if every claim got a permitted verdict, every
# channel ended at its exact amount, and claimd's own counters balance.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:?usage: demo.sh BUILD_DIR [--seed N] [--channels N] [--claims N]}
shift
# shellcheck source=tests/demo/accounts.sh
source "$root/tests/demo/accounts.sh"

seed=1
channels=10000
claims=200000
claimgen_options=()
# Both programs must be told of these; the rest is for claimgen alone.
while [[ $# -gt 0 ]]; do
  case $1 in
    --seed | --channels | --claims)
      if [[ ! ${2:-} =~ ^[1-9][0-9]{0,8}$ ]]; then
        printf 'demo: %s wants a whole number above 0\n' "$1" >&2
        exit 2
      fi
      declare "${1#--}=$2"
      shift
      ;;
    -h | --help)
      printf 'usage: ./dev demo [--seed N] [--channels N] [--claims N] [OPTIONS of claimgen run…]\n'
      exit
      ;;
    *) claimgen_options+=("$1") ;;
  esac
  shift
done
ready_within_s=120 # a machine that is busy building takes its time

run_dir=$(mktemp -d "${TMPDIR:-/tmp}/claimgate-demo.XXXXXX")
admin_socket=$run_dir/claimd.sock
memif_socket=$run_dir/memif.sock
memif=socket-abstract=no,id=0,rsize=11,bsize=2048
claimd_pid=''
claimgen_pid=''

# TERM lets a program stop cleanly; one that does not within the grace is killed.
stop() {
  local pid=$1
  [[ -n $pid ]] || return 0
  kill -TERM "$pid" 2>/dev/null || return 0
  for _ in {1..200}; do
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
claimgen() { "$build/apps/claimgen/claimgen" "$@"; }

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

# claimd's worker polls on the last CPU we may use, claimgen sends from the first.
first_cpu=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*\([0-9]*\).*/\1/p' /proc/self/status)

printf 'demo: %s channels from seed %s\n' "$channels" "$seed"
claimgen channels --seed "$seed" --channels "$channels" --out "$run_dir/channels.json" ||
  failed 'claimgen could not write the channels'
payee=$(claimgen channels --seed "$seed" --print-destination) || failed 'claimgen names no payee'

printf 'demo: starting claimd on a memif port\n'
"$build/apps/claimd/claimd" --config "$root/dpdk-config/memif.toml" \
  --set "port.device=net_memif0,role=server,socket=$memif_socket,$memif" \
  --set "admin.socket=$admin_socket" \
  --set "node.state_dir=$run_dir/state" --set durability.segment_mib=8 \
  --set "eal.file_prefix=demo$$" \
  --set "channels.capacity=$((2 * channels))" \
  --set "channels.destinations=$payee" \
  --set "metrics.listen=127.0.0.1:$metrics_port" \
  </dev/null >"$run_dir/claimd.log" 2>&1 &
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

# In the background, so that a signal reaches this shell at once; the terminal stays claimgen's.
"$build/apps/claimgen/claimgen" run --seed "$seed" --channels "$channels" --claims "$claims" \
  --final "$run_dir/finals.jsonl" --lcore "$first_cpu" \
  --device "net_memif0,role=client,zero-copy=yes,socket=$memif_socket,$memif" "${claimgen_options[@]}" &
claimgen_pid=$!
oracle=0
wait "$claimgen_pid" || oracle=$?
claimgen_pid=''
# 0 and 1 are the oracle's; with another code it has judged nothing, and claimgen has said why.
if [[ $oracle -gt 1 ]]; then
  printf 'demo: claimgen ended with exit code %s\n' "$oracle" >&2
  exit "$oracle"
fi

claimctl channels list --json >"$run_dir/channels.jsonl" || failed 'claimctl could not list the channels'
if [[ $oracle -eq 0 ]]; then
  claimgen check-amounts --final "$run_dir/finals.jsonl" --list "$run_dir/channels.jsonl" || oracle=$?
fi

printf '\n'
accounts=0
check_accounts claimctl stats --json || accounts=$?

printf '\ndemo: one channel, as claimctl shows it\n'
one=$(jq -rn 'input | .channel_id' "$run_dir/channels.jsonl")
claimctl channels show "$one" || failed 'claimctl could not show a channel'

printf '\ndemo: from http://127.0.0.1:%s/metrics\n' "$metrics_port"
curl --silent --show-error --fail --noproxy '*' "http://127.0.0.1:$metrics_port/metrics" >"$run_dir/metrics" ||
  failed '/metrics did not answer'
grep -m 16 -E '^claimgate_(build_info|claims_verdicts_total|datagrams_received_total)' "$run_dir/metrics" ||
  failed '/metrics names no verdict'

if [[ $oracle -ne 0 ]]; then
  printf '\ndemo: the oracle disagrees (exit code %s)\n' "$oracle" >&2
  exit "$oracle"
fi
[[ $accounts -eq 0 ]] || failed 'the counters do not add up'
printf '\ndemo: every verdict permitted, every channel at its exact amount, every frame accounted for\n'
