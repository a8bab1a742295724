# shellcheck shell=bash
# ./dev setup: the Debian packages of deploy/packages.txt and a reserve of huge pages. Sourced.

hugepages_needed=256 # of 2 MiB: mbuf pools of two processes and the demo's table

# Prefix that makes a command run as root: empty for root, sudo where there is one, else fails.
root_prefix() {
  if [[ $(id -u) -eq 0 ]]; then
    :
  elif command -v sudo >/dev/null; then
    echo sudo
  else
    return 1
  fi
}

# Node from elsewhere than Debian conflicts with Debian's npm: one that is good enough is left alone.
node_is_there() {
  command -v npm >/dev/null || return 1
  local major
  major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) || return 1
  [[ $major -ge 18 ]]
}

# The packages of the given groups that are not installed, one per line.
missing_packages() {
  local group package rest wanted=()
  while read -r group package rest; do
    [[ -z $group || $group == '#'* || " $* " != *" $group "* ]] && continue
    [[ $group == interop && $package != ca-certificates ]] && node_is_there && continue
    wanted+=("$package")
  done <deploy/packages.txt
  local installed
  # shellcheck disable=SC2016 # ${…} is dpkg-query's own
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Abbrev}\n' "${wanted[@]}" 2>/dev/null |
    sed -n 's/ ii *$//p' || true)
  comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) <(sort -u <<<"$installed")
}

package_lists_read=0 # by this ./dev

# Sees to the packages of the given groups. Says what is in the way and returns 1 where they cannot
# be had.
have_packages() {
  if ! command -v dpkg-query >/dev/null; then
    complain 'claimgate is built on Debian 12, and this machine has no dpkg: use a Debian 12 machine or container'
    return 1
  fi
  local missing prefix
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -gt 0 ]] || return 0

  if ! prefix=$(root_prefix); then
    complain "packages are missing and there is neither root nor sudo; as root run: apt-get install ${missing[*]}"
    return 1
  fi
  # Asked for here, where the terminal still is: apt's own output goes to the log.
  if [[ -n $prefix ]] && ! sudo -v; then
    complain "sudo refused: run ./dev setup as root or as a user of sudo; it installs ${missing[*]}"
    return 1
  fi
  mkdir -p build
  say "setup: installing ${#missing[@]} packages (log: build/setup.log)"
  local apt=(${prefix:+"$prefix"} env DEBIAN_FRONTEND=noninteractive apt-get -y -q
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  if [[ $package_lists_read -eq 0 ]] && ! attended "${apt[@]}" update >build/setup.log 2>&1; then
    setup_failed 'apt-get update failed: check the network and /etc/apt/sources.list'
    return 1
  fi
  package_lists_read=1
  if ! attended "${apt[@]}" install --no-install-recommends "${missing[@]}" >>build/setup.log 2>&1; then
    setup_failed "apt-get install failed: ${missing[*]}. Debian 12 (bookworm) with its updates and security archives has them all"
    return 1
  fi
  say 'setup: packages installed'
}

setup_failed() {
  tail -n 15 build/setup.log >&2
  complain "$1. The whole log: build/setup.log"
}

# For what cannot go on without the packages.
ensure_packages() { have_packages "$@" || exit 1; }

hugepages_free() { awk '/^HugePages_Free:/ { n = $2 } END { print n + 0 }' /proc/meminfo; }

# Sees to free huge pages where this is permitted, never lowering what is reserved. Without them
# everything runs on normal pages, only slower, so this never fails: it says which it is.
ensure_hugepages() {
  local free mib_available reserve=(dpdk-config/hugepages.sh "$((hugepages_needed * 2))")
  free=$(hugepages_free)
  [[ $free -lt $hugepages_needed ]] || return 0
  mib_available=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
  # Taking more than a third of what is available would only move the shortage elsewhere.
  if ((mib_available >= 3 * 2 * (hugepages_needed - free))); then
    "${reserve[@]}" >/dev/null 2>&1 || sudo -n "${reserve[@]}" >/dev/null 2>&1 || true
  fi
  free=$(hugepages_free)
  if ((free >= hugepages_needed)); then
    say "huge pages: $free of 2 MiB free"
  elif ((free > 0)); then
    say "huge pages: only $free of $hugepages_needed could be had"
  else
    say 'huge pages: none free and none to be had here; going on with normal pages, slower'
  fi
}

command_setup() {
  [[ $# -eq 0 ]] || wrong_usage "setup takes no options, got '$1'"
  ensure_packages build run test fuzz interop lint
  ensure_hugepages
}
