#!/usr/bin/env bash
# Runs a command as root of a copy of this machine that vanishes with it: every file system laid
# under an overlay in memory, a network of its own with loopback alone, and process ids of its own,
# so that whatever the command started ends with it. What a document tells its reader to write to
# /etc, /usr/local or /run is thus written, and never touches the machine.
# usage: sandbox.sh NAME SOURCE_ROOT BUILD_DIR COMMAND [ARGUMENT…]
#
# The command runs in SOURCE_ROOT, with BUILD_DIR at build/release, and a clean environment. The
# kernel is still the machine's: it gets no modules, and /sys and /proc/sys are read-only.
# Exit code 77 and a line "NOT RUN: NAME: …" where the machine permits none of this.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

not_run() {
  printf 'NOT RUN: %s: %s\n' "$name" "$1"
  exit 77
}

# ---- outside ------------------------------------------------------------------------------------

enter() {
  [[ $(id -u) -eq 0 ]] || not_run 'a copy of this machine needs root'
  local tool
  for tool in unshare pivot_root ip setpriv; do
    command -v "$tool" >/dev/null || not_run "$tool is missing (iproute2, util-linux)"
  done
  local place child='' rc=0
  place=$(mktemp -d "${TMPDIR:-/tmp}/claimgate-docs.XXXXXX")
  # shellcheck disable=SC2064 # the folder is known here
  trap "rmdir '$place'" EXIT
  trap 'exit 130' INT TERM
  unshare --mount --net --pid --fork --kill-child true 2>"$place/log" || {
    local why
    why=$(<"$place/log")
    rm "$place/log"
    not_run "no name spaces of our own: $why"
  }
  rm "$place/log"
  # In the background, so that a signal reaches this shell at once; the child dies with unshare.
  unshare --mount --net --pid --fork --kill-child "$here/sandbox.sh" "$name" --inside "$place" "$@" &
  child=$!
  trap 'kill -KILL "$child" 2>/dev/null || true; wait "$child" 2>/dev/null || true; exit 130' INT TERM
  wait "$child" || rc=$?
  exit "$rc"
}

# ---- inside -------------------------------------------------------------------------------------

# The file systems whose files a command may look for, outermost first; the kernel's own are made
# anew or bound.
file_systems() {
  awk '$5 !~ "^/(proc|sys|dev|run|tmp)(/|$)" { print $5 }' /proc/self/mountinfo | sort -u
}

no_overlay() { not_run "no overlay file system: $(<"$place/log")"; }

lay_over() {
  local from=$1 to=$2 upper=$3
  mkdir -p "$upper/files" "$upper/work"
  mount -t overlay -o "lowerdir=$from,upperdir=$upper/files,workdir=$upper/work" overlay "$to" 2>"$place/log"
}

build_copy() {
  local place=$1 source=$2 build=$3 each n=0 kept=()
  mapfile -t kept < <(file_systems)
  mount -t tmpfs -o mode=755 claimgate-docs "$place"
  local new=$place/root
  mkdir "$new"
  for each in "${kept[@]}"; do
    [[ -d $each && $each != "$place"* ]] || continue
    n=$((n + 1))
    # One that takes no overlay is left out; / and the checkout cannot be.
    lay_over "$each" "$new${each%/}" "$place/over$n" || [[ $each != / ]] || no_overlay
  done
  mount -t proc proc "$new/proc"
  mount -t sysfs -o ro sysfs "$new/sys"
  mount --rbind /dev "$new/dev"
  mount -t tmpfs -o mode=755 run "$new/run"
  mount -t tmpfs -o mode=1777 tmp "$new/tmp"
  # A checkout below /tmp or /run is hidden by those.
  if [[ ! -e $new$source/meson.build ]]; then
    mkdir -p "$new$source"
    lay_over "$source" "$new$source" "$place/source" || no_overlay
  fi
  if [[ $build != "$source/build/release" ]]; then
    mkdir -p "$new$source/build/release"
    lay_over "$build" "$new$source/build/release" "$place/build" || no_overlay
  fi
  mkdir "$new/.old"
  cd "$new"
  pivot_root . .old
  cd /
  umount -l /.old
  rmdir /.old
  mount --bind /proc/sys /proc/sys
  mount -o remount,ro,bind /proc/sys
}

inside() {
  local place=$1 source=$2 build=$3 why
  shift 3
  mount --make-rprivate /
  build_copy "$place" "$source" "$build"
  ip link set lo up
  cd "$source"
  # SYSTEMD_OFFLINE: systemctl works on the files of units, and starts none.
  exec env -i SYSTEMD_OFFLINE=1 HOME=/root LANG=C.UTF-8 TERM=dumb \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set=-sys_module,-sys_boot,-sys_time "$@"
}

name=${1:?usage: sandbox.sh NAME SOURCE_ROOT BUILD_DIR COMMAND [ARGUMENT…]}
if [[ ${2:-} == --inside ]]; then
  inside "${@:3}"
else
  enter "${@:2}"
fi
