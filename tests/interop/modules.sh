# shellcheck shell=bash
# xrpl.js and the client beside this file, under BUILD_DIR/interop. Sourced by the tests that run
# them; one installation serves all, and later runs.

# Sees to them. Prints why not and returns 1 where they cannot be had.
install_modules() {
  local root=$1 modules=$2/interop tool
  for tool in node npm; do
    command -v "$tool" >/dev/null || { printf '%s is missing\n' "$tool" && return 1; }
  done
  mkdir -p "$modules"
  (
    flock 9
    cp "$root"/tests/interop/{package.json,package-lock.json,client.mjs,redeem.mjs} "$modules/"
    if ! cmp -s "$modules/package-lock.json" "$modules/installed.json"; then
      cd "$modules"
      npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 || exit 1
      cp package-lock.json installed.json
    fi
  ) 9>"$modules/lock" || { printf 'npm could not fetch xrpl.js (%s)\n' "$modules/npm.log" && return 1; }
}
