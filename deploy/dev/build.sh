# shellcheck shell=bash
# ./dev build: one meson build folder per purpose under build/. Sourced.
#
#   release   everything, optimized; an existing folder keeps whatever it was configured with
#   sanitize  lib/, src/pipeline and their tests under AddressSanitizer and
#             UndefinedBehaviorSanitizer: no DPDK there; -O1, since building takes longer than running
#   fuzz      the libFuzzer targets, clang

configure_tree() {
  local tree=$1 options=()
  case $tree in
    release) options=(-Dbuildtype=release) ;;
    sanitize)
      options=(-Doptimization=1 -Ddebug=true -Dcpp_args=-g1 -Ddpdk=false
        "-Db_sanitize=address,undefined" -Db_lundef=false)
      ;;
    fuzz)
      options=(-Dbuildtype=debugoptimized -Ddpdk=false -Dtests=false -Dfuzzers=true -Db_lundef=false)
      ;;
  esac
  local compiler=()
  [[ $tree != fuzz ]] || compiler=(env CXX=clang++-19)
  mkdir -p build
  say "build: configuring build/$tree"
  if ! attended "${compiler[@]}" meson setup "build/$tree" "${options[@]}" \
    >"build/configure-$tree.log" 2>&1; then
    tail -n 20 "build/configure-$tree.log" >&2
    complain "meson could not configure build/$tree (build/configure-$tree.log). ./dev setup installs what it needs; if the folder is half made, remove build/$tree"
    return 1
  fi
}

# Configures build/$1 where that is still to do and builds it (or only the targets given after it);
# silent where nothing is to do, 1 where it did not build. A terminal sees ninja's progress line, a log one line per tree.
build_tree() {
  local tree=$1
  shift
  [[ -f build/$tree/build.ninja ]] || configure_tree "$tree" || return 1
  local ninja=(ninja -C "build/$tree" -j "$(nproc)") started=$SECONDS
  if "${ninja[@]}" -n "$@" 2>/dev/null | grep -q '^ninja: no work to do'; then
    return 0
  fi
  [[ -t 1 ]] || ninja+=(--quiet)
  say "build: building build/$tree"
  if ! attended "${ninja[@]}" "$@"; then
    complain "build/$tree did not build"
    return 1
  fi
  say "build: build/$tree built in $((SECONDS - started)) s"
}

command_build() {
  local tree=release
  while [[ $# -gt 0 ]]; do
    case $1 in
      --sanitize) tree=sanitize ;;
      --fuzz) tree=fuzz ;;
      *) wrong_usage "build knows --sanitize and --fuzz, not '$1'" ;;
    esac
    shift
  done
  if [[ $tree == fuzz ]]; then
    ensure_packages build run fuzz
  else
    ensure_packages build run
  fi
  build_tree "$tree"
}
