#!/bin/sh
# Reserves huge pages of 2 MiB until the next boot.
#   hugepages.sh show         how many there are and how many are free
#   hugepages.sh MIB          have at least MIB mebibytes free (needs root)
#   hugepages.sh release      give back all that nobody uses (needs root)
set -eu

pages=/sys/kernel/mm/hugepages/hugepages-2048kB

usage() {
  sed -n '2,5s/^# //p' "$0"
}

die() {
  echo "hugepages.sh: $*" >&2
  exit 1
}

case ${1:-} in
  -h | --help)
    usage
    exit
    ;;
esac
[ -d "$pages" ] || die "this kernel has no huge pages of 2 MiB"
total=$(cat "$pages/nr_hugepages")
free=$(cat "$pages/free_hugepages")

show() {
  echo "huge pages of 2 MiB: $(cat "$pages/nr_hugepages") in all," \
    "$(cat "$pages/free_hugepages") free"
}

set_total() {
  [ -w "$pages/nr_hugepages" ] || die "only root may reserve huge pages: try sudo $0 $wanted"
  echo "$1" > "$pages/nr_hugepages" 2> /dev/null || die "the kernel refuses (a container?)"
}

wanted=${1:-show}
case $wanted in
  show)
    show
    ;;
  release)
    set_total "$((total - free))"
    show
    ;;
  '' | *[!0-9]*)
    die "expected show, release or a number of MiB, not \"$wanted\""
    ;;
  *)
    need=$(((wanted + 1) / 2))
    if [ "$free" -lt "$need" ]; then
      set_total "$((total + need - free))"
      free=$(cat "$pages/free_hugepages")
      [ "$free" -ge "$need" ] || die "only $free of $need pages could be had: memory is short or" \
        "fragmented. Reserve them at boot (hugepages=$need on the kernel's command line)"
    fi
    show
    ;;
esac
