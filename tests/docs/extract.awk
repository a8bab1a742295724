# What a document tells its reader to run, one record for each line of it:
#   DOCUMENT <tab> LINE <tab> KIND <tab> BLOCK <tab> TEXT
# KIND is sh (a line of a block), inline (a command within a sentence), port (the arguments of a DPDK
# device), js or toml (a line of a file). Lines of one BLOCK belong together.
# usage: awk -f extract.awk -v form=md|man|help|profile -v document=NAME FILE
#
# md       fenced blocks by their language, blocks indented by four spaces, `code` that is a command
# man      .nf … .fi of EXAMPLE and EXAMPLES, .B and .BR lines that are a command of ours
# help     what is indented below a line "Example:", "Examples:" or "Example, …:"
# profile  a TOML file's comments: what is indented by three spaces there, and `code`

function record(kind, text) { print document "\t" FNR "\t" kind "\t" block "\t" text }

# The first word of what a document may call a command; a path to it counts as its name.
function is_command(text,    word) {
  word = text
  sub(/ .*/, "", word)
  sub(/^.*\//, "", word)
  return index(" " programs " ", " " word " ") > 0
}

# `code` within a line that has an argument, or it is only a program's name.
function inline_commands(line,    span) {
  while (match(line, /`[^`]+`/)) {
    span = substr(line, RSTART + 1, RLENGTH - 2)
    line = substr(line, RSTART + RLENGTH)
    if (span ~ / / && is_command(span)) {
      block++
      record("inline", span)
    }
  }
}

function unroff(text) {
  gsub(/\\-/, "-", text)
  gsub(/\\e/, "\\", text)
  gsub(/\\\(aq/, "'", text)
  gsub(/\\f[BIRP]/, "", text)
  gsub(/\\&/, "", text)
  return text
}

BEGIN {
  programs = "dev claimd claimctl claimgen hugepages.sh sudo apt apt-get apt-cache ip ethtool curl jq " \
    "meson ninja systemctl modprobe node npm npx cat cp tcpreplay tshark wireshark tcpdump " \
    "dpdk-devbind.py dpdk-telemetry.py dpdk-testpmd pktgen"
}

# ---- md -----------------------------------------------------------------------------------------

form == "md" && /^ *```/ {
  if (fence != "") {
    fence = ""
  } else {
    fence = $0
    gsub(/[ `]/, "", fence)
    if (fence == "") fence = "text"
    if (fence == "bash" || fence == "shell" || fence == "console") fence = "sh"
    block++
  }
  before = ""
  next
}
form == "md" && fence != "" {
  if (fence == "sh") { if ($0 !~ /^[ \t]*(#|$)/) record("sh", $0) }
  else if (fence == "js" || fence == "toml") record(fence, $0)
  else if (is_command($0) || /^[$#] /) record("unlabelled", $0)
  next
}
form == "md" {
  if (/^    / && (before == "" || indented)) {
    if (!indented) block++
    indented = 1
    if ($0 !~ /^ +#/) record("sh", substr($0, 5))
  } else {
    indented = 0
    inline_commands($0)
  }
  before = $0
}

# ---- man ----------------------------------------------------------------------------------------

form == "man" && /^\.SH/ { section = $2; next }
form == "man" && section ~ /^EXAMPLE/ {
  if (/^\.(nf|EX)/) { inside = 1; block++ }
  else if (/^\.(fi|EE)/) inside = 0
  else if (inside && $0 !~ /^\./) {
    if (toml) record("toml", unroff($0))
    else if ($0 !~ /^ *(#|$)/) record("sh", unroff($0))
  }
  next
}
form == "man" && section !~ /^(NAME|SYNOPSIS|SEE)/ && /^\.(B|BR) / {
  text = unroff($0)
  sub(/^\.BR? /, "", text)
  if (text ~ /^"/) { sub(/^"/, "", text); sub(/".*/, "", text) }
  else if (/^\.BR/) sub(/ .*/, "", text)
  if (text ~ / / && is_command(text)) { block++; record("inline", text) }
}

# ---- help ---------------------------------------------------------------------------------------

form == "help" && /^Examples?(,.*)?:$/ { inside = 1; block++; next }
form == "help" && inside && /^[^ ]/ { inside = 0 }
form == "help" && inside && /^  [^ #]/ || form == "help" && inside && /^    / { record("sh", substr($0, 3)) }

# ---- profile ------------------------------------------------------------------------------------

form == "profile" && /^#   / {
  if (!inside) block++
  inside = 1
  text = $0
  sub(/^# +/, "", text)
  record(text ~ /^net_/ ? "port" : "sh", text)
  next
}
form == "profile" {
  inside = 0
  if (/^#/) inline_commands($0)
}
