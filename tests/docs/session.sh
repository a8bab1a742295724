# shellcheck shell=bash
# One document's session: a shell in which its commands run one after another, as its reader would
# paste them. Sourced by commands.sh inside the sandbox; each document gets a subshell of its own.

claimd_pid=''
claimd_log=/tmp/claimd.log
payee_of_vectors=rPT1Sjq2YGrBMTttX4GZHjKu9dyfzbpAYe
modules=build/release/interop

# ---- what documents.tsv can ask for -------------------------------------------------------------

# What rippled would answer, under every name by which documents call it.
answers() {
  cp tests/vectors/account_channels.json answer.json
  cp answer.json channels.json
  cp answer.json account_objects.json
}

# The channels through which README.md's JavaScript pays, for the same payee.
javascript_channels() {
  javascript_runs || return 0
  node "$modules/snippet.mjs" channels "$payee_of_vectors" >>answer.json
}

# A claimd that takes channels to the payees of the vectors and of claimgen's seeds.
appliance() {
  local profile=${1:-dpdk-config/memif.toml} payees=$payee_of_vectors,rN7n7otQDd6FczFgLdSqtcsAUxDkw6fzRH seed
  for seed in 7 8 9 10 11; do payees+=,$(claimgen channels --seed "$seed" --print-destination); done
  start_claimd "claimd --config $profile --set channels.destinations=$payees --set channels.capacity=20000 --set durability.segment_mib=8"
}

# Channels of these seeds of claimgen's, imported.
seeds() {
  local seed
  for seed in "$@"; do
    claimgen channels --quiet --seed "$seed" --channels 200 | claimctl channels import - || return
  done
}

# The payers of seed 7 pay through a port, memif's other end unless told.
pay() {
  claimgen run --seed 7 --channels 200 --claims 500 \
    --device "${1:-net_memif0,role=client,socket=/run/claimgate/memif.sock,socket-abstract=no}" "${@:2}"
}

# Two files for hugepages.sh in the place of the kernel's, so that it may reserve and release.
kernel_huge_pages=/sys/kernel/mm/hugepages/hugepages-2048kB
huge_pages_of_our_own() {
  mkdir -p /tmp/huge-pages
  echo 4096 | tee /tmp/huge-pages/nr_hugepages >/tmp/huge-pages/free_hugepages
}

# The pair of interfaces that af_packet.toml's comment makes.
veth_to_payers() {
  ip netns add payers && ip link add claimgate0 type veth peer name payers0 netns payers &&
    ip link set claimgate0 up && ip -n payers link set payers0 up
}

# The reader's clients would send to claimd; an echo shows that the way there is as described.
reaches() { ping -c 1 -W 5 "$1" >/dev/null; }

# ---- claimd -------------------------------------------------------------------------------------

# claimd runs until it is stopped, so it is started in the background and waited for. One at a time:
# the next one ends the one before, as its reader would. What ends by itself (--check) has its exit
# code as result.
start_claimd() {
  stop_claimd || return
  : >"$claimd_log" # what the one before said is not this one's
  eval "exec ${1%&}" </dev/null >"$claimd_log" 2>&1 &
  claimd_pid=$!
  local i
  for ((i = 0; i < 600; i++)); do
    if ! kill -0 "$claimd_pid" 2>/dev/null; then
      local rc=0
      wait "$claimd_pid" || rc=$?
      claimd_pid=''
      cat "$claimd_log"
      return "$rc"
    fi
    if grep -q 'answering claims$' "$claimd_log"; then return 0; fi
    sleep 0.1
  done
  cat "$claimd_log"
  printf 'claimd was not ready within 60 s\n'
  return 1
}

# claimd(8): stopped on request, it ends with 0.
stop_claimd() {
  [[ -n $claimd_pid ]] || return 0
  local rc=0
  kill -TERM "$claimd_pid" 2>/dev/null
  wait "$claimd_pid" || rc=$?
  claimd_pid=''
  [[ $rc -eq 0 ]] || { cat "$claimd_log" && printf 'claimd ended with %s\n' "$rc"; }
  return "$rc"
}

# ---- the kinds of step --------------------------------------------------------------------------

javascript_runs() { [[ -e $modules/snippet.mjs ]]; }

# No ledger node can be had here: $RIPPLED (placeholders.sed) is a file, so that curl fetches an
# answer whatever it is asked; that the question is JSON is all that can be said of it.
curl() {
  local previous='' each
  for each in "$@"; do
    if [[ $previous == -d ]]; then jq -e .method <<<"$each" >/dev/null || return; fi
    previous=$each
  done
  command curl "$@"
}

# No systemd runs here: units are enabled, and in place of starting one its own claimd judges the
# configuration it would start with.
systemctl() {
  command systemctl "${@/#--now/--no-reload}" || return
  [[ " $* " == *' --now '* ]] || return 0
  $(sed -n 's/^ExecStart=//p' /usr/local/lib/systemd/system/claimd.service) --check
}

run_shell() {
  local program=${1%%[[:space:]]*}
  case ${program##*/} in
    claimd) start_claimd "$1" ;;
    hugepages.sh) unshare --mount bash -c "mount --bind /tmp/huge-pages $kernel_huge_pages && $1" ;;
    *) eval "$1" </dev/null ;;
  esac
}

run_step() {
  local kind=$1 text=$2 file
  case $kind in
    sh | inline) run_shell "$text" ;;
    port) seeds 7 && pay "$text" ;;
    toml)
      file=$(mktemp --suffix .toml)
      printf '%s\n' "$text" >"$file"
      claimd --config "$file" --check
      ;;
    js)
      file=$(mktemp --suffix .js)
      printf '%s\n' "$text" >"$file"
      node "$modules/snippet.mjs" run "$file" "$payee_of_vectors"
      ;;
  esac
}
