#!/usr/bin/env bash
# Every command in the documentation is run: in README.md and all other Markdown files, the manual
# pages, the profiles' comments, and the --help of every verb, as it is written and in its order, by
# root on a copy of this machine (sandbox.sh). Fails where one does not do what its document says,
# and where a command can neither be run nor stands in elsewhere.tsv.
# usage: commands.sh BUILD_DIR [PART-OF-A-DOCUMENT'S-NAME…]
#
# To add a document: nothing, or a line in documents.tsv if it needs something around it.
#   documents.tsv     what is there before a document's commands are run, and what is tried after;
#                     documents that share a line share a session, one after another
#   placeholders.sed  what stands in the place of what documents leave to the reader
#   elsewhere.tsv     commands that are not run here: what is looked at instead, and why
#   exit_codes.tsv    exit codes that documents promise, the words that do, and a command that shows it
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=tests/docs
name=docs-commands
# shellcheck source=tests/docs/steps.sh
source "$root/$here/steps.sh"
# shellcheck source=tests/docs/session.sh
source "$root/$here/session.sh"
# shellcheck source=tests/interop/modules.sh
source "$root/tests/interop/modules.sh"

# ---- outside the sandbox ------------------------------------------------------------------------

outside() {
  local build=${1:?usage: commands.sh BUILD_DIR [PART…]} rc=0 child
  shift
  local why=''
  [[ $(id -u) -ne 0 ]] || why=$(install_modules "$root" "$build") || true
  # In the background, so that a signal reaches this shell at once.
  "$root/$here/sandbox.sh" "$name" "$root" "$build" "$here/commands.sh" --inside "$why" "$@" &
  child=$!
  trap 'kill -TERM "$child" 2>/dev/null || true; wait "$child" || true; exit 130' INT TERM
  wait "$child" || rc=$?
  exit "$rc"
}

# ---- inside: what stands in the tables ----------------------------------------------------------

outcomes=/tmp/outcomes
note() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$outcomes"; }
fault() {
  printf 'FAILED: %s: %s\n' "$1" "$2"
  note failed "$1" -
}

# The rows of a table, less its comments.
rows() { grep -v '^#' "$root/$here/$1"; }

declare -A elsewhere_check=() elsewhere_used=()
read_elsewhere() {
  local command check why
  while IFS=$'\t' read -r command check why; do
    [[ -n $why ]] || fault elsewhere.tsv "no reason for \"$command\""
    elsewhere_check[$command]=$check
  done < <(rows elsewhere.tsv)
}

# Whether what command $1 prints has a line of the form $2, and every option that stands in command $3.
says_all() {
  local help each
  help=$($1 2>&1)
  grep -qE -- "$2" <<<"$help" || return 1
  for each in $3; do
    [[ $each != -* || $help == *"${each%%=*}"* ]] || { printf '%s has no %s\n' "$1" "$each" && return 1; }
  done
}

# What can be said of a command that is not run here.
look_at() {
  local command=$1 check=$2 each program=${1%% *}
  bash -n <<<"$command" || return 1
  case $check in
    syntax) ;;
    dev)
      each=${command#./dev }
      says_all "./dev help" "^  ${each%% *} " "$command"
      ;;
    test:*)
      jq -e --arg test "${check#test:}" 'any(.[]; .name == $test)' build/release/meson-info/intro-tests.json >/dev/null
      ;;
    packages)
      for each in ${command#* install }; do
        grep -qE "^[a-z]+ +$each( |\$)" deploy/packages.txt || apt-cache show "$each" >/dev/null 2>&1 || {
          printf 'there is no package %s\n' "$each"
          return 1
        }
      done
      ;;
    options)
      command -v "$program" >/dev/null || return 0
      says_all "$program --help" . "$command"
      ;;
    *) printf 'there is no check "%s"\n' "$check" && return 1 ;;
  esac
}

check_placeholders() {
  local line all
  all=$(printf '%s\n' "${step_text[@]}")
  while read -r line; do
    [[ $(sed -E "$line" <<<"$all") != "$all" ]] || fault placeholders.sed "no command has it: $line"
  done < <(grep '^[s/]' "$here/placeholders.sed")
}

# The words of a document, without its markup, in one line.
words_of() {
  case $1 in
    *' --help') ${1% --help} --help ;;
    *) sed -e 's/\\-/-/g' -e 's/\\f[BIRP]//g' -e 's/^\.[A-Z]* //' "$root/$1" ;;
  esac | tr '\n' ' ' | tr -s ' '
}

# ---- inside: one document -----------------------------------------------------------------------

# What is missing, where that is why a command failed.
missing_program() {
  local each
  for each in ethtool node npm dpdk-devbind.py dpdk-telemetry.py dpdk-testpmd lspci systemctl apt-cache tshark tcpreplay; do
    if command -v "$each" >/dev/null; then continue; fi
    if grep -qE "(^|[ :'\"])${each}['\"]?:? .*not found|No such file.*'$each'" <<<"$1"; then
      printf '%s' "$each"
      return 0
    fi
  done
  return 1
}

# Runs "$@", a step of place $1 (DOCUMENT:LINE), which is to end with $2; $3 is what it says.
attempt() {
  local place=$1 wanted=$2 said=$3 rc=0 missing started=$EPOCHREALTIME
  shift 3
  "$@" >/tmp/output 2>&1
  rc=$?
  if [[ $rc -eq $wanted ]]; then
    printf 'ran %s (%.1f s): %s\n' "$place" "$(since "$started")" "${said//$'\n'/ }"
    note ran "$place" -
  elif missing=$(missing_program "$(</tmp/output)"); then
    note not_run "$place" "$missing is missing"
  else
    fault "$place" "exit code $rc, not $wanted: $said"
    tail -n 25 /tmp/output
    [[ ! -s $claimd_log ]] || { printf -- '---- claimd:\n' && tail -n 10 "$claimd_log"; }
  fi
}
since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { print to - from }'; }

# PATTERN, FOLDER, BEFORE and AFTER of a document, one per line.
setting_of() {
  local pattern folder before after
  while IFS=$'\t' read -r pattern folder before after; do
    # shellcheck disable=SC2053 # it is a pattern
    if [[ $1 == $pattern ]]; then
      printf '%s\n' "$pattern" "$folder" "${before#-}" "${after#-}"
      return
    fi
  done < <(rows documents.tsv)
  printf '%s\n' "$1" . '' ''
}

run_steps() {
  local document=$1 n place said text
  for n in ${steps_of[$document]:-}; do
    place=$document:${step_line[$n]}
    said=${step_said[$n]}
    [[ -z ${elsewhere_check[$said]:-} ]] || continue
    if [[ ${step_kind[$n]} == unlabelled ]]; then
      fault "$place" "a command in a block that is not marked as sh: $said"
      continue
    fi
    if [[ ${step_kind[$n]} == js ]] && ! javascript_runs; then
      note not_run "$place" "$no_javascript"
      continue
    fi
    [[ ${step_kind[$n]} != js ]] || said="the JavaScript"
    [[ ${step_kind[$n]} != toml ]] || said="the configuration"
    text=${step_text[$n]//\\$'\n'/}
    text=$(sed -E -f "$root/$here/placeholders.sed" <<<"$text")
    attempt "$place" 0 "$said" run_step "${step_kind[$n]}" "$text"
  done
}

run_exit_codes() {
  local document=$1 where wanted command words
  while IFS=$'\t' read -r where wanted command words; do
    [[ $where == "$document" ]] || continue
    grep -qF -- "$words" <<<"$(words_of "$document")" || {
      fault "$document" "it does not say \"$words\" (exit_codes.tsv)"
      continue
    }
    attempt "$document" "$wanted" "$command ($words)" run_shell "$command"
  done < <(rows exit_codes.tsv)
}

# The documents $2…, whose line of documents.tsv is that of pattern $1.
run_session() {
  local pattern=$1 document setting
  shift
  mapfile -t setting < <(setting_of "$1")
  set +e
  shopt -s expand_aliases
  touch /tmp/started
  cd "${setting[1]}" || exit 1
  : >"$claimd_log"
  if [[ -n ${setting[2]} ]] && ! eval "${setting[2]}" >/tmp/output 2>&1; then
    fault "$pattern" "what documents.tsv puts before it failed: ${setting[2]}"
    tail -n 25 /tmp/output
    return
  fi
  for document in "$@"; do
    run_steps "$document"
    run_exit_codes "$document"
  done
  if [[ -n ${setting[3]} ]]; then attempt "$pattern" 0 "afterwards, ${setting[3]}" eval "${setting[3]}"; fi
  stop_claimd >/tmp/output 2>&1 || {
    fault "$pattern" 'claimd did not stop as claimd(8) says'
    tail -n 25 /tmp/output
  }
}

# A reader begins without them, whatever the machine that this is a copy of has.
forget_state() { rm -rf /etc/claimgate /var/lib/claimgate /run/claimgate; }

# What a document left behind would help the next one.
tidy() {
  forget_state
  find . \( -path ./build -o -path ./.git \) -prune -o -type f -newer /tmp/started -exec rm {} +
  local each
  for each in $(ip netns list | awk '{ print $1 }'); do ip netns del "$each"; done
  ip -o link show | awk -F': ' '$2 != "lo" { sub(/@.*/, "", $2); print $2 }' |
    while read -r each; do ip link del "$each" 2>/dev/null || true; done # a pair goes at once
}

# ---- inside: all of it --------------------------------------------------------------------------

run_elsewhere() {
  local n said place
  for n in "${!step_text[@]}"; do
    said=${step_said[$n]}
    place=${step_document[$n]}:${step_line[$n]}
    [[ -n ${elsewhere_check[$said]:-} ]] || continue
    elsewhere_used[$said]=1
    if look_at "$said" "${elsewhere_check[$said]}"; then
      note elsewhere "$place" -
    else
      fault "$place" "not so by its check in elsewhere.tsv (${elsewhere_check[$said]}): $said"
    fi
  done
  for said in "${!elsewhere_check[@]}"; do
    [[ -n ${elsewhere_used[$said]:-} ]] || fault elsewhere.tsv "no document says \"$said\""
  done
}

check_tables() {
  local pattern each found
  local -A known=()
  for each in "${documents[@]}"; do known[$each]=1; done
  while IFS=$'\t' read -r pattern _; do
    found=0
    # shellcheck disable=SC2053 # it is a pattern
    for each in "${documents[@]}"; do [[ $each != $pattern ]] || found=1; done
    [[ $found -eq 1 ]] || fault documents.tsv "there is no document $pattern"
  done < <(rows documents.tsv)
  while IFS=$'\t' read -r pattern _; do
    [[ -n ${known[$pattern]:-} ]] ||
      fault exit_codes.tsv "there is no document $pattern"
  done < <(rows exit_codes.tsv)
}

wanted() {
  local document=$1 each
  shift
  [[ $# -gt 0 ]] || return 0
  for each in "$@"; do [[ $document != *"$each"* ]] || return 0; done
  return 1
}

inside() {
  no_javascript=$1
  shift
  : >"$outcomes"
  forget_state
  meson install -C build/release --no-rebuild >/tmp/output 2>&1 || { cat /tmp/output && exit 1; }
  [[ -n $no_javascript ]] || cp "$here/snippet.mjs" "$modules/"
  collect_steps
  read_elsewhere
  if [[ $# -eq 0 ]]; then
    check_placeholders
    check_tables
    run_elsewhere
  fi
  # Documents with the same line in documents.tsv share a session, which begins with the first of them.
  local document pattern patterns=() of_pattern=()
  local -A together=()
  for document in "${documents[@]}"; do
    wanted "$document" "$@" || continue
    [[ -n ${steps_of[$document]:-} ]] || rows exit_codes.tsv | cut -f 1 | grep -xF -- "$document" >/dev/null || continue
    read -r pattern < <(setting_of "$document")
    [[ -n ${together[$pattern]:-} ]] || patterns+=("$pattern")
    together[$pattern]+=$document$'\n'
  done
  for pattern in "${patterns[@]}"; do
    mapfile -t of_pattern <<<"${together[$pattern]%$'\n'}"
    (run_session "$pattern" "${of_pattern[@]}") || fault "$pattern" "its session broke off"
    tidy
  done
  # One line for each reason, whatever the number of commands.
  awk -F'\t' -v name="$name" '$1 == "not_run" { n[$3]++; if (!($3 in first)) first[$3] = $2 }
    END { for (r in n) printf "NOT RUN: %s: %s%s: %s\n", name, first[r],
            (n[r] > 1 ? " and " (n[r] - 1) " more" : ""), r }' "$outcomes"
  awk -F'\t' -v documents="${#documents[@]}" '{ n[$1]++ } END {
      printf "%d documents: %d commands and exit codes run, %d looked at and run elsewhere, %d not run, %d failed\n",
        documents, n["ran"], n["elsewhere"], n["not_run"], n["failed"]
      exit n["failed"] > 0 || n["ran"] == 0 }' "$outcomes"
}

if [[ ${1:-} == --inside ]]; then
  inside "${@:2}"
else
  outside "$@"
fi
