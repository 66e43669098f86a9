# Sourced by the tests of the command line: runs mansard and checks its exit status and messages.
set -u
mansard=$(realpath "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
unset MANSARD_PLUGIN_PATH
export MANSARD_DATA=$root
failures=0
checks=0

have_ir() { [ -e "$(dirname "$(dirname "$mansard")")/lib/mansard/libmansard_ir.so" ]; }

problem() {
  failures=$((failures + 1))
  echo "FAILED: $*"
  sed 's/^/    stdout: /' "$work/.out" | head -5
  sed 's/^/    stderr: /' "$work/.err" | head -5
}

# expect STATUS PATTERN ARGUMENTS...: exit status and an extended regular expression that stderr
# (for status 0: stdout) must match. A failing command must print nothing to stdout, ends within 20
# seconds, and never by a signal.
expect() {
  local status=$1 pattern=$2
  shift 2
  checks=$((checks + 1))
  timeout 20 "$mansard" "$@" >"$work/.out" 2>"$work/.err" </dev/null
  local got=$?
  if [ $got -ne "$status" ]; then
    problem "exit $got instead of $status: mansard $*"
    return
  fi
  local text=$work/.err
  [ "$status" -eq 0 ] && text=$work/.out
  grep -Eq -- "$pattern" "$text" || problem "no match for /$pattern/: mansard $*"
  if [ "$status" -ne 0 ] && [ -s "$work/.out" ]; then
    problem "printed to stdout although it failed: mansard $*"
  fi
}

finish() {
  echo "$checks checks, $failures failed"
  [ $failures -eq 0 ]
}
