# shellcheck shell=bash
# The documents and the commands in them, as arrays. Sourced by commands.sh; the root of the checkout
# is the working folder.
#
#   documents                          README.md, …, "claimctl channels import --help", in order
#   steps_of[DOCUMENT]                 numbers of its steps
#   step_text[N] step_kind[N] step_line[N] step_document[N] step_said[N] (normal, below)

documents=()
declare -A steps_of=()
step_text=() step_kind=() step_line=() step_document=() step_said=()

# Every verb of program $1 as "program verb verb", the program alone first; $2… are verbs so far.
verbs_below() {
  local each
  printf '%s\n' "$*"
  for each in $("$@" --help | awk '/^Subcommands:/ { inside = 1; next } /^[^ ]/ { inside = 0 }
      inside && /^  [a-z]/ { print $1 }'); do
    verbs_below "$@" "$each"
  done
}

add_step() {
  local document=$1 line=$2 kind=$3 text=$4
  steps_of[$document]+=" ${#step_text[@]}"
  step_text+=("$text")
  step_kind+=("$kind")
  step_line+=("$line")
  step_document+=("$document")
  step_said+=("$(normal "$text")")
}

# Whether the shell wants more lines: a quote or a compound command is still open, or the line goes
# on. Most lines say at once that they are whole; of the others the shell is asked.
may_go_on=$'[\'"`({|&]|(^|[;[:space:]])(for|while|until|if|case)[[:space:]]'
is_unfinished() {
  [[ $1 == *\\ ]] && return 0
  [[ $1 =~ $may_go_on ]] || return 1
  local complaint
  complaint=$(bash -n <<<"$1" 2>&1) && return 1
  [[ $complaint == *'unexpected EOF'* || $complaint == *'unexpected end of file'* ]]
}

# Reads extract.awk's records of one document from stdin: lines of a file become one step, lines of
# a shell become one for each command.
add_records() {
  local document line kind block text pending='' first=0 last=() # DOCUMENT, KIND, BLOCK
  while IFS=$'\t' read -r document line kind block text; do
    if [[ -n $pending && "$kind $block" != "${last[1]} ${last[2]}" ]]; then
      add_step "$document" "$first" "${last[1]}" "$pending"
      pending=''
    fi
    [[ -n $pending ]] || first=$line
    pending+=${pending:+$'\n'}$text
    last=("$document" "$kind" "$block")
    [[ $kind == js || $kind == toml ]] && continue
    is_unfinished "$pending" && continue
    add_step "$document" "$first" "$kind" "$pending"
    pending=''
  done
  [[ -z $pending ]] || add_step "${last[0]}" "$first" "${last[1]}" "$pending"
}

extract() {
  local form=$1 document=$2 file=$3 toml=0
  [[ $file != *.toml.5 ]] || toml=1
  documents+=("$document")
  add_records < <(awk -f tests/docs/extract.awk -v form="$form" -v document="$document" -v toml="$toml" "$file")
}

# CHANGELOG.md tells what changed and not what to do.
collect_steps() {
  local file verb program
  while read -r file; do
    extract md "$file" "$file"
  done < <(find . -name '*.md' -not -name CHANGELOG.md -not -path './build/*' -not -path './.git/*' -not -path '*/node_modules/*' |
    sed 's|^\./||' | sort)
  for file in deploy/man/*.[1-8]; do extract man "$file" "$file"; done
  for file in dpdk-config/*.toml; do extract profile "$file" "$file"; done
  for program in claimd claimctl claimgen; do
    while read -r verb; do
      # shellcheck disable=SC2086 # a verb is several words
      extract help "$verb --help" <($verb --help)
    done < <(verbs_below "$program")
  done
}

# A command without its comment, its line breaks and its alignment: what elsewhere.tsv names it by.
normal() {
  sed -E -e ':a' -e '/\\$/ { N; s/\\\n//; ba' -e '}' <<<"$1" |
    tr '\n' ' ' | sed -E -e 's/[[:space:]]+#[[:space:]].*$//' -e 's/[[:space:]]+/ /g' -e 's/^ | $//g'
}
