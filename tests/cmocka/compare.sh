#!/bin/bash
# Builds sample.cc for Debian's libcmocka and for ours, and compares what they say in each format. Prints TAP.
#   compare.sh TEST_BUILD       the directory with the objects of tests/cmocka/
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$1
[ -e /usr/include/cmocka.h ] || { printf '1..1\nok 1 - cmocka comparison # SKIP libcmocka-dev is not installed\n'; exit 0; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT

flags="-std=c++20 -w -O0"
g++ $flags -o "$dir/theirs" "$here/sample.cc" -lcmocka || exit 1
g++ $flags -I"$here/.." -o "$dir/ours" "$here/sample.cc" "$build"/tests/cmocka/*.o ${BV_TEST_LDFLAGS:-} -lgtest -lfmt -pthread || exit 1

# What a format promises, without the prose of messages, addresses and times.
outcomes() {
  case $1 in
    STDOUT) grep -E '^\[ +(OK|FAILED|SKIPPED|RUN|PASSED|ERROR|=+) +\] |TEST\(S\)$|^returned' "$2" | grep -vE '^\[  (ERROR   ] ---|FAILED  ] GROUP)|GROUP' ;;
    TAP) grep -E '^1\.\.|^(not )?ok |^# (not )?ok|^returned' "$2" | sed -E 's/(Could not run test:).*/\1/' ;;
    SUBUNIT) grep -E '^(test|success|failure|error|skip): |^\]$|^returned' "$2" | sed -E 's/(Could not run test:).*/\1/' ;;
    XML) sed -E 's/time="[0-9.]*"/time=""/; s/(CDATA\[).*/\1/' "$2" | grep -E '^ *<|^returned' ;;
  esac
}
number=0 bad=0
report() {
  number=$((number + 1))
  if diff -u --label libcmocka "$dir/a" --label ours "$dir/b" >"$dir/diff"; then echo "ok $number - $1"
  else bad=1; echo "not ok $number - $1"; sed 's/^/# /' "$dir/diff" | head -n 40; fi
}

echo 1..7
for format in STDOUT TAP SUBUNIT XML; do
  export CMOCKA_MESSAGE_OUTPUT=$format
  for side in theirs ours; do
    "$dir/$side" >"$dir/$side.out" 2>&1 </dev/null
    outcomes $format "$dir/$side.out" >"$dir/$side.outcomes"
  done
  mv "$dir/theirs.outcomes" "$dir/a"; mv "$dir/ours.outcomes" "$dir/b"
  report "the same results as $format"
done

for side in theirs ours; do
  rm -f "$dir"/x-*; CMOCKA_MESSAGE_OUTPUT=XML CMOCKA_XML_FILE=$dir/x-%g.xml "$dir/$side" >/dev/null 2>&1
  (cd "$dir" && grep -c '<testcase' x-*) >"$dir/$side.files"
done
mv "$dir/theirs.files" "$dir/a"; mv "$dir/ours.files" "$dir/b"
report "the same files for CMOCKA_XML_FILE with %g"

# Lists of the old interface count and print a little otherwise there; their tests' results are the same.
for side in theirs ours; do
  CMOCKA_MESSAGE_OUTPUT=STDOUT "$dir/$side" old 2>/dev/null </dev/null | grep -E '^\[ +(OK|RUN) +\]|^returned' >"$dir/$side.old"
done
mv "$dir/theirs.old" "$dir/a"; mv "$dir/ours.old" "$dir/b"
report "the same results of run_tests and run_group_tests"

for side in theirs ours; do
  CMOCKA_MESSAGE_OUTPUT=TAP "$dir/$side" overrun 2>/dev/null </dev/null | grep -E '^(not )?ok' >"$dir/$side.overrun"
done
mv "$dir/theirs.overrun" "$dir/a"; mv "$dir/ours.overrun" "$dir/b"
report "an overrun of a block is seen"
exit $bad
