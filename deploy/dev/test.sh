# shellcheck shell=bash
# ./dev test: the release and the sanitized tests, the fuzz targets briefly, one summary; --power:
# only the power cuts (power.sh). Sourced.
#
# Every outcome becomes one JSON line in build/test/outcomes.jsonl:
#   {"name", "seconds", "passed", "failed", "not_run": [reason…]}
# A GoogleTest executable counts its cases, anything else counts as one.

outcomes=build/test/outcomes.jsonl

# Reads meson's test log of build tree $1 from stdin. An executable that failed although no case did
# (a crash, a sanitizer, a time-out) is one failure. Exit code 77 is NOT RUN.
outcomes_of_log() {
  jq -c --arg tree "$1" '
    (.stdout // "") as $out
    | (.name | split(" / ") | last) as $name
    | ([$out | scan("(?m)^\\[  PASSED  \\] (\\d+) tests?") | .[0] | tonumber] | add) as $cases_passed
    | ([$out | scan("(?m)^\\[  FAILED  \\] (\\d+) tests?, listed") | .[0] | tonumber] | add // 0)
        as $cases_failed
    | ([$out | scan("(?m)^NOT RUN: [^\\n]+")] | map(ltrimstr("NOT RUN: "))) as $reasons
    | {name: "\($tree)/\($name)", seconds: .duration}
      + if .result == "SKIP" or .returncode == 77 then
          {passed: 0, failed: 0,
           not_run: (if $reasons == [] then ["\($name): it gave no reason"] else $reasons end)}
        elif .result == "OK" or .result == "EXPECTEDFAIL" then
          {passed: ($cases_passed // 1), failed: 0, not_run: $reasons}
        else
          {passed: ($cases_passed // 0), failed: ([$cases_failed, 1] | max), not_run: $reasons}
        end'
}

# Runs the tests of build tree $1 whose names contain one of the other arguments (all if none): the
# `net` suite one by one, as its tests own interfaces and cores, the rest two at a time.
run_tree_tests() {
  local tree=$1 multiplier=2 part names
  shift
  [[ $tree == release ]] || multiplier=4
  [[ -z ${CLAIMGATE_LONG:-} ]] || multiplier=$((multiplier * 10))
  for part in parallel net; do
    mapfile -t names < <(meson introspect "build/$tree" --tests | jq -r --arg part "$part" '
      .[] | select((.suite | map(endswith("net")) | any) == ($part == "net")) | .name
      | select($ARGS.positional == [] or (. as $name | $ARGS.positional | any(. as $f | $name | contains($f))))
      ' --args "$@")
    [[ ${#names[@]} -gt 0 ]] || continue
    local processes=2 log=build/$tree/meson-logs/$part.json
    [[ $part != net ]] || processes=1
    rm -f "$log"
    say "test: $tree, ${#names[@]} $([[ $part == net ]] && echo 'on ports and interfaces' || echo 'executables')"
    attended meson test -C "build/$tree" --no-rebuild --num-processes "$processes" \
      --timeout-multiplier "$multiplier" --print-errorlogs --logbase "$part" "${names[@]}" || true
    if [[ -s $log ]]; then
      outcomes_of_log "$tree" <"$log" >>"$outcomes"
    else
      failed_outcome "$tree" 'meson test left no log'
    fi
  done
}

# One outcome: $1 passed and took $2 seconds.
passed_outcome() {
  jq -nc --arg name "$1" --argjson seconds "$2" \
    '{name: $name, seconds: $seconds, passed: 1, failed: 0, not_run: []}' >>"$outcomes"
}

failed_outcome() {
  jq -nc --arg name "$1: $2" '{name: $name, seconds: 0, passed: 0, failed: 1, not_run: []}' >>"$outcomes"
}

# One outcome that says why $1 was not run: $2.
not_run_outcome() {
  jq -nc --arg name "$1" --arg reason "$2" \
    '{name: $name, seconds: 0, passed: 0, failed: 0, not_run: ["\($name): \($reason)"]}' >>"$outcomes"
}

# Each fuzz target the filters want, by name, as not run because of $1.
fuzz_targets_not_run() {
  local reason=$1 target
  shift
  while read -r target; do
    ! wanted_by_filter "$target" "$@" || not_run_outcome "fuzz/$target" "$reason"
  done < <(fuzz_target_names)
}

run_fuzz_targets() {
  local seconds=$1 target name targets started
  shift
  mapfile -t targets < <(executables fuzz fuzz_)
  for target in "${targets[@]}"; do
    name=$(basename "$target")
    wanted_by_filter "$name" "$@" || continue
    say "test: $name, $seconds s"
    started=$SECONDS
    if fuzz_one "$target" "$seconds"; then
      say "test: $name: $(fuzz_runs "$name") inputs, nothing found"
      passed_outcome "fuzz/$name" $((SECONDS - started))
    else
      tail -n 40 "build/fuzz-logs/$name.log"
      failed_outcome "fuzz/$name" 'the input is in build/crashes/'
    fi
  done
}

wanted_by_filter() {
  local name=$1 filter
  shift
  [[ $# -gt 0 ]] || return 0
  for filter in "$@"; do [[ $name != *"$filter"* ]] || return 0; done
  return 1
}

# Prints the summary and returns 1 when anything failed, or was not run and had to ($1 = 1).
summarize() {
  local require_all=$1 passed failed not_run
  say ''
  say 'slowest:'
  jq -rs 'sort_by(-.seconds)[:10][] | "\(.seconds * 100 | round / 100)\t\(.name)"' "$outcomes" |
    awk -F'\t' '{ printf "  %8.2f s  %s\n", $1, $2 }'
  jq -r 'select(.failed > 0) | "FAILED: \(.name)\(if .failed > 1 then " (\(.failed) cases)" else "" end)"' \
    "$outcomes"
  jq -r '.not_run[]' "$outcomes" | sort -u | sed 's/^/NOT RUN: /'
  passed=$(jq -s 'map(.passed) | add // 0' "$outcomes")
  failed=$(jq -s 'map(.failed) | add // 0' "$outcomes")
  not_run=$(jq -s 'map(.not_run[]) | unique | length' "$outcomes")
  if [[ $require_all -eq 1 && $not_run -gt 0 ]]; then
    say "--require-all: what was not run counts as failed"
    failed=$((failed + not_run))
  fi
  if [[ $((passed + failed)) -eq 0 && $not_run -eq 0 ]]; then
    say 'no test has such a name'
    failed=1
  fi
  say "$passed passed, $failed failed"
  [[ $failed -eq 0 ]]
}

command_test() {
  local require_all=0 fuzz_seconds=10 power_only=0 crash_points=150 filters=()
  while [[ $# -gt 0 ]]; do
    case $1 in
      --long)
        export CLAIMGATE_LONG=1
        fuzz_seconds=300
        crash_points=2000
        ;;
      --power) power_only=1 ;;
      --require-all) require_all=1 ;;
      -*) wrong_usage "test knows --long, --power, --require-all and parts of test names, not '$1'" ;;
      *) filters+=("$1") ;;
    esac
    shift
  done
  ensure_packages build run
  mkdir -p build/test
  : >"$outcomes"
  if [[ $power_only -eq 1 ]]; then
    [[ ${#filters[@]} -eq 0 ]] || wrong_usage "test --power takes no parts of test names, got '${filters[*]}'"
    run_power_tests "$crash_points"
    summarize "$require_all"
    return
  fi
  # Without these some tests are not run, each of which says so; the others need none of them.
  local group
  for group in test fuzz interop; do
    have_packages "$group" || say "test: going on without them; what needs them is listed at the end"
  done
  ensure_hugepages
  # A sanitizer that only prints would let a test pass.
  export ASAN_OPTIONS=halt_on_error=1:abort_on_error=1:detect_stack_use_after_return=1
  export UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1
  local tree built=()
  for tree in release sanitize fuzz; do
    if [[ $tree == fuzz ]] && ! fuzz_compiler_is_there; then
      fuzz_targets_not_run 'clang++-19 with its fuzzer run time is missing (clang-19, libclang-rt-19-dev)' \
        "${filters[@]}"
    elif build_tree "$tree"; then
      built+=("$tree")
    else
      failed_outcome "$tree" 'it did not build'
    fi
  done
  for tree in "${built[@]}"; do
    if [[ $tree == fuzz ]]; then
      run_fuzz_targets "$fuzz_seconds" "${filters[@]}"
    else
      run_tree_tests "$tree" "${filters[@]}"
    fi
  done
  summarize "$require_all"
}
