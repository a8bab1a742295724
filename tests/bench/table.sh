#!/usr/bin/env bash
# What `./dev bench` makes of JSON lines: usage: table.sh SOURCE_ROOT
set -euo pipefail
cd "$1"
# shellcheck source=deploy/dev/terminal.sh
source deploy/dev/terminal.sh
# shellcheck source=deploy/dev/bench.sh
source deploy/dev/bench.sh

shown=$(bench_table <<'JSON'
{"bench":"b","fact":"CPU","text":"a fast one"}
{"bench":"b","case":"met","value":1234567,"low":1200000,"high":1300000,"level":0.96,"repeats":9,"unit":"claims/s","goal":1000000,"better":"higher"}
{"bench":"b","case":"met perhaps","value":9,"low":8,"high":11,"level":0.96,"repeats":9,"unit":"us","goal":10,"better":"lower"}
{"bench":"b","case":"missed","value":12.34,"low":12,"high":13,"level":0.96,"repeats":9,"unit":"us","goal":10,"better":"lower","note":"a note"}
{"bench":"b","case":"missed perhaps","value":0.44,"low":0.43,"high":0.46,"level":0.96,"repeats":9,"unit":"ratio","reference":"another","goal":0.45,"better":"higher"}
{"bench":"b","case":"known","value":10,"low":10,"high":10,"level":1,"repeats":1,"unit":"bytes","goal":10,"better":"lower"}
{"bench":"b","case":"without a goal","value":-0.5,"low":-1,"high":0,"level":0.96,"repeats":9,"unit":"us"}
{"bench":"b","warning":"it was noisy"}
JSON
)

# Columns are apart by two blanks or more.
must_show() {
  grep -qE "^$1\$" < <(sed -E 's/ {2,}/|/g' <<<"$shown") || {
    printf 'not shown: %s\nbut:\n%s\n' "$1" "$shown" >&2
    exit 1
  }
}
must_show 'b\|CPU: a fast one'
must_show 'b\|met\|1,234,567\|\[1,200,000 \.\. 1,300,000\]\|claims/s\|>= 1,000,000\|ok'
must_show 'b\|met perhaps\|9\|\[8 \.\. 11\]\|us\|<= 10\|ok, unsure'
must_show 'b\|missed\|12\.3\|\[12 \.\. 13\]\|us\|<= 10\|SHORT\|a note'
must_show 'b\|missed perhaps\|0\.44\|\[0\.43 \.\. 0\.46\]\|ratio\|another\|>= 0\.45\|SHORT, unsure'
must_show 'b\|known\|10\|bytes\|<= 10\|ok'
must_show 'b\|without a goal\|-0\.5\|\[-1 \.\. 0\]\|us'
must_show 'NOTE b: it was noisy'
