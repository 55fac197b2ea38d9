#!/bin/bash
# Runs the parts of `make check`, each a command that prints TAP, and adds up their results.
#   check.sh BUILD TEST_BUILD [PART...]       all parts, or the named ones
# BUILD has the executable, TEST_BUILD the test programs. A part's whole output stays in BUILD/check/PART.tap.
# The last line is "N passed, N failed[, N skipped]".
set -u
cd "$(dirname "$0")/../.." || exit 2
build=$1 tests=$2; shift 2
out=$build/check
mkdir -p "$out"
export BUILD=$PWD/$build BV_TEST_BUILD=$PWD/$tests LC_ALL=C.UTF-8
unset CMOCKA_XML_FILE
slow=1
[ "$tests" != build-asan ] || { export BV_TEST_LDFLAGS="-fsanitize=address,undefined" BV_SANITIZED=1; slow=3; }
[ "$build" = build ] || export BV_SLOW_BUILD=1     # limits of time are for the optimised build

# name | limit in seconds | command
parts() {
  echo "includes|60|tests/tools/includes.sh"
  echo "unit|600|env CMOCKA_MESSAGE_OUTPUT=TAP $tests/unit_tests"
  [ -x "$tests/wire_tests" ] && echo "wire|600|env CMOCKA_MESSAGE_OUTPUT=TAP $tests/wire_tests"
  for test in tests/wire/*.sh tests/wire/*.py; do
    [ -x "$test" ] && echo "wire-$(basename "${test%.*}")|600|$test"
  done
  echo "cmocka|300|tests/cmocka/compare.sh $tests"
  echo "fuzz|300|tests/tools/fuzz.sh build-fuzz"
  echo "live|1500|tests/live/run"
  echo "boot|300|env DATA=$PWD/$tests/data tests/boot/run"
}

passed=0 failed=0 skipped=0
while IFS='|' read -r name limit command; do
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
  begin=$SECONDS
  timeout -k 10 $((limit * slow)) $command >"$out/$name.tap" 2>"$out/$name.err" </dev/null
  status=$?
  awk -f tests/tools/tap.awk -v sum="$out/$name.sum" "$out/$name.tap" >"$out/$name.report"
  read -r p f s <"$out/$name.sum"
  if [ $status -ne 0 ] && [ "$f" = 0 ]; then
    f=1
    echo "  FAILED: exit status $status$([ $status = 124 ] && echo " (over its $((limit * slow)) s)"); its last lines:" >>"$out/$name.report"
    tail -n 10 "$out/$name.err" | sed 's/^/    /' >>"$out/$name.report"
  fi
  printf '%-12s %5d passed, %d failed%s  (%d s)\n' "$name" "$p" "$f" "$([ "$s" != 0 ] && echo ", $s skipped")" $((SECONDS - begin))
  cat "$out/$name.report"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done < <(parts)

echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"
[ $failed = 0 ]
