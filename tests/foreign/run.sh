#!/usr/bin/env bash
# Other people's programs replay what `claimgen pcap` wrote, to the real claimd: testpmd over memif
# and over vhost, tcpreplay over a veth pair, Pktgen over vhost where it is installed.
# usage: run.sh BUILD_DIR testpmd-memif|testpmd-vhost|tcpreplay|pktgen
#
# Nothing may be lost and every claim gets the verdict that the plan foresees. All of it is below
# capacity, however slow the machine: the DPDK programs send their datagrams (under 1000) as fast as
# the port takes them, fewer than a ring (memif 2048, vhost 1024) and worker.held_max (4096) hold;
# tcpreplay keeps the capture's times, 4000 claims/s.
#
# No huge pages: DPDK shares ordinary memory as well (memfd), so the test waits for nobody's.
# Exit code 77 and a line "NOT RUN: ..." where the machine lacks what is needed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:?usage: run.sh BUILD_DIR KIND}
kind=${2:?usage: run.sh BUILD_DIR KIND}
name=foreign-$kind
# shellcheck source=tests/demo/accounts.sh
source "$root/tests/demo/accounts.sh"

channels=200
claims=4000

not_run() {
  printf 'NOT RUN: %s: %s\n' "$name" "$1"
  exit 77
}
failed() {
  printf '%s: %s\n' "$name" "$1" >&2
  local log
  for log in "$run_dir"/*.log; do
    [[ ! -s $log ]] || { printf '%s: the last lines of %s:\n' "$name" "${log##*/}" && tail -n 30 "$log"; } >&2
  done
  exit 1
}
need() { command -v "$1" >/dev/null || not_run "$1 is missing (Debian: ${2:-$1})"; }

need jq
need tshark
case $kind in
  testpmd-memif | testpmd-vhost) need dpdk-testpmd dpdk-dev ;;
  pktgen)
    command -v pktgen >/dev/null || not_run 'Pktgen is not installed (no Debian package has it)'
    [[ $(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo) -ge 4096 ]] ||
      not_run 'Pktgen needs 4 GB of free memory'
    ;;
  tcpreplay)
    need tcpreplay
    need ip iproute2
    need ethtool
    [[ $(id -u) -eq 0 ]] || not_run 'network namespaces need root'
    ;;
  *)
    printf '%s: there is no such kind\n' "$name" >&2
    exit 2
    ;;
esac

run_dir=$(mktemp -d "${TMPDIR:-/tmp}/claimgate-foreign.XXXXXX")
namespace=''
declare -A pids=() # by program; ended by their pid on every way out

stop() {
  local pid=${pids[$1]:-}
  [[ -n $pid ]] || return 0
  unset "pids[$1]"
  kill -TERM "$pid" 2>/dev/null || true
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
  local program
  for program in "${!pids[@]}"; do [[ $program == claimd ]] || stop "$program"; done
  stop claimd
  [[ -z $namespace ]] || ip netns del "$namespace" 2>/dev/null || true
  rm -rf "$run_dir"
  exit "$rc"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
trap '' PIPE # a generator that ends early shall be reported, not end this script

claimctl() { "$build/apps/claimctl/claimctl" --socket "$run_dir/claimd.sock" "$@"; }
claimgen() { "$build/apps/claimgen/claimgen" "$@"; }
stats() { claimctl stats --json; }

# Waits until the command holds, at most $1 seconds.
within() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [[ $SECONDS -lt $deadline ]] || return 1
    sleep 0.1
  done
}
ended() { ! kill -0 "${pids[$1]}" 2>/dev/null; }
ready_or_ended() { claimctl stats >/dev/null 2>&1 || ended claimd; }
said() { grep -aq -- "$2" "$run_dir/$1.log"; }

# The capture to replay, the replies it should bring, and the final amounts.
write_captures() {
  local stream=(--seed 93 --channels "$channels" --claims "$claims" --rate 4000 --quiet "$@")
  claimgen channels --seed 93 --channels "$channels" --quiet --out "$run_dir/channels.json"
  payee=$(claimgen channels --seed 93 --print-destination)
  claimgen pcap "${stream[@]}" --json --out "$run_dir/claims.pcap" --final "$run_dir/finals.jsonl" \
    >"$run_dir/plan.json"
  claimgen pcap "${stream[@]}" --verdicts 0ns --out "$run_dir/both.pcap"
  requests=$(jq .requests "$run_dir/plan.json")
}

# $1: profile; $2: its device here; then more options.
start_claimd() {
  local profile=$1 device=$2
  shift 2
  # Not through a function: $! must be claimd itself, not a subshell around it.
  ${namespace:+ip netns exec "$namespace"} "$build/apps/claimd/claimd" \
    --config "$root/dpdk-config/$profile.toml" --set "port.device=$device" \
    --set eal.huge_pages=never --set "eal.file_prefix=foreign$$" --set worker.idle=yield \
    --set claims.coalesce=false --set channels.capacity=1000 --set "channels.destinations=[\"$payee\"]" \
    --set "node.state_dir=$run_dir/state" --set durability.segment_mib=8 \
    --set "admin.socket=$run_dir/claimd.sock" \
    --set metrics.listen= "$@" >"$run_dir/claimd.log" 2>&1 &
  pids[claimd]=$!
  within 90 ready_or_ended || failed 'claimd was not ready within 90 s'
  ! ended claimd || failed 'claimd ended before it was ready'
  claimctl channels import "$run_dir/channels.json" >"$run_dir/import.log" || failed 'the import was refused'
}
linked() { [[ $(stats | jq .port.link_up) == true ]]; }

# ---- the programs ------------------------------------------------------------------------------

virtio_user="net_virtio_user0,path=$run_dir/port.sock,queues=1,queue_size=1024"
memif_client="net_memif0,role=client,socket=$run_dir/port.sock,socket-abstract=no,id=0,rsize=11,bsize=2048"
# EAL's, for a second process on one CPU beside claimd's, without huge pages.
first_cpu=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*\([0-9]*\).*/\1/p' /proc/self/status)
eal=(--no-huge -m 64 --no-shconf --no-pci --no-telemetry --file-prefix "foreign-peer$$"
  --lcores "0@$first_cpu,1@$first_cpu")

# Starts "$2…" as $1 with a pipe as its standard input, for tell.
start_told() {
  local program=$1
  shift
  mkfifo "$run_dir/$program.in"
  "$@" <"$run_dir/$program.in" >"$run_dir/$program.log" 2>&1 &
  pids[$program]=$!
  exec {told}>"$run_dir/$program.in"
}
tell() { printf '%s\n' "$1" >&"$told" || failed 'the generator ended early'; }

# $1: the vdev towards claimd. The capture is read once: infinite_rx stays off, and without
# --no-flush-rx testpmd throws the first 1000 of its frames away. "retry" makes it wait for a full
# ring instead of dropping.
replay_by_testpmd() {
  start_told testpmd dpdk-testpmd "${eal[@]}" \
    --vdev "net_pcap0,rx_pcap=$run_dir/claims.pcap,tx_pcap=$run_dir/replies.pcap" --vdev "$1" \
    -- -i --no-flush-rx --total-num-mbufs=4096 --rxd=1024 --txd=1024
  within 60 said testpmd 'testpmd>' || failed 'testpmd was not ready within 60 s'
  within 30 linked || failed 'testpmd and claimd did not connect'
  tell 'set fwd io retry'
  tell 'set burst tx delay 100 retry 1000'
  tell start
  within 60 all_answered || true
  tell stop
  tell quit
  within 30 ended testpmd || failed 'testpmd did not end'
  # Both ways: the capture's frames out, the replies in.
  local frames
  frames=$(awk '/Accumulated/ { all = 1 } all && /RX-packets:/ { print $2; exit }' "$run_dir/testpmd.log")
  [[ $frames -eq $((2 * requests)) ]] || failed "testpmd forwarded $frames frames of $((2 * requests))"
}

# Pktgen draws a screen and wants a terminal: script gives it one. Its pools take 2 GB. Over memif it
# ends at once, since DPDK's memif port has no MTU to set.
replay_by_pktgen() {
  local line
  printf -v line '%q ' pktgen "${eal[@]/#64/2048}" --vdev "$virtio_user" -- \
    -m '[1:1].0' -s "0:$run_dir/claims.pcap"
  start_told pktgen script --quiet --return --command "$line" /dev/null
  within 60 said pktgen 'RX/TX processing lcore' || failed 'Pktgen was not ready within 60 s'
  within 30 linked || failed 'Pktgen and claimd did not connect'
  tell "set 0 count $requests"
  tell 'start 0'
  within 60 all_answered || true
  tell quit
  within 30 ended pktgen || failed 'Pktgen did not end'
}

inside() { ip netns exec "$namespace" "$@"; }
make_veth() {
  namespace=claimgate-foreign$$
  ip netns add "$namespace" 2>"$run_dir/ip.log" || not_run "no network namespace: $(cat "$run_dir/ip.log")"
  # Where / is no mount point (a plain chroot), ip enters no namespace.
  inside true 2>"$run_dir/ip.log" || not_run "no way into a network namespace: $(cat "$run_dir/ip.log")"
  # Every frame on the pair shall be tcpreplay's or claimd's, none the kernel's own.
  inside sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' ||
    not_run 'IPv6 cannot be turned off in a namespace'
  inside ip link add cgclient0 type veth peer name cgport0 || not_run 'veth interfaces cannot be made'
  inside ethtool -K cgclient0 tx off >/dev/null 2>&1 || not_run 'ethtool cannot turn tx off'
  inside ip link set cgport0 up
  inside ip link set cgclient0 up
}
replay_by_tcpreplay() {
  inside tshark -n -i cgclient0 -f 'udp dst port 40000' -c "$requests" -a duration:120 \
    -w "$run_dir/replies.pcap" >"$run_dir/tshark.log" 2>&1 &
  pids[tshark]=$!
  within 60 said tshark 'Capturing on' || failed 'tshark did not begin'
  inside tcpreplay --intf1=cgclient0 "$run_dir/claims.pcap" >"$run_dir/tcpreplay.log" 2>&1 ||
    failed 'tcpreplay ended with an error'
  said tcpreplay "Successful packets: *$requests\$" || failed "tcpreplay did not send $requests frames"
  within 60 all_answered || true
  within 30 ended tshark || failed 'tshark saw too few replies'
}

# ---- what must hold ----------------------------------------------------------------------------

all_answered() { [[ $(stats | jq .datagrams.answered) -ge $requests ]]; }

# Each frame of the capture received once and answered once, each claim with its one verdict.
check_counters() {
  local wanted seen
  wanted=$(jq -cS '{requests, claims, lost: 0, verdicts: (.verdicts | with_entries(.key |= ascii_downcase))}' \
    "$run_dir/plan.json")
  stats >"$run_dir/stats.json"
  seen=$(jq -cS '{requests: .datagrams.received, claims: .claims.parsed,
    lost: (.datagrams.received - .datagrams.answered + (.datagrams.dropped | add) + .datagrams.transmit_failed),
    verdicts: (.claims.verdicts | with_entries(select(.value > 0)))}' "$run_dir/stats.json")
  [[ $seen == "$wanted" ]] || failed "claimd counted $seen, the plan is $wanted"
}

# The replies in a capture, one a line, in no order: a datagram leaves with its slowest claim. Whether
# a verdict is durable is not the plan's to say, so the flags' byte is left out.
replies_in() {
  tshark -n -r "$1" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
    -d 'udp.port==9300-9364,data' -Y 'udp.dstport == 40000' -T fields -e eth.dst -e ip.src -e ip.dst \
    -e ipv6.src -e ipv6.dst -e ip.checksum.status -e udp.checksum.status -e udp.srcport -e data.data \
    2>>"$run_dir/tshark-read.log" |
    awk -F'\t' '{
      verdicts = ""
      for (at = 1; at <= length($NF); at += 66) verdicts = verdicts " " substr($NF, at, 44) "--" substr($NF, at + 46, 20)
      $NF = ""
      print $0 verdicts
    }' | LC_ALL=C sort
}
check_replies() {
  replies_in "$run_dir/both.pcap" >"$run_dir/wanted.txt"
  replies_in "$run_dir/replies.pcap" >"$run_dir/seen.txt"
  [[ $(wc -l <"$run_dir/wanted.txt") -eq $requests ]] || failed 'tshark does not read the expected replies'
  diff "$run_dir/wanted.txt" "$run_dir/seen.txt" >"$run_dir/replies.log" ||
    failed 'the replies that came back are not the expected ones'
}

case $kind in
  testpmd-memif)
    # Addresses that are nobody's here: the profile takes them all.
    write_captures --local-ip 198.18.0.2 --peer-ip 198.18.255.1 --peer-mac 02:aa:bb:cc:dd:ee
    start_claimd generator "${memif_client/role=client/role=server}"
    replay_by_testpmd "$memif_client"
    ;;
  testpmd-vhost)
    write_captures --local-ip fd00:93::2 --peer-ip fd00:93::1 --udp-port shards
    start_claimd vhost "net_vhost0,iface=$run_dir/port.sock,queues=1"
    replay_by_testpmd "$virtio_user"
    ;;
  tcpreplay)
    write_captures
    make_veth
    start_claimd af_packet \
      'net_af_packet0,iface=cgport0,blocksz=4096,framesz=2048,framecnt=4096,qdisc_bypass=1'
    replay_by_tcpreplay
    ;;
  pktgen)
    write_captures --local-ip 198.18.0.2 --peer-ip 198.18.255.1
    start_claimd vhost "net_vhost0,iface=$run_dir/port.sock,queues=1" --set port.any_address=true
    replay_by_pktgen
    ;;
esac
check_counters
[[ $kind == pktgen ]] || check_replies # Pktgen keeps none
claimctl channels list --json |
  claimgen check-amounts --final "$run_dir/finals.jsonl" --list - --quiet || failed 'a final amount is wrong'
check_accounts stats || failed 'the counters do not add up'
printf '%s: %s requests, %s claims, nothing lost, every verdict as planned\n' "$name" "$requests" "$claims"
