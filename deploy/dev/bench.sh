# shellcheck shell=bash
# ./dev bench: runs build/release/bench/bench_<name> and shows what they measured. Sourced.
#
# A benchmark prints one JSON object per line: bench, case, value, unit; for a ratio also reference;
# where a figure was set, goal and better ("higher" or "lower"). Other lines are its own talk.

# Renders JSON lines from stdin as a table; what falls short of its goal is marked.
bench_table() {
  jq -rn '
    def figure: if type != "number" then tostring
      elif . == 0 then "0"
      elif fabs >= 1000 then round | tostring
        | [while(length > 0; .[:-3]) | .[-3:]] | reverse | join(",") | sub("^-,"; "-")
      elif fabs >= 10 then . * 10 | round / 10 | tostring
      else . * 1000 | round / 1000 | tostring end;
    def short: .goal != null and
      (if .better == "lower" then .value > .goal else .value < .goal end);
    ["bench", "case", "value", "unit", "reference", "goal", ""],
    (inputs | [.bench, .case, (.value | figure), .unit,
      (if .reference == null then "" else .reference | figure end),
      (if .goal == null then "" else (if .better == "lower" then "<= " else ">= " end) + (.goal | figure) end),
      (if .goal == null then "" elif short then "SHORT" else "ok" end)])
    | @tsv' |
    awk -F'\t' '
      { rows[NR] = $0; for (i = 1; i <= 7; i++) if (length($i) > width[i]) width[i] = length($i) }
      END {
        for (r = 1; r <= NR; r++) {
          split(rows[r], cell, "\t")
          printf "%-*s  %-*s  %*s  %-*s  %*s  %*s  %s\n", width[1], cell[1], width[2], cell[2],
            width[3], cell[3], width[4], cell[4], width[5], cell[5], width[6], cell[6], cell[7]
        }
      }'
}

command_bench() {
  local json=0 names=()
  while [[ $# -gt 0 ]]; do
    case $1 in
      --json) json=1 ;;
      -*) wrong_usage "bench knows --json and names of benchmarks, not '$1'" ;;
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
  for name in "${names[@]}"; do
    [[ -n $name ]] || continue
    path=''
    for path in "${all[@]}" ''; do [[ ${path##*/} != "bench_$name" ]] || break; done
    [[ -n $path ]] || wrong_usage "there is no benchmark '$name'; there are: ${all[*]##*/bench_}"
    say "bench: $name" >&2
    attended "$path" --json >"build/bench/$name.out" || failed+=("$name")
    grep '^{' "build/bench/$name.out" >"build/bench/$name.jsonl" || true
    cat "build/bench/$name.jsonl" >>build/bench/figures.jsonl
    [[ $json -eq 0 ]] || cat "build/bench/$name.jsonl"
  done
  [[ $json -eq 1 ]] || bench_table <build/bench/figures.jsonl
  [[ ${#failed[@]} -eq 0 ]] || die "failed: ${failed[*]} (build/bench/<name>.out)"
}
