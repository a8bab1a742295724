# shellcheck shell=bash
# Whether claimd's books balance (src/pipeline/stats.hpp): every frame and every claim it took in
# ended in exactly one counter. Sourced by the demo and by tests/interop.

# The equations that do not hold in the stats document on stdin, one per line.
unbalanced_accounts() {
  jq -r '
    .datagrams as $d
    | ($d.dropped | add) as $dropped
    | ($dropped + $d.answered + $d.neighbours_answered + $d.silenced + $d.transmit_failed + $d.held)
        as $frames_ended
    | ((.claims.verdicts | add) + .claims.in_flight) as $claims_ended
    | (if $d.received == $frames_ended then empty else
         "datagrams.received \($d.received), but dropped \($dropped) + answered \($d.answered)"
         + " + neighbours_answered \($d.neighbours_answered) + silenced \($d.silenced)"
         + " + transmit_failed \($d.transmit_failed) + held \($d.held) = \($frames_ended)" end),
      (if .claims.parsed == $claims_ended then empty else
         "claims.parsed \(.claims.parsed), but verdicts + in_flight = \($claims_ended)" end),
      (if $d.received > 0 and .claims.parsed > 0 then empty else
         "nothing was counted: datagrams.received \($d.received), claims.parsed \(.claims.parsed)" end)'
}

# Runs "$@", which prints claimd's stats as JSON, and prints what they come to; fails, saying why,
# where an equation does not hold. They hold between two turns of the worker's loop, and a reading
# can fall into one while a kernel's interface chats: one that balances is enough.
check_accounts() {
  local stats wrong='' attempt
  for attempt in {1..20}; do
    [[ $attempt -eq 1 ]] || sleep 0.1
    stats=$("$@") || return 1
    wrong=$(unbalanced_accounts <<<"$stats") || return 1
    [[ -n $wrong ]] || break
  done
  if [[ -n $wrong ]]; then
    printf 'the books do not balance: %s\n' "$wrong" >&2
    return 1
  fi
  jq -r '"every frame and claim in one counter: \(.datagrams.received) datagrams = "
    + "\(.datagrams.answered) answered + \(.datagrams.dropped | add) dropped + "
    + "\(.datagrams.neighbours_answered + .datagrams.silenced + .datagrams.transmit_failed
         + .datagrams.held) others; "
    + "\(.claims.parsed) claims = \(.claims.verdicts | add) verdicts + \(.claims.in_flight) in flight"' \
    <<<"$stats"
}
