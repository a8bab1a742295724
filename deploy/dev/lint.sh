# shellcheck shell=bash
# ./dev lint: form, scripts, names, sizes, the include table; --tidy adds clang-tidy. Sourced.

banned_words='utils?|common|manager|helpers?|context|data|process|handle'

lint_failed=0

# Reports the findings on stdin, one per line, under the rule $1.
report_findings() {
  local findings
  mapfile -t findings
  [[ ${#findings[@]} -gt 0 ]] || return 0
  say "lint: $1"
  printf '  %s\n' "${findings[@]}"
  lint_failed=1
}

cpp_files() { git ls-files --cached --others --exclude-standard -- '*.cpp' '*.hpp' '*.inl' '*.h' "$@"; }

# Everything that begins with a shell's shebang or ends in .sh.
scripts() {
  git ls-files --cached --others --exclude-standard | while read -r file; do
    [[ -f $file ]] || continue
    if [[ $file == *.sh ]] || head -n 1 "$file" | grep -qE '^#!.*\b(ba)?sh\b'; then
      printf '%s\n' "$file"
    fi
  done
}

lint_format() {
  local file
  if [[ $1 -eq 1 ]]; then
    cpp_files | xargs -r clang-format -i
    return
  fi
  cpp_files | while read -r file; do
    clang-format --dry-run -Werror "$file" >/dev/null 2>&1 || printf '%s\n' "$file"
  done | report_findings 'not as clang-format would write it (./dev lint --fix)'
}

lint_scripts() {
  local files
  mapfile -t files < <(scripts)
  { shellcheck --external-sources --format=gcc "${files[@]}" || true; } | report_findings 'shellcheck'
}

lint_names() {
  cpp_files '*.sh' | awk -F/ '{ print $NF "\t" $0 }' |
    { grep -E "^([a-z0-9]+_)*($banned_words)(_[a-z0-9]+)*\." || true; } | cut -f 2 |
    report_findings 'a banned word as a file name (say what is in it)'
  local types='Utils?|Common|Manager|Helpers?|Context|Data|Process|Handle'
  { cpp_files | xargs -r grep -nHE \
    "^\s*(class|struct|enum( class)?|using)\s+([A-Za-z0-9]*($types)|$types)\b\s*(final\s*)?([:={]|$)" || true; } |
    { grep -v 'ChannelHandle' || true; } | report_findings 'a banned word as a type name'
}

lint_shape() {
  cpp_files 'dev' '*.sh' | while read -r file; do
    local lines
    lines=$(wc -l <"$file")
    [[ $lines -le 600 ]] || printf '%s: %s lines\n' "$file" "$lines"
  done | report_findings 'over 600 lines (split it by noun)'
  cpp_files | { grep -E '\.hpp$' || true; } | xargs -r grep -L '^#pragma once' |
    report_findings 'a header without #pragma once'
}

lint_includes() {
  build_tree release tests/structure/test_structure
  { build/release/tests/structure/test_structure --gtest_brief=1 || true; } |
    { grep -E '^(src|lib|apps)/|FAILED|rror' || true; } | report_findings 'the include table, src/ARCHITECTURE.md'
}

# Only what differs from main, as a whole run takes many minutes.
lint_tidy() {
  local base files
  base=$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse HEAD~1)
  mapfile -t files < <(git diff --name-only --diff-filter=d "$base" -- 'lib/*.cpp' 'src/*.cpp' 'apps/*.cpp')
  [[ ${#files[@]} -gt 0 ]] || return 0
  { clang-tidy-19 -p build/release --quiet "${files[@]}" 2>/dev/null || true; } |
    { grep -E 'warning:|error:' || true; } | sort -u | report_findings 'clang-tidy'
}

command_lint() {
  local fix=0 tidy=0
  while [[ $# -gt 0 ]]; do
    case $1 in
      --fix) fix=1 ;;
      --tidy) tidy=1 ;;
      *) wrong_usage "lint knows --fix and --tidy, not '$1'" ;;
    esac
    shift
  done
  ensure_packages build run lint
  # A pipeline's last part changes lint_failed, so it has to run in this shell.
  shopt -s lastpipe
  lint_format "$fix"
  lint_scripts
  lint_names
  lint_shape
  lint_includes
  [[ $tidy -eq 0 ]] || lint_tidy
  [[ $lint_failed -eq 0 ]] || die 'lint found something to mend'
  say 'lint: nothing to mend'
}
