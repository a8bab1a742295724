# shellcheck shell=bash
# ./dev bench: runs build/release/bench/bench_<name> and shows what they measured. Sourced.
#
# A benchmark prints one JSON object per line: figures, facts and warnings (bench/measure/report.hpp).
# Other lines are its own talk. How to read the table: bench/README.md.

# Renders JSON lines from stdin: facts, then the table of figures, then warnings. Against its goal a
# figure is judged by its median; "unsure" is added where its interval holds the goal.
bench_table() {
  local lines
  lines=$(cat)
  jq -r 'select(.fact != null) | "\(.bench)  \(.fact): \(.text)"' <<<"$lines"
  jq -rn '
    def figure: if type != "number" then tostring
      elif . == 0 then "0"
      elif fabs >= 1000 then round | tostring
        | [while(length > 0; .[:-3]) | .[-3:]] | reverse | join(",") | sub("^-,"; "-")
      elif fabs >= 10 then . * 10 | round / 10 | tostring
      else . * 1000 | round / 1000 | tostring end;
    def verdict: if .goal == null then ""
      else (if (if .better == "lower" then .value <= .goal else .value >= .goal end)
            then "ok" else "SHORT" end)
        + (if .repeats > 1 and .low <= .goal and .goal <= .high and .low < .high
           then ", unsure" else "" end) end;
    ["bench", "case", "median", "[low .. high]", "unit", "reference", "goal", "", ""],
    (inputs | select(.case != null) | [.bench, .case, (.value | figure),
      (if .repeats > 1 then "[\(.low | figure) .. \(.high | figure)]" else "" end),
      .unit, (.reference // ""),
      (if .goal == null then "" else (if .better == "lower" then "<= " else ">= " end) + (.goal | figure) end),
      verdict, (.note // "")])
    | @tsv' <<<"$lines" |
    awk -F'\t' '
      { rows[NR] = $0; for (i = 1; i <= 8; i++) if (length($i) > width[i]) width[i] = length($i) }
      END {
        for (r = 1; r <= NR; r++) {
          split(rows[r], cell, "\t")
          line = sprintf("%-*s  %-*s  %*s  %-*s  %-*s  %-*s  %*s  %-*s  %s", width[1], cell[1],
            width[2], cell[2], width[3], cell[3], width[4], cell[4], width[5], cell[5], width[6],
            cell[6], width[7], cell[7], width[8], cell[8], cell[9])
          sub(/ +$/, "", line)
          print line
        }
      }'
  jq -r 'select(.warning != null) | "NOTE \(.bench): \(.warning)"' <<<"$lines"
}

# Pcap files and channels by the million lie here, and go whatever ends the run.
bench_scratch=''
remove_bench_scratch() { [[ -z $bench_scratch ]] || rm -rf "$bench_scratch"; }

# Runs $1, an executable, with the other arguments; its JSON lines go to $name.jsonl.
run_bench() {
  local path=$1 name=${1##*/bench_} code=0
  shift
  say "bench: $name" >&2
  TMPDIR=$bench_scratch attended "$path" --json "$@" >"build/bench/$name.out" || code=$?
  {
    jq -nc --arg bench "$name" --arg text "$(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)" \
      '{bench: $bench, fact: "source", text: $text}'
    grep '^{' "build/bench/$name.out" || true
  } >"build/bench/$name.jsonl"
  return "$code"
}

command_bench() {
  local json=0 names=() options=()
  while [[ $# -gt 0 ]]; do
    case $1 in
      --json) json=1 ;;
      --quick) options+=("$1") ;;
      -*) wrong_usage "bench knows --json, --quick and names of benchmarks, not '$1'" ;;
      *) names+=("${1#bench_}") ;;
    esac
    shift
  done
  # With --json stdout is for the figures alone.
  {
    ensure_packages build run
    build_tree release
    ensure_hugepages
  } >&2
  local name path all failed=()
  mapfile -t all < <(executables release bench_)
  [[ ${#names[@]} -gt 0 ]] || mapfile -t names < <(printf '%s\n' "${all[@]##*/bench_}")
  mkdir -p build/bench
  : >build/bench/figures.jsonl
  trap remove_bench_scratch EXIT
  bench_scratch=$(mktemp -d "${TMPDIR:-/tmp}/claimgate-bench-XXXXXX")
  for name in "${names[@]}"; do
    [[ -n $name ]] || continue
    path=''
    for path in "${all[@]}" ''; do [[ ${path##*/} != "bench_$name" ]] || break; done
    [[ -n $path ]] || wrong_usage "there is no benchmark '$name'; there are: ${all[*]##*/bench_}"
    run_bench "$path" "${options[@]}" || failed+=("$name")
    cat "build/bench/$name.jsonl" >>build/bench/figures.jsonl
    [[ $json -eq 0 ]] || cat "build/bench/$name.jsonl"
  done
  [[ $json -eq 1 ]] || bench_table <build/bench/figures.jsonl
  [[ ${#failed[@]} -eq 0 ]] || die "failed: ${failed[*]} (build/bench/<name>.out)"
}
