#!/usr/bin/env bash
# --help teaches, and the manual pages say the same: every verb has an example of itself, every option
# a description; a manual page names every verb and every option of its program, and no other. (That
# claimd.toml(5) has every key and no other is held by tests/src/config/profiles_test.cpp.)
# usage: manuals.sh BUILD_DIR
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${1:?usage: manuals.sh BUILD_DIR}
# shellcheck source=tests/docs/steps.sh
source tests/docs/steps.sh
programs=(claimd claimctl claimgen)
declare -A page_of=([claimd]=deploy/man/claimd.8 [claimctl]=deploy/man/claimctl.1
  [claimgen]=deploy/man/claimgen.1)
for each in "${programs[@]}"; do PATH=$build/apps/$each:$PATH; done

checks=0 failures=0
expect() {
  local what=$1
  shift
  checks=$((checks + 1))
  "$@" && return
  printf 'FAILED: %s\n' "$what"
  failures=$((failures + 1))
}
holds() { [[ $1 == *"$2"* ]]; }

# From --help on stdin: "DESCRIBED OPTION" for each long option and argument, DESCRIBED being 1 or 0.
options_of() {
  awk '
    function flush() { if (name != "") print described, name; name = "" }
    /^[^ ]/ { flush(); inside = /^[A-Z][A-Za-z ]*:$/ && !/^(Subcommands|Examples?):/ }
    inside && /^  [^ ]/ {
      flush()
      at = match(substr($0, 3), /  +[^ ]/)
      described = at > 0
      name = at ? substr($0, 3, at - 1) : substr($0, 3)
      next
    }
    inside && /^          / { described = 1 }
    END { flush() }' |
    while read -r described name; do
      # "-c,--config TEXT" and "--channels,--count UINT=1" have names, "FILE TEXT REQUIRED" is one.
      name=${name%% *}
      for each in ${name//,/ }; do [[ $each != -[a-zA-Z] ]] || continue; printf '%s %s\n' "$described" "${each%%=*}"; done
    done
}

# A manual page as text, one logical line per line.
text_of() {
  sed -e 's/\\-/-/g' -e 's/\\f[BIRP]//g' -e 's/\\(aq/'"'"'/g' "$1" |
    sed -e ':a' -e '/\\e$/ { N; s/\\e\n//; ba' -e '}'
}

# "PROGRAM OPTION" for each long option in the page of program $1; one that follows another program's
# name in its line is that program's.
options_in_page() {
  text_of "${page_of[$1]}" | awk -v own="$1" '{
    program = own
    n = split($0, word, /[^-A-Za-z0-9_]+/)
    for (i = 1; i <= n; i++) {
      if (word[i] ~ /^(claimd|claimctl|claimgen|curl|jq|ip|tshark|tcpreplay|node)$/) program = word[i]
      if (word[i] ~ /^--[a-z]/) print program, word[i]
    }
  }' | sort -u
}

# The verbs that a page names as its program's: bold lines of SYNOPSIS, headings of subsections.
verbs_in_page() {
  text_of "${page_of[$1]}" | awk -v own="$1" '
    /^\.SH/ { synopsis = $2 == "SYNOPSIS"; next }
    /^\.SS/ || (synopsis && /^\.B /) {
      verb = own
      for (i = 2; i <= NF && $i ~ /^[a-z][-a-z]*$/; i++) if ($i != own) verb = verb " " $i
      print verb
    }' | sort -u
}

declare -A known=() # "PROGRAM OPTION"
declare -A verbs_of=()
for program in "${programs[@]}"; do
  verbs_of[$program]=$(verbs_below "$program")
  page=$(text_of "${page_of[$program]}")
  while read -r verb; do
    # shellcheck disable=SC2086 # a verb is several words
    help=$($verb --help)
    examples=$(awk -f tests/docs/extract.awk -v form=help -v document="$verb" <<<"$help" | cut -f 5-)
    expect "$verb --help: no example of it" grep -qE "(^|[ (])$verb( |\$)" <<<"$examples"
    expect "${page_of[$program]}: no word of \"${verb#"$program" }\"" holds "$page" "${verb#"$program" }"
    while read -r described option; do
      expect "$verb --help: $option has no description" test "$described" = 1
      known["$program $option"]=1
      [[ $option != --* ]] || expect "${page_of[$program]}: no word of $option ($verb)" \
        grep -qE -- "(^|[^-a-z])$option([^-a-z]|\$)" <<<"$page"
    done < <(options_of <<<"$help")
  done <<<"${verbs_of[$program]}"
done
for program in "${programs[@]}"; do
  while read -r owner option; do
    [[ -n ${page_of[$owner]:-} ]] || continue
    expect "${page_of[$program]}: $owner has no $option" test -n "${known["$owner $option"]:-}"
  done < <(options_in_page "$program")
  while read -r verb; do
    expect "${page_of[$program]}: there is no verb \"$verb\"" grep -qxF -- "$verb" <<<"${verbs_of[$program]}"
  done < <(verbs_in_page "$program")
done

printf '%d verbs, %d options: %d checks, %d failed\n' "$(printf '%s\n' "${verbs_of[@]}" | wc -l)" \
  "${#known[@]}" "$checks" "$failures"
[[ $failures -eq 0 ]]
