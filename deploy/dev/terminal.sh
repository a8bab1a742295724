# shellcheck shell=bash
# What every command of ./dev uses to speak and to wait. Sourced, never run.

say() { printf '%s\n' "$*"; }

complain() { printf './dev: %s\n' "$*" >&2; }

die() {
  complain "$*"
  exit 1
}

# A command line that was not understood: exit code 2, apart from a command that failed.
wrong_usage() {
  complain "$*"
  exit 2
}

child=''

stop_child() {
  trap '' INT TERM
  if [[ -n $child ]] && kill -TERM "$child" 2>/dev/null; then
    wait "$child" 2>/dev/null || true
  fi
  printf '\n./dev: stopped\n' >&2
  exit 130
}

# Runs a command and returns its exit code; a signal that reaches ./dev meanwhile ends the command
# first. In the background, because bash delivers signals only between foreground commands.
attended() {
  trap stop_child INT TERM
  "$@" </dev/null &
  child=$!
  local rc=0
  wait "$child" || rc=$?
  child=''
  trap - INT TERM
  return "$rc"
}
