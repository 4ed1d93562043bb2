# Sourced by the bash scripts: where things are, and how a script runs tools quietly and counts what they report.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
logs=$build/logs
cd "$root" || exit

# A Swift toolchain that is installed but not in PATH.
if ! command -v swiftc >/dev/null; then
  for folder in /opt/swift/usr/bin "${SWIFTLY_BIN_DIR:-$HOME/.local/share/swiftly/bin}"; do
    if [ -x "$folder/swiftc" ]; then
      export PATH="$folder:$PATH"
      break
    fi
  done
fi

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# need TOOL...: stops with the way out when a tool is missing.
need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || die "$tool is missing; scripts/setup installs it or says how"
  done
}

# quietly NAME COMMAND...: runs the command with its output in build/logs/NAME.log, and shows the end of that when it fails.
quietly() {
  local log=$logs/$1.log
  shift
  mkdir -p "$logs"
  "$@" >"$log" 2>&1 </dev/null && return
  local status=$?
  tail -n 40 "$log" >&2
  echo "$(basename "$0"): failed; everything it said is in ${log#"$root"/}" >&2
  return "$status"
}

# What ran so far, for scripts that end with the line "N passed, M failed, K skipped".
passed=0 failed=0 skipped=0

# add_counts FILE STATUS: adds the last such line of the file. No line, none that counts a test, or a bad exit status without
# a failed test, is one failure. True when nothing failed.
add_counts() {
  local line counts before=$failed
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$1" | tail -n 1) || true
  read -r -a counts <<<"${line//[^0-9 ]/}"
  passed=$((passed + ${counts[0]:-0}))
  failed=$((failed + ${counts[1]:-0}))
  skipped=$((skipped + ${counts[2]:-0}))
  if [ $((${counts[0]:-0} + ${counts[1]:-0} + ${counts[2]:-0})) -eq 0 ] || { [ "$2" -ne 0 ] && [ "$failed" -eq "$before" ]; }; then
    failed=$((failed + 1))
  fi
  [ "$failed" -eq "$before" ]
}

# failures TITLE LOG: what a step's log says of each failed test, a line each: "not ok NAME: why" of ours, and the lines of pytest
# and Swift Testing; without any, its last lines. Whoever sees but the end of a long run learns the reason from them.
failures() {
  local lines
  lines=$(grep -m 20 -E '^ *(not ok|FAILED|ERROR|✘ (Test|Suite) .* recorded) ?' "$2") || lines=$(tail -n 5 "$2")
  cut -c 1-300 <<<"$lines" | sed "s/^ */$1: /"
}

# at_least TITLE COUNT: false when fewer tests passed than Tests/minimum-counts commits this step to, or when the step is not
# there. A test that was deleted is noticed by this alone.
at_least() {
  local minimum
  minimum=$(sed -n "s/^$1: \([0-9]*\)$/\1/p" Tests/minimum-counts)
  if [ -z "$minimum" ]; then
    echo "Tests/minimum-counts has no line for $1"
    return 1
  elif [ "$2" -lt "$minimum" ]; then
    echo "only $2 tests passed in $1; Tests/minimum-counts says $minimum"
    return 1
  fi
}

# Prints the closing line; true when all that ran passed.
closing_line() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ] && [ "$skipped" -eq 0 ] && [ "$passed" -gt 0 ]
}
