# shellcheck shell=bash
# ./dev fuzz: libFuzzer targets, named fuzz_* in tests/fuzz/. Sourced.
#
# The build writes each target's seeds and dictionary. What a run finds goes to build/corpus/<target>/
# and serves the next one; --keep adds to tests/fuzz/corpus/<target>/, which is committed, the fewest
# of these inputs that reach code which nothing kept reaches yet. An input that breaks a target lies in build/crashes/ and belongs into the tests' vectors first,
# then mended.

# The paths of a build tree's executables whose names begin with $2.
executables() {
  meson introspect "build/$1" --targets |
    jq -r --arg prefix "$2" \
      '.[] | select(.type == "executable" and (.name | startswith($prefix))) | .filename[0]'
}

# The targets' names, where nothing is built yet.
fuzz_target_names() { sed -n "s/^ *'\(fuzz_[a-z0-9_]*\)': .*/\1/p" tests/fuzz/meson.build; }

# Whether clang++-19 links libFuzzer, which is a package of its own.
fuzz_compiler_is_there() {
  command -v clang++-19 >/dev/null &&
    clang++-19 -fsanitize=fuzzer,address,undefined -x c++ -o /dev/null - 2>/dev/null \
      <<<'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }'
}

# Runs one fuzz target for $2 seconds, its output in build/fuzz-logs/; its exit code is the result.
fuzz_one() {
  local target=$1 seconds=$2 name folder
  name=$(basename "$target")
  local seeds=build/fuzz/tests/fuzz/seeds/$name options=() corpora=("build/corpus/$name")
  for folder in "$seeds" "tests/fuzz/corpus/$name"; do
    [[ ! -d $folder ]] || corpora+=("$folder")
  done
  [[ ! -f $seeds.dict ]] || options+=("-dict=$seeds.dict")
  mkdir -p "build/corpus/$name" build/crashes build/fuzz-logs
  # Short stacks of allocations: these targets allocate so much that whole ones halve their speed.
  ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}malloc_context_size=2" \
    attended "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="build/crashes/$name-" "${options[@]}" "${corpora[@]}" \
    >"build/fuzz-logs/$name.log" 2>&1
}

fuzz_runs() { sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz-logs/$1.log"; }

# Adds to what target $1 keeps. Whether a branch is taken counts here, not how often: that would keep
# three times as many files.
keep_inputs() {
  local target=$1 name seeds kept reached input
  name=$(basename "$target")
  seeds=build/fuzz/tests/fuzz/seeds/$name kept=tests/fuzz/corpus/$name reached=build/fuzz-logs/$name.reached
  mkdir -p "$kept" "$reached"
  find "$seeds" "$kept" -type f -exec cp -t "$reached" {} +
  attended "$target" -set_cover_merge=1 -use_counters=0 -rss_limit_mb=2048 "$reached" "build/corpus/$name" \
    >>"build/fuzz-logs/$name.log" 2>&1 || {
    complain "$name: merging failed (build/fuzz-logs/$name.log)"
    return 1
  }
  for input in "$reached"/*; do
    [[ -e $seeds/${input##*/} || -e $kept/${input##*/} ]] || cp "$input" "$kept"
  done
  rm -r "$reached"
  say "fuzz: $name keeps $(find "$kept" -type f | wc -l) inputs beside its seeds"
}

command_fuzz() {
  local minutes=1 wanted='' keep=0
  while [[ $# -gt 0 ]]; do
    case $1 in
      --minutes)
        [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || wrong_usage '--minutes wants a whole number above 0'
        minutes=$2
        shift
        ;;
      --keep) keep=1 ;;
      -*) wrong_usage "fuzz knows --minutes N and --keep, not '$1'" ;;
      *) wanted=${1#fuzz_} ;;
    esac
    shift
  done
  ensure_packages build run fuzz
  build_tree fuzz
  local target name targets failed=0
  mapfile -t targets < <(executables fuzz "fuzz_$wanted")
  [[ ${#targets[@]} -gt 0 ]] || die "there is no fuzz target 'fuzz_$wanted'; they are in tests/fuzz/"
  for target in "${targets[@]}"; do
    name=$(basename "$target")
    say "fuzz: $name for $minutes min"
    if fuzz_one "$target" $((minutes * 60)); then
      say "fuzz: $name: $(fuzz_runs "$name") inputs, nothing found"
      [[ $keep -eq 0 ]] || keep_inputs "$target" || failed=1
    else
      tail -n 40 "build/fuzz-logs/$name.log"
      say "fuzz: $name FAILED; the input is in build/crashes/"
      failed=1
    fi
  done
  return "$failed"
}
