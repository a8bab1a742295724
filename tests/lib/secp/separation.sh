#!/usr/bin/env bash
# Usage: separation.sh NAME LIBRARY …
#
# A linker keeps one copy of an inline function, whichever unit it came from; were it one compiled
# for AVX-512, any older CPU would run it. So each kernel's library may show nothing to a linker but
# its `NAME_kernel` and what carries its own lane type or its unit's number as a template argument
# (kernel_of(), lib/secp/kernel_NAME.cpp); constants are the same in each and may be anyone's.
set -euo pipefail

declare -A own=(
  [portable]='Portable<0>|<0[,>]|, 0[,>]'
  [avx2]='Avx2|Portable<1>|<1[,>]|, 1[,>]'
  [ifma]='Ifma|Portable<2>|<2[,>]|, 2[,>]'
)

failed=0
all=$(mktemp)
trap 'rm -f "$all"' EXIT
while [[ $# -gt 0 ]]; do
  name=$1 library=$2
  shift 2
  symbols=$(nm --demangle --defined-only --extern-only --no-sort "$library" |
    awk 'NF >= 3 { type = $2; $1 = $2 = ""; sub(/^ +/, ""); print type "\t" $0 }')
  # An empty list would prove nothing.
  if ! grep -qP "\tclaimgate::secp::${name}_kernel\$" <<<"$symbols"; then
    echo "$library does not define ${name}_kernel"
    failed=1
  fi
  foreign=$(grep -vP "\tclaimgate::secp::${name}_kernel\$" <<<"$symbols" |
    grep -vP "\t([a-z ]+ )?claimgate::secp::.*(${own[$name]})" |
    grep -vP '^[VuRr]\tclaimgate::secp::[a-z0-9_]+$' | # constants
    grep -vP '\tDW\.ref\.__gxx_personality_v0$' |      # every unit's, and a pointer
    grep -vP '\t__odr_asan' || true)                   # the address sanitizer's mark of a global
  if [[ -n $foreign ]]; then
    printf '%s shows what is not its own:\n%s\n' "$library" "$foreign"
    failed=1
  fi
  awk -F'\t' '$1 ~ /[TtWw]/ { print $2 }' <<<"$symbols" | sort -u >>"$all"
  echo "$name: $(wc -l <<<"$symbols") symbols"
done
shared=$(sort "$all" | uniq -d)
if [[ -n $shared ]]; then
  printf 'functions of two kernels:\n%s\n' "$shared"
  failed=1
fi
exit "$failed"
